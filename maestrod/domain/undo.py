"""Taking a commit back: what it changed becomes what it was, with new versions.

Only while nothing of it is other than it left it. What the world did not wait for stays as it is: an attempt that
was live comes back as failed when its session has ended meanwhile, an item in process waits again.
"""

from collections.abc import Callable, Iterable, Iterator

import msgspec
from msgspec.structs import replace

from maestrod.domain import checks, graph, orderings
from maestrod.domain.changes import Change, Command, Context, Delete, Put, Record, Undone
from maestrod.domain.errors import Conflict, NotFound
from maestrod.domain.links import links
from maestrod.domain.mail import bounced
from maestrod.domain.model import (
    LIVE_ASSIGNMENT,
    LIVE_SESSION,
    UNREAD,
    Assignment,
    AssignmentStatus,
    Check,
    CheckStatus,
    Delivery,
    Entity,
    ItemStatus,
    Noun,
    Ordering,
    Project,
    QueueItem,
    Session,
    Subtask,
    Task,
    Template,
)
from maestrod.domain.projects import task_belongings
from maestrod.domain.revision import revised
from maestrod.domain.state import State

UNDOABLE = frozenset(
    {
        # deletions
        "DeleteProject",
        "DeleteTask",
        "DeleteSubtask",
        "DeleteSession",
        "DeleteDoc",
        "DeleteMail",
        "DeleteTemplate",
        "UnassignTask",
        # moves
        "ArchiveProject",
        "StartTask",
        "ClaimNext",
        "CompleteTask",
        "ReviewTask",
        "BlockTask",
        "UnblockTask",
        "CancelTask",
        "ReopenTask",
        "ArchiveTask",
        "MoveItem",
        "SetOrdering",
        # what was said
        "EditProject",
        "CreateTask",
        "EditTask",
        "DependTask",
        "UndependTask",
        "BatchTasks",
        "EditTemplate",
        "ResetTemplate",
        "ImportEntities",
        "AddCheck",
        "EditSubtask",
        "OrderSubtasks",
        "UndoCommit",
    }
)
"""Commands that can be taken back: they change words and records alone, not agents that run."""

_NAMED_BY_OTHERS = frozenset({Noun.PROJECT, Noun.SESSION, Noun.QUEUE, Noun.MAIL, Noun.TEMPLATE})

ENDED_MEANWHILE = "its session has ended meanwhile"
_NAMED = 10


class UndoCommit(Command, frozen=True, kw_only=True):
    """Take a commit back; taking that back does it again."""

    seq: int


class _Told(msgspec.Struct):
    kind: str
    seq: int | msgspec.UnsetType = msgspec.UNSET


def kind_of(record: Record) -> str:
    """The kind of the command that made the commit."""
    return msgspec.json.decode(record.command, type=_Told).kind


def taken_back(record: Record) -> int | None:
    """The commit that this one took back, if that is what it did."""
    told = msgspec.json.decode(record.command, type=_Told)
    return told.seq if told.kind == UndoCommit.__name__ and told.seq is not msgspec.UNSET else None


def gathered(record: Record, before: Callable[[Noun, str], Entity | None], later: Iterable[Record]) -> Undone:
    """What is to be known of a commit to take it back.

    ``before`` finds an entity as it was right before the commit; ``later`` are commits after it, in order.
    """
    ids = {(c.noun, c.id) for c in record.changes}
    return Undone(
        seq=record.seq,
        kind=kind_of(record),
        after=record.changes,
        before=tuple(_put_back(change, before(change.noun, change.id)) for change in record.changes),
        later=tuple((r.seq, kind_of(r)) for r in later if any((c.noun, c.id) in ids for c in r.changes)),
    )


def _put_back(change: Change, before: Entity | None) -> Change:
    return Delete(change.noun, change.id) if before is None else Put(change.noun, before)


def undo_commit(state: State, command: UndoCommit, ctx: Context) -> list[Change]:
    """Refused when the same entities were changed since, naming the commits, or when what they need is gone."""
    undone = ctx.undone
    if undone is None or undone.seq != command.seq:
        raise NotFound("commit", str(command.seq))
    if undone.kind not in UNDOABLE:
        raise Conflict(
            f"commit {command.seq} is a {undone.kind}, which cannot be taken back",
            hint="`maestro undo --list` shows what can be.",
        )
    undone = _without_followers(state, undone)
    _unchanged(state, undone)
    put = [_restored(state, undone, before, ctx) for before in reversed(undone.before)]
    after = _After(state, put)
    changes = [_settled(after, change, ctx) for change in put]
    changes += _followed(state, changes, ctx)
    changes += _unlisted(state, changes)
    _sound(_After(state, changes), changes)
    return _numbered(state, changes, ctx)


def _without_followers(state: State, undone: Undone) -> Undone:
    """Without the orderings that only followed along and were changed since: they stay as people want them now."""
    if undone.kind == "SetOrdering":
        return undone
    pairs = zip(undone.after, undone.before, strict=True)
    kept = [(a, b) for a, b in pairs if a.noun is not Noun.ORDERING or _is_there(state, a)]
    return replace(undone, after=tuple(a for a, _ in kept), before=tuple(b for _, b in kept))


def _unchanged(state: State, undone: Undone) -> None:
    changed = [after for after in undone.after if not _is_there(state, after)]
    if not changed:
        return
    since = ", ".join(f"{seq} ({kind})" for seq, kind in undone.later[:_NAMED]) or "a commit just now"
    ids = ", ".join(each.id for each in changed[:_NAMED])
    raise Conflict(
        f"commit {undone.seq} cannot be taken back: {ids} was changed since by {since}",
        hint="Take those back first, the newest before the others.",
        details=[{"seq": seq, "kind": kind} for seq, kind in undone.later],
    )


def _is_there(state: State, after: Change) -> bool:
    entity = state.table(after.noun).get(after.id)
    if isinstance(after, Delete) or entity is None:
        return isinstance(after, Delete) and entity is None
    return replace(entity, version=after.entity.version, updated_at=after.entity.updated_at) == after.entity


def _restored(state: State, undone: Undone, before: Change, ctx: Context) -> Change:
    if isinstance(before, Delete):
        return before
    now = state.table(before.noun).get(before.id)
    version = (now or before.entity).version + 1
    return Put(before.noun, replace(before.entity, version=version, updated_at=ctx.now))


class _After:
    """What is found once the changes are made, without making them."""

    def __init__(self, state: State, changes: Iterable[Change]) -> None:
        self.state = state
        self._changes = {(c.noun, c.id): c for c in changes}
        self._under: dict[str, list[str]] = {}
        for change in self._changes.values():
            if isinstance(change, Put) and isinstance(change.entity, Task) and change.entity.parent_id:
                self._under.setdefault(change.entity.parent_id, []).append(change.id)

    def get(self, noun: Noun, id_: str) -> Entity | None:
        """The entity as it will be."""
        change = self._changes.get((noun, id_))
        if change is None:
            return self.state.table(noun).get(id_)
        return change.entity if isinstance(change, Put) else None

    def task(self, id_: str) -> Task | None:
        """The task as it will be."""
        found = self.get(Noun.TASK, id_)
        return found if isinstance(found, Task) else None

    def waited(self, id_: str) -> tuple[str, ...]:
        """What the task will wait for."""
        task = self.task(id_)
        return task.dependencies if task is not None else ()

    def ancestors(self, task: Task) -> Iterator[Task]:
        """Its parents as they will be; ends when it meets itself."""
        at = self.task(task.parent_id) if task.parent_id else None
        while at is not None:
            yield at
            at = self.task(at.parent_id) if at.parent_id and at.id != task.id else None

    def descendants(self, task: Task) -> list[Task]:
        """What will lie under it, itself left out."""
        found, seen = [task], {task.id}
        for above in found:
            ids = {*(t.id for t in self.state.children(above.id)), *self._under.get(above.id, ())} - seen
            found += [t for id_ in sorted(ids) if (t := self.task(id_)) is not None and t.parent_id == above.id]
            seen |= {t.id for t in found}
        return found[1:]

    def is_live(self, session_id: str) -> bool:
        """Whether the session will be running."""
        session = self.get(Noun.SESSION, session_id)
        return isinstance(session, Session) and session.status in LIVE_SESSION

    def has_room(self, item: QueueItem) -> bool:
        """Whether the item can be in process: its session lives, and no other of its queue is."""
        others = (other for other in self.state.items(item.session_id) if other.id != item.id)
        return self.is_live(item.session_id) and all(o.status is not ItemStatus.PROCESSING for o in others)


def _settled(after: _After, change: Change, ctx: Context) -> Change:
    """The change, its live work ended where its session has ended."""
    if isinstance(change, Delete):
        return change
    match change.entity:
        case Assignment(status=status) as own if status in LIVE_ASSIGNMENT and not after.is_live(own.session_id):
            failed = AssignmentStatus.FAILED
            return Put(change.noun, replace(own, status=failed, ended_at=ctx.now, result=ENDED_MEANWHILE))
        case QueueItem(status=ItemStatus.PROCESSING) as item if not after.has_room(item):
            return Put(change.noun, replace(item, status=ItemStatus.QUEUED, started_at=None))
        case Delivery(state=state) as mailed if state in UNREAD and not after.is_live(mailed.session_id):
            return Put(change.noun, bounced(mailed, ENDED_MEANWHILE, ctx))
        case Check(status=CheckStatus.RUNNING) as check:
            return Put(change.noun, replace(check, status=CheckStatus.INTERRUPTED, ended_at=ctx.now))
        case _:
            return change


def _followed(state: State, changes: list[Change], ctx: Context) -> list[Change]:
    """The orderings without the tasks that go."""
    known = {c.id for c in changes}
    gone = {c.id: state.task(c.id).project_id for c in changes if isinstance(c, Delete) and c.noun is Noun.TASK}
    orders = [o for id_ in sorted(set(gone.values())) for o in orderings.without(state, id_, gone, ctx)]
    return [order for order in orders if order.id not in known]


def _unlisted(state: State, changes: list[Change]) -> list[Change]:
    """Deletions of the runs of checks that are no longer in their task's list."""
    known = {c.id for c in changes}
    tasks = [c.entity for c in changes if isinstance(c, Put) and isinstance(c.entity, Task)]
    return [run for task in tasks for run in checks.dropped(state, task.id, task.checks) if run.id not in known]


def _numbered(state: State, changes: list[Change], ctx: Context) -> list[Change]:
    """With the places of every checklist that changes counting from 0 without gaps, whatever was added since."""
    made = {c.id: c for c in changes if c.noun is Noun.SUBTASK}
    for task_id in sorted({_task_of(state, change) for change in made.values()}):
        rows = {s.id: s for s in state.subtasks(task_id)}
        rows |= {id_: c.entity for id_, c in made.items() if isinstance(c, Put) and isinstance(c.entity, Subtask)}
        left = [s for s in rows.values() if s.task_id == task_id and not isinstance(made.get(s.id), Delete)]
        for place, step in enumerate(sorted(left, key=lambda s: (s.order, s.id not in made, s.id))):
            if step.order != place:
                base = step if step.id not in made else replace(step, version=step.version - 1)
                made[step.id] = Put(Noun.SUBTASK, revised(base, ctx, order=place))
    return [*(c for c in changes if c.noun is not Noun.SUBTASK), *made.values()]


def _task_of(state: State, change: Change) -> str:
    entity = change.entity if isinstance(change, Put) else state.table(Noun.SUBTASK)[change.id]
    return entity.task_id if isinstance(entity, Subtask) else ""


def _sound(after: _After, changes: list[Change]) -> None:
    """Raises: Conflict: what comes back names what is gone, takes a place that was taken, or makes a cycle."""
    _unnamed(after, changes)
    for change in changes:
        if isinstance(change, Delete):
            _needless(after, change)
            continue
        for link in links(change.entity):
            if after.get(link.noun, link.id) is None:
                _refuse(f"{change.id} names {link.noun} {link.id}, which is gone")
        match change.entity:
            case Project() as project:
                _free(after.state, project)
            case Task() as task:
                _acyclic(after, task)
            case Assignment() as own:
                _alone(after.state, own)
            case Template(is_default=True) as template:
                _only_default(after, template)
            case Ordering() as order:
                _only_ordering(after, order)
            case _:
                pass


def _unnamed(after: _After, changes: Iterable[Change]) -> None:
    """Raises: Conflict: something that stays names a project, a session or the like that goes."""
    gone = {(c.noun, c.id) for c in changes if isinstance(c, Delete) and c.noun in _NAMED_BY_OTHERS}
    stays = (after.get(noun, id_) for noun in Noun if gone for id_ in after.state.table(noun))
    for entity in filter(None, stays):
        for link in links(entity):
            if (link.noun, link.id) in gone:
                _refuse(f"{entity.id} would be left without {link.id}")


def _needless(after: _After, gone: Delete) -> None:
    if gone.noun is not Noun.TASK:
        return
    state = after.state
    left = [c.id for c in task_belongings(state, gone.id) if after.get(c.noun, c.id) is not None]
    linked = (*state.children(gone.id), *state.dependents(gone.id), *state.referrers(gone.id))
    left += [t.id for t in linked if (now := after.task(t.id)) and gone.id in {link.id for link in links(now)}]
    if left:
        _refuse(f"{', '.join(left[:_NAMED])} would be left without {gone.id}")


def _only_default(after: _After, template: Template) -> None:
    for id_ in after.state.table(Noun.TEMPLATE):
        other = after.get(Noun.TEMPLATE, id_)
        if isinstance(other, Template) and other.is_default and other.role is template.role and id_ != template.id:
            _refuse(f"{id_} is the default of its role now")


def _only_ordering(after: _After, order: Ordering) -> None:
    for other in after.state.orderings(order.project_id):
        there = after.get(Noun.ORDERING, other.id) is not None
        if there and other.entity_type is order.entity_type and other.id != order.id:
            _refuse(f"the {order.entity_type}s of {order.project_id} were put in order since, by {other.id}")


def _free(state: State, project: Project) -> None:
    holder = state.projects_by_dir.get(project.working_dir)
    if project.archived_at is None and holder not in {None, project.id}:
        _refuse(f"{project.working_dir} belongs to project {holder} now")


def _alone(state: State, own: Assignment) -> None:
    for other in state.assignments_of_task(own.task_id):
        twins = own.status in LIVE_ASSIGNMENT and other.status in LIVE_ASSIGNMENT
        if other.id != own.id and (other.attempt == own.attempt or (twins and other.session_id == own.session_id)):
            _refuse(f"{own.task_id} was assigned to {other.session_id} since, by {other.id}")


def _acyclic(after: _After, task: Task) -> None:
    elders = {elder.id: elder.dependencies for elder in after.ancestors(task)}
    below = {each.id: each.dependencies for each in after.descendants(task)}
    waits = graph.path(task.dependencies, task.id, after.waited) is not None
    kin = not (elders.keys() | below.keys()).isdisjoint(task.dependencies)
    kin = kin or any(not {task.id, *below}.isdisjoint(waited) for waited in elders.values())
    kin = kin or any(not {task.id, *elders}.isdisjoint(waited) for waited in below.values())
    if waits or kin or task.id in elders:
        _refuse(f"{task.id} would wait for itself")


def _refuse(why: str) -> None:
    raise Conflict(f"it cannot be taken back: {why}", hint="Change that first, then try again.")
