"""The single writer: nothing leaves before the disk has it, and nothing of a failure stays."""

import asyncio
import errno
import logging
import random
from pathlib import Path

import msgspec
import pytest

from maestrod.domain.changes import Actor
from maestrod.domain.errors import KeyReused, NotFound, Rejected, Stale
from maestrod.domain.model import Noun
from maestrod.domain.projects import CreateProject
from maestrod.domain.sessions import RecordTurn
from maestrod.domain.state import State
from maestrod.domain.tasks import CreateTask, DeleteTask, EditTask
from maestrod.engine import engine as engine_module
from maestrod.engine.engine import Ask, IfMatch, NotCommitted, ReadOnly
from maestrod.engine.history import Checkpoints, Document, load
from tests.daemon.house import House, house
from tests.support.eventually import aeventually, eventually


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Recovery is tried again at once."""
    monkeypatch.setattr(engine_module, "RETRY_S", 0.005)


async def turns(count: int = 5) -> None:
    """Let everything that can go on go on."""
    for _ in range(count):
        await asyncio.sleep(0)


async def resumed(built: House) -> None:
    async def takes_writes() -> bool:
        return built.engine.read_only is None

    await aeventually(takes_writes, what="the engine takes writes again")


# -- the barrier ----------------------------------------------------------------------------------


async def test_no_answer_leaves_before_what_it_rests_on_is_durable(tmp_path: Path) -> None:
    async with house(tmp_path) as built, asyncio.TaskGroup() as group:
        project = await built.project()
        await built.task(project, key="first")
        heard = len(built.heard)
        built.disk.go.clear()
        write = group.create_task(built.task(project, "second"))
        await turns()
        waiting: dict[str, asyncio.Task[object]] = {
            "write": write,
            "read": group.create_task(built.titles()),
            "refusal": group.create_task(refused(built, DeleteTask(task_id="task_1_x"))),
            "replay": group.create_task(built.task(project, key="first")),
            "wrong key": group.create_task(refused(built, EditTask(task_id="x"), key="first", body="other")),
            "no change": group.create_task(built.do(EditTask(task_id=first_task(built.engine.state), title="t"))),
        }
        await turns(50)
        assert [name for name, task in waiting.items() if task.done()] == []
        assert built.engine.durable_seq == 2
        assert len(built.heard) == heard
        built.disk.go.set()
        done = {name: await task for name, task in waiting.items()}
        assert done["read"] == ["t", "second"]
        assert isinstance(done["refusal"], NotFound)
        assert isinstance(done["wrong key"], KeyReused)
        assert done["no change"] == []
        assert len(built.heard) == heard + 1


def first_task(state: State) -> str:
    return next(iter(state.table(Noun.TASK)))


async def refused(built: House, command: object, *, key: str = "", body: str = "same") -> Rejected:
    try:
        await built.do(command, key=key, body=body)  # type: ignore[arg-type]
    except Rejected as refusal:
        return refusal
    raise AssertionError("it was not refused")


async def test_what_rests_on_nothing_new_waits_for_nothing(tmp_path: Path) -> None:
    async with house(tmp_path) as built:
        await built.project()
        built.disk.go.clear()
        assert await built.titles() == []
        assert isinstance(await refused(built, DeleteTask(task_id="task_1_x")), NotFound)


async def test_all_that_waits_is_synced_together(tmp_path: Path) -> None:
    async with house(tmp_path) as built, asyncio.TaskGroup() as group:
        project = await built.project()
        before = built.disk.syncs
        built.disk.go.clear()
        for number in range(200):
            group.create_task(built.task(project, f"t{number}"))
        await turns()
        built.disk.go.set()
        await built.titles()
        assert built.disk.syncs - before <= 4
        assert built.engine.seq == 201


async def test_a_caller_that_gives_up_does_not_take_its_write_back(tmp_path: Path) -> None:
    async with house(tmp_path) as built:
        project = await built.project()
        built.disk.go.clear()
        async with asyncio.TaskGroup() as group:
            left = group.create_task(built.task(project, "left behind"))
            stays = group.create_task(built.task(project, "stays"))
            await turns()
            left.cancel()
            await turns()
            built.disk.go.set()
            await stays
        assert left.cancelled()
        assert await built.titles() == ["left behind", "stays"]
        assert len(built.heard) == 3


async def test_listeners_hear_every_commit_once_in_order_and_one_that_fails_harms_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with house(tmp_path) as built:
        project = await built.project()

        def broken(_commit: object) -> None:
            raise ValueError("broken listener")

        after: list[int] = []
        built.engine.listen(broken)
        built.engine.listen(lambda commit: after.append(commit.seq))
        for number in range(5):
            await built.task(project, f"t{number}")
        assert [commit.seq for commit in built.heard] == [1, 2, 3, 4, 5, 6]
        assert after == [2, 3, 4, 5, 6]
    assert "broken listener" in caplog.text


async def test_more_writes_than_may_wait_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "UNDER_WAY", 3)
    async with house(tmp_path) as built, asyncio.TaskGroup() as group:
        project = await built.project()
        built.disk.go.clear()
        waiting = [group.create_task(built.task(project)) for _ in range(4)]
        await turns()
        with pytest.raises(ReadOnly, match="wait for the disk"):
            await built.task(project)
        built.disk.go.set()
        await asyncio.wait(waiting)
        await built.task(project)


# -- versions and rights --------------------------------------------------------------------------


async def test_a_stale_version_is_refused_and_one_of_nothing_is_left_to_the_rule(tmp_path: Path) -> None:
    async with house(tmp_path) as built:
        task = await built.task(await built.project())
        edit = EditTask(task_id=task, title="new")
        stale = Ask(command=edit, actor=Actor("user"), if_match=IfMatch(Noun.TASK, task, 9))
        with pytest.raises(Stale):
            await built.engine.execute(stale, lambda _s, _c: None)
        gone = EditTask(task_id="task_1_x", title="new")
        nothing = Ask(command=gone, actor=Actor("user"), if_match=IfMatch(Noun.TASK, "task_1_x", 9))
        with pytest.raises(NotFound):
            await built.engine.execute(nothing, lambda _s, _c: None)


async def test_rights_are_judged_before_rules(tmp_path: Path) -> None:
    async with house(tmp_path) as built:
        refusal = await refused(built, RecordTurn(session_id="sess_1_x"))
        assert refusal.code == "FORBIDDEN"
        assert built.engine.seq == 0


# -- keys -----------------------------------------------------------------------------------------


async def test_a_key_counts_for_a_day(tmp_path: Path) -> None:
    async with house(tmp_path) as built:
        project = await built.project()
        first = await built.task(project, key="k")
        built.clock.at += engine_module.IDEMPOTENCY_MS
        assert await built.task(project, key="k") == first
        built.clock.at += 1
        second = await built.task(project, key="k")
        assert second != first
        assert await built.task(project, key="k") == second
        assert len(built.engine.keys) == 1


async def test_a_repeated_write_waits_for_a_disk_that_cannot_show_the_first_answer(tmp_path: Path) -> None:
    async with house(tmp_path) as built:
        project = await built.project()
        first = await built.task(project, key="k")
        built.disk.failing["open"] = errno.EIO
        with pytest.raises(ReadOnly, match="cannot be read again"):
            await built.task(project, key="k")
        built.disk.failing.clear()
        assert await built.task(project, key="k") == first


async def test_the_oldest_keys_go_first_when_there_are_too_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "IDEMPOTENCY_KEYS", 3)
    async with house(tmp_path) as built:
        project = await built.project()
        for number in range(5):
            built.clock.at += 1
            await built.task(project, key=f"k{number}")
        assert [key.key for key in built.engine.keys] == ["user k2", "user k3", "user k4"]


async def test_a_key_whose_commit_is_no_longer_kept_says_so(tmp_path: Path) -> None:
    async with house(tmp_path) as built:
        project = await built.project()
        await built.task(project, key="k")
    later = await asyncio.to_thread(_moved_on, tmp_path)
    async with house(later, keys=[engine_module.Key("user k", "same", 2, 1_800_000_000_000)]) as built:
        refusal = await refused(built, CreateTask(project_id="x", title="t"), key="k")
        assert "no longer kept" in refusal.message


def _moved_on(folder: Path) -> Path:
    other = folder / "other"
    other.mkdir()
    return other


# -- failures -------------------------------------------------------------------------------------


async def test_a_failed_batch_leaves_no_trace_and_the_store_comes_back(tmp_path: Path) -> None:
    async with house(tmp_path) as built, asyncio.TaskGroup() as group:
        project = await built.project()
        kept = await built.task(project, "kept", key="kept")
        await built.retitle(kept, "renamed")
        before = built.engine.seq
        built.disk.go.clear()
        lost = [group.create_task(caught(built.task(project, f"lost {n}", key=f"lost {n}"))) for n in range(3)]
        lost.append(group.create_task(caught(built.retitle(kept, "lost name"))))
        lost.append(group.create_task(caught(built.do(DeleteTask(task_id=kept)))))
        reading = group.create_task(built.titles())
        refusal = group.create_task(caught(built.do(DeleteTask(task_id=kept))))
        again = group.create_task(caught(built.task(project, "lost 0", key="lost 0")))
        await turns()
        built.disk.failing["fdatasync"] = errno.EIO
        built.disk.go.set()
        failures = [await task for task in lost]
        assert [(type(f), getattr(f, "applied", "?")) for f in failures] == [(NotCommitted, False)] * 5
        assert isinstance(await refusal, NotCommitted)
        assert isinstance(await again, NotCommitted)
        assert await reading == ["renamed"]
        assert built.engine.seq == built.engine.durable_seq == before
        assert built.engine.state.groups == built.on_disk().groups
        assert built.engine.state.tables == built.on_disk().tables
        assert [commit.seq for commit in built.heard] == list(range(1, before + 1))
        assert [key.key for key in built.engine.keys] == ["user kept"]

        with pytest.raises(ReadOnly, match="Input/output error"):
            await built.task(project, "while it is away")
        assert await built.titles() == ["renamed"]
        assert await built.task(project, "kept", key="kept") == kept

        built.disk.failing.clear()
        await resumed(built)
        fresh = await built.task(project, "lost 0", key="lost 0")
        assert await built.task(project, "lost 0", key="lost 0") == fresh
        assert await built.titles() == ["renamed", "lost 0"]
        assert [commit.seq for commit in built.heard] == list(range(1, before + 2))
        assert built.on_disk().tables == built.engine.state.tables


async def caught(deed: object) -> BaseException | None:
    try:
        await deed  # type: ignore[misc]
    except (NotCommitted, ReadOnly, Rejected) as error:
        return error
    return None


async def test_when_the_cut_fails_too_nobody_is_told_that_it_was_not_applied(tmp_path: Path) -> None:
    async with house(tmp_path) as built:
        project = await built.project()
        built.disk.failing |= {"fdatasync": errno.EIO, "truncate": errno.EIO}
        failure = await caught(built.task(project, "perhaps"))
        assert isinstance(failure, NotCommitted)
        assert failure.applied is None
        assert await built.titles() == []
        await turns()
        with pytest.raises(ReadOnly):
            await built.task(project)
        built.disk.failing.clear()
        await resumed(built)
        await built.task(project, "surely")
        assert await built.titles() == ["surely"]
        assert built.on_disk().tables == built.engine.state.tables


async def test_a_full_disk_is_waited_for(tmp_path: Path) -> None:
    async with house(tmp_path) as built:
        project = await built.project()
        built.disk.failing |= {"write": errno.ENOSPC, "fsync": errno.ENOSPC}
        failure = await caught(built.task(project, "too much"))
        assert isinstance(failure, NotCommitted)

        async def is_full() -> bool:
            return "No space left" in (built.engine.read_only or "")

        await aeventually(is_full)
        assert await built.titles() == []
        built.disk.failing.clear()
        await resumed(built)
        await built.task(project, "fits")
        assert await built.titles() == ["fits"]


async def test_when_what_was_answered_is_lost_the_store_stays_read_only_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """With ``batch`` durability an answer may be lost; going on from it would write a gap."""
    async with house(tmp_path, durability="batch") as built:
        project = await built.project()
        built.disk.failing["fdatasync"] = errno.EIO
        await built.task(project, "answered, not synced")

        async def gave_up() -> bool:
            return "restart maestrod" in (built.engine.read_only or "")

        await aeventually(gave_up)
        assert built.engine.durable_seq > built.journal.durable_seq
        built.disk.failing.clear()
        with pytest.raises(ReadOnly, match="restart maestrod"):
            await built.task(project, "later")
        assert await built.titles() == ["answered, not synced"]
        snapshots = tmp_path / "snapshot"
        await Checkpoints(built.engine, built.journal, snapshots).write()
        assert not snapshots.exists() or not list(snapshots.iterdir())
    assert "stays read-only" in caplog.text
    async with house(tmp_path) as again:
        assert again.on_disk().tables[Noun.TASK] == {}


async def test_a_failure_while_it_recovers_is_a_new_failure(tmp_path: Path) -> None:
    async with house(tmp_path) as built:
        project = await built.project()
        for _ in range(5):
            built.disk.failing["fdatasync"] = errno.EIO
            assert isinstance(await caught(built.task(project, "lost")), NotCommitted)
            built.disk.failing.clear()
            await resumed(built)
        await built.task(project, "kept")
        assert await built.titles() == ["kept"]


async def test_whatever_fails_memory_is_what_the_disk_has(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Random deeds, random failures: what was acknowledged is there, and nothing else; seq has no gap."""
    caplog.set_level(logging.CRITICAL)
    dice = random.Random(11)
    acknowledged: list[str] = []
    async with house(tmp_path) as built:
        project = await built.project()

        async def one(number: int) -> None:
            title = f"t{number}"
            if await caught(built.task(project, title, key=f"k{number}")) is None:
                acknowledged.append(title)

        for round_ in range(25):
            if dice.random() < 0.5:
                built.disk.failing = {dice.choice(["write", "fdatasync"]): errno.EIO}
            async with asyncio.TaskGroup() as group:
                for number in range(dice.randrange(1, 6)):
                    group.create_task(one(round_ * 10 + number))
            built.disk.failing = {}
            await resumed(built)
        assert sorted(await built.titles()) == sorted(acknowledged)
        assert built.on_disk().tables == built.engine.state.tables
        assert [record.seq for record in built.engine.records(0, 10_000)] == list(range(1, built.engine.seq + 1))
        assert [commit.seq for commit in built.heard] == list(range(1, built.engine.seq + 1))


# -- snapshots ------------------------------------------------------------------------------------


def stored(folder: Path) -> list[int]:
    return sorted(int(path.stem) for path in (folder / "snapshot").glob("*.json"))


async def test_a_snapshot_is_written_every_so_many_commits_and_at_the_end(tmp_path: Path) -> None:
    async with house(tmp_path) as built, asyncio.TaskGroup() as group:
        checkpoints = Checkpoints(built.engine, built.journal, tmp_path / "snapshot", every=5)
        running = group.create_task(checkpoints.run())
        project = await built.project()
        for _ in range(6):
            await built.task(project, key=f"k{built.engine.seq}")
        await asyncio.to_thread(eventually, lambda: stored(tmp_path))
        await asyncio.gather(checkpoints.write(), checkpoints.write())
        running.cancel()
    assert stored(tmp_path)[-1] == 7
    (tmp_path / "VERSION").write_text("1\n")
    loaded = load(tmp_path, journal_folder=tmp_path / "journal", snapshots=tmp_path / "snapshot")
    try:
        assert loaded.state.tables == built.engine.state.tables
        assert loaded.state.groups == built.engine.state.groups
        assert loaded.state.unmet == built.engine.state.unmet
        assert [key.key for key in loaded.keys] == [key.key for key in built.engine.keys]
        assert loaded.warnings == []
    finally:
        loaded.journal.close()


async def test_a_snapshot_that_fails_is_tried_again_when_the_next_is_due(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with house(tmp_path) as built:
        folder = tmp_path / "snapshot"
        folder.write_text("in the way")
        checkpoints = Checkpoints(built.engine, built.journal, tmp_path / "missing", every=10)
        project = await built.project()
        checkpoints._folder = folder
        await checkpoints.write()
        assert "no snapshot could be written" in caplog.text
        folder.unlink()
        await built.task(project)
        await checkpoints.write()
    assert stored(tmp_path) == [2]


async def test_no_snapshot_is_made_of_what_the_disk_then_refused(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with house(tmp_path) as built, asyncio.TaskGroup() as group:
        checkpoints = Checkpoints(built.engine, built.journal, tmp_path / "snapshot")
        project = await built.project()
        built.disk.go.clear()
        lost = group.create_task(caught(built.task(project)))
        await turns()
        writing = group.create_task(checkpoints.write())
        await turns()
        built.disk.failing["fdatasync"] = errno.EIO
        built.disk.go.set()
        await writing
        assert isinstance(await lost, NotCommitted)
    assert not (tmp_path / "snapshot").exists()
    assert "no snapshot could be written" in caplog.text


async def test_ids_are_never_twice_and_sort_by_time_even_when_the_clock_jumps_back(tmp_path: Path) -> None:
    async with house(tmp_path) as built:
        made: list[str] = []
        for step in (0, 0, 5, -100_000, 0, 3, 200_000, 0):
            built.clock.at += step
            made.append((await built.do(CreateProject(name="p", working_dir=f"/srv/{len(made)}")))[0])
        assert made == sorted(made)
        assert len(set(made)) == len(made)


def test_a_snapshot_has_a_section_for_every_noun() -> None:
    assert {f.name for f in msgspec.structs.fields(Document)} == {*Noun, "keys"}
