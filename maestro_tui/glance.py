"""A first look at the daemon, before the live door is open: enough for a screenful.

The live door takes longer to import than everything else; this one is light, and blocks its thread.
"""

from collections.abc import Mapping, Sequence

import msgspec

from maestrod.client.blocking import Client
from maestrod.client.errors import ClientError
from maestrod.domain.model import Entity, Noun, Project, Session, Task

FIRST = 300
"""Tasks that are read at first."""
TIME_S = 1.0


class _Live(msgspec.Struct):
    id: str
    live: dict[str, object] | None = None


class _Tasks(msgspec.Struct):
    data: list[Task]


class Glance(msgspec.Struct, frozen=True):
    """Projects, sessions and the first tasks, and live facts by session id."""

    entities: Mapping[Noun, Sequence[Entity]]
    live: Mapping[str, Mapping[str, object]]


NOTHING = Glance({}, {})


def glance(server: str, key: str) -> Glance:
    """What can be seen at once; nothing when the daemon does not answer at once."""
    client = Client(server, timeout=TIME_S, retries=0, key=key)
    client.patience = 0.0
    try:
        projects = client.call("GET", "/projects").raw
        sessions = client.call("GET", "/sessions?fields=summary").raw
        tasks = client.call("GET", f"/tasks?fields=summary&limit={FIRST}").raw
        return Glance(
            {
                Noun.PROJECT: msgspec.json.decode(projects, type=list[Project]),
                Noun.SESSION: msgspec.json.decode(sessions, type=list[Session]),
                Noun.TASK: msgspec.json.decode(tasks, type=_Tasks).data,
            },
            {s.id: s.live for s in msgspec.json.decode(sessions, type=list[_Live]) if s.live is not None},
        )
    except (ClientError, OSError, msgspec.MsgspecError, ValueError):
        return NOTHING
