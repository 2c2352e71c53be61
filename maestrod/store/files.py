"""The one door to the disk: what tests replace by a door that fails.

Files are private from the moment they exist (0600, folders 0700), are never reached through a symbolic
link, and their descriptors are not inherited by children.
"""

import errno
import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from maestrod.store.log import DiskError


class Files:
    """System calls, one a method; every method raises OSError and nothing else."""

    def __init__(self, *, full_sync: int | None = getattr(fcntl, "F_FULLFSYNC", None)) -> None:
        """``full_sync`` is the fcntl command that flushes the drive's own cache, where there is one (macOS)."""
        self._full_sync = full_sync

    def open(self, path: Path, flags: int) -> int:
        """Open a file; with O_CREAT it is made 0600."""
        return os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)

    def write(self, fd: int, data: bytes | memoryview, offset: int) -> int:
        """Write at a place; fewer bytes than given may be taken."""
        return os.pwrite(fd, data, offset)

    def fdatasync(self, fd: int) -> None:
        """Make the file's bytes durable."""
        if self._full_sync is None:
            os.fdatasync(fd)
        else:
            fcntl.fcntl(fd, self._full_sync)

    def fsync(self, fd: int) -> None:
        """Make the file's bytes and what is known about it durable."""
        if self._full_sync is None:
            os.fsync(fd)
        else:
            fcntl.fcntl(fd, self._full_sync)

    def truncate(self, fd: int, size: int) -> None:
        """Cut the file."""
        os.ftruncate(fd, size)

    def rename(self, source: Path, target: Path) -> None:
        """Put a file in the place of another, atomically."""
        source.replace(target)

    def unlink(self, path: Path) -> None:
        """Remove a file."""
        path.unlink()

    def make_folder(self, path: Path) -> None:
        """Make a folder, 0700, unless it is there."""
        path.mkdir(mode=0o700, exist_ok=True)

    def fsync_folder(self, path: Path) -> None:
        """Make names in a folder durable: after a new file, a rename or a removal."""
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self.fsync(fd)
        finally:
            os.close(fd)

    def close(self, fd: int) -> None:
        """Give a descriptor back."""
        os.close(fd)


@contextmanager
def disk_errors(deed: str, file: Path) -> Iterator[None]:
    """Turn what the system refuses into a DiskError that names the deed and the file."""
    try:
        yield
    except OSError as error:
        raise DiskError(deed=deed, file=file, reason=error.strerror or str(error)) from error


def write_all(files: Files, fd: int, data: bytes, offset: int) -> int:
    """Write everything at a place, however often the system takes only a part; return where it ends."""
    rest = memoryview(data)
    while rest:
        taken = files.write(fd, rest, offset)
        if taken <= 0:
            raise OSError(errno.EIO, "the system took no bytes")
        offset += taken
        rest = rest[taken:]
    return offset


def read_whole(files: Files, path: Path) -> bytes:
    """All bytes of a file."""
    with os.fdopen(files.open(path, os.O_RDONLY), "rb") as file:
        return file.read()


def make_folders(files: Files, path: Path) -> None:
    """Make a folder and those above it, private and durable."""
    if path.is_dir():
        return
    make_folders(files, path.parent)
    files.make_folder(path)
    files.fsync_folder(path.parent)


def write_aside(files: Files, path: Path, chunks: Iterable[bytes], *, sync_every: int = 4 << 20) -> None:
    """Write a whole file so that it is there complete or not at all; durable on return.

    Bytes go to disk every ``sync_every``, so that a large file does not hold up the journal's syncs.
    A second call with the same chunks changes nothing.
    """
    aside = path.with_name(f"{path.name}.part")
    with suppress(FileNotFoundError):
        files.unlink(aside)
    fd = files.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        try:
            _write_chunks(files, fd, chunks, sync_every)
            files.fsync(fd)
        finally:
            files.close(fd)
        files.rename(aside, path)
    except BaseException:
        with suppress(OSError):
            files.unlink(aside)
        raise
    files.fsync_folder(path.parent)


def _write_chunks(files: Files, fd: int, chunks: Iterable[bytes], sync_every: int) -> None:
    offset = synced = 0
    for chunk in chunks:
        offset = write_all(files, fd, chunk, offset)
        if offset - synced >= sync_every:
            files.fdatasync(fd)
            synced = offset
