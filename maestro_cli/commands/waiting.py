"""Waiting for a session."""

import time

from maestro_cli import views
from maestro_cli.call import Call
from maestro_cli.failures import Failure
from maestro_cli.texts import line
from maestrod.client.blocking import quoted
from maestrod.client.errors import Refused, TimedOut

STEP_S = 25.0
"""How long one request waits: less than the daemon allows a request."""
SLACK_S = 5.0


def wait(call: Call) -> int:
    """Return when the session has reached one of the statuses.

    Raises:
        Failure: the time ran out.
    """
    until = call.texts("until")
    limit = call.number("timeout", 600.0)
    deadline = time.monotonic() + limit
    while (left := deadline - time.monotonic()) > 0:
        found = reached(call, until, min(left, STEP_S))
        if isinstance(found, dict):
            state = "needs input" if views.asks(found) else line(found.get("status"))
            call.output.result(found, [f"{state}  {line(found.get('id'))}  {line(found.get('name'))}"])
            return 0
    session = call.text("session")
    raise Failure(
        f"session {session} is not {' or '.join(until)} after {limit:g} s",
        code="TIMEOUT",
        hint=f"`maestro session info {session}` shows how it stands.",
    )


def reached(call: Call, until: list[str], seconds: float) -> object:
    """The session when it has reached a status within the seconds, else None."""
    query = {"until": ",".join(until), "timeout": max(1, round(seconds))}
    path = f"/sessions/{quoted(call.text('session'))}/wait"
    try:
        return call.client.call("GET", path, query=query, headers=call.context.where(), timeout=seconds + SLACK_S).body
    except TimedOut:
        return None
    except Refused as refused:
        if refused.code != "TIMEOUT":
            raise
        return None
