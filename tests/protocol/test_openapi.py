"""The document for programs: valid, complete, and made of the table."""

import json
import re
from typing import Any

import msgspec
import pytest
import schemathesis
from jsonschema_rs import ValidationError

from maestrod.protocol import openapi, schemas
from maestrod.protocol.openapi import ABOUT, ANSWERS, BODIES, LISTS, OF_LIVE, UPGRADES
from maestrod.protocol.parameters import OWN, PARAMETERS, PLACES, in_query
from maestrod.protocol.problems import STATUS
from maestrod.protocol.routes import FLAGS, LIVE_PARAMETERS, LIVE_ROUTES, PATH_FIELDS, READS, WRITES

Json = dict[str, Any]


class OddBody(msgspec.Struct):
    number: complex


READ_OR_LIVE = {read.query for read in READS} | {handler for _, _, handler in LIVE_ROUTES}


@pytest.fixture(scope="module")
def document() -> Json:
    found: Json = json.loads(openapi.document())
    return found


def operation(document: Json, method: str, path: str) -> Json:
    found: Json = document["paths"][path][method.lower()]
    return found


def test_it_is_openapi(document: Json) -> None:
    schemathesis.openapi.from_dict(document).validate()
    broken = document | {"paths": {"/tasks": {"get": {"responses": 7}}}}
    with pytest.raises(ValidationError):
        schemathesis.openapi.from_dict(broken).validate()


def test_every_route_is_in_it_and_no_other(document: Json) -> None:
    told = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    routes = {(write.method, write.path) for write in WRITES} | {(read.method, read.path) for read in READS}
    assert told == routes | {(method, path) for method, path, _ in LIVE_ROUTES}


def test_whatever_is_spoken_of_is_in_it(document: Json) -> None:
    for reference in set(re.findall(r'"\$ref":"#/components/(\w+)/([\w-]+)"', openapi.document().decode())):
        kind, name = reference
        assert name in document["components"][kind], reference


def test_names_of_operations_are_their_own(document: Json) -> None:
    names = [told["operationId"] for methods in document["paths"].values() for told in methods.values()]
    assert len(names) == len(set(names))


def test_everything_says_what_it_is_for(document: Json) -> None:
    for methods in document["paths"].values():
        for told in methods.values():
            assert re.fullmatch(r"[A-Z].*\.", told["summary"]), told["operationId"]


def test_every_refusal_is_a_problem(document: Json) -> None:
    for status, response in document["components"]["responses"].items():
        assert list(response["content"]) == ["application/problem+json"]
        assert set(re.findall(r"`([A-Z_]+)`", response["description"])) == {
            code for code, known in STATUS.items() if known == int(status)
        }


def test_a_body_has_the_fields_that_the_path_does_not_fill(document: Json) -> None:
    body = operation(document, "POST", "/tasks/{task}/subtasks")["requestBody"]
    assert body["required"] is True
    schema = body["content"]["application/json"]["schema"]
    assert (schema["title"], schema["required"], schema["additionalProperties"]) == ("CreateSubtask", ["title"], False)
    assert "taskId" not in schema["properties"]
    assert "kind" not in schema["properties"]


def test_an_older_name_of_a_field_does_as_well(document: Json) -> None:
    body = operation(document, "POST", "/tasks/{task}/depend")["requestBody"]
    assert body["required"] is True
    schema = body["content"]["application/json"]["schema"]
    assert schema["properties"]["on"] == schema["properties"]["dependencies"] | {"deprecated": True}
    assert schema["allOf"] == [{"anyOf": [{"required": [n]} for n in ("dependencies", "on", "dependsOn")]}]


def test_a_route_says_which_parameters_it_takes(document: Json) -> None:
    told = operation(document, "GET", "/tasks")["parameters"]
    status = next(parameter for parameter in told if parameter["name"] == "status")
    assert re.fullmatch(status["schema"]["pattern"], "todo,in_review")
    assert not re.fullmatch(status["schema"]["pattern"], "todo,gone")
    assert {p["in"] for p in operation(document, "GET", "/tasks/{task}")["parameters"]} == {"path"}


def test_if_match_is_for_what_the_path_names(document: Json) -> None:
    def takes(method: str, path: str) -> bool:
        return "If-Match" in json.dumps(operation(document, method, path)["parameters"])

    assert takes("PATCH", "/tasks/{task}")
    assert takes("POST", "/sessions/{session}/queue/items/{item}/move")
    assert not takes("POST", "/tasks")
    assert not takes("POST", "/tasks/{task}/subtasks")


def test_a_mail_of_an_inbox_is_a_letter(document: Json) -> None:
    schema = operation(document, "GET", "/mail/inbox/{session}")["responses"]["200"]["content"]["application/json"]
    assert schema["schema"]["oneOf"][0]["items"]["$ref"].endswith("/Letter")
    assert "delivery" in document["components"]["schemas"]["Letter"]["required"]
    assert "deliveries" in document["components"]["schemas"]["Mail"]["required"]


def test_the_tables_beside_it_speak_of_routes_that_exist() -> None:
    assert set(ABOUT) | set(ANSWERS) | set(BODIES) | LISTS | set(OF_LIVE) | set(UPGRADES) <= READ_OR_LIVE
    used = {(route.path, name) for route in READS for name in route.filters}
    used |= {(path, name) for _, path, handler in LIVE_ROUTES for name in LIVE_PARAMETERS.get(handler, ())}
    used |= {(route.path, name) for route in WRITES for name in FLAGS.get(route.command, ())}
    assert set(OWN) <= used
    assert set(PARAMETERS) <= {name for path, name in used if (path, name) not in OWN}
    assert set(PLACES) <= PATH_FIELDS.keys() | {"seq", "role", "kept"}
    assert set(LIVE_PARAMETERS) <= {handler for _, _, handler in LIVE_ROUTES}


def test_a_parameter_that_nobody_described_takes_any_text() -> None:
    assert in_query("/tasks", "hue").schema == {"type": "string"}


def test_types_that_cannot_be_told_are_not_passed_over() -> None:
    with pytest.raises(TypeError):
        schemas.schemas_of([OddBody])
