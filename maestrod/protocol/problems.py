"""Refusals as RFC 9457 problem documents, with the older keys beside."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

import msgspec

STATUS: Mapping[str, int] = {
    "VALIDATION_ERROR": 400,
    "UNAUTHORIZED": 401,
    "FORBIDDEN": 403,
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
"""HTTP status by code; every other code that ends in ``_NOT_FOUND`` is 404."""

RETRYABLE = frozenset({"RATE_LIMITED", "STORE_READ_ONLY", "STARTING", "SHUTTING_DOWN"})


class Problem(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The body of every refusal; ``hint`` says what to do next and never suggests anything destructive."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    request_id: str
    error: bool = True
    code: str
    message: str
    details: Sequence[Mapping[str, object]] = ()
    hint: str = ""
    retryable: bool = False


def status_of(code: str) -> int:
    """The HTTP status of a code."""
    return 404 if code.endswith("_NOT_FOUND") else STATUS[code]


def problem(
    code: str,
    message: str,
    *,
    hint: str = "",
    details: Sequence[Mapping[str, object]] = (),
    instance: str = "",
    request_id: str = "",
) -> Problem:
    """The document for a refusal."""
    status = status_of(code)
    return Problem(
        type=f"urn:maestro:problem:{code.lower().replace('_', '-')}",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=message,
        instance=instance,
        request_id=request_id,
        code=code,
        message=message,
        details=details,
        hint=hint,
        retryable=code in RETRYABLE,
    )
