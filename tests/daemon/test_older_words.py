"""What clients of the original send and look for, at the paths where they do."""

import pytest

from tests.daemon.listening import listening
from tests.daemon.scene import Scene

pytestmark = pytest.mark.xdist_group("daemon-routes")


def test_health_says_since_when(scene: Scene) -> None:
    found = scene.call("GET", "/health").json
    assert found.keys() == {"status", "timestamp", "uptime"}
    assert found["status"] == "ok"
    assert found["uptime"] >= 0


@pytest.mark.parametrize("path", ["/api/v1/ws-status", "/api/ws-status"])
async def test_who_listens_is_counted(scene: Scene, path: str) -> None:
    async with listening(scene.daemon) as listener:
        await listener.until(lambda heard: heard.of("hello"))
        found = scene.call("GET", path).json
    assert found["connectedClients"] == len(found["clients"]) >= 1
    assert found["clients"][0] == {"readyState": 1, "readyStateText": "OPEN"}


def test_what_is_deleted_says_its_id(scene: Scene) -> None:
    task = scene.task()["id"]
    gone = scene.ok("DELETE", f"/tasks/{task}")
    assert (gone["success"], gone["id"]) == (True, task)


def test_a_session_is_asked_and_ended_by_editing_it(scene: Scene) -> None:
    session = scene.session()["id"]
    asked = scene.ok("PATCH", f"/sessions/{session}", {"needsInput": {"active": True, "message": "Which?"}})
    assert (asked["needsInput"]["active"], asked["needsInput"]["message"]) == (True, "Which?")
    assert scene.ok("PATCH", f"/sessions/{session}", {"needsInput": {"active": False}})["needsInput"]["active"] is False
    assert scene.call("PATCH", f"/sessions/{session}", {"status": "working"}).status == 400
    assert scene.ok("PATCH", f"/sessions/{session}", {"status": "stopped"})["status"] == "stopped"


def test_nobody_ends_a_session_by_editing_it_who_may_not_stop_it(scene: Scene) -> None:
    project = scene.project()
    session, me = scene.worker(project)
    beside = scene.session(project)["id"]
    for edited, body in ((beside, {"status": "stopped"}), (session["id"], {"status": "stopped"})):
        assert scene.call("PATCH", f"/sessions/{edited}", body, headers=me).status == 403
    asking = {"needsInput": {"active": True, "message": "?"}}
    assert scene.call("PATCH", f"/sessions/{beside}", asking, headers=me).status == 403
    assert scene.call("PATCH", f"/sessions/{session['id']}", asking, headers=me).status == 200


def test_a_queue_is_walked_in_the_older_words(scene: Scene) -> None:
    session = scene.queue()["id"]
    top = scene.ok("GET", f"/sessions/{session}/queue/top")
    assert (top["hasMore"], top["item"]["status"]) == (True, "queued")
    assert scene.ok("POST", f"/sessions/{session}/queue/start")["success"] is True
    done = scene.ok("POST", f"/sessions/{session}/queue/complete")
    assert (done["completedItem"]["id"], done["hasMore"]) == (done["item"]["id"], True)
    assert scene.ok("GET", f"/sessions/{session}/queue")["stats"]["completed"] == 1
    scene.ok("POST", f"/sessions/{session}/queue/start")
    last = scene.ok("POST", f"/sessions/{session}/queue/fail", {"reason": "rain"})
    assert (last["failedItem"]["id"], last["nextItem"], last["hasMore"]) == (last["item"]["id"], None, False)
