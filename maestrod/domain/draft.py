"""Several steps as one commit: each is decided on what the one before left, and nothing stays but their sum."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Self

import msgspec

from maestrod.domain.changes import Change, Delete, Put
from maestrod.domain.model import Entity, Noun
from maestrod.domain.state import State


class Draft:
    """What the steps so far changed; the state shows it until the draft is closed."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._before: dict[tuple[Noun, str], Entity | None] = {}
        self._back: list[Change] = []

    @classmethod
    @contextmanager
    def of(cls, state: State) -> Iterator[Self]:
        """A draft on the state, which is as it was when the draft is closed."""
        draft = cls(state)
        try:
            yield draft
        finally:
            state.apply_all(reversed(draft._back))

    def take(self, changes: Iterable[Change]) -> None:
        """Make the changes of a step."""
        for change in changes:
            old = self._state.table(change.noun).get(change.id)
            self._before.setdefault((change.noun, change.id), old)
            self._back.append(Delete(change.noun, change.id) if old is None else Put(change.noun, old))
            self._state.apply(change)

    def changes(self) -> list[Change]:
        """The sum of all steps: each entity once, one version on."""
        found = (self._sum(noun, id_, before) for (noun, id_), before in self._before.items())
        return [change for change in found if change is not None]

    def _sum(self, noun: Noun, id_: str, before: Entity | None) -> Change | None:
        after = self._state.table(noun).get(id_)
        if after is None:
            return Delete(noun, id_) if before is not None else None
        version = before.version + 1 if before is not None else 1
        return Put(noun, msgspec.structs.replace(after, version=version)) if after != before else None
