"""What clients are told: only names of the registry, and every name of it by some command."""

from maestrod.domain.changes import DAEMON
from maestrod.domain.docs import AddDoc, DeleteDoc
from maestrod.domain.events import EVENTS
from maestrod.domain.keys import RevokeKey, UseKey
from maestrod.domain.mail import AckMail, DeleteMail, ExpireMail, HoldMail, ReadMail, SurfaceMail
from maestrod.domain.model import AssignmentStatus, Noun, Ordered, SessionStatus
from maestrod.domain.orderings import SetOrdering
from maestrod.domain.projects import DeleteProject, EditProject
from maestrod.domain.queues import CompleteItem, FailItem, MoveItem, PauseQueue, PushItem, SkipItem, StartItem
from maestrod.domain.sessions import (
    CompleteSession,
    DeleteSession,
    NeedInput,
    RecordExit,
    RecordTurn,
    ResumeSession,
    StopSession,
)
from maestrod.domain.subtasks import DeleteSubtask, EditSubtask
from maestrod.domain.tasks import DeleteTask, EditTask
from maestrod.domain.templates import DeleteTemplate, ResetTemplate
from maestrod.domain.timeline import Report
from maestrod.domain.work import BlockTask, CancelTask, CompleteTask, ReviewTask, StartTask, UnassignTask
from tests.domain.world import World, actor

OTHERWISE = {Noun.ITEM, Noun.TIMELINE, Noun.DOC, Noun.MAIL, Noun.DELIVERY}
"""Nouns whose events have other names."""


def walk(world: World) -> None:
    """Do once what can be done."""
    project = world.project()
    world.do(EditProject(project_id=project, description="more"))
    first, second, third = (world.task(project, title) for title in ("First", "Second", "Third"))
    world.do(EditTask(task_id=third, dependencies=(first, second)))
    sixth = world.task(project, "Sixth", checks=("make test",))
    world.proven(sixth)
    world.do(EditTask(task_id=sixth, checks=()))
    step = world.subtask(first)
    world.do(EditSubtask(subtask_id=step, completed=True))
    world.do(DeleteSubtask(subtask_id=step))

    queue = world.queue(project, first, second)
    world.do(RecordTurn(session_id=queue, status=SessionStatus.WORKING), DAEMON)
    world.do(StartItem(session_id=queue), actor(queue))
    world.do(Report(message="half", task_id=first), actor(queue))
    world.do(AddDoc(title="Notes", task_id=first), actor(queue))
    world.do(DeleteDoc(doc_id=world.doc(task_id=first)))
    world.do(NeedInput(session_id=queue, message="Which?"), actor(queue))
    world.do(CompleteItem(session_id=queue), actor(queue))
    world.do(StartItem(session_id=queue), actor(queue))
    world.do(FailItem(session_id=queue, reason="rain"), actor(queue))
    fourth, fifth = world.task(project, "Fourth"), world.task(project, "Fifth")
    world.do(PushItem(session_id=queue, task_id=fourth))
    world.do(PushItem(session_id=queue, task_id=fifth))
    world.do(MoveItem(session_id=queue, item_id=world.item(queue, fifth).id, to=0))
    world.do(SkipItem(session_id=queue, item_id=world.item(queue, fifth).id))
    world.do(PauseQueue(session_id=queue))
    world.do(CancelTask(task_id=second))
    world.do(EditTask(task_id=third, dependencies=(first,)))

    worker = world.worker(project, third)
    asked, forgotten = world.mail(queue, worker), world.mail(queue, worker, expires_at=1)
    world.mail(worker, None, reply_to_mail_id=asked)
    world.do(HoldMail(session_id=worker, mail_ids=(forgotten,), reason="nobody took it"), DAEMON)
    world.do(SurfaceMail(session_id=worker, mail_ids=(forgotten,)), DAEMON)
    world.do(ExpireMail(mail_id=forgotten), DAEMON)
    told = world.mail(None, worker)
    world.do(ReadMail(mail_id=told), actor(worker))
    world.do(AckMail(mail_id=told), actor(worker))
    world.do(DeleteMail(mail_id=asked))
    world.mail(queue, worker)
    world.do(StartTask(task_id=third), actor(worker))
    world.do(BlockTask(task_id=third, reason="rain"), actor(worker))
    world.do(ReviewTask(task_id=third))
    world.do(UnassignTask(task_id=third, session_id=worker))
    world.do(CompleteTask(task_id=third))
    world.do(CompleteSession(session_id=worker))
    world.do(ResumeSession(session_id=worker))
    world.do(RecordExit(session_id=worker, code=1))
    world.do(DeleteTask(task_id=first))
    world.do(StopSession(session_id=queue))
    world.do(DeleteSession(session_id=queue))
    template = world.template()
    world.do(ResetTemplate(template_id=template))
    key = world.key()
    world.do(UseKey(key_id=key), DAEMON)
    world.do(RevokeKey(key_id=key))
    world.do(DeleteTemplate(template_id=template))
    world.do(SetOrdering(project_id=project, entity_type=Ordered.TASK, ordered_ids=(third,)))
    world.do(SetOrdering(project_id=project, entity_type=Ordered.TASK, ordered_ids=()))
    world.do(DeleteProject(project_id=project, cascade=True))


def test_every_event_of_the_registry_is_made_by_some_command_and_no_other() -> None:
    world = World()
    walk(world)
    made = {event.name for record in world.records for event in record.events}
    assert made == EVENTS


def test_the_first_events_of_a_commit_follow_its_changes() -> None:
    world = World()
    walk(world)
    for record in world.records:
        told = [(e.noun, e.id) for e in record.events if e.name.split(":")[1] in {"created", "updated", "deleted"}]
        changed = [(c.noun, c.id) for c in record.changes if c.noun not in OTHERWISE]
        assert [pair for pair in told if pair[0] not in OTHERWISE] == changed


def test_every_change_is_told() -> None:
    world = World()
    walk(world)
    for record in world.records:
        assert {(c.noun, c.id) for c in record.changes} <= {(e.noun, e.id) for e in record.events}


def test_a_status_that_stays_is_not_announced_again() -> None:
    world = World()
    project = world.project()
    task = world.task(project)
    worker = world.worker(project, task)
    world.do(BlockTask(task_id=task, reason="rain"))
    world.do(EditTask(task_id=task, title="Wet"))
    assert world.names() == ["task:updated"]
    world.do(Report(message="b", task_id=task, outcome=AssignmentStatus.BLOCKED), actor(worker))
    world.do(Report(message="c", task_id=task, outcome=AssignmentStatus.BLOCKED), actor(worker))
    assert world.names() == ["timeline:added", "notify:progress", "assignment:updated"]


def test_a_stopped_session_is_no_news_of_success_or_failure() -> None:
    world = World()
    worker = world.worker(world.project())
    world.do(StopSession(session_id=worker))
    assert world.names() == ["session:updated", "timeline:added"]


def test_cancelling_twice_tells_dependents_once() -> None:
    world = World()
    project = world.project()
    task = world.task(project)
    world.task(project, dependencies=(task,))
    world.do(CancelTask(task_id=task))
    world.do(EditTask(task_id=task, title="Gone"))
    assert world.names() == ["task:updated"]
