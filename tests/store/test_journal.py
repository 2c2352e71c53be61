"""The journal from outside: what is appended, read, rotated, dropped and closed."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from maestrod.store import segments, writer
from maestrod.store.files import Files
from maestrod.store.journal import Journal
from maestrod.store.log import Anchor, Damaged, DiskError, Log, NotApplied, TooOld
from maestrod.store.mark import Mark
from maestrod.store.records import chained
from tests.store.doors import QuickFiles, ShortFiles
from tests.store.journals import Listener, bodies_of, body, lines, mark_of, put, write_batches
from tests.support.eventually import eventually


def opened(folder: Path, **options: object) -> tuple[Journal, Listener]:
    journal = Journal.open(folder, files=QuickFiles(), **options)  # type: ignore[arg-type]
    return journal, Listener().start(journal)


def test_an_empty_journal_begins_with_record_1(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path / "data" / "journal")
    log: Log = journal
    assert (log.last_seq, log.durable_seq, log.last_hash, log.oldest_seq) == (0, 0, "", 1)
    assert log.head == Anchor(0, "")
    assert list(log.read(0)) == []
    assert log.record(1) is None
    assert journal.quarantined is None
    journal.close()


def test_what_was_reported_durable_is_there_after_a_start(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)
    listener = Listener().start(journal)
    for _ in range(3):
        put(journal, listener)
    assert listener.durable == [1, 2, 3]
    assert listener.threads == {"journal"}
    journal.close()
    again = Journal.open(tmp_path)
    assert (again.last_seq, again.durable_seq, again.last_hash) == (3, 3, chained(bodies_of(tmp_path)[2]))
    assert list(again.read(0)) == bodies_of(tmp_path)
    again.close()


def test_all_that_waits_is_one_batch_with_one_report_and_one_sync(tmp_path: Path) -> None:
    files = QuickFiles()
    journal = Journal.open(tmp_path, files=files)
    for seq in range(1, 65):
        journal.append(seq, body(seq))
    before = len(files.order)
    listener = Listener().start(journal)
    eventually(lambda: listener.durable)
    assert listener.durable == [64]
    assert files.order[before : before + 2] == ["write", "fdatasync"]
    assert all(b',"batch":1,"batchEnd":64,"prev":"' in line for line in lines(tmp_path))
    journal.close()


def test_a_commit_is_reported_only_after_its_sync(tmp_path: Path) -> None:
    entered, leave = threading.Event(), threading.Event()

    class SlowFiles(QuickFiles):
        def fdatasync(self, fd: int) -> None:
            entered.set()
            assert leave.wait(10)

    journal = Journal.open(tmp_path, files=SlowFiles())
    listener = Listener().start(journal)
    journal.append(1, body(1))
    assert entered.wait(10)
    assert (journal.last_seq, journal.durable_seq, listener.durable) == (1, 0, [])
    assert list(journal.read(0)) == []
    journal.append(2, body(2))
    leave.set()
    eventually(lambda: listener.durable == [1, 2])
    journal.close()


@pytest.mark.parametrize(
    ("seq", "content"),
    [
        (2, body(2)),
        (0, body(0)),
        (1, body(2)),
        (1, b""),
        (1, b"{}"),
        (1, b'{"seq":1}'),
        (1, b'{"seq":1,"a":1'),
        (1, b'{"seq":1,\n"a":1}'),
        (1, b'{"seq": 1,"a":1}'),
        (1, b'[{"seq":1,"a":1}]'),
    ],
)
def test_a_body_that_is_not_the_next_commit_is_refused_and_changes_nothing(
    tmp_path: Path, seq: int, content: bytes
) -> None:
    journal, listener = opened(tmp_path)
    with pytest.raises(ValueError, match=f"commit {seq}"):
        journal.append(seq, content)
    assert put(journal, listener) == 1
    journal.close()
    assert len(bodies_of(tmp_path)) == 1


def test_a_body_that_looks_like_lines_of_the_journal_is_kept_as_it_is(tmp_path: Path) -> None:
    hostile = rb"\"}}\n{\"c\":\"00000000\",\"d\":{\"seq\":9,\"batch\":1,\"prev\":\"\"}}"
    nested = b'{"seq":%d,"x":{"c":"","batch":7,"batchEnd":7,"prev":""}}'
    journal, listener = opened(tmp_path)
    put(journal, listener, text=hostile.decode())
    journal.append(2, nested % 2)
    put(journal, listener, text="é" * 70_000)
    journal.close()
    again = Journal.open(tmp_path)
    assert hostile in (again.record(1) or b"")
    assert (again.record(2) or b"").startswith((nested % 2)[:-1] + b',"batch":2')
    assert again.last_seq == 3
    again.close()


def test_short_writes_are_gone_on_with(tmp_path: Path) -> None:
    write_batches(tmp_path, [3, 2], files=ShortFiles())
    journal, _ = opened(tmp_path)
    assert journal.last_seq == 5
    journal.close()


def test_a_full_segment_is_followed_by_a_new_one_named_for_its_first_record(tmp_path: Path) -> None:
    journal, listener = opened(tmp_path, segment_bytes=150)
    for _ in range(5):
        put(journal, listener)
    journal.close()
    assert [path.name for path in sorted(tmp_path.glob("*.jsonl"))] == [
        "000000000001.jsonl",
        "000000000003.jsonl",
        "000000000005.jsonl",
    ]
    again, listener = opened(tmp_path, segment_bytes=150)
    assert put(again, listener) == 6
    assert list(again.read(0)) == bodies_of(tmp_path)
    assert len(bodies_of(tmp_path)) == 6
    again.close()


def test_reading_begins_after_any_record_and_ends_at_any_limit(tmp_path: Path) -> None:
    write_batches(tmp_path, [1, 2, 3, 1], segment_bytes=150)
    journal, _ = opened(tmp_path)
    everything = bodies_of(tmp_path)
    for after in range(9):
        assert list(journal.read(after)) == everything[after:]
        assert list(journal.read(after, limit=2)) == everything[after : after + 2]
        assert journal.record(after + 1) == (everything[after] if after < 7 else None)
    assert journal.record(0) is None
    assert journal.hash_at(7) == journal.last_hash == chained(everything[6])
    assert journal.hash_at(8) is None
    journal.close()


def test_a_record_is_found_without_reading_from_the_beginning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "INDEX_STEP", 500)
    write_batches(tmp_path, [40, 5])
    journal, listener = opened(tmp_path)
    for _ in range(60):
        put(journal, listener)
    data = bytearray((tmp_path / "000000000001.jsonl").read_bytes())
    data[:3000] = b"x" * 3000
    data[9000:10_000] = b"x" * 1000
    (tmp_path / "000000000001.jsonl").write_bytes(data)
    assert len(list(journal.read(100))) == 5
    assert journal.record(45) is not None
    with pytest.raises(Damaged):
        journal.record(2)
    journal.close()


def test_history_is_dropped_in_whole_segments_and_never_the_newest(tmp_path: Path) -> None:
    write_batches(tmp_path, [2, 2, 2], segment_bytes=1)
    journal, listener = opened(tmp_path, segment_bytes=1)
    assert journal.drop_before(2) == ()
    assert journal.drop_before(4) == (tmp_path / "000000000001.jsonl",)
    assert journal.oldest_seq == 3
    assert journal.record(2) is None
    with pytest.raises(TooOld, match="the oldest kept is 3"):
        journal.read(1)
    assert journal.drop_before(1000) == (tmp_path / "000000000003.jsonl",)
    assert journal.drop_before(1000) == ()
    put(journal, listener)
    assert list(journal.read(4)) == bodies_of(tmp_path)
    journal.close()
    again, _ = opened(tmp_path)
    assert (again.oldest_seq, again.last_seq) == (5, 7)
    again.close()


def test_segments_younger_than_the_retention_stay(tmp_path: Path) -> None:
    write_batches(tmp_path, [1, 1, 1], segment_bytes=1)
    journal, _ = opened(tmp_path)
    written = (tmp_path / "000000000001.jsonl").stat().st_mtime
    assert journal.drop_before(3, modified_before=written) == ()
    assert journal.drop_before(3, modified_before=written + 3600) != ()
    journal.close()


def test_the_newest_records_are_kept_even_if_a_new_segment_is_waiting(tmp_path: Path) -> None:
    write_batches(tmp_path, [2])
    (tmp_path / "000000000003.jsonl").touch()
    journal, listener = opened(tmp_path)
    assert journal.drop_before(3) == ()
    assert put(journal, listener) == 3
    journal.close()
    assert len(bodies_of(tmp_path)) == 3


def test_reading_on_in_a_dropped_segment_says_so(tmp_path: Path) -> None:
    write_batches(tmp_path, [1, 1, 1], segment_bytes=1)
    journal, _ = opened(tmp_path)
    reading = journal.read(0)
    next(reading)
    journal.drop_before(3)
    with pytest.raises(TooOld):
        list(reading)
    journal.close()


def test_readers_see_whole_prefixes_while_others_write(tmp_path: Path) -> None:
    journal, listener = opened(tmp_path, segment_bytes=5000)

    def follow() -> int:
        last = 0
        while last < 3000:
            for content in journal.read(last):
                assert content.startswith(body(last + 1)[:-1])
                last += 1
        return last

    with ThreadPoolExecutor() as readers:
        following = [readers.submit(follow) for _ in range(2)]
        for seq in range(1, 3001):
            journal.append(seq, body(seq))
        eventually(lambda: listener.durable and listener.durable[-1] == 3000)
        assert [each.result(timeout=20) for each in following] == [3000, 3000]
    journal.close()


def test_close_writes_what_waits_and_takes_nothing_more(tmp_path: Path) -> None:
    journal, listener = opened(tmp_path)
    for seq in range(1, 101):
        journal.append(seq, body(seq))
    journal.close()
    journal.close()
    assert listener.durable[-1] == 100
    assert mark_of(tmp_path).seq == 100
    with pytest.raises(NotApplied, match="closed"):
        journal.append(101, body(101))
    with pytest.raises(ValueError, match="nothing to resume"):
        journal.resume(100)


def test_a_journal_starts_once(tmp_path: Path) -> None:
    journal, _ = opened(tmp_path)
    with pytest.raises(ValueError, match="started before"):
        Listener().start(journal)
    assert journal.writing
    journal.close()
    assert not journal.writing


def test_a_listener_that_fails_does_not_stop_the_journal(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, files=QuickFiles())

    def fail(seq: int) -> None:
        raise RuntimeError(f"no loop for {seq}")

    journal.start(on_durable=fail, on_failure=lambda failure: None)
    journal.append(1, body(1))
    eventually(lambda: journal.durable_seq == 1)
    journal.append(2, body(2))
    eventually(lambda: journal.durable_seq == 2)
    journal.close()


def test_the_mark_follows_at_rest_and_with_the_next_batch(tmp_path: Path) -> None:
    files = QuickFiles()
    journal = Journal.open(tmp_path, files=files)
    listener = Listener().start(journal)
    first = len(body(1)) + len(b'{"c":"00000000","d":,"batch":1,"batchEnd":1,"prev":""}\n')
    put(journal, listener)
    eventually(lambda: mark_of(tmp_path).seq == 1)
    assert mark_of(tmp_path) == Mark(1, 1, first, "always")
    put(journal, listener)
    put(journal, listener)
    assert mark_of(tmp_path).seq >= 2
    eventually(lambda: mark_of(tmp_path).seq == 3)
    eventually(lambda: files.order[-2:] == ["write", "fdatasync"])
    journal.close()


def test_a_torn_mark_leaves_the_one_before_it(tmp_path: Path) -> None:
    journal, listener = opened(tmp_path)
    for _ in range(4):
        put(journal, listener)
    journal.close()
    data = bytearray((tmp_path / "durable").read_bytes())
    newest = data.index(b'"seq":4')
    data[newest] ^= 1
    (tmp_path / "durable").write_bytes(data)
    assert mark_of(tmp_path).seq == 3


def test_an_anchor_spares_reading_what_lies_before_it(tmp_path: Path) -> None:
    write_batches(tmp_path, [2, 2, 2], segment_bytes=1)
    bodies = bodies_of(tmp_path)
    (tmp_path / "000000000001.jsonl").write_bytes(b"not a journal\n")
    for seq in (3, 4, 5, 6):
        journal, _ = opened(tmp_path, anchor=Anchor(seq, chained(bodies[seq - 1])))
        assert journal.last_seq == 6
        assert list(journal.read(seq)) == bodies[seq:]
        journal.close()
    with pytest.raises(Damaged):
        Journal.open(tmp_path)


@pytest.mark.parametrize("seq", [3, 4, 5])
def test_a_journal_that_does_not_pass_through_the_anchor_is_refused(tmp_path: Path, seq: int) -> None:
    write_batches(tmp_path, [2, 2, 2], segment_bytes=1)
    with pytest.raises(Damaged, match=r"not the record the snapshot was taken at|not the one written"):
        Journal.open(tmp_path, anchor=Anchor(seq, "0" * 32))


def test_a_journal_that_ends_before_the_anchor_is_refused(tmp_path: Path) -> None:
    write_batches(tmp_path, [2])
    with pytest.raises(Damaged, match="records up to 9 were on disk and are missing"):
        Journal.open(tmp_path, anchor=Anchor(9, "0" * 32))


def test_an_empty_journal_goes_on_from_the_anchor(tmp_path: Path) -> None:
    journal, listener = opened(tmp_path, anchor=Anchor(41, "ab" * 16))
    assert (journal.last_seq, journal.oldest_seq) == (41, 42)
    assert put(journal, listener) == 42
    journal.close()
    assert b'"prev":"abababababababababababababababab"}' in lines(tmp_path)[0]
    again, _ = opened(tmp_path, anchor=Anchor(41, "ab" * 16))
    assert again.last_seq == 42
    again.close()
    with pytest.raises(Damaged, match="not the one written"):
        Journal.open(tmp_path, anchor=Anchor(41, "cd" * 16))


def test_history_whose_last_record_is_not_kept_needs_an_anchor(tmp_path: Path) -> None:
    (tmp_path / "000000000007.jsonl").touch()
    with pytest.raises(Damaged, match="a snapshot's anchor is needed"):
        Journal.open(tmp_path)
    journal, listener = opened(tmp_path, anchor=Anchor(6, "ab" * 16))
    assert put(journal, listener) == 7
    journal.close()


def test_files_and_folders_are_private_from_the_beginning(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "journal"
    write_batches(folder, [2, 2], segment_bytes=1)
    (folder / "000000000003.jsonl").write_bytes((folder / "000000000003.jsonl").read_bytes()[:-1])
    (folder / "durable").unlink()
    Journal.open(folder).close()
    made = [tmp_path / "data", *(tmp_path / "data").rglob("*")]
    assert {path.stat().st_mode & 0o777 for path in made if path.is_dir()} == {0o700}
    assert {path.stat().st_mode & 0o777 for path in made if path.is_file()} == {0o600}
    assert len(made) == 7


@pytest.mark.parametrize("name", ["000000000001.jsonl", "durable"])
def test_a_link_is_not_followed(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "journal"
    folder.mkdir()
    target = tmp_path / "target"
    target.write_bytes(b"keep")
    (folder / name).symlink_to(target)
    with pytest.raises(DiskError):
        Journal.open(folder)
    assert target.read_bytes() == b"keep"


def test_what_is_not_a_segment_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "1.jsonl").write_text("not twelve digits")
    write_batches(tmp_path, [1])
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert len(bodies_of(tmp_path)) == 1


def test_an_unreadable_segment_is_a_disk_error(tmp_path: Path) -> None:
    write_batches(tmp_path, [1])
    journal, _ = opened(tmp_path)
    (tmp_path / "000000000001.jsonl").unlink()
    (tmp_path / "000000000001.jsonl").mkdir()
    with pytest.raises(DiskError, match="could not read"):
        journal.record(1)
    journal.close()
    with pytest.raises(DiskError, match="could not open the journal"):
        Journal.open(tmp_path)


def test_with_batch_durability_syncs_come_later_and_together(tmp_path: Path) -> None:
    files = QuickFiles()
    journal = Journal.open(tmp_path, files=files, durability="batch")
    listener = Listener().start(journal)
    put(journal, listener)
    assert journal.durable_seq == 1
    assert mark_of(tmp_path).durability == "batch"
    eventually(lambda: mark_of(tmp_path).seq == 1)
    journal.close()


def test_with_batch_durability_a_sync_is_not_put_off_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "SYNC_WITHIN_S", 0.0)
    files = QuickFiles()
    journal = Journal.open(tmp_path, files=files, durability="batch")
    listener = Listener().start(journal)
    put(journal, listener)
    syncs = files.done["fdatasync"]
    put(journal, listener)
    put(journal, listener)
    assert files.done["fdatasync"] >= syncs + 2
    journal.close()


def test_with_os_durability_only_the_end_of_a_segment_and_closing_sync(tmp_path: Path) -> None:
    files = QuickFiles()
    journal = Journal.open(tmp_path, files=files, durability="os", segment_bytes=200)
    listener = Listener().start(journal)
    for _ in range(3):
        put(journal, listener)
    assert files.done["fdatasync"] == 0
    put(journal, listener)
    assert files.done["fdatasync"] == 1
    assert mark_of(tmp_path) == Mark(3, 4, 0, "os")
    journal.close()
    assert mark_of(tmp_path).seq == 4
    again = Journal.open(tmp_path, files=Files())
    assert again.last_seq == 4
    again.close()
