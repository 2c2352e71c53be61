"""``kill -9`` in the middle of work, again and again: acknowledged ⊆ recovered ⊆ sent, and no gap."""

import http.client
import json
import random
import threading
from collections.abc import Iterator
from functools import partial

import pytest

from tests.daemon.scene import Json, Scene, keyed
from tests.support.daemon import Daemon, UnixConnection, daemon
from tests.support.eventually import eventually

pytestmark = pytest.mark.xdist_group("daemon-kills")

CALLERS = 16
PAGE = 1000


class Crowd:
    """Callers that create tasks, each on its own connection, as fast as they are answered, until it breaks."""

    def __init__(self, running: Daemon, project: str, name: str) -> None:
        self.sent: set[str] = set()
        self.acknowledged: dict[str, str] = {}
        self.refused: list[int] = []
        self._daemon = running
        self._project = project
        self._threads = [threading.Thread(target=self._call, args=(f"{name}-{each}",)) for each in range(CALLERS)]
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        """Wait until every caller has noticed."""
        for thread in self._threads:
            thread.join(30)
            assert not thread.is_alive()

    def _call(self, name: str) -> None:
        connection = UnixConnection(self._daemon.socket, 20)
        number = 0
        try:
            while True:
                number += 1
                self._create(connection, f"{name}-{number}")
        except (OSError, http.client.HTTPException):
            return
        finally:
            connection.close()

    def _create(self, connection: UnixConnection, title: str) -> None:
        body = json.dumps({"projectId": self._project, "title": title, "description": "x" * 200}).encode()
        self.sent.add(title)
        connection.request("POST", "/api/v1/tasks", body, {"Content-Type": "application/json", **keyed(title)})
        response = connection.getresponse()
        answer = json.loads(response.read())
        if response.status == 201:
            self.acknowledged[title] = answer["id"]
        else:
            self.refused.append(response.status)


class History:
    """What one daemon after the other has found on the disk."""

    def __init__(self, scene: Scene) -> None:
        self.recovered: dict[str, str] = {}
        self.seq = scene.ok("GET", "/hello")["seq"]
        self._scene = scene

    def go_on(self) -> dict[str, str]:
        """The tasks created since it was looked at last, by title; every number is there, once."""
        hello = self._scene.ok("GET", "/hello")
        assert hello["seq"] == hello["durableSeq"]
        fresh: dict[str, str] = {}
        for commit in self._commits():
            self.seq += 1
            assert commit["seq"] == self.seq
            title = commit["command"]["title"]
            assert title not in fresh
            fresh[title] = commit["changes"][0]["id"]
        assert self.seq == hello["seq"]
        self.recovered |= fresh
        return fresh

    def _commits(self) -> Iterator[Json]:
        while page := self._scene.ok("GET", f"/commits?after={self.seq}&limit={PAGE}")["data"]:
            yield from page


def kill_and_look(scene: Scene, kills: int, seed: int) -> None:
    dice = random.Random(seed)
    project = scene.project()
    history = History(scene)
    acknowledged: dict[str, str] = {}
    for round_ in range(kills):
        crowd = Crowd(scene.daemon, project["id"], f"{seed}-{round_}")
        goal = dice.randrange(1, 80)
        eventually(partial(_reached, crowd.acknowledged, goal), every=0.001)
        scene.daemon.kill()
        crowd.join()
        scene.daemon.start()
        found = history.go_on()
        assert crowd.acknowledged.items() <= found.items(), f"kill {round_}"
        assert found.keys() <= crowd.sent, f"kill {round_}"
        assert crowd.refused == [], f"kill {round_}"
        acknowledged |= crowd.acknowledged
    tasks = {task["title"]: task["id"] for task in scene.ok("GET", f"/tasks?projectId={project['id']}")}
    assert tasks == history.recovered
    title, id_ = next(iter(acknowledged.items()))
    body = {"projectId": project["id"], "title": title, "description": "x" * 200}
    again = scene.call("POST", "/tasks", body, headers=keyed(title))
    assert (again.status, again.json["id"]) == (201, id_)
    print(f"{kills} kills: {len(acknowledged)} acknowledged, {len(tasks)} recovered, {history.seq} commits")  # noqa: T201


def _reached(found: dict[str, str], goal: int) -> bool:
    return len(found) >= goal


@pytest.fixture
def restless() -> Iterator[Scene]:
    """A daemon that also writes snapshots all the time."""
    with daemon(env={"MAESTRO_SNAPSHOT_EVERY": "25"}) as running:
        yield Scene(running)


def test_what_was_answered_survives_kills_in_mid_batch(restless: Scene) -> None:
    kill_and_look(restless, kills=4, seed=1)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_what_was_answered_survives_300_kills_in_mid_batch(restless: Scene) -> None:
    kill_and_look(restless, kills=300, seed=2)
