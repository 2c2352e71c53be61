"""Snapshots: readable, whole or not there, and one older in reserve."""

import errno
import gc
import itertools
import json
import os
import time
from collections.abc import Iterator
from itertools import chain, count
from pathlib import Path
from tempfile import TemporaryDirectory
from zlib import crc32

import msgspec
import pytest

from maestrod.store.files import Files
from maestrod.store.log import Damaged, DiskError
from maestrod.store.snapshot import (
    CHUNK_LINES,
    Retention,
    load_snapshot,
    read_lines,
    snapshot_seqs,
    write_snapshot,
)
from tests.store.doors import DEEDS, FailingFiles, ForgetfulFiles, Killed, MortalFiles, QuickFiles, ShortFiles

HEAD = b'{"schema":1,"seq":0,"hash":"",\n'


class Thing(msgspec.Struct, frozen=True):
    id: str
    number: int


class Things(msgspec.Struct):
    project: list[Thing] = []
    task: list[Thing] = []


def things(number: int) -> list[Thing]:
    return [Thing(f"thing_{at}", at) for at in range(number)]


def write(
    folder: Path, seq: int, *, files: Files | None = None, tasks: int = 3, retention: Retention | None = None
) -> Path:
    sections = {"project": [], "task": map(msgspec.json.encode, things(tasks))}
    return write_snapshot(
        folder,
        seq=seq,
        hash="ab" * 16,
        schema=1,
        sections=sections,
        files=files or QuickFiles(),
        retention=retention,
    )


def test_a_snapshot_is_a_json_document_with_an_entity_a_line(tmp_path: Path) -> None:
    path = write(tmp_path, 4200)
    assert path == tmp_path / "000000004200.json"
    text = (
        '{"schema":1,"seq":4200,"hash":"abababababababababababababababab",\n'
        '"project":[\n'
        "],\n"
        '"task":[\n'
        '{"id":"thing_0","number":0},\n'
        '{"id":"thing_1","number":1},\n'
        '{"id":"thing_2","number":2}\n'
        "],\n"
    )
    assert path.read_text() == f'{text}"crc":"{crc32(text.encode()):08x}"}}\n'
    assert [task["id"] for task in json.loads(path.read_text())["task"]] == ["thing_0", "thing_1", "thing_2"]


@pytest.mark.parametrize("tasks", [0, 1, CHUNK_LINES, CHUNK_LINES + 1, 5 * CHUNK_LINES])
def test_what_is_loaded_is_what_was_written(tmp_path: Path, tasks: int) -> None:
    write(tmp_path / "data" / "snapshot", 7, files=ShortFiles() if tasks == 1 else Files(), tasks=tasks)
    loaded = load_snapshot(tmp_path / "data" / "snapshot", Things)
    assert loaded is not None
    seq, hash_, document = loaded
    assert (seq, hash_, document) == (7, "ab" * 16, Things([], things(tasks)))
    assert gc.isenabled()


def test_a_state_without_any_noun_is_a_snapshot_too(tmp_path: Path) -> None:
    write_snapshot(tmp_path, seq=0, hash="", schema=1, sections={})
    assert load_snapshot(tmp_path, Things) == (0, "", Things())


def test_a_folder_without_snapshots_has_none(tmp_path: Path) -> None:
    (tmp_path / "notes.json").write_text("{}")
    (tmp_path / "000000000001.json.part").write_text("{")
    assert load_snapshot(tmp_path, Things) is None
    assert load_snapshot(tmp_path / "missing", Things) is None
    assert snapshot_seqs(tmp_path / "missing") == ()


def test_the_two_newest_are_kept(tmp_path: Path) -> None:
    for seq in (5, 10, 15, 20):
        write(tmp_path, seq)
    assert snapshot_seqs(tmp_path) == (15, 20)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["000000000015.json", "000000000020.json"]


def test_older_ones_are_kept_apart_and_back_to_one_that_is_old_enough(tmp_path: Path) -> None:
    day = 24 * 3600
    now = time.time()
    for number in range(60):
        path = write(tmp_path, number + 1, retention=Retention(apart_s=7 * day, back_s=30 * day))
        os.utime(path, (now - (60 - number) * day,) * 2)
    ages = [round((now - path.stat().st_mtime) / day) for path in sorted(tmp_path.iterdir())]
    assert ages[-2:] == [2, 1]
    assert 30 <= ages[0] < 37 + 1
    assert all(older - newer >= 7 for older, newer in itertools.pairwise(ages[:-2]))
    assert 5 <= len(ages) <= 8
    write(tmp_path, 61)
    assert snapshot_seqs(tmp_path) == (60, 61)


def test_a_snapshot_is_read_an_entity_at_a_time(tmp_path: Path) -> None:
    assert read_lines(tmp_path / "missing", 100) is None
    sections = {"task": map(msgspec.json.encode, things(3)), "empty": iter(()), "odd": iter([b'{"id":"]"}'])}
    write_snapshot(tmp_path, seq=5, hash="", schema=1, sections=sections)
    write(tmp_path, 9)
    found = read_lines(tmp_path, 8)
    assert found is not None
    assert found.seq == 5
    rows = list(found.entities)
    assert [section for section, _ in rows] == ["task"] * 3 + ["odd"]
    assert [msgspec.json.decode(line, type=Thing) for _, line in rows[:3]] == things(3)
    assert rows[3][1] == b'{"id":"]"}'
    newest = read_lines(tmp_path, 9)
    assert newest is not None
    assert newest.seq == 9
    assert read_lines(tmp_path, 4) is None


def test_a_damaged_one_is_passed_over_for_an_older_one_entity_by_entity_too(tmp_path: Path) -> None:
    write(tmp_path, 5)
    path = write(tmp_path, 9)
    path.write_bytes(path.read_bytes().replace(b"]", b"}", 1))
    found = read_lines(tmp_path, 9)
    assert found is not None
    assert found.seq == 5
    path.write_bytes(b"")
    assert (read_lines(tmp_path, 9) or found).seq == 5


def test_entities_are_taken_a_few_at_a_time_with_pauses_between(tmp_path: Path) -> None:
    taken = 0
    pauses: list[int] = []

    def entities() -> Iterator[bytes]:
        nonlocal taken
        for thing in things(1000):
            taken += 1
            yield msgspec.json.encode(thing)

    write_snapshot(
        tmp_path, seq=1, hash="", schema=1, sections={"task": entities()}, pause=lambda: pauses.append(taken)
    )
    assert sorted(set(pauses)) == [0, 200, 400, 600, 800, 1000]


def test_a_large_snapshot_goes_to_disk_in_portions(tmp_path: Path) -> None:
    files = QuickFiles()
    large = [b'{"x":"%b"}' % (b"x" * 1_000_000)] * 12
    write_snapshot(tmp_path, seq=1, hash="", schema=1, sections={"task": iter(large)}, files=files)
    assert files.done["fdatasync"] == 1
    write_snapshot(tmp_path, seq=2, hash="", schema=1, sections={str(at): [each] for at, each in enumerate(large)})
    assert load_snapshot(tmp_path, Things) == (2, "", Things())


def test_an_older_snapshot_stands_in_for_a_damaged_one_and_says_so(tmp_path: Path) -> None:
    write(tmp_path, 10)
    whole = write(tmp_path, 20).read_bytes()
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << place % 8
        (tmp_path / "000000000020.json").write_bytes(damaged)
        told: list[Damaged] = []
        loaded = load_snapshot(tmp_path, Things, on_damaged=told.append)
        assert loaded is not None
        assert (loaded.seq, loaded.document.task) == (10, things(3))
        assert [each.file.name for each in told] == ["000000000020.json"]


def test_a_snapshot_cut_anywhere_is_damaged(tmp_path: Path) -> None:
    path = write(tmp_path, 20)
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        with pytest.raises(Damaged, match="checksum does not fit") as damage:
            load_snapshot(tmp_path, Things)
        assert (damage.value.seq, damage.value.file) == (20, path)


def test_of_several_damaged_snapshots_the_newest_is_named(tmp_path: Path) -> None:
    for seq in (10, 20):
        write(tmp_path, seq).write_bytes(b"\0" * 100)
    with pytest.raises(Damaged) as damage:
        load_snapshot(tmp_path, Things)
    assert damage.value.seq == 20


def test_a_snapshot_under_another_name_is_damaged(tmp_path: Path) -> None:
    write(tmp_path, 10).rename(tmp_path / "000000000011.json")
    with pytest.raises(Damaged, match="does not begin as its name says"):
        load_snapshot(tmp_path, Things)


def test_a_snapshot_with_other_content_than_asked_for_is_damaged(tmp_path: Path) -> None:
    write_snapshot(tmp_path, seq=1, hash="", schema=1, sections={"task": [b'{"id":1}']})
    with pytest.raises(Damaged, match=r"decoded: task from byte 40 on: Expected `str`, got `int` - at `\$\[0\].id`"):
        load_snapshot(tmp_path, Things)
    write_snapshot(tmp_path, seq=1, hash="", schema=1, sections={"task": [b"not json"]})
    with pytest.raises(Damaged, match="cannot be decoded"):
        load_snapshot(tmp_path, Things)


@pytest.mark.parametrize(
    ("rest", "wrong"),
    [
        (b'"task":[\n{"id":"a","number":1}\n,\n', "the section task has no end"),
        (b'"task":{},\n', "there is no section at byte 31"),
        (b'"task":[\n{"id":"a","number":1}\n],\n{"id":"b"},\n', "there is no section at byte 65"),
    ],
)
def test_a_snapshot_whose_sections_are_none_is_damaged(tmp_path: Path, rest: bytes, wrong: str) -> None:
    text = b'{"schema":1,"seq":1,"hash":"",\n' + rest
    (tmp_path / "000000000001.json").write_bytes(text + b'"crc":"%08x"}\n' % crc32(text))
    with pytest.raises(Damaged, match=wrong):
        load_snapshot(tmp_path, Things)


def test_entities_are_shown_some_at_a_time_before_others_are_read(tmp_path: Path) -> None:
    rows = [b'{"id":"%b","number":%d}' % (b"x" * 1000, number) for number in range(1000)]
    write_snapshot(tmp_path, seq=1, hash="", schema=1, sections={"project": [], "task": rows, "other": [b"{}"]})
    shown: list[list[object]] = []
    loaded = load_snapshot(tmp_path, Things, each=shown.append)
    assert loaded is not None
    assert [thing.number for thing in loaded.document.task] == list(range(1000))
    assert list(chain.from_iterable(shown)) == loaded.document.task
    assert len(shown) > 2


def test_a_snapshot_that_is_a_link_or_a_folder_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "000000000001.json").mkdir()
    with pytest.raises(DiskError, match="could not read"):
        load_snapshot(tmp_path, Things)
    write(tmp_path, 5).rename(tmp_path / "target")
    (tmp_path / "000000000005.json").symlink_to(tmp_path / "target")
    with pytest.raises(DiskError, match="could not read"):
        load_snapshot(tmp_path, Things)


def test_loading_leaves_a_collector_that_is_off_alone(tmp_path: Path) -> None:
    write(tmp_path, 1)
    gc.disable()
    try:
        load_snapshot(tmp_path, Things)
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_the_bytes_are_durable_before_the_name_and_the_name_before_old_ones_go(tmp_path: Path) -> None:
    write(tmp_path, 1)
    write(tmp_path, 2)
    files = QuickFiles()
    write(tmp_path, 3, files=files)
    assert [deed for deed in files.order if deed != "write"] == [
        "unlink",
        "open",
        "fsync",
        "rename",
        "fsync_folder",
        "unlink",
    ]


@pytest.mark.parametrize("deed", [each for each in DEEDS if each not in ("truncate", "make_folder", "fdatasync")])
@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC])
def test_a_snapshot_that_fails_at_any_call_harms_no_other_and_leaves_nothing(
    tmp_path: Path, deed: str, code: int
) -> None:
    for nth in count(1):
        with TemporaryDirectory(dir=tmp_path) as name:
            folder = Path(name)
            write(folder, 1)
            write(folder, 2)
            files = FailingFiles(deed, nth, code)
            try:
                write(folder, 3, files=files, tasks=4)
            except DiskError:
                assert files.failed
            loaded = load_snapshot(folder, Things)
            assert loaded is not None
            assert loaded.document.task == things(4 if loaded.seq == 3 else 3)
            assert not list(folder.glob("*.part"))
            write(folder, 3, tasks=4)
            assert snapshot_seqs(folder) == (2, 3)
        if not files.failed:
            assert nth > 1
            return


def test_killed_at_any_step_there_is_the_old_snapshot_or_the_new_one(tmp_path: Path) -> None:
    found = set()
    for nth in count(1):
        with TemporaryDirectory(dir=tmp_path) as name:
            folder = Path(name)
            write(folder, 1)
            write(folder, 2)
            files = MortalFiles(nth)
            try:
                write(folder, 3, files=files, tasks=4)
            except Killed:
                files.bury()
            loaded = load_snapshot(folder, Things)
            assert loaded is not None
            assert loaded.document.task == things(4 if loaded.seq == 3 else 3)
            found.add(loaded.seq)
            write(folder, 3, tasks=4)
            assert sorted(path.name for path in folder.iterdir()) == ["000000000002.json", "000000000003.json"]
        if not files.dead:
            break
    assert found == {2, 3}


@pytest.mark.parametrize("kept", [0.0, 0.5, 1.0, -0.5])
def test_after_a_power_cut_at_any_step_no_damaged_snapshot_has_a_name(tmp_path: Path, kept: float) -> None:
    for nth in count(1):
        with TemporaryDirectory(dir=tmp_path) as name:
            root = Path(name) / "root"
            root.mkdir()
            files = ForgetfulFiles(nth)
            try:
                for seq in (1, 2, 3):
                    write(root / "snapshot", seq, files=files, tasks=seq)
            except Killed:
                files.bury()
            files.cut_power(root, Path(name) / "image", kept=kept)
            loaded = load_snapshot(Path(name) / "image" / "snapshot", Things)
            assert loaded is None or loaded.document.task == things(loaded.seq)
        if not files.dead:
            assert loaded is not None
            assert loaded.seq == 3
            return


def test_snapshots_are_private(tmp_path: Path) -> None:
    path = write(tmp_path / "snapshot", 1)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
