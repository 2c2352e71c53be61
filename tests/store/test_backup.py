"""Backups as files: whole or not there, and taken for hostile until checked."""

import os
import tarfile
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import msgspec
import pytest

from maestrod.store.backup import (
    HEAD,
    BadBackup,
    Manifest,
    Part,
    Source,
    read_manifest,
    unpack,
    write_backup,
)
from maestrod.store.files import Files
from maestrod.store.journal import Journal
from maestrod.store.log import DiskError, TooOld
from tests.store.journals import write_batches

SNAPSHOT = "snapshot/000000000007.json"
SEGMENT = "journal/000000000008.jsonl"
CONTENT = {"VERSION": b"1\n", SNAPSHOT: b"s" * 600, SEGMENT: b"j" * 1024}
BLANK = Manifest(schema=1, seq=9, chain="c", hash="h", at=5)


def made(folder: Path) -> Path:
    """A backup of some bytes."""
    sources = []
    for number, (name, content) in enumerate(CONTENT.items()):
        path = folder / f"source-{number}"
        path.write_bytes(content + b"what comes later")
        sources.append(Source(name, path, len(content)))
    target = folder / "backups" / "a.tar"
    write_backup(target, BLANK, sources, files=Files())
    return target


def archive(target: Path, members: list[tuple[tarfile.TarInfo, bytes]]) -> Path:
    """A tar of somebody else's making."""
    with tarfile.open(target, "w:", format=tarfile.USTAR_FORMAT) as tar:
        for about, content in members:
            about.size = len(content)
            tar.addfile(about, BytesIO(content))
    return target


def head(*parts: Part, **fields: object) -> tuple[tarfile.TarInfo, bytes]:
    """The part that comes first, for these parts."""
    manifest = msgspec.structs.replace(BLANK, parts=parts, **fields)
    return tarfile.TarInfo(HEAD), msgspec.json.encode(manifest)


def part(name: str, content: bytes, size: int | None = None) -> Part:
    return Part(name, len(content) if size is None else size, sha256(content).hexdigest())


def below(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def refused(path: Path, tmp_path: Path) -> str:
    """Unpacking is refused; nothing is outside of the folder, and nothing in it under a name that is none."""
    folder = tmp_path / "aside"
    before = below(tmp_path)
    with pytest.raises(BadBackup) as caught:
        unpack(path, folder, files=Files())
    new = [name for name in below(tmp_path) if name not in before and not name.startswith("aside")]
    assert new == []
    assert not list(folder.rglob("*.part"))
    return caught.value.reason


def test_a_backup_holds_what_it_was_given_and_nothing_else(tmp_path: Path) -> None:
    target = made(tmp_path)
    assert target.stat().st_mode & 0o777 == 0o600
    assert target.parent.stat().st_mode & 0o777 == 0o700
    manifest = unpack(target, tmp_path / "aside", files=Files())
    assert manifest == read_manifest(target, files=Files())
    assert {p.name: p.size for p in manifest.parts} == {name: len(content) for name, content in CONTENT.items()}
    assert {name: (tmp_path / "aside" / name).read_bytes() for name in CONTENT} == CONTENT
    assert (tmp_path / "aside" / SEGMENT).stat().st_mode & 0o777 == 0o600
    with tarfile.open(target) as tar:
        assert tar.getnames() == [HEAD, *CONTENT]


def test_a_source_that_became_shorter_makes_no_backup(tmp_path: Path) -> None:
    (tmp_path / "short").write_bytes(b"x")
    with pytest.raises(DiskError, match="shorter"):
        write_backup(tmp_path / "b" / "a.tar", BLANK, [Source("VERSION", tmp_path / "short", 2)], files=Files())
    assert not (tmp_path / "b").exists()


def test_a_backup_cut_anywhere_is_refused(tmp_path: Path) -> None:
    target = made(tmp_path)
    whole = target.read_bytes()
    for length in range(0, len(whole), 37):
        target.write_bytes(whole[:length])
        refused(target, tmp_path)


def test_a_backup_with_a_byte_changed_is_refused(tmp_path: Path) -> None:
    target = made(tmp_path)
    whole = target.read_bytes()
    begin = whole.index(b"VERSION\0")
    for offset in range(begin, len(whole), 41):
        target.write_bytes(whole[:offset] + bytes([whole[offset] ^ 1]) + whole[offset + 1 :])
        refused(target, tmp_path)
    target.write_bytes(whole + b"x")
    assert "does not end" in refused(target, tmp_path)


@pytest.mark.parametrize("name", ["../evil", "/tmp/evil", "journal/../../evil", "run/cred", "journal/x.jsonl", ""])
def test_a_part_outside_of_its_place_is_refused(tmp_path: Path, name: str) -> None:
    target = archive(tmp_path / "a.tar", [head(part(name, b"x")), (tarfile.TarInfo(name), b"x")])
    assert "parts that no backup has" in refused(target, tmp_path)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE, b"S"])
def test_a_part_that_is_no_plain_file_is_refused(tmp_path: Path, kind: bytes) -> None:
    about = tarfile.TarInfo("VERSION")
    about.type, about.linkname = kind, "/etc/passwd"
    target = archive(tmp_path / "a.tar", [head(part("VERSION", b"")), (about, b"")])
    assert "something else" in refused(target, tmp_path)


def test_a_backup_that_claims_more_than_there_is_is_refused(tmp_path: Path) -> None:
    for size, told in ((10**15, "shorter"), (-1, "no backup has"), (2, "another size")):
        target = archive(tmp_path / "a.tar", [head(part("VERSION", b"x", size)), (tarfile.TarInfo("VERSION"), b"x")])
        assert told in refused(target, tmp_path)


def test_a_backup_with_the_same_part_twice_is_refused(tmp_path: Path) -> None:
    twice = [part("VERSION", b"1"), part("VERSION", b"1")]
    target = archive(tmp_path / "a.tar", [head(*twice), *[(tarfile.TarInfo("VERSION"), b"1")] * 2])
    assert "no backup has" in refused(target, tmp_path)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"{", "cannot be read"),
        (b" " * ((1 << 20) + 1), "too large"),
        (head(format="other")[1], "it is a other"),
        (head(version=99)[1], "version 99"),
    ],
)
def test_a_head_that_makes_no_sense_is_refused(tmp_path: Path, content: bytes, told: str) -> None:
    target = archive(tmp_path / "a.tar", [(tarfile.TarInfo(HEAD), content)])
    assert told in refused(target, tmp_path)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("gone", "pipe", "."):
        assert "no file" in refused(tmp_path / name, tmp_path)


def test_the_journal_tells_which_segments_hold_what_follows(tmp_path: Path) -> None:
    write_batches(tmp_path, [1] * 4, segment_bytes=1)
    journal = Journal.open(tmp_path, segment_bytes=1)
    try:
        head_, spans = journal.whole_after(0)
        assert head_ == journal.head
        assert [(span.start, span.end) for span in spans] == [(0, span.path.stat().st_size) for span in spans]
        assert [int(span.path.stem) for span in spans] == [1, 2, 3, 4]
        assert journal.whole_after(2) == (head_, spans[2:])
        journal.drop_before(3)
        with pytest.raises(TooOld):
            journal.whole_after(0)
    finally:
        journal.close()
