"""The manifest: what a session is told."""

import msgspec
import pytest

from maestrod.domain.errors import NotFound
from maestrod.domain.model import Priority, Role
from maestrod.domain.permissions import RIGHTS, Reach
from maestrod.domain.queues import MoveItem, PushItem, StartItem
from maestrod.domain.sessions import ResumeSession, StopSession
from maestrod.domain.subtasks import EditSubtask
from maestrod.domain.templates import DeleteTemplate
from maestrod.domain.work import AssignTask, CompleteTask, StartTask
from maestrod.protocol.manifest import Manifest, allowed_commands, manifest_of
from tests.domain.world import World, actor


def test_a_manifest_says_who_works_on_what_and_where() -> None:
    world = World()
    project = world.project("Works", "/works", description="all of it")
    first = world.task(project, "First")
    task = world.task(
        project,
        "Second",
        description="more",
        dependencies=(first,),
        acceptance_criteria=("it runs",),
        labels=("ui",),
        initial_prompt="Begin here.",
        parent_id=world.task(project, "Top"),
    )
    step = world.subtask(task, "Step")
    world.do(EditSubtask(subtask_id=step, completed=True))
    boss = world.orchestrator(project)
    worker = world.worker(
        project, task, parent_session_id=boss, provider="codex", prompt="Please.", skill_ids=("s",), force=True
    )
    manifest = manifest_of(world.state, worker)
    assert (manifest.session_id, manifest.role, manifest.strategy, manifest.provider) == (
        worker,
        "worker",
        "simple",
        "codex",
    )
    assert (manifest.project.id, manifest.project.working_dir, manifest.project.description) == (
        project,
        "/works",
        "all of it",
    )
    (told,) = manifest.tasks
    assert (told.id, told.title, told.dependencies, told.acceptance_criteria) == (
        task,
        "Second",
        (first,),
        ("it runs",),
    )
    assert [(s.id, s.title, s.completed) for s in told.subtasks] == [(step, "Step", True)]
    assert (manifest.prompt, manifest.skill_ids, manifest.parent_session_id) == ("Please.", ("s",), boss)
    assert (manifest.queue_id, manifest.conversation_id, manifest.resume) == (None, None, False)
    assert manifest.manifest_version == "1.0"


def test_a_manifest_survives_its_file() -> None:
    world = World()
    project = world.project()
    manifest = manifest_of(world.state, world.queue(project, world.task(project)))
    written = msgspec.json.encode(manifest)
    assert msgspec.json.decode(written, type=Manifest) == manifest
    assert {"manifestVersion", "sessionId", "permissionMode", "allowedCommands", "queueId"} <= set(
        msgspec.json.decode(written)
    )


def test_only_what_is_in_the_session_s_hands_is_told() -> None:
    world = World()
    project = world.project()
    done, doing = world.task(project, "Done"), world.task(project, "Doing")
    worker = world.worker(project, done, doing)
    world.do(CompleteTask(task_id=done), actor(worker))
    assert [t.id for t in manifest_of(world.state, worker).tasks] == [doing]


def test_the_tasks_of_a_queue_stand_in_its_order() -> None:
    world = World()
    project = world.project()
    tasks = [world.task(project, f"Task {n}") for n in range(3)]
    queue = world.queue(project, *tasks)
    world.do(MoveItem(session_id=queue, item_id=world.item(queue, tasks[2]).id, to=0))
    first = world.task(project)
    world.do(PushItem(session_id=queue, task_id=first, first=True))
    assert [t.id for t in manifest_of(world.state, queue).tasks] == [first, tasks[2], tasks[0], tasks[1]]
    found = world.state.queue_of(queue)
    assert found is not None
    assert manifest_of(world.state, queue).queue_id == found.id


def test_the_priority_of_an_item_comes_before_its_position() -> None:
    world = World()
    project = world.project()
    low, high = world.task(project, priority=Priority.LOW), world.task(project, priority=Priority.HIGH)
    queue = world.queue(project, low, high)
    assert [t.id for t in manifest_of(world.state, queue).tasks] == [high, low]
    also = world.task(project)
    world.do(AssignTask(task_id=also, session_id=queue))
    assert [t.id for t in manifest_of(world.state, queue).tasks] == [high, low, also]


def test_a_resumed_session_is_told_its_tasks_again() -> None:
    world = World()
    project = world.project()
    task = world.task(project)
    worker = world.worker(project, task)
    world.register(worker)
    world.do(StartTask(task_id=task), actor(worker))
    world.do(StopSession(session_id=worker))
    assert manifest_of(world.state, worker).tasks == ()
    world.do(ResumeSession(session_id=worker))
    manifest = manifest_of(world.state, worker)
    assert ([t.id for t in manifest.tasks], manifest.resume) == ([task], True)


def test_a_task_in_process_is_told_as_well() -> None:
    world = World()
    project = world.project()
    tasks = [world.task(project) for _ in range(2)]
    queue = world.queue(project, *tasks)
    world.do(StartItem(session_id=queue), actor(queue))
    assert [t.id for t in manifest_of(world.state, queue).tasks] == tasks


@pytest.mark.parametrize("role", list(Role))
def test_the_allowed_commands_are_those_that_reach_anything(role: Role) -> None:
    allowed = allowed_commands(role)
    reaches = {kind: right.worker if role is Role.WORKER else right.orchestrator for kind, right in RIGHTS.items()}
    assert list(allowed) == sorted(kind for kind, reach in reaches.items() if reach is not Reach.NEVER)
    assert "DeleteProject" not in allowed


def test_there_is_no_manifest_of_nobody() -> None:
    with pytest.raises(NotFound):
        manifest_of(World().state, "sess_1_x")


def test_a_manifest_carries_the_template_unless_it_is_the_one_that_is_shipped() -> None:
    world = World()
    project = world.project()
    worker = world.worker(project)
    assert manifest_of(world.state, worker).template == ""
    own = world.template(content="Be brief.", is_default=True)
    assert manifest_of(world.state, worker).template == "Be brief."
    named = world.worker(project, template_id=world.template(content="Be long."))
    assert manifest_of(world.state, named).template == "Be long."
    world.do(DeleteTemplate(template_id=own))
    assert manifest_of(world.state, worker).template == ""
