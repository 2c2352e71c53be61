"""A disk that does not answer: what waits for it is told to be unknown, and is put back when it arrives."""

import asyncio
import errno
import threading
from pathlib import Path

import pytest

from maestrod.domain.model import Noun
from maestrod.engine import engine as engine_module
from maestrod.engine.engine import NotCommitted, ReadOnly
from tests.daemon.house import House, house
from tests.support.eventually import aeventually


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "RETRY_S", 0.005)


async def told(built: House, title: str, project: str, *, key: str = "") -> bool | None:
    """What a caller is told of a write that hangs."""
    with pytest.raises(NotCommitted, match="the disk has not answered") as refusal:
        await built.task(project, title, key=key)
    return refusal.value.applied


async def writable(built: House) -> None:
    async def takes_writes() -> bool:
        return built.engine.read_only is None

    await aeventually(takes_writes, what="the engine takes writes again")


async def test_what_hangs_is_unknown_and_what_is_durable_is_answered(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with house(tmp_path, stall_s=0.04) as built, asyncio.TaskGroup() as group:
        project = await built.project()
        await built.task(project, "kept", key="kept")
        built.disk.go.clear()
        reading = group.create_task(built.titles())
        assert await told(built, "hangs", project, key="hangs") is None
        assert await reading == ["kept"]
        assert await built.titles() == ["kept"]
        assert built.engine.seq == built.engine.durable_seq == 2
        assert [key.key for key in built.engine.keys] == ["user kept"]
        assert await built.task(project, "kept", key="kept")
        with pytest.raises(ReadOnly, match="the disk has not answered for"):
            await built.task(project, "later", key="hangs")

        built.disk.go.set()
        await writable(built)
        assert await built.titles() == ["kept", "hangs"]
        first = built.engine.seq
        again = await built.task(project, "hangs", key="hangs")
        assert built.engine.seq == first
        assert again in built.engine.state.table(Noun.TASK)
        await built.task(project, "later")
        assert [commit.seq for commit in built.heard] == [1, 2, 3, 4]
        assert built.on_disk().tables == built.engine.state.tables
    assert "the disk hangs" in caplog.text
    assert "the disk answers again" in caplog.text


async def test_several_batches_that_hang_come_back_one_after_the_other_and_only_then_are_writes_taken(
    tmp_path: Path,
) -> None:
    async with house(tmp_path, stall_s=0.04) as built, asyncio.TaskGroup() as group:
        project = await built.project()
        turn = _hold_each_sync(built)
        writes = [group.create_task(told(built, "first", project))]

        async def written() -> bool:
            return turn.asked == 1

        await aeventually(written)
        writes += [group.create_task(told(built, f"then {number}", project)) for number in range(3)]
        assert [await write for write in writes] == [None] * 4
        turn.let_go()

        async def first_is_back() -> bool:
            return built.engine.durable_seq == 2 and turn.asked == 2

        await aeventually(first_is_back)
        assert await built.titles() == ["first"]
        with pytest.raises(ReadOnly):
            await built.task(project, "too early")
        turn.let_go()
        await writable(built)
        assert await built.titles() == ["first", "then 0", "then 1", "then 2"]
        assert [commit.seq for commit in built.heard] == [1, 2, 3, 4, 5]
        turn.leave()
        await built.task(project, "later")


class _Turns:
    """Each sync waits for its own permission."""

    def __init__(self) -> None:
        self.asked = 0
        self._permits = threading.Semaphore(0)
        self._over = False

    def wait(self) -> None:
        self.asked += 1
        if not self._over:
            assert self._permits.acquire(timeout=20)

    def let_go(self) -> None:
        self._permits.release()

    def leave(self) -> None:
        self._over = True
        self._permits.release(100)


def _hold_each_sync(built: House) -> _Turns:
    turns, sync = _Turns(), built.disk.fdatasync

    def held(fd: int) -> None:
        turns.wait()
        sync(fd)

    built.disk.fdatasync = held  # type: ignore[method-assign]
    return turns


@pytest.mark.parametrize("cut", ["cut", "not cut"])
async def test_what_hangs_and_then_fails_is_not_there(tmp_path: Path, cut: str) -> None:
    async with house(tmp_path, stall_s=0.04) as built:
        project = await built.project()
        built.disk.go.clear()
        assert await told(built, "lost", project, key="lost") is None
        built.disk.failing = {"fdatasync": errno.EIO} | ({} if cut == "cut" else {"truncate": errno.EIO})
        built.disk.go.set()

        async def failed() -> bool:
            return "Input/output error" in (built.engine.read_only or "") or built.engine.read_only is None

        await aeventually(failed)
        assert await built.titles() == []
        built.disk.failing = {}
        await writable(built)
        await built.task(project, "lost", key="lost")
        assert await built.titles() == ["lost"]
        assert [commit.seq for commit in built.heard] == [1, 2]
        assert built.on_disk().tables == built.engine.state.tables
