"""The first paint of ``maestro tui`` in a terminal, beside that of an empty Textual app."""

import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from tests.bench import empty_app
from tests.bench.load import Desk
from tests.bench.report import Budget, Row, row
from tests.bench.servers import Server
from tests.bench.terminal import in_terminal

WIDTH, HEIGHT = 120, 40
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
    times = paint(screen(), environment(desk.server), [FRAME, TASK] if desk.size else [FRAME])
    return Paint(times[0], times[-1])


def _empty(desk: Desk) -> float:
    return paint(empty(), desk.server.env, [empty_app.MARK.encode()])[0]


def screen() -> list[str]:
    """The screen as a person starts it."""
    return [str(Path(sys.executable).with_name("maestro")), "tui"]


def empty() -> list[str]:
    """The empty app."""
    return [sys.executable, "-m", empty_app.__name__]


def environment(server: Server) -> dict[str, str]:
    """What the screen of this daemon is started with."""
    return {**server.env, "MAESTRO_NO_AUTOSTART": "1"}


def paint(argv: Sequence[str], env: Mapping[str, str], marks: Sequence[bytes]) -> list[float]:
    """Milliseconds from the start of the program until each mark was on the screen."""
    began = time.perf_counter()
    times: list[float] = []

    def seen(painted: bytes) -> bool:
        while len(times) < len(marks) and marks[len(times)] in painted:
            times.append((time.perf_counter() - began) * 1000)
        return len(times) == len(marks)

    with in_terminal(argv, env, width=WIDTH, height=HEIGHT) as terminal:
        terminal.until(seen, what=" and ".join(map(repr, marks)))
    return times
