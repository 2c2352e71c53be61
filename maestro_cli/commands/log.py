"""The history: commits, newest last."""

import re
import time
from collections.abc import Iterator
from itertools import chain

from maestro_cli.call import Call
from maestro_cli.commands.watch import frames
from maestro_cli.texts import ago, line
from maestrod.client.blocking import Client

Document = dict[str, object]
Query = dict[str, object]

WINDOW = 500
"""Commits read at a time when only some of them are wanted."""
FIELDS = ("taskId", "sessionId", "projectId", "subtaskId", "itemId", "title", "name", "message", "note", "reason")


def log(call: Call) -> int:
    """The newest commits, or those after a seq; then, when asked, each new one as it comes."""
    query: Query = {name: call.text(name) for name in ("actor", "entity") if call.text(name)}
    most = max(1, int(call.number("limit", 30)))
    after = int(call.number("after", -1))
    oldest = (time.time() - call.number("since")) * 1000 if call.number("since") else 0.0
    found, last = _forward(call.client, query, after, most) if after >= 0 else _newest(call.client, query, most, oldest)
    found = [commit for commit in found if _at(commit) >= oldest]
    now = time.time()
    if not call.flag("follow"):
        call.output.result(found, [shown(commit, now) for commit in found])
        return 0
    for commit in chain(found, _new(call.client, query, last)):
        call.output.item(commit, shown(commit, time.time()))
    return 0


def _forward(client: Client, query: Query, after: int, most: int) -> tuple[list[Document], int]:
    found: list[Document] = []
    while True:
        commits, last, end = _page(client, query, after)
        found += commits
        if len(found) >= most or last >= end or last == after:
            return found[:most], last
        after = last


def _newest(client: Client, query: Query, most: int, oldest: float) -> tuple[list[Document], int]:
    _, _, end = _page(client, query, None, limit=1)
    found: list[Document] = []
    top = end
    while top > 0 and len(found) < most:
        low = max(0, top - (WINDOW if query else most))
        commits, _, _ = _page(client, query, low, limit=top - low)
        found = [*commits, *found]
        top = low
        if commits and _at(commits[0]) < oldest:
            break
    return found[-most:], end


def _page(client: Client, query: Query, after: int | None, *, limit: int = WINDOW) -> tuple[list[Document], int, int]:
    """Commits after a seq, the seq of the last one that was read, and where the history ends."""
    where = {} if after is None else {"after": after}
    body = client.call("GET", "/commits", query={**query, **where, "limit": limit}).body
    document = body if isinstance(body, dict) else {}
    rows = document.get("data")
    last, end = document.get("last"), document.get("seq")
    return (
        [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else [],
        last if isinstance(last, int) else 0,
        end if isinstance(end, int) else 0,
    )


def _new(client: Client, query: Query, last: int) -> Iterator[Document]:
    for frame in frames(client, last):
        seq = frame.get("seq")
        while isinstance(seq, int) and seq > last:
            commits, read, _ = _page(client, query, last)
            yield from commits
            if read == last:
                break
            last = read


def _at(commit: Document) -> float:
    at = commit.get("at")
    return float(at) if isinstance(at, int) else 0.0


def shown(commit: Document, now: float) -> str:
    """The commit as a line: number, age, actor, deed, about what."""
    command = commit.get("command")
    given = command if isinstance(command, dict) else {}
    about = "  ".join(line(given.get(name)) for name in FIELDS if given.get(name))
    if not about:
        changes = commit.get("changes")
        about = line(changes[0].get("id")) if isinstance(changes, list) and changes else ""
    head = f"{line(commit.get('seq')):>6}  {ago(commit.get('at'), now):<8}  {line(commit.get('actor')):<10}"
    return f"{head}  {deed_of(commit)}  {about}".rstrip()


def deed_of(commit: Document) -> str:
    """The kind of its command as words: ``complete task``."""
    command = commit.get("command")
    kind = command.get("kind") if isinstance(command, dict) else ""
    return re.sub(r"(?<=[a-z])([A-Z])", r" \1", line(kind)).lower()
