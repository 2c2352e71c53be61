"""The only stderr, and what every failure is to the caller: a code, a sentence, an exit code."""

import sys

from maestrod.client.errors import ClientError

TYPE_CHECKING = False  # typing costs the everyday call half of its time
if TYPE_CHECKING:
    from collections.abc import Sequence

EXITS: tuple[tuple[int, str, tuple[str, ...]], ...] = (
    (0, "done", ()),
    (
        1,
        "the daemon failed, or `doctor` found a fault",
        ("INTERNAL_ERROR", "CONFIG_ERROR", "RATE_LIMITED", "METHOD_NOT_ALLOWED", "IO_ERROR", "BUG"),
    ),
    (
        2,
        "wrong usage or value: the message names the right call",
        (
            "USAGE",
            "VALIDATION_ERROR",
            "PAYLOAD_TOO_LARGE",
            "HEADERS_TOO_LARGE",
            "UNSUPPORTED_MEDIA_TYPE",
            "IDEMPOTENCY_KEY_REUSED",
        ),
    ),
    (3, "not found", ("NOT_FOUND", "*_NOT_FOUND")),
    (4, "not allowed", ("UNAUTHORIZED", "FORBIDDEN")),
    (
        5,
        "the daemon is not reachable, or takes no writes",
        ("DAEMON_UNREACHABLE", "DAEMON_NOT_STARTED", "STARTING", "SHUTTING_DOWN", "STORE_READ_ONLY"),
    ),
    (
        6,
        "conflict: held by another, not ready, stale, or no legal move",
        (
            "CONFLICT",
            "ALREADY_CLAIMED",
            "NOT_READY",
            "INVALID_TRANSITION",
            "PROJECT_HAS_DEPENDENCIES",
            "PANE_GONE",
            "NOT_DELIVERED",
            "VERSION_MISMATCH",
        ),
    ),
    (7, "an agent could not be started", ("AGENT_NOT_STARTED",)),
    (8, "time ran out", ("TIMEOUT",)),
    (9, "nothing to do", ("NOTHING_TO_DO",)),
    (130, "interrupted", ("INTERRUPTED",)),
)
"""Exit code, what it means, and the codes that lead to it; a code that is not here is 1."""

_RETRYABLE = frozenset(
    {"RATE_LIMITED", "STARTING", "SHUTTING_DOWN", "STORE_READ_ONLY", "DAEMON_UNREACHABLE", "TIMEOUT"}
)


class Failure(Exception):
    """A call that ends without its result; ``hint`` says what to do next."""

    code = "USAGE"

    def __init__(
        self, message: str, *, code: str = "", hint: str = "", details: "Sequence[object]" = (), retryable: bool = False
    ) -> None:
        super().__init__(message)
        self.code = code or type(self).code
        self.message = message
        self.hint = hint
        self.details = list(details)
        self.retryable = retryable or self.code in _RETRYABLE


class Usage(Failure):
    """The call makes no sense; ``hint`` is the call that does."""


def exit_code(code: str) -> int:
    """The exit code for an error's code."""
    wanted = "*_NOT_FOUND" if code.endswith("_NOT_FOUND") else code
    return next((exit_ for exit_, _, codes in EXITS if wanted in codes), 1)


def document(error: "Failure | ClientError") -> "dict[str, object]":
    """The error as ``--json`` shows it."""
    return {
        "success": False,
        "error": error.code.lower(),
        "message": error.message,
        "details": error.details,
        "suggestion": error.hint,
        "retryable": error.retryable,
    }


def tell(error: "Failure | ClientError", *, no_color: bool = False) -> None:
    """Say on stderr what went wrong and what to do next."""
    from maestro_cli.output import colours_fit, plain

    mark = "\x1b[31merror:\x1b[0m" if not no_color and colours_fit(sys.stderr) else "error:"
    note(f"{mark} {plain(error.message, block=True)}")
    if error.hint:
        note(f"  {plain(error.hint, block=True)}")


def note(text: str) -> None:
    """A line on stderr; lost when nobody can read it."""
    if sys.stderr is None:
        return
    from maestro_cli.output import encoded

    try:
        raw = encoded(f"{text}\n", sys.stderr.encoding)
        sys.stderr.buffer.write(raw)
        sys.stderr.buffer.flush()
    except (OSError, ValueError):
        return
