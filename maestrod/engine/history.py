"""From disk to memory and back: loading the state at a start, snapshots while it runs."""

import asyncio
import gc
import logging
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from maestrod.domain import model
from maestrod.domain.changes import RecordCodec
from maestrod.domain.lean import lean
from maestrod.domain.model import (
    Assignment,
    Check,
    Delivery,
    Doc,
    Entity,
    Mail,
    Noun,
    Ordering,
    Project,
    Queue,
    QueueItem,
    Session,
    Subtask,
    Task,
    Template,
    TimelineEntry,
)
from maestrod.domain.sharing import Shared
from maestrod.domain.state import State
from maestrod.engine.engine import Engine, Key, NotCommitted
from maestrod.store.files import Files
from maestrod.store.journal import Journal
from maestrod.store.log import Anchor, DiskError, Durability, StoreError
from maestrod.store.migrate import SCHEMA, settle_schema
from maestrod.store.snapshot import Retention, load_snapshot, snapshot_seqs, write_snapshot

log = logging.getLogger(__name__)

SNAPSHOT_EVERY = 20_000
"""Commits between snapshots; they bound how much a start must replay."""
SNAPSHOT_PAUSE_S = 0.0005
"""Between two chunks of a snapshot, so that the loop gets its turns."""
SEGMENT_BYTES = 8 << 20
"""A start checks the segment of its snapshot whole: 30 ms at most."""
COLLECT_AFTER = (10_000, 20, 20)
"""Requests make many objects and few circles: the collector need not look after every twentieth request."""
KEEP_S = 30 * 24 * 3600
"""Journal segments are kept at least this long, for history and undo."""
RETENTION = Retention(apart_s=7 * 24 * 3600, back_s=KEEP_S)
"""Snapshots kept beside the two newest: what is older than a segment is known from the one before it."""


class Document(msgspec.Struct, kw_only=True):
    """A snapshot as it is decoded: a section per noun, and the idempotency keys that still count."""

    project: list[Project] = []
    task: list[Task] = []
    subtask: list[Subtask] = []
    assignment: list[Assignment] = []
    session: list[Session] = []
    queue: list[Queue] = []
    queueItem: list[QueueItem] = []  # noqa: N815 - the noun's word
    timeline: list[TimelineEntry] = []
    doc: list[Doc] = []
    ordering: list[Ordering] = []
    check: list[Check] = []
    mail: list[Mail] = []
    delivery: list[Delivery] = []
    template: list[Template] = []
    key: list[model.Key] = []
    keys: list[Key] = []


class Loaded(msgspec.Struct):
    """What a start finds: the state, the open journal, the keys, and what it had to set aside."""

    state: State
    journal: Journal
    keys: list[Key]
    warnings: list[str]


def load(
    data: Path,
    *,
    journal_folder: Path,
    snapshots: Path,
    durability: Durability = "always",
    files: Files | None = None,
    segment_bytes: int = SEGMENT_BYTES,
    journal_type: type[Journal] = Journal,
) -> Loaded:
    """The state as the disk has it.

    Raises:
        StoreError: a newer schema, damage, or a disk that refuses; nothing was changed.
    """
    settle_schema(data, files=files)
    warnings: list[str] = []
    gc.disable()
    try:
        snapshot = load_snapshot(
            snapshots,
            Document,
            files=files,
            on_damaged=lambda damaged: warnings.append(str(damaged)),
            each=Shared().take,
        )
        anchor = Anchor(snapshot.seq, snapshot.hash) if snapshot is not None else None
        journal = journal_type.open(
            journal_folder, files=files, anchor=anchor, durability=durability, segment_bytes=segment_bytes
        )
        state = State()
        keys: list[Key] = []
        if snapshot is not None:
            _fill(state, snapshot.document)
            keys += snapshot.document.keys
        keys += _replay(state, journal, snapshot.seq if snapshot is not None else 0)
    finally:
        gc.enable()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)
    if journal.quarantined is not None:
        warnings.append(f"the torn end of the journal lies in {journal.quarantined.file}")
    return Loaded(state, journal, keys, warnings)


def _fill(state: State, document: Document) -> None:
    for noun in Noun:
        entities: Iterable[Entity] = getattr(document, noun)
        state.fill(noun, entities)


def _replay(state: State, journal: Journal, after: int) -> Iterator[Key]:
    codec = RecordCodec()
    for line in journal.read(after):
        record = codec.decode(line)
        state.apply_all(record.changes)
        if record.idem is not None:
            yield Key(f"{record.actor} {record.idem.key}", record.idem.body_hash, record.seq, record.at)


class Checkpoints:
    """Snapshots of a running engine: every so many commits, and at its end."""

    def __init__(
        self,
        engine: Engine,
        journal: Journal,
        folder: Path,
        *,
        every: int = SNAPSHOT_EVERY,
        files: Files | None = None,
        keep_s: float = KEEP_S,
    ) -> None:
        self._engine = engine
        self._journal = journal
        self._folder = folder
        self._every = every
        self._files = files
        self._keep_s = keep_s
        self._last = max(snapshot_seqs(folder), default=0)
        self._one = asyncio.Lock()
        self._due = asyncio.Event()
        engine.listen(lambda commit: self._due.set() if commit.seq - self._last >= every else None)

    @asynccontextmanager
    async def still(self) -> AsyncIterator[None]:
        """While this lasts no snapshot is written and nothing is dropped."""
        async with self._one:
            yield

    async def run(self) -> None:
        """Write a snapshot whenever one is due; a disk that refuses is tried again when the next is due."""
        while True:
            await self._due.wait()
            self._due.clear()
            await self.write()

    async def write(self) -> None:
        """Write a snapshot of the state as it is now, then drop journal segments that nobody needs.

        Nothing is written, and the log says so, when the disk refuses or does not have what is in memory.
        """
        async with self._one:
            seq = self._engine.seq
            if seq == self._last:
                return
            tables = {noun: list(self._engine.state.table(noun).values()) for noun in Noun}
            keys = self._engine.keys
            try:
                await self._engine.settled()
                await asyncio.to_thread(self._write, seq, tables, keys)
            except (StoreError, OSError, NotCommitted):
                log.exception("no snapshot could be written")
            self._last = seq

    def _write(self, seq: int, tables: dict[Noun, list[Entity]], keys: tuple[Key, ...]) -> None:
        digest = self._journal.hash_at(seq)
        if digest is None:
            raise DiskError(deed="find the last commit in", file=self._journal.folder, reason=f"no record {seq}")
        encode = msgspec.json.Encoder().encode
        sections: dict[str, Iterable[bytes]] = {noun: map(encode, map(lean, rows)) for noun, rows in tables.items()}
        sections["keys"] = map(encode, keys)
        write_snapshot(
            self._folder,
            seq=seq,
            hash=digest,
            schema=SCHEMA,
            sections=sections,
            files=self._files,
            pause=lambda: time.sleep(SNAPSHOT_PAUSE_S),
            retention=RETENTION,
        )
        oldest = min(snapshot_seqs(self._folder), default=0)
        self._journal.drop_before(oldest, modified_before=time.time() - self._keep_s)
