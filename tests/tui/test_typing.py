"""Live mode with the real parts: what is typed into the screen arrives in the agent's terminal, byte by byte."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.e2e.workshop import Workshop, workshop
from tests.support.eventually import aeventually
from tests.tui.living import reader
from tests.tui.tmux_screen import TmuxScreen, tmux_screen

pytestmark = [pytest.mark.e2e, pytest.mark.tmux, pytest.mark.xdist_group("tmux-screens")]

TEXT = "Use the \"old\" fixture; $(x) `y` {z} #h %1 \\ ~ ^ 'q' é 日本語 👍🏽 e\u0301 Up Enter C-c"


@pytest.fixture
def shop() -> Iterator[Workshop]:
    """A whole Maestro of the test's own, with a project."""
    with workshop() as made:
        made.begin()
        yield made


async def live(screen: TmuxScreen, name: str) -> None:
    """Type to the session that is looked at."""
    await screen.shows("● connected", name)
    screen.press("Enter")
    await screen.shows("Tab type")
    screen.press("Tab")
    await screen.shows(f"LIVE · {name}", "LIVE · Esc Esc leaves")


async def test_every_byte_arrives_in_order(shop: Workshop) -> None:
    _, kept = await asyncio.to_thread(reader, shop)
    with tmux_screen([], (120, 40), shop.env) as screen:
        await live(screen, "reader")
        screen.tmux("send-keys", "-t", "0", "-l", TEXT)
        screen.press("Up", "S-Right", "F5", "C-c", "C-q", "C-p", "Tab", "BTab", "BSpace", "DC", "PPage", "Enter")
        screen.tmux("set-buffer", "-b", "b", "two\nlines, done")
        screen.tmux("paste-buffer", "-p", "-b", "b", "-t", "0")
        screen.press("z")
        keys = b"\x1b[A\x1b[1;2C\x1b[15~\x03\x11\x10\t\x1b[Z\x7f\x1b[3~\x1b[5~\r"
        expected = TEXT.encode() + keys + b"\x1b[200~two\nlines, done\x1b[201~z"

        async def arrived() -> bool:
            assert kept.read_bytes() == expected
            return True

        await aeventually(arrived, timeout=20)
        screen.press("Escape", "Escape")
        await screen.hides("LIVE")
        await screen.shows("Tab type")
        screen.press("G")
        screen.press("?")
        await screen.shows("Keys and signs")
        assert kept.read_bytes() == expected


async def test_a_daemon_that_is_killed_under_the_fingers_ends_it_and_nothing_arrives_twice(shop: Workshop) -> None:
    """The agent's own log is the proof: a beginning of what was typed, once."""
    shop.script("claude", "SAY: I wait", "TURN:", "SAY: I heard it", "TURN:")
    await asyncio.to_thread(shop.spawn, "claude", more=("--name", "waits"))
    typed = "".join(f"<{number:03}>" for number in range(400))
    with tmux_screen([], (120, 40), shop.env) as screen:
        await screen.shows("I wait")
        await live(screen, "waits")
        screen.tmux("send-keys", "-t", "0", "-l", typed[:300])
        await screen.shows("<050>")
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.to_thread(shop.kill_daemon))
            await asyncio.to_thread(screen.tmux, "send-keys", "-t", "0", "-l", typed[300:])
        text = await screen.shows("Not typing any more", "Connection lost", "waits")
        assert "delivered" in text or "not known" in text
        screen.press("x", "q", "Enter", "Escape")
        await screen.hides("Not typing any more")
        await asyncio.to_thread(shop.ok, "daemon", "start")
        screen.press("C-r")
        await screen.shows("● connected")
        await live(screen, "waits")
        screen.tmux("send-keys", "-t", "0", "-l", "|danach 日本")
        screen.press("Enter")
        await screen.shows("I heard it", timeout=30)
    (prompt,) = [p["text"] for p in shop.log("prompt") if p["source"] == "typed"]
    before, _, after = prompt.rpartition("|")
    assert after == "danach 日本"
    assert "<050>" in before
    assert typed.startswith(before), "nothing twice, nothing left out, nothing sent later"
