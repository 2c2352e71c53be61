"""Fixtures of the screen's tests: a world, and the app that looks at it."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC
from pathlib import Path

import pytest
import textual.app
import textual.pilot
from textual.pilot import Pilot

from maestro_tui.app import MaestroApp
from maestro_tui.desk import Desk
from maestro_tui.preferences import DEFAULTS, Preferences
from tests.support.eventually import aeventually
from tests.support.world import World

SIZE = (120, 40)


class Seen:
    """The app under test, and what can be read on its screen."""

    def __init__(self, app: MaestroApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    @property
    def text(self) -> str:
        """What is on the screen, line by line."""
        lines = self.app.screen._compositor.render_strips()
        return "\n".join(strip.text for strip in lines)

    async def until(self, probe: Callable[[], object], what: str = "") -> None:
        """Let the app go on until the probe holds."""

        async def asked() -> object:
            await self.pilot.pause()
            return probe()

        await aeventually(asked, what=what or "the screen shows it")

    async def shows(self, *words: str) -> None:
        """Let the app go on until all the words are on the screen."""
        await self.until(lambda: all(word in self.text for word in words), f"{words} in\n{self.text}")

    async def press(self, *keys: str) -> None:
        """Press keys and let the app take them."""
        await self.pilot.press(*keys)
        await self.pilot.pause()


@asynccontextmanager
async def looking(
    world: World,
    size: tuple[int, int] = SIZE,
    preferences: Preferences = DEFAULTS,
    memory: Path | None = None,
    /,
    **environ: str,
) -> AsyncIterator[Seen]:
    """The app on a world, at a size; it must come through without a failure of its own."""
    desk = Desk(
        world.server,
        environ=environ,
        clock=lambda: world.now,
        zone=UTC,
        autostart=False,
        preferences=preferences,
        memory=memory,
    )
    app = MaestroApp(desk)
    async with app.run_test(size=size, notifications=True) as pilot:
        seen = Seen(app, pilot)
        yield seen
    assert app.failures == []


@asynccontextmanager
async def hasty() -> AsyncIterator[None]:
    """Keys are pressed without waiting until the process is idle, which it never is while an agent draws."""

    async def soon(*_: float) -> None:
        await asyncio.sleep(0.005)

    with pytest.MonkeyPatch.context() as patch:
        for module in (textual.app, textual.pilot):
            patch.setattr(module, "wait_for_idle", soon)
        yield


@asynccontextmanager
async def looking_at(server: str, environ: Mapping[str, str], size: tuple[int, int] = SIZE) -> AsyncIterator[Seen]:
    """The app on a real daemon, with everything read; it must come through without a failure of its own."""
    desk = Desk(server, environ=environ, clock=lambda: time.time_ns() // 1_000_000, zone=UTC, autostart=False)
    app = MaestroApp(desk)
    async with app.run_test(size=size, notifications=True) as pilot:
        seen = Seen(app, pilot)
        await seen.until(lambda: desk.mirror.whole, "everything is read")
        yield seen
    assert app.failures == []


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World() as made:
        yield made
