"""What every real agent does in a pane of Maestro, step by step, with a model that plays what the test wrote."""

import os
import signal
from contextlib import suppress

import psutil

from tests.e2e.workshop import gone
from tests.real.desk import Desk
from tests.real.model import Act
from tests.support.eventually import eventually

ASKS = {
    "claude": "Do you want to proceed?",
    "codex": "Would you like to run the following command?",
    "gemini": "Allow execution of",
}
ESCALATED = {"sandbox_permissions": "require_escalated", "justification": "May I touch it?"}
"""What a Codex that wants out of its sandbox says; the others ask about any command that changes something."""


def test_it_is_briefed_takes_its_task_completes_it_and_leaves(real: Desk) -> None:
    task = real.task("Fix the flaky login test")
    real.play("story", task, Act(say="I begin.", run=f"maestro task start {task}"), complete(task), Act(say="Done."))

    session = real.spawn(real.provider, task)

    real.becomes(session, "completed", timeout=60)
    assert real.model.told("Fix the flaky login test")
    assert real.model.told(f"Begin with `maestro task start {task}`")
    assert real.model.told(session)  # who it is, from the system part
    assert real.get(f"/tasks/{task}")["status"] == "completed"
    assert real.assignment(session)["status"] == "completed"
    eventually(lambda: real.windows() == [], what="its window is closed")
    real.leaves_nothing()


def test_a_permission_dialog_is_shown_as_needing_a_person_and_its_answer_clears_it(real: Desk) -> None:
    session = real.at_work("env > asked", more=ESCALATED if real.provider == "codex" else {})

    shown = real.turn(session, "needs_input")
    asked_at = real.model.heard[-1].at
    assert "env > asked" in shown["needsInput"]["message"]
    since = shown["needsInput"]["since"]
    real.note(
        f"asked {since / 1000 - asked_at:.2f} s after the model's answer, told {real.told_at(since) - since} ms later"
    )

    real.shows(session, ASKS[real.provider])

    def answered() -> bool:
        """The first choice is yes. Codex takes no key in the first moment of a dialog: then it is pressed again."""
        if ASKS[real.provider] in real.screen(session):
            real.press(session, "Enter")
        return "That was it." in real.screen(session)

    eventually(answered, every=1, timeout=30, what="the command ran")
    found = real.turn(session, "idle")
    assert not found["needsInput"]["active"]
    assert len(real.model.heard[-1].results) == 2


def test_its_dialog_is_answered_from_elsewhere_and_no_other_is(real: Desk) -> None:
    session = real.at_work("env > asked", more=ESCALATED if real.provider == "codex" else {})
    real.turn(session, "needs_input")
    dialog = eventually(lambda: real.get(f"/sessions/{session}/screen")["dialog"], what="the dialog is read")
    assert "env > asked" in dialog["text"]
    real.note(f"the dialog: {dialog}")
    other = real.maestro("session", "answer", session, "1", "--expect", "0" * 12, "--json")
    assert (other.code, other.json["error"]) == (6, "not_delivered")
    assert len(real.model.heard[-1].results) == 1

    told = real.ok("session", "answer", session, dialog["choices"][0]["label"], "--expect", dialog["digest"])

    assert told["result"] == "submitted"
    real.shows(session, "That was it.")
    found = real.turn(session, "idle")
    assert not found["needsInput"]["active"]
    assert len(real.model.heard[-1].results) == 2


def test_an_interrupted_turn_is_over(real: Desk) -> None:
    session = real.at_work("true", Act(say="I think about it " * 200, over_s=60))
    real.turn(session, "working")
    eventually(lambda: "think about it" in real.screen(session), what="the answer comes in")
    real.press(session, "Escape")
    real.turn(session, "idle", timeout=15)


def test_an_error_of_the_api_ends_the_turn(real: Desk) -> None:
    session = real.at_work("true", Act(status=400))
    real.shows(session, {"claude": "API Error", "codex": "■ ", "gemini": "[API Error"}[real.provider])
    eventually(lambda: real.turn_of(session)["state"] in ("error", "idle"), timeout=15, what="the turn is over")
    real.note(f"after an error: {real.turn_of(session)}")


def test_a_stopped_agent_is_gone_and_goes_on_with_its_conversation(real: Desk) -> None:
    session = real.at_work("true")
    real.shows(session, "That was it.")
    real.turn(session, "idle")
    before = real.session(session)
    assert before["conversationId"]
    agent = psutil.Process(before["pane"]["pid"])

    real.ok("session", "stop", session)
    eventually(lambda: gone(agent), what="the agent has left")
    eventually(lambda: real.windows() == [], what="its window is closed")
    real.leaves_nothing()

    heard = len(real.model.heard)
    real.ok("session", "resume", session)
    eventually(lambda: len(real.model.heard) > heard, timeout=60, what="it goes on")
    real.turn(session, "idle")
    assert real.session(session)["conversationId"] == before["conversationId"]
    assert any("PLAY work" in text for text in real.model.heard[-1].users), "it remembers its brief"
    assert any("was interrupted" in text for text in real.model.heard[-1].users)


def test_a_killed_agent_has_failed(real: Desk) -> None:
    session = real.at_work("true")
    real.shows(session, "That was it.")
    for child in psutil.Process(real.session(session)["pane"]["pid"]).children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # a hook is over at any moment
            child.kill()
    os.kill(real.session(session)["pane"]["pid"], signal.SIGKILL)
    found = real.becomes(session, "failed")
    assert found["exit"]["signal"] == signal.SIGKILL
    real.leaves_nothing()


def complete(task: str) -> Act:
    """The model has the task completed."""
    return Act(run=f'maestro task complete {task} --note "all green"')
