"""What must always hold is checked, and what does not hold is named."""

import itertools
from collections.abc import Callable

import pytest
from msgspec import structs

from maestrod.domain import registry
from maestrod.domain.changes import USER, Command, Context, Put
from maestrod.domain.model import (
    PREFIXES,
    AssignmentStatus,
    ItemStatus,
    NeedsInput,
    Noun,
    Role,
    SessionStatus,
    Strategy,
)
from maestrod.domain.projects import CreateProject
from maestrod.domain.sessions import SpawnSession
from maestrod.domain.state import State
from maestrod.domain.tasks import CreateTask
from maestrod.invariants import Broken, check, quiet


def a_state() -> State:
    """A project, two tasks that depend on each other, and a queue session with both."""
    state, number = State(), itertools.count(1)

    def do(command: Command) -> str:
        ctx = Context(USER, 1000 + next(number), lambda noun: f"{PREFIXES[noun]}_1000_{next(number):09d}")
        changes = registry.decide(state, command, ctx)
        state.apply_all(changes)
        return changes[0].id

    project = do(CreateProject(name="shop", working_dir="/shop"))
    first = do(CreateTask(project_id=project, title="first"))
    second = do(CreateTask(project_id=project, title="second", dependencies=(first,)))
    do(SpawnSession(project_id=project, task_ids=(first, second), role=Role.WORKER, strategy=Strategy.QUEUE))
    return state


def one(state: State, noun: Noun) -> str:
    return next(iter(state.table(noun)))


def dangling(state: State) -> None:
    task = state.task(one(state, Noun.TASK))
    state.apply(Put(Noun.TASK, structs.replace(task, project_id="proj_1_nowhere")))


def own_ancestor(state: State) -> None:
    task = state.task(one(state, Noun.TASK))
    state.apply(Put(Noun.TASK, structs.replace(task, parent_id=task.id)))


def two_in_process(state: State) -> None:
    for id_ in list(state.table(Noun.ITEM)):
        state.apply(Put(Noun.ITEM, structs.replace(state.item(id_), status=ItemStatus.PROCESSING)))


def working_after_the_end(state: State) -> None:
    own = next(state.assignments_of_session(one(state, Noun.SESSION)))
    state.apply(Put(Noun.ASSIGNMENT, structs.replace(own, status=AssignmentStatus.WORKING)))
    session = state.session(own.session_id)
    state.apply(Put(Noun.SESSION, structs.replace(session, status=SessionStatus.FAILED)))


def twin_assignments(state: State) -> None:
    own = next(state.assignments_of_session(one(state, Noun.SESSION)))
    state.apply(Put(Noun.ASSIGNMENT, structs.replace(own, id="asg_1_twin00000")))


def lost_from_the_index(state: State) -> None:
    state.groups.discard(("ready", one(state, Noun.PROJECT)), one(state, Noun.TASK))


def miscounted(state: State) -> None:
    state.unmet.clear()


def lost_from_the_order(state: State) -> None:
    state.ordered[Noun.SESSION].discard(one(state, Noun.SESSION))


def wrongly_live(state: State) -> None:
    state.groups.discard(("live-sessions",), one(state, Noun.SESSION))


def without_a_pane(state: State) -> None:
    session = state.session(one(state, Noun.SESSION))
    state.apply(Put(Noun.SESSION, structs.replace(session, status=SessionStatus.IDLE, started_at=5)))


FAULTS: list[tuple[Callable[[State], None], str]] = [
    (dangling, "no dangling id"),
    (own_ancestor, "parents and dependencies acyclic"),
    (two_in_process, "at most one item in process per queue"),
    (working_after_the_end, "no working assignment of an ended session"),
    (twin_assignments, "at most one live assignment per task and session"),
    (lost_from_the_index, "indexes equal a rebuild"),
    (miscounted, "indexes equal a rebuild"),
    (lost_from_the_order, "indexes equal a rebuild"),
    (wrongly_live, "indexes equal a rebuild"),
    (without_a_pane, "a live session has a pane"),
]


def broken(state: State) -> list[Broken]:
    return [each for each in check(state) if each is not None]


def test_a_sound_state_has_nothing_broken() -> None:
    assert broken(a_state()) == []


@pytest.mark.parametrize(("fault", "rule"), FAULTS, ids=lambda each: getattr(each, "__name__", ""))
def test_each_planted_fault_is_named(fault: Callable[[State], None], rule: str) -> None:
    state = a_state()
    fault(state)
    assert rule in {each.rule for each in broken(state)}


def test_a_state_that_changes_under_the_walk_is_no_error() -> None:
    state = a_state()
    walk = check(state)
    next(walk)
    for table in state.tables.values():
        table.clear()
    assert [each for each in walk if each is not None] == []


def test_idle_sessions_beside_work_that_could_begin_are_reported_after_a_while_and_once_nobody_asks() -> None:
    state = a_state()
    session = state.session(one(state, Noun.SESSION))
    idle = structs.replace(session, status=SessionStatus.IDLE)
    state.apply(Put(Noun.SESSION, idle))
    assert list(quiet(state, 10**9, 1000)) == []  # both tasks were given to the session
    free = structs.replace(state.task(one(state, Noun.TASK)), id="task_2000_free", updated_at=2000)
    state.apply(Put(Noun.TASK, free))
    assert list(quiet(state, 2999, 1000)) == []
    [found] = quiet(state, 3000, 1000)
    assert (found.noun, found.id) == (Noun.PROJECT, session.project_id)
    assert free.id in found.message
    for busy in (
        structs.replace(idle, status=SessionStatus.WORKING),
        structs.replace(idle, needs_input=NeedsInput(active=True, message="?", since=1)),
        structs.replace(idle, status=SessionStatus.STOPPED, completed_at=1),
    ):
        state.apply(Put(Noun.SESSION, busy))
        assert list(quiet(state, 10**9, 1000)) == []
