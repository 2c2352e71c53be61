"""Much mail to agents of every kind at once: nobody is interrupted, nothing is told twice, and receipts are true."""

import re
from collections import Counter
from functools import partial

import pytest

from tests.e2e.test_courier import ASK, attached, receipt, send
from tests.e2e.workshop import PROVIDERS, Workshop
from tests.support.eventually import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.tmux]

HEAD = re.compile(r"^(mail_\w+): ", re.MULTILINE)
POINTER = re.compile(r'You have \d+ unread maestro messages?: run "maestro mail read"\.')


def spawned(shop: Workshop, provider: str, name: str, *lines: str) -> str:
    shop.script(provider, *lines)
    return shop.spawn(provider, more=["--keep-open", "--name", name])


def typed(shop: Workshop, session_id: str) -> list[str]:
    """What this session's agent was told at its keyboard."""
    pid = shop.session(session_id)["pane"]["pid"]
    prompts = [p for p in shop.log("prompt") if p["pid"] == pid]
    return [p["text"].strip() for p in prompts if p["source"] != "argument"]


def contexts(shop: Workshop, session_id: str) -> Counter[str]:
    """How often each mail was brought along by this agent's hooks."""
    pid = shop.session(session_id)["pane"]["pid"]
    return Counter(id_ for c in shop.log("context") if c["pid"] == pid for id_ in HEAD.findall(c["text"]))


@pytest.mark.parametrize("count", [18, pytest.param(1_000, marks=[pytest.mark.slow, pytest.mark.timeout(900)])])
def test_mail_disturbs_nobody_and_every_receipt_is_what_the_agent_says(shop: Workshop, count: int) -> None:
    go = shop.folder / "go"
    idle = [spawned(shop, provider, f"idle {provider}", "SAY: ready") for provider in PROVIDERS]
    person_at = spawned(shop, "codex", "with a person", "SAY: ready")
    busy = spawned(shop, "claude", "busy", f"WAIT: {go}")
    asking = spawned(shop, "claude", "asking", ASK)
    for session_id in (*idle, person_at):
        shop.becomes(session_id, "idle")
    shop.becomes(busy, "working")
    eventually(lambda: shop.session(asking)["needsInput"]["active"], what="it asks")
    everybody = [*idle, busy, asking, person_at]
    mails: dict[str, list[str]] = {session_id: [] for session_id in everybody}

    with attached(shop, person_at) as person:
        person.type("a draft")
        for number in range(count):
            to = everybody[number % len(everybody)]
            mails[to].append(send(shop, to, f"number {number}"))
            person.type("x\x7f")
        for session_id in idle:
            _told(shop, session_id, mails[session_id])
        person.type("x\x7f")
        assert [typed(shop, session_id) for session_id in (busy, asking, person_at)] == [[], [], []]
        assert {receipt(shop, m)["state"] for s in (busy, asking, person_at) for m in mails[s]} == {"queued"}
        assert not shop.log("permission")
        person.type("\x15")
        eventually(lambda: "a draft" not in shop.maestro("session", "screen", person_at).out, what="the draft is gone")
    go.touch()
    shop.post(f"/sessions/{asking}/input", {"keys": ["1"]})

    for session_id in everybody:
        _told(shop, session_id, mails[session_id])
        eventually(partial(_is_true, shop, session_id, mails[session_id]), what="the receipts are true")
    assert not shop.log("interrupt")
    assert [p["answer"] for p in shop.log("permission")] == ["yes"]


def _told(shop: Workshop, session_id: str, mails: list[str]) -> None:
    def all_told() -> bool:
        inbox = shop.get(f"/mail/inbox/{session_id}")
        waiting = [m["id"] for m in inbox if m["delivery"]["state"] == "queued"]
        assert not waiting, len(waiting)
        return len(inbox) >= len(mails)

    eventually(all_told, timeout=60, what="every mail was told")


def _is_true(shop: Workshop, session_id: str, mails: list[str]) -> bool:
    """Each mail once, by the way that its receipt names; and each line that was typed is a pointer."""
    brought = contexts(shop, session_id)
    lines = typed(shop, session_id)
    assert all(POINTER.fullmatch(line) for line in lines), lines
    assert 1 <= len(lines) <= len(mails)
    for mail in mails:
        found = receipt(shop, mail)
        by_hook = found["channel"].startswith("hook ")
        assert (found["state"], brought[mail]) == ("surfaced", int(by_hook)), found
    return True
