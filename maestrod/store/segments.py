"""The files of the journal, each named for its first record, and where in them a record is found."""

import os
import re
import threading
from array import array
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise, takewhile
from pathlib import Path
from typing import BinaryIO, NamedTuple

from maestrod.store.files import Files
from maestrod.store.log import Anchor, Damaged, TooOld
from maestrod.store.records import Unreadable, parse

_NAME = re.compile(r"\d{12,18}\.jsonl")
INDEX_STEP = 64 * 1024
"""Bytes between two entries of a segment's index: what a look-up may have to read over."""


class Segment:
    """One file of the journal; only the one who writes changes it, under the shelf's guard."""

    def __init__(self, path: Path, first: int, size: int = 0) -> None:
        self.path = path
        self.first = first
        self.size = size
        """Bytes that may be read: whole batches, reported durable."""
        self._seqs = array("Q", [first])
        self._offsets = array("Q", [0])

    def note(self, seq: int, offset: int) -> None:
        """Remember where a record begins, if the last one remembered is far enough away."""
        if offset - self._offsets[-1] >= INDEX_STEP:
            self._seqs.append(seq)
            self._offsets.append(offset)

    def find(self, seq: int) -> int:
        """Where to begin reading to meet a record: at it or some way before."""
        return self._offsets[max(0, bisect_right(self._seqs, seq) - 1)]

    def shrink(self, size: int) -> None:
        """Forget everything from a byte on."""
        self.size = size
        keep = max(1, bisect_right(self._offsets, size))
        del self._seqs[keep:], self._offsets[keep:]


class Span(NamedTuple):
    """A stretch of one segment to read."""

    path: Path
    start: int
    end: int


def segment_path(folder: Path, first: int) -> Path:
    """The file whose first record is ``first``."""
    return folder / f"{first:012d}.jsonl"


def list_segments(folder: Path) -> list[Segment]:
    """The segments on disk, oldest first, with their sizes; other files are ignored.

    Raises:
        OSError: the folder cannot be read.
    """
    paths = sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name))
    segments = [Segment(path, int(path.stem), path.lstat().st_size) for path in paths]
    return sorted(segments, key=lambda segment: segment.first)


@contextmanager
def open_lines(files: Files, path: Path, start: int = 0) -> Iterator[BinaryIO]:
    """A segment as lines, from a byte on.

    Raises:
        OSError: the file cannot be read.
    """
    with os.fdopen(files.open(path, os.O_RDONLY), "rb", buffering=1 << 16) as lines:
        lines.seek(start)
        yield lines


def create_segment(files: Files, path: Path) -> int:
    """A new, empty, durable segment; an empty one left at its place is replaced by a new file.

    Raises:
        OSError: it could not be made; the place is free or holds an empty file.
    """
    with suppress(FileNotFoundError):
        if path.lstat().st_size == 0:
            files.unlink(path)
    fd = files.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        files.fsync(fd)
        files.fsync_folder(path.parent)
    except BaseException:
        files.close(fd)
        raise
    return fd


class Shelf:
    """The segments and how far they may be read, shared by the one who writes and all who read."""

    def __init__(self, segments: list[Segment], head: Anchor) -> None:
        """There is always a segment, be it empty."""
        self._guard = threading.Lock()
        self._segments = segments
        self.head = head
        """The last record that may be read."""

    @property
    def newest(self) -> Segment:
        """The segment that grows."""
        with self._guard:
            return self._segments[-1]

    @property
    def oldest_seq(self) -> int:
        """The first record kept; one more than the head in an empty journal."""
        with self._guard:
            return self._segments[0].first

    def begin(self, segment: Segment) -> None:
        """Add a new, empty segment; an empty one of the same name gives way."""
        with self._guard:
            if self._segments and self._segments[-1].first == segment.first:
                del self._segments[-1]
            self._segments.append(segment)

    def advance(self, head: Anchor, size: int) -> None:
        """Let readers see one more batch of the newest segment."""
        with self._guard:
            newest = self._segments[-1]
            newest.note(self.head.seq + 1, newest.size)
            newest.size = size
            self.head = head

    def withdraw(self, head: Anchor, size: int) -> None:
        """Take batches of the newest segment from readers' sight."""
        with self._guard:
            self._segments[-1].shrink(size)
            self.head = head

    def spans_after(self, after: int) -> list[Span]:
        """Where the records after a sequence number lie.

        Raises:
            TooOld: some are no longer kept.
        """
        with self._guard:
            segments = self._segments
            if after + 1 < segments[0].first:
                raise TooOld(after=after, oldest_seq=segments[0].first)
            if after >= self.head.seq:
                return []
            begin = bisect_right(segments, after + 1, key=lambda segment: segment.first) - 1
            return [Span(each.path, each.find(after + 1), each.size) for each in segments[begin:] if each.size]

    def whole_after(self, after: int) -> tuple[Anchor, list[Span]]:
        """The last record that may be read, and from their beginnings the segments that hold those after a number.

        Raises:
            TooOld: some are no longer kept.
        """
        with self._guard:
            if after + 1 < self._segments[0].first:
                raise TooOld(after=after, oldest_seq=self._segments[0].first)
            begin = bisect_right(self._segments, after + 1, key=lambda segment: segment.first) - 1
            return self.head, [Span(each.path, 0, each.size) for each in self._segments[begin:] if each.size]

    def outdated(self, seq: int, modified_before: float) -> list[Segment]:
        """The oldest segments that hold nothing from ``seq`` on and were last written before a time.

        The one with the newest record always stays.

        Raises:
            OSError: a segment cannot be looked at.
        """
        with self._guard:
            pairs = list(pairwise(self._segments))
        needless = takewhile(lambda pair: pair[1].first <= seq and pair[1].size > 0, pairs)
        older = (segment for segment, _ in needless)
        return list(takewhile(lambda segment: segment.path.stat().st_mtime < modified_before, older))

    def forget(self, dropped: Segment) -> None:
        """Take a whole segment from readers' sight."""
        with self._guard:
            self._segments.remove(dropped)


def read_records(files: Files, spans: list[Span], after: int) -> Iterator[bytes]:
    """The bodies after a sequence number, each checked for its checksum and its place in the order.

    Raises:
        Damaged: a record is not what was written.
        OSError: a segment cannot be read, or was dropped meanwhile.
    """
    expected = after + 1
    for span in spans:
        offset = span.start
        with open_lines(files, span.path, span.start) as lines:
            while offset < span.end:
                line = lines.readline()
                try:
                    record = parse(line)
                except Unreadable as fault:
                    raise Damaged(seq=expected, file=span.path, offset=offset, reason=str(fault)) from fault
                if record.seq > expected:
                    reason = f"record {record.seq} is in its place"
                    raise Damaged(seq=expected, file=span.path, offset=offset, reason=reason)
                if record.seq == expected:
                    expected += 1
                    yield record.body
                offset += len(line)
