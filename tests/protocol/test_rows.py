"""Many entities as one answer."""

import json

from maestrod.protocol.views import entity_json, rows_json
from tests.domain.world import World


def test_rows_are_the_resources_one_after_another() -> None:
    world = World()
    project = world.project()
    task, session = world.state.task(world.task(project)), world.state.session(world.worker(project))
    rows = rows_json(world.state, [task, session], lambda id_: {"sessionId": id_})
    alone = [entity_json(world.state, task), entity_json(world.state, session, live={"sessionId": session.id})]
    assert json.loads(b"[" + rows + b"]") == [json.loads(each) for each in alone]
