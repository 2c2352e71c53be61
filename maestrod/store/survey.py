"""What a whole store looks like to somebody who has time: where it is damaged, and the most that can be kept.

A start reads what it needs and refuses at the first fault. A survey reads everything, tells the
first fault of each file, and weighs two ways of
going on: a **run** of segments that follow one another without a fault, with a state to begin from; or a
snapshot, and whatever records can be saved behind it. The way that keeps the latest commit wins.
"""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import msgspec

from maestrod.store.files import Files, disk_errors, read_whole
from maestrod.store.log import Anchor, Damaged
from maestrod.store.mark import read_mark
from maestrod.store.migrate import SCHEMA, read_schema
from maestrod.store.records import Record, Unreadable, bare, chained, frame_batch, parse, salvage
from maestrod.store.recovery import Tear, examine
from maestrod.store.segments import Segment, list_segments, segment_path
from maestrod.store.snapshot import read_snapshot, snapshot_paths


class SetAside(NamedTuple):
    """A file that goes to ``quarantine`` beside it, whole."""

    path: Path


class Rewrite(NamedTuple):
    """A file that goes to ``quarantine`` and is written anew, with what of it is kept."""

    path: Path
    data: bytes


class Survey(msgspec.Struct, frozen=True):
    """The state of a store, and what a repair of it would do."""

    faults: tuple[Damaged, ...]
    tear: Tear | None
    """A batch that did not reach the disk whole; the next start sets it aside by itself."""
    kept: int
    """The last commit that can be kept; 0 when nothing can."""
    last: int
    """The last commit that was ever on the disk, as far as that is known."""
    steps: tuple[SetAside | Rewrite, ...]

    @property
    def hopeless(self) -> bool:
        """There is damage, and nothing to go on from."""
        return bool(self.faults) and self.kept == 0


class _Run(NamedTuple):
    """Segments that follow one another, and where that ends."""

    begin: int
    end: int
    """The segment in which it ends."""
    start: Anchor
    head: Anchor
    whole: int
    """Bytes of that segment up to the end of a batch."""
    rest: list[Record]
    """Good records after those bytes: a batch whose end is missing."""
    hashes: dict[int, str]
    fault: Damaged | None

    def fits(self, anchor: Anchor) -> bool:
        """Whether a snapshot was taken in the midst of this run, or just before it."""
        return self.hashes.get(anchor.seq) == anchor.hash


class _Way(NamedTuple):
    kept: int
    steps: list[SetAside | Rewrite]
    snapshots: set[Path]
    """Snapshots that fit."""


def survey(data: Path, kind: type[msgspec.Struct], *, files: Files) -> Survey:
    """Look at everything in a data folder; changes nothing.

    Raises:
        SchemaTooNew: a newer version wrote it.
        DiskError: a file cannot be read.
    """
    with disk_errors("look through", data):
        return _survey(data, kind, files)


def _survey(data: Path, kind: type[msgspec.Struct], files: Files) -> Survey:
    faults: list[Damaged] = []
    last_steps: list[SetAside | Rewrite] = []
    try:
        read_schema(data, files)
    except Damaged as fault:
        faults.append(fault)
        last_steps.append(Rewrite(fault.file, b"%d\n" % SCHEMA))
    snapshots: dict[Path, Anchor] = {}
    for path in snapshot_paths(data / "snapshot"):
        try:
            snapshots[path] = Anchor(*read_snapshot(path, kind, files=files)[:2])
        except Damaged as fault:
            faults.append(fault)
            last_steps.append(SetAside(path))
    journal = data / "journal"
    segments = list_segments(journal) if journal.is_dir() else []
    mark = read_mark(files, journal / "durable")
    runs = list(_runs(segments, set(snapshots.values()), files))
    tear, refusal = _start(journal, max(snapshots.values(), default=None), files)
    faults += [run.fault for run in runs if run.fault and not _is_torn(run, tear)]
    if refusal is not None and not faults:
        faults.append(refusal)
    way = _best(journal, segments, runs, snapshots, files)
    strange = [path for path in snapshots if path not in way.snapshots]
    faults += [_stranger(path, snapshots[path]) for path in strange if not any(r.fits(snapshots[path]) for r in runs)]
    last = max([mark.seq, way.kept, *(each.seq for each in _saved(segments, files))])
    torn = tear is not None and all(run.fault is None or _is_torn(run, tear) for run in runs)
    steps = [] if torn else way.steps
    steps += [*map(SetAside, strange), *last_steps]
    if faults and mark.seq > way.kept:
        steps.append(SetAside(journal / "durable"))
    return Survey(tuple(faults), tear, way.kept, last, tuple(steps) if faults else ())


def _start(journal: Path, anchor: Anchor | None, files: Files) -> tuple[Tear | None, Damaged | None]:
    """What a start would make of the journal: the tear it would mend, or why it would refuse."""
    if not journal.is_dir():
        return None, None
    try:
        mark = read_mark(files, journal / "durable")
        return examine(journal, files=files, mark=mark, anchor=anchor).tear, None
    except Damaged as refusal:
        return None, refusal


def _is_torn(run: _Run, tear: Tear | None) -> bool:
    return tear is not None and run.fault is not None and run.fault.file == tear.path and run.whole == tear.offset


def _stranger(path: Path, anchor: Anchor) -> Damaged:
    return Damaged(seq=anchor.seq, file=path, offset=0, reason="the snapshot does not fit the journal")


def _saved(segments: list[Segment], files: Files) -> Iterator[Record]:
    for segment in segments:
        yield from salvage(read_whole(files, segment.path))


def _runs(segments: list[Segment], anchors: set[Anchor], files: Files) -> Iterator[_Run]:
    begin = 0
    while begin < len(segments):
        run = _run(segments, begin, {anchor.seq for anchor in anchors}, files)
        yield run
        begin = max(run.end, begin + 1) if run.fault and run.whole == 0 and not run.rest else run.end + 1


def _run(segments: list[Segment], begin: int, noted: set[int], files: Files) -> _Run:
    seq, hash_ = segments[begin].first - 1, ""
    start = Anchor(seq, "")
    hashes: dict[int, str] = {}
    end, whole = begin, 0
    rest: list[Record] = []
    for end in range(begin, len(segments)):
        path, offset, whole = segments[end].path, 0, 0
        for line in BytesIO(read_whole(files, path)):
            reason, record = _next(line, seq, hash_, rest)
            if record is None:
                fault = Damaged(seq=seq + 1, file=path, offset=offset, reason=reason)
                return _Run(begin, end, start, Anchor(seq, hash_), whole, rest, hashes, fault)
            if not hashes and not hash_:
                start = Anchor(seq, record.prev)
                hashes[seq] = record.prev
            seq, hash_ = record.seq, chained(record.body)
            offset += len(line)
            rest.append(record)
            if record.seq == record.batch_end:
                whole, rest = offset, []
            if seq in noted:
                hashes[seq] = hash_
        if rest or (end + 1 < len(segments) and segments[end + 1].first != seq + 1):
            fault = Damaged(seq=seq + 1, file=path, offset=offset, reason="what follows is missing")
            return _Run(begin, end, start, Anchor(seq, hash_), whole, rest, hashes, fault)
    return _Run(begin, end, start, Anchor(seq, hash_), whole, rest, hashes, None)


def _next(line: bytes, seq: int, hash_: str, batch: list[Record]) -> tuple[str, Record | None]:
    try:
        record = parse(line)
    except Unreadable as fault:
        return str(fault), None
    if record.seq != seq + 1:
        return f"record {record.seq} is in its place", None
    if hash_ and record.prev != hash_:
        return "its chained hash does not fit: the record before it is not the one written", None
    if (record.batch, record.batch_end) != (
        (batch[0].batch, batch[0].batch_end) if batch else (seq + 1, record.batch_end)
    ):
        return "it does not belong to its batch", None
    return "", record


def _best(
    journal: Path, segments: list[Segment], runs: list[_Run], snapshots: dict[Path, Anchor], files: Files
) -> _Way:
    ways = [way for run in runs if (way := _along(run, segments, snapshots, files)) is not None]
    ways += [
        _behind(journal, anchor, segments, snapshots, files) for anchor in sorted(snapshots.values(), reverse=True)
    ]
    return max(ways, key=lambda way: way.kept, default=_Way(0, [], set(snapshots)))


def _along(run: _Run, segments: list[Segment], snapshots: dict[Path, Anchor], files: Files) -> _Way | None:
    """Keep a run; None when there is no state to begin it from.

    What is left of a batch is framed anew: a snapshot taken in it fits no longer.
    """
    unchanged = run.rest[0].seq if run.rest else run.head.seq + 1
    fits = {path for path, anchor in snapshots.items() if anchor.seq < unchanged and run.fits(anchor)}
    if not fits and run.start.seq > 0:
        return None
    steps: list[SetAside | Rewrite] = [SetAside(each.path) for each in reversed(segments[run.end + 1 :])]
    if run.fault is not None:
        steps += _kept_of(run, segments[run.end], files)
    steps += [SetAside(each.path) for each in segments[: run.begin]]
    older = {path for path, anchor in snapshots.items() if anchor.seq < run.start.seq}
    return _Way(run.head.seq, steps, fits | older)


def _kept_of(run: _Run, segment: Segment, files: Files) -> list[SetAside | Rewrite]:
    data = read_whole(files, segment.path)
    kept = data[: run.whole]
    if run.rest:
        kept += frame_batch([bare(record) for record in run.rest], first=run.rest[0].seq, prev=run.rest[0].prev)[0]
    if not kept:
        return [SetAside(segment.path)]
    return [] if kept == data else [Rewrite(segment.path, kept)]


def _behind(
    journal: Path, anchor: Anchor, segments: list[Segment], snapshots: dict[Path, Anchor], files: Files
) -> _Way:
    """Keep a snapshot, and the records that follow it, in one new segment."""
    seq, hash_ = anchor
    kept: list[bytes] = []
    for record in _saved(segments, files):
        if record.seq == seq + 1 and record.prev == hash_:
            kept.append(bare(record))
            seq, hash_ = record.seq, chained(record.body)
    path = segment_path(journal, anchor.seq + 1)
    steps: list[SetAside | Rewrite] = []
    if kept:
        steps.append(Rewrite(path, frame_batch(kept, first=anchor.seq + 1, prev=anchor.hash)[0]))
    steps += [SetAside(each.path) for each in segments if not (kept and each.path == path)]
    return _Way(seq, steps, {each for each, other in snapshots.items() if other.seq <= anchor.seq})
