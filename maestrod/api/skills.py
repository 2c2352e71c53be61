"""Skills over HTTP: found by scope, watched, and read again without a restart."""

import asyncio
import logging
import os
from collections.abc import Sequence
from pathlib import Path

from aiohttp import web

from maestrod.api.calls import Call
from maestrod.api.lists import choice, id_of, is_summary
from maestrod.api.writes import BODY, read_body
from maestrod.domain.errors import NotFound
from maestrod.domain.model import Noun, Role
from maestrod.engine.engine import Engine
from maestrod.protocol.bodies import Nothing, decoded
from maestrod.protocol.codec import parse_object
from maestrod.protocol.views import encode
from maestrod.skills.catalogue import Catalogue, Scope, Trouble, View, of_role, scopes
from maestrod.skills.reading import Skill
from maestrod.watch import folders as watched

log = logging.getLogger(__name__)

AGAIN_S = 30.0
"""How soon watching is tried again when the system refuses to watch."""


class SkillCalls:
    """Handlers of the skill routes; ``troubles`` is what was wrong when it was last read."""

    def __init__(self, engine: Engine, changes: watched.Watching = watched.changes) -> None:
        self._engine = engine
        self._changes = changes
        self._catalogue = Catalogue()
        self._reading = asyncio.Lock()
        self._moved = asyncio.Event()

    @property
    def troubles(self) -> tuple[Trouble, ...]:
        """The folders that cannot be used, or are used as they were before."""
        return self._catalogue.troubles

    async def listed(self, call: Call) -> web.StreamResponse:
        """All that can be used in the project that is named, or at the caller's directory."""
        view = await self._view(call)
        return _answer([_shown(skill, whole=False) for skill in view.skills.values()])

    async def one(self, call: Call) -> web.StreamResponse:
        """One with its instructions."""
        return _answer(_shown(_named(await self._view(call), call.given["skill"]), whole=True))

    async def of_role(self, call: Call) -> web.StreamResponse:
        """Those that every session of a role gets."""
        role = choice(call.given["role"], "role", Role)
        view = await self._view(call)
        found = [view.skills[name] for name in of_role(role) if name in view.skills]
        return _answer([_shown(skill, whole=not is_summary(call)) for skill in found])

    async def reload(self, call: Call) -> web.StreamResponse:
        """Read everything again at once, and answer the one that was named."""
        decoded(parse_object(await read_body(call, BODY)), Nothing)
        self._catalogue.changed()
        return _answer({**_shown(_named(await self._view(call), call.given["skill"]), whole=True), "reloaded": True})

    async def run(self) -> None:
        """Watch what was read, for as long as it is awaited."""
        while True:
            self._moved.clear()
            folders = [folder for folder in self._catalogue.folders() if folder.is_dir()]
            if not folders:
                await self._moved.wait()
                continue
            try:
                await self._watched(folders)
            except* OSError as errors:
                log.warning("skills are not watched for now: %s", errors.exceptions[0])
                self._catalogue.changed()
                await asyncio.sleep(AGAIN_S)

    async def _watched(self, folders: Sequence[Path]) -> None:
        """Wait for a change; what changed before the watch stood is read again, too."""
        changes = self._changes(*folders, stop=self._moved)
        async with asyncio.TaskGroup() as group:
            first = group.create_task(_next(changes))
            await asyncio.sleep(0)  # by its first step the watch stands
            self._catalogue.changed()
        self._catalogue.changed(first.result())

    async def _view(self, call: Call) -> View:
        wanted = self._scopes(call)
        async with self._reading:
            before = self._catalogue.folders()
            view = await asyncio.to_thread(self._catalogue.look, wanted)
            if self._catalogue.folders() != before:
                self._moved.set()
        return view

    def _scopes(self, call: Call) -> tuple[Scope, ...]:
        state = self._engine.state
        project_id = id_of(call, state, "projectId", Noun.PROJECT) or call.project(state)
        return scopes(os.environ, state.project(project_id).working_dir if project_id is not None else None)


async def _next(changes: watched.Changes) -> list[str]:
    async for found in changes:
        return [path for _, path in found]
    return []


def _named(view: View, name: str) -> Skill:
    if name not in view.skills:
        raise NotFound("skill", name)
    return view.skills[name]


def _shown(skill: Skill, *, whole: bool) -> dict[str, object]:
    head: dict[str, object] = {
        "id": skill.name,
        "name": skill.name,
        "description": skill.description,
        "scope": skill.scope,
        "path": skill.path,
        "form": skill.form,
    }
    return head | ({"fields": skill.fields, "instructions": skill.instructions} if whole else {})


def _answer(document: object) -> web.Response:
    return web.Response(body=encode(document), content_type="application/json")
