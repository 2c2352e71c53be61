"""Claiming whatever is next: what to take and taking it are one decision.

The order: priority, then due date, then position, then age. A task older than a day counts as one priority
higher, so that nothing waits for ever.
"""

from collections.abc import Iterator
from heapq import merge
from itertools import takewhile

import msgspec

from maestrod.domain import attempts, graph
from maestrod.domain.changes import Change, Command, Context
from maestrod.domain.errors import Invalid
from maestrod.domain.model import PRIORITY_RANK, AssignmentStatus, Priority, Session, Task, TaskStatus
from maestrod.domain.state import State
from maestrod.domain.work import begin, refuse_ended

DAY_MS = 24 * 3600 * 1000
_BY_RANK = sorted(PRIORITY_RANK, key=lambda priority: PRIORITY_RANK[priority])
_LAST = 1 << 62


class ClaimNext(Command, frozen=True, kw_only=True):
    """Claim the next task that may be started and that nobody has; with filters, the next of those."""

    project_id: str | None = None
    session_id: str | None = None
    label: str | None = None
    parent_id: str | None = None


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """Whose next task is looked for, and of what kind."""

    project_id: str
    session: Session | None = None
    label: str | None = None
    parent_id: str | None = None


def claim_next(state: State, command: ClaimNext, ctx: Context) -> list[Change]:
    """A session that works on a task already has its next one; nothing to do changes nothing either."""
    wish = wish_of(state, command, command.session_id or ctx.actor.session_id)
    if wish.session is not None:
        refuse_ended(wish.session)
    if held(state, wish.session) is not None:
        return []
    task = next(upcoming(state, wish, ctx.now), None)
    return begin(state, task, wish.session, ctx) if task is not None else []


def wish_of(state: State, command: ClaimNext, session_id: str | None) -> Wish:
    """Whose next task it is.

    Raises:
        Invalid: no project is known, or the session is of another one.
        NotFound: something named is not there.
    """
    session = state.session(session_id) if session_id else None
    parent = state.task(command.parent_id) if command.parent_id is not None else None
    known = session.project_id if session is not None else parent.project_id if parent is not None else None
    project_id = command.project_id or known
    if project_id is None:
        raise Invalid.field(
            "projectId", "name a project", hint="Say --project, or run it inside a project's directory."
        )
    if session is not None and session.project_id != project_id:
        raise Invalid.field("sessionId", f"{session.id} is a session of another project")
    project = state.project(project_id)
    return Wish(project_id=project.id, session=session, label=command.label, parent_id=command.parent_id)


def held(state: State, session: Session | None) -> Task | None:
    """What the session works on already."""
    if session is None:
        return None
    own = (a for a in state.assignments_of_session(session.id) if a.status is AssignmentStatus.WORKING)
    tasks = (state.task(a.task_id) for a in own)
    return next((t for t in tasks if t.status is TaskStatus.IN_PROGRESS), None)


def upcoming(state: State, wish: Wish, now: int) -> Iterator[Task]:
    """What may be claimed, in the order in which it would be; first what the session was given."""
    session = wish.session
    if session is not None:
        own = [a for a in state.assignments_of_session(session.id) if a.status is AssignmentStatus.QUEUED]
        given = [state.task(a.task_id) for a in own]
        yield from sorted(
            (t for t in given if state.is_ready(t) and _fits(state, wish, t)), key=lambda t: place(t, now)
        )
    seen: set[str] = set()
    for rank in range(len(_BY_RANK)):
        for task in _of_rank(state, wish.project_id, rank, now):
            if task.id not in seen and _fits(state, wish, task) and not attempts.live_at(state, task.id):
                yield task
            seen.add(task.id)


def place(task: Task, now: int) -> tuple[int, int, int, str]:
    """The place of a task in the order."""
    rank = PRIORITY_RANK[task.priority]
    return max(0, rank - 1) if is_old(task, now) else rank, *_within(task)


def is_old(task: Task, now: int) -> bool:
    """Whether it has waited for a day."""
    return now - task.created_at > DAY_MS


def _within(task: Task) -> tuple[int, int, str]:
    due = task.due_at if task.due_at is not None else _LAST
    return due, task.position if task.position is not None else _LAST, task.id


def _of_rank(state: State, project_id: str, rank: int, now: int) -> Iterator[Task]:
    """The ready tasks of a rank and the old ones of the rank below; only dated ones are looked at all at once."""
    own, below = _BY_RANK[rank], _BY_RANK[rank + 1] if rank + 1 < len(_BY_RANK) else None

    def old(task: Task) -> bool:
        return is_old(task, now)

    dated = list(_tasks(state, "dated", project_id, own))
    dated += filter(old, _tasks(state, "dated", project_id, below))
    yield from sorted(dated, key=_within)
    plain = _tasks(state, "plain", project_id, own)
    yield from merge(plain, takewhile(old, _tasks(state, "plain", project_id, below)), key=lambda t: t.id)


def _tasks(state: State, kind: str, project_id: str, priority: Priority | None) -> Iterator[Task]:
    return (state.task(id_) for id_ in (state.groups[kind, project_id, priority] if priority is not None else ()))


def _fits(state: State, wish: Wish, task: Task) -> bool:
    if wish.label is not None and wish.label not in task.labels:
        return False
    return wish.parent_id is None or any(a.id == wish.parent_id for a in graph.ancestors(state, task.parent_id))
