"""Imports: entities that come from elsewhere, with the ids they have, decided against what is here.

What is here already stays as it is, be its content the same or another. What is new is made to fit
(``mending``); every repair is told.
"""

from collections import Counter
from collections.abc import Iterable

import msgspec

from maestrod.domain.changes import Change, Command, Context, Piece, Put
from maestrod.domain.fingerprint import timeless
from maestrod.domain.mending import Finding, mended
from maestrod.domain.model import Word
from maestrod.domain.state import State


class Source(Word):
    """Where what is imported comes from."""

    EXPORT = "export"
    ORIGINAL = "original"


class ImportEntities(Command, frozen=True, kw_only=True):
    """Take what was brought, all at once; ``digest`` names the files it was read from."""

    source: Source
    digest: str


class Plan(msgspec.Struct, frozen=True):
    """What an import would change, what it found, and how many of the entities are here already."""

    changes: tuple[Change, ...]
    findings: tuple[Finding, ...]
    unchanged: int

    def counts(self) -> dict[str, int]:
        """How many of each noun are new."""
        return dict(Counter(change.noun.value for change in self.changes))


def import_entities(state: State, command: ImportEntities, ctx: Context) -> list[Change]:
    """Importing again what is here changes nothing."""
    del command
    return list(plan(state, ctx.brought).changes)


def plan(state: State, brought: Iterable[Piece]) -> Plan:
    """What an import changes: only what is not here is added."""
    findings: list[Finding] = []
    fresh: list[Piece] = []
    unchanged = 0
    for piece in brought:
        here = state.table(piece.noun).get(piece.entity.id)
        if here is None:
            fresh.append(piece)
        elif timeless(here) == timeless(piece.entity):
            unchanged += 1
        else:
            what = f"{piece.noun} {here.id} is here already, with other content"
            findings.append(Finding(piece.file, what, "left as it is here"))
    kept, repaired = mended(state, fresh)
    changes = tuple(Put(piece.noun, piece.entity) for piece in kept)
    return Plan(changes, (*findings, *repaired), unchanged)
