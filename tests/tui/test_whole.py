"""The screen, the daemon, the command line and a scripted agent together."""

import asyncio
from collections.abc import Iterator
from functools import partial

import pytest

from tests.e2e.workshop import Workshop, workshop
from tests.support.eventually import aeventually
from tests.tui.tmux_screen import TmuxScreen, tmux_screen

pytestmark = [pytest.mark.e2e, pytest.mark.tmux, pytest.mark.xdist_group("tmux-screens")]


@pytest.fixture
def shop() -> Iterator[Workshop]:
    """A whole Maestro of the test's own, whose daemon does not run yet."""
    with workshop() as made:
        yield made


async def test_the_screen_starts_the_daemon_makes_a_task_and_starts_an_agent(shop: Workshop) -> None:
    shop.script("claude", "SAY: the agent is at work", "SLEEP: 30")
    with tmux_screen([], (120, 40), shop.env) as screen:
        await screen.shows("● connected", "no project yet: P makes one")
        await asyncio.to_thread(shop.begin)
        await screen.shows("work")
        screen.press("n")
        await screen.shows("New task")
        screen.press("Mend the login", "C-s")
        await screen.shows("Mend the login", "ready")
        await screen.hides("New task")
        screen.press("j", "s")
        await screen.shows("[x] Mend the login")
        screen.press("Tab", "Enter")
        await screen.shows("gemini")
        screen.press("Down", "Enter")
        await screen.shows("Agent        claude")
        screen.press("C-s")
        await screen.shows("● 1 working", "claude", timeout=40)
        await screen.hides("Start an agent")
        await screen.shows("the agent is at work")
        screen.press("x")
        await screen.shows("Stop Mend the login?")
        screen.press("y")
        await screen.shows("stopped", "r brings it back")


async def test_nothing_is_left_on_the_terminal_of_toasts_that_stood_on_each_other(shop: Workshop) -> None:
    with tmux_screen([], (120, 40), shop.env) as screen:
        await screen.shows("● connected", "no project yet: P makes one")
        for number in range(1, 4):
            screen.press("w")
            await aeventually(partial(_told, screen, number), what=f"it is told {number} times")
        await screen.hides("Nobody waits for you.")
        await screen.hides("▌")


async def _told(screen: TmuxScreen, times: int) -> bool:
    return screen.text.count("Nobody waits for you.") >= times


async def test_a_question_is_answered_in_place_and_a_card_is_moved_and_brought_back(shop: Workshop) -> None:
    await asyncio.to_thread(shop.begin)
    task = await asyncio.to_thread(shop.task, "Ask before you test")
    shop.script("claude", "SAY: I ask first", "PERMISSION: echo tested", "SAY: it was allowed", "SLEEP: 30")
    await asyncio.to_thread(shop.spawn, "claude", task)
    with tmux_screen([], (120, 40), shop.env) as screen:
        await screen.shows("1 Yes", "Bash: echo tested", timeout=40)
        screen.press("0")
        await screen.shows("Needs you (1)", "permission · claude", "  1  Yes")
        screen.press("y")
        await screen.shows("nobody waits for you", timeout=30)
        screen.press("3")
        await screen.shows("it was allowed", "by attention")
        screen.press("Enter")
        await screen.shows("Screen │ Timeline")
        screen.press("Tab", "Tab", "Tab", "Tab", "Tab")
        await screen.shows("on the word of", "process: alive")
        screen.press("Tab")
        await screen.shows("has no worktree")
        screen.press("2")
        await screen.shows("Ask before you test")
        screen.press("b")
        await screen.shows("blocked by", "Blocked 1")
        screen.press("u")
        await screen.shows("taken back")
        await screen.hides("Blocked 1")


async def test_a_killed_daemon_is_told_and_its_successor_is_followed(shop: Workshop) -> None:
    await asyncio.to_thread(shop.begin)
    await asyncio.to_thread(shop.task, "Made before")
    with tmux_screen([], (120, 40), shop.env) as screen:
        await screen.shows("● connected", "Made before")
        await asyncio.to_thread(shop.kill_daemon)
        await screen.shows("Connection lost", "Made before")
        await asyncio.to_thread(shop.task, "Made after")
        screen.press("C-r")
        await screen.shows("● connected", "Made before", "Made after")
        await screen.hides("Connection lost")


async def test_a_daemon_that_must_not_be_started_is_waited_for(shop: Workshop) -> None:
    with tmux_screen([], (120, 40), {**shop.env, "MAESTRO_NO_AUTOSTART": "1"}) as screen:
        await screen.shows("Connection lost", "the daemon is not running: maestro daemon start")
        await asyncio.to_thread(shop.begin)
        screen.press("C-r")
        await screen.shows("● connected", "work")
