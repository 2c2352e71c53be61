"""What the journal does when the disk fails, the process is killed, or the power goes."""

import errno
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from maestrod.store.files import Files
from maestrod.store.journal import Journal
from maestrod.store.log import DiskError, NotApplied, Unknown
from maestrod.store.records import parse
from maestrod.store.recovery import Quarantined
from maestrod.store.writer import Writer
from tests.store.doors import (
    DEEDS,
    BrokenFiles,
    FailingFiles,
    ForgetfulFiles,
    FullFiles,
    Killed,
    MortalFiles,
    QuickFiles,
)
from tests.store.journals import Listener, bodies_of, body, lines, mark_of, put, write_batches
from tests.support.eventually import eventually


@contextmanager
def running(folder: Path, files: Files, **options: object) -> Iterator[tuple[Journal, Listener]]:
    journal = Journal.open(folder, files=files, **options)  # type: ignore[arg-type]
    try:
        yield journal, Listener().start(journal)
    finally:
        journal.close()


def seqs(folder: Path) -> list[int]:
    return [parse(line).seq for line in lines(folder)]


@pytest.mark.parametrize("deed", ["write", "fdatasync"])
@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC, errno.EINTR])
def test_a_failed_write_or_sync_is_taken_back_and_a_new_segment_goes_on(tmp_path: Path, deed: str, code: int) -> None:
    files = BrokenFiles()
    with running(tmp_path, files) as (journal, listener):
        put(journal, listener)
        before = bodies_of(tmp_path)
        files.broken = {deed: code}
        put(journal, listener)
        failure = listener.failures[0]
        assert isinstance(failure, NotApplied)
        assert (failure.first_seq, failure.last_seq) == (2, 2)
        assert (journal.last_seq, journal.durable_seq) == (1, 1)
        assert bodies_of(tmp_path) == before == list(journal.read(0))
        with pytest.raises(NotApplied, match="commits 2 to 2 were not applied"):
            journal.append(2, body(2))
        files.broken = {}
        journal.resume(1)
        assert put(journal, listener, text="again") == 2
        assert [path.name for path in sorted(tmp_path.glob("*.jsonl"))] == ["000000000001.jsonl", "000000000002.jsonl"]
        assert b"again" in (journal.record(2) or b"")
    assert listener.durable == [1, 2]
    assert seqs(tmp_path) == [1, 2]


def test_the_order_after_a_failed_sync_is_cut_then_sync_then_new_segment_then_folder(tmp_path: Path) -> None:
    files = BrokenFiles()
    with running(tmp_path, files) as (journal, listener):
        put(journal, listener)
        eventually(lambda: files.order[-4:] == ["write", "fdatasync"] * 2)
        files.broken = {"fdatasync": errno.EIO}
        files.order.clear()
        put(journal, listener)
        files.broken = {}
        assert files.order == ["write", "fdatasync", "open", "truncate", "fsync"]
        files.order.clear()
        journal.resume(1)
        assert files.order == ["open", "fsync", "fsync_folder"]


def test_a_full_disk_refuses_what_came_later_too_and_resumes_when_there_is_room(tmp_path: Path) -> None:
    files = FullFiles(room=1 << 20)
    journal = Journal.open(tmp_path, files=files)
    listener = Listener().start(journal)
    put(journal, listener)
    eventually(lambda: mark_of(tmp_path).seq == 1)
    files.room = 30
    journal.append(2, body(2))
    eventually(lambda: listener.failures)
    assert isinstance(listener.failures[0], NotApplied)
    assert seqs(tmp_path) == [1]
    files.room = 1 << 20
    journal.resume(1)
    put(journal, listener)
    assert seqs(tmp_path) == [1, 2]
    journal.close()


def test_everything_that_waited_behind_a_failure_is_in_its_range(tmp_path: Path) -> None:
    files = BrokenFiles()
    journal = Journal.open(tmp_path, files=files)
    for seq in range(1, 11):
        journal.append(seq, body(seq))
    files.broken = {"write": errno.EIO}
    listener = Listener().start(journal)
    eventually(lambda: listener.failures)
    assert [(each.first_seq, each.last_seq) for each in listener.failures] == [(1, 10)]
    assert journal.last_seq == 0
    journal.close()


def test_what_was_appended_during_a_failing_sync_is_not_applied_and_not_written_later(tmp_path: Path) -> None:
    class LateFiles(BrokenFiles):
        journal: Journal

        def fdatasync(self, fd: int) -> None:
            if self.broken and self.journal.last_seq == 1:
                self.journal.append(2, body(2))
                self.journal.append(3, body(3))
            super().fdatasync(fd)

    files = LateFiles()
    with running(tmp_path, files) as (journal, listener):
        files.journal = journal
        files.broken = {"fdatasync": errno.EIO}
        put(journal, listener)
        assert [(each.first_seq, each.last_seq) for each in listener.failures] == [(1, 3)]
        files.broken = {}
        journal.resume(0)
        put(journal, listener, text="new")
    assert seqs(tmp_path) == [1]
    assert b"new" in bodies_of(tmp_path)[0]


@pytest.mark.parametrize("deed", ["truncate", "fsync", "open"])
def test_what_cannot_be_taken_back_is_unknown_until_a_resume_takes_it_back(tmp_path: Path, deed: str) -> None:
    files = BrokenFiles()
    with running(tmp_path, files) as (journal, listener):
        put(journal, listener)
        files.broken = {"fdatasync": errno.EIO, deed: errno.EIO}
        put(journal, listener)
        failure = listener.failures[0]
        assert isinstance(failure, Unknown)
        assert (failure.first_seq, failure.last_seq) == (2, 2)
        assert "may or may not be on disk" in str(failure)
        if deed != "open":
            assert len(list(journal.read(0))) == 1
        with pytest.raises(DiskError, match="could not begin a new segment"):
            journal.resume(1)
        with pytest.raises(NotApplied):
            journal.append(2, body(2))
        files.broken = {}
        journal.resume(1)
        put(journal, listener)
    assert listener.durable == [1, 2]
    assert seqs(tmp_path) == [1, 2]


@pytest.mark.parametrize("deed", ["open", "fsync", "fsync_folder"])
def test_a_new_segment_that_cannot_be_made_can_be_asked_for_again(tmp_path: Path, deed: str) -> None:
    files = BrokenFiles()
    with running(tmp_path, files) as (journal, listener):
        for _ in range(2):
            files.broken = {"write": errno.ENOSPC}
            put(journal, listener)
            files.broken = {deed: errno.ENOSPC}
            for _ in range(3):
                with pytest.raises(DiskError):
                    journal.resume(0)
            files.broken = {}
            journal.resume(0)
        put(journal, listener)
    assert listener.durable == [1]
    assert seqs(tmp_path) == [1]


def test_rotation_that_fails_applies_nothing(tmp_path: Path) -> None:
    files = BrokenFiles()
    with running(tmp_path, files, segment_bytes=1) as (journal, listener):
        put(journal, listener)
        files.broken = {"fsync_folder": errno.EIO}
        put(journal, listener)
        assert isinstance(listener.failures[0], NotApplied)
        files.broken = {}
        journal.resume(1)
        put(journal, listener)
    assert seqs(tmp_path) == [1, 2]


def test_resume_wants_proof_that_the_engine_went_back(tmp_path: Path) -> None:
    files = BrokenFiles()
    with running(tmp_path, files) as (journal, listener):
        with pytest.raises(ValueError, match="nothing to resume"):
            journal.resume(0)
        put(journal, listener)
        files.broken = {"write": errno.EIO}
        put(journal, listener)
        files.broken = {}
        with pytest.raises(ValueError, match="2 is not 1"):
            journal.resume(2)
        journal.resume(1)


def test_closing_after_a_failure_leaves_what_was_durable(tmp_path: Path) -> None:
    files = BrokenFiles()
    with running(tmp_path, files) as (journal, listener):
        put(journal, listener)
        files.broken = {"write": errno.EIO}
        put(journal, listener)
    assert seqs(tmp_path) == [1]
    assert listener.durable == [1]


def test_a_failure_while_closing_is_reported_and_the_end_is_still_the_end(tmp_path: Path) -> None:
    files = BrokenFiles()
    journal = Journal.open(tmp_path, files=files)
    listener = Listener().start(journal)
    put(journal, listener)

    files.broken = {"fdatasync": errno.EIO}
    journal.append(2, body(2))
    journal.close()
    assert [type(each) for each in listener.failures] == [NotApplied]
    assert seqs(tmp_path) == [1]


def test_a_failure_that_meets_the_closing_is_reported_and_the_closing_ends(tmp_path: Path) -> None:
    entered, leave = threading.Event(), threading.Event()

    class SlowFiles(QuickFiles):
        def fdatasync(self, fd: int) -> None:
            entered.set()
            assert leave.wait(10)
            raise OSError(errno.EIO, "no")

    journal = Journal.open(tmp_path, files=SlowFiles())
    listener = Listener().start(journal)
    journal.append(1, body(1))
    assert entered.wait(10)
    with ThreadPoolExecutor() as closer:
        closing = closer.submit(journal.close)
        eventually(lambda: journal._closed)
        leave.set()
        closing.result(timeout=10)
    assert [type(each) for each in listener.failures] == [NotApplied]
    assert seqs(tmp_path) == []


def test_a_mark_that_cannot_be_written_or_synced_costs_nothing(tmp_path: Path) -> None:
    class Unmarked(QuickFiles):
        mark_fd = -1

        def open(self, path: Path, flags: int) -> int:
            fd = super().open(path, flags)
            self.mark_fd = fd if path.name == "durable" else self.mark_fd
            return fd

        def write(self, fd: int, data: bytes | memoryview, offset: int) -> int:
            if fd == self.mark_fd:
                raise OSError(errno.EIO, "no")
            return super().write(fd, data, offset)

        def fdatasync(self, fd: int) -> None:
            if fd == self.mark_fd:
                raise OSError(errno.EIO, "no")

    with running(tmp_path, Unmarked()) as (journal, listener):
        for _ in range(3):
            put(journal, listener)
    assert listener.durable == [1, 2, 3]
    assert mark_of(tmp_path).seq == 0


@pytest.mark.parametrize(("broken", "left"), [("write", 2), ("fdatasync", 0)])
def test_with_put_off_syncs_a_failed_write_keeps_what_was_answered_and_a_failed_sync_cannot(
    tmp_path: Path, broken: str, left: int
) -> None:
    files = BrokenFiles()
    with running(tmp_path, files, durability="os", segment_bytes=200 if broken == "fdatasync" else 1000) as (
        journal,
        listener,
    ):
        for _ in range(3 if broken == "fdatasync" else 2):
            put(journal, listener)
        files.broken = {broken: errno.EIO}
        put(journal, listener)
        assert isinstance(listener.failures[0], NotApplied)
        assert journal.durable_seq == left
        assert len(list(journal.read(0))) == left
        files.broken = {}
        journal.resume(left)
        put(journal, listener)
    assert seqs(tmp_path) == list(range(1, left + 2))


def test_with_put_off_syncs_a_failed_write_and_a_failed_sync_leave_what_was_synced(tmp_path: Path) -> None:
    files = BrokenFiles()
    with running(tmp_path, files, durability="os") as (journal, listener):
        put(journal, listener)
        files.broken = {"write": errno.EIO, "fdatasync": errno.EIO}
        put(journal, listener)
        assert journal.durable_seq == 0


def test_a_failed_sync_is_not_tried_again(tmp_path: Path) -> None:
    files = FailingFiles("fdatasync", 1, errno.EIO)
    with running(tmp_path, files, durability="os", segment_bytes=1) as (journal, listener):
        put(journal, listener)
        put(journal, listener)
        assert listener.failures
        assert (journal.durable_seq, files.done["fdatasync"]) == (0, 1)


def test_a_sync_that_fails_at_rest_is_reported_too(tmp_path: Path) -> None:
    files = BrokenFiles()
    with running(tmp_path, files, durability="batch") as (journal, listener):
        files.broken = {"fdatasync": errno.EIO}
        put(journal, listener)
        eventually(lambda: listener.failures)
        failure = listener.failures[0]
        assert (failure.first_seq, failure.last_seq) == (1, 1)


def test_a_given_up_segment_is_not_written_to(tmp_path: Path) -> None:
    write_batches(tmp_path, [1])
    journal = Journal.open(tmp_path, files=QuickFiles())
    writer: Writer = journal._writer
    writer.retreat()
    with pytest.raises(ValueError, match="renew comes first"):
        writer.write([body(2)])
    writer.renew()
    writer.write([body(2)])
    journal.close()
    assert seqs(tmp_path) == [1, 2]


class Story:
    """Some commits through failures: what was acknowledged, refused, and left open."""

    def __init__(self) -> None:
        self.acked: list[int] = []
        self.unknown: list[int] = []
        self.journal: Journal | None = None
        self.quarantined: Quarantined | None = None

    def tell(self, folder: Path, files: Files, commits: int = 4) -> None:
        """Open, commit one by one over several segments, resume after failures, drop history, close."""
        self._open(folder, files)
        assert self.journal is not None
        listener = Listener().start(self.journal)
        texts = 0
        while len(self.acked) < commits:
            texts += 1
            seq = put(self.journal, listener, text=f"try {texts}")
            if listener.failures:
                if isinstance(listener.failures.pop(), Unknown):
                    self.unknown.append(seq)
                self._resume()
            else:
                self.acked.append(seq)
        with suppress(DiskError):
            self.journal.drop_before(3)
        self.journal.close()

    def _open(self, folder: Path, files: Files) -> None:
        for _ in range(3):
            with suppress(DiskError):
                self.journal = Journal.open(folder, files=files, segment_bytes=150)
                return

    def _resume(self) -> None:
        assert self.journal is not None
        for _ in range(3):
            with suppress(DiskError):
                self.journal.resume(self.journal.durable_seq)
                return


@pytest.mark.parametrize("deed", DEEDS)
def test_whichever_call_fails_what_was_acknowledged_is_recovered_and_nothing_else(tmp_path: Path, deed: str) -> None:
    for nth in count(1):
        with TemporaryDirectory(dir=tmp_path) as name:
            folder = Path(name) / "journal"
            files = FailingFiles(deed, nth, errno.EIO, and_sync=2)
            story = Story()
            story.tell(folder, files)
            assert story.acked == [1, 2, 3, 4], f"{deed} {nth}"
            kept = [seq for seq in seqs(folder) if seq > 2]
            assert kept == [3, 4], f"{deed} {nth}"
            again = Journal.open(folder, files=QuickFiles())
            assert (again.last_seq, again.quarantined) == (4, None)
            again.close()
        if not files.failed:
            assert nth > 1
            return


@pytest.mark.parametrize("deed", ["truncate", "fsync", "write", "open", "rename", "make_folder"])
def test_a_start_that_fails_while_mending_loses_nothing(tmp_path: Path, deed: str) -> None:
    for nth in count(1):
        with TemporaryDirectory(dir=tmp_path) as name:
            folder = Path(name)
            write_batches(folder, [2, 2])
            segment = folder / "000000000001.jsonl"
            mark = folder / "durable"
            mark.unlink()
            segment.write_bytes(segment.read_bytes()[:-3])
            torn = segment.read_bytes().splitlines(keepends=True)[2:]
            files = FailingFiles(deed, nth, errno.EIO)
            if files_fail(folder, files):
                journal = Journal.open(folder, files=QuickFiles())
                assert journal.last_seq == 2
                journal.close()
            assert [path.read_bytes() for path in (folder / "quarantine").iterdir()] == [b"".join(torn)]
        if not files.failed:
            assert nth > 1
            return


def files_fail(folder: Path, files: Files) -> bool:
    try:
        Journal.open(folder, files=files).close()
    except DiskError:
        return True
    return False


class Life:
    """A journal driven in this thread alone, so that a kill is an exception."""

    def __init__(self, folder: Path, files: MortalFiles) -> None:
        self.acked: list[int] = []
        self.sent = 0
        try:
            self._live(folder, files)
        except Killed:
            files.bury()

    def _live(self, folder: Path, files: MortalFiles) -> None:
        journal = Journal.open(folder, files=files, segment_bytes=300)
        writer: Writer = journal._writer
        for size in (1, 3, 2, 2):
            first = self.sent + 1
            self.sent += size
            writer.write([body(seq) for seq in range(first, first + size)])
            self.acked += range(first, first + size)
            if size == 3:
                writer.settle()
        writer.settle(finally_=True)
        journal.close()


def test_killed_at_any_deed_the_next_start_has_what_was_acknowledged(tmp_path: Path) -> None:
    for nth in count(1):
        with TemporaryDirectory(dir=tmp_path) as name:
            files = MortalFiles(nth)
            life = Life(Path(name) / "journal", files)
            journal = Journal.open(Path(name) / "journal", files=QuickFiles())
            assert len(life.acked) <= journal.last_seq <= life.sent
            assert journal.quarantined is None
            journal.close()
        if not files.dead:
            assert nth > 20
            return


@pytest.mark.parametrize("kept", [0.0, 0.1, 0.5, 0.9, 1.0, -0.1, -0.5, -0.9])
def test_after_a_power_cut_at_any_deed_what_was_acknowledged_is_there(tmp_path: Path, kept: float) -> None:
    for nth in count(1):
        with TemporaryDirectory(dir=tmp_path) as name:
            root = Path(name) / "root"
            root.mkdir()
            files = ForgetfulFiles(nth)
            life = Life(root / "journal", files)
            files.cut_power(root, Path(name) / "image", kept=kept)
            journal = Journal.open(Path(name) / "image" / "journal", files=QuickFiles())
            assert len(life.acked) <= journal.last_seq <= life.sent
            assert journal.last_seq in (0, 1, 4, 6, 8), "a batch is there whole or not at all"
            assert list(journal.read(0)) == bodies_of(Path(name) / "image" / "journal")
            journal.close()
        if not files.dead:
            assert nth > 20
            return


def test_what_a_start_after_a_kill_believes_survives_a_power_cut_right_after_it(tmp_path: Path) -> None:
    for nth in count(1):
        with TemporaryDirectory(dir=tmp_path) as name:
            root = Path(name) / "root"
            root.mkdir()
            killed = ForgetfulFiles(nth)
            Life(root / "journal", killed)
            started = ForgetfulFiles(before=killed)
            journal = Journal.open(root / "journal", files=started)
            started.cut_power(root, Path(name) / "image", kept=0.0)
            again = Journal.open(Path(name) / "image" / "journal", files=QuickFiles())
            assert again.last_seq == journal.last_seq
            again.close()
            journal.close()
        if not killed.dead:
            assert nth > 20
            return


@pytest.mark.parametrize("deed", ["unlink", "fsync_folder"])
def test_history_that_cannot_be_dropped_is_dropped_later_and_never_leaves_a_gap(tmp_path: Path, deed: str) -> None:
    for nth in count(1):
        with TemporaryDirectory(dir=tmp_path) as name:
            folder = Path(name)
            write_batches(folder, [1, 1, 1, 1], segment_bytes=1)
            files = FailingFiles(deed, 0, errno.EIO)
            with running(folder, files, segment_bytes=1) as (journal, _):
                files.nth = files.done[deed] + nth
                with suppress(DiskError):
                    journal.drop_before(4)
                assert seqs(folder) == list(range(journal.oldest_seq, 5))
                journal.drop_before(4)
                assert (journal.oldest_seq, seqs(folder)) == (4, [4])
        if not files.failed:
            assert nth == 4
            return
