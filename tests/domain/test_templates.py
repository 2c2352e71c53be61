"""Templates: what is shipped is there without being stored, one of each role is the default, placeholders are known."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maestrod.domain import templates
from maestrod.domain.errors import Conflict, Invalid, NotFound
from maestrod.domain.model import Noun, Role
from maestrod.domain.names import resolve, title
from maestrod.domain.sessions import SpawnSession
from maestrod.domain.templates import (
    PLACEHOLDERS,
    SHIPPED,
    CreateTemplate,
    DeleteTemplate,
    EditTemplate,
    ResetTemplate,
    default_of,
    every,
    get,
    shipped_of,
)
from tests.domain.world import World

WORKER = shipped_of(Role.WORKER)


def defaults(world: World) -> list[str]:
    return [t.id for t in every(world.state) if t.is_default and t.role is Role.WORKER]


def test_what_is_shipped_is_there_without_being_stored() -> None:
    world = World()
    assert not world.state.table(Noun.TEMPLATE)
    assert [t.id for t in every(world.state)] == sorted(SHIPPED)
    for role in Role:
        assert default_of(world.state, role) == shipped_of(role)
        assert (shipped_of(role).version, shipped_of(role).is_default) == (0, True)


@pytest.mark.parametrize("role", Role)
def test_what_is_shipped_keeps_to_the_rules(role: Role) -> None:
    shipped = shipped_of(role)
    world = World()
    made = world.template(shipped.name, role=role, content=shipped.content)
    assert get(world.state, made).content == shipped.content
    assert {"SESSION_ID", "WORKFLOW", "COMMANDS"} <= set(templates.names_in(shipped.content))


def test_editing_what_is_shipped_stores_it_and_resetting_forgets_that() -> None:
    world = World()
    world.do(EditTemplate(template_id=WORKER.id, content="Be brief, {{SESSION_NAME}}."))
    edited = get(world.state, WORKER.id)
    assert (edited.content, edited.version, edited.is_default) == ("Be brief, {{SESSION_NAME}}.", 1, True)
    assert world.names() == ["template:created"]
    world.do(EditTemplate(template_id=WORKER.id, name="Brief"))
    assert get(world.state, WORKER.id).version == 2
    world.do(ResetTemplate(template_id=WORKER.id))
    assert world.names() == ["template:deleted", "template:reset"]
    assert get(world.state, WORKER.id) == WORKER
    assert not world.state.table(Noun.TEMPLATE)
    world.nothing(ResetTemplate(template_id=WORKER.id))


def test_resetting_an_own_template_takes_the_text_of_its_role() -> None:
    world = World()
    own = world.template("Own", role=Role.ORCHESTRATOR)
    world.do(ResetTemplate(template_id=own))
    assert (get(world.state, own).content, get(world.state, own).name) == (shipped_of(Role.ORCHESTRATOR).content, "Own")
    world.nothing(ResetTemplate(template_id=own))
    world.refuse(NotFound, ResetTemplate(template_id="tmpl_1_gone"))


def test_a_new_default_takes_the_place_of_the_one_before() -> None:
    world = World()
    first = world.template("First", is_default=True)
    assert defaults(world) == [first]
    second = world.template("Second", is_default=True)
    assert defaults(world) == [second]
    assert world.names() == ["template:created", "template:updated"]
    world.do(EditTemplate(template_id=first, is_default=True))
    assert defaults(world) == [first]
    world.do(EditTemplate(template_id=first, is_default=False))
    assert defaults(world) == [WORKER.id]
    assert default_of(world.state, Role.ORCHESTRATOR).id == shipped_of(Role.ORCHESTRATOR).id


def test_when_the_default_goes_what_is_shipped_is_the_default_again_as_it_was_edited() -> None:
    world = World()
    world.do(EditTemplate(template_id=WORKER.id, content="Ours."))
    own = world.template(is_default=True)
    assert not get(world.state, WORKER.id).is_default
    world.do(DeleteTemplate(template_id=own))
    assert default_of(world.state, Role.WORKER).content == "Ours."


def test_what_is_shipped_can_be_made_the_default_again() -> None:
    world = World()
    world.template(is_default=True)
    world.do(EditTemplate(template_id=WORKER.id, is_default=True))
    assert defaults(world) == [WORKER.id]


def test_what_is_shipped_is_neither_deleted_nor_left_without_another_default() -> None:
    world = World()
    assert "reset" in world.refuse(Conflict, DeleteTemplate(template_id=WORKER.id)).hint
    assert "--default" in world.refuse(Conflict, EditTemplate(template_id=WORKER.id, is_default=False)).hint


def test_saying_what_is_so_changes_nothing() -> None:
    world = World()
    own = world.template()
    world.nothing(EditTemplate(template_id=own, name="Strict", is_default=False))
    world.nothing(EditTemplate(template_id=WORKER.id, content=WORKER.content, is_default=True))
    world.nothing(EditTemplate(template_id=WORKER.id))


@pytest.mark.parametrize("content", ["Hi {{NOBODY}}", "{{ nobody }}", "{{project_name}}", "{{A}} {{B}} {{ROLE}}"])
def test_an_unknown_placeholder_is_refused_with_those_there_are(content: str) -> None:
    world = World()
    own = world.template()
    for command in (
        CreateTemplate(name="N", role=Role.WORKER, content=content),
        EditTemplate(template_id=own, content=content),
    ):
        refused = world.refuse(Invalid, command)
        assert {p.path for p in refused.problems} == {"content"}
        assert all(name in refused.message for name in PLACEHOLDERS)
        assert "template placeholders" in refused.hint


@pytest.mark.parametrize("content", ["{{ ROLE }}", "$HOME ${HOME} $(pwd)", "${TASK_TITLE}", "{ROLE} {{", "{{}} {{1}}"])
def test_other_braces_are_text(content: str) -> None:
    world = World()
    assert get(world.state, world.template(content=content)).content == content


def test_very_many_wrong_placeholders_make_a_short_message() -> None:
    refused = World().refuse(Invalid, CreateTemplate(name="N", role=Role.WORKER, content="{{" + "X" * 5_000 + "}}" * 9))
    assert len(refused.message) < 1_000
    many = " ".join(f"{{{{N{n}}}}}" for n in range(5_000))
    assert len(World().refuse(Invalid, CreateTemplate(name="N", role=Role.WORKER, content=many)).message) < 3_000


def test_a_session_names_a_template_of_its_role() -> None:
    world = World()
    project = world.project()
    own = world.template()
    worker = world.worker(project, template_id=own)
    assert templates.of_session(world.state, world.state.session(worker)).id == own
    wrong = SpawnSession(project_id=project, role=Role.ORCHESTRATOR, template_id=own)
    assert world.refuse(Invalid, wrong).problems[0].path == "templateId"
    world.refuse(NotFound, SpawnSession(project_id=project, template_id="tmpl_1_gone"))
    world.worker(project, template_id=WORKER.id)


def test_sessions_of_a_template_that_goes_get_the_default() -> None:
    world = World()
    own = world.template()
    worker = world.worker(world.project(), template_id=own)
    world.do(DeleteTemplate(template_id=own))
    assert world.state.session(worker).template_id is None
    assert templates.of_session(world.state, world.state.session(worker)) == WORKER


def test_there_is_an_end_to_templates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(templates, "MOST", 2)
    world = World()
    world.template()
    world.template()
    world.refuse(Conflict, CreateTemplate(name="N", role=Role.WORKER, content="x"))


@pytest.mark.parametrize("name", ["tmpl_0_worker", "worker"])
def test_what_is_shipped_is_found_by_its_role(name: str) -> None:
    assert resolve(World().state, Noun.TEMPLATE, name) == WORKER.id


def test_an_own_template_is_found_by_its_name_and_ending() -> None:
    world = World()
    own = world.template("Very strict")
    assert resolve(world.state, Noun.TEMPLATE, "very-str") == own
    assert resolve(world.state, Noun.TEMPLATE, own[-5:]) == own
    assert title(world.state, Noun.TEMPLATE, own) == "Very strict"
    with pytest.raises(NotFound) as refused:
        resolve(world.state, Noun.TEMPLATE, "lax")
    assert "template list" in refused.value.hint


@given(st.text(max_size=300))
def test_any_text_is_a_template_or_refused_for_what_is_wrong_with_it(content: str) -> None:
    world = World(checked=False)
    command = CreateTemplate(name="N", role=Role.WORKER, content=content)
    try:
        world.do(command)
    except Invalid as refused:
        assert {p.path for p in refused.problems} == {"content"}  # noqa: PT017 - any text is one or the other
    else:
        assert set(templates.names_in(content)) <= PLACEHOLDERS.keys()
