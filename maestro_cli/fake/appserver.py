"""``codex app-server``: enough of it to be asked for the hashes of hooks."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from typing import TextIO

from maestro_cli.fake.hooks import Hook


def serve(lines: Iterable[str], out: TextIO, hooks: Sequence[Hook]) -> int:
    """Answer JSON-RPC, one message a line, until the input ends."""
    for line in lines:
        try:
            message = json.loads(line)
        except ValueError:
            continue
        if isinstance(message, dict) and "id" in message:
            out.write(f"{json.dumps(_reply(message, hooks))}\n")
            out.flush()
    return 0


def _reply(message: dict[str, object], hooks: Sequence[Hook]) -> dict[str, object]:
    params = message.get("params")
    match message.get("method"):
        case "initialize":
            return {"id": message["id"], "result": {"userAgent": "codex_cli/0.169.0"}}
        case "hooks/list":
            cwds = params.get("cwds") if isinstance(params, dict) else None
            listed = [_entry(hook, number) for number, hook in enumerate(hooks)]
            data = [{"cwd": cwd, "hooks": listed} for cwd in (cwds if isinstance(cwds, list) else [""])]
            return {"id": message["id"], "result": {"data": data}}
        case other:
            error = {"code": -32601, "message": f"method not found: {other}"}
            return {"id": message["id"], "error": error}


def _entry(hook: Hook, number: int) -> dict[str, object]:
    event = re.sub(r"(?<!^)(?=[A-Z])", "_", hook.event).lower()
    digest = hashlib.sha256(json.dumps(hook).encode()).hexdigest()
    return {
        "key": f"/<session-flags>/config.toml:{event}:{number}:0",
        "eventName": event,
        "command": hook.command,
        "currentHash": f"sha256:{digest}",
        "trustStatus": "untrusted",
        "source": "sessionFlags",
    }
