"""The body of a batch: each item a word for what it does, a name, and the fields of that deed."""

from collections.abc import Callable

import msgspec

from maestrod.domain.batch import BatchTasks, Item, tasks_of
from maestrod.domain.changes import Change, Command, Put
from maestrod.domain.errors import FieldProblem, Invalid, NotFound
from maestrod.domain.limits import LIST
from maestrod.domain.model import Noun
from maestrod.domain.state import State
from maestrod.protocol import aliases
from maestrod.protocol.views import entity_json

Read = Callable[[str, dict[str, object]], Command]
"""A deed's kind and its document → the command; raises Rejected."""


def items_of(document: dict[str, object], read: Read) -> tuple[Item, ...] | None:
    """The items as commands; None when they are no list.

    Raises:
        Invalid: items that make no sense; all of them are named.
    """
    items = document.get("items")
    if not isinstance(items, list):
        return None
    if len(items) > LIST:
        raise Invalid.field("items", f"has {len(items)} entries, at most {LIST} are allowed")
    problems: list[FieldProblem] = []
    made = []
    for at, item in enumerate(items):
        try:
            made.append(_item(item, read))
        except Invalid as refusal:
            problems += [FieldProblem(f"items[{at}].{p.path}".rstrip("."), p.message) for p in refusal.problems]
        except NotFound as refusal:
            problems.append(FieldProblem(f"items[{at}]", refusal.message))
    if problems:
        raise Invalid(problems, hint="Nothing was done; mend these and send all of it again.")
    return tuple(made)


def _item(item: object, read: Read) -> Item:
    if not isinstance(item, dict):
        raise Invalid.field("", "must be an object")
    fields = {str(name): value for name, value in item.items()}
    word, ref = fields.pop("do", "create"), fields.pop("ref", None)
    if not isinstance(word, str) or word not in aliases.DEEDS:
        raise Invalid.field("do", f"must be one of {', '.join(aliases.DEEDS)}")
    if ref is not None and not isinstance(ref, str):
        raise Invalid.field("ref", "must be a text")
    kind = aliases.DEEDS[word]
    return Item(deed=read(kind, aliases.apply(kind, fields)), ref=ref)  # type: ignore[arg-type]


def results_json(state: State, command: bytes | msgspec.Raw, changes: tuple[Change, ...]) -> bytes:
    """The task of every item, in order, as it is now."""
    made = [c.id for c in changes if isinstance(c, Put) and c.noun is Noun.TASK and c.entity.version == 1]
    ids = tasks_of(msgspec.json.decode(command, type=BatchTasks), made)
    rows = (entity_json(state, state.task(id_)) for id_ in ids)
    return b'{"results":[' + b",".join(rows) + b"]}"
