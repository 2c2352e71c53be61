"""Hooks that found no daemon: the files in which they lie are read, and go when all of them was heard.

``maestro hook`` appends a line to ``run/spool/hooks-SESSION.jsonl`` when nobody answers it.
"""

import asyncio
import contextlib
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from maestrod.domain.model import LIVE_SESSION, Noun, Session
from maestrod.engine.engine import Engine
from maestrod.locations import Locations
from maestrod.watch.observer import Observer

log = logging.getLogger(__name__)

FILE_LIMIT = 16 << 20
LINE_LIMIT = 256 << 10
MARK = "hooks-"
TAKEN = "taken-"


class Spooled(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A line: what the hook would have posted."""

    provider: str
    event: str
    hook_id: str = ""
    at: int | None = None
    payload: dict[str, object] = {}


class Spool:
    """Brings what lies in the spool to the observer, oldest first; a hook that is read twice counts once."""

    def __init__(self, engine: Engine, observer: Observer, places: Locations) -> None:
        self._engine = engine
        self._observer = observer
        self._folder = places.run / "spool"

    async def drain(self) -> None:
        """Read all files; each is read once more the next time, when nobody writes to it any more, and then goes."""
        if _is_empty(self._folder):
            return
        for taken in await asyncio.to_thread(_names, self._folder, TAKEN):
            await self._hear(taken)
            with contextlib.suppress(OSError):
                await asyncio.to_thread(taken.unlink)
        for found in await asyncio.to_thread(_names, self._folder, MARK):
            taken = found.with_name(TAKEN + found.name)
            with contextlib.suppress(OSError):
                await asyncio.to_thread(found.rename, taken)
                await self._hear(taken)

    async def _hear(self, path: Path) -> None:
        session_id = path.name.removeprefix(TAKEN).removeprefix(MARK).removesuffix(".jsonl")
        for said in await asyncio.to_thread(_read, path):
            session = self._engine.state.table(Noun.SESSION).get(session_id)
            if isinstance(session, Session) and session.status in LIVE_SESSION:
                await self._observer.hook(
                    session, said.provider, said.event, said.payload, hook_id=said.hook_id[:200], at=said.at
                )


def _is_empty(folder: Path) -> bool:
    """Whether nothing lies there: one look takes less than asking a thread for it."""
    try:
        with os.scandir(folder) as entries:
            return next(entries, None) is None
    except OSError:
        return True


def _names(folder: Path, beginning: str) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.name.startswith(beginning) and path.is_file())
    except OSError:
        return []


def _read(path: Path) -> list[Spooled]:
    """The sound lines of a file; the others were never whole, or are not ours."""
    try:
        if path.is_symlink() or path.stat().st_size > FILE_LIMIT:
            log.warning("a spool file was thrown away: %s", path)
            return []
        return list(_sound(path.read_bytes()))
    except OSError as error:
        log.warning("a spool file cannot be read: %s", error)
        return []


def _sound(raw: bytes) -> Iterator[Spooled]:
    decoder = msgspec.json.Decoder(Spooled)
    for line in raw.split(b"\n"):
        if line and len(line) <= LINE_LIMIT:
            with contextlib.suppress(msgspec.MsgspecError, RecursionError):
                yield decoder.decode(line)
