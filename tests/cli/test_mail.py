"""Mail as it is written and read at the command line, by people and by agents."""

import json
import threading
from pathlib import Path

import pytest

from tests.cli.program import Maestro, Said
from tests.support.daemon import Daemon


class Crew:
    """Two workers and an orchestrator of the project in the directory, and what their panes' environments say."""

    def __init__(self, maestro: Maestro, daemon: Daemon) -> None:
        self.maestro = maestro
        self.daemon = daemon
        self.ann, self.as_ann = self._session("Ann")
        self.ben, self.as_ben = self._session("Ben")
        self.boss, self.as_boss = self._session("Boss", "--role", "orchestrator")

    def _session(self, name: str, *words: str) -> tuple[str, dict[str, str]]:
        made = self.maestro.ok("session", "spawn", "--name", name, "--no-launch", *words)
        assert isinstance(made, dict)
        id_ = str(made["session"]["id"])
        self.daemon.ok("POST", f"/sessions/{id_}/launch", {"holder": "test"})
        credential = self.daemon.home / "run" / "sessions" / id_ / "cred"
        return id_, {"MAESTRO_SESSION_ID": id_, "MAESTRO_CREDENTIAL_FILE": str(credential)}

    def says(self, who: dict[str, str], *words: str) -> Said:
        return self.maestro("mail", *words, env=who)


@pytest.fixture
def crew(maestro: Maestro, served: Daemon) -> Crew:
    return Crew(maestro, served)


def test_agents_write_read_answer_and_acknowledge(crew: Crew) -> None:
    sent = crew.maestro.id("mail", "send", "ben", "which fixture?", "--type", "query", env=crew.as_ann)
    assert crew.says(crew.as_ben, "inbox").out.split("\n")[1].split()[1:] == [
        *("queued", "query", "Ann", "now", "which", "fixture?")
    ]
    read = crew.says(crew.as_ben, "read")
    assert read.out.startswith("which fixture?\n")
    assert f"Ann ({crew.ann})" in read.out
    assert crew.says(crew.as_ben, "read").out == "nothing unread\n"
    answered = crew.says(crew.as_ben, "reply", sent[-6:], "the old one")
    assert answered.out.split("\n")[1] == "  Ann: queued"
    acked = crew.says(crew.as_ben, "ack", sent)
    assert acked.out == f"acknowledged {sent}  which fixture?\n  Ben: acked\n"
    receipts = crew.maestro.ok("mail", "receipts", sent, env=crew.as_ann)
    assert isinstance(receipts, list)
    assert [*(s["channel"] for s in receipts[0]["steps"]), receipts[0]["channel"]] == ["mailbox", "cli", "cli"]
    assert "acked" in crew.says(crew.as_ann, "receipts", sent).out
    assert "the old one" in crew.says(crew.as_ann, "read").out


def test_one_mail_goes_to_each_who_is_named(crew: Crew) -> None:
    task = crew.maestro.id("task", "create", "Fix the login")
    sent = crew.maestro.ok(
        "mail", "send", f"{crew.ben},boss", "hello", "--task", task[-6:], "--action", "rest", env=crew.as_ann
    )
    assert isinstance(sent, list)
    assert [mail["toSessionId"] for mail in sent] == [crew.ben, crew.boss]
    assert sent[0]["body"] == {"message": "hello", "task_id": task, "action": "rest"}
    assert crew.says(crew.as_ann, "send", ",", "hello").code == 2
    assert crew.maestro("mail", "send", "nobody-here", "hello", "--json", env=crew.as_ann).error == "session_not_found"


def test_nothing_is_sent_when_something_that_is_named_is_not_there(crew: Crew) -> None:
    for words in ((f"{crew.ben},nobody-here", "hello"), ("ben", "hello", "--task", "no-such-task")):
        assert crew.says(crew.as_ann, "send", *words).code == 3
    assert crew.says(crew.as_ben, "read").out == "nothing unread\n"


def test_what_a_person_looks_at_stays_unread(crew: Crew) -> None:
    sent = crew.maestro.id("mail", "send", "ben", "hello")
    assert "hello" in crew.maestro("mail", "read", sent).out
    assert "hello" in crew.maestro("mail", "read", "--session", "ben").out
    assert "hello" in crew.says(crew.as_ben, "read", "--peek").out
    assert "1 unread" in crew.maestro("session", "info", "ben").out
    unread = crew.maestro.ok("mail", "inbox", "ben", "--unread")
    assert isinstance(unread, dict)
    assert [mail["delivery"]["state"] for mail in unread["data"]] == ["queued"]
    lost = crew.maestro("mail", "read", "--json")
    assert (lost.code, "--session" in str(lost.document["suggestion"])) == (2, True)


def test_a_sender_who_reads_its_own_mail_marks_nothing(crew: Crew) -> None:
    sent = crew.maestro.id("mail", "send", "ben", "hello", env=crew.as_ann)
    assert crew.says(crew.as_ann, "read", sent).code == 0
    assert "queued" in crew.says(crew.as_ann, "receipts", sent).out


def test_an_orchestrator_and_a_person_write_to_all_and_a_worker_is_told_who_may(crew: Crew) -> None:
    told = crew.says(crew.as_boss, "broadcast", "stand up", "--type", "directive", "--expires", "2h")
    assert sorted(told.out.split("\n")[1:3]) == ["  Ann: queued", "  Ben: queued"]
    person = crew.maestro.ok("mail", "broadcast", "main is frozen")
    assert isinstance(person, dict)
    assert len(person["deliveries"]) == 3
    refused = crew.maestro("mail", "broadcast", "all", "--json", env=crew.as_ann)
    assert (refused.code, refused.error) == (4, "forbidden")


def test_who_writes_to_all_from_outside_of_a_project_is_told_what_to_type(crew: Crew) -> None:
    nowhere = crew.maestro("mail", "broadcast", "stand up", cwd=Path("/"))
    assert (nowhere.code, "toSessionId" in nowhere.err, "projectId" in nowhere.err) == (2, False, False)
    assert nowhere.err.startswith("error: --project: name the project")
    assert "`maestro mail broadcast -P PROJECT" in nowhere.err
    told = crew.maestro("mail", "broadcast", "stand up", "-P", crew.maestro.cwd.name, cwd=Path("/"))
    assert "Ann: queued" in told.out


def test_a_mail_that_comes_back_says_why(crew: Crew) -> None:
    crew.maestro.ok("session", "stop", "ben")
    sent = crew.says(crew.as_ann, "send", "ben", "still there?")
    assert "Ben: bounced, session" in sent.out
    assert "has ended: stopped" in crew.says(crew.as_ann, "read").out


def test_waiting_ends_with_the_mail_or_with_exit_8(crew: Crew) -> None:
    assert crew.says(crew.as_ben, "wait", "--timeout", "0.2s").code == 8
    got: list[Said] = []
    waiting = threading.Thread(target=lambda: got.append(crew.says(crew.as_ben, "wait", "--type", "response")))
    waiting.start()
    crew.maestro.ok("mail", "send", "ben", "of another kind", env=crew.as_ann)
    crew.maestro.ok("mail", "send", "ben", "here", "--type", "response", env=crew.as_ann)
    waiting.join(timeout=60)
    assert (got[0].code, "here" in got[0].out, "of another kind" in got[0].out) == (0, True, False)
    unread = crew.maestro.ok("mail", "wait", env=crew.as_ben)
    assert isinstance(unread, list)
    assert len(unread) == 2


def test_nothing_in_a_mail_moves_the_terminal(crew: Crew) -> None:
    hostile = crew.maestro("mail", "send", "ben", "--subject", "a", "-m", "\x1b[2Jb", env=crew.as_ann)
    assert hostile.code == 2
    piped = crew.maestro("mail", "send", "ben", "-", stdin="one\n\u202etwo\n".encode(), env=crew.as_ann)
    assert piped.code == 0
    assert "\u202e" not in crew.says(crew.as_ben, "read").out


def test_a_prompt_brings_mail_along_as_context_for_the_agent(crew: Crew) -> None:
    sent = crew.maestro.id("mail", "send", "ben", "use the old fixture", env=crew.as_ann)

    def hook(provider: str, event: str) -> str:
        payload = json.dumps({"hook_event_name": event, "prompt": "go on"}).encode()
        return crew.maestro("hook", provider, event, stdin=payload, env=crew.as_ben).out

    said = json.loads(hook("claude", "UserPromptSubmit"))["hookSpecificOutput"]
    assert said["hookEventName"] == "UserPromptSubmit"
    assert "> use the old fixture" in said["additionalContext"]
    assert sent in said["additionalContext"]
    again = json.loads(hook("gemini", "BeforeAgent"))["hookSpecificOutput"]["additionalContext"]
    assert again == 'You have 1 unread maestro message: run "maestro mail read".'
    assert hook("claude", "Stop") == ""
    crew.says(crew.as_ben, "read")
    assert hook("claude", "SessionStart") == ""


def test_what_is_watched_tells_of_mail(crew: Crew) -> None:
    seq = crew.maestro.ok("whoami")
    assert isinstance(seq, dict)
    sent = crew.maestro.id("mail", "send", "ben", "hello", "--subject", "Fixture", env=crew.as_ann)
    after = str(seq["daemon"]["seq"])
    seen = crew.maestro("watch", "--after", after, "--count", "2", "--event", "mail:", "--session", crew.ben)
    received, queued = seen.out.strip().split("\n")
    assert received.split()[1:] == ["mail:received", sent.rpartition("_")[2], "Fixture"]
    assert queued.split()[1] == "mail:queued"
    assert queued.endswith(f"{sent}  (queued)")
