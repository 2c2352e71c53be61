"""Every row of the route table is walked: asked rightly, wrongly, for nothing, and by who may not."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from maestrod.domain.registry import RULES
from maestrod.protocol.routes import LIVE_ROUTES, READS, WRITES, Read, Shape, Write
from tests.daemon.scene import Json, Scene

pytestmark = pytest.mark.xdist_group("daemon-routes")

Case = Callable[[Scene], tuple[dict[str, str], Json]]
"""The ids for the path, and a body that is right."""


def key(route: Write | Read) -> str:
    return f"{route.method} {route.path}"


def _project(scene: Scene, **body: object) -> tuple[dict[str, str], Json]:
    return {"project": scene.project()["id"]}, body


def _task(scene: Scene, **body: object) -> tuple[dict[str, str], Json]:
    return {"task": scene.task()["id"]}, body


def _task_after(*deeds: str, **body: object) -> Case:
    def case(scene: Scene) -> tuple[dict[str, str], Json]:
        task = scene.task()["id"]
        for deed in deeds:
            scene.ok("POST", f"/tasks/{task}/{deed}", {"reason": "x"} if deed == "block" else {})
        return {"task": task}, body

    return case


def _subtasks(count: int) -> Callable[[Scene], tuple[dict[str, str], list[str]]]:
    def made(scene: Scene) -> tuple[dict[str, str], list[str]]:
        task = scene.task()["id"]
        ids = [scene.ok("POST", f"/tasks/{task}/subtasks", {"title": f"s{n}"})["id"] for n in range(count)]
        return {"task": task, "subtask": ids[0]}, ids

    return made


def _ordered(scene: Scene) -> tuple[dict[str, str], Json]:
    ids, subtasks = _subtasks(2)(scene)
    return {"task": ids["task"]}, {"orderedIds": subtasks[::-1]}


def _depending(scene: Scene, *, already: bool = False) -> tuple[dict[str, str], Json]:
    project = scene.project()
    first = scene.task(project)["id"]
    task = scene.task(project, dependencies=[first] if already else [])["id"]
    return {"task": task}, {"dependencies": [first]}


def _session(scene: Scene, **body: object) -> tuple[dict[str, str], Json]:
    return {"session": scene.session(tasks=1)["id"]}, body


def _stopped(scene: Scene) -> tuple[dict[str, str], Json]:
    session = scene.session()["id"]
    scene.ok("POST", f"/sessions/{session}/stop", {})
    return {"session": session}, {}


def _planning(*, planned: bool) -> Case:
    def case(scene: Scene) -> tuple[dict[str, str], Json]:
        session = scene.session(worktree=True)["id"]
        body = {"baseCommit": "a" * 40}
        if planned:
            scene.ok("POST", f"/sessions/{session}/worktree", body)
        return {"session": session}, {} if planned else body

    return case


def _assigning(*, before: bool, **body: object) -> Case:
    def case(scene: Scene) -> tuple[dict[str, str], Json]:
        project = scene.project()
        session, task = scene.session(project)["id"], scene.task(project)["id"]
        if before:
            scene.ok("POST", f"/sessions/{session}/tasks/{task}")
        return {"session": session, "task": task}, body

    return case


def _queue(*, started: bool = False, paused: bool = False, **body: object) -> Case:
    def case(scene: Scene) -> tuple[dict[str, str], Json]:
        session = scene.queue(started=started)["id"]
        if paused:
            scene.ok("POST", f"/sessions/{session}/queue/pause")
        return {"session": session}, body

    return case


def _pushing(scene: Scene) -> tuple[dict[str, str], Json]:
    session = scene.queue()
    return {"session": session["id"]}, {"taskId": scene.task({"id": session["projectId"]})["id"]}


def _moving(scene: Scene) -> tuple[dict[str, str], Json]:
    session = scene.queue()
    return {"session": session["id"], "item": scene.items(session)[1]["id"]}, {"to": 0}


def _doc(scene: Scene) -> tuple[dict[str, str], Json]:
    task = scene.task()["id"]
    return {"doc": scene.ok("POST", f"/tasks/{task}/docs", {"title": "Plan", "content": "…"})["id"]}, {}


def _ordering(scene: Scene) -> tuple[dict[str, str], Json]:
    task = scene.task()
    return {"type": "task", "project": task["projectId"]}, {"orderedIds": [task["id"]]}


def _template(scene: Scene, **body: object) -> tuple[dict[str, str], Json]:
    made = scene.ok("POST", "/templates", {"name": "Strict", "role": "worker", "content": "You are {{ROLE}}."})
    return {"template": made["id"]}, body


def _key(scene: Scene, **body: object) -> tuple[dict[str, str], Json]:
    return {"key": scene.ok("POST", "/keys", {"name": "ci"})["id"]}, body


def _in_new_project(**body: object) -> Case:
    return lambda scene: ({}, {"projectId": scene.project()["id"]} | body)


def _about_new_task(**body: object) -> Case:
    return lambda scene: ({}, {"taskId": scene.task()["id"]} | body)


def _mail(scene: Scene) -> tuple[dict[str, str], Json]:
    return {"mail": scene.mail()["id"]}, {}


PANE = {"socket": "none", "pane": "%1", "pid": 1, "pidStartedAt": 0}

GOOD_WRITES: dict[str, Case] = {
    "POST /projects": lambda scene: ({}, {"name": "new", "workingDir": f"/srv/new/{scene.number()}"}),
    "PUT /projects/{project}": lambda scene: _project(scene, name="renamed"),
    "PATCH /projects/{project}": lambda scene: _project(scene, description="more"),
    "POST /projects/{project}/archive": _project,
    "DELETE /projects/{project}": _project,
    "POST /tasks": _in_new_project(title="new"),
    "PATCH /tasks/{task}": lambda scene: _task(scene, title="renamed"),
    "DELETE /tasks/{task}": _task,
    "POST /tasks/{task}/start": _task,
    "POST /tasks/{task}/complete": lambda scene: _task(scene, note="done"),
    "POST /tasks/{task}/review": _task,
    "POST /tasks/{task}/block": lambda scene: _task(scene, reason="no key"),
    "POST /tasks/{task}/unblock": _task_after("block"),
    "POST /tasks/{task}/cancel": _task,
    "POST /tasks/{task}/reopen": _task_after("complete"),
    "POST /tasks/{task}/archive": _task_after("complete"),
    "POST /tasks/{task}/depend": lambda scene: _depending(scene),
    "POST /tasks/{task}/undepend": lambda scene: _depending(scene, already=True),
    "POST /tasks/batch": lambda scene: ({}, {"items": [{"title": "a", "projectId": scene.project()["id"]}]}),
    "POST /tasks/claim-next": lambda scene: ({}, {"projectId": scene.task()["projectId"]}),
    "POST /tasks/{task}/checks": lambda scene: _task(scene, check="true"),
    "POST /tasks/{task}/checks/run": lambda scene: ({"task": scene.task(checks=["true"])["id"]}, {}),
    "POST /tasks/{task}/timeline": lambda scene: _task(scene, message="going on"),
    "POST /tasks/{task}/docs": lambda scene: _task(scene, title="Plan", content="…"),
    "POST /tasks/{task}/subtasks": lambda scene: _task(scene, title="first"),
    "PATCH /tasks/{task}/subtasks/{subtask}": lambda scene: (_subtasks(1)(scene)[0], {"completed": True}),
    "DELETE /tasks/{task}/subtasks/{subtask}": lambda scene: (_subtasks(1)(scene)[0], {}),
    "PUT /tasks/{task}/subtasks/order": _ordered,
    "POST /sessions": _in_new_project(),
    "POST /sessions/spawn": _in_new_project(role="orchestrator"),
    "PATCH /sessions/{session}": lambda scene: _session(scene, name="renamed"),
    "DELETE /sessions/{session}": _stopped,
    "POST /sessions/{session}/timeline": lambda scene: _session(scene, message="going on"),
    "POST /sessions/{session}/docs": lambda scene: _session(scene, title="Notes"),
    "POST /sessions/{session}/tasks/{task}": _assigning(before=False),
    "PATCH /sessions/{session}/tasks/{task}": _assigning(before=True, sessionStatus="working"),
    "DELETE /sessions/{session}/tasks/{task}": _assigning(before=True),
    "POST /sessions/{session}/launch": lambda scene: _session(scene, holder="here"),
    "POST /sessions/{session}/register": lambda scene: _session(scene, pane=PANE),
    "POST /sessions/{session}/needs-input": lambda scene: _session(scene, message="which?"),
    "POST /sessions/{session}/complete": _session,
    "POST /sessions/{session}/stop": _session,
    "POST /sessions/{session}/exit": lambda scene: _session(scene, code=1),
    "POST /sessions/{session}/resume": _stopped,
    "POST /sessions/{session}/worktree": _planning(planned=False),
    "PATCH /sessions/{session}/worktree": _planning(planned=True),
    "POST /sessions/{session}/queue/start": _queue(),
    "POST /sessions/{session}/queue/complete": _queue(started=True),
    "POST /sessions/{session}/queue/fail": _queue(started=True, reason="broken"),
    "POST /sessions/{session}/queue/skip": _queue(started=True),
    "POST /sessions/{session}/queue/push": _pushing,
    "POST /sessions/{session}/queue/pause": _queue(),
    "POST /sessions/{session}/queue/resume": _queue(paused=True),
    "POST /sessions/{session}/queue/items/{item}/move": _moving,
    "DELETE /docs/{doc}": _doc,
    "POST /keys": lambda scene: ({}, {"name": "ci", "scopes": ["write"]}),
    "POST /keys/{key}/rotate": _key,
    "DELETE /keys/{key}": _key,
    "POST /templates": lambda scene: ({}, {"name": "Own", "role": "orchestrator", "content": "Go."}),
    "PUT /templates/{template}": lambda scene: _template(scene, name="Stricter"),
    "DELETE /templates/{template}": _template,
    "POST /templates/{template}/reset": _template,
    "PUT /ordering/{type}/{project}": _ordering,
    "POST /timeline": _about_new_task(message="going on"),
    "POST /mail": lambda scene: ({}, {"toSessionId": scene.session()["id"], "message": "hello"}),
    "DELETE /mail/{mail}": _mail,
    "POST /mail/{mail}/read": _mail,
    "POST /mail/{mail}/ack": _mail,
}

_IDS: dict[str, Case] = {
    "task": _task,
    "session": _queue(),
    "project": _project,
    "doc": _doc,
    "mail": _mail,
    "template": _template,
    "key": _key,
}

WORDS = {"type": "task", "role": "worker"}
"""What stands in a path and is no id."""

NOT_AN_ID = {
    "project": "proj_1_aaaaaaaaa",
    "task": "task_1_aaaaaaaaa",
    "subtask": "sub_1_aaaaaaaaa",
    "session": "sess_1_aaaaaaaaa",
    "item": "item_1_aaaaaaaaa",
    "doc": "doc_1_aaaaaaaaa",
    "mail": "mail_1_aaaaaaaaa",
    "template": "tmpl_1_aaaaaaaaa",
    "key": "key_1_aaaaaaaaa",
}

writes = pytest.mark.parametrize("route", WRITES, ids=key)
reads = pytest.mark.parametrize("route", READS, ids=key)


def placed(path: str, ids: Mapping[str, str]) -> str:
    return path.format(**ids)


def test_every_write_has_a_case_here() -> None:
    assert sorted(GOOD_WRITES) == sorted(key(route) for route in WRITES)


# -- writes ---------------------------------------------------------------------------------------


@writes
def test_a_right_write_is_answered_with_what_came_of_it(scene: Scene, route: Write) -> None:
    ids, body = GOOD_WRITES[key(route)](scene)
    before = scene.call("GET", "/hello").json["seq"]
    answer = scene.call(route.method, placed(route.path, ids), body)
    assert answer.status == route.status, answer.raw
    assert int(answer.headers["x-maestro-seq"]) > before
    assert answer.headers["x-request-id"]
    expected = {
        Shape.PUT: {"id", "version", "createdAt", "updatedAt"},
        Shape.ITEM: {"item", "task", "next", "empty", "success", "nextItem", "hasMore"},
        Shape.NEXT: {"task", "empty"},
        Shape.BATCH: {"results"},
        Shape.GONE: {"deleted", "counts", "success", "id"},
        Shape.SPAWNED: {"success", "sessionId", "manifestPath", "message", "session"},
        Shape.SECRET: {"id", "prefix", "secret", "scopes"},
        Shape.LAUNCH: {"session", "manifest", "credential"},
    }[route.shape]
    assert expected <= answer.json.keys()


@writes
def test_a_write_refuses_fields_that_it_does_not_know(scene: Scene, route: Write) -> None:
    ids, body = GOOD_WRITES[key(route)](scene)
    answer = scene.call(route.method, placed(route.path, ids), body | {"nonsense": 1})
    assert (answer.status, answer.json["code"]) == (400, "VALIDATION_ERROR")
    assert [d["path"] for d in answer.json["details"]] == ["nonsense"]


@writes
def test_a_write_refuses_values_of_the_wrong_kind(scene: Scene, route: Write) -> None:
    ids, body = GOOD_WRITES[key(route)](scene)
    in_path = {f"{name}Id" for name in NOT_AN_ID} | {"entityType"} if ids else set()
    fields = set(RULES[route.command].command.__struct_encode_fields__) - in_path
    for field in sorted(fields):
        answer = scene.call(route.method, placed(route.path, ids), body | {field: [[["no"]]]})
        assert (answer.status, answer.json["code"]) == (400, "VALIDATION_ERROR"), field
        assert answer.json["details"][0]["path"].startswith(field)


@writes
def test_a_write_on_nothing_is_not_found(scene: Scene, route: Write) -> None:
    ids, body = GOOD_WRITES[key(route)](scene)
    for name in ids.keys() - WORDS.keys():
        answer = scene.call(route.method, placed(route.path, ids | {name: NOT_AN_ID[name]}), body)
        assert answer.status == 404, (name, answer.raw)
        assert answer.json["code"].endswith("_NOT_FOUND")


@writes
def test_a_write_refuses_parameters_that_it_does_not_know(scene: Scene, route: Write) -> None:
    ids, body = GOOD_WRITES[key(route)](scene)
    answer = scene.call(route.method, placed(route.path, ids) + "?colour=red", body)
    assert (answer.status, answer.json["details"][0]["path"]) == (400, "colour")


@writes
def test_a_worker_of_another_project_may_write_nothing_here(scene: Scene, route: Write) -> None:
    _, stranger = scene.worker()
    ids, body = GOOD_WRITES[key(route)](scene)
    before = scene.call("GET", "/hello").json["seq"]
    answer = scene.call(route.method, placed(route.path, ids), body, headers=stranger)
    assert (answer.status, answer.json["code"]) == (403, "FORBIDDEN")
    assert answer.json["hint"]
    assert scene.call("GET", "/hello").json["seq"] == before


@writes
def test_a_refused_write_changes_nothing(scene: Scene, route: Write) -> None:
    ids, body = GOOD_WRITES[key(route)](scene)
    before = scene.call("GET", "/hello").json["seq"]
    scene.call(route.method, placed(route.path, ids), raw=b'{"half":')
    scene.call(route.method, placed(route.path, ids), body | {"nonsense": 1})
    scene.call(route.method, placed(route.path, ids) + "?x=1", body)
    assert scene.call("GET", "/hello").json["seq"] == before


# -- reads ----------------------------------------------------------------------------------------


def _ids_for(scene: Scene, path: str) -> dict[str, str]:
    words = {name: word for name, word in WORDS.items() if f"{{{name}}}" in path}
    return words | next((case(scene)[0] for name, case in _IDS.items() if f"{{{name}}}" in path), {})


@reads
def test_a_read_answers(scene: Scene, route: Read) -> None:
    needed = f"?projectId={scene.project()['id']}" if route.query in {"next_task", "why"} else ""
    answer = scene.call("GET", placed(route.path, _ids_for(scene, route.path)) + needed)
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("application/json")
    assert int(answer.headers["x-maestro-seq"]) >= 0
    assert isinstance(answer.json, dict | list)


@reads
def test_a_read_of_nothing_is_not_found(scene: Scene, route: Read) -> None:
    ids = _ids_for(scene, route.path)
    for name in ids.keys() - WORDS.keys():
        answer = scene.call("GET", placed(route.path, ids | {name: NOT_AN_ID[name]}))
        assert (answer.status, answer.json["code"]) == (404, f"{name.upper()}_NOT_FOUND")


@reads
def test_a_read_refuses_parameters_that_it_does_not_know(scene: Scene, route: Read) -> None:
    path = placed(route.path, _ids_for(scene, route.path))
    answer = scene.call("GET", f"{path}?colour=red")
    assert (answer.status, answer.json["details"][0]["path"]) == (400, "colour")


WRONG_VALUES: dict[str, tuple[str, ...]] = {
    "limit": ("0", "1001", "-1", "x", "1e3", "%D9%A1", ""),
    "offset": ("10001", "-1", "x"),
    "cursor": ("zzz", "sub_1_1"),
    "order": ("up",),
    "fields": ("all",),
    "ready": ("perhaps",),
    "active": ("perhaps",),
    "archived": ("perhaps",),
    "recursive": ("perhaps",),
    "status": ("gone", "", "todo,,"),
    "priority": ("urgent",),
    "role": ("boss",),
    "after": ("-1", "x", "9" * 30),
    "unread": ("perhaps",),
    "type": ("letter", ""),
    "since": ("-1", "x", "9" * 16),
}
UNKNOWN_IDS = {
    "projectId": ("proj_1_aaaaaaaaa", ""),
    "sessionId": ("sess_1_aaaaaaaaa", ""),
    "taskId": ("task_1_aaaaaaaaa", ""),
    "parentId": ("task_1_aaaaaaaaa", ""),
    "parentSessionId": ("sess_1_aaaaaaaaa", ""),
    "task": ("task_1_aaaaaaaaa", ""),
    "session": ("sess_1_aaaaaaaaa", ""),
    "queue": ("sess_1_aaaaaaaaa", ""),
}
FREE_TEXT = frozenset({"label", "q", "workingDir", "actor", "entity"})
"""Parameters of which no value is wrong."""


def test_every_parameter_is_tried_here() -> None:
    known = {name for route in READS for name in route.filters}
    assert known == WRONG_VALUES.keys() | UNKNOWN_IDS.keys() | FREE_TEXT


@reads
def test_a_wrong_value_is_refused_and_never_an_empty_list(scene: Scene, route: Read) -> None:
    path = placed(route.path, _ids_for(scene, route.path))
    for name in route.filters:
        for value in WRONG_VALUES.get(name, ()):
            answer = scene.call("GET", f"{path}?{name}={value}")
            assert (answer.status, answer.json["details"][0]["path"]) == (400, name), (name, value)
        for value in UNKNOWN_IDS.get(name, ()):
            answer = scene.call("GET", f"{path}?{name}={value}")
            assert answer.status == 404, (name, value)


# -- the others -----------------------------------------------------------------------------------


def _live(scene: Scene) -> list[tuple[str, str, Any, int]]:
    fresh = scene.session()
    session, project = fresh["id"], fresh["projectId"]
    hook = {"provider": "claude", "event": "SessionStart"}
    return [
        ("GET", "/events", None, 400),
        ("GET", "/state?fields=hash", None, 200),
        ("GET", "/ws-status", None, 200),
        ("POST", "/undo/1", None, 409),
        ("GET", "/backups", None, 200),
        ("POST", "/backups", None, 201),
        ("POST", "/import", {"files": {"export.json": "{}"}, "dryRun": True}, 200),
        ("POST", f"/sessions/{session}/hook", hook, 200),
        ("GET", f"/tasks/{scene.task()['id']}/checks", None, 200),
        ("GET", f"/sessions/{session}/screen", None, 409),
        ("GET", f"/sessions/{session}/screen/stream", None, 400),
        ("GET", f"/sessions/{session}/wait?until=idle", None, 200),
        ("GET", f"/sessions/{session}/explain", None, 200),
        ("GET", f"/mail/wait/{session}?timeout=0", None, 200),
        ("POST", f"/sessions/{session}/input", {"text": "go on"}, 409),
        ("GET", "/skills", None, 200),
        ("GET", "/skills/role/worker", None, 200),
        ("GET", "/skills/maestro-cli", None, 200),
        ("POST", "/skills/maestro-cli/reload", None, 200),
        ("POST", "/shutdown", {"reason": 1}, 400),
        ("GET", f"/projects/{project}/worktrees", None, 200),
        ("GET", f"/sessions/{session}/worktree", None, 409),
        ("GET", f"/sessions/{session}/worktree/diff", None, 409),
        ("POST", f"/sessions/{session}/worktree/merge", None, 409),
        ("DELETE", f"/sessions/{session}/worktree", None, 409),
        ("GET", f"/projects/{project}/trash", None, 409),
        ("POST", f"/projects/{project}/trash/nothing/restore", None, 409),
    ]


def test_routes_that_are_neither_command_nor_query_answer(scene: Scene) -> None:
    cases = _live(scene)
    assert len(cases) == len(LIVE_ROUTES)
    for method, path, body, status in cases:
        answer = scene.call(method, path, body)
        assert answer.status == status, (path, answer.raw)
        assert answer.headers["x-request-id"], path
        assert answer.headers["x-maestro-seq"], path
        joined = "&" if "?" in path else "?"
        wrong = scene.call(method, f"{path}{joined}colour=red", body)
        assert (wrong.status, wrong.json["details"][0]["path"]) == (400, "colour"), path
        if method == "POST":
            wrong = scene.call(method, path, {"colour": "red"} | (body or {}))
            assert (wrong.status, wrong.json["details"][0]["path"]) == (400, "colour"), path


@pytest.mark.parametrize(("method", "path"), [(m, p) for m, p, _ in LIVE_ROUTES if "{session}" in p])
def test_they_know_no_session_that_is_not_there(scene: Scene, method: str, path: str) -> None:
    body = {"provider": "claude", "event": "Stop"} if path.endswith("hook") else {"text": "x"}
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    headers = upgrade | {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="} if path.endswith("stream") else {}
    path = placed(path, {"session": NOT_AN_ID["session"]})
    answer = scene.call(method, path, body if method == "POST" else None, headers=headers)
    assert (answer.status, answer.json["code"]) == (404, "SESSION_NOT_FOUND")
