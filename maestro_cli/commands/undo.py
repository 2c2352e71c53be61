"""Taking commits back."""

import time

from maestro_cli.call import Call
from maestro_cli.commands.log import shown
from maestro_cli.failures import Failure
from maestro_cli.texts import counted
from maestrod.client.blocking import quoted

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
    document = done if isinstance(done, dict) else {}
    call.output.result(document, [_told(document)])
    return 0


def _listed(call: Call) -> int:
    end = _object(call.client.call("GET", "/commits", query={"limit": 1}).body).get("seq")
    after = max(0, (end if isinstance(end, int) else 0) - LOOKED_BACK)
    data = _object(call.client.call("GET", "/commits", query={"after": after, "limit": LOOKED_BACK}).body).get("data")
    rows = [row for row in data if isinstance(row, dict) and row.get("undoable")] if isinstance(data, list) else []
    newest = rows[-LISTED:]
    now = time.time()
    call.output.result(newest, [shown(row, now) for row in newest] or ["nothing can be taken back"])
    return 0


def _told(done: Document) -> str:
    parts = [f"{word} {', '.join(counted(done.get(word)))}" for word in ("restored", "removed") if done.get(word)]
    what = "; ".join(parts) or "nothing had changed"
    return f"commit {done.get('undone')} is taken back: {what}. `maestro undo {done.get('seq')}` does it again."


def _object(value: object) -> Document:
    return value if isinstance(value, dict) else {}
