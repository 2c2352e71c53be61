"""Which ids an entity names, by the words of its fields."""

import msgspec
import pytest

from maestrod.domain.links import _FIELDS, Link, links
from maestrod.domain.model import TYPES, Entity, Noun, Ordered, Ordering, Task
from tests.domain.world import World


@pytest.mark.parametrize("noun", TYPES)
def test_every_noun_says_what_it_names(noun: Noun) -> None:
    assert TYPES[noun] in _FIELDS
    fields = {field.name for field in msgspec.structs.fields(TYPES[noun])}
    assert {field for field, _ in _FIELDS[TYPES[noun]]} <= fields


def test_what_is_named_is_told_with_its_field_and_noun() -> None:
    task = Task(id="task_3", project_id="proj_1", title="Build", dependencies=("task_1", "task_2"))
    assert list(links(task)) == [
        ("project_id", Noun.PROJECT, "proj_1"),
        ("dependencies", Noun.TASK, "task_1"),
        ("dependencies", Noun.TASK, "task_2"),
    ]
    order = Ordering(id="ord_1", project_id="proj_1", entity_type=Ordered.SESSION, ordered_ids=("sess_1",))
    assert list(links(order))[1:] == [("ordered_ids", Noun.SESSION, "sess_1")]


def test_an_empty_id_in_a_list_names_what_cannot_be() -> None:
    """So that an import cuts it; an empty field names nothing."""
    task = Task(id="task_3", project_id="proj_1", title="Build", parent_id="", dependencies=("",))
    assert list(links(task))[1:] == [("dependencies", Noun.TASK, "")]


def test_an_entity_of_no_noun_names_nothing() -> None:
    assert list(links(Entity(id="x"))) == []


def test_a_session_names_its_template_unless_that_is_shipped() -> None:
    world = World()
    project, own = world.project(), world.template()
    named = {t: world.state.session(world.worker(project, template_id=t)) for t in (own, "tmpl_0_worker")}
    found = {t: [link for link in links(session) if link.noun is Noun.TEMPLATE] for t, session in named.items()}
    assert found == {own: [Link("template_id", Noun.TEMPLATE, own)], "tmpl_0_worker": []}
