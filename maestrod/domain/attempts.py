"""Attempts: the assignments of tasks to sessions, and how they move."""

from maestrod.domain import tables
from maestrod.domain.changes import Context
from maestrod.domain.model import LIVE_ASSIGNMENT, Assignment, AssignmentStatus, Noun, Session, Task
from maestrod.domain.revision import revised
from maestrod.domain.state import State

_BEGUN = frozenset({AssignmentStatus.WORKING, AssignmentStatus.BLOCKED, AssignmentStatus.COMPLETED})


def last(state: State, task_id: str | None, session_id: str | None) -> Assignment | None:
    """The session's newest attempt at the task."""
    if task_id is None or session_id is None:
        return None
    own = (a for a in state.assignments_of_session(session_id) if a.task_id == task_id)
    return max(own, key=lambda a: a.attempt, default=None)


def live(state: State, task_id: str, session_id: str | None) -> Assignment | None:
    """The session's own attempt that is not over."""
    own = last(state, task_id, session_id)
    return own if own is not None and own.status in LIVE_ASSIGNMENT else None


def live_at(state: State, task_id: str) -> list[Assignment]:
    """Every attempt at the task that is not over, oldest first."""
    return [a for a in state.assignments_of_task(task_id) if a.status in LIVE_ASSIGNMENT]


def opened(
    state: State,
    task: Task,
    session: Session,
    ctx: Context,
    *,
    status: AssignmentStatus = AssignmentStatus.QUEUED,
) -> Assignment:
    """The next attempt at a task."""
    return Assignment(
        id=ctx.new_id(Noun.ASSIGNMENT),
        created_at=ctx.now,
        updated_at=ctx.now,
        task_id=task.id,
        session_id=session.id,
        attempt=1 + max((a.attempt for a in state.assignments_of_task(task.id)), default=0),
        status=status,
        started_at=ctx.now if status in _BEGUN else None,
    )


def reached(
    own: Assignment,
    status: AssignmentStatus,
    ctx: Context,
    result: str | None = None,
    evidence: tuple[str, ...] = (),
) -> Assignment:
    """The attempt in another status; where the table has no direct move, it works for a moment in between.

    Raises:
        IllegalMove: the attempt is over.
    """
    what = f"assignment {own.id}"
    direct = status is own.status or status in tables.ASSIGNMENT[own.status]
    if not direct:
        tables.moves(tables.ASSIGNMENT, own.status, AssignmentStatus.WORKING, what)
        tables.moves(tables.ASSIGNMENT, AssignmentStatus.WORKING, status, what)
    fields: dict[str, object] = {"status": status, "result": result or None}
    if own.started_at is None and status in _BEGUN:
        fields["started_at"] = ctx.now
    if status not in LIVE_ASSIGNMENT:
        fields["ended_at"] = ctx.now
    if evidence:
        fields["evidence"] = evidence
    return revised(own, ctx, **fields)
