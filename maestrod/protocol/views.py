"""Entities as answers: the stored fields, and those derived on reading."""

from collections.abc import Callable, Iterable, Mapping

import msgspec

from maestrod.domain import graph, orderings, worktrees
from maestrod.domain.errors import NotFound
from maestrod.domain.model import (
    LIVE_ASSIGNMENT,
    LIVE_ITEM,
    AssignmentStatus,
    CheckStatus,
    Delivery,
    DeliveryState,
    Doc,
    Entity,
    ItemStatus,
    Key,
    Mail,
    Noun,
    Ordering,
    QueueItem,
    Session,
    Step,
    Task,
    TaskStatus,
)
from maestrod.domain.queues import in_order, processing
from maestrod.domain.state import State

encode = msgspec.json.Encoder().encode

LONG_FIELDS = ("description", "initialPrompt", "prompt", "content", "acceptanceCriteria", "metadata", "body")


class Progress(msgspec.Struct, frozen=True):
    """How much of a checklist is ticked."""

    done: int
    total: int


class CheckProgress(msgspec.Struct, frozen=True):
    """How the checks of a task went when they last ran; ``running`` are still under way."""

    passed: int
    running: int
    total: int


class TaskExtra(msgspec.Struct, frozen=True, rename="camel"):
    """What is derived of a task."""

    session_ids: tuple[str, ...]
    task_session_statuses: Mapping[str, AssignmentStatus]
    blocked_by: tuple[str, ...]
    ready: bool
    subtask_progress: Progress
    child_count: int
    check_progress: CheckProgress


class SessionExtra(msgspec.Struct, frozen=True, rename="camel"):
    """What is derived of a session; ``live`` are facts that are not state."""

    task_ids: tuple[str, ...]
    queue_id: str | None
    unread_mail: int = 0
    live: object = None


class QueueExtra(msgspec.Struct, frozen=True):
    """What is derived of a queue: its items, those to come as they will be handed out, and how many of each kind."""

    items: tuple[QueueItem, ...]
    stats: Mapping[str, int]


class DocExtra(msgspec.Struct, frozen=True, rename="camel"):
    """What is derived of a document: its length in characters, and who left it."""

    size: int
    session_name: str | None


class Receipt(msgspec.Struct, frozen=True, rename="camel"):
    """How far a mail got with one receiver; ``steps`` are the states before."""

    session_id: str
    session_name: str
    state: DeliveryState
    at: int
    channel: str
    reason: str | None
    steps: tuple[Step, ...]


class MailExtra(msgspec.Struct, frozen=True, rename="camel"):
    """What is derived of a mail for who looks at all of it."""

    from_name: str
    deliveries: tuple[Receipt, ...]


class LetterExtra(msgspec.Struct, frozen=True, rename="camel"):
    """What is derived of a mail for one receiver."""

    from_name: str
    delivery: Receipt


EXTRAS: Mapping[Noun, type[msgspec.Struct]] = {
    Noun.TASK: TaskExtra,
    Noun.SESSION: SessionExtra,
    Noun.QUEUE: QueueExtra,
    Noun.DOC: DocExtra,
    Noun.MAIL: MailExtra,
}
"""What is derived of an entity, beside its own fields."""


def entity_json(state: State, entity: Entity, *, live: object = None, summary: bool = False) -> bytes:
    """The entity as its resource; a delivery is the mail as its receiver sees it."""
    match entity:
        case Task():
            return _task_json(state, entity, summary=summary)
        case Session():
            return _joined(entity, session_extra(state, entity, live), summary=summary)
        case Doc():
            return _joined(entity, _doc_extra(state, entity), summary=summary)
        case Key():
            return stored_json(entity)
        case Ordering():
            whole = orderings.whole(state, entity)
            return encode(msgspec.structs.replace(entity, ordered_ids=whole))
        case Mail():
            extra = MailExtra(_sender_name(state, entity), receipts_of(state, entity.id))
            return _joined(entity, extra, summary=summary)
        case Delivery():
            mail = state.mail(entity.mail_id)
            return _joined(mail, LetterExtra(_sender_name(state, mail), _receipt(state, entity)), summary=summary)
        case _:
            return _joined(entity, None, summary=summary)


KEPT_BACK = ("hash",)
"""What is never shown of a key."""


def stored_json(entity: Entity) -> bytes:
    """The stored fields of an entity, as far as anybody may see them."""
    if not isinstance(entity, Key):
        return encode(entity)
    shown = msgspec.to_builtins(entity)
    for name in KEPT_BACK:
        del shown[name]
    return encode(shown)


def rows_json(
    state: State, entities: Iterable[Entity], live: Callable[[str], object], *, summary: bool = False
) -> bytes:
    """The entities as their resources, joined by commas; ``live`` gives the facts of a session."""
    rows = []
    for entity in entities:
        if isinstance(entity, Task):
            rows.append(_task_json(state, entity, summary=summary))
        else:
            rows.append(entity_json(state, entity, live=live(entity.id), summary=summary))
    return b",".join(rows)


def _task_json(state: State, task: Task, *, summary: bool) -> bytes:
    groups, id_ = state.groups, task.id
    hung = ("task-assignments", id_) in groups or ("subtasks", id_) in groups or ("children", id_) in groups
    if hung or task.dependencies or task.checks or summary:
        return _joined(task, task_extra(state, task), summary=summary)
    ready = task.status is _TODO and id_ not in state.unmet
    return encode(task)[:-1] + (_BARE_READY if ready else _BARE)


def task_extra(state: State, task: Task) -> TaskExtra:
    """Derived from assignments, dependencies, checklist and children."""
    assignments = list(state.assignments_of_task(task.id))
    newest = {a.session_id: a.status for a in assignments}
    subtasks = state.subtasks(task.id) if state.groups["subtasks", task.id] else []
    return TaskExtra(
        session_ids=tuple(newest),
        task_session_statuses=newest,
        blocked_by=tuple(t.id for t in state.blockers(task)) if task.dependencies else (),
        ready=state.is_ready(task),
        subtask_progress=Progress(sum(s.completed for s in subtasks), len(subtasks)),
        child_count=len(state.groups["children", task.id]),
        check_progress=_check_progress(state, task),
    )


def _check_progress(state: State, task: Task) -> CheckProgress:
    if not task.checks:
        return _NO_CHECKS
    statuses = [check.status for check in state.checks(task.id)]
    passed, running = statuses.count(CheckStatus.PASSED), statuses.count(CheckStatus.RUNNING)
    return CheckProgress(passed, running, len(set(task.checks)))


_NO_CHECKS = CheckProgress(0, 0, 0)


def session_extra(state: State, session: Session, live: object) -> SessionExtra:
    """Its tasks (live attempts first), its queue, and what is known of it now."""
    assignments = sorted(state.assignments_of_session(session.id), key=lambda a: a.status not in LIVE_ASSIGNMENT)
    queue = state.queue_of(session.id)
    return SessionExtra(
        task_ids=tuple(dict.fromkeys(a.task_id for a in assignments)),
        queue_id=queue.id if queue is not None else None,
        unread_mail=len(state.groups["unread", session.id]),
        live=live,
    )


def _doc_extra(state: State, doc: Doc) -> DocExtra:
    session = state.session(doc.session_id) if doc.session_id else None
    return DocExtra(size=len(doc.content), session_name=session.name if session is not None else None)


def receipts_of(state: State, mail_id: str) -> tuple[Receipt, ...]:
    """How far the mail got with each of its receivers."""
    return tuple(_receipt(state, each) for each in state.deliveries(mail_id))


def _receipt(state: State, delivery: Delivery) -> Receipt:
    return Receipt(
        session_id=delivery.session_id,
        session_name=state.session(delivery.session_id).name,
        state=delivery.state,
        at=delivery.at,
        channel=delivery.channel,
        reason=delivery.reason,
        steps=delivery.steps,
    )


def _sender_name(state: State, mail: Mail) -> str:
    return state.session(mail.from_session_id).name if mail.from_session_id else mail.from_user or ""


def queue_json(state: State, session_id: str) -> bytes:
    """The queue with its items, those to come in the order in which they will be handed out.

    Raises:
        NotFound: the session has none.
    """
    queue = state.queue_of(session_id)
    if queue is None:
        raise NotFound(Noun.QUEUE, session_id)
    rows = state.items(session_id)
    first = [i for i in rows if i.status is not ItemStatus.QUEUED]
    statuses = [item.status for item in rows]
    stats = {"total": len(rows), **{status.value: statuses.count(status) for status in ItemStatus}}
    extra = QueueExtra((*first, *in_order(state, session_id)), stats)
    return _spliced(encode(queue), encode(extra)[1:-1])


def item_json(state: State, session_id: str, item: QueueItem | None) -> bytes:
    """An item with its task, and what comes after it."""
    queued = in_order(state, session_id)
    following = next((i for i in queued if item is None or i.id != item.id), None)
    task = state.task(item.task_id) if item is not None else None
    shown = b"null" if task is None else entity_json(state, task)
    head = encode({"item": item, "next": following, "empty": item is None, **_older(item, following)})
    return _spliced(head, b'"task":' + shown)


def _older(item: QueueItem | None, following: QueueItem | None) -> dict[str, object]:
    """An item and the next one as the original's clients look for them."""
    over = item is not None and item.status not in LIVE_ITEM
    ended = {f"{item.status}Item": item} if item is not None and over else {}
    left = following is not None or (item is not None and not over)
    return {"success": True, "nextItem": following, "hasMore": left, **ended}


def next_json(state: State, task: Task | None) -> bytes:
    """The task that is next, or that there is none."""
    shown = b"null" if task is None else entity_json(state, task)
    return b'{"task":' + shown + b',"empty":' + encode(task is None) + b"}"


def graph_json(state: State, project_id: str) -> bytes:
    """A project's open tasks by their dependencies, and what each of them is."""
    found = graph.plan(state, project_id)
    shown = {id_ for wave in found.waves for id_ in wave} | set(found.stuck)
    tasks = [_node(state, state.task(id_)) for id_ in sorted(shown)]
    return _spliced(encode(found), b'"projectId":' + encode(project_id) + b',"tasks":' + encode(tasks))


def _node(state: State, task: Task) -> dict[str, object]:
    return {
        "id": task.id,
        "title": task.title,
        "status": task.status,
        "priority": task.priority,
        "parentId": task.parent_id,
        "dependencies": task.dependencies,
        "branches": worktrees.branches(state, task),
        "beginsAt": worktrees.branches(state, *(state.task(id_) for id_ in task.dependencies)),
    }


def current_item(state: State, session_id: str) -> QueueItem | None:
    """The item in process, else the next one."""
    return processing(state, session_id) or next(iter(in_order(state, session_id)), None)


def _joined(entity: Entity, extra: msgspec.Struct | None, *, summary: bool) -> bytes:
    if summary:
        document = msgspec.to_builtins(entity)
        for name in LONG_FIELDS:
            document.pop(name, None)
        body = encode(document)
    else:
        body = encode(entity)
    return body if extra is None else _spliced(body, encode(extra)[1:-1])


def _spliced(body: bytes, fields: bytes) -> bytes:
    return body[:-1] + b"," + fields + b"}"


def _bare(*, ready: bool) -> bytes:
    """The end of a task on which nothing hangs."""
    extra = TaskExtra(
        session_ids=(),
        task_session_statuses={},
        blocked_by=(),
        ready=ready,
        subtask_progress=Progress(0, 0),
        child_count=0,
        check_progress=_NO_CHECKS,
    )
    return b"," + encode(extra)[1:]


_BARE, _BARE_READY = _bare(ready=False), _bare(ready=True)
_TODO = TaskStatus.TODO
