"""Faults of four kinds, planted one at a time: the simulation finds each within the seeds that run by default."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

import pytest

from maestrod import app
from maestrod.api import events, sessions
from maestrod.api.waiting import Waiters
from maestrod.domain.state import State
from maestrod.engine.engine import Engine, IfMatch
from maestrod.engine.hub import Subscriber
from maestrod.protocol.frames import Frame
from tests.simulation.story import Broken
from tests.simulation.test_simulation import SEEDS, simulate

R = TypeVar("R")
T = TypeVar("T")


class Forgetful(Engine):
    """Lost update: the version that the caller saw is not looked at."""

    def _match(self, if_match: IfMatch | None) -> None:
        """Whatever it was."""


class Doubting(Subscriber):
    """Double event: what was read from the journal is sent once more when it comes from memory."""

    def _wants(self, frame: Frame) -> bool:
        return self.subscription is None or self.subscription.wants(frame)


class Hasty(Engine):
    """Stale read: an answer leaves before what it shows is on the disk."""

    async def read(self, render: Callable[[State], R]) -> R:
        return render(self.state)


class Sleepy(Waiters):
    """Missed wake: a ring that comes between looking and waiting is forgotten."""

    async def _found(self, look: Callable[[], Awaitable[T | None]], wake: asyncio.Event, limit_s: float) -> T | None:
        while (found := await look()) is None:
            await asyncio.sleep(0)
            wake.clear()
            try:
                async with asyncio.timeout(limit_s):
                    await wake.wait()
            except TimeoutError:
                return None
        return found


PLANTED = {
    "lost update": (app, "Engine", Forgetful),
    "double event": (events, "Subscriber", Doubting),
    "stale read": (app, "Engine", Hasty),
    "missed wake": (sessions, "Waiters", Sleepy),
}


@pytest.mark.parametrize("kind", PLANTED)
def test_a_planted_fault_is_found(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, name, faulty = PLANTED[kind]
    monkeypatch.setattr(module, name, faulty)
    found = next(findings(), "")
    assert found.startswith("seed ")
    assert f"Broken: {kind}: " in found


def findings() -> Iterator[str]:
    """What the seeds find, in turn."""
    for seed in range(SEEDS):
        try:
            simulate(seed)
        except Broken as broken:
            yield str(broken)
