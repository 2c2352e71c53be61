"""Tells idle agents what waits for them: one line typed into the pane, which names the command that brings the rest."""

import asyncio
import contextlib
import logging
from collections.abc import Callable

from maestrod.domain import queues
from maestrod.domain.changes import DAEMON, Commit, Put
from maestrod.domain.errors import Rejected
from maestrod.domain.mail import HoldMail, SurfaceMail
from maestrod.domain.model import Delivery, DeliveryState, Noun, Queue, QueueItem, Session, SessionStatus
from maestrod.domain.names import title
from maestrod.domain.state import State
from maestrod.engine.engine import Ask, Engine, NotCommitted, ReadOnly
from maestrod.prompts.mail import pointer
from maestrod.prompts.queue import queue_pointer
from maestrod.watch.evidence import Doing, Source
from maestrod.watch.observer import Observer
from maestrod.watch.turns import NEVER
from maestrod.watch.typist import Answer, NoPane, Result, Typist

log = logging.getLogger(__name__)

SETTLED_MS = 300
"""How long a turn must be over: an agent draws its composer after it has called its last hook."""
OPENED_MS = 3_000
"""The same after the hook of its start, which its first prompt follows."""
RETRY_MS = 1_000
"""How soon what is in the way is looked at again: a person who types, a draft, a dialog that no hook told of."""
HOOK_S = 1.0
"""How long the agent's hook may take to bring the mail itself along, once the agent took the pointer."""
LOOK_S = 0.05


class Courier:
    """Watches over the mail and the queues of all sessions; each session is served by itself, all at once.

    A mail is pointed to once: by then its delivery is ``surfaced``. So is a queue, until something in it moves.
    """

    def __init__(
        self, engine: Engine, observer: Observer, typist: Typist, *, queue_rest_s: float, stuck_s: float
    ) -> None:
        self._engine = engine
        self._observer = observer
        self._typist = typist
        self._queue_rest_ms = round(queue_rest_s * 1000)
        self._stuck_ms = round(stuck_s * 1000)
        self._due: dict[str, int] = {}
        """When a session is to be looked at (ms)."""
        self._refused: dict[str, int] = {}
        """Since which turn's beginning (ms) an idle agent takes no pointer; the next turn ends it."""
        self._told: dict[str, int] = {}
        """The newest change (ms) of the queue that the session was told of."""
        self._news = asyncio.Event()

    def heard(self, commit: Commit) -> None:
        """A commit came: whoever has new mail, a new place in its queue, or a new status is looked at."""
        for change in commit.changes:
            entity = change.entity if isinstance(change, Put) else None
            if isinstance(entity, Session):
                self._look_at(entity.id)
            elif isinstance(entity, Delivery | QueueItem | Queue):
                self._look_at(entity.session_id)

    def remember(self) -> None:
        """At a start: everybody is looked at."""
        for session in self._engine.state.live_sessions():
            self._look_at(session.id)

    async def run(self) -> None:
        """Serve, for as long as it is awaited."""
        async with asyncio.TaskGroup() as group:
            under_way: set[str] = set()
            while True:
                self._news.clear()
                for session_id in self._ripe(under_way):
                    del self._due[session_id]
                    under_way.add(session_id)
                    group.create_task(self._served(session_id, under_way), name=f"point {session_id}")
                await self._rest(under_way)

    def _look_at(self, session_id: str) -> None:
        self._due[session_id] = self._engine.clock.now()
        self._news.set()

    def _ripe(self, under_way: set[str]) -> list[str]:
        now = self._engine.clock.now()
        return [id_ for id_, at in self._due.items() if at <= now and id_ not in under_way]

    async def _rest(self, under_way: set[str]) -> None:
        """Until somebody is due, or something is heard."""
        first = min((at for id_, at in self._due.items() if id_ not in under_way), default=NEVER)
        limit = None if first == NEVER else max(0.0, (first - self._engine.clock.now()) / 1000)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit):
                await self._news.wait()

    async def _served(self, session_id: str, under_way: set[str]) -> None:
        """Look at one session, and note when to look again though nothing is heard of it."""
        try:
            again = await self._serve(session_id)
            if again is not None:
                self._due.setdefault(session_id, again)
        except Exception:  # the rim of this task: one session's trouble must not end the daemon
            log.exception("pointing failed", extra={"sessionId": session_id})
        finally:
            under_way.discard(session_id)
            self._news.set()

    async def _serve(self, session_id: str) -> int | None:
        session = self._session(session_id)
        if session is None or session.status is not SessionStatus.IDLE:
            self._refused.pop(session_id, None)
            if session is None:
                self._told.pop(session_id, None)
            return None
        if session.pane is None or session.needs_input.active:
            return None
        waiting = _queued(self._engine.state, session_id)
        if not waiting and self._engine.state.queue_of(session_id) is None:
            return None
        verdict = self._observer.verdict(session_id)
        if self._refused.get(session_id) == verdict.since:
            return None
        if verdict.doing is not Doing.IDLE:  # not committed yet, and perhaps never
            return self._engine.clock.now() + RETRY_MS
        rested_at = verdict.since + (OPENED_MS if verdict.rule.endswith("SessionStart") else SETTLED_MS)
        if rested_at > self._engine.clock.now():
            return rested_at
        if waiting:
            return await self._point_to_mail(session, waiting)
        return await self._mind_queue(session, verdict.since)

    # -- mail -------------------------------------------------------------------------------------

    async def _point_to_mail(self, session: Session, waiting: tuple[str, ...]) -> int | None:
        line = pointer(len(self._engine.state.groups["unread", session.id]))
        answer = await self._say(session, line, lambda: bool(_queued(self._engine.state, session.id)))
        if answer.result is not Result.NOT_DELIVERED:
            await self._until_surfaced(session.id, waiting)
            await self._note(SurfaceMail(session_id=session.id, mail_ids=waiting, channel="pointer"))
            return None
        if answer.typed:
            log.warning("a pointer was not taken: %s", answer.reason, extra={"sessionId": session.id})
            await self._note(HoldMail(session_id=session.id, mail_ids=waiting, reason=answer.reason))
        return self._again(session, answer)

    async def _until_surfaced(self, session_id: str, waiting: tuple[str, ...]) -> None:
        """Give the agent's own hook the time to bring the mail along: it tells more than the pointer does."""
        if all(each.source is not Source.HOOK for each in self._observer.evidence(session_id)):
            return
        for _ in range(round(HOOK_S / LOOK_S)):
            if set(waiting).isdisjoint(_queued(self._engine.state, session_id)):
                return
            await asyncio.sleep(LOOK_S)

    async def _note(self, command: HoldMail | SurfaceMail) -> None:
        """Let the senders know how far their mail got."""
        try:
            await self._engine.execute(Ask(command=command, actor=DAEMON), lambda _state, _changes: None)
        except (Rejected, ReadOnly, NotCommitted) as error:
            log.warning("a receipt was not written: %s", error, extra={"sessionId": command.session_id})

    # -- queues -----------------------------------------------------------------------------------

    async def _mind_queue(self, session: Session, idle_since: int) -> int | None:
        state, now = self._engine.state, self._engine.clock.now()
        queue = state.queue_of(session.id)
        if queue is None:
            return None
        moved_at = max((i.updated_at for i in state.items(session.id)), default=0)
        since = max(idle_since, moved_at, queue.updated_at)
        item = queues.processing(state, session.id)
        if item is not None:
            if now - since < self._stuck_ms:
                return since + self._stuck_ms
            named = title(state, Noun.TASK, item.task_id)
            minutes = round(self._stuck_ms / 60_000) or 1
            await self._observer.ask_person(session.id, f'idle for {minutes} min with "{named}" in process')
            return None
        if queue.paused or self._told.get(session.id) == moved_at or not queues.in_order(state, session.id):
            return None
        if now - since < self._queue_rest_ms:
            return since + self._queue_rest_ms
        if queues.next_item(state, session, now) is None:
            return now + self._queue_rest_ms  # a task it waits for, or the pause after a failure, may be over then
        answer = await self._say(session, queue_pointer(len(queues.in_order(state, session.id))), lambda: True)
        if answer.result is Result.NOT_DELIVERED:
            return self._again(session, answer)
        self._told[session.id] = moved_at
        return None

    # -- both -------------------------------------------------------------------------------------

    async def _say(self, session: Session, line: str, wanted: Callable[[], bool]) -> Answer:
        def still() -> bool:
            now = self._session(session.id)
            idle = now is not None and now.status is SessionStatus.IDLE and not now.needs_input.active
            return idle and self._observer.verdict(session.id).doing is Doing.IDLE and wanted()

        try:
            return await self._typist.say(session.id, line, only_if=still)
        except NoPane as gone:
            return Answer(Result.NOT_DELIVERED, gone.message, typed=False)

    def _again(self, session: Session, answer: Answer) -> int | None:
        """Soon, when something was in the way; who did not take the line is left alone until its next turn."""
        if not answer.typed:
            return self._engine.clock.now() + RETRY_MS
        self._refused[session.id] = self._observer.verdict(session.id).since
        return None

    def _session(self, session_id: str) -> Session | None:
        found = self._engine.state.table(Noun.SESSION).get(session_id)
        return found if isinstance(found, Session) else None


def _queued(state: State, session_id: str) -> tuple[str, ...]:
    """The mails that the session was told nothing of yet."""
    return tuple(d.mail_id for d in state.unread(session_id) if d.state is DeliveryState.QUEUED)
