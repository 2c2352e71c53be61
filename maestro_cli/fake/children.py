"""Running commands and hooks as children, while the agent goes on listening to its terminal."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

CHUNK = 65_536
KEEP = 256 * 1024
"""Bytes of output that are kept of one child; the rest is read and dropped."""
GRACE_S = 1.0
LINGER_S = 0.2
"""How long output is awaited after the child itself has ended (something else may hold the pipe)."""


class Ready(NamedTuple):
    """The descriptors that can be read and written now."""

    readable: frozenset[int]
    writable: frozenset[int]


class Pump(Protocol):
    """Waits for descriptors, at most so long, and serves the terminal meanwhile; may raise to stop it all."""

    def __call__(self, timeout_s: float, reads: Sequence[int], writes: Sequence[int]) -> Ready: ...


class Outcome(NamedTuple):
    """How a child ended; ``code`` is 128 + n after a signal, 127 when it could not be started."""

    code: int
    stdout: str
    stderr: str
    seconds: float
    timed_out: bool
    pid: int


def run(
    command: str,
    *,
    env: Mapping[str, str],
    cwd: str,
    feed: bytes,
    limit_s: float | None,
    merge: bool,
    pump: Pump,
) -> Outcome:
    """Run ``sh -c command`` in a process group of its own; what ``pump`` raises kills the group and goes on up."""
    started = time.monotonic()
    try:
        process = subprocess.Popen(
            ["sh", "-c", command],
            stdin=subprocess.PIPE if feed else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if merge else subprocess.PIPE,
            env=dict(env),
            cwd=cwd,
            process_group=0,
        )
    except (OSError, ValueError) as error:
        return Outcome(127, "", f"{error}\n", seconds=0.0, timed_out=False, pid=0)
    return _Child(process, feed, started).follow(limit_s, pump)


class _Child:
    """One running child and its pipes."""

    def __init__(self, process: subprocess.Popen[bytes], feed: bytes, started: float) -> None:
        self._process = process
        self._feed = memoryview(feed)
        self._started = started
        self._kept: dict[int, bytearray] = {
            pipe.fileno(): bytearray() for pipe in (process.stdout, process.stderr) if pipe
        }
        self._open = set(self._kept)
        self._stdin = process.stdin.fileno() if process.stdin else -1
        self._ended_at: float | None = None

    def follow(self, limit_s: float | None, pump: Pump) -> Outcome:
        """Serve the pipes until the child is gone."""
        for fd in (*self._kept, *self._inputs()):
            os.set_blocking(fd, False)
        timed_out = False
        try:
            while not self._over():
                if limit_s is not None and time.monotonic() - self._started > limit_s:
                    timed_out = True
                    break
                wait_s = 0.05 if self._open else 0.003
                self._serve(pump(wait_s, tuple(self._open), self._inputs()))
        finally:
            self._end()
        out, err = self._texts()
        seconds = time.monotonic() - self._started
        return Outcome(_code(self._process.returncode), out, err, seconds, timed_out=timed_out, pid=self._process.pid)

    def _inputs(self) -> tuple[int, ...]:
        return (self._stdin,) if self._stdin >= 0 else ()

    def _over(self) -> bool:
        """Return whether the child ended, and its output with it."""
        if self._process.poll() is None:
            return False
        if self._ended_at is None:
            self._ended_at = time.monotonic()
        return not self._open or time.monotonic() - self._ended_at > LINGER_S

    def _serve(self, ready: Ready) -> None:
        for fd in ready.readable & self._open:
            data = _read(fd)
            if data == b"":
                self._open.discard(fd)
            elif data:
                kept = self._kept[fd]
                kept += data[: max(0, KEEP - len(kept))]
        if self._stdin in ready.writable:
            self._write()

    def _write(self) -> None:
        try:
            self._feed = self._feed[os.write(self._stdin, self._feed[:CHUNK]) :]
        except BlockingIOError:
            return
        except OSError:
            self._feed = self._feed[len(self._feed) :]
        if not self._feed and self._process.stdin:
            self._stdin = -1
            self._process.stdin.close()

    def _end(self) -> None:
        """Kill what still runs and close the pipes."""
        if self._process.poll() is None:
            self._signal(signal.SIGTERM)
            try:
                self._process.wait(GRACE_S)
            except subprocess.TimeoutExpired:
                self._signal(signal.SIGKILL)
                self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe:
                try:
                    pipe.close()
                except OSError:
                    continue

    def _signal(self, number: signal.Signals) -> None:
        try:
            os.killpg(self._process.pid, number)
        except (ProcessLookupError, PermissionError):
            return

    def _texts(self) -> tuple[str, str]:
        texts = [bytes(kept).decode("utf-8", "replace") for kept in self._kept.values()]
        return texts[0], texts[1] if len(texts) > 1 else ""


def _read(fd: int) -> bytes | None:
    try:
        return os.read(fd, CHUNK)
    except BlockingIOError:
        return None
    except OSError:
        return b""


def _code(returncode: int) -> int:
    return 128 - returncode if returncode < 0 else returncode
