"""Rule 14: when a task was started and completed; and what a commit says of each change (rules 12 and 13)."""

from maestrod.domain.errors import KeyReused, Stale
from maestrod.domain.tasks import EditTask
from maestrod.domain.work import ArchiveTask, BlockTask, CompleteTask, ReopenTask, StartTask, UnblockTask
from tests.domain.world import World, actor


def test_started_at_is_the_first_start() -> None:
    world = World()
    task = world.task(world.project())
    assert world.state.task(task).started_at is None
    world.do(StartTask(task_id=task))
    first = world.now
    world.do(BlockTask(task_id=task, reason="rain"))
    world.do(UnblockTask(task_id=task))
    world.do(StartTask(task_id=task))
    world.do(CompleteTask(task_id=task))
    world.do(ReopenTask(task_id=task))
    assert world.state.task(task).started_at == first


def test_completing_at_once_starts_as_well() -> None:
    world = World()
    task = world.task(world.project())
    world.do(CompleteTask(task_id=task))
    found = world.state.task(task)
    assert (found.started_at, found.completed_at) == (world.now, world.now)


def test_completed_at_stays_through_archiving_and_goes_with_reopening() -> None:
    world = World()
    task = world.task(world.project())
    world.do(CompleteTask(task_id=task))
    at = world.now
    world.do(ArchiveTask(task_id=task))
    assert world.state.task(task).completed_at == at
    world.do(ReopenTask(task_id=task))
    assert world.state.task(task).completed_at is None
    world.do(CompleteTask(task_id=task))
    world.do(ReopenTask(task_id=task))
    assert world.state.task(task).completed_at is None


def test_an_attempt_knows_when_it_began_and_ended() -> None:
    world = World()
    project = world.project()
    task = world.task(project)
    worker = world.worker(project, task)
    world.do(StartTask(task_id=task), actor(worker))
    began = world.now
    world.do(CompleteTask(task_id=task), actor(worker))
    own = world.assignment(task, worker)
    assert (own.started_at, own.ended_at) == (began, world.now)


def test_a_change_that_changes_nothing_makes_no_version() -> None:
    world = World()
    task = world.task(world.project(), "Build")
    world.nothing(EditTask(task_id=task, title="Build"))
    assert world.state.task(task).version == 1
    world.do(EditTask(task_id=task, title="Rebuild"))
    found = world.state.task(task)
    assert (found.version, found.created_at, found.updated_at) == (2, world.now - 2, world.now)


def test_a_stale_version_is_told_the_current_one() -> None:
    error = Stale("task", "task_1_x", 7)
    assert (error.code, error.details) == ("VERSION_MISMATCH", ({"version": 7},))
    assert "version 7" in error.message


def test_a_reused_key_is_named_and_shortened() -> None:
    assert "'abc'" in KeyReused("abc").message
    assert len(KeyReused("k" * 10_000).message) < 200
