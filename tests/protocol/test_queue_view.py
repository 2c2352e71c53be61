"""A queue as an answer."""

import pytest

from maestrod.domain.errors import NotFound
from maestrod.protocol.views import queue_json
from tests.domain.world import World


def test_a_session_without_a_queue_has_none_to_show() -> None:
    world = World()
    session_id = world.worker(world.project())
    with pytest.raises(NotFound, match="no queue"):
        queue_json(world.state, session_id)
