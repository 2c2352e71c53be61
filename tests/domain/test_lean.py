"""What is written to disk without its defaults: it is read as it was, and the defaults stay what they are."""

import json
import os
from pathlib import Path

import msgspec
import pytest
from msgspec import structs

from maestrod.domain.lean import lean
from maestrod.domain.model import TYPES, Entity, Noun, Project, Session, Task

DEFAULTS = Path(__file__).parent / "defaults.json"


def filled(type_: type[Entity]) -> Entity:
    """An entity of which only what must be said is said."""
    return msgspec.convert({f.encode_name: _some(f.type) for f in structs.fields(type_) if f.required}, type_)


def _some(type_: object) -> object:
    match msgspec.inspect.type_info(type_):
        case msgspec.inspect.StrType():
            return "text"
        case msgspec.inspect.IntType():
            return 7
        case msgspec.inspect.EnumType(cls=cls):
            return next(iter(cls))
        case _:
            return {}


@pytest.mark.parametrize("noun", Noun)
def test_an_entity_with_nothing_but_defaults_is_read_as_it_was(noun: Noun) -> None:
    entity = filled(TYPES[noun])
    written = msgspec.json.encode(lean(entity))
    assert msgspec.json.decode(written, type=TYPES[noun]) == entity
    said = {f.encode_name for f in structs.fields(entity) if f.required}
    assert msgspec.json.decode(written).keys() == said


def test_what_differs_from_its_default_is_written() -> None:
    task = Task(id="t", project_id="p", title="", version=3, labels=("a",), pinned=True, metadata={}, due_at=0)
    written = msgspec.json.encode(lean(task))
    assert msgspec.json.decode(written) == {
        **{"id": "t", "projectId": "p", "title": "", "version": 3, "labels": ["a"], "pinned": True},
        **{"metadata": {}, "dueAt": 0},
    }
    assert msgspec.json.decode(written, type=Task) == task


def test_what_was_read_is_written_as_lean_as_what_was_made() -> None:
    for made in (Project(id="p", name="n", working_dir="/w"), Session(id="s", project_id="p", name="n")):
        read = msgspec.json.decode(msgspec.json.encode(lean(made)), type=type(made))
        assert msgspec.json.encode(lean(read)) == msgspec.json.encode(lean(made))


def test_a_default_that_was_written_with_never_changes() -> None:
    """It would change what is in records of before. Nouns and fields that are new are added to the list."""
    found = {
        noun.value: {
            f.encode_name: json.loads(msgspec.json.encode(f.default)) for f in structs.fields(type_) if not f.required
        }
        for noun, type_ in TYPES.items()
    }
    if os.environ.get("UPDATE_GOLDENS") == "1":
        DEFAULTS.write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=1) + b"\n")
    written = msgspec.json.decode(DEFAULTS.read_bytes(), type=dict[str, dict[str, object]])
    assert {noun: {name: found[noun][name] for name in defaults} for noun, defaults in written.items()} == written
