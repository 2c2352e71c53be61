"""The files of the project: nobody's machine in them, one version, and a lock that everybody can use."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import maestrod
from tests.architecture.house import CHECKOUT, PACKAGES
from tests.conftest import LONG, UNMEASURED

SKIPPED = {".git", ".hypothesis", ".venv", "__pycache__", "build", "dist", "node_modules"}
TEXT = {".py", ".md", ".toml", ".yml", ".yaml", ".json", ".service", ".plist", ".tcss", ".txt", ".sh", ""}

# A folder or a word of whoever builds it; examples in pages use ~/ or /home/user.
PRIVATE = re.compile(
    r"/(?:home|Users)/(?!user/|you/|me/|dev/|someone/)\w+/|(?<![\w.~])/root/|/tmp/venv\b|/opt/pypi\b"
    r"|(?<![\w.~-])/work/(?:main|shared)\b|\bshared/(?:design|agents|hooks)\b|\.library/|\bworkplace\b"
)


def files() -> Iterator[Path]:
    """The project's text files, and those of the packages where they are imported from."""
    for root in (CHECKOUT, *(package for package in PACKAGES if not package.is_relative_to(CHECKOUT))):
        for path in root.rglob("*"):
            if path.suffix not in TEXT or path.name.startswith(".coverage") or not path.is_file():
                continue
            parts = path.relative_to(root).parts
            if not any(part in SKIPPED or part.endswith(("_cache", ".egg-info")) for part in parts):
                yield path


def test_no_file_names_a_folder_of_somebody_s_machine() -> None:
    named = [
        f"{path}: {found.group()}"
        for path in files()
        if path != Path(__file__) and (found := PRIVATE.search(path.read_text(encoding="utf-8", errors="replace")))
    ]
    assert named == []


@pytest.mark.parametrize(
    ("text", "private"),
    [
        ("see /home/alice/src", True),
        ("see /Users/alice/src", True),
        ("see /root/.cache", True),
        ("see shared/design/cli.md", True),
        ("see /home/user/src", False),
        ("see ~/src and $HOME/root/x and /srv/work/main", False),
    ],
)
def test_a_private_folder_is_told_from_an_example(text: str, private: bool) -> None:
    assert bool(PRIVATE.search(text)) is private


def test_the_version_is_written_alike_everywhere() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lock = tomllib.loads((CHECKOUT / "uv.lock").read_text(encoding="utf-8"))["package"]
    locked = next(package["version"] for package in lock if package["name"] == project["name"])
    assert project["version"] == maestrod.__version__ == locked


def test_the_lock_names_the_public_index_alone() -> None:
    lock = tomllib.loads((CHECKOUT / "uv.lock").read_text(encoding="utf-8"))
    for package in lock["package"]:
        if package["name"] != "agent-maestro":
            assert package["source"] == {"registry": "https://pypi.org/simple"}
        for file in (*package.get("wheels", ()), package.get("sdist")):
            assert file is None or file["url"].startswith("https://files.pythonhosted.org/")


def test_the_lock_holds_every_dependency() -> None:
    configuration = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [*configuration["project"]["dependencies"]]
    for group in configuration["dependency-groups"].values():
        wanted += [entry for entry in group if isinstance(entry, str)]
    lock = tomllib.loads((CHECKOUT / "uv.lock").read_text(encoding="utf-8"))
    locked = {package["name"] for package in lock["package"]}
    assert {re.split(r"[<>=;\[ ]", name)[0] for name in wanted} <= locked


def test_what_is_not_released_yet_has_its_place_in_the_changelog() -> None:
    assert "\n## [Unreleased]\n" in (CHECKOUT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_no_test_sleeps() -> None:
    sleeping = re.compile(r"\btime\.sleep\(|\basyncio\.sleep\((?!0[,)])")
    slept = [
        f"{path.relative_to(CHECKOUT)}: {line.strip()}"
        for path in (CHECKOUT / "tests").rglob("test_*.py")
        if path.parent.name != "architecture"
        for line in path.read_text(encoding="utf-8").splitlines()
        if sleeping.search(line)
    ]
    assert slept == []


@pytest.mark.parametrize("name", sorted({*LONG, *UNMEASURED}))
def test_what_is_not_always_run_or_measured_is_there(name: str) -> None:
    assert (CHECKOUT / name).is_dir() if name.endswith("/") else (CHECKOUT / name).is_file()
