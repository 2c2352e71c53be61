"""Starts crashed sessions again that are to be: brings them back, and runs ``maestro session launch`` for them."""

import asyncio
import contextlib
import logging
import os
import signal
import sys

from maestrod.domain import restarting
from maestrod.domain.changes import DAEMON, Commit, Put
from maestrod.domain.errors import Rejected
from maestrod.domain.model import Noun, Session, SessionStatus
from maestrod.domain.sessions import LAUNCH_LEASE_MS, ResumeSession
from maestrod.engine.engine import Ask, Engine, NotCommitted, ReadOnly
from maestrod.locations import Locations
from maestrod.watch.turns import NEVER

log = logging.getLogger(__name__)

LAUNCH_LIMIT_S = 60.0
AGAIN_MS = 60_000
"""How soon it is tried again when the session could not be brought back: the project was full, say."""
WORDS = 2_000


class Restarter:
    """Keeps the times at which sessions are due; ``pace`` stretches or shortens all of them."""

    def __init__(self, engine: Engine, places: Locations, *, pace: float) -> None:
        self._engine = engine
        self._places = places
        self._pace = pace
        self._due: dict[str, int] = {}
        self._news = asyncio.Event()

    def heard(self, commit: Commit) -> None:
        """A commit came: sessions that crashed in it are due some time later, others are not any more."""
        for change in commit.changes:
            if isinstance(change, Put) and isinstance(change.entity, Session):
                self._note(change.entity)

    def remember(self) -> None:
        """At a start: sessions that crashed before, and those that were brought back and not launched."""
        now = self._engine.clock.now()
        for entity in self._engine.state.table(Noun.SESSION).values():
            if isinstance(entity, Session):
                self._note(entity)
                if _waits_for_launch(entity, now):
                    self._due[entity.id] = now

    def _note(self, session: Session) -> None:
        at = restarting.due_at(session)
        if at is None:
            self._due.pop(session.id, None)
        else:
            crash = session.crashes[-1]
            self._due[session.id] = crash + round((at - crash) * self._pace)
            self._news.set()

    async def run(self) -> None:
        """Start again what is due, for as long as it is awaited."""
        async with asyncio.TaskGroup() as group:
            while True:
                self._news.clear()
                now = self._engine.clock.now()
                for session_id in [id_ for id_, at in self._due.items() if at <= now]:
                    del self._due[session_id]
                    group.create_task(self._restart(session_id), name=f"restart {session_id}")
                await self._rest()

    async def _rest(self) -> None:
        first = min(self._due.values(), default=NEVER)
        limit = None if first == NEVER else max(0.0, (first - self._engine.clock.now()) / 1000)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit):
                await self._news.wait()

    async def _restart(self, session_id: str) -> None:
        try:
            if await self._brought_back(session_id):
                await self._launch(session_id)
        except Exception:  # the rim of this task: one session's trouble must not end the daemon
            log.exception("a crashed session was not started again", extra={"sessionId": session_id})

    async def _brought_back(self, session_id: str) -> bool:
        session = self._engine.state.table(Noun.SESSION).get(session_id)
        if not isinstance(session, Session):
            return False
        if _waits_for_launch(session, self._engine.clock.now()):
            return True
        if restarting.due_at(session) is None:
            return False
        try:
            ask = Ask(command=ResumeSession(session_id=session_id), actor=DAEMON)
            await self._engine.execute(ask, lambda _state, _changes: None)
        except (Rejected, ReadOnly, NotCommitted) as error:
            log.warning("a crashed session waits: %s", error, extra={"sessionId": session_id})
            self._due[session_id] = self._engine.clock.now() + AGAIN_MS
            self._news.set()
            return False
        return True

    async def _launch(self, session_id: str) -> None:
        """What cannot be launched has failed, with the reason, by the launcher's own word."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "maestro_cli", "session", "launch", session_id),
            cwd="/",
            env=self._environment(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(LAUNCH_LIMIT_S):
                _, said = await process.communicate()
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
        if process.returncode != 0:
            words = said.decode("utf-8", "replace").strip()[-WORDS:]
            log.warning("a crashed session was not launched: %s", words, extra={"sessionId": session_id})

    def _environment(self) -> dict[str, str]:
        own = {"MAESTRO_SERVER": f"unix:{self._places.socket}", "MAESTRO_NO_AUTOSTART": "1"}
        return {**os.environ, **own}  # the launcher takes out what an agent must not have


def _waits_for_launch(session: Session, now: int) -> bool:
    """Brought back after a crash, and nobody opens its window."""
    claim = session.launch
    free = claim is None or now - claim.at >= LAUNCH_LEASE_MS
    return session.status is SessionStatus.SPAWNING and bool(session.crashes) and session.pane is None and free
