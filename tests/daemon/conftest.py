"""One daemon per module, for tests that do not mind what others left in it."""

from collections.abc import Iterator

import pytest

from tests.daemon.scene import Scene
from tests.support.daemon import daemon

UNHURRIED = {"MAESTRO_SESSION_RATE": "1000000", "MAESTRO_HOOK_RATE": "1000000"}
"""Sessions may ask as fast as a test can: how fast they may otherwise is tested with the limits themselves."""


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with daemon(env=UNHURRIED) as running:
        yield Scene(running)
