"""The palette: every command, and search over projects, sessions and tasks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from functools import partial
from typing import Protocol, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from maestro_tui.bindings import Mode, everywhere_on, keys_in
from maestro_tui.cells import plain
from maestro_tui.deeds import TASK_VERBS
from maestro_tui.desk import Desk
from maestro_tui.screens.framed import Framed
from maestro_tui.spotlight import Spotlight
from maestro_tui.themes import THEMES
from maestro_tui.view.board import projects
from maestro_tui.view.sessions import find_sessions
from maestro_tui.view.tasks import find_tasks
from maestro_tui.view.words import has_all, wanted
from maestrod.domain.model import Noun

SHOWN = 40
"""Tasks and sessions that the palette finds, each."""

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

    def go_to(self, noun: Noun, id_: str) -> None:
        """Show it with the cursor on it."""

    def move_task(self, verb: str) -> None:
        """Move the task under the cursor."""

    def use_theme(self, name: str) -> None:
        """Look like this from now on."""

    def start_daemon(self) -> None:
        """Start the daemon, when it does not run."""


class Palette(Provider):
    """What can be done is told with its key; what is found is gone to."""

    @property
    def _app(self) -> Steered:
        return cast(Steered, self.app)

    async def discover(self) -> Hits:
        """All commands, before anything is typed."""
        for name, words, run in self._commands():
            yield DiscoveryHit(Content(name), run, text=name, help=words)

    async def search(self, query: str) -> Hits:
        """Commands that have the words, then projects, sessions and tasks that do, then commands that are alike."""
        matcher = self.matcher(query)
        for name, words, run in self._commands():
            if (score := max(matcher.match(name), matcher.match(words) / 2)) > 0:
                literal = has_all(f"{name} {words}", wanted(query))
                yield Hit(
                    1 + score if literal else min(score, 1) / 2, matcher.highlight(name), run, text=name, help=words
                )
        await asyncio.sleep(0)
        for noun, id_, name, words in self._things(query):
            text = f"{noun.value.capitalize()}: {name}"
            score = max(0.51, min(0.99, matcher.match(text)))
            yield Hit(score, Content(text), partial(self._app.go_to, noun, id_), text=text, help=words)

    def _commands(self) -> Iterator[Command]:
        app = self._app
        mode: Mode = app.here.mode
        for key in (*keys_in(mode.places[0]), *everywhere_on(mode)):
            if key.name not in {"palette", "back"}:
                name = key.name.replace("-", " ").capitalize()
                yield name, f"{key.help} · {app.desk.keymap.shown(key)}", partial(app.run_here, key.action)
        if (task := app.spot.task) is not None:
            for verb in TASK_VERBS:
                yield f"Task: {verb} “{plain(task.title)}”", task.id, partial(app.move_task, verb)
        for name in THEMES:
            yield f"Theme: {name}", "how the screen looks", partial(app.use_theme, name)
        yield "Start the daemon", "when it does not run", app.start_daemon

    def _things(self, query: str) -> Iterator[tuple[Noun, str, str, str]]:
        state = self._app.desk.mirror.state
        asked = wanted(query)
        for project in projects(state):
            if has_all(f"{project.name} {project.id}", asked):
                yield Noun.PROJECT, project.id, plain(project.name), plain(project.working_dir)
        for id_ in find_sessions(state, query, most=SHOWN):
            session = state.session(id_)
            yield Noun.SESSION, id_, plain(session.name), f"{session.provider} · {session.status}"
        for id_ in find_tasks(state, query, most=SHOWN):
            task = state.task(id_)
            yield Noun.TASK, id_, plain(task.title), task.status.replace("_", " ")
