"""What the tests of this folder share."""

from collections.abc import Iterator

import pytest

from maestrod.tmux.oneshot import Tmux
from tests.support.tmux_server import private_server


@pytest.fixture
def tmux() -> Iterator[Tmux]:
    """A door to a private server; it runs once something is opened."""
    with private_server() as door:
        yield door
