"""Setting a status by editing, the older form of a session's report, and links between tasks."""

import pytest

from maestrod.domain import proving, tables
from maestrod.domain.editing import DependTask, MoveAttempt, UndependTask
from maestrod.domain.errors import Conflict, IllegalMove, Invalid, NotAllowed
from maestrod.domain.model import AssignmentStatus, TaskStatus
from maestrod.domain.sessions import StopSession
from maestrod.domain.tasks import EditTask
from maestrod.domain.work import CompleteTask, StartTask
from tests.domain.world import World, actor

WORKING, BLOCKED = AssignmentStatus.WORKING, AssignmentStatus.BLOCKED


def in_status(world: World, project: str, status: TaskStatus) -> str:
    """A task that was brought there by editing alone."""
    task = world.task(project)
    if status is TaskStatus.ARCHIVED:
        world.do(EditTask(task_id=task, status=TaskStatus.COMPLETED))
    world.do(EditTask(task_id=task, status=status))
    assert world.state.task(task).status is status
    return task


@pytest.mark.parametrize("start", TaskStatus)
def test_a_status_is_set_where_the_table_has_the_move_and_nowhere_else(start: TaskStatus) -> None:
    world = World()
    project = world.project()
    for wanted in TaskStatus:
        task = in_status(world, project, start)
        command = EditTask(task_id=task, status=wanted, title="Other")
        if wanted is start or wanted in tables.TASK[start]:
            world.do(command)
            assert world.state.task(task).status is wanted
            assert world.state.task(task).title == "Other"
        else:
            world.refuse(IllegalMove, command)


def test_setting_the_status_it_has_changes_nothing() -> None:
    world = World()
    task = world.task(world.project())
    world.nothing(EditTask(task_id=task, status=TaskStatus.TODO))


def test_a_task_that_is_to_do_again_waits_for_its_sessions_to_begin_anew() -> None:
    world = World()
    project = world.project()
    task = world.task(project)
    worker = world.worker(project, task)
    world.do(StartTask(task_id=task), actor(worker))
    world.do(EditTask(task_id=task, status=TaskStatus.TODO))
    assert world.assignment(task, worker).status == "queued"


def test_a_reason_goes_with_the_status() -> None:
    world = World()
    task = world.task(world.project())
    world.do(EditTask(task_id=task, status=TaskStatus.BLOCKED, reason="rain"))
    assert world.state.task(task).blocked_reason == "rain"


def test_editing_does_not_get_round_the_checks() -> None:
    world = World()
    project = world.project()
    task = world.task(project, checks=("make test",))
    boss = world.orchestrator(project)
    done = EditTask(task_id=task, status=TaskStatus.COMPLETED)
    world.do(done, actor(boss))
    assert world.state.task(task).status is TaskStatus.IN_REVIEW
    world.refuse(NotAllowed, EditTask(task_id=task, status=TaskStatus.COMPLETED, override=True), actor(boss))
    world.proven(task)
    assert [t.id for t, _ in proving.to_prove(world.state, done)] == [task]
    world.do(done, actor(boss))
    assert world.state.task(task).status is TaskStatus.COMPLETED


def test_dropping_the_checks_while_completing_is_one_decision_on_what_is_left() -> None:
    world = World()
    project = world.project()
    task = world.task(project, checks=("make test",))
    world.do(EditTask(task_id=task, checks=(), status=TaskStatus.COMPLETED))
    assert world.state.task(task).status is TaskStatus.COMPLETED


# -- links ----------------------------------------------------------------------------------------


def test_links_are_added_and_taken_away_one_by_one() -> None:
    world = World()
    project = world.project()
    first, second, task = (world.task(project) for _ in range(3))
    world.do(DependTask(task_id=task, dependencies=(first,)))
    world.do(DependTask(task_id=task, dependencies=(second, first)))
    assert world.state.task(task).dependencies == (first, second)
    world.nothing(DependTask(task_id=task, dependencies=(second,)))
    world.do(UndependTask(task_id=task, dependencies=(first, "task_1_gone")))
    assert world.state.task(task).dependencies == (second,)
    world.nothing(UndependTask(task_id=task, dependencies=(first,)))
    assert "cycle" in world.refuse(Invalid, DependTask(task_id=second, dependencies=(task,))).message


# -- a session's own attempt ----------------------------------------------------------------------


def test_a_session_moves_its_own_attempt_and_not_the_task() -> None:
    world = World()
    project = world.project()
    task = world.task(project)
    worker = world.worker(project, task)
    for status in (WORKING, BLOCKED, WORKING, AssignmentStatus.COMPLETED):
        world.do(MoveAttempt(task_id=task, session_status=status), actor(worker))
        assert world.assignment(task, worker).status is status
        world.nothing(MoveAttempt(task_id=task, session_status=status), actor(worker))
    assert world.state.task(task).status is TaskStatus.TODO


def test_what_comes_after_the_end_is_kept_as_a_late_report() -> None:
    world = World()
    project = world.project()
    task = world.task(project)
    worker = world.worker(project, task)
    world.do(CompleteTask(task_id=task), actor(worker))
    before = world.assignment(task, worker)
    world.do(MoveAttempt(task_id=task, session_status=WORKING), actor(worker))
    assert world.assignment(task, worker) == before
    assert world.entries("task", task)[-1].metadata == {"late": True}


def test_an_attempt_that_is_not_there_begins_by_working_only() -> None:
    world = World()
    project = world.project()
    task, worker = world.task(project), world.worker(project)
    world.refuse(Invalid, MoveAttempt(task_id=task, session_status=BLOCKED, session_id=worker))
    world.do(MoveAttempt(task_id=task, session_status=WORKING, session_id=worker))
    assert world.assignment(task, worker).status is WORKING
    world.refuse(Invalid, MoveAttempt(task_id=task, session_status=WORKING))
    far = world.worker(world.project(working_dir="/elsewhere"))
    world.refuse(Invalid, MoveAttempt(task_id=task, session_status=WORKING, session_id=far))
    ended = world.worker(project)
    world.do(StopSession(session_id=ended))
    world.refuse(Conflict, MoveAttempt(task_id=task, session_status=WORKING, session_id=ended))
