"""A damaged store: what a survey says of it, and that a repair keeps the most and deletes nothing."""

from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest

from maestrod.store.files import Files
from maestrod.store.journal import Journal
from maestrod.store.log import Anchor, Damaged, DiskError, SchemaTooNew
from maestrod.store.migrate import settle_schema
from maestrod.store.records import bare, chained, frame, parse
from maestrod.store.repair import repair
from maestrod.store.snapshot import load_snapshot, write_snapshot
from maestrod.store.survey import Rewrite, SetAside, Survey, survey
from tests.store.doors import BrokenFiles, Killed, MortalFiles, QuickFiles
from tests.store.journals import bodies_of, lines, write_batches


class Kind(msgspec.Struct):
    """What snapshots hold is another matter."""


SIZES = [3, 1, 4, 2, 3]
TOGETHER = sum(SIZES)


class Store:
    """A data folder with a journal of several segments, and snapshots at some commits."""

    def __init__(self, data: Path, *, snapshots: tuple[int, ...] = (), segment_bytes: int = 300) -> None:
        self.data = data
        self.journal = data / "journal"
        settle_schema(data, files=QuickFiles())
        write_batches(self.journal, SIZES, segment_bytes=segment_bytes)
        self.bodies = [bare(parse(line)) for line in lines(self.journal)]
        self.records = bodies_of(self.journal)
        for seq in snapshots:
            self.snapshot(seq)
        self.before = self.files()

    @property
    def segments(self) -> list[Path]:
        return sorted(self.journal.glob("*.jsonl"))

    def snapshot(self, seq: int, *, hash_: str = "") -> Path:
        hash_ = hash_ or chained(self.records[seq - 1])
        return write_snapshot(self.data / "snapshot", seq=seq, hash=hash_, schema=1, sections={}, files=QuickFiles())

    def files(self) -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in self.data.rglob("*") if path.is_file()}

    def survey(self) -> Survey:
        return survey(self.data, Kind, files=Files())

    def start(self) -> tuple[int, list[bytes]]:
        """The snapshot that a start goes on from, and the records that it then reads."""
        settle_schema(self.data)
        loaded = load_snapshot(self.data / "snapshot", Kind)
        anchor = None if loaded is None else Anchor(loaded.seq, loaded.hash)
        journal = Journal.open(self.journal, files=QuickFiles(), anchor=anchor)
        try:
            base = anchor.seq if anchor else 0
            return base, [bare(parse(frame(body))) for body in journal.read(base)]
        finally:
            journal.close()

    def history(self) -> list[int]:
        return [parse(line).seq for line in lines(self.journal)]

    def check_repair(self, kept: int) -> Survey:
        """Survey, repair, start: what is kept, and that every byte of before is still somewhere."""
        before = self.files()
        found = self.survey()
        assert self.files() == before, "a survey changes nothing"
        assert found.faults
        assert found.kept == kept
        repair(found, files=QuickFiles())
        after = list(self.files().values())
        gone = [path for path, data in before.items() if data not in after]
        assert gone == []
        assert self.survey().faults == ()
        base, read = self.start()
        assert read == self.bodies[base:kept]
        assert base + len(read) == kept
        return found


def flip(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1 << place % 8
    path.write_bytes(data)


def record_at(path: Path, place: int) -> int:
    """The number of the record that a byte belongs to."""
    before = path.read_bytes()[:place].count(b"\n")
    return int(path.stem) + before


def test_a_whole_store_has_no_faults_and_nothing_is_done(tmp_path: Path) -> None:
    store = Store(tmp_path / "data", snapshots=(4, 9))
    found = store.survey()
    assert (found.faults, found.tear, found.kept, found.last, found.steps) == ((), None, TOGETHER, TOGETHER, ())
    assert not found.hopeless
    assert repair(found, files=Files()) == ()
    assert store.files() == store.before


def test_a_folder_that_is_not_there_is_whole_and_stays_away(tmp_path: Path) -> None:
    found = survey(tmp_path / "data", Kind, files=Files())
    assert (found.faults, found.kept, found.last) == ((), 0, 0)
    assert not (tmp_path / "data").exists()


def places_of(step: int) -> list[tuple[str, int]]:
    with TemporaryDirectory() as name:
        store = Store(Path(name) / "data")
        assert len(store.segments) > 2
        return [(path.name, at) for path in store.segments for at in range(0, path.stat().st_size, step)]


def flips(folder: Path, step: int, snapshots: tuple[int, ...]) -> int:
    places = places_of(step)
    for name, place in places:
        with TemporaryDirectory(dir=folder) as root:
            store = Store(Path(root) / "data", snapshots=snapshots)
            hit = record_at(store.journal / name, place)
            flip(store.journal / name, place)
            behind = max(snapshots, default=0)
            kept = TOGETHER if hit <= behind else hit - 1
            if kept == 0:
                assert store.survey().hopeless
            else:
                store.check_repair(kept)
    return len(places)


@pytest.mark.parametrize("snapshots", [(), (2,), (9,), (4, 10), (6, 13)])
def test_whatever_is_damaged_everything_before_it_or_behind_a_snapshot_is_kept(
    tmp_path: Path, snapshots: tuple[int, ...]
) -> None:
    flips(tmp_path, 41, snapshots)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("snapshots", [(), (2,), (9,), (4, 10), (6, 13)])
def test_whichever_byte_is_damaged_everything_before_it_or_behind_a_snapshot_is_kept(
    tmp_path: Path, snapshots: tuple[int, ...]
) -> None:
    print(f"{flips(tmp_path, 1, snapshots)} damaged stores repaired")  # noqa: T201


@pytest.mark.parametrize("snapshots", [(), (9,)])
def test_a_missing_segment_costs_what_rested_on_it(tmp_path: Path, snapshots: tuple[int, ...]) -> None:
    firsts = [int(path.stem) for path in Store(tmp_path / "like" / "data").segments]
    for first, following in zip(firsts[1:], [*firsts[2:], TOGETHER + 1], strict=True):
        with TemporaryDirectory(dir=tmp_path) as root:
            store = Store(Path(root) / "data", snapshots=snapshots)
            (store.journal / f"{first:012d}.jsonl").unlink()
            behind = max(snapshots, default=0)
            store.check_repair(TOGETHER if following - 1 <= behind < TOGETHER else max(first - 1, behind))


def test_damage_in_old_history_costs_history_and_no_commit(tmp_path: Path) -> None:
    store = Store(tmp_path / "data", snapshots=(4, 10))
    flip(store.segments[0], 30)
    store.check_repair(TOGETHER)
    assert store.history() == list(range(int(store.segments[0].stem), TOGETHER + 1))


def test_records_that_no_state_leads_to_are_not_kept(tmp_path: Path) -> None:
    store = Store(tmp_path / "data")
    flip(store.segments[0], 0)
    found = store.survey()
    assert found.hopeless
    assert (found.kept, found.last) == (0, TOGETHER)


def test_a_damaged_snapshot_is_set_aside_and_the_older_one_taken(tmp_path: Path) -> None:
    store = Store(tmp_path / "data", snapshots=(4, 9))
    path = store.data / "snapshot" / "000000000009.json"
    flip(path, 20)
    found = store.check_repair(TOGETHER)
    assert found.steps == (SetAside(path),)
    assert [each.file for each in found.faults] == [path]
    assert len(list((store.data / "snapshot" / "quarantine").iterdir())) == 1


def test_without_any_valid_snapshot_all_is_kept_where_the_journal_goes_back_to_the_first_commit(tmp_path: Path) -> None:
    store = Store(tmp_path / "data", snapshots=(4, 9))
    for path in (store.data / "snapshot").iterdir():
        flip(path, 20)
    with pytest.raises(Damaged):
        store.start()
    assert store.check_repair(TOGETHER).last == TOGETHER


def test_a_snapshot_of_another_history_is_set_aside(tmp_path: Path) -> None:
    store = Store(tmp_path / "data")
    path = store.snapshot(9, hash_="ab" * 16)
    with pytest.raises(Damaged, match="not the record the snapshot was taken at"):
        store.start()
    found = store.check_repair(TOGETHER)
    assert [str(each) for each in found.faults][-1].endswith("the snapshot does not fit the journal")
    assert not path.exists()


def test_a_journal_that_is_gone_leaves_the_snapshot(tmp_path: Path) -> None:
    store = Store(tmp_path / "data", snapshots=(4, 9))
    for path in store.segments:
        path.unlink()
    found = store.check_repair(9)
    assert found.last == TOGETHER
    assert "records up to 13 were on disk and are missing" in str(found.faults[0])


def test_a_journal_and_all_snapshots_gone_is_hopeless(tmp_path: Path) -> None:
    store = Store(tmp_path / "data")
    for path in store.segments:
        path.unlink()
    assert store.survey().hopeless


@pytest.mark.parametrize("version", [None, b"\0\0", b"one\n"])
def test_a_lost_version_is_written_anew(tmp_path: Path, version: bytes | None) -> None:
    store = Store(tmp_path / "data")
    (store.data / "VERSION").unlink()
    if version is not None:
        (store.data / "VERSION").write_bytes(version)
    found = store.check_repair(TOGETHER)
    assert found.steps == (Rewrite(store.data / "VERSION", b"1\n"),)


def test_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    store = Store(tmp_path / "data")
    (store.data / "VERSION").write_bytes(b"2\n")
    with pytest.raises(SchemaTooNew):
        store.survey()


def test_a_torn_batch_is_left_to_the_start(tmp_path: Path) -> None:
    store = Store(tmp_path / "data", segment_bytes=10_000)
    (segment,) = store.segments
    (store.journal / "durable").unlink()
    segment.write_bytes(segment.read_bytes()[:-5])
    found = store.survey()
    assert found.faults == ()
    assert found.tear is not None
    assert found.tear.path == segment
    assert found.steps == ()


def test_a_torn_batch_beside_other_damage_is_still_left_to_the_start(tmp_path: Path) -> None:
    store = Store(tmp_path / "data", segment_bytes=10_000, snapshots=(4,))
    (segment,) = store.segments
    (store.journal / "durable").unlink()
    (store.data / "VERSION").unlink()
    segment.write_bytes(segment.read_bytes()[:-5])
    repair(store.survey(), files=QuickFiles())
    assert store.survey().faults == ()
    assert store.start()[1] == store.bodies[4:10]


@pytest.mark.parametrize(("snapshots", "place"), [((), 900), ((9,), 100), ((9,), 700), ((4, 10), 900)])
def test_a_repair_that_is_killed_or_fails_at_any_step_is_ended_by_the_next(
    tmp_path: Path, snapshots: tuple[int, ...], place: int
) -> None:
    for nth in count(1):
        with TemporaryDirectory(dir=tmp_path) as root:
            store = Store(Path(root) / "data", snapshots=snapshots)
            name, at = next(each for each in _bytes(store) if each[0] >= place)[1:]
            flip(store.journal / name, at)
            before, first = store.files(), store.survey()
            files = MortalFiles(nth)
            try:
                repair(first, files=files)
            except Killed:
                files.bury()
            again = store.survey()
            if again.faults:
                assert again.kept == first.kept
                repair(again, files=QuickFiles())
            base, read = store.start()
            assert base + len(read) == first.kept
            assert read == store.bodies[base : first.kept]
            after = list(store.files().values())
            assert [path for path, data in before.items() if path.name != "durable" and data not in after] == []
        if not files.dead:
            assert nth > 5
            return


def _bytes(store: Store) -> list[tuple[int, str, int]]:
    places = [(path.name, at) for path in store.segments for at in range(path.stat().st_size)]
    return [(index, *place) for index, place in enumerate(places)]


def test_a_disk_that_refuses_a_repair_is_named(tmp_path: Path) -> None:
    store = Store(tmp_path / "data")
    flip(store.segments[-1], 3)
    files = BrokenFiles()
    files.broken = {"rename": 5}
    with pytest.raises(DiskError, match="could not repair"):
        repair(store.survey(), files=files)


def test_a_record_altered_together_with_its_checksum_ends_what_is_kept_at_itself(tmp_path: Path) -> None:
    store = Store(tmp_path / "data", segment_bytes=10_000)
    (segment,) = store.segments
    kept = lines(store.journal)
    kept[5] = frame(parse(kept[5]).body.replace(b'"a"', b'"b"'))
    segment.write_bytes(b"".join(kept))
    found = store.survey()
    assert "the record before it is not the one written" in str(found.faults[0])
    assert found.kept == 6
    repair(found, files=QuickFiles())
    assert store.start()[1][:5] == store.bodies[:5]


def test_a_record_in_the_place_of_another_ends_what_is_kept(tmp_path: Path) -> None:
    store = Store(tmp_path / "data", segment_bytes=10_000)
    (segment,) = store.segments
    kept = lines(store.journal)
    segment.write_bytes(b"".join(kept[:5] + kept[6:]))
    assert "record 7 is in its place" in str(store.check_repair(5).faults[0])


def test_a_record_out_of_its_batch_ends_what_is_kept(tmp_path: Path) -> None:
    store = Store(tmp_path / "data", segment_bytes=10_000)
    (segment,) = store.segments
    kept = lines(store.journal)
    alone = parse(kept[5]).body.replace(b'"batchEnd":8', b'"batchEnd":7')
    segment.write_bytes(b"".join(kept[:5]) + frame(alone) + b"".join(kept[6:]))
    found = store.check_repair(5)
    assert "does not belong to its batch" in str(found.faults[0])
    assert store.history() == [1, 2, 3, 4, 5]
