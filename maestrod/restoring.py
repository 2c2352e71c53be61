"""``maestrod verify`` and ``maestrod restore``: a backup is put together aside, and compared with what it says."""

import shutil
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from maestrod.domain.changes import Unreadable
from maestrod.domain.fingerprint import fingerprint
from maestrod.engine.history import load
from maestrod.locations import Locations
from maestrod.store.backup import NAME, BadBackup, Manifest, unpack
from maestrod.store.files import Files
from maestrod.store.lock import HomeLock
from maestrod.store.log import StoreError

LATEST = "latest"
_DATA = ("VERSION", "journal", "snapshot")
"""In the order in which they go: what stops half-way is refused by every start, because VERSION is missing."""


class Report(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What was found or done; ``replaced`` is where the data that was there lies now."""

    backup: str
    seq: int
    hash: str
    replaced: str | None = None
    says: list[str]


def verify(places: Locations, name: str, *, as_json: bool) -> int:
    """Put a backup together in a folder of its own, and compare the chain and the state's hash.

    Raises:
        StoreError: it is not sound, or the disk refuses.
    """
    path = _found(places, name)
    folder = places.data / "backups"
    with tempfile.TemporaryDirectory(prefix=".verify-", dir=folder if folder.is_dir() else None) as aside:
        manifest = _put_together(path, Path(aside))
    says = [f"{path.name} is sound: everything up to commit {manifest.seq}, hash {manifest.hash}"]
    _tell(Report(backup=str(path), seq=manifest.seq, hash=manifest.hash, says=says), as_json=as_json)
    return 0


def restore(places: Locations, name: str, *, as_json: bool) -> int:
    """Put a backup in the place of the data; what was there is moved aside, never deleted.

    Raises:
        StoreError: a daemon has the home, the backup is not sound, or the disk refuses.
    """
    path = _found(places, name)
    with HomeLock(places.run / "lock", data=places.data):
        places.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        aside = places.data / "restoring"
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(mode=0o700)
        try:
            manifest = _put_together(path, aside)
            replaced = _move_aside(places.data)
            for part in reversed(_DATA):
                _move(aside / part, places.data / part)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    says = [f"restored {path.name}: everything up to commit {manifest.seq}, hash {manifest.hash}"]
    says += [f"what was there lies in {replaced}"] if replaced is not None else []
    there = str(replaced) if replaced is not None else None
    report = Report(backup=str(path), seq=manifest.seq, hash=manifest.hash, replaced=there, says=says)
    _tell(report, as_json=as_json)
    return 0


def _found(places: Locations, name: str) -> Path:
    """A backup by its name, an ending of it, as the latest, or by a path."""
    if "/" in name:
        return Path(name).absolute()
    folder = places.data / "backups"
    known = sorted(path for path in folder.glob("*.tar") if NAME.fullmatch(path.name)) if folder.is_dir() else []
    fits = known[-1:] if name == LATEST else [p for p in known if p.name.endswith(name) or p.stem.endswith(name)]
    if len(fits) != 1:
        raise BadBackup(folder / name, f"{len(fits)} backups in {folder} are called so")
    return fits[0]


def _put_together(path: Path, aside: Path) -> Manifest:
    manifest = unpack(path, aside, files=Files())
    try:
        loaded = load(aside, journal_folder=aside / "journal", snapshots=aside / "snapshot")
    except (StoreError, Unreadable) as error:
        raise BadBackup(path, str(error)) from error
    loaded.journal.close()
    found = (loaded.journal.durable_seq, loaded.journal.last_hash, fingerprint(loaded.state))
    if found != (manifest.seq, manifest.chain, manifest.hash):
        raise BadBackup(path, f"it holds commit {found[0]} with hash {found[2]}, which is not what it says")
    (aside / "snapshot").mkdir(mode=0o700, exist_ok=True)
    return manifest


def _move_aside(data: Path) -> Path | None:
    there = [part for part in _DATA if (data / part).exists()]
    if not there:
        return None
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    folder = next(f for n in range(1000) if not (f := data / "replaced" / (f"{stamp}-{n}" if n else stamp)).exists())
    folder.mkdir(mode=0o700, parents=True)
    for part in there:
        _move(data / part, folder / part)
    return folder


def _move(source: Path, target: Path) -> None:
    files = Files()
    files.rename(source, target)
    files.fsync_folder(source.parent)
    files.fsync_folder(target.parent)


def _tell(report: Report, *, as_json: bool) -> None:
    text = msgspec.json.encode(report).decode() if as_json else "\n".join(report.says)
    sys.stdout.write(f"{text}\n")
