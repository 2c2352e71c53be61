"""The order of tasks and sessions over the socket: what is answered is always the whole of it."""

import pytest

from tests.daemon.scene import Json, Scene

pytestmark = pytest.mark.xdist_group("daemon-routes")


def path(project: Json, kind: str = "task") -> str:
    return f"/ordering/{kind}/{project['id']}"


def test_an_order_is_answered_whole(scene: Scene) -> None:
    project = scene.project()
    one, two, three = (scene.task(project)["id"] for _ in range(3))
    blank = scene.ok("GET", path(project))
    assert (blank["orderedIds"], blank["version"], blank["entityType"]) == ([one, two, three], 0, "task")
    put = scene.ok("PUT", path(project), {"orderedIds": [three[-9:]]})
    assert (put["orderedIds"], put["version"], put["projectId"]) == ([three, one, two], 1, project["id"])
    again = scene.ok("PUT", path(project), {"orderedIds": [three]})
    assert (again["orderedIds"], again["version"], again["id"]) == ([three, one, two], 1, put["id"])
    assert scene.ok("GET", path(project)) == put


def test_sessions_are_named_by_their_endings_too(scene: Scene) -> None:
    project = scene.project()
    one, two = (scene.session(project)["id"] for _ in range(2))
    put = scene.ok("PUT", path(project, "session"), {"orderedIds": [two[-9:]]})
    assert put["orderedIds"] == [two, one]


def test_what_has_no_order_is_refused(scene: Scene) -> None:
    project = scene.project()
    for method, body in (("GET", None), ("PUT", {"orderedIds": []})):
        for kind in ("mail", "Task", "%00", "x" * 300):
            answer = scene.call(method, path(project, kind), body)
            assert (answer.status, answer.json["details"][0]["path"]) == (400, "entityType")
    other = scene.task()["id"]
    answer = scene.call("PUT", path(project), {"orderedIds": [other]})
    assert (answer.status, answer.json["details"][0]["path"]) == (400, "orderedIds[0]")
    assert scene.call("PUT", path(project), {"orderedIds": ["task_1_aaaaaaaaa"]}).status == 404
    assert scene.call("PUT", path(project), {"orderedIds": 7}).status == 400


def test_a_stale_order_is_told_its_version(scene: Scene) -> None:
    project = scene.project()
    task = scene.task(project)["id"]
    scene.ok("PUT", path(project), {"orderedIds": [task]})
    answer = scene.call("PUT", path(project), {"orderedIds": []}, headers={"If-Match": '"7"'})
    assert (answer.status, answer.json["code"]) == (412, "VERSION_MISMATCH")
