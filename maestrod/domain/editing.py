"""Editing a task, its status among the rest: the one way in for clients that set fields rather than name deeds."""

from collections.abc import Callable, Mapping

from maestrod.domain import attempts, tasks, work
from maestrod.domain.changes import Change, Command, Context, Put
from maestrod.domain.draft import Draft
from maestrod.domain.errors import Invalid
from maestrod.domain.model import LIVE_ASSIGNMENT, AssignmentStatus, EntryType, Noun, Task, TaskStatus
from maestrod.domain.moving import called, moved, told
from maestrod.domain.state import State
from maestrod.domain.tables import TASK, moves
from maestrod.domain.tasks import EditTask


class DependTask(Command, frozen=True, kw_only=True):
    """Let a task wait for others beside those that it waits for."""

    task_id: str
    dependencies: tuple[str, ...]


class UndependTask(Command, frozen=True, kw_only=True):
    """Let a task no longer wait for these."""

    task_id: str
    dependencies: tuple[str, ...]


class MoveAttempt(Command, frozen=True, kw_only=True):
    """Move a session's own attempt at a task, and nothing else; an older form of reporting an outcome."""

    task_id: str
    session_status: AssignmentStatus
    session_id: str | None = None


def edit_task(state: State, command: EditTask, ctx: Context) -> list[Change]:
    """Fields first, then the status by the state machine, as its own verb would move it; all or nothing."""
    if not isinstance(command.status, TaskStatus):
        return tasks.edit_fields(state, command, ctx)
    with Draft.of(state) as draft:
        draft.take(tasks.edit_fields(state, command, ctx))
        draft.take(_move(state, state.task(command.task_id), command.status, command, ctx))
        return draft.changes()


def depend_task(state: State, command: DependTask, ctx: Context) -> list[Change]:
    """What it waits for already stays in its place."""
    task = state.task(command.task_id)
    all_ = tuple(dict.fromkeys((*task.dependencies, *command.dependencies)))
    return tasks.edit_fields(state, EditTask(task_id=task.id, dependencies=all_), ctx)


def undepend_task(state: State, command: UndependTask, ctx: Context) -> list[Change]:
    """What it does not wait for is passed over."""
    task = state.task(command.task_id)
    left = tuple(d for d in task.dependencies if d not in command.dependencies)
    return tasks.edit_fields(state, EditTask(task_id=task.id, dependencies=left), ctx)


def move_attempt(state: State, command: MoveAttempt, ctx: Context) -> list[Change]:
    """An attempt that is over stays as it is, and the report is kept as a late one; without an attempt one begins."""
    task = state.task(command.task_id)
    session_id = command.session_id or ctx.actor.session_id
    if session_id is None:
        raise Invalid.field("sessionId", "name the session whose attempt it is")
    session, status = state.session(session_id), command.session_status
    if session.project_id != task.project_id:
        raise Invalid.field("sessionId", f"{session.id} is a session of another project")
    own = attempts.last(state, task.id, session.id)
    if own is not None and own.status is status:
        return []
    if own is not None and own.status not in LIVE_ASSIGNMENT:
        return [told(task, session, EntryType.STATUS_CHANGED, status.value, ctx, {"late": True})]
    if own is None and status is not AssignmentStatus.WORKING:
        raise Invalid.field("sessionStatus", f"{session.id} has no attempt at {task.id} that could be {status}")
    if own is None:
        work.refuse_ended(session)
        return [Put(Noun.ASSIGNMENT, attempts.opened(state, task, session, ctx, status=status))]
    return [Put(Noun.ASSIGNMENT, attempts.reached(own, status, ctx))]


def _move(state: State, task: Task, wanted: TaskStatus, command: EditTask, ctx: Context) -> list[Change]:
    """Raises: IllegalMove: the table has no such move."""
    if not moves(TASK, task.status, wanted, called(task)):
        return []
    if wanted is TaskStatus.IN_PROGRESS and task.status is TaskStatus.COMPLETED:
        return work.reopen_task(state, work.ReopenTask(task_id=task.id), ctx)
    return _MOVES[wanted](state, task, command, ctx)


def _put_back(state: State, task: Task, _command: EditTask, ctx: Context) -> list[Change]:
    """To do again: what was under way waits for its session to begin anew."""
    begun = [a for a in attempts.live_at(state, task.id) if a.status is not AssignmentStatus.QUEUED]
    waiting = [Put(Noun.ASSIGNMENT, attempts.reached(a, AssignmentStatus.QUEUED, ctx)) for a in begun]
    entry = told(task, None, EntryType.STATUS_CHANGED, "to do again", ctx)
    return [Put(Noun.TASK, moved(task, TaskStatus.TODO, ctx)), *waiting, entry]


def _start(state: State, task: Task, _command: EditTask, ctx: Context) -> list[Change]:
    return work.start_task(state, work.StartTask(task_id=task.id), ctx)


def _review(state: State, task: Task, command: EditTask, ctx: Context) -> list[Change]:
    return work.review_task(state, work.ReviewTask(task_id=task.id, note=command.reason), ctx)


def _complete(state: State, task: Task, command: EditTask, ctx: Context) -> list[Change]:
    done = work.CompleteTask(task_id=task.id, note=command.reason, override=command.override)
    return work.complete_task(state, done, ctx)


def _block(state: State, task: Task, command: EditTask, ctx: Context) -> list[Change]:
    return work.block_task(state, work.BlockTask(task_id=task.id, reason=command.reason or "blocked"), ctx)


def _cancel(state: State, task: Task, command: EditTask, ctx: Context) -> list[Change]:
    return work.cancel_task(state, work.CancelTask(task_id=task.id, reason=command.reason), ctx)


def _archive(state: State, task: Task, _command: EditTask, ctx: Context) -> list[Change]:
    return work.archive_task(state, work.ArchiveTask(task_id=task.id), ctx)


_MOVES: Mapping[TaskStatus, Callable[[State, Task, EditTask, Context], list[Change]]] = {
    TaskStatus.TODO: _put_back,
    TaskStatus.IN_PROGRESS: _start,
    TaskStatus.IN_REVIEW: _review,
    TaskStatus.COMPLETED: _complete,
    TaskStatus.BLOCKED: _block,
    TaskStatus.CANCELLED: _cancel,
    TaskStatus.ARCHIVED: _archive,
}
"""How each status is reached."""
