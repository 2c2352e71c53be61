"""Queues: the ordered tasks of a ``queue`` session, one at a time."""

from maestrod.domain import attempts, limits, work
from maestrod.domain.changes import Change, Command, Context, Put
from maestrod.domain.errors import Conflict, Invalid, NotFound
from maestrod.domain.finishing import Said, finish
from maestrod.domain.model import (
    LIVE_ITEM,
    PRIORITY_RANK,
    AssignmentStatus,
    ItemStatus,
    Noun,
    Priority,
    Queue,
    QueueItem,
    Session,
    Task,
    TaskStatus,
)
from maestrod.domain.moving import item_over, live_items
from maestrod.domain.revision import revised
from maestrod.domain.state import State

FIRST_BACK_OFF_MS = 5_000
LONGEST_BACK_OFF_MS = 300_000


class StartItem(Command, frozen=True, kw_only=True):
    """Take the next task of the queue, or the one that is being processed already."""

    session_id: str


class CompleteItem(Command, frozen=True, kw_only=True):
    """The task in process is done."""

    session_id: str
    note: str = ""


class FailItem(Command, frozen=True, kw_only=True):
    """The task in process did not work out; ``retry`` puts it back with a pause."""

    session_id: str
    reason: str
    retry: bool = False


class SkipItem(Command, frozen=True, kw_only=True):
    """Leave out the task in process, or the queued one that is named."""

    session_id: str
    item_id: str | None = None
    reason: str = ""


class PushItem(Command, frozen=True, kw_only=True):
    """Add a task to the queue, at its end or with ``first`` in front of those of its priority."""

    session_id: str
    task_id: str
    priority: Priority | None = None
    first: bool = False


class PauseQueue(Command, frozen=True, kw_only=True):
    """Hand out nothing until the queue is resumed."""

    session_id: str


class ResumeQueue(Command, frozen=True, kw_only=True):
    """Hand out tasks again."""

    session_id: str


class MoveItem(Command, frozen=True, kw_only=True):
    """Put a queued item at a place, counted from 0 among the queued ones."""

    session_id: str
    item_id: str
    to: int


def start_item(state: State, command: StartItem, ctx: Context) -> list[Change]:
    """Nothing to hand out changes nothing and is no error. Items that cannot start now are passed over."""
    session, queue = _queue(state, command.session_id)
    work.refuse_ended(session)
    if queue.paused or processing(state, session.id) is not None:
        return []
    item = next_item(state, session, ctx.now)
    if item is None:
        return []
    task = state.task(item.task_id)
    begun = revised(item, ctx, status=ItemStatus.PROCESSING, started_at=ctx.now, not_before=None)
    return [Put(Noun.ITEM, begun), *work.begin(state, task, session, ctx)]


def complete_item(state: State, command: CompleteItem, ctx: Context) -> list[Change]:
    """Completes the item, the attempt and, unless others work on it, the task; all of it waits for its checks."""
    session, _ = _queue(state, command.session_id)
    limits.Fields().text("note", command.note, limits.TEXT).end()
    task = state.task(_in_process(state, session).task_id)
    return finish(state, task, session, ctx, alone=True, said=Said(note=command.note))


def fail_item(state: State, command: FailItem, ctx: Context) -> list[Change]:
    """With ``retry`` it comes back after 5 s, 10 s, 20 s … at most 5 min; without, the task waits blocked."""
    session, _ = _queue(state, command.session_id)
    limits.Fields().text("reason", command.reason, limits.TEXT).end()
    item = _in_process(state, session)
    task = state.task(item.task_id)
    own = attempts.live(state, task.id, session.id)
    if command.retry:
        changes: list[Change] = [Put(Noun.ITEM, _put_back(item, command.reason, ctx))]
        status, result = AssignmentStatus.QUEUED, ""
        left = work.released(state, task, own, ctx) if own is not None else []
    else:
        changes = [Put(Noun.ITEM, item_over(item, ItemStatus.FAILED, ctx, command.reason))]
        status, result = AssignmentStatus.FAILED, command.reason
        stuck = task.status is TaskStatus.IN_PROGRESS and not work.works_elsewhere(state, task, session.id)
        left = [Put(Noun.TASK, work.failed(task, ctx, command.reason))] if stuck else []
    if own is not None:
        changes.append(Put(Noun.ASSIGNMENT, attempts.reached(own, status, ctx, result)))
    return [*changes, *left]


def _put_back(item: QueueItem, reason: str, ctx: Context) -> QueueItem:
    pause = min(FIRST_BACK_OFF_MS << min(item.attempts, 10), LONGEST_BACK_OFF_MS)
    return revised(
        item,
        ctx,
        status=ItemStatus.QUEUED,
        attempts=item.attempts + 1,
        started_at=None,
        fail_reason=reason,
        not_before=ctx.now + pause,
    )


def skip_item(state: State, command: SkipItem, ctx: Context) -> list[Change]:
    """A skipped task goes back to do when this session held it."""
    session, _ = _queue(state, command.session_id)
    limits.Fields().text("reason", command.reason, limits.TEXT).end()
    item = _item(state, session, command.item_id) if command.item_id else _in_process(state, session)
    if item.status is ItemStatus.SKIPPED:
        return []
    if item.status not in LIVE_ITEM:
        raise Conflict(
            f"item {item.id} is {item.status}",
            hint="Only queued items and the one in process can be skipped.",
        )
    task = state.task(item.task_id)
    own = attempts.live(state, task.id, session.id)
    changes: list[Change] = [Put(Noun.ITEM, item_over(item, ItemStatus.SKIPPED, ctx, command.reason or None))]
    if own is not None:
        skipped = attempts.reached(own, AssignmentStatus.SKIPPED, ctx, command.reason)
        changes += [Put(Noun.ASSIGNMENT, skipped), *work.released(state, task, own, ctx)]
    return changes


def push_item(state: State, command: PushItem, ctx: Context) -> list[Change]:
    """A task that was finished before comes as a new attempt; one that waits in this queue already stays.

    Pushed by others, the task is assigned to the session; pushed by the session, it is claimed when it starts.
    """
    session, queue = _queue(state, command.session_id)
    work.refuse_ended(session)
    task = state.task(command.task_id)
    if task.project_id != session.project_id:
        raise Invalid.field("taskId", f"{task.id} is a task of another project")
    if task.status in {TaskStatus.CANCELLED, TaskStatus.ARCHIVED}:
        raise Conflict(
            f"task {task.id} ({task.title}) is {task.status}", hint=f"`maestro task reopen {task.id}` takes it back."
        )
    if live_items(state, task, session):
        return []
    items = state.items(session.id)
    if len(items) >= limits.LIST:
        raise Conflict(f"the queue of {session.id} has {len(items)} items", hint="Start another session for more.")
    position = (items[0].position - 1 if command.first else items[-1].position + 1) if items else 0
    item = new_item(queue, task, ctx, position=position, priority=command.priority)
    assigned = ctx.actor.session_id == session.id or attempts.live(state, task.id, session.id) is not None
    return [
        Put(Noun.ITEM, item),
        *([] if assigned else [Put(Noun.ASSIGNMENT, attempts.opened(state, task, session, ctx))]),
    ]


def new_item(queue: Queue, task: Task, ctx: Context, *, position: int, priority: Priority | None = None) -> QueueItem:
    """A place in the queue for the task, with the task's priority unless another is given."""
    return QueueItem(
        id=ctx.new_id(Noun.ITEM),
        created_at=ctx.now,
        updated_at=ctx.now,
        queue_id=queue.id,
        session_id=queue.session_id,
        task_id=task.id,
        position=position,
        priority=priority or task.priority,
        added_at=ctx.now,
    )


def pause_queue(state: State, command: PauseQueue, ctx: Context) -> list[Change]:
    """The item in process goes on."""
    _, queue = _queue(state, command.session_id)
    return [] if queue.paused else [Put(Noun.QUEUE, revised(queue, ctx, paused=True))]


def resume_queue(state: State, command: ResumeQueue, ctx: Context) -> list[Change]:
    """Resuming what runs changes nothing."""
    _, queue = _queue(state, command.session_id)
    return [Put(Noun.QUEUE, revised(queue, ctx, paused=False))] if queue.paused else []


def move_item(state: State, command: MoveItem, ctx: Context) -> list[Change]:
    """The item takes the priority of the place it gets, so that the order is the one asked for."""
    session, _ = _queue(state, command.session_id)
    limits.Fields().number("to", command.to).end()
    item = _item(state, session, command.item_id)
    if item.status is not ItemStatus.QUEUED:
        raise Conflict(f"item {item.id} is {item.status}", hint="Only queued items can be moved.")
    row = [i for i in in_order(state, session.id) if i.id != item.id]
    place = max(0, min(command.to, len(row)))
    priority = row[min(place, len(row) - 1)].priority if row else item.priority
    row.insert(place, item)
    changes: list[Change] = []
    for number, each in enumerate(row):
        wanted = priority if each.id == item.id else each.priority
        if (each.position, each.priority) != (number, wanted):
            changes.append(Put(Noun.ITEM, revised(each, ctx, position=number, priority=wanted)))
    return changes


def in_order(state: State, session_id: str) -> list[QueueItem]:
    """The queued items as they will be handed out: by priority, then position."""
    queued = [i for i in state.items(session_id) if i.status is ItemStatus.QUEUED]
    return sorted(queued, key=lambda i: (PRIORITY_RANK[i.priority], i.position, i.id))


def next_item(state: State, session: Session, now: int) -> QueueItem | None:
    """The first queued item that may start now."""
    for item in in_order(state, session.id):
        if (item.not_before or 0) <= now and _startable(state, state.task(item.task_id), session):
            return item
    return None


def processing(state: State, session_id: str) -> QueueItem | None:
    """The item in process, if any."""
    return next((i for i in state.items(session_id) if i.status is ItemStatus.PROCESSING), None)


def _startable(state: State, task: Task, session: Session) -> bool:
    """Whether the session may claim it now: its own, or nobody's, and waiting for nothing."""
    if task.status in {TaskStatus.CANCELLED, TaskStatus.ARCHIVED} or work.waits(state, task):
        return False
    own = attempts.live(state, task.id, session.id)
    return own is not None or not attempts.live_at(state, task.id)


def _queue(state: State, session_id: str) -> tuple[Session, Queue]:
    session = state.session(session_id)
    queue = state.queue_of(session_id)
    if queue is None:
        raise Conflict(
            f"session {session.id} ({session.name}) has no queue: its strategy is {session.strategy}",
            hint="Only sessions spawned with `--strategy queue` have one.",
        )
    return session, queue


def _item(state: State, session: Session, item_id: str) -> QueueItem:
    item = state.item(item_id)
    if item.session_id != session.id:
        raise NotFound(Noun.ITEM, item_id)
    return item


def _in_process(state: State, session: Session) -> QueueItem:
    item = processing(state, session.id)
    if item is None:
        raise Conflict(
            f"session {session.id} has nothing in process", hint="Take the next task: `maestro queue start`."
        )
    return item
