"""The file journal: every commit one checksummed line, written and synced with all others that wait.

One thread, the only one that writes, takes all that waits as one batch: one write, one sync, one call of
``on_durable``. The path of appending only queues.

**After a failure** of a write or a sync the thread cuts the file back to what was durable, through a fresh
descriptor, and calls ``on_failure`` once: ``NotApplied`` when the cut is durable, ``Unknown`` when it failed
too. From then on ``append`` raises NotApplied, and ``read`` goes on. The engine then

1. answers everyone who waits for a commit after ``durable_seq``;
2. rebuilds its state: its snapshot, and ``read`` up to ``durable_seq``;
3. calls ``resume(durable_seq)`` in a worker thread, again and again with pauses, until it returns: by then
   the cut is durable, a new segment is ready, and ``append(durable_seq + 1, …)`` is accepted.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from itertools import islice
from math import inf
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Self

from maestrod.store.files import Files, disk_errors, make_folders
from maestrod.store.log import Anchor, Durability, NotApplied, StoreError, TooOld, Unknown
from maestrod.store.mark import read_mark
from maestrod.store.records import chained
from maestrod.store.recovery import Quarantined, examine, mend
from maestrod.store.segments import Segment, Shelf, Span, read_records, segment_path
from maestrod.store.writer import Writer

log = logging.getLogger(__name__)

SEGMENT_BYTES = 64 << 20
REST_S = 0.05
"""How long nothing must have come before the durable mark is brought up to date."""
_END = b""


class Journal:
    """A folder of segments, open for one writer and any number of reading threads; implements Log."""

    def __init__(
        self, folder: Path, shelf: Shelf, writer: Writer, *, files: Files, quarantined: Quarantined | None
    ) -> None:
        """Use ``open``."""
        self.folder = folder
        self.quarantined = quarantined
        """What ``open`` took out of the journal, if anything."""
        self._files = files
        self._shelf = shelf
        self._writer = writer
        self._disk = threading.Lock()
        self._guard = threading.Lock()
        self._waiting: SimpleQueue[bytes] = SimpleQueue()
        self._last_seq = shelf.head.seq
        self._refusal: str | None = None
        self._closed = False
        self._thread: threading.Thread | None = None

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        files: Files | None = None,
        durability: Durability = "always",
        segment_bytes: int = SEGMENT_BYTES,
        anchor: Anchor | None = None,
    ) -> Self:
        """Check the journal, mend a torn end, and make all that it then holds durable; hold the home's lock.

        ``anchor`` is what a valid snapshot says: segments that end before it are not read, which bounds the
        time of a start, and an empty journal goes on from it. Without it everything is checked.

        Raises:
            Damaged: what is on disk cannot be believed; nothing was changed.
            DiskError: the disk refused; nothing was lost.
        """
        files = files or Files()
        with disk_errors("open the journal", folder):
            make_folders(files, folder)
            found = examine(folder, files=files, mark=read_mark(files, folder / "durable"), anchor=anchor)
            quarantined = mend(found.tear, files=files) if found.tear else None
            first = found.head.seq + 1
            shelf = Shelf(found.segments or [Segment(segment_path(folder, first), first)], found.head)
            writer = Writer.open(folder, shelf, files=files, durability=durability, segment_bytes=segment_bytes)
        if quarantined is not None:
            log.warning("a torn batch was taken out of the journal", extra={"file": str(quarantined.file)})
        return cls(folder, shelf, writer, files=files, quarantined=quarantined)

    @property
    def last_seq(self) -> int:
        """The last commit taken by ``append``, durable or not."""
        return self._last_seq

    @property
    def head(self) -> Anchor:
        """The last durable commit, its number and hash taken together."""
        return self._shelf.head

    @property
    def durable_seq(self) -> int:
        """The last commit that is durable and can be read."""
        return self.head.seq

    @property
    def last_hash(self) -> str:
        """The chained hash of the commit ``durable_seq``."""
        return self.head.hash

    @property
    def oldest_seq(self) -> int:
        """The first commit still kept; one more than ``last_seq`` in an empty journal."""
        return self._shelf.oldest_seq

    @property
    def writing(self) -> bool:
        """Whether the thread that writes lives; it may well be waiting for the disk."""
        return self._thread is not None and self._thread.is_alive()

    def start(self, *, on_durable: Callable[[int], None], on_failure: Callable[[StoreError], None]) -> None:
        """Begin to write what is appended, in a thread that runs until ``close``.

        ``on_durable(seq)`` comes once a batch, ``on_failure(NotApplied | Unknown)`` once a failure, both in
        that thread, in order; they must be quick and must not raise.
        """
        if self._thread is not None:
            raise ValueError("the journal was started before")
        self._thread = threading.Thread(target=self._work, args=(on_durable, on_failure), name="journal", daemon=True)
        self._thread.start()

    def append(self, seq: int, body: bytes) -> None:
        """Queue a commit, a JSON object on one line that begins with ``{"seq":N,``; never waits for the disk.

        The queue has no limit of its own: the engine bounds what it has under way.

        Raises:
            NotApplied: the journal takes nothing, until ``resume`` or for good.
            ValueError: the number is not the next one, or the body is not such an object.
        """
        if not (body.startswith(b'{"seq":%d,' % seq) and body.endswith(b"}")) or b"\n" in body:
            raise ValueError(f"the body of commit {seq} is not one line of JSON that begins with its number")
        with self._guard:
            if self._refusal is not None:
                raise NotApplied(seq, seq, self._refusal)
            if seq != self._last_seq + 1:
                raise ValueError(f"commit {seq} does not follow {self._last_seq}")
            self._last_seq = seq
            self._waiting.put(body)

    def resume(self, last_seq: int) -> None:
        """After a failure: take commits again, the next being ``last_seq + 1``; waits for the disk.

        ``last_seq`` must be ``durable_seq``: proof that the engine went back to what is durable.

        Raises:
            DiskError: the disk still fails; nothing changed, call again later.
            ValueError: there was no failure, or ``last_seq`` is another.
        """
        with self._disk:
            if self._refusal is None or self._closed:
                raise ValueError("there is nothing to resume after")
            if last_seq != self.durable_seq:
                raise ValueError(f"{last_seq} is not {self.durable_seq}, the last durable commit")
            with disk_errors("begin a new segment in", self.folder):
                self._writer.renew()
            with self._guard:
                self._refusal = None

    def read(self, after: int, *, limit: int | None = None) -> Iterator[bytes]:
        """The exact records after a number, in order, up to what is durable now; from any thread.

        Raises:
            TooOld: some are no longer kept; also while reading, when they are dropped meanwhile.
            Damaged: while reading: a record is not what was written.
            DiskError: while reading: the disk refused.
        """
        return islice(self._records(self._shelf.spans_after(after), after), limit)

    def whole_after(self, after: int) -> tuple[Anchor, list[Span]]:
        """What a copy of all that follows a number must hold: where it ends, and stretches that change no more.

        Raises:
            TooOld: some of it is no longer kept.
        """
        return self._shelf.whole_after(after)

    def record(self, seq: int) -> bytes | None:
        """One durable record, or None when it is not kept or not there yet; raises as ``read`` does."""
        try:
            return next(self.read(seq - 1, limit=1), None)
        except TooOld:
            return None

    def hash_at(self, seq: int) -> str | None:
        """The chained hash of one durable record, or None as ``record``; for a snapshot taken at it."""
        body = self.record(seq)
        return None if body is None else chained(body)

    def drop_before(self, seq: int, *, modified_before: float = inf) -> tuple[Path, ...]:
        """Remove the oldest segments that hold nothing from ``seq`` on; to be called after a snapshot only.

        ``seq`` is the older of the two snapshots kept. Segments written at or after ``modified_before`` (seconds
        since the epoch) stay, and so do those after them. A second call changes nothing.

        Raises:
            DiskError: some may be left; a later call drops them.
        """
        with disk_errors("drop segments in", self.folder):
            outdated = self._shelf.outdated(seq, modified_before)
            for segment in outdated:
                self._drop_oldest(segment)
        return tuple(segment.path for segment in outdated)

    def close(self) -> None:
        """Write and sync what was appended, bring the mark up to date, take nothing more; may be called twice.

        Waits for the disk. What fails now is reported as ever.
        """
        with self._guard:
            if self._closed:
                return
            self._closed = True
            self._refusal = self._refusal or "the journal is closed"
            self._waiting.put(_END)
        if self._thread is not None:
            self._thread.join()
        with self._disk:
            self._writer.close()

    def _drop_oldest(self, segment: Segment) -> None:
        """One at a time and durably, so that whatever fails what is left has no gap."""
        self._files.unlink(segment.path)
        self._shelf.forget(segment)
        self._files.fsync_folder(self.folder)

    def _records(self, spans: list[Span], after: int) -> Iterator[bytes]:
        with disk_errors("read", self.folder):
            try:
                yield from read_records(self._files, spans, after)
            except FileNotFoundError as error:
                raise TooOld(after=after, oldest_seq=self.oldest_seq) from error

    def _work(self, on_durable: Callable[[int], None], on_failure: Callable[[StoreError], None]) -> None:
        ending = False
        while not ending:
            bodies = self._take()
            ending = bodies[-1:] == [_END]
            outcome = self._turn(bodies[:-1] if ending else bodies, ending=ending)
            try:
                if isinstance(outcome, int):
                    on_durable(outcome)
                elif outcome is not None:
                    on_failure(outcome)
            except Exception:
                log.exception("a listener of the journal failed")

    def _take(self) -> list[bytes]:
        """All that waits; nothing after a rest, if there is something to do at rest."""
        try:
            first = self._waiting.get(timeout=REST_S if self._writer.unsettled else None)
        except Empty:
            return []
        return [first, *(self._waiting.get_nowait() for _ in range(self._waiting.qsize()))]

    def _turn(self, bodies: list[bytes], *, ending: bool) -> int | NotApplied | Unknown | None:
        with self._disk:
            last = self.durable_seq + len(bodies)
            try:
                if bodies:
                    self._writer.write(bodies)
                if ending or not bodies:
                    self._writer.settle(finally_=ending)
            except Exception as error:
                log.exception("writing to the journal failed")
                return self._fail(str(error), last)
            return last if bodies else None

    def _fail(self, reason: str, last_written: int) -> NotApplied | Unknown:
        with self._guard:
            self._refusal = reason
            last_taken = self._last_seq
            waiting = [self._waiting.get_nowait() for _ in range(self._waiting.qsize())]
            if waiting[-1:] == [_END]:
                self._waiting.put(_END)
        try:
            self._writer.retreat()
        except OSError:
            log.exception("cutting the journal back failed")
            failure: NotApplied | Unknown = Unknown(self.durable_seq + 1, last_written, reason)
        else:
            failure = NotApplied(self.durable_seq + 1, last_taken, reason)
        self._last_seq = self.durable_seq
        return failure
