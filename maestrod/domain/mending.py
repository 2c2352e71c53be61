"""Making entities from elsewhere fit: nothing dangling, no circles, no place taken twice, no work without a worker.

Repairs are told as findings. What cannot be repaired is left out, and what hangs on it with it.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache

import msgspec
from msgspec.structs import replace

from maestrod.domain.changes import Piece
from maestrod.domain.fitting import fitted, misfit
from maestrod.domain.links import Link, links
from maestrod.domain.model import (
    LIVE_ASSIGNMENT,
    Assignment,
    AssignmentStatus,
    Check,
    Delivery,
    Entity,
    ItemStatus,
    Noun,
    Ordering,
    Project,
    Queue,
    QueueItem,
    Session,
    Subtask,
    Task,
    Template,
)
from maestrod.domain.state import State
from maestrod.domain.templates import SHIPPED

Key = tuple[Noun, str]
Seated = Assignment | QueueItem | Project | Template

LEFT_OUT = "left out"
SAFE_ID = re.compile(r"[A-Za-z0-9_-]{1,200}\Z")
_MUST = frozenset({"to_session_id"})
"""Links that may be empty, and would mean something else if they were emptied."""


class Finding(msgspec.Struct, frozen=True):
    """Something that was not as it should be: in which file, what it was, what was done."""

    file: str
    what: str
    done: str


def mended(state: State, fresh: Iterable[Piece]) -> tuple[list[Piece], list[Finding]]:
    """Those of the pieces that can be taken, as they fit to the state and to each other; none is in the state."""
    table = _Table(state)
    for piece in fresh:
        table.enter(piece)
    while table.drop_unfounded():
        pass
    for mend in (table.cut_links, table.break_circles, table.part_kin, table.fit):
        mend()
    return list(table.pieces.values()), table.findings


class _Table:
    """The pieces while they are mended; what is asked for is found among them or in the state."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.pieces: dict[Key, Piece] = {}
        self.findings: list[Finding] = []
        self._places = {key: e.id for noun in Noun for e in state.table(noun).values() for key in _held(e)}

    def get(self, noun: Noun, id_: str) -> Entity | None:
        """The entity of that id."""
        piece = self.pieces.get((noun, id_))
        return self.state.table(noun).get(id_) if piece is None else piece.entity

    def task(self, id_: str | None) -> Task | None:
        """The task of that id."""
        found = self.get(Noun.TASK, id_) if id_ else None
        return found if isinstance(found, Task) else None

    def session(self, id_: str | None) -> Session | None:
        """The session of that id."""
        found = self.get(Noun.SESSION, id_) if id_ else None
        return found if isinstance(found, Session) else None

    # -- coming in -------------------------------------------------------------------------------

    def enter(self, piece: Piece) -> None:
        """Take a piece, unless its id makes no sense, or it or its place is taken."""
        named = f"{piece.noun} {piece.entity.id[:100]}"
        if not SAFE_ID.match(piece.entity.id):
            self._leave_out(piece, f"{piece.noun} {piece.entity.id[:100]!r} has an id that is none")
            return
        if (piece.noun, piece.entity.id) in self.pieces:
            self._leave_out(piece, f"{named} comes twice")
            return
        for place in _places(piece.entity):
            if self._places.setdefault(place, piece.entity.id) != piece.entity.id:
                self._leave_out(piece, f"{named} takes the place of {self._places[place]}")
                return
        self.pieces[piece.noun, piece.entity.id] = piece

    def _leave_out(self, piece: Piece, what: str) -> None:
        self.findings.append(Finding(piece.file, what, LEFT_OUT))

    def drop_unfounded(self) -> bool:
        """Leave out what cannot be without something that is missing; whether there was any."""
        gone = [(key, fault) for key, piece in self.pieces.items() for fault in [self._unfounded(piece)] if fault]
        for key, fault in gone:
            self._leave_out(self.pieces.pop(key), fault)
        return bool(gone)

    def _unfounded(self, piece: Piece) -> str:
        for field in sorted(_founded(type(piece.entity))):
            if not getattr(piece.entity, field):
                return f"{piece.noun} {piece.entity.id}: {field} names nothing"
        for link in links(piece.entity):
            must = link.field in _MUST or link.field not in _optional(type(piece.entity))
            if must and (fault := self._fault(piece.entity, link)):
                return f"{piece.noun} {piece.entity.id}: {fault}"
        return misfit(piece.entity, self.get)

    def _fault(self, entity: Entity, link: Link) -> str:
        """What is wrong with a link, or nothing."""
        there = self.get(link.noun, link.id)
        if there is None:
            return f"{link.field} names {link.noun} {link.id[:200]}, which does not exist"
        own, other = self._home(entity), self._home(there)
        if own and other and own != other:
            return f"{link.field} names {link.noun} {link.id}, which is of another project"
        if isinstance(entity, Session) and isinstance(there, Template) and entity.role is not there.role:
            return f"template_id names {link.id}, which is for another role"
        return ""

    def _home(self, entity: Entity) -> str | None:
        """The project to which it belongs; None for what belongs to none, or is not known yet."""
        if isinstance(entity, Project):
            return entity.id
        own: str | None = getattr(entity, "project_id", None)
        about = self.task(getattr(entity, "task_id", None)) or self.session(getattr(entity, "session_id", None))
        return own or (about.project_id if about is not None else None)

    # -- mending ---------------------------------------------------------------------------------

    def _change(self, piece: Piece, what: str, done: str, **fields: object) -> None:
        entity = replace(piece.entity, **fields)
        self.pieces[piece.noun, entity.id] = replace(piece, entity=entity)
        self.findings.append(Finding(piece.file, f"{piece.noun} {entity.id}: {what}", done))

    def _all(self) -> Iterator[Piece]:
        for key in list(self.pieces):
            yield self.pieces[key]

    def cut_links(self) -> None:
        """Empty what names nothing, or something of another project."""
        for piece in self._all():
            for link in links(piece.entity):
                fault = self._fault(piece.entity, link)
                if fault:
                    now = self.pieces[piece.noun, piece.entity.id]
                    left = _without(getattr(now.entity, link.field), link.id)
                    self._change(now, fault, "the link was cut", **{link.field: left})

    def break_circles(self) -> None:
        """Cut the link that closes a circle: of parents, of dependencies, of sessions."""
        ways: tuple[tuple[Noun, str], ...] = (
            (Noun.TASK, "parent_id"),
            (Noun.TASK, "dependencies"),
            (Noun.SESSION, "parent_session_id"),
            (Noun.MAIL, "reply_to_mail_id"),
        )
        for noun, field in ways:
            for id_, other in list(_closing(self._followed(noun, field))):
                piece = self.pieces[noun, id_]
                left = _without(getattr(piece.entity, field), other)
                self._change(piece, f"{field} lead back to itself by {other}", "the link was cut", **{field: left})

    def _followed(self, noun: Noun, field: str) -> dict[str, tuple[str, ...]]:
        own = {id_: piece.entity for (of, id_), piece in self.pieces.items() if of is noun}
        return {id_: tuple(d for d in _listed(getattr(own[id_], field)) if d in own) for id_ in sorted(own)}

    def part_kin(self) -> None:
        """No task waits for one above or below it."""
        for piece in self._all():
            if not isinstance(piece.entity, Task) or not piece.entity.dependencies:
                continue
            id_, above = piece.entity.id, set(self._above(piece.entity))
            left = tuple(
                d for d in piece.entity.dependencies if d not in above and id_ not in self._above(self.task(d))
            )
            if left != piece.entity.dependencies:
                what = "dependencies name one above or below it"
                self._change(piece, what, "the link was cut", dependencies=left)

    def _above(self, task: Task | None) -> Iterator[str]:
        while task is not None and task.parent_id is not None:
            yield task.parent_id
            task = self.task(task.parent_id)

    def fit(self) -> None:
        """Make the parts of each entity fit together."""
        steps: dict[str, int] = {}
        for piece in sorted(self._all(), key=_turn):
            entity = fitted(piece.entity, self.session)
            entity = self._placed(entity, steps)
            if entity != piece.entity:
                self._tell_of_fit(piece, entity)

    def _tell_of_fit(self, piece: Piece, entity: Entity) -> None:
        names = [n for n in entity.__struct_fields__ if getattr(entity, n) != getattr(piece.entity, n)]
        told = [n for n in names if n != "root_session_id" or getattr(piece.entity, n) is not None]
        if told:
            what = f"{piece.noun} {entity.id}: {', '.join(told)} did not fit the rest"
            self.findings.append(Finding(piece.file, what, "set to what fits"))
        self.pieces[piece.noun, entity.id] = replace(piece, entity=entity)

    def _placed(self, entity: Entity, steps: dict[str, int]) -> Entity:
        match entity:
            case Subtask(task_id=task_id):
                order = steps.setdefault(task_id, len(self.state.subtasks(task_id)))
                steps[task_id] = order + 1
                return replace(entity, order=order)
            case Assignment(status=status) if status in LIVE_ASSIGNMENT and not self._alone(entity):
                result = entity.result or "another attempt is under way"
                ended = entity.ended_at or entity.updated_at
                return replace(entity, status=AssignmentStatus.FAILED, ended_at=ended, result=result)
            case QueueItem(status=ItemStatus.PROCESSING) if not self._alone(entity):
                return replace(entity, status=ItemStatus.QUEUED)
            case Project(archived_at=None) if not self._alone(entity):
                return replace(entity, archived_at=entity.updated_at)
            case Template(is_default=True) if not self._alone(entity):
                return replace(entity, is_default=False)
            case Template(id=id_) if id_ in SHIPPED and _seat(entity) not in self._places:
                return replace(entity, is_default=True)
            case _:
                return entity

    def _alone(self, entity: Seated) -> bool:
        return self._places.setdefault(_seat(entity), entity.id) == entity.id


def _places(entity: Entity) -> Iterator[tuple[object, ...]]:
    """What the entity has for itself alone."""
    match entity:
        case Queue():
            yield "queue", entity.session_id
        case Ordering():
            yield "ordering", entity.project_id, entity.entity_type
        case Assignment():
            yield "attempt", entity.task_id, entity.attempt
        case Check():
            yield "check", entity.task_id, entity.command
        case Delivery():
            yield "delivery", entity.mail_id, entity.session_id
        case _:
            return


def _held(entity: Entity) -> Iterator[tuple[object, ...]]:
    """What an entity of the state has for itself alone, always or just now."""
    yield from _places(entity)
    match entity:
        case Assignment(status=status) if status in LIVE_ASSIGNMENT:
            yield _seat(entity)
        case QueueItem(status=ItemStatus.PROCESSING) | Project(archived_at=None) | Template(is_default=True):
            yield _seat(entity)
        case _:
            return


def _seat(entity: Seated) -> tuple[object, ...]:
    """What only one may have at a time."""
    if isinstance(entity, Assignment):
        return "live", entity.task_id, entity.session_id
    if isinstance(entity, QueueItem):
        return "busy", entity.queue_id
    return ("directory", entity.working_dir) if isinstance(entity, Project) else ("default", entity.role)


def _turn(piece: Piece) -> tuple[bool, bool, int, str]:
    """Who has a say before others: sessions, what is shipped last, a checklist in its order."""
    entity = piece.entity
    order = entity.order if isinstance(entity, Subtask) else 0
    return piece.noun is not Noun.SESSION, entity.id in SHIPPED, order, entity.id


@cache
def _optional(kind: type[Entity]) -> frozenset[str]:
    """Fields that may name nothing."""
    return frozenset(f.name for f in msgspec.structs.fields(kind) if f.default is None or f.default == ())


@cache
def _founded(kind: type[Entity]) -> frozenset[str]:
    """Fields that must name something."""
    return frozenset(f for f in kind.__struct_fields__ if f.endswith("_id") and f not in _optional(kind))


def _listed(value: object) -> tuple[str, ...]:
    if isinstance(value, tuple):
        return value
    return (value,) if isinstance(value, str) else ()


def _without(value: object, gone: str) -> object:
    return tuple(each for each in value if each != gone) if isinstance(value, tuple) else None


def _closing(following: dict[str, tuple[str, ...]]) -> Iterator[tuple[str, str]]:
    """The links without which there is no circle; each is looked at once."""
    under_way: set[str] = set()
    done: set[str] = set()
    for start in following:
        way = [] if start in done else [(start, iter(following[start]))]
        under_way.update(id_ for id_, _ in way)
        while way:
            at, rest = way[-1]
            ahead = next(rest, None)
            if ahead is None:
                done.add(way.pop()[0])
                under_way.discard(at)
            elif ahead in under_way:
                yield at, ahead
            elif ahead not in done:
                under_way.add(ahead)
                way.append((ahead, iter(following[ahead])))
