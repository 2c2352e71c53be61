"""What a session's call does when no daemon can be reached: what it says is kept, what it asks is remembered."""

import time

from maestro_cli import flushing, spool
from maestro_cli.environment import spool_folder
from maestro_cli.failures import Failure, note
from maestrod.client.errors import ClientError, Refused, TimedOut, Unreachable

TYPE_CHECKING = False  # typing costs the everyday call half of its time
if TYPE_CHECKING:
    from maestro_cli.call import Call
    from maestro_cli.request import Request

    Document = dict[str, object]

AWAY = frozenset({"STARTING", "SHUTTING_DOWN", "STORE_READ_ONLY", "DAEMON_NOT_STARTED"})
LOCAL = frozenset(
    {
        *("spool", "hook", "track-file", "agent", "prime", "worker", "orchestrator", "daemon", "manifest", "commands"),
        *("help", "completion", "config", "doctor", "demo", "tui", "init", "backup"),
    }
)
"""Verbs that do not speak for the session, or have no time."""
QUEUED = "queued: the daemon is away; this is kept, and applied in order at the next contact"
INSIDE = "queued: nothing connects from this sandbox; this is kept, and the next hook tells what came of it"


def held_up(call: "Call") -> "ClientError | Failure | None":
    """Send what waits before a call that comes after it; why something still waits, if it does."""
    place = spool_folder(call.context.environ, call.context.session)
    if call.words.partition(" ")[0] in LOCAL or not spool.names(place):
        return None
    client = call.client
    patience, client.patience = client.patience, 0.0
    came = flushing.flush(place, client, time.monotonic() + call.context.timeout)
    client.patience = patience
    if isinstance(came.stopped, Failure):
        client.start = None  # it would fail once more
    if came.refused or (came.applied and not call.output.quiet):
        note(flushing.summary(came))
    unknown = isinstance(came.stopped, Refused) and came.stopped.status == 401
    return None if unknown else came.stopped


def is_away(error: "ClientError | Failure") -> bool:
    """Whether it says that nobody hears us, or takes no writes just now."""
    return isinstance(error, Unreachable | TimedOut) or error.code in AWAY


def instead(call: "Call", request: "Request", lost: "ClientError | Failure") -> bool:
    """Keep what is said, or answer what is asked from the manifest; false when neither can be done."""
    if not is_away(lost):
        return False
    if request.body is not None:
        return kept(call, request, lost)
    from maestro_cli import remembered

    return remembered.answered(call)


def kept(call: "Call", request: "Request", why: "ClientError | Failure") -> bool:
    """Keep what is said, and say so; false when it is not to be kept, or cannot be."""
    document = keep(call, request, why)
    if document is None:
        return False
    call.output.result(document, told(document, why))
    return True


def keep(call: "Call", request: "Request", why: "ClientError | Failure") -> "Document | None":
    """Keep a call that may wait; the answer says so. None when it may not, or cannot be kept."""
    if call.words not in spool.WORDS or not _is_own(call, request):
        return None
    place = spool_folder(call.context.environ, call.context.session)
    try:
        id_ = spool.keep(place, call.words, request)
    except OSError as error:
        trouble = f"It could not be kept either: {error.filename or place}: {error.strerror}."
        why.hint = f"{why.hint} {trouble}".strip()
        return None
    made = request.body.get("id") if request.body else None
    return {"queued": True, "call": id_, **({"id": made} if made else {})}


def told(document: "Document", why: "ClientError | Failure") -> list[str]:
    """The line about a call that is kept."""
    line = INSIDE if isinstance(why, Unreachable) and why.forbidden else QUEUED
    return [f"{line}  ({document['id']})" if "id" in document else line]


def say(call: "Call", request: "Request") -> "tuple[object, list[str]]":
    """Send what a handler says for a session, or keep it: the answer, and a line when it was kept.

    Raises:
        ClientError, Failure: neither can be done.
    """
    held = held_up(call) if call.context.session else None
    if held is not None and (document := keep(call, request, held)) is not None:
        return document, told(document, held)
    try:
        return call.client.call(request.method, request.path, body=request.body, headers=request.headers).body, []
    except (ClientError, Failure) as lost:
        document = keep(call, request, lost) if call.context.session and is_away(lost) else None
        if document is None:
            raise
        return document, told(document, lost)


def _is_own(call: "Call", request: "Request") -> bool:
    """Whether a task that is begun is in the session's hands: a claim of another needs the daemon's word.

    An ending or a title of a task of its own is replaced by its id, which never means another.
    """
    named = call.text("task")
    if not named or "{task}" not in call.row[2] or named == "-":
        return True
    from maestro_cli import remembered
    from maestrod.client.blocking import quoted

    id_ = remembered.own_task(call.context, named)
    if id_:
        request.path = request.path.replace(f"/tasks/{quoted(named)}", f"/tasks/{id_}", 1)
    return bool(id_) or call.words != "task start"
