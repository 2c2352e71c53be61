"""What an agent says from a sandbox in which nothing connects arrives once, in order, with its own rights."""

import fcntl
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.cli.program import Maestro, Said
from tests.support.daemon import Daemon

DENIED = """\
import sys
def deny(event, args):
    if event == "socket.connect":
        raise PermissionError(1, "Operation not permitted")
sys.addaudithook(deny)
"""
"""What a sandbox does to whoever connects, for a Python that finds this as its `sitecustomize`."""


class Sandbox:
    """A session whose agent's commands may not connect, and whose hooks may."""

    def __init__(self, maestro: Maestro, served: Daemon, folder: Path) -> None:
        self.served = served
        self.task = maestro.id("task", "create", "Fix it")
        self.session = self._session()
        claim = served.ok("POST", f"/sessions/{self.session}/launch", {"holder": "test"})
        assert isinstance(claim, dict)
        (folder / "cred").write_text(claim["credential"])
        (folder / "site").mkdir()
        (folder / "site" / "sitecustomize.py").write_text(DENIED)
        own = {"MAESTRO_SESSION_ID": self.session, "MAESTRO_CREDENTIAL_FILE": str(folder / "cred")}
        self.outside = Maestro(served.home, cwd=folder, env={"MAESTRO_NO_AUTOSTART": "1", **own})
        self.inside = Maestro(served.home, cwd=folder, env={**self.outside.env, "PYTHONPATH": str(folder / "site")})
        self.file = served.home / "run" / "spool" / f"calls-{self.session}.jsonl"

    def _session(self) -> str:
        task: Any = self.served.ok("GET", f"/tasks/{self.task}")
        body = {"projectId": task["projectId"], "taskIds": [self.task], "provider": "codex"}
        made: Any = self.served.ok("POST", "/sessions/spawn", body)
        return str(made["sessionId"])

    def hook(self, event: str = "PostToolUse") -> Said:
        said = self.outside("hook", "codex", event, stdin=b"{}")
        assert (said.code, said.err) == (0, "")
        return said

    def context(self) -> list[str]:
        """What the next hook tells the agent."""
        told: str = json.loads(self.hook().out)["hookSpecificOutput"]["additionalContext"]
        return told.splitlines()

    def status(self) -> str:
        found: Any = self.served.ok("GET", f"/tasks/{self.task}")
        return str(found["status"])


@pytest.fixture
def sandbox(maestro: Maestro, served: Daemon, tmp_path: Path) -> Sandbox:
    return Sandbox(maestro, served, tmp_path)


def test_deeds_wait_for_the_next_hook_which_tells_what_came_of_them(sandbox: Sandbox) -> None:
    deeds = (("task", "start"), ("report", "progress", "half way"), ("task", "complete"), ("task", "cancel"))
    for words in deeds:
        said = sandbox.inside(*words, *([sandbox.task] if words[0] == "task" else []))
        assert said.code == 0, said
        assert "kept" in said.out
    assert sandbox.inside("report", "progress", "again", "--json").data == {"kept": True}
    assert sandbox.status() == "todo"
    assert sandbox.file.stat().st_mode & 0o777 == 0o600

    came = sandbox.context()

    assert [line.split(": ")[1] for line in came] == ["done", "done", "done", "refused", "done"]
    assert came[0] == "`maestro task start`, which was kept until now: done"
    assert sandbox.status() == "completed"
    assert not sandbox.file.exists()
    assert sandbox.hook().out == ""


def test_what_is_asked_and_what_people_do_is_not_kept(sandbox: Sandbox) -> None:
    for words in (("whoami",), ("task", "get", sandbox.task), ("queue", "start")):
        said = sandbox.inside(*words, "--json")
        assert (said.code, said.error) == (5, "daemon_unreachable")
        assert "sandbox" in str(said.document["suggestion"])
    person = Maestro(sandbox.served.home, env={k: sandbox.inside.env[k] for k in ("PYTHONPATH",)})
    assert person("task", "start", sandbox.task, "--json").code == 5
    assert not sandbox.file.exists()


def test_a_deed_is_done_with_the_rights_of_its_session(sandbox: Sandbox) -> None:
    assert sandbox.inside("task", "delete", sandbox.task).code == 5  # of what is gone nothing can be kept
    assert sandbox.inside("task", "cancel", sandbox.task).code == 0
    [line] = sandbox.context()
    assert line.startswith("`maestro task cancel`, which was kept until now: refused: ")
    assert sandbox.status() == "todo"


def test_at_moments_at_which_nothing_can_be_told_it_waits_on(sandbox: Sandbox) -> None:
    sandbox.inside("task", "start", sandbox.task)
    for event in ("PreToolUse", "Stop", "SessionEnd"):
        assert sandbox.hook(event).out == ""
    assert sandbox.file.exists()
    assert len(sandbox.context()) == 1


def test_a_request_that_is_sent_twice_counts_once(sandbox: Sandbox) -> None:
    sandbox.inside("report", "progress", "once")
    kept = sandbox.file.read_bytes()
    sandbox.context()
    sandbox.file.write_bytes(kept)
    sandbox.context()
    told: Any = sandbox.served.ok("GET", f"/sessions/{sandbox.session}/timeline")
    assert [entry["message"] for entry in told if entry["type"] == "progress"] == ["once"]


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"[]",
        b"\xff\x00",
        b'{"method": "POST"}',
        b'{"words": "x", "method": "BREW", "path": "/tasks", "body": {}, "headers": {}}',
        b'{"words": "x", "method": "POST", "path": "/no/such", "body": {}, "headers": {}}',
        b'{"words": "x", "method": "POST", "path": "/tasks", "body": 7, "headers": {"A": "b\\r\\nC: d"}}',
        b'{"words": 1, "method": null, "path": null, "body": null, "headers": {"A": 1}}',
    ],
    ids=repr,
)
def test_what_is_no_request_holds_up_nothing(sandbox: Sandbox, line: bytes) -> None:
    sandbox.inside("task", "start", sandbox.task)
    sandbox.file.write_bytes(line + b"\n" + sandbox.file.read_bytes() + b'{"words": "cut o')
    assert sandbox.context()[-1] == "`maestro task start`, which was kept until now: done"
    assert sandbox.status() == "in_progress"
    assert not sandbox.file.exists()


def test_a_file_that_is_too_large_takes_nothing_more_and_says_so(sandbox: Sandbox) -> None:
    sandbox.file.parent.mkdir(exist_ok=True)
    sandbox.file.touch()
    os.truncate(sandbox.file, (4 << 20) + 1)
    said = sandbox.inside("task", "start", sandbox.task, "--json")
    assert (said.code, said.error) == (5, "daemon_unreachable")


def test_a_file_that_is_held_on_to_holds_up_no_agent_for_long(sandbox: Sandbox) -> None:
    sandbox.inside("task", "start", sandbox.task)
    with sandbox.file.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert sandbox.hook().out == ""
        assert sandbox.inside("report", "progress", "more").code == 5
    assert len(sandbox.context()) == 1


def test_many_that_keep_and_send_at_once_lose_and_double_nothing(sandbox: Sandbox) -> None:
    def one(number: int) -> int:
        return sandbox.inside("report", "progress", f"n{number}").code + sandbox.hook().code

    with ThreadPoolExecutor(max_workers=4) as pool:
        assert set(pool.map(one, range(12))) == {0}
    sandbox.hook()
    told: Any = sandbox.served.ok("GET", f"/sessions/{sandbox.session}/timeline")
    said = sorted(entry["message"] for entry in told if entry["type"] == "progress")
    assert said == sorted(f"n{number}" for number in range(12))
