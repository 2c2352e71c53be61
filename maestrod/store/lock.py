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
ELSEWHERE = "its socket is in another run folder; is XDG_RUNTIME_DIR set there as it is here?"


class HomeLock:
    """A file under ``flock``, held from ``with`` to its end, and the folder ``data`` with it, when it is there.

    The file also says, for people, which process holds it since when. It is never removed; what an ended
    process left in it is no obstacle. Children do not inherit the descriptors. The folder is locked as well because
    two shells may know one data folder and different run folders, as with and without ``XDG_RUNTIME_DIR``.
    """

    def __init__(
        self, path: Path, *, data: Path | None = None, files: Files | None = None, now: Callable[[], float] = time.time
    ) -> None:
        self.path = path
        self._data = data
        self._files = files or Files()
        self._now = now
        self._held: list[int] = []

    def __enter__(self) -> Self:
        """Take the lock, at once or not at all.

        Raises:
            HomeLocked: another process has it.
            DiskError: the file cannot be made or written.
        """
        with disk_errors("lock", self.path):
            make_folders(self._files, self.path.parent)
            fd = self._files.open(self.path, os.O_RDWR | os.O_CREAT)
            self._held.append(fd)
            try:
                self._lock(fd)
                if self._data is not None:
                    self._lock_folder(self._data)
            except BaseException:
                self._let_go()
                raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the lock back."""
        self._let_go()

    def _let_go(self) -> None:
        while self._held:
            os.close(self._held.pop())

    def _lock(self, fd: int) -> None:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = _PID.search(os.pread(fd, 200, 0))
            raise HomeLocked(file=self.path, pid=int(holder[1]) if holder else None) from error
        since = datetime.fromtimestamp(self._now(), UTC).isoformat(timespec="seconds")
        self._files.truncate(fd, 0)
        self._files.write(fd, b"pid %d since %b\n" % (os.getpid(), since.encode()), 0)

    def _lock_folder(self, folder: Path) -> None:
        try:
            fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            return
        self._held.append(fd)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise HomeLocked(file=folder, pid=None, hint=ELSEWHERE) from error
