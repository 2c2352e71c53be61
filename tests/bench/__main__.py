"""``python -m tests.bench``: one table of ours, the reference, their ratio, and what it is held to.

Everything is measured in this one run, ours and the reference in turn, so that the ratios mean something on a
machine that does other things as well; the absolute figures do not. An error in any request ends the run.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import msgspec

from tests.bench import (
    broadcast,
    command_line,
    held,
    load,
    mailbox,
    output_latency,
    pointers,
    report,
    scale,
    screen,
    starts,
)
from tests.bench.load import SCENARIOS, Desk
from tests.bench.report import Budget, Part, Report, Row
from tests.bench.wire import Failed

SMALL, LARGE = (0, 1_000, 10_000), 100_000
QUICK = (0, 1_000)
STOPPED_AMONG = 100
"""Clients that listen while others are stopped."""
PARTS = tuple(part for part in report.PARTS if part not in {"soak", "busy"})
"""Those two take a quarter of an hour and more, and have commands of their own."""


class Extent(msgspec.Struct, frozen=True):
    """How much is measured."""

    sizes: Sequence[int]
    reps: int
    share: float
    """Of the requests of a whole run."""
    clients: Sequence[int]
    seconds: float
    """Of every broadcast."""
    windows: int
    """In which the loop is looked at."""
    runs: int
    """Of every command."""
    lines: int
    """Of an agent."""
    mails: int
    """To each of three agents."""


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and perhaps write; the exit code: 0 done, 1 a budget was missed (if strict), 2 an error."""
    options = _options(argv)
    extent = _extent(options)
    try:
        found = dict(measured(extent, options.only))
    except Failed as error:
        sys.stderr.write(f"the run is worth nothing: {error}\n")
        return 2
    run = report.run(repetitions=extent.reps, quick=options.quick)
    parts = [Part(name, run, tuple(rows)) for name, rows in found.items()]
    whole = Report().with_parts(parts)
    sys.stdout.write(report.section(whole))
    if options.json:
        options.json.write_bytes(report.encode(whole))
    if options.write:
        report.write(parts)
    missed = [each.name for each in whole.rows if each.kept is False]
    return 1 if options.strict and missed else 0


def measured(extent: Extent, only: Sequence[str]) -> Iterator[tuple[str, Sequence[Row]]]:
    """The rows of these parts; of all when none is named."""
    wanted = [part for part in PARTS if not only or part in only]
    scenarios = [scenario for scenario in SCENARIOS if scenario.name in wanted]
    with ExitStack() as stack:
        desks: list[Desk] = []
        if scenarios or {"start", "held", "screen", "memory"} & set(wanted):
            _say(f"filling homes with {', '.join(f'{size:,}' for size in extent.sizes)} tasks")
            desks = stack.enter_context(load.desks(extent.sizes))
        for part, measure in _parts(extent, desks).items():
            if part in wanted:
                _say(part)
                yield part, measure()
            if part == "screen" and scenarios:
                _say("load")
                yield from load.measure(desks, scenarios, reps=extent.reps, share=extent.share).items()


def _parts(extent: Extent, desks: Sequence[Desk]) -> Mapping[str, Callable[[], list[Row]]]:
    """What is measured, in this order: what adds tasks to the homes comes after what counts on their number."""
    return {
        "start": lambda: starts.measure(desks, reps=extent.reps),
        "held": lambda: held.measure(desks, windows=extent.windows),
        "screen": lambda: screen.measure(desks, reps=extent.reps),
        "memory": lambda: starts.memory_after(desks),
        "mail": lambda: mailbox.measure(reps=extent.reps, share=extent.share),
        "scale": lambda: scale.measure(reps=extent.reps, share=extent.share**2),
        "broadcast": lambda: broadcast.measure(extent.clients, reps=extent.reps, seconds=extent.seconds),
        "stopped": lambda: broadcast.beside_stopped(STOPPED_AMONG, reps=extent.reps, seconds=extent.seconds),
        "output": lambda: _output(extent.lines),
        "pointers": lambda: pointers.measure(extent.mails),
        "cli": lambda: command_line.measure(extent.runs),
    }


def _output(lines: int) -> list[Row]:
    taken = output_latency.measure(lines)
    if not taken:
        raise Failed("no line of an agent came to the screen")
    budget = Budget(most=output_latency.BUDGET_MS, absolute=True)
    return [report.row("an agent's line to the screen, p95", [load.percentile(taken, 0.95)], budget=budget)]


def _extent(options: argparse.Namespace) -> Extent:
    if options.quick:
        return Extent(QUICK, options.reps or 1, 0.1, (10, 100), 1.0, 3, 3, 10, 3)
    sizes = (*SMALL, LARGE) if options.large else SMALL
    return Extent(sizes, options.reps or 5, 1.0, (100, 1_000), 5.0, 20, 20, 100, 40)


def _say(words: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {words}\n")


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__.partition("\n")[0])
    parser.add_argument("--reps", type=int, help="repetitions of everything (5, or 1 with --quick)")
    parser.add_argument("--quick", action="store_true", help="few requests, few tasks: whether it works at all")
    parser.add_argument("--large", action="store_true", help=f"also with {LARGE:,} tasks")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=[], metavar="NAME", help=", ".join(PARTS))
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the report to this file")
    parser.add_argument("--write", action="store_true", help="put these parts into the report that docs/ shows")
    parser.add_argument("--strict", action="store_true", help="a missed budget is an error")
    options = parser.parse_args(argv)
    if options.quick and options.write:
        parser.error("a quick run is good for nothing but a look: it is not written")
    return options


if __name__ == "__main__":
    sys.exit(main())
