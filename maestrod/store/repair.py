"""Repair: what cannot be kept goes to ``quarantine`` beside it; nothing is ever deleted.

Killed at any step, another survey finds what this one found, and another repair ends what this one began:
until the last step the durable mark stands in the way of a start.
"""

from pathlib import Path
from zlib import crc32

from maestrod.store.files import Files, disk_errors, make_folders, read_whole, write_aside
from maestrod.store.survey import Rewrite, SetAside, Survey


def repair(found: Survey, *, files: Files) -> tuple[Path, ...]:
    """Do what a survey says; answers what is now in quarantine. Durable on return.

    Raises:
        DiskError: some steps were not taken; nothing is lost, try again.
    """
    return tuple(copy for step in found.steps if (copy := _take(step, files)) is not None)


def _take(step: SetAside | Rewrite, files: Files) -> Path | None:
    with disk_errors("repair", step.path):
        copy = _quarantine(step.path, files)
        if isinstance(step, Rewrite):
            write_aside(files, step.path, [step.data])
        else:
            files.unlink(step.path)
            files.fsync_folder(step.path.parent)
    return copy


def _quarantine(path: Path, files: Files) -> Path | None:
    """A durable copy; None of what is not there."""
    try:
        data = read_whole(files, path)
    except FileNotFoundError:
        return None
    folder = path.parent / "quarantine"
    make_folders(files, folder)
    copy = folder / f"{path.stem}-{crc32(data):08x}{path.suffix}"
    write_aside(files, copy, [data])
    return copy
