"""``maestrod check`` and ``maestrod repair`` as processes, over what a real daemon has written."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon.scene import Json, Scene
from tests.support.daemon import Daemon, daemon, home


@pytest.fixture
def damaged() -> Iterator[Scene]:
    """A home whose daemon was killed, with five projects; the third is damaged on the disk."""
    with daemon() as running:
        scene = Scene(running)
        for _ in range(5):
            scene.project()
        running.kill()
        flip(running, b'"name":"p3"')
        yield scene


def segment_of(running: Daemon) -> Path:
    (segment,) = (running.home / "data" / "journal").glob("*.jsonl")
    return segment


def flip(running: Daemon, words: bytes) -> None:
    segment = segment_of(running)
    whole = segment.read_bytes()
    assert words in whole
    segment.write_bytes(whole.replace(words, words.replace(b"p", b"q"), 1))


def files_of(running: Daemon) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in (running.home / "data").rglob("*") if path.is_file()}


def report(running: Daemon, *words: str, code: int) -> Json:
    ended = running.run(*words, "--json")
    assert (ended.returncode, ended.stderr) == (code, "")
    assert ended.stdout.count("\n") == 1
    found: Json = json.loads(ended.stdout)
    return found


def test_what_is_whole_is_said_to_be(damaged: Scene) -> None:
    flip_back(damaged.daemon)
    ended = damaged.daemon.run("check")
    assert (ended.returncode, ended.stdout) == (0, f"{damaged.daemon.home / 'data'} is whole, up to commit 5\n")


def test_a_refused_start_says_how_to_go_on(damaged: Scene) -> None:
    code, said = damaged.daemon.attempt()
    assert code == 5
    assert "record 3 at byte" in said
    assert "`maestro daemon repair --dry-run`" in said


def test_a_check_names_the_record_and_changes_nothing(damaged: Scene) -> None:
    before = files_of(damaged.daemon)
    ended = damaged.daemon.run("check")
    assert (ended.returncode, ended.stderr) == (1, "")
    first, *_ = ended.stdout.splitlines()
    assert first.startswith(f"damaged: {segment_of(damaged.daemon)}: record 3 at byte ")
    assert "the checksum does not fit" in first
    assert "kept: commits up to 2" in ended.stdout
    assert "lost: commits 3 to 5" in ended.stdout
    assert files_of(damaged.daemon) == before


def test_a_dry_run_says_what_a_repair_then_does_and_the_daemon_starts_again(damaged: Scene) -> None:
    running = damaged.daemon
    before = files_of(running)
    would = report(running, "repair", "--dry-run", code=0)
    assert files_of(running) == before
    assert (would["kept"], would["last"], would["repaired"]) == (2, 5, False)
    assert [(each["seq"], each["file"]) for each in would["faults"]] == [(3, str(segment_of(running)))]
    done = report(running, "repair", code=0)
    assert (done["kept"], done["last"], done["repaired"], done["faults"]) == (2, 5, True, would["faults"])
    assert len(done["quarantine"]) == len(would["quarantine"])
    assert set(before.values()) <= {path.read_bytes() for path in (running.home / "data").rglob("*") if path.is_file()}
    assert all(Path(path).parent.name == "quarantine" for path in done["quarantine"])
    again = report(running, "check", code=0)
    assert (again["faults"], again["kept"]) == ([], 2)
    running.start()
    assert [project["name"] for project in damaged.ok("GET", "/projects")] == ["p1", "p2"]
    assert damaged.ok("GET", "/hello")["seq"] == 2
    assert damaged.project()["version"] == 1


def test_what_lies_behind_a_snapshot_costs_no_commit(damaged: Scene) -> None:
    running = damaged.daemon
    flip_back(running)
    running.start()
    running.stop()
    running.start()
    damaged.project()
    running.kill()
    flip(running, b'"name":"p3"')
    assert report(running, "repair", code=0)["kept"] == 6
    running.start()
    assert len(damaged.ok("GET", "/projects")) == 6


def flip_back(running: Daemon) -> None:
    segment = segment_of(running)
    segment.write_bytes(segment.read_bytes().replace(b'"name":"q3"', b'"name":"p3"', 1))


def test_where_nothing_can_be_kept_nothing_is_changed(damaged: Scene) -> None:
    running = damaged.daemon
    flip(running, b'"name":"p1"')
    before = files_of(running)
    ended = running.run("repair")
    assert ended.returncode == 1
    assert "nothing can be kept: restore a backup" in ended.stdout
    assert files_of(running) == before


@pytest.mark.parametrize("deed", ["check", "repair"])
def test_a_home_in_use_is_left_alone(damaged: Scene, deed: str) -> None:
    flip_back(damaged.daemon)
    damaged.daemon.start()
    ended = damaged.daemon.run(deed)
    assert (ended.returncode, ended.stdout) == (6, "")
    assert f"held by process {damaged.daemon.pid}" in ended.stderr


@pytest.mark.parametrize("deed", [["check"], ["repair", "--dry-run"], ["repair"]])
def test_an_empty_home_is_whole_and_stays_empty(deed: list[str]) -> None:
    with home() as place:
        ended = Daemon(place).run(*deed)
        assert (ended.returncode, ended.stderr) == (0, "")
        assert "whole, up to commit 0" in ended.stdout
        assert not (place / "data").exists()


def test_a_torn_end_is_left_to_the_start(damaged: Scene) -> None:
    running = damaged.daemon
    flip_back(running)
    segment = segment_of(running)
    segment.write_bytes(segment.read_bytes() + b'{"c":"00000000","d":{"seq":6,"half')
    ended = running.run("check")
    assert ended.returncode == 0
    assert "the next start sets it aside" in ended.stdout
    running.start()
    assert len(damaged.ok("GET", "/projects")) == 5


@pytest.mark.parametrize("junk", [b"", b"\0" * 100_000, b'{"c":"' * 9000])
def test_junk_in_every_file_is_told_and_survived(damaged: Scene, junk: bytes) -> None:
    for path in files_of(damaged.daemon):
        path.write_bytes(junk)
    for deed in ("check", "repair"):
        ended = damaged.daemon.run(deed)
        assert ended.returncode in (0, 1)
        assert ended.stderr == ""
        assert "damaged: " in ended.stdout


def test_a_disk_that_cannot_be_read_is_named(damaged: Scene) -> None:
    segment = segment_of(damaged.daemon)
    segment.unlink()
    segment.mkdir()
    ended = damaged.daemon.run("check")
    assert (ended.returncode, ended.stdout) == (5, "")
    assert "could not look through" in ended.stderr


@pytest.mark.parametrize("words", [["mend"], ["check", "--dry-run"], ["repair", "extra"]])
def test_a_wrong_call_ends_with_2(words: list[str]) -> None:
    with home() as place:
        assert Daemon(place).run(*words).returncode == 2
        assert list(place.iterdir()) == []
