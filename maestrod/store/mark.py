"""The durable mark: the last place in the journal that is known to be on disk.

The file ``durable`` has two slots, a page each, written in turn, so that a torn write spares the older one.
A mark may lag behind the journal, never run ahead of it.
"""

import logging
import os
from contextlib import suppress
from pathlib import Path

import msgspec

from maestrod.store.files import Files, read_whole, write_all, write_aside
from maestrod.store.log import Durability
from maestrod.store.records import Unreadable, frame, unframe

log = logging.getLogger(__name__)

PAGE = 4096
SLOT = 256


class Mark(msgspec.Struct, frozen=True):
    """Everything up to ``seq``, which ends at ``offset`` of the segment that begins with ``segment``."""

    seq: int
    segment: int
    offset: int
    durability: Durability
    """The way of syncing of all that follows the mark."""


NOTHING = Mark(seq=0, segment=1, offset=0, durability="always")


def read_mark(files: Files, path: Path) -> Mark:
    """The newest readable mark; ``NOTHING`` when there is none.

    Raises:
        OSError: the file cannot be read.
    """
    try:
        data = read_whole(files, path)
    except FileNotFoundError:
        return NOTHING
    found = [mark for mark in (_read_slot(data[at : at + SLOT]) for at in (0, PAGE)) if mark]
    if not found:
        log.warning("both slots of the durable mark were unreadable", extra={"file": str(path)})
    return max(found, key=lambda mark: mark.seq, default=NOTHING)


def _read_slot(slot: bytes) -> Mark | None:
    with suppress(Unreadable, msgspec.DecodeError):
        return msgspec.json.decode(unframe(slot.rstrip(b" \n") + b"\n"), type=Mark)
    return None


def _slot(mark: Mark) -> bytes:
    return frame(msgspec.json.encode(mark)).rstrip(b"\n").ljust(SLOT - 1) + b"\n"


class MarkFile:
    """The open file ``durable``. A mark that cannot be written is only told in the log: an older one is true."""

    def __init__(self, files: Files, path: Path, mark: Mark) -> None:
        """Write both slots anew; durable on return.

        Raises:
            OSError: the file could not be written.
        """
        page = _slot(mark).ljust(PAGE - 1) + b"\n"
        write_aside(files, path, [page, page])
        self._files = files
        self._fd = files.open(path, os.O_WRONLY)
        self._slot = 0
        self.seq = mark.seq
        """What was marked last."""

    def write(self, mark: Mark) -> None:
        """Overwrite the older slot; durable after ``sync``."""
        self.seq = mark.seq
        try:
            write_all(self._files, self._fd, _slot(mark), self._slot * PAGE)
        except OSError as error:
            log.warning("the durable mark was not written: %s", error, extra={"seq": mark.seq})
        else:
            self._slot = 1 - self._slot

    def sync(self) -> None:
        """Make the mark durable."""
        try:
            self._files.fdatasync(self._fd)
        except OSError as error:
            log.warning("the durable mark was not synced: %s", error, extra={"seq": self.seq})

    def close(self) -> None:
        """Give the descriptor back."""
        self._files.close(self._fd)
