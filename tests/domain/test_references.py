"""Rule 1: references are checked on every write."""

import pytest
from msgspec.structs import replace

from maestrod.domain.changes import Command
from maestrod.domain.docs import AddDoc
from maestrod.domain.errors import Conflict, Invalid, NotAllowed, NotFound
from maestrod.domain.model import Priority
from maestrod.domain.projects import ArchiveProject
from maestrod.domain.queues import PushItem
from maestrod.domain.sessions import SpawnSession
from maestrod.domain.subtasks import CreateSubtask
from maestrod.domain.tasks import CreateTask, EditTask
from maestrod.domain.timeline import Report
from maestrod.domain.work import AssignTask, StartTask
from tests.domain.world import World

NOBODY = "task_1_000000000"


@pytest.mark.parametrize(
    "command",
    [
        CreateTask(title="Build", project_id="proj_1_x"),
        CreateTask(title="Build", project_id=""),
        CreateTask(title="Build", parent_id=NOBODY),
        CreateTask(title="Build", parent_id=""),
        SpawnSession(project_id="proj_1_x"),
        CreateSubtask(task_id=NOBODY, title="Step"),
        Report(message="hello", task_id=NOBODY),
        Report(message="hello", task_id=""),
        Report(message="hello", session_id="sess_1_x"),
        AddDoc(title="Notes", task_id=NOBODY),
        EditTask(task_id=NOBODY, title="Other"),
    ],
)
def test_what_a_command_names_must_exist(command: Command) -> None:
    world = World()
    world.project()
    world.refuse(NotFound, command)


@pytest.mark.parametrize("field", ["dependencies", "reference_task_ids"])
def test_each_task_that_a_task_names_must_exist(field: str) -> None:
    world = World()
    project = world.project()
    task = world.task(project)
    refused = world.refuse(NotFound, replace(CreateTask(title="Build", project_id=project), **{field: (task, NOBODY)}))
    assert (refused.code, refused.name) == ("TASK_NOT_FOUND", NOBODY)
    world.refuse(NotFound, replace(EditTask(task_id=task), **{field: (NOBODY,)}))


def test_a_task_needs_a_project_or_a_parent() -> None:
    world = World()
    refused = world.refuse(Invalid, CreateTask(title="Build"))
    assert refused.problems[0].path == "projectId"
    parent = world.task(world.project())
    child = world.task(world.state.task(parent).project_id, parent_id=parent)
    world.do(CreateTask(title="Build", parent_id=child))


def test_a_task_reaches_into_no_other_project() -> None:
    world = World()
    here, there = world.project(), world.project(working_dir="/elsewhere")
    near, far = world.task(here), world.task(there)
    links: list[dict[str, object]] = [{"parent_id": far}, {"dependencies": (far,)}, {"reference_task_ids": (far,)}]
    for fields in links:
        refused = world.refuse(Invalid, replace(CreateTask(title="Build", project_id=here), **fields))
        assert "another project" in refused.message
        world.refuse(Invalid, replace(EditTask(task_id=near), **fields))


def test_every_wrong_reference_is_named_at_once() -> None:
    world = World()
    here, there = world.project(), world.project(working_dir="/elsewhere")
    far, farther = world.task(there), world.task(there)
    refused = world.refuse(Invalid, CreateTask(title="B", project_id=here, parent_id=far, dependencies=(farther,)))
    assert [p.path for p in refused.problems] == ["parentId", "dependencies"]


def test_a_session_reaches_into_no_other_project() -> None:
    world = World()
    here, there = world.project(), world.project(working_dir="/elsewhere")
    far, near = world.task(there), world.task(here)
    queue, worker = world.queue(here), world.worker(here)
    world.refuse(Invalid, SpawnSession(project_id=there, task_ids=(near,)))
    world.refuse(Invalid, SpawnSession(project_id=there, parent_session_id=worker))
    world.refuse(Invalid, PushItem(session_id=queue, task_id=far))
    world.refuse(NotAllowed, AssignTask(session_id=worker, task_id=far))
    world.refuse(NotAllowed, StartTask(session_id=worker, task_id=far))
    world.refuse(Conflict, Report(message="hello", session_id=worker, task_id=far))
    world.refuse(Conflict, AddDoc(title="Notes", session_id=worker, task_id=far))


def test_an_archived_project_takes_no_tasks_and_no_sessions() -> None:
    world = World()
    project = world.project()
    task = world.task(project)
    world.do(ArchiveProject(project_id=project))
    for command in (
        CreateTask(title="Build", project_id=project),
        CreateTask(title="Build", parent_id=task),
        SpawnSession(project_id=project),
    ):
        assert "archived" in world.refuse(Conflict, command).message


def test_a_parent_cycle_is_refused_with_its_path() -> None:
    world = World()
    project = world.project()
    top = world.task(project, "Top")
    middle = world.task(project, "Middle", parent_id=top)
    low = world.task(project, "Low", parent_id=middle)
    refused = world.refuse(Invalid, EditTask(task_id=top, parent_id=low))
    assert refused.problems[0].path == "parentId"
    assert f"{top} (Top) → {low} (Low) → {middle} (Middle) → {top} (Top)" in refused.message
    world.refuse(Invalid, EditTask(task_id=top, parent_id=top))


def test_a_dependency_cycle_is_refused_with_its_shortest_path() -> None:
    world = World()
    project = world.project()
    first = world.task(project, "First")
    second = world.task(project, "Second", dependencies=(first,))
    third = world.task(project, "Third", dependencies=(second, first))
    refused = world.refuse(Invalid, EditTask(task_id=first, dependencies=(third,)))
    assert refused.problems[0].path == "dependencies"
    assert f"{first} (First) → {third} (Third) → {first} (First)" in refused.message
    world.refuse(Invalid, EditTask(task_id=first, dependencies=(first,)))


def test_a_long_cycle_is_shortened_in_the_message() -> None:
    world = World(checked=False)
    project = world.project()
    first = last = world.task(project, "First")
    for number in range(50):
        last = world.task(project, f"Task {number}", dependencies=(last,))
    message = world.refuse(Invalid, EditTask(task_id=first, dependencies=(last,))).message
    assert "… 44 more …" in message
    assert len(message) < 1_000


def family(world: World) -> tuple[str, str, str, str]:
    """A project, and three generations of a task."""
    project = world.project()
    top = world.task(project, "Top")
    middle = world.task(project, "Middle", parent_id=top)
    return project, top, middle, world.task(project, "Low", parent_id=middle)


def test_a_task_waits_for_no_ancestor() -> None:
    world = World()
    project, top, _, low = family(world)
    for command in (
        EditTask(task_id=low, dependencies=(top,)),
        CreateTask(title="Lower", project_id=project, parent_id=low, dependencies=(top,)),
    ):
        assert "ancestor or descendant" in world.refuse(Invalid, command).message


def test_a_task_waits_for_no_descendant() -> None:
    world = World()
    _, top, _, low = family(world)
    refused = world.refuse(Invalid, EditTask(task_id=top, dependencies=(low,)))
    assert f"{top} (Top) → {low} (Low)" in refused.message


def test_a_task_is_not_moved_under_one_that_its_family_waits_for() -> None:
    world = World()
    project, top, _, low = family(world)
    awaited = world.task(project, "Awaited")
    world.do(EditTask(task_id=low, dependencies=(awaited,)))
    world.refuse(Invalid, EditTask(task_id=top, parent_id=awaited))


def test_a_task_is_not_moved_under_one_that_waits_for_its_family() -> None:
    world = World()
    project, top, _, low = family(world)
    waiting = world.task(project, "Waiting", dependencies=(low,))
    under = world.task(project, "Under", parent_id=waiting)
    world.refuse(Invalid, EditTask(task_id=top, parent_id=under))


def test_new_parent_and_dependencies_are_checked_together() -> None:
    world = World()
    project, top, middle, low = family(world)
    free = world.task(project, "Free")
    world.refuse(Invalid, EditTask(task_id=free, parent_id=low, dependencies=(middle,)))
    world.do(EditTask(task_id=low, parent_id=None, dependencies=(top,)))


def test_links_named_twice_count_once() -> None:
    world = World()
    project = world.project()
    task = world.task(project)
    made = world.state.task(world.task(project, dependencies=(task, task), labels=("ui", "ui")))
    assert (made.dependencies, made.labels) == ((task,), ("ui",))
    other = world.task(project, reference_task_ids=(task, task))
    assert world.state.task(other).reference_task_ids == (task,)
    world.nothing(EditTask(task_id=made.id, dependencies=(task, task), labels=("ui", "ui")))
    world.nothing(EditTask(task_id=other, reference_task_ids=(task, task)))


def test_an_edit_that_leaves_the_links_alone_does_not_check_them() -> None:
    world = World()
    _, top, _, low = family(world)
    world.do(EditTask(task_id=top, title="Higher", metadata={"estimate": [1, 2]}, due_at=5, priority=Priority.HIGH))
    edited = world.state.task(top)
    assert (edited.title, edited.metadata, edited.due_at, edited.version) == ("Higher", {"estimate": [1, 2]}, 5, 2)
    world.nothing(EditTask(task_id=top, title="Higher", due_at=5))
    assert world.state.task(low).version == 1
