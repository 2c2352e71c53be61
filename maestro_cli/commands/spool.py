"""What sessions said while the daemon was away: shown, sent, moved aside."""

import os
import time
from pathlib import Path

from maestro_cli import flushing, spool
from maestro_cli.call import Call
from maestro_cli.context import Context
from maestro_cli.environment import run_folder, spool_folder
from maestro_cli.failures import Failure, Usage
from maestro_cli.offline import is_away
from maestro_cli.spool import REFUSED, Kept
from maestro_cli.texts import ago, line, table
from maestrod.client.blocking import Client
from maestrod.client.errors import ClientError

HELD = "Another call is sending right now; try again."


def list_(call: Call) -> int:
    """Show what waits and what was refused, in the order in which it was said."""
    places = _places(call)
    waiting = [kept for place in places for kept in spool.listed(place)]
    refused = [kept for place in places for kept in spool.listed(place, REFUSED)]
    data = [_told(kept, "waiting") for kept in waiting] + [_told(kept, "refused") for kept in refused]
    now = time.time()
    rows = [
        [_short(kept), state, ago(kept.at, now), line(kept.session)[-9:], line(kept.words), _reason(kept)]
        for state, group in (("waiting", waiting), ("refused", refused))
        for kept in group
    ]
    lines = table(["CALL", "STATE", "SAID", "SESSION", "COMMAND", "REASON"], rows, call.output.width)
    call.output.result(data, lines or ["nothing waits, and nothing was refused"])
    return 0


def flush(call: Call) -> int:
    """Send what waits.

    Raises:
        ClientError, Failure: some of it waits on; what another session said was tried all the same.
    """
    applied: list[Kept] = []
    refused: list[Kept] = []
    stopped: ClientError | Failure | None = None
    for place in _places(call):
        if spool.names(place):
            came = flushing.flush(place, _client(call, Path(place).name), time.monotonic() + call.context.timeout)
            applied += came.applied
            refused += came.refused
            stopped = stopped or came.stopped
            if stopped is not None and is_away(stopped):
                break
    if stopped is not None:
        stopped.message = f"{stopped.message} ({len(applied)} applied, {len(refused)} refused, the rest waits on)"
        raise stopped
    data = {
        "applied": len(applied),
        "refused": [_told(kept, "refused") for kept in refused],
    }
    lines = [f"{len(applied)} applied, {len(refused)} refused"] if applied or refused else ["nothing waits"]
    lines += [f"  {_short(kept)}  maestro {line(kept.words)}: {_reason(kept)}" for kept in refused]
    call.output.result(data, lines)
    return 0


def drop(call: Call) -> int:
    """Move calls aside.

    Raises:
        Usage: none is named.
        Failure: one that is named is not there, or they are being sent.
    """
    places = _places(call)
    there = [(place, kept, True) for place in places for kept in spool.listed(place, REFUSED)]
    waiting = [(place, kept, False) for place in places for kept in spool.listed(place)]
    if call.flag("all"):
        chosen = [*there, *waiting]
    elif call.flag("refused"):
        chosen = there
    elif call.texts("call"):
        chosen = [_named([*there, *waiting], name) for name in dict.fromkeys(call.texts("call"))]
    else:
        raise Usage("which calls?", hint="`maestro spool drop --refused`, `--all`, or the id of one.")
    moved = [{"id": kept.id, "path": _dropped(place, kept, refused=refused)} for place, kept, refused in chosen]
    lines = [f"dropped {len(moved)}; moved back into the folder above, it is sent again:"] if moved else []
    call.output.result(moved, [*lines, *(f"  {one['path']}" for one in moved)] or ["nothing to drop"])
    return 0


def _dropped(place: str, kept: Kept, *, refused: bool) -> str:
    try:
        turn = flushing.turn(place, time.monotonic() + spool.LOCK_S)
    except BlockingIOError:
        raise Failure(f"{place} is in use", code="CONFLICT", hint=HELD, retryable=True) from None
    try:
        return spool.drop(place, kept.name, refused=refused)
    finally:
        os.close(turn)


def _named(there: list[tuple[str, Kept, bool]], name: str) -> tuple[str, Kept, bool]:
    """Raises: Failure: nothing, or more than one, is called so."""
    found = [one for one in there if name and one[1].id.endswith(name)]
    if len(found) == 1:
        return found[0]
    if found:
        raise Usage(f"'{name}' fits several: {', '.join(kept.id for _, kept, _ in found[:8])}", hint="Say more of it.")
    raise Failure(f"no call '{name}' waits or was refused", code="NOT_FOUND", hint="`maestro spool list` shows them.")


def _places(call: Call) -> list[str]:
    """The folders that are asked for.

    Raises:
        Failure: nothing is known of the session that is named.
    """
    environ = call.context.environ
    named = call.text("session") or call.context.session
    if not named:
        return [spool_folder(environ, session) for session in spool.sessions(environ)]
    if named == call.context.session:
        return [spool_folder(environ, named)]
    found = [session for session in spool.sessions(environ) if session.endswith(named)]
    if len(found) == 1:
        return [spool_folder(environ, found[0])]
    if found:
        raise Usage(f"'{named}' fits several: {', '.join(found)}", hint="Say more of it.")
    raise Failure(
        f"session '{named}' said nothing that waits", code="NOT_FOUND", hint="`maestro spool list` tells all."
    )


def _client(call: Call, session: str) -> Client:
    """The door to the daemon with the session's own rights."""
    if session == call.context.session:
        return call.client
    credential = str(Path(run_folder(call.context.environ), "sessions", session, "cred"))
    environ = {**call.context.environ, "MAESTRO_CREDENTIAL_FILE": credential}
    return Context(call.context.options, environ).client


def _told(kept: Kept, state: str) -> dict[str, object]:
    problem = kept.problem
    return {
        "id": kept.id,
        "sessionId": kept.session,
        "state": state,
        "command": kept.words,
        "at": kept.at,
        "body": kept.document.get("body"),
        "path": kept.document.get("path"),
        "error": str(problem.get("code") or "").lower() if problem else None,
        "message": problem.get("message") if problem else None,
        "suggestion": problem.get("hint") if problem else None,
    }


def _short(kept: Kept) -> str:
    return line(kept.id).rpartition("-")[2]


def _reason(kept: Kept) -> str:
    return line(f"{kept.problem.get('message') or ''} {kept.problem.get('hint') or ''}") if kept.problem else ""
