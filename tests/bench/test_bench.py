"""The benchmarks work, the generator reads what servers write, and the page shows the report. Nothing is timed."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.bench import __main__ as bench
from tests.bench import broadcast, busy, held, load, mailbox, report, scale, screen, soak, starts, wire
from tests.bench.listeners import Heard
from tests.bench.load import SCENARIOS, Desk, Scenario
from tests.bench.report import Budget, Machine, Part, Report, Run, row
from tests.bench.servers import running
from tests.bench.wire import Connection, EventSink, Failed, request
from tests.support.eventually import aeventually

TASKS = 5
PLAIN = b"HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nContent-Length: 5\r\nDate: now\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"
REFUSED = b"HTTP/1.1 409 Conflict\r\nContent-Length: 4\r\n\r\nnope"
UPGRADED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"


@pytest.fixture(scope="module")
def desks() -> Iterator[list[Desk]]:
    """Ours and the reference, with a few tasks."""
    with load.desks([TASKS]) as both:
        yield both


@asynccontextmanager
async def saying(data: bytes, *, at_once: int) -> AsyncIterator[Path]:
    """A server that answers whatever it is asked with these bytes, so many at a time, and hangs up."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        for start in range(0, len(data), at_once):
            writer.write(data[start : start + at_once])
            await writer.drain()
            await asyncio.sleep(0)
        writer.close()

    with tempfile.TemporaryDirectory(prefix="mae-", dir="/tmp") as folder:
        path = Path(folder, "s.sock")
        async with await asyncio.start_unix_server(answer, str(path)):
            yield path


def measured_part(name: str, figure: float, *, date: str = "2026-01-01") -> Part:
    run = Run(date=date, version="1", machine=Machine("x", "y", 2, "3", 0.1), libraries={}, repetitions=5)
    return Part(name, run, (row(name, [figure]),))


async def _is(value: bool) -> bool:
    return value


# -- the wire ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("at_once", [1, 2, 7, 1000])
@pytest.mark.parametrize(("data", "status"), [(PLAIN, 200), (CHUNKED, 201)])
async def test_an_answer_is_whole_however_it_is_cut(data: bytes, status: int, at_once: int) -> None:
    async with saying(data, at_once=at_once) as path:
        answer = await (await Connection.open(path)).ask(request("GET", "/"))
    assert (answer.status, answer.body) == (status, b"hello")


@pytest.mark.parametrize("data", [PLAIN[:-1], PLAIN[:20], CHUNKED[:-1], b""])
async def test_an_answer_that_breaks_off_fails(data: bytes) -> None:
    async with saying(data, at_once=1000) as path:
        connection = await Connection.open(path)
        with pytest.raises(Failed, match="lost"):
            await connection.ask(request("GET", "/"))
        with pytest.raises(Failed, match="closed"):
            await connection.ask(request("GET", "/"))


async def test_a_refusal_fails() -> None:
    async with saying(REFUSED, at_once=1000) as path:
        with pytest.raises(Failed, match="409: nope"):
            await (await Connection.open(path)).ask(request("GET", "/"))


@pytest.mark.parametrize("at_once", [1, 3, 100_000])
async def test_every_mark_of_every_frame_is_heard(at_once: int) -> None:
    frames = b"".join(
        bytes((0x81, 126)) + len(text).to_bytes(2, "big") + text if len(text) > 125 else bytes((0x81, len(text))) + text
        for text in (b"@@1@0@@", b"nothing", b"x" * 300 + b"@@2@0@@", b"@@3@0@@ and @@4@0@@")
    )
    heard: list[int] = []
    async with saying(UPGRADED + frames + b"\x88\x00", at_once=at_once) as path:
        sink = await EventSink.open(path, "/", lambda number, _ns: heard.append(number))
        await aeventually(lambda: _is(sink.lost), what="the server hangs up")
    assert heard == [1, 2, 3, 4]


async def test_a_stream_that_is_refused_fails() -> None:
    async with saying(REFUSED, at_once=1000) as path:
        with pytest.raises(Failed, match="409"):
            await EventSink.open(path, "/", lambda _number, _ns: None)


# -- what is measured --------------------------------------------------------------------------------


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_both_servers_can_be_asked_for_everything(scenario: Scenario, desks: list[Desk]) -> None:
    figure = load.measure(desks, [scenario], reps=1, share=0.001)[scenario.name][0]
    assert figure.ours > 0
    assert figure.reference is not None
    assert len(desks[0].ids) == len(desks[1].ids)


def test_an_update_always_changes_something(desks: list[Desk]) -> None:
    ours = desks[0]
    bodies = ours.update(2 * len(ours.ids), 1).bodies
    versions = [load.percentile([int(body.partition(b'"version":')[2].split(b",")[0])], 0.5) for body in bodies]
    assert all(version > 1 for version in versions)


def test_one_error_is_enough_to_fail(desks: list[Desk]) -> None:
    sent = [desks[0].list_request("&limit=100"), request("GET", "/api/v1/tasks/task_1_nobody")]
    with pytest.raises(Failed, match="404"):
        load.drive(desks[0].server, sent, 2)


def test_starts_and_the_loop_are_looked_at(desks: list[Desk]) -> None:
    names = [each.name for each in (*starts.measure(desks, reps=1), *held.measure(desks, windows=1))]
    assert names[:2] == ["start to healthy", "memory after the start"]
    assert names[-1] == "longest wait for /health while a snapshot is written"
    assert [len(desk.list(1, 1).bodies) for desk in desks] == [1, 1], "what was answered is there after the restarts"


def test_a_house_comes_up_again_with_all_that_is_in_it() -> None:
    rows = scale.measure(reps=1, share=0.001)
    assert [(each.name, each.size, each.unit) for each in rows] == [
        ("start to healthy with 1 sessions, 100 mails", 100, "ms"),
        ("the processor's part of it with 1 sessions, 100 mails", 100, "ms"),
        ("memory after the start with 1 sessions, 100 mails", 100, "MB"),
    ]
    assert [each.budget for each in rows] == [scale.STARTS, None, scale.MEMORY]
    assert all(each.ours > 0 for each in rows)


def test_a_small_and_a_large_mailbox_are_asked_alike() -> None:
    rows = mailbox.measure(reps=1, share=0.02)
    assert [each.unit for each in rows] == ["ms", "×"] * len(mailbox.ASKED)
    assert all(each.ours > 0 for each in rows)
    assert {each.budget for each in rows if each.unit == "×"} == {mailbox.FLAT}


def test_agents_at_work_are_watched() -> None:
    found = {each.name.partition(", ")[2]: each for each in soak.measure(2, 0.05)}
    assert set(found) == {
        "the daemon's processor", "of that their requests alone", "and what is beyond them",
        "the journal grows by", "memory in the end", "memory grows by",
    }  # fmt: skip
    assert found["memory in the end"].ours > 0


def test_the_screen_is_painted(desks: list[Desk]) -> None:
    first, task = screen.measure(desks, reps=1)
    assert task.ours >= first.ours > 0


@pytest.mark.slow
def test_keys_are_seen_among_agents_that_draw() -> None:
    rows = busy.measure(busy.Extent(agents=2, tasks=500, warm_up_s=0, seconds=1.5, presses=2, reps=1))
    assert [each.unit for each in rows] == [*["ms"] * 11, "%", "MB", ""]
    assert all(each.ours > 0 for each in rows if each.unit)


@pytest.mark.parametrize(
    ("heard", "said"),
    [
        (Heard({0: 2, 1: 2}, {0: 1, 1: 1}, lost=1), "1 of 2 clients were cut off"),
        (Heard({0: 2, 1: 1}, {0: 1, 1: 1}), "the last state of 1 tasks did not reach all of 2 clients"),
        (Heard({0: 2}, {0: 1}), "the last state of 1 tasks did not reach all of 2 clients"),
    ],
)
def test_a_state_that_somebody_did_not_hear_of_fails(heard: Heard, said: str) -> None:
    with pytest.raises(Failed, match=said):
        broadcast.judged(heard, 2, [1.0, 1.0])


def test_a_server_that_does_not_start_fails() -> None:
    with pytest.raises(Failed, match="No module named"), running("tests.bench.no_such_server"):
        pass


# -- what is told ------------------------------------------------------------------------------------


def test_a_ratio_is_the_median_of_the_repetitions_ratios() -> None:
    made = row("x", [10.0, 20.0, 90.0], [10.0, 10.0, 10.0], budget=Budget(most=2.0))
    assert (made.ours, made.reference, made.ratio, made.kept) == (20.0, 10.0, 2.0, True)


@pytest.mark.parametrize(
    ("budget", "words", "kept"),
    [
        (Budget(least=0.4), "≥ 0.4 ×", True),
        (Budget(most=0.4), "≤ 0.4 ×", False),
        (Budget(most=30, absolute=True), "≤ 30 ms", False),
        (Budget(least=30, absolute=True), "≥ 30 ms", True),
    ],
)
def test_a_budget_binds_the_ratio_or_our_own_figure(budget: Budget, words: str, kept: bool) -> None:
    made = row("x", [50.0], [100.0], budget=budget)
    assert (budget.words(made.unit), made.kept) == (words, kept)


def test_a_figure_without_reference_is_held_to_itself() -> None:
    made = row("x", [4.0], budget=Budget(most=5.0))
    assert (made.ratio, made.kept) == (None, True)


def test_the_page_shows_what_was_written(tmp_path: Path) -> None:
    page = tmp_path / "perf.md"
    page.write_text(f"before\n{report.BEGIN}old\n{report.END}after\n", encoding="utf-8")
    made = measured_part("list", 4.0)
    report.write([made], tmp_path)
    assert report.decode((tmp_path / "perf.json").read_bytes()) == Report((made,))
    assert report.split(page.read_text(encoding="utf-8")) == ("before\n", "after\n")
    assert "4.00 ms" in page.read_text(encoding="utf-8")


def test_a_part_that_is_measured_again_leaves_the_others_as_they_are() -> None:
    listed, broadcasts = measured_part("list", 1.0), measured_part("broadcast", 2.0)
    again = measured_part("list", 3.0, date="2026-02-02")
    found = Report().with_parts([broadcasts, listed]).with_parts([again])
    assert found.parts == (again, broadcasts)
    said = report.section(found)
    assert "* list: 2026-02-02" in said
    assert "* broadcast: 2026-01-01" in said


def test_every_scenario_is_a_part() -> None:
    assert {scenario.name for scenario in SCENARIOS} <= set(report.PARTS)


def test_a_quick_run_is_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        bench.main(["--quick", "--write"])
    assert "not written" in capsys.readouterr().err


def test_the_page_in_the_docs_shows_the_report_beside_it() -> None:
    found = report.decode((report.DOCS / "perf.json").read_bytes())
    page = (report.DOCS / "perf.md").read_text(encoding="utf-8")
    before, after = report.split(page)
    assert page == f"{before}{report.BEGIN}\n{report.section(found)}\n{report.END}{after}"
    assert not any(part.run.quick for part in found.parts)


def test_a_part_that_does_not_exist_is_a_wrong_call(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        bench.main(["--only", "everything"])
    assert "get16" in capsys.readouterr().err


def test_a_part_can_be_measured_alone() -> None:
    little = bench.Extent(
        sizes=(0,), reps=1, share=0.001, clients=(2,), seconds=0.1, windows=1, runs=1, lines=1, mails=1
    )
    found = dict(bench.measured(little, ["broadcast", "create16"]))
    assert [each.name for each in found["create16"]] == ["create, 16 callers"]
    assert found["broadcast"][-1].name == "update meanwhile, 2 clients, p95"


def test_marks_are_found_again() -> None:
    assert wire.mark(7).startswith("@@7@")
