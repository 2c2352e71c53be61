"""After any sequence of commands everything holds that must always hold; the world checks it after each."""

from collections import Counter
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maestrod.domain import checks
from maestrod.domain.errors import Rejected
from maestrod.domain.events import EVENTS
from maestrod.domain.model import Entity, Noun, Task, TaskStatus
from maestrod.domain.registry import RULES
from maestrod.domain.state import State
from tests.domain import invariants
from tests.domain.asker import Asker, furnished
from tests.domain.world import World, contents, rebuilt


def step(world: World, random: Random) -> str | None:
    """One command by somebody; answers its kind when it changed something."""
    asker = Asker(world, random)
    command, by = asker.command(), asker.actor()
    waited = waiting(world.state)
    before = contents(world.state)
    try:
        changes = world.do(command, by)
    except Rejected as refused:
        assert refused.message  # noqa: PT017 - refused or not, all must hold
        assert contents(world.state) == before
        return None
    assert {e.name for e in world.events} <= EVENTS
    assert by.session_id is None or not completed_unproven(world, before)
    announced = Counter(world.told("task:ready"))
    assert announced == Counter(t for t in waited if is_ready(world.state, t))
    return type(command).__name__ if changes else None


def completed_unproven(world: World, before: dict[Noun, dict[str, Entity]]) -> list[str]:
    """The tasks that the last command completed though a check of theirs does not stand."""
    tasks = invariants.all_of(world.state, Noun.TASK, Task)
    done = [t for t in tasks if t.status is TaskStatus.COMPLETED and t.checks]
    old = {id_: t for id_, t in before[Noun.TASK].items() if isinstance(t, Task)}
    fresh = [t for t in done if t.id not in old or old[t.id].status is not TaskStatus.COMPLETED]
    return [t.id for t in fresh if checks.missing(world.state, t, world.work.get(t.id, ""))]


def waiting(state: State) -> set[str]:
    """The tasks that would be ready if they waited for nothing."""
    tasks = invariants.all_of(state, Noun.TASK, Task)
    return {t.id for t in tasks if t.status is TaskStatus.TODO and not state.is_ready(t)}


def is_ready(state: State, task: str) -> bool:
    return task in state.table(Noun.TASK) and state.is_ready(state.task(task))


def check_history(world: World, random: Random) -> None:
    """The commits make the state again, and so do its entities in any order, or all at once."""
    replayed = State()
    for record in world.records:
        replayed.apply_all(record.changes)
    invariants.same(world.state, replayed)
    entities = invariants.every(world.state)
    random.shuffle(entities)
    invariants.same(world.state, rebuilt(entities))
    filled = State()
    for noun in Noun:
        filled.fill(noun, world.state.table(noun).values())
    invariants.same(world.state, filled)


@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(random=st.randoms(use_true_random=False), steps=st.integers(1, 25))
def test_everything_holds_after_any_sequence_of_commands(random: Random, steps: int) -> None:
    world = furnished()
    for _ in range(steps):
        step(world, random)
    check_history(world, random)


@pytest.mark.parametrize("seed", range(2))
def test_everything_holds_on_a_long_walk(seed: int) -> None:
    walk(seed, 1_000)


OF_GIT = {kind for kind in RULES if kind.endswith("Worktree")}
"""What follows a deed of git's has tests of its own."""


def test_every_command_has_its_turn_on_the_walks() -> None:
    wanted = RULES.keys() - OF_GIT
    done = Counter[str]()
    for seed in range(100, 140):
        done += walk(seed, 600, checked=False)
        if done.keys() >= wanted:
            break
    assert done.keys() >= wanted


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(1000, 1060))
def test_everything_holds_on_very_long_walks(seed: int) -> None:
    walk(seed, 3_000)


def walk(seed: int, steps: int, *, checked: bool = True) -> Counter[str]:
    """So many commands chosen by the seed; answers how often each changed something."""
    random = Random(seed)
    world = furnished(checked=checked)
    kinds = Counter(step(world, random) for _ in range(steps))
    check_history(world, random)
    return Counter({kind: count for kind, count in kinds.items() if kind is not None})
