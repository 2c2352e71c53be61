"""The history: commits as they lie in the journal."""

import asyncio

import msgspec
from aiohttp import web

from maestrod.api.calls import Call
from maestrod.api.lists import number
from maestrod.domain.changes import Put, Record
from maestrod.domain.errors import Conflict, NotAllowed
from maestrod.domain.limits import WHOLE
from maestrod.domain.undo import UNDOABLE
from maestrod.engine.engine import Engine
from maestrod.protocol.views import encode
from maestrod.store.log import StoreError

MOST = 1000


class Commits:
    """Reads commits from the journal; only people may, for it holds everything."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def answer(self, call: Call) -> web.StreamResponse:
        """Commits after a seq, oldest first; without ``after`` the newest ``limit``.

        Raises:
            NotAllowed: a session asked.
            Invalid: a parameter is no number.
            Conflict: those commits are no longer kept.
        """
        if not call.is_person:
            raise NotAllowed("a session may not read the history", hint="Only a person may do this.")
        limit = number(call, "limit", 100, 1, MOST)
        after = number(call, "after", max(0, self._engine.durable_seq - limit), 0, WHOLE)
        try:
            records = await asyncio.to_thread(self._engine.records, after, limit)
        except StoreError as error:
            raise Conflict(str(error), hint="Ask for newer commits.") from error
        shown = [_shown(record) for record in records if _wanted(call, record)]
        last = records[-1].seq if records else after
        body = encode({"data": shown, "seq": self._engine.durable_seq, "last": last})
        return web.Response(body=body, content_type="application/json")


def _wanted(call: Call, record: Record) -> bool:
    actor, entity = call.query.get("actor"), call.query.get("entity")
    return (actor is None or record.actor.startswith(actor)) and (
        entity is None or any(change.id.endswith(entity) for change in record.changes)
    )


def _shown(record: Record) -> dict[str, object]:
    command = msgspec.json.decode(record.command, type=dict[str, object])
    changes = [{"op": "put" if isinstance(c, Put) else "delete", "noun": c.noun, "id": c.id} for c in record.changes]
    return {
        "seq": record.seq,
        "at": record.at,
        "actor": record.actor,
        "requestId": record.request_id,
        "command": command,
        "changes": changes,
        "events": [event.name for event in record.events],
        "batch": record.batch,
        "undoable": command.get("kind") in UNDOABLE,
    }
