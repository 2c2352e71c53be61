"""Writes ``events.md`` beside it from the registry of events: ``python docs/events.py``; ``--check`` only compares."""

import sys
from collections.abc import Iterable
from pathlib import Path

from maestrod.domain.events import EVENTS

PAGE = Path(__file__).with_suffix(".md")
HEAD = """\
# Events

Everything that changes is told to whoever listens: `maestro tui` lives on it, and so can a script. This page is made
from the registry that the daemon itself uses (`python docs/events.py`).

## Listen

`GET /api/v1/events` is a WebSocket, or Server-Sent Events for who sends `Accept: text/event-stream`. Both say the same.

```console
$ curl -N --unix-socket "$MAESTRO_HOME/run/maestrod.sock" -H 'Accept: text/event-stream' http://maestro/api/v1/events
retry: 1000

id: 41
data: {"type":"hello","event":"hello","v":1,"timestamp":1767225600000,"seq":41}

id: 42.0
data: {"type":"task:created","event":"task:created","seq":42,"i":0,"v":1,"timestamp":1767225600250,"data":{…}}
```

A frame's `data` is the whole thing after the change, of what was deleted the id alone. `seq` is the number of the
commit, `i` counts the events of one commit. No frame is sent before its commit is on the disk.

| parameter | meaning |
| --- | --- |
| `after=SEQ` | all since that commit, then what comes: no gap, nothing twice; `X-Maestro-Seq` of any answer will do |
| `projectId=ID` | of this project; what belongs to no project passes |
| `sessionIds=ID,ID` `taskIds=ID,ID` | of these sessions, of these tasks |
| `events=NAME,NAME` | these alone; `task:*` is all that begin so |
| `batch=1` | when behind: frames in arrays (WebSocket), and of several `*:updated` of one thing only the last |

Without `after` the first frame is `hello` with the place where the stream begins. `resync` with a `seq` says that
what was missed is too much or no longer kept: read everything again, and go on from there. It also stands for the
rest of a client's queue when that grows too long; the daemon waits for nobody, and what waits for all clients
together is bounded. A client that says `batch=1` stays behind longer before that happens.

**WebSocket.** `{"type": "subscribe", "projectId", "sessionIds", "taskIds", "events"}` changes the filters,
`unsubscribe` takes them away, `ping` is answered by `pong`, and what is not understood by `error`. The daemon pings
every 20 seconds and closes what is silent for 60 (`stream_ping_s` and three times that). Frames of a client are at
most 64 KiB.

**Server-Sent Events.** The id of an event is `SEQ.I`, so that `Last-Event-ID` goes on with the very next one;
browsers and libraries do that by themselves. In silence there is a comment every 20 seconds. Who takes nothing for
60 seconds is cut off, and misses nothing when it comes back.

No more than 2,000 clients may listen (`stream_clients`); the next one is answered with 409.

## What is told
"""
TAIL = """
`notify:*` are what a person wants to know at once. `session:live` says what an agent is doing this second: at most four
times a second and session, without `seq`, never replayed. `invariant:*` says that something does not hold which always
should. New events may come with any version: pass over what you do not know.
"""

WHEN = {
    "task:session_added": ("assignment", "a session was given the task"),
    "task:session_removed": ("assignment", "the task was taken from a session"),
    "task:ready": ("task", "nothing stands before the task any more"),
    "task:dependency_cancelled": ("task", "something that the task waits for was cancelled"),
    "session:spawn": ("session", "a session waits to be launched"),
    "session:resume": ("session", "an ended session waits to be launched again"),
    "session:task_added": ("assignment", "the session was given a task"),
    "session:task_removed": ("assignment", "a task was taken from the session"),
    "queue:item_pushed": ("queue item", "a task joined the queue"),
    "queue:item_updated": ("queue item", "it was changed, or is queued again"),
    "queue:item_started": ("queue item", "the session works on it"),
    "queue:item_completed": ("queue item", "it was completed"),
    "queue:item_failed": ("queue item", "it failed"),
    "queue:item_skipped": ("queue item", "it was skipped"),
    "queue:item_deleted": ("id", "it left the queue"),
    "timeline:added": ("timeline entry", "somebody reported something"),
    "doc:added": ("doc", "a document was added or replaced"),
    "mail:received": ("mail", "a mail was sent"),
    "mail:queued": ("delivery", "it waits for a receiver"),
    "mail:held": ("delivery", "the receiver could not be told of it; `reason` says why"),
    "mail:surfaced": ("delivery", "the receiver was told of it"),
    "mail:read": ("delivery", "the receiver has read it"),
    "mail:acked": ("delivery", "the receiver says that it is dealt with"),
    "mail:bounced": ("delivery", "it could not be delivered"),
    "mail:expired": ("delivery", "nobody read it in time"),
    "template:reset": ("template", "the template is what it was at first"),
    "notify:task_completed": ("task", "a task is completed"),
    "notify:task_blocked": ("task", "a task is blocked"),
    "notify:task_in_review": ("task", "a task waits for review"),
    "notify:task_session_completed": ("assignment", "a session has completed its part of a task"),
    "notify:task_session_failed": ("assignment", "a session has failed at a task"),
    "notify:session_completed": ("session", "a session has ended well"),
    "notify:session_failed": ("session", "a session has failed"),
    "notify:needs_input": ("session", "an agent waits for a person"),
    "notify:progress": ("timeline entry", "an agent reports progress"),
}
"""What the data is, and when it is told, of the events whose names do not say that already."""
DEEDS = {
    "created": ("{}", "there is a new one"),
    "updated": ("{}", "something of it has changed"),
    "deleted": ("id", "it is gone"),
}


def page(events: Iterable[str] = EVENTS) -> str:
    """The whole page."""
    rows = [row(event) for event in sorted(events)]
    return "\n".join([HEAD, "| event | data | when |", "| --- | --- | --- |", *rows, TAIL.rstrip(), ""])


def row(event: str) -> str:
    """One event as a row of a table."""
    noun, _, deed = event.partition(":")
    data, when = WHEN.get(event) or DEEDS.get(deed, ("{}", deed.replace("_", " ")))
    return f"| `{event}` | {data.format(noun)} | {when} |"


def main() -> int:
    """Write the page, or say that it is not current."""
    wanted = page()
    if "--check" in sys.argv[1:]:
        return int(PAGE.read_text(encoding="utf-8") != wanted)
    PAGE.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
