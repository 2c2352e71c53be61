"""The event stream: a WebSocket, or Server-Sent Events, that miss nothing after the place they name."""

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import msgspec
from aiohttp import WSMessage, WSMsgType, web

from maestrod.api import sse
from maestrod.api.calls import Call
from maestrod.api.connections import GOODBYE_S, goodbye, peer_behind
from maestrod.api.feeds import Feed, Place, place_of, subscription_of
from maestrod.api.lists import flag
from maestrod.api.reach import permits_of
from maestrod.domain.errors import Conflict, Invalid
from maestrod.engine.engine import Engine
from maestrod.engine.hub import CHUNK, Hub, Subscriber, Subscription
from maestrod.protocol.frames import Frame, plain
from maestrod.protocol.views import encode

log = logging.getLogger(__name__)

CLIENT_MESSAGE = 64 * 1024
SILENT_PINGS = 3
"""After so many periods without a word from it a client is closed."""
PING = b"\x89\x00"
"""An empty ping (RFC 6455, section 5.5.2)."""


class Streams:
    """Serves the event stream to every client; ``run`` pings them, ``close`` ends them all."""

    def __init__(self, engine: Engine, hub: Hub, *, most: int, ping_s: float) -> None:
        self._engine = engine
        self._hub = hub
        self._most = most
        self._ping_s = ping_s
        self._silence_s = SILENT_PINGS * ping_s
        self._open: dict[web.WebSocketResponse, asyncio.Transport] = {}
        self._sources: set[sse.EventSource] = set()
        self._seats = 0

    async def run(self) -> None:
        """Ping every WebSocket client at its time, for as long as it is awaited."""
        while True:
            await asyncio.sleep(self._ping_s)
            for number, transport in enumerate(list(self._open.values()), 1):
                _writer(transport)(PING)
                if number % CHUNK == 0:
                    await asyncio.sleep(0)

    async def serve(self, call: Call) -> web.StreamResponse:
        """One client, from its upgrade to its end.

        Raises:
            Invalid: a parameter is wrong, or the request wants neither kind of stream.
            Conflict: too many clients listen.
        """
        place = place_of("after", call.query.get("after"))
        batch, subscription = flag(call, "batch") or False, subscription_of(call.query)
        if self._seats >= self._most:
            raise Conflict(f"{self._most} clients listen already", hint="Close one, or raise `stream_clients`.")
        self._seats += 1
        try:
            if sse.is_wanted(call.request):
                return await self._source(call, place, batch=batch, subscription=subscription)
            return await self._socket(call, place, batch=batch, subscription=subscription)
        finally:
            self._seats -= 1

    async def status(self, _call: Call) -> web.StreamResponse:
        """How many listen, by WebSockets and by Server-Sent Events."""
        clients = [{"readyState": 1, "readyStateText": "OPEN"} for _ in range(len(self._open) + len(self._sources))]
        body = encode({"connectedClients": len(clients), "clients": clients})
        return web.Response(body=body, content_type="application/json")

    async def close(self) -> None:
        """Say goodbye to every client, to all at once."""
        for source in self._sources:
            source.close()
        await goodbye(self._open)

    # -- Server-Sent Events ------------------------------------------------------------------------

    async def _source(
        self, call: Call, place: Place | None, *, batch: bool, subscription: Subscription | None
    ) -> web.StreamResponse:
        last = place_of("Last-Event-ID", call.request.headers.get("Last-Event-ID"))
        headers = {"X-Request-ID": call.request_id, "X-Maestro-Seq": str(self._engine.durable_seq)}
        source = sse.EventSource(call.request, headers, beat_s=self._ping_s, silence_s=self._silence_s)
        transport = await source.open()
        if transport is None:
            return source.response
        subscriber = self._subscriber(call, transport, batch=batch, subscription=subscription)
        self._sources.add(source)
        try:
            with _parting(transport):
                await source.follow(self._engine, subscriber, last or place)
                await source.end()
        finally:
            self._sources.discard(source)
            self._hub.remove(subscriber)
        return source.response

    # -- WebSockets --------------------------------------------------------------------------------

    async def _socket(
        self, call: Call, place: Place | None, *, batch: bool, subscription: Subscription | None
    ) -> web.StreamResponse:
        ws = web.WebSocketResponse(
            autoping=False,
            receive_timeout=self._silence_s,
            compress=peer_behind(call.request).is_remote,
            max_msg_size=CLIENT_MESSAGE,
            timeout=GOODBYE_S,
        )
        if not ws.can_prepare(call.request):
            raise Invalid.field("Upgrade", f"this route is a WebSocket, or for who accepts {sse.TYPE}")
        await ws.prepare(call.request)
        transport = call.request.transport
        if transport is None:
            return ws
        subscriber = self._subscriber(call, transport, batch=batch, subscription=subscription)
        self._open[ws] = transport
        try:
            with _parting(transport):
                await self._converse(ws, subscriber, place)
        finally:
            self._hub.remove(subscriber)
            del self._open[ws]
        return ws

    def _subscriber(
        self, call: Call, transport: asyncio.Transport, *, batch: bool, subscription: Subscription | None
    ) -> Subscriber:
        subscriber = Subscriber(
            after=self._engine.durable_seq,
            write=_writer(transport),
            buffered=transport.get_write_buffer_size,
            batch=batch,
            subscription=subscription,
            permits=permits_of(lambda: self._engine.state, call.actor),
        )
        self._hub.add(subscriber)
        return subscriber

    async def _converse(self, ws: web.WebSocketResponse, subscriber: Subscriber, place: Place | None) -> None:
        async def send(frames: Sequence[Frame]) -> None:
            await _send(ws, subscriber, frames)

        feed = Feed(self._engine, subscriber, place, send=send, direct=not ws.compress)
        async with asyncio.TaskGroup() as group:
            telling = group.create_task(feed.run())
            try:
                await _listen(ws, subscriber)
            finally:
                telling.cancel()


async def _listen(ws: web.WebSocketResponse, subscriber: Subscriber) -> None:
    """Answer the client until it goes; however fast it speaks, others have their turn after each word."""
    async for message in ws:
        match message.type:
            case WSMsgType.ERROR:
                return
            case WSMsgType.PING:
                await ws.pong(message.data)
            case WSMsgType.PONG:
                continue
            case _:
                answer = _answer(subscriber, message)
                if answer is not None:
                    await ws.send_frame(answer.body, WSMsgType.TEXT)
        await asyncio.sleep(0)


async def _send(ws: web.WebSocketResponse, subscriber: Subscriber, frames: Sequence[Frame]) -> None:
    if subscriber.batch and len(frames) > 1:
        await ws.send_frame(b"[" + b",".join(frame.body for frame in frames) + b"]", WSMsgType.TEXT)
        return
    for frame in frames:
        if frame.index < 0 or subscriber.hears(frame):
            await ws.send_frame(frame.body, WSMsgType.TEXT)


@contextmanager
def _parting(transport: asyncio.Transport) -> Iterator[None]:
    """A client may go at any time; from who gives no sign of life any more its connection is taken."""
    try:
        yield
    except* ConnectionError:
        log.debug("a stream client went away")
    except* TimeoutError:
        log.info("a stream client was silent for too long and is closed")
        transport.abort()


def _writer(transport: asyncio.Transport) -> Callable[[bytes], None]:
    """Writes to a client that may go at any time."""

    def write(data: bytes) -> None:
        if not transport.is_closing():
            transport.write(data)

    return write


class _Said(msgspec.Struct):
    type: str = ""


def _answer(subscriber: Subscriber, message: WSMessage) -> Frame | None:
    if message.type is not WSMsgType.TEXT:
        return plain("error", data={"message": "send JSON as text"})
    try:
        said = msgspec.json.decode(message.data, type=_Said).type
        match said:
            case "subscribe":
                subscriber.choose(_subscription(message.data))
                return plain("subscribed", data=subscriber.subscription)
            case "unsubscribe":
                subscriber.choose(None)
                return plain("unsubscribed")
            case "ping":
                return plain("pong")
            case "ack" | "pong":
                return None
            case _:
                return plain("error", data={"message": f"unknown frame '{said[:40]}'"})
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        return plain("error", data={"message": str(error)})


def _subscription(data: str) -> Subscription:
    document = msgspec.json.decode(data, type=dict[str, object])
    document.pop("type", None)
    return msgspec.convert(document, Subscription)
