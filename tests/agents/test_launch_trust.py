"""The answer that is put into a user's own file, and all that must not happen to that file."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from maestro_cli.trust import grant
from maestrod.providers.plan import Trust
from tests.support.eventually import eventually

CWD = "/srv/shop"


def trust(cwd: str = CWD) -> Trust:
    return Trust(
        home_variable="CLAUDE_CONFIG_DIR", name=".claude.json", keys=("projects", cwd, "hasTrustDialogAccepted")
    )


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The user's file."""
    return tmp_path / "user" / ".claude.json"


def granted(place: Path, cwd: str = CWD) -> bool:
    return grant(trust(cwd), {"HOME": str(place.parent)}, place.parents[1] / "run")


def put(place: Path, text: str) -> None:
    place.parent.mkdir(exist_ok=True)
    place.write_text(text)


def test_one_key_is_added_and_nothing_else_changes(place: Path) -> None:
    before = {
        "numStartups": 3,
        "a": [1, 2.5, None],
        "ü": "日本",
        "projects": {"/other": {"x": 1}, CWD: {"lastCost": 0.1}},
    }
    put(place, json.dumps(before))
    assert granted(place)
    before["projects"][CWD]["hasTrustDialogAccepted"] = True  # type: ignore[index]
    assert json.loads(place.read_text()) == before
    assert list(json.loads(place.read_text())) == list(before)


def test_a_folder_is_added_when_it_is_new(place: Path) -> None:
    put(place, "{}")
    assert granted(place)
    assert json.loads(place.read_text()) == {"projects": {CWD: {"hasTrustDialogAccepted": True}}}


def test_an_answer_that_is_there_is_not_written_again(place: Path) -> None:
    put(place, json.dumps({"projects": {CWD: {"hasTrustDialogAccepted": True}}}))
    before = place.stat()
    assert not granted(place)
    assert place.stat() == before


def test_a_file_that_is_not_there_is_not_made(place: Path) -> None:
    place.parent.mkdir()
    assert not granted(place)
    assert not place.exists()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        '{"projects": {"/srv/sh',
        '{"projects": []}',
        '{"projects": {"/srv/shop": "trusted"}}',
        "\x00\x01",
        "[" * 100_000,
    ],
    ids=("empty", "list", "null", "cut", "projects", "project", "binary", "deep"),
)
def test_a_file_that_is_not_understood_is_left_as_it_is(place: Path, text: str) -> None:
    put(place, text)
    assert not granted(place)
    assert place.read_text() == text


def test_it_stays_as_private_as_it_was(place: Path) -> None:
    put(place, "{}")
    place.chmod(0o640)
    granted(place)
    assert place.stat().st_mode & 0o777 == 0o640


def test_a_link_to_it_stays_a_link(place: Path, tmp_path: Path) -> None:
    real = tmp_path / "dotfiles" / "claude.json"
    put(real, "{}")
    place.parent.mkdir()
    place.symlink_to(real)
    assert granted(place)
    assert place.is_symlink()
    assert CWD in json.loads(real.read_text())["projects"]


def test_the_agents_own_variable_says_where_it_is(place: Path, tmp_path: Path) -> None:
    put(tmp_path / "elsewhere" / ".claude.json", "{}")
    put(place, "{}")
    environ = {"HOME": str(place.parent), "CLAUDE_CONFIG_DIR": str(tmp_path / "elsewhere")}
    assert grant(trust(), environ, tmp_path / "run")
    assert place.read_text() == "{}"


def test_what_was_there_first_is_left_beside_it_and_nothing_else(place: Path) -> None:
    put(place, "{}")
    granted(place)
    granted(place, "/srv/other")
    kept = place.with_name(".claude.json.before-maestro")
    assert sorted(place.parent.iterdir()) == [place, kept]
    assert kept.read_text() == "{}"


def test_launches_at_the_same_time_lose_nothing(place: Path) -> None:
    put(place, "{}")
    folders = [f"/srv/{n}" for n in range(24)]
    with ThreadPoolExecutor(max_workers=8) as pool:
        assert all(pool.map(lambda cwd: granted(place, cwd), folders))
    assert set(json.loads(place.read_text())["projects"]) == set(folders)


def test_a_lock_that_the_agent_holds_is_waited_for(place: Path) -> None:
    put(place, "{}")
    lock = place.with_name(".claude.json.lock")
    lock.mkdir()
    script = (
        "import sys; from pathlib import Path; from maestro_cli.trust import grant; from tests.agents.test_launch_trust"
        " import trust; place = Path(sys.argv[1]); print('begun', flush=True);"
        " grant(trust(), {'HOME': str(place.parent)}, place.parents[1] / 'run')"
    )
    argv = [sys.executable, "-c", script, str(place)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]) as process:
        assert process.stdout is not None
        process.stdout.readline()
        eventually((place.parents[1] / "run" / "trust.lock").exists)
        assert place.read_text() == "{}"
        lock.rmdir()
        assert process.wait(timeout=10) == 0
    assert CWD in json.loads(place.read_text())["projects"]
    assert not lock.exists()


def test_a_lock_that_was_forgotten_does_not_hold_up_a_launch(place: Path) -> None:
    put(place, "{}")
    lock = place.with_name(".claude.json.lock")
    lock.mkdir()
    os.utime(lock, (0, 0))
    assert granted(place)
    assert lock.exists()
