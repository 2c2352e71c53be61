"""Working on tasks: claiming them and moving them on.

A task's status and the assignments on it move together, in one commit. The session that acts is the
one named, else the one that asks; a person who names none moves the task alone.
"""

from maestrod.domain import attempts, limits, tables
from maestrod.domain.changes import Change, Command, Context, Put
from maestrod.domain.errors import AlreadyClaimed, Conflict, IllegalMove, NotAllowed, NotReady
from maestrod.domain.finishing import Said, ending, finish
from maestrod.domain.model import (
    LIVE_ASSIGNMENT,
    LIVE_SESSION,
    OVER_TASK,
    Assignment,
    AssignmentStatus,
    EntryType,
    ItemStatus,
    Noun,
    Role,
    Session,
    Task,
    TaskStatus,
)
from maestrod.domain.moving import called, item_over, live_items, moved, moves_of, reopening, told
from maestrod.domain.state import State


class StartTask(Command, frozen=True, kw_only=True):
    """Claim a task and begin; ``force`` starts one whose dependencies are open (people only)."""

    task_id: str
    session_id: str | None = None
    force: bool = False


class CompleteTask(Command, frozen=True, kw_only=True):
    """Say that a task is done; ``override`` though its checks do not stand (people only)."""

    task_id: str
    note: str = ""
    session_id: str | None = None
    evidence: tuple[str, ...] = ()
    override: bool = False


class ReviewTask(Command, frozen=True, kw_only=True):
    """Hand a task over for review."""

    task_id: str
    note: str = ""
    session_id: str | None = None


class BlockTask(Command, frozen=True, kw_only=True):
    """Say that a task cannot go on, and why."""

    task_id: str
    reason: str
    session_id: str | None = None


class UnblockTask(Command, frozen=True, kw_only=True):
    """The obstacle is gone."""

    task_id: str
    session_id: str | None = None


class CancelTask(Command, frozen=True, kw_only=True):
    """Give a task up."""

    task_id: str
    reason: str = ""


class ReopenTask(Command, frozen=True, kw_only=True):
    """Take a completed, cancelled or archived task back."""

    task_id: str


class ArchiveTask(Command, frozen=True, kw_only=True):
    """Put a finished task aside."""

    task_id: str


class AssignTask(Command, frozen=True, kw_only=True):
    """Give a task to a session, which then may start it whoever else works on it."""

    task_id: str
    session_id: str


class UnassignTask(Command, frozen=True, kw_only=True):
    """Take a task from a session."""

    task_id: str
    session_id: str


def start_task(state: State, command: StartTask, ctx: Context) -> list[Change]:
    """One winner: the loser's error names the holder. Starting what one holds changes nothing."""
    task = state.task(command.task_id)
    session = _acting(state, task, command.session_id, ctx)
    own = attempts.live(state, task.id, session.id) if session is not None else None
    held = session is None or (own is not None and own.status is AssignmentStatus.WORKING)
    if held and task.status is TaskStatus.IN_PROGRESS:
        return []
    if session is not None:
        refuse_ended(session)
        if own is None:
            _refuse_held(state, task, reserved=_for_itself(session, ctx))
    _refuse_unstartable(state, task, force=command.force)
    return begin(state, task, session, ctx)


def complete_task(state: State, command: CompleteTask, ctx: Context) -> list[Change]:
    """A worker's own attempt ends; the task completes when no other live attempt is left.

    A person or an orchestrator completes it at once. What a dead attempt says is kept as a late report.
    While its checks do not stand it goes to review instead, and nothing ends.
    """
    task = state.task(command.task_id)
    fields = limits.Fields().text("note", command.note, limits.TEXT)
    fields.lines("evidence", command.evidence, limits.TEXT).end()
    session = _acting(state, task, command.session_id, ctx)
    own = _last(state, task, session)
    if _is_late(own, session, ctx):
        said = own is not None and own.status is AssignmentStatus.COMPLETED
        return [] if said else [_late(task, session, EntryType.TASK_COMPLETED, command.note or task.title, ctx)]
    alone = _for_itself(session, ctx)
    if task.status is TaskStatus.COMPLETED and not ending(state, task, session, alone=alone):
        return []
    saying = Said(note=command.note, evidence=command.evidence, override=command.override)
    return finish(state, task, session, ctx, alone=alone, said=saying)


def review_task(state: State, command: ReviewTask, ctx: Context) -> list[Change]:
    """The attempt stays open: a reviewer may send it back."""
    task = state.task(command.task_id)
    limits.Fields().text("note", command.note, limits.TEXT).end()
    session = _acting(state, task, command.session_id, ctx)
    note = command.note or "in review"
    if _is_late(_last(state, task, session), session, ctx):
        return [_late(task, session, EntryType.STATUS_CHANGED, note, ctx)]
    if not tables.moves(tables.TASK, task.status, TaskStatus.IN_REVIEW, called(task)):
        return []
    after = moved(task, TaskStatus.IN_REVIEW, ctx)
    return [Put(Noun.TASK, after), told(task, session, EntryType.STATUS_CHANGED, note, ctx)]


def block_task(state: State, command: BlockTask, ctx: Context) -> list[Change]:
    """The reason is kept on the task; the attempt waits with it, unless it was not begun."""
    task = state.task(command.task_id)
    limits.Fields().said("reason", command.reason, limits.TEXT).end()
    session = _acting(state, task, command.session_id, ctx)
    own = _last(state, task, session)
    if _is_late(own, session, ctx):
        return [_late(task, session, EntryType.TASK_BLOCKED, command.reason, ctx)]
    if not tables.moves(tables.TASK, task.status, TaskStatus.BLOCKED, called(task)):
        return []
    changes: list[Change] = [Put(Noun.TASK, moved(task, TaskStatus.BLOCKED, ctx, blocked_reason=command.reason))]
    if own is not None and own.status is AssignmentStatus.WORKING:
        changes.append(Put(Noun.ASSIGNMENT, attempts.reached(own, AssignmentStatus.BLOCKED, ctx, command.reason)))
    return [*changes, told(task, session, EntryType.TASK_BLOCKED, command.reason, ctx)]


def unblock_task(state: State, command: UnblockTask, ctx: Context) -> list[Change]:
    """Blocked attempts go on, and the task with them.

    Without any, or while dependencies are open, the task is to do again.
    """
    task = state.task(command.task_id)
    session = _acting(state, task, command.session_id, ctx)
    if _is_late(_last(state, task, session), session, ctx):
        return [_late(task, session, EntryType.STATUS_CHANGED, "unblocked", ctx)]
    if task.status in OVER_TASK:
        raise IllegalMove(called(task), task.status, TaskStatus.TODO, moves_of(task), hint=reopening(task))
    if task.status is not TaskStatus.BLOCKED:
        return []
    waiting = [a for a in attempts.live_at(state, task.id) if a.status is AssignmentStatus.BLOCKED]
    if state.blockers(task):
        waiting = []
    after = moved(task, TaskStatus.IN_PROGRESS if waiting else TaskStatus.TODO, ctx)
    going_on = [Put(Noun.ASSIGNMENT, attempts.reached(a, AssignmentStatus.WORKING, ctx)) for a in waiting]
    return [Put(Noun.TASK, after), *going_on, told(task, session, EntryType.STATUS_CHANGED, "unblocked", ctx)]


def cancel_task(state: State, command: CancelTask, ctx: Context) -> list[Change]:
    """Live attempts and queued items are skipped; dependents keep waiting."""
    task = state.task(command.task_id)
    limits.Fields().text("reason", command.reason, limits.TEXT).end()
    if not tables.moves(tables.TASK, task.status, TaskStatus.CANCELLED, called(task)):
        return []
    given_up = Put(Noun.TASK, moved(task, TaskStatus.CANCELLED, ctx))
    skipped = _skipped(state, task, ctx, command.reason)
    return [given_up, *skipped, told(task, None, EntryType.TASK_SKIPPED, command.reason or "cancelled", ctx)]


def reopen_task(state: State, command: ReopenTask, ctx: Context) -> list[Change]:
    """A completed task goes on; a cancelled or archived one is to do again; what is open stays as it is."""
    task = state.task(command.task_id)
    if task.status not in OVER_TASK:
        return []
    wanted = TaskStatus.IN_PROGRESS if task.status is TaskStatus.COMPLETED else TaskStatus.TODO
    return [Put(Noun.TASK, moved(task, wanted, ctx)), told(task, None, EntryType.STATUS_CHANGED, "reopened", ctx)]


def archive_task(state: State, command: ArchiveTask, ctx: Context) -> list[Change]:
    """Only what is completed or cancelled can be put aside; attempts to come are skipped."""
    task = state.task(command.task_id)
    if not tables.moves(tables.TASK, task.status, TaskStatus.ARCHIVED, called(task)):
        return []
    return [Put(Noun.TASK, moved(task, TaskStatus.ARCHIVED, ctx)), *_skipped(state, task, ctx, "archived")]


def assign_task(state: State, command: AssignTask, ctx: Context) -> list[Change]:
    """Assigning what is assigned changes nothing."""
    task, session = state.task(command.task_id), state.session(command.session_id)
    refuse_ended(session)
    _same_project(task, session)
    if attempts.live(state, task.id, session.id) is not None:
        return []
    if task.status in OVER_TASK:
        raise Conflict(f"{called(task)} is {task.status}", hint=reopening(task))
    return [Put(Noun.ASSIGNMENT, attempts.opened(state, task, session, ctx))]


def unassign_task(state: State, command: UnassignTask, ctx: Context) -> list[Change]:
    """The attempt and the session's queue items of it are skipped; a task that nobody else works on is to do again."""
    task, session = state.task(command.task_id), state.session(command.session_id)
    own = attempts.live(state, task.id, session.id)
    if own is None:
        return []
    skipped = attempts.reached(own, AssignmentStatus.SKIPPED, ctx, f"taken back by {ctx.actor}")
    items = [Put(Noun.ITEM, item_over(i, ItemStatus.SKIPPED, ctx)) for i in live_items(state, task, session)]
    return [Put(Noun.ASSIGNMENT, skipped), *items, *released(state, task, own, ctx)]


# -- what several commands share ----------------------------------------------------------------------


def begin(state: State, task: Task, session: Session | None, ctx: Context) -> list[Change]:
    """The task in progress, and the session's attempt at it working."""
    changes: list[Change] = []
    if task.status is not TaskStatus.IN_PROGRESS:
        changes.append(Put(Noun.TASK, moved(task, TaskStatus.IN_PROGRESS, ctx)))
    if session is not None:
        own = attempts.live(state, task.id, session.id)
        if own is None:
            begun = attempts.opened(state, task, session, ctx, status=AssignmentStatus.WORKING)
            changes.append(Put(Noun.ASSIGNMENT, begun))
        elif own.status is not AssignmentStatus.WORKING:
            changes.append(Put(Noun.ASSIGNMENT, attempts.reached(own, AssignmentStatus.WORKING, ctx)))
    return [*changes, told(task, session, EntryType.TASK_STARTED, task.title, ctx)]


def released(state: State, task: Task, own: Assignment, ctx: Context) -> list[Change]:
    """The task back to do, when this attempt was the only one that held it in progress."""
    if own.status is not AssignmentStatus.WORKING or task.status is not TaskStatus.IN_PROGRESS:
        return []
    if works_elsewhere(state, task, own.session_id):
        return []
    return [Put(Noun.TASK, moved(task, TaskStatus.TODO, ctx))]


def works_elsewhere(state: State, task: Task, session_id: str) -> bool:
    """Whether another session works on the task now."""
    others = (a for a in attempts.live_at(state, task.id) if a.session_id != session_id)
    return any(a.status is AssignmentStatus.WORKING for a in others)


def waits(state: State, task: Task) -> list[Task]:
    """What a task that is not under way waits for."""
    return state.blockers(task) if task.status in {TaskStatus.TODO, TaskStatus.BLOCKED} else []


def refuse_ended(session: Session) -> None:
    """Raises: Conflict: the session has ended."""
    if session.status not in LIVE_SESSION:
        raise Conflict(
            f"session {session.id} ({session.name}) is {session.status}",
            hint=f"Start another one, or resume it: `maestro session resume {session.id}`.",
        )


def failed(task: Task, ctx: Context, reason: str) -> Task:
    """The task after an attempt that will not be repeated: it waits for somebody to look."""
    return moved(task, TaskStatus.BLOCKED, ctx, blocked_reason=f"failed: {reason}" if reason else "failed")


def _skipped(state: State, task: Task, ctx: Context, reason: str) -> list[Change]:
    """Every live attempt and every live item of the task, left out."""
    live = attempts.live_at(state, task.id)
    given_up = [Put(Noun.ASSIGNMENT, attempts.reached(a, AssignmentStatus.SKIPPED, ctx, reason)) for a in live]
    return [*given_up, *(Put(Noun.ITEM, item_over(i, ItemStatus.SKIPPED, ctx)) for i in live_items(state, task))]


def _acting(state: State, task: Task, session_id: str | None, ctx: Context) -> Session | None:
    """The session for which the command is meant: the one named, else the one that asks."""
    chosen = session_id or ctx.actor.session_id
    if not chosen:
        return None
    session = state.session(chosen)
    _same_project(task, session)
    return session


def _refuse_held(state: State, task: Task, *, reserved: bool) -> None:
    """``reserved``: also by a session that was given the task and has not begun, or waits."""
    for held in attempts.live_at(state, task.id):
        if reserved or held.status is AssignmentStatus.WORKING:
            raise AlreadyClaimed(called(task), held.session_id, state.session(held.session_id).name)


def _refuse_unstartable(state: State, task: Task, *, force: bool) -> None:
    if task.status in OVER_TASK:
        raise IllegalMove(called(task), task.status, TaskStatus.IN_PROGRESS, moves_of(task), hint=reopening(task))
    blockers = waits(state, task)
    if blockers and not force:
        raise NotReady(called(task), [(t.id, t.title) for t in blockers])


def _last(state: State, task: Task, session: Session | None) -> Assignment | None:
    return attempts.last(state, task.id, session.id) if session is not None else None


def _for_itself(session: Session | None, ctx: Context) -> bool:
    """Whether a worker speaks for itself, and not somebody with authority over the task."""
    return session is not None and ctx.actor.session_id == session.id and session.role is Role.WORKER


def _is_late(own: Assignment | None, session: Session | None, ctx: Context) -> bool:
    return own is not None and own.status not in LIVE_ASSIGNMENT and _for_itself(session, ctx)


def _late(task: Task, session: Session | None, type_: EntryType, message: str, ctx: Context) -> Put:
    return told(task, session, type_, message, ctx, {"late": True})


def _same_project(task: Task, session: Session) -> None:
    if task.project_id != session.project_id:
        raise NotAllowed(
            f"{called(task)} is of another project than session {session.id}",
            hint="Take a task of the session's own project.",
        )
