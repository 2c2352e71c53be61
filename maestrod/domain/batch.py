"""Many deeds on tasks as one commit: all of them, or none.

Later items may name what earlier ones made: ``$3`` is the task of the third item, ``$name`` that of the item with
this ``ref``.
"""

from collections.abc import Mapping

import msgspec

from maestrod.domain import editing, limits, permissions, work
from maestrod.domain.changes import Change, Command, Context, Put
from maestrod.domain.checks import AddCheck, add_check
from maestrod.domain.draft import Draft
from maestrod.domain.editing import DependTask, UndependTask
from maestrod.domain.errors import Invalid, Rejected
from maestrod.domain.model import Noun
from maestrod.domain.rules import Rule, rule
from maestrod.domain.state import State
from maestrod.domain.tasks import CreateTask, EditTask, create_task

Deed = (
    CreateTask
    | EditTask
    | DependTask
    | UndependTask
    | AddCheck
    | work.StartTask
    | work.CompleteTask
    | work.ReviewTask
    | work.BlockTask
    | work.UnblockTask
    | work.CancelTask
    | work.ReopenTask
    | work.ArchiveTask
)


class Item(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One deed; ``ref`` is a name for its task."""

    deed: Deed
    ref: str | None = None


class BatchTasks(Command, frozen=True, kw_only=True):
    """Do all of these in their order, or nothing."""

    items: tuple[Item, ...]


class ItemsRefused(Rejected):
    """At least one item is refused; all that are are named. The code is that of the first."""

    def __init__(self, refused: list[tuple[int, Rejected]]) -> None:
        first = refused[0][1]
        message = "; ".join(f"items[{at}]: {refusal.message}" for at, refusal in refused[:_NAMED])
        details = [dict(each) for at, refusal in refused for each in _details(at, refusal)]
        super().__init__(message, hint=first.hint, details=details)
        self.code = first.code


_NAMED = 10
_IDS = ("task_id", "parent_id")
_LISTS = ("dependencies", "reference_task_ids")


def batch_tasks(state: State, command: BatchTasks, ctx: Context) -> list[Change]:
    """Each item is allowed and decided on what the ones before it left."""
    _check(command)
    refused: list[tuple[int, Rejected]] = []
    with Draft.of(state) as draft:
        names: dict[str, str] = {}
        for at, item in enumerate(command.items):
            try:
                _do(state, item, at, names, draft, ctx)
            except Rejected as refusal:
                _name(names, item, at, "")
                refused.append((at, refusal))
        if refused:
            raise ItemsRefused([(at, r) for at, r in refused if not isinstance(r, _Follows)])
        return draft.changes()


def tasks_of(command: BatchTasks, made: list[str]) -> list[str]:
    """The task of every item in order; ``made`` are the ids of those that were created, in order."""
    names: dict[str, str] = {}
    created = iter(made)
    for at, item in enumerate(command.items):
        deed = named(item.deed, names)
        _name(names, item, at, next(created) if isinstance(deed, CreateTask) else deed.task_id)
    return [names[f"${at + 1}"] for at in range(len(command.items))]


def named(deed: Deed, names: Mapping[str, str]) -> Deed:
    """The deed with ids for the names of earlier items.

    Raises:
        Invalid: a name that no earlier item has.
    """
    fields = {f: _known(f, getattr(deed, f), names) for f in _IDS if _is_name(getattr(deed, f, None))}
    lists = {
        f: tuple(_known(f, each, names) if _is_name(each) else each for each in getattr(deed, f))
        for f in _LISTS
        if isinstance(getattr(deed, f, None), tuple)
    }
    return msgspec.structs.replace(deed, **fields, **lists)


class _Follows(Invalid):
    """Refused only because it names an item that was refused itself."""


def _do(state: State, item: Item, at: int, names: dict[str, str], draft: Draft, ctx: Context) -> None:
    deed = named(item.deed, names)
    permissions.authorize(state, deed, ctx.actor)
    changes = _RULES[type(deed).__name__].decide(state, deed, ctx)
    draft.take(changes)
    _name(names, item, at, _subject(deed, changes))


def _subject(deed: Deed, changes: list[Change]) -> str:
    if isinstance(deed, CreateTask):
        return next(c.id for c in changes if isinstance(c, Put) and c.noun is Noun.TASK)
    return deed.task_id


def _name(names: dict[str, str], item: Item, at: int, id_: str) -> None:
    names[f"${at + 1}"] = id_
    if item.ref is not None:
        names[f"${item.ref.removeprefix('$')}"] = id_


def _is_name(value: object) -> bool:
    return isinstance(value, str) and value.startswith("$")


def _known(field: str, name: str, names: Mapping[str, str]) -> str:
    path = _CAMEL[field]
    if name not in names:
        raise Invalid.field(path, f"no earlier item is called {name}", hint="Names are those of items before it.")
    if not names[name]:
        raise _Follows.field(path, f"{name} was refused itself")
    return names[name]


_CAMEL = {
    "task_id": "taskId",
    "parent_id": "parentId",
    "dependencies": "dependencies",
    "reference_task_ids": "referenceTaskIds",
}


def _check(command: BatchTasks) -> None:
    fields = limits.Fields()
    if not command.items:
        fields.wrong("items", "must not be empty")
    if len(command.items) > limits.LIST:
        fields.wrong("items", f"has {len(command.items)} entries, at most {limits.LIST} are allowed")
    seen: set[str] = set()
    for at, item in enumerate(command.items[: limits.LIST]):
        fields.line(f"items[{at}].ref", item.ref, limits.NAME)
        ref = (item.ref or "").removeprefix("$")
        if ref.isdecimal() or ref in seen:
            fields.wrong(f"items[{at}].ref", "is a number" if ref.isdecimal() else "is the name of an earlier item")
        seen |= {ref} if ref else set()
    fields.end()


def _details(at: int, refusal: Rejected) -> list[Mapping[str, object]]:
    if isinstance(refusal, Invalid):
        return [{"path": f"items[{at}].{p.path}".rstrip("."), "message": p.message} for p in refusal.problems]
    return [{"path": f"items[{at}]", "message": refusal.message, "code": refusal.code}]


_RULES: Mapping[str, Rule] = dict(
    (
        rule(CreateTask, create_task),
        rule(EditTask, editing.edit_task),
        rule(DependTask, editing.depend_task),
        rule(UndependTask, editing.undepend_task),
        rule(AddCheck, add_check),
        rule(work.StartTask, work.start_task),
        rule(work.CompleteTask, work.complete_task),
        rule(work.ReviewTask, work.review_task),
        rule(work.BlockTask, work.block_task),
        rule(work.UnblockTask, work.unblock_task),
        rule(work.CancelTask, work.cancel_task),
        rule(work.ReopenTask, work.reopen_task),
        rule(work.ArchiveTask, work.archive_task),
    )
)
