"""How sessions end when nobody meant them to: each way has one outcome, and leaves nothing behind."""

import contextlib
import os
import signal

import psutil
import pytest

from maestrod.tmux.server import answers
from tests.e2e.workshop import PROVIDERS, Workshop, gone
from tests.support.eventually import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.tmux]

START = 'RUN: "$MAESTRO_BIN" task start "$MAESTRO_TASK_IDS"'
READY = "SAY: ready"
LEFT_BEHIND = "setsid sh -c 'trap \"\" TERM HUP; while :; do sleep 0.2; done' >/dev/null 2>&1 </dev/null &"
"""Outlives its parent, its terminal and politeness, as a server does that an agent has started."""


def waiting(shop: Workshop, provider: str, *lines: str) -> tuple[str, psutil.Process]:
    """A session that is idle, and its agent."""
    shop.env["MAESTRO_FAKE_LINGER_S"] = "60"
    shop.script(provider, *lines, READY)
    session_id = shop.spawn(provider, more=["--keep-open"])
    shop.becomes(session_id, "idle")
    return session_id, psutil.Process(shop.session(session_id)["pane"]["pid"])


def of_session(shop: Workshop, session_id: str) -> list[psutil.Process]:
    """Living processes that carry the session's name."""
    found = []
    for each in shop.processes():
        with contextlib.suppress(psutil.Error):
            if each.environ().get("MAESTRO_SESSION_ID") == session_id:
                found.append(each)
    return found


def nothing_is_left(shop: Workshop, session_id: str) -> None:
    eventually(lambda: shop.windows() == [], what="its window is closed", timeout=20)
    eventually(lambda: not of_session(shop, session_id), what="all its processes are gone", timeout=20)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_agent_whose_supervisor_is_killed_has_failed(shop: Workshop, provider: str) -> None:
    session_id, _ = waiting(shop, provider)

    os.kill(shop.session(session_id)["pane"]["supervisorPid"], signal.SIGKILL)

    assert shop.becomes(session_id, "failed")["exit"]["reason"]
    nothing_is_left(shop, session_id)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_window_that_is_closed_by_hand_ends_its_session(shop: Workshop, provider: str) -> None:
    session_id, _ = waiting(shop, provider)
    other, living = waiting(shop, "claude")
    (pane,) = [p for p in shop.panes() if p.session_id == session_id]

    shop.tmux.run("kill-window", "-t", pane.window_id)

    assert shop.becomes(session_id, "failed")["exit"]
    eventually(lambda: not of_session(shop, session_id), what="all its processes are gone", timeout=20)
    assert shop.windows() == [other]
    assert not gone(living)


def test_an_agent_that_leaves_a_shell_behind_is_over_and_nothing_is_typed_into_it(shop: Workshop) -> None:
    """A wrapper of the user's own that ends in ``exec sh``."""
    real = shop.bin / "claude"
    real.rename(shop.bin / "claude-itself")
    real.write_text(f'#!/bin/sh\n"{shop.bin}/claude-itself" "$@"\nexec sh\n')
    real.chmod(0o755)
    session_id, process = waiting(shop, "claude")
    touched = shop.folder / "touched"

    fake = process.children()[0]
    fake.terminate()
    eventually(lambda: process.cmdline() == ["sh"], what="a shell has taken its place")
    said = shop.maestro("session", "send", session_id, f"touch {touched}", "--json")

    assert said.code == 6, said
    assert "shell" in shop.becomes(session_id, "failed")["exit"]["reason"]
    nothing_is_left(shop, session_id)
    assert not touched.exists()


@pytest.mark.parametrize("how", ["stop", "crash", "complete"])
def test_what_an_agent_started_ends_with_its_session(shop: Workshop, how: str) -> None:
    session_id, agent = waiting(shop, "claude", f"RUN: {LEFT_BEHIND}")
    left = [p for p in of_session(shop, session_id) if "trap" in " ".join(p.cmdline())]
    assert left
    other, living = waiting(shop, "codex")

    if how == "crash":
        agent.kill()
    else:
        shop.ok("session", how, session_id)

    shop.becomes(session_id, {"stop": "stopped", "crash": "failed", "complete": "completed"}[how])
    eventually(lambda: not of_session(shop, session_id), what="all its processes are gone", timeout=20)
    assert all(map(gone, left))
    eventually(lambda: shop.windows() == [other], what="its window is closed")
    assert not gone(living)


def test_a_killed_tmux_server_ends_all_sessions_and_leaves_no_process(shop: Workshop) -> None:
    sessions = [waiting(shop, provider)[0] for provider in PROVIDERS]

    shop.tmux.kill_server()

    for session_id in sessions:
        shop.becomes(session_id, "failed")
    for session_id in sessions:
        nothing_is_left(shop, session_id)


def test_a_control_client_that_dies_is_not_noticed(shop: Workshop) -> None:
    session_id, agent = waiting(shop, "claude")
    (client,) = [p for p in shop.processes() if "-C" in p.cmdline() and "attach-session" in p.cmdline()]

    client.kill()

    assert shop.ok("session", "send", session_id, "go on")["result"] == "submitted"
    eventually(
        lambda: [p for p in shop.processes() if "-C" in p.cmdline() and p.pid != client.pid], what="another is there"
    )
    assert not gone(agent)
    assert shop.windows() == [session_id]


def test_a_daemon_that_stops_leaves_no_empty_tmux_server(shop: Workshop) -> None:
    session_id, agent = waiting(shop, "claude")
    shop.ok("daemon", "stop")
    assert answers(shop.tmux.socket)
    assert not gone(agent)
    shop.ok("daemon", "start")
    shop.becomes(session_id, "idle")
    shop.ok("session", "stop", session_id)
    nothing_is_left(shop, session_id)

    shop.ok("daemon", "stop")

    assert not answers(shop.tmux.socket)
    assert not [p for p in shop.processes() if "tmux" in p.name()]
