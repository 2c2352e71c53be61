"""Processes and panes become facts: who lives, who is gone, how it ended."""

import asyncio
import contextlib
import json
import logging
import re
import socket
from collections.abc import Coroutine
from pathlib import Path

from msgspec.structs import replace

from maestrod.domain.changes import Change, Commit, Put
from maestrod.domain.model import LIVE_SESSION, Noun, Pane, Session, SessionStatus
from maestrod.domain.sessions import RecordExit, RecordTurn, RegisterSession, StopSession
from maestrod.engine.engine import Engine
from maestrod.engine.live import Live
from maestrod.locations import Locations
from maestrod.tmux.control import ControlClient
from maestrod.tmux.errors import TmuxError
from maestrod.tmux.facts import Event, NoticesLost, PaneChanged, ServerFound, ServerLost, WindowsChanged
from maestrod.watch.observer import Observer
from maestrod.watch.processes import (
    SAME_START_MS,
    SHELLS,
    Identity,
    Look,
    Watched,
    began_at_ms,
    booted_at_ms,
    carries,
    is_alive,
    is_shell,
)
from maestrod.watch.spool import Spool

log = logging.getLogger(__name__)

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
LOOK_S = 0.5
SPOOL_S = 1.0
CLOSER_S = 10.0
"""How often those who live are looked at for more than that, though nothing was heard of their panes."""
JUDGE_S = 1.0
"""How often it is asked what time alone decides; hooks and titles are judged as they come."""
EXIT = 1 << 16
"""Codes and signals beyond this are none."""
REPORT_GRACE_S = 2.0
"""How long a gone agent's supervisor has to say how it ended before the daemon says it."""


class Liveness:
    """Looks at the processes of live sessions and listens to tmux; the observer and the engine are told."""

    def __init__(
        self,
        engine: Engine,
        live: Live,
        observer: Observer,
        tmux: ControlClient,
        places: Locations,
    ) -> None:
        self._engine = engine
        self._live = live
        self._observer = observer
        self._tmux = tmux
        self._places = places
        self._gone_since: dict[str, int] = {}
        self._closer_at = self._engine.clock.now()
        """When agents are to be looked at for more than life (ms)."""
        self._processes = Watched()
        self._looked_at = -1
        """The last commit that was known when all were looked at."""
        self._spool = Spool(engine, observer, places)
        engine.listen(self._heard)

    async def reconcile(self) -> None:
        """At a start: hooks that found nobody are heard; sessions whose agent ended meanwhile end, the others go on."""
        await self._spool.drain()
        booted_at = booted_at_ms()
        for session in list(self._engine.state.live_sessions()):
            pane = session.pane
            if pane is None:
                continue
            agent = _agent(pane)
            if agent is None or is_alive(*agent, booted_at=booted_at) or await self._is_known_again(session, pane):
                self._observer.remember(session)
                self._live.update(session.id, process="alive", state=session.turn.state, since=session.turn.since)
            elif _ran_before_boot(pane):
                await self._observer.execute(
                    StopSession(session_id=session.id, reason="the machine was restarted", interrupted=True)
                )
            elif not self._will_be_told(session, pane):
                await self._end(session, "ended while the daemon was away")
        for entity in list(self._engine.state.table(Noun.SESSION).values()):
            if isinstance(entity, Session) and _wrongly_ended(entity):
                await self._observer.execute(RecordTurn(session_id=entity.id, status=SessionStatus.WORKING, adopt=True))

    def _heard(self, commit: Commit) -> None:
        """A session that has a pane now may have the first one of a new server."""
        if not self._tmux.connected and any(_has_pane(change) for change in commit.changes):
            self._tmux.notify_server()

    async def run(self) -> None:
        """Look at processes, for as long as it is awaited."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._drain_spool(), name="spool")
            group.create_task(self._judge(), name="judge")
            try:
                while True:
                    await asyncio.sleep(LOOK_S)
                    await _guarded(self._look_at_all(), "looking at processes failed")
                    await _guarded(self._look_at_places(), "looking at windows failed")
            finally:
                self._processes.close()

    async def listen(self) -> None:
        """Hear what tmux tells of panes, for as long as it is awaited."""
        while True:
            event = await self._tmux.events.get()
            await _guarded(self._told(event), "a notice of tmux was lost")

    async def _judge(self) -> None:
        while True:
            await asyncio.sleep(JUDGE_S)
            if self._observer.wants_titles():
                await _guarded(self._titles(), "reading titles failed")
            await _guarded(self._observer.tick(), "judging sessions failed")

    async def _drain_spool(self) -> None:
        while True:
            await asyncio.sleep(SPOOL_S)
            await _guarded(self._spool.drain(), "reading the spool failed")

    async def _look_at_all(self) -> None:
        """Nothing is done about those of whom nothing new is seen, and nothing at all while nobody ends or comes."""
        seq = self._engine.seq
        if seq == self._looked_at and not self._gone_since and not self._processes.has_news():
            return
        self._looked_at = seq
        agents = [(s, _agent(s.pane)) for s in self._engine.state.live_sessions() if s.pane is not None]
        for session_id in self._gone_since.keys() - {session.id for session, _ in agents}:
            del self._gone_since[session_id]
        alive = self._processes.alive({agent for _, agent in agents if agent is not None})
        for session, agent in agents:
            lives = agent is None or agent in alive
            if not lives or self._is_news(session):
                await _guarded(self._look(session.id, lives=lives), f"looking at {session.id} failed")

    def _is_news(self, session: Session) -> bool:
        """Whether there is anything to be done about one that lives."""
        facts = self._live.get(session.id)
        return facts is None or facts.process != "alive" or session.id in self._gone_since

    async def _told(self, event: Event) -> None:
        match event:
            case PaneChanged(session_id=session_id, title=title, command=command, dead=dead):
                await self._titled(session_id, title)
                if dead or command in SHELLS:
                    self._look_closer()
            case ServerFound() | WindowsChanged() | NoticesLost():
                await self._titles()
                self._look_closer()
            case ServerLost(pid=pid):
                log.warning("the tmux server is gone", extra={"pid": pid})
                self._look_closer()

    def _look_closer(self) -> None:
        """What has happened to panes shows at their processes a moment later, unless their supervisors tell first."""
        self._closer_at = min(self._closer_at, self._engine.clock.now() + round(REPORT_GRACE_S * 1000))

    async def _look_at_places(self) -> None:
        """Of agents that live, see whether they are still agents and still have their windows."""
        now = self._engine.clock.now()
        if now < self._closer_at:
            return
        self._closer_at = now + round(CLOSER_S * 1000)
        booted_at = booted_at_ms()
        for session in list(self._engine.state.live_sessions()):
            pane = session.pane
            if pane is None or not pane.pane or pane.pid is None:
                continue
            look = Look(pane.pid)
            if not look.is_alive(pane.pid_started_at, booted_at):
                await self._is_known_again(session, pane)
                continue
            end = out_of_place(session.id, pane.pid, look)
            if end is not None:
                await self._observer.execute(end)

    async def _titles(self) -> None:
        with contextlib.suppress(TmuxError):
            for pane in await self._tmux.panes():
                await self._titled(pane.session_id, pane.title)

    async def _titled(self, session_id: str, title: str) -> None:
        session = self._engine.state.table(Noun.SESSION).get(session_id)
        if isinstance(session, Session) and session.status in LIVE_SESSION and title != socket.gethostname():
            await self._observer.title(session, title)

    async def _look(self, session_id: str, *, lives: bool) -> None:
        session = self._engine.state.table(Noun.SESSION).get(session_id)
        if not isinstance(session, Session) or session.status not in LIVE_SESSION or session.pane is None:
            return
        now = self._engine.clock.now()
        if lives or await self._is_known_again(session, session.pane):
            self._gone_since.pop(session.id, None)
            self._live.update(session.id, process="alive")
            return
        since = self._gone_since.setdefault(session.id, now)
        self._live.update(session.id, process="exited")
        if not self._will_be_told(session, session.pane) or now - since >= REPORT_GRACE_S * 1000:
            await self._end(session, "the agent's process is gone")
            self._gone_since.pop(session.id, None)

    async def _is_known_again(self, session: Session, pane: Pane) -> bool:
        """Whether the agent lives, though not since then: the machine's clock was set, by which beginnings are told.

        Its beginning is written down anew.
        """
        if pane.pid is None or not carries(pane.pid, session.id):
            return False
        new = replace(pane, pid_started_at=began_at_ms(pane.pid))
        await self._observer.execute(RegisterSession(session_id=session.id, pane=new))
        return True

    def _will_be_told(self, session: Session, pane: Pane) -> bool:
        """Whether a supervisor is still about to say how its agent ended."""
        return is_alive(pane.supervisor_pid, None) and not self._exit_file(session).exists()

    def _exit_file(self, session: Session) -> Path:
        return self._places.session(session.id) / "exit.json"

    async def _end(self, session: Session, reason: str) -> None:
        told = await asyncio.to_thread(read_exit, self._exit_file(session), session)
        untold = RecordExit(session_id=session.id, reason=reason, interrupted=True)
        await self._observer.execute(told or untold)


async def _guarded(deed: Coroutine[None, None, None], failed: str) -> None:
    """The rim of these tasks: one session's trouble must not end the daemon."""
    try:
        await deed
    except Exception:
        log.exception(failed)


def read_exit(path: Path, session: Session) -> RecordExit | None:
    """How the supervisor says that the session's very agent ended; None when it left no word."""
    try:
        told = json.loads(path.read_bytes()[:65536])
    except (OSError, ValueError, RecursionError):
        return None
    pane = session.pane
    if not isinstance(told, dict) or pane is None or told.get("pid", pane.pid) not in (None, pane.pid):
        return None
    reason = told.get("reason")
    return RecordExit(
        session_id=session.id,
        code=_number(told.get("code"), least=-EXIT),
        signal=_number(told.get("signal"), least=0),
        interrupted=told.get("hungUp") is True,
        reason=_CONTROL.sub(" ", reason)[:2000] if isinstance(reason, str) else "",
    )


def _number(value: object, *, least: int) -> int | None:
    fits = isinstance(value, int) and not isinstance(value, bool) and least <= value <= EXIT
    return value if fits and isinstance(value, int) else None


def _agent(pane: Pane) -> Identity | None:
    """The very agent; of one whose process nobody named its supervisor tells, or nobody."""
    if pane.pid is not None:
        return pane.pid, pane.pid_started_at
    return None if pane.supervisor_pid is None else (pane.supervisor_pid, None)


def _ran_before_boot(pane: Pane) -> bool:
    return pane.pid_started_at is not None and pane.pid_started_at < booted_at_ms() - SAME_START_MS


def out_of_place(session_id: str, pid: int, look: Look) -> RecordExit | None:
    """What has become of an agent whose process lives; ``None`` when it is where it was."""
    if look.may_be_shell and is_shell(pid):
        return RecordExit(session_id=session_id, reason="the agent has left, and a shell has taken its place")
    if look.has_terminal:
        return None
    return RecordExit(session_id=session_id, reason="the agent has lost its window", interrupted=True)


def _has_pane(change: Change) -> bool:
    return isinstance(change, Put) and isinstance(change.entity, Session) and change.entity.pane is not None


def _wrongly_ended(session: Session) -> bool:
    """Failed without an exit code, and yet the very process lives."""
    if session.status is not SessionStatus.FAILED or session.pane is None or session.exit is None:
        return False
    unknown = session.exit.code is None and session.exit.signal is None
    return unknown and is_alive(session.pane.pid, session.pane.pid_started_at)
