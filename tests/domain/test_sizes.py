"""Pathological sizes: nothing recurses, nothing costs the square. CPU limits stand an order above the need."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from maestrod.domain.changes import Put
from maestrod.domain.errors import Invalid
from maestrod.domain.model import Noun, Task
from maestrod.domain.permissions import authorize, is_descendant
from maestrod.domain.projects import DeleteProject
from maestrod.domain.sessions import StopSession
from maestrod.domain.tasks import CreateTask, DeleteTask, EditTask
from maestrod.domain.work import CompleteTask, StartTask
from tests.domain import invariants
from tests.domain.world import World, actor

DEEP = 5_000
WIDE = 1_000


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """The work in it takes at most this much CPU time."""
    begun = time.process_time()
    yield
    assert time.process_time() - begun < seconds


def chain(world: World, project: str, depth: int, *, link: str) -> list[str]:
    """Tasks each of which is linked to the one before."""
    made = [world.task(project, "Task 0")]
    for number in range(1, depth):
        before = made[-1] if link == "parent_id" else (made[-1],)
        made.append(world.task(project, f"Task {number}", **{link: before}))
    return made


def test_a_task_may_wait_for_a_thousand() -> None:
    world = World(checked=False)
    project = world.project()
    awaited = [world.task(project) for _ in range(WIDE)]
    with within(5):
        task = world.task(project, dependencies=tuple(awaited))
        world.do(EditTask(task_id=task, title="Wait"))
        assert len(world.state.blockers(world.state.task(task))) == WIDE
        for each in awaited:
            assert not world.state.is_ready(world.state.task(task))
            world.do(CompleteTask(task_id=each))
        assert world.told("task:ready") == [task]
    invariants.check_indexes(world.state, invariants.every(world.state))


def test_a_thousand_may_wait_for_one() -> None:
    world = World(checked=False)
    project = world.project()
    first = world.task(project)
    waiting = [world.task(project, dependencies=(first,)) for _ in range(WIDE)]
    with within(2):
        world.do(CompleteTask(task_id=first))
        assert world.told("task:ready") == waiting
        changes = world.do(DeleteTask(task_id=first))
    assert len(changes) == WIDE + 2
    invariants.check_indexes(world.state, invariants.every(world.state))


def test_parents_may_be_thousands_deep() -> None:
    world = World(checked=False)
    project = world.project()
    with within(10):
        tasks = chain(world, project, DEEP, link="parent_id")
        refused = world.refuse(Invalid, EditTask(task_id=tasks[0], parent_id=tasks[-1]))
        assert len(refused.message) < 1_000
        world.refuse(Invalid, EditTask(task_id=tasks[-1], dependencies=(tasks[0],)))
        world.refuse(Invalid, EditTask(task_id=tasks[0], dependencies=(tasks[-1],)))
        worker = world.worker(project, tasks[0])
        authorize(world.state, CompleteTask(task_id=tasks[-1]), actor(worker))
        assert len([c for c in world.do(DeleteTask(task_id=tasks[0])) if c.noun is Noun.TASK]) == DEEP
    assert not world.state.table(Noun.TASK)


def test_dependencies_may_be_thousands_deep() -> None:
    world = World(checked=False)
    project = world.project()
    with within(10):
        tasks = chain(world, project, DEEP, link="dependencies")
        world.refuse(Invalid, EditTask(task_id=tasks[0], dependencies=(tasks[-1],)))
        for task in tasks[:100]:
            world.do(StartTask(task_id=task))
            world.do(CompleteTask(task_id=task))
        world.do(DeleteTask(task_id=tasks[DEEP // 2]))
    assert world.state.is_ready(world.state.task(tasks[DEEP // 2 + 1]))


def test_a_wide_family_is_deleted_at_once() -> None:
    world = World(checked=False)
    project = world.project()
    top = world.task(project)
    for _ in range(DEEP):
        world.task(project, parent_id=top)
    with within(3):
        world.do(DeleteTask(task_id=top))
    assert not world.state.table(Noun.TASK)


def test_sessions_may_be_many_deep() -> None:
    world = World(checked=False)
    project = world.project()
    sessions = [world.orchestrator(project)]
    with within(5):
        for _ in range(500):
            sessions.append(world.orchestrator(project, parent_session_id=sessions[-1]))
        assert is_descendant(world.state, sessions[-1], world.state.session(sessions[0]))
        for session in sessions:
            world.do(StopSession(session_id=session))
        world.do(DeleteProject(project_id=project, cascade=True))
    assert not world.state.table(Noun.SESSION)


def test_a_cascade_over_much_is_one_commit() -> None:
    world = World(checked=False)
    project = world.project()
    for _ in range(DEEP):
        world.task(project)
    with within(3):
        world.do(DeleteProject(project_id=project, cascade=True))
    assert world.state.tables == World().state.tables


def test_creating_a_task_costs_little_among_many() -> None:
    world = World(checked=False)
    project = world.project()
    tasks = (Task(id=f"task_1_{n:06}", project_id=project, title=f"Task {n}") for n in range(20_000))
    world.state.apply_all(Put(Noun.TASK, task) for task in tasks)
    with within(2):
        for number in range(WIDE):
            world.do(CreateTask(title=f"More {number}", project_id=project))
