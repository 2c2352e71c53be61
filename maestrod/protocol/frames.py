"""Frames of the event stream: one per event of a commit, built once for all who listen."""

import msgspec

from maestrod.domain.changes import Commit, Delete, Event, Put, Record
from maestrod.domain.model import Noun
from maestrod.protocol.views import stored_json

_encode = msgspec.json.Encoder().encode


class Frame(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A frame ready to send, and what a subscription looks at.

    ``seq`` is None for frames that are never replayed, ``index`` is -1 for those that stand for all up to
    ``seq``. ``subject`` is what a newer frame of the same subject may replace when ``replaceable``.
    """

    body: bytes
    event: str
    seq: int | None = None
    index: int = 0
    subject: str = ""
    replaceable: bool = False
    project_id: str | None = None
    session_id: str | None = None
    task_id: str | None = None


def frames_of(commit: Commit | Record) -> list[Frame]:
    """The frames of a commit in the order of its events; ``i`` counts from 0 within the commit."""
    bodies: dict[tuple[Noun, str], bytes] = {}
    return [_frame(commit, index, event, bodies) for index, event in enumerate(commit.events)]


def _frame(commit: Commit | Record, index: int, event: Event, bodies: dict[tuple[Noun, str], bytes]) -> Frame:
    key = event.noun, event.id
    change = next((c for c in commit.changes if c.noun is event.noun and c.id == event.id), None)
    if key not in bodies:
        bodies[key] = stored_json(change.entity) if isinstance(change, Put) else _encode({"id": event.id})
    head = (
        f'{{"type":"{event.name}","event":"{event.name}","seq":{commit.seq},"i":{index},"v":1,"timestamp":{commit.at},'
    )
    project_id, session_id, task_id = _about(event, change)
    return Frame(
        body=head.encode() + b'"data":' + bodies[key] + b"}",
        event=event.name,
        seq=commit.seq,
        index=index,
        subject=event.id,
        replaceable=event.name.endswith(":updated"),
        project_id=project_id,
        session_id=session_id,
        task_id=task_id,
    )


def _about(event: Event, change: Put | Delete | None) -> tuple[str | None, str | None, str | None]:
    entity = change.entity if isinstance(change, Put) else None
    own = {Noun.PROJECT: 0, Noun.SESSION: 1, Noun.TASK: 2}.get(event.noun)
    found = [getattr(entity, name, None) for name in ("project_id", "session_id", "task_id")]
    if event.noun is Noun.MAIL:
        found[1] = getattr(entity, "to_session_id", None)
    if own is not None:
        found[own] = event.id
    return found[0], found[1], found[2]


def plain(
    event: str, *, seq: int | None = None, timestamp: int = 0, session_id: str | None = None, data: object = None
) -> Frame:
    """A frame that no commit made: ``hello``, ``resync``, ``session:live``, ``error``, ``pong``."""
    document: dict[str, object] = {"type": event, "event": event, "v": 1, "timestamp": timestamp}
    if seq is not None:
        document["seq"] = seq
    if data is not None:
        document["data"] = data
    return Frame(
        body=_encode(document),
        event=event,
        seq=seq,
        index=-1,
        session_id=session_id,
        subject=f"{event} {session_id}",
        replaceable=event == "session:live",
    )


def websocket(body: bytes) -> bytes:
    """The bytes as one unmasked, unfragmented text message (RFC 6455, section 5.2)."""
    size = len(body)
    if size < 126:
        return bytes((0x81, size)) + body
    if size < 1 << 16:
        return b"\x81\x7e" + size.to_bytes(2, "big") + body
    return b"\x81\x7f" + size.to_bytes(8, "big") + body
