"""Rule 15: deletions, moves and edits can be taken back, while nothing of them was changed since."""

from collections.abc import Callable

import pytest

from maestrod.domain import orderings, original
from maestrod.domain.batch import BatchTasks, Item
from maestrod.domain.changes import Delete, Put, Undone
from maestrod.domain.checks import AddCheck, RunChecks
from maestrod.domain.claims import ClaimNext
from maestrod.domain.docs import AddDoc, DeleteDoc
from maestrod.domain.editing import DependTask, UndependTask
from maestrod.domain.errors import Conflict, NotAllowed, NotFound
from maestrod.domain.fingerprint import fingerprint
from maestrod.domain.imports import ImportEntities, Source
from maestrod.domain.mail import DeleteMail, SendMail
from maestrod.domain.model import (
    AssignmentStatus,
    Check,
    CheckStatus,
    Delivery,
    DeliveryState,
    ItemStatus,
    Noun,
    Ordered,
    Priority,
    Role,
    TaskStatus,
)
from maestrod.domain.orderings import SetOrdering
from maestrod.domain.projects import ArchiveProject, DeleteProject, EditProject
from maestrod.domain.queues import MoveItem, StartItem
from maestrod.domain.sessions import DeleteSession, StopSession
from maestrod.domain.subtasks import DeleteSubtask, EditSubtask, OrderSubtasks
from maestrod.domain.tasks import CreateTask, DeleteTask, EditTask
from maestrod.domain.templates import CreateTemplate, DeleteTemplate, EditTemplate, ResetTemplate
from maestrod.domain.timeline import Report
from maestrod.domain.undo import UNDOABLE, UndoCommit, taken_back
from maestrod.domain.work import (
    ArchiveTask,
    AssignTask,
    BlockTask,
    CancelTask,
    CompleteTask,
    ReopenTask,
    ReviewTask,
    StartTask,
    UnassignTask,
    UnblockTask,
)
from tests.domain.world import World, actor
from tests.support import original_folder


class Office(World):
    """A project with a bit of everything in it."""

    def __init__(self) -> None:
        super().__init__()
        self.at = self.project()
        self.first = self.task(self.at, "First", labels=("a",))
        self.child = self.task(self.at, "Child", parent_id=self.first)
        self.second = self.task(self.at, "Second", dependencies=(self.first,), reference_task_ids=(self.child,))
        self.step = self.subtask(self.first)
        self.after_step = self.subtask(self.first, "Then")
        self.queued = self.queue(self.at, self.first, self.child)
        self.ended = self.worker(self.at, self.child)
        self.do(Report(message="half", task_id=self.first), actor(self.queued))
        self.do(AddDoc(title="Notes", task_id=self.first, content="long"), actor(self.queued))
        self.do(StopSession(session_id=self.ended))
        self.arrange(self.second, self.first)

    def arrange(self, *ids: str) -> None:
        """Let people see the tasks in this order."""
        self.do(SetOrdering(project_id=self.at, entity_type=Ordered.TASK, ordered_ids=ids))

    def take_in(self) -> None:
        """Import the folder of another system."""
        pieces, _ = original.read(original_folder.as_texts(original_folder.sound()))
        self.brought = tuple(pieces)
        self.do(ImportEntities(source=Source.ORIGINAL, digest=""))

    def arranged(self) -> tuple[str, ...]:
        """The order that was set."""
        return orderings.of(self.state, self.at, Ordered.TASK).ordered_ids


def _completed(office: Office) -> None:
    office.do(CompleteTask(task_id=office.child, note="done"))


def _blocked(office: Office) -> None:
    office.do(BlockTask(task_id=office.child, reason="no key"))


def _answered(office: Office) -> None:
    office.do(SendMail(to_session_id=office.queued, subject="Hello"))
    (mail,) = office.state.table(Noun.MAIL)
    office.do(SendMail(reply_to_mail_id=mail, subject="And?"))


SHIPPED = "tmpl_0_worker"


def _reworded(office: Office) -> None:
    office.do(EditTemplate(template_id=SHIPPED, content="Work."))


def _templated(office: Office) -> None:
    office.do(CreateTemplate(name="Mine", role=Role.WORKER, content="Work well.", is_default=True))


def _both_ended(office: Office) -> None:
    office.do(StopSession(session_id=office.queued))


DEEDS: dict[str, tuple[Callable[[Office], object], Callable[[Office], object]]] = {
    "DeleteTask": (lambda o: None, lambda o: o.do(DeleteTask(task_id=o.first))),
    "DeleteSubtask": (lambda o: None, lambda o: o.do(DeleteSubtask(subtask_id=o.step))),
    "DeleteSession": (lambda o: None, lambda o: o.do(DeleteSession(session_id=o.ended))),
    "DeleteProject": (_both_ended, lambda o: o.do(DeleteProject(project_id=o.at, cascade=True))),
    "DeleteDoc": (lambda o: None, lambda o: o.do(DeleteDoc(doc_id=next(iter(o.state.table(Noun.DOC)))))),
    "DeleteMail": (_answered, lambda o: o.do(DeleteMail(mail_id=min(o.state.table(Noun.MAIL))))),
    "UnassignTask": (lambda o: None, lambda o: o.do(UnassignTask(task_id=o.first, session_id=o.queued))),
    "ArchiveProject": (_both_ended, lambda o: o.do(ArchiveProject(project_id=o.at))),
    "StartTask": (lambda o: None, lambda o: o.do(StartTask(task_id=o.child))),
    "CompleteTask": (lambda o: None, _completed),
    "ReviewTask": (lambda o: None, lambda o: o.do(ReviewTask(task_id=o.child))),
    "BlockTask": (lambda o: None, _blocked),
    "UnblockTask": (_blocked, lambda o: o.do(UnblockTask(task_id=o.child))),
    "CancelTask": (lambda o: None, lambda o: o.do(CancelTask(task_id=o.child))),
    "ReopenTask": (_completed, lambda o: o.do(ReopenTask(task_id=o.child))),
    "ArchiveTask": (_completed, lambda o: o.do(ArchiveTask(task_id=o.child))),
    "MoveItem": (
        lambda o: None,
        lambda o: o.do(MoveItem(session_id=o.queued, item_id=o.item(o.queued, o.child).id, to=0)),
    ),
    "SetOrdering": (lambda o: None, lambda o: o.arrange(o.child)),
    "EditProject": (lambda o: None, lambda o: o.do(EditProject(project_id=o.at, name="Other"))),
    "EditTask": (lambda o: None, lambda o: o.do(EditTask(task_id=o.second, title="Other", dependencies=()))),
    "AddCheck": (lambda o: None, lambda o: o.do(AddCheck(task_id=o.second, check="make test"))),
    "CreateTask": (lambda o: None, lambda o: o.task(o.at, "New", dependencies=(o.first,))),
    "ClaimNext": (lambda o: o.task(o.at, "Free"), lambda o: o.do(ClaimNext(session_id=o.queued))),
    "DependTask": (lambda o: None, lambda o: o.do(DependTask(task_id=o.second, dependencies=(o.child,)))),
    "UndependTask": (lambda o: None, lambda o: o.do(UndependTask(task_id=o.second, dependencies=(o.first,)))),
    "BatchTasks": (
        lambda o: None,
        lambda o: o.do(
            BatchTasks(
                items=(
                    Item(deed=CreateTask(title="New", project_id=o.at)),
                    Item(deed=CompleteTask(task_id=o.child)),
                    Item(deed=EditTask(task_id=o.second, title="Other")),
                )
            )
        ),
    ),
    "EditTemplate": (lambda o: None, lambda o: o.do(EditTemplate(template_id=SHIPPED, content="Work."))),
    "ResetTemplate": (_reworded, lambda o: o.do(ResetTemplate(template_id=SHIPPED))),
    "DeleteTemplate": (
        _templated,
        lambda o: o.do(DeleteTemplate(template_id=max(o.state.table(Noun.TEMPLATE)))),
    ),
    "ImportEntities": (lambda o: None, lambda o: o.take_in()),
    "EditSubtask": (lambda o: None, lambda o: o.do(EditSubtask(subtask_id=o.step, completed=True))),
    "OrderSubtasks": (
        lambda o: None,
        lambda o: o.do(OrderSubtasks(task_id=o.first, ordered_ids=(o.after_step, o.step))),
    ),
}


def test_every_command_that_can_be_taken_back_is_tried_here() -> None:
    assert DEEDS.keys() | {"UndoCommit"} == UNDOABLE


@pytest.mark.parametrize("kind", DEEDS)
def test_what_is_taken_back_is_as_it_was_and_can_be_done_again(kind: str) -> None:
    office = Office()
    prepare, do = DEEDS[kind]
    prepare(office)
    before = fingerprint(office.state)
    do(office)
    after = fingerprint(office.state)
    assert after != before
    seq = len(office.records)
    changes = office.undo()
    assert fingerprint(office.state) == before
    assert {(c.noun, c.id) for c in changes} == {(c.noun, c.id) for c in office.records[seq - 1].changes}
    office.undo()
    assert fingerprint(office.state) == after


def test_what_comes_back_has_a_new_version_and_its_old_birthday() -> None:
    office = Office()
    old = office.state.task(office.first)
    office.do(DeleteTask(task_id=office.first))
    office.undo()
    new = office.state.task(office.first)
    assert (new.version, new.created_at, new.updated_at) == (old.version + 1, old.created_at, office.now)
    office.do(EditTask(task_id=office.first, title="New"))
    office.undo()
    assert office.state.task(office.first).version == new.version + 2


def test_it_is_refused_when_the_same_thing_was_changed_since_and_the_commits_are_named() -> None:
    office = Office()
    office.do(EditTask(task_id=office.second, title="Other"))
    seq = len(office.records)
    office.do(EditTask(task_id=office.child, title="Not this one"))
    office.do(EditTask(task_id=office.second, priority=Priority.HIGH))
    office.do(CancelTask(task_id=office.second))
    refusal = office.cannot_undo(seq)
    assert f"{seq + 2} (EditTask), {seq + 3} (CancelTask)" in refusal.message
    assert office.second in refusal.message
    assert [d["seq"] for d in refusal.details] == [seq + 2, seq + 3]
    office.undo(seq + 3)
    assert "changed since" in office.cannot_undo(seq).message


def test_it_is_refused_when_a_deletion_was_taken_back_already() -> None:
    office = Office()
    office.do(DeleteTask(task_id=office.first))
    seq = len(office.records)
    office.undo()
    assert f"{seq + 1} (UndoCommit)" in office.cannot_undo(seq).message


def test_an_order_that_was_set_since_stays_when_what_was_in_it_comes_back() -> None:
    office = Office()
    office.do(DeleteTask(task_id=office.first))
    seq = len(office.records)
    assert office.arranged() == (office.second,)
    office.arrange()
    office.undo(seq)
    assert office.arranged() == ()


def test_an_order_comes_back_with_what_was_in_it() -> None:
    office = Office()
    office.do(DeleteTask(task_id=office.first))
    office.undo()
    assert office.arranged() == (office.second, office.first)


def test_an_order_that_was_changed_since_is_not_taken_back() -> None:
    office = Office()
    office.arrange(office.child)
    seq = len(office.records)
    office.arrange()
    office.cannot_undo(seq)


@pytest.mark.parametrize(
    "hang",
    [
        lambda o: o.task(original_folder.PROJECT, "More"),
        lambda o: o.worker(original_folder.PROJECT),
    ],
    ids=["a task", "a session"],
)
def test_an_import_is_not_taken_back_from_under_what_hangs_on_it(hang: Callable[[Office], object]) -> None:
    office = Office()
    office.take_in()
    seq = len(office.records)
    hang(office)
    assert "would be left without" in office.cannot_undo(seq).message


@pytest.mark.parametrize(
    "hang",
    [
        lambda o, id_: o.subtask(id_),
        lambda o, id_: o.task(o.at, "Child", parent_id=id_),
        lambda o, id_: o.task(o.at, "Waits", dependencies=(id_,)),
        lambda o, id_: o.task(o.at, "Refers", reference_task_ids=(id_,)),
        lambda o, id_: o.do(Report(message="hm", task_id=id_)),
    ],
    ids=["a step", "a child", "who waits", "who refers", "a report"],
)
def test_a_task_is_not_taken_back_from_under_what_hangs_on_it(hang: Callable[[Office, str], object]) -> None:
    office = Office()
    made = office.task(office.at, "New")
    seq = len(office.records)
    hang(office, made)
    assert f"would be left without {made}" in office.cannot_undo(seq).message


def test_a_task_that_is_taken_back_leaves_the_order_too() -> None:
    office = Office()
    made = office.task(office.at, "New")
    seq = len(office.records)
    office.arrange(made, office.first)
    office.undo(seq)
    assert office.arranged() == (office.first,)


def test_a_step_comes_back_into_a_checklist_that_has_grown() -> None:
    office = Office()
    office.do(DeleteSubtask(subtask_id=office.step))
    seq = len(office.records)
    new = office.subtask(office.first, "New")
    office.undo(seq)
    assert [s.id for s in office.state.subtasks(office.first)] == [office.step, office.after_step, new]
    last = len(office.records)
    newest = office.subtask(office.first, "Newest")
    office.undo(last)
    assert [s.id for s in office.state.subtasks(office.first)] == [office.after_step, new, newest]
    assert [s.order for s in office.state.subtasks(office.first)] == [0, 1, 2]


def test_a_commit_says_what_it_took_back() -> None:
    office = Office()
    office.do(CancelTask(task_id=office.second))
    seq = len(office.records)
    office.undo()
    assert [taken_back(record) for record in office.records[-2:]] == [None, seq]


def test_a_default_template_comes_back_beside_others() -> None:
    office = Office()
    office.do(CreateTemplate(name="Other", role=Role.WORKER, content="Work."))
    _templated(office)
    office.do(DeleteTemplate(template_id=max(office.state.table(Noun.TEMPLATE))))
    office.undo()
    assert len(office.state.table(Noun.TEMPLATE)) == 2


def test_a_template_does_not_come_back_as_a_second_default() -> None:
    office = Office()
    _templated(office)
    office.do(DeleteTemplate(template_id=max(office.state.table(Noun.TEMPLATE))))
    seq = len(office.records)
    _templated(office)
    assert "is the default of its role now" in office.cannot_undo(seq).message


def test_a_change_that_nobody_has_told_of_yet_is_no_less_a_change() -> None:
    office = Office()
    office.do(EditTask(task_id=office.second, title="Other"))
    seq = len(office.records)
    told = office.past(seq)
    office.do(CancelTask(task_id=office.second))
    with pytest.raises(Conflict, match="a commit just now"):
        office.do(UndoCommit(seq=seq), undone=told)


def test_what_cannot_be_taken_back_says_so() -> None:
    office = Office()
    office.worker(office.at)
    assert "is a SpawnSession, which cannot be taken back" in office.cannot_undo(len(office.records)).message


def test_a_commit_that_is_not_there_is_not_found() -> None:
    office = Office()
    office.refuse(NotFound, UndoCommit(seq=99))
    other = Undone(seq=1, kind="EditTask", after=(), before=())
    with pytest.raises(NotFound):
        office.do(UndoCommit(seq=2), undone=other)


def test_what_comes_back_is_not_announced_again() -> None:
    office = Office()
    _completed(office)
    office.do(DeleteTask(task_id=office.child))
    office.undo()
    assert "task:created" in office.names()
    assert not [name for name in office.names() if name.startswith("notify:")]


def test_only_people_take_back() -> None:
    office = Office()
    for session_id in (office.queued, office.orchestrator(office.at)):
        office.refuse(NotAllowed, UndoCommit(seq=1), actor(session_id))


def test_it_is_refused_when_what_it_belongs_to_is_gone() -> None:
    office = Office()
    office.do(DeleteTask(task_id=office.child))
    seq = len(office.records)
    office.do(DeleteSession(session_id=office.ended))
    assert f"names session {office.ended}, which is gone" in office.cannot_undo(seq).message
    office.undo()
    office.undo(seq)


def test_a_project_does_not_come_back_into_a_directory_that_another_has() -> None:
    office = Office()
    _both_ended(office)
    office.do(DeleteProject(project_id=office.at, cascade=True))
    seq = len(office.records)
    other = office.project("New owner")
    assert f"belongs to project {other} now" in office.cannot_undo(seq).message


def test_links_that_have_become_a_circle_do_not_come_back() -> None:
    world = World()
    at = world.project()
    low, middle, top = (world.task(at, title) for title in ("Low", "Middle", "Top"))
    world.do(EditTask(task_id=top, dependencies=(middle,)))
    world.do(EditTask(task_id=top, dependencies=()))
    seq = len(world.records)
    world.do(EditTask(task_id=middle, dependencies=(low,)))
    world.do(EditTask(task_id=low, dependencies=(top,)))
    assert "would wait for itself" in world.cannot_undo(seq).message


def test_a_task_does_not_come_back_under_one_that_has_become_its_child_or_waits_for_it() -> None:
    world = World()
    at = world.project()
    one, other, third = (world.task(at, title) for title in ("One", "Other", "Third"))
    world.do(EditTask(task_id=one, parent_id=other))
    world.do(EditTask(task_id=one, parent_id=None))
    seq = len(world.records)
    world.do(EditTask(task_id=other, parent_id=one))
    assert "would wait for itself" in world.cannot_undo(seq).message
    world.do(EditTask(task_id=other, parent_id=None))
    world.do(EditTask(task_id=other, dependencies=(one,)))
    assert "would wait for itself" in world.cannot_undo(seq).message
    world.do(EditTask(task_id=other, dependencies=(), parent_id=third))
    world.do(EditTask(task_id=third, dependencies=(one,)))
    assert "would wait for itself" in world.cannot_undo(seq).message


def test_a_wait_for_what_has_become_an_ancestor_does_not_come_back() -> None:
    world = World()
    at = world.project()
    child = world.task(at, "Child", parent_id=world.task(at, "Parent"))
    other = world.task(at, "Other")
    parent = world.state.task(child).parent_id
    assert parent is not None
    world.do(EditTask(task_id=child, dependencies=(other,)))
    world.do(EditTask(task_id=child, dependencies=()))
    seq = len(world.records)
    world.do(EditTask(task_id=parent, parent_id=other))
    assert "would wait for itself" in world.cannot_undo(seq).message


def test_work_of_a_session_that_has_ended_meanwhile_comes_back_as_failed() -> None:
    world = World()
    at = world.project()
    task, item_task = world.task(at), world.task(at, "Queued")
    worker, queue = world.worker(at, task), world.queue(at, item_task)
    world.register(worker)
    world.register(queue, pid=4712)
    world.do(StartItem(session_id=queue), actor(queue))
    world.do(StartTask(task_id=task), actor(worker))
    world.do(DeleteTask(task_id=task, force=True))
    seq = len(world.records)
    world.do(DeleteTask(task_id=item_task, force=True))
    world.do(StopSession(session_id=worker))
    world.do(StopSession(session_id=queue))
    world.undo(seq)
    world.undo(seq + 1)
    attempt, item = world.assignment(task, worker), world.item(queue, item_task)
    assert (attempt.status, attempt.ended_at) == (AssignmentStatus.FAILED, world.now - 1)
    assert attempt.result == "its session has ended meanwhile"
    assert (item.status, item.started_at) == (ItemStatus.QUEUED, None)
    assert world.state.task(task).status is TaskStatus.IN_PROGRESS


def test_an_assignment_does_not_come_back_beside_a_newer_one() -> None:
    world = World()
    at = world.project()
    task = world.task(at)
    session = world.worker(at, task)
    world.do(UnassignTask(task_id=task, session_id=session))
    seq = len(world.records)
    world.do(AssignTask(task_id=task, session_id=session))
    assert f"was assigned to {session} since" in world.cannot_undo(seq).message


def test_a_check_that_ran_when_its_task_was_deleted_comes_back_as_interrupted() -> None:
    world = World()
    task = world.task(world.project(), checks=("make test",))
    world.do(RunChecks(task_id=task))
    world.do(DeleteTask(task_id=task))
    world.undo()
    (check,) = world.state.table(Noun.CHECK).values()
    assert isinstance(check, Check)
    assert (check.status, check.ended_at) == (CheckStatus.INTERRUPTED, world.now)


def test_mail_that_can_no_longer_arrive_comes_back_as_bounced() -> None:
    office = Office()
    office.do(SendMail(to_session_id=office.queued, subject="Hello"))
    office.do(DeleteMail(mail_id=min(office.state.table(Noun.MAIL))))
    seq = len(office.records)
    _both_ended(office)
    office.undo(seq)
    (delivery,) = office.state.table(Noun.DELIVERY).values()
    assert isinstance(delivery, Delivery)
    assert (delivery.state, delivery.reason) == (DeliveryState.BOUNCED, "its session has ended meanwhile")


def test_an_item_in_process_waits_again_when_another_is_in_process_now() -> None:
    world = World()
    at = world.project()
    first, second = world.task(at, "First"), world.task(at, "Second")
    session = world.queue(at, first, second)
    world.register(session)
    world.do(StartItem(session_id=session), actor(session))
    world.do(DeleteTask(task_id=first, force=True))
    seq = len(world.records)
    world.do(StartItem(session_id=session), actor(session))
    world.undo(seq)
    item = world.item(session, first)
    assert (item.status, item.started_at) == (ItemStatus.QUEUED, None)
    assert world.item(session, second).status is ItemStatus.PROCESSING
    assert world.assignment(first, session).status is AssignmentStatus.WORKING


def test_what_the_commit_had_made_goes() -> None:
    office = Office()
    office.do(CompleteTask(task_id=office.child, note="done"))
    made = {c.id for c in office.records[-1].changes if isinstance(c, Put) and c.entity.version == 1}
    changes = office.undo()
    assert made
    assert {c.id for c in changes if isinstance(c, Delete)} == made
    assert all(c.noun is Noun.TIMELINE for c in changes if isinstance(c, Delete))
