"""Batches, links and set statuses over the socket."""

import pytest

from tests.daemon.scene import Json, Scene, keyed

pytestmark = pytest.mark.xdist_group("daemon-batch")


def test_a_batch_is_one_commit_and_answers_the_task_of_every_item(scene: Scene) -> None:
    project = scene.project()
    here = project["id"]
    seq = scene.ok("GET", "/hello")["seq"]
    items = [
        {"do": "create", "ref": "db", "title": "Schema", "projectId": here},
        {"title": "API", "projectId": here, "dependsOn": ["$db"]},
        {"do": "edit", "taskId": "$2", "priority": "high"},
        {"do": "start", "taskId": "$db"},
    ]
    results = scene.ok("POST", "/tasks/batch", {"items": items})["results"]
    assert [t["title"] for t in results] == ["Schema", "API", "API", "Schema"]
    assert (results[0]["status"], results[1]["priority"]) == ("in_progress", "high")
    assert results[1]["blockedBy"] == [results[0]["id"]]
    assert scene.ok("GET", "/hello")["seq"] == seq + 1


def test_a_repeated_batch_is_answered_with_the_first_one(scene: Scene) -> None:
    body = {"items": [{"title": "one", "projectId": scene.project()["id"]}, {"do": "complete", "taskId": "$1"}]}
    first, again = (scene.ok("POST", "/tasks/batch", body, headers=keyed("b1")) for _ in range(2))
    assert [t["id"] for t in first["results"]] == [t["id"] for t in again["results"]]
    assert len(first["results"]) == 2


def test_ids_may_be_short_and_the_session_s_project_is_the_usual_one(scene: Scene) -> None:
    session, headers = scene.worker(role="orchestrator")
    task = scene.task({"id": session["projectId"]})["id"]
    items = [{"title": "child", "dependencies": [task[-9:]]}, {"do": "edit", "taskId": task[-9:], "labels": ["a"]}]
    first, second = scene.ok("POST", "/tasks/batch", {"items": items}, headers=headers)["results"]
    assert (first["projectId"], first["dependencies"]) == (session["projectId"], [task])
    assert second["id"] == task


@pytest.mark.parametrize(
    ("items", "paths"),
    [
        ([], ["items"]),
        ("x", ["items"]),
        ([1], ["items[0]"]),
        ([{"do": "explode"}], ["items[0].do"]),
        ([{"do": 1}], ["items[0].do"]),
        ([{"ref": 1, "title": "x"}], ["items[0].ref"]),
        (
            [{"do": "create"}, {"title": 7}, {"title": "x", "zeal": 1}],
            ["items[0].title", "items[1].title", "items[2].zeal"],
        ),
        ([{"do": "edit", "taskId": "task_1_aaaaaaaaa"}], ["items[0]"]),
        ([{"do": "edit", "taskId": "$5"}], ["items[0].taskId"]),
        ([{"title": "x"}] * 1001, ["items"]),
    ],
)
def test_what_makes_no_sense_is_named_by_its_index(scene: Scene, items: object, paths: list[str]) -> None:
    seq = scene.ok("GET", "/hello")["seq"]
    answer = scene.call("POST", "/tasks/batch", {"items": items})
    assert answer.status == 400, answer.raw
    assert [d["path"] for d in answer.json["details"]] == paths
    assert scene.ok("GET", "/hello")["seq"] == seq


def test_no_agent_completes_an_unproven_task_by_any_route(scene: Scene) -> None:
    project = scene.project()
    _, boss = scene.worker(project, role="orchestrator")
    ways: list[tuple[str, str, Json]] = [
        ("POST", "/tasks/{}/complete", {}),
        ("PATCH", "/tasks/{}", {"status": "done"}),
        ("POST", "/tasks/batch", {"items": [{"do": "complete", "taskId": "{}"}]}),
        ("POST", "/tasks/batch", {"items": [{"do": "edit", "taskId": "{}", "status": "completed"}]}),
    ]
    for method, path, body in ways:
        task = scene.task(project, checks=["true"])["id"]
        for item in body.get("items", []):
            item["taskId"] = task
        scene.ok(method, path.format(task), body, headers=boss)
        assert scene.made("GET", f"/tasks/{task}")["status"] == "in_review", path


def test_a_status_is_set_through_the_state_machine(scene: Scene) -> None:
    task = scene.task()["id"]
    for status, found in (("in-progress", "in_progress"), ("done", "completed"), ("archived", "archived")):
        assert scene.ok("PATCH", f"/tasks/{task}", {"status": status})["status"] == found
    refused = scene.call("PATCH", f"/tasks/{task}", {"status": "completed"})
    assert (refused.status, refused.json["code"]) == (409, "INVALID_TRANSITION")


def test_the_older_form_of_a_report_moves_the_attempt_alone(scene: Scene) -> None:
    project = scene.project()
    session, headers = scene.worker(project)
    task = scene.task(project)["id"]
    scene.ok("POST", f"/sessions/{session['id']}/tasks/{task}")
    body = {"updateSource": "session", "sessionStatus": "working", "title": "dropped", "status": "completed"}
    found = scene.ok("PATCH", f"/tasks/{task}", body, headers=headers)
    assert found["taskSessionStatuses"] == {session["id"]: "working"}
    assert (found["status"], found["title"] != "dropped") == ("todo", True)
    by_user = {"updateSource": "session", "sessionStatus": "blocked", "sessionId": session["id"]}
    assert scene.ok("PATCH", f"/tasks/{task}", by_user)["taskSessionStatuses"] == {session["id"]: "blocked"}
    assert scene.ok("PATCH", f"/tasks/{task}", {"updateSource": "user", "title": "New"})["title"] == "New"
    wrong = scene.call("PATCH", f"/tasks/{task}", {"updateSource": "moon"})
    assert (wrong.status, wrong.json["details"][0]["path"]) == (400, "updateSource")
    nothing = scene.call("PATCH", f"/tasks/{task}", {"updateSource": "session"})
    assert (nothing.status, nothing.json["details"][0]["path"]) == (400, "sessionStatus")
