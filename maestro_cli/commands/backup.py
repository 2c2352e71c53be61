"""Backups: the daemon makes and lists them; its program verifies and restores them."""

import json
import os
import subprocess
import sys
from pathlib import Path

from maestro_cli import autostart, texts
from maestro_cli.call import Call
from maestro_cli.environment import is_own
from maestro_cli.failures import Failure

PATIENCE_S = 600.0
CODES = {1: "VALIDATION_ERROR", 6: "CONFLICT"}
"""How the program ended, as one of our errors; anything else is one of the disk."""

Document = dict[str, object]


def create(call: Call) -> int:
    """Have the daemon make one; agents and commits go on meanwhile."""
    made = _object(call.client.call("POST", "/backups", timeout=PATIENCE_S).body)
    lines = [f"backup {texts.line(made.get('name'))}  up to commit {made.get('seq')}"]
    dropped = made.get("dropped")
    lines += [f"removed {texts.line(name)}" for name in dropped] if isinstance(dropped, list) else []
    call.output.result(made, lines)
    return 0


def list_(call: Call) -> int:
    """Those that are there, oldest first."""
    found = call.client.call("GET", "/backups", timeout=PATIENCE_S).body
    rows = [_row(each) for each in found if isinstance(each, dict)] if isinstance(found, list) else []
    lines = texts.table(["BACKUP", "COMMIT", "BYTES", "STATE"], rows, call.output.width)
    call.output.result(found, lines if rows else ["there are no backups: `maestro backup create` makes one"])
    return 0


def verify(call: Call) -> int:
    """Have one put together aside and compared with what it says of itself."""
    return _program(call, "verify")


def restore(call: Call) -> int:
    """Have one put in the place of the data; what is there is moved aside."""
    if not is_own(call.context.environ, call.context.server):
        raise Failure(f"{call.context.server} is not the daemon of this home", hint="Leave out --server.")
    if call.context.environ.get("MAESTRO_SESSION_ID"):
        raise Failure("restoring is for people", code="FORBIDDEN", hint="Ask the person who runs Maestro.")
    if autostart.serves(call.context.environ):
        raise Failure("the daemon of this home runs", code="CONFLICT", hint="`maestro daemon stop` first.")
    return _program(call, "restore")


def _program(call: Call, deed: str) -> int:
    argv = [sys.executable, "-m", "maestrod", deed, "--json", "--", _named(call.text("backup") or "latest")]
    ended = subprocess.run(
        argv, env=autostart.clean(call.context.environ), stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    if ended.returncode:
        said = ended.stderr.decode("utf-8", "replace").strip() or "nothing was said"
        raise Failure(texts.line(said), code=CODES.get(ended.returncode, "IO_ERROR"))
    report = _object(json.loads(ended.stdout))
    says = report.get("says")
    call.output.result(report, map(texts.line, says) if isinstance(says, list) else [])
    return 0


def _named(name: str) -> str:
    """A path is made absolute; anything else is the name of a backup of this home."""
    path = Path(name)
    return os.path.abspath(path) if "/" in name or path.is_file() else name  # noqa: PTH100 - keeps links as written


def _row(kept: Document) -> list[str]:
    state = texts.line(kept.get("problem")) if kept.get("problem") else "whole"
    return [texts.line(kept.get("name")), str(kept.get("seq", "-")), str(kept.get("size")), state]


def _object(value: object) -> Document:
    return value if isinstance(value, dict) else {}
