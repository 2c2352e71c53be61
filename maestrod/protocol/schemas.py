"""Schemas of what crosses the socket, made from the types by which it is decoded and encoded."""

from collections.abc import Iterable, Mapping

import msgspec

from maestrod.domain.model import TYPES, Delivery, Entity, Key, Mail, Noun
from maestrod.domain.registry import RULES
from maestrod.protocol.manifest import Manifest
from maestrod.protocol.parameters import Json
from maestrod.protocol.problems import Problem
from maestrod.protocol.routes import WRITES
from maestrod.protocol.views import EXTRAS, KEPT_BACK, LONG_FIELDS, LetterExtra, Receipt

REF = "#/components/schemas/{name}"
LETTER = "Letter"
"""A mail as one receiver sees it: how deliveries are shown."""
SHOWN_AS = {Noun.DELIVERY: LETTER}


def ref(name: str) -> Json:
    """Where the schema of this name is."""
    return {"$ref": REF.format(name=name)}


def resource(noun: Noun) -> Json:
    """An entity as it is answered."""
    return ref(SHOWN_AS.get(noun, TYPES[noun].__name__))


def resources(others: Iterable[type[msgspec.Struct]]) -> dict[str, Json]:
    """Every type that an answer or a body speaks of: the entities with what is derived of them."""
    extras: list[type[msgspec.Struct]] = [*EXTRAS.values(), LetterExtra]
    commands: list[type[msgspec.Struct]] = [RULES[route.command].command for route in WRITES]
    bodies = [*commands, *others]
    found = schemas_of([*TYPES.values(), *extras, Receipt, Manifest, Problem, *bodies])
    for noun, extra in EXTRAS.items():
        found[TYPES[noun].__name__] = _joined(found, TYPES[noun], extra)
    plain = schemas_of([Mail, LetterExtra])
    found[LETTER] = _joined(plain, Mail, LetterExtra)
    for schema in found.values():
        if "required" in schema:
            schema["required"] = [name for name in _listed(schema) if name not in LONG_FIELDS]
    properties = _of(found[Key.__name__], "properties")
    for name in KEPT_BACK:
        del properties[name]
    hidden = {kind.__name__ for kind in [*extras, *bodies]} | set(RULES) | {Delivery.__name__, "Item"}
    return {name: schema for name, schema in sorted(found.items()) if name not in hidden}


def _joined(found: Mapping[str, Json], kind: type[Entity], extra: type[msgspec.Struct]) -> Json:
    stored, derived = found[kind.__name__], found[extra.__name__]
    return stored | {
        "properties": {**_of(stored, "properties"), **_of(derived, "properties")},
        "required": [*_listed(stored), *_listed(derived)],
    }


def _of(schema: Json, name: str) -> Json:
    found = schema.get(name, {})
    assert isinstance(found, dict)
    return found


def _listed(schema: Json) -> list[str]:
    found = schema.get("required", [])
    assert isinstance(found, list)
    return found


def schemas_of(kinds: Iterable[type[msgspec.Struct]]) -> dict[str, Json]:
    """The schemas of types, and of the types that they speak of."""
    _, found = msgspec.json.schema_components(list(dict.fromkeys(kinds)), schema_hook=_unknown, ref_template=REF)
    return found


def _unknown(kind: type) -> Json:
    """Fields that hold anything."""
    if kind is object:
        return {"description": "Anything."}
    raise NotImplementedError


def named(kind: type[msgspec.Struct]) -> Json:
    """The schema of one type."""
    return schemas_of([kind])[kind.__name__]


def fields_of(command: str) -> tuple[dict[str, Json], list[str]]:
    """The fields of a command, and which of them must be there."""
    schema = named(RULES[command].command)
    properties = {name: field for name, field in _of(schema, "properties").items() if name != "kind"}
    return properties, [name for name in _listed(schema) if name != "kind"]  # type: ignore[return-value]
