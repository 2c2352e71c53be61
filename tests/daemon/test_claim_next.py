"""Claiming what is next over the socket: one winner each, and nothing is a plain answer."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.daemon.scene import Scene, keyed

pytestmark = pytest.mark.xdist_group("daemon-claims")


def test_many_who_claim_at_once_get_one_each(scene: Scene) -> None:
    project = scene.project()
    tasks = {scene.task(project)["id"] for _ in range(8)}
    workers = [scene.worker(project)[1] for _ in range(10)]
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda h: scene.ok("POST", "/tasks/claim-next", {}, headers=h), workers))
    got = [a["task"]["id"] for a in answers if not a["empty"]]
    assert sorted(got) == sorted(tasks)
    assert [a["task"] for a in answers if a["empty"]] == [None, None]


def test_a_preview_changes_nothing_and_names_what_the_claim_then_gets(scene: Scene) -> None:
    project = scene.project()
    scene.task(project)
    urgent = scene.task(project, priority="critical", labels=["ui"])["id"]
    _, worker = scene.worker(project)
    seq = scene.ok("GET", "/hello")["seq"]
    for query in ("", "?label=ui", f"?projectId={project['id']}"):
        assert scene.ok("GET", f"/tasks/claim-next{query}", headers=worker)["task"]["id"] == urgent
    assert scene.ok("GET", "/hello")["seq"] == seq
    claimed = scene.ok("POST", "/tasks/claim-next", {}, headers=worker)
    assert (claimed["task"]["id"], claimed["task"]["status"], claimed["empty"]) == (urgent, "in_progress", False)
    again = scene.ok("POST", "/tasks/claim-next", {}, headers=worker)
    assert again["task"]["id"] == scene.ok("GET", "/tasks/claim-next", headers=worker)["task"]["id"] == urgent


def test_a_repeated_claim_is_answered_with_the_first_one(scene: Scene) -> None:
    project = scene.project()
    first = scene.task(project)["id"]
    scene.task(project)
    body = {"projectId": project["id"]}
    answers = [scene.ok("POST", "/tasks/claim-next", body, headers=keyed("c1")) for _ in range(2)]
    assert [a["task"]["id"] for a in answers] == [first, first]


def test_a_project_s_graph_is_shown_with_its_tasks(scene: Scene) -> None:
    project = scene.project()
    first = scene.task(project)["id"]
    second = scene.task(project, dependencies=[first])["id"]
    found = scene.ok("GET", f"/projects/{project['id']}/graph")
    assert found["waves"] == [[first], [second]]
    assert (found["criticalPath"], found["ready"], found["stuck"]) == ([first, second], [first], [])
    assert found["blocked"] == [{"id": second, "blockedBy": [first]}]
    assert [t["id"] for t in found["tasks"]] == [first, second]
    assert found["projectId"] == project["id"]
