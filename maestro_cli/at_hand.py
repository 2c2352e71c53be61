"""Which of several tasks in a session's hands is meant by who names none."""

from maestro_cli.context import Context
from maestro_cli.failures import Failure
from maestro_cli.views import rows_of
from maestrod.client.errors import ClientError


def begun(context: Context) -> str:
    """The one task that the session works on right now; "" for none, for several, and while the daemon is away."""
    if not context.session:
        return ""
    query = {"sessionId": context.session, "status": "in_progress"}
    try:
        rows, _ = rows_of(context.client.call("GET", "/tasks", query=query).body)
    except (ClientError, Failure):
        return ""
    own = [str(row.get("id")) for row in rows if _works(row.get("taskSessionStatuses"), context.session)]
    return own[0] if len(own) == 1 else ""


def _works(statuses: object, session: str) -> bool:
    return isinstance(statuses, dict) and statuses.get(session) == "working"
