"""What people say to a running agent arrives, once, and the answer tells what became of it."""

from typing import Any

import pytest

from tests.e2e.workshop import PROVIDERS, Workshop
from tests.support.eventually import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.tmux]

START = 'RUN: "$MAESTRO_BIN" task start "$MAESTRO_TASK_IDS"'
COMPLETE = 'RUN: "$MAESTRO_BIN" task complete "$MAESTRO_TASK_IDS"'
HOSTILE = 'use "the" fixture; $(touch /tmp/nobody) `ls` {x} #h %1 \\ 日本語 \x1b[201~'


def prompts(shop: Workshop) -> list[str]:
    """What was typed, beside the first prompt."""
    return [p["text"] for p in shop.log("prompt") if p["source"] != "argument"]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_prompt_for_an_idle_agent_is_submitted_as_it_is(shop: Workshop, provider: str) -> None:
    shop.script(provider, START, "TURN:", "SAY: got it", COMPLETE)
    session_id = shop.spawn(provider, shop.task())
    shop.becomes(session_id, "idle")

    sent = shop.ok("session", "send", session_id, HOSTILE)

    assert sent["result"] == "submitted"
    assert prompts(shop) == [HOSTILE.replace("\x1b[201~", "")]
    shop.ran("task complete")


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_prompt_for_an_agent_at_work_waits_for_its_turn(shop: Workshop, provider: str) -> None:
    go = shop.folder / "go"
    shop.script(provider, START, f"WAIT: {go}", "TURN:", COMPLETE)
    session_id = shop.spawn(provider, shop.task())
    shop.ran("task start")

    sent = shop.ok("session", "send", session_id, "and then the other one")

    assert sent["result"] == "queued"
    go.touch()
    shop.ran("task complete")
    assert prompts(shop) == ["and then the other one"]


def test_nothing_is_typed_into_an_open_dialog(shop: Workshop) -> None:
    done = shop.folder / "done"
    shop.script("claude", START, f"PERMISSION: touch {done}", COMPLETE)
    session_id = shop.spawn("claude", shop.task())
    eventually(lambda: shop.session(session_id)["needsInput"]["active"], what="needs input")

    said = shop.maestro("session", "send", session_id, "yes", "--json")

    assert (said.code, said.json["error"]) == (6, "not_delivered")
    assert "question" in said.json["message"]
    assert not done.exists()
    assert prompts(shop) == []


def test_a_question_of_the_agents_own_stays_until_it_is_answered(shop: Workshop) -> None:
    shop.script("claude", START, 'RUN: "$MAESTRO_BIN" session needs-input "Which of the two APIs?"', "TURN:", COMPLETE)
    session_id = shop.spawn("claude", shop.task())
    found: dict[str, Any] = shop.becomes(session_id, "idle")
    assert found["needsInput"]["message"] == "Which of the two APIs?"
    assert [row["sessionId"] for row in shop.ok("status")["needsInput"]] == [session_id]
    assert shop.maestro("session", "wait", session_id, "--until", "needs_input", "--timeout", "5").code == 0

    sent = shop.ok("session", "send", session_id, "the second")

    assert sent["result"] == "submitted"
    assert not shop.becomes(session_id, "completed")["needsInput"]["active"]
    assert prompts(shop) == ["the second"]


def test_an_ended_session_takes_no_prompt(shop: Workshop) -> None:
    session_id = shop.spawn("claude", shop.task())
    shop.becomes(session_id, "completed")

    said = shop.maestro("session", "send", session_id, "one more thing", "--json")

    assert (said.code, said.json["error"]) == (6, "pane_gone")
