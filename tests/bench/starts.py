"""From nothing to healthy, and how much memory that takes, with the tasks that a home already has."""

from collections.abc import Sequence

from tests.bench.load import Desk
from tests.bench.report import Budget, Row, row

HEALTHY = {0: Budget(most=1.6), 10_000: Budget(most=1.8), 100_000: Budget(most=2.0)}
MEMORY = {
    0: Budget(most=55, absolute=True),
    10_000: Budget(most=75, absolute=True),
    100_000: Budget(most=200, absolute=True),
}


def measure(desks: Sequence[Desk], *, reps: int) -> list[Row]:
    """Rows for every size of the desks, ours and the reference started in turn; all run again afterwards."""
    times: dict[tuple[int, bool], list[float]] = {}
    memory: dict[tuple[int, bool], list[float]] = {}
    for _ in range(reps):
        for desk in desks:
            key = desk.size, desk.server.is_ours
            desk.server.stop()
            times.setdefault(key, []).append(desk.server.start())
            memory.setdefault(key, []).append(desk.server.rss_mb())
    rows = _rows("start to healthy", times, "ms", HEALTHY)
    return [*rows, *_rows("memory after the start", memory, "MB", MEMORY)]


def memory_after(desks: Sequence[Desk]) -> list[Row]:
    """What the daemons and references take now that they have worked."""
    found = {(desk.size, desk.server.is_ours): [desk.server.rss_mb()] for desk in desks}
    return _rows("memory after the load", found, "MB", {})


def _rows(label: str, found: dict[tuple[int, bool], list[float]], unit: str, budgets: dict[int, Budget]) -> list[Row]:
    sizes = sorted({size for size, _ in found})
    return [
        row(label, found[size, True], found[size, False], size=size, unit=unit, budget=budgets.get(size))
        for size in sizes
    ]
