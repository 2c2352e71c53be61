"""Rule 6: claiming what is next; priority, then due date, then position, then age, and nobody starves."""

from random import Random

import pytest

from maestrod.domain import claims
from maestrod.domain.changes import USER, Actor, Put
from maestrod.domain.claims import DAY_MS, ClaimNext, Wish
from maestrod.domain.errors import Conflict, Invalid, NotAllowed, NotFound
from maestrod.domain.model import Noun, Priority, Task, TaskStatus
from maestrod.domain.sessions import StopSession
from maestrod.domain.tasks import EditTask
from maestrod.domain.work import AssignTask, BlockTask, CompleteTask, ReviewTask, StartTask
from tests.domain import invariants
from tests.domain.world import World, actor

HIGH, LOW = Priority.HIGH, Priority.LOW


def claimed(world: World, by: Actor = USER, **fields: object) -> str | None:
    """The task that the claim begins."""
    changes = world.do(ClaimNext(**fields), by)  # type: ignore[arg-type]
    return next((c.id for c in changes if isinstance(c, Put) and c.noun is Noun.TASK), None)


def order(world: World, project: str) -> list[str]:
    return [t.id for t in claims.upcoming(world.state, Wish(project_id=project), world.now)]


def test_priority_decides_then_due_date_then_position_then_age() -> None:
    world = World()
    project = world.project()
    old = world.task(project, "old")
    young = world.task(project, "young")
    placed = world.task(project, "placed", position=3)
    first = world.task(project, "first", position=-1)
    later = world.task(project, "later", due_at=2_000, position=1)
    due = world.task(project, "due", due_at=1_000)
    high = world.task(project, "high", priority=HIGH)
    low = world.task(project, "low", priority=LOW, due_at=1)
    assert order(world, project) == [high, due, later, first, placed, old, young, low]


def test_a_day_of_waiting_gains_one_step_and_only_one() -> None:
    world = World()
    project = world.project()
    waited = world.task(project, "waited", priority=LOW)
    critical = world.task(project, "critical", priority=Priority.CRITICAL)
    world.pass_time(DAY_MS)
    medium = world.task(project, "medium")
    high = world.task(project, "high", priority=HIGH)
    due = world.task(project, "due", priority=LOW, due_at=1)
    assert order(world, project) == [critical, high, waited, medium, due]
    world.pass_time(30 * DAY_MS)
    assert order(world, project).index(waited) > order(world, project).index(high)


def test_each_claim_takes_another_and_then_there_is_nothing() -> None:
    world = World()
    project = world.project()
    tasks = [world.task(project) for _ in range(3)]
    workers = [world.worker(project) for _ in range(4)]
    assert [claimed(world, actor(w)) for w in workers] == [*tasks, None]
    assert [world.assignment(t, w).status for t, w in zip(tasks, workers, strict=False)] == ["working"] * 3


def test_what_one_works_on_is_what_is_next() -> None:
    world = World()
    project = world.project()
    task, other = world.task(project), world.task(project)
    worker = world.worker(project)
    assert claimed(world, actor(worker)) == task
    world.nothing(ClaimNext(), actor(worker))
    assert claims.held(world.state, world.state.session(worker)) == world.state.task(task)
    world.do(ReviewTask(task_id=task), actor(worker))
    assert claimed(world, actor(worker)) == other


def test_what_a_session_was_given_comes_first_and_nobody_else_gets_it() -> None:
    world = World()
    project = world.project()
    urgent = world.task(project, priority=Priority.CRITICAL)
    given, better = world.task(project, priority=LOW), world.task(project)
    worker = world.worker(project, given, better)
    assert order(world, project) == [urgent]
    assert claimed(world, actor(worker)) == better
    world.do(CompleteTask(task_id=better), actor(worker))
    assert claimed(world, actor(worker)) == given


def test_what_waits_for_others_is_never_next() -> None:
    world = World()
    project = world.project()
    first = world.task(project, priority=LOW)
    second = world.task(project, dependencies=(first,), priority=HIGH)
    blocked = world.task(project, priority=HIGH)
    world.do(BlockTask(task_id=blocked, reason="rain"))
    assert order(world, project) == [first]
    world.do(CompleteTask(task_id=first))
    assert order(world, project) == [second]


def test_filters_narrow_what_is_next() -> None:
    world = World()
    project = world.project()
    parent = world.task(project, "parent")
    child = world.task(project, "child", parent_id=parent)
    deep = world.task(project, "deep", parent_id=child, labels=("ui",))
    assert claimed(world, parent_id=parent, label="ui") == deep
    assert claimed(world, parent_id=parent) == child
    assert claimed(world, project_id=project, label="db") is None
    worker = world.worker(project)
    world.do(AssignTask(task_id=parent, session_id=worker))
    assert claimed(world, actor(worker), label="db") is None


def test_a_person_claims_for_nobody_or_for_a_session() -> None:
    world = World()
    project = world.project()
    first, second = world.task(project), world.task(project)
    worker = world.worker(project)
    assert claimed(world, project_id=project) == first
    assert world.state.task(first).status is TaskStatus.IN_PROGRESS
    assert not world.attempts(first, worker)
    assert claimed(world, session_id=worker) == second
    assert world.assignment(second, worker).status == "working"


def test_a_claim_must_know_its_project_and_its_session() -> None:
    world = World()
    project, elsewhere = world.project(), world.project(working_dir="/elsewhere")
    world.task(elsewhere)
    worker = world.worker(project)
    world.refuse(Invalid, ClaimNext())
    world.refuse(Invalid, ClaimNext(project_id=elsewhere, session_id=worker))
    world.refuse(NotFound, ClaimNext(project_id=project, parent_id="task_1_gone"))
    world.refuse(NotFound, ClaimNext(project_id="proj_1_gone"))
    world.refuse(NotAllowed, ClaimNext(project_id=elsewhere), actor(worker))
    world.do(StopSession(session_id=worker))
    world.refuse(Conflict, ClaimNext(session_id=worker))


@pytest.mark.parametrize("seed", range(5))
def test_the_order_is_that_of_a_plain_sort_whatever_there_is(seed: int) -> None:
    random = Random(seed)
    world = World(checked=False)
    project = world.project()
    for _ in range(60):
        made = world.task(
            project,
            priority=random.choice(list(Priority)),
            due_at=random.choice([None, None, 1, 2]),
            position=random.choice([None, None, -1, 5]),
        )
        world.pass_time(random.choice([0, DAY_MS // 20]))
        if random.random() < 0.4:
            world.do(EditTask(task_id=made, due_at=random.choice([None, 3]), priority=random.choice(list(Priority))))
        if random.random() < 0.2:
            world.do(StartTask(task_id=made))
    invariants.check_indexes(world.state, invariants.every(world.state))
    ready = [t for t in invariants.all_of(world.state, Noun.TASK, Task) if world.state.is_ready(t)]
    assert order(world, project) == [t.id for t in sorted(ready, key=lambda t: claims.place(t, world.now))]
    assert order(world, project)


def test_finding_the_next_of_very_many_looks_at_few() -> None:
    world = World(checked=False)
    project = world.project()
    tasks = [Task(id=f"task_{n:09}_x", created_at=world.now, project_id=project, title="t") for n in range(10_000)]
    world.state.apply_all(Put(Noun.TASK, task) for task in tasks)
    looked: list[str] = []
    found = world.state.task

    def counted(id_: str) -> Task:
        looked.append(id_)
        return found(id_)

    world.state.task = counted  # type: ignore[method-assign]
    assert next(claims.upcoming(world.state, Wish(project_id=project), world.now)).id == tasks[0].id
    assert len(looked) < 10
