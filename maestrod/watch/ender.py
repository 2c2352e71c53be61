"""Ends the agents of ended sessions: politely, then TERM, then KILL of the whole tree; and clears the pane."""

import asyncio
import contextlib
import logging
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from maestrod.domain.changes import Commit, Put
from maestrod.domain.model import LIVE_SESSION, Noun, Pane, Session, SessionStatus
from maestrod.engine.engine import Engine
from maestrod.locations import Locations
from maestrod.providers.plan import Quit
from maestrod.tmux.control import ControlClient
from maestrod.tmux.errors import TmuxError
from maestrod.tmux.facts import PaneRef
from maestrod.watch.evidence import Doing
from maestrod.watch.observer import Observer
from maestrod.watch.processes import living, of_session, process, signal_all, tree, uptime_s

log = logging.getLogger(__name__)

LOOK_S = 0.05
LEAVE_S = 0.5
"""How long those whom the agent left behind may take to go by themselves, its last hook among them."""
SCREEN_LINES = 2_000


class Ender:
    """Hears of ended sessions and ends what still runs of them; a session at a time, all at once."""

    def __init__(
        self,
        engine: Engine,
        observer: Observer,
        tmux: ControlClient,
        places: Locations,
        *,
        grace_s: float,
        turn_s: float,
    ) -> None:
        self._engine = engine
        self._observer = observer
        self._tmux = tmux
        self._places = places
        self._grace_s = grace_s
        self._turn_s = turn_s
        self._due: asyncio.Queue[str] = asyncio.Queue()

    def heard(self, commit: Commit) -> None:
        """A commit came: sessions that ended in it are due."""
        for change in commit.changes:
            if isinstance(change, Put) and isinstance(change.entity, Session) and _is_over(change.entity):
                self._due.put_nowait(change.id)

    async def remember(self) -> None:
        """At a start: ended sessions whose pane or process is still there are due."""
        marked: set[str] = set()
        with contextlib.suppress(TmuxError):
            marked = {pane.session_id for pane in await self._tmux.panes()}
        for entity in self._engine.state.table(Noun.SESSION).values():
            if isinstance(entity, Session) and _is_over(entity) and (entity.id in marked or _runs(entity)):
                self._due.put_nowait(entity.id)

    async def run(self) -> None:
        """End what is due, for as long as it is awaited."""
        async with asyncio.TaskGroup() as group:
            under_way: dict[str, bool] = {}
            while True:
                session_id = await self._due.get()
                again = session_id in under_way
                under_way[session_id] = again
                if not again:
                    group.create_task(self._end_once(session_id, under_way), name=f"end {session_id}")

    async def _end_once(self, session_id: str, under_way: dict[str, bool]) -> None:
        """End it; once more when it was resumed and ended again meanwhile."""
        try:
            await self._end(session_id)
        except Exception:  # the rim of this task: one session's trouble must not end the daemon
            log.exception("ending a session failed", extra={"sessionId": session_id})
        finally:
            if under_way.pop(session_id):
                self._due.put_nowait(session_id)

    async def _end(self, session_id: str) -> None:
        session = self._engine.state.table(Noun.SESSION).get(session_id)
        if not isinstance(session, Session) or not _is_over(session) or session.pane is None:
            return
        try:
            await self._end_process(session, session.pane)
            await self._clear_pane(session, session.pane)
        except (TmuxError, OSError):
            log.exception("ending a session's agent failed", extra={"sessionId": session_id})
        current = self._engine.state.table(Noun.SESSION).get(session_id)
        if isinstance(current, Session) and _is_over(current):
            self._observer.forget(session_id)

    async def _end_process(self, session: Session, pane: Pane) -> None:
        """End the agent, then whatever it has left behind."""
        began_at = uptime_s()
        agent = _agent(pane)
        family = tree(agent) if agent is not None else []
        if agent is not None:
            family += await self._end_agent(session, pane, agent)
        marked = await asyncio.to_thread(of_session, session.id, before=began_at)
        await self._end_rest(session, [*family, *(each for each in marked if not _is_supervisor(each, pane))])

    async def _end_agent(self, session: Session, pane: Pane, agent: psutil.Process) -> list[psutil.Process]:
        """Ask it to leave, then terminate it; who does not go is left to be killed. Answers what it has begun since."""
        if session.status is SessionStatus.COMPLETED:
            await self._until(lambda: self._observer.verdict(session.id).doing is Doing.IDLE, self._turn_s)
            await self._ask_to_leave(session, pane)
            if await self._gone(pane):
                return []
        family = tree(agent)
        signal_all([agent], signal.SIGTERM)
        await self._gone(pane)
        return [*family, *(tree(agent) if _agent(pane) is not None else ())]

    async def _end_rest(self, session: Session, family: list[psutil.Process]) -> None:
        """Who is still there gets a moment, a SIGTERM, and a SIGKILL; children before their parents."""
        if await self._until(lambda: not living(family), min(LEAVE_S, self._grace_s)):
            return
        signal_all(living(family), signal.SIGTERM)
        if await self._until(lambda: not living(family), self._grace_s):
            return
        signal_all(living(family), signal.SIGKILL)
        if not await self._until(lambda: not living(family), self._grace_s):
            pids = [each.pid for each in living(family)]
            log.error("processes survived SIGKILL", extra={"sessionId": session.id, "pids": pids})

    async def _ask_to_leave(self, session: Session, pane: Pane) -> None:
        with contextlib.suppress(TmuxError, ValueError):
            words = Quit.EXIT if session.provider == "claude" else Quit.QUIT
            await self._tmux.send_text(PaneRef(pane.pane, session.id), words)

    async def _gone(self, pane: Pane) -> bool:
        return await self._until(lambda: _agent(pane) is None, self._grace_s)

    async def _until(self, holds: Callable[[], bool], limit_s: float) -> bool:
        deadline = time.monotonic() + limit_s
        while not holds():
            if time.monotonic() >= deadline:
                return False
            await asyncio.sleep(LOOK_S)
        return True

    async def _clear_pane(self, session: Session, pane: Pane) -> None:
        """Keep the last screen in a file, then close the window."""
        try:
            ref = PaneRef(pane.pane, session.id)
            shown = await self._tmux.capture(ref, colours=False, history_lines=SCREEN_LINES)
            await asyncio.to_thread(_keep, self._places.session(session.id) / "screen.txt", shown.text)
            await self._tmux.kill_window(ref)
        except (TmuxError, ValueError):
            log.debug("the pane of %s is gone already", session.id)


def _keep(path: Path, text: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(text.rstrip() + "\n", encoding="utf-8", errors="replace")


def _runs(session: Session) -> bool:
    return session.pane is not None and _agent(session.pane) is not None


def _agent(pane: Pane) -> psutil.Process | None:
    """The very process; one whose start nobody knows may be a stranger's by now, and is left alone."""
    if pane.pid is None or pane.pid_started_at is None:
        return None
    return process(pane.pid, pane.pid_started_at)


def _is_supervisor(each: psutil.Process, pane: Pane) -> bool:
    """Whether it is the pane's own: they tell how the agent ended, and go by themselves or with the window."""
    if pane.supervisor_pid is None:
        return False
    with contextlib.suppress(psutil.Error):
        return each.pid == pane.supervisor_pid or pane.supervisor_pid in {c.pid for c in each.children()}
    return False


def _is_over(session: Session) -> bool:
    return session.status not in LIVE_SESSION and session.pane is not None
