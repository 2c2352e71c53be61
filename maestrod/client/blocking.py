"""One request, one answer: HTTP/1.1 over the daemon's Unix socket, or to a URL.

Everyday calls live in here, so it takes nothing but C modules: ``socket`` and ``json`` would each cost as
much as the whole call. A write carries an idempotency key, so every retry is safe.
"""

import os
import time

from maestrod.client import jsontext, wire
from maestrod.client.errors import Refused, Unreachable
from maestrod.client.wire import Answer, Lost

TYPE_CHECKING = False  # typing costs the everyday call half of its time
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PREFIX = "/api/v1"
ROOTED = ("/health", "/ready", "/metrics", "/api/")
AWAY_S = 2.0
"""How long a daemon that is not there, and may not be started, is waited for: a restart takes less."""
PAUSE_S = 0.05
LONGEST_PAUSE_S = 1.0
PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-~")


class Client:
    """The door to one daemon; every call opens its own connection.

    ``start`` brings up a daemon that is not there; without it such a daemon is waited for ``patience`` seconds.
    """

    def __init__(
        self,
        server: str,
        *,
        timeout: float = 10.0,
        retries: int = 1000,
        credential_file: str = "",
        key: str = "",
        key_file: str = "",
        start: "Callable[[], None] | None" = None,
    ) -> None:
        self.server = server
        self.timeout = timeout
        self.retries = retries
        self.patience = AWAY_S
        self.start = start
        self._files = (credential_file, key_file)
        self._key = key
        self._host = server.partition("://")[2].partition("/")[0].rpartition("@")[2] or "maestro"

    def call(
        self,
        method: str,
        path: str,
        *,
        query: "Mapping[str, object] | None" = None,
        body: object = None,
        headers: "Mapping[str, str] | None" = None,
        timeout: float | None = None,
    ) -> Answer:
        """Ask, and ask again while that may help.

        Raises:
            Unreachable: nobody answers, or no daemon does.
            TimedOut: the time ran out first.
            Refused: the daemon said no.
        """
        content = b"" if body is None else jsontext.write(body).encode()
        head = self.head(method, target(path, query), content, headers or {})
        answer = self._asked(head + content, self.timeout if timeout is None else timeout)
        if answer.status >= 400:
            raise Refused(answer.problem(), answer.status)
        return answer

    def _asked(self, request: bytes, timeout: float) -> Answer:
        deadline = time.monotonic() + timeout
        patience = time.monotonic() + min(timeout, self.patience)
        start = self.start
        tries = 0
        while True:
            try:
                return self._once(request, deadline)
            except Lost as lost:
                if lost.away and start is not None:
                    start()
                    start = None
                    continue
                pause = max(lost.pause, _jitter(min(LONGEST_PAUSE_S, PAUSE_S * 2**tries)))
                tries += 1
                if tries > self.retries or time.monotonic() + pause > (patience if lost.away else deadline):
                    raise _given_up(self.server, lost) from None
                time.sleep(pause)

    def _once(self, request: bytes, deadline: float) -> Answer:
        if self.server.startswith("unix:"):
            answer = wire.exchange(self.server[5:], request, deadline)
        else:
            from maestrod.client import remote

            answer = remote.exchange(self.server, request, deadline)
        if answer.status in (429, 503):
            raise Refusal(answer)
        return answer

    def head(self, method: str, target: str, content: bytes, headers: "Mapping[str, str]") -> bytes:
        """The head of a request, with who we are, a request id, and for a write the key that makes repeating safe."""
        lines = [f"{method} {target} HTTP/1.1", f"Host: {self._host}", "Accept: application/json"]
        if "Connection" not in headers:
            lines.append("Connection: close")
        lines.append(f"X-Request-ID: {os.urandom(8).hex()}")
        lines += self._credentials()
        if method != "GET":
            lines.append(f"Content-Length: {len(content)}")
            if content:
                lines.append("Content-Type: application/json")
            if "Idempotency-Key" not in headers:
                lines.append(f"Idempotency-Key: {os.urandom(16).hex()}")
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if any("\r" in line or "\n" in line for line in lines):
            raise ValueError("a line break in a header")
        return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")

    def _credentials(self) -> list[str]:
        """What says who we are: a session's credential, else a key where there is a network between us."""
        credential_file, key_file = self._files
        if credential_file:
            return [f"Authorization: Bearer {_secret(credential_file, SESSION_OVER)}"]
        if self.server.startswith("unix:"):
            return []
        key = _secret(key_file, "Check MAESTRO_API_KEY_FILE.") if key_file else self._key.strip()
        return [f"X-API-Key: {key}"] if key else []


SESSION_OVER = "The session that it belonged to is over; `maestro whoami` in another terminal shows who you are there."


class Refusal(Lost):
    """The daemon asks to be asked later."""

    def __init__(self, answer: Answer) -> None:
        after = answer.headers.get("retry-after", "")
        super().__init__("busy", pause=min(float(after), 30.0) if after.isdecimal() else 0.0)
        self.answer = answer


def target(path: str, query: "Mapping[str, object] | None" = None) -> str:
    """The request's target: the path below the API's prefix with its query; what is None is left out."""
    whole = path if path.startswith(ROOTED) else PREFIX + path
    pairs = [f"{quoted(name)}={quoted(_word(value))}" for name, value in (query or {}).items() if value is not None]
    return f"{whole}?{'&'.join(pairs)}" if pairs else whole


def quoted(text: str) -> str:
    """The text as one segment of a path, or a value in a query."""
    return "".join(
        c if c in PLAIN else "".join(f"%{b:02X}" for b in c.encode("utf-8", "surrogateescape")) for c in text
    )


def _word(value: object) -> str:
    return jsontext.write(value) if isinstance(value, bool) else str(value)


def _secret(path: str, hint: str) -> str:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise _no_secret(f"cannot read {path}: {error.strerror}", hint) from None
    try:
        found = os.read(descriptor, 4096).decode("ascii", "replace").strip()
    finally:
        os.close(descriptor)
    if not found.isprintable() or not found.isascii() or not found:
        raise _no_secret(f"{path} holds no credential", hint)
    return found


def _no_secret(message: str, hint: str) -> Refused:
    return Refused({"code": "UNAUTHORIZED", "message": message, "hint": hint}, 401)


def _given_up(server: str, lost: Lost) -> Exception:
    if isinstance(lost, Refusal):
        return Refused(lost.answer.problem(), lost.answer.status)
    return Unreachable(f"no daemon at {server}: {lost}", hint="`maestro daemon start` starts it.")


def _jitter(longest: float) -> float:
    return longest * int.from_bytes(os.urandom(2), "big") / 65535
