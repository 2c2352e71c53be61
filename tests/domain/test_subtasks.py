"""Subtasks: a checklist in an order without gaps."""

import pytest

from maestrod.domain.errors import Conflict, Invalid, NotFound
from maestrod.domain.subtasks import CreateSubtask, DeleteSubtask, EditSubtask, OrderSubtasks
from maestrod.domain.tasks import CreateTask
from tests.domain.world import World


def checklist(world: World) -> tuple[str, list[str]]:
    task = world.task(world.project())
    return task, [world.subtask(task, f"Step {n}") for n in range(3)]


def order(world: World, task: str) -> list[str]:
    return [s.id for s in world.state.subtasks(task)]


def test_a_new_step_is_the_last() -> None:
    world = World()
    task, steps = checklist(world)
    assert order(world, task) == steps
    assert world.names() == ["subtask:created"]


OWN = "sub_1700000000000_abcdefghi"


def test_a_step_and_a_task_may_bring_their_ids_along() -> None:
    world = World()
    task = world.task(world.project(), id="task_1700000000000_abcdefghi")
    assert (task, world.subtask(task, id=OWN)) == ("task_1700000000000_abcdefghi", OWN)
    assert order(world, task) == [OWN]


@pytest.mark.parametrize(
    "wanted",
    ["", "x", "sub_1_x", OWN.upper(), f"{OWN}a", f"{OWN}\n", OWN[:-1], f"x{OWN}", "task_1700000000000_abcdefghi"],
    ids=repr,
)
def test_an_id_that_is_brought_along_looks_like_all_others(wanted: str) -> None:
    world = World()
    task = world.task(world.project())
    assert world.refuse(Invalid, CreateSubtask(task_id=task, title="Step", id=wanted)).problems[0].path == "id"


def test_an_id_that_is_taken_is_nobody_elses() -> None:
    world = World()
    task = world.task(world.project())
    world.subtask(task, id=OWN)
    assert OWN in world.refuse(Conflict, CreateSubtask(task_id=task, title="Step", id=OWN)).message
    assert (
        "is there already"
        in world.refuse(Conflict, CreateTask(title="T", project_id=world.state.task(task).project_id, id=task)).message
    )


def test_steps_behind_a_deleted_one_move_up() -> None:
    world = World()
    task, steps = checklist(world)
    world.do(DeleteSubtask(subtask_id=steps[0]))
    assert [s.order for s in world.state.subtasks(task)] == [0, 1]
    assert world.state.subtasks(task)[0].id == steps[1]
    world.refuse(NotFound, DeleteSubtask(subtask_id=steps[0]))


def test_the_whole_order_is_given_at_once() -> None:
    world = World()
    task, steps = checklist(world)
    world.do(OrderSubtasks(task_id=task, ordered_ids=(steps[2], steps[0], steps[1])))
    assert order(world, task) == [steps[2], steps[0], steps[1]]
    world.nothing(OrderSubtasks(task_id=task, ordered_ids=(steps[2], steps[0], steps[1])))


@pytest.mark.parametrize("places", [(0, 1), (0, 1, 1), (0, 1, 2, 2), ()])
def test_an_order_names_every_step_once(places: tuple[int, ...]) -> None:
    world = World()
    task, steps = checklist(world)
    refused = world.refuse(Invalid, OrderSubtasks(task_id=task, ordered_ids=tuple(steps[p] for p in places)))
    assert refused.problems[0].path == "orderedIds"
    other = world.subtask(world.task(world.state.task(task).project_id))
    world.refuse(Invalid, OrderSubtasks(task_id=task, ordered_ids=(*steps[:2], other)))


def test_a_step_is_ticked_and_the_tick_taken_back() -> None:
    world = World()
    _, steps = checklist(world)
    world.do(EditSubtask(subtask_id=steps[0], completed=True))
    assert world.state.subtask(steps[0]).completed_at == world.now
    ticked = world.now
    world.nothing(EditSubtask(subtask_id=steps[0], completed=True))
    world.do(EditSubtask(subtask_id=steps[0], title="Better", description="so", completed=True))
    assert (world.state.subtask(steps[0]).title, world.state.subtask(steps[0]).completed_at) == ("Better", ticked)
    world.do(EditSubtask(subtask_id=steps[0], completed=False))
    assert world.state.subtask(steps[0]).completed_at is None


def test_a_checklist_has_at_most_a_thousand_steps() -> None:
    world = World(checked=False)
    task, _ = checklist(world)
    for _ in range(997):
        world.subtask(task)
    assert "1000 subtasks" in world.refuse(Conflict, CreateSubtask(task_id=task, title="More")).message
