"""The rules against a second telling of them, over crashes, snapshots and a clock that jumps."""

from collections import Counter
from random import Random

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from maestrod.domain.registry import RULES
from tests.model.asking import ASKS, NOT_YET
from tests.model.machine import KINDS, Machine
from tests.model.roles import REACH, snake
from tests.model.whole import Whole

SHORT = settings(
    max_examples=50,
    stateful_step_count=40,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)
LONG = settings(SHORT, max_examples=500, stateful_step_count=60, derandomize=False)
MOST_STEPS = 5_000
ACTORS = {"user", "key", "daemon", "session worker", "session orchestrator"}


def test_every_command_of_the_registry_is_known_to_the_machine() -> None:
    """Red? Give the new command a method in ``reference``, its roles in ``roles``, a row in ``asking``; until then
    it is named in ``NOT_YET``."""
    assert RULES.keys() - ASKS.keys() <= NOT_YET.keys()
    assert ASKS.keys() <= RULES.keys()
    assert not ASKS.keys() & NOT_YET.keys()
    assert ASKS.keys() == REACH.keys()
    assert [kind for kind in ASKS if not hasattr(Whole, snake(kind))] == []


def test_every_command_changes_something_on_the_machines_walks_by_every_actor() -> None:
    done, actors = Counter[str](), Counter[str]()
    random = Random(1)
    steps = 0
    missing = list(ASKS)
    while missing or not actors.keys() >= ACTORS:
        machine = Machine(done, actors)
        machine.furnish(steps)
        for _ in range(40):
            kind = random.choice(missing if missing and random.random() < 0.4 else KINDS)
            machine.somebody(kind, random)
            steps += 1
        machine.everything_holds()
        machine.teardown()
        missing = sorted(ASKS.keys() - done.keys())
        assert steps < MOST_STEPS, f"never changed anything: {missing}, never acted: {ACTORS - actors.keys()}"


def test_the_engine_does_what_the_reference_foresees() -> None:
    run_state_machine_as_test(Machine, settings=SHORT)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_engine_does_what_the_reference_foresees_for_long() -> None:
    run_state_machine_as_test(Machine, settings=LONG)
