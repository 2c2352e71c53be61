"""What is sent to an agent arrives exactly, but for what a terminal would obey, or the answer is that it did not."""

from collections.abc import Callable

import pytest

from maestrod.tmux.facts import PaneRef
from tests.e2e.workshop import PROVIDERS, Workshop, ended
from tests.support.eventually import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.tmux]

SIXTY = "\n".join(f"line {n}: {'x' * (n % 7)} $(echo {n}) `id` #{{pane_id}} %1 \\t" for n in range(60))
LONG = "".join(f"{n:07d} " for n in range(300_000 // 8))
HOSTILE = {
    "60 lines": (SIXTY, SIXTY),
    "300 kB": (LONG, LONG.rstrip()),
    "a trailing semicolon": ("fix it;", "fix it;"),
    "only a semicolon": (";", ";"),
    "a leading dash": ("-t x -- -p", "-t x -- -p"),
    "a leading slash": ("/tmp/log says no", "/tmp/log says no"),
    "a command": ("/compact please", "/compact please"),
    "the end of a paste": ("one\x1b[201~\rrm -rf /\ntwo", "one\nrm -rf /\ntwo"),
    "escape sequences": ("a\x1b]52;c;ZXZpbA==\x07b\x1b[31mc\x9b1Ad\x1bPq\x1b\\e", "abcde"),
    "control characters": ("a\x00b\x03c\x04d\x1ae\x7ff\x15g\u0085h", "abcdefgh"),
    "wide characters": ("日本語 e\u0301 👩\u200d🚀 \u202eabc", "日本語 e\u0301 👩\u200d🚀 \u202eabc"),
    "tabs and blanks": ("\tindented\n\n  twice\u00a0", "\tindented\n\n  twice\u00a0"),
}


def waiting(shop: Workshop, provider: str) -> str:
    """An idle session that answers every prompt."""
    shop.script(provider, "SAY: ready")
    session_id = shop.spawn(provider, more=["--keep-open"])
    shop.becomes(session_id, "idle")
    return session_id


def arrived(shop: Workshop) -> list[str]:
    """What the agent took, beside its first prompt."""
    prompts = [p["text"] for p in shop.log("prompt") if p["source"] != "argument"]
    return prompts + [c["text"] for c in shop.log("command")]


def idles(shop: Workshop) -> list[str]:
    """The ends of turns."""
    return [entry["event"] for entry in shop.log("idle")]


def logs(shop: Workshop, what: Callable[[Workshop], list[str]], count: int) -> None:
    """Wait until the agent has told of so many."""
    eventually(lambda: len(what(shop)) == count, what=f"{count} {what.__name__}")


@pytest.mark.parametrize("provider", PROVIDERS)
def test_what_arrives_is_exactly_what_was_sent(shop: Workshop, provider: str) -> None:
    session_id = waiting(shop, provider)
    for sent, (what, (text, wanted)) in enumerate(HOSTILE.items()):
        idle = len(idles(shop))
        answer = shop.post(f"/sessions/{session_id}/input", {"text": text})
        assert answer["result"] == "submitted", (what, answer)
        logs(shop, arrived, sent + 1)
        assert wanted.strip() in {text.strip() for text in arrived(shop)}, what
        if not wanted.startswith("/compact"):
            logs(shop, idles, idle + 1)
        shop.becomes(session_id, "idle")
    assert not shop.log("interrupt")


@pytest.mark.parametrize("provider", PROVIDERS)
def test_copy_mode_eats_nothing(shop: Workshop, provider: str) -> None:
    session_id = waiting(shop, provider)
    pane = PaneRef(shop.session(session_id)["pane"]["pane"], session_id)
    shop.tmux.run("copy-mode", "-t", pane.pane_id)
    assert [p.in_mode for p in shop.panes()] == [True]

    answer = shop.post(f"/sessions/{session_id}/input", {"text": "go on"})

    assert answer["result"] == "submitted"
    assert [text.strip() for text in arrived(shop)] == ["go on"]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_enter_that_was_swallowed_is_pressed_again(shop: Workshop, provider: str) -> None:
    shop.env["MAESTRO_FAKE_SWALLOW_S"] = "1"
    session_id = waiting(shop, provider)

    answer = shop.post(f"/sessions/{session_id}/input", {"text": "go on"})

    assert answer["result"] == "submitted"
    assert [text.strip() for text in arrived(shop)] == ["go on"]


def test_what_no_enter_sends_is_not_delivered(shop: Workshop) -> None:
    shop.env["MAESTRO_FAKE_SWALLOW_S"] = "60"
    session_id = waiting(shop, "claude")

    said = shop.maestro("session", "send", session_id, "go on", "--json")

    assert (said.code, said.json["error"]) == (6, "not_delivered")
    assert "no sign" in said.json["message"]
    assert arrived(shop) == []


def test_a_question_that_opens_meanwhile_is_not_answered(shop: Workshop) -> None:
    """The text was pasted while the agent worked; its Enter would have gone to the dialog."""
    go, done = shop.folder / "go", shop.folder / "done"
    shop.script("claude", f"WAIT: {go}", f"PERMISSION: touch {done}")
    session_id = shop.spawn("claude", more=["--keep-open"])
    shop.becomes(session_id, "working")
    sending = shop.start("session", "send", session_id, "and then this", "--json")
    pane = PaneRef(shop.session(session_id)["pane"]["pane"], session_id)
    eventually(lambda: "and then this" in shop.tmux.capture(pane, colours=False).text, what="it is pasted", every=0.002)
    go.touch()
    assert ended(sending).code in {0, 6}
    assert not shop.log("permission")
    assert not done.exists()
