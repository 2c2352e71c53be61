"""``/backups``: made and listed by people; verifying and restoring is ``maestrod``'s own."""

import asyncio

import msgspec
from aiohttp import web

from maestrod.api.calls import Call
from maestrod.api.writes import BODY, read_body
from maestrod.domain.errors import Conflict, NotAllowed
from maestrod.engine.backups import Backups, Kept
from maestrod.protocol.bodies import Nothing, decoded
from maestrod.protocol.codec import parse_object
from maestrod.protocol.views import encode
from maestrod.store.log import StoreError


class BackupCalls:
    """Answers ``/backups``; after each new one, old ones go as the settings say."""

    def __init__(self, backups: Backups, *, most: int, days: float) -> None:
        self._backups = backups
        self._most = most
        self._days = days
        self._one = asyncio.Lock()

    async def create(self, call: Call) -> web.StreamResponse:
        """A new backup of everything that is durable.

        Raises:
            NotAllowed: a session asked.
            Invalid: a body came.
            Conflict: the disk refused.
        """
        _for_people(call)
        decoded(parse_object(await read_body(call, BODY)), Nothing)
        async with self._one:
            try:
                made = await self._backups.create()
                dropped = await asyncio.to_thread(self._backups.drop, most=self._most, days=self._days)
            except (StoreError, OSError) as error:
                raise Conflict(f"no backup could be made: {error}", hint="Make room on the disk.") from error
        body = encode({**_kept(made), "dropped": dropped})
        return web.Response(body=body, status=201, content_type="application/json")

    async def listed(self, call: Call) -> web.StreamResponse:
        """The backups that are there, oldest first.

        Raises:
            NotAllowed: a session asked.
        """
        _for_people(call)
        found = await asyncio.to_thread(self._backups.kept)
        return web.Response(body=encode([_kept(each) for each in found]), content_type="application/json")


def _kept(kept: Kept) -> dict[str, object]:
    return dict(msgspec.to_builtins(kept))


def _for_people(call: Call) -> None:
    if not call.is_person:
        raise NotAllowed("a session has no backups", hint="Only a person may do this.")
