"""The growing end of the journal: the open segment, and how far it is written and synced.

It belongs to one thread at a time. Methods let OSError through; after one, only ``retreat`` and then ``renew``
may follow, because a descriptor whose sync failed cannot be trusted again.
"""

import os
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import NamedTuple, Self

from maestrod.store.files import Files, write_all
from maestrod.store.log import Anchor, Durability
from maestrod.store.mark import Mark, MarkFile
from maestrod.store.records import frame_batch
from maestrod.store.recovery import cut
from maestrod.store.segments import Segment, Shelf, create_segment, segment_path

SYNC_WITHIN_S = 1.0
"""With ``batch`` durability: the longest that what was reported waits for its sync."""


class _End(NamedTuple):
    head: Anchor
    offset: int


class Writer:
    """Writes batches, keeps the durable mark, begins new segments."""

    def __init__(
        self, folder: Path, shelf: Shelf, fd: int, *, files: Files, durability: Durability, segment_bytes: int
    ) -> None:
        """``fd`` is the newest segment of the shelf, durable as it is."""
        self._folder = folder
        self._shelf = shelf
        self._files = files
        self._durability: Durability = durability
        self._segment_bytes = segment_bytes
        self._fd: int | None = fd
        self._written = self._synced = _End(shelf.head, shelf.newest.size)
        self._sync_due = 0.0
        self._sync_failed = False
        self._cut_due = False
        self._mark = MarkFile(files, folder / "durable", self._mark_here())

    @classmethod
    def open(cls, folder: Path, shelf: Shelf, *, files: Files, durability: Durability, segment_bytes: int) -> Self:
        """Open the newest segment; all that it holds is durable, and marked so, on return.

        A killed process may have left bytes, and the name itself, unsynced.
        """
        fd = files.open(shelf.newest.path, os.O_WRONLY | os.O_CREAT)
        try:
            files.fsync(fd)
            files.fsync_folder(folder)
            return cls(folder, shelf, fd, files=files, durability=durability, segment_bytes=segment_bytes)
        except BaseException:
            files.close(fd)
            raise

    @property
    def unsettled(self) -> bool:
        """Whether ``settle`` has anything to do."""
        return self._mark.seq < self._synced.head.seq or self._sync_owed()

    def write(self, bodies: list[bytes]) -> None:
        """Write one batch; readers see it, and it is as durable as was asked for, on return."""
        if self._sync_owed() and monotonic() >= self._sync_due:
            self._sync()
        if self._written.offset >= self._segment_bytes:
            self._rotate()
        if self._mark.seq < self._synced.head.seq:
            self._mark.write(self._mark_here())
        before = self._written
        data, last_hash = frame_batch(bodies, first=before.head.seq + 1, prev=before.head.hash)
        offset = write_all(self._files, self._open_fd, data, before.offset)
        self._advance(_End(Anchor(before.head.seq + len(bodies), last_hash), offset))

    def settle(self, *, finally_: bool = False) -> None:
        """At rest: sync what is owed, and make the durable mark durable itself."""
        if self._sync_owed() or (finally_ and self._written != self._synced):
            self._sync()
        if self._mark.seq < self._synced.head.seq:
            self._mark.write(self._mark_here())
            self._mark.sync()

    def retreat(self) -> None:
        """Give up the segment and take back all that is not durable; on return it is not on disk.

        Readers no longer see it even when this fails.
        """
        self._save_reported()
        with suppress(OSError):
            self._close_segment()
        self._written = self._synced
        self._shelf.withdraw(self._synced.head, self._synced.offset)
        self._cut_due = True
        self._cut()

    def renew(self) -> None:
        """After ``retreat``: go on in a new segment; may be called again until it returns."""
        self._cut()
        self._begin_segment()

    def close(self) -> None:
        """Give the descriptors back; ``settle`` first."""
        self._mark.close()
        self._close_segment()

    @property
    def _open_fd(self) -> int:
        if self._fd is None:
            raise ValueError("the segment was given up; renew comes first")
        return self._fd

    def _close_segment(self) -> None:
        fd, self._fd = self._fd, None
        if fd is not None:
            self._files.close(fd)

    def _sync_owed(self) -> bool:
        return self._durability == "batch" and self._written != self._synced

    def _advance(self, end: _End) -> None:
        if self._durability == "always":
            self._sync(end)
        elif self._written == self._synced:
            self._sync_due = monotonic() + SYNC_WITHIN_S
        self._written = end
        self._shelf.advance(end.head, end.offset)

    def _sync(self, end: _End | None = None) -> None:
        try:
            self._files.fdatasync(self._open_fd)
        except OSError:
            self._sync_failed = True
            raise
        self._synced = end or self._written

    def _save_reported(self) -> None:
        """A failed write says nothing against the bytes before it; a failed sync does."""
        if self._written != self._synced and not self._sync_failed:
            with suppress(OSError):
                self._sync()

    def _cut(self) -> None:
        if self._cut_due:
            cut(self._files, self._shelf.newest.path, self._synced.offset)
            self._cut_due = False

    def _rotate(self) -> None:
        if self._written != self._synced:
            self._sync()
        full = self._open_fd
        self._begin_segment()
        with suppress(OSError):
            self._files.close(full)

    def _begin_segment(self) -> None:
        head = self._synced.head
        segment = Segment(segment_path(self._folder, head.seq + 1), head.seq + 1)
        self._fd = create_segment(self._files, segment.path)
        self._sync_failed = False
        self._shelf.begin(segment)
        self._written = self._synced = _End(head, 0)

    def _mark_here(self) -> Mark:
        end = self._synced
        return Mark(end.head.seq, self._shelf.newest.first, end.offset, self._durability)
