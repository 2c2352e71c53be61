"""Reads a stream of text messages: a WebSocket client (RFC 6455) without an event loop."""

import base64
import hashlib
import os
import socket
import ssl
import time
from _socket import socket as Socket  # noqa: N812 - the class that all kinds of socket share
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from urllib.parse import urlsplit

from maestrod.client import remote, wire
from maestrod.client.blocking import Client, target
from maestrod.client.errors import ClientError, Refused, TimedOut, Unreachable
from maestrod.client.wire import NO_DAEMON, Lost, Reader

OPEN_S = 10.0
SILENCE_S = 60.0
"""The daemon pings every 20 s; when it is silent for so long, the connection is dead."""
MESSAGE_LIMIT = 64 << 20
MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
CONTINUED, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


def messages(client: Client, path: str, *, query: Mapping[str, object] | None = None, say: str = "") -> Iterator[str]:
    """The text messages of a stream, until the daemon closes it; ``say`` is a first message to the daemon.

    Raises:
        Lost: the connection broke; connect again.
        Refused: the daemon will not.
        Unreachable, TimedOut: nobody or something else answers.
    """
    deadline = time.monotonic() + OPEN_S
    with closing(_connection(client.server, deadline)) as connection:
        conversation = Conversation(connection, _upgraded(client, connection, path, query, deadline))
        if say:
            conversation.say(say)
        yield from conversation.texts()


class Conversation:
    """An open WebSocket: pings are answered, pieces put together."""

    def __init__(self, connection: Socket, reader: Reader) -> None:
        self._connection = connection
        self._reader = reader

    def say(self, text: str) -> None:
        """Send one text message."""
        try:
            self._send(TEXT, text.encode())
        except OSError as error:
            raise Lost(f"the stream broke: {error}") from None

    def texts(self) -> Iterator[str]:
        """Every text message in turn, until it is closed."""
        parts: list[bytes] = []
        while True:
            final, kind, payload = self._frame()
            if kind == CLOSE:
                self._answer(CLOSE, payload[:2])
                return
            if kind == PING:
                self._answer(PONG, payload)
            if kind in (PING, PONG):
                continue
            parts.append(payload)
            if kind not in (CONTINUED, TEXT, BINARY) or sum(map(len, parts)) > MESSAGE_LIMIT:
                raise Unreachable("a message without end", hint=NO_DAEMON)
            if final:
                yield b"".join(parts).decode("utf-8", "replace")
                parts = []

    def _frame(self) -> tuple[bool, int, bytes]:
        self._reader.deadline = time.monotonic() + SILENCE_S
        try:
            first, second = self._reader.exactly(2)
            size = second & 0x7F
            if size > 125:
                size = int.from_bytes(self._reader.exactly(2 if size == 126 else 8), "big")
            if second & 0x80 or first & 0x70 or size > MESSAGE_LIMIT:
                raise Unreachable("no WebSocket frame", hint=NO_DAEMON)
            return bool(first & 0x80), first & 0x0F, self._reader.exactly(size)
        except (TimedOut, OSError) as error:
            raise Lost(f"the stream broke: {error}") from None

    def _answer(self, kind: int, payload: bytes) -> None:
        """Send it if that is still possible; reading tells when the stream is broken."""
        with suppress(OSError):
            self._send(kind, payload)

    def _send(self, kind: int, payload: bytes) -> None:
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))
        size = len(masked)
        length = bytes((0x80 | size,)) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
        self._connection.sendall(bytes((0x80 | kind,)) + length + mask + masked)


def _connection(server: str, deadline: float) -> Socket:
    if server.startswith("unix:"):
        return wire.connect(server[5:], deadline)
    url = urlsplit(server)
    secure = url.scheme == "https"
    remote.connect(server, deadline)
    try:
        plain = socket.create_connection((url.hostname, url.port or (443 if secure else 80)), wire.left(deadline))
        return ssl.create_default_context().wrap_socket(plain, server_hostname=url.hostname) if secure else plain
    except OSError as error:
        raise Lost(str(error), away=isinstance(error, ConnectionRefusedError)) from None


def _upgraded(
    client: Client, connection: Socket, path: str, query: Mapping[str, object] | None, deadline: float
) -> Reader:
    key = base64.b64encode(os.urandom(16)).decode()
    headers = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": key,
        "Sec-WebSocket-Version": "13",
    }
    reader = Reader(connection, deadline)
    try:
        connection.sendall(client.head("GET", target(path, query), b"", headers))
        status, answered = reader.head()
        if status != 101:
            raise _refused(reader, status, answered)
    except OSError as error:
        raise Lost(f"the stream broke: {error}") from None
    proof = base64.b64encode(hashlib.sha1(f"{key}{MAGIC}".encode(), usedforsecurity=False).digest()).decode()
    if answered.get("sec-websocket-accept") != proof:
        raise Unreachable("no WebSocket answer", hint=NO_DAEMON)
    return reader


def _refused(reader: Reader, status: int, headers: dict[str, str]) -> ClientError | Lost:
    answer = reader.body(status, headers)
    if status in (429, 503):
        return Lost("busy")
    return Refused(answer.problem(), status)
