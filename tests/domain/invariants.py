"""What must always hold, as the design says it; every check is a plain reading, without the indexes."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import TypeVar, cast

from maestrod.domain import keys, orderings, tables, templates
from maestrod.domain.changes import Delete, Put, Record
from maestrod.domain.model import (
    LIVE_ASSIGNMENT,
    LIVE_SESSION,
    UNREAD,
    Assignment,
    AssignmentStatus,
    Check,
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
    Project,
    Queue,
    QueueItem,
    Role,
    Session,
    SessionStatus,
    Subtask,
    Task,
    TaskStatus,
    Template,
    TimelineEntry,
)
from maestrod.domain.state import State
from maestrod.domain.undo import kind_of

E = TypeVar("E", bound=Entity)

_AT_ONCE = (SessionStatus.SPAWNING, SessionStatus.COMPLETED)
"""A session that says it is done before any sign of work has been working."""


def check(state: State) -> None:
    """Raises: AssertionError: something does not hold."""
    check_references(state)
    check_graphs(state)
    check_projects(state)
    check_tasks(state)
    check_sessions(state)
    check_attempts(state)
    check_queues(state)
    check_checklists(state)
    check_orderings(state)
    check_checks(state)
    check_mail(state)
    check_templates(state)
    check_keys(state)
    check_indexes(state, every(state))


def every(state: State) -> list[tuple[Noun, Entity]]:
    """All entities with their nouns."""
    return [(noun, entity) for noun in Noun for entity in state.table(noun).values()]


def all_of(state: State, noun: Noun, type_: type[E]) -> list[E]:
    """All entities of a noun."""
    return cast(list[E], list(state.table(noun).values()))


# -- ids ----------------------------------------------------------------------------------------------


LINKS = {
    "project_id": Noun.PROJECT,
    "task_id": Noun.TASK,
    "parent_id": Noun.TASK,
    "session_id": Noun.SESSION,
    "parent_session_id": Noun.SESSION,
    "root_session_id": Noun.SESSION,
    "queue_id": Noun.QUEUE,
    "from_session_id": Noun.SESSION,
    "to_session_id": Noun.SESSION,
    "mail_id": Noun.MAIL,
    "reply_to_mail_id": Noun.MAIL,
}


def references(entity: Entity) -> Iterator[tuple[Noun, str | None]]:
    """Every id that the entity names."""
    for field, noun in LINKS.items():
        yield noun, getattr(entity, field, None)
    match entity:
        case Task():
            for id_ in (*entity.dependencies, *entity.reference_task_ids):
                yield Noun.TASK, id_
        case Ordering():
            for id_ in entity.ordered_ids:
                yield orderings.NOUNS[entity.entity_type], id_
        case _:
            return


def check_references(state: State) -> None:
    """No id dangles, and nothing reaches into another project."""
    for _, entity in every(state):
        if isinstance(entity, Template | Key):
            continue
        projects = {home(state, entity)}
        for noun, id_ in references(entity):
            if id_ is not None:
                assert id_ in state.table(noun), f"{entity.id} names {noun} {id_}"
                projects.add(home(state, state.table(noun)[id_]))
        assert len(projects) == 1, f"{entity.id} reaches into another project: {projects}"


def home(state: State, entity: Entity) -> str:
    """The project to which it belongs."""
    match entity:
        case Project():
            return entity.id
        case Task() | Session() | TimelineEntry() | Doc() | Ordering() | Mail() | Delivery():
            return entity.project_id
        case Subtask() | Assignment() | Check():
            return state.task(entity.task_id).project_id
        case Queue() | QueueItem():
            return state.session(entity.session_id).project_id
        case _:
            raise AssertionError(f"no home for {entity}")


# -- graphs -------------------------------------------------------------------------------------------


def check_graphs(state: State) -> None:
    """Parents and dependencies make no cycles, and nobody waits for its own ancestor or descendant."""
    tasks = {t.id: t for t in all_of(state, Noun.TASK, Task)}
    acyclic(tasks, lambda id_: [tasks[id_].parent_id] if tasks[id_].parent_id else [])
    acyclic(tasks, lambda id_: tasks[id_].dependencies)
    for task in tasks.values():
        above = ancestors(tasks, task)
        assert above.isdisjoint(task.dependencies), f"{task.id} waits for an ancestor"
        for id_ in above:
            assert task.id not in tasks[id_].dependencies, f"{id_} waits for its descendant {task.id}"


def acyclic(ids: Iterable[str], following: Callable[[str], Iterable[str | None]]) -> None:
    """Take away what leads nowhere until nothing is left."""
    open_ = {id_: {f for f in following(id_) if f is not None} for id_ in ids}
    while open_:
        ends = {id_ for id_, after in open_.items() if not after & open_.keys()}
        assert ends, f"a cycle among {sorted(open_)}"
        for id_ in ends:
            del open_[id_]


def ancestors(tasks: dict[str, Task], task: Task) -> set[str]:
    """The ids above the task."""
    above: set[str] = set()
    while task.parent_id is not None:
        task = tasks[task.parent_id]
        above.add(task.id)
    return above


# -- nouns --------------------------------------------------------------------------------------------


def check_projects(state: State) -> None:
    """Live projects do not share a directory."""
    places = Counter(p.working_dir for p in all_of(state, Noun.PROJECT, Project) if p.archived_at is None)
    assert all(count == 1 for count in places.values())


def check_tasks(state: State) -> None:
    """Times and reasons fit the status; ready is what its definition says."""
    tasks = {t.id: t for t in all_of(state, Noun.TASK, Task)}
    for task in tasks.values():
        if task.status is not TaskStatus.ARCHIVED:
            assert (task.completed_at is not None) == (task.status is TaskStatus.COMPLETED), task
        if task.status in {TaskStatus.IN_PROGRESS, TaskStatus.COMPLETED}:
            assert task.started_at is not None, task
        assert (task.blocked_reason is not None) == (task.status is TaskStatus.BLOCKED), task
        assert state.is_ready(task) == ready(tasks, task), task
        open_ = [d for d in task.dependencies if not done(tasks[d])]
        assert [t.id for t in state.blockers(task)] == open_
        assert state.unmet.get(task.id, 0) == len(open_)


def done(task: Task) -> bool:
    """Completed, or archived after completion."""
    archived = task.status is TaskStatus.ARCHIVED and task.completed_at is not None
    return task.status is TaskStatus.COMPLETED or archived


def ready(tasks: dict[str, Task], task: Task) -> bool:
    """Todo, and every dependency done."""
    return task.status is TaskStatus.TODO and all(done(tasks[d]) for d in task.dependencies)


def check_sessions(state: State) -> None:
    """Ends have their time, nobody asks after the end, and the root is the top of the tree."""
    for session in all_of(state, Noun.SESSION, Session):
        live = session.status in LIVE_SESSION
        assert (session.completed_at is None) == live, session
        assert live or not session.needs_input.active
        top = session
        while top.parent_session_id is not None:
            top = state.session(top.parent_session_id)
        assert session.root_session_id == top.id


def check_attempts(state: State) -> None:
    """One live attempt per task and session, numbers that are not reused, none live after the session's end."""
    attempts = all_of(state, Noun.ASSIGNMENT, Assignment)
    live = [a for a in attempts if a.status in LIVE_ASSIGNMENT]
    assert all(count == 1 for count in Counter((a.task_id, a.session_id) for a in live).values())
    assert all(count == 1 for count in Counter((a.task_id, a.attempt) for a in attempts).values())
    for own in attempts:
        assert (own.ended_at is None) == (own.status in LIVE_ASSIGNMENT), own
        if own.status is AssignmentStatus.WORKING:
            assert own.started_at is not None
    for own in live:
        assert state.session(own.session_id).status in LIVE_SESSION, own


def check_queues(state: State) -> None:
    """One queue per session, one item in process, items of their queue's session."""
    queues = {q.id: q for q in all_of(state, Noun.QUEUE, Queue)}
    assert all(count == 1 for count in Counter(q.session_id for q in queues.values()).values())
    items = all_of(state, Noun.ITEM, QueueItem)
    busy = [i for i in items if i.status is ItemStatus.PROCESSING]
    assert all(count == 1 for count in Counter(i.queue_id for i in busy).values())
    for item in items:
        assert item.session_id == queues[item.queue_id].session_id
        over = item.status in {ItemStatus.COMPLETED, ItemStatus.FAILED, ItemStatus.SKIPPED}
        assert (item.completed_at is not None) == over, item
    for item in busy:
        assert state.session(item.session_id).status in LIVE_SESSION
        assert item.started_at is not None


def check_checklists(state: State) -> None:
    """The places of a checklist count from 0 without gaps."""
    places: dict[str, list[int]] = {}
    for subtask in all_of(state, Noun.SUBTASK, Subtask):
        places.setdefault(subtask.task_id, []).append(subtask.order)
        assert (subtask.completed_at is not None) == subtask.completed
    for orders in places.values():
        assert sorted(orders) == list(range(len(orders)))


def check_orderings(state: State) -> None:
    """One per project and kind, each id in it once."""
    found = all_of(state, Noun.ORDERING, Ordering)
    assert all(count == 1 for count in Counter((o.project_id, o.entity_type) for o in found).values())
    for ordering in found:
        assert len(set(ordering.ordered_ids)) == len(ordering.ordered_ids)


def check_checks(state: State) -> None:
    """One run per check of a task's list, none of another; what runs has not ended; review has its reason."""
    checks = all_of(state, Noun.CHECK, Check)
    assert all(count == 1 for count in Counter((c.task_id, c.command) for c in checks).values())
    for check in checks:
        assert check.command in state.task(check.task_id).checks, check
        assert (check.ended_at is None) == (check.status is CheckStatus.RUNNING), check
    for task in all_of(state, Noun.TASK, Task):
        assert task.review_reason is None or task.status is TaskStatus.IN_REVIEW, task


def check_mail(state: State) -> None:
    """One delivery per receiver, one sender, nothing unread of the ended, and steps that the table has."""
    rows = all_of(state, Noun.DELIVERY, Delivery)
    assert all(count == 1 for count in Counter((d.mail_id, d.session_id) for d in rows).values())
    for mail in all_of(state, Noun.MAIL, Mail):
        assert (mail.from_session_id is None) != (mail.from_user is None), mail
    for each in rows:
        assert each.state not in UNREAD or state.session(each.session_id).status in LIVE_SESSION, each
        assert each.state is DeliveryState.QUEUED or (each.reason is not None) == (each.state is DeliveryState.BOUNCED)
        states = [*(step.state for step in each.steps), each.state]
        assert all(after in tables.DELIVERY[before] for before, after in pairwise(states)), each


def check_templates(state: State) -> None:
    """One of each role is the default, and sessions name what is there."""
    for role in Role:
        assert [t.is_default for t in templates.every(state) if t.role is role].count(True) == 1
        assert templates.default_of(state, role).is_default
    for session in all_of(state, Noun.SESSION, Session):
        assert session.template_id is None or templates.get(state, session.template_id).role is session.role


def check_keys(state: State) -> None:
    """Every key is found by its hash alone, names projects that are there, and may something."""
    found = all_of(state, Noun.KEY, Key)
    assert len({key.hash for key in found}) == len(found)
    for key in found:
        assert keys.by_hash(state, key.hash) is key
        assert key.scopes
        assert set(key.project_ids) <= set(state.table(Noun.PROJECT))


# -- indexes ------------------------------------------------------------------------------------------


def check_indexes(state: State, entities: Iterable[tuple[Noun, Entity]]) -> None:
    """The state is what comes of putting its entities in this order."""
    fresh = State()
    fresh.apply_all(Put(noun, entity) for noun, entity in entities)
    same(state, fresh)


def same(state: State, other: State) -> None:
    """Raises: AssertionError: the two states differ in an entity or in an index."""
    assert state.tables == other.tables
    assert state.ordered == other.ordered
    assert state.labels == other.labels
    assert state.groups == other.groups
    assert state.unmet == other.unmet
    assert state.projects_by_dir == other.projects_by_dir


# -- commits ------------------------------------------------------------------------------------------


def check_changes(before: State, record: Record) -> None:
    """Every entity once, its version one on, its status by the tables, its time the commit's.

    What is taken back comes from the past: with an older birth, and by no table. What is imported was not here.
    """
    assert len({(c.noun, c.id) for c in record.changes}) == len(record.changes)
    if kind_of(record) == "ImportEntities":
        assert all(c.id not in before.table(c.noun) for c in record.changes)
        return
    if kind_of(record) == "UndoCommit":
        assert all(c.entity.updated_at == record.at for c in record.changes if isinstance(c, Put))
        return
    for change in record.changes:
        old = before.table(change.noun).get(change.id)
        match change:
            case Delete():
                assert old is not None, f"{change.id} was not there"
            case Put(entity=entity):
                assert entity.version == (1 if old is None else old.version + 1), entity
                assert entity.updated_at == record.at
                assert entity.created_at == (record.at if old is None else old.created_at)
                if old is not None and b'"BatchTasks"' not in bytes(record.command):
                    check_move(old, entity)


def check_move(old: Entity, new: Entity) -> None:
    """A status moves as its table says; an attempt may work for a moment in between."""
    match old, new:
        case Task(), Task():
            assert new.status is old.status or new.status in tables.TASK[old.status]
        case Session(), Session():
            ended = old.status not in LIVE_SESSION
            allowed = tables.SESSION[old.status] | (tables.ADOPTION if ended else frozenset())
            assert new.status is old.status or new.status in allowed or (old.status, new.status) == _AT_ONCE
        case Assignment(), Assignment():
            direct = tables.ASSIGNMENT[old.status]
            within = tables.ASSIGNMENT[AssignmentStatus.WORKING] if AssignmentStatus.WORKING in direct else frozenset()
            assert new.status is old.status or new.status in direct | within
        case Delivery(), Delivery():
            held = new.state is old.state is DeliveryState.QUEUED and new.reason != old.reason
            assert held or new.state in tables.DELIVERY[old.state], (old, new)
        case QueueItem(), QueueItem():
            assert new.status is old.status or new.status in tables.ITEM[old.status]
        case _:
            assert type(old) is type(new)
