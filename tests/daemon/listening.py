"""Clients of the event stream: one that listens as it should, and one that is as rude as a test wants."""

import asyncio
import base64
import json
import os
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from tests.support.daemon import Daemon
from tests.support.eventually import aeventually

Frame = dict[str, Any]


class Listener:
    """A WebSocket client; ``frames`` are all that came, arrays taken apart."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        self.ws = ws
        self.frames: list[Frame] = []
        self.arrays = 0

    async def listen(self) -> None:
        """Take what comes until the daemon closes."""
        async for message in self.ws:
            if message.type is not aiohttp.WSMsgType.TEXT:
                continue
            said = json.loads(message.data)
            self.arrays += isinstance(said, list)
            self.frames += said if isinstance(said, list) else [said]

    async def say(self, **frame: object) -> None:
        """Send a frame."""
        await self.ws.send_json(frame)

    @property
    def events(self) -> list[Frame]:
        """The frames of commits."""
        return [f for f in self.frames if "seq" in f and f["type"] not in {"hello", "resync"}]

    @property
    def places(self) -> list[tuple[int, int]]:
        """Where in the history each of them stands."""
        return [(f["seq"], f["i"]) for f in self.events]

    @property
    def last(self) -> int:
        """The newest seq that came."""
        return max((f["seq"] for f in self.frames if "seq" in f), default=0)

    def of(self, kind: str) -> list[Frame]:
        """The frames of a type."""
        return [f for f in self.frames if f["type"] == kind]

    async def until(self, holds: Callable[["Listener"], object], what: str = "") -> None:
        """Wait for what came to fulfil a condition."""

        async def look() -> bool:
            return bool(holds(self))

        await aeventually(look, what=what or f"frames so far: {self.frames[-3:]}")


@asynccontextmanager
async def listening(daemon: Daemon, path: str = "/api/v1/events", **query: object) -> AsyncIterator[Listener]:
    """A client that listens while the block runs."""
    connector = aiohttp.UnixConnector(path=str(daemon.socket))
    params = {name: str(value) for name, value in query.items()}
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.ws_connect(f"http://maestro{path}", params=params, max_msg_size=0) as ws,
        asyncio.TaskGroup() as group,
    ):
        listener = Listener(ws)
        task = group.create_task(listener.listen())
        try:
            yield listener
        finally:
            task.cancel()


@asynccontextmanager
async def crowd(daemon: Daemon, afters: Sequence[int | None], **query: object) -> AsyncIterator[list[Listener]]:
    """Many clients, each from its own place in the history."""
    connector = aiohttp.UnixConnector(path=str(daemon.socket), limit=0)
    async with aiohttp.ClientSession(connector=connector) as session, asyncio.TaskGroup() as group:
        listeners = []
        tasks = []
        for after in afters:
            params = {"after": str(after)} if after is not None else {}
            ws = await session.ws_connect("http://maestro/api/v1/events", params=params, max_msg_size=0)
            listeners.append(Listener(ws))
            tasks.append(group.create_task(listeners[-1].listen()))
        try:
            yield listeners
        finally:
            for task in tasks:
                task.cancel()


class Rude:
    """A bare WebSocket connection that reads and sends only what it is told to."""

    def __init__(self, daemon: Daemon, query: str = "", *, offers: str = "") -> None:
        self.socket = daemon.connect()
        extra = f"Sec-WebSocket-Extensions: {offers}\r\n" if offers else ""
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET /api/v1/events{query} HTTP/1.1\r\nHost: m\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n{extra}\r\n".encode()
        )
        self._read = b""
        self.head = _head(self.socket)
        self.status = int(self.head.split(b" ")[1])

    def send(self, opcode: int, payload: bytes, *, fin: bool = True, masked: bool = True) -> None:
        """One frame, as rude as its parts."""
        head = bytes([(0x80 if fin else 0) | opcode])
        bit = 0x80 if masked else 0
        size = len(payload)
        if size < 126:
            head += bytes([bit | size])
        elif size < 1 << 16:
            head += bytes([bit | 126]) + size.to_bytes(2, "big")
        else:
            head += bytes([bit | 127]) + size.to_bytes(8, "big")
        mask = b"\x00\x00\x00\x00" if masked else b""
        self.socket.sendall(head + mask + payload)

    def frame(self) -> tuple[int, bytes]:
        """The next frame: its opcode and payload; opcode 8 with nothing when the daemon has hung up."""
        try:
            opcode = self._take(1)[0] & 0x0F
            size = self._take(1)[0] & 0x7F
            if size > 125:
                size = int.from_bytes(self._take(2 if size == 126 else 8), "big")
            return opcode, self._take(size)
        except (ConnectionError, EOFError):
            return 8, b""

    def said(self) -> Any:
        """The next text frame."""
        while True:
            opcode, payload = self.frame()
            if opcode == 1:
                return json.loads(payload)
            assert opcode != 8, f"the daemon has closed: {payload!r}"

    def close(self) -> None:
        """Hang up without a word."""
        self.socket.close()

    def _take(self, size: int) -> bytes:
        while len(self._read) < size:
            part = self.socket.recv(1 << 16)
            if not part:
                raise EOFError
            self._read += part
        taken, self._read = self._read[:size], self._read[size:]
        return taken


class Source:
    """A client of Server-Sent Events that reads only when it is told to."""

    def __init__(self, daemon: Daemon, query: str = "", *, last: str = "", version: str = "1.1") -> None:
        self.socket = daemon.connect()
        extra = f"Last-Event-ID: {last}\r\n" if last else ""
        self.socket.sendall(
            f"GET /api/v1/events{query} HTTP/{version}\r\nHost: m\r\nAccept: text/event-stream\r\n{extra}\r\n".encode()
        )
        self.head = _head(self.socket)
        self.status = int(self.head.split(b" ")[1])
        self._chunked = b"transfer-encoding: chunked" in self.head.lower()
        self._file = self.socket.makefile("rb")
        self._text = b""

    def block(self) -> list[bytes]:
        """The next lines up to an empty one; none at the end of the stream."""
        while b"\n\n" not in self._text:
            part = self._part()
            if not part:
                return []
            self._text += part
        block, _, self._text = self._text.partition(b"\n\n")
        return block.split(b"\n")

    def said(self) -> tuple[str, Frame]:
        """The next event: its id, and its frame."""
        while (lines := self.block()) and not lines[-1].startswith(b"data: "):
            pass
        assert lines, "the stream has ended"
        place = lines[0].removeprefix(b"id: ").decode() if len(lines) > 1 else ""
        return place, json.loads(lines[-1].removeprefix(b"data: "))

    def close(self) -> None:
        """Hang up."""
        self._file.close()
        self.socket.close()

    def _part(self) -> bytes:
        if not self._chunked:
            return self._file.readline()
        size = self._file.readline()
        part = self._file.read(int(size or b"0", 16))
        self._file.readline()
        return part


def _head(connection: socket.socket) -> bytes:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        part = connection.recv(1)
        if not part:
            break
        head += part
    return head
