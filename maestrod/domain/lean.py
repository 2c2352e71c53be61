"""Entities as they are written to disk: without what is at its default.

Whoever reads a record or a snapshot finds the defaults of his own version in place of what is left out. A default,
once a version has written with it, is therefore part of the format, and must not change.
"""

from collections.abc import Callable

import msgspec
from msgspec import structs

from maestrod.domain.model import TYPES, Entity


def _twin(type_: type[Entity]) -> Callable[..., msgspec.Struct]:
    """The same fields in the same order, all with a default; one that has none there is always written."""
    fields = [
        (field.name, object, field.default if field.default is not msgspec.NODEFAULT else object())
        for field in structs.fields(type_)
    ]
    return msgspec.defstruct(type_.__name__, fields, rename="camel", omit_defaults=True, frozen=True, gc=False)


_TWINS = {type_: _twin(type_) for type_ in TYPES.values()}


def lean(entity: Entity) -> msgspec.Struct:
    """The entity, to be encoded; it takes no longer than encoding all of it."""
    return _TWINS[type(entity)](*structs.astuple(entity))
