"""What the keys do that every screen hears."""

import asyncio
from itertools import count
from typing import Any

from textual.command import CommandPalette
from textual.widgets import Input

from maestro_tui.bindings import MODES, keys_in
from maestro_tui.frame import Broken, Connected
from maestro_tui.screens.new_project import NewProject
from maestro_tui.screens.new_task import EditTask, NewTask
from maestro_tui.screens.reading import News
from maestro_tui.screens.small import Help, Question, Screens, Tell
from maestro_tui.screens.spawn import SpawnDialog
from maestrod.domain.model import Noun
from tests.support.eventually import aeventually
from tests.tui.walking.walk import Walk, does

NAMES = count(1)
PAUSE_MS = 400
"""A pause of the stream that is long enough to see what ends it."""


def named(what: str) -> str:
    """A name that nothing else has."""
    return f"{what} {next(NAMES)}"


# -- screens


@does(*(f"go-to-{mode.name}" for mode in MODES))
async def _another_screen(walk: Walk) -> None:
    wanted = walk.key.name.removeprefix("go-to-")
    await walk.press()
    await walk.until(lambda: walk.app.current_mode == wanted, f"{wanted} is shown")


@does("back")
async def _back(walk: Walk) -> None:
    if walk.mode.name == "mission":
        await walk.keys("slash")
        await walk.until(lambda: isinstance(walk.app.focused, Input), "the search is open")
    await walk.press()
    await walk.until(lambda: walk.app.current_mode == "mission" and not isinstance(walk.app.focused, Input))


@does("next-panel", "previous-panel")
async def _another_panel(walk: Walk) -> None:
    walk.here.home()
    if len(walk.here.focus_chain) > 1:
        await walk.differs(lambda: walk.app.focused)
    else:
        await walk.press()
        assert walk.app.focused is walk.lines, "the only panel keeps the keys"


@does("palette")
async def _palette(walk: Walk) -> None:
    await walk.opens(CommandPalette, "Search for commands")
    await walk.closes("escape")


@does("screens")
async def _screens(walk: Walk) -> None:
    await walk.opens(Screens, *(mode.title for mode in MODES))
    await walk.closes("escape")


@does("notices")
async def _notices(walk: Walk) -> None:
    await walk.opens(News, "What happened lately")
    await walk.closes("escape")


@does("help")
async def _help(walk: Walk) -> None:
    await walk.opens(Help, "Keys and signs", keys_in(*walk.mode.places)[0].help[:30])
    await walk.closes("escape")


@does("reconnect")
async def _reconnect(walk: Walk) -> None:
    """Once while the next try by itself is some time away."""
    desk, least = walk.app.desk, PAUSE_MS if walk.mode.name == "mission" else 0
    await walk.relay.cut()
    await walk.shows("Connection lost")
    await walk.until(lambda: isinstance(desk.link, Broken) and desk.link.retry_at - desk.moment().now > least)
    await walk.relay.mend()
    await walk.press()
    await walk.until(lambda: isinstance(desk.link, Connected), "it is connected again")


@does("quit")
async def _quit(walk: Walk) -> None:
    """The last key that is pressed on a screen."""
    await walk.pilot.press(walk.name)
    await eventually_left(walk)
    assert not walk.app.return_code


async def eventually_left(walk: Walk) -> None:
    """The app ends."""

    async def left() -> bool:
        return walk.app._exit

    await aeventually(left, what="the screen is left")


# -- tasks and projects


@does("new-task")
async def _new_task(walk: Walk) -> None:
    title = named("New")
    await walk.opens(NewTask, "Title", "Ctrl+S create")
    await walk.keys(*title)
    await walk.closes("ctrl+s")
    await walk.holds("/tasks?limit=500&order=desc", lambda page: title in [task["title"] for task in page["data"]])


@does("edit-task")
async def _edit_task(walk: Walk) -> None:
    task = await walk.on_task()
    if task is None:
        await walk.press()
        await walk.says("There is no task here")
        return
    more = named("Changed")
    await walk.opens(EditTask, "Ctrl+S save")
    await walk.keys(*more)
    await walk.closes("ctrl+s")
    await walk.holds(f"/tasks/{task['id']}", lambda now: now["title"] == f"{task['title']}{more}")


@does("new-project")
async def _new_project(walk: Walk) -> None:
    await walk.opens(NewProject, "Directory", "Ctrl+S create")
    if walk.mode.name != "mission":
        await walk.closes("escape")
        return
    made = walk.town.shop.folder / "third"
    made.mkdir()
    walk.app.screen.query_one("#directory", Input).value = str(made)
    await walk.closes("ctrl+s")
    await walk.holds("/projects", lambda found: str(made) in [project["workingDir"] for project in found])


@does("delete")
async def _delete(walk: Walk) -> None:
    task = await walk.on_task()
    if task is not None:
        await walk.opens(Question, f"Delete “{task['title']}”?", "This goes; u takes it back:")
        await walk.closes("y")
        await walk.holds("/tasks?limit=500&order=desc", lambda page: task["id"] not in [t["id"] for t in page["data"]])
    elif await walk.on_session() is not None:
        await walk.press()
        await walk.says("is alive; stop it first")
    else:
        await walk.press()
        await walk.says("Only tasks and ended sessions")


@does("undo")
async def _undo(walk: Walk) -> None:
    task = await walk.fresh()
    path = f"/tasks/{task['id']}/block"
    await asyncio.to_thread(walk.town.post, path, {"reason": "to be undone"})
    await walk.press()
    await walk.says("taken back")
    await walk.holds(f"/tasks/{task['id']}", lambda now: now["status"] == "todo")


# -- sessions


@does("spawn-agent")
async def _spawn(walk: Walk) -> None:
    await walk.on_task()
    if walk.app.spot.project_id is None:
        await walk.press()
        await walk.says("Put the cursor on a project or a task first")
        return
    await walk.opens(SpawnDialog, "Start an agent", "Ctrl+S spawn")
    await walk.closes("escape")


async def session_of(walk: Walk, name: str = "builder") -> dict[str, Any] | None:
    """The session that the key acts on; where there is none, the key says so."""
    session = await walk.on_session(name)
    if session is None and walk.here.session is None:
        await walk.press()
        await walk.says("There is no session here")
    return session


@does("attach-to-session")
async def _attach(walk: Walk) -> None:
    if (session := await session_of(walk)) is not None:
        await walk.opens(Question, f"Attach to {session['name']}?", "brings you back here")
        await walk.closes("escape")


@does("message-session")
async def _message(walk: Walk) -> None:
    if (session := await session_of(walk)) is not None:
        await walk.opens(Tell, session["name"], "↵ send")
        await walk.closes("escape")


@does("stop-session")
async def _stop(walk: Walk) -> None:
    for_good = (walk.mode.name, walk.name) == ("sessions", "x")
    if (session := await session_of(walk, "spare" if for_good else "builder")) is None:
        return
    await walk.opens(Question, f"Stop {session['name']}?", "This is lost:")
    if not for_good:
        await walk.closes("escape")
        return
    await walk.closes("y")
    await walk.holds(f"/sessions/{session['id']}", lambda now: now["status"] == "stopped")


@does("resume-session")
async def _resume(walk: Walk) -> None:
    if walk.mode.name == "sessions":
        walk.here.go_to(Noun.SESSION, walk.town.ids["gone"])
        await walk.until(lambda: walk.here.session.id == walk.town.ids["gone"])
        await walk.press()
        path = f"/sessions/{walk.town.ids['gone']}/timeline"
        await walk.holds(path, lambda told: "session_resumed" in str(told), "it comes back")
    elif await session_of(walk) is not None:
        await walk.press()
        await walk.says("has not ended")


@does("next-needing-you")
async def _next_needing(walk: Walk) -> None:
    waiting = {walk.town.ids[name] for name in ("asker", "patient")}
    await walk.question()
    if walk.mode.name in {"mission", "inbox", "sessions"}:
        before = walk.here.spot.subject
        await walk.press()
        await walk.until(lambda: walk.here.spot.subject != before and walk.here.spot.subject[1] in waiting)
    else:
        await walk.press()
        await walk.until(lambda: walk.app.current_mode == "inbox", "who waits is shown")
