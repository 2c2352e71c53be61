"""Skills by the command: listed, looked at, installed, and the texts of this version."""

from pathlib import Path

import pytest

from tests.cli.program import Maestro
from tests.skills.test_catalogue import skill


def test_a_skill_is_validated_installed_and_found(maestro: Maestro, tmp_path: Path) -> None:
    place = skill(tmp_path / "drafts", "house-rules", body="Tests first.")
    assert "house-rules is a skill" in maestro("skill", "validate", str(place)).out
    assert maestro("skill", "install", str(place), "--here").code == 0
    assert "house-rules" in maestro("skill", "list").out
    assert "  Tests first." in maestro("skill", "info", "house-rules").out
    assert maestro("skill", "get", "house-rules").out == "Tests first.\n"
    assert maestro("skill", "path", "house-rules").out.strip() == str(tmp_path / ".agents" / "skills" / "house-rules")
    assert maestro("skill", "install", str(place), "--here").code == 6
    skill(tmp_path / "drafts", "house-rules", body="Tests last.")
    assert maestro("skill", "install", str(place), "--here", "--replace").code == 0
    assert maestro.ok("skill", "reload", "house-rules") != {}
    assert "Tests last." in maestro("skill", "info", "house-rules").out
    assert [each.name for each in (tmp_path / ".agents" / "skills").iterdir()] == ["house-rules"]


def test_a_folder_that_is_no_skill_says_why(maestro: Maestro, tmp_path: Path) -> None:
    (tmp_path / "SKILL.md").write_text("---\nname: x\n")
    refused = maestro("skill", "validate", str(tmp_path))
    assert refused.code == 2
    assert "must end with" in refused.err


@pytest.mark.parametrize("name", ["worker", "maestro-worker"])
def test_the_texts_of_this_version_need_no_daemon(alone: Maestro, name: str) -> None:
    assert alone("skill", "get", name).out.startswith("# Worker")
    assert "shipped" in alone("skill", "path").out


@pytest.mark.parametrize("name", ["maestro-emperor", "../maestro-cli", "nothing of that name"])
def test_a_skill_that_is_not_there_is_not_found(maestro: Maestro, name: str) -> None:
    said = maestro("skill", "get", name, "--json")
    assert (said.code, said.error) == (3, "skill_not_found"), said


def test_a_skill_without_a_name_is_asked_for(maestro: Maestro) -> None:
    assert maestro("skill", "get", "").code == 2
