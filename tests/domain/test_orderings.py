"""Orderings: what people put first stands first, the rest follows, and nothing in it is ever gone or strange."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maestrod.domain import orderings
from maestrod.domain.errors import Invalid, NotFound
from maestrod.domain.model import Noun, Ordered
from maestrod.domain.orderings import SetOrdering
from maestrod.domain.projects import DeleteProject
from maestrod.domain.sessions import DeleteSession, StopSession
from maestrod.domain.tasks import DeleteTask
from tests.domain.world import World


def whole(world: World, project: str, kind: Ordered = Ordered.TASK) -> list[str]:
    return list(orderings.whole(world.state, orderings.of(world.state, project, kind)))


def put_first(project: str, *ids: str, kind: Ordered = Ordered.TASK) -> SetOrdering:
    return SetOrdering(project_id=project, entity_type=kind, ordered_ids=ids)


def test_without_an_order_the_oldest_come_first() -> None:
    world = World()
    project = world.project()
    tasks = [world.task(project) for _ in range(3)]
    assert whole(world, project) == tasks
    assert orderings.of(world.state, project, Ordered.TASK).version == 0


@given(st.permutations(range(5)), st.integers(0, 5), st.integers(0, 2))
def test_what_was_put_first_is_first_and_the_rest_follows_in_its_own_order(
    wanted: list[int], count: int, later: int
) -> None:
    world = World(checked=False)
    project = world.project()
    tasks = [world.task(project) for _ in range(5)]
    first = [tasks[n] for n in wanted[:count]]
    world.do(put_first(project, *first))
    tasks += [world.task(project) for _ in range(later)]
    assert whole(world, project) == [*first, *(t for t in tasks if t not in first)]


def test_tasks_and_sessions_have_an_order_each() -> None:
    world = World()
    project = world.project()
    ann, bob = world.worker(project), world.worker(project)
    one, two = world.task(project), world.task(project)
    world.do(put_first(project, bob, kind=Ordered.SESSION))
    world.do(put_first(project, two))
    assert whole(world, project, Ordered.SESSION) == [bob, ann]
    assert whole(world, project) == [two, one]
    assert len(world.state.table(Noun.ORDERING)) == 2


def test_the_same_order_again_changes_nothing() -> None:
    world = World()
    project = world.project()
    task = world.task(project)
    world.do(put_first(project, task))
    assert world.names() == ["ordering:created"]
    world.nothing(put_first(project, task))
    world.do(put_first(project))
    assert world.names() == ["ordering:updated"]


def test_only_what_is_of_the_project_can_be_put_in_order_and_only_once() -> None:
    world = World()
    project, other = world.project(), world.project(working_dir="/other")
    task, far = world.task(project), world.task(other)
    for stranger in (far, "task_1_gone", world.worker(project), "", "\0"):
        refused = world.refuse(Invalid, put_first(project, task, stranger))
        assert refused.problems[0].path == "orderedIds[1]"
    assert world.refuse(Invalid, put_first(project, task, task)).problems[0].path == "orderedIds"
    assert "1000" in world.refuse(Invalid, put_first(project, *[task] * 1001)).message
    world.refuse(NotFound, put_first("proj_1_gone"))


@pytest.mark.parametrize("kind", Ordered)
def test_what_is_deleted_leaves_the_order(kind: Ordered) -> None:
    world = World()
    project = world.project()
    make = world.task if kind is Ordered.TASK else world.worker
    one, two, three = make(project), make(project), make(project)
    world.do(put_first(project, three, two, one, kind=kind))
    if kind is Ordered.SESSION:
        world.do(StopSession(session_id=two))
    world.do(DeleteTask(task_id=two) if kind is Ordered.TASK else DeleteSession(session_id=two))
    assert world.names().count("ordering:updated") == 1
    assert orderings.of(world.state, project, kind).ordered_ids == (three, one)


def test_orders_go_with_their_project() -> None:
    world = World()
    project = world.project()
    world.do(put_first(project))
    world.do(DeleteProject(project_id=project))
    assert not world.state.table(Noun.ORDERING)
