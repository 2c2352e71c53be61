"""A session that goes on from another's conversation, by the command line."""

import json
from pathlib import Path

import pytest

from tests.e2e.workshop import Workshop

pytestmark = [pytest.mark.e2e, pytest.mark.tmux]

START = 'RUN: "$MAESTRO_BIN" task start "$MAESTRO_TASK_IDS"'


@pytest.mark.parametrize("provider", ["claude", "codex"])
def test_a_fork_is_a_session_of_its_own_on_a_copy_of_the_conversation(shop: Workshop, provider: str) -> None:
    shop.script(provider, START, f"WAIT: {shop.folder / 'never'}")
    old = shop.spawn(provider, shop.task(), more=("--model", "opus", "--effort", "high"))
    shop.ran("task start")
    other = shop.task("Try the other way")

    forked = shop.ok("session", "fork", old, "--task", other, "--prompt", "Be quick.")["session"]

    assert (forked["provider"], forked["model"], forked["effort"]) == (provider, "opus", "high")
    assert forked["name"] == "Fix the flaky login test (fork)"
    shop.ran("task start", 2)
    first, second = shop.log("start", provider)
    assert second["session"] == "fork"
    assert second["sessionId"] != first["sessionId"]
    assert shop.session(old)["status"] == "working"
    assert shop.get(f"/tasks/{other}")["status"] == "in_progress"
    told = (shop.home / "data" / "sessions" / forked["id"] / "prompt.md").read_text()
    assert f"You are session {forked['id']} now" in told
    assert "Be quick." in told


def test_a_session_that_has_said_nothing_yet_cannot_be_forked(shop: Workshop) -> None:
    made = shop.ok("session", "spawn", "--task", shop.task(), "--provider", "claude", "--no-launch")
    said = shop.maestro("session", "fork", made["session"]["id"], "--json")
    assert (said.code, said.json["error"]) == (6, "conflict")
    assert list(shop.statuses("sessions")) == [made["session"]["id"]]


def test_defaults_of_a_project_are_those_of_its_sessions(shop: Workshop, tmp_path: Path) -> None:
    (tmp_path / "mcp.json").write_text(json.dumps({"mcpServers": {"notes": {"command": "true"}}}))
    given = ("--provider", "codex", "--effort", "low", "--mcp-config", str(tmp_path / "mcp.json"), "--no-network")
    known = {"provider": "codex", "effort": "low", "mcpConfig": str(tmp_path / "mcp.json"), "network": False}
    assert shop.ok("project", "defaults", "work", *given) == known
    session = shop.ok("session", "spawn", "--task", shop.task())["session"]
    assert {name: session[name] for name in known} == known
    argv = json.loads((shop.home / "data" / "sessions" / session["id"] / "launch.json").read_text())["argv"]
    assert "sandbox_workspace_write.network_access=false" in argv
    assert 'model_reasoning_effort="low"' in argv
    assert any(word.startswith("mcp_servers.notes=") for word in argv)
    assert str(shop.home / "spool" / session["id"]) in argv
    assert shop.ok("project", "defaults", "work", "--network", "--no-mcp-config") == {
        "provider": "codex",
        "effort": "low",
        "network": True,
    }


@pytest.mark.parametrize("text", ["", "[]", '{"mcpServers": {"a": {}}}', None])
def test_a_file_of_servers_that_cannot_be_used_starts_no_agent(shop: Workshop, text: str | None) -> None:
    path = shop.folder / "mcp.json"
    if text is None:
        path.mkdir()
    else:
        path.write_text(text)
    said = shop.maestro(
        *("session", "spawn", "--task", shop.task(), "--provider", "claude"),
        *("--mcp-config", str(path), "--json"),
    )
    assert said.code == 7
    assert "MCP servers" in said.json["message"]
    assert set(shop.statuses("sessions").values()) == {"failed"}
    assert shop.windows() == []
