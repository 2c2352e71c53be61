"""The daemon goes away while a person looks: the last state stays to be read, a countdown runs, nothing comes twice."""

import asyncio
import re
from collections.abc import Iterator

import pytest

from tests.e2e.workshop import Workshop, workshop
from tests.tui.tmux_screen import TmuxScreen, tmux_screen

pytestmark = [pytest.mark.e2e, pytest.mark.tmux, pytest.mark.xdist_group("tmux-screens")]

TASKS = ("Dig the hole", "Pour the floor", "Build the wall")
SPOKEN = "the agent at work"
TORN = 10
"""Looks in a row, each takes some milliseconds."""
COUNTDOWN = re.compile(r"✕ Connection lost · trying again (in \d+ s|now)")


@pytest.fixture
def shop() -> Iterator[Workshop]:
    """A whole Maestro of the test's own with an agent at work and more to do."""
    with workshop() as made:
        made.begin()
        made.script("claude", f"SAY: {SPOKEN}", "SLEEP: 600")
        tasks = [made.task(title) for title in TASKS]
        made.spawn("claude", tasks[0], more=("--name", "digger"))
        yield made


class Watch:
    """Looks at the screen all the time; no frame may be blank, and what was there before stays.

    A look may fall between two halves of a frame; what it misses must be back soon.
    """

    def __init__(self, screen: TmuxScreen, words: tuple[str, ...]) -> None:
        self._screen = screen
        self._words = words
        self._seen = asyncio.Event()
        self.frames: list[str] = []
        self.over = False

    async def look(self) -> None:
        """Until it is over."""
        torn = 0
        while not self.over:
            frame = await asyncio.to_thread(lambda: self._screen.text)
            missing = [word for word in self._words if word not in frame]
            torn = torn + 1 if missing else 0
            assert len(missing) <= len(self._words) // 2, f"blank:\n{frame}"
            assert torn <= TORN, f"{missing} is gone from\n{frame}"
            if not self.frames or frame != self.frames[-1]:
                self.frames.append(frame)


def times(frame: str) -> dict[str, int]:
    """How often each title and name stands in its list."""
    rows = [line[:36] for line in frame.splitlines()]
    return {word: sum(word in row for row in rows) for word in (*TASKS, "digger", "work")}


async def test_the_last_state_stays_a_countdown_runs_and_nothing_is_doubled(shop: Workshop) -> None:
    with tmux_screen([], (120, 40), shop.env) as screen:
        before = await screen.shows("● connected", SPOKEN, "digger", *TASKS)
        watch = Watch(screen, ("maestro", "digger", SPOKEN, "Needs you", "? help", *TASKS))
        async with asyncio.TaskGroup() as group:
            group.create_task(watch.look())
            await asyncio.to_thread(shop.kill_daemon)
            await screen.shows("Connection lost", "✕ offline")
            await screen.shows("trying again in 2 s", timeout=30)
            screen.press("j", "k")
            await asyncio.to_thread(shop.ok, "daemon", "start")
            made = await asyncio.to_thread(shop.task, "Made meanwhile")
            await screen.shows("● connected", "Made meanwhile", timeout=40)
            await screen.hides("Connection lost")
            watch.over = True
        told = [found.group() for frame in watch.frames if (found := COUNTDOWN.search(frame))]
        assert len(set(told)) > 1, "it counts down"
        after = screen.text
        assert times(after) == times(before)
        assert sum("Made meanwhile" in line[:36] for line in after.splitlines()) == 1
        await asyncio.to_thread(shop.ok, "task", "delete", made)
        await screen.hides("Made meanwhile")


async def test_the_pane_goes_on_as_soon_as_the_daemon_is_back(shop: Workshop) -> None:
    with tmux_screen([], (120, 40), shop.env) as screen:
        await screen.shows("● connected", SPOKEN)
        await asyncio.to_thread(shop.kill_daemon)
        await screen.shows("trying again in 2 s", timeout=30)
        await asyncio.to_thread(shop.ok, "daemon", "start")
        screen.press("C-r")
        await screen.shows("● connected")
        screen.press("Enter")
        await screen.shows("Tab type")
        screen.press("Tab")
        await screen.shows("LIVE")
        screen.tmux("send-keys", "-t", "0", "-l", "heard again")
        await screen.shows("heard again")
