"""`maestro agent plugin`: where it lies, and calls that install it from there."""

import shlex
from pathlib import Path

from maestro_cli.commands.plugins import installs
from tests.cli.program import Maestro


def test_the_plugin_is_found_and_each_agent_is_told_its_folder(alone: Maestro) -> None:
    data = alone.ok("agent", "plugin")
    assert isinstance(data, dict)
    folder = Path(data["path"])
    assert (folder / "gemini-extension.json").is_file()
    assert set(data["install"]) == {"claude", "codex", "gemini"}
    for agent, calls in data["install"].items():
        assert shlex.split(calls[0])[0] == agent
        assert shlex.split(calls[0])[-1] == str(folder)
    assert alone("agent", "plugin").out.startswith(f"{folder}\n")


def test_a_folder_with_a_space_is_one_word() -> None:
    assert shlex.split(installs(Path("/opt/my tools/maestro"))["gemini"][0])[-1] == "/opt/my tools/maestro"
