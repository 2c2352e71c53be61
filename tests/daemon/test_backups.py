"""Backups of a real daemon: made while it writes, verified aside, restored into an empty home."""

import json
import os
import shutil
import tarfile
import threading
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest

from tests.daemon.scene import Json, Scene
from tests.support.daemon import Daemon, daemon
from tests.support.eventually import eventually

CALLERS = 8


@pytest.fixture
def own() -> Iterator[Scene]:
    """A daemon of the test's own, that keeps two backups and takes a snapshot often."""
    with daemon(env={"MAESTRO_BACKUPS_MOST": "2", "MAESTRO_SNAPSHOT_EVERY": "10"}) as running:
        yield Scene(running)


def backups_of(running: Daemon) -> list[Path]:
    return sorted((running.home / "data" / "backups").glob("*.tar"))


def hash_at(scene: Scene, seq: int) -> str:
    return str(scene.made("GET", f"/state?at={seq}&fields=hash")["hash"])


def report(running: Daemon, *words: str, code: int = 0) -> Json:
    ended = running.run(*words, "--json")
    assert ended.returncode == code, ended
    found: Json = json.loads(ended.stdout) if code == 0 else {"said": ended.stderr}
    return found


def everything(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


class Crowd:
    """Callers that write without end until they are told to stop."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._stop = threading.Event()
        self.written = [0] * CALLERS
        self._threads = [threading.Thread(target=self._write, args=(n,), daemon=True) for n in range(CALLERS)]

    def __enter__(self) -> "Crowd":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(30)

    def until(self, goal: int) -> None:
        """Wait until each has written so often."""
        eventually(lambda: min(self.written) >= goal, timeout=60, what="all have written")

    def _write(self, number: int) -> None:
        project = self._scene.project()
        while not self._stop.is_set():
            task = self._scene.task(project, title=f"by {number}")
            self._scene.ok("PATCH", f"/tasks/{task['id']}", {"title": f"{number} again"})
            self.written[number] += 1


def test_a_backup_made_while_eight_callers_write_restores_the_state_of_its_commit(own: Scene, tmp_path: Path) -> None:
    running = own.daemon
    made: list[Json] = []
    with Crowd(own) as crowd:
        for goal in (2, 5, 8):
            crowd.until(goal)
            made.append(own.made("POST", "/backups"))
    noted = {each["seq"]: hash_at(own, each["seq"]) for each in made}
    assert [each["hash"] for each in made] == list(noted.values())
    assert made[-1]["dropped"] == [made[0]["name"]]
    assert [path.name for path in backups_of(running)] == [each["name"] for each in made[1:]]
    kept = shutil.copy(backups_of(running)[-1], tmp_path)
    assert report(running, "verify", str(kept))["hash"] == made[-1]["hash"]
    running.stop()
    shutil.rmtree(running.home / "data")
    told = report(running, "restore", str(kept))
    assert (told["seq"], told["hash"], told["replaced"]) == (made[-1]["seq"], made[-1]["hash"], None)
    running.start()
    assert own.ok("GET", "/hello")["seq"] == made[-1]["seq"]
    assert hash_at(own, made[-1]["seq"]) == made[-1]["hash"]
    assert own.project()["version"] == 1
    assert report_of_check(running) == 0


def report_of_check(running: Daemon) -> int:
    running.stop()
    return running.run("check").returncode


def test_what_was_there_is_moved_aside_and_comes_back(own: Scene) -> None:
    running = own.daemon
    own.project(name="early")
    early = own.made("POST", "/backups")
    own.project(name="late")
    late = hash_at(own, 2)
    running.stop()
    before = {name: data for name, data in everything(running.home / "data").items() if not name.startswith("backups")}
    told = report(running, "restore", early["name"][-16:])
    assert before.items() <= everything(Path(told["replaced"])).items()
    running.start()
    assert [project["name"] for project in own.ok("GET", "/projects")] == ["early"]
    running.stop()
    for name in ("VERSION", "journal", "snapshot"):
        place = running.home / "data" / name
        shutil.rmtree(place) if place.is_dir() else place.unlink()
        shutil.move(Path(told["replaced"]) / name, place)
    running.start()
    assert hash_at(own, 2) == late


def test_a_backup_holds_no_credentials_and_is_private(own: Scene) -> None:
    session, credential = own.worker()
    own.made("POST", "/backups")
    (path,) = backups_of(own.daemon)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    token = credential["Authorization"].removeprefix("Bearer ").encode()
    assert token not in path.read_bytes()
    with tarfile.open(path) as archive:
        assert {name.split("/")[0] for name in archive.getnames()} <= {"backup.json", "VERSION", "journal", "snapshot"}
    assert session


def test_a_home_without_a_snapshot_is_backed_up_from_its_first_commit(own: Scene) -> None:
    own.project()
    made = own.made("POST", "/backups")
    with tarfile.open(backups_of(own.daemon)[0]) as archive:
        assert archive.getnames() == ["backup.json", "VERSION", "journal/000000000001.jsonl"]
    assert report(own.daemon, "verify")["hash"] == made["hash"]


def test_backups_are_listed_and_what_is_none_is_said(own: Scene) -> None:
    assert own.ok("GET", "/backups") == []
    own.project()
    made = own.made("POST", "/backups")
    broken = own.daemon.home / "data" / "backups" / "20200101T000000Z-000000000001.tar"
    broken.write_bytes(b"nothing")
    (broken.parent / "notes.tar").write_bytes(b"mine")
    first, second = own.ok("GET", "/backups")
    assert "should come" in first["problem"]
    assert (second["name"], second["hash"], second["seq"]) == (made["name"], made["hash"], 1)
    assert {"dropped", *second} == made.keys()


def test_backups_older_than_the_days_that_are_set_go_and_the_newest_stays() -> None:
    with daemon(env={"MAESTRO_BACKUPS_MOST": "0", "MAESTRO_BACKUPS_DAYS": "7"}) as running:
        scene = Scene(running)
        made = []
        for _ in range(3):
            scene.project()
            made.append(scene.made("POST", "/backups")["name"])
            os.utime(running.home / "data" / "backups" / made[-1], (0, 0))
        assert [path.name for path in backups_of(running)] == [made[-1]]


def test_a_disk_that_refuses_makes_no_backup_and_says_so(own: Scene) -> None:
    own.project()
    (own.daemon.home / "data" / "backups").write_text("in the way")
    answer = own.call("POST", "/backups")
    assert (answer.status, answer.json["code"]) == (409, "CONFLICT")
    assert "no backup could be made" in answer.json["message"]
    assert own.ok("GET", "/backups") == []
    assert own.project()["version"] == 1


def test_a_restore_that_was_interrupted_keeps_daemons_away_and_can_be_done_again(own: Scene) -> None:
    running = own.daemon
    own.project(name="early")
    own.made("POST", "/backups")
    running.stop()
    data = running.home / "data"
    (data / "replaced" / "half").mkdir(parents=True)
    (data / "VERSION").rename(data / "replaced" / "half" / "VERSION")
    (data / "restoring" / "journal").mkdir(parents=True)
    code, said = running.attempt()
    assert (code, "VERSION" in said) == (5, True)
    told = report(running, "restore")
    assert (Path(told["replaced"]) / "journal").is_dir()
    assert not (data / "restoring").exists()
    running.start()
    assert [project["name"] for project in own.ok("GET", "/projects")] == ["early"]


def test_sessions_have_no_backups(own: Scene) -> None:
    _, worker = own.worker()
    for method in ("GET", "POST"):
        answer = own.call(method, "/backups", headers=worker)
        assert (answer.status, answer.json["code"]) == (403, "FORBIDDEN")
    assert own.call("POST", "/backups", {"path": "/etc"}).status == 400
    assert backups_of(own.daemon) == []


def test_a_running_home_is_not_restored(own: Scene) -> None:
    own.project()
    own.made("POST", "/backups")
    before = own.ok("GET", "/hello")["seq"]
    assert "held by process" in report(own.daemon, "restore", code=6)["said"]
    assert own.ok("GET", "/hello")["seq"] == before


def hostile(folder: Path, path: Path) -> dict[str, bytes]:
    """Archives that must not be restored, from one that may."""
    whole = path.read_bytes()
    link = BytesIO()
    with tarfile.open(fileobj=link, mode="w:") as tar:
        about = tarfile.TarInfo("backup.json")
        about.type, about.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(about)
    outside = BytesIO()
    with tarfile.open(fileobj=outside, mode="w:") as tar:
        about = tarfile.TarInfo("../../evil")
        about.size = 1
        tar.addfile(about, BytesIO(b"x"))
    return {
        "cut": whole[: len(whole) // 2],
        "altered": whole.replace(b"early", b"EARLY"),
        "another hash": whole.replace(b'"hash": "', b'"hash": "0', 1).replace(b'"at": 1', b'"at":1', 1),
        "link": link.getvalue(),
        "outside": outside.getvalue(),
        "empty": b"",
    }


def test_a_hostile_archive_is_refused_and_changes_nothing(own: Scene, tmp_path: Path) -> None:
    running = own.daemon
    own.project(name="early")
    own.made("POST", "/backups")
    running.stop()
    (path,) = backups_of(running)
    before = everything(running.home)
    for what, content in hostile(tmp_path, path).items():
        bad = tmp_path / "bad.tar"
        bad.write_bytes(content)
        for deed in ("verify", "restore"):
            assert "no sound backup" in report(running, deed, str(bad), code=1)["said"], what
        after = everything(running.home)
        del after["run/lock"]
        assert after == {name: data for name, data in before.items() if name != "run/lock"}, what
    assert not (tmp_path.parent / "evil").exists()
    for name in ("nothing-of-that-name", str(tmp_path), str(tmp_path / "gone.tar")):
        assert "no sound backup" in report(running, "restore", name, code=1)["said"]
    running.start()
    assert [project["name"] for project in own.ok("GET", "/projects")] == ["early"]
