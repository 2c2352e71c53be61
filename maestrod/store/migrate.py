"""The schema of the data folder: written once, checked at every start, refused when it is newer."""

import re
from pathlib import Path

from maestrod.store.files import Files, disk_errors, make_folders, read_whole, write_aside
from maestrod.store.log import Damaged, SchemaTooNew

SCHEMA = 1
"""The schema this version writes. The first one: there is nothing to migrate from yet."""


def settle_schema(data: Path, *, files: Files | None = None) -> int:
    """The schema of a data folder; a folder without files gets the newest, durable on return.

    Raises:
        SchemaTooNew: a newer version wrote the folder; nothing was touched.
        Damaged: the folder holds files, but its VERSION is missing or unreadable.
        DiskError: the disk refused.
    """
    files = files or Files()
    with disk_errors("settle the schema in", data):
        found = read_schema(data, files)
        if found is None:
            make_folders(files, data)
            write_aside(files, data / "VERSION", [b"%d\n" % SCHEMA])
    return found or SCHEMA


def read_schema(data: Path, files: Files) -> int | None:
    """The schema of a data folder, None for one without files; changes nothing.

    Raises:
        SchemaTooNew: a newer version wrote the folder.
        Damaged: the folder holds files, but its VERSION is missing or unreadable.
        OSError: it cannot be read.
    """
    file = data / "VERSION"
    found = _read(file, files)
    if found is None:
        _check_empty(data, file)
    elif found > SCHEMA:
        raise SchemaTooNew(file=file, found=found, known=SCHEMA)
    return found


def _read(file: Path, files: Files) -> int | None:
    try:
        data = read_whole(files, file)
    except FileNotFoundError:
        return None
    if not re.fullmatch(rb"[1-9]\d{0,8}\n?", data):
        raise Damaged(seq=0, file=file, offset=0, reason="it should hold a schema number and nothing else")
    return int(data)


def _check_empty(data: Path, file: Path) -> None:
    if any(not path.is_dir() and path.suffix != ".part" for path in data.rglob("*")):
        raise Damaged(seq=0, file=file, offset=0, reason="it is missing in a folder that holds data")
