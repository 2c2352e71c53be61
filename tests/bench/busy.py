"""The screen in a busy house: how soon a key is seen, what watching costs, and whether memory grows.

``python -m tests.bench.busy [--agents 50] [--tasks 100000] [--warm-up 10] [--minutes 10] [--write]``: the real
``maestro tui`` in a terminal, a real daemon with so many tasks, and scripted agents in panes of a private tmux server,
all of which draw. Five of them report once a second, and so does somebody who edits the task that each of them works
on. The screen shows the pane of one; a key is pressed now and then. Beside it, at the same time, an empty Textual app
stands in another terminal: it is the reference for everything.

A key's time is from writing it to the terminal until the frame is read back in which the cursor stands elsewhere.
Memory is a straight line through what is looked at once a second, after the warm-up.
"""

import argparse
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import msgspec
from rich.color import Color

from maestro_cli.fake.install import shims
from maestro_tui.themes import DARK
from maestrod.tmux.oneshot import Tmux, server_name
from tests.bench import empty_app, report
from tests.bench.load import Desk, drive, percentile
from tests.bench.report import Budget, Part, Report, Row, row
from tests.bench.screen import FRAME, empty, environment, paint, screen
from tests.bench.servers import OURS, Server, running
from tests.bench.terminal import Terminal, in_terminal
from tests.bench.wire import Failed, request

WIDTH, HEIGHT = 160, 48
STREAMS = 5
EVERY_S = 0.5
"""Between two lines of an agent."""
PRESS_EVERY_S = 10.0
PAUSE_S = 0.05, 0.25
"""Between two keys of a row of them."""
LINE, UP, PAGE = b"j", b"k", b"\x1b[6~"
TO_TASKS, TO_PREVIEWS = b"\x1b[Z", b"3"
FIRST_PAINT = Budget(most=3.0)
KEY = Budget(most=33.0, absolute=True)
LINE_AT_REST = Budget(most=16.0, absolute=True)
FLAT = Budget(most=1.0, absolute=True)
WARM_S = 600.0
"""The warm-up after which memory is held to its budget; after a shorter one nothing is said of it."""
READY_WITHIN_S = 120.0
MAESTRO = (sys.executable, "-m", "maestro_cli")


def _cursor() -> re.Pattern[bytes]:
    """A row with a number on the cursor's ground."""
    ground = ";".join(map(str, Color.parse(DARK.variables["cursor"]).get_truecolor()))
    return re.compile(rf"\x1b\[[\d;]*48;2;{ground}m(bench task|agent) (\d+)".encode())


CURSOR = _cursor()
CONNECTED = b"connected"
SETTLED_S = 2.0


class Session(msgspec.Struct, frozen=True):
    """What is told of a session."""

    id: str
    status: str


class Extent(msgspec.Struct, frozen=True):
    """How much is measured."""

    agents: int
    tasks: int
    warm_up_s: float
    seconds: float
    presses: int
    reps: int


class Watched(msgspec.Struct, frozen=True):
    """What a stretch took: percent of a core, and the line through the memory in MB an hour."""

    percent: float
    growth: float


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and perhaps write; the exit code: 0 done, 1 a budget was missed, 2 an error."""
    options = _options(argv)
    extent = Extent(
        options.agents, options.tasks, options.warm_up * 60, options.minutes * 60, options.presses, options.reps
    )
    try:
        rows = measure(extent)
    except Failed as error:
        sys.stderr.write(f"the run is worth nothing: {error}\n")
        return 2
    part = Part("busy", report.run(repetitions=extent.reps), tuple(rows))
    sys.stdout.write(report.section(Report((part,))))
    if options.write:
        report.write([part])
    return 1 if any(each.kept is False for each in rows) else 0


def measure(extent: Extent) -> list[Row]:
    """Rows of one run.

    Raises:
        Failed: a request was refused, an agent was not launched, or something was not painted.
    """
    with running(OURS) as server:
        desk = Desk(server, extent.tasks)
        with _both(server) as (ours, reference):
            rows = _keys(ours, reference, extent, "nobody at work", line=LINE_AT_REST)
        with _crowd(server, desk, extent.agents) as sessions, _streams(server, sessions[:STREAMS], desk.ids[-STREAMS:]):
            return [*_first_paint(server, extent), *rows, *_among(server, extent), *_watching(server, extent)]


def _first_paint(server: Server, extent: Extent) -> list[Row]:
    pairs = [
        (
            paint(screen(), environment(server), [FRAME])[0],
            paint(empty(), server.env, [empty_app.MARK.encode()])[0],
        )
        for _ in range(extent.reps)
    ]
    ours, reference = zip(*pairs, strict=True)
    name = f"maestro tui, first paint, {extent.agents} agents drawing"
    return [row(name, ours, reference, size=extent.tasks, budget=FIRST_PAINT)]


def _among(server: Server, extent: Extent) -> list[Row]:
    """Look through the tasks, and at one agent and another beside the previews of them all."""
    crowd = f"{extent.agents} agents drawing"
    with _both(server) as (ours, reference):
        ours.type(TO_TASKS)
        rows = _keys(ours, reference, extent, crowd, line=KEY)
        ours.type(TO_PREVIEWS)
        ours.until(lambda painted: b"agent" in [found[1] for found in CURSOR.finditer(painted)], what="the previews")
        return rows + _key(ours, reference, extent, f"a session and its previews, {crowd}", KEY, LINE, UP)


def _watching(server: Server, extent: Extent) -> list[Row]:
    """Watch the pane of an agent for long; memory says something only once it was looked at for a while."""
    label = f"maestro tui, {extent.agents} agents drawing"
    with _both(server) as (ours, reference):
        ours.rest(extent.warm_up_s)
        mine, least = _watched([ours, reference], extent.seconds)
        rows = [
            row(f"{label}, the processor", [mine.percent], [least.percent], size=extent.tasks, unit="%"),
            row(f"{label}, memory in the end", [ours.rss_mb()], size=extent.tasks, unit="MB"),
        ]
    if extent.warm_up_s >= WARM_S:
        name = f"{label}, memory over {extent.seconds / 60:g} min"
        rows.append(row(name, [mine.growth], size=extent.tasks, unit="MB/h", budget=FLAT))
    return [*rows, row("the machine's load meanwhile", [os.getloadavg()[1]], unit="")]


def _watched(terminals: Sequence[Terminal], seconds: float) -> list[Watched]:
    """What programs take at the same time while one looks at the first of them, and at its next agent now and then."""
    shown, began = terminals[0], time.monotonic()
    used = [each.cpu_s() for each in terminals]
    looks: list[tuple[float, ...]] = []
    keys = _alternately(LINE, UP)
    pressed = 0
    while (passed := time.monotonic() - began) < seconds:
        looks.append((passed / 3600, *(each.rss_mb() for each in terminals)))
        if passed > (pressed + 1) * PRESS_EVERY_S:
            shown.type(next(keys))
            pressed += 1
        shown.rest(min(1.0, seconds - passed))
    lasted = time.monotonic() - began
    hours, *memory = zip(*looks, strict=True)
    return [
        Watched(100 * (each.cpu_s() - before) / lasted, statistics.linear_regression(hours, mb).slope)
        for each, before, mb in zip(terminals, used, memory, strict=True)
    ]


def _alternately(*keys: bytes) -> Iterator[bytes]:
    while True:
        yield from keys


# -- keys --------------------------------------------------------------------------------------------


def _keys(ours: Terminal, reference: Terminal, extent: Extent, when: str, *, line: Budget) -> list[Row]:
    """Rows for going through the tasks."""
    return [
        *_key(ours, reference, extent, f"a line, {when}", line, LINE),
        *_key(ours, reference, extent, f"a page, {when}", KEY, PAGE),
    ]


def _key(ours: Terminal, reference: Terminal, extent: Extent, what: str, budget: Budget, *keys: bytes) -> list[Row]:
    """Rows for these keys by turns, in both."""
    mine, least = _Presses(ours, reference, extent.presses).measured(_alternately(*keys))
    return [
        row(
            f"key to paint, {what}, {name}",
            [percentile(mine, share)],
            [percentile(least, share)],
            size=extent.tasks,
            budget=held,
        )
        for share, name, held in ((0.5, "median", None), (0.95, "p95", budget))
    ]


class _Presses:
    """Keys pressed at a person's pace, at no fixed distance from what else is drawn."""

    FIRST = 5
    """Keys that are not counted."""

    def __init__(self, ours: Terminal, reference: Terminal, presses: int) -> None:
        self._ours = ours
        self._reference = reference
        self._presses = presses
        self._random = random.Random(presses)
        self._at: tuple[bytes, ...] = ()

    def measured(self, keys: Iterator[bytes]) -> tuple[list[float], list[float]]:
        """Milliseconds until ours and the reference had painted, press by press."""
        pairs = [(self._ours_took(next(keys)), self._reference_took()) for _ in range(self.FIRST + self._presses)]
        mine, least = zip(*pairs[self.FIRST :], strict=True)
        return list(mine), list(least)

    def _ours_took(self, key: bytes) -> float:
        return self._took(self._ours, key, self._has_moved)

    def _reference_took(self) -> float:
        return self._took(self._reference, b"j", lambda painted: empty_app.PRESSED.encode() in painted)

    def _took(self, terminal: Terminal, key: bytes, painted: Callable[[bytes], bool]) -> float:
        terminal.rest(self._random.uniform(*PAUSE_S))
        began = time.perf_counter()
        terminal.type(key)
        terminal.until(painted, what=f"what {key!r} changes")
        return (time.perf_counter() - began) * 1000

    def _has_moved(self, painted: bytes) -> bool:
        places = [found.groups() for found in CURSOR.finditer(painted)]
        if not places or places[-1] == self._at:
            return False
        self._at = places[-1]
        return True


# -- the house ---------------------------------------------------------------------------------------


@contextmanager
def _both(server: Server) -> Iterator[tuple[Terminal, Terminal]]:
    """The screen, and the empty app."""
    with (
        in_terminal(screen(), environment(server), width=WIDTH, height=HEIGHT) as ours,
        in_terminal(empty(), server.env, width=WIDTH, height=HEIGHT) as reference,
    ):
        reference.until(lambda painted: empty_app.MARK.encode() in painted, what="the empty app")
        ours.until(lambda painted: CONNECTED in painted, what="the whole house")
        ours.rest(SETTLED_S)
        yield ours, reference


@contextmanager
def _crowd(server: Server, desk: Desk, agents: int) -> Iterator[list[str]]:
    """The ids of so many agents, each in its pane and drawing from now on."""
    with tempfile.TemporaryDirectory(prefix="mae-", dir="/tmp") as folder:
        shims(f"{folder}/bin")
        script = Path(folder, "draw.txt")
        script.write_text(f"SLOW: 1000000 {EVERY_S}\n", encoding="utf-8")
        env = {
            **environment(server),
            "PATH": f"{folder}/bin:{server.env['PATH']}",
            "MAESTRO_FAKE_SCRIPT": str(script),
        }
        try:
            for number in range(agents):
                _spawn(f"agent {number}", desk, env)
            yield [session.id for session in _drawing(server, agents)]
        finally:
            Tmux(server_name(str(server.home)), server.home / "run" / "tmux.conf", os.environ).kill_server()


def _spawn(name: str, desk: Desk, env: Mapping[str, str]) -> None:
    words = ["session", "spawn", "--provider", "claude", "--name", name, "--project", desk.project_id]
    done = subprocess.run(
        [*MAESTRO, *words], env=dict(env), cwd=desk.server.home, check=False, capture_output=True, text=True
    )
    if done.returncode:
        raise Failed(f"{name} was not spawned: {done.stderr}{done.stdout}")


def _drawing(server: Server, agents: int) -> list[Session]:
    """The sessions, as soon as all are at work."""
    deadline = time.monotonic() + READY_WITHIN_S
    while True:
        (body,) = drive(server, [request("GET", "/api/v1/sessions")]).bodies
        sessions = msgspec.json.decode(body, type=list[Session])
        if sum(session.status == "working" for session in sessions) == agents:
            return sessions
        if time.monotonic() > deadline:
            raise Failed(f"not all of {agents} agents are at work: {[session.status for session in sessions]}")
        time.sleep(0.2)


@contextmanager
def _streams(server: Server, sessions: Sequence[str], tasks: Sequence[str]) -> Iterator[None]:
    """These sessions report and these tasks change meanwhile, each once a second.

    Raises:
        Failed: one of them was refused.
    """
    over = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        telling = pool.submit(_tell, server, sessions, tasks, over)
        try:
            yield
        finally:
            over.set()
        telling.result()


def _tell(server: Server, sessions: Sequence[str], tasks: Sequence[str], over: threading.Event) -> None:
    number = 0
    while not over.wait(1 / len(sessions)):
        at, number = number % len(sessions), number + 1
        told = {"message": f"step {number} of the migration is done, the next one is under way"}
        changed = {"title": f"stream {at}, step {number}"}
        drive(
            server,
            [
                request("POST", f"/api/v1/sessions/{sessions[at]}/timeline", told),
                request("PATCH", f"/api/v1/tasks/{tasks[at]}", changed),
            ],
        )


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.busy", description=__doc__.partition("\n")[0])
    parser.add_argument("--agents", type=int, default=50)
    parser.add_argument("--tasks", type=int, default=100_000)
    parser.add_argument("--warm-up", type=float, default=10.0, metavar="MINUTES", help="before memory is looked at")
    parser.add_argument("--minutes", type=float, default=10.0, help="for which memory and processor are looked at")
    parser.add_argument("--presses", type=int, default=150, help="of each key")
    parser.add_argument("--reps", type=int, default=5, help="first paints")
    parser.add_argument("--write", action="store_true", help="put it into the report that docs/ shows")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
