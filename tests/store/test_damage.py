"""What a start makes of a journal that was cut or altered anywhere."""

from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

import pytest

from maestrod.store import segments
from maestrod.store.journal import Journal
from maestrod.store.log import Anchor, Damaged
from maestrod.store.records import chained, frame, frame_batch
from tests.store.doors import QuickFiles
from tests.store.journals import Listener, bodies_of, body, lines, put, write_batches

SHORT = [3, 1, 4, 4]
LONG = [3, 1, 4, 4, 1, 1, 9, 2, 20, 1, 6, 8]


class Original(NamedTuple):
    """An undamaged journal in one segment, and the durable marks it had after each batch."""

    data: bytes
    sizes: list[int]
    marks: dict[int, bytes]

    @property
    def ends(self) -> list[int]:
        """Where each line ends."""
        return list(accumulate(len(line) for line in self.data.splitlines(keepends=True)))

    @property
    def bodies(self) -> list[bytes]:
        return [line[20:-2] for line in self.data.splitlines(keepends=True)]

    def batch_of(self, seq: int) -> int:
        """The first record of a record's batch."""
        return max(end - size + 1 for end, size in self.batches if end - size < seq)

    @property
    def batches(self) -> list[tuple[int, int]]:
        return list(zip(accumulate(self.sizes), self.sizes, strict=True))

    @property
    def newest(self) -> int:
        """The first record of the newest batch."""
        return sum(self.sizes[:-1]) + 1


def original(folder: Path, sizes: list[int]) -> Original:
    marks = {0: b""}
    for size in sizes:
        write_batches(folder, [size])
        marks[max(marks) + size] = (folder / "durable").read_bytes()
    return Original(next(folder.glob("*.jsonl")).read_bytes(), sizes, marks)


class Found(NamedTuple):
    """What a start made of a journal."""

    last: int
    bodies: list[bytes]
    quarantined: bytes | None


def lay_out(folder: Path, data: bytes, mark: bytes) -> Path:
    segment = folder / "000000000001.jsonl"
    segment.write_bytes(data)
    (folder / "durable").write_bytes(mark)
    return segment


def start(folder: Path) -> Found:
    journal = Journal.open(folder, files=QuickFiles())
    try:
        copy = journal.quarantined and journal.quarantined.file
        return Found(journal.last_seq, list(journal.read(0)), copy.read_bytes() if copy else None)
    finally:
        journal.close()
        if copy:
            copy.unlink()


def check_cuts(folder: Path, whole: Original, mark: int, places: Iterator[int] | range) -> None:
    for place in places:
        lay_out(folder, whole.data[:place], whole.marks[mark])
        complete = sum(end <= place for end in whole.ends)
        clean = place == 0 or (place in whole.ends and complete in [end for end, _ in whole.batches])
        left = complete if clean else whole.batch_of(complete + 1) - 1
        if left < mark:
            with pytest.raises(Damaged) as damage:
                start(folder)
            assert damage.value.file == folder / "000000000001.jsonl"
            assert damage.value.seq == complete + 1
            continue
        found = start(folder)
        assert found.bodies == whole.bodies[:left], f"cut at {place}"
        kept = whole.ends[left - 1] if left else 0
        assert found.quarantined == (None if clean else whole.data[kept:place]), f"cut at {place}"


def check_flips(folder: Path, whole: Original, mark: int, *, apart: int = 1) -> None:
    """Every bit is flipped; with ``apart``, every so manieth."""
    for place in range(len(whole.data)):
        seq = 1 + sum(end <= place for end in whole.ends)
        refused = seq < whole.newest or mark >= whole.newest
        segment = lay_out(folder, whole.data, whole.marks[mark])
        for bit in range(-8 * place % apart, 8, apart):
            data = bytearray(whole.data)
            data[place] ^= 1 << bit
            if refused:
                flip(segment, place, data[place])
                check_refusal(folder, seq, offset=[0, *whole.ends][seq - 1])
            else:
                lay_out(folder, bytes(data), whole.marks[mark])
                found = start(folder)
                assert found.bodies == whole.bodies[: whole.newest - 1], f"bit {bit} of byte {place}"
                assert found.quarantined == bytes(data[whole.ends[whole.newest - 2] :])


def flip(file: Path, place: int, value: int) -> None:
    with file.open("r+b") as bytes_:
        bytes_.seek(place)
        bytes_.write(bytes([value]))


def check_refusal(folder: Path, seq: int, *, offset: int) -> None:
    before = (folder / "000000000001.jsonl").read_bytes()
    with pytest.raises(Damaged) as damage:
        start(folder)
    assert (damage.value.seq, damage.value.offset) == (seq, offset)
    assert damage.value.file == folder / "000000000001.jsonl"
    assert (folder / "000000000001.jsonl").read_bytes() == before


@pytest.mark.parametrize("mark", [0, 3, 8, 12])
def test_a_journal_cut_at_any_byte_is_a_prefix_that_holds_all_before_the_mark(tmp_path: Path, mark: int) -> None:
    whole = original(tmp_path, SHORT)
    check_cuts(tmp_path, whole, mark, range(len(whole.data) + 1))


def test_any_flipped_bit_is_noticed_and_costs_at_most_the_newest_batch(tmp_path: Path) -> None:
    whole = original(tmp_path, [5, 4, 1, 2])
    check_flips(tmp_path, whole, mark=9, apart=5)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("sizes", [SHORT, LONG])
def test_every_cut_and_every_flipped_bit_with_every_mark(tmp_path: Path, sizes: list[int]) -> None:
    whole = original(tmp_path, sizes)
    for mark in whole.marks:
        check_cuts(tmp_path, whole, mark, range(len(whole.data) + 1))
    marks = {0, whole.newest - 1, max(whole.marks)}
    for mark in marks:
        check_flips(tmp_path, whole, mark)
    cuts, flips = len(whole.marks) * (len(whole.data) + 1), len(marks) * 8 * len(whole.data)
    print(f"{len(whole.bodies)} commits, {len(whole.data)} bytes: {cuts} cuts, {flips} flips")  # noqa: T201


def test_every_flipped_bit_of_the_mark_leaves_an_older_mark_and_all_records(tmp_path: Path) -> None:
    whole = original(tmp_path, SHORT)
    for bit in range(0, 8 * len(whole.marks[8]), 61):
        mark = bytearray(whole.marks[8])
        mark[bit // 8] ^= 1 << bit % 8
        lay_out(tmp_path, whole.data, bytes(mark))
        assert start(tmp_path).bodies == whole.bodies


@pytest.mark.parametrize("junk", [b"", b"\0" * 8192, b"not a mark\n" * 800, b'{"c":"00000000","d":{}}\n', b"\xff" * 40])
def test_an_unreadable_mark_vouches_for_nothing_and_stops_nothing(tmp_path: Path, junk: bytes) -> None:
    whole = original(tmp_path, SHORT)
    lay_out(tmp_path, whole.data[:-5], junk)
    assert start(tmp_path).last == whole.newest - 1


def test_a_mark_with_the_right_checksum_and_the_wrong_content_vouches_for_nothing(tmp_path: Path) -> None:
    whole = original(tmp_path, SHORT)
    lay_out(tmp_path, whole.data, frame(b'{"seq":"many"}').rstrip(b"\n").ljust(255) + b"\n")
    assert start(tmp_path).bodies == whole.bodies


def test_after_a_tear_the_journal_goes_on_where_it_was_cut(tmp_path: Path) -> None:
    whole = original(tmp_path, SHORT)
    lay_out(tmp_path, whole.data[:-1], whole.marks[8])
    write_batches(tmp_path, [2])
    assert start(tmp_path).bodies[:8] == whole.bodies[:8]
    assert start(tmp_path).last == 10
    assert [path.read_bytes() for path in (tmp_path / "quarantine").iterdir()] == [whole.data[whole.ends[7] : -1]]


def test_after_a_tear_records_are_found_where_the_new_ones_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "INDEX_STEP", 200)
    write_batches(tmp_path, [3, 40])
    segment = tmp_path / "000000000001.jsonl"
    segment.write_bytes(segment.read_bytes()[:-1])
    (tmp_path / "durable").unlink()
    journal = Journal.open(tmp_path, files=QuickFiles())
    listener = Listener().start(journal)
    for _ in range(30):
        put(journal, listener, text="longer than before")
    everything = bodies_of(tmp_path)
    assert [journal.record(seq) for seq in range(1, 34)] == everything
    journal.close()


def test_a_tear_says_where_it_was_and_where_its_bytes_are(tmp_path: Path) -> None:
    whole = original(tmp_path, SHORT)
    segment = lay_out(tmp_path, whole.data[:-1], whole.marks[8])
    journal = Journal.open(tmp_path, files=QuickFiles())
    journal.close()
    torn = journal.quarantined
    assert torn is not None
    assert (torn.segment, torn.offset, torn.first_seq) == (segment, whole.ends[7], 9)
    assert torn.reason == "the line is not complete"
    assert torn.file.parent == tmp_path / "quarantine"
    assert torn.file.read_bytes() == whole.data[whole.ends[7] : -1]


@pytest.mark.parametrize("durability", ["batch", "os"])
def test_where_syncs_were_put_off_everything_after_the_mark_may_be_torn(tmp_path: Path, durability: str) -> None:
    whole = original(tmp_path, SHORT)
    mark = b'{"seq":3,"segment":1,"offset":%d,"durability":"%b"}' % (whole.ends[2], durability.encode())
    data = bytearray(whole.data)
    data[whole.ends[3] + 5] ^= 1
    lay_out(tmp_path, bytes(data), frame(mark))
    found = start(tmp_path)
    assert found.bodies == whole.bodies[:4]
    assert found.quarantined == bytes(data[whole.ends[3] :])


@pytest.mark.parametrize("gone", [1, 2, 4, 6, 8])
def test_a_missing_record_is_named(tmp_path: Path, gone: int) -> None:
    whole = original(tmp_path, SHORT)
    kept = whole.data.splitlines(keepends=True)
    segment = lay_out(tmp_path, b"".join(kept[: gone - 1] + kept[gone:]), b"")
    with pytest.raises(Damaged, match=f"record {gone + 1} is in its place") as damage:
        start(tmp_path)
    assert (damage.value.seq, damage.value.file) == (gone, segment)


def test_a_record_altered_together_with_its_checksum_breaks_the_chain_behind_it(tmp_path: Path) -> None:
    whole = original(tmp_path, SHORT)
    kept = whole.data.splitlines(keepends=True)
    kept[5] = frame(whole.bodies[5].replace(b'"a"', b'"b"'))
    lay_out(tmp_path, b"".join(kept), b"")
    with pytest.raises(Damaged, match="the record before it is not the one written") as damage:
        start(tmp_path)
    assert damage.value.seq == 7


def test_a_record_that_does_not_belong_to_its_batch_is_refused(tmp_path: Path) -> None:
    first, hash_ = frame_batch([body(1)], first=1, prev="")
    (tmp_path / "000000000001.jsonl").write_bytes(first + frame_batch([body(2)], first=1, prev=hash_)[0])
    with pytest.raises(Damaged, match="does not belong to its batch"):
        start(tmp_path)


def test_a_batch_that_never_ended_is_a_tear_only_at_the_end_of_all(tmp_path: Path) -> None:
    write_batches(tmp_path, [2], segment_bytes=1)
    write_batches(tmp_path, [2], segment_bytes=1)
    first = tmp_path / "000000000001.jsonl"
    first.write_bytes(first.read_bytes().splitlines(keepends=True)[0])
    with pytest.raises(Damaged, match="the batch ends early") as damage:
        start(tmp_path)
    assert (damage.value.seq, damage.value.file) == (2, first)


@pytest.mark.parametrize("gone", ["000000000001.jsonl", "000000000002.jsonl", "000000000003.jsonl"])
def test_a_missing_segment_is_noticed(tmp_path: Path, gone: str) -> None:
    write_batches(tmp_path, [1, 1, 1], segment_bytes=1)
    (tmp_path / gone).unlink()
    anchor = Anchor(0, "")
    with pytest.raises(Damaged) as damage:
        Journal.open(tmp_path, files=QuickFiles(), anchor=anchor)
    assert damage.value.seq == int(gone[:12])


def test_a_journal_that_is_gone_altogether_is_noticed_by_its_mark(tmp_path: Path) -> None:
    write_batches(tmp_path, [3])
    (tmp_path / "000000000001.jsonl").unlink()
    with pytest.raises(Damaged, match="records up to 3 were on disk and are missing"):
        start(tmp_path)


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"{}\n",
        b'{"c":"","d":{}}\n',
        frame(b"{}"),
        frame(b'{"seq":1}'),
        frame(b'{"seq":1,"batch":1,"batchEnd":1,"prev":"xyz"}'),
        frame(b'{"seq":' + b"9" * 5000 + b',"batch":1,"batchEnd":1,"prev":""}'),
        b"\xff\xfe\0" * 1000,
        b'{"c":"' * 2000,
        b"\0" * 70_000,
    ],
)
def test_strange_bytes_at_the_end_are_taken_out_and_in_the_middle_refused(tmp_path: Path, line: bytes) -> None:
    whole = original(tmp_path, SHORT)
    lay_out(tmp_path, whole.data + line, whole.marks[12])
    found = start(tmp_path)
    assert (found.bodies, found.quarantined) == (whole.bodies, line)
    lay_out(tmp_path, whole.data[: whole.ends[3]] + line + whole.data[whole.ends[3] :], b"")
    with pytest.raises(Damaged) as damage:
        start(tmp_path)
    assert (damage.value.seq, damage.value.offset) == (5, whole.ends[3])


def test_damage_that_comes_later_is_noticed_by_whoever_reads(tmp_path: Path) -> None:
    write_batches(tmp_path, [3])
    segment = tmp_path / "000000000001.jsonl"
    whole = segment.read_bytes()
    journal = Journal.open(tmp_path, files=QuickFiles())
    segment.write_bytes(whole.replace(b'"seq":2', b'"seq":7'))
    with pytest.raises(Damaged, match="the checksum does not fit") as damage:
        list(journal.read(0))
    assert damage.value.seq == 2
    kept = whole.splitlines(keepends=True)
    segment.write_bytes(kept[0] + kept[2] + kept[1])
    with pytest.raises(Damaged, match="record 3 is in its place"):
        list(journal.read(0))
    segment.write_bytes(kept[0])
    with pytest.raises(Damaged, match="the line is not complete"):
        journal.record(3)
    journal.close()


def test_the_chain_is_over_the_exact_bytes_of_the_record_before(tmp_path: Path) -> None:
    write_batches(tmp_path, [2, 1])
    first, second, third = bodies_of(tmp_path)
    assert first == b'{"seq":1,"text":"a","batch":1,"batchEnd":2,"prev":""}'
    assert second == b'{"seq":2,"text":"a","batch":1,"batchEnd":2,"prev":"%b"}' % chained(first).encode()
    assert third == b'{"seq":3,"text":"a","batch":3,"batchEnd":3,"prev":"%b"}' % chained(second).encode()
    assert lines(tmp_path)[0].startswith(b'{"c":"')
