"""Each agent has a window of its own on the home's private tmux server, and what a person does reaches it there."""

import os
import signal
import time
from typing import Any

import psutil
import pytest

from maestrod.tmux.facts import PaneFacts
from tests.e2e.workshop import PROVIDERS, Workshop, gone
from tests.support.eventually import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.tmux]

START = 'RUN: "$MAESTRO_BIN" task start "$MAESTRO_TASK_IDS"'
COMPLETE = 'RUN: "$MAESTRO_BIN" task complete "$MAESTRO_TASK_IDS"'


def agent_of(shop: Workshop, session_id: str) -> psutil.Process:
    pid = shop.session(session_id)["pane"]["pid"]
    assert isinstance(pid, int)
    return psutil.Process(pid)


def window_of(shop: Workshop, session_id: str) -> PaneFacts:
    (found,) = [pane for pane in shop.panes() if pane.session_id == session_id]
    return found


def needing(shop: Workshop, session_id: str) -> dict[str, Any]:
    found = shop.session(session_id)
    assert found["needsInput"]["active"], found
    return found


def test_each_agent_works_in_a_window_of_its_own(shop: Workshop) -> None:
    go = shop.folder / "go"
    for provider in PROVIDERS:
        shop.script(provider, START, f"WAIT: {go}", COMPLETE)
    sessions = {provider: shop.spawn(provider, shop.task(f"Work for {provider}")) for provider in PROVIDERS}
    shop.ran("task start", 3)

    panes = {pane.session_id: pane for pane in shop.panes()}
    assert shop.windows() == sorted(sessions.values())
    assert len({pane.window_id for pane in panes.values()}) == 3
    for provider, session_id in sessions.items():
        found = shop.session(session_id)
        assert found["pane"]["pane"] == panes[session_id].pane_id
        assert found["pane"]["socket"] == shop.tmux.name
        (started,) = shop.log("start", provider)
        assert started["pid"] == found["pane"]["pid"]
        assert started["cwd"] == str(shop.project)
    go.touch()
    shop.ran("task complete", 3)
    shop.no_agent_stumbled()


def asking(shop: Workshop, session_id: str, words: str) -> dict[str, Any]:
    """The session, once it asks in these words."""
    found = needing(shop, session_id)
    assert words in found["needsInput"]["message"], found
    return found


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_open_dialog_is_shown_at_once_and_gone_when_it_is_answered(shop: Workshop, provider: str) -> None:
    go = shop.folder / "go"
    done = shop.folder / "done"
    shop.script(provider, START, f"WAIT: {go}", f"PERMISSION: touch {done}", COMPLETE)
    session_id = shop.spawn(provider, shop.task())
    shop.ran("task start")

    go.touch()
    # Its title may be seen a moment before its hook, which has the better words.
    words = "" if provider == "gemini" else f"touch {done}"
    found = eventually(lambda: asking(shop, session_id, words), what="needs input")
    seen = time.time()
    if provider != "gemini":  # its hooks come from an extension, which nobody has installed here
        (asked,) = eventually(lambda: [h for h in shop.log("hook", provider) if h["name"] == "PermissionRequest"])
        assert seen - (asked["at"] - asked["seconds"]) < 1.0
    listed = shop.ok("status")["needsInput"]
    assert [(row["sessionId"], row["message"]) for row in listed] == [(session_id, found["needsInput"]["message"])]
    assert not done.exists()

    answered = shop.post(f"/sessions/{session_id}/input", {"keys": ["Enter"]})

    assert answered["result"] == "submitted"
    eventually(done.exists, what="the permitted command has run")
    eventually(lambda: not shop.session(session_id)["needsInput"]["active"], what="the question is gone")
    assert shop.becomes(session_id, "completed")["needsInput"] == {"active": False, "message": "", "since": None}
    assert shop.ok("status")["needsInput"] == []
    shop.no_agent_stumbled()


def test_a_killed_agent_fails_its_session_and_gives_its_task_back(shop: Workshop) -> None:
    shop.script("claude", START, "HANG:")
    task = shop.task()
    session_id = shop.spawn("claude", task)
    shop.ran("task start")
    assert shop.get(f"/tasks/{task}")["status"] == "in_progress"

    os.kill(agent_of(shop, session_id).pid, signal.SIGKILL)

    found = shop.becomes(session_id, "failed", timeout=3)
    assert (found["exit"]["code"], found["exit"]["signal"]) == (None, 9)
    own = shop.assignment(session_id)
    assert own["status"] == "failed"
    assert own["result"].startswith("ended without a report")
    assert shop.get(f"/tasks/{task}")["status"] == "todo"
    eventually(lambda: shop.windows() == [], what="its window is closed")
    assert shop.maestro("session", "wait", session_id, "--until", "failed", "--timeout", "1").code == 0


def test_an_agent_whose_supervisor_is_killed_too_is_found_out(shop: Workshop) -> None:
    shop.script("claude", START, "HANG:")
    session_id = shop.spawn("claude", shop.task())
    shop.ran("task start")
    agent = agent_of(shop, session_id)

    os.kill(shop.session(session_id)["pane"]["supervisorPid"], signal.SIGKILL)
    agent.kill()

    assert shop.becomes(session_id, "failed", timeout=5)["exit"]["reason"]
    eventually(lambda: shop.windows() == [], what="its window is closed")


@pytest.mark.parametrize(
    ("provider", "stubborn"), [("claude", ()), ("codex", ()), ("gemini", ()), ("gemini", ("IGNORE_TERM:",))]
)
def test_a_stopped_session_leaves_its_last_screen_and_nothing_else(
    shop: Workshop, provider: str, stubborn: tuple[str, ...]
) -> None:
    shop.script(provider, *stubborn, START, "SAY: the last words before the end", f"WAIT: {shop.folder / 'never'}")
    task = shop.task()
    session_id = shop.spawn(provider, task)
    eventually(
        lambda: "last words" in shop.get(f"/sessions/{session_id}/screen")["text"], what="the words on the screen"
    )
    agent = agent_of(shop, session_id)
    family = [agent, *agent.children(recursive=True)]

    stopped = shop.ok("session", "stop", session_id, "--reason", "the plan changed")

    assert stopped["status"] == "stopped"
    eventually(lambda: all(gone(each) for each in family), what="the agent is gone")
    eventually(lambda: shop.windows() == [], what="its window is closed")
    assert shop.session(session_id)["status"] == "stopped"
    assert shop.get(f"/tasks/{task}")["status"] == "todo"
    logs = shop.maestro("session", "logs", session_id)
    assert logs.code == 0
    assert "the last words before the end" in logs.out
    assert "the plan changed" in logs.out


def test_one_window_is_closed_and_the_others_stay(shop: Workshop) -> None:
    shop.script("codex", START, f"WAIT: {shop.folder / 'go'}", COMPLETE)
    first, second = (shop.spawn("codex", shop.task(f"Task {n}")) for n in (1, 2))
    shop.ran("task start", 2)

    shop.ok("session", "stop", first)

    eventually(lambda: shop.windows() == [second], what="one window is left")
    (shop.folder / "go").touch()
    shop.becomes(second, "completed")
    assert shop.session(first)["status"] == "stopped"


def test_a_window_that_is_closed_by_force_ends_its_session(shop: Workshop) -> None:
    shop.script("claude", START, "HANG:")
    session_id = shop.spawn("claude", shop.task())
    shop.ran("task start")
    agent = agent_of(shop, session_id)

    shop.tmux.run("kill-window", "-t", window_of(shop, session_id).window_id)

    eventually(lambda: gone(agent), what="the agent is gone", timeout=15)
    shop.becomes(session_id, "failed", timeout=15)
    assert shop.windows() == []
