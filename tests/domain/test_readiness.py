"""Rules 2 and 3: when a task may be started, and what its dependencies do to it."""

import pytest

from maestrod.domain.errors import Conflict, IllegalMove, NotReady
from maestrod.domain.sessions import CompleteSession
from maestrod.domain.tasks import DeleteTask, EditTask
from maestrod.domain.work import (
    ArchiveTask,
    BlockTask,
    CancelTask,
    CompleteTask,
    ReopenTask,
    StartTask,
    UnblockTask,
)
from tests.domain.world import World, actor


def pair(world: World) -> tuple[str, str]:
    """A task, and one that waits for it."""
    project = world.project()
    first = world.task(project, "First")
    return first, world.task(project, "Second", dependencies=(first,))


def is_ready(world: World, task: str) -> bool:
    return world.state.is_ready(world.state.task(task))


def test_a_task_without_dependencies_is_ready() -> None:
    world = World()
    assert is_ready(world, world.task(world.project()))


@pytest.mark.parametrize("force", [False, True])
def test_a_task_that_waits_starts_only_by_force(force: bool) -> None:
    world = World()
    first, second = pair(world)
    command = StartTask(task_id=second, force=force)
    if force:
        world.do(command)
        assert world.state.task(second).status == "in_progress"
    else:
        refused = world.refuse(NotReady, command)
        assert refused.details == ({"taskId": first, "title": "First"},)
        assert f"{first} (First)" in refused.message


def test_completing_the_last_dependency_makes_dependents_ready_and_says_so() -> None:
    world = World()
    first, second = pair(world)
    also = world.task(world.state.task(first).project_id, "Also")
    world.do(EditTask(task_id=second, dependencies=(first, also)))
    world.do(CompleteTask(task_id=first))
    assert "task:ready" not in world.names()
    assert not is_ready(world, second)
    world.do(CompleteTask(task_id=also))
    assert world.told("task:ready") == [second]
    assert is_ready(world, second)
    world.do(StartTask(task_id=second))


def test_archiving_after_completion_leaves_dependents_ready() -> None:
    world = World()
    first, second = pair(world)
    world.do(CompleteTask(task_id=first))
    world.do(ArchiveTask(task_id=first))
    assert is_ready(world, second)
    assert "task:ready" not in world.names()


def test_reopening_a_dependency_takes_readiness_back() -> None:
    world = World()
    first, second = pair(world)
    world.do(CompleteTask(task_id=first))
    world.do(ReopenTask(task_id=first))
    assert not is_ready(world, second)
    world.do(CompleteTask(task_id=first))
    assert world.told("task:ready") == [second]
    world.do(ArchiveTask(task_id=first))
    world.do(ReopenTask(task_id=first))
    assert not is_ready(world, second)


def test_cancelling_a_dependency_leaves_dependents_waiting_and_says_so() -> None:
    world = World()
    first, second = pair(world)
    world.do(CancelTask(task_id=first))
    assert world.told("task:dependency_cancelled") == [second]
    assert not is_ready(world, second)
    world.do(ArchiveTask(task_id=first))
    assert not is_ready(world, second)
    world.refuse(NotReady, StartTask(task_id=second))


def test_dropping_the_last_open_dependency_makes_ready_and_says_so() -> None:
    world = World()
    first, second = pair(world)
    world.do(EditTask(task_id=second, dependencies=()))
    assert world.told("task:ready") == [second]
    world.do(EditTask(task_id=second, dependencies=(first,)))
    assert not is_ready(world, second)
    world.do(DeleteTask(task_id=first))
    assert world.told("task:ready") == [second]
    assert is_ready(world, second)


def test_only_a_task_that_is_to_do_is_told_to_be_ready() -> None:
    world = World()
    first, second = pair(world)
    world.do(BlockTask(task_id=second, reason="rain"))
    world.do(EditTask(task_id=second, dependencies=()))
    assert "task:ready" not in world.names()
    world.do(EditTask(task_id=second, dependencies=(first,)))
    world.do(CompleteTask(task_id=first))
    assert "task:ready" not in world.names()
    assert not is_ready(world, second)


def test_a_blocked_task_that_waits_cannot_be_started_either() -> None:
    world = World()
    first, second = pair(world)
    world.do(BlockTask(task_id=second, reason="rain"))
    world.refuse(NotReady, StartTask(task_id=second))
    world.do(CompleteTask(task_id=first))
    world.do(StartTask(task_id=second))


def test_unblocking_is_no_way_round_open_dependencies() -> None:
    world = World()
    first, second = pair(world)
    worker = world.worker(world.state.task(first).project_id, second, force=True)
    world.do(BlockTask(task_id=second, reason="waits for First"), actor(worker))
    assert world.assignment(second, worker).status == "queued"
    world.do(UnblockTask(task_id=second), actor(worker))
    assert world.state.task(second).status == "todo"
    world.refuse(NotReady, StartTask(task_id=second), actor(worker))


def test_an_attempt_that_began_waits_on_when_a_dependency_was_added_meanwhile() -> None:
    world = World()
    project = world.project()
    first, second = world.task(project, "First"), world.task(project, "Second")
    worker = world.worker(project, second)
    world.do(StartTask(task_id=second), actor(worker))
    world.do(BlockTask(task_id=second, reason="needs First"), actor(worker))
    world.do(EditTask(task_id=second, dependencies=(first,)))
    world.do(UnblockTask(task_id=second), actor(worker))
    assert (world.state.task(second).status, world.assignment(second, worker).status) == ("todo", "blocked")
    world.do(CompleteTask(task_id=first))
    assert world.told("task:ready") == [second]
    world.do(StartTask(task_id=second), actor(worker))
    assert world.assignment(second, worker).status == "working"


def test_spawning_a_worker_on_a_task_that_waits_is_refused_unless_forced() -> None:
    world = World()
    first, second = pair(world)
    project = world.state.task(first).project_id
    with pytest.raises(NotReady):
        world.worker(project, second)
    world.worker(project, second, force=True)
    world.orchestrator(project, second)
    world.queue(project, first, second)
    with pytest.raises(NotReady):
        world.queue(project, second)


@pytest.mark.parametrize("over", [CompleteTask, CancelTask])
def test_nobody_is_spawned_on_a_task_that_is_over(over: type[CompleteTask | CancelTask]) -> None:
    world = World()
    project = world.project()
    task = world.task(project)
    world.do(over(task_id=task))
    with pytest.raises(Conflict) as refused:
        world.worker(project, task)
    assert "reopen" in refused.value.hint
    world.refuse(IllegalMove, StartTask(task_id=task))


def test_a_task_that_its_session_leaves_is_ready_again() -> None:
    world = World()
    project = world.project()
    task = world.task(project)
    worker = world.worker(project, task)
    world.do(StartTask(task_id=task), actor(worker))
    assert not is_ready(world, task)
    world.do(CompleteSession(session_id=worker), actor(worker))
    assert is_ready(world, task)
