"""A round through the screens with the real parts: daemon, command line, terminal, editor and a scripted agent."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.e2e.workshop import Workshop, workshop
from tests.tui.tmux_screen import tmux_screen

pytestmark = [pytest.mark.e2e, pytest.mark.tmux, pytest.mark.xdist_group("tmux-screens")]


@pytest.fixture
def shop() -> Iterator[Workshop]:
    """A whole Maestro of the test's own with a queue session at work."""
    with workshop() as made:
        made.begin()
        made.script("claude", "SAY: the agent is at work", "SLEEP: 60")
        tasks = [made.task(title) for title in ("Dig the hole", "Pour the floor", "Build the wall")]
        made.ok("task", "depend", tasks[2], "--on", tasks[1])
        made.spawn("claude", *tasks[:2], more=("--strategy", "queue", "--name", "builder"))
        yield made


@pytest.mark.parametrize("size", [(120, 40), (60, 20)])
async def test_a_round_through_mail_queue_graph_history_and_templates(shop: Workshop, size: tuple[int, int]) -> None:
    editor = shop.bin / "add-a-line"
    editor.write_text('#!/bin/sh\nprintf "Ask first.\\n" >> "$1"\n')
    editor.chmod(0o755)
    with tmux_screen([], size, {**shop.env, "EDITOR": str(editor)}) as screen:
        await screen.shows("● connected")
        screen.press("5")
        await screen.shows("no mail yet")
        screen.press("c")
        await screen.shows("the first line of the text")
        screen.press("Use the old bricks.")
        await screen.shows("Use the old bricks.", "Write")
        screen.press("C-s")
        await screen.shows("you → builder", "Use the old bricks.")
        screen.press("4")
        await screen.shows("builder", "Dig the hole", "Pour the floor")
        screen.press("Space")
        await screen.shows("‖ paused")
        screen.press("6")
        await screen.shows("Layer 2", "Build the wall")
        screen.press("9")
        await screen.shows("Templates", "as shipped")
        screen.press("j", "e")
        await screen.shows("edited")
        screen.press("7")
        await screen.shows("edit template")
        screen.press("u")
        await screen.shows("Take back edit template")
        screen.press("y")
        await screen.shows("undo commit")
        screen.press("j", "t")
        await screen.shows("State right after", "Tasks 3")
    assert "Ask first." not in await asyncio.to_thread(lambda: str(shop.ok("template", "get", "worker")))
