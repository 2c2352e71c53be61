"""The daemon goes and comes back: agents notice nothing, nothing is lost, and statuses are right soon after."""

import os
import signal
from pathlib import Path

import psutil
import pytest

from tests.e2e.workshop import PROVIDERS, Workshop, ended, gone
from tests.support.eventually import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.tmux]

SOON_S = 3.0
START = 'RUN: "$MAESTRO_BIN" task start "$MAESTRO_TASK_IDS"'
COMPLETE = 'RUN: "$MAESTRO_BIN" task complete "$MAESTRO_TASK_IDS"'


def report(words: str) -> str:
    return f'RUN: "$MAESTRO_BIN" report progress "{words}" --task "$MAESTRO_TASK_IDS"'


def at_work(shop: Workshop, *providers: str) -> tuple[dict[str, str], dict[str, str], Path]:
    """Tasks and sessions by provider, each in the middle of its work, and the file that lets them go on."""
    go = shop.folder / "go"
    for provider in providers:
        shop.script(provider, START, report("half"), f"WAIT: {go}", report("whole"), COMPLETE)
    tasks = {provider: shop.task(f"Work for {provider}") for provider in providers}
    sessions = {provider: shop.spawn(provider, tasks[provider]) for provider in providers}
    shop.ran("report progress", len(providers))
    return tasks, sessions, go


def reports(shop: Workshop, task: str) -> list[str]:
    found = [e["message"] for e in shop.get(f"/tasks/{task}/timeline") if e["type"] == "progress"]
    return sorted(found)


def are_all(shop: Workshop, sessions: dict[str, str], status: str, *, timeout: float = SOON_S) -> None:
    wanted = dict.fromkeys(sessions.values(), status)

    def look() -> bool:
        found = shop.statuses("sessions")
        assert found == wanted, found
        return True

    eventually(look, timeout=timeout, what=f"all sessions {status}")


def daemons(shop: Workshop) -> list[psutil.Process]:
    return [each for each in shop.processes() if "maestrod" in each.cmdline()]


def test_a_daemon_killed_in_the_middle_is_back_with_the_next_call(shop: Workshop) -> None:
    tasks, sessions, go = at_work(shop, *PROVIDERS)

    waiting = shop.start("session", "wait", sessions["codex"], "--until", "completed", "--timeout", "50")
    killed = shop.kill_daemon()
    shop.ok("status")

    are_all(shop, sessions, "working")
    assert shop.daemon_pid() != killed
    assert shop.statuses("tasks") == dict.fromkeys(tasks.values(), "in_progress")
    assert [reports(shop, task) for task in tasks.values()] == [["half"]] * 3
    assert all(shop.session(s)["live"]["process"] == "alive" for s in sessions.values())
    assert shop.windows() == sorted(sessions.values())
    go.touch()
    are_all(shop, sessions, "completed", timeout=30)
    assert shop.statuses("tasks") == dict.fromkeys(tasks.values(), "completed")
    assert [reports(shop, task) for task in tasks.values()] == [["half", "whole"]] * 3
    assert ended(waiting).code == 0
    shop.no_agent_stumbled()
    eventually(lambda: shop.windows() == [], what="the windows are closed")


def test_an_agents_own_call_brings_a_killed_daemon_back(shop: Workshop) -> None:
    tasks, sessions, go = at_work(shop, "claude", "codex")

    shop.kill_daemon()
    go.touch()
    shop.ran("task complete", 2)

    are_all(shop, sessions, "completed", timeout=30)
    assert shop.statuses("tasks") == dict.fromkeys(tasks.values(), "completed")
    assert [reports(shop, task) for task in tasks.values()] == [["half", "whole"]] * 2
    shop.no_agent_stumbled()
    assert len(daemons(shop)) == 1


def test_every_report_arrives_once_though_the_daemon_is_killed_between_them(shop: Workshop) -> None:
    shop.script("claude", START, "LOOP: 30", report("step"), "END:", COMPLETE)
    task = shop.task()
    session_id = shop.spawn("claude", task)

    for count in (5, 12, 20):
        shop.ran("report progress", count)
        shop.kill_daemon()
    shop.ran("task complete")

    shop.becomes(session_id, "completed")
    assert reports(shop, task) == ["step"] * 30
    assert shop.get(f"/tasks/{task}")["status"] == "completed"
    shop.no_agent_stumbled()


def test_a_daemon_killed_during_a_launch_does_not_open_a_second_window(shop: Workshop) -> None:
    task = shop.task()

    spawning = shop.start("session", "spawn", "--task", task, "--provider", "claude", "--json")
    eventually(shop.windows, what="the window is open", every=0.001)
    shop.kill_daemon()
    said = ended(spawning)

    assert said.code == 0, said
    (session_id,) = shop.statuses("sessions")
    shop.becomes(session_id, "completed")
    assert len(shop.log("start")) == 1
    assert shop.get(f"/tasks/{task}")["status"] == "completed"
    shop.no_agent_stumbled()


def test_a_daemon_killed_before_a_launch_does_not_make_a_second_session(shop: Workshop) -> None:
    task = shop.task()

    spawning = shop.start("session", "spawn", "--task", task, "--provider", "claude", "--json")
    eventually(lambda: shop.statuses("sessions"), what="the session is made", every=0.001)
    shop.kill_daemon()
    said = ended(spawning)

    assert said.code == 0, said
    (session_id,) = shop.statuses("sessions")
    shop.becomes(session_id, "completed")


def test_agents_are_taken_up_again_and_those_that_ended_meanwhile_are_known(shop: Workshop) -> None:
    shop.script("claude", START, f"WAIT: {shop.folder / 'leave'}", "EXIT: 3")
    shop.script("codex", START, f"WAIT: {shop.folder / 'go'}", COMPLETE)
    alone = {**shop.env, "MAESTRO_NO_AUTOSTART": "1"}
    leaving = shop.spawn("claude", shop.task("Leaves"), env=alone)
    staying = shop.spawn("codex", shop.task("Stays"), env=alone)
    shop.ran("task start", 2)
    supervisor = psutil.Process(shop.session(leaving)["pane"]["supervisorPid"])

    shop.ok("daemon", "stop")
    (shop.folder / "leave").touch()
    told = shop.home / "data" / "sessions" / leaving / "exit.json"
    eventually(told.exists, what="the end is left in a file")
    supervisor.kill()
    assert not gone(psutil.Process(shop.log("start", "codex")[0]["pid"]))
    shop.ok("daemon", "start")

    found = shop.becomes(leaving, "failed", timeout=SOON_S)
    assert (found["exit"]["code"], found["exit"]["signal"]) == (3, None)
    assert shop.becomes(staying, "working", timeout=SOON_S)["live"]["process"] == "alive"
    eventually(lambda: shop.windows() == [staying], what="one window is left")
    (shop.folder / "go").touch()
    shop.becomes(staying, "completed")


def test_an_agent_that_ends_while_the_daemon_is_away_is_reported_by_its_supervisor(shop: Workshop) -> None:
    shop.script("claude", START, f"WAIT: {shop.folder / 'leave'}", "EXIT: 0")
    session_id = shop.spawn("claude", shop.task(), env={**shop.env, "MAESTRO_NO_AUTOSTART": "1"})
    shop.ran("task start")

    shop.ok("daemon", "stop")
    (shop.folder / "leave").touch()
    eventually(lambda: shop.log("exit"), what="the agent has left")
    shop.ok("daemon", "start")

    assert shop.becomes(session_id, "stopped", timeout=SOON_S)["exit"]["code"] == 0
    eventually(lambda: shop.windows() == [], what="its window is closed")
    told = shop.home / "data" / "sessions" / session_id / "exit.json"
    eventually(lambda: not told.exists(), what="the file is not needed any more")


def test_a_killed_agent_nobody_tells_of_is_found_after_the_restart(shop: Workshop) -> None:
    shop.script("claude", START, "HANG:")
    task = shop.task()
    session_id = shop.spawn("claude", task, env={**shop.env, "MAESTRO_NO_AUTOSTART": "1"})
    shop.ran("task start")
    pane = shop.session(session_id)["pane"]

    shop.ok("daemon", "stop")
    os.kill(pane["supervisorPid"], signal.SIGKILL)
    os.kill(pane["pid"], signal.SIGKILL)
    shop.ok("daemon", "start")

    assert "away" in shop.becomes(session_id, "failed", timeout=SOON_S)["exit"]["reason"]
    assert shop.get(f"/tasks/{task}")["status"] == "todo"
    eventually(lambda: shop.windows() == [], what="its window is closed")


def test_hooks_that_found_no_daemon_are_heard_when_it_is_back(shop: Workshop) -> None:
    go = shop.folder / "go"
    shop.script("claude", START, f"WAIT: {go}", "PERMISSION: echo permitted", f"WAIT: {shop.folder / 'never'}")
    session_id = shop.spawn("claude", shop.task(), env={**shop.env, "MAESTRO_NO_AUTOSTART": "1"})
    shop.ran("task start")

    shop.ok("daemon", "stop")
    go.touch()
    eventually(lambda: [h for h in shop.log("hook") if h["name"] == "PermissionRequest"], what="the hook was called")
    shop.ok("daemon", "start")

    def asks() -> str:
        needs = shop.session(session_id)["needsInput"]
        assert needs["active"], needs
        return str(needs["message"])

    assert "echo permitted" in eventually(asks, timeout=SOON_S)
    eventually(lambda: not list((shop.home / "run" / "spool").glob("hooks-*")), what="the spool is empty")
    shop.no_agent_stumbled()


def test_a_turn_that_ended_while_the_daemon_was_away_is_over_when_it_is_back(shop: Workshop) -> None:
    go = shop.folder / "go"
    shop.script("claude", START, f"WAIT: {go}", "SAY: that is all")
    session_id = shop.spawn("claude", shop.task(), env={**shop.env, "MAESTRO_NO_AUTOSTART": "1"})
    shop.ran("task start")
    assert shop.session(session_id)["status"] == "working"

    shop.ok("daemon", "stop")
    go.touch()
    eventually(lambda: [h for h in shop.log("hook") if h["name"] == "Stop"], what="the hook was called")
    shop.ok("daemon", "start")

    shop.becomes(session_id, "idle", timeout=SOON_S)


def test_a_session_that_was_through_before_the_restart_still_ends(shop: Workshop) -> None:
    shop.env["MAESTRO_IDLE_END_S"] = "3"
    shop.ok("daemon", "restart")
    session_id = shop.spawn("claude", shop.task())
    shop.ran("task complete")
    shop.becomes(session_id, "idle", timeout=SOON_S)

    shop.kill_daemon()
    shop.ok("status")

    assert shop.session(session_id)["status"] == "idle"
    shop.becomes(session_id, "completed", timeout=3 + SOON_S)


def test_a_session_is_ended_though_the_daemon_dies_right_after_saying_so(shop: Workshop) -> None:
    shop.script("gemini", "IGNORE_TERM:", START, "HANG:")
    session_id = shop.spawn("gemini", shop.task())
    shop.ran("task start")
    agent = psutil.Process(shop.session(session_id)["pane"]["pid"])

    shop.ok("session", "stop", session_id)
    shop.kill_daemon()
    shop.ok("status")

    assert shop.session(session_id)["status"] == "stopped"
    eventually(lambda: gone(agent), what="the agent is gone")
    eventually(lambda: shop.windows() == [], what="its window is closed")


def test_a_restart_asked_for_is_not_noticed_by_agents(shop: Workshop) -> None:
    _, sessions, go = at_work(shop, "claude", "codex")

    restarted = shop.ok("daemon", "restart")

    assert restarted["started"] is True
    are_all(shop, sessions, "working")
    go.touch()
    are_all(shop, sessions, "completed", timeout=30)
    shop.no_agent_stumbled()
