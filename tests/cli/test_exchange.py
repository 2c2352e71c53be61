"""``maestro export`` and ``maestro import``."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.program import Maestro
from tests.support import original_folder as folder
from tests.support.daemon import daemon


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Maestro]:
    """The command in another, empty home."""
    with daemon() as running:
        yield Maestro(running.home, cwd=tmp_path, env={"MAESTRO_NO_AUTOSTART": "1"})


def hash_of(where: Path) -> str:
    return str(json.loads((where / "export.json").read_text())["hash"])


def test_an_export_comes_back_as_the_same_state(maestro: Maestro, other: Maestro, tmp_path: Path) -> None:
    task = maestro.id("task", "create", "Überall")
    maestro.ok("session", "spawn", "--task", task, "--no-launch")
    there = tmp_path / "all"
    said = maestro("export", str(there))
    assert "files to" in said.out, said
    assert len(list((there / "projects").iterdir())) >= 1
    assert "Überall" in "".join(file.read_text("utf-8") for file in (there / "projects").glob("*.json"))
    assert (there / "export.json").stat().st_mode & 0o777 == 0o600
    first = other.ok("import", str(there))
    assert first["report"] == []  # type: ignore[index]
    back = tmp_path / "back"
    other.ok("export", str(back))
    assert hash_of(back) == hash_of(there)
    assert other.ok("import", str(there))["created"] == {}  # type: ignore[index]


def test_an_export_replaces_an_earlier_one_and_nothing_else(maestro: Maestro, tmp_path: Path) -> None:
    there = tmp_path / "all"
    maestro.ok("export", str(there))
    (there / "sessions").mkdir(exist_ok=True)
    (there / "sessions" / "old.json").write_text("{}")
    maestro.ok("export", str(there))
    assert not (there / "sessions" / "old.json").exists()
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine.txt").write_text("x")
    assert maestro("export", str(full)).code == 6
    assert maestro("export", str(full / "mine.txt")).code == 2
    assert [path.name for path in full.iterdir()] == ["mine.txt"]


def test_an_export_as_one_document_comes_back(maestro: Maestro, other: Maestro, tmp_path: Path) -> None:
    maestro.id("task", "create", "Alone")
    document = maestro("export", "-")
    file = tmp_path / "all.json"
    file.write_bytes(document.raw)
    assert "export.json" in json.loads(document.out)
    assert other.ok("import", str(file))["created"]["task"] >= 1  # type: ignore[index]


def test_the_original_s_folder_is_known_by_its_files(other: Maestro, tmp_path: Path) -> None:
    root = tmp_path / "old"
    folder.written(root / "data", folder.damaged())
    (root / "data" / "tasks" / "link.json").symlink_to("/etc/passwd")
    dry = other("import", str(root), "--dry-run")
    assert "would import" in dry.out
    assert "findings:" in dry.out
    assert "link.json is passed over" in dry.err
    told = other.ok("import", str(root), "--from", "original")
    assert told["created"]["project"] == 3  # type: ignore[index]
    assert "are here already" in other("import", str(root)).out


def test_what_cannot_be_imported_is_refused(maestro: Maestro, tmp_path: Path) -> None:
    assert maestro("import", str(tmp_path / "gone")).code == 3
    (tmp_path / "a.json").write_text("[1]")
    assert maestro("import", str(tmp_path / "a.json")).code == 2
    (tmp_path / "a.json").write_text("{")
    assert maestro("import", str(tmp_path / "a.json")).code == 2
    assert maestro("import", str(tmp_path)).code == 2
