"""What clients are told of a commit: names from one registry, derived once, kept in the commit.

``derive`` compares the state before with the changes. Data is not in it: it is the after-image in the
commit, or just the id where the commit did not change the entity.
"""

from collections.abc import Iterable, Iterator

from maestrod.domain.changes import Change, Command, Delete, Event, Put
from maestrod.domain.model import (
    LIVE_SESSION,
    Assignment,
    AssignmentStatus,
    Delivery,
    DeliveryState,
    Entity,
    EntryType,
    ItemStatus,
    Noun,
    QueueItem,
    Session,
    SessionStatus,
    Task,
    TaskStatus,
    TimelineEntry,
)
from maestrod.domain.state import State, is_done

_PREFIX = {Noun.ITEM: "queue", Noun.TIMELINE: "timeline", Noun.DOC: "doc"}
_MAIL = frozenset({Noun.MAIL, Noun.DELIVERY})
"""A mail is received, changed or deleted; what becomes of its deliveries is told as the mail's."""

EVENTS: frozenset[str] = frozenset(
    {
        *(
            f"{noun}:{deed}"
            for noun in Noun
            if noun not in {*_PREFIX, *_MAIL}
            for deed in ("created", "updated", "deleted")
        ),
        "task:session_added",
        "task:session_removed",
        "task:ready",
        "task:dependency_cancelled",
        "session:spawn",
        "session:resume",
        "session:task_added",
        "session:task_removed",
        "queue:item_pushed",
        "queue:item_updated",
        "queue:item_started",
        "queue:item_completed",
        "queue:item_failed",
        "queue:item_skipped",
        "queue:item_deleted",
        "timeline:added",
        "timeline:deleted",
        "doc:added",
        "doc:deleted",
        "mail:received",
        "mail:updated",
        "mail:deleted",
        "mail:held",
        *(f"mail:{state}" for state in DeliveryState),
        "delivery:deleted",
        "template:reset",
        "notify:task_completed",
        "notify:task_blocked",
        "notify:task_in_review",
        "notify:task_session_completed",
        "notify:task_session_failed",
        "notify:session_completed",
        "notify:session_failed",
        "notify:needs_input",
        "notify:progress",
    }
)
"""Every event that a commit can make; ``session:live`` and the stream's own frames are not commits'."""

_ITEM_EVENTS = {
    ItemStatus.PROCESSING: "queue:item_started",
    ItemStatus.COMPLETED: "queue:item_completed",
    ItemStatus.FAILED: "queue:item_failed",
    ItemStatus.SKIPPED: "queue:item_skipped",
    ItemStatus.QUEUED: "queue:item_updated",
}

_TASK_NOTICES = {
    TaskStatus.COMPLETED: "notify:task_completed",
    TaskStatus.BLOCKED: "notify:task_blocked",
    TaskStatus.IN_REVIEW: "notify:task_in_review",
}

_ASSIGNMENT_NOTICES = {
    AssignmentStatus.COMPLETED: "notify:task_session_completed",
    AssignmentStatus.FAILED: "notify:task_session_failed",
}

_SESSION_NOTICES = {
    SessionStatus.COMPLETED: "notify:session_completed",
    SessionStatus.FAILED: "notify:session_failed",
}


_COMMAND_EVENTS = {
    "SpawnSession": (Noun.SESSION, ("session:spawn",)),
    "ResumeSession": (Noun.SESSION, ("session:resume",)),
    "ResetTemplate": (Noun.TEMPLATE, ("template:reset",)),
    "UnassignTask": (Noun.ASSIGNMENT, ("task:session_removed", "session:task_removed")),
}


_OF_THE_PAST = frozenset({"UndoCommit", "ImportEntities"})
"""What comes back, or comes from elsewhere, does not happen again: nobody is notified."""


def derive(before: State, command: Command, changes: Iterable[Change]) -> tuple[Event, ...]:
    """The events of a commit in their order; ``before`` is the state without its changes."""
    changes = tuple(changes)
    found: list[Event] = []
    for change in changes:
        old = before.table(change.noun).get(change.id)
        found += _of_change(change, old)
    found += _of_command(command, changes)
    found += _readiness(before, changes)
    if type(command).__name__ in _OF_THE_PAST:
        found = [event for event in found if not event.name.startswith("notify:")]
    return tuple(found)


def _of_change(change: Change, old: Entity | None) -> Iterator[Event]:
    noun, id_ = change.noun, change.id
    if isinstance(change, Delete):
        yield Event(_deleted(noun), noun, id_)
        if noun is Noun.ASSIGNMENT:
            yield Event("task:session_removed", noun, id_)
            yield Event("session:task_removed", noun, id_)
        return
    yield Event(_put(noun, change.entity, old), noun, id_)
    for name in _notices(change.entity, old):
        yield Event(name, noun, id_)


def _deleted(noun: Noun) -> str:
    return "queue:item_deleted" if noun is Noun.ITEM else f"{_PREFIX.get(noun, noun)}:deleted"


def _put(noun: Noun, entity: Entity, old: Entity | None) -> str:
    if isinstance(entity, QueueItem):
        return "queue:item_pushed" if old is None else _item_event(entity, old)
    if isinstance(entity, Delivery):
        held = entity.state is DeliveryState.QUEUED and entity.reason is not None
        return "mail:held" if held else f"mail:{entity.state}"
    if noun is Noun.MAIL and old is None:
        return "mail:received"
    if noun in _PREFIX:
        return f"{_PREFIX[noun]}:added"
    return f"{noun}:{'created' if old is None else 'updated'}"


def _item_event(item: QueueItem, old: Entity) -> str:
    moved = isinstance(old, QueueItem) and old.status is not item.status
    return _ITEM_EVENTS[item.status] if moved else "queue:item_updated"


def _notices(entity: Entity, old: Entity | None) -> Iterator[str]:
    match entity:
        case Task(status=status) if not isinstance(old, Task) or old.status is not status:
            yield from _named(_TASK_NOTICES.get(status))
        case Assignment(status=status):
            if old is None:
                yield from ("task:session_added", "session:task_added")
            if not isinstance(old, Assignment) or old.status is not status:
                yield from _named(_ASSIGNMENT_NOTICES.get(status))
        case Session():
            yield from _session_notices(entity, old if isinstance(old, Session) else None)
        case TimelineEntry(type=EntryType.PROGRESS):
            yield "notify:progress"
        case _:
            return


def _session_notices(session: Session, old: Session | None) -> Iterator[str]:
    if session.needs_input.active and not (old is not None and old.needs_input.active):
        yield "notify:needs_input"
    if old is not None and old.status is not session.status and session.status not in LIVE_SESSION:
        yield from _named(_SESSION_NOTICES.get(session.status))


def _named(name: str | None) -> tuple[str, ...]:
    return (name,) if name else ()


def _of_command(command: Command, changes: tuple[Change, ...]) -> Iterator[Event]:
    noun, names = _COMMAND_EVENTS.get(type(command).__name__, (None, ()))
    for change in changes:
        if change.noun is noun:
            yield from (Event(name, change.noun, change.id) for name in names)


def _readiness(before: State, changes: tuple[Change, ...]) -> Iterator[Event]:
    put = {c.id: c.entity for c in changes if isinstance(c, Put) and isinstance(c.entity, Task)}
    for id_, task in put.items():
        old = before.table(Noun.TASK).get(id_)
        was = old if isinstance(old, Task) else None
        if task.status is TaskStatus.CANCELLED and was is not None and was.status is not TaskStatus.CANCELLED:
            yield from (Event("task:dependency_cancelled", Noun.TASK, d.id) for d in before.dependents(id_))
        if is_done(task) and not is_done(was):
            yield from _made_ready(before, put, id_)
        freed = was is not None and id_ in before.unmet and task.dependencies != was.dependencies
        if freed and task.status is TaskStatus.TODO and _waits_for_none(before, put, task):
            yield Event("task:ready", Noun.TASK, id_)


def _made_ready(before: State, put: dict[str, Task], id_: str) -> Iterator[Event]:
    for dependent in before.dependents(id_):
        after = put.get(dependent.id, dependent)
        if after.status is TaskStatus.TODO and _waits_for_none(before, put, after):
            yield Event("task:ready", Noun.TASK, dependent.id)


def _waits_for_none(before: State, put: dict[str, Task], task: Task) -> bool:
    tasks = before.table(Noun.TASK)
    waited = (put.get(d, tasks.get(d)) for d in task.dependencies)
    return all(is_done(t) for t in waited if isinstance(t, Task))
