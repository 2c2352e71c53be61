"""Taking commits back."""

import time
from contextlib import suppress

from maestro_cli.call import Call
from maestro_cli.commands.log import deed_of, shown
from maestro_cli.failures import Failure
from maestro_cli.texts import counted, line
from maestrod.client.blocking import Client, Refusal, quoted

Document = dict[str, object]

LAST = "last"
LOOKED_BACK = 1000
LISTED = 20


def undo(call: Call) -> int:
    """Take back the commit that is named, else the newest of one's own that can be; or list those that can be."""
    named = call.text("commit")
    if call.flag("list"):
        if named:
            raise Failure("--list names no commit", code="VALIDATION_ERROR", hint="`maestro undo --list`")
        return _listed(call)
    done = call.client.call("POST", f"/undo/{quoted(named or LAST)}").body
    document = _object(done)
    deed = "" if call.output.json else _deed(call.client, document.get("undone"))
    call.output.result(document, [_told(document, deed)])
    return 0


def _listed(call: Call) -> int:
    end = _object(call.client.call("GET", "/commits", query={"limit": 1}).body).get("seq")
    after = max(0, (end if isinstance(end, int) else 0) - LOOKED_BACK)
    rows = [row for row in _rows(call.client, {"after": after, "limit": LOOKED_BACK}) if row.get("undoable")]
    newest = rows[-LISTED:]
    now = time.time()
    call.output.result(newest, [shown(row, now) for row in newest] or ["nothing can be taken back"])
    return 0


def _deed(client: Client, seq: object) -> str:
    """What the commit had done; empty when that cannot be read."""
    if not isinstance(seq, int):
        return ""
    with suppress(Refusal):
        commit = next(iter(_rows(client, {"after": seq - 1, "limit": 1})), {})
        return f"{deed_of(commit)} {_name(client, _object(commit.get('command')))}".strip()
    return ""


def _name(client: Client, command: Document) -> str:
    """What people call the thing that the command was about, as it is called now; else by its own words."""
    for field, kind in (("taskId", "tasks"), ("sessionId", "sessions")):
        if isinstance(id_ := command.get(field), str):
            with suppress(Refusal):
                thing = _object(client.call("GET", f"/{kind}/{quoted(id_)}").body)
                return f"“{line(thing.get('title') or thing.get('name'))}”"
    own = line(command.get("title") or command.get("name"))
    return f"“{own}”" if own else ""


def _rows(client: Client, query: Document) -> list[Document]:
    data = _object(client.call("GET", "/commits", query=query).body).get("data")
    return [row for row in data if isinstance(row, dict)] if isinstance(data, list) else []


def _told(done: Document, deed: str) -> str:
    parts = [f"{word} {', '.join(counted(done.get(word)))}" for word in ("restored", "removed") if done.get(word)]
    what = "; ".join(parts) or "nothing had changed"
    commit = f"commit {done.get('undone')}, {deed}," if deed else f"commit {done.get('undone')}"
    return f"{commit} is taken back: {what}. `maestro undo {done.get('seq')}` does it again."


def _object(value: object) -> Document:
    return value if isinstance(value, dict) else {}
