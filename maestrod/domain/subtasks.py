"""Subtasks: the checklist of a task, in an order without gaps."""

from msgspec import UNSET, UnsetType

from maestrod.domain import limits
from maestrod.domain.changes import Change, Command, Context, Delete, Put
from maestrod.domain.errors import Conflict, Invalid
from maestrod.domain.fresh import fresh
from maestrod.domain.model import Noun, Subtask
from maestrod.domain.revision import given, revised
from maestrod.domain.state import State


class CreateSubtask(Command, frozen=True, kw_only=True):
    """Add an item at the end of a task's checklist; ``id`` is one that was made by whoever asks, while offline."""

    task_id: str
    title: str
    description: str = ""
    id: str | None = None


class EditSubtask(Command, frozen=True, kw_only=True):
    """Change an item, tick it, or take the tick back; fields left out stay."""

    subtask_id: str
    title: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    completed: bool | UnsetType = UNSET


class DeleteSubtask(Command, frozen=True, kw_only=True):
    """Take an item off the checklist."""

    subtask_id: str


class OrderSubtasks(Command, frozen=True, kw_only=True):
    """Put the whole checklist into the order of these ids."""

    task_id: str
    ordered_ids: tuple[str, ...]


def create_subtask(state: State, command: CreateSubtask, ctx: Context) -> list[Change]:
    """At most 1,000 items per task."""
    task = state.task(command.task_id)
    _check(command)
    count = len(state.groups["subtasks", task.id])
    if count >= limits.LIST:
        raise Conflict(f"task {task.id} has {count} subtasks already", hint="Split the task.")
    subtask = Subtask(
        id=fresh(state, Noun.SUBTASK, command.id, ctx),
        created_at=ctx.now,
        updated_at=ctx.now,
        task_id=task.id,
        title=command.title,
        description=command.description,
        order=count,
    )
    return [Put(Noun.SUBTASK, subtask)]


def edit_subtask(state: State, command: EditSubtask, ctx: Context) -> list[Change]:
    """Ticking what is ticked changes nothing."""
    subtask = state.subtask(command.subtask_id)
    _check(command)
    fields = given(title=command.title, description=command.description, completed=command.completed)
    if all(getattr(subtask, name) == value for name, value in fields.items()):
        return []
    if command.completed is not UNSET and command.completed != subtask.completed:
        fields["completed_at"] = ctx.now if command.completed else None
    return [Put(Noun.SUBTASK, revised(subtask, ctx, **fields))]


def delete_subtask(state: State, command: DeleteSubtask, ctx: Context) -> list[Change]:
    """The items behind it move up."""
    subtask = state.subtask(command.subtask_id)
    behind = [s for s in state.subtasks(subtask.task_id) if s.order > subtask.order]
    moved: list[Change] = [Put(Noun.SUBTASK, revised(s, ctx, order=s.order - 1)) for s in behind]
    return [Delete(Noun.SUBTASK, subtask.id), *moved]


def order_subtasks(state: State, command: OrderSubtasks, ctx: Context) -> list[Change]:
    """Every item must be named exactly once."""
    there = state.subtasks(state.task(command.task_id).id)
    if sorted(command.ordered_ids) != sorted(s.id for s in there):
        raise Invalid.field("orderedIds", "must name every subtask of the task exactly once")
    place = {id_: number for number, id_ in enumerate(command.ordered_ids)}
    return [
        Put(Noun.SUBTASK, revised(subtask, ctx, order=place[subtask.id]))
        for subtask in there
        if subtask.order != place[subtask.id]
    ]


def _check(command: CreateSubtask | EditSubtask) -> None:
    fields = limits.Fields().line("title", command.title, limits.TITLE)
    fields.text("description", command.description, limits.TEXT)
    fields.end()
