"""What a check finds, what it is given to look at, and how it may be mended."""

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum

import msgspec

from maestro_cli import service
from maestrod.client.blocking import Client
from maestrod.client.errors import ClientError, Refused
from maestrod.locations import Locations

ASK_S = 2.0
"""How long the daemon may take; a healthy one needs a few milliseconds."""


class Level(StrEnum):
    """How bad it is; only a fault makes the doctor fail."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at: how it is in a sentence, and what to do about it."""

    check: str
    level: Level
    says: str
    todo: str = ""


class Patient(msgspec.Struct, frozen=True, kw_only=True):
    """A home as it is found; of a daemon that does not answer ``hello`` and ``status`` are empty."""

    environ: Mapping[str, str]
    places: Locations
    server: str = ""
    """Whom commands here speak to, when that is not the home's own daemon."""
    hello: Mapping[str, object]
    status: Mapping[str, object]
    silence: str = ""
    """Why there is no ``hello``."""
    reasons: tuple[str, ...] = ()
    """Why the daemon takes no writes."""
    resting: bool = False
    """A service is installed and its daemon does not run: a connection would start it."""

    @property
    def served(self) -> bool:
        """Whether the home's daemon answers."""
        return bool(self.hello)


class Check(msgspec.Struct, frozen=True):
    """How to look at something, and how to mend what is safe to mend: that answers what it did, a line each."""

    name: str
    look: Callable[[Patient], Iterable[Finding]]
    mend: Callable[[Patient], Iterable[str]] | None = None


def ok(check: str, says: str, todo: str = "") -> Finding:
    """Nothing is wrong; ``todo`` is for who wants more."""
    return Finding(check=check, level=Level.OK, says=says, todo=todo)


def warning(check: str, says: str, todo: str) -> Finding:
    """It works, and may not for long, or not as it could."""
    return Finding(check=check, level=Level.WARNING, says=says, todo=todo)


def fault(check: str, says: str, todo: str) -> Finding:
    """Something does not work."""
    return Finding(check=check, level=Level.FAULT, says=says, todo=todo)


def examine(environ: Mapping[str, str], places: Locations, server: str = "") -> Patient:
    """Ask the home's own daemon how it is; nothing is started, not even by a service that waits for callers."""
    if service.installed(environ) is not None and not service.holder(environ):
        return Patient(environ=environ, places=places, server=server, hello={}, status={}, resting=True)
    client = Client(f"unix:{places.socket}", timeout=ASK_S, retries=0)
    client.patience = 0.0
    try:
        hello = _object(client.call("GET", "/hello").body)
        status = _object(client.call("GET", "/status").body)
    except ClientError as error:
        return Patient(environ=environ, places=places, server=server, hello={}, status={}, silence=error.message)
    reasons = _reasons(client)
    return Patient(environ=environ, places=places, server=server, hello=hello, status=status, reasons=reasons)


def _reasons(client: Client) -> tuple[str, ...]:
    try:
        ready = client.call("GET", "/ready").body
    except Refused as refused:
        ready = refused.problem
    except ClientError as error:
        return (error.message,)
    reasons = _object(ready).get("reasons")
    return tuple(map(str, reasons)) if isinstance(reasons, list) else ()


def _object(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}
