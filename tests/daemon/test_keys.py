"""Keys over the socket: a secret that is shown once, found by its hash, and reaches what its scopes say."""

import hashlib

import pytest

from tests.daemon.scene import Json, Scene, bearer, keyed

pytestmark = pytest.mark.xdist_group("daemon-keys")


def made(scene: Scene, **fields: object) -> Json:
    return scene.made("POST", "/keys", {"name": f"k{scene.number()}"} | fields)


def test_a_secret_is_long_random_and_shown_once(scene: Scene) -> None:
    one, two = made(scene), made(scene)
    assert one["secret"] != two["secret"]
    assert len(one["secret"]) - len("mk_") >= 32
    assert one["secret"].startswith(one["prefix"])
    assert len(one["secret"]) - len(one["prefix"]) >= 32
    [listed] = [key for key in scene.ok("GET", "/keys") if key["id"] == one["id"]]
    assert listed == {name: value for name, value in one.items() if name != "secret"}


def test_neither_secret_nor_hash_is_anywhere_to_be_read(scene: Scene) -> None:
    key = made(scene)
    hash_ = hashlib.sha256(key["secret"].encode()).hexdigest()
    shown = [scene.call("GET", path).raw for path in ("/keys", "/keys?limit=5", "/hello")]
    assert not [raw for raw in [*shown, str(key).encode()] if hash_.encode() in raw]
    files = [path for path in scene.daemon.home.rglob("*") if path.is_file()]
    assert not [path for path in files if key["secret"].encode() in path.read_bytes()]


@pytest.mark.parametrize("field", ["hash", "prefix"])
def test_nobody_brings_a_secret_along(scene: Scene, field: str) -> None:
    answer = scene.call("POST", "/keys", {"name": "own", field: "ab" * 32})
    assert (answer.status, answer.json["details"][0]["path"]) == (400, field)
    answer = scene.call("POST", f"/keys/{made(scene)['id']}/rotate", {field: "ab" * 32})
    assert answer.status == 400


@pytest.mark.parametrize("header", ["Authorization", "X-API-Key"])
def test_who_shows_the_secret_acts_as_the_key(scene: Scene, header: str) -> None:
    key = made(scene, scopes=["write"])
    headers = {header: f"Bearer {key['secret']}" if header == "Authorization" else key["secret"]}
    who = scene.ok("GET", "/hello", headers=headers)["actor"]
    assert (who["kind"], who["id"]) == ("key", key["id"])
    assert scene.call("POST", "/projects", {"name": "n", "workingDir": f"/srv/{header}"}, headers=headers).status == 201
    assert scene.ok("GET", "/commits?limit=1")["data"][0]["actor"] == f"key:{key['id']}"
    [used] = [each for each in scene.ok("GET", "/keys") if each["id"] == key["id"]]
    assert used["lastUsedAt"] > 0


@pytest.mark.parametrize(
    "secret",
    ["mk_", "mk_" + "A" * 43, "mk_\u00e4", "mk_" + "x" * 7_000, "MK_x", "", "mk_ a"],
    ids=lambda text: text[:9],
)
def test_a_secret_that_nobody_has_is_refused(scene: Scene, secret: str) -> None:
    raw = secret.encode("utf-8").decode("latin-1")
    assert scene.call("GET", "/tasks", headers=bearer(raw)).json["code"] == "UNAUTHORIZED"
    assert scene.call("GET", "/tasks", headers={"X-API-Key": raw}).json["code"] == "UNAUTHORIZED"


def test_a_rotated_or_revoked_secret_counts_no_more(scene: Scene) -> None:
    key = made(scene)
    rotated = scene.ok("POST", f"/keys/{key['id']}/rotate")
    assert (rotated["id"], rotated["secret"] != key["secret"]) == (key["id"], True)
    assert scene.call("GET", "/tasks", headers=bearer(key["secret"])).status == 401
    assert scene.call("GET", "/tasks", headers=bearer(rotated["secret"])).status == 200
    assert scene.ok("DELETE", f"/keys/{key['id']}")["deleted"] == key["id"]
    assert scene.call("GET", "/tasks", headers=bearer(rotated["secret"])).status == 401


def test_a_repeated_request_makes_one_key_and_does_not_show_its_secret_again(scene: Scene) -> None:
    body = {"name": "once"}
    first = scene.ok("POST", "/keys", body, headers=keyed("make-one"))
    again = scene.ok("POST", "/keys", body, headers=keyed("make-one"))
    assert (again["id"], again["secret"]) == (first["id"], None)
    assert scene.call("GET", "/tasks", headers=bearer(first["secret"])).status == 200


def test_a_key_reaches_what_its_scope_says(scene: Scene) -> None:
    project = scene.project()
    session = scene.session(project)["id"]
    reader, writer, admin = (bearer(made(scene, scopes=[s])["secret"]) for s in ("read", "write", "admin"))

    def codes(method: str, path: str, body: object = None) -> list[int]:
        return [scene.call(method, path, body, headers=who).status for who in (reader, writer, admin)]

    assert codes("GET", f"/projects/{project['id']}") == [200, 200, 200]
    assert codes("POST", "/tasks", {"title": "T", "projectId": project["id"]}) == [403, 201, 201]
    assert codes("GET", "/keys") == [403, 403, 200]
    assert codes("GET", "/commits") == [403, 403, 200]
    assert codes("GET", "/state?fields=hash") == [403, 403, 200]
    assert codes("POST", "/undo/1") == [403, 403, 409]
    assert codes("GET", "/backups") == [403, 403, 200]
    assert codes("POST", "/import", {"files": {}, "from": "export"}) == [403, 403, 200]
    assert codes("POST", "/keys", {"name": "more"}) == [403, 403, 201]
    assert codes("POST", "/templates/worker/reset") == [403, 403, 200]
    assert codes("GET", f"/sessions/{session}/explain") == [200, 200, 200]
    assert codes("POST", f"/sessions/{session}/input", {"text": "x"}) == [403, 409, 409]
    assert scene.call("POST", "/shutdown", headers=writer).status == 403


def test_a_key_that_is_tied_sees_and_changes_its_project_alone(scene: Scene) -> None:
    own, other = scene.project(), scene.project()
    mine, far = scene.task(own)["id"], scene.task(other)["id"]
    tied = bearer(made(scene, scopes=["write"], projectIds=[own["id"][-9:]])["secret"])
    for path in (f"/tasks?projectId={own['id']}", f"/tasks/{mine}", f"/projects/{own['id']}", "/hello", "/status"):
        assert scene.call("GET", path, headers=tied).status == 200, path
    assert {t["id"] for t in scene.call("GET", "/tasks", headers=tied).json} == {mine}
    assert [p["id"] for p in scene.call("GET", "/projects", headers=tied).json] == [own["id"]]
    for path in (f"/tasks?projectId={other['id']}", f"/tasks/{far}", "/keys"):
        answer = scene.call("GET", path, headers=tied)
        assert (answer.status, answer.json["code"]) == (403, "FORBIDDEN"), path
    assert scene.call("PATCH", f"/tasks/{mine}", {"title": "ours"}, headers=tied).status == 200
    assert scene.call("PATCH", f"/tasks/{far}", {"title": "ours"}, headers=tied).status == 403


def test_keys_are_no_matter_of_agents(scene: Scene) -> None:
    key = made(scene)
    own = f"/keys/{key['id']}"
    asked = [
        ("GET", "/keys", None),
        ("POST", "/keys", {"name": "x"}),
        ("POST", f"{own}/rotate", {}),
        ("DELETE", own, None),
    ]
    for role in ("worker", "orchestrator"):
        _, headers = scene.worker(role=role)
        for method, path, body in asked:
            answer = scene.call(method, path, body, headers=headers)
            assert (answer.status, answer.json["code"]) == (403, "FORBIDDEN"), path


def test_an_end_that_has_passed_lets_nobody_in(scene: Scene) -> None:
    assert scene.call("POST", "/keys", {"name": "late", "expiresAt": 1}).json["details"][0]["path"] == "expiresAt"
    assert scene.call("POST", "/keys", {"name": "late", "scopes": ["root"]}).status == 400
    assert scene.call("POST", "/keys", {"name": "late", "scopes": []}).json["details"][0]["path"] == "scopes"


def test_keys_are_there_again_after_a_restart(scene: Scene) -> None:
    key = made(scene)
    scene.daemon.kill()
    scene.daemon.start()
    assert scene.call("GET", "/tasks", headers=bearer(key["secret"])).status == 200
