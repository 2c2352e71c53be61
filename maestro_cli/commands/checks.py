"""Running a task's checks and waiting for them."""

import time

from maestro_cli import texts, work_views
from maestro_cli.call import Call
from maestro_cli.failures import Failure
from maestrod.client.blocking import quoted

STEP_S = 25.0
"""How long one request waits: less than the daemon allows a request."""
SLACK_S = 35.0
"""What the daemon may need beyond that: it looks at the work before it answers."""
NOT_PASSED = 6


def run(call: Call) -> int:
    """Ask for a run and, unless told otherwise, show how it went; 6 when a check does not stand.

    Raises:
        Failure: the time ran out.
    """
    path = f"/tasks/{quoted(call.text('task'))}/checks"
    session = call.text("session")
    where = call.context.where()
    call.client.call("POST", f"{path}/run", body={"sessionId": session} if session else {}, headers=where)
    found = _waited(call, path, 0.0 if call.flag("no_wait") else call.number("timeout"))
    page = texts.Page(width=call.output.width, colour=call.output.colour)
    call.output.result(found, work_views.checks(found, page))
    return 0 if found.get("passed") is True or call.flag("no_wait") else NOT_PASSED


def _waited(call: Call, path: str, limit: float) -> dict[str, object]:
    deadline = time.monotonic() + limit
    while True:
        step = min(STEP_S, max(0.0, deadline - time.monotonic()))
        answer = call.client.call(
            "GET", path, query={"wait": round(step)}, headers=call.context.where(), timeout=step + SLACK_S
        ).body
        found = answer if isinstance(answer, dict) else {}
        if found.get("running") is not True or call.flag("no_wait"):
            return found
        if time.monotonic() >= deadline:
            raise Failure(
                f"the checks still run after {limit:g} s",
                code="TIMEOUT",
                hint=f"`maestro task check list {call.text('task')}` shows how they stand.",
            )
