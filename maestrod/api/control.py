"""What people say to the daemon itself."""

import asyncio
import logging

from aiohttp import web

from maestrod.api.calls import Call
from maestrod.api.writes import BODY, read_body
from maestrod.domain.errors import NotAllowed
from maestrod.protocol.bodies import Goodbye, decoded
from maestrod.protocol.codec import parse_object

log = logging.getLogger(__name__)

REASON = 200


class Control:
    """Stops the daemon when a person asks for it."""

    def __init__(self, stop: asyncio.Event) -> None:
        self._stop = stop

    async def shutdown(self, call: Call) -> web.StreamResponse:
        """Begin a clean stop; answered before it happens.

        Raises:
            NotAllowed: a session asked.
            Invalid: the body holds more than a reason.
        """
        if not call.is_person:
            raise NotAllowed("a session may not stop the daemon", hint="Only a person may do this.")
        said = decoded(parse_object(await read_body(call, BODY)), Goodbye)
        log.info("a person stops the daemon", extra={"reason": said.reason[:REASON]})
        asyncio.get_running_loop().call_later(0.05, self._stop.set)
        return web.Response(body=b'{"stopping":true}', status=202, content_type="application/json")
