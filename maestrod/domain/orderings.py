"""Orderings: the order in which people want to see a project's tasks or sessions; it moves nothing else."""

from collections.abc import Collection

from maestrod.domain import limits
from maestrod.domain.changes import Change, Command, Context, Put
from maestrod.domain.errors import Invalid
from maestrod.domain.model import Noun, Ordered, Ordering
from maestrod.domain.revision import revised
from maestrod.domain.state import State

NOUNS = {Ordered.TASK: Noun.TASK, Ordered.SESSION: Noun.SESSION}
_GROUPS = {Ordered.TASK: "tasks", Ordered.SESSION: "sessions"}


class SetOrdering(Command, frozen=True, kw_only=True):
    """Put these first, in this order; all others of the project come after them in their own."""

    project_id: str
    entity_type: Ordered
    ordered_ids: tuple[str, ...]


def set_ordering(state: State, command: SetOrdering, ctx: Context) -> list[Change]:
    """Each id is of the project and stands once; the same order again changes nothing."""
    project = state.project(command.project_id)
    _check(state, command)
    old = of(state, project.id, command.entity_type)
    if not old.id:
        made = Ordering(
            id=ctx.new_id(Noun.ORDERING),
            created_at=ctx.now,
            updated_at=ctx.now,
            project_id=project.id,
            entity_type=command.entity_type,
            ordered_ids=command.ordered_ids,
        )
        return [Put(Noun.ORDERING, made)]
    if old.ordered_ids == command.ordered_ids:
        return []
    return [Put(Noun.ORDERING, revised(old, ctx, ordered_ids=command.ordered_ids))]


def of(state: State, project_id: str, kind: Ordered) -> Ordering:
    """The ordering that was set; one without an id, a version and any order where none was."""
    blank = Ordering(id="", version=0, project_id=project_id, entity_type=kind)
    return next((o for o in state.orderings(project_id) if o.entity_type is kind), blank)


def whole(state: State, ordering: Ordering) -> tuple[str, ...]:
    """Every id of the project: those that were put first, then the others, oldest first."""
    first = dict.fromkeys(ordering.ordered_ids)
    rest = state.groups[_GROUPS[ordering.entity_type], ordering.project_id]
    return (*first, *(id_ for id_ in rest if id_ not in first))


def without(state: State, project_id: str, gone: Collection[str], ctx: Context) -> list[Change]:
    """The project's orderings, as far as they name what goes, without it."""
    return [
        Put(Noun.ORDERING, revised(o, ctx, ordered_ids=tuple(id_ for id_ in o.ordered_ids if id_ not in gone)))
        for o in state.orderings(project_id)
        if not set(o.ordered_ids).isdisjoint(gone)
    ]


def _check(state: State, command: SetOrdering) -> None:
    limits.Fields().lines("orderedIds", command.ordered_ids, limits.NAME).end()
    known = state.groups[_GROUPS[command.entity_type], command.project_id]
    for number, id_ in enumerate(command.ordered_ids):
        if id_ not in known:
            raise Invalid.field(f"orderedIds[{number}]", f"is no {command.entity_type} of the project")
    if len(set(command.ordered_ids)) != len(command.ordered_ids):
        raise Invalid.field("orderedIds", "must name each one once")
