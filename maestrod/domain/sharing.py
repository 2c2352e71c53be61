"""Ids that many entities name, kept once: copies of them would be a third of the memory of all mail."""

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import cast

from msgspec import structs

from maestrod.domain.model import TYPES, Delivery, Entity, Mail, Project, Queue, Session, Task, Template

_BESIDE: Mapping[type[Entity], tuple[str, ...]] = {Delivery: ("channel",)}
"""Other fields in which many say the same."""
_TARGETS: frozenset[type[Entity]] = frozenset({Project, Task, Session, Queue, Mail, Template})
"""Whom others name."""


def _named(type_: type[Entity]) -> tuple[str, ...]:
    own = ("id",) if type_ in _TARGETS else ()
    names = (field.name for field in structs.fields(type_) if field.name.endswith("_id"))
    return (*own, *names, *_BESIDE.get(type_, ()))


_NAMED: Mapping[type, tuple[str, ...]] = {type_: _named(type_) for type_ in TYPES.values()}


class Shared:
    """Texts that were met before, for as long as much is read."""

    def __init__(self) -> None:
        self._known: dict[str | None, str | None] = {}

    def take(self, entities: Sequence[object]) -> None:
        """Entities of one noun, which nobody has seen yet, name what others name by the very same text."""
        rows = cast(Sequence[Entity], entities)
        kind = type(rows[0]) if rows else Entity
        for name in _NAMED.get(kind, ()):
            texts = list(map(attrgetter(name), rows))
            firsts = map(self._known.setdefault, texts, texts)
            for entity, text, first in zip(rows, texts, firsts, strict=True):
                if first is not text:
                    structs.force_setattr(entity, name, first)
