"""Events as they happen: the stream is followed across restarts of the daemon, nothing twice, nothing missed."""

import time
from collections.abc import Callable, Iterator, Set
from pathlib import Path

from maestro_cli.call import Call
from maestro_cli.commands.projects import containing
from maestro_cli.failures import Usage, note
from maestro_cli.output import is_read
from maestro_cli.texts import clock, line
from maestro_cli.views import rows_of
from maestrod.client import jsontext
from maestrod.client.blocking import Client, quoted
from maestrod.client.errors import Unreachable
from maestrod.client.websocket import messages
from maestrod.client.wire import Lost

Document = dict[str, object]
Wanted = Callable[[Document], bool]

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 3.0
OWN_FRAMES = frozenset({"hello", "subscribed", "unsubscribed", "pong"})


def watch(call: Call) -> int:
    """Every event of the project, or of what is named."""
    project = _project(call)
    sessions = _resolved(call, "sessions", call.texts("session"))
    tasks = _resolved(call, "tasks", call.texts("task"))
    return _told(call, lambda frame: concerns(frame, sessions=sessions, tasks=tasks), project=project)


def watch_sessions(call: Call) -> int:
    """Events of one session, or of all that were started by the one at hand."""
    named = call.text("session")
    if not named and not call.context.session:
        kinds = ("session:", "notify:", "queue:", "timeline:")
        return _told(call, lambda frame: str(frame.get("event")).startswith(kinds))
    if named:
        ids = _resolved(call, "sessions", [named])
    else:
        children = call.client.call("GET", "/sessions", query={"parentSessionId": call.context.session}).body
        ids = {str(session.get("id")) for session in rows_of(children)[0]}

    def wanted(frame: Document) -> bool:
        data = frame.get("data")
        if not named and isinstance(data, dict) and data.get("parentSessionId") == call.context.session:
            ids.add(str(data.get("id")))
        return concerns(frame, sessions=ids or {""})

    return _told(call, wanted)


def _project(call: Call) -> str:
    """The id of the project to which the events are narrowed, if any."""
    if call.flag("all"):
        return ""
    if call.context.project:
        found: object = call.client.call("GET", f"/projects/{quoted(call.context.project)}").body
    else:
        found = containing(call, Path.cwd())
    return str(found.get("id")) if isinstance(found, dict) else ""


def _resolved(call: Call, noun: str, names: list[str]) -> set[str]:
    found = [call.client.call("GET", f"/{noun}/{quoted(name)}", headers=call.context.where()).body for name in names]
    return {str(one.get("id")) for one in found if isinstance(one, dict)}


def concerns(frame: Document, *, sessions: Set[str] = frozenset(), tasks: Set[str] = frozenset()) -> bool:
    """Whether the frame is about one of them; no ids, no limit."""
    data = frame.get("data")
    if not isinstance(data, dict):
        return not sessions and not tasks
    about = {str(data.get(name)) for name in ("id", "sessionId", "taskId", "parentId", "toSessionId")}
    return (not sessions or bool(about & sessions)) and (not tasks or bool(about & tasks))


def _told(call: Call, wanted: Wanted, *, project: str = "") -> int:
    most = int(call.number("count", -1))
    if call.number("count") < 0:
        raise Usage("--count: there are no fewer than none")
    if most == 0 or not is_read():
        return 0
    after = int(call.number("after", -1))
    start = after if after >= 0 else seq_of(call.client)
    begins = tuple(pattern.rstrip("*") for pattern in call.texts("event"))
    subscription: Document = {"type": "subscribe", **({"projectId": project} if project else {})}
    told = 0
    for frame in frames(call.client, start, say=jsontext.write(subscription)):
        if not str(frame.get("event")).startswith(begins or ("",)) or not wanted(frame):
            continue
        call.output.item(frame, shown(frame))
        told += 1
        if told == most:
            break
    return 0


def seq_of(client: Client) -> int:
    """Where the history stands now; a daemon that does not run is started by this."""
    hello = client.call("GET", "/hello").body
    seq = hello.get("durableSeq", hello.get("seq")) if isinstance(hello, dict) else 0
    return seq if isinstance(seq, int) else 0


def _waiting() -> None:
    note("the daemon is away; waiting for it")


def frames(client: Client, after: int, *, say: str = "", away: Callable[[], None] = _waiting) -> Iterator[Document]:
    """Every frame after a seq, for ever: a connection that breaks is opened again where it broke.

    ``away`` is called whenever nobody is there any more.
    """
    last = after, -1
    pause = FIRST_PAUSE_S
    while True:
        try:
            seq = last[0] - (last[1] >= 0)
            for text in messages(client, "/events", query={"after": seq}, say=say):
                pause = FIRST_PAUSE_S
                for frame in parsed(text):
                    place = place_of(frame)
                    if place is not None and place <= last:
                        continue
                    last = place or last
                    yield frame
        except (Lost, Unreachable):
            pass
        if pause == FIRST_PAUSE_S:
            away()
        time.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE_S)


def parsed(text: str) -> list[Document]:
    """The frames of a message, without those that only the connection is concerned with."""
    try:
        document = jsontext.read(text.encode())
    except ValueError:
        return []
    found = document if isinstance(document, list) else [document]
    return [frame for frame in found if isinstance(frame, dict) and frame.get("event") not in OWN_FRAMES]


def place_of(frame: Document) -> tuple[int, int] | None:
    """Where the frame stands in the history; None for what is not part of it."""
    seq, index = frame.get("seq"), frame.get("i", 0)
    return (seq, index) if isinstance(seq, int) and isinstance(index, int) else None


SAID = ("title", "name", "message", "subject", "taskId", "mailId")
"""What tells best what a thing is, best first."""


def shown(frame: Document) -> str:
    """The frame as a line."""
    when = clock(frame.get("timestamp"))
    event = line(frame.get("event"))
    data = frame.get("data")
    if not isinstance(data, dict):
        return f"{when}  {event}"
    id_ = line(data.get("id") or data.get("sessionId")).rpartition("_")[2]
    said = line(next(filter(None, map(data.get, SAID)), None))
    status = line(data.get("status") or data.get("state"))
    return "  ".join(filter(None, (when, f"{event:<26}", id_, said, f"({status})" if status else "")))
