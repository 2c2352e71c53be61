"""Connections in memory: what one side writes reaches the other a while later, in pieces, in order."""

import asyncio
import json
import socket
from collections.abc import Mapping
from typing import Any, cast

from tests.simulation.loop import LONGEST_HOLD_S, SimLoop

SLOWEST_S = 0.003


class Lost(Exception):
    """The connection is gone."""


class Answer:
    """One answer of the daemon."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.json: Any = json.loads(body) if body else None

    @property
    def seq(self) -> int:
        return int(self.headers["x-maestro-seq"])


class Pipe(asyncio.Transport):
    """The daemon's end; the client's is ``reader`` and ``send``."""

    pair = socket.socketpair()

    def __init__(self, loop: SimLoop, protocol: asyncio.Protocol) -> None:
        super().__init__()
        self._loop = loop
        self._protocol = protocol
        self._closing = self._ended = False
        self._due = 0.0
        self.reader = asyncio.StreamReader(loop=loop)
        protocol.connection_made(self)

    # -- the client's end ------------------------------------------------------------------------

    def send(self, data: bytes) -> None:
        """In one piece or two."""
        edge = self._loop.random.randint(1, len(data))
        for piece in (data[:edge], data[edge:]):
            if piece:
                self._later(self._arrive, piece)

    def hang_up(self) -> None:
        """The daemon hears of it when it has seen to what came before, as it would from a selector."""
        self._due = max(self._due, self._loop.time()) + 2 * LONGEST_HOLD_S
        self._later(self._end)

    def _arrive(self, data: bytes) -> None:
        if not self._closing:
            self._protocol.data_received(data)

    def _later(self, deed: Any, *args: Any) -> None:
        self._due = max(self._due, self._loop.time() + self._loop.random.random() * SLOWEST_S) + 1e-9
        self._loop.call_at(self._due, deed, *args)

    def _end(self) -> None:
        self._closing = True
        if not self._ended:
            self._ended = True
            self.reader.feed_eof()
            self._protocol.connection_lost(None)

    # -- the daemon's end ------------------------------------------------------------------------

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not self._closing:
            self._later(self._shown, bytes(data))

    def _shown(self, data: bytes) -> None:
        if not self.reader._eof:  # type: ignore[attr-defined]
            self.reader.feed_data(data)

    def writelines(self, list_of_data: Any) -> None:
        self.write(b"".join(list_of_data))

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            self.hang_up()

    def abort(self) -> None:
        self.close()

    def is_closing(self) -> bool:
        return self._closing

    def get_write_buffer_size(self) -> int:
        return 0

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self.pair[0] if name == "socket" else default

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = cast(asyncio.Protocol, protocol)

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._protocol

    def pause_reading(self) -> None:
        """The client never sends much."""

    def resume_reading(self) -> None:
        """The client never sends much."""

    def is_reading(self) -> bool:
        return not self._closing


async def head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    try:
        text = (await reader.readuntil(b"\r\n\r\n")).decode()
    except (asyncio.IncompleteReadError, ConnectionError) as error:
        raise Lost from error
    first, *lines = text.strip().split("\r\n")
    return int(first.split()[1]), {k.lower(): v.strip() for k, v in (line.split(":", 1) for line in lines)}


async def ask(
    pipe: Pipe, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """One request; Raises: Lost: no answer will come."""
    sent = b"" if body is None else json.dumps(body).encode()
    lines = {"Host": "localhost", "Content-Length": str(len(sent)), "Content-Type": "application/json"}
    text = "".join(f"{k}: {v}\r\n" for k, v in {**lines, **(headers or {})}.items())
    pipe.send(f"{method} /api/v1{path} HTTP/1.1\r\n{text}\r\n".encode() + sent)
    status, found = await head(pipe.reader)
    try:
        return Answer(status, found, await pipe.reader.readexactly(int(found["content-length"])))
    except (asyncio.IncompleteReadError, ConnectionError) as error:
        raise Lost from error


async def upgrade(pipe: Pipe, path: str) -> None:
    """Open the event stream."""
    pipe.send(
        f"GET /api/v1{path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
    )
    status, _ = await head(pipe.reader)
    if status != 101:
        raise Lost


async def frame(pipe: Pipe) -> Any:
    """The next message; pings are answered."""
    while True:
        try:
            first, size = await pipe.reader.readexactly(2)
            if size > 125:
                size = int.from_bytes(await pipe.reader.readexactly(2 if size == 126 else 8), "big")
            payload = await pipe.reader.readexactly(size)
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise Lost from error
        kind = first & 0x0F
        if kind == 1:
            return json.loads(payload)
        if kind == 9:
            pipe.send(bytes((0x8A, 0x80 | len(payload))) + bytes(4) + payload)
        if kind == 8:
            pipe.hang_up()
            raise Lost
