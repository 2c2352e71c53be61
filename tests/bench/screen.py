"""The first paint of ``maestro tui`` in a terminal, beside that of an empty Textual app."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from tests.bench import empty_app
from tests.bench.load import Desk
from tests.bench.report import Budget, Row, row
from tests.bench.wire import Failed

WIDTH, HEIGHT = 120, 40
PAINTED_WITHIN_S = 30.0
FRAME, TASK = b" Tasks ", b"bench task"
BUDGET = Budget(most=1.9)
"""What was measured on the machine that the budgets come from: 350 ms, beside 188 ms for the least."""


class Paint(msgspec.Struct, frozen=True):
    """Milliseconds until the frame stood, and until the first task was in it."""

    frame: float
    task: float


def measure(desks: Sequence[Desk], *, reps: int) -> list[Row]:
    """Rows for every size of our desks."""
    rows = []
    for desk in desks:
        if not desk.server.is_ours:
            continue
        pairs = [(_ours(desk), _empty(desk)) for _ in range(reps)]
        empty = [least for _, least in pairs]
        frames = [paint.frame for paint, _ in pairs]
        rows.append(row("maestro tui, first paint", frames, empty, size=desk.size, budget=BUDGET))
        if desk.size:
            tasks = [paint.task for paint, _ in pairs]
            rows.append(row("maestro tui, first task", tasks, empty, size=desk.size))
    return rows


def _ours(desk: Desk) -> Paint:
    script = Path(sys.executable).with_name("maestro")
    env = {**desk.server.env, "MAESTRO_NO_AUTOSTART": "1"}
    marks = [FRAME, TASK] if desk.size else [FRAME]
    times = _paint([str(script), "tui"], env, marks)
    return Paint(times[0], times[-1])


def _empty(desk: Desk) -> float:
    return _paint([sys.executable, "-m", empty_app.__name__], desk.server.env, [empty_app.MARK.encode()])[0]


def _paint(argv: Sequence[str], env: Mapping[str, str], marks: Sequence[bytes]) -> list[float]:
    """Milliseconds from the start of the program until each mark was on the screen."""
    began = time.perf_counter()
    shown = b""
    times: list[float] = []
    with _in_terminal(argv, env) as terminal:
        while len(times) < len(marks):
            left = began + PAINTED_WITHIN_S - time.perf_counter()
            if left <= 0 or not select.select([terminal], [], [], left)[0]:
                raise Failed(f"{argv} did not show {marks[len(times)]!r}: {shown[-500:]!r}")
            shown += os.read(terminal, 1 << 16)
            while len(times) < len(marks) and marks[len(times)] in shown:
                times.append((time.perf_counter() - began) * 1000)
    return times


@contextmanager
def _in_terminal(argv: Sequence[str], env: Mapping[str, str]) -> Iterator[int]:
    """The master end of a terminal in which the program runs until the block is left."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("4H", HEIGHT, WIDTH, 0, 0))
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
        yield master
    finally:
        process.kill()
        process.wait()
        os.close(master)
