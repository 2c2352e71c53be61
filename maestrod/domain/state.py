"""All that is: one dict per noun, and the indexes that rules and queries need.

``apply`` alone keeps the indexes; putting the same entities in any order gives the same indexes.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from operator import attrgetter
from typing import cast

from maestrod.domain.changes import Change, Put
from maestrod.domain.errors import NotFound
from maestrod.domain.indexes import Groups, Key, Ordered
from maestrod.domain.labels import Labels
from maestrod.domain.model import (
    LIVE_SESSION,
    UNREAD,
    Assignment,
    Check,
    Delivery,
    Doc,
    Entity,
    Mail,
    Noun,
    Ordering,
    Project,
    Queue,
    QueueItem,
    Session,
    Subtask,
    Task,
    TaskStatus,
    Template,
    TimelineEntry,
)
from maestrod.domain.model import Key as AccessKey


def is_done(task: Task | None) -> bool:
    """Whether dependents may go on: completed, or archived after completion."""
    if task is None:
        return False
    if task.status is TaskStatus.ARCHIVED:
        return task.completed_at is not None
    return task.status is TaskStatus.COMPLETED


class State:
    """Everything the daemon owns, in memory.

    Indexes: ``ordered`` are the ids of a noun; ``groups`` are ids by what they belong to (``tasks`` of a
    project and of a project and status, ``children``, ``dependents``, ``ready`` of a project, and of these
    by priority the ``dated``, which have a due date or a position, and the ``plain``, …);
    ``unmet`` counts the open dependencies of a task that has any; ``labels`` are by what things are named.
    """

    def __init__(self) -> None:
        self.tables: dict[Noun, dict[str, Entity]] = {noun: {} for noun in Noun}
        self.ordered: dict[Noun, Ordered] = {noun: Ordered() for noun in Noun}
        self.labels = Labels(self.tables)
        self.groups = Groups()
        self.unmet: dict[str, int] = {}
        self.projects_by_dir: dict[str, str] = {}

    # -- reading ---------------------------------------------------------------------------------

    def table(self, noun: Noun) -> Mapping[str, Entity]:
        """All entities of a noun by id."""
        return self.tables[noun]

    def _get(self, noun: Noun, id_: str) -> Entity:
        entity = self.tables[noun].get(id_)
        if entity is None:
            raise NotFound(noun, id_)
        return entity

    def project(self, id_: str) -> Project:
        """Raises: NotFound."""
        return cast(Project, self._get(Noun.PROJECT, id_))

    def task(self, id_: str) -> Task:
        """Raises: NotFound."""
        return cast(Task, self._get(Noun.TASK, id_))

    def subtask(self, id_: str) -> Subtask:
        """Raises: NotFound."""
        return cast(Subtask, self._get(Noun.SUBTASK, id_))

    def session(self, id_: str) -> Session:
        """Raises: NotFound."""
        return cast(Session, self._get(Noun.SESSION, id_))

    def item(self, id_: str) -> QueueItem:
        """Raises: NotFound."""
        return cast(QueueItem, self._get(Noun.ITEM, id_))

    def doc(self, id_: str) -> Doc:
        """Raises: NotFound."""
        return cast(Doc, self._get(Noun.DOC, id_))

    def mail(self, id_: str) -> Mail:
        """Raises: NotFound."""
        return cast(Mail, self._get(Noun.MAIL, id_))

    def delivery(self, id_: str) -> Delivery:
        """Raises: NotFound."""
        return cast(Delivery, self._get(Noun.DELIVERY, id_))

    def deliveries(self, mail_id: str) -> Iterator[Delivery]:
        """The mail on its way to each of its receivers."""
        return cast(Iterator[Delivery], self._all(Noun.DELIVERY, "deliveries", mail_id))

    def inbox(self, session_id: str) -> Iterator[Delivery]:
        """All that the session was sent, oldest first."""
        return cast(Iterator[Delivery], self._all(Noun.DELIVERY, "inbox", session_id))

    def unread(self, session_id: str) -> Iterator[Delivery]:
        """What the session has not read yet, oldest first."""
        return cast(Iterator[Delivery], self._all(Noun.DELIVERY, "unread", session_id))

    def template(self, id_: str) -> Template | None:
        """The template as somebody made or edited it; those that are shipped are not stored."""
        return cast(Template | None, self.tables[Noun.TEMPLATE].get(id_))

    def key(self, id_: str) -> AccessKey:
        """Raises: NotFound."""
        return cast(AccessKey, self._get(Noun.KEY, id_))

    def queue_of(self, session_id: str) -> Queue | None:
        """The queue of a session, when it has one."""
        return next(cast(Iterator[Queue], self._all(Noun.QUEUE, "queue", session_id)), None)

    def _all(self, noun: Noun, *key: str) -> Iterator[Entity]:
        table = self.tables[noun]
        return (table[id_] for id_ in self.groups.items(key))

    def children(self, task_id: str) -> Iterator[Task]:
        """The child tasks, oldest first."""
        return cast(Iterator[Task], self._all(Noun.TASK, "children", task_id))

    def dependents(self, task_id: str) -> Iterator[Task]:
        """The tasks that wait for this one."""
        return cast(Iterator[Task], self._all(Noun.TASK, "dependents", task_id))

    def referrers(self, task_id: str) -> Iterator[Task]:
        """The tasks that name this one as a reference."""
        return cast(Iterator[Task], self._all(Noun.TASK, "referrers", task_id))

    def subtasks(self, task_id: str) -> list[Subtask]:
        """The checklist, in its order."""
        rows = cast(Iterator[Subtask], self._all(Noun.SUBTASK, "subtasks", task_id))
        return sorted(rows, key=lambda s: (s.order, s.id))

    def assignments_of_task(self, task_id: str) -> Iterator[Assignment]:
        """Every attempt at the task, oldest first."""
        return cast(Iterator[Assignment], self._all(Noun.ASSIGNMENT, "task-assignments", task_id))

    def assignments_of_session(self, session_id: str) -> Iterator[Assignment]:
        """Every assignment of the session, oldest first."""
        return cast(Iterator[Assignment], self._all(Noun.ASSIGNMENT, "session-assignments", session_id))

    def checks(self, task_id: str) -> Iterator[Check]:
        """The newest run of each of the task's checks that ever ran."""
        return cast(Iterator[Check], self._all(Noun.CHECK, "checks", task_id))

    def checks_of_session(self, session_id: str) -> Iterator[Check]:
        """The checks that ran for the session."""
        return cast(Iterator[Check], self._all(Noun.CHECK, "session-checks", session_id))

    def items(self, session_id: str) -> list[QueueItem]:
        """The queue of a session in the order of its positions."""
        rows = cast(Iterator[QueueItem], self._all(Noun.ITEM, "items", session_id))
        return sorted(rows, key=lambda i: (i.position, i.id))

    def items_of_task(self, task_id: str) -> Iterator[QueueItem]:
        """Every place of the task in a queue, oldest first."""
        return cast(Iterator[QueueItem], self._all(Noun.ITEM, "task-items", task_id))

    def sessions_of_project(self, project_id: str) -> Iterator[Session]:
        """Every session of the project, oldest first."""
        return cast(Iterator[Session], self._all(Noun.SESSION, "sessions", project_id))

    def orderings(self, project_id: str) -> Iterator[Ordering]:
        """The orderings that were set for the project."""
        return cast(Iterator[Ordering], self._all(Noun.ORDERING, "orderings", project_id))

    def child_sessions(self, session_id: str) -> Iterator[Session]:
        """The sessions that this one spawned, oldest first."""
        return cast(Iterator[Session], self._all(Noun.SESSION, "session-children", session_id))

    def live_sessions(self) -> Iterator[Session]:
        """Every session that has not ended."""
        return cast(Iterator[Session], self._all(Noun.SESSION, "live-sessions"))

    def is_ready(self, task: Task) -> bool:
        """Whether the task may be started: todo, and everything it waits for is done."""
        return task.status is TaskStatus.TODO and task.id not in self.unmet

    def blockers(self, task: Task) -> list[Task]:
        """The dependencies that are not done."""
        if task.id not in self.unmet:
            return []
        found = (cast(Task | None, self.tables[Noun.TASK].get(id_)) for id_ in task.dependencies)
        return [t for t in found if t is not None and not is_done(t)]

    # -- changing --------------------------------------------------------------------------------

    def apply(self, change: Change) -> None:
        """Make one change; the only way in which the state ever changes."""
        table = self.tables[change.noun]
        old = table.get(change.id)
        if isinstance(change, Put):
            table[change.id] = change.entity
            self._index(change.noun, change.id, old, change.entity)
        elif old is not None:
            del table[change.id]
            self._index(change.noun, change.id, old, None)

    def apply_all(self, changes: Iterable[Change]) -> None:
        """Make the changes in their order."""
        for change in changes:
            self.apply(change)

    def fill(self, noun: Noun, entities: Iterable[Entity]) -> None:
        """Put many entities into an empty table: the same state as one after another, several times faster."""
        rows = sorted(entities, key=attrgetter("id"))
        ids = [entity.id for entity in rows]
        self.tables[noun] = dict(zip(ids, rows, strict=True))
        self.ordered[noun] = Ordered.of(ids)
        members: defaultdict[Key, list[str]] = defaultdict(list)
        for id_, entity in self.tables[noun].items():
            for key in _belongs(entity):
                members[key].append(id_)
        if noun is Noun.TASK:
            self._fill_readiness(cast(list[Task], rows), members)
        self.groups.fill(members)
        self.labels.filled(noun)
        if noun is Noun.PROJECT:
            for project in cast(list[Project], rows):
                self._index_directory(None, project)

    def _fill_readiness(self, tasks: list[Task], members: defaultdict[Key, list[str]]) -> None:
        for task in tasks:
            open_ = self._open(task) if task.dependencies else 0
            if open_:
                self.unmet[task.id] = open_
            elif task.status is TaskStatus.TODO:
                for key in _handed_out(task):
                    members[key].append(task.id)

    def _index(self, noun: Noun, id_: str, old: Entity | None, new: Entity | None) -> None:
        if old is None:
            self.ordered[noun].add(id_)
        elif new is None:
            self.ordered[noun].discard(id_)
        self.labels.follow(noun, id_, old, new)
        self.groups.move(_belongs(old), _belongs(new), id_)
        if noun is Noun.TASK:
            self._index_readiness(id_, cast(Task | None, old), cast(Task | None, new))
        elif noun is Noun.PROJECT:
            self._index_directory(cast(Project | None, old), cast(Project | None, new))

    def _index_readiness(self, id_: str, old: Task | None, new: Task | None) -> None:
        if new is None:
            self.unmet.pop(id_, None)
        elif old is None or old.dependencies != new.dependencies:
            self._set_unmet(id_, self._open(new) if new.dependencies else 0)
        self._index_ready(id_, old, new)
        if is_done(old) != is_done(new):
            step = -1 if is_done(new) else 1
            for dependent in self.dependents(id_):
                self._set_unmet(dependent.id, self.unmet.get(dependent.id, 0) + step)
                self._index_ready(dependent.id, dependent, dependent)

    def _open(self, task: Task) -> int:
        """How many of its dependencies are not done; one that is not there is not done."""
        tasks = self.tables[Noun.TASK]
        return sum(not is_done(cast(Task | None, tasks.get(d))) for d in task.dependencies)

    def _set_unmet(self, id_: str, count: int) -> None:
        if count:
            self.unmet[id_] = count
        else:
            self.unmet.pop(id_, None)

    def _index_ready(self, id_: str, old: Task | None, new: Task | None) -> None:
        ready = new is not None and new.status is TaskStatus.TODO and id_ not in self.unmet
        after = _handed_out(new) if ready and new is not None else ()
        for key in _handed_out(old) if old is not None else ():
            if key not in after:
                self.groups.discard(key, id_)
        for key in after:
            self.groups.add(key, id_)

    def _index_directory(self, old: Project | None, new: Project | None) -> None:
        if old is not None and self.projects_by_dir.get(old.working_dir) == old.id:
            del self.projects_by_dir[old.working_dir]
        if new is not None and new.archived_at is None:
            self.projects_by_dir[new.working_dir] = new.id


def _belongs(entity: Entity | None) -> tuple[Key, ...]:
    """The groups in which the entity is found; what there is most of comes first."""
    match entity:
        case Task():
            return _task_belongs(entity)
        case Delivery():
            return _delivery_belongs(entity)
        case Mail():
            return _mail_belongs(entity)
        case Session():
            return _session_belongs(entity)
        case Subtask(task_id=task_id):
            return (("subtasks", task_id),)
        case Assignment(task_id=task_id, session_id=session_id):
            return ("task-assignments", task_id), ("session-assignments", session_id)
        case Queue(session_id=session_id):
            return (("queue", session_id),)
        case QueueItem(session_id=session_id, task_id=task_id):
            return ("items", session_id), ("task-items", task_id)
        case _:
            return _beside(entity)


def _beside(entity: Entity | None) -> tuple[Key, ...]:
    """The groups of what is told, left and noted beside the work itself."""
    match entity:
        case TimelineEntry(session_id=session_id, task_id=task_id):
            return _told_of("timeline", session_id, task_id)
        case Doc(session_id=session_id, task_id=task_id):
            return _told_of("docs", session_id, task_id)
        case Check(session_id=session_id, task_id=task_id):
            return (("checks", task_id), *([("session-checks", session_id)] if session_id else []))
        case Ordering(project_id=project_id):
            return (("orderings", project_id),)
        case Template(role=role, is_default=True):
            return (("default-template", role),)
        case AccessKey(hash=hash_, project_ids=project_ids):
            return ("key", hash_), *(("project-keys", id_) for id_ in project_ids)
        case _:
            return ()


def _task_belongs(task: Task) -> tuple[Key, ...]:
    return (
        ("tasks", task.project_id),
        ("tasks", task.project_id, task.status),
        ("tasks-by-status", task.status),
        ("children", task.parent_id) if task.parent_id else ("roots", task.project_id),
        *[("dependents", d) for d in task.dependencies],
        *[("referrers", r) for r in task.reference_task_ids],
    )


def _handed_out(task: Task) -> tuple[Key, Key]:
    """Where a ready task is found: by project, and by how it is chosen. What is not dated goes by its id."""
    dated = task.due_at is not None or task.position is not None
    return ("ready", task.project_id), ("dated" if dated else "plain", task.project_id, task.priority)


def _session_belongs(session: Session) -> tuple[Key, ...]:
    own: list[Key] = [("sessions", session.project_id), ("sessions", session.project_id, session.status)]
    if session.status in LIVE_SESSION:
        own.append(("live-sessions",))
    if session.template_id:
        own.append(("template-sessions", session.template_id))
    if session.parent_session_id:
        own.append(("session-children", session.parent_session_id))
    if session.worktree is not None:
        own.append(("worktree", session.worktree.path))
    return tuple(own)


def _mail_belongs(mail: Mail) -> tuple[Key, ...]:
    own: list[Key] = [("mails", mail.project_id)]
    if mail.from_session_id:
        own.append(("sent", mail.from_session_id))
    if mail.reply_to_mail_id:
        own.append(("replies", mail.reply_to_mail_id))
    return tuple(own)


def _delivery_belongs(delivery: Delivery) -> tuple[Key, ...]:
    own: list[Key] = [("deliveries", delivery.mail_id), ("inbox", delivery.session_id)]
    if delivery.state in UNREAD:
        own.append(("unread", delivery.session_id))
        if delivery.expires_at is not None:
            own.append(("expiring",))
    return tuple(own)


def _told_of(kind: str, session_id: str | None, task_id: str | None) -> tuple[Key, ...]:
    own: list[Key] = []
    if session_id:
        own.append((f"session-{kind}", session_id))
    if task_id:
        own.append((f"task-{kind}", task_id))
    return tuple(own)
