"""What can go wrong between a client and the daemon.

::

    ClientError
    ├── Unreachable    nobody answers there, or what answers is no daemon
    ├── TimedOut       it answers too slowly
    └── Refused        the daemon said no; the problem document says why
"""

TYPE_CHECKING = False  # typing costs the everyday call half of its time
if TYPE_CHECKING:
    from collections.abc import Mapping


class ClientError(Exception):
    """A call that did not succeed; ``hint`` says what to do next."""

    code = "CLIENT_ERROR"
    retryable = True

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details: list[object] = []


class Unreachable(ClientError):
    """Nobody answers there, or what answers is no daemon."""

    code = "DAEMON_UNREACHABLE"
    forbidden = False
    """Whether this process may not connect at all, as in a sandbox."""


class TimedOut(ClientError):
    """The answer did not come in time; a write may have been applied, and repeating it is safe."""

    code = "TIMEOUT"


class Refused(ClientError):
    """The daemon said no; ``problem`` is its document, ``status`` the HTTP status."""

    def __init__(self, problem: "Mapping[str, object]", status: int) -> None:
        message = _text(problem, "message") or _text(problem, "detail") or f"the daemon answered {status}"
        super().__init__(message, hint=_text(problem, "hint"))
        self.problem = problem
        self.status = status
        self.code = _text(problem, "code") or ("INTERNAL_ERROR" if status >= 500 else "VALIDATION_ERROR")
        self.retryable = problem.get("retryable") is True
        details = problem.get("details")
        self.details = details if isinstance(details, list) else []


def _text(problem: "Mapping[str, object]", name: str) -> str:
    value = problem.get(name)
    return value if isinstance(value, str) else ""
