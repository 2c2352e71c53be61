"""The folder that Claude Code, Codex and Gemini install: current, sound, and quiet where it has nothing to do."""

import json
import os
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import maestrod
from maestro_cli import hooks, reading
from maestro_cli.verbs import VERBS
from tests.architecture.house import CHECKOUT

FOLDER = CHECKOUT / "contrib" / "plugins" / "maestro"
SCRIPT = CHECKOUT / "docs" / "plugins.py"
PLUGIN = "plugin"
NEEDED = {
    ".claude-plugin/marketplace.json": {"name", "owner", "plugins", "description"},
    ".agents/plugins/marketplace.json": {"name", "interface", "plugins"},
    "plugin/.claude-plugin/plugin.json": {"name", "version", "description", "author", "hooks"},
    "plugin/.codex-plugin/plugin.json": {"name", "version", "description", "skills", "hooks"},
    "gemini-extension.json": {"name", "version", "description"},
}
"""The manifests, and the fields that their reader or its shop window asks for."""

EVENTS = {
    "plugin/hooks/claude.json": {
        *("PreToolUse", "PostToolUse", "PostToolUseFailure", "Notification", "UserPromptSubmit", "SessionStart"),
        *("SessionEnd", "Stop", "StopFailure", "SubagentStart", "SubagentStop", "PreCompact", "PermissionRequest"),
    },
    "plugin/hooks/codex.json": {
        *("SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse", "PermissionRequest", "Stop"),
        *("SubagentStop", "Interrupt", "SessionEnd"),
    },
    "hooks/hooks.json": {
        *("SessionStart", "SessionEnd", "BeforeAgent", "AfterAgent", "BeforeModel", "AfterModel", "BeforeTool"),
        *("AfterTool", "BeforeToolSelection", "Notification", "PreCompress"),
    },
}
"""Events that the reader of each file knows; Claude Code loads no plugin that names another."""


def wrong_with(folder: Path) -> list[str]:
    """What a reader of the folder would refuse, or never find."""
    return [*_manifests(folder), *_hooks(folder), *_links(folder)]


def _manifests(folder: Path) -> Iterator[str]:
    for name, needed in NEEDED.items():
        found = _json(folder / name)
        yield from (f"{name}: no {field}" for field in sorted(needed - set(found)))
        if "version" in needed and found.get("version") != maestrod.__version__:
            yield f"{name}: another version"
        base = (folder / name).parents[2 if name.startswith(".agents") else 1] if "/" in name else folder
        for path in _paths(found):
            place = (base / path).resolve()
            if not path.startswith("./") or not place.is_relative_to(base.resolve()) or not place.exists():
                yield f"{name}: {path} leads nowhere"


def _paths(manifest: dict[str, Any]) -> Iterator[str]:
    yield from (manifest[field] for field in ("skills", "hooks") if field in manifest)
    for plugin in manifest.get("plugins", []):
        source = plugin["source"]
        yield source if isinstance(source, str) else source["path"]


def _hooks(folder: Path) -> Iterator[str]:
    for name, known in EVENTS.items():
        for event, groups in _json(folder / name).get("hooks", {"no hooks": []}).items():
            if event not in known:
                yield f"{name}: nobody knows {event}"
            for group in groups:
                for each in group["hooks"]:
                    if each.get("type") != "command" or not each.get("command") or not each.get("timeout"):
                        yield f"{name}: {event} is no command with an end"


def _links(folder: Path) -> Iterator[str]:
    yield from (f"{path}: a link" for path in folder.rglob("*") if path.is_symlink())


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def commands() -> list[tuple[str, str, str]]:
    """Each hook: its file, its event and what is run."""
    files = {name: _json(FOLDER / name)["hooks"] for name in EVENTS}
    return [
        (n, event, groups[0]["hooks"][0]["command"]) for n, found in files.items() for event, groups in found.items()
    ]


def test_the_folder_is_what_the_source_gives() -> None:
    ran = subprocess.run([sys.executable, str(SCRIPT), "--check"], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, f"run: python docs/plugins.py\n{ran.stderr}"


def test_every_reader_finds_what_it_needs() -> None:
    assert wrong_with(FOLDER) == []


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("plugin/.claude-plugin/plugin.json", '"name"', '"nom"'),
        ("plugin/.claude-plugin/plugin.json", "./hooks/claude.json", "../hooks/hooks.json"),
        ("plugin/.codex-plugin/plugin.json", "./hooks/codex.json", "./hooks/absent.json"),
        ("plugin/.codex-plugin/plugin.json", "./skills/", "skills"),
        (".agents/plugins/marketplace.json", "./plugin", "./elsewhere"),
        (".claude-plugin/marketplace.json", "./plugin", "/etc"),
        ("gemini-extension.json", maestrod.__version__, "99.0.0"),
        ("gemini-extension.json", "{", ""),
        ("hooks/hooks.json", '"BeforeAgent"', '"UserPromptSubmit"'),
        ("plugin/hooks/claude.json", '"Stop"', '"BeforeAgent"'),
        ("plugin/hooks/codex.json", '"type": "command"', '"type": "prompt"'),
    ],
)
def test_a_fault_in_the_folder_would_be_seen(tmp_path: Path, name: str, before: str, after: str) -> None:
    copy = tmp_path / "maestro"
    shutil.copytree(FOLDER, copy)
    text = (copy / name).read_text(encoding="utf-8")
    assert before in text
    (copy / name).write_text(text.replace(before, after, 1), encoding="utf-8")
    assert wrong_with(copy) != []


def test_a_link_would_be_seen(tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path / "maestro")
    (tmp_path / "maestro" / "more").symlink_to(tmp_path)
    assert wrong_with(tmp_path / "maestro") != []


def test_claude_finds_no_hooks_but_its_own() -> None:
    """It always reads ``hooks/hooks.json`` of a plugin, whatever the manifest says."""
    assert not (FOLDER / PLUGIN / "hooks" / "hooks.json").exists()


@pytest.mark.parametrize("place", ["skills", "plugin/skills"])
def test_the_skills_are_those_that_are_shipped(place: str) -> None:
    shipped = {path.parent.name: path.read_text(encoding="utf-8") for path in (CHECKOUT / "skills").glob("*/SKILL.md")}
    assert {
        path.parent.name: path.read_text(encoding="utf-8") for path in (FOLDER / place).glob("*/SKILL.md")
    } == shipped


def test_slash_commands_run_what_there_is() -> None:
    names = {row[0] for row in VERBS}
    for path in sorted((FOLDER / PLUGIN / "commands").glob("*.md")):
        head, _, body = path.read_text(encoding="utf-8").partition("\n---\n")
        [words] = [line[2:-1] for line in body.splitlines() if line.startswith("!`")]
        assert words.removeprefix("maestro ") in names
        assert f"allowed-tools: Bash({words}:*)" in head
        twin = tomllib.loads((FOLDER / "commands" / f"{path.stem}.toml").read_text(encoding="utf-8"))
        assert f"description: {twin['description']}" in head
        assert f"!{{{words}}}" in twin["prompt"]


@pytest.mark.parametrize(("name", "event", "command"), commands())
def test_a_hook_calls_the_command_that_takes_it(name: str, event: str, command: str) -> None:
    words = shlex.split(command)
    said = reading.read(words[words.index("maestro") + 1 : words.index("--plugin") + 1])
    assert said.row is not None
    assert said.row[0] == "hook"
    provider = "gemini" if name == "hooks/hooks.json" else Path(name).stem
    assert (said.values["provider"], said.values["event"], said.values["plugin"]) == (provider, event, True)


@pytest.mark.parametrize("path", [os.environ["PATH"], "/usr/bin:/bin"], ids=["here", "not installed"])
@pytest.mark.parametrize("file", EVENTS)
def test_outside_of_maestro_a_hook_is_not_noticed(file: str, path: str) -> None:
    command = next(command for name, _, command in commands() if name == file)
    ran = subprocess.run(["sh", "-c", command], env={"PATH": path}, input=b"{}", capture_output=True, check=False)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, b"", b"")


def test_within_maestro_a_hook_does_not_fail_where_the_command_is_missing() -> None:
    env = {"PATH": "/nowhere:/usr/bin:/bin", "MAESTRO_SESSION_ID": "sess_1"}
    for _, _, command in commands():
        ran = subprocess.run(["/bin/sh", "-c", command], env=env, input=b"{}", capture_output=True, check=False)
        assert (ran.returncode, ran.stdout) == (0, b"")
        assert shlex.split(command)[-1] == "true"
    assert {"claude", "codex"} == hooks.CARRIED
