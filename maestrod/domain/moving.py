"""How a task, and its places in queues, get from one status to the next; shared by all that moves them."""

from maestrod.domain import tables
from maestrod.domain.changes import Context, Put
from maestrod.domain.model import LIVE_ITEM, EntryType, ItemStatus, Noun, QueueItem, Session, Task, TaskStatus
from maestrod.domain.revision import revised
from maestrod.domain.state import State
from maestrod.domain.timeline import entry


def called(task: Task) -> str:
    """The task as a sentence names it."""
    return f"task {task.id} ({task.title})"


def reopening(task: Task) -> str:
    """The hint for a task that is over."""
    return f"`maestro task reopen {task.id}` takes it back."


def moves_of(task: Task) -> list[str]:
    """Where a task that is over can go other than by reopening it."""
    return sorted(tables.TASK[task.status] - {TaskStatus.IN_PROGRESS, TaskStatus.TODO})


def moved(
    task: Task,
    status: TaskStatus,
    ctx: Context,
    *,
    blocked_reason: str | None = None,
    review_reason: str | None = None,
) -> Task:
    """The task in another status, with the times and reasons that go with it."""
    fields: dict[str, object] = {"status": status, "blocked_reason": blocked_reason, "review_reason": review_reason}
    if status in {TaskStatus.IN_PROGRESS, TaskStatus.COMPLETED} and task.started_at is None:
        fields["started_at"] = ctx.now
    if status is TaskStatus.COMPLETED:
        fields["completed_at"] = ctx.now
    elif status is not TaskStatus.ARCHIVED:
        fields["completed_at"] = None
    return revised(task, ctx, **fields)


def told(
    task: Task,
    session: Session | None,
    type_: EntryType,
    message: str,
    ctx: Context,
    metadata: dict[str, object] | None = None,
) -> Put:
    """A new entry on the timelines of the task and the session."""
    session_id = session.id if session is not None else None
    made = entry(
        ctx, type_, message, project_id=task.project_id, session_id=session_id, task_id=task.id, metadata=metadata
    )
    return Put(Noun.TIMELINE, made)


def live_items(state: State, task: Task, session: Session | None = None) -> list[QueueItem]:
    """Where the task waits or is in process, in all queues or in the session's."""
    return [
        i
        for i in state.items_of_task(task.id)
        if i.status in LIVE_ITEM and (session is None or i.session_id == session.id)
    ]


def item_over(item: QueueItem, status: ItemStatus, ctx: Context, reason: str | None = None) -> QueueItem:
    """The item in its last status; one that was never in process can only be skipped."""
    if status not in tables.ITEM[item.status]:
        status = ItemStatus.SKIPPED
    return revised(item, ctx, status=status, completed_at=ctx.now, fail_reason=reason)
