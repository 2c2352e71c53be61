"""The screen in a real terminal: every label whole at every size, colour or none, attach and back."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec import structs

from maestro_tui.bindings import MODES
from maestrod.domain.model import Noun, Pane
from tests.support.tmux_server import open_sleeper, private_server
from tests.support.world import World
from tests.tui.sample import fill
from tests.tui.tmux_screen import TmuxScreen, tmux_screen

pytestmark = [pytest.mark.tmux, pytest.mark.xdist_group("tmux-screens")]

LABELS = {
    (60, 20): ("maestro", "Tasks", "Sessions", "Pane", "Needs you 2", "Queue", "Timeline", "? help", "connected"),
    (80, 24): ("maestro", "─ Tasks ─", "─ Sessions ─", "─ Needs you (2) ─", "─ Timeline ─", "? help", "connected"),
    (120, 40): ("▸ shop-api", "─ Tasks ─", "─ Sessions ─", "─ Needs you (2) ─", "─ Timeline ─", "w next needing you"),
    (200, 60): ("▸ shop-api", "─ Tasks ─", "─ Sessions ─", "─ Needs you (2) ─", "─ Timeline ─", "q quit", "seq "),
}


@pytest.mark.parametrize("size", LABELS)
async def test_every_label_is_whole_in_a_real_terminal(world: World, size: tuple[int, int]) -> None:
    await fill(world)
    with tmux_screen(["--server", world.server], size, {"MAESTRO_HOME": str(world.folder)}) as screen:
        text = await screen.shows(*LABELS[size], "rate-limits", "needs you")
        lines = text.splitlines()
        assert len(lines) == size[1]
        assert all(len(line) <= size[0] for line in lines)
        assert "…" not in lines[0] + lines[-1]
        await dialogs_are_whole(screen)
        await screens_are_whole(screen, size)


SCREENS = {
    "2": ("To do 7", "In progress 4", "H move left"),
    "3": ("─ Sessions ─", "by attention", "◐ rate-limits · needs you", "o order"),
    "v": ("─ rate-limits ─", "Screen", "l → next tab"),
    "4": ("─ Queues 1 ─", "1 task to come in 1 queue", "processing", "p push"),
    "5": ("─ Mail 0 ─", "no mail yet: c writes one", "c write"),
    "6": ("─ 2 layers ·", "Layer 1 ·", "2 in a row", "c critical path"),
    "7": ("─ History ", "every change", "t state then"),
    "9": ("─ Skills & templates ─", "later places hide earlier ones", "e edit"),
    "0": ("─ Needs you (2) ─", "permission", "1 Yes", "1-9 answer"),
}
"""Needs you comes last: there a digit is an answer."""


async def screens_are_whole(screen: TmuxScreen, size: tuple[int, int]) -> None:
    assert set(SCREENS) | {"1"} == {mode.key for mode in MODES}, "a screen without its row"
    for key, words in SCREENS.items():
        screen.press(key)
        lines = (await screen.shows("maestro", "connected", "? help", *words)).splitlines()
        assert len(lines) == size[1]
        assert all(len(line) <= size[0] for line in lines)
        assert "…" not in lines[0] + lines[-1]


DIALOGS = {
    "n": ("New task", "Title", "Description", "Priority", "Project", "Ctrl+S create", "Esc cancel"),
    "s": ("Start an agent", "Agent", "Role", "Strategy", "Model", "Permissions", "Name", "Ctrl+S spawn"),
    "?": ("Keys and signs", "On Mission", "Esc close"),
    "x": ("Stop rate-limits?", "This is lost:", "y stop it", "Esc cancel"),
    "m": ("Answer rate-limits", "Say", "↵ send"),
    "C-p": ("Search for commands", "New task", "Spawn agent"),
}


async def dialogs_are_whole(screen: TmuxScreen) -> None:
    for key, words in DIALOGS.items():
        screen.press(key)
        await screen.shows(*words)
        screen.press("Escape")
        await screen.hides(words[0])


async def test_without_colour_everything_can_still_be_read(world: World) -> None:
    await fill(world)
    env = {"MAESTRO_HOME": str(world.folder), "NO_COLOR": "1"}
    with tmux_screen(["--server", world.server], (120, 40), env) as screen:
        await screen.shows(
            "◐ rate-limits", "needs you", "✕ try-uvloop", "failed", "● fix-login", "working", "⊘", "blocked"
        )
        coloured = screen.tmux("capture-pane", "-p", "-e", "-t", "0")
        used = {int(number) for number in re.findall(r"[34]8;5;(\d+)", coloured)}
        assert used <= {16, 59, 102, 145, 188, 231, *range(232, 256)}, "only greys"


async def test_the_light_theme_can_be_asked_for(world: World) -> None:
    await fill(world)
    with tmux_screen(["--server", world.server, "--theme", "light"], (120, 40), {}) as screen:
        await screen.shows("● connected", "rate-limits")


async def test_q_leaves_and_leaves_nothing_behind(world: World) -> None:
    await fill(world)
    with tmux_screen(["--server", world.server], (120, 40), {"MAESTRO_HOME": str(world.folder)}) as screen:
        await screen.shows("● connected")
        screen.press("q")
        text = await screen.shows("ended with 0")
        assert "Traceback" not in text
    assert not (world.folder / "logs" / "tui.log").exists()


async def test_a_person_attaches_and_comes_back(world: World) -> None:
    sample = await fill(world)
    with private_server() as server:
        pane = open_sleeper(server, sample.fix, script="echo the agent itself; sleep 600")
        there = Pane(socket=server.name, window=pane.window_id, pane=pane.ref.pane_id, pid=1)
        session = structs.replace(world.state.session(sample.fix), pane=there, version=99)
        await world.plant(session, noun=Noun.SESSION)
        with tmux_screen(["--server", world.server], (100, 30), {"MAESTRO_HOME": str(world.folder)}) as screen:
            await screen.shows("● connected", "fix-login")
            screen.press("j", "j", "j")
            await screen.shows("Tidying up")
            screen.press("a")
            await screen.shows("Ctrl+B twice, then D, brings you back here.")
            screen.press("Enter")
            await screen.shows("the agent itself")
            screen.press("C-b", "d")
            await screen.shows("● connected", "fix-login", "? help")
            screen.press("a")
            await screen.shows("the agent itself")
            screen.press("C-b", "d")
            await screen.shows("● connected", "fix-login", "? help")


async def test_a_pane_that_has_gone_is_told_instead_of_attached_to(world: World) -> None:
    await fill(world)
    with tmux_screen(["--server", world.server], (100, 30), {"MAESTRO_HOME": str(world.folder)}) as screen:
        await screen.shows("● connected", "rate-limits")
        screen.press("a")
        await screen.shows("brings you back here.")
        screen.press("Enter")
        await screen.shows("● connected", "? help")
        text = await screen.shows("tmux")
        assert "Traceback" not in text


def test_without_a_terminal_it_says_what_to_use_instead(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "maestro_tui"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "MAESTRO_HOME": str(tmp_path)},
    )
    assert ran.returncode == 2
    assert "maestro status" in ran.stderr
    assert ran.stdout == ""
