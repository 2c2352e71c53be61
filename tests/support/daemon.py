"""A real daemon in a home of its own."""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

from tests.support.eventually import eventually


class Answer:
    """Status, headers and the decoded body of one answer."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.raw = body
        self.json: Any = json.loads(body) if body else None


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class Daemon:
    """``maestrod`` as a process; ``home`` outlives it, so that it can be killed and started again."""

    def __init__(self, home: Path, *, env: Mapping[str, str] | None = None, args: Sequence[str] = ()) -> None:
        self.home = home
        self.args = tuple(args)
        self.socket = home / "run" / "maestrod.sock"
        self.env = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": str(home), "MAESTRO_HOME": str(home)}
        self.env |= dict(env or {})
        self.env |= {k: v for k, v in os.environ.items() if k.startswith("COVERAGE_")}
        self.process: subprocess.Popen[bytes] | None = None
        self.command: Sequence[str] = (sys.executable, "-m", "maestrod")
        self.passed: tuple[int, ...] = ()

    def start(self) -> Self:
        """Start it and wait until it answers."""
        with (self.home / "stderr.txt").open("ab") as err:
            self.process = subprocess.Popen(
                [*self.command, *self.args],
                env=self.env,
                pass_fds=self.passed,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=err,
                stderr=err,
                start_new_session=True,
            )
        eventually(self._answers, timeout=20, what="the daemon answers")
        return self

    def attempt(self) -> tuple[int, str]:
        """Start one that will not run: its exit code, and what it said."""
        ended = subprocess.run(
            [*self.command, *self.args],
            env=self.env,
            pass_fds=self.passed,
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        return ended.returncode, ended.stderr

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """``maestrod`` with these words, to its end."""
        return subprocess.run(
            [sys.executable, "-m", "maestrod", *words],
            env=self.env,
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    @property
    def pid(self) -> int:
        """Its process."""
        assert self.process is not None
        return self.process.pid

    def log(self) -> str:
        """What it has logged so far."""
        return (self.home / "logs" / "maestrod.log").read_text()

    def connect(self, *, timeout: float = 10) -> socket.socket:
        """A bare connection."""
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(timeout)
        connection.connect(str(self.socket))
        return connection

    def raw(self, sent: bytes, *, timeout: float = 10) -> bytes:
        """Send these bytes; all that comes back until the daemon closes the connection."""
        with self.connect(timeout=timeout) as connection:
            connection.sendall(sent)
            return b"".join(iter(lambda: connection.recv(65536), b""))

    def _answers(self) -> bool:
        if self.process is not None and self.process.poll() is not None:
            raise RuntimeError(f"the daemon ended: {(self.home / 'stderr.txt').read_text()}")
        return self.call("GET", "/health").status == 200

    def stop(self) -> int:
        """Ask it to stop; the exit code."""
        return self._end(signal.SIGTERM)

    def kill(self) -> int:
        """Kill it -9."""
        return self._end(signal.SIGKILL)

    def end(self) -> None:
        """Kill it; when it is measured, only if it does not stop first: a killed process writes nothing down."""
        if self.process is not None and "COVERAGE_PROCESS_CONFIG" in self.env:
            self.process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=5)
        self.kill()

    def _end(self, number: int) -> int:
        if self.process is None:
            return 0
        self.process.send_signal(number)
        code = self.process.wait(timeout=20)
        self.process = None
        return code

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        headers: Mapping[str, str] | None = None,
        raw: bytes | None = None,
        timeout: float = 30,
    ) -> Answer:
        """One request on a connection of its own; ``path`` is below ``/api/v1`` unless it is absolute there."""
        where = path if path.startswith(("/health", "/ready", "/api", "/ws")) else f"/api/v1{path}"
        sent = raw if raw is not None else None if body is None else json.dumps(body).encode()
        all_headers = {"Content-Type": "application/json"} if sent is not None else {}
        connection = UnixConnection(self.socket, timeout)
        try:
            connection.request(method, where, sent, {**all_headers, **(headers or {})})
            response = connection.getresponse()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    def ok(self, method: str, path: str, body: object = None, **kwargs: object) -> object:
        """The body of an answer that must be 2xx."""
        answer = self.call(method, path, body, **kwargs)  # type: ignore[arg-type]
        assert 200 <= answer.status < 300, (answer.status, answer.raw)
        return answer.json


@contextmanager
def home() -> Iterator[Path]:
    """A short-lived folder with a short name: socket paths are bounded."""
    path = Path(tempfile.mkdtemp(prefix="mae-", dir="/tmp"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def daemon(*, env: Mapping[str, str] | None = None, args: Sequence[str] = ()) -> Iterator[Daemon]:
    """A running daemon, stopped at the end whatever became of it."""
    with home() as path:
        running = Daemon(path, env=env, args=args)
        try:
            running.start()
            yield running
        finally:
            if running.process is not None and running.process.poll() is None:
                running.end()
