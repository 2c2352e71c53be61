"""The home on the disk: its folders, who may look into them, whether they can be written, and the room that is left."""

import contextlib
import errno
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import psutil

from maestro_cli.doctor.findings import Finding, Patient, fault, ok, warning

OTHERS = 0o077
WRITERS = 0o022
SCARCE = 1 << 30
FULL = 32 << 20
"""Bytes: what a journal, its snapshot and their copies aside may need at once."""
PROBE = 4096
MENDS = "`maestro doctor --fix`"


def folders(patient: Patient) -> Iterator[Finding]:
    """Each folder: there, ours, and nobody else's; and the files in which a secret or the state lies."""
    wrong = list(_wrong(patient))
    yield from wrong
    if not wrong:
        there = "private" if patient.places.data.exists() else "made by the daemon at its first start"
        yield ok("home", f"{patient.places.home}: {there}")


def mend_folders(patient: Patient) -> Iterator[str]:
    """Make what is missing, and take from others what is not theirs; what belongs to somebody else is left alone."""
    for folder in _all(patient):
        if not os.path.lexists(folder):
            with contextlib.suppress(OSError):
                folder.mkdir(mode=0o700, parents=True)
                yield f"made {folder}"
    for place, mode in _open_to_others(patient):
        with contextlib.suppress(OSError):
            place.chmod(mode & ~OTHERS)
            yield f"took {place} from others: {mode:04o} is {mode & ~OTHERS:04o} now"


def writable(patient: Patient) -> Iterator[Finding]:
    """Whether each folder takes a file; nothing is left of the one that is tried."""
    wrong = [finding for folder in _all(patient) if (finding := _try(folder))]
    yield from {finding.todo: finding for finding in reversed(wrong)}.values()
    if not wrong:
        yield ok("writing", "every folder of the home can be written")


def space(patient: Patient) -> Iterator[Finding]:
    """How much room is left where the journal is written."""
    place = next(each for each in (patient.places.data, *patient.places.data.parents) if each.is_dir())
    try:
        disk = shutil.disk_usage(place)
        nodes = os.statvfs(place)
    except OSError as error:
        yield fault("disk", f"{place} does not tell how much room is left: {error.strerror}", "Is it still mounted?")
        return
    left = f"{_size(disk.free)} of {_size(disk.total)} are left on the disk of {place}"
    room = f"Make room: `du -xh {patient.places.home} | sort -h | tail` shows what takes it."
    if disk.free < FULL:
        yield fault("disk", f"the disk is full: {left}", room)
    elif nodes.f_files and not nodes.f_favail:
        yield fault("disk", f"the disk of {place} takes no more files", room)
    else:
        yield warning("disk", left, room) if disk.free < SCARCE else ok("disk", left)


# -- parts --------------------------------------------------------------------------------------------


def _all(patient: Patient) -> tuple[Path, ...]:
    places = patient.places
    return tuple(dict.fromkeys((places.config, places.data, places.run, places.logs)))


def _wrong(patient: Patient) -> Iterator[Finding]:
    for folder in _all(patient):
        if not os.path.lexists(folder):
            if patient.places.data.exists():
                yield warning("home", f"{folder} is missing", MENDS)
        elif not folder.is_dir():
            yield fault("home", f"{folder} is no folder", f"Move it away: `mv {folder} {folder}.old`")
    for place in (patient.places.home, *_watched(patient)):
        with contextlib.suppress(OSError):
            owner = place.lstat().st_uid
            if owner != os.getuid():
                todo = f"`sudo chown -R $(id -un) {place}`"
                yield fault("home", f"{place} belongs to another user (uid {owner})", todo)
    for place, mode in _open_to_others(patient):
        how = fault if mode & WRITERS else warning
        can = "write to" if mode & WRITERS else "read"
        yield how("home", f"others can {can} {place} (mode {mode:04o})", MENDS)


def _open_to_others(patient: Patient) -> Iterator[tuple[Path, int]]:
    """What of ours others may look at or write to, with its mode; of the home's own folder only writing counts."""
    home = patient.places.home
    for place in (home, *_watched(patient)):
        with contextlib.suppress(OSError):
            found = place.lstat()
            mode = stat.S_IMODE(found.st_mode)
            ours = found.st_uid == os.getuid() and not stat.S_ISLNK(found.st_mode)
            wrong = WRITERS if place == home and home not in _all(patient) else OTHERS
            if ours and mode & wrong:
                yield place, mode


def _watched(patient: Patient) -> Iterator[Path]:
    """The folders, and the files in them whose modes matter by themselves."""
    places = patient.places
    yield from (folder for folder in _all(patient) if folder.is_dir())
    yield places.config / "config.toml"
    yield places.socket
    if places.socket.parent != places.run:
        yield places.socket.parent
    for folder in (places.journal, places.snapshots, places.run / "sessions"):
        for base, _, names in os.walk(folder):
            yield from (Path(base, name) for name in names)


def _try(folder: Path) -> Finding | None:
    place = next((each for each in (folder, *folder.parents) if each.exists()), folder)
    if place != folder:
        if place.is_dir() and os.access(place, os.W_OK | os.X_OK):
            return None
        return fault("writing", f"{folder} cannot be made: {place} cannot be written", _elsewhere(folder))
    probe = folder / f".doctor-{os.getpid()}"
    try:
        descriptor = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            os.write(descriptor, b"\0" * PROBE)
        finally:
            os.close(descriptor)
    except OSError as error:
        return _refused(folder, error)
    finally:
        with contextlib.suppress(OSError):
            probe.unlink(missing_ok=True)
    return None


def _refused(folder: Path, error: OSError) -> Finding:
    says = f"{folder} cannot be written: {error.strerror}"
    if error.errno == errno.EROFS:
        todo = f"`sudo mount -o remount,rw {_mount(folder)}`, or another home: MAESTRO_HOME."
    elif error.errno in (errno.ENOSPC, errno.EDQUOT):
        todo = f"Make room: `du -xh {folder} | sort -h | tail` shows what takes it."
    else:
        todo = _elsewhere(folder)
    return fault("writing", says, todo)


def _elsewhere(folder: Path) -> str:
    return f"Make {folder} yours to write, or set MAESTRO_HOME to a folder of yours."


def _mount(folder: Path) -> Path:
    """Where the file system of a folder is mounted, also when it is only a part of one."""
    real = folder.resolve()
    found = [Path(each.mountpoint) for each in psutil.disk_partitions(all=True)]
    return max((each for each in found if real.is_relative_to(each)), key=lambda each: len(each.parts), default=real)


def _size(count: int) -> str:
    number = float(count)
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if number < 1024:
            return f"{number:.0f} {unit}"
        number /= 1024
    return f"{number:.1f} TiB"
