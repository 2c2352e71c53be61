"""``POST /import`` over the socket: one commit, or nothing."""

import json

import pytest

from tests.daemon.scene import Scene
from tests.support import original_folder as folder


def test_an_import_is_one_commit_and_can_be_sent_again(scene: Scene) -> None:
    body = {"files": folder.as_texts(folder.damaged())}
    before = scene.call("GET", "/hello").json["seq"]
    dry = scene.ok("POST", "/import", body | {"dryRun": True})
    assert scene.call("GET", "/hello").json["seq"] == before
    first = scene.call("POST", "/import", body, headers={"Idempotency-Key": f"k{before}"})
    assert (first.status, first.headers["x-maestro-seq"]) == (200, str(before + 1))
    assert first.json == dry | {"dryRun": False}
    again = scene.call("POST", "/import", body, headers={"Idempotency-Key": f"k{before}"})
    assert again.json["created"] == first.json["created"]
    twice = scene.made("POST", "/import", body)
    assert (twice["created"], twice["from"]) == ({}, "original")
    assert scene.call("GET", "/hello").json["seq"] == before + 1
    assert scene.ok("GET", f"/tasks/{folder.task_id(1)}")["ready"] is True


def test_a_session_may_not_import(scene: Scene) -> None:
    _, worker = scene.worker()
    for dry in (True, False):
        answer = scene.call("POST", "/import", {"files": {}, "dryRun": dry}, headers=worker)
        assert (answer.status, answer.json["code"]) == (403, "FORBIDDEN")


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "files"),
        ({"files": []}, "files"),
        ({"files": {"a.json": 1}}, "files[...]"),
        ({"files": {"a.json": "{}"}}, "files"),
        ({"files": {}, "from": "elsewhere"}, "from"),
        ({"files": {}, "from": "export", "dryRun": "yes"}, "dryRun"),
        ({"files": {}, "nonsense": 1}, "nonsense"),
    ],
)
def test_a_wrong_body_is_refused_with_its_field(scene: Scene, body: object, path: str) -> None:
    answer = scene.call("POST", "/import", body)
    assert (answer.status, answer.json["details"][0]["path"]) == (400, path)


def test_a_body_larger_than_others_may_be_is_taken(scene: Scene) -> None:
    long = json.dumps({"doc": [{"id": "doc_1_a", "title": "T", "content": "x" * (13 << 20)}]})
    answer = scene.call("POST", "/import", {"files": {"export.json": "{}", "a.json": long}, "dryRun": True})
    assert (answer.status, answer.json["report"][0]["what"]) == (200, "doc doc_1_a: project_id names nothing")
