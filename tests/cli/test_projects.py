"""Making directories projects, and finding them again."""

from pathlib import Path

import pytest

from tests.cli.program import Maestro
from tests.support.daemon import Daemon


@pytest.fixture
def maestro(served: Daemon, tmp_path: Path) -> Maestro:
    """The command in a directory that is no project."""
    return Maestro(served.home, cwd=tmp_path, env={"MAESTRO_NO_AUTOSTART": "1"})


def made(maestro: Maestro, *words: str, cwd: Path | None = None) -> dict[str, object]:
    data = maestro.ok("init", *words, cwd=cwd)
    assert isinstance(data, dict)
    return data


def test_a_directory_becomes_a_project_once(maestro: Maestro, tmp_path: Path) -> None:
    first = made(maestro)
    assert (first["created"], first["name"], first["workingDir"]) == (True, tmp_path.name, str(tmp_path))
    again = made(maestro)
    assert (again["created"], again["id"]) == (False, first["id"])
    assert maestro("init").out.startswith(f"already {first['id']}")


def test_in_a_repository_its_top_becomes_the_project(maestro: Maestro, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert made(maestro, cwd=below)["workingDir"] == str(tmp_path)
    assert made(maestro, "--here", cwd=below)["workingDir"] == str(below)


def test_a_worktree_whose_git_is_a_file_has_a_top_too(maestro: Maestro, tmp_path: Path) -> None:
    (tmp_path / ".git").write_text("gitdir: elsewhere")
    below = tmp_path / "a"
    below.mkdir()
    assert made(maestro, cwd=below)["workingDir"] == str(tmp_path)


def test_beneath_a_project_it_is_only_shown(maestro: Maestro, tmp_path: Path) -> None:
    first = made(maestro)
    below = tmp_path / "a"
    below.mkdir()
    assert made(maestro, cwd=below)["id"] == first["id"]
    inner = made(maestro, str(below), "--name", "Inner", "--description", "of its own")
    assert (inner["created"], inner["name"], inner["description"]) == (True, "Inner", "of its own")


def test_a_directory_is_known_by_its_real_path(maestro: Maestro, tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.mkdir()
    link.symlink_to(real)
    first = made(maestro, cwd=link)
    assert first["workingDir"] == str(real)
    assert made(maestro, cwd=real)["id"] == first["id"]


def test_the_project_of_a_directory_is_shown(maestro: Maestro, tmp_path: Path) -> None:
    lost = maestro("project", "get", "--json")
    assert (lost.code, lost.error) == (3, "project_not_found")
    assert "maestro init" in str(lost.document["suggestion"])
    first = made(maestro)
    assert str(tmp_path) in maestro("project", "get").out
    shown = maestro.ok("project", "get", str(first["id"])[-6:], cwd=Path("/"))
    assert isinstance(shown, dict)
    assert shown["id"] == first["id"]
    assert maestro("project", "get", "--project", str(first["id"]), cwd=Path("/")).code == 0


def test_projects_are_edited_put_aside_and_forgotten(maestro: Maestro) -> None:
    project = str(made(maestro)["id"])
    maestro.ok("project", "edit", project, "--name", "Renamed", "--setup", "make")
    assert "Renamed" in maestro("project", "list").out
    maestro.ok("project", "archive", project)
    assert project not in str(maestro.ok("project", "list"))
    assert project in str(maestro.ok("project", "list", "--archived"))
    assert maestro("project", "archive", project, "--undo").out.startswith(f"took back {project}")
    assert project in str(maestro.ok("project", "list"))
    assert maestro("project", "delete", project).out == f"deleted {project}\n"


def test_a_project_with_tasks_is_not_forgotten_by_accident(maestro: Maestro) -> None:
    project = str(made(maestro)["id"])
    maestro.ok("task", "create", "Keep me")
    refused = maestro("project", "delete", project, "--json")
    assert (refused.code, refused.error) == (6, "project_has_dependencies")
    assert maestro("project", "delete", project, "--cascade").code == 0


def test_a_directory_that_is_gone_is_told_in_words(maestro: Maestro, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    with maestro.started("task", "list", cwd=gone) as process:
        process.communicate(timeout=30)
    assert process.returncode == 0


def test_a_session_is_the_one_of_this_project_though_others_are_called_the_same(
    maestro: Maestro, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("other")
    made(maestro)
    made(maestro, cwd=other)
    for place in (other, maestro.cwd):
        maestro.ok("session", "spawn", "--name", "twin", "--no-launch", cwd=place)
        maestro.ok("session", "needs-input", place.name, "--session", "twin", cwd=place)

    for place in (other, maestro.cwd):
        assert place.name in maestro("session", "logs", "twin", cwd=place).out
        assert "has no window" in maestro("session", "attach", "twin", cwd=place).err
        assert maestro("session", "send", "twin", "go on", cwd=place).code != 2


def test_an_agent_started_outside_of_a_project_is_refused_with_the_way_out(maestro: Maestro) -> None:
    said = maestro("session", "spawn")
    assert (said.code, "`maestro init` makes one" in said.err) == (2, True), said


def test_whether_sessions_get_worktrees_is_a_default_of_the_project(maestro: Maestro) -> None:
    project = str(made(maestro)["id"])
    for given, value, isolation in (("--worktree", True, "own"), ("--no-worktree", False, "shared")):
        assert maestro.ok("project", "defaults", project, given) == {"worktree": value}
        spawned = maestro.ok("session", "spawn", "--no-launch")
        assert isinstance(spawned, dict)
        assert spawned["session"]["isolation"] == isolation
    assert "none unasked" in maestro("project", "get", project).out
