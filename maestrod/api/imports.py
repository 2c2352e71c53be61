"""Imports: files come as texts, what is in them is decided and committed at once."""

import asyncio
from hashlib import sha256

import msgspec
from aiohttp import web

from maestrod.api.calls import Call
from maestrod.api.writes import TooLarge, TooSlow, idempotency
from maestrod.domain import exported, original, permissions
from maestrod.domain.changes import Piece
from maestrod.domain.errors import Invalid
from maestrod.domain.imports import ImportEntities, Plan, Source, plan
from maestrod.domain.mending import Finding
from maestrod.engine.engine import Ask, Engine
from maestrod.protocol.bodies import Brought, decoded
from maestrod.protocol.codec import parse_object
from maestrod.protocol.views import encode

LARGEST = 256 * 1024 * 1024
"""Bytes of an import; all other bodies are far smaller."""


class Imports:
    """Answers ``/import``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def answer(self, call: Call) -> web.StreamResponse:
        """Take what is in the files, unless only asked what would become of them; all that was found is told.

        Raises:
            NotAllowed: a session asked.
            Invalid: the body is wrong, or nothing says what the files are.
        """
        state, named = self._engine.state, ImportEntities(source=Source.EXPORT, digest="")
        permissions.authorize(state, named, call.actor)
        if not call.sure:
            permissions.authorize_untold(named)
        sent = await _arrived(call)
        body = await asyncio.to_thread(_body, sent)
        source = body.source or _source(body.files)
        pieces, found = await asyncio.to_thread(_read, source, body.files)
        if body.dry_run:
            planned = await self._engine.read(lambda state: plan(state, pieces))
            return self._told(source, planned, found, dry_run=True)
        command = ImportEntities(source=source, digest=sha256(sent).hexdigest())
        idem = idempotency(call, sent)
        await self._engine.first(call.actor, idem)
        planned = plan(self._engine.state, pieces)
        ask = Ask(command=command, actor=call.actor, request_id=call.request_id, idem=idem, brought=tuple(pieces))
        changes = await self._engine.execute(ask, lambda _, changes: changes)
        return self._told(source, msgspec.structs.replace(planned, changes=changes), found, dry_run=False)

    def _told(self, source: Source, planned: Plan, found: list[Finding], *, dry_run: bool) -> web.Response:
        body = encode(
            {
                "from": source,
                "dryRun": dry_run,
                "created": planned.counts(),
                "unchanged": planned.unchanged,
                "report": [*found, *planned.findings],
            }
        )
        return web.Response(
            body=body, content_type="application/json", headers={"X-Maestro-Seq": str(self._engine.seq)}
        )


async def _arrived(call: Call) -> bytes:
    """The body; it may be larger than others, and take longer."""
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(call.arrival_s * 10):
            async for part in call.request.content.iter_any():
                size += len(part)
                if size > LARGEST:
                    raise TooLarge(f"the body has more than {LARGEST} bytes", hint="Import it in parts.")
                parts.append(part)
    except TimeoutError as error:
        raise TooSlow("the body takes too long", hint="Send it at once.") from error
    return b"".join(parts)


def _body(sent: bytes) -> Brought:
    return decoded(parse_object(sent), Brought)


def _source(files: dict[str, str]) -> Source:
    if exported.HEAD in files:
        return Source.EXPORT
    if original.is_original(files):
        return Source.ORIGINAL
    hint = "`--from export` or `--from original` says what it is."
    raise Invalid.field("files", f"neither {exported.HEAD} nor a folder of the original system is there", hint=hint)


def _read(source: Source, files: dict[str, str]) -> tuple[list[Piece], list[Finding]]:
    return exported.read(files) if source is Source.EXPORT else original.read(files)
