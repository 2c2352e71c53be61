"""How long the event loop is held: what a small request waits while a whole list goes out or a snapshot is written."""

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence

import msgspec

from tests.bench import probe
from tests.bench.load import Desk
from tests.bench.report import Budget, Row, row
from tests.bench.servers import CHECKOUT, Server
from tests.bench.wire import Failed

HELD = Budget(most=5.0, absolute=True)
REST_S = 0.05
"""The length of a window in which nothing happens."""
MARGIN_NS = 5_000_000
"""Around a window, so that also a short one is looked at."""
EVERY = 10
"""Commits between two snapshots while they are measured; the least that the daemon allows."""
SNAPSHOT_WITHIN_S = 60.0
_LAST_CHUNK = b"0\r\n\r\n"


def measure(desks: Sequence[Desk], *, windows: int) -> list[Row]:
    """Rows for the desks with tasks: the longest wait in each of some windows, and the least of those.

    What the daemon does is in every window; what else the machine does only makes a wait longer.
    """
    rows = []
    for size in sorted({desk.size for desk in desks if desk.size}):
        ours, reference = sorted((d for d in desks if d.size == size), key=lambda d: not d.server.is_ours)
        for label, deed in (("at rest", _rest), ("while a whole list goes out", _list)):
            waits = [[min(_longest(desk, deed, windows))] for desk in (ours, reference)]
            budget = None if deed is _rest else HELD
            rows.append(row(f"longest wait for /health {label}", *waits, size=size, budget=budget))
        rows.append(_while_snapshots(ours, size, windows))
    return rows


def _while_snapshots(desk: Desk, size: int, windows: int) -> Row:
    desk.server.stop()
    desk.server.start(MAESTRO_SNAPSHOT_EVERY=str(EVERY))
    wait = min(_longest(desk, _snapshot, windows))
    desk.server.stop()
    desk.server.start()
    return row("longest wait for /health while a snapshot is written", [wait], size=size, budget=HELD)


def _longest(desk: Desk, deed: Callable[[Desk], None], windows: int) -> list[float]:
    """The longest wait, in milliseconds, of each time that the deed was done."""
    spans: list[tuple[int, int]] = []
    looks: list[probe.Look] = []
    with _probed(desk.server, looks):
        for _ in range(windows):
            time.sleep(REST_S)
            began = time.monotonic_ns()
            deed(desk)
            spans.append((began - MARGIN_NS, time.monotonic_ns() + MARGIN_NS))
        time.sleep(REST_S)
    return [max(each.waited for each in looks if each.within(*span)) / 1e6 for span in spans]


@contextlib.contextmanager
def _probed(server: Server, looks: list[probe.Look]) -> Iterator[None]:
    """Look at the loop meanwhile; what was seen is in ``looks`` afterwards."""
    with subprocess.Popen(
        [sys.executable, "-m", probe.__name__, str(server.socket)],
        env=server.env,
        cwd=CHECKOUT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as looking:
        assert looking.stdout is not None
        if looking.stdout.readline() != b"ready\n":
            raise Failed("the probe did not start")
        yield
        looks += msgspec.json.decode(looking.communicate(b"\n", timeout=60)[0], type=list[probe.Look])


def _rest(_desk: Desk) -> None:
    time.sleep(REST_S)


def _list(desk: Desk) -> None:
    """Read a whole list as fast as it comes, and look at nothing of it."""
    tail = b""
    buffer = bytearray(1 << 20)
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(desk.server.socket))
        sock.sendall(desk.list_request(close=True))
        while size := sock.recv_into(buffer):
            tail = (tail + buffer[max(0, size - len(_LAST_CHUNK)) : size])[-len(_LAST_CHUNK) :]
    if tail != _LAST_CHUNK and not tail.endswith(b"]"):
        raise Failed(f"a list broke off: {tail!r}")


def _snapshot(desk: Desk) -> None:
    """Commit as often as it takes for a snapshot, and wait until it is there."""
    folder = desk.server.home / "data" / "snapshot"
    before = set(folder.iterdir())
    desk.update(EVERY, 1)
    give_up = time.monotonic() + SNAPSHOT_WITHIN_S
    while not {path for path in folder.iterdir() if path.suffix == ".json"} - before:
        if time.monotonic() > give_up:
            raise Failed("no snapshot was written")
        time.sleep(0.001)
