"""The walk itself: which keys are heard where, what each is expected to do, and what an expectation can use."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any

from textual.pilot import Pilot
from textual.screen import Screen

from maestro_tui.app import MaestroApp
from maestro_tui.bindings import KEYS, Key, Mode, Panel, Place, everywhere_on, keys_in
from maestro_tui.widgets.line_list import SLIP_S, LineList, QuestionList
from maestrod.domain.model import Noun
from tests.support.eventually import aeventually
from tests.tui.conftest import Seen, hasty, looking_at
from tests.tui.walking.relay import Relay
from tests.tui.walking.town import Town

SIZE = (100, 30)
LAST = "quit"

EXPECTED: "dict[str, Expectation]" = {}
"""By the name of the key in the table."""


class Walk(Seen):
    """One screen that is walked: ``mode`` is the screen, ``key`` the row, ``name`` the key that is pressed."""

    def __init__(self, app: MaestroApp, pilot: Pilot[None], town: Town, relay: Relay, mode: Mode) -> None:
        super().__init__(app, pilot)
        self.town = town
        self.relay = relay
        self.mode = mode
        self.key: Key = KEYS[0]
        self.name = ""

    # -- where it stands -------------------------------------------------------------------------

    @property
    def here(self) -> Any:
        """The screen, whose own attributes an expectation may read."""
        return self.app.here

    @property
    def lines(self) -> LineList:
        """Its main list."""
        match self.mode.name:
            case "mission":
                return next(iter(self.app.mission._lists.values()))
            case "board":
                return self.here._columns[self.here._at]  # type: ignore[no-any-return]
            case "sessions":
                return self.here._crew  # type: ignore[no-any-return]
            case "inbox":
                return self.here._waiting  # type: ignore[no-any-return]
            case "details":
                return self.here._list  # type: ignore[no-any-return]
            case _:
                return self.here.side if self.here.side.has_focus else self.here.list  # type: ignore[no-any-return]

    @property
    def rows(self) -> list[str]:
        """The keys of all rows of that list."""
        rows = self.lines._rows
        return [rows.key(at) for at in range(len(rows))]

    async def start(self, key: Key, name: str) -> None:
        """Come to the screen anew, with nothing open."""
        self.key, self.name = key, name
        while len(self.app.screen_stack) > 1:
            await self.keys("escape")
        self.app.clear_notifications()
        if self.app.current_mode != self.mode.name or name == "escape" or self.mode.name == "details":
            self.app.action_show("mission")
            self.app.mission._end_search()
            if self.mode.name == "details":
                self.app._show("details", (Noun.TASK, self.town.chain[0]))
            elif self.mode.name != "mission":
                self.app._show(self.mode.name, None)
            await self.until(lambda: self.app.current_mode == self.mode.name and self.app.here.is_mounted)
        await self.pilot.pause()
        self.here.home()
        await self.pilot.pause()

    # -- under the fingers -----------------------------------------------------------------------

    async def press(self, *keys: str) -> None:
        """Press the key that is walked; others by their names."""
        await super().press(*(keys or (self.name,)))

    async def keys(self, *keys: str) -> None:
        """Press other keys."""
        await super().press(*keys)

    async def opens(self, kind: type[Screen[Any]], *words: str) -> None:
        """The key opens a dialog that says these words."""
        await self.press()
        await self.until(lambda: isinstance(self.app.screen, kind), f"a {kind.__name__} opens")
        await self.shows(*words)

    async def closes(self, *keys: str) -> None:
        """These keys end the dialog."""
        await self.keys(*keys)
        await self.until(lambda: len(self.app.screen_stack) == 1, f"{keys} close the dialog in\n{self.text}")

    async def says(self, *words: str) -> None:
        """A toast says these words."""

        def told() -> bool:
            texts = [toast.message for toast in self.app._notifications]
            return any(all(word in text for word in words) for text in texts)

        await self.until(told, f"{words} is said, among {[toast.message for toast in self.app._notifications]}")

    async def differs(self, look: Callable[[], object]) -> None:
        """The key changes what is seen there."""
        before = look()
        await self.press()
        await self.until(lambda: look() != before, f"something else than {before!r}")

    # -- the daemon ------------------------------------------------------------------------------

    async def holds(self, path: str, probe: Callable[[Any], object], what: str = "") -> None:
        """Wait until the daemon answers so."""

        async def asked() -> object:
            await self.pilot.pause()
            return probe(await asyncio.to_thread(self.town.get, path))

        await aeventually(asked, every=0.03, what=what or f"{path} is as the key makes it")

    async def fresh(self, **more: object) -> dict[str, Any]:
        """A new task, known to the screen."""
        task = await asyncio.to_thread(lambda: self.town.fresh(**more))
        await self.until(lambda: task["id"] in self.app.desk.mirror.state.table(Noun.TASK))
        return task

    # -- the cursor ------------------------------------------------------------------------------

    async def on_task(self) -> dict[str, Any] | None:
        """Put the cursor on a task of its own; nothing where this screen is about no tasks."""
        match self.mode.name:
            case "mission" | "board":
                task = await self.fresh()
                self.here.go_to(Noun.TASK, task["id"])
            case "graph":
                task = await self.fresh(dependencies=[self.town.chain[0]])
                self.here._project_id = self.town.project
                self.here._draw_anew()
                await self.until(lambda: self.here.go_to(Noun.TASK, task["id"]))
            case "details":
                task = await self.fresh()
                self.app.show_details(Noun.TASK, task["id"])
            case "queue":
                await self._on_queue("builder")
                await self.keys("enter")
                await self.until(lambda: self.here.item is not None, "an item is under the cursor")
                task = await asyncio.to_thread(self.town.get, f"/tasks/{self.here.item.task_id}")
            case "history":
                task = await self.fresh()
                await self._on_newest(task["id"])
            case _:
                return None
        await self.until(lambda: self.app.spot.subject == (Noun.TASK, task["id"]), "the task is looked at")
        return task

    async def on_session(self, name: str = "builder") -> dict[str, Any] | None:
        """Put the cursor on a session; nothing where this screen is about none."""
        match self.mode.name:
            case "mission" | "sessions":
                self.here.go_to(Noun.SESSION, self.town.ids[name])
            case "inbox":
                name = "patient"
                await self.until(lambda: self.here.go_to(Noun.SESSION, self.town.ids[name]))
            case "details":
                self.app.show_details(Noun.SESSION, self.town.ids[name])
            case "queue":
                await self._on_queue("builder")
                name = "builder"
            case "history":
                await asyncio.to_thread(self.town.touch, name)
                await self._on_newest(self.town.ids[name])
            case "board" | "graph":
                name = "patient"
                task = await self._task_of(name)
                if self.mode.name == "graph":
                    self.here._project_id, self.here._loose = self.town.project, True
                    self.here._draw_anew()
                await self.until(lambda: self.here.go_to(Noun.TASK, task))
            case "mail":
                name = "builder"
                await self.until(lambda: self.here.spot.subject == (Noun.SESSION, self.town.ids[name]))
            case _:
                return None
        found = await asyncio.to_thread(self.town.session, name)
        await self.until(lambda: self.here.session is not None and self.here.session.id == found["id"])
        return found

    async def question(self) -> None:
        """The asker asks, what it offers is known, and on a list of questions the cursor is on it."""
        id_, desk = self.town.ids["asker"], self.app.desk
        if not (await asyncio.to_thread(self.town.session, "asker"))["needsInput"]["active"]:
            await asyncio.to_thread(self.town.ask_again)
        await self.until(lambda: id_ in desk.asking.dialogs and id_ not in desk.asking.busy, "its dialog is read")
        if self.mode.name not in {"mission", "inbox"}:
            return
        if self.mode.name == "mission":
            self.here.action_panel("INBOX")
        lines = self.app.mission.lines(Panel.INBOX) if self.mode.name == "mission" else self.lines
        assert isinstance(lines, QuestionList)
        await self.until(lambda: lines.point(id_) and monotonic() - lines._slipped > SLIP_S, "the cursor is on it")

    async def _task_of(self, name: str) -> str:
        tasks = await asyncio.to_thread(self.town.get, f"/tasks?sessionId={self.town.ids[name]}")
        return str(tasks[0]["id"])

    async def _on_queue(self, name: str) -> None:
        await self.until(lambda: self.here.go_to(Noun.SESSION, self.town.ids[name]), "its queue is listed")
        self.here.list.focus()
        await self.until(lambda: len(self.here.side._rows), "its items are read")

    async def _on_newest(self, id_: str) -> None:
        """In the history: on the commit that made this."""

        def there() -> bool:
            self.here.list.action_first()
            return self.app.spot.subject is not None and self.app.spot.subject[1] == id_

        await self.until(there, f"the newest commit is about {id_}")


Expectation = Callable[[Walk], Awaitable[None]]


def does(*names: str) -> Callable[[Expectation], Expectation]:
    """This is what the keys of these names do; called once for every key of a row on every screen that hears it."""

    def noted(expectation: Expectation) -> Expectation:
        for name in names:
            assert name not in EXPECTED, f"'{name}' is expected twice"
            EXPECTED[name] = expectation
        return expectation

    return noted


def presses(mode: Mode) -> Iterator[tuple[Key, str]]:
    """Every row that the screen hears with each of its keys, but for those that mean something else on it."""
    own = keys_in(*mode.places)
    taken = {name for key in keys_in(mode.places[0]) for name in key.keys.split(",")}
    if Place.QUESTIONS in mode.places and Place.TREE not in mode.places:  # there is no other list to press them in
        taken |= {name for key in keys_in(Place.QUESTIONS) for name in key.keys.split(",")}
    rows = [(key, name) for key in own for name in key.keys.split(",")]
    rows += [(key, name) for key in everywhere_on(mode) for name in key.keys.split(",") if name not in taken]
    return iter(sorted(rows, key=lambda row: row[0].name == LAST))


@asynccontextmanager
async def walking(town: Town, mode: Mode) -> AsyncIterator[Walk]:
    """The screen of a mode, looked at through a real daemon; it must come through without a failure of its own."""
    relay = Relay(town.shop.folder / "relay.sock", town.shop.door.socket)
    await relay.mend()
    try:
        async with hasty(), looking_at(f"unix:{relay.socket}", town.shop.env, SIZE) as seen:
            yield Walk(seen.app, seen.pilot, town, relay, mode)
    finally:
        await relay.cut()
