"""Repeated writes: one key, one deed, one answer; and writes that rest on a version."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from maestrod.protocol.routes import WRITES, Shape, Write
from tests.daemon.scene import Scene, bearer, keyed
from tests.daemon.test_routes import GOOD_WRITES, key, placed
from tests.support.daemon import Answer, daemon

pytestmark = pytest.mark.xdist_group("daemon-repeats")


MOVES = ("live", "checkProgress", "secret")
"""What is derived when the answer is given and goes on by itself meanwhile, and what is shown once."""


def stable(answer: Answer) -> Any:
    """What a repeated answer has in common with the first."""
    return answer.status, {name: value for name, value in answer.json.items() if name not in MOVES}


@pytest.mark.parametrize("route", WRITES, ids=key)
def test_the_same_key_and_body_get_the_first_answer_and_one_deed(scene: Scene, route: Write) -> None:
    ids, body = GOOD_WRITES[key(route)](scene)
    path, headers = placed(route.path, ids), keyed(f"every-{scene.number()}")
    first = scene.call(route.method, path, body, headers=headers)
    assert first.status == route.status, first.raw
    seq = scene.ok("GET", "/hello")["seq"]
    again = scene.call(route.method, path, body, headers=headers)
    assert stable(again) == stable(first)
    assert scene.ok("GET", f"/commits?after={seq}&actor=user")["data"] == []
    other = scene.call(route.method, path, body | {"nonsense": 1}, headers=headers)
    assert (other.status, other.json["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")


def test_the_first_answer_comes_again_after_the_thing_has_changed(scene: Scene) -> None:
    project = scene.project()
    headers = keyed("changed")
    body = {"projectId": project["id"], "title": "as it was"}
    first = scene.call("POST", "/tasks", body, headers=headers)
    scene.ok("PATCH", f"/tasks/{first.json['id']}", {"title": "as it is"})
    assert stable(scene.call("POST", "/tasks", body, headers=headers)) == stable(first)


def test_the_first_answer_comes_again_after_the_thing_is_gone(scene: Scene) -> None:
    headers = keyed("gone")
    body = {"projectId": scene.project()["id"], "title": "short-lived"}
    first = scene.call("POST", "/tasks", body, headers=headers)
    scene.ok("DELETE", f"/tasks/{first.json['id']}")
    again = scene.call("POST", "/tasks", body, headers=headers)
    assert (again.status, again.json["id"]) == (201, first.json["id"])


def test_a_repeated_deletion_is_no_not_found(scene: Scene) -> None:
    task = scene.task()["id"]
    first = scene.call("DELETE", f"/tasks/{task[-8:]}", headers=keyed("delete"))
    assert first.json["deleted"] == task
    assert stable(scene.call("DELETE", f"/tasks/{task[-8:]}", headers=keyed("delete"))) == stable(first)
    assert scene.call("DELETE", f"/tasks/{task}", headers=keyed("another")).status == 404


def test_a_key_belongs_to_a_method_and_a_path(scene: Scene) -> None:
    task = scene.task()["id"]
    scene.ok("POST", f"/tasks/{task}/start", headers=keyed("path"))
    assert scene.call("POST", f"/tasks/{task}/complete", headers=keyed("path")).status == 422
    project = scene.project()["id"]
    assert scene.call("DELETE", f"/projects/{project}?cascade=false", headers=keyed("query")).status == 200
    assert scene.call("DELETE", f"/projects/{project}?cascade=true", headers=keyed("query")).status == 422


def test_a_key_belongs_to_who_sent_it(scene: Scene) -> None:
    session, headers = scene.worker(tasks=1)
    task = session["taskIds"][0]
    path, body = f"/tasks/{task}/timeline", {"message": "the same words"}
    ours = scene.ok("POST", path, body, headers=keyed("shared"))
    theirs = scene.ok("POST", path, body, headers=keyed("shared") | headers)
    assert ours["id"] != theirs["id"]


def test_a_refusal_is_not_kept(scene: Scene) -> None:
    project = scene.project()
    first = scene.task(project)["id"]
    waits = scene.task(project, dependencies=[first])["id"]
    assert scene.call("POST", f"/tasks/{waits}/start", headers=keyed("refused")).status == 409
    scene.ok("POST", f"/tasks/{first}/complete")
    assert scene.call("POST", f"/tasks/{waits}/start", headers=keyed("refused")).status == 200


@pytest.mark.parametrize("sent", ["", "x" * 201, "a\x7fb", "é", "\xff"])
def test_a_key_is_1_to_200_printable_characters(scene: Scene, sent: str) -> None:
    body = b'{"title":"x","projectId":"%b"}' % scene.project()["id"].encode()
    head = f"POST /api/v1/tasks HTTP/1.1\r\nHost: m\r\nConnection: close\r\nContent-Length: {len(body)}\r\n"
    answer = scene.daemon.raw(f"{head}Idempotency-Key: {sent}\r\n\r\n".encode("latin-1") + body)
    assert answer.split(b" ")[1] == b"400"


@pytest.mark.parametrize("path", ["/tasks", "/sessions/spawn"])
def test_many_at_once_with_one_key_do_one_deed(scene: Scene, path: str) -> None:
    project = scene.project()
    body = {"projectId": project["id"]} | ({"title": "once"} if path == "/tasks" else {"name": "once"})
    together = threading.Barrier(16)

    def send(_: int) -> Answer:
        together.wait()
        return scene.call("POST", path, body, headers=keyed(f"at once {path}"))

    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(send, range(16)))
    assert len({answer.raw for answer in answers}) == 1
    assert answers[0].status == 201
    assert len(scene.ok("GET", f"{path.removesuffix('/spawn')}?projectId={project['id']}")) == 1


def test_many_launch_at_once_and_one_wins(scene: Scene) -> None:
    session = scene.session()["id"]
    together = threading.Barrier(8)

    def send(number: int) -> Answer:
        together.wait()
        return scene.call("POST", f"/sessions/{session}/launch", {"holder": f"h{number}"})

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(send, range(8)))
    won = [a for a in answers if a.status == 200]
    assert len(won) == 1
    holder = won[0].json["session"]["launch"]["holder"]
    lost = [a for a in answers if a.status != 200]
    assert {(a.status, a.json["code"], a.json["details"][0]["holder"]) for a in lost} == {
        (409, "ALREADY_CLAIMED", holder)
    }


def test_a_repeated_launch_gets_the_same_credential_and_it_works(scene: Scene) -> None:
    session = scene.session()["id"]
    path, body = f"/sessions/{session}/launch", {"holder": "me"}
    first = scene.ok("POST", path, body, headers=keyed("launch once"))
    again = scene.ok("POST", path, body, headers=keyed("launch once"))
    assert again == first
    assert scene.ok("GET", "/hello", headers=bearer(first["credential"]))["actor"]["id"] == session


def test_a_launch_that_was_followed_by_another_gives_no_credential_again(scene: Scene) -> None:
    session = scene.session()["id"]
    path, body = f"/sessions/{session}/launch", {"holder": "me"}
    scene.ok("POST", path, body, headers=keyed("launch first"))
    scene.ok("POST", f"/sessions/{session}/stop")
    scene.ok("POST", f"/sessions/{session}/resume")
    second = scene.ok("POST", path, body, headers=keyed("launch second"))
    late = scene.call("POST", path, body, headers=keyed("launch first"))
    assert (late.status, late.json["code"]) == (409, "CONFLICT")
    assert scene.call("GET", "/hello", headers=bearer(second["credential"])).status == 200


def test_keys_survive_kill_and_a_snapshot() -> None:
    with daemon() as running:
        scene = Scene(running)
        project = scene.project()["id"]
        sent: list[tuple[str, dict[str, object], str, Answer]] = []

        def send(path: str, body: dict[str, object], key_: str) -> None:
            sent.append((path, body, key_, scene.call("POST", path, body, headers=keyed(key_))))

        def all_again() -> None:
            before = scene.ok("GET", "/hello")["seq"]
            for path, body, key_, first in sent:
                assert stable(scene.call("POST", path, body, headers=keyed(key_))) == stable(first)
            assert scene.ok("GET", "/hello")["seq"] == before

        send("/tasks", {"projectId": project, "title": "before the kill"}, "a")
        send("/sessions/spawn", {"projectId": project, "name": "s"}, "b")
        send(f"/sessions/{sent[-1][3].json['sessionId']}/launch", {"holder": "me"}, "c")
        running.kill()
        running.start()
        all_again()
        send("/tasks", {"projectId": project, "title": "before the stop"}, "d")
        assert running.stop() == 0
        assert list((running.home / "data" / "snapshot").iterdir())
        running.start()
        all_again()
        send("/tasks", {"projectId": project, "title": "after the snapshot"}, "e")
        running.kill()
        running.start()
        all_again()


# -- versions -------------------------------------------------------------------------------------


def test_a_stale_version_is_refused_with_the_current_one(scene: Scene) -> None:
    task = scene.task()["id"]
    assert scene.ok("PATCH", f"/tasks/{task}", {"title": "two"}, headers={"If-Match": '"1"'})["version"] == 2
    stale = scene.call("PATCH", f"/tasks/{task}", {"title": "three"}, headers={"If-Match": '"1"'})
    assert (stale.status, stale.json["code"]) == (412, "VERSION_MISMATCH")
    assert stale.json["details"][0]["version"] == 2
    assert scene.ok("GET", f"/tasks/{task}")["title"] == "two"


@pytest.mark.parametrize("sent", ['"1"', "1", 'W/"1"', "*"])
def test_a_fitting_version_passes_however_it_is_written(scene: Scene, sent: str) -> None:
    assert scene.call("POST", f"/tasks/{scene.task()['id']}/start", headers={"If-Match": sent}).status == 200


@pytest.mark.parametrize("sent", ['"x"', "", '"-1"', '"1","2"', '"' + "9" * 16 + '"'])
def test_what_is_no_version_is_wrong(scene: Scene, sent: str) -> None:
    answer = scene.call("POST", f"/tasks/{scene.task()['id']}/start", headers={"If-Match": sent})
    assert (answer.status, answer.json["details"][0]["path"]) == (400, "If-Match")


@pytest.mark.parametrize(
    "route",
    [r for r in WRITES if "{" in r.path and r.shape is not Shape.ITEM and r.noun not in {"timeline", "doc"}],
    ids=key,
)
def test_every_write_on_something_minds_its_version(scene: Scene, route: Write) -> None:
    ids, body = GOOD_WRITES[key(route)](scene)
    if route.command == "CreateSubtask":
        return
    answer = scene.call(route.method, placed(route.path, ids), body, headers={"If-Match": '"77"'})
    assert (answer.status, answer.json["code"]) == (412, "VERSION_MISMATCH")


def test_a_repeated_write_is_not_stale(scene: Scene) -> None:
    task = scene.task()["id"]
    headers = keyed("versioned") | {"If-Match": '"1"'}
    first = scene.call("PATCH", f"/tasks/{task}", {"title": "two"}, headers=headers)
    assert stable(scene.call("PATCH", f"/tasks/{task}", {"title": "two"}, headers=headers)) == stable(first)


def test_flags_of_a_deletion_may_stand_in_the_query(scene: Scene) -> None:
    project = scene.project()
    scene.task(project)
    refused = scene.call("DELETE", f"/projects/{project['id']}")
    assert (refused.status, refused.json["code"]) == (409, "PROJECT_HAS_DEPENDENCIES")
    gone = scene.ok("DELETE", f"/projects/{project['id']}?cascade=true")
    assert gone["counts"] == {"project": 1, "task": 1}
    session = scene.session(tasks=1)
    task = session["taskIds"][0]
    scene.ok("POST", f"/tasks/{task}/start", {"sessionId": session["id"]})
    assert scene.call("DELETE", f"/tasks/{task}").status == 409
    assert scene.call("DELETE", f"/tasks/{task}?force=true").status == 200
