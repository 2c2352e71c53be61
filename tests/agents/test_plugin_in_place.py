"""The plugin in the place of the extension: it brings the same hooks, and is somebody else's to remove."""

import shutil
from pathlib import Path

import pytest

from maestro_cli import extension
from maestro_cli.commands.plugins import place as plugin


def test_the_plugin_brings_the_hooks_and_is_left_alone(tmp_path: Path) -> None:
    place = tmp_path / "extensions" / "maestro"
    shutil.copytree(plugin(), place)
    assert extension.state(place) == "plugin"
    extension.install(place)
    extension.remove(place)
    assert (place / "skills").is_dir()
    linked = tmp_path / "linked"
    linked.symlink_to(place)
    assert extension.state(linked) == "plugin"


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        '{"hooks": {}}',
        '{"hooks": {"A": [{"hooks": [{"command": "x"}]}]}}',
        "[" * 90_000,
        '{"hooks": [1]}',
    ],
)
def test_what_only_looks_like_the_plugin_is_foreign(tmp_path: Path, content: str) -> None:
    (tmp_path / "hooks").mkdir()
    (tmp_path / "hooks" / "hooks.json").write_text(content)
    assert extension.state(tmp_path) == "foreign"
    with pytest.raises(extension.Foreign):
        extension.remove(tmp_path)
