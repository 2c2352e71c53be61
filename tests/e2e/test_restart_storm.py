"""Many agents at work, and the daemon killed again and again: nobody notices, nothing is doubled, nothing is left."""

import random

import pytest

from tests.e2e.workshop import PROVIDERS, Workshop
from tests.support.eventually import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.tmux, pytest.mark.slow, pytest.mark.timeout(900)]

SOON_S = 3.0
START = 'RUN: "$MAESTRO_BIN" task start "$MAESTRO_TASK_IDS"'
REPORT = 'RUN: "$MAESTRO_BIN" report progress step --task "$MAESTRO_TASK_IDS"'
COMPLETE = 'RUN: "$MAESTRO_BIN" task complete "$MAESTRO_TASK_IDS"'
REPORTS = 6


def unfinished(shop: Workshop) -> set[int]:
    """Agents that have begun their work and are certainly in the middle of it."""
    runs = shop.log("run")
    begun = {r["pid"] for r in runs if "task start" in r["command"]}
    near_the_end = {
        pid for pid in begun if sum(r["pid"] == pid and "report" in r["command"] for r in runs) >= REPORTS - 1
    }
    return begun - near_the_end


def judged(shop: Workshop) -> bool:
    """Whether every agent that was and still is in the middle of its work is shown as working."""
    before = unfinished(shop)
    statuses = {s["pane"]["pid"]: s["status"] for s in shop.get("/sessions") if s["pane"]}
    wrong = {pid: statuses.get(pid) for pid in before & unfinished(shop) if statuses.get(pid) != "working"}
    assert not wrong, wrong
    return True


@pytest.mark.parametrize(
    ("agents", "kills"),
    [(3, 3), (20, 10)],
)
def test_agents_notice_nothing_of_a_daemon_that_is_killed_over_and_over(
    shop: Workshop, agents: int, kills: int
) -> None:
    for provider in PROVIDERS:
        shop.script(provider, START, *[REPORT] * REPORTS, COMPLETE)
    tasks = [shop.task(f"Task {number}") for number in range(agents)]
    sessions = [shop.spawn(PROVIDERS[n % len(PROVIDERS)], task) for n, task in enumerate(tasks)]
    chance = random.Random(agents)
    for _ in range(kills):
        done = len(shop.log("run"))
        left = agents * (REPORTS + 2) - done
        if left > 2:
            shop.ran("", done + chance.randint(1, max(1, left // kills)))
        shop.kill_daemon()
        shop.ok("status")
        eventually(lambda: judged(shop), timeout=SOON_S, what="all statuses are right")

    for session_id in sessions:
        shop.becomes(session_id, "completed", timeout=60)
    assert set(shop.statuses("tasks").values()) == {"completed"}
    for task in tasks:
        found = [e["message"] for e in shop.get(f"/tasks/{task}/timeline") if e["type"] == "progress"]
        assert found == ["step"] * REPORTS
    shop.no_agent_stumbled()
    assert len(shop.log("start")) == agents
    eventually(lambda: shop.windows() == [], timeout=30, what="the windows are closed")
    shop.ok("daemon", "stop")
    eventually(lambda: not shop.processes(), timeout=30, what="no process is left")
