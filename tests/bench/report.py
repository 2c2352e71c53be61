"""What was measured, against what it is held to: rows, the table of them, and the page that shows the last one."""

import os
import platform
import statistics
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import chain, groupby
from pathlib import Path

import msgspec

import maestrod
from tests.support.daemon import home

PARTS = (
    "start", "held", "screen",
    "get1", "get16", "update1", "update16", "page", "list", "create1", "create16", "create64", "memory",
    "mail", "scale", "broadcast", "stopped", "output", "pointers", "cli", "soak", "busy",
)  # fmt: skip
"""What can be measured, in the order of the table."""
DOCS = Path(__file__).parents[2] / "docs"
BEGIN, END = "<!-- begin of the table -->\n", "<!-- end of the table -->\n"
HEADINGS = ("what", "tasks", "ours", "reference", "ratio", "budget", "kept")
LIBRARIES = ("aiohttp", "msgspec", "textual", "uvloop")


class Budget(msgspec.Struct, frozen=True):
    """A bound on our own figure, or on the ratio of ours to the reference's."""

    least: float | None = None
    most: float | None = None
    absolute: bool = False

    def kept(self, ours: float, ratio: float | None) -> bool:
        """Whether the figures stay within it."""
        value = ours if self.absolute or ratio is None else ratio
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)

    def words(self, unit: str) -> str:
        """It in a cell of the table."""
        bound = f"≥ {self.least:g}" if self.least is not None else f"≤ {self.most:g}"
        return f"{bound} {unit}" if self.absolute else f"{bound} ×"


class Row(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One figure: medians over the repetitions, and the median of the repetitions' ratios."""

    name: str
    size: int | None = None
    """Tasks that were there."""
    unit: str = "ms"
    ours: float
    reference: float | None = None
    ratio: float | None = None
    budget: Budget | None = None
    kept: bool | None = None
    """None where nothing is promised."""
    all_ours: tuple[float, ...] = ()
    """Every repetition's figure."""


class Machine(msgspec.Struct, frozen=True, rename="camel"):
    """Where it was measured."""

    system: str
    processor: str
    cores: int
    python: str
    sync_ms: float
    """The median fdatasync of a small write."""


class Run(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """When, where and with what something was measured."""

    date: str
    version: str
    machine: Machine
    libraries: dict[str, str]
    repetitions: int
    quick: bool = False


class Part(msgspec.Struct, frozen=True):
    """What was measured together."""

    name: str
    run: Run
    rows: tuple[Row, ...]


class Report(msgspec.Struct, frozen=True):
    """All parts, each from the last run that measured it."""

    parts: tuple[Part, ...] = ()

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows of all parts."""
        return tuple(chain.from_iterable(part.rows for part in self.parts))

    def with_parts(self, newer: Sequence[Part]) -> "Report":
        """These parts in the place of those of the same names."""
        parts = {part.name: part for part in (*self.parts, *newer)}
        return Report(tuple(parts[name] for name in PARTS if name in parts))


def row(
    name: str,
    ours: Sequence[float],
    reference: Sequence[float] = (),
    *,
    size: int | None = None,
    unit: str = "ms",
    budget: Budget | None = None,
) -> Row:
    """A row from the figures of the repetitions; those of the reference were taken beside ours, one by one.

    There is no ratio to a reference that took nothing.
    """
    middle = statistics.median(ours)
    ratio = statistics.median(o / r for o, r in zip(ours, reference, strict=True)) if all(reference or (0,)) else None
    return Row(
        name=name,
        size=size,
        unit=unit,
        ours=_short(middle),
        reference=_short(statistics.median(reference)) if reference else None,
        ratio=None if ratio is None else round(ratio, 3),
        budget=budget,
        kept=budget.kept(middle, ratio) if budget is not None else None,
        all_ours=tuple(map(_short, ours)),
    )


def run(*, repetitions: int, quick: bool = False) -> Run:
    """The run that goes on here and now."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    python = platform.python_version()
    return Run(
        date=datetime.now(UTC).date().isoformat(),
        version=maestrod.__version__,
        machine=Machine(platform.system(), platform.machine(), cores, python, _short(_sync_ms())),
        libraries={name: version(name) for name in LIBRARIES},
        repetitions=repetitions,
        quick=quick,
    )


def _sync_ms(times: int = 50) -> float:
    """How long the disk takes to make a small write durable."""
    found = []
    with home() as folder, (folder / "sync").open("ab", buffering=0) as file:
        for _ in range(times):
            file.write(bytes(500))
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            found.append((time.perf_counter() - began) * 1000)
    return statistics.median(found)


def encode(found: Report) -> bytes:
    """The report as a file."""
    return msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n"


def decode(data: bytes) -> Report:
    """The report in a file.

    Raises:
        msgspec.ValidationError: it is none.
    """
    return msgspec.json.decode(data, type=Report)


def table(rows: Sequence[Row]) -> str:
    """The rows as a table of Markdown, aligned to be read as text too."""
    cells = [HEADINGS, *map(_cells, rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(HEADINGS))]
    lines = [_line(line, widths) for line in cells]
    rule = [f"{'-' * (width - 1)}:" if 0 < at < 5 else "-" * width for at, width in enumerate(widths)]
    return "\n".join((lines[0], f"| {' | '.join(rule)} |", *lines[1:], ""))


def _cells(each: Row) -> tuple[str, ...]:
    return (
        each.name,
        "" if each.size is None else f"{each.size:,}",
        _figure(each.ours, each.unit),
        "" if each.reference is None else _figure(each.reference, each.unit),
        "" if each.ratio is None else f"{each.ratio:.2f}",
        "" if each.budget is None else each.budget.words(each.unit),
        {True: "yes", False: "**no**", None: ""}[each.kept],
    )


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    aligned = [
        cell.rjust(width) if 0 < at < 5 else cell.ljust(width)
        for at, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return f"| {' | '.join(aligned)} |"


def _figure(value: float, unit: str) -> str:
    digits = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:,.{digits}f} {unit}"


def _short(value: float) -> float:
    return float(f"{value:.4g}")


def section(found: Report) -> str:
    """What the page shows of a report."""
    runs = groupby(found.parts, key=lambda part: part.run)
    told = [f"* {', '.join(part.name for part in parts)}: {_told(each)}" for each, parts in runs]
    return "\n".join((table(found.rows), "Measured in these runs:", "", *told, ""))


def _told(each: Run) -> str:
    machine = each.machine
    libraries = ", ".join(f"{name} {number}" for name, number in each.libraries.items())
    word = "a quick run, good for nothing but a look; " if each.quick else ""
    times = f"medians of {each.repetitions} repetitions" if each.repetitions > 1 else "one repetition"
    return (
        f"{each.date}, version {each.version}, {machine.cores} cores, {machine.system} {machine.processor}, "
        f"Python {machine.python}, {libraries}; {word}{times}, a sync of the disk takes {machine.sync_ms:g} ms."
    )


def write(newer: Sequence[Part], folder: Path = DOCS) -> None:
    """Put these parts into the last report: ``perf.json``, and the table in ``perf.md``."""
    path = folder / "perf.json"
    found = (decode(path.read_bytes()) if path.exists() else Report()).with_parts(newer)
    path.write_bytes(encode(found))
    page = folder / "perf.md"
    before, after = split(page.read_text(encoding="utf-8"))
    page.write_text(f"{before}{BEGIN}\n{section(found)}\n{END}{after}", encoding="utf-8")


def split(page: str) -> tuple[str, str]:
    """What stands before and after the table."""
    before, _, rest = page.partition(BEGIN)
    return before, rest.partition(END)[2]
