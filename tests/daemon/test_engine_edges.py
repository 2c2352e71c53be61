"""The engine at its edges: who is let go by which sync, whose key it is, what a refusal leaves behind."""

import asyncio
import errno
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from maestrod.domain.changes import DAEMON, USER, Idempotency
from maestrod.domain.errors import NotFound
from maestrod.domain.model import Noun, Task
from maestrod.domain.state import State
from maestrod.domain.tasks import CreateTask, DeleteTask
from maestrod.engine import engine as engine_module
from maestrod.engine.clock import Clock
from maestrod.engine.engine import NotCommitted, ReadOnly
from tests.daemon.house import house, titles
from tests.support.eventually import aeventually, eventually

DAY_MS = engine_module.IDEMPOTENCY_MS


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Recovery is tried again at once."""
    monkeypatch.setattr(engine_module, "RETRY_S", 0.005)


def test_the_time_is_in_milliseconds_since_the_epoch() -> None:
    before, now, after = time.time_ns(), Clock().now(), time.time_ns()
    assert before // 1_000_000 <= now <= after // 1_000_000


# -- the barrier ----------------------------------------------------------------------------------


async def test_a_sync_lets_go_only_those_who_wait_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    segment = tmp_path / "journal" / "000000000001.jsonl"
    first_may, second_may = threading.Event(), threading.Event()

    def sync(_fd: int) -> None:
        (second_may if b"the second" in segment.read_bytes() else first_may).wait(20)

    async def is_written() -> bool:
        return b"the first" in segment.read_bytes()

    async with house(tmp_path) as built, asyncio.TaskGroup() as group:
        project = await built.project()
        monkeypatch.setattr(built.disk, "fdatasync", sync)
        first = group.create_task(built.task(project, "the first"))
        await aeventually(is_written)
        second = group.create_task(built.task(project, "the second"))
        await asyncio.sleep(0)
        assert built.engine.seq == 3
        first_may.set()
        await first
        await asyncio.sleep(0)
        answered = second.done()
        assert built.engine.durable_seq == 2
        second_may.set()
        await second
        assert not answered


async def test_a_read_that_finds_nothing_waits_for_what_made_it_so(tmp_path: Path) -> None:
    async with house(tmp_path) as built, asyncio.TaskGroup() as group:
        task = await built.task(await built.project(), "still there")

        def title(state: State) -> str:
            found = state.table(Noun.TASK).get(task)
            if not isinstance(found, Task):
                raise NotFound(Noun.TASK, task)
            return found.title

        built.disk.go.clear()
        built.disk.failing["fdatasync"] = errno.EIO
        deletion = group.create_task(lost(built.do(DeleteTask(task_id=task))))
        await asyncio.sleep(0)
        assert built.engine.seq == 3
        reading = group.create_task(built.engine.read(title))
        await asyncio.sleep(0)
        built.disk.go.set()
        assert await reading == "still there"
        assert await deletion


async def lost(deed: object) -> bool:
    try:
        await deed  # type: ignore[misc]
    except NotCommitted:
        return True
    return False


async def test_a_write_that_the_journal_refuses_leaves_no_trace(tmp_path: Path) -> None:
    """Between the failure and the engine's hearing of it the journal refuses by itself."""
    async with house(tmp_path) as built, asyncio.TaskGroup() as group:
        project = await built.project()
        built.disk.failing["fdatasync"] = errno.EIO
        failing = group.create_task(lost(built.task(project, "lost")))
        await asyncio.sleep(0)
        eventually(lambda: built.journal._refusal)
        assert built.engine.read_only is None
        with pytest.raises(ReadOnly, match="not applied"):
            await built.task(project, "refused", key="refused")
        assert titles(built.engine.state) == ["lost"]
        assert (built.engine.seq, built.engine.keys) == (2, ())
        assert await failing
        assert titles(built.engine.state) == []


# -- keys -----------------------------------------------------------------------------------------


async def test_the_repeat_of_a_write_under_way_waits_for_it(tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as one_thread:
        asyncio.get_running_loop().set_default_executor(one_thread)
        async with house(tmp_path) as built, asyncio.TaskGroup() as group:
            project = await built.project()
            built.disk.go.clear()
            first = group.create_task(built.task(project, key="k"))
            again = group.create_task(built.task(project, key="k"))
            await asyncio.sleep(0)
            await asyncio.to_thread(int)
            assert not again.done()
            built.disk.go.set()
            assert await again == await first


async def test_a_key_is_its_senders_alone(tmp_path: Path) -> None:
    async with house(tmp_path) as built:
        project = await built.project()
        create = CreateTask(project_id=project, title="t")
        mine = await built.do(create, key="k", actor=USER)
        assert await built.engine.first(DAEMON, Idempotency("k", "same")) is None
        theirs = await built.do(create, key="k", actor=DAEMON)
        assert mine != theirs
        assert await built.do(create, key="k", actor=USER) == mine
        assert await built.do(create, key="k", actor=DAEMON) == theirs


async def test_a_key_used_anew_is_the_youngest(tmp_path: Path) -> None:
    async with house(tmp_path) as built:
        project = await built.project()
        await built.task(project, key="old")
        built.clock.at += 10
        await built.task(project, key="younger")
        built.clock.at += DAY_MS - 5
        await built.task(project, key="old")
        assert [key.key for key in built.engine.keys] == ["user younger", "user old"]


async def test_keys_that_count_no_more_are_forgotten(tmp_path: Path) -> None:
    async with house(tmp_path) as built:
        project = await built.project()
        await built.task(project, key="old")
        built.clock.at += DAY_MS + 1
        await built.task(project, key="new")
        assert [key.key for key in built.engine.keys] == ["user new"]
