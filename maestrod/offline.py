"""What is done to a home while no daemon runs in it: ``maestrod check`` and ``maestrod repair``."""

import sys

import msgspec

from maestrod.engine.history import Document
from maestrod.locations import Locations
from maestrod.store.files import Files
from maestrod.store.lock import HomeLock
from maestrod.store.repair import repair
from maestrod.store.survey import Survey, survey

DAMAGED = 1
TOLD = 20
"""More faults than these are only counted for people."""


class Fault(msgspec.Struct, frozen=True):
    """One thing that cannot be believed, and where it lies."""

    file: str
    seq: int
    offset: int
    reason: str


class Report(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What was found, and what was or would be done; ``says`` is the same for people."""

    data: str
    faults: list[Fault]
    torn: bool
    kept: int
    last: int
    repaired: bool
    quarantine: list[str]
    """Where it went; before a repair, what would go."""
    says: list[str]


def check(places: Locations, *, as_json: bool) -> int:
    """Look at everything; 0 when all is whole, 1 when something is not.

    Raises:
        StoreError: a daemon has the home, a newer version wrote it, or the disk cannot be read.
    """
    with HomeLock(places.run / "lock", data=places.data):
        found = survey(places.data, Document, files=Files())
    _tell(_report(places, found, None), as_json=as_json)
    return DAMAGED if found.faults else 0


def mend(places: Locations, *, as_json: bool, dry_run: bool) -> int:
    """Set aside what cannot be kept, or say what that would be; 1 when nothing can be kept, and nothing was done.

    Raises:
        StoreError: as ``check``; also when the disk refuses half-way: the next call goes on.
    """
    files = Files()
    with HomeLock(places.run / "lock", data=places.data):
        found = survey(places.data, Document, files=files)
        done = None if dry_run or found.hopeless or not found.faults else repair(found, files=files)
    report = _report(places, found, None if done is None else [str(path) for path in done])
    _tell(report, as_json=as_json)
    return DAMAGED if found.hopeless else 0


def _report(places: Locations, found: Survey, done: list[str] | None) -> Report:
    would = [] if found.hopeless else [str(step.path) for step in found.steps]
    return Report(
        data=str(places.data),
        faults=[Fault(str(each.file), each.seq, each.offset, each.reason) for each in found.faults],
        torn=found.tear is not None,
        kept=found.kept,
        last=found.last,
        repaired=done is not None,
        quarantine=would if done is None else done,
        says=[*_found(places, found), *_fate(found, would, done)],
    )


def _found(places: Locations, found: Survey) -> list[str]:
    lines = [f"damaged: {fault}" for fault in found.faults[:TOLD]]
    if len(found.faults) > TOLD:
        lines.append(f"and {len(found.faults) - TOLD} more")
    if not found.faults:
        lines.append(f"{places.data} is whole, up to commit {found.kept}")
    if found.tear is not None:
        lines.append(f"{found.tear.path}: a batch that nobody was told of is torn; the next start sets it aside")
    return lines


def _fate(found: Survey, would: list[str], done: list[str] | None) -> list[str]:
    if not found.faults:
        return []
    if found.hopeless:
        return ["nothing can be kept: restore a backup; nothing was changed"]
    lost = f"lost: commits {found.kept + 1} to {found.last}" if found.last > found.kept else "lost: no commit"
    word = "goes to quarantine" if done is None else "is in quarantine"
    return [
        f"kept: commits up to {found.kept}",
        lost,
        *(f"{word}: {path}" for path in (would if done is None else done)),
    ]


def _tell(report: Report, *, as_json: bool) -> None:
    text = msgspec.json.encode(report).decode() if as_json else "\n".join(report.says)
    sys.stdout.write(f"{text}\n")
