"""What a start finds in the journal's folder, and what it mends.

Only one thing is mended: a tear, which is damage inside the newest batch, after the durable mark. A batch is
written only when the one before is durable, so a crash can tear no other. (With ``batch`` or ``os``
durability, everything after the mark may be torn.) All else that is wrong is reported as Damaged.
"""

import os
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

import msgspec

from maestrod.store.files import Files, make_folders, write_aside
from maestrod.store.log import Anchor, Damaged
from maestrod.store.mark import Mark
from maestrod.store.records import Record, Unreadable, chained, parse, salvage
from maestrod.store.segments import Segment, list_segments, open_lines, segment_path


class Tear(NamedTuple):
    """The newest batch did not reach the disk whole."""

    path: Path
    offset: int
    """Where the torn batch begins: the size the segment is to be cut to."""
    first_seq: int
    reason: str


class Findings(NamedTuple):
    """The journal as far as it can be believed, oldest segment first."""

    segments: list[Segment]
    head: Anchor
    tear: Tear | None


class Quarantined(msgspec.Struct, frozen=True):
    """Bytes taken out of the journal at a start: a batch that nobody was told was written."""

    file: Path
    """Where the bytes are now."""
    segment: Path
    offset: int
    first_seq: int
    reason: str


def examine(folder: Path, *, files: Files, mark: Mark, anchor: Anchor | None = None) -> Findings:
    """Read and check the journal; changes nothing.

    With an anchor (from a snapshot) segments that end before it are not opened, the chain must pass
    through it, and an empty journal goes on from it. Without one everything is checked.

    Raises:
        Damaged: something is wrong that is not a tear.
        OSError: a file cannot be read.
    """
    segments = list_segments(folder)
    unread = _first_to_read(segments, anchor)
    chain = _Chain(_start(segments[unread:], anchor), anchor)
    tear: Tear | None = None
    for segment in segments[unread:]:
        tear = _scan(segment, chain, files=files, mark=mark, newest=segment is segments[-1])
    needed = max(mark.seq, 0 if anchor is None else anchor.seq)
    if chain.seq < needed:
        last = segments[-1] if segments else Segment(segment_path(folder, mark.segment), mark.segment)
        reason = f"records up to {needed} were on disk and are missing"
        raise Damaged(seq=chain.seq + 1, file=last.path, offset=last.size, reason=reason)
    if chain.hash is None:
        reason = "no record is kept to chain the next one to; a snapshot's anchor is needed"
        raise Damaged(seq=chain.seq, file=segments[-1].path, offset=0, reason=reason)
    return Findings(segments, Anchor(chain.seq, chain.hash), tear)


def mend(tear: Tear, *, files: Files) -> Quarantined:
    """Copy a torn batch to ``quarantine`` beside its segment, then cut it off; both durable on return.

    Raises:
        OSError: nothing was lost; the next start tries again.
    """
    with open_lines(files, tear.path, tear.offset) as lines:
        data = lines.read()
    folder = tear.path.parent / "quarantine"
    make_folders(files, folder)
    copy = folder / f"{tear.path.stem}-{tear.offset}-{crc32(data):08x}.jsonl"
    write_aside(files, copy, [data])
    cut(files, tear.path, tear.offset)
    return Quarantined(copy, tear.path, tear.offset, tear.first_seq, tear.reason)


def cut(files: Files, path: Path, size: int) -> None:
    """Cut a segment through a fresh descriptor; durable on return.

    Raises:
        OSError: what the file holds beyond that size is not known.
    """
    fd = files.open(path, os.O_WRONLY)
    try:
        files.truncate(fd, size)
        files.fsync(fd)
    finally:
        files.close(fd)


class _Misfit(Exception):
    """A whole record that cannot be the next one."""


class _Place(NamedTuple):
    seq: int
    hash: str | None
    """None where the record is not kept, so that its hash cannot be known."""


class _Chain:
    """The last good record, and what must follow it."""

    def __init__(self, start: _Place, anchor: Anchor | None) -> None:
        self.seq, self.hash = self.settled = start
        self._batch = self._batch_end = start.seq
        self._anchor = anchor

    @property
    def whole(self) -> bool:
        """Nothing of the last batch is missing."""
        return self._batch_end == self.seq

    def take(self, record: Record) -> None:
        """Go on to the next record."""
        self._check(record)
        here = Anchor(record.seq, chained(record.body))
        if self._anchor is not None and here.seq == self._anchor.seq and here != self._anchor:
            raise _Misfit("it is not the record the snapshot was taken at")
        self.seq, self.hash = here
        self._batch, self._batch_end = record.batch, record.batch_end
        if self.whole:
            self.settled = _Place(self.seq, self.hash)

    def rewind(self) -> None:
        """Go back to the end of the last whole batch."""
        self.seq, self.hash = self.settled
        self._batch = self._batch_end = self.seq

    def _check(self, record: Record) -> None:
        if record.seq != self.seq + 1:
            raise _Misfit(f"record {record.seq} is in its place")
        if self.hash is not None and record.prev != self.hash:
            raise _Misfit("its chained hash does not fit: the record before it is not the one written")
        begins = self.whole and record.batch == record.seq <= record.batch_end
        goes_on = (record.batch, record.batch_end) == (self._batch, self._batch_end) and not self.whole
        if not begins and not goes_on:
            raise _Misfit("it does not belong to its batch")


def _first_to_read(segments: list[Segment], anchor: Anchor | None) -> int:
    if anchor is None or not segments:
        return 0
    if segments[0].first > anchor.seq + 1:
        reason = f"the journal begins with record {segments[0].first}"
        raise Damaged(seq=anchor.seq + 1, file=segments[0].path, offset=0, reason=reason)
    return max(index for index, segment in enumerate(segments) if segment.first <= anchor.seq + 1)


def _start(segments: list[Segment], anchor: Anchor | None) -> _Place:
    first = segments[0].first if segments else None
    if anchor is not None and first in (None, anchor.seq + 1):
        return _Place(*anchor)
    if first is None or first == 1:
        return _Place(0, "")
    return _Place(first - 1, None)


def _scan(segment: Segment, chain: _Chain, *, files: Files, mark: Mark, newest: bool) -> Tear | None:
    offset = settled = 0
    rest = b""
    reason = "the batch ends early"
    if segment.first != chain.seq + 1:
        misplaced = f"this segment begins with record {segment.first}"
        raise Damaged(seq=chain.seq + 1, file=segment.path, offset=0, reason=misplaced)
    with open_lines(files, segment.path) as lines:
        for line in lines:
            try:
                record = parse(line)
                chain.take(record)
            except Unreadable as fault:
                reason = str(fault)
                rest = line + lines.read()
                break
            except _Misfit as misfit:
                raise Damaged(seq=chain.seq + 1, file=segment.path, offset=offset, reason=str(misfit)) from misfit
            segment.note(record.seq, offset)
            offset += len(line)
            settled = offset if chain.whole else settled
    if chain.whole and not rest:
        return None
    first = chain.settled.seq + 1
    if not newest or not _may_be_torn(first, mark, rest):
        raise Damaged(seq=chain.seq + 1, file=segment.path, offset=offset, reason=reason)
    chain.rewind()
    segment.shrink(settled)
    return Tear(segment.path, settled, first, reason)


def _may_be_torn(first: int, mark: Mark, rest: bytes) -> bool:
    """A later batch is proof that this one was durable, so that it was damaged and not torn."""
    if first <= mark.seq:
        return False
    return mark.durability != "always" or all(record.batch == first for record in salvage(rest))
