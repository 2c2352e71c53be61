"""Documents: left with a task, a session, or both, and taken away by whoever left them."""

import pytest

from maestrod.domain.docs import AddDoc, DeleteDoc
from maestrod.domain.errors import Invalid, NotAllowed, NotFound
from maestrod.domain.model import EntryType, Noun
from maestrod.domain.names import resolve
from maestrod.domain.sessions import DeleteSession, StopSession
from maestrod.domain.tasks import DeleteTask
from tests.domain.world import World, actor


def test_a_doc_is_kept_and_told() -> None:
    world = World()
    project = world.project()
    task = world.task(project)
    worker = world.worker(project, task)
    content = "page one\fpage two\x1b[1m"
    world.do(AddDoc(title="Plan", task_id=task, content=content, file_path="/plan.md", doc_kind="plan"), actor(worker))
    assert world.names() == ["doc:added", "timeline:added"]
    (id_,) = world.state.table(Noun.DOC)
    doc = world.state.doc(id_)
    assert (doc.title, doc.content, doc.file_path, doc.kind) == ("Plan", content, "/plan.md", "plan")
    assert (doc.task_id, doc.session_id, doc.project_id) == (task, worker, project)
    told = world.entries("task", task)[-1]
    assert (told.type, told.message, told.metadata) == (EntryType.DOC_ADDED, "Plan", {"docId": doc.id})
    world.do(AddDoc(title="Notes", session_id=worker, file_path=None))


def test_a_doc_hangs_on_something() -> None:
    assert World().refuse(Invalid, AddDoc(title="of nothing")).problems[0].path == "taskId"


def test_a_doc_that_is_taken_away_stays_on_the_timeline() -> None:
    world = World()
    task = world.task(world.project())
    doc = world.doc(task_id=task)
    world.do(DeleteDoc(doc_id=doc))
    assert world.names() == ["doc:deleted"]
    assert not world.state.table(Noun.DOC)
    assert [e.type for e in world.entries("task", task)] == [EntryType.DOC_ADDED]
    world.refuse(NotFound, DeleteDoc(doc_id=doc))


def test_a_worker_takes_away_only_what_it_left_itself() -> None:
    world = World()
    project = world.project()
    task = world.task(project)
    ann, bob = world.worker(project, task), world.worker(project, task)
    for doc in (world.doc(task_id=task), world.doc(actor(bob), task_id=task), world.doc(session_id=bob)):
        world.refuse(NotAllowed, DeleteDoc(doc_id=doc), actor(ann))
    world.do(DeleteDoc(doc_id=world.doc(actor(ann), task_id=task)), actor(ann))
    world.do(DeleteDoc(doc_id=world.doc(actor(ann))), actor(ann))


@pytest.mark.parametrize("by_session", [True, False])
def test_docs_go_with_what_they_hang_on(by_session: bool) -> None:
    world = World()
    project = world.project()
    task = world.task(project)
    worker = world.worker(project, task)
    world.do(AddDoc(title="Plan", task_id=task, session_id=worker))
    world.do(StopSession(session_id=worker))
    world.do(DeleteSession(session_id=worker) if by_session else DeleteTask(task_id=task))
    assert not world.state.table(Noun.DOC)


def test_a_doc_is_named_by_the_ending_of_its_id() -> None:
    world = World()
    doc = world.doc(task_id=world.task(world.project()))
    assert resolve(world.state, Noun.DOC, doc[-4:]) == doc
