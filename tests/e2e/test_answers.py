"""A person answers a dialog from elsewhere: the one that was seen, or none."""

import pytest

from tests.e2e.workshop import PROVIDERS, Workshop
from tests.support.eventually import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.tmux]

FIRST = {"claude": "Yes", "codex": "Yes, proceed", "gemini": "Allow once"}


def asking(shop: Workshop, provider: str, *steps: str) -> str:
    """A session whose agent waits for a person."""
    shop.script(provider, *steps)
    session_id = shop.spawn(provider, more=["--keep-open"])
    eventually(lambda: shop.get(f"/sessions/{session_id}/screen")["dialog"], what="a dialog is open")
    return session_id


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_dialog_is_answered_by_number_and_by_name(shop: Workshop, provider: str) -> None:
    one, two = shop.folder / "one", shop.folder / "two"
    session_id = asking(shop, provider, f"PERMISSION: touch {one}", f"PERMISSION: touch {two}")

    shop.ok("session", "answer", session_id, "1")
    eventually(one.exists, what="the first command has run")
    eventually(lambda: str(two) in str(shop.get(f"/sessions/{session_id}/screen")["dialog"]), what="the second asks")
    told = shop.ok("session", "answer", session_id, FIRST[provider])

    assert told["result"] == "submitted"
    eventually(two.exists, what="the second command has run")
    assert [p["answer"] for p in shop.log("permission")] == ["yes", "yes"]


def test_a_dialog_that_has_changed_is_not_answered(shop: Workshop) -> None:
    one, two = shop.folder / "one", shop.folder / "two"
    session_id = asking(shop, "claude", f"PERMISSION: touch {one}", f"PERMISSION: touch {two}")
    seen = shop.get(f"/sessions/{session_id}/screen")["dialog"]["digest"]
    shop.ok("session", "keys", session_id, "1")
    eventually(lambda: str(two) in str(shop.get(f"/sessions/{session_id}/screen")["dialog"]), what="the second asks")

    said = shop.maestro("session", "answer", session_id, "1", "--expect", seen, "--json")

    assert (said.code, said.json["error"]) == (6, "not_delivered")
    assert "another question is open" in said.json["message"]
    assert not two.exists()
    assert [p["answer"] for p in shop.log("permission")] == ["yes"]


def test_what_is_not_offered_or_not_asked_is_not_answered(shop: Workshop) -> None:
    done = shop.folder / "done"
    session_id = asking(shop, "claude", f"PERMISSION: touch {done}")
    said = shop.maestro("session", "answer", session_id, "9", "--json")
    assert said.code == 6
    assert "1. Yes" in said.json["message"]

    shop.ok("session", "answer", session_id, "No")
    eventually(lambda: shop.log("permission"), what="it is refused")
    eventually(lambda: shop.get(f"/sessions/{session_id}/screen")["dialog"] is None, what="the dialog is gone")
    said = shop.maestro("session", "answer", session_id, "1", "--json")
    assert (said.code, said.json["error"]) == (6, "not_delivered")
    assert not done.exists()


def test_keys_reach_the_agent_as_they_are_named(shop: Workshop) -> None:
    shop.script("codex", "SAY: ready")
    session_id = shop.spawn("codex", more=["--keep-open"])
    shop.becomes(session_id, "idle")

    assert shop.ok("session", "keys", session_id, "hello Space there Enter")["result"] == "submitted"

    eventually(lambda: [p["text"] for p in shop.log("prompt") if p["source"] == "typed"] == ["hello there"])
    assert shop.maestro("session", "keys", session_id).code == 2


def test_an_agent_that_has_ended_asks_nothing(shop: Workshop) -> None:
    shop.script(
        "claude", 'RUN: maestro task start "$MAESTRO_TASK_IDS"', 'RUN: maestro task complete "$MAESTRO_TASK_IDS"'
    )
    session_id = shop.spawn("claude", shop.task())
    shop.becomes(session_id, "completed")
    eventually(lambda: shop.get(f"/sessions/{session_id}/screen")["ended"], what="its window is closed")

    said = shop.maestro("session", "answer", session_id, "1", "--json")

    assert (said.code, said.json["message"]) == (6, "its agent has ended, and asks nothing any more")
