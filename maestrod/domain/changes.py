"""What a command changes, and the commit that records it.

A change is a put of an after-image or a deletion, nothing else: replaying history never runs a rule.
"""

from collections.abc import Callable, Mapping

import msgspec

from maestrod.domain.errors import Rejected
from maestrod.domain.lean import lean
from maestrod.domain.model import TYPES, Entity, Noun


class Put(msgspec.Struct, frozen=True, tag="put", tag_field="op", gc=False):
    """The entity as it is after the commit."""

    noun: Noun
    entity: Entity

    @property
    def id(self) -> str:
        """The id of what was put."""
        return self.entity.id


class Delete(msgspec.Struct, frozen=True, tag="delete", tag_field="op", gc=False):
    """The entity is no more."""

    noun: Noun
    id: str


Change = Put | Delete


class Event(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What clients are told: a name of the registry, and whom it is about."""

    name: str
    noun: Noun
    id: str


class Idempotency(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """The key that the caller sent and a hash of what it sent with it."""

    key: str
    body_hash: str


class Command(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    rename="camel",
    forbid_unknown_fields=True,
    omit_defaults=True,
    tag_field="kind",
):
    """A deed that somebody asks for; the concrete command's name is its kind."""


class Actor(msgspec.Struct, frozen=True, gc=False):
    """Who did it: ``user``, ``daemon``, or ``session`` and ``key`` with an id."""

    kind: str
    id: str = ""

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}" if self.id else self.kind

    @property
    def session_id(self) -> str | None:
        """The id of the session that acts, when it is one."""
        return self.id if self.kind == "session" else None


USER = Actor("user")
DAEMON = Actor("daemon")


class Undone(msgspec.Struct, frozen=True, kw_only=True):
    """A commit of the past and what it changed, read from the journal for one who wants to take it back.

    ``after`` are its changes; ``before`` puts each of them back, in the same order; ``later`` are the number and
    kind of every commit since that touched the same entities.
    """

    seq: int
    kind: str
    after: tuple[Change, ...]
    before: tuple[Change, ...]
    later: tuple[tuple[int, str], ...] = ()


class Piece(msgspec.Struct, frozen=True):
    """An entity that comes from elsewhere, and the file in which it was found."""

    file: str
    noun: Noun
    entity: Entity


class Context(msgspec.Struct, frozen=True):
    """What a rule may know beside the state: who asks, the time (ms), where new ids come from, what was."""

    actor: Actor
    now: int
    new_id: Callable[[Noun], str]
    work: Mapping[str, str] = {}
    """A digest of the work as it is now, by task, for those whose checks have passed."""
    undone: Undone | None = None
    brought: tuple[Piece, ...] = ()
    """What an import brings."""


class Commit(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One atomic change of state. ``events`` are names and subjects; their data is in ``changes``."""

    seq: int
    at: int
    actor: str
    request_id: str
    command: Command
    changes: tuple[Change, ...]
    events: tuple[Event, ...]
    idem: Idempotency | None = None


class _LeanPut(msgspec.Struct, tag="put", tag_field="op", gc=False):
    noun: Noun
    entity: msgspec.Struct


class _LeanCommit(msgspec.Struct, rename="camel", omit_defaults=True):
    seq: int
    at: int
    actor: str
    request_id: str
    command: Command
    changes: list[_LeanPut | Delete]
    events: tuple[Event, ...]
    idem: Idempotency | None = None


class _WirePut(msgspec.Struct, tag="put", tag_field="op"):
    noun: Noun
    entity: msgspec.Raw


class Record(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A commit as it lies in the journal: the command is kept raw, for old kinds must load for ever."""

    seq: int
    at: int
    actor: str
    request_id: str
    command: msgspec.Raw
    changes: tuple[Change, ...]
    events: tuple[Event, ...] = ()
    idem: Idempotency | None = None
    batch: int = 0
    prev: str = ""


class _WireRecord(msgspec.Struct, rename="camel"):
    seq: int
    at: int
    actor: str
    request_id: str
    command: msgspec.Raw
    changes: list[_WirePut | Delete]
    events: tuple[Event, ...] = ()
    idem: Idempotency | None = None
    batch: int = 0
    prev: str = ""


class Unreadable(Rejected):
    """A record of the journal that this version cannot decode."""

    code = "INTERNAL_ERROR"


class RecordCodec:
    """Commits to bytes and back; decoders are made once."""

    def __init__(self) -> None:
        self._encode = msgspec.json.Encoder().encode
        self._record = msgspec.json.Decoder(_WireRecord)
        self._entities = {noun: msgspec.json.Decoder(type_) for noun, type_ in TYPES.items()}

    def encode(self, commit: Commit) -> bytes:
        """The commit as one JSON object, without ``batch`` and ``prev``, and without what is at its default."""
        return self._encode(
            _LeanCommit(
                seq=commit.seq,
                at=commit.at,
                actor=commit.actor,
                request_id=commit.request_id,
                command=commit.command,
                changes=[_LeanPut(c.noun, lean(c.entity)) if isinstance(c, Put) else c for c in commit.changes],
                events=commit.events,
                idem=commit.idem,
            )
        )

    def decode(self, line: bytes) -> Record:
        """A record as it was written.

        Raises:
            Unreadable: the bytes are no record of a version known here.
        """
        try:
            wire = self._record.decode(line)
            changes = tuple(self._change(change) for change in wire.changes)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise Unreadable(f"unreadable record: {error}") from error
        return Record(
            seq=wire.seq,
            at=wire.at,
            actor=wire.actor,
            request_id=wire.request_id,
            command=wire.command,
            changes=changes,
            events=wire.events,
            idem=wire.idem,
            batch=wire.batch,
            prev=wire.prev,
        )

    def _change(self, wire: _WirePut | Delete) -> Change:
        if isinstance(wire, Delete):
            return wire
        return Put(wire.noun, self._entities[wire.noun].decode(wire.entity))
