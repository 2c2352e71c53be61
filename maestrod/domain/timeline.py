"""The timeline: what sessions and people report, in order."""

from maestrod.domain import attempts, limits
from maestrod.domain.changes import Change, Command, Context, Put
from maestrod.domain.errors import Conflict, Invalid
from maestrod.domain.model import (
    LIVE_ASSIGNMENT,
    AssignmentStatus,
    EntryType,
    Noun,
    TimelineEntry,
)
from maestrod.domain.state import State


class Report(Command, frozen=True, kw_only=True):
    """Tell what happened, on a task, a session, or both.

    ``outcome`` moves the reporting session's own assignment and nothing else: ``completed`` and
    ``blocked`` do, progress and errors do not. The task's own status is never touched by a report.
    """

    message: str
    type: EntryType = EntryType.PROGRESS
    session_id: str | None = None
    task_id: str | None = None
    outcome: AssignmentStatus | None = None
    metadata: dict[str, object] | None = None


REPORTED = frozenset({AssignmentStatus.COMPLETED, AssignmentStatus.BLOCKED, AssignmentStatus.FAILED})


def report(state: State, command: Report, ctx: Context) -> list[Change]:
    """A report from an attempt that is over is kept, marked late, and moves nothing."""
    fields = limits.Fields().said("message", command.message, limits.MESSAGE)
    fields.metadata("metadata", command.metadata)
    if command.outcome is not None and command.outcome not in REPORTED:
        fields.wrong("outcome", f"must be one of {', '.join(sorted(REPORTED))}")
    fields.end()
    session_id = command.session_id or ctx.actor.session_id
    project_id = project_of(state, command.task_id, session_id)
    own = attempts.last(state, command.task_id, session_id)
    late = own is not None and own.status not in LIVE_ASSIGNMENT
    written = entry(
        ctx,
        command.type,
        command.message,
        project_id=project_id,
        session_id=session_id,
        task_id=command.task_id,
        metadata={**(command.metadata or {}), "late": True} if late else command.metadata,
    )
    changes: list[Change] = [Put(Noun.TIMELINE, written)]
    if command.outcome is not None and own is not None and not late:
        told = command.message[: limits.TEXT]
        changes.append(Put(Noun.ASSIGNMENT, attempts.reached(own, command.outcome, ctx, told)))
    return changes


def entry(
    ctx: Context,
    type_: EntryType,
    message: str,
    *,
    project_id: str,
    session_id: str | None = None,
    task_id: str | None = None,
    metadata: dict[str, object] | None = None,
) -> TimelineEntry:
    """A new entry, made now."""
    return TimelineEntry(
        id=ctx.new_id(Noun.TIMELINE),
        created_at=ctx.now,
        updated_at=ctx.now,
        type=type_,
        message=message,
        project_id=project_id,
        session_id=session_id,
        task_id=task_id,
        metadata=metadata,
    )


def project_of(state: State, task_id: str | None, session_id: str | None) -> str:
    """The project of a task, a session, or both.

    Raises:
        Conflict: they are of different projects.
        Invalid: neither is named.
    """
    task = state.task(task_id) if task_id is not None else None
    session = state.session(session_id) if session_id is not None else None
    if task is not None and session is not None and task.project_id != session.project_id:
        raise Conflict(
            f"task {task.id} and session {session.id} are of different projects",
            hint="Name a task of the session's own project.",
        )
    about = task or session
    if about is None:
        raise Invalid.field("taskId", "name a task or a session")
    return about.project_id
