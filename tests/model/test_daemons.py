"""The same machine at the real daemon's socket: kill -9, polite stops, snapshots in between."""

from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model.daemons import AtTheSocket, Home
from tests.model.test_machine import LONG, SHORT

WITHOUT_SHRINKING = (Phase.generate,)
"""A daemon that has lived through other runs shows a failure once; the seeds of its steps are printed."""


@pytest.fixture
def home() -> Iterator[Home]:
    made = Home()
    yield made
    made.close()


def run(home: Home, chosen: settings) -> Counter[str]:
    done = Counter[str]()

    class Run(AtTheSocket):
        def __init__(self) -> None:
            super().__init__(home, done)

    run_state_machine_as_test(Run, settings=chosen)
    return done


def test_the_daemon_does_what_the_reference_foresees(home: Home) -> None:
    done = run(home, settings(SHORT, stateful_step_count=6, phases=WITHOUT_SHRINKING))
    assert done["restart"] > 0


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_daemon_does_what_the_reference_foresees_for_long(home: Home) -> None:
    run(home, settings(LONG, stateful_step_count=50, phases=WITHOUT_SHRINKING))
