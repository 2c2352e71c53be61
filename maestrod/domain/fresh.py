"""Ids of new things: the daemon's own, or one that was made by whoever asks and could not wait for the answer."""

import re

from maestrod.domain.changes import Context
from maestrod.domain.errors import Conflict, Invalid
from maestrod.domain.model import PREFIXES, Noun
from maestrod.domain.state import State

_TAIL = re.compile(r"_[0-9]{13}_[0-9a-z]{9}", re.ASCII)


def fresh(state: State, noun: Noun, wanted: str | None, ctx: Context) -> str:
    """The id that was brought along, else a new one.

    Raises:
        Invalid: it does not look like one of the noun's.
        Conflict: it is taken.
    """
    if wanted is None:
        return ctx.new_id(noun)
    prefix = PREFIXES[noun]
    if not wanted.startswith(prefix) or not _TAIL.fullmatch(wanted[len(prefix) :]):
        raise Invalid.field("id", f"must be like {prefix}_1700000000000_abcdefghi, or left out")
    if wanted in state.table(noun):
        raise Conflict(f"{noun} {wanted} is there already", hint="Leave the id out, or make another one.")
    return wanted
