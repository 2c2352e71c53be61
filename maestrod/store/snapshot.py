"""Snapshots: the whole state at one commit, as one JSON document with an entity a line.

::

    {"schema":1,"seq":4200,"hash":"…",
    "project":[
    {…},
    {…}
    ],
    "crc":"…"}

``crc`` is eight hex digits of ``zlib.crc32`` over all bytes before its key. A snapshot is whole under its
name or not there; the two newest are kept, so that one may turn out damaged. Older ones are kept as far apart
and as far back as the history asks for: from them the state of then is rebuilt.
"""

import gc
import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from itertools import islice
from math import inf
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar
from zlib import crc32

import msgspec

from maestrod.store.files import Files, disk_errors, make_folders, read_whole, write_aside
from maestrod.store.log import Damaged

T = TypeVar("T", bound=msgspec.Struct)

log = logging.getLogger(__name__)

KEPT = 2
CHUNK_LINES = 200
"""Entities encoded and written at a time: well under 2 ms, between which other threads run."""
_NAME = re.compile(r"\d{12,18}\.json")
_HEAD = re.compile(rb'\{"schema":(\d{1,9}),"seq":(\d{1,18}),"hash":"([0-9a-f]*)",\n')
_SECTION = re.compile(rb'"([^"\\\n]+)":\[\n')
PIECE = 1 << 18
"""Bytes of a section that are decoded at a time."""
_CRC = re.compile(rb'"crc":"([0-9a-f]{8})"\}\n\Z')
_CRC_BYTES = len('"crc":"00000000"}\n')


class Retention(NamedTuple):
    """Which older snapshots stay: ``apart_s`` seconds between them, and one at least ``back_s`` seconds old."""

    apart_s: float
    back_s: float


class Lines(NamedTuple):
    """A snapshot as it lies on disk: the commit it was taken at, and an entity at a time by its section."""

    seq: int
    entities: Iterator[tuple[str, bytes]]


class Loaded(NamedTuple, Generic[T]):
    """A snapshot as it was read: the state after ``seq``, whose chained hash is ``hash``."""

    seq: int
    hash: str
    document: T


def write_snapshot(
    folder: Path,
    *,
    seq: int,
    hash: str,  # noqa: A002 - the word of the file
    schema: int,
    sections: Mapping[str, Iterable[bytes]],
    files: Files | None = None,
    pause: Callable[[], None] | None = None,
    retention: Retention | None = None,
) -> Path:
    """Write a snapshot and drop all but the two newest and those that ``retention`` keeps; durable on return.

    ``sections`` are encoded entities by noun, taken from the iterables a few at a time; ``pause`` is called
    between. For a worker thread. Written twice, it is the same file.

    Raises:
        DiskError: there is no new snapshot, or old ones are left; none of the kept ones is harmed.
    """
    files = files or Files()
    path = folder / f"{seq:012d}.json"
    head = b'{"schema":%d,"seq":%d,"hash":"%b",\n' % (schema, seq, hash.encode())
    with disk_errors("write a snapshot in", folder):
        make_folders(files, folder)
        write_aside(files, path, _checked(_paused(_document(head, sections), pause)))
        _drop_old(folder, files, retention)
    return path


def snapshot_seqs(folder: Path) -> tuple[int, ...]:
    """The snapshots that are there, oldest first, valid or not: the journal is needed from the first on."""
    return tuple(int(path.stem) for path in _snapshots(folder))


def snapshot_paths(folder: Path) -> tuple[Path, ...]:
    """The snapshots that are there, oldest first, valid or not."""
    return tuple(_snapshots(folder))


def read_snapshot(path: Path, kind: type[T], *, files: Files) -> Loaded[T]:
    """One snapshot.

    Raises:
        Damaged: it is not valid.
        OSError: it cannot be read.
    """
    return _load(path, _Reader(kind), files)


def load_snapshot(
    folder: Path,
    kind: type[T],
    *,
    files: Files | None = None,
    on_damaged: Callable[[Damaged], None] | None = None,
    each: Callable[[list[object]], None] | None = None,
) -> Loaded[T] | None:
    """The newest valid snapshot, or None in a folder without any.

    ``kind`` has a list of entities per section, with a default. ``each`` is given the entities some at a time, before
    the next are read. A damaged snapshot is passed over for an older one, and told to ``on_damaged`` and the log.

    Raises:
        Damaged: there are snapshots, and none is valid; the newest is named.
        DiskError: one cannot be read.
    """
    reader = _Reader(kind, each)
    newest: Damaged | None = None
    for path in reversed(_snapshots(folder)):
        try:
            with disk_errors("read", path), _collector_at_rest():
                return _load(path, reader, files or Files())
        except Damaged as damaged:
            log.warning("a damaged snapshot was passed over: %s", damaged, extra={"file": str(path)})
            newest = newest or damaged
            if on_damaged is not None:
                on_damaged(damaged)
    if newest is not None:
        raise newest
    return None


def _document(head: bytes, sections: Mapping[str, Iterable[bytes]]) -> Iterator[bytes]:
    yield head
    for name, entities in sections.items():
        yield b"%b:[" % msgspec.json.encode(name)
        lines = iter(entities)
        separator = b"\n"
        while chunk := list(islice(lines, CHUNK_LINES)):
            yield separator + b",\n".join(chunk)
            separator = b",\n"
        yield b"\n],\n"


def _paused(chunks: Iterable[bytes], pause: Callable[[], None] | None) -> Iterator[bytes]:
    for chunk in chunks:
        yield chunk
        if pause is not None:
            pause()


def _checked(chunks: Iterable[bytes]) -> Iterator[bytes]:
    crc = 0
    for chunk in chunks:
        crc = crc32(chunk, crc)
        yield chunk
    yield b'"crc":"%08x"}\n' % crc


def _snapshots(folder: Path) -> list[Path]:
    with disk_errors("look for snapshots in", folder):
        if not folder.exists():
            return []
        return sorted(
            (path for path in folder.iterdir() if _NAME.fullmatch(path.name)), key=lambda path: int(path.stem)
        )


def _drop_old(folder: Path, files: Files, retention: Retention | None) -> None:
    paths = _snapshots(folder)
    kept = set() if retention is None else _kept(paths, retention)
    for path in paths[:-KEPT]:
        if path not in kept:
            files.unlink(path)


def _kept(paths: list[Path], retention: Retention) -> set[Path]:
    """Those far enough from the one before, from the last on that is as old as the history reaches."""
    kept: list[Path] = []
    now, written = paths[-1].stat().st_mtime, -inf
    for path in paths:
        at = path.stat().st_mtime
        if at <= now - retention.back_s:
            kept.clear()
        elif at < written + retention.apart_s:
            continue
        kept.append(path)
        written = at
    return set(kept)


def read_lines(folder: Path, at_most: int, *, files: Files | None = None) -> Lines | None:
    """The newest valid snapshot that is not younger than a commit, an entity at a time; None when there is none.

    Raises:
        DiskError: one cannot be read.
    """
    files = files or Files()
    for path in reversed(_snapshots(folder)):
        if int(path.stem) <= at_most:
            with disk_errors("read", path):
                data = read_whole(files, path)
            crc = _CRC.search(data, max(0, len(data) - _CRC_BYTES))
            if crc is not None and crc32(memoryview(data)[: crc.start()]) == int(crc[1], 16):
                return Lines(int(path.stem), _entities(data))
            log.warning("a damaged snapshot was passed over", extra={"file": str(path)})
    return None


def _entities(data: bytes) -> Iterator[tuple[str, bytes]]:
    section = ""
    for line in BytesIO(data):
        if line.startswith(b'"') and line.endswith(b'":[\n'):
            section = line[1:-4].decode()
        elif section and not line.startswith(b"]") and line.strip():
            yield section, line.rstrip(b",\n")
        elif line.startswith(b"]"):
            section = ""


class _Reader(Generic[T]):
    """Reads a document in pieces, so that what is made of one and thrown away again makes room for the next."""

    def __init__(self, kind: type[T], each: Callable[[list[object]], None] | None = None) -> None:
        self._kind = kind
        self._each = each
        self._decoders = {f.encode_name: msgspec.json.Decoder(f.type) for f in msgspec.structs.fields(kind)}

    def document(self, data: bytes, start: int) -> T:
        """The document whose first section begins there. Sections that are not asked for are passed over.

        Raises:
            msgspec.DecodeError: a section is none.
        """
        sections: dict[str, list[object]] = {}
        for section, at, end in _pieces(data, start):
            if section in self._decoders:
                sections.setdefault(section, []).extend(self._rows(section, data, at, end))
        return self._kind(**sections)

    def _rows(self, section: str, data: bytes, at: int, end: int) -> list[object]:
        try:
            rows: list[object] = self._decoders[section].decode(b"[%b]" % data[at:end])
        except msgspec.DecodeError as error:
            raise msgspec.DecodeError(f"{section} from byte {at} on: {error}") from error
        if self._each is not None:
            self._each(rows)
        return rows


def _pieces(data: bytes, start: int) -> Iterator[tuple[str, int, int]]:
    """Where whole entities lie, not many at a time, and of which section; no entity has a line's end in it."""
    while (head := _SECTION.match(data, start)) is not None:
        at, end = head.end(), data.find(b"\n],\n", head.end() - 1)
        if end < 0:
            raise msgspec.DecodeError(f"the section {head[1].decode()} has no end")
        while at < end:
            cut = data.find(b",\n", at + PIECE, end)
            upto = cut if cut >= 0 else end
            yield head[1].decode(), at, upto
            at = upto + 2
        start = end + len(b"\n],\n")
    if not data.startswith(b'"crc":"', start):
        raise msgspec.DecodeError(f"there is no section at byte {start}")


def _load(path: Path, reader: _Reader[T], files: Files) -> Loaded[T]:
    data = read_whole(files, path)
    head = _HEAD.match(data)
    seq = int(path.stem)
    crc = _CRC.search(data, max(0, len(data) - _CRC_BYTES))
    if crc is None or crc32(memoryview(data)[: crc.start()]) != int(crc[1], 16):
        raise Damaged(seq=seq, file=path, offset=len(data), reason="the snapshot's checksum does not fit")
    if head is None or int(head[2]) != seq:
        raise Damaged(seq=seq, file=path, offset=0, reason="the snapshot does not begin as its name says")
    try:
        return Loaded(seq, head[3].decode(), reader.document(data, head.end()))
    except msgspec.DecodeError as error:
        raise Damaged(seq=seq, file=path, offset=0, reason=f"the snapshot cannot be decoded: {error}") from error


@contextmanager
def _collector_at_rest() -> Iterator[None]:
    """Decoding makes no cycles; without this the collector looks at every new entity again and again."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
