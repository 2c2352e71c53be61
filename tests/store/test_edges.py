"""Promises at the edges: what one sync, one number or one byte more or less would break."""

import errno
import os
from pathlib import Path

import pytest

from maestrod.store import segments, writer
from maestrod.store.files import Files, make_folders
from maestrod.store.journal import Journal
from maestrod.store.log import Damaged, TooOld
from maestrod.store.mark import PAGE, SLOT, Mark, MarkFile, read_mark
from maestrod.store.records import chained, frame_batch, parse
from maestrod.store.segments import create_segment
from tests.store.doors import BrokenFiles, QuickFiles
from tests.store.journals import Listener, bodies_of, body, mark_of, put, write_batches


def test_every_sync_reaches_the_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[tuple[str, int]] = []
    for name in ("fdatasync", "fsync"):

        def note(fd: int, name: str = name) -> None:
            synced.append((name, os.fstat(fd).st_ino))

        monkeypatch.setattr(os, name, note, raising=False)
    files = Files(full_sync=None)
    fd = files.open(tmp_path / "file", os.O_WRONLY | os.O_CREAT)
    files.fdatasync(fd)
    files.fsync(fd)
    files.close(fd)
    files.fsync_folder(tmp_path)
    file, folder = (tmp_path / "file").stat().st_ino, tmp_path.stat().st_ino
    assert synced == [("fdatasync", file), ("fsync", file), ("fsync", folder)]


def test_each_new_folder_is_durable_before_anything_is_put_into_it(tmp_path: Path) -> None:
    deeds: list[tuple[str, Path]] = []

    class Noting(QuickFiles):
        def make_folder(self, path: Path) -> None:
            deeds.append(("make", path))
            super().make_folder(path)

        def fsync_folder(self, path: Path) -> None:
            deeds.append(("sync", path))

    outer, inner = tmp_path / "data", tmp_path / "data" / "journal"
    make_folders(Noting(), inner)
    assert deeds == [("make", outer), ("sync", tmp_path), ("make", inner), ("sync", outer)]


# -- the mark -------------------------------------------------------------------------------------


@pytest.mark.parametrize("torn", [0, PAGE])
def test_a_start_leaves_two_marks_of_which_one_may_be_torn(tmp_path: Path, torn: int) -> None:
    path, mark = tmp_path / "durable", Mark(5, 1, 100, "always")
    MarkFile(QuickFiles(), path, mark).close()
    data = bytearray(path.read_bytes())
    data[torn : torn + SLOT] = b"x" * SLOT
    path.write_bytes(data)
    assert read_mark(QuickFiles(), path) == mark


def test_marks_are_written_in_turn_each_into_a_page_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "durable"
    marks = MarkFile(QuickFiles(), path, Mark(5, 1, 100, "always"))
    for seq in (6, 7, 8):
        marks.write(Mark(seq, 1, 100, "always"))
        assert read_mark(QuickFiles(), path).seq == seq
    marks.close()
    data = path.read_bytes()
    assert (b'"seq":8' in data[:SLOT], b'"seq":7' in data[PAGE : PAGE + SLOT]) == (True, True)


def test_at_rest_the_mark_itself_reaches_the_disk(tmp_path: Path) -> None:
    files = QuickFiles()
    journal = Journal.open(tmp_path, files=files)
    journal._writer.write([body(1)])
    files.order.clear()
    journal._writer.settle()
    assert files.order == ["write", "fdatasync"]
    assert mark_of(tmp_path).seq == 1
    journal.close()


# -- syncs that are put off -----------------------------------------------------------------------


def test_a_put_off_sync_is_due_a_while_after_the_first_write_that_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr(writer, "monotonic", lambda: now)
    files = QuickFiles()
    journal = Journal.open(tmp_path, files=files, durability="batch")
    for seq, now in enumerate((100.0, 100.9, 101.0), start=1):
        journal._writer.write([body(seq)])
        assert files.done["fdatasync"] == (0 if now < 101 else 1)
    assert journal._writer._mark.seq == 2
    journal.close()


def test_a_failed_sync_says_nothing_against_the_next_segment(tmp_path: Path) -> None:
    files = BrokenFiles()
    journal = Journal.open(tmp_path, files=files, durability="os", segment_bytes=200)
    listener = Listener().start(journal)
    for _ in range(3):
        put(journal, listener)
    files.broken = {"fdatasync": errno.EIO}
    put(journal, listener)
    assert (len(listener.failures), journal.durable_seq) == (1, 0)
    files.broken = {}
    journal.resume(0)
    put(journal, listener, text="answered")
    files.broken = {"write": errno.ENOSPC}
    put(journal, listener)
    assert (len(listener.failures), journal.durable_seq) == (2, 1)
    files.broken = {}
    journal.close()
    assert b"answered" in bodies_of(tmp_path)[0]


# -- segments -------------------------------------------------------------------------------------


def test_a_segment_that_holds_anything_is_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "000000000001.jsonl"
    path.write_bytes(b"x")
    with pytest.raises(FileExistsError):
        create_segment(QuickFiles(), path)
    assert path.read_bytes() == b"x"


@pytest.mark.parametrize("segment_bytes", [1, 1 << 20])
def test_every_record_is_found_from_every_entry_of_the_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, segment_bytes: int
) -> None:
    monkeypatch.setattr(segments, "INDEX_STEP", 1)
    write_batches(tmp_path, [1] * 5, segment_bytes=segment_bytes)
    journal = Journal.open(tmp_path, files=QuickFiles(), segment_bytes=segment_bytes)
    listener = Listener().start(journal)
    for _ in range(5):
        put(journal, listener)
    everything = bodies_of(tmp_path)
    assert [list(journal.read(after)) for after in range(10)] == [everything[after:] for after in range(10)]
    journal.close()


def test_a_segment_that_was_begun_twice_is_one_and_is_never_dropped(tmp_path: Path) -> None:
    files = BrokenFiles()
    journal = Journal.open(tmp_path, files=files)
    listener = Listener().start(journal)
    files.broken = {"write": errno.ENOSPC}
    put(journal, listener)
    files.broken = {}
    journal.resume(0)
    for _ in range(3):
        put(journal, listener)
    assert journal.drop_before(3) == ()
    assert list(journal.read(0)) == bodies_of(tmp_path)
    journal.close()


def test_history_never_has_a_hole(tmp_path: Path) -> None:
    write_batches(tmp_path, [1, 1, 1], segment_bytes=1)
    os.utime(tmp_path / "000000000001.jsonl", (2000, 2000))
    os.utime(tmp_path / "000000000002.jsonl", (1000, 1000))
    journal = Journal.open(tmp_path, files=QuickFiles())
    assert journal.drop_before(3, modified_before=1500) == ()
    assert list(journal.read(0)) == bodies_of(tmp_path)
    journal.close()


def test_what_was_dropped_is_gone_for_good(tmp_path: Path) -> None:
    write_batches(tmp_path, [1, 1, 1], segment_bytes=1)
    files = QuickFiles()
    journal = Journal.open(tmp_path, files=files)
    files.order.clear()
    journal.drop_before(3)
    assert files.order == ["unlink", "fsync_folder"] * 2
    journal.close()


def test_whoever_asks_for_too_much_learns_what_is_kept(tmp_path: Path) -> None:
    write_batches(tmp_path, [1, 1, 1], segment_bytes=1)
    journal = Journal.open(tmp_path, files=QuickFiles())
    journal.drop_before(3)
    with pytest.raises(TooOld) as refusal:
        journal.read(0)
    assert (refusal.value.after, refusal.value.oldest_seq) == (0, 3)
    journal.close()


# -- what a start finds ---------------------------------------------------------------------------


def test_a_batch_without_its_end_is_no_whole_batch_though_another_follows(tmp_path: Path) -> None:
    whole, _ = frame_batch([body(1), body(2)], first=1, prev="")
    begun = whole.splitlines(keepends=True)[0]
    following, _ = frame_batch([body(2)], first=2, prev=chained(parse(begun).body))
    (tmp_path / "000000000001.jsonl").write_bytes(begun + following)
    with pytest.raises(Damaged, match="does not belong to its batch") as damage:
        Journal.open(tmp_path, files=QuickFiles())
    assert damage.value.seq == 2


def test_two_tears_at_one_place_are_both_kept(tmp_path: Path) -> None:
    write_batches(tmp_path, [2])
    segment = tmp_path / "000000000001.jsonl"
    whole = segment.read_bytes()
    for torn in (b"one", b"two"):
        segment.write_bytes(whole + torn)
        Journal.open(tmp_path, files=QuickFiles()).close()
        assert segment.read_bytes() == whole
    assert {path.read_bytes() for path in (tmp_path / "quarantine").iterdir()} == {b"one", b"two"}
