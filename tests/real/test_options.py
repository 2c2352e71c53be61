"""What sessions of real agents can be given: another's conversation, MCP servers, modes, a sandbox without network."""

import json
import sys
from pathlib import Path

import pytest

from tests.real.desk import Desk
from tests.real.model import Act
from tests.support.eventually import eventually

SERVER = """\
import json, os, sys
for line in sys.stdin:
    asked = json.loads(line)
    result = {"tools": [{"name": "recall_" + os.environ["NOTES_KEY"], "inputSchema": {"type": "object"}}]}
    if asked.get("method") == "initialize":
        result = {"protocolVersion": asked["params"]["protocolVersion"], "capabilities": {"tools": {}}}
        result["serverInfo"] = {"name": "notes", "version": "1"}
    if "id" in asked:
        print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}), flush=True)
"""
"""An MCP server with one tool, which is named for a variable that only the file of servers holds."""


def test_a_fork_remembers_and_is_a_conversation_of_its_own(real: Desk) -> None:
    old = real.at_work("true", Act(say="The word is heron."))
    real.shows(old, "The word is heron.")
    real.turn(old, "idle")
    before = real.session(old)
    task = real.task("Try the other way")
    real.play("other", task, Act(run=f"maestro task start {task}"), Act(say="The other way."))

    forked = real.ok("session", "fork", old, "--task", task, "--keep-open")["session"]["id"]

    real.shows(forked, "The other way.")
    assert real.get(f"/tasks/{task}")["status"] == "in_progress"
    heard = real.model.heard[-1]
    assert "heron" in json.dumps(heard.body)
    assert any(f"You are session {forked} now" in text for text in heard.users)
    known = eventually(lambda: real.session(forked)["conversationId"], what="its own conversation")
    assert known != before["conversationId"]
    assert real.session(old)["conversationId"] == before["conversationId"]


@pytest.mark.parametrize("real", ["claude", "codex"], indirect=True)
def test_mcp_servers_of_a_file_are_there_and_their_variables_are_no_arguments(real: Desk, tmp_path: Path) -> None:
    (tmp_path / "server.py").write_text(SERVER)
    server = {"command": sys.executable, "args": [str(tmp_path / "server.py")], "env": {"NOTES_KEY": "q7xw2"}}
    (tmp_path / "mcp.json").write_text(json.dumps({"mcpServers": {"notes": server}}))
    real.ok("project", "defaults", "work", "--mcp-config", str(tmp_path / "mcp.json"))

    session = real.at_work("true")
    real.shows(session, "That was it.")

    assert any("recall_q7xw2" in json.dumps(heard.body) for heard in real.model.heard)
    assert not [words for words in real.arguments() if "q7xw2" in " ".join(words)]


@pytest.mark.parametrize("real", ["codex"], indirect=True)
def test_in_a_sandbox_without_network_deeds_go_by_the_hooks(real: Desk) -> None:
    task = real.task("Try it")
    deeds = [f"maestro task start {task}", f"maestro task complete {task}", "maestro mail ack mail_0"]
    real.play("work", task, *(Act(run=deed) for deed in deeds), Act(say="Told."))
    session = real.spawn("codex", task, more=("--keep-open", "--no-network"))
    real.shows(session, "Told.")
    assert real.get(f"/tasks/{task}")["status"] == "completed"
    heard = json.dumps(real.model.heard[-1].body)
    assert [result for result in real.model.heard[-1].results if "queued: nothing connects" not in result] == []
    assert "`maestro task complete`, which was queued until now: done" in heard
    assert "`maestro mail ack`, which was queued until now: refused: " in heard


@pytest.mark.parametrize("mode", ["readOnly", "interactive"])
def test_in_a_careful_mode_nothing_is_changed_unasked(real: Desk, mode: str) -> None:
    task = real.task("Try it")
    real.play("work", task, Act(run="date > changed"), Act(say="Tried."))
    session = real.spawn(real.provider, task, more=("--keep-open", "--permission-mode", mode))
    eventually(
        lambda: "Tried." in real.screen(session) or real.session(session)["needsInput"]["active"],
        timeout=60,
        what="it was refused, or asks",
    )
    asks = real.session(session)["needsInput"]
    real.note(f"{mode}: {'asks ' + asks['message'] if asks['active'] else 'is refused'}")
    assert not (real.project / "changed").exists()


def test_a_tier_an_effort_and_a_bypass_are_understood(real: Desk) -> None:
    """As root Claude Code bypasses nothing unless it is told that this is a sandbox."""
    real.env["IS_SANDBOX"] = "1"
    task = real.task("Try it")
    real.play("work", task, Act(run="env > changed"), Act(say="Tried."))
    how = ("--keep-open", "--permission-mode", "bypassPermissions", "--model", "sonnet", "--effort", "low")
    session = real.spawn(real.provider, task, more=how)
    real.shows(session, "Tried.")
    real.note(f"sonnet is {real.model.heard[-1].model}")
    inside = (real.project / "changed").read_text()
    outer = sorted(line.partition("=")[0] for line in inside.splitlines())
    real.note(" ".join(outer))
    assert f"MAESTRO_SESSION_ID={session}" in inside
