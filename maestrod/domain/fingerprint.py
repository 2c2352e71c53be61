"""A hash of what the state holds, the same wherever and whenever it was put together.

Versions do not count, nor do the times at which things happened: only whether they did. What people set
(due dates, expiry) counts.
"""

from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from typing import TypeVar

import msgspec

from maestrod.domain.model import Noun
from maestrod.domain.state import State

S = TypeVar("S", bound=msgspec.Struct)

_SET_BY_PEOPLE = frozenset({"due_at", "expires_at"})
_OF_THE_MOMENT = frozenset({"at", "since", "version"})


def fingerprint(state: State) -> str:
    """SHA-256 over the canonical JSON of every entity, by noun and id, in hex."""
    digest = sha256()
    for line in lines(state):
        digest.update(line)
    return digest.hexdigest()


def lines(state: State) -> Iterator[bytes]:
    """The bytes that are hashed: a heading per noun that has any, then an entity a line."""
    encode = msgspec.json.Encoder(order="sorted").encode
    for noun in sorted(Noun):
        table = state.table(noun)
        if table:
            yield f"{noun} {len(table)}\n".encode()
        for id_ in sorted(table):
            yield encode(timeless(table[id_])) + b"\n"


def timeless(value: S) -> S:
    """The entity, or a part of one, without its version and with 0 for each time that is set."""
    erased: dict[str, object] = {name: 0 for name in _times(type(value)) if getattr(value, name) is not None}
    for name in value.__struct_fields__:
        part = getattr(value, name)
        if isinstance(part, msgspec.Struct):
            erased[name] = timeless(part)
        elif isinstance(part, tuple) and part and isinstance(part[0], msgspec.Struct):
            erased[name] = tuple(timeless(each) for each in part)
    return msgspec.structs.replace(value, **erased)


@cache
def _times(kind: type[msgspec.Struct]) -> tuple[str, ...]:
    return tuple(
        name
        for name in kind.__struct_fields__
        if name in _OF_THE_MOMENT or (name.endswith("_at") and name not in _SET_BY_PEOPLE)
    )
