"""Imports: what comes from elsewhere keeps its ids, is made to fit, and comes once."""

import json
from random import Random

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from maestrod.domain import documents, exported, original, templates
from maestrod.domain.changes import Delete, Piece
from maestrod.domain.errors import Rejected
from maestrod.domain.fingerprint import fingerprint
from maestrod.domain.imports import ImportEntities, Plan, Source, plan
from maestrod.domain.mending import Finding
from maestrod.domain.model import (
    Assignment,
    AssignmentStatus,
    Check,
    DeliveryState,
    Entity,
    EntryType,
    ItemStatus,
    Noun,
    Priority,
    Project,
    QueueItem,
    Role,
    Session,
    SessionStatus,
    Strategy,
    Task,
    TaskStatus,
    Template,
    TimelineEntry,
)
from maestrod.domain.state import State
from tests.domain.asker import Asker, furnished
from tests.domain.world import World
from tests.support import original_folder as folder

COMMAND = ImportEntities(source=Source.EXPORT, digest="")


def taken(world: World, pieces: list[Piece]) -> Plan:
    """Import into a world, whose invariants hold afterwards; what was found."""
    planned = plan(world.state, pieces)
    world.brought = tuple(pieces)
    assert tuple(world.do(COMMAND)) == planned.changes
    return planned


def export_of(state: State) -> dict[str, str]:
    """The files of an export of all that there is."""
    entities = {noun.value: msgspec.to_builtins(list(state.table(noun).values())) for noun in Noun}
    for key in list(state.table(Noun.KEY)):
        state.apply(Delete(Noun.KEY, key))
    head = exported.Head(seq=1, hash=fingerprint(state))
    return {path: json.dumps(document) for path, document in exported.arranged(head, entities)}


def walked(seed: int, steps: int) -> World:
    """A world in which things happened by chance."""
    world, random = furnished(checked=False), Random(seed)
    for _ in range(steps):
        asker = Asker(world, random)
        try:
            world.do(asker.command(), asker.actor())
        except Rejected:
            continue
    return world


# -- the own export -----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_an_export_taken_into_an_empty_home_is_the_same_state(seed: int) -> None:
    world = walked(seed, 300)
    pieces, findings = exported.read(export_of(world.state))
    home = World()
    planned = taken(home, pieces)
    assert [*findings, *planned.findings] == []
    assert fingerprint(home.state) == fingerprint(world.state)
    again = taken(home, pieces)
    assert (again.changes, again.unchanged) == ((), len(pieces))
    assert fingerprint(home.state) == fingerprint(world.state)


def test_there_is_a_file_per_project_and_per_session() -> None:
    world = furnished()
    files = export_of(world.state)
    wanted = [exported.HEAD, *(f"projects/{id_}.json" for id_ in world.state.table(Noun.PROJECT))]
    assert list(files) == [*wanted, *(f"sessions/{id_}.json" for id_ in sorted(world.state.table(Noun.SESSION)))]
    session = json.loads(files[f"sessions/{min(world.state.table(Noun.SESSION))}.json"])
    assert {"session", "delivery", "timeline"} >= session.keys() >= {"session"}


def test_what_lets_somebody_in_is_neither_exported_nor_taken() -> None:
    entities: dict[str, list[dict[str, object]]] = {"key": [{"id": "key_1_a"}], "template": [{"id": "tmpl_1_a"}]}
    files = dict(exported.arranged(exported.Head(), entities))
    assert files.keys() == {exported.HEAD, exported.OTHERS}
    pieces, findings = exported.read({"others.json": '{"key": [{"id": "key_1_a"}], "nonsense": []}'})
    assert (pieces, len(findings)) == ([], 2)


@pytest.mark.parametrize(
    "text", ["", "[]", "{", "null", '{"task": 1}', '{"task": [1]}', "[" * 100_000, '{"task":[{"id":"\\ud800"}]}']
)
def test_a_file_that_cannot_be_read_is_told_and_the_others_are_taken(text: str) -> None:
    good = '{"project": [{"id": "proj_1_a", "name": "P", "workingDir": "/p"}]}'
    pieces, (finding,) = exported.read({"a.json": text, "b.json": good})
    assert [piece.entity.id for piece in pieces] == ["proj_1_a"]
    assert finding.file == "a.json"
    assert "cannot be read" in finding.what


def test_an_entity_that_cannot_be_read_is_told_and_the_others_are_taken() -> None:
    rows = [{"id": "proj_1_a"}, {"id": "proj_1_b", "name": "P", "workingDir": "/p", "createdAt": "today"}]
    good = {"id": "proj_1_c", "name": "P", "workingDir": "/p"}
    pieces, findings = exported.read({"a.json": json.dumps({"project": [*rows, good]})})
    assert [piece.entity.id for piece in pieces] == ["proj_1_c"]
    assert [finding.what.partition(" cannot")[0] for finding in findings] == ["project 0", "project 1"]


@pytest.mark.parametrize("head", ['{"format": "other"}', '{"version": 99}'])
def test_an_export_of_another_version_is_told(head: str) -> None:
    _, (finding,) = exported.read({exported.HEAD: head})
    assert "known is" in finding.what


# -- deciding against what is here --------------------------------------------------------------------


def test_what_is_here_with_other_content_is_left_alone_and_told() -> None:
    world = furnished()
    task = next(iter(world.state.table(Noun.TASK).values()))
    other = replace(task, title="Another")
    planned = taken(world, [Piece("a.json", Noun.TASK, other)])
    assert planned.changes == ()
    assert planned.findings == (
        Finding("a.json", f"task {task.id} is here already, with other content", "left as it is here"),
    )


def test_nobody_is_notified_of_what_is_imported() -> None:
    pieces, _ = original.read(folder.as_texts(folder.sound()))
    world = World()
    taken(world, pieces)
    assert not [name for name in world.names() if name.startswith("notify:")]
    assert "task:created" in world.names()


def test_places_that_are_taken_here_are_not_taken_again() -> None:
    wanted = {Noun.PROJECT, Noun.SUBTASK, Noun.TIMELINE}
    planned = next(p for p in map(brought_again, range(3, 30)) if {c.noun for c in p.changes} >= wanted)
    assert any("takes the place of" in finding.what for finding in planned.findings)


def brought_again(seed: int) -> Plan:
    """What comes of bringing the parts of a house into the same house, under other ids."""
    world = walked(seed, 300)
    pieces, _ = exported.read(export_of(world.state))
    renamed = [
        Piece(p.file, p.noun, replace(p.entity, id=f"{p.entity.id}x"))
        for p in pieces
        if p.noun not in {Noun.TASK, Noun.SESSION, Noun.QUEUE, Noun.MAIL}
    ]
    return taken(world, renamed)


@pytest.mark.parametrize("seed", range(20))
def test_whatever_is_brought_everything_holds_afterwards(seed: int) -> None:
    random = Random(seed)
    source = walked(seed, 60)
    entities = [(noun, entity) for noun in Noun for entity in source.state.table(noun).values()]
    entities = [(noun, entity) for noun, entity in entities if noun is not Noun.KEY]
    pool = [entity for _, entity in entities]
    pieces = [Piece("x", noun, mangled(entity, pool, random)) for noun, entity in entities if random.random() < 0.9]
    home = World() if random.random() < 0.5 else furnished()
    taken(home, pieces)
    before = fingerprint(home.state)
    taken(home, pieces)
    assert fingerprint(home.state) == before


def mangled(entity: Entity, pool: list[Entity], random: Random) -> Entity:
    """The entity, often with fields that were another's, or empty."""
    for name in entity.__struct_fields__:
        if random.random() < 0.1:
            value = getattr(entity, name)
            others = [getattr(e, name) for e in pool if hasattr(e, name) and type(getattr(e, name)) is type(value)]
            if name in {"dependencies", "reference_task_ids", "ordered_ids"}:
                others = [(e.id, e.id) for e in pool if isinstance(e, Task)]
            elif name.endswith("_id") and name != "thread_id":
                others = [e.id for e in pool]
            elif value is not None and name.endswith("_at") and name not in {"created_at", "updated_at", "added_at"}:
                others = [None]
            entity = replace(entity, **{name: random.choice(others)})
    return entity


def test_only_one_has_what_only_one_may_have() -> None:
    world = World()
    project = world.project()
    first, second = world.task(project), world.task(project)
    session = world.queue(project, first, second)
    pieces, _ = exported.read(export_of(world.state))
    (queue,) = world.state.table(Noun.QUEUE)
    item = QueueItem(id="item_1_a", queue_id=queue, session_id=session, task_id=first, status=ItemStatus.PROCESSING)
    items = [item, replace(item, id="item_1_b")]
    again = Assignment(id="asg_1_a", task_id=first, session_id=session, attempt=2)
    brought = [Piece("a.json", Noun.ITEM, item) for item in items] + [Piece("b.json", Noun.ASSIGNMENT, again)]
    for home in (world, World()):
        taken(home, [*pieces, *brought])
        assert [home.state.item(item.id).status for item in items] == [ItemStatus.PROCESSING, ItemStatus.QUEUED]
        assert home.attempts(first, session)[-1].status is AssignmentStatus.FAILED
    taken(world, [Piece("c.json", Noun.ITEM, replace(item, id="item_1_c"))])
    assert world.state.item("item_1_c").status is ItemStatus.QUEUED


def test_what_the_dead_had_under_way_is_over() -> None:
    world = World()
    project = world.project()
    session = world.queue(project, world.task(project))
    world.mail(None, session)
    pieces, _ = exported.read(export_of(world.state))
    now = {Noun.SESSION: SessionStatus.FAILED, Noun.ITEM: ItemStatus.PROCESSING}
    dead = [replace(p, entity=replace(p.entity, **{"status": now[p.noun]})) if p.noun in now else p for p in pieces]
    home = World()
    taken(home, dead)
    assert [item.status for item in home.state.items(session)] == [ItemStatus.QUEUED]
    assert [delivery.state for delivery in home.state.inbox(session)] == [DeliveryState.BOUNCED]


def test_one_template_of_each_role_is_the_default() -> None:
    world = World()
    shipped = replace(templates.shipped_of(Role.WORKER), is_default=False)
    own = Template(id="tmpl_1_a", name="Own", role=Role.WORKER, content="x", is_default=True)
    taken(world, [Piece("a", Noun.TEMPLATE, shipped)])
    assert templates.default_of(world.state, Role.WORKER).id == shipped.id
    taken(world, [Piece("a", Noun.TEMPLATE, own)])
    assert templates.default_of(world.state, Role.WORKER).id == shipped.id
    project = Piece("p", Noun.PROJECT, Project(id="proj_1_a", name="P", working_dir="/p"))
    boss = Session(id="sess_1_a", project_id="proj_1_a", name="B", role=Role.ORCHESTRATOR, template_id=own.id)
    planned = taken(world, [project, Piece("s", Noun.SESSION, boss)])
    assert [finding.done for finding in planned.findings] == ["the link was cut"]


def test_what_cannot_be_alone_is_left_out() -> None:
    world = World()
    project = world.project()
    task, session = world.task(project, checks=("make test",)), world.queue(project)
    (queue,) = world.state.table(Noun.QUEUE)
    other = world.queue(project)
    taken_, lost = (Check(id=f"chk_1_{c}", task_id=task, command=f"make {c}", ended_at=9) for c in ("test", "lint"))
    astray = QueueItem(id="item_1_a", queue_id=queue, session_id=other, task_id=task)
    large = TimelineEntry(id="evt_1_a", type=EntryType.PROGRESS, project_id=project, metadata={"a": "x" * 20_000})
    pieces = [Piece("a", Noun.CHECK, replace(c, session_id="sess_0_gone")) for c in (taken_, lost)]
    planned = taken(world, [*pieces, Piece("b", Noun.ITEM, astray), Piece("c", Noun.TIMELINE, large)])
    assert {change.id for change in planned.changes} == {"chk_1_test", "evt_1_a"}
    assert world.entries("task", task) == []
    assert session in world.state.table(Noun.SESSION)
    told = " ".join(finding.what for finding in planned.findings)
    assert all(word in told for word in ("has no check", "queue of another session", "metadata", "session_id names"))


def test_circles_are_opened_however_long() -> None:
    project = Piece("p", Noun.PROJECT, Project(id="proj_1_a", name="P", working_dir="/p"))
    ids = [f"task_1_{n:09}" for n in range(1200)]
    waits = [(ids[n - 1], ids[n - 2]) for n in range(len(ids))]
    ring = [Task(id=i, project_id="proj_1_a", title="T", dependencies=d) for i, d in zip(ids, waits, strict=True)]
    planned = plan(State(), [project, *(Piece("t", Noun.TASK, task) for task in ring)])
    assert {finding.done for finding in planned.findings} == {"the link was cut"}
    world = World()
    taken(world, [project, *(Piece("t", Noun.TASK, task) for task in ring)])


# -- the original system's folder ---------------------------------------------------------------------


def test_a_sound_folder_is_taken_whole_and_without_a_word() -> None:
    pieces, findings = original.read(folder.as_texts(folder.sound()))
    world = World()
    planned = taken(world, pieces)
    assert [*findings, *planned.findings] == []
    state = world.state
    assert state.project(folder.PROJECT).working_dir == "/srv/lighthouse"
    first, second = state.task(folder.task_id(0)), state.task(folder.task_id(1))
    assert (first.status, first.priority, first.provider) == (TaskStatus.COMPLETED, Priority.HIGH, "claude")
    assert (second.status, second.dependencies, state.is_ready(second)) == (TaskStatus.TODO, (first.id,), True)
    assert [step.completed for step in state.subtasks(first.id)] == [True]
    (own,) = state.assignments_of_task(first.id)
    assert (own.session_id, own.status, own.attempt) == (folder.WORKER, AssignmentStatus.COMPLETED, 1)
    worker, boss = state.session(folder.WORKER), state.session(folder.BOSS)
    assert (worker.status, worker.role, worker.provider, worker.model) == ("completed", Role.WORKER, "claude", "opus")
    assert (boss.role, boss.strategy, boss.provider) == (Role.ORCHESTRATOR, Strategy.BATCHING, "codex")
    assert len(world.entries("session", worker.id)) == 2
    assert [item.status for item in state.items(worker.id)] == ["completed"]
    assert [delivery.state for delivery in state.inbox(worker.id)] == [DeliveryState.READ] * 2
    assert list(state.inbox(boss.id)) == []
    counts = planned.counts()
    assert (counts["task"], counts["doc"], counts["ordering"], counts["mail"]) == (4, 1, 1, 2)


def test_reading_it_twice_gives_the_same_state() -> None:
    pieces, _ = original.read(folder.as_texts(folder.damaged()))
    world = World()
    taken(world, pieces)
    before = fingerprint(world.state)
    again, _ = original.read(folder.as_texts(folder.damaged()))
    assert taken(world, again).changes == ()
    assert fingerprint(world.state) == before


def test_every_planted_defect_is_told_with_its_file() -> None:
    pieces, findings = original.read(folder.as_texts(folder.damaged()))
    world = World()
    told = [*findings, *taken(world, pieces).findings]
    for what, (planted, words) in folder.DEFECTS.items():
        assert [f for f in told if f.file in planted and words in f.what], what
    assert all(finding.done for finding in told)
    clean = {path for path in folder.sound() if path != f"tasks/{folder.PROJECT}/{folder.task_id(0)}.json"}
    assert not [finding for finding in told if finding.file in clean]
    dead = world.state.session(f"sess_{folder.T0}_dead")
    assert (dead.status, dead.needs_input.active) == (SessionStatus.STOPPED, False)
    assert "planted" not in repr(world.state.tables)


def test_the_older_single_status_goes_to_the_first_session() -> None:
    files = folder.sound()
    statuses = {"sessionIds": [folder.BOSS], "sessionStatus": "completed", "taskSessionStatuses": None}
    files["tasks/x.json"] = folder.a_task(50, dependencies=[], subtasks=[{}], **statuses)
    pieces, findings = original.read(folder.as_texts(files))
    world = World()
    taken(world, pieces)
    assert findings == []
    assert world.assignment(folder.task_id(50), folder.BOSS).status is AssignmentStatus.COMPLETED
    (step,) = world.state.subtasks(folder.task_id(50))
    assert step.title == "(unknown)"


def test_which_folder_it_is_is_seen_from_its_paths() -> None:
    assert original.is_original(folder.sound())
    assert not original.is_original([exported.HEAD, "readme.md"])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_document_is_read_and_what_comes_of_it_holds(data: st.DataObject) -> None:
    files = dict(folder.sound(2))
    path = data.draw(st.sampled_from(sorted(files)))
    document = dict(files[path])  # type: ignore[call-overload]
    changed = data.draw(st.dictionaries(st.sampled_from(sorted(document)), JSON, min_size=1, max_size=4))
    pieces, _ = original.read(folder.as_texts(files | {path: document | changed}))
    taken(World(), pieces)


def test_a_list_that_is_too_long_is_cut_and_told() -> None:
    findings: list[Finding] = []
    paper = documents.Paper("a.json", {"names": ["a"] * 1001, "at": True, "big": 2**60}, findings)
    assert len(paper.texts("names")) == 1000
    assert (paper.time("at"), paper.time("big")) == (None, None)
    assert [finding.what for finding in findings] == [
        "names has 1001 entries",
        "at is True",
        f"big is {2**60}",
    ]
