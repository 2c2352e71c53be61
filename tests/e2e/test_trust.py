"""What a repository brings for agents takes effect unasked only where a person trusts it as it is."""

import json
from pathlib import Path

import pytest

from tests.e2e.workshop import Said, Workshop
from tests.support.repository import commit, repository

pytestmark = [pytest.mark.e2e, pytest.mark.tmux]


def carry(shop: Workshop, name: str, text: str) -> None:
    file = shop.project / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def spawned(shop: Workshop, provider: str, *more: str) -> tuple[Path, Said]:
    """A session's launch folder, and what its start said."""
    before = set((shop.home / "data" / "sessions").glob("*"))
    said = shop.maestro("session", "spawn", "--task", shop.task(), "--provider", provider, *more)
    assert said.code == 0, said
    (folder,) = set((shop.home / "data" / "sessions").glob("*")) - before
    return folder, said


def launched(folder: Path) -> str:
    return (folder / "launch.json").read_text()


@pytest.mark.parametrize(
    ("provider", "name", "answer"),
    [
        ("codex", ".codex/config.toml", '"projects={'),
        ("gemini", ".gemini/settings.json", "GEMINI_CLI_TRUST_WORKSPACE"),
        ("gemini", ".env", "--skip-trust"),
    ],
)
def test_an_agent_asks_itself_until_a_person_trusts(shop: Workshop, provider: str, name: str, answer: str) -> None:
    folder, said = spawned(shop, provider)
    assert answer in launched(folder)
    assert "trust" not in said.err
    carry(shop, name, "x = 1\n")
    folder, said = spawned(shop, provider)
    assert answer not in launched(folder)
    assert name in said.err
    assert f"`maestro trust {shop.project}`" in said.err
    shop.ok("trust")
    folder, said = spawned(shop, provider)
    assert answer in launched(folder)
    assert "maestro trust" not in said.err
    carry(shop, name, "x = 2\n")
    folder, _ = spawned(shop, provider)
    assert answer not in launched(folder)


def test_an_answer_that_claude_was_given_is_taken_back_when_what_it_was_given_for_changes(shop: Workshop) -> None:
    place = Path(shop.env["CLAUDE_CONFIG_DIR"]) / ".claude.json"
    place.parent.mkdir(exist_ok=True)
    place.write_text('{"numStartups": 1}')
    shop.ok("agent", "hooks", "install", "claude", "--yes")

    def answered() -> bool:
        known = json.loads(place.read_text()).get("projects", {}).get(str(shop.project), {})
        return known.get("hasTrustDialogAccepted") is True

    spawned(shop, "claude")
    assert answered()
    carry(shop, ".claude/settings.json", '{"hooks": {}}')
    _, said = spawned(shop, "claude")
    assert not answered()
    assert ".claude/settings.json" in said.err
    assert json.loads(place.read_text())["numStartups"] == 1
    shop.ok("trust")
    spawned(shop, "claude")
    assert answered()


def test_trust_in_a_repository_counts_in_its_worktrees_as_long_as_the_files_are_the_same(shop: Workshop) -> None:
    repository(shop.project)
    commit(shop.project, ".codex/config.toml", "x = 1\n")
    shop.ok("trust")
    folder, said = spawned(shop, "codex", "--worktree")
    assert '"projects={' in launched(folder)
    commit(shop.project, ".codex/config.toml", "x = 2\n")
    folder, said = spawned(shop, "codex", "--worktree")
    assert '"projects={' not in launched(folder)
    assert ".codex/config.toml" in said.err


def test_a_file_of_servers_in_the_project_must_be_trusted(shop: Workshop) -> None:
    carry(shop, "servers.json", '{"mcpServers": {"notes": {"command": "true"}}}')
    path = str(shop.project / "servers.json")
    words = ("session", "spawn", "--task", shop.task(), "--provider", "codex", "--mcp-config", path)
    refused = shop.maestro(*words, "--json")
    assert refused.code == 7
    assert f"maestro trust {path}" in refused.json["suggestion"]
    shop.ok("trust", path)
    folder, _ = spawned(shop, "codex", "--mcp-config", path)
    assert "mcp_servers.notes=" in launched(folder)


def test_a_skill_of_the_project_that_brings_more_than_text_is_left_out_until_it_is_trusted(shop: Workshop) -> None:
    head = "---\nname: {name}\ndescription: Theirs.\n{more}---\nTheirs.\n"
    for name, more in (("house", "allowed-tools: Bash\n"), ("plain", ""), ("maestro-worker", "allowed-tools: Bash\n")):
        carry(shop, f".agents/skills/{name}/SKILL.md", head.format(name=name, more=more))
    given = ("--skill", "house", "--skill", "plain")

    folder, said = spawned(shop, "claude", *given)
    skills = folder / "skills" / ".claude" / "skills"
    assert sorted(each.name for each in skills.iterdir()) == ["maestro-cli", "maestro-worker", "plain"]
    assert "Theirs." not in (skills / "maestro-worker" / "SKILL.md").read_text()
    assert "the project's skill house brings more than text" in said.err

    shop.ok("trust")
    folder, said = spawned(shop, "claude", *given)
    skills = folder / "skills" / ".claude" / "skills"
    assert sorted(each.name for each in skills.iterdir()) == ["house", "maestro-cli", "maestro-worker", "plain"]
    assert "Theirs." in (skills / "maestro-worker" / "SKILL.md").read_text()
    assert "more than text" not in said.err
