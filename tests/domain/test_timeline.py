"""Reports: what is told of a task, a session, or both."""

import pytest

from maestrod.domain.errors import Invalid
from maestrod.domain.model import AssignmentStatus, EntryType
from maestrod.domain.timeline import Report
from maestrod.domain.work import StartTask
from tests.domain.world import World, actor


def at_work(world: World) -> tuple[str, str]:
    project = world.project()
    task = world.task(project)
    worker = world.worker(project, task)
    world.do(StartTask(task_id=task), actor(worker))
    return task, worker


def test_a_report_is_about_a_task_or_a_session() -> None:
    world = World()
    task, worker = at_work(world)
    world.do(Report(message="from a person", task_id=task))
    assert world.entries("task", task)[-1].session_id is None
    world.do(Report(message="from the session", task_id=task), actor(worker))
    assert world.entries("task", task)[-1] == world.entries("session", worker)[-1]
    world.do(Report(message="of itself"), actor(worker))
    assert world.entries("session", worker)[-1].task_id is None
    assert world.refuse(Invalid, Report(message="of nothing")).problems[0].path == "taskId"


def test_progress_is_told_to_those_who_watch() -> None:
    world = World()
    task, worker = at_work(world)
    world.do(Report(message="half", task_id=task), actor(worker))
    assert world.names() == ["timeline:added", "notify:progress"]
    world.do(Report(message="oops", type=EntryType.ERROR, task_id=task), actor(worker))
    assert world.names() == ["timeline:added"]


@pytest.mark.parametrize("outcome", list(AssignmentStatus))
def test_an_outcome_moves_the_own_attempt_only(outcome: AssignmentStatus) -> None:
    world = World()
    task, worker = at_work(world)
    command = Report(message="so it is", task_id=task, outcome=outcome)
    if outcome not in {"completed", "failed", "blocked"}:
        assert world.refuse(Invalid, command, actor(worker)).problems[0].path == "outcome"
        return
    world.do(command, actor(worker))
    own = world.assignment(task, worker)
    assert (own.status, own.result) == (outcome, "so it is")
    assert (own.ended_at is None) == (outcome == "blocked")
    assert world.state.task(task).status == "in_progress"
    assert world.entries("task", task)[-1].metadata is None


def test_an_outcome_without_an_attempt_is_told_and_moves_nothing() -> None:
    world = World()
    task, _ = at_work(world)
    assert len(world.do(Report(message="done", task_id=task, outcome=AssignmentStatus.COMPLETED))) == 1


def test_a_long_result_is_cut_to_its_limit_and_told_whole() -> None:
    world = World()
    task, worker = at_work(world)
    world.do(Report(message="x" * 60_000, task_id=task, outcome=AssignmentStatus.COMPLETED), actor(worker))
    assert len(world.assignment(task, worker).result or "") == 10_000
    assert len(world.entries("task", task)[-1].message) == 60_000


def test_a_late_report_keeps_its_own_metadata() -> None:
    world = World()
    task, worker = at_work(world)
    for _ in range(2):
        command = Report(message="done", task_id=task, outcome=AssignmentStatus.COMPLETED, metadata={"a": 1})
        world.do(command, actor(worker))
    assert world.entries("task", task)[-1].metadata == {"a": 1, "late": True}
