"""The palette: every command, and search over projects, sessions, tasks and mail."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from functools import partial
from typing import Any, Protocol, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.fuzzy import Matcher

from maestro_tui.bindings import MODES, Key, Mode, Place, everywhere_on, keys_in
from maestro_tui.cells import plain
from maestro_tui.deeds import TASK_VERBS
from maestro_tui.desk import Desk
from maestro_tui.screens.framed import Framed
from maestro_tui.spotlight import Spotlight
from maestro_tui.themes import THEMES
from maestro_tui.view.seeking import Found, Sought, Thing, about, best, mail_in, projects_in, sessions_in, tasks_in
from maestro_tui.view.words import has_all, wanted
from maestrod.domain.model import Noun

MAIL_S = 1.0
"""How long a search waits for the mail to be read."""

SHARED = frozenset({Place.LISTS, Place.TREE, Place.QUESTIONS, Place.PANE})
"""What several screens have."""

Command = tuple[str, str, Callable[[], object]]


class Steered(Protocol):
    """What the palette needs of the app."""

    desk: Desk

    @property
    def here(self) -> Framed:
        """The screen that is shown."""

    @property
    def spot(self) -> Spotlight:
        """What it looks at."""

    async def run_here(self, action: str) -> None:
        """Do what a key of that screen does."""

    def hears(self, action: str) -> bool:
        """Whether what has the focus there does."""

    def action_show(self, name: str) -> None:
        """Show the screen of this name."""

    def go_to(self, noun: Noun, id_: str) -> None:
        """Show it with the cursor on it."""

    def move_task(self, verb: str) -> None:
        """Move the task under the cursor."""

    def use_theme(self, name: str) -> None:
        """Look like this from now on."""

    def start_daemon(self) -> None:
        """Start the daemon, when it does not run."""

    def begin(self, job: Callable[[], Coroutine[Any, Any, None]], *, group: str = "", alone: bool = False) -> None:
        """Do something beside the rest."""


class Palette(Provider):
    """What can be done is told with its key; what is found is gone to."""

    @property
    def _app(self) -> Steered:
        return cast(Steered, self.app)

    async def startup(self) -> None:
        """Mail is known once it was read."""
        self._mail = asyncio.Event()
        if self._app.desk.mirror.post.was_read:
            self._mail.set()
        else:
            self._app.begin(self._read)

    async def _read(self) -> None:
        await self._app.desk.fetch_mail()
        self._mail.set()

    async def discover(self) -> Hits:
        """All commands, before anything is typed."""
        for name, words, run in self._commands():
            yield DiscoveryHit(Content(name), run, text=name, help=_words(words))

    async def search(self, query: str) -> Hits:
        """Commands that have the words, those of other screens, then everything that fits, then what is alike."""
        matcher = self.matcher(query)
        for name, words, run in self._commands():
            if (score := max(matcher.match(name), matcher.match(words) / 2)) > 0:
                literal = has_all(f"{name} {words}", wanted(query))
                score = 1.1 + score if literal else min(score, 1) / 2
                yield Hit(score, _shown(matcher, name), run, text=name, help=_words(words))
        for name, words, run in self._elsewhere():
            if has_all(f"{name} {words}", wanted(query)):
                yield Hit(1.05, _shown(matcher, name), run, text=name, help=_words(words))
        await asyncio.sleep(0)
        async for found in self._things(query):
            thing, desk = found.thing, self._app.desk
            text = f"{thing.noun.value.capitalize()}: {plain(thing.name)}"
            words = about(desk.mirror.state, desk.mirror.post, thing)
            score = 0.51 + 0.48 * min(1, found.score / 1.02)
            yield Hit(
                score, Content(text), partial(self._app.go_to, thing.noun, thing.id), text=text, help=_words(words)
            )

    async def _things(self, query: str) -> AsyncIterator[Found]:
        """What fits, kind by kind; between two turns keys are heard."""
        sought, mirror = Sought(query), self._app.desk.mirror
        for kind in (projects_in, sessions_in, tasks_in):
            for found in await self._best(sought, kind(mirror.state)):
                yield found
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(MAIL_S):
                await self._mail.wait()
        for found in await self._best(sought, mail_in(mirror.state, mirror.post)):
            yield found

    async def _best(self, sought: Sought, kind: Iterator[Thing]) -> Sequence[Found]:
        found: Sequence[Found] = ()
        for better in best(sought, kind):
            found = better
            await asyncio.sleep(0)
        return found

    # -- commands --------------------------------------------------------------------------------

    def _commands(self) -> Iterator[Command]:
        app = self._app
        mode: Mode = app.here.mode
        for key in (*keys_in(mode.places[0]), *everywhere_on(mode)):
            if key.name not in {"palette", "back"}:
                yield self._of_key(key, key.action)
        if (task := app.spot.task) is not None:
            for verb in TASK_VERBS:
                yield f"Task: {verb} “{plain(task.title)}”", task.id, partial(app.move_task, verb)
        for name in THEMES:
            yield f"Theme: {name}", "how the screen looks", partial(app.use_theme, name)
        yield "Start the daemon", "when it does not run", app.start_daemon
        for key in keys_in(*mode.places[1:]):
            if app.hears(key.action):
                for name in key.keys.split(",") if "{key}" in key.action else [""]:
                    yield self._of_key(key, key.action.replace("{key}", name), name)

    def _of_key(self, key: Key, action: str, pressed: str = "") -> Command:
        name = _name(key) + (f" {pressed}" if pressed else "")
        return name, f"{key.help} · {self._app.desk.keymap.shown(key)}", partial(self._app.run_here, action)

    def _elsewhere(self) -> Iterator[Command]:
        """What the other screens have: there one is led."""
        app = self._app
        for mode in MODES:
            own = [place for place in mode.places if place not in SHARED]
            for key in keys_in(*own) if mode.name != app.here.mode.name else ():
                words = f"{key.help} · goes to {mode.title}, there {app.desk.keymap.shown(key)}"
                yield f"{mode.title}: {_name(key)}", words, partial(app.action_show, mode.name)


def _name(key: Key) -> str:
    return key.name.replace("-", " ").capitalize()


def _shown(matcher: Matcher, name: str) -> Content:
    """With what was found marked, unless Textual would take the name for markup."""
    return Content(name) if "[" in name else matcher.highlight(name)


def _words(words: str) -> str:
    """Words as they are: Textual takes a string for markup, and these for what they are."""
    return cast(str, Content(words))
