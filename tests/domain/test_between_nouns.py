"""What happens to one noun means something for the others that name it."""

from maestrod.domain.checks import AddCheck, RunChecks
from maestrod.domain.errors import Invalid
from maestrod.domain.fingerprint import fingerprint
from maestrod.domain.mail import SendMail
from maestrod.domain.model import Noun, Ordered
from maestrod.domain.orderings import SetOrdering
from maestrod.domain.sessions import DeleteSession, StopSession
from maestrod.domain.tasks import DeleteTask, EditTask
from tests.domain.world import World, actor


def test_an_answer_stays_in_the_project_of_the_mail_that_it_answers() -> None:
    world = World()
    here, there = world.project(), world.project(working_dir="/there")
    mail = world.mail(world.worker(here), world.worker(here))
    asked = SendMail(to_session_id=world.worker(there), reply_to_mail_id=mail, message="and you?")
    refused = world.refuse(Invalid, asked)
    assert [problem.path for problem in refused.problems] == ["replyToMailId"]


def test_a_task_does_not_come_back_with_a_run_for_a_session_that_is_gone() -> None:
    world = World()
    project = world.project()
    task, boss = world.task(project, checks=("make test",)), world.orchestrator(project)
    world.do(RunChecks(task_id=task), actor(boss))
    world.do(DeleteTask(task_id=task))
    deletion = len(world.records)
    world.do(StopSession(session_id=boss))
    world.do(DeleteSession(session_id=boss))
    assert boss in world.cannot_undo(deletion).message
    world.undo()
    world.undo(deletion)
    assert [check.session_id for check in world.state.checks(task)] == [boss]


def test_a_check_whose_addition_is_taken_back_takes_its_run_with_it_and_brings_it_again() -> None:
    world = World()
    task = world.task(world.project())
    world.do(AddCheck(task_id=task, check="make test"))
    addition = len(world.records)
    world.proven(task)
    before = fingerprint(world.state)
    world.undo(addition)
    assert not world.state.table(Noun.CHECK)
    world.undo()
    assert fingerprint(world.state) == before


def test_an_order_does_not_come_back_beside_another() -> None:
    world = World()
    project = world.project()
    tasks = (world.task(project), world.task(project))
    first = SetOrdering(project_id=project, entity_type=Ordered.TASK, ordered_ids=tasks)
    world.do(first)
    world.undo()
    taken_back = len(world.records)
    world.do(first)
    assert "put in order since" in world.cannot_undo(taken_back).message
    world.do(SetOrdering(project_id=project, entity_type=Ordered.SESSION, ordered_ids=()))
    world.undo(taken_back + 1)
    world.undo(taken_back)
    assert [order.ordered_ids for order in world.state.orderings(project) if order.ordered_ids] == [tasks]


def test_nobody_waits_for_what_lies_under_it_by_taking_something_back() -> None:
    world = World()
    project = world.project()
    top, middle = world.task(project), world.task(project)
    low = world.task(project, parent_id=middle)
    world.do(EditTask(task_id=middle, parent_id=top))
    world.do(EditTask(task_id=middle, parent_id=None))
    moved_away = len(world.records)
    world.do(EditTask(task_id=top, dependencies=(low,)))
    assert "wait for itself" in world.cannot_undo(moved_away).message
    world.do(EditTask(task_id=top, dependencies=()))
    world.do(EditTask(task_id=low, dependencies=(top,)))
    assert "wait for itself" in world.cannot_undo(moved_away).message


def test_a_dependency_does_not_come_back_on_what_was_put_under_it() -> None:
    world = World()
    project = world.project()
    first, second = world.task(project), world.task(project)
    world.do(EditTask(task_id=first, dependencies=(second,)))
    world.do(EditTask(task_id=first, dependencies=()))
    freed = len(world.records)
    world.do(EditTask(task_id=second, parent_id=first))
    assert "wait for itself" in world.cannot_undo(freed).message
