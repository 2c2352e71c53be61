"""Sessions that walk several tasks, and sessions that start others."""

import pytest

from tests.e2e.workshop import Workshop

pytestmark = [pytest.mark.e2e, pytest.mark.tmux]


def test_a_queue_is_worked_off_in_its_order(shop: Workshop) -> None:
    tasks = [shop.task(f"Step {n}") for n in (1, 2, 3)]

    session_id = shop.spawn("claude", *tasks, more=("--strategy", "queue"))

    assert shop.maestro("session", "wait", session_id, "--until", "completed", "--timeout", "60").code == 0
    assert shop.statuses("tasks") == dict.fromkeys(tasks, "completed")
    timeline = shop.get(f"/sessions/{session_id}/timeline")
    for type_ in ("task_started", "task_completed"):
        assert [e["taskId"] for e in timeline if e["type"] == type_] == tasks
    assert [i["status"] for i in shop.get(f"/sessions/{session_id}/queue/items")] == ["completed"] * 3
    exits = [run["exit"] for run in shop.log("run")]
    assert exits == [0, 0, 0, 0, 0, 0, 9]


def test_an_orchestrator_starts_a_worker_waits_for_it_and_is_done(shop: Workshop) -> None:
    plan, work = shop.task("Plan it"), shop.task("Do it")
    maestro = '"$MAESTRO_BIN"'
    shop.script(
        "claude",
        f"RUN: {maestro} task start {plan}",
        f"RUN: {maestro} session spawn --task {work} --provider codex --json > spawned.json",
        f'RUN: {maestro} session wait $(sed \'s/.*"session":{{"id":"\\([^"]*\\)".*/\\1/\' spawned.json) '
        "--until completed --timeout 40",
        f"RUN: {maestro} task complete {plan}",
        f'RUN: {maestro} session complete --note "the worker is through"',
    )

    lead = shop.spawn("claude", plan, more=("--role", "orchestrator"))

    assert shop.maestro("session", "wait", lead, "--until", "completed", "--timeout", "60").code == 0
    shop.no_agent_stumbled()
    assert shop.statuses("tasks") == {plan: "completed", work: "completed"}
    (worker,) = [s for s in shop.get("/sessions") if s["id"] != lead]
    assert (worker["parentSessionId"], worker["status"], worker["spawnSource"]) == (lead, "completed", "session")
