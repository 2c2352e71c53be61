"""A program with a terminal of its own, as its foreground job and session leader."""

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self


class Terminal:
    """Runs ``argv`` while it is entered; afterwards the program and its session are gone."""

    def __init__(self, argv: Sequence[str], *, env: Mapping[str, str], cwd: Path) -> None:
        self._argv = list(argv)
        self._env = dict(env)
        self._cwd = cwd
        self._master = -1
        self._shown = b""

    def __enter__(self) -> Self:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("4H", 40, 120, 0, 0))
        self.process = subprocess.Popen(
            self._argv,
            env=self._env,
            cwd=self._cwd,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=_control,
        )
        os.close(slave)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.hang_up()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(timeout=10)

    @property
    def text(self) -> str:
        """All that was shown so far."""
        while self._master >= 0 and select.select([self._master], [], [], 0)[0]:
            try:
                more = os.read(self._master, 65536)
            except OSError:
                break
            if not more:
                break
            self._shown += more
        return self._shown.decode("utf-8", "replace").replace("\r\n", "\n")

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self._master, text.encode())

    def hang_up(self) -> None:
        """Close the terminal."""
        if self._master >= 0:
            self._shown = self.text.encode()
            os.close(self._master)
            self._master = -1

    def ended(self, timeout: float = 15.0) -> int:
        """The exit code, once it has ended; what it shows meanwhile is read."""
        deadline = time.monotonic() + timeout
        while self.process.poll() is None and time.monotonic() < deadline:
            _ = self.text
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(0.02)
        return self.process.wait(0)


def _control() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGTTOU, signal.SIG_DFL)
