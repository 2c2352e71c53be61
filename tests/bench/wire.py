"""The generator's side of the wire: a keep-alive HTTP client and a receive-only WebSocket client.

They read just as much of HTTP/1.1 (RFC 9112) and WebSocket (RFC 6455) as the servers under measurement write, so
that sending a request and taking its answer costs a fraction of what serving it does.
"""

import asyncio
import base64
import re
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, Protocol, cast

import msgspec

HOST = "localhost"
_HEAD_END = b"\r\n\r\n"
_LENGTH = b"\r\nContent-Length: "
_LAST_CHUNK = b"0\r\n\r\n"
_UNKNOWN, _CHUNKED = -1, -2
_MARK = re.compile(rb"@@(\d+)@(\d+)@@")
_CLOSE, _PING, _PONG = 8, 9, 10


class Failed(Exception):
    """A request was refused or broke off: figures with errors in them are worth nothing."""


class Answer(NamedTuple):
    """What came back, and how long after the request was sent its last byte came."""

    status: int
    body: bytes
    nanoseconds: int


class Taker(Protocol):
    """Whoever waits for an answer."""

    def took(self, answer: Answer) -> None:
        """It came."""

    def broke(self, error: Failed) -> None:
        """It will not come."""


def request(method: str, path: str, body: object = None, *, close: bool = False) -> bytes:
    """The bytes of a request; a body is sent as JSON, and ``close`` ends the connection with the answer."""
    head = f"{method} {path} HTTP/1.1\r\nHost: {HOST}\r\nAccept: application/json\r\n"
    head += "Connection: close\r\n" if close else ""
    if body is None:
        return f"{head}\r\n".encode()
    sent = msgspec.json.encode(body)
    return f"{head}Content-Type: application/json\r\nContent-Length: {len(sent)}\r\n\r\n".encode() + sent


def mark(number: int) -> str:
    """A text that says which one it is and when it was made; ``EventSink`` finds it in a frame."""
    return f"@@{number}@{time.monotonic_ns()}@@"


class Connection(asyncio.Protocol):
    """One keep-alive connection with one request under way at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._taker: Taker | None = None
        self._sent_at = 0
        self._status = 0
        self._missing = _UNKNOWN
        self._tail = b""
        self._parts: list[bytes] = []

    @classmethod
    async def open(cls, path: Path) -> "Connection":
        """Connect to a Unix socket."""
        _, protocol = await asyncio.get_running_loop().create_unix_connection(cls, str(path))
        return protocol

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()

    def send(self, sent: bytes, taker: Taker) -> None:
        """Send a request; its answer goes to ``taker``."""
        if self._transport is None:
            taker.broke(Failed("the connection is closed"))
            return
        self._taker = taker
        self._sent_at = time.monotonic_ns()
        self._transport.write(sent)

    async def ask(self, sent: bytes) -> Answer:
        """Send a request and wait for its answer.

        Raises:
            Failed: it was refused, or the connection broke.
        """
        waiter = _Waiter()
        self.send(sent, waiter)
        answer = await waiter.future
        if answer.status >= 300:
            raise refusal(answer)
        return answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It begins."""
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """It has ended; whoever waits is told."""
        self._transport = None
        taker, self._taker = self._taker, None
        if taker is not None:
            taker.broke(Failed(f"the connection was lost: {exc or 'closed by the server'}"))

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        if self._missing == _UNKNOWN:
            if self._parts:
                data = b"".join((*self._parts, data))
                self._parts.clear()
            body = self._begin(data)
            if body is None:
                self._parts.append(data)
                return
            data = body
        if self._missing == _CHUNKED:
            self._tail = (self._tail + data[-len(_LAST_CHUNK) :])[-len(_LAST_CHUNK) :]
            whole = self._tail == _LAST_CHUNK
        else:
            self._missing -= len(data)
            whole = self._missing <= 0
        self._parts.append(data)
        if whole:
            self._end()

    def _begin(self, data: bytes) -> bytes | None:
        """Read the head; what follows it, or None while it is not whole."""
        end = data.find(_HEAD_END)
        if end < 0:
            return None
        self._status = int(data[9:12])
        at = data.find(_LENGTH, 0, end)
        if at < 0:
            self._missing, self._tail = _CHUNKED, b""
        else:
            self._missing = int(data[at + len(_LENGTH) : data.find(b"\r\n", at + 2)])
        return data[end + len(_HEAD_END) :]

    def _end(self) -> None:
        now = time.monotonic_ns()
        body = b"".join(self._parts)
        if self._missing == _CHUNKED:
            body = _unchunked(body)
        self._missing = _UNKNOWN
        self._parts.clear()
        taker, self._taker = self._taker, None
        if taker is not None:
            taker.took(Answer(self._status, body, now - self._sent_at))


class _Waiter:
    def __init__(self) -> None:
        self.future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

    def took(self, answer: Answer) -> None:
        if not self.future.done():
            self.future.set_result(answer)

    def broke(self, error: Failed) -> None:
        if not self.future.done():
            self.future.set_exception(error)


def refusal(answer: Answer) -> Failed:
    """What an answer that is no success comes to."""
    return Failed(f"a request was answered {answer.status}: {answer.body[:300].decode(errors='replace')}")


def _unchunked(body: bytes) -> bytes:
    parts: list[bytes] = []
    at = 0
    while True:
        end = body.index(b"\r\n", at)
        size = int(body[at:end], 16)
        if size == 0:
            return b"".join(parts)
        parts.append(body[end + 2 : end + 2 + size])
        at = end + 4 + size


def upgrade(path: str) -> bytes:
    """The bytes that ask for a WebSocket."""
    key = base64.b64encode(secrets.token_bytes(16)).decode()
    return (
        f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()


class EventSink(asyncio.Protocol):
    """A client of the event stream that only listens; every mark in a frame goes to ``heard(number, ns)``."""

    def __init__(self, path: str, heard: Callable[[int, int], None]) -> None:
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.lost = False
        self._path = path
        self._heard = heard
        self._transport: asyncio.Transport | None = None
        self._rest = b""

    @classmethod
    async def open(cls, socket: Path, path: str, heard: Callable[[int, int], None]) -> "EventSink":
        """Connect and upgrade.

        Raises:
            Failed: the server does not let it listen.
        """
        loop = asyncio.get_running_loop()
        _, sink = await loop.create_unix_connection(lambda: cls(path, heard), str(socket))
        await sink.opened
        return sink

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It begins: ask for the upgrade."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(upgrade(self._path))

    def connection_lost(self, exc: Exception | None) -> None:
        """It has ended."""
        self.lost = True
        self._transport = None
        if not self.opened.done():
            self.opened.set_exception(Failed(f"the stream was not opened: {exc or 'closed by the server'}"))

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        now = time.monotonic_ns()
        if self._rest:
            data = self._rest + data
        begin = end = 0 if self.opened.done() else self._upgraded(data)
        if self.opened.done():
            for opcode, start, end in _frames(data, begin):
                if opcode < _CLOSE:
                    self._look(data, start, end, now)
                else:
                    self._control(opcode, data[start:end])
        self._rest = data[end:]

    def _upgraded(self, data: bytes) -> int:
        """Where the frames begin; 0 while the answer to the upgrade is not whole."""
        end = data.find(_HEAD_END)
        if end < 0:
            return 0
        if data[9:12] == b"101":
            self.opened.set_result(None)
        else:
            self.opened.set_exception(Failed(f"the stream was refused: {data[:300]!r}"))
        return end + len(_HEAD_END)

    def _look(self, data: bytes, start: int, end: int, now: int) -> None:
        for found in _MARK.finditer(data, start, end):
            self._heard(int(found[1]), now - int(found[2]))

    def _control(self, opcode: int, payload: bytes) -> None:
        if opcode == _PING and self._transport is not None:
            self._transport.write(bytes((0x80 | _PONG, 0x80 | len(payload))) + bytes(4) + payload)
        elif opcode == _CLOSE:
            self.close()


def _frames(data: bytes, at: int) -> Iterator[tuple[int, int, int]]:
    """Opcode, start and end of the payload of every whole, unmasked frame."""
    size = len(data)
    while size - at >= 2:
        length, start = data[at + 1], at + 2
        if length == 126:
            length, start = int.from_bytes(data[start : start + 2], "big"), start + 2
        elif length == 127:
            length, start = int.from_bytes(data[start : start + 8], "big"), start + 8
        end = start + length
        if end > size:
            return
        yield data[at] & 15, start, end
        at = end
