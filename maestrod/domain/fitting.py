"""One entity from elsewhere by itself: texts within limits, times that fit the status, no live work of the dead."""

import re
from collections.abc import Callable

import msgspec
from msgspec.structs import replace

from maestrod.domain import limits
from maestrod.domain.model import (
    LIVE_ASSIGNMENT,
    LIVE_ITEM,
    LIVE_SESSION,
    UNREAD,
    Assignment,
    AssignmentStatus,
    Check,
    CheckStatus,
    Delivery,
    DeliveryState,
    Entity,
    ItemStatus,
    Mail,
    NeedsInput,
    Noun,
    Ordering,
    Project,
    Queue,
    QueueItem,
    Session,
    Subtask,
    Task,
    TaskStatus,
)
from maestrod.domain.templates import SHIPPED

UNKNOWN = "unknown"
NOWHERE = "/nowhere"
"""Below it lie the directories of projects that do not say theirs."""
GONE = "its session has ended without a report"

_LINES = {"name": limits.NAME, "title": limits.TITLE, "subject": limits.TITLE}
_TEXTS = {"description": limits.TEXT, "message": limits.MESSAGE, "blocked_reason": limits.TEXT}
_BEGUN = frozenset({TaskStatus.IN_PROGRESS, TaskStatus.COMPLETED})
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


def misfit(entity: Entity, get: Callable[[Noun, str], Entity | None]) -> str:
    """Why an entity whose links all hold cannot be taken; empty for one that can."""
    match entity:
        case Check(task_id=task_id, command=command):
            task = get(Noun.TASK, task_id)
            return "" if isinstance(task, Task) and command in task.checks else f"{task_id} has no check {command!r}"
        case QueueItem(queue_id=queue_id, session_id=session_id):
            queue = get(Noun.QUEUE, queue_id)
            fits = isinstance(queue, Queue) and queue.session_id == session_id
            return "" if fits else f"{queue_id} is the queue of another session"
        case _:
            return ""


def fitted(entity: Entity, session: Callable[[str | None], Session | None]) -> Entity:
    """The entity as it can be taken: the same when all of it fits."""
    entity = _worded(entity)
    live = _lives(session(getattr(entity, "session_id", None)))
    match entity:
        case Project():
            return replace(entity, working_dir=_directory(entity))
        case Task():
            return _task(entity)
        case Session():
            return _session(entity, session)
        case Assignment():
            return _assignment(entity, live=live)
        case QueueItem():
            return _item(entity, live=live)
        case Delivery():
            return _delivery(entity, live=live)
        case _:
            return _small(entity)


def _small(entity: Entity) -> Entity:
    match entity:
        case Subtask():
            return replace(entity, completed_at=_when(entity.completed_at, entity, there=entity.completed))
        case Ordering():
            return replace(entity, ordered_ids=tuple(dict.fromkeys(entity.ordered_ids)))
        case Check():
            ended = entity.status is not CheckStatus.RUNNING
            return replace(entity, ended_at=_when(entity.ended_at, entity, there=ended))
        case Mail():
            sender = None if entity.from_session_id else entity.from_user or UNKNOWN
            return replace(entity, from_user=sender)
        case _:
            return entity


def _worded(entity: Entity) -> Entity:
    """Its texts within their limits, its metadata small enough."""
    told: dict[str, object] = {}
    for name in entity.__struct_fields__:
        value = getattr(entity, name)
        if isinstance(value, str) and name in _LINES:
            told[name] = _BREAKS.sub(" ", value).strip()[: _LINES[name]].strip() or f"({UNKNOWN})"
        elif isinstance(value, str) and name in _TEXTS:
            told[name] = _CONTROL.sub("", value)[: _TEXTS[name]]
        elif isinstance(value, dict) and name == "metadata" and len(msgspec.json.encode(value)) > limits.METADATA:
            told[name] = None
    return replace(entity, **told)


def _directory(project: Project) -> str:
    path = _CONTROL.sub("", project.working_dir)
    absolute = path.startswith("/") and len(path) <= limits.PATH
    parts = path.split("/")
    if not absolute or ".." in parts:
        return f"{NOWHERE}/{project.id}"
    return "/" + "/".join(part for part in parts if part not in {"", "."})


def _when(at: int | None, entity: Entity, *, there: bool) -> int | None:
    """A time that is there when it must be, and only then."""
    return (at if at is not None else entity.updated_at) if there else None


def _lives(session: Session | None) -> bool:
    return session is not None and session.status in LIVE_SESSION


def _task(task: Task) -> Task:
    done, blocked = task.status is TaskStatus.COMPLETED, task.status is TaskStatus.BLOCKED
    archived = task.status is TaskStatus.ARCHIVED
    return replace(
        task,
        completed_at=task.completed_at if archived else _when(task.completed_at, task, there=done),
        started_at=_when(task.started_at, task, there=task.started_at is not None or task.status in _BEGUN),
        blocked_reason=(task.blocked_reason or UNKNOWN) if blocked else None,
        review_reason=task.review_reason if task.status is TaskStatus.IN_REVIEW else None,
        dependencies=tuple(dict.fromkeys(task.dependencies)),
    )


def _assignment(own: Assignment, *, live: bool) -> Assignment:
    if own.status in LIVE_ASSIGNMENT and not live:
        own = replace(own, status=AssignmentStatus.FAILED, result=own.result or GONE)
    working = own.status is AssignmentStatus.WORKING
    return replace(
        own,
        ended_at=_when(own.ended_at, own, there=own.status not in LIVE_ASSIGNMENT),
        started_at=_when(own.started_at, own, there=working or own.started_at is not None),
    )


def _session(own: Session, session: Callable[[str | None], Session | None]) -> Session:
    top = own
    while (above := session(top.parent_session_id)) is not None:
        top = above
    live = own.status in LIVE_SESSION
    shipped = SHIPPED.get(own.template_id or "")
    return replace(
        own,
        root_session_id=top.id,
        template_id=None if shipped is not None and shipped.role is not own.role else own.template_id,
        completed_at=_when(own.completed_at, own, there=not live),
        needs_input=own.needs_input if live or not own.needs_input.active else NeedsInput(),
    )


def _item(item: QueueItem, *, live: bool) -> QueueItem:
    if item.status is ItemStatus.PROCESSING and not live:
        item = replace(item, status=ItemStatus.QUEUED, started_at=None)
    taken = item.status is ItemStatus.PROCESSING
    return replace(
        item,
        completed_at=_when(item.completed_at, item, there=item.status not in LIVE_ITEM),
        started_at=_when(item.started_at, item, there=taken or item.started_at is not None),
    )


def _delivery(own: Delivery, *, live: bool) -> Delivery:
    if own.state in UNREAD and not live:
        own = replace(own, state=DeliveryState.BOUNCED, reason=own.reason or GONE)
    bounced = own.state is DeliveryState.BOUNCED
    steps = tuple(sorted(own.steps, key=lambda step: step.at))
    at = max([own.at, *(step.at for step in steps)])
    return replace(own, reason=(own.reason or UNKNOWN) if bounced else None, steps=steps, at=at)
