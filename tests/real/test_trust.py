"""Real agents ask about what a repository brings, and run nothing of it, until a person trusts it."""

import json

from tests.real.desk import Desk
from tests.support.eventually import eventually

QUESTIONS = {
    "claude": "one you trust?",
    "codex": "Trust this folder?",
    "gemini": "Do you trust the files in this folder?",
}


def carried(real: Desk) -> tuple[str, str]:
    """A file by which the agent runs a program as soon as it takes the file up."""
    marker = str(real.folder / "ran")
    if real.provider == "claude":
        hook = {"hooks": [{"type": "command", "command": f"touch {marker}"}]}
        return ".claude/settings.json", json.dumps({"hooks": {"SessionStart": [hook]}})
    if real.provider == "codex":
        return ".codex/config.toml", f'[mcp_servers.theirs]\ncommand = "/usr/bin/touch"\nargs = ["{marker}"]\n'
    server = {"command": "/usr/bin/touch", "args": [marker]}
    return ".gemini/settings.json", json.dumps({"mcpServers": {"theirs": server}})


def test_what_a_repository_brings_runs_only_after_it_was_trusted(real: Desk) -> None:
    name, text = carried(real)
    (real.project / name).parent.mkdir()
    (real.project / name).write_text(text)
    marker = real.folder / "ran"

    asked = real.spawn(real.provider, real.task("Try it"), more=("--keep-open",))
    real.shows(asked, QUESTIONS[real.provider])
    real.turn(asked, "needs_input")
    assert not marker.exists()
    real.ok("session", "stop", asked)

    real.ok("trust")
    session = real.spawn(real.provider, real.task("Try it again"), more=("--keep-open",))
    eventually(marker.exists, timeout=60, what="the repository's program has run")
    assert "do you trust" not in real.screen(session).lower()
