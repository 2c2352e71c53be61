"""An ended session comes back with its conversation and its tasks."""

import pytest

from tests.e2e.workshop import PROVIDERS, Workshop
from tests.support.eventually import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.tmux]

START = 'RUN: "$MAESTRO_BIN" task start "$MAESTRO_TASK_IDS"'
COMPLETE = 'RUN: "$MAESTRO_BIN" task complete "$MAESTRO_TASK_IDS"'


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_stopped_session_goes_on_with_its_conversation(shop: Workshop, provider: str) -> None:
    shop.script(provider, START, f"WAIT: {shop.folder / 'never'}")
    task = shop.task()
    session_id = shop.spawn(provider, task)
    shop.ran("task start")
    shop.ok("session", "stop", session_id)
    eventually(lambda: shop.windows() == [], what="its window is closed")
    assert shop.get(f"/tasks/{task}")["status"] == "todo"

    shop.script(provider, START, COMPLETE)
    back = shop.ok("session", "resume", session_id)

    assert back["session"]["id"] == session_id
    shop.ran("task complete")
    assert shop.get(f"/tasks/{task}")["status"] == "completed"
    first, second = shop.log("start", provider)
    assert (second["session"], second["sessionId"]) == ("resume", first["sessionId"])
    shop.no_agent_stumbled()
    assert shop.windows() == [session_id]


def test_a_session_whose_tmux_server_died_is_over_and_can_be_resumed(shop: Workshop) -> None:
    shop.script("claude", START, f"WAIT: {shop.folder / 'never'}")
    session_id = shop.spawn("claude", shop.task())
    shop.ran("task start")

    shop.tmux.kill_server()

    shop.becomes(session_id, "failed")
    shop.script("claude", START, COMPLETE)
    shop.ok("session", "resume", session_id)
    shop.becomes(session_id, "completed")
