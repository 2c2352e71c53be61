"""Agents that know nothing but what they are told live a whole cycle, in real panes: one plans, three work."""

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from maestro_cli.verbs import VERBS
from tests.e2e import reading_agent
from tests.e2e.test_worktrees import yard
from tests.e2e.workshop import Workshop
from tests.support.eventually import eventually
from tests.support.repository import git

__all__ = ["yard"]

pytestmark = [pytest.mark.e2e, pytest.mark.tmux, pytest.mark.timeout(240)]

AGENT = Path(reading_agent.__file__)
WORDS = ("one", "two", "three")
FILES = [f"{word}.txt" for word in WORDS]
DEEDS = [
    *("StartTask", "CreateSubtask", "CreateSubtask", "Report", "BlockTask", "SendMail", "SendMail"),
    *("EditSubtask", "EditSubtask", "RunChecks", "CompleteTask"),
]
"""What a worker does that the journal keeps, in its order."""


def held(source: str) -> list[str]:
    """What a program holds that is a command, or a part of one: a program's name, a verb, an option."""
    verbs = [row[0] for row in VERBS if " " in row[0]]
    return [*re.findall(r"\bmaestro\b|\bgit\b|--[a-z]+", source), *(verb for verb in verbs if verb in source)]


def test_the_agent_holds_no_command() -> None:
    assert held(AGENT.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("line", ['run(["maestro", verb])', 'do("task complete")', "words += ['--json']", "git add"])
def test_a_command_in_it_would_be_seen(line: str) -> None:
    assert held(line) != []


def led(yard: Workshop, *more: str) -> tuple[str, str]:
    """The task of the whole, and the session of its orchestrator."""
    script = yard.folder / "agent.script"
    (yard.folder / "notes").mkdir()
    turn = f'RUN: {sys.executable} {AGENT} {yard.folder}/notes "maestro prime" "maestro commands --json"'
    script.write_text("\nTURN:\n".join([turn] * 8) + "\n")
    yard.env["MAESTRO_FAKE_SCRIPT"] = str(script)
    check = " && ".join(f"grep -qx {word} {word}.txt" for word in WORDS)
    root = str(yard.ok("task", "create", "Write three files", "--check", check)["id"])
    return root, yard.spawn("codex", root, more=["--role", "orchestrator", "--name", "lead", *more])


def reached(yard: Workshop, session: str, at: Callable[[dict[str, Any]], bool]) -> None:
    """Wait until it is there, or until an agent has stumbled."""

    def stumbled() -> list[str]:
        return [entry["output"] for entry in yard.log("run") if entry["exit"] != 0]

    eventually(lambda: stumbled() or at(yard.session(session)), timeout=180, what=f"{session} is there")
    assert stumbled() == []
    yard.no_agent_stumbled()


def completed(session: dict[str, Any]) -> bool:
    return bool(session["status"] == "completed")


def asking(session: dict[str, Any]) -> bool:
    return bool(session["needsInput"]["active"])


def the_journal_tells_the_whole_of_it(yard: Workshop, root: str, lead: str) -> None:
    tasks = yard.get("/tasks")
    children = [task for task in tasks if task["parentId"] == root]
    assert [task["title"] for task in children] == [f"Write {file}" for file in FILES]
    assert {task["status"] for task in tasks} == {"completed"}
    sessions = yard.get("/sessions")
    workers = [session for session in sessions if session["parentSessionId"] == lead]
    assert [session["taskIds"] for session in workers] == [[task["id"]] for task in children]
    assert {session["status"] for session in sessions} == {"completed"}

    done = yard.ok("log", "--limit", "500")
    deeds = {s["id"]: [c for c in done if c["actor"] == f"session:{s['id']}"] for s in sessions}
    kinds = [each["command"]["kind"] for each in deeds[lead] if each["command"]["kind"] != "RecordExit"]
    assert [kinds.count(kind) for kind in ("CreateTask", "SpawnSession", "UnblockTask", "SendMail")] == [3, 3, 3, 6]
    assert kinds[kinds.index("CreateTask") - 1] == "StartTask"
    assert kinds[-3:] == ["RunChecks", "Report", "CompleteTask"]
    assert kinds.count("RunChecks") == len(WORDS) + 1, "each child's once more, and those of the whole"
    for word, worker, task in zip(WORDS, workers, children, strict=True):
        assert [c["command"]["kind"] for c in deeds[worker["id"]] if c["command"]["kind"] in DEEDS] == DEEDS
        one_life(yard, word, worker["id"], task["id"])
    assert yard.ok("task", "check", "list", root)["checks"][0]["status"] == "passed"


def one_life(yard: Workshop, word: str, worker: str, task: str) -> None:
    """What is to be seen of a worker and its task."""
    assert [(e["type"], e["message"]) for e in yard.get(f"/tasks/{task}/timeline")] == [
        ("task_started", f"Write {word}.txt"),
        ("progress", f"{word}.txt can be written, once the word is known"),
        ("task_blocked", "nobody said which word belongs there"),
        ("status_changed", "unblocked"),
        ("task_completed", f"{word}.txt says {word}"),
    ]
    assert [(s["title"], s["completed"]) for s in yard.ok("subtask", "list", task)] == [
        ("learn the word", True),
        ("write it down", True),
    ]
    inbox = {mail["type"]: mail for mail in yard.ok("mail", "inbox", worker)["data"]}
    assert inbox["query"]["body"] == {"question": "How many lines will it have?"}
    assert inbox["response"]["body"] == {"answer": word}
    assert {mail["delivery"]["state"] for mail in inbox.values()} == {"read"}
    check = yard.ok("task", "check", "list", task)["checks"][0]
    assert (check["status"], check["run"]) == ("passed", 2), "by the worker, and by who reviewed it"


def test_an_orchestrator_in_a_worktree_merges_what_three_workers_did(yard: Workshop) -> None:
    root, lead = led(yard, "--worktree")
    reached(yard, lead, completed)

    the_journal_tells_the_whole_of_it(yard, root, lead)
    states = {row["sessionId"]: row["state"] for row in yard.ok("worktree", "list")}
    branch = yard.session(lead)["worktree"]["branch"]
    assert git(yard.project, "log", "--merges", "--format=%s", branch).count("Merge branch") == len(WORDS) - 1
    assert states[lead] == "unmerged"
    assert not (yard.project / FILES[0]).exists()
    yard.ok("worktree", "merge", lead)
    assert [(yard.project / file).read_text() for file in FILES] == [f"{word}\n" for word in WORDS]
    assert {row["state"] for row in yard.ok("worktree", "list")} == {"merged"}


def test_an_orchestrator_beside_its_person_asks_them_to_merge(yard: Workshop) -> None:
    yard.ok("project", "defaults", "work", "--provider", "gemini")
    root, lead = led(yard)
    reached(yard, lead, asking)
    asked = re.findall(r"sess_\w+", yard.session(lead)["needsInput"]["message"])
    assert [yard.session(session)["provider"] for session in asked] == ["gemini"] * len(WORDS)
    for session in asked:
        yard.ok("worktree", "merge", session)

    yard.ok("session", "send", lead, "They are merged.")
    reached(yard, lead, completed)

    the_journal_tells_the_whole_of_it(yard, root, lead)
    assert [(yard.project / file).read_text() for file in FILES] == [f"{word}\n" for word in WORDS]
