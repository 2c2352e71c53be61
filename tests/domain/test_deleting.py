"""Rule 9: what goes with what is deleted, and what stands in the way."""

from collections import Counter

import pytest

from maestrod.domain.changes import Delete
from maestrod.domain.docs import AddDoc
from maestrod.domain.errors import Conflict, HasDependents, NotAllowed
from maestrod.domain.model import Noun, Ordered
from maestrod.domain.orderings import SetOrdering
from maestrod.domain.projects import ArchiveProject, DeleteProject
from maestrod.domain.sessions import StopSession
from maestrod.domain.tasks import DeleteTask
from maestrod.domain.timeline import Report
from maestrod.domain.work import StartTask
from tests.domain.world import World, actor


def test_a_task_takes_its_belongings_and_its_child_tasks_in_one_commit() -> None:
    world = World()
    project = world.project()
    top = world.task(project, "Top")
    low = world.task(project, "Low", parent_id=world.task(project, "Middle", parent_id=top))
    world.subtask(low)
    queue = world.queue(project, low)
    world.do(Report(message="half", task_id=low), actor(queue))
    world.do(AddDoc(title="Notes", task_id=low), actor(queue))
    changes = world.do(DeleteTask(task_id=top))
    counts = Counter(c.noun for c in changes if isinstance(c, Delete))
    assert counts == {
        Noun.TASK: 3,
        Noun.SUBTASK: 1,
        Noun.ASSIGNMENT: 1,
        Noun.ITEM: 1,
        Noun.TIMELINE: 2,
        Noun.DOC: 1,
    }
    assert changes[-1] == Delete(Noun.TASK, top)
    assert {n for n in Noun if world.state.table(n)} == {Noun.PROJECT, Noun.SESSION, Noun.QUEUE}


def test_dependents_lose_the_dependency_and_the_commit_says_so() -> None:
    world = World()
    project = world.project()
    gone = world.task(project, "Gone")
    child = world.task(project, "Child", parent_id=gone)
    kept = world.task(project, "Kept")
    both = world.task(
        project, dependencies=(gone, kept, child), reference_task_ids=(child, kept), metadata={"estimate": [3]}
    )
    world.do(DeleteTask(task_id=gone))
    task = world.state.task(both)
    assert (task.dependencies, task.reference_task_ids) == ((kept,), (kept,))
    assert world.told("task:updated") == [both]


def test_a_task_that_a_session_works_on_is_not_deleted_without_force() -> None:
    world = World()
    project = world.project()
    top = world.task(project)
    low = world.task(project, "Low", parent_id=top)
    worker = world.worker(project, low)
    world.do(StartTask(task_id=low), actor(worker))
    refused = world.refuse(Conflict, DeleteTask(task_id=top))
    assert refused.details == ({"taskId": low, "sessionId": worker},)
    world.refuse(NotAllowed, DeleteTask(task_id=top, force=True), actor(world.orchestrator(project)))
    world.do(DeleteTask(task_id=top, force=True))
    assert list(world.state.assignments_of_session(worker)) == []


def test_a_task_that_only_waits_for_a_session_is_deleted() -> None:
    world = World()
    project = world.project()
    task = world.task(project)
    world.worker(project, task)
    world.do(DeleteTask(task_id=task))


def full(world: World) -> tuple[str, str]:
    """A project with a task and an ended session that reported on it."""
    project = world.project()
    task = world.task(project, dependencies=(world.task(project),))
    queue = world.queue(project, task, force=True)
    world.do(Report(message="half", task_id=task), actor(queue))
    world.do(AddDoc(title="Notes", task_id=task), actor(queue))
    world.subtask(task)
    world.do(SetOrdering(project_id=project, entity_type=Ordered.TASK, ordered_ids=(task,)))
    return project, queue


@pytest.mark.parametrize("cascade", [False, True])
def test_a_project_with_tasks_or_sessions_is_deleted_by_cascade_only(cascade: bool) -> None:
    world = World()
    project, queue = full(world)
    world.do(StopSession(session_id=queue))
    command = DeleteProject(project_id=project, cascade=cascade)
    if cascade:
        world.do(command)
        assert all(not world.state.table(noun) for noun in Noun)
    else:
        refused = world.refuse(HasDependents, command)
        assert refused.code == "PROJECT_HAS_DEPENDENCIES"
        assert refused.details == ({"tasks": 2, "sessions": 1},)


def test_a_project_with_live_sessions_is_neither_deleted_nor_archived() -> None:
    world = World()
    project, queue = full(world)
    for command in (DeleteProject(project_id=project, cascade=True), ArchiveProject(project_id=project)):
        refused = world.refuse(Conflict, command)
        assert refused.details == ({"sessionId": queue},)


def test_an_empty_project_is_deleted_and_its_directory_is_free() -> None:
    world = World()
    world.do(DeleteProject(project_id=world.project()))
    assert world.names() == ["project:deleted"]
    world.project()


def test_cascade_leaves_other_projects_alone() -> None:
    world = World()
    project, queue = full(world)
    other = world.project(working_dir="/elsewhere")
    task = world.task(other)
    world.do(StopSession(session_id=queue))
    world.do(DeleteProject(project_id=project, cascade=True))
    assert list(world.state.table(Noun.TASK)) == [task]
