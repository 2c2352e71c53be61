"""Crashed sessions that are to be started again are, with their conversation; those that crash on and on are not.

What the daemon starts has the daemon's environment: the script of a first run only when it was there before the daemon.
"""

import contextlib
from pathlib import Path

import psutil
import pytest

from tests.e2e.workshop import PROVIDERS, Workshop
from tests.support.eventually import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.tmux]

START = 'RUN: "$MAESTRO_BIN" task start "$MAESTRO_TASK_IDS"'
COMPLETE = 'RUN: "$MAESTRO_BIN" task complete "$MAESTRO_TASK_IDS"'
ON_CRASH = ("--restart", "on-crash")


def begin(shop: Workshop, pace: str) -> None:
    """A project whose daemon lets crashed sessions wait so much shorter."""
    shop.env["MAESTRO_RESTART_PACE"] = pace
    shop.begin()


@pytest.mark.parametrize("provider", ["claude", *(pytest.param(p, marks=pytest.mark.slow) for p in PROVIDERS[1:])])
def test_a_crashed_session_is_started_again_with_its_conversation(bare: Workshop, provider: str) -> None:
    begin(bare, "0.1")
    bare.script(provider, START, "SLEEP: 1", "CRASH: 3")
    task = bare.task()
    session_id = bare.spawn(provider, task, more=ON_CRASH)
    bare.becomes(session_id, "completed", timeout=30)

    first, second = bare.log("start", provider)
    assert (second["session"], second["sessionId"]) == ("resume", first["sessionId"])
    assert bare.get(f"/tasks/{task}")["status"] == "completed"
    assert bare.session(session_id)["crashes"] == []


@pytest.mark.slow
def test_five_crashes_end_it(bare: Workshop) -> None:
    bare.script("claude", "SLEEP: 1", "CRASH: 3")
    begin(bare, "0.03")
    session_id = bare.spawn("claude", more=ON_CRASH)

    eventually(lambda: len(bare.session(session_id)["crashes"]) == 5, timeout=40, what="five crashes")

    bare.becomes(session_id, "failed")
    assert len(bare.log("start")) == 5
    bare.kill_daemon()
    bare.ok("status")
    assert bare.session(session_id)["status"] == "failed"
    assert len(bare.log("start")) == 5


def test_a_crash_before_a_kill_of_the_daemon_is_not_forgotten(bare: Workshop) -> None:
    begin(bare, "0.4")
    bare.script("claude", START, "SLEEP: 1", "CRASH: 3")
    session_id = bare.spawn("claude", bare.task(), more=ON_CRASH)
    bare.becomes(session_id, "failed")

    bare.kill_daemon()
    del bare.env["MAESTRO_FAKE_SCRIPT_CLAUDE"]
    bare.ok("status")

    bare.becomes(session_id, "completed", timeout=30)
    assert len(bare.log("start")) == 2


def test_without_the_policy_a_crash_is_an_end(bare: Workshop) -> None:
    bare.script("claude", "SLEEP: 1", "CRASH: 3")
    begin(bare, "0.05")
    once = bare.spawn("claude", bare.task())
    bare.becomes(once, "failed")
    again = bare.spawn("claude", bare.task("Another"), more=ON_CRASH)
    eventually(lambda: len(bare.session(again)["crashes"]) > 1, timeout=30, what="the other one is started again")
    assert bare.session(once)["status"] == "failed"
    bare.ok("session", "stop", again)


def test_what_cannot_be_started_again_has_failed_with_the_reason(bare: Workshop) -> None:
    begin(bare, "0.1")
    bare.script("claude", START, "SLEEP: 1", "CRASH: 3")
    session_id = bare.spawn("claude", bare.task(), more=ON_CRASH)
    Path(bare.bin / "claude").unlink()

    def reason() -> str:
        found = bare.session(session_id)
        assert found["status"] == "failed"
        assert found["exit"]["reason"], found
        return str(found["exit"]["reason"])

    assert "claude is not on PATH" in eventually(reason, timeout=30, what="it has failed for good")
    assert bare.session(session_id)["crashes"] == []


def test_all_that_the_machine_took_away_comes_back_at_once(shop: Workshop) -> None:
    """The machine goes: every process of tmux and of the agents at once; the daemon is started by the next call."""
    go = shop.folder / "go"
    for provider in PROVIDERS:
        shop.script(provider, START, f"WAIT: {go}", COMPLETE)
    sessions = {shop.spawn(p, shop.task(f"Task {p}"), more=["--name", p]): p for p in PROVIDERS}
    finished = shop.spawn("claude", more=["--name", "stopped"])
    shop.ok("session", "stop", finished)
    shop.ran("task start", len(sessions))
    eventually(lambda: len(shop.windows()) == len(sessions), what="one window each")

    shop.kill_daemon()
    shop.tmux.kill_server()

    def nothing_runs() -> bool:
        left = shop.processes()
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.kill()
        return not left

    eventually(nothing_runs, what="nothing runs")
    for session_id in sessions:
        assert shop.ok("session", "info", session_id)["status"] == "failed"
    back = shop.ok("session", "resume", "--all-interrupted")

    assert sorted(s["id"] for s in back) == sorted(sessions)
    starts = {p: [e["sessionId"] for e in shop.log("start", p)] for p in PROVIDERS}
    assert all(ids[-1] == ids[0] for ids in starts.values())
    go.touch()
    for session_id in sessions:
        shop.becomes(session_id, "completed", timeout=30)
    assert shop.session(finished)["status"] == "stopped"
    assert shop.ok("session", "resume", "--all-interrupted") == []


def test_resume_wants_one_or_all(shop: Workshop) -> None:
    assert shop.maestro("session", "resume").code == 2
    assert shop.maestro("session", "resume", "x", "--all-interrupted").code == 2
