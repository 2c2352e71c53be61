"""Files that others write while they are read: by offset, bounded, whatever becomes of them."""

import os
import stat
from pathlib import Path

READ = 256 * 1024
"""Bytes that are read at once; of a file that grew by more, the last of them."""
SMALL = 64 * 1024


class NoFile(OSError):
    """What lies there is no regular file."""


class Tail:
    """The lines of a growing file; one that was replaced or cut off is begun anew, from its end."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._file = (-1, -1)
        self._offset = 0
        self._stamp = (-1, -1)
        self._within = False
        """The offset lies in a line whose beginning was passed over."""

    def lines(self) -> list[bytes]:
        """The whole lines that were written since the last call; a half one is left for the next.

        Raises:
            OSError: it cannot be read, or is no regular file.
        """
        found = Path(self.path).stat()
        stamp = (found.st_size, found.st_mtime_ns)
        if (found.st_dev, found.st_ino) == self._file and stamp == self._stamp:
            return []
        descriptor = _open(self.path)
        try:
            return self._read(descriptor)
        finally:
            os.close(descriptor)

    def _read(self, descriptor: int) -> list[bytes]:
        found = os.fstat(descriptor)
        file = (found.st_dev, found.st_ino)
        if file != self._file or found.st_size < self._offset:
            self._file, self._offset, self._within = file, 0, False
        self._stamp = (found.st_size, found.st_mtime_ns)
        if found.st_size - self._offset > READ:
            self._offset, self._within = found.st_size - READ, True
        raw = os.pread(descriptor, READ, self._offset)
        whole, end, rest = raw.rpartition(b"\n")
        if not end and len(raw) < READ:
            return []
        self._offset += len(raw) - len(rest) if end else len(raw)
        lines = whole.split(b"\n") if end else []
        if self._within:
            lines = lines[1:]
        self._within = not end
        return [line for line in lines if line]


def whole(path: str) -> bytes:
    """A small file, at most its first ``SMALL`` bytes.

    Raises:
        OSError: it cannot be read, or is no regular file.
    """
    descriptor = _open(path)
    try:
        return os.read(descriptor, SMALL)
    finally:
        os.close(descriptor)


def _open(path: str) -> int:
    """Without waiting for anybody: a pipe or a device is refused."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NoFile(f"{path} is no regular file")
    return descriptor
