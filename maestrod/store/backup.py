"""Backups: the newest snapshot and the journal behind it, in one file that is there whole or not at all.

The file is a plain tar archive. ``backup.json`` comes first and tells what must follow, each part with its size and
SHA-256; nothing else may be in it. Whoever reads one takes it for hostile until all of that has been checked.
"""

import os
import re
import tarfile
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, NamedTuple

import msgspec

from maestrod.store.files import Files, disk_errors, make_folders, write_aside
from maestrod.store.log import StoreError

HEAD = "backup.json"
FORMAT = "maestro-backup"
VERSION = 1
NAME = re.compile(r"\d{8}T\d{6}Z-\d{12,18}\.tar")
LARGEST_HEAD = 1 << 20
CHUNK = 1 << 20
_BLOCK = tarfile.BLOCKSIZE
_PART = re.compile(r"VERSION|snapshot/\d{12,18}\.json|journal/\d{12,18}\.jsonl")


class BadBackup(StoreError):
    """A file that is no backup of ours, or not as it was written; nothing was changed."""

    def __init__(self, file: Path, reason: str) -> None:
        super().__init__(f"{file} is no sound backup: {reason}")
        self.file = file
        self.reason = reason


class Source(NamedTuple):
    """What goes into a backup: so many bytes of a file, under a name."""

    name: str
    path: Path
    size: int


class Part(msgspec.Struct, frozen=True):
    """A file in a backup."""

    name: str
    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a backup says of itself: the commit it ends with, the chained hash of that, and the hash of the state."""

    format: str = FORMAT
    version: int = VERSION
    schema: int
    seq: int
    chain: str
    hash: str
    at: int
    parts: tuple[Part, ...] = ()


def write_backup(target: Path, manifest: Manifest, sources: Iterable[Source], *, files: Files) -> Manifest:
    """Write a backup; durable on return. What is in the sources up to their sizes must not change any more.

    Raises:
        DiskError: there is no new backup.
    """
    with disk_errors("write a backup to", target):
        sources = list(sources)
        parts = tuple(Part(s.name, s.size, _digest(_chunks(s, files))) for s in sources)
        manifest = msgspec.structs.replace(manifest, parts=parts)
        make_folders(files, target.parent)
        write_aside(files, target, _archive(manifest, sources, files))
    return manifest


def read_manifest(path: Path, *, files: Files) -> Manifest:
    """What a backup says of itself; the rest is not looked at.

    Raises:
        BadBackup: it says nothing that makes sense.
        DiskError: it cannot be read.
    """
    with disk_errors("read", path), _opened(path, files) as archive:
        return _manifest(path, archive)


def unpack(path: Path, folder: Path, *, files: Files) -> Manifest:
    """Write the parts of a backup below a folder, each checked; durable on return.

    Raises:
        BadBackup: anything is not as the backup says itself, or is there besides.
        DiskError: the disk refused.
    """
    with disk_errors("unpack", path), _opened(path, files) as archive:
        manifest = _manifest(path, archive)
        _check_parts(path, manifest)
        for part in manifest.parts:
            if _next(path, archive, part.name) != part.size:
                raise BadBackup(path, f"{part.name} has another size than it should have")
            target = folder / part.name
            make_folders(files, target.parent)
            write_aside(files, target, _checked(path, archive, part))
        if archive.read(_BLOCK * 2 + 1) != bytes(_BLOCK * 2):
            raise BadBackup(path, "it does not end where it should")
        return manifest


# -- writing ------------------------------------------------------------------------------------------


def _archive(manifest: Manifest, sources: Iterable[Source], files: Files) -> Iterator[bytes]:
    head = msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n"
    yield _header(HEAD, len(head)) + head + _padding(len(head))
    for source in sources:
        yield _header(source.name, source.size)
        yield from _chunks(source, files)
        yield _padding(source.size)
    yield bytes(_BLOCK * 2)


def _header(name: str, size: int) -> bytes:
    about = tarfile.TarInfo(name)
    about.size, about.mode = size, 0o600
    return about.tobuf(tarfile.USTAR_FORMAT)


def _padding(size: int) -> bytes:
    return bytes(-size % _BLOCK)


def _chunks(source: Source, files: Files) -> Iterator[bytes]:
    with os.fdopen(files.open(source.path, os.O_RDONLY), "rb") as file:
        left = source.size
        while left:
            chunk = file.read(min(left, CHUNK))
            if not chunk:
                raise OSError(f"{source.path} has become shorter")
            left -= len(chunk)
            yield chunk


def _digest(chunks: Iterable[bytes]) -> str:
    digest = sha256()
    for chunk in chunks:
        digest.update(chunk)
    return digest.hexdigest()


# -- reading ------------------------------------------------------------------------------------------


def _opened(path: Path, files: Files) -> BinaryIO:
    if not path.is_file():
        raise BadBackup(path, "it is no file")
    return os.fdopen(files.open(path.resolve(), os.O_RDONLY), "rb")


def _manifest(path: Path, archive: BinaryIO) -> Manifest:
    size = _next(path, archive, HEAD)
    if size > LARGEST_HEAD:
        raise BadBackup(path, f"its {HEAD} is too large")
    data = b"".join(_content(path, archive, size))
    try:
        manifest = msgspec.json.decode(data, type=Manifest)
    except msgspec.MsgspecError as error:
        raise BadBackup(path, f"its {HEAD} cannot be read: {error}") from error
    if manifest.format != FORMAT or manifest.version > VERSION:
        raise BadBackup(path, f"it is a {manifest.format[:50]} of version {manifest.version}")
    return manifest


def _check_parts(path: Path, manifest: Manifest) -> None:
    names = [part.name for part in manifest.parts]
    sizes = [part.size for part in manifest.parts]
    if not all(_PART.fullmatch(name) for name in names) or len(set(names)) != len(names) or min([0, *sizes]) < 0:
        raise BadBackup(path, "it names parts that no backup has")
    if sum(sizes) > path.stat().st_size:
        raise BadBackup(path, "it is shorter than it says")


def _next(path: Path, archive: BinaryIO, name: str) -> int:
    """The size of the part that comes next, which must have this name."""
    try:
        about = tarfile.TarInfo.frombuf(archive.read(_BLOCK), "utf-8", "strict")
    except (tarfile.HeaderError, UnicodeError) as error:
        raise BadBackup(path, f"{name} should come, there is no part: {error}") from error
    if about.name != name or about.type != tarfile.REGTYPE:
        raise BadBackup(path, f"{name} should come, there is something else")
    return about.size


def _content(path: Path, archive: BinaryIO, size: int) -> Iterator[bytes]:
    left = size
    while left > 0:
        chunk = archive.read(min(left, CHUNK))
        if not chunk:
            raise BadBackup(path, "it ends too early")
        left -= len(chunk)
        yield chunk
    if archive.read(-size % _BLOCK).strip(b"\0"):
        raise BadBackup(path, "there is something between its parts")


def _checked(path: Path, archive: BinaryIO, part: Part) -> Iterator[bytes]:
    digest = sha256()
    for chunk in _content(path, archive, part.size):
        digest.update(chunk)
        yield chunk
    if digest.hexdigest() != part.sha256:
        raise BadBackup(path, f"{part.name} is not what was written")
