"""The servers under measurement, each a process in a scratch home: ours, and the reference."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil

from tests.bench import wire
from tests.support.daemon import home

OURS = "maestrod"
REFERENCE = "tests.bench.reference"
CHECKOUT = Path(__file__).parents[2]
HEALTHY_WITHIN_S = 60.0
POLL_S = 0.001
STOPPED_WITHIN_S = 30.0
_HEALTH = wire.request("GET", "/health")


class Server:
    """A server module that reads ``MAESTRO_HOME``; the home outlives the process, so that it can be started again."""

    def __init__(self, module: str, folder: Path) -> None:
        self.module = module
        self.home = folder
        self.socket = folder / "run" / "maestrod.sock"
        self.env = {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": str(folder),
            "MAESTRO_HOME": str(folder),
            "PYTHONPATH": str(CHECKOUT),
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def is_ours(self) -> bool:
        """Whether it is the daemon, and not the reference."""
        return self.module == OURS

    def start(self, **settings: str) -> float:
        """Start it; the milliseconds until it answered that it is healthy. ``settings`` join its environment.

        Raises:
            wire.Failed: it ended, or was not healthy in time.
        """
        with (self.home / "stderr.txt").open("ab") as err:
            began = time.perf_counter()
            self._process = subprocess.Popen(
                [sys.executable, "-m", self.module],
                env={**self.env, **settings},
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=err,
                stderr=err,
                start_new_session=True,
            )
        while time.perf_counter() < began + HEALTHY_WITHIN_S:
            if self._healthy():
                return (time.perf_counter() - began) * 1000
            if self._process.poll() is not None:
                break
            time.sleep(POLL_S)
        said = (self.home / "stderr.txt").read_text(errors="replace")[-2000:]
        raise wire.Failed(f"{self.module} did not become healthy: {said}")

    def _healthy(self) -> bool:
        with socket.socket(socket.AF_UNIX) as sock, contextlib.suppress(OSError):
            sock.settimeout(5.0)
            sock.connect(str(self.socket))
            sock.sendall(_HEALTH)
            return sock.recv(4096)[9:12] == b"200"
        return False

    def stop(self) -> None:
        """Ask it to stop and wait until it has; stopping twice changes nothing."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOPPED_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def rss_mb(self) -> float:
        """Resident memory of the process and its children."""
        return sum(process.memory_info().rss for process in self._tree()) / 2**20

    def cpu_s(self) -> float:
        """Processor time that the process and its children have used."""
        times = [process.cpu_times() for process in self._tree()]
        return sum(each.user + each.system for each in times)

    def _tree(self) -> Iterator[psutil.Process]:
        if self._process is None:
            raise wire.Failed(f"{self.module} does not run")
        root = psutil.Process(self._process.pid)
        yield root
        yield from root.children(recursive=True)


@contextlib.contextmanager
def running(module: str, *, settings: Mapping[str, str] | None = None) -> Iterator[Server]:
    """A started server in a fresh home; both are gone afterwards."""
    with home() as folder:
        server = Server(module, folder)
        try:
            server.start(**(settings or {}))
            yield server
        finally:
            server.stop()
