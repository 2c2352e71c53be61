"""Many deeds as one commit: all of them, or none, and every wrong one named."""

import pytest

from maestrod.domain import proving
from maestrod.domain.batch import BatchTasks, Deed, Item, ItemsRefused, tasks_of
from maestrod.domain.changes import USER, Actor, Put
from maestrod.domain.checks import AddCheck
from maestrod.domain.draft import Draft
from maestrod.domain.editing import DependTask
from maestrod.domain.errors import Invalid
from maestrod.domain.model import Noun, TaskStatus
from maestrod.domain.tasks import CreateTask, DeleteTask, EditTask, create_task, delete_task
from maestrod.domain.work import ArchiveTask, CompleteTask, StartTask
from tests.domain import invariants
from tests.domain.world import World, actor


def batch(*deeds: Deed | tuple[str, Deed]) -> BatchTasks:
    items = [Item(ref=d[0], deed=d[1]) if isinstance(d, tuple) else Item(deed=d) for d in deeds]
    return BatchTasks(items=tuple(items))


def ids(world: World, command: BatchTasks, by: Actor = USER) -> list[str]:
    """The task of every item."""
    changes = world.do(command, by)
    made = [c.id for c in changes if isinstance(c, Put) and c.noun is Noun.TASK and c.entity.version == 1]
    return tasks_of(command, made)


def test_later_items_name_what_earlier_ones_made() -> None:
    world = World()
    project = world.project()
    first, second, third, again = ids(
        world,
        batch(
            ("db", CreateTask(title="Schema", project_id=project)),
            CreateTask(title="Columns", parent_id="$db"),
            ("$api", CreateTask(title="API", project_id=project, dependencies=("$1",), reference_task_ids=("$2",))),
            EditTask(task_id="$api", title="The API"),
        ),
    )
    api = world.state.task(third)
    assert again == third
    assert (api.title, api.dependencies, api.reference_task_ids) == ("The API", (first,), (second,))
    assert api.version == 1
    assert world.state.task(second).parent_id == first
    assert len(world.records) == 2


def test_many_moves_of_one_task_are_one_new_version() -> None:
    world = World()
    project = world.project()
    task = world.task(project)
    [*_, last] = ids(
        world, batch(StartTask(task_id=task), CompleteTask(task_id=task, note="done"), ArchiveTask(task_id=task))
    )
    assert last == task
    found = world.state.task(task)
    assert (found.status, found.version) == (TaskStatus.ARCHIVED, 2)
    assert found.started_at is not None


def test_every_wrong_item_is_named_and_nothing_is_done() -> None:
    world = World()
    project = world.project()
    task = world.task(project)
    refused = world.refuse(
        ItemsRefused,
        batch(
            CreateTask(title="good", project_id=project),
            ("bad", CreateTask(title=" ", priority="high", project_id=project, due_at=-1)),  # type: ignore[arg-type]
            CreateTask(title="follows", parent_id="$bad"),
            DependTask(task_id=task, dependencies=("$9",)),
            EditTask(task_id="task_1_gone", title="x"),
            ArchiveTask(task_id=task),
        ),
    )
    assert refused.code == "VALIDATION_ERROR"
    assert [(d["path"], d.get("code")) for d in refused.details] == [
        ("items[1].title", None),
        ("items[1].dueAt", None),
        ("items[3].dependencies", None),
        ("items[4]", "TASK_NOT_FOUND"),
        ("items[5]", "INVALID_TRANSITION"),
    ]
    assert "items[1]" in refused.message
    invariants.check_indexes(world.state, invariants.every(world.state))


def test_an_item_cannot_name_itself_or_a_later_one() -> None:
    world = World()
    project = world.project()
    for name in ("$1", "$2", "$me"):
        refused = world.refuse(ItemsRefused, batch(("me", CreateTask(title="x", project_id=project, parent_id=name))))
        assert "no earlier item" in refused.message


def test_a_cycle_across_items_is_refused() -> None:
    world = World()
    project = world.project()
    deeds = [CreateTask(title=name, project_id=project) for name in "ab"]
    links = [DependTask(task_id="$1", dependencies=("$2",)), DependTask(task_id="$2", dependencies=("$1",))]
    assert "cycle" in world.refuse(ItemsRefused, batch(*deeds, *links)).message


def test_each_item_is_allowed_as_if_it_came_alone() -> None:
    world = World()
    project = world.project()
    own, free = world.task(project), world.task(project)
    worker = world.worker(project, own)
    child, _ = ids(world, batch(CreateTask(title="child", parent_id=own), StartTask(task_id=own)), actor(worker))
    assert world.state.task(child).parent_id == own
    refused = world.refuse(ItemsRefused, batch(EditTask(task_id=free, title="mine")), actor(worker))
    assert refused.code == "FORBIDDEN"
    assert refused.hint


def test_a_batch_does_not_get_round_the_checks() -> None:
    world = World()
    project = world.project()
    task = world.task(project, checks=("make test",))
    boss = world.orchestrator(project)
    command = batch(StartTask(task_id=task), CompleteTask(task_id=task), EditTask(task_id=task, title="Other"))
    ids(world, command, actor(boss))
    assert world.state.task(task).status is TaskStatus.IN_REVIEW
    world.proven(task)
    assert [t.id for t, _ in proving.to_prove(world.state, command)] == [task]
    made = batch(
        CreateTask(title="x", project_id=project), AddCheck(task_id="$1", check="x"), CompleteTask(task_id="$1")
    )
    assert proving.to_prove(world.state, made) == []
    assert world.state.task(ids(world, made, actor(boss))[0]).status is TaskStatus.IN_REVIEW


@pytest.mark.parametrize(
    ("refs", "path"),
    [(("a", "a"), "items[1].ref"), (("7",), "items[0].ref"), (("$7",), "items[0].ref"), (("x" * 201,), "items[0].ref")],
)
def test_names_must_tell_items_apart(refs: tuple[str, ...], path: str) -> None:
    world = World()
    project = world.project()
    items = batch(*((ref, CreateTask(title="x", project_id=project)) for ref in refs))
    assert path in [p.path for p in world.refuse(Invalid, items).problems]


def test_a_batch_holds_at_least_one_item_and_at_most_a_thousand() -> None:
    world = World(checked=False)
    project = world.project()
    world.refuse(Invalid, batch())
    make = CreateTask(title="x", project_id=project)
    assert "1000" in world.refuse(Invalid, batch(*[make] * 1001)).message
    assert len(set(ids(world, batch(*[make] * 1000)))) == 1000


def test_a_draft_forgets_what_came_and_went_and_keeps_what_is_gone() -> None:
    world = World()
    project = world.project()
    task, other = world.task(project), world.task(project)
    before = invariants.every(world.state)
    with Draft.of(world.state) as draft:
        made = CreateTask(title="x", project_id=project)
        from_here = world.context()
        draft.take(create_task(world.state, made, from_here))
        new = list(world.state.table(Noun.TASK))[-1]
        draft.take(delete_task(world.state, DeleteTask(task_id=new), from_here))
        draft.take(delete_task(world.state, DeleteTask(task_id=task), from_here))
        draft.take([Put(Noun.TASK, world.state.task(other))])
        assert [(c.noun, c.id) for c in draft.changes()] == [(Noun.TASK, task)]
    assert sorted(before, key=lambda e: e[1].id) == sorted(invariants.every(world.state), key=lambda e: e[1].id)
