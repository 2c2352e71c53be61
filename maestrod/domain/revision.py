"""A new version of an entity."""

from typing import TypeVar

import msgspec

from maestrod.domain.changes import Context
from maestrod.domain.model import Entity

E = TypeVar("E", bound=Entity)


def revised(entity: E, ctx: Context, **fields: object) -> E:
    """The entity with other fields, one version on, updated now."""
    return msgspec.structs.replace(entity, version=entity.version + 1, updated_at=ctx.now, **fields)


def given(**fields: object) -> dict[str, object]:
    """Only the fields that were sent, null included."""
    return {name: value for name, value in fields.items() if value is not msgspec.UNSET}
