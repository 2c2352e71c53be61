"""Each call to the disk fails once, or never returns, in a story of starts, writes, snapshots and rotation."""

import asyncio
import errno
import logging
import os
import threading
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from maestrod.engine import engine as engine_module
from tests.daemon.house import titles
from tests.daemon.story import Story, found
from tests.store.doors import DEEDS, FailingFiles, QuickFiles
from tests.support.eventually import aeventually
from tests.support.memory import memory_folder

CODES = (errno.EIO, errno.ENOSPC, errno.EINTR)
WAIT_S = 60
STEPS = {"open": 5, "write": 16, "fsync": 3, "fsync_folder": 4, "unlink": 2, "fdatasync": 2}
"""Where calls are many, the short form takes every so many."""


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    with memory_folder() as path:
        yield path


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Recovery is tried again at once."""
    monkeypatch.setattr(engine_module, "RETRY_S", 0.001)
    caplog.set_level(logging.CRITICAL + 1)


class StubbornFiles(FailingFiles):
    """Fails the n-th call of a deed and, so that there is something to mend, a sync of the journal."""

    def __init__(self, deed: str, nth: int, code: int) -> None:
        super().__init__(deed, nth, code)
        self.segments: set[int] = set()
        self.synced = 0

    def open(self, path: Path, flags: int) -> int:
        fd = super().open(path, flags)
        (self.segments.add if path.suffix == ".jsonl" else self.segments.discard)(fd)
        return fd

    def fdatasync(self, fd: int) -> None:
        super().fdatasync(fd)
        self.synced += fd in self.segments
        if self.synced == 2 and fd in self.segments:
            raise OSError(self.code, os.strerror(self.code))


class PartialFiles(QuickFiles):
    """Takes one byte of the n-th write."""

    def __init__(self, nth: int) -> None:
        super().__init__()
        self.nth = nth
        self.failed = False

    def write(self, fd: int, data: bytes | memoryview, offset: int) -> int:
        if self.done["write"] + 1 < self.nth:
            return super().write(fd, data, offset)
        short = self.done["write"] + 1 == self.nth
        self.failed = True
        return super().write(fd, memoryview(data)[:1] if short else data, offset)


class HangingFiles(StubbornFiles):
    """The n-th call of a deed does not return until it is let go."""

    def __init__(self, deed: str, nth: int) -> None:
        super().__init__(deed, nth, errno.EIO)
        self.hangs = threading.Event()
        self.go = threading.Event()

    def before(self, deed: str) -> None:
        QuickFiles.before(self, deed)
        if deed == self.deed and self.done[deed] == self.nth:
            self.hangs.set()
            assert self.go.wait(WAIT_S)


async def whole(story: Story) -> None:
    await story.tell()
    assert sorted(await asyncio.to_thread(found, story.folder)) == sorted(story.acknowledged) == sorted(story.sent)
    assert len(set(story.sent)) == 16


async def every_call_fails(tmp_path: Path, deed: str, codes: tuple[int, ...], step: int) -> int:
    cases = 0
    for nth in count(1, step):
        failed = False
        for code in codes:
            with TemporaryDirectory(dir=tmp_path) as name:
                files = StubbornFiles(deed, nth, code)
                await whole(Story(Path(name) / "data", files))
                cases += files.failed
                failed = failed or files.failed
        if not failed:
            break
    assert cases > 0, "no call was made"
    print(f"{cases} failing calls of {deed}")  # noqa: T201
    return cases


@pytest.mark.parametrize("deed", DEEDS)
async def test_whichever_call_fails_every_write_is_applied_once(tmp_path: Path, deed: str) -> None:
    await every_call_fails(tmp_path, deed, (CODES[DEEDS.index(deed) % 3],), STEPS.get(deed, 1))


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("deed", DEEDS)
async def test_whichever_call_fails_with_any_error_every_write_is_applied_once(tmp_path: Path, deed: str) -> None:
    await every_call_fails(tmp_path, deed, CODES, 1)


async def every_write_is_short(tmp_path: Path, step: int) -> None:
    for nth in count(1, step):
        with TemporaryDirectory(dir=tmp_path) as name:
            files = PartialFiles(nth)
            story = Story(Path(name) / "data", files)
            await whole(story)
            assert story.refusals == []
        if not files.failed:
            print(f"{nth // step} short writes")  # noqa: T201
            assert nth > 10
            return


async def test_a_write_that_takes_a_part_goes_on_with_the_rest(tmp_path: Path) -> None:
    await every_write_is_short(tmp_path, STEPS["write"])


@pytest.mark.slow
async def test_any_write_may_take_a_part(tmp_path: Path) -> None:
    await every_write_is_short(tmp_path, 1)


async def every_call_hangs(tmp_path: Path, deed: str, step: int) -> int:
    """While it hangs, what is durable is answered and what is not is not; then everything goes on."""
    for nth in count(1, step):
        with TemporaryDirectory(dir=tmp_path) as name:
            files = HangingFiles(deed, nth)
            story = Story(Path(name) / "data", files, stall_s=0.04)
            async with asyncio.TaskGroup() as group:
                telling = group.create_task(whole(story))
                watching = group.create_task(watch(story, files))
                await telling
                watching.cancel()
        if not files.hangs.is_set():
            print(f"{nth // step} hanging calls of {deed}")  # noqa: T201
            return nth
    raise AssertionError


async def watch(story: Story, files: HangingFiles) -> None:
    async def hangs() -> bool:
        return files.hangs.is_set()

    await aeventually(hangs, timeout=WAIT_S, every=0.001)
    try:
        engine = story.engine
        if engine is None:
            return
        acknowledged = set(story.acknowledged)
        shown = await asyncio.wait_for(engine.read(titles), WAIT_S / 2)
        assert acknowledged <= set(shown) <= set(story.sent)
        assert len(set(shown)) == len(shown)
        if files.deed in ("fdatasync", "write"):
            assert engine.seq == engine.durable_seq
    finally:
        files.go.set()


@pytest.mark.parametrize("deed", DEEDS)
async def test_whichever_call_hangs_what_is_durable_is_answered(tmp_path: Path, deed: str) -> None:
    assert await every_call_hangs(tmp_path, deed, STEPS.get(deed, 1)) >= 1


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("deed", DEEDS)
async def test_every_single_call_may_hang(tmp_path: Path, deed: str) -> None:
    assert await every_call_hangs(tmp_path, deed, 1) >= 1
