"""The real daemon on a disk that fills up, and gets room again."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.daemon.scene import Json, Scene, keyed
from tests.support.daemon import Daemon, home
from tests.support.eventually import eventually
from tests.support.small_disk import small_disk

pytestmark = pytest.mark.xdist_group("daemon-full-disk")

BALLAST = 256 << 10


@pytest.fixture
def cramped() -> Iterator[Scene]:
    """A daemon whose data lies on a megabyte, a part of which is taken by something else."""
    with home() as place, small_disk(place / "data"):
        running = Daemon(place).start()
        (place / "data" / "sessions").mkdir(exist_ok=True)
        (place / "data" / "sessions" / "ballast").write_bytes(b"x" * BALLAST)
        try:
            yield Scene(running)
        finally:
            if running.process is not None:
                running.kill()


def fill(scene: Scene, project: Json) -> tuple[list[str], Json]:
    """Create tasks until one is refused: the titles that were taken, and the refusal."""
    taken: list[str] = []
    while True:
        title = f"task {len(taken)}"
        body = {"projectId": project["id"], "title": title, "description": "x" * 8_000}
        answer = scene.call("POST", "/tasks", body, headers=keyed(title))
        if answer.status != 201:
            return taken, {"status": answer.status, **answer.json}
        taken.append(title)


def test_on_a_full_disk_reads_go_on_and_writes_resume_when_there_is_room(cramped: Scene) -> None:
    project = cramped.project()
    taken, refusal = fill(cramped, project)
    assert len(taken) > 5
    assert (refusal["status"], refusal["code"], refusal["retryable"]) == (503, "STORE_READ_ONLY", True)
    assert refusal["details"] == [{"applied": False}]
    assert "No space left" in refusal["message"]
    use_up(cramped.daemon.home / "data" / "sessions" / "filler")
    for number in range(3):
        later = cramped.call("POST", "/tasks", {"projectId": project["id"], "title": f"later {number}"})
        assert (later.status, later.json["code"]) == (503, "STORE_READ_ONLY")
        assert later.json["details"] == [{"applied": False}]
        assert titles(cramped, project) == taken
        assert cramped.call("GET", "/health").status == 200

    (cramped.daemon.home / "data" / "sessions" / "filler").unlink()
    (cramped.daemon.home / "data" / "sessions" / "ballast").unlink()
    eventually(lambda: cramped.call("GET", "/ready").status == 200, what="the store takes writes again")
    small = {"projectId": project["id"], "title": "fits again"}
    made = cramped.ok("POST", "/tasks", small, headers=keyed("fits"))
    assert cramped.ok("POST", "/tasks", small, headers=keyed("fits"))["id"] == made["id"]
    cramped.daemon.kill()
    cramped.daemon.start()
    assert titles(cramped, project) == [*taken, "fits again"]


def use_up(filler: Path) -> None:
    """Leave no room at all."""
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(b"x" * 4096):
            pass


def titles(scene: Scene, project: Json) -> list[str]:
    return [task["title"] for task in scene.ok("GET", f"/tasks?projectId={project['id']}")]


def test_a_full_disk_survives_a_kill_and_a_start(cramped: Scene) -> None:
    project = cramped.project()
    taken, _ = fill(cramped, project)
    cramped.daemon.kill()
    (cramped.daemon.home / "data" / "sessions" / "ballast").unlink()
    cramped.daemon.start()
    assert titles(cramped, project) == taken
    assert cramped.task(project)["version"] == 1
