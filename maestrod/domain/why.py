"""Why something is as it is: what it waits for, who has it, since when, what was tried, and what can be done.

Each answer is a list of causes, the nearest first.
"""

from collections.abc import Iterator

import msgspec

from maestrod.domain import attempts, claims
from maestrod.domain.claims import Wish
from maestrod.domain.model import (
    LIVE_SESSION,
    OVER_TASK,
    Assignment,
    AssignmentStatus,
    CheckStatus,
    Exit,
    ItemStatus,
    Session,
    SessionStatus,
    Task,
    TaskStatus,
)
from maestrod.domain.queues import in_order, processing
from maestrod.domain.state import State
from maestrod.domain.work import waits

NAMED = 5
"""Of many causes of a kind so many are told."""
_UNITS = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1_000, "s"))


class Cause(msgspec.Struct, frozen=True, rename="camel"):
    """One sentence, since when it is so (ms), and what to do about it; empty when nothing need be done."""

    text: str
    since: int | None = None
    todo: str = ""


def of_task(state: State, task: Task, now: int) -> list[Cause]:
    """Why a task is where it is."""
    return [*_standing(state, task, now), *_tried(state, task)]


def _standing(state: State, task: Task, now: int) -> list[Cause]:
    if task.status in OVER_TASK:
        since = task.completed_at or task.updated_at
        return [Cause(f"It has been {task.status}{_for(since, now)}.", since, f"`maestro task reopen {task.id}`")]
    if task.status is TaskStatus.BLOCKED:
        reason = task.blocked_reason or "no reason was given"
        text = f"It was blocked{_for(task.updated_at, now)}: {reason}."
        blocked = Cause(text, task.updated_at, f"`maestro task unblock {task.id}` when that is settled")
        return [blocked, *_waiting(state, task, now)]
    if task.status is TaskStatus.TODO:
        return list(_waiting(state, task, now)) or _ready(state, task, now)
    review = _in_review(state, task, now) if task.status is TaskStatus.IN_REVIEW else ()
    nobody = Cause("It is in progress, and no session works on it: a person has it.", task.started_at)
    return [*review, *_holders(state, task, now)] or [nobody]


def of_session(state: State, session: Session, now: int) -> list[Cause]:
    """Why a session does what it does, or nothing."""
    ended = session.status not in LIVE_SESSION
    since = session.completed_at if ended else session.turn.since or session.updated_at
    reason = f": {_ending(session.exit)}" if ended and session.exit is not None else ""
    todo = f"`maestro session resume {session.id}`" if ended else ""
    found = [Cause(f"It has been {session.status}{_for(since, now)}{reason}.", since, todo)]
    if session.status is SessionStatus.SPAWNING and session.pane is None:
        found.append(Cause("Nobody has opened its window yet.", None, f"`maestro session launch {session.id}`"))
    if session.needs_input.active:
        asked = session.needs_input
        said = asked.message or "look at its screen"
        text = _ended(f"It asks a person{_for(asked.since, now)}: {said}")
        found.append(Cause(text, asked.since, f"`maestro session attach {session.id}`, and answer"))
    found += [_has(state, a, now) for a in _live(state, session)[:NAMED]]
    if not ended and len(found) == 1:
        found.append(Cause("It has no task.", None, "`maestro task next --claim`, said by it, gives it one"))
    return found


def of_queue(state: State, session: Session, now: int) -> list[Cause]:
    """Why a queue hands out what it does, or nothing."""
    queue = state.queue_of(session.id)
    if queue is None:
        return [Cause(f"The session has no queue: its strategy is {session.strategy}.")]
    found: list[Cause] = []
    if session.status not in LIVE_SESSION:
        todo = f"`maestro session resume {session.id}`"
        found.append(Cause(f"Its session is {session.status}.", session.completed_at, todo))
    if queue.paused:
        todo = f"`maestro queue resume --session {session.id}`"
        found.append(Cause(f"It has been paused{_for(queue.updated_at, now)}.", queue.updated_at, todo))
    current = processing(state, session.id)
    if current is not None:
        task = state.task(current.task_id)
        found.append(Cause(f"{_called(task)} is in process{_for(current.started_at, now)}.", current.started_at))
    queued = [item for item in in_order(state, session.id) if item.status is ItemStatus.QUEUED]
    for item in queued[:NAMED]:
        task = state.task(item.task_id)
        if item.not_before is not None and item.not_before > now:
            again = f"{_called(task)} failed ({item.fail_reason}) and is tried again in {_span(item.not_before - now)}."
            found.append(Cause(again))
        waiting = _waiting(state, task, now)
        found += [Cause(f"{_called(task)}: {cause.text}", cause.since, cause.todo) for cause in waiting]
    many = f"{len(queued)} wait to be taken by `maestro queue start`."
    return found or [Cause(many if queued else "It is empty.")]


def of_project(state: State, project_id: str, now: int) -> list[Cause]:
    """Why nothing happens in a project, or what does."""
    live = [s for s in state.sessions_of_project(project_id) if s.status in LIVE_SESSION]
    asking = [s for s in live if s.needs_input.active]
    found = [_asking(s) for s in asking[:NAMED]]
    working = sum(s.status is SessionStatus.WORKING for s in live)
    found.append(Cause(f"{len(live)} sessions are live, {working} of them at work."))
    coming = next(claims.upcoming(state, Wish(project_id=project_id), now), None)
    if coming is not None:
        text = f"{_called(coming)} could be started, and nobody has it."
        found.append(Cause(text, coming.updated_at, f"`maestro session spawn --task {coming.id}`"))
    blocked = [state.task(id_) for id_ in state.groups["tasks", project_id, TaskStatus.BLOCKED]]
    found += [_blocked(task) for task in blocked[:NAMED]]
    return found


def _ending(end: Exit) -> str:
    return end.reason or (f"signal {end.signal}" if end.signal else f"exit code {end.code}")


def _asking(session: Session) -> Cause:
    asked = session.needs_input
    text = f"{session.name} ({session.id}) asks a person: {asked.message or 'look at its screen'}."
    return Cause(text, asked.since, f"`maestro why --session {session.id}`")


def _blocked(task: Task) -> Cause:
    return Cause(f"{_called(task)} is blocked: {task.blocked_reason}.", task.updated_at, f"`maestro why {task.id}`")


def _waiting(state: State, task: Task, now: int) -> Iterator[Cause]:
    """What a task waits for, each with who has that."""
    blockers = waits(state, task)
    for other in blockers[:NAMED]:
        if other.status in {TaskStatus.CANCELLED, TaskStatus.ARCHIVED}:
            text = f"It waits for {_called(other)}, which was given up."
            yield Cause(text, other.updated_at, f"`maestro task undepend {task.id} --on {other.id}`, or reopen that")
        else:
            held = attempts.live_at(state, other.id)
            who = f", held by {_session(state, held[0])}" if held else ", and nobody has that"
            text = f"It waits for {_called(other)}, which is {other.status}{_for(other.updated_at, now)}{who}."
            yield Cause(text, other.updated_at, f"`maestro why {other.id}`")
    if len(blockers) > NAMED:
        yield Cause(f"It waits for {len(blockers) - NAMED} more.")


def _ready(state: State, task: Task, now: int) -> list[Cause]:
    held = [
        Cause(
            f"It was given to {_session(state, a)}{_for(a.created_at, now)}, which has not begun.",
            a.created_at,
            f"`maestro why --session {a.session_id}`",
        )
        for a in attempts.live_at(state, task.id)
    ]
    free = Cause(
        "It could be started, and nobody has it.", task.updated_at, f"`maestro session spawn --task {task.id}`"
    )
    return held or [free]


def _in_review(state: State, task: Task, now: int) -> Iterator[Cause]:
    if any(check.status is CheckStatus.RUNNING for check in state.checks(task.id)):
        yield Cause("Its checks are running.", None, f"`maestro task check list {task.id}`")
    text = task.review_reason or "It waits for somebody to look at it and to complete or to start it again."
    yield Cause(f"It has been in review{_for(task.updated_at, now)}. {text}", task.updated_at)


def _holders(state: State, task: Task, now: int) -> Iterator[Cause]:
    for own in attempts.live_at(state, task.id)[:NAMED]:
        session = state.session(own.session_id)
        asks = f"; it asks: {session.needs_input.message}" if session.needs_input.active else ""
        text = _ended(f"{_session(state, own)} has it ({own.status}){_for(own.started_at, now)}{asks}")
        yield Cause(text, own.started_at, f"`maestro why --session {session.id}`")


def _ended(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _tried(state: State, task: Task) -> list[Cause]:
    failed = [a for a in state.assignments_of_task(task.id) if a.status is AssignmentStatus.FAILED]
    return [_failure(state, own) for own in failed[-NAMED:]]


def _failure(state: State, own: Assignment) -> Cause:
    reason = own.result or "no reason was given"
    text = f"Attempt {own.attempt}, by {_session(state, own)}, failed: {reason}."
    return Cause(text, own.ended_at)


def _live(state: State, session: Session) -> list[Assignment]:
    return [
        a for a in state.assignments_of_session(session.id) if a.task_id and a in attempts.live_at(state, a.task_id)
    ]


def _has(state: State, own: Assignment, now: int) -> Cause:
    task = state.task(own.task_id)
    since = own.started_at or own.created_at
    return Cause(f"It has {_called(task)} ({own.status}){_for(since, now)}.", since, f"`maestro why {task.id}`")


def _session(state: State, own: Assignment) -> str:
    session = state.session(own.session_id)
    return f"session {session.name} ({session.id}, {session.status})"


def _called(task: Task) -> str:
    return f"\u2018{task.title}\u2019 ({task.id})"


def _for(since: int | None, now: int) -> str:
    """How long, once that is worth a word."""
    return "" if since is None or now - since < _UNITS[-1][0] else f" for {_span(now - since)}"


def _span(ms: int) -> str:
    return next((f"{ms // size} {unit}" for size, unit in _UNITS if ms >= size), "a moment")
