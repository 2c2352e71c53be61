"""Trusting what a directory carries: seen, remembered as it is, asked again when it changes."""

import stat
import subprocess
from pathlib import Path

import pytest

from maestro_cli.carried import SIZE, carried, top_of
from maestro_cli.trusted import FILE, Trusted
from maestrod.locations import locate
from tests.cli.program import Maestro
from tests.support.daemon import Daemon

HOOKS = '{"hooks": {"SessionStart": []}, "env": {"A": "b"}}'
ACTING = "---\nname: house\ndescription: d\nallowed-tools: Bash\n---\nText.\n"


def carry(place: Path, name: str, text: str = HOOKS) -> Path:
    file = place / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def git(place: Path, *words: str) -> None:
    subprocess.run(["git", "-C", str(place), *words], check=True, capture_output=True)


def names(place: Path, *agents: str, home: str = "/nonexistent") -> list[str]:
    environ = {"HOME": home, "PATH": "/usr/bin:/bin"}
    found = carried(place, environ, agents) if agents else carried(place, environ)
    return [each.name for each in found]


def states(maestro: Maestro) -> dict[str, str]:
    listed = maestro.ok("trust", "--list")
    assert isinstance(listed, list)
    return {each["name"]: each["state"] for each in listed}


def test_what_a_directory_carries_is_trusted_as_it_is_and_asked_again_when_it_changes(
    alone: Maestro, tmp_path: Path
) -> None:
    settings = carry(tmp_path, ".claude/settings.json")
    carry(tmp_path, ".codex/config.toml", "[mcp_servers.x]\ncommand = 'x'\n")
    seen = alone.ok("trust", "--dry-run", cwd=tmp_path)
    assert seen == {
        "directory": str(tmp_path),
        "files": [
            {"name": ".claude/settings.json", "brings": "env, hooks", "was": "new"},
            {"name": ".codex/config.toml", "brings": "mcp_servers", "was": "new"},
        ],
        "trusted": False,
    }
    assert alone("trust", "--list").out == "nothing is trusted\n"
    said = alone("trust", cwd=tmp_path)
    assert said.code == 0
    assert "trusted as it is now" in said.out
    store = alone.home / "data" / FILE
    assert stat.S_IMODE(store.stat().st_mode) == 0o600
    trusted = Trusted(locate({"MAESTRO_HOME": str(alone.home)}))
    assert trusted.lacking(tmp_path, carried(tmp_path, {})) == ()
    settings.write_text(HOOKS + " ")
    assert [each.name for each in trusted.lacking(tmp_path, carried(tmp_path, {}))] == [".claude/settings.json"]
    assert states(alone) == {".claude/settings.json": "changed", ".codex/config.toml": "trusted"}
    again = alone.ok("trust", str(tmp_path), "--dry-run")
    assert isinstance(again, dict)
    assert [each["was"] for each in again["files"]] == ["changed", "trusted"]
    alone.ok("trust", str(tmp_path))
    (tmp_path / ".codex" / "config.toml").unlink()
    assert states(alone) == {".claude/settings.json": "trusted", ".codex/config.toml": "gone"}
    assert alone.ok("trust", "--remove", cwd=tmp_path) == {"directory": str(tmp_path), "removed": True}
    assert alone("trust", str(tmp_path), "--remove").out == f"{tmp_path}: was not trusted\n"
    assert states(alone) == {}


def test_a_directory_that_carries_nothing_needs_no_trust(alone: Maestro, tmp_path: Path) -> None:
    carry(tmp_path, ".claude/skills/house/SKILL.md", "---\nname: house\ndescription: d\n---\nUse hooks: wisely.\n")
    carry(tmp_path, ".claude/commands/plain.md", "Say something.\n")
    assert alone("trust", cwd=tmp_path).out.endswith("carries nothing by which an agent would run something\n")
    assert states(alone) == {}


def test_one_file_can_be_trusted_alone(alone: Maestro, tmp_path: Path) -> None:
    carry(tmp_path, ".mcp.json", "{}")
    servers = carry(tmp_path, "tools/servers.json", '{"mcpServers": {}}')
    alone.ok("trust", str(servers))
    assert states(alone) == {"servers.json": "trusted"}
    missing = alone("trust", str(tmp_path / "nowhere"), "--json")
    assert (missing.code, missing.error) == (3, "not_found")


def test_whoever_makes_a_directory_a_project_is_told_what_agents_will_ask(served: Daemon, tmp_path: Path) -> None:
    maestro = Maestro(served.home, env={"MAESTRO_NO_AUTOSTART": "1"})
    for name, trusts in (("one", False), ("two", True)):
        carry(tmp_path / name, ".mcp.json", "{}")
        if trusts:
            maestro.ok("trust", str(tmp_path / name))
        said = maestro("init", str(tmp_path / name))
        assert said.code == 0
        assert (".mcp.json" in said.err) is not trusts
        assert ("maestro trust --dry-run" in said.err) is not trusts


def test_an_agent_may_look_and_not_trust(alone: Maestro, tmp_path: Path) -> None:
    carry(tmp_path, ".mcp.json", "{}")
    pane = {"MAESTRO_SESSION_ID": "sess_1"}
    for words in ((), ("--remove",)):
        refused = alone("trust", *words, "--json", env=pane, cwd=tmp_path)
        assert (refused.code, refused.error) == (4, "forbidden")
    assert alone("trust", "--dry-run", env=pane, cwd=tmp_path).code == 0
    assert alone("trust", "--list", env=pane).code == 0
    assert not (alone.home / "data" / FILE).exists()


def test_each_agent_has_files_of_its_own(tmp_path: Path) -> None:
    for name in (".mcp.json", ".claude/settings.json", ".codex/hooks.json", ".gemini/settings.json", ".env"):
        carry(tmp_path, name)
    carry(tmp_path, ".gemini/commands/a/b.toml", "prompt = 'x'")
    carry(tmp_path, ".agents/skills/house/SKILL.md", ACTING)
    skill = ".agents/skills/house/SKILL.md"
    assert names(tmp_path, "claude") == [skill, ".claude/settings.json", ".mcp.json"]
    assert names(tmp_path, "codex") == [skill, ".codex/hooks.json"]
    assert names(tmp_path, "gemini") == [skill, ".env", ".gemini/commands/a/b.toml", ".gemini/settings.json"]
    assert names(tmp_path, "aider") == [skill]
    assert [each.name for each in carried(tmp_path, {}, ("codex",), skills=False)] == [".codex/hooks.json"]


@pytest.mark.parametrize(
    ("text", "brings"),
    [
        ("---\nhooks:\n  Stop: x\n---\n", "hooks"),
        ("---\n allowed-tools: Bash(*)\npermissionMode: x\n---\n", "allowed-tools, permissionMode"),
        ("Now: !`rm -rf /`\n", "commands"),
        ("Say hooks, and allowed-tools, and `ls`!\n", ""),
    ],
)
def test_a_text_counts_when_it_acts(tmp_path: Path, text: str, brings: str) -> None:
    carry(tmp_path, ".claude/agents/one.md", text)
    found = carried(tmp_path, {}, ("claude",))
    assert [each.brings for each in found] == ([brings] if brings else [])


def test_what_lies_above_in_the_repository_counts_and_what_lies_in_the_own_home_does_not(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    inner = tmp_path / "packages" / "shop"
    inner.mkdir(parents=True)
    carry(tmp_path, ".mcp.json")
    carry(inner, ".claude/settings.json")
    assert names(inner) == [".mcp.json", "packages/shop/.claude/settings.json"]
    assert names(inner, home=str(tmp_path)) == ["packages/shop/.claude/settings.json"]
    assert top_of(inner) == tmp_path


def test_files_of_a_person_s_own_count_when_git_has_them(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    for name in (".claude/settings.local.json", ".env"):
        carry(tmp_path, name)
    assert names(tmp_path) == []
    git(tmp_path, "add", "-f", ".env")
    assert names(tmp_path) == [".env"]


def test_what_cannot_be_read_whole_is_never_trusted(alone: Maestro, tmp_path: Path) -> None:
    carry(tmp_path, ".mcp.json", " " * (SIZE + 1))
    said = alone("trust", cwd=tmp_path)
    assert "it cannot be trusted" in said.err
    assert Trusted(locate({"MAESTRO_HOME": str(alone.home)})).lacking(tmp_path, carried(tmp_path, {})) != ()


@pytest.mark.parametrize("damage", [b"", b"{", b'{"a": 1}', b"\xff"])
def test_a_damaged_memory_trusts_nothing(alone: Maestro, tmp_path: Path, damage: bytes) -> None:
    carry(tmp_path, ".mcp.json", "{}")
    alone.ok("trust", cwd=tmp_path)
    (alone.home / "data" / FILE).write_bytes(damage)
    assert states(alone) == {}
