"""The bytes between a client and the daemon: a Unix socket, and HTTP/1.1 answers read from it.

Nothing but C modules: ``socket`` alone would cost an everyday call half of its time.
"""

import os
import time
from _socket import AF_UNIX, SOCK_STREAM
from _socket import socket as Socket  # noqa: N812 - the class behind socket.socket

from maestrod.client import jsontext
from maestrod.client.errors import TimedOut, Unreachable

HEAD_LIMIT = 64 << 10
BODY_LIMIT = 512 << 20
EPERM = 1
"""What a sandbox answers; a file's mode has another number."""
NO_DAEMON = "Something else than maestrod answers there: check --server and MAESTRO_SERVER."
SLOW = "`maestro daemon status` shows whether it lives; MAESTRO_TIMEOUT gives it longer."


class Answer:
    """What the daemon said; ``headers`` have lower-case names, ``raw`` is the body as it came."""

    __slots__ = ("headers", "raw", "status")

    def __init__(self, status: int, headers: "dict[str, str]", raw: bytes) -> None:
        self.status = status
        self.headers = headers
        self.raw = raw

    @property
    def body(self) -> object:
        """The document; None when there is none.

        Raises:
            Unreachable: it is no JSON.
        """
        try:
            return jsontext.read(self.raw) if self.raw.strip() else None
        except ValueError as error:
            raise Unreachable(f"the answer is {error}", hint=NO_DAEMON) from error

    def problem(self) -> "dict[str, object]":
        """The document of a refusal; what is none becomes its message."""
        try:
            document = jsontext.read(self.raw)
        except ValueError:
            document = None
        if isinstance(document, dict):
            return document
        return {"message": self.raw[:200].decode("utf-8", "replace").strip()}


class Lost(Exception):
    """An attempt that may be repeated; ``away`` when nobody was there to hear it."""

    def __init__(self, message: str, *, away: bool = False, pause: float = 0.0) -> None:
        super().__init__(message)
        self.away = away
        self.pause = pause


def exchange(path: str, request: bytes, deadline: float) -> Answer:
    """One request over a connection of its own.

    Raises:
        Lost: it may be repeated.
        Unreachable, TimedOut: it may not.
    """
    wire = connect(path, deadline)
    try:
        send(wire, request, deadline)
        return Reader(wire, deadline).answer()
    finally:
        wire.close()


def connect(path: str, deadline: float) -> Socket:
    """A connection to a Unix socket.

    Raises:
        Lost: nobody listens, or too many knock.
        Unreachable: it is not ours to use.
    """
    _refuse_foreign(path)
    wire = Socket(AF_UNIX, SOCK_STREAM)
    wire.settimeout(left(deadline))
    try:
        wire.connect(path)
    except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError):
        wire.close()
        raise Lost(f"nothing listens at {path}", away=True) from None
    except (BlockingIOError, ConnectionResetError, InterruptedError) as error:
        wire.close()
        raise Lost(str(error)) from None
    except TimeoutError:
        wire.close()
        raise TimedOut("the daemon takes no connection", hint=SLOW) from None
    except OSError as error:
        wire.close()
        lost = Unreachable(f"cannot use {path}: {error.strerror or error}", hint="Check --server and MAESTRO_SERVER.")
        if error.errno == EPERM:
            lost.forbidden = True
            lost.hint = "A sandbox forbids it here; `maestro session spawn --network` starts agents that may connect."
        raise lost from None
    return wire


def _refuse_foreign(path: str) -> None:
    """Raises: Unreachable: the socket lies where another user could have put it."""
    folder = path.rpartition("/")[0]
    if not folder.startswith("/tmp/maestro-"):  # noqa: S108 - this is the check
        return
    try:
        owner = os.lstat(folder).st_uid
    except OSError:
        return
    if owner != os.getuid():
        raise Unreachable(f"{folder} belongs to another user", hint="Set MAESTRO_HOME to a folder of your own.")


def send(wire: Socket, request: bytes, deadline: float) -> None:
    """Write a request; a connection that breaks meanwhile may have been answered, which reading tells."""
    try:
        wire.settimeout(left(deadline))
        wire.sendall(request)
    except TimeoutError:
        raise TimedOut("the daemon does not take the request", hint=SLOW) from None
    except (BrokenPipeError, ConnectionResetError):
        return


class Reader:
    """Reads one answer from a connection: a length, chunks, or all until it closes."""

    def __init__(self, wire: Socket, deadline: float) -> None:
        self._wire = wire
        self.deadline = deadline
        self.rest = b""

    def answer(self) -> Answer:
        """Raises: Lost: the connection broke. Unreachable: this is no HTTP. TimedOut: it took too long."""
        try:
            status, headers = self.head()
            while status in (100, 102, 103):
                status, headers = self.head()
            return self.body(status, headers)
        except TimeoutError:
            raise TimedOut("the daemon did not answer in time", hint=SLOW) from None
        except OSError as error:
            raise Lost(f"the connection broke: {error}") from None

    def head(self) -> "tuple[int, dict[str, str]]":
        """The status and the headers."""
        block = self._until(b"\r\n\r\n", HEAD_LIMIT).decode("latin-1")
        first, *lines = block.split("\r\n")
        words = first.split(" ", 2)
        if len(words) < 2 or not words[0].startswith("HTTP/1.") or not words[1].isdecimal():
            raise Unreachable(f"no HTTP answer: {first[:60]!r}", hint=NO_DAEMON)
        pairs = (line.partition(":") for line in lines)
        return int(words[1]), {name.strip().lower(): value.strip() for name, _, value in pairs}

    def body(self, status: int, headers: "dict[str, str]") -> Answer:
        """What follows a head."""
        return Answer(status, headers, self._content(status, headers))

    def _content(self, status: int, headers: "dict[str, str]") -> bytes:
        if status in (204, 304):
            return b""
        if "chunked" in headers.get("transfer-encoding", "").lower():
            return self._chunks()
        length = headers.get("content-length")
        if length is None:
            return self._all()
        if not length.isdecimal() or int(length) > BODY_LIMIT:
            raise Unreachable(f"an answer of {length[:20]} bytes", hint=NO_DAEMON)
        return self.exactly(int(length))

    def _chunks(self) -> bytes:
        parts: list[bytes] = []
        total = 0
        while True:
            line = self._until(b"\r\n", HEAD_LIMIT).partition(b";")[0].strip()
            try:
                size = int(line, 16)
            except ValueError:
                raise Unreachable(f"a chunk of {line[:20]!r} bytes", hint=NO_DAEMON) from None
            total += size
            if size < 0 or total > BODY_LIMIT:
                raise Unreachable("an answer without end", hint=NO_DAEMON)
            if size == 0:
                return b"".join(parts)
            parts.append(self.exactly(size))
            self.exactly(2)

    def exactly(self, size: int) -> bytes:
        """The next ``size`` bytes."""
        parts, missing = [self.rest[:size]], size - len(self.rest)
        self.rest = self.rest[size:]
        while missing > 0:
            part = self._more(missing)
            if not part:
                raise Lost("the answer was cut off")
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)

    def _until(self, mark: bytes, limit: int) -> bytes:
        while mark not in self.rest:
            if len(self.rest) > limit:
                raise Unreachable("a head without end", hint=NO_DAEMON)
            part = self._more(65536)
            if not part:
                raise Lost("the connection was closed before the answer")
            self.rest += part
        found, _, self.rest = self.rest.partition(mark)
        return found

    def _all(self) -> bytes:
        parts = [self.rest]
        total = len(self.rest)
        while part := self._more(1 << 20):
            parts.append(part)
            total += len(part)
            if total > BODY_LIMIT:
                raise Unreachable("an answer without end", hint=NO_DAEMON)
        return b"".join(parts)

    def _more(self, size: int) -> bytes:
        self._wire.settimeout(left(self.deadline))
        return self._wire.recv(min(size, 1 << 20))


def left(deadline: float) -> float:
    """The seconds until the deadline.

    Raises:
        TimedOut: there are none.
    """
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimedOut("the daemon did not answer in time", hint=SLOW)
    return seconds
