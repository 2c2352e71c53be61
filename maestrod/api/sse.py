"""The event stream as Server-Sent Events: the same frames for whoever can read lines."""

import asyncio
from collections.abc import Sequence

from aiohttp import web

from maestrod.api.connections import GOODBYE_S, Connection
from maestrod.api.feeds import Feed, Place
from maestrod.engine.engine import Engine
from maestrod.engine.hub import Subscriber
from maestrod.protocol.frames import Frame

TYPE = "text/event-stream"
HEADERS = {"Content-Type": TYPE, "Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
OPENING = b"retry: 1000\n\n"
BEAT = b": still here\n\n"


def is_wanted(request: web.BaseRequest) -> bool:
    """Whether the client asks for Server-Sent Events."""
    accepted = request.headers.get("Accept", "").lower().split(",")
    return any(each.partition(";")[0].strip() == TYPE for each in accepted)


def event(frame: Frame) -> bytes:
    """A frame as an event. Its id is the place after it; what is never replayed has none."""
    if frame.seq is None:
        return b"data: " + frame.body + b"\n\n"
    place = f"{frame.seq}.{frame.index}" if frame.index >= 0 else str(frame.seq)
    return f"id: {place}\ndata: ".encode() + frame.body + b"\n\n"


class EventSource:
    """One client; what it does not take within ``silence_s`` ends it."""

    def __init__(self, request: web.BaseRequest, headers: dict[str, str], *, beat_s: float, silence_s: float) -> None:
        self.response = web.StreamResponse(headers=HEADERS | headers)
        self._request = request
        self._beat_s = beat_s
        self._silence_s = silence_s
        self._over = asyncio.Event()

    async def open(self) -> asyncio.Transport | None:
        """Begin; the client's transport, or None when it is gone already."""
        if isinstance(self._request.protocol, Connection):
            self._request.protocol.gone = self._over
        await self.response.prepare(self._request)
        await self._write(OPENING)
        return self._request.transport

    async def follow(self, engine: Engine, subscriber: Subscriber, place: Place | None) -> None:
        """Tell the client what it missed and what comes, until it goes or is told to.

        Raises:
            ConnectionError: it is gone.
            TimeoutError: it takes nothing any more.
        """
        feed = Feed(engine, subscriber, place, send=self._send, direct=False)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(feed.run()), group.create_task(self._beats())]
            await self._over.wait()
            for task in tasks:
                task.cancel()

    def close(self) -> None:
        """End it."""
        self._over.set()

    async def end(self) -> None:
        """Say that there is no more, if anybody hears it."""
        async with asyncio.timeout(GOODBYE_S):
            await self.response.write_eof()

    async def _send(self, frames: Sequence[Frame]) -> None:
        await self._write(b"".join(event(frame) for frame in frames))

    async def _beats(self) -> None:
        while True:
            await asyncio.sleep(self._beat_s)
            await self._write(BEAT)

    async def _write(self, data: bytes) -> None:
        async with asyncio.timeout(self._silence_s):
            await self.response.write(data)
            await self._request.writer.drain()
