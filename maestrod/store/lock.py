"""One daemon per home: a lock that dies with its process."""

import fcntl
import os
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from maestrod.store.files import Files, disk_errors, make_folders
from maestrod.store.log import HomeLocked

_PID = re.compile(rb"pid (\d{1,10})\b")


class HomeLock:
    """A file under ``flock``, held from ``with`` to its end.

    The file also says, for people, which process holds it since when. It is never removed; what an ended
    process left in it is no obstacle. Children do not inherit the descriptor.
    """

    def __init__(self, path: Path, *, files: Files | None = None, now: Callable[[], float] = time.time) -> None:
        self.path = path
        self._files = files or Files()
        self._now = now
        self._fd: int | None = None

    def __enter__(self) -> Self:
        """Take the lock, at once or not at all.

        Raises:
            HomeLocked: another process has it.
            DiskError: the file cannot be made or written.
        """
        with disk_errors("lock", self.path):
            make_folders(self._files, self.path.parent)
            fd = self._files.open(self.path, os.O_RDWR | os.O_CREAT)
            try:
                self._lock(fd)
            except BaseException:
                os.close(fd)
                raise
        self._fd = fd
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the lock back."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _lock(self, fd: int) -> None:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = _PID.search(os.pread(fd, 200, 0))
            raise HomeLocked(file=self.path, pid=int(holder[1]) if holder else None) from error
        since = datetime.fromtimestamp(self._now(), UTC).isoformat(timespec="seconds")
        self._files.truncate(fd, 0)
        self._files.write(fd, b"pid %d since %b\n" % (os.getpid(), since.encode()), 0)
