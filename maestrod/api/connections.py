"""Connections: one that never asks is closed, and what is no HTTP is refused like everything else."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import StreamReader, WSCloseCode, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import RawRequestMessage

from maestrod.api.identity import Peer, peer_of
from maestrod.protocol.problems import problem
from maestrod.protocol.views import encode

log = logging.getLogger(__name__)

PROBLEM = "application/problem+json"
IDLE_S = 300.0
"""How long a connection may rest between two requests."""
SHOWN = 200
GOODBYE_S = 1.0
"""How long a WebSocket client may take to answer that the daemon goes."""


class Connection(web.RequestHandler):
    """One connection; what cannot be read as HTTP is answered with a problem.

    ``gone`` is for whoever has to know when the client has hung up.
    """

    gone: asyncio.Event | None = None
    peer = Peer(is_remote=True)

    def connection_lost(self, exc: BaseException | None) -> None:
        """It has ended."""
        super().connection_lost(exc)
        if self.gone is not None:
            self.gone.set()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Refuse, and close the connection."""
        log.info("a request could not be read: %s", message or exc, extra={"status": status})
        if request.writer.output_size > 0:
            raise ConnectionError("the answer had begun")
        told = (message or "").strip().partition("\n")[0][:SHOWN]
        code = "INTERNAL_ERROR" if status >= 500 else "VALIDATION_ERROR"
        body = problem(code, f"this is no HTTP request: {told}", hint="Send HTTP/1.1.")
        response = web.Response(body=encode(body), status=body.status, content_type=PROBLEM)
        response.force_close()
        return response

    def log_exception(self, *args: object, **kw: object) -> None:
        """Log what failed; a body that broke off is the client's failure and was answered."""
        if isinstance(kw.get("exc_info"), web.RequestPayloadError):
            log.info("a body could not be read: %s", kw["exc_info"])
        else:
            super().log_exception(*args, **kw)


class Server(web.Server):
    """Makes the connections of a site; one that sends no whole request within ``arrival_s`` is closed.

    Over TCP at most ``most_remote`` are open at once, so that the Unix socket always has some to spare.
    """

    def __init__(
        self,
        handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
        *,
        largest: int,
        arrival_s: float,
        most_remote: int,
    ) -> None:
        super().__init__(handler, request_factory=self._request, access_log=None, keepalive_timeout=IDLE_S)
        self._largest = largest
        self._arrival_s = arrival_s
        self._serving = asyncio.get_running_loop()
        self._most_remote = most_remote
        self._remote: set[web.RequestHandler] = set()
        self._silent: dict[web.RequestHandler, asyncio.TimerHandle] = {}

    def __call__(self) -> web.RequestHandler:
        """A new connection."""
        return Connection(self, loop=self._serving, **self._kwargs)

    def connection_made(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        """It begins; its first request must come soon."""
        super().connection_made(handler, transport)
        self._silent[handler] = self._serving.call_later(self._arrival_s, transport.abort)
        peer = peer_of(transport)
        if isinstance(handler, Connection):
            handler.peer = peer
        if peer.is_remote:
            self._remote.add(handler)
            if len(self._remote) > self._most_remote:
                log.warning("too many TCP connections: one was turned away", extra={"most": self._most_remote})
                transport.abort()

    def connection_lost(self, handler: web.RequestHandler, exc: BaseException | None = None) -> None:
        """It has ended."""
        super().connection_lost(handler, exc)
        self._remote.discard(handler)
        self._spoke(handler)

    def _spoke(self, handler: web.RequestHandler) -> None:
        timer = self._silent.pop(handler, None)
        if timer is not None:
            timer.cancel()

    def _request(
        self,
        message: RawRequestMessage,
        payload: StreamReader,
        protocol: web.RequestHandler,
        writer: AbstractStreamWriter,
        task: asyncio.Task[None],
    ) -> web.BaseRequest:
        if self._silent:
            self._spoke(protocol)
        return web.BaseRequest(message, payload, protocol, writer, task, self._serving, client_max_size=self._largest)


def peer_behind(request: web.BaseRequest) -> Peer:
    """Who is at the other end of the connection of a request."""
    connection = request.protocol
    return connection.peer if isinstance(connection, Connection) else Connection.peer


async def goodbye(clients: Mapping[web.WebSocketResponse, asyncio.Transport]) -> None:
    """Close these WebSockets, all at once; who does not answer is cut off."""
    async with asyncio.TaskGroup() as group:
        for ws, transport in clients.items():
            group.create_task(_close(ws, transport))


async def _close(ws: web.WebSocketResponse, transport: asyncio.Transport) -> None:
    try:
        async with asyncio.timeout(2 * GOODBYE_S):
            await ws.close(code=WSCloseCode.GOING_AWAY, message=b"the daemon is stopping")
    except (TimeoutError, ConnectionError):
        transport.abort()
