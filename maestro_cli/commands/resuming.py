"""Bringing ended sessions back."""

from maestro_cli import fast, reading
from maestro_cli.call import Call
from maestro_cli.failures import Failure, Usage
from maestro_cli.verbs import VERBS
from maestro_cli.views import did
from maestrod.client.blocking import quoted
from maestrod.client.errors import ClientError

LIVE = frozenset({"spawning", "idle", "working"})


def resume(call: Call) -> int:
    """Mark the session as coming back, then open its window again."""
    named = call.text("session")
    if call.flag("all_interrupted"):
        if named:
            raise Usage("name a session, or say --all-interrupted")
        return _all_interrupted(call)
    if not named:
        raise Usage("which session?", hint="`maestro session list` shows them; --all-interrupted takes all of them.")
    session = _marked(call, named)
    if call.flag("no_launch"):
        call.output.result(session, did("resumed session", session))
        return 0
    found = str(session.get("id")) if isinstance(session, dict) else named
    row = next(row for row in VERBS if row[0] == "session launch")
    return fast.run(Call(row, reading.values(row, {"session": [found]}), call.context, call.output))


def _all_interrupted(call: Call) -> int:
    """One after the other, the oldest first; who does not come back is named, and the others do."""
    query = {"projectId": call.context.project} if call.context.project else {}
    sessions = call.client.call("GET", "/sessions", query=query).body
    lost = [s for s in sessions if _is_interrupted(s)] if isinstance(sessions, list) else []
    back, failed = [], []
    for session in lost:
        try:
            back.append(_brought_back(call, str(session["id"])))
        except (ClientError, Failure) as error:
            failed.append({"sessionId": session["id"], "reason": error.message})
    told = [line for session in back for line in did("resumed session", session)]
    if failed:
        words = "; ".join(f"{each['sessionId']}: {each['reason']}" for each in failed)
        message = f"{len(failed)} of {len(lost)} sessions did not come back: {words}"
        raise Failure(message, code="AGENT_NOT_STARTED", details=failed)
    call.output.result(back, told or ["no session was interrupted"])
    return 0


def _is_interrupted(session: object) -> bool:
    ended = session.get("exit") if isinstance(session, dict) and session.get("status") not in LIVE else None
    return isinstance(ended, dict) and ended.get("interrupted") is True


def _brought_back(call: Call, session_id: str) -> object:
    session = _marked(call, session_id)
    if call.flag("no_launch"):
        return session
    from maestro_cli.launch import NotStarted, launch
    from maestrod.locations import locate

    environ = call.context.environ
    try:
        return launch(session_id, call.client, locations=locate(environ), environ=environ).session
    except NotStarted as failure:
        raise Failure(failure.reason, code="AGENT_NOT_STARTED", hint=failure.hint) from failure


def _marked(call: Call, session: str) -> object:
    path = f"/sessions/{quoted(session)}/resume"
    return call.client.call("POST", path, body={}, headers=call.context.where()).body
