"""What must always hold, checked all the time, a little at a turn; what is broken is said, never mended in silence."""

import asyncio
import logging
from collections.abc import Iterator
from itertools import islice
from typing import cast

import msgspec

from maestrod.domain import claims
from maestrod.domain.claims import Wish
from maestrod.domain.links import links
from maestrod.domain.model import (
    LIVE_ASSIGNMENT,
    LIVE_SESSION,
    Assignment,
    AssignmentStatus,
    Entity,
    ItemStatus,
    Noun,
    Queue,
    Session,
    SessionStatus,
    Task,
    TaskStatus,
)
from maestrod.domain.state import State, is_done
from maestrod.engine.engine import Engine
from maestrod.engine.hub import Hub
from maestrod.protocol.frames import plain

log = logging.getLogger(__name__)

SLICE = 100
"""Entities looked at before others get a turn on the loop."""
SLICE_PAUSE_S = 0.1
"""So that a walk takes no more than one hundredth of a core, however much there is to look at."""
PASS_PAUSE_S = 5.0
QUIET = "ready work does not wait for idle sessions"
KEPT = 100
"""Broken invariants that are shown at most."""


class Broken(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One thing that does not hold: the rule's name, what it is about, and what was found."""

    rule: str
    noun: Noun
    id: str
    message: str


def check(state: State) -> Iterator[Broken | None]:
    """Look at every entity; None for one that is sound. The state may change between two steps."""
    for noun in Noun:
        for id_ in list(state.table(noun)):
            entity = state.table(noun).get(id_)
            if entity is None:
                continue
            found = list(_of(state, noun, entity))
            yield from found
            if not found:
                yield None


def _of(state: State, noun: Noun, entity: Entity) -> Iterator[Broken]:
    for field, target, id_ in links(entity):
        if id_ not in state.table(target):
            yield _broken("no dangling id", noun, entity, f"{field} names {id_}, which is not there")
    if entity.id not in state.ordered[noun]:
        yield _broken("indexes equal a rebuild", noun, entity, "it is missing from the ordered index")
    match entity:
        case Task():
            yield from _of_task(state, entity)
        case Session():
            yield from _of_session(state, entity)
        case Queue():
            yield from _of_queue(state, entity)
        case Assignment():
            yield from _of_assignment(state, entity)
        case _:
            return


def _of_task(state: State, task: Task) -> Iterator[Broken]:
    tasks = state.table(Noun.TASK)
    open_ = sum(not is_done(cast(Task | None, tasks.get(d))) for d in task.dependencies)
    if state.unmet.get(task.id, 0) != open_:
        message = f"it counts {state.unmet.get(task.id, 0)} open dependencies, there are {open_}"
        yield _broken("indexes equal a rebuild", Noun.TASK, task, message)
    ready = task.status is TaskStatus.TODO and not open_
    if (task.id in state.groups["ready", task.project_id]) != ready:
        word = "missing from" if ready else "wrongly in"
        yield _broken("indexes equal a rebuild", Noun.TASK, task, f"it is {word} the ready set")
    if _reaches_itself(state, task):
        yield _broken("parents and dependencies acyclic", Noun.TASK, task, "it is its own ancestor")


def _reaches_itself(state: State, task: Task) -> bool:
    at, steps = task.parent_id, 0
    while at is not None and at in state.table(Noun.TASK) and steps <= len(state.table(Noun.TASK)):
        if at == task.id:
            return True
        at, steps = state.task(at).parent_id, steps + 1
    return False


def _of_session(state: State, session: Session) -> Iterator[Broken]:
    live = session.status in LIVE_SESSION
    if (session.id in state.groups[("live-sessions",)]) != live:
        yield _broken("indexes equal a rebuild", Noun.SESSION, session, f"it is {session.status}, its index differs")
    homeless = live and session.pane is None and session.status is not SessionStatus.SPAWNING
    if homeless and session.started_at is not None:
        yield _broken("a live session has a pane", Noun.SESSION, session, f"it is {session.status} without a pane")


def _of_queue(state: State, queue: Queue) -> Iterator[Broken]:
    taken = [i.id for i in state.items(queue.session_id) if i.status is ItemStatus.PROCESSING]
    if len(taken) > 1:
        message = f"{', '.join(taken)} are in process at once"
        yield _broken("at most one item in process per queue", Noun.QUEUE, queue, message)


def _of_assignment(state: State, own: Assignment) -> Iterator[Broken]:
    session = state.table(Noun.SESSION).get(own.session_id)
    ended = isinstance(session, Session) and session.status not in LIVE_SESSION
    if ended and own.status is AssignmentStatus.WORKING:
        message = f"session {own.session_id} has ended, and it is still {own.status}"
        yield _broken("no working assignment of an ended session", Noun.ASSIGNMENT, own, message)
    if own.status in LIVE_ASSIGNMENT:
        twins = [
            a.id
            for a in state.assignments_of_session(own.session_id)
            if a.task_id == own.task_id and a.id != own.id and a.status in LIVE_ASSIGNMENT
        ]
        if twins:
            message = f"{twins[0]} is live for the same task and session"
            yield _broken("at most one live assignment per task and session", Noun.ASSIGNMENT, own, message)


def _broken(rule: str, noun: Noun, entity: Entity, message: str) -> Broken:
    return Broken(rule=rule, noun=noun, id=entity.id, message=message)


def quiet(state: State, now: int, after_ms: int) -> Iterator[Broken]:
    """Projects with work that could begin, sessions that could begin it, and nothing that has moved for so long.

    Sessions that ask a person, start, or have ended are no lanes; while one works, or one asks, it is not quiet.
    """
    for id_ in list(state.table(Noun.PROJECT)):
        live = [s for s in state.sessions_of_project(id_) if s.status in LIVE_SESSION]
        if not live or any(s.status is not SessionStatus.IDLE or s.needs_input.active for s in live):
            continue
        coming = next(claims.upcoming(state, Wish(project_id=id_), now), None)
        if coming is None or now - max(coming.updated_at, *(s.updated_at for s in live)) < after_ms:
            continue
        message = f"{coming.id} could be started, {len(live)} sessions are idle, and nothing has moved"
        yield Broken(rule=QUIET, noun=Noun.PROJECT, id=id_, message=message)


class Monitor:
    """Walks over the state for as long as the daemon runs; ``broken`` is what the last whole pass found."""

    def __init__(self, engine: Engine, hub: Hub, *, quiet_s: float = 120.0) -> None:
        self._quiet_ms = int(quiet_s * 1000)
        self._engine = engine
        self._hub = hub
        self.broken: tuple[Broken, ...] = ()
        self.passes = 0
        self._walked: int | None = None
        """The commit at which the last walk began and, as nothing changed under it, ended."""

    async def run(self) -> None:
        """Check again and again, for as long as it is awaited."""
        while True:
            await self.once()
            await asyncio.sleep(PASS_PAUSE_S)

    async def once(self) -> None:
        """One whole pass; what is newly broken, and what holds again, is told to the log and the stream."""
        found = await self._walk()
        found += islice(quiet(self._engine.state, self._engine.clock.now(), self._quiet_ms), KEPT)
        self._tell("invariant:broken", [b for b in found if b not in self.broken])
        self._tell("invariant:mended", [b for b in self.broken if b not in found])
        self.broken = tuple(found)
        self.passes += 1

    async def _walk(self) -> list[Broken]:
        """What is broken of what does not change by itself; where nothing was committed since, what was known."""
        begun = self._engine.seq
        if begun == self._walked:
            return [each for each in self.broken if each.rule != QUIET]
        found: list[Broken] = []
        for number, each in enumerate(check(self._engine.state)):
            if each is not None and len(found) < KEPT and self._still(each):
                found.append(each)
            if number % SLICE == SLICE - 1:
                await asyncio.sleep(SLICE_PAUSE_S)
        self._walked = begun if self._engine.seq == begun else None
        return found

    def _still(self, broken: Broken) -> bool:
        """Whether it is broken at this very moment: a finding never spans two commits."""
        entity = self._engine.state.table(broken.noun).get(broken.id)
        return entity is not None and broken in _of(self._engine.state, broken.noun, entity)

    def _tell(self, event: str, found: list[Broken]) -> None:
        for broken in found:
            log.error("%s: %s %s: %s", event, broken.noun, broken.id, broken.message)
            self._hub.tell(plain(event, timestamp=self._engine.clock.now(), data=broken))
