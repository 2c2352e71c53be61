"""Requests under load: creates, reads, edits and lists, at several sizes, ours and the reference in turn."""

import asyncio
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec
import uvloop

from tests.bench import wire
from tests.bench.report import Budget, Row, row
from tests.bench.servers import OURS, REFERENCE, Server, running
from tests.bench.wire import Answer, Connection, Failed, request

DESCRIPTION = (
    "Implement the endpoint, validate its input, add tests, and keep the change small; touch nothing else. " * 3
)
FILLERS = 32
LISTED = 60_000
"""Tasks that the whole lists of one repetition have together."""


class _Made(msgspec.Struct):
    id: str


class Burst(msgspec.Struct, frozen=True):
    """How a number of requests went."""

    seconds: float
    latencies_ms: Sequence[float]
    bodies: Sequence[bytes]

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.bodies) / self.seconds

    def percentile(self, share: float) -> float:
        """The latency that this share of the requests stays below."""
        return percentile(self.latencies_ms, share)


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share stays below."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class _Caller:
    """One connection that sends the next request as soon as it has its answer."""

    def __init__(self, connection: Connection, requests: Iterator[bytes], answers: list[Answer]) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._connection = connection
        self._requests = requests
        self._answers = answers

    def go_on(self) -> None:
        sent = next(self._requests, None)
        if sent is None:
            self.done.set_result(None)
        else:
            self._connection.send(sent, self)

    def took(self, answer: Answer) -> None:
        if answer.status >= 300:
            self.done.set_exception(wire.refusal(answer))
        else:
            self._answers.append(answer)
            self.go_on()

    def broke(self, error: Failed) -> None:
        self.done.set_exception(error)


async def _drive(path: Path, requests: Sequence[bytes], callers: int) -> Burst:
    connections = [await Connection.open(path) for _ in range(callers)]
    answers: list[Answer] = []
    left = iter(requests)
    began = time.perf_counter()
    crowd = [_Caller(connection, left, answers) for connection in connections]
    for caller in crowd:
        caller.go_on()
    try:
        await asyncio.gather(*(caller.done for caller in crowd))
    finally:
        seconds = time.perf_counter() - began
        for connection in connections:
            connection.close()
    return Burst(seconds, [a.nanoseconds / 1e6 for a in answers], [a.body for a in answers])


def drive(server: Server, requests: Sequence[bytes], callers: int = 1) -> Burst:
    """Send all requests, over so many connections at once.

    Raises:
        Failed: one of them was refused or broke off.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_drive(server.socket, requests, callers))


class Desk:
    """A server with a project and so many tasks, and the requests that make sense there."""

    def __init__(self, server: Server, size: int) -> None:
        self.server = server
        self.size = size
        self.ids: list[str] = []
        self._random = random.Random(size)
        self._number = 0
        body = {"name": "bench", "workingDir": str(server.home)}
        made = drive(server, [request("POST", "/api/v1/projects", body)])
        self.project_id = _id(made.bodies[0])
        if size:
            self.create(size, FILLERS)

    def create(self, count: int, callers: int) -> Burst:
        """New tasks."""
        burst = drive(self.server, [self._new() for _ in range(count)], callers)
        self.ids += map(_id, burst.bodies)
        return burst

    def get(self, count: int, callers: int) -> Burst:
        """Any task."""
        paths = (f"/api/v1/tasks/{self._any()}" for _ in range(count))
        return drive(self.server, [request("GET", path) for path in paths], callers)

    def update(self, count: int, callers: int) -> Burst:
        """Another title for any task; never the one that it has."""
        requests = [request("PATCH", f"/api/v1/tasks/{self._any()}", {"title": self._title()}) for _ in range(count)]
        return drive(self.server, requests, callers)

    def page(self, count: int, callers: int) -> Burst:
        """The first hundred tasks of the project."""
        return drive(self.server, [self.list_request("&limit=100")] * count, callers)

    def list(self, count: int, callers: int) -> Burst:
        """Every task of the project, at once."""
        burst = drive(self.server, [self.list_request()] * count, callers)
        listed = len(msgspec.json.decode(burst.bodies[-1], type=list[msgspec.Raw]))
        if listed != len(self.ids):
            raise Failed(f"{len(self.ids)} tasks are there, {listed} were listed")
        return burst

    def list_request(self, more: str = "", *, close: bool = False) -> bytes:
        """The request for a list."""
        return request("GET", f"/api/v1/tasks?projectId={self.project_id}{more}", close=close)

    def retitle(self, task_id: str, title: str) -> bytes:
        """The request for another title."""
        return request("PATCH", f"/api/v1/tasks/{task_id}", {"title": title})

    def _any(self) -> str:
        return self._random.choice(self.ids)

    def _title(self) -> str:
        self._number += 1
        return f"bench task {self._number:07d} of the load"

    def _new(self) -> bytes:
        body = {"projectId": self.project_id, "title": self._title(), "description": DESCRIPTION, "priority": "high"}
        return request("POST", "/api/v1/tasks", body)


def _id(body: bytes) -> str:
    return msgspec.json.decode(body, type=_Made).id


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked, by how many at once, how often in a repetition, and what it is held to."""

    name: str
    deed: Callable[[Desk, int, int], Burst]
    callers: int = 1
    count: int = 0
    """0 for whole lists, whose number follows from their length."""
    budget: Budget | None = None
    at: int | None = None
    """The size that the budget is for; all of them when there is none."""
    tail: Budget | None = None
    """What the slowest hundredth is held to, if anything."""
    steady: Budget | None = None
    """What the largest size is held to in relation to the first that has tasks."""
    adds: bool = False
    """Such scenarios need no tasks, and come last, so that the sizes hold for the others."""

    @property
    def unit(self) -> str:
        """One caller is asked how long it waits, many how much they get done."""
        return "ms" if self.callers == 1 else "/s"

    @property
    def label(self) -> str:
        """It in a cell of the table."""
        what = self.name.rstrip("0123456789")
        words = {"page": "page of 100", "list": "whole list"}.get(what, what)
        return words if self.callers == 1 else f"{words}, {self.callers} callers"

    def figure(self, burst: Burst) -> float:
        """What counts of a burst."""
        return burst.percentile(0.5) if self.callers == 1 else burst.rate

    def times(self, size: int, share: float) -> int:
        """How many requests a repetition has."""
        return max(3, int(share * (self.count or min(50, LISTED // size))))


_FLAT = Budget(most=1.2, absolute=True)
_STEADY = Budget(least=0.9, absolute=True)

SCENARIOS = (
    Scenario(name="get1", deed=Desk.get, count=2000),
    Scenario(name="get16", deed=Desk.get, callers=16, count=8000, budget=Budget(least=0.4), steady=_STEADY),
    Scenario(name="update1", deed=Desk.update, count=1000, budget=Budget(most=2.4)),
    Scenario(name="update16", deed=Desk.update, callers=16, count=4000, steady=_STEADY),
    Scenario(name="page", deed=Desk.page, count=500, budget=Budget(most=0.5, absolute=True), steady=_FLAT),
    Scenario(name="list", deed=Desk.list, budget=Budget(most=28.0, absolute=True), at=10_000),
    Scenario(name="create1", deed=Desk.create, count=1000, budget=Budget(most=2.4), adds=True),
    Scenario(
        name="create16", deed=Desk.create, callers=16, count=4000, budget=Budget(least=0.4), steady=_STEADY, adds=True
    ),
    Scenario(
        name="create64",
        deed=Desk.create,
        callers=64,
        count=6000,
        budget=Budget(least=0.35),
        tail=Budget(most=30.0, absolute=True),
        steady=_STEADY,
        adds=True,
    ),
)


@contextmanager
def desks(sizes: Sequence[int]) -> Iterator[list[Desk]]:
    """Ours and the reference at each size, all running."""
    with ExitStack() as stack:
        yield [Desk(stack.enter_context(running(module)), size) for size in sizes for module in (OURS, REFERENCE)]


class Figures(msgspec.Struct, frozen=True):
    """What the repetitions gave, side by side."""

    ours: list[float]
    reference: list[float]
    tail_ours: list[float]
    tail_reference: list[float]

    def take(self, ours: bool, figure: float, tail: float) -> None:
        """One more of one side."""
        (self.ours if ours else self.reference).append(figure)
        (self.tail_ours if ours else self.tail_reference).append(tail)


Found = dict[tuple[str, int], Figures]
"""By scenario and size."""


def measure(
    desks: Sequence[Desk], scenarios: Sequence[Scenario], *, reps: int, share: float = 1.0
) -> dict[str, list[Row]]:
    """Rows of these scenarios at these desks, by name; ``share`` of the usual requests are sent."""
    found: Found = {}
    for adds in (False, True):
        chosen = [scenario for scenario in scenarios if scenario.adds is adds]
        for rep in range(reps):
            _repetition(desks[:: 1 if rep % 2 else -1], chosen, share, found)
    sizes = sorted({desk.size for desk in desks})
    return {each.name: [*_plain_rows(sizes, each, found), *_steady_rows(sizes, each, found)] for each in scenarios}


def _repetition(desks: Sequence[Desk], scenarios: Sequence[Scenario], share: float, found: Found) -> None:
    for scenario in scenarios:
        for desk in desks:
            if desk.size or scenario.adds:
                burst = scenario.deed(desk, scenario.times(desk.size, share), scenario.callers)
                figures = found.setdefault((scenario.name, desk.size), Figures([], [], [], []))
                figures.take(desk.server.is_ours, scenario.figure(burst), burst.percentile(0.99))


def _plain_rows(sizes: Sequence[int], scenario: Scenario, found: Found) -> Iterator[Row]:
    for size in sizes:
        got = found.get((scenario.name, size))
        if got is None:
            continue
        budget = scenario.budget if scenario.at in {None, size} else None
        yield row(scenario.label, got.ours, got.reference, size=size, unit=scenario.unit, budget=budget)
        if scenario.tail is not None:
            label = f"{scenario.label}, p99"
            yield row(label, got.tail_ours, got.tail_reference, size=size, budget=scenario.tail)


def _steady_rows(sizes: Sequence[int], scenario: Scenario, found: Found) -> Iterator[Row]:
    filled = [size for size in sizes if size]
    if len(filled) < 2 or scenario.steady is None:
        return
    small, large = filled[0], filled[-1]
    few, many = found[scenario.name, small], found[scenario.name, large]
    yield row(
        f"{scenario.label}, against {small:,}",
        [m / f for m, f in zip(many.ours, few.ours, strict=True)],
        [m / f for m, f in zip(many.reference, few.reference, strict=True)],
        size=large,
        unit="×",
        budget=scenario.steady,
    )
