"""The door to the disk itself, and the line format."""

import fcntl
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maestrod.store.files import Files, write_all, write_aside
from maestrod.store.records import Unreadable, chained, frame, frame_batch, parse, salvage
from tests.store.doors import Killed, MortalFiles


class DeafFiles(Files):
    """Takes no bytes and says nothing."""

    def write(self, fd: int, data: bytes | memoryview, offset: int) -> int:
        return 0


def test_a_system_that_takes_no_bytes_is_an_error_and_no_endless_loop(tmp_path: Path) -> None:
    fd = Files().open(tmp_path / "file", os.O_WRONLY | os.O_CREAT)
    with pytest.raises(OSError, match="took no bytes"):
        write_all(DeafFiles(), fd, b"abc", 0)
    assert write_all(DeafFiles(), fd, b"", 7) == 7
    os.close(fd)


def test_where_the_drive_has_a_cache_of_its_own_it_is_flushed_too(tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb") as file:
        files = Files(full_sync=fcntl.F_GETFD)
        files.fdatasync(file.fileno())
        files.fsync(file.fileno())
        missing = Files(full_sync=-1)
        with pytest.raises(OSError, match="Invalid argument"):
            missing.fdatasync(file.fileno())
        with pytest.raises(OSError, match="Invalid argument"):
            missing.fsync(file.fileno())


def test_what_a_killed_process_left_aside_is_in_nobodys_way(tmp_path: Path) -> None:
    with pytest.raises(Killed):
        write_aside(MortalFiles(4), tmp_path / "file", [b"old", b"older"])
    assert (tmp_path / "file.part").read_bytes() == b"old"
    write_aside(Files(), tmp_path / "file", [b"new"])
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_descriptors_are_not_inherited(tmp_path: Path) -> None:
    fd = Files().open(tmp_path / "file", os.O_WRONLY | os.O_CREAT)
    assert not os.get_inheritable(fd)
    os.close(fd)


@given(st.lists(st.binary().map(lambda data: data.hex().encode()), min_size=1, max_size=8))
def test_every_record_of_a_batch_is_read_back_and_chained(texts: list[bytes]) -> None:
    bodies = [b'{"seq":%d,"x":"%b"}' % (5 + at, text) for at, text in enumerate(texts)]
    data, last = frame_batch(bodies, first=5, prev="ab" * 16)
    records = [parse(line) for line in data.splitlines(keepends=True)]
    assert [record.seq for record in records] == list(range(5, 5 + len(texts)))
    assert {(record.batch, record.batch_end) for record in records} == {(5, 4 + len(texts))}
    assert [record.prev for record in records] == ["ab" * 16, *(chained(each.body) for each in records[:-1])]
    assert last == chained(records[-1].body)
    assert all(record.body.startswith(body[:-1]) for record, body in zip(records, bodies, strict=True))


@given(st.binary(max_size=300))
def test_any_bytes_are_a_record_or_unreadable(data: bytes) -> None:
    for line in (data, data + b"\n", frame(data)):
        with pytest.raises(Unreadable):
            parse(line)
    assert list(salvage(data)) == []


@given(st.binary(max_size=60), st.binary(max_size=60).filter(lambda data: b"\n" not in data))
def test_whole_records_are_found_among_anything(before: bytes, between: bytes) -> None:
    data, _ = frame_batch([b'{"seq":1,"x":1}', b'{"seq":2,"x":1}'], first=1, prev="")
    first, second = data.splitlines(keepends=True)
    assert [each.seq for each in salvage(before + first + between + second)] == [1, 2]
