"""Refusals as problem documents."""

import msgspec
import pytest

from maestrod.domain import errors
from maestrod.domain.changes import Unreadable
from maestrod.domain.errors import Rejected
from maestrod.domain.model import Noun
from maestrod.protocol.problems import STATUS, problem, status_of

STATUSES = {
    "VALIDATION_ERROR": 400,
    "UNAUTHORIZED": 401,
    "FORBIDDEN": 403,
    "TASK_NOT_FOUND": 404,
    "NOT_FOUND": 404,
    "METHOD_NOT_ALLOWED": 405,
    "TIMEOUT": 408,
    "CONFLICT": 409,
    "ALREADY_CLAIMED": 409,
    "NOT_READY": 409,
    "INVALID_TRANSITION": 409,
    "PROJECT_HAS_DEPENDENCIES": 409,
    "PANE_GONE": 409,
    "VERSION_MISMATCH": 412,
    "PAYLOAD_TOO_LARGE": 413,
    "UNSUPPORTED_MEDIA_TYPE": 415,
    "IDEMPOTENCY_KEY_REUSED": 422,
    "RATE_LIMITED": 429,
    "HEADERS_TOO_LARGE": 431,
    "INTERNAL_ERROR": 500,
    "CONFIG_ERROR": 500,
    "AGENT_NOT_STARTED": 502,
    "STORE_READ_ONLY": 503,
    "STARTING": 503,
    "SHUTTING_DOWN": 503,
}


@pytest.mark.parametrize(("code", "status"), STATUSES.items())
def test_a_code_has_its_status(code: str, status: int) -> None:
    assert status_of(code) == status
    assert problem(code, "what").status == status


def test_there_is_no_other_code() -> None:
    assert STATUS.keys() == STATUSES.keys() - {"TASK_NOT_FOUND"}


def test_every_refusal_of_the_domain_has_a_status() -> None:
    waiting: list[type[Rejected]] = [Rejected]
    for error in waiting:
        waiting += error.__subclasses__()
    known = {errors.Rejected, errors.Conflict, errors.Stale, errors.NotAllowed, errors.KeyReused, Unreadable}
    assert known <= set(waiting)
    for error in waiting:
        assert 400 <= status_of(error.code) < 600
    for noun in Noun:
        assert status_of(errors.NotFound(noun, "x").code) == 404


def test_a_problem_says_all_that_a_caller_needs() -> None:
    made = problem(
        "ALREADY_CLAIMED", "held", hint="Wait.", details=[{"holder": "s"}], instance="/api/v1/tasks/t", request_id="r"
    )
    assert msgspec.json.decode(msgspec.json.encode(made)) == {
        "type": "urn:maestro:problem:already-claimed",
        "title": "Conflict",
        "status": 409,
        "detail": "held",
        "instance": "/api/v1/tasks/t",
        "requestId": "r",
        "error": True,
        "code": "ALREADY_CLAIMED",
        "message": "held",
        "details": [{"holder": "s"}],
        "hint": "Wait.",
        "retryable": False,
    }


@pytest.mark.parametrize("code", STATUSES)
def test_only_what_passes_by_itself_is_worth_a_retry(code: str) -> None:
    assert problem(code, "what").retryable == (code in {"RATE_LIMITED", "STORE_READ_ONLY", "STARTING", "SHUTTING_DOWN"})
