"""What was, and taking it back. For people alone: the history holds everything."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import TypeVar

from aiohttp import web

from maestrod.api.calls import Call
from maestrod.api.lists import number, one_of
from maestrod.api.writes import BODY, idempotency, read_body
from maestrod.domain.changes import Change, Put
from maestrod.domain.errors import Conflict, Invalid, NotAllowed
from maestrod.domain.fingerprint import fingerprint
from maestrod.domain.limits import WHOLE
from maestrod.domain.model import Noun
from maestrod.domain.state import State
from maestrod.domain.undo import UNDOABLE, UndoCommit, kind_of, taken_back
from maestrod.engine.engine import Ask, Engine
from maestrod.engine.past import Past
from maestrod.protocol.bodies import Nothing, decoded
from maestrod.protocol.codec import parse_object
from maestrod.protocol.views import encode
from maestrod.store.log import StoreError

R = TypeVar("R")

LAST = "last"
LOOKED_BACK = 1000
"""Commits among which the last one that can be taken back is looked for."""


class History:
    """Answers ``/state`` and ``/undo/{seq}``."""

    def __init__(self, engine: Engine, past: Past) -> None:
        self._engine = engine
        self._past = past

    async def state(self, call: Call) -> web.StreamResponse:
        """The state after a commit: its hash, how much of what there was, and the entities unless ``fields=hash``.

        Raises:
            NotAllowed: a session asked.
            Invalid: a parameter is wrong.
            NotFound: there is no such commit.
            Conflict: the history does not reach back so far.
        """
        _for_people(call)
        at = number(call, "at", self._engine.durable_seq, 0, WHOLE)
        whole = one_of(call, "fields", ("all", "hash"), "all") == "all"
        named = one_of(call, "noun", tuple(Noun), "")
        body = await self._read(lambda: _told(self._past.state_at(at), at, Noun(named) if named else None, whole=whole))
        return web.Response(body=body, content_type="application/json")

    async def undo(self, call: Call) -> web.StreamResponse:
        """Take a commit back; ``last`` is the newest of the caller's own that can be.

        Raises:
            NotAllowed: a session asked.
            Invalid: the number is none, or a body came.
            NotFound: there is no such commit.
            Conflict: it cannot be taken back; the message says why.
        """
        _for_people(call)
        body = await read_body(call, BODY)
        decoded(parse_object(body), Nothing)
        idem = idempotency(call, body)
        first = await self._engine.first(call.actor, idem)
        if first is not None:
            return _answered(taken_back(first), first.seq, first.changes)
        seq = await self._read(lambda: self._last(str(call.actor))) if call.given["seq"] == LAST else _seq(call)
        undone = await self._read(lambda: self._past.undone(seq))
        ask = Ask(command=UndoCommit(seq=seq), actor=call.actor, request_id=call.request_id, idem=idem, undone=undone)
        made, changes = await self._engine.execute(ask, lambda _, changes: (self._engine.seq, changes))
        return _answered(seq, made, changes)

    def _last(self, actor: str) -> int:
        """The newest commit of the actor that can be taken back and was not yet."""
        records = self._engine.records(max(0, self._engine.durable_seq - LOOKED_BACK), LOOKED_BACK)
        gone: set[int | None] = set()
        for record in reversed(records):
            kind = kind_of(record)
            if record.seq not in gone and kind == UndoCommit.__name__:
                gone.add(taken_back(record))
            elif record.seq not in gone and kind in UNDOABLE and record.actor == actor:
                return record.seq
        raise Conflict("nothing of yours can be taken back", hint="`maestro undo --list` shows what can be.")

    async def _read(self, work: Callable[[], R]) -> R:
        try:
            return await asyncio.to_thread(work)
        except StoreError as error:
            raise Conflict(f"the history cannot be read: {error}", hint="`maestro daemon repair --dry-run`") from error


def _for_people(call: Call) -> None:
    if not call.is_person:
        raise NotAllowed("a session may not read or change the history", hint="Only a person may do this.")


def _seq(call: Call) -> int:
    written = call.given["seq"]
    if not (written.isascii() and written.isdecimal() and 0 < int(written[:19]) <= WHOLE):
        raise Invalid.field("seq", f"must be the number of a commit, or '{LAST}'")
    return int(written)


def _told(state: State, at: int, noun: Noun | None, *, whole: bool) -> bytes:
    nouns = [noun] if noun is not None else list(Noun)
    head = {
        "seq": at,
        "hash": fingerprint(state),
        "counts": {each: len(state.table(each)) for each in nouns},
    }
    if not whole:
        return encode(head)
    entities = b",".join(b'"%b":%b' % (each.encode(), encode(list(state.table(each).values()))) for each in nouns)
    return encode(head)[:-1] + b',"entities":{' + entities + b"}}"


def _answered(undone: int | None, seq: int, changes: tuple[Change, ...]) -> web.Response:
    restored, removed = Counter[str](), Counter[str]()
    for change in changes:
        (restored if isinstance(change, Put) else removed)[change.noun] += 1
    body = encode({"undone": undone, "seq": seq, "restored": dict(restored), "removed": dict(removed)})
    return web.Response(body=body, content_type="application/json", headers={"X-Maestro-Seq": str(seq)})
