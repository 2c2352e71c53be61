"""The door: who asks, whether it may come in at all, and how often."""

import asyncio
from contextlib import AbstractContextManager, nullcontext

from aiohttp import web

from maestrod.api.connections import peer_behind
from maestrod.api.guard import Guard, check_size
from maestrod.api.guests import Guests
from maestrod.api.identity import Caller, Callers
from maestrod.api.limits import Limits
from maestrod.domain.changes import Actor
from maestrod.domain.model import Key, Noun
from maestrod.domain.state import State


class Door:
    """Every request comes in here."""

    def __init__(self, callers: Callers, limits: Limits, guests: Guests, guard: Guard) -> None:
        self._callers = callers
        self._limits = limits
        self._guests = guests
        self._guard = guard

    def look(self, request: web.BaseRequest) -> None:
        """Whether a request may be answered, whoever sent it.

        Raises:
            HeadersTooLarge: it has more headers than fit.
            NotAllowed: it came over TCP and is not meant for this daemon, or a page of somebody else sent it.
        """
        check_size(request)
        if peer_behind(request).is_remote:
            self._guard.check(request)

    def admit(self, request: web.BaseRequest, path: str) -> Caller:
        """Who asks.

        Raises:
            Unauthorized: nobody who is known.
            RateLimited: it asked too often.
        """
        caller = self._callers.identify(request, peer_behind(request))
        self._limits.take(caller.actor, hook=path.endswith("/hook"))
        return caller

    def staying(self, state: State, actor: Actor, transport: asyncio.Transport | None) -> AbstractContextManager[None]:
        """For as long as the block runs an answer is on its way: one to a key that is taken away is cut off."""
        key = state.table(Noun.KEY).get(actor.id) if actor.kind == "key" else None
        return self._guests.inside(key, transport) if isinstance(key, Key) and transport is not None else nullcontext()
