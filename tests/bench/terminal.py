"""A program in a terminal of its own, as a person has it: what is typed goes in, what is painted is read back."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import psutil

from tests.bench.wire import Failed

READ = 1 << 16
PAINTED_WITHIN_S = 30.0


class Terminal:
    """The master's end; what nobody waits for is to be read all the same, for the program stands still otherwise."""

    def __init__(self, master: int, pid: int) -> None:
        self._master = master
        self._process = psutil.Process(pid)

    def type(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self._master, keys)

    def until(self, found: Callable[[bytes], bool], *, what: str = "what was waited for") -> bytes:
        """Read until what is painted from now on has something; all that was read.

        Raises:
            Failed: it was not painted in time.
        """
        deadline = time.perf_counter() + PAINTED_WITHIN_S
        painted = b""
        while not found(painted):
            if not (more := self._read(deadline - time.perf_counter())):
                raise Failed(f"{what} was not painted: {painted[-500:]!r}")
            painted += more
        return painted

    def rest(self, seconds: float) -> None:
        """Read what is painted for so long."""
        deadline = time.perf_counter() + seconds
        while (left := deadline - time.perf_counter()) > 0:
            self._read(left)

    def _read(self, seconds: float) -> bytes:
        if seconds <= 0 or not select.select([self._master], [], [], seconds)[0]:
            return b""
        try:
            return os.read(self._master, READ)
        except OSError as error:
            raise Failed(f"the program in the terminal has ended: {error}") from error

    def rss_mb(self) -> float:
        """Resident memory of the program and its children."""
        return sum(process.memory_info().rss for process in self._tree()) / 2**20

    def cpu_s(self) -> float:
        """Processor time that the program and its children have used."""
        times = [process.cpu_times() for process in self._tree()]
        return sum(each.user + each.system for each in times)

    def _tree(self) -> list[psutil.Process]:
        return [self._process, *self._process.children(recursive=True)]


@contextmanager
def in_terminal(argv: Sequence[str], env: Mapping[str, str], *, width: int, height: int) -> Iterator[Terminal]:
    """The program, until the block is left."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("4H", height, width, 0, 0))
    process = subprocess.Popen(
        argv,
        env={**env, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)
    try:
        yield Terminal(master, process.pid)
    finally:
        process.kill()
        process.wait()
        os.close(master)
