"""Backups of a running daemon: written while it writes, listed, and dropped when there are enough newer ones."""

import asyncio
import logging
import time
from pathlib import Path

import msgspec

from maestrod.domain.fingerprint import fingerprint
from maestrod.engine.history import Checkpoints
from maestrod.engine.past import Past
from maestrod.store.backup import NAME, BadBackup, Manifest, Source, read_manifest, write_backup
from maestrod.store.files import Files
from maestrod.store.journal import Journal
from maestrod.store.migrate import SCHEMA
from maestrod.store.snapshot import read_lines

log = logging.getLogger(__name__)

DAY_S = 24 * 3600


class Kept(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A backup as it lies there; ``problem`` says why it is none."""

    name: str
    path: str
    size: int
    seq: int | None = None
    hash: str | None = None
    at: int | None = None
    problem: str | None = None


class Backups:
    """The backups of a data folder; they lie in it."""

    def __init__(self, data: Path, journal: Journal, checkpoints: Checkpoints, past: Past) -> None:
        self._data = data
        self._journal = journal
        self._checkpoints = checkpoints
        self._past = past
        self._files = Files()

    @property
    def folder(self) -> Path:
        """Where they lie."""
        return self._data / "backups"

    async def create(self) -> Kept:
        """Write one of everything that is durable now; commits go on meanwhile.

        Raises:
            StoreError: there is no new backup.
        """
        async with self._checkpoints.still():
            return await asyncio.to_thread(self._write)

    def kept(self) -> list[Kept]:
        """All that are there, oldest first; for a thread."""
        paths = sorted(self.folder.glob("*.tar")) if self.folder.is_dir() else []
        return [self._told(path) for path in paths if NAME.fullmatch(path.name)]

    def drop(self, *, most: int, days: float) -> list[str]:
        """Remove all but the newest so many, and those older than so many days, never the newest; 0 is no bound."""
        paths = [self.folder / each.name for each in self.kept()]
        oldest = time.time() - days * DAY_S
        many = paths[: max(0, len(paths) - most)] if most else []
        old = [path for path in paths[:-1] if days and path.stat().st_mtime < oldest]
        gone = sorted({*many, *old})
        for path in gone:
            path.unlink()
            log.info("an old backup was removed", extra={"file": str(path)})
        return [path.name for path in gone]

    def _write(self) -> Kept:
        base = read_lines(self._data / "snapshot", self._journal.durable_seq)
        seq = base.seq if base is not None else 0
        head, spans = self._journal.whole_after(seq)
        snapshot = self._data / "snapshot" / f"{seq:012d}.json"
        version = self._data / "VERSION"
        sources = [Source("VERSION", version, version.stat().st_size)]
        if base is not None:
            sources.append(Source(f"snapshot/{snapshot.name}", snapshot, snapshot.stat().st_size))
        sources += [Source(f"journal/{span.path.name}", span.path, span.end) for span in spans]
        now = time.time()
        digest = fingerprint(self._past.state_at(head.seq))
        manifest = Manifest(schema=SCHEMA, seq=head.seq, chain=head.hash, hash=digest, at=int(now * 1000))
        target = self.folder / f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(now))}-{head.seq:012d}.tar"
        write_backup(target, manifest, sources, files=self._files)
        return self._told(target)

    def _told(self, path: Path) -> Kept:
        size = path.stat().st_size
        try:
            found = read_manifest(path, files=self._files)
        except BadBackup as bad:
            return Kept(name=path.name, path=str(path), size=size, problem=bad.reason)
        return Kept(name=path.name, path=str(path), size=size, seq=found.seq, hash=found.hash, at=found.at)
