"""Worktrees of sessions: looking, merging, removing, and the trash."""

from maestro_cli import texts
from maestro_cli.call import Call
from maestro_cli.commands.projects import here
from maestro_cli.output import plain
from maestro_cli.texts import line
from maestro_cli.views import Page, rows_of
from maestrod.client.blocking import quoted

PATIENCE_S = 600.0
"""What copies, compares or deletes a whole working tree takes its time."""
SHOWN = 20

Document = dict[str, object]


def list_(call: Call) -> int:
    """Each with whose it is, how it stands, and its branch."""
    found = _asked(call, "GET", f"/projects/{quoted(here(call))}/worktrees")
    page = _page(call)
    rows, _ = rows_of(found)
    cells = [
        [
            page.short(row.get("sessionId")),
            page.status(row.get("sessionStatus")),
            line(row.get("state")),
            _ahead(row),
            line(row.get("branch")),
            line(row.get("sessionName")),
        ]
        for row in rows
    ]
    titles = ["SESSION", "STATUS", "WORKTREE", "CHANGES", "BRANCH", "NAME"]
    lines = texts.table(titles, cells, page.width, colour=page.colour) if rows else ["no worktrees"]
    call.output.result(found, lines)
    return 0


def get(call: Call) -> int:
    """Where it is, and the names of what is in it."""
    found = _object(_asked(call, "GET", _route(call)))
    pairs = [(name, line(found.get(key))) for name, key in _PAIRS]
    blocks: list[str] = []
    for title, key in _BLOCKS:
        rows = found.get(key)
        if isinstance(rows, list) and rows:
            blocks += [title, *(f"  {_named(row)}" for row in rows[:SHOWN])]
            blocks += [f"  and {len(rows) - SHOWN} more"] if len(rows) > SHOWN else []
    head = texts.bold(line(found.get("sessionName")), colour=call.output.colour)
    call.output.result(found, [head, *texts.pairs(pairs), *blocks])
    return 0


def diff(call: Call) -> int:
    """The patch, as git shows it; or the files."""
    short = call.flag("stat")
    query: Document = {"patch": "false"} if short and not call.output.json else {}
    found = _object(_asked(call, "GET", f"{_route(call)}/diff", query=query))
    rows, _ = rows_of(found.get("files"))
    lines = [_changed(row) for row in rows]
    if not short:
        lines = plain(str(found.get("patch") or ""), block=True).rstrip("\n").split("\n")
        lines += ["… the rest is cut: `--stat` shows which files"] if found.get("cut") is True else []
    call.output.result(found, lines if rows else ["nothing has changed"])
    return 0


def merge(call: Call) -> int:
    """Say into what, and that there was nothing to do when there was not."""
    body: Document = {name: call.text(name) for name in ("into", "commit") if call.text(name)}
    found = _object(_asked(call, "POST", f"{_route(call)}/merge", body=body))
    branch = line(_object(found.get("worktree")).get("branch"))
    into = line(found.get("into"))
    words = f"merged {branch} into {into}" if found.get("changed") is True else f"{into or branch} has all of it"
    call.output.result(found, [words])
    return 0


def remove(call: Call) -> int:
    """Say what was kept, and under which name it is brought back."""
    query: Document = {"force": "true"} if call.flag("force") else {}
    found = _object(_asked(call, "DELETE", _route(call), query=query))
    lines = [f"removed the worktree of session {line(found.get('sessionId'))}"]
    if found.get("kept"):
        lines.append(f"  kept for 30 days: maestro worktree restore {line(found['kept'])}")
    if found.get("branchLeft"):
        lines.append(f"  its branch {line(found['branchLeft'])} is in use, and stays")
    call.output.result(found, lines)
    return 0


def trash(call: Call) -> int:
    """Each with its name, its session and when it is dropped."""
    found = _asked(call, "GET", f"/projects/{quoted(here(call))}/trash")
    page = _page(call)
    rows, _ = rows_of(found)
    cells = [
        [
            line(row.get("name")),
            page.when(row.get("at")),
            page.when(row.get("until")),
            line(row.get("branch")),
            line(row.get("sessionName")) or "(forgotten)",
        ]
        for row in rows
    ]
    titles = ["NAME", "REMOVED", "KEPT UNTIL", "BRANCH", "SESSION"]
    lines = texts.table(titles, cells, page.width, colour=page.colour) if rows else ["the trash is empty"]
    call.output.result(found, lines)
    return 0


def restore(call: Call) -> int:
    """Say where it is."""
    route = f"/projects/{quoted(here(call))}/trash/{quoted(call.text('name'))}/restore"
    found = _object(_asked(call, "POST", route))
    where = f"in {line(found['path'])}" if found.get("path") else "a branch alone: its session was forgotten"
    call.output.result(found, [f"restored {line(found.get('branch'))}, {where}"])
    return 0


_PAIRS = (
    ("session", "sessionId"),
    ("status", "sessionStatus"),
    ("worktree", "state"),
    ("path", "path"),
    ("branch", "branch"),
    ("began from", "baseBranch"),
    ("began at", "baseCommit"),
    ("trouble", "trouble"),
)
_BLOCKS = (
    ("not committed", "changed"),
    ("untracked", "untracked"),
    ("copied, and changed since", "changedCopies"),
    ("repositories within, with work of their own", "repositories"),
    ("commits that are nowhere else", "commits"),
    ("ignored, and deleted with it", "ignored"),
)


def _asked(
    call: Call, method: str, route: str, *, body: Document | None = None, query: Document | None = None
) -> object:
    where = call.context.where()
    return call.client.call(method, route, body=body, query=query or {}, headers=where, timeout=PATIENCE_S).body


def _route(call: Call) -> str:
    return f"/sessions/{quoted(call.text('session'))}/worktree"


def _ahead(row: Document) -> str:
    ahead, dirty = row.get("ahead"), row.get("uncommitted")
    parts = [f"{ahead} commits" if ahead != 1 else "1 commit"] if ahead else []
    return ", ".join([*parts, *([f"{dirty} uncommitted"] if dirty else [])]) or "-"


def _changed(row: Document) -> str:
    lines = "binary" if row.get("added") is None else f"+{row.get('added')} -{row.get('removed')}"
    return f"{lines:>12}  {line(row.get('path'))}"


def _named(row: object) -> str:
    return f"{line(row.get('id'))[:10]} {line(row.get('subject'))}" if isinstance(row, dict) else line(row)


def _page(call: Call) -> Page:
    return Page(width=call.output.width, colour=call.output.colour)


def _object(value: object) -> Document:
    return value if isinstance(value, dict) else {}
