"""An agent takes a task, reports, completes it, and its session is over."""

import signal

import pytest

from tests.e2e.workshop import PROVIDERS, Workshop, ended
from tests.support.eventually import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.tmux]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_agent_does_its_task_and_its_session_ends_by_itself(shop: Workshop, provider: str) -> None:
    task = shop.task()

    spawned = shop.ok("session", "spawn", "--task", task, "--provider", provider)
    session = spawned["session"]["id"]
    waited = shop.maestro("session", "wait", session, "--until", "completed", "--timeout", "60")

    assert waited.code == 0, waited
    assert shop.get(f"/tasks/{task}")["status"] == "completed"
    reports = [e for e in shop.get(f"/tasks/{task}/timeline") if e["type"] == "progress"]
    assert [(e["message"], e["sessionId"]) for e in reports] == [("working on it", session)]
    assert shop.assignment(session)["status"] == "completed"
    shop.no_agent_stumbled()
    assert len(shop.log("run")) == 3
    eventually(lambda: shop.windows() == [], what="the window is closed")
    eventually(lambda: shop.log("exit"), what="the agent has left")


def test_an_agent_that_is_done_before_its_spawner_looks_has_started(shop: Workshop) -> None:
    spawning = shop.start("session", "spawn", "--task", shop.task(), "--provider", "codex", "--json")
    eventually(shop.windows, what="the window is open", every=0.001)
    spawning.send_signal(signal.SIGSTOP)
    (session,) = shop.statuses("sessions")
    shop.becomes(session, "completed")
    spawning.send_signal(signal.SIGCONT)
    said = ended(spawning)

    assert said.code == 0, said
    assert said.json["data"]["session"]["status"] == "completed"
