"""Whatever is asked, by whoever: an answer that is documented and below 500, in time, and a daemon that goes on."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.core.errors import InvalidSchema
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from maestrod.protocol import openapi
from tests.daemon.remote import Remote, remote
from tests.daemon.scene import UNHURRIED, Json, Scene, bearer
from tests.support.unix_requests import over

pytestmark = pytest.mark.xdist_group("daemon-fuzz")

LEFT_OUT = {
    "POST /shutdown": "nobody would be left to ask",
    "GET /events": "a stream has no end",
    "GET /sessions/{session}/screen/stream": "a stream has no end",
}
"""Routes that are not asked here, and why."""
CALLERS = ("user", "admin", "reader", "worker", "orchestrator")
ODD = ("x", "%00", "%ff", "null", "task_1_1", "%2F", "a" * 300)
FEW, MANY = 6, 200
IN_TIME_S = 30
NO_PROCESS = 2**30
"""Above the number of any process."""
CHECKS = [
    schemathesis.checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


def operations() -> Iterator[Any]:
    for found in schemathesis.openapi.from_dict(json.loads(openapi.document())).get_all_operations():
        assert isinstance(found, Ok)
        yield found.ok()


OPERATIONS = {operation.label: operation for operation in operations()}
asked = pytest.mark.parametrize("label", sorted(OPERATIONS.keys() - LEFT_OUT.keys()))


class Known:
    """Ids that exist, so that not everything ends with not found; and who may ask."""

    def __init__(self, scene: Scene) -> None:
        project = scene.project()
        session = scene.queue(started=True)
        task = scene.task(project)["id"]
        template = {"name": f"t{scene.number()}", "role": "worker", "content": "Do it."}
        self.ids = {
            "project": [project["id"], session["projectId"]],
            "task": [task, session["taskIds"][0]],
            "subtask": [scene.ok("POST", f"/tasks/{task}/subtasks", {"title": "s"})["id"]],
            "session": [session["id"], scene.session(project)["id"]],
            "type": ["task", "session"],
            "role": ["worker", "orchestrator"],
            "seq": ["1", "2", "last"],
            "doc": [scene.ok("POST", f"/tasks/{task}/docs", {"title": "d"})["id"]],
            "item": [item["id"] for item in scene.items(session)],
            "mail": [scene.mail(session)["id"], scene.mail()["id"]],
            "template": [scene.ok("POST", "/templates", template)["id"]],
            "key": [scene.ok("POST", "/keys", {"name": "spare"})["id"]],
            "skill": ["maestro-cli"],
            "kept": ["20260101-000000-abcd"],
        }
        self.headers: dict[str, dict[str, str]] = {
            "user": {},
            "admin": bearer(scene.ok("POST", "/keys", {"name": "all", "scopes": ["read", "write", "admin"]})["secret"]),
            "reader": bearer(scene.ok("POST", "/keys", {"name": "looks"})["secret"]),
            "worker": scene.launch(session),
            "orchestrator": scene.worker(project, role="orchestrator")[1],
        }

    def of(self, field: str) -> list[str]:
        """Ids that a field of this name may hold."""
        for name, ids in self.ids.items():
            if field.lower().rstrip("s").endswith(f"{name}id"):
                return ids
        return self.ids["task"] if field in {"parentId", "dependencies", "dependsOn", "on"} else []


def likely(case: Any, known: Known, data: st.DataObject) -> Any:
    """The case with ids that exist in most of its places, and with nothing that this machine would mind."""
    for name in case.path_parameters:
        case.path_parameters[name] = data.draw(st.sampled_from([*known.ids[name], *known.ids[name], *ODD]))
    for name in set(case.query or {}) & {"timeout", "wait"}:
        case.query[name] = "0"
    if case.operation.path.endswith("/wait") or "/wait/" in case.operation.path:
        case.query = {**(case.query or {}), "timeout": "0"}
    for place in (case.query, case.body):
        if isinstance(place, dict):
            _filled(place, known, data)
    return case


def _filled(place: Json, known: Known, data: st.DataObject) -> None:
    for name, value in place.items():
        ids = known.of(name)
        if name in {"check", "checks"}:
            place[name] = "true" if name == "check" else ["true"]
        elif name in {"pid", "supervisorPid"}:
            place[name] = NO_PROCESS
        elif ids and isinstance(value, str):
            place[name] = data.draw(st.sampled_from([*ids, *ids, value]))
        elif ids and isinstance(value, list):
            place[name] = data.draw(st.lists(st.sampled_from([*ids, *map(str, value)]), max_size=3))
        elif isinstance(value, dict):
            _filled(value, known, data)
        elif isinstance(value, list):
            for each in value:
                if isinstance(each, dict):
                    _filled(each, known, data)


def asked_about(label: str, caller: str, known: Known, scene: Remote, most: int) -> None:
    """Ask so often, rightly and wrongly: the user on the socket, everybody else over TCP."""
    operation = OPERATIONS[label]
    session = over(scene.daemon.socket if caller == "user" else None, known.headers[caller])
    url = "http://maestro/api/v1" if caller == "user" else f"{scene.url}/api/v1"
    right = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
    try:
        wrong = operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
        wrong.validate()
        cases = right | wrong
    except InvalidSchema:
        cases = right

    @settings(
        max_examples=most, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
    )
    @given(case=cases, data=st.data())
    def ask(case: Any, data: st.DataObject) -> None:
        response = likely(case, known, data).call(url, session=session, timeout=IN_TIME_S)
        case.validate_response(response, checks=CHECKS)
        if response.status_code >= requests.codes.bad:
            problem = response.json()
            assert problem["code"]
            assert problem["message"]

    with session:
        ask()


@pytest.fixture(scope="module")
def scene() -> Iterator[Remote]:
    with remote(env=UNHURRIED) as found:
        yield found


@pytest.fixture(scope="module")
def turns() -> Iterator[str]:
    return iter(CALLERS * len(OPERATIONS))


@asked
def test_no_request_breaks_the_daemon(scene: Remote, turns: Iterator[str], label: str) -> None:
    asked_about(label, next(turns), Known(scene), scene, FEW)


@pytest.mark.slow
@pytest.mark.parametrize("caller", CALLERS)
@asked
def test_no_request_of_many_breaks_the_daemon(scene: Remote, label: str, caller: str) -> None:
    asked_about(label, caller, Known(scene), scene, MANY)


def test_only_routes_that_exist_are_left_out() -> None:
    assert LEFT_OUT.keys() <= OPERATIONS.keys()


@settings(max_examples=100)
@given(raw=st.binary(max_size=200) | st.text(max_size=100).map(lambda text: json.dumps(text).encode()))
def test_no_body_breaks_the_daemon(scene: Remote, raw: bytes) -> None:
    answer = scene.call("PATCH", "/tasks/task_1_aaaaaaaaa", raw=raw)
    assert 400 <= answer.status < 500, answer.raw
    assert answer.json["message"]


def test_the_daemon_goes_on_and_finds_all_of_it_again(scene: Scene) -> None:
    before = scene.ok("GET", "/tasks")
    sessions = len(scene.ok("GET", "/sessions"))
    assert "Traceback" not in scene.daemon.log()
    assert scene.call("GET", "/ready").json["ready"] is True
    scene.daemon.kill()
    scene.daemon.start()
    assert scene.ok("GET", "/tasks") == before
    assert len(scene.ok("GET", "/sessions")) == sessions
