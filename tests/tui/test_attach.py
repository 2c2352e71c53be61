"""Looking at a terminal leaves it as it is; taking it over works from every kind of terminal, and back."""

import asyncio
import os
import sys
from collections.abc import Iterator

import pytest

from tests.e2e.workshop import Workshop, workshop
from tests.support.eventually import aeventually, eventually
from tests.tui.living import Person, person, size_of_pane
from tests.tui.tmux_screen import TmuxScreen, tmux_screen

pytestmark = [pytest.mark.e2e, pytest.mark.tmux, pytest.mark.xdist_group("tmux-screens")]

STARTS_AT = (120, 40)
SCREEN = (sys.executable, "-m", "maestro_tui")


@pytest.fixture
def shop() -> Iterator[Workshop]:
    """A whole Maestro of the test's own with an agent at work."""
    with workshop() as made:
        made.begin()
        made.script("claude", "SAY: the agent at work", "SLEEP: 600")
        made.spawn("claude", more=("--name", "worker"))
        yield made


async def resized(screen: TmuxScreen, width: int, height: int) -> None:
    """Give the screen's terminal another size, as a person does with a window."""
    screen.tmux("resize-window", "-t", "0", "-x", str(width), "-y", str(height))

    async def taken() -> bool:
        lines = screen.text.splitlines()
        return len(lines) == height and "? help" in lines[-1] and "the agent at work" in screen.text

    await aeventually(taken, timeout=20, what=f"the screen is {width}x{height}")


async def test_a_preview_never_resizes_the_agents_terminal(shop: Workshop) -> None:
    assert size_of_pane(shop) == STARTS_AT
    with tmux_screen([], (200, 60), shop.env) as screen:
        await screen.shows("the agent at work")
        screen.press("Enter")
        for width, height in ((200, 60), (120, 40), (80, 24), (60, 20)):
            await resized(screen, width, height)
            assert size_of_pane(shop) == STARTS_AT
        for key, words in (("3", "by attention"), ("v", "Screen"), ("1", "Tab type")):
            screen.press(key)
            await screen.shows(words, "the agent at work")
            assert size_of_pane(shop) == STARTS_AT
        screen.press("Tab")
        await screen.shows("LIVE")
        assert size_of_pane(shop) == STARTS_AT
        screen.press("Escape", "Escape")
        await screen.hides("LIVE")
    assert size_of_pane(shop) == STARTS_AT


def attached(shop: Workshop) -> int:
    """How many people are at the agents' terminals."""
    return len(shop.tmux.viewers())


async def test_inside_tmux_the_keys_that_are_shown_lead_back_to_the_same_screen(shop: Workshop) -> None:
    """With a person before the tmux around the screen, who has its prefix to pass."""
    with tmux_screen([], (100, 30), shop.env) as screen:
        before = await screen.shows("● connected", "the agent at work")
        client = ("tmux", "-u", "-L", screen.name, "attach")
        with person(
            client, (100, 31), {"PATH": os.environ["PATH"], "TERM": "xterm-256color", "LANG": "C.UTF-8"}
        ) as who:
            who.type(b"a")
            await screen.shows("Ctrl+B twice, then D, brings you back here.")
            who.type(b"\r")
            await screen.shows("worker", "ctrl-b d: leave")
            assert attached(shop) == 1
            who.type(b"\x02\x02d")
            await screen.shows("● connected", "? help")
            assert attached(shop) == 0
            assert who.process.poll() is None, "the tmux around the screen was not left"
            assert _without_clocks(screen.text) == _without_clocks(before)


def _without_clocks(text: str) -> list[str]:
    """Names and frames; what the agent draws and how long ago it was moves on."""
    return [line[:20] for line in text.splitlines() if "worker" not in line and "the agent" not in line]


def test_in_a_bare_terminal_a_person_takes_over_and_comes_back(shop: Workshop) -> None:
    with person(SCREEN, (100, 30), {**shop.env, "TERM": "xterm"}) as who:
        who.shows("the agent at work")
        who.forget()
        who.type(b"a")
        who.shows("Ctrl+B, then D, brings you back here.")
        who.type(b"\r")
        who.shows("ctrl-b d: leave")
        eventually(lambda: attached(shop) == 1)
        taken_over(who)
        who.shows("● connected")
        who.shows("the agent at work")
        eventually(lambda: attached(shop) == 0)
        who.type(b"q")
        assert eventually(lambda: who.process.poll() is not None)
        assert who.process.wait() == 0


def taken_over(who: Person) -> None:
    """Leave the agent's terminal by the keys that were shown."""
    who.forget()
    who.type(b"\x02d")


async def test_a_daemon_that_is_away_does_not_keep_a_person_from_the_terminal(shop: Workshop) -> None:
    with tmux_screen([], (100, 30), shop.env) as screen:
        await screen.shows("● connected", "the agent at work")
        await asyncio.to_thread(shop.kill_daemon)
        await screen.shows("Connection lost")
        screen.press("a")
        await screen.shows("brings you back here.")
        screen.press("Enter")
        await screen.shows("ctrl-b d: leave")
        screen.press("C-b", "d")
        await screen.shows("Connection lost", "worker", "? help")
