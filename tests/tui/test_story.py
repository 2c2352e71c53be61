"""The whole story by keys alone: `maestro tui` in a terminal, from an empty home to an agent that is done."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.e2e.workshop import MAESTRO, Workshop, workshop
from tests.tui.tmux_screen import TmuxScreen, tmux_screen

pytestmark = [pytest.mark.e2e, pytest.mark.tmux, pytest.mark.xdist_group("tmux-screens")]

PLUMBER = (
    'RUN: maestro task start "$MAESTRO_TASK_IDS"',
    "SAY: I dig along the wall",
    "ASK: Which pipe is it to be? | Copper | Lead",
    'RUN: maestro mail send hold-the-ladder "It is laid and holds water."',
    'RUN: maestro task complete "$MAESTRO_TASK_IDS" --note "laid"',
)
MATE = ("SAY: I hold it", "SLEEP: 600")


@pytest.fixture
def shop() -> Iterator[Workshop]:
    """A whole Maestro of the test's own: no daemon, no project, nothing."""
    with workshop() as made:
        yield made


async def test_the_whole_story_by_keys_alone(shop: Workshop) -> None:
    shop.script("claude", *PLUMBER)
    shop.script("gemini", *MATE)
    with tmux_screen(["tui"], (120, 40), shop.env, [MAESTRO]) as screen:
        await screen.shows("● connected", "no project yet: P makes one")
        await a_project(screen, str(shop.project))
        await two_tasks(screen)
        await an_agent(screen, "gemini", "Hold the ladder", ("Down", "Down", "Down"))
        await screen.shows("I hold it", timeout=40)
        screen.press("1")
        screen.press("g", "j")
        await screen.shows("─ Lay the pipe ─")
        await an_agent(screen, "claude", "Lay the pipe", ("Up", "Up"))
        await screen.shows("I dig along the wall", timeout=40)
        await its_question(screen)
        await its_mail(screen)
        await an_undo(screen)
        screen.press("q")
        text = await screen.shows("ended with 0")
        assert "Traceback" not in text
    await asyncio.to_thread(as_it_was_told, shop)


async def a_project(screen: TmuxScreen, directory: str) -> None:
    screen.press("P")
    await screen.shows("New project", "Directory", "Name", "Ctrl+S create")
    screen.press("End", "C-u")
    await screen.shows("~/src/shop")
    await screen.types(directory)
    screen.press("Tab")
    await screen.types("house")
    screen.press("C-s")
    await screen.hides("New project")
    await screen.shows("house")


async def two_tasks(screen: TmuxScreen) -> None:
    await a_task(screen, "Lay the pipe", ("dig", "solder"))
    await screen.shows("○ Lay the pipe")
    await a_task(screen, "Fill the pool", (), waits_for="pipe")
    await screen.shows("◌ Fill the pool")
    await a_task(screen, "Hold the ladder", ())
    await screen.shows("○ Hold the ladder")
    screen.press("g", "j")
    await screen.shows("Checklist 0/2", "· dig", "· solder")
    screen.press("v")
    await screen.shows("Details │ Subtasks", "Lay the pipe")
    screen.press("Tab")
    await screen.shows("dig", "solder")
    screen.press("Enter")
    await screen.shows("“dig” ticked")
    screen.press("Escape")
    await screen.shows("Checklist 1/2")
    screen.press("G")
    await screen.shows("─ Hold the ladder ─")


async def a_task(screen: TmuxScreen, title: str, items: tuple[str, ...], waits_for: str = "") -> None:
    screen.press("n")
    await screen.shows("New task", "Ctrl+S create")
    await screen.types(title)
    screen.press("Tab", "Tab", "Tab", "Tab")
    for item in items:
        await screen.types(item)
        screen.press("Enter")
    screen.press("Tab")
    if waits_for:
        await screen.types(waits_for)
        screen.press("Tab", "Space")
        await screen.shows("[x] Lay the pipe")
    screen.press("C-s")
    await screen.hides("New task")


async def an_agent(screen: TmuxScreen, provider: str, task: str, to_it: tuple[str, ...]) -> None:
    screen.press("s")
    await screen.shows("Start an agent", f"[x] {task}")
    screen.press("Tab", "Enter")
    await screen.shows("default", "codex", "gemini")
    screen.press(*to_it, "Enter")
    await screen.shows(f"Agent        {provider}")
    screen.press("C-s")
    await screen.hides("Start an agent")


async def its_question(screen: TmuxScreen) -> None:
    await screen.shows("◐ 1 needs you", "Which pipe is it to be?", timeout=30)
    screen.press("0")
    await screen.shows("Needs you (1)", "1  Copper", "2  Lead")
    screen.press("1")
    await screen.shows("nobody waits for you", timeout=30)


async def its_mail(screen: TmuxScreen) -> None:
    screen.press("C-o")
    await screen.shows("Screens")
    screen.press("2")
    await screen.shows("✓ Lay the pipe", "Done 1", timeout=40)
    screen.press("5")
    await screen.shows("Lay the pipe → Hold the ladder", "It is laid and holds water.")


async def an_undo(screen: TmuxScreen) -> None:
    screen.press("1")
    await screen.shows("─ Tasks ─", "Fill the pool")
    screen.press("1", "/")
    await screen.shows("search tasks")
    await screen.types("pool")
    screen.press("Enter")
    screen.press("Enter")
    await screen.shows("─ Fill the pool ─")
    screen.press("e")
    await screen.shows("Change the task", "[x] Lay the pipe", "Ctrl+S save")
    screen.press("C-u")
    await screen.shows("what is to be done")
    await screen.types("Fill the pond")
    screen.press("C-s")
    await screen.hides("Change the task")
    await screen.shows("Fill the pond")
    screen.press("u")
    await screen.shows("taken back", "Fill the pool")


def as_it_was_told(shop: Workshop) -> None:
    (project,) = shop.get("/projects")
    assert (project["name"], project["workingDir"]) == ("house", str(shop.project))
    laid, filled, _ = (shop.get(f"/tasks/{task['id']}") for task in shop.get("/tasks"))
    assert (laid["title"], laid["status"]) == ("Lay the pipe", "completed")
    assert (filled["title"], filled["status"], filled["dependencies"]) == ("Fill the pool", "todo", [laid["id"]])
    items = shop.get(f"/tasks/{laid['id']}/subtasks")
    assert [(item["title"], item["completed"]) for item in items] == [("dig", True), ("solder", False)]
    told = {session["name"]: (session["provider"], session["status"]) for session in shop.get("/sessions")}
    assert told["Lay the pipe"] == ("claude", "completed")
    assert told["Hold the ladder"][0] == "gemini"
    (letter,) = shop.get("/mail?limit=10")["data"]
    assert "It is laid and holds water." in str(letter)
    shop.no_agent_stumbled()
