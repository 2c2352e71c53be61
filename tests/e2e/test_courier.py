"""Waiting mail and work reach idle agents by one typed line; nobody is disturbed, and senders see how far it got."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from maestrod.tmux.facts import PaneRef
from tests.e2e.workshop import PROVIDERS, Workshop
from tests.support.eventually import eventually
from tests.support.terminal import Terminal

pytestmark = [pytest.mark.e2e, pytest.mark.tmux]

READ = 'RUN: "$MAESTRO_BIN" mail read'
ASK = "PERMISSION: true"


def idle(shop: Workshop, provider: str, *lines: str) -> str:
    """A session of this provider that waits for its next prompt; ``lines`` are what it does then."""
    shop.script(provider, "SAY: ready", *lines)
    session_id = shop.spawn(provider, more=["--keep-open", "--name", provider])
    shop.becomes(session_id, "idle")
    return session_id


def send(shop: Workshop, session_id: str, text: str = "use the old fixture") -> str:
    """A mail of a person's; its id."""
    return str(shop.post("/mail", {"toSessionId": session_id, "message": text})["id"])


def receipt(shop: Workshop, mail_id: str) -> dict[str, Any]:
    (found,) = shop.get(f"/mail/{mail_id}/receipts")
    assert isinstance(found, dict)
    return found


def gets(shop: Workshop, mail_id: str, state: str) -> dict[str, Any]:
    def look() -> dict[str, Any]:
        found = receipt(shop, mail_id)
        assert found["state"] == state, found
        return found

    return eventually(look, what=f"the mail is {state}")


def pointers(shop: Workshop, provider: str = "") -> list[str]:
    """What was typed, beside the first prompts."""
    return [p["text"].strip() for p in shop.log("prompt", provider) if p["source"] != "argument"]


@contextmanager
def attached(shop: Workshop, session_id: str) -> Iterator[Terminal]:
    """A person before the agent's window."""
    pane = PaneRef(shop.session(session_id)["pane"]["pane"], session_id)
    env = {**shop.env, "TERM": "xterm-256color"}
    with Terminal(shop.tmux.attach_argv(pane), env=env, cwd=shop.folder) as person:
        eventually(lambda: "maestro" in person.text or shop.tmux.viewers(), what="somebody is attached")
        yield person


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_idle_agent_is_told_once_and_the_sender_sees_each_step(shop: Workshop, provider: str) -> None:
    session_id = idle(shop, provider, "TURN:", READ, "TURN:")

    mail = send(shop, session_id)

    gets(shop, mail, "read")
    told = [p for p in shop.log("context", provider) if "> use the old fixture" in p["text"]]
    found = receipt(shop, mail)
    *steps, last = [(s["state"], s["channel"].split()[0]) for s in found["steps"]]
    assert [*steps, last][0] == ("queued", "mailbox")
    assert last == ("surfaced", "hook") if told else last in {("surfaced", "pointer"), ("queued", "mailbox")}
    assert found["channel"] == "cli"
    shop.becomes(session_id, "idle")
    assert pointers(shop) == ['You have 1 unread maestro message: run "maestro mail read".']
    assert not shop.log("interrupt")


def test_an_agent_at_work_is_told_when_its_turn_is_over(shop: Workshop) -> None:
    go = shop.folder / "go"
    session_id = idle(shop, "claude", "TURN:", f"WAIT: {go}", "TURN:", READ)
    shop.ok("session", "send", session_id, "begin")
    shop.becomes(session_id, "working")

    mails = [send(shop, session_id, f"number {n}") for n in range(3)]

    assert [receipt(shop, m)["state"] for m in mails] == ["queued"] * 3
    go.touch()
    for mail in mails:
        gets(shop, mail, "read")
    assert pointers(shop) == ["begin", 'You have 3 unread maestro messages: run "maestro mail read".']
    assert not shop.log("interrupt")


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_open_dialog_is_left_alone(shop: Workshop, provider: str) -> None:
    session_id = idle(shop, provider, "TURN:", ASK, "TURN:", READ)
    shop.ok("session", "send", session_id, "begin")
    eventually(lambda: shop.session(session_id)["needsInput"]["active"], what="it asks")

    mail = send(shop, session_id)
    assert receipt(shop, mail)["state"] == "queued"
    assert not shop.log("permission")
    shop.post(f"/sessions/{session_id}/input", {"keys": ["1"]})

    gets(shop, mail, "read")
    assert [p["answer"] for p in shop.log("permission")] == ["yes"]


def test_a_person_who_types_is_left_alone_and_so_is_a_draft(shop: Workshop) -> None:
    session_id = idle(shop, "codex", "TURN:", READ)
    with attached(shop, session_id) as person:
        person.type("fix the")
        eventually(lambda: "fix the" in shop.maestro("session", "screen", session_id).out, what="the draft is seen")
        mail = send(shop, session_id)
        refused = shop.maestro("session", "send", session_id, "go on", "--json")
        assert (refused.code, refused.json["error"]) == (6, "not_delivered")
        assert "a person is typing" in refused.json["message"]
    eventually(lambda: not shop.tmux.viewers(), what="the person is gone")

    refused = shop.maestro("session", "send", session_id, "go on", "--json")
    assert "something else stands in its composer" in refused.json["message"]
    assert receipt(shop, mail)["state"] == "queued"
    assert pointers(shop) == []

    shop.post(f"/sessions/{session_id}/input", {"keys": ["C-u"]})
    gets(shop, mail, "read")
    assert pointers(shop) == ['You have 1 unread maestro message: run "maestro mail read".']


def test_a_pointer_that_nobody_takes_is_told_to_the_sender_and_stays_one(shop: Workshop) -> None:
    shop.env["MAESTRO_FAKE_SWALLOW_S"] = "60"
    session_id = idle(shop, "gemini", "TURN:", READ)

    mail = send(shop, session_id)

    reason = eventually(lambda: receipt(shop, mail).get("reason"), timeout=20, what="the sender is told")
    assert "no sign" in str(reason)
    assert receipt(shop, mail)["state"] == "queued"
    second = send(shop, session_id, "another")
    assert receipt(shop, second)["state"] == "queued"
    screen = shop.maestro("session", "screen", session_id).out
    assert screen.count("You have") == 1
    assert pointers(shop) == []


def test_what_a_pointer_left_in_the_composer_is_sent_not_typed_again(shop: Workshop) -> None:
    session_id = idle(shop, "claude", "TURN:", READ)
    pane = PaneRef(shop.session(session_id)["pane"]["pane"], session_id)
    line = 'You have 1 unread maestro message: run "maestro mail read".'
    shop.tmux.paste(pane, line)
    eventually(lambda: line[:20] in shop.tmux.capture(pane, colours=False).text, what="it stands there")

    mail = send(shop, session_id)

    gets(shop, mail, "read")
    assert pointers(shop) == [line]


def test_a_restart_does_not_point_again(shop: Workshop) -> None:
    session_id = idle(shop, "claude", "TURN:", "SAY: later", "TURN:", READ)
    mail = send(shop, session_id)
    gets(shop, mail, "surfaced")
    shop.becomes(session_id, "idle")

    shop.kill_daemon()
    second = shop.ok("mail", "send", session_id, "and this")["id"]

    gets(shop, second, "read")
    gets(shop, mail, "read")
    assert len(pointers(shop)) == 2


def test_an_idle_session_is_pointed_to_its_queue_once(bare: Workshop) -> None:
    shop = bare
    shop.env["MAESTRO_QUEUE_REST_S"] = "0.5"
    shop.begin()
    shop.script("claude", "SAY: ready", "TURN:", "SAY: not now", "TURN:", 'RUN: "$MAESTRO_BIN" queue start')
    session_id = shop.spawn("claude", shop.task("One"), more=["--strategy", "queue"])

    eventually(lambda: pointers(shop), what="it is pointed to its queue")
    shop.becomes(session_id, "idle")
    second = shop.task("Two")
    shop.post(f"/sessions/{session_id}/queue/push", {"taskId": second})

    shop.ran("queue start")
    line = 'Your queue has {}: run "maestro queue start".'
    assert pointers(shop) == [line.format("1 task"), line.format("2 tasks")]


def test_a_session_that_rests_on_a_task_in_process_needs_a_person(bare: Workshop) -> None:
    shop = bare
    shop.env["MAESTRO_STUCK_S"] = "1"
    shop.begin()
    shop.script("claude", 'RUN: "$MAESTRO_BIN" queue start', "SAY: hm")
    session_id = shop.spawn("claude", shop.task("Fix the login"), more=["--strategy", "queue"])

    def asked() -> str:
        needs = shop.session(session_id)["needsInput"]
        assert needs["active"], needs
        return str(needs["message"])

    assert '"Fix the login" in process' in eventually(asked, what="a person is asked")
    assert shop.session(session_id)["status"] == "idle"
    assert pointers(shop) == []
