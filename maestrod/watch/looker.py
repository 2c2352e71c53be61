"""Looks at agents of whom nobody tells: at the files they keep, and at their screens as long as there is a doubt."""

import asyncio
import logging
from collections.abc import Iterable
from pathlib import Path, PurePath

import msgspec

from maestrod.domain.model import Session, SessionStatus
from maestrod.engine.engine import Engine
from maestrod.tmux.control import ControlClient
from maestrod.tmux.errors import TmuxError
from maestrod.tmux.facts import Capture, PaneRef
from maestrod.watch.evidence import Doing, Evidence, Source
from maestrod.watch.observer import Observer
from maestrod.watch.rulebook import Rulebook
from maestrod.watch.screens import Reading, clean, read
from maestrod.watch.tails import Tail, whole
from maestrod.watch.transcripts import from_line, from_state_file
from maestrod.watch.turns import AGREEING, CONTRADICTED_MS, QUIET_MS, wants_look

log = logging.getLogger(__name__)

LOOK_S = 1.0
MOST = 40
"""Screens that are looked at in one go; the others are looked at in the next."""
SURE_MS = CONTRADICTED_MS
"""Files are not read so long after a hook has told of work: it would not be corrected before then anyway."""
LINGER_MS = 5_000
"""Files are read so long after a turn: why it ended may be written later than that it did."""
OPENING_MS = 20_000
"""So long after its launch an agent is looked at whatever its hooks say.

Gemini CLI 0.61.0 asks whether its folder is trusted some seconds after it came up, and calls no hook for that.
"""
_AT_REST = frozenset({Doing.IDLE.value, Doing.ERROR.value})
_ENOUGH = frozenset(source.name.lower() for source in Source if source <= Source.TRANSCRIPT)
SHOWN = 300
"""Characters of a screen that a person is shown."""


class Files(msgspec.Struct):
    """What is read of one session: the log of its conversation, and Claude's state file."""

    log: Tail
    state: str = ""
    stamp: tuple[int, int, int] = (0, 0, 0)
    """When the state file was changed last, its size and its inode."""


class Looker:
    """Once a second; what the hooks say of agents at rest is not doubted, and costs nothing."""

    def __init__(
        self, engine: Engine, observer: Observer, tmux: ControlClient, rules: Rulebook, *, start_limit_s: float
    ) -> None:
        self._engine = engine
        self._observer = observer
        self._tmux = tmux
        self._rules = rules
        self._start_limit_ms = round(start_limit_s * 1000)
        self._files: dict[str, Files] = {}
        self._looked: dict[str, int] = {}
        """When the screen of a session was last looked at (ms)."""
        self._once: dict[str, Reading] = {}
        """What was seen once and differs from what was told: it counts when it is seen again."""
        self._asked: dict[str, int] = {}
        """Of which launch a person was told that it gives no sign, by session."""

    async def run(self) -> None:
        """Look, for as long as it is awaited."""
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                await self.look()
            except Exception:  # the rim of this task: a strange file or screen must not end the daemon
                log.exception("looking at agents failed")

    async def look(self) -> None:
        """Look at everybody of whom there is a doubt."""
        now = self._engine.clock.now()
        sessions = [s for s in self._engine.state.live_sessions() if s.pane is not None and _is_doubted(s, now)]
        self._forget({session.id for session in sessions})
        await self._read_files(sessions)
        wanted = [session for session in sessions if self._wants_screen(session, now)]
        wanted.sort(key=lambda session: self._looked.get(session.id, 0))
        await asyncio.gather(*(self._look_at(session, now) for session in wanted[:MOST]))

    def _forget(self, live: set[str]) -> None:
        for known in (self._files, self._looked, self._once, self._asked):
            for gone in known.keys() - live:
                del known[gone]

    # -- files ------------------------------------------------------------------------------------------

    async def _read_files(self, sessions: Iterable[Session]) -> None:
        wanted = [(session, files) for session in sessions if (files := self._files_of(session)) is not None]
        if not wanted:
            return
        now = self._engine.clock.now()
        found = await asyncio.to_thread(lambda: [(s.id, _read(s, files, now)) for s, files in wanted])
        for session_id, told in found:
            for evidence in told:
                await self._observer.told(session_id, evidence)

    def _files_of(self, session: Session) -> Files | None:
        """The files of an agent at work, or whose turn has just ended."""
        path = session.transcript_path or ""
        if not path.startswith("/"):
            return None
        turn = session.turn
        if self._observer.is_undoubted(session.id, SURE_MS):
            return None
        if turn.state in _AT_REST and self._engine.clock.now() - turn.since > LINGER_MS:
            return None
        known = self._files.get(session.id)
        if known is None or known.log.path != path:
            known = self._files[session.id] = Files(Tail(path), _state_file(session))
        return known

    # -- screens ----------------------------------------------------------------------------------------

    def _wants_screen(self, session: Session, now: int) -> bool:
        if self._rules.of(session.provider) is None and session.status is not SessionStatus.SPAWNING:
            return False
        if session.id in self._once or (_is_opening(session, now) and session.turn.state in _AT_REST):
            return True
        if self._observer.is_undoubted(session.id, QUIET_MS):  # quicker, and to the same end
            return False
        return wants_look(self._observer.evidence(session.id), self._looked.get(session.id, 0), now)

    async def _look_at(self, session: Session, now: int) -> None:
        self._looked[session.id] = now
        shown = await self._capture(session)
        rules = self._rules.of(session.provider)
        if rules is not None and shown is not None:
            await self._seen(session, read(rules, shown.text, title=shown.title, width=shown.width))
        if session.status is SessionStatus.SPAWNING:
            await self._late_start(session, shown)

    async def _capture(self, session: Session) -> Capture | None:
        """The screen, through the one client; nobody starts a process for it."""
        if session.pane is None or not self._tmux.connected:
            return None
        try:
            return await self._tmux.capture(PaneRef(session.pane.pane, session.id), colours=False)
        except (TmuxError, ValueError):
            return None

    async def _seen(self, session: Session, reading: Reading) -> None:
        """Tell what is seen for the second time, or still."""
        last = next((e for e in reversed(self._observer.evidence(session.id)) if e.source is Source.SCREEN), None)
        if reading.doing is Doing.UNKNOWN and (last is None or last.doing is not Doing.NEEDS_INPUT):
            self._once.pop(session.id, None)
            return
        evidence = Evidence(
            source=Source.SCREEN,
            doing=reading.doing,
            rule=reading.rule,
            at=self._engine.clock.now(),
            kind=reading.kind,
            text=reading.text,
            samples=AGREEING,
        )
        if (last is None or not last.agrees(evidence)) and self._once.get(session.id) != reading:
            self._once[session.id] = reading
            return
        self._once.pop(session.id, None)
        await self._observer.told(session.id, evidence)

    async def _late_start(self, session: Session, shown: Capture | None) -> None:
        """Say once per launch that a person should look, and what there is to be seen."""
        now = self._engine.clock.now()
        begun = session.launch.at if session.launch is not None else session.started_at or now
        current = self._observer.session(session.id)
        if current is None or current.status is not SessionStatus.SPAWNING or current.needs_input.active:
            return
        if now - begun >= self._start_limit_ms and self._asked.get(session.id) != begun:
            self._asked[session.id] = begun
            await self._observer.ask_person(session.id, f"no sign of life yet; {_words(shown)}")


def _is_doubted(session: Session, now: int) -> bool:
    """Whether there is anything to be looked at."""
    return _is_opening(session, now) or not _is_settled(session, now)


def _is_opening(session: Session, now: int) -> bool:
    return session.launch is not None and now - session.launch.at <= OPENING_MS


def _is_settled(session: Session, now: int) -> bool:
    """Whether an agent is at rest, on the word of a source that needs no other, for long enough."""
    turn = session.turn
    at_rest = session.status is SessionStatus.IDLE and turn.state in _AT_REST
    return at_rest and turn.source in _ENOUGH and now - turn.since > LINGER_MS


def _words(shown: Capture | None) -> str:
    if shown is None:
        return "look at its pane"
    rows = [row.text for row in clean(shown.text, shown.width) if row.text][-3:]
    return f"its pane shows: {' / '.join(rows)[:SHOWN]}" if rows else "its pane is empty"


def _state_file(session: Session) -> str:
    """Where Claude says what it is doing; it lies beside the folder of its transcripts."""
    path = PurePath(session.transcript_path or "")
    if session.provider != "claude" or session.pane is None or session.pane.pid is None or len(path.parents) < 3:
        return ""
    return str(path.parents[2] / "sessions" / f"{session.pane.pid}.json") if path.parents[1].name == "projects" else ""


def _read(session: Session, files: Files, now: int) -> list[Evidence]:
    """The newest that each of the files says, if it says anything new."""
    found: list[Evidence] = []
    try:
        said = [from_line(session.provider, line, now) for line in files.log.lines()]
        found += [evidence for evidence in said if evidence is not None][-1:]
    except (OSError, ValueError):
        pass
    told = _state(session, files, now)
    found += [told] if told is not None else []
    return sorted(found, key=lambda evidence: evidence.at)


def _state(session: Session, files: Files, now: int) -> Evidence | None:
    """What the state file says, when it has changed."""
    pid = session.pane.pid if session.pane is not None else None
    if not files.state or pid is None:
        return None
    try:
        there = Path(files.state).stat()
        stamp = (there.st_mtime_ns, there.st_size, there.st_ino)
        if stamp == files.stamp:
            return None
        raw = whole(files.state)
    except (OSError, ValueError):
        return None
    files.stamp = stamp
    return from_state_file(raw, pid, now)
