"""What an agent says from a sandbox in which nothing connects: kept in a file, and sent by its next hook.

Hooks run outside of it. Each request has its key from the beginning, so that one which is sent twice counts once.
"""

import fcntl
import os
import time

from maestro_cli.environment import run_folder
from maestrod.client import jsontext
from maestrod.client.errors import ClientError, Refused

TYPE_CHECKING = False  # typing costs the everyday call half of its time
if TYPE_CHECKING:
    from collections.abc import Mapping

    from maestro_cli.request import Request
    from maestrod.client.blocking import Client

LIMIT = 4 << 20
"""A file that is larger takes nothing more, and is not read."""
LOCK_S = 2.0


def place(environ: "Mapping[str, str]") -> str:
    """The session's file."""
    session = environ.get("MAESTRO_SESSION_ID", "")
    name = "".join(c for c in session if c.isascii() and (c.isalnum() or c in "_-"))[:80]
    return os.path.join(run_folder(environ), "spool", f"calls-{name or 'unknown'}.jsonl")


def keep(environ: "Mapping[str, str]", words: str, request: "Request") -> None:
    """Write a request down; it is on the disk when this returns.

    Raises:
        OSError: it cannot be written, or there is too much already.
    """
    path = place(environ)
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    headers = {**request.headers, "Idempotency-Key": os.urandom(16).hex()}
    told = {"words": words, "method": request.method, "path": request.path, "body": request.body, "headers": headers}
    descriptor = _locked(path, time.monotonic() + LOCK_S, create=True)
    try:
        if os.fstat(descriptor).st_size > LIMIT:
            raise OSError(f"too much waits in {path}")
        os.lseek(descriptor, 0, os.SEEK_END)
        os.write(descriptor, (jsontext.write(told) + "\n").encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def send(environ: "Mapping[str, str]", client: "Client", deadline: float) -> list[str]:
    """Send what waits, in order, until the time runs out; what came of each, in a line. The rest waits on."""
    try:
        descriptor = _locked(place(environ), min(deadline, time.monotonic() + LOCK_S), create=False)
    except OSError:
        return []
    came: list[str] = []
    try:
        lines = _read(descriptor)
        while lines:
            left = deadline - time.monotonic()
            try:
                came += _sent(lines[0], client, left) if left > 0 else _wait_on()
            except ClientError:
                break
            lines.pop(0)
        if lines:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, b"".join(line + b"\n" for line in lines), 0)
        else:
            os.unlink(place(environ))
    finally:
        os.close(descriptor)
    return came


def _sent(line: bytes, client: "Client", left: float) -> list[str]:
    """Raises: ClientError: it may be worth another try."""
    try:
        told = jsontext.read(line)
    except ValueError:
        return []  # it was never whole
    if not isinstance(told, dict) or not isinstance(told.get("headers"), dict):
        return []
    words, method, path, body = (told.get(name) for name in ("words", "method", "path", "body"))
    said = f"`maestro {words}`, which was kept until now:"
    try:
        client.call(str(method), str(path), body=body, headers=told["headers"], timeout=left)
    except Refused as refused:
        if refused.retryable:
            raise
        return [f"{said} refused: {refused.message} {refused.hint}".rstrip()]
    except ValueError:
        return []
    return [f"{said} done"]


def _wait_on() -> list[str]:
    raise ClientError("no time is left")


def _read(descriptor: int) -> list[bytes]:
    size = os.fstat(descriptor).st_size
    raw = os.pread(descriptor, size, 0) if size <= 2 * LIMIT else b""
    return [line for line in raw.split(b"\n") if line]


def _locked(path: str, deadline: float, *, create: bool) -> int:
    """The file, which is nobody else's until it is closed, and still has its name.

    Raises:
        OSError: it is not there, cannot be written, or is not let go of.
    """
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK | (os.O_CREAT if create else 0)
    while True:
        descriptor = os.open(path, flags, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is(descriptor, path):
                return descriptor
        except BlockingIOError:
            if time.monotonic() > deadline:
                os.close(descriptor)
                raise
        os.close(descriptor)
        time.sleep(0.005)


def _is(descriptor: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path, follow_symlinks=False))
    except OSError:
        return False
