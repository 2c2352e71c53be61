"""Gathers evidence by session, judges it, and commits the edges."""

import logging
from collections.abc import Mapping

import msgspec

from maestrod.domain.changes import DAEMON, Command, Commit, Put
from maestrod.domain.errors import Rejected
from maestrod.domain.model import (
    LIVE_ASSIGNMENT,
    LIVE_SESSION,
    Assignment,
    AssignmentStatus,
    Noun,
    Session,
)
from maestrod.domain.model import SessionStatus as S
from maestrod.domain.sessions import CompleteSession, NeedInput
from maestrod.engine.engine import Ask, Engine, NotCommitted, ReadOnly
from maestrod.engine.live import Live
from maestrod.watch.edges import moves, recorded
from maestrod.watch.evidence import Doing, Evidence, Signs, Source, declared, from_hook, from_title
from maestrod.watch.turns import AGREEING, Verdict, is_undoubted, judge, next_change

log = logging.getLogger(__name__)

KEPT = 20
"""Pieces of evidence kept per session, for `explain`."""
HOOK_IDS = 5_000
"""So many of the newest are known for sure, and up to twice as many in all."""
STALE_HOOK_MS = 60_000
"""Time stamps of hooks further than this from the daemon's clock are not believed."""

REMEMBERED = "known before the restart"


class Observer:
    """What is known of every live session; only edges become commits."""

    def __init__(self, engine: Engine, live: Live, *, idle_end_s: float) -> None:
        self._engine = engine
        self._live = live
        self._idle_end_ms = round(idle_end_s * 1000)
        self._evidence: dict[str, list[Evidence]] = {}
        self._due: dict[str, int] = {}
        """When a session is to be judged again though nothing is heard of it (ms)."""
        self._undoubted: dict[str, int] = {}
        """Who is at work on the word of a hook that nobody contradicts, and when the hook said so (ms)."""
        self._titled: set[str] = set()
        """Whose titles say what they do."""
        self._hook_ids: dict[int, None] = {}
        self._older_hook_ids: dict[int, None] = {}

    def evidence(self, session_id: str) -> tuple[Evidence, ...]:
        """The newest evidence of a session, oldest first."""
        return tuple(self._evidence.get(session_id, ()))

    def verdict(self, session_id: str) -> Verdict:
        """What the session is doing, as far as anybody knows."""
        return judge(self._evidence.get(session_id, ()), self._engine.clock.now())

    def is_undoubted(self, session_id: str, within_ms: int) -> bool:
        """Whether a hook said so lately that the agent is at work, and nothing else says otherwise."""
        said_at = self._undoubted.get(session_id)
        return said_at is not None and self._engine.clock.now() - said_at < within_ms

    def session(self, session_id: str) -> Session | None:
        """The session as it is now."""
        known = session_id in self._engine.state.table(Noun.SESSION)
        return self._engine.state.session(session_id) if known else None

    def heard_at(self, session_id: str) -> int:
        """When the session's agent or one of its hooks last spoke (ms); 0 when neither did since the start."""
        facts = self._live.get(session_id)
        return facts.activity if facts is not None else 0

    async def hook(
        self,
        session: Session,
        provider: str,
        event: str,
        payload: Mapping[str, object],
        *,
        hook_id: str,
        at: int | None,
    ) -> None:
        """Take what a hook says, once per ``hook_id``."""
        if session.status not in LIVE_SESSION and session.id not in self._evidence:
            return
        if hook_id and self._seen(f"{session.id} {hook_id}"):
            return
        now = self._engine.clock.now()
        when = at if at is not None and abs(now - at) < STALE_HOOK_MS else now
        when = now if self._is_late(session, when) else min(when, now)
        signs = from_hook(provider, event, payload, when)
        if signs.evidence is not None and self._goes_on(session, signs, signs.evidence):
            self._keep(session.id, signs.evidence)
            self._undoubted[session.id] = signs.evidence.at
            self._live.update(session.id, activity=now, tool=signs.evidence.tool, since=signs.evidence.at)
            return
        if signs.evidence is not None and not self._repeats(session.id, signs.evidence):
            self._add(session.id, signs.evidence)
        self._live.update(session.id, activity=now, tool=signs.evidence.tool if signs.evidence else "")
        await self.settle(session.id, signs)

    def _goes_on(self, session: Session, signs: Signs, evidence: Evidence) -> bool:
        """Whether a hook says but what its agent's last one said, so that it need not be judged: most hooks do."""
        said_at = self._undoubted.get(session.id)
        return (
            said_at is not None
            and evidence.doing is Doing.WORKING
            and evidence.at >= said_at
            and session.status is S.WORKING
            and session.turn.state == Doing.WORKING
            and not session.needs_input.active
            and signs.conversation_id in {None, session.conversation_id}
            and signs.transcript_path in {None, session.transcript_path}
        )

    def _is_late(self, session: Session, at: int) -> bool:
        """Whether it tells of a time when nobody could hear it: what was remembered since then knows less than it."""
        return any(e.rule == REMEMBERED and e.at > at >= session.turn.since for e in self.evidence(session.id))

    def remember(self, session: Session) -> None:
        """After a restart: what was known of the session stands until something newer is heard."""
        known = session.turn
        doing = next((each for each in Doing if each.value == known.state), Doing.UNKNOWN)
        if session.id in self._evidence or doing is Doing.UNKNOWN:
            return
        # Nobody could hear a sign of life of a turn that goes on, so it does not count as stale.
        at = self._engine.clock.now() if doing is Doing.WORKING else known.since
        named = known.source.upper()
        source = Source[named] if named in Source.__members__ else Source.SCREEN
        text = known.text or (session.needs_input.message if doing is Doing.NEEDS_INPUT else "")
        self._add(session.id, Evidence(source=source, doing=doing, rule=REMEMBERED, at=at, kind=known.kind, text=text))

    async def title(self, session: Session, title: str) -> None:
        """Take a pane's title, as it is now; the same title says something new once a stronger source has spoken."""
        now = self._engine.clock.now()
        self._live.update(session.id, title=title)
        seen = from_title(session.provider, title, now)
        last = self._last_title(session.id)
        if seen is not None and (last is None or last.doing is not seen.doing or self._doubts_title(session.id)):
            await self.told(session.id, seen)

    async def told(self, session_id: str, evidence: Evidence) -> None:
        """Take what was read or seen; the same again agrees with what was there, and is a sign of life.

        What a stronger source has contradicted meanwhile says something new when it is seen again.
        """
        session = self.session(session_id)
        if session is None or session.status not in LIVE_SESSION:
            return
        kept = self._evidence.get(session_id, [])
        at = next((n for n in reversed(range(len(kept))) if kept[n].source is evidence.source), None)
        last = kept[at] if at is not None else None
        overtaken = last is not None and any(e.at >= last.at for e in kept if e.source < evidence.source)
        if at is None or last is None or overtaken or not last.agrees(evidence):
            self._add(session_id, evidence)
        else:
            kept[at] = msgspec.structs.replace(
                last, samples=last.samples + 1, seen=max(last.seen, evidence.at), stop=last.stop or evidence.stop
            )
        await self.settle(session_id)

    def wants_titles(self) -> bool:
        """Whether a title that says "idle" is to be looked at again, since a hook says "working".

        tmux compares titles once a second: of a turn shorter than that no change is ever told.
        """
        return any(self._doubts_title(session_id) for session_id in self._titled)

    def _doubts_title(self, session_id: str) -> bool:
        last = self._last_title(session_id)
        if last is None or last.doing is not Doing.IDLE:
            return False
        spoken = [e for e in self._evidence[session_id] if e.source <= Source.HOOK and e.doing is Doing.WORKING]
        return any(e.at >= last.at for e in spoken) or (bool(spoken) and last.samples < AGREEING)

    def _last_title(self, session_id: str) -> Evidence | None:
        return next((e for e in reversed(self._evidence.get(session_id, ())) if e.source is Source.TITLE), None)

    async def spoke(self, session_id: str, deed: str) -> None:
        """A session's own agent spoke to the daemon; told by every request with its credential."""
        session = self.session(session_id)
        if session is None or session.status not in LIVE_SESSION:
            return
        now = self._engine.clock.now()
        last = next((e for e in reversed(self.evidence(session_id)) if e.source <= Source.HOOK), None)
        self._live.update(session_id, activity=now)
        if last is None or last.doing in {Doing.UNKNOWN, Doing.ERROR}:
            self._add(session_id, declared(deed, now))
            await self.settle(session_id)

    async def settle(self, session_id: str, signs: Signs | None = None) -> None:
        """Judge, and commit what has changed; an ended session is left as it is."""
        session = self.session(session_id)
        if session is None or session.status not in LIVE_SESSION:
            return
        verdict = self.verdict(session_id)
        self._live.update(
            session_id,
            state=verdict.doing.value,
            source=verdict.source,
            since=verdict.since,
            background=verdict.background,
        )
        command = recorded(session, verdict, signs or Signs(), self._engine.clock.now())
        is_news = moves(session, command)
        if is_undoubted(verdict) and not is_news:
            self._undoubted[session_id] = verdict.since
        else:
            self._undoubted.pop(session_id, None)
        at = self._engine.clock.now() if is_news else self._next_look(session_id, verdict)
        self._due[session_id] = min(at, self._due.get(session_id, at))  # whoever settles, a look that is due stays due
        if is_news:
            await self.execute(command)

    def _next_look(self, session_id: str, verdict: Verdict) -> int:
        """When time alone may change the verdict, or what follows from it; what moved is looked at once more."""
        now = self._engine.clock.now()
        at = next_change(self._evidence.get(session_id, ()), verdict, now)
        through = max(verdict.since, self.heard_at(session_id)) + self._idle_end_ms
        return min(at, through) if verdict.doing is Doing.IDLE and through > now else at

    async def tick(self) -> None:
        """What time alone decides: corrections that have stood long enough, and sessions that are through."""
        now = self._engine.clock.now()
        for session_id in [id_ for id_, at in self._due.items() if at <= now]:
            del self._due[session_id]
            await self.settle(session_id)
            await self._end_if_through(session_id)

    async def ask_person(self, session_id: str, message: str) -> None:
        """Say that a session needs a person."""
        await self.execute(NeedInput(session_id=session_id, message=message))

    def heard(self, commit: Commit) -> None:
        """A commit came: what an earlier run showed says nothing of a resumed session; of one gone nothing is kept."""
        for event in commit.events:
            if event.name in {"session:resume", "session:deleted"}:
                self.forget(event.id)
        for change in commit.changes:
            entity = change.entity if isinstance(change, Put) else None
            if isinstance(entity, Session) and entity.status not in LIVE_SESSION and entity.pane is None:
                self.forget(entity.id)
            elif isinstance(entity, Session):
                self._look_again(entity.id)
            elif isinstance(entity, Assignment):
                self._look_again(entity.session_id)

    def _look_again(self, session_id: str) -> None:
        """At the next turn, for what a verdict means hangs on more than evidence."""
        if session_id in self._evidence:
            self._due[session_id] = self._engine.clock.now()

    def forget(self, session_id: str) -> None:
        """The session has ended."""
        self._evidence.pop(session_id, None)
        self._due.pop(session_id, None)
        self._undoubted.pop(session_id, None)
        self._titled.discard(session_id)
        self._live.forget(session_id)

    async def execute(self, command: Command) -> None:
        """Commit as the daemon; what cannot be committed now is decided anew from the next evidence."""
        try:
            await self._engine.execute(Ask(command=command, actor=DAEMON), lambda _state, _changes: None)
        except (Rejected, ReadOnly, NotCommitted) as error:
            log.warning("an observation was not committed: %s", error, extra={"command": type(command).__name__})

    async def _end_if_through(self, session_id: str) -> None:
        session = self.session(session_id)
        if session is None or session.status is not S.IDLE or session.keep_open or session.needs_input.active:
            return
        statuses = [a.status for a in self._engine.state.assignments_of_session(session_id)]
        if AssignmentStatus.COMPLETED not in statuses or any(s in LIVE_ASSIGNMENT for s in statuses):
            return
        verdict = self.verdict(session_id)
        rested = self._engine.clock.now() - max(verdict.since, self.heard_at(session_id)) >= self._idle_end_ms
        if rested and verdict.doing is Doing.IDLE and not verdict.background:
            self._look_again(session_id)
            await self.execute(CompleteSession(session_id=session_id, note="everything reported, and idle"))

    def _add(self, session_id: str, evidence: Evidence) -> None:
        self._keep(session_id, evidence)
        self._look_again(session_id)

    def _keep(self, session_id: str, evidence: Evidence) -> None:
        kept = self._evidence.setdefault(session_id, [])
        kept.append(evidence)
        if evidence.source is Source.TITLE:
            self._titled.add(session_id)
        if len(kept) > KEPT:
            del kept[: len(kept) - KEPT]

    def _repeats(self, session_id: str, evidence: Evidence) -> bool:
        """A notice of a question that a hook has told before, with better words."""
        told = next((e for e in reversed(self.evidence(session_id)) if e.source <= Source.HOOK), None)
        asked = told is not None and told.doing is Doing.NEEDS_INPUT and bool(told.text)
        return asked and evidence.doing is Doing.NEEDS_INPUT and evidence.rule.endswith("Notification")

    def _seen(self, key: str) -> bool:
        """Hashes will do, in dicts, which are smaller than sets: that two of so many are alike does not happen."""
        known = hash(key)
        if known in self._hook_ids or known in self._older_hook_ids:
            return True
        self._hook_ids[known] = None
        if len(self._hook_ids) >= HOOK_IDS:
            self._hook_ids, self._older_hook_ids = {}, self._hook_ids
        return False
