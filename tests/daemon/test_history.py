"""From disk to memory and back: what a start finds, what a snapshot holds, what history is kept."""

import asyncio
import gc
import os
import shutil
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import get_type_hints

import pytest

from maestrod.domain.changes import DAEMON
from maestrod.domain.model import TYPES, Noun
from maestrod.domain.tasks import CreateTask
from maestrod.engine.engine import Engine
from maestrod.engine.history import SEGMENT_BYTES, Checkpoints, Document, Loaded, load
from maestrod.store.log import SchemaTooNew
from maestrod.store.snapshot import load_snapshot, snapshot_seqs
from tests.daemon.house import Disk, HandClock, House, house, titles

MONTH_S = 31 * 24 * 3600


def found(home: Path, *, segment_bytes: int = SEGMENT_BYTES) -> Loaded:
    """What a start finds."""
    return load(home, journal_folder=home / "journal", snapshots=home / "snapshot", segment_bytes=segment_bytes)


@pytest.mark.parametrize("noun", Noun)
def test_a_snapshot_has_a_section_for_every_noun(noun: Noun) -> None:
    assert get_type_hints(Document)[noun] == list[TYPES[noun]]  # type: ignore[valid-type]


@asynccontextmanager
async def started(
    home: Path, *, segment_bytes: int = SEGMENT_BYTES
) -> AsyncIterator[tuple[House, Checkpoints, Loaded]]:
    """An engine that goes on from what the home holds."""
    loaded = found(home, segment_bytes=segment_bytes)
    built = House(
        Engine(loaded.state, loaded.journal, HandClock(), keys=loaded.keys), loaded.journal, Disk(), HandClock()
    )
    built.engine.start()
    try:
        yield built, Checkpoints(built.engine, loaded.journal, home / "snapshot"), loaded
    finally:
        await asyncio.to_thread(loaded.journal.close)


def segments(home: Path) -> list[int]:
    return sorted(int(path.stem) for path in (home / "journal").glob("*.jsonl"))


async def test_a_start_goes_on_behind_its_snapshot(tmp_path: Path) -> None:
    async with started(tmp_path) as (built, checkpoints, _):
        project = await built.project()
        await built.task(project, "in the snapshot", key="first")
        await checkpoints.write()
        await built.task(project, "behind it", key="second")
        await built.task(project, "and more")
    async with started(tmp_path) as (again, _, loaded):
        assert gc.isenabled()
        assert titles(loaded.state) == ["in the snapshot", "behind it", "and more"]
        assert loaded.state.tables == built.engine.state.tables
        assert [key.key for key in loaded.keys] == ["user first", "user second"]
        await again.task(project, "later")
    assert titles(found_and_closed(tmp_path).state)[-1] == "later"


def found_and_closed(home: Path) -> Loaded:
    loaded = found(home)
    loaded.journal.close()
    return loaded


async def test_a_cleared_journal_goes_on_from_the_snapshot(tmp_path: Path) -> None:
    async with started(tmp_path) as (built, checkpoints, _):
        await built.task(await built.project())
        await checkpoints.write()
    shutil.rmtree(tmp_path / "journal")
    async with started(tmp_path) as (again, _, loaded):
        assert (loaded.journal.last_seq, titles(loaded.state)) == (2, ["t"])
        await again.project()
    assert segments(tmp_path) == [3]


async def test_a_restart_knows_whose_key_was_whose(tmp_path: Path) -> None:
    async with started(tmp_path) as (built, _, _):
        project = await built.project()
        await built.do(CreateTask(project_id=project, title="t"), key="k", actor=DAEMON)
    assert [key.key for key in found_and_closed(tmp_path).keys] == ["daemon k"]


def test_a_start_refuses_data_of_a_newer_version(tmp_path: Path) -> None:
    (tmp_path / "VERSION").write_text("99\n")
    with pytest.raises(SchemaTooNew):
        found(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["VERSION"]


async def test_a_start_says_what_it_passed_over(tmp_path: Path) -> None:
    async with started(tmp_path) as (built, checkpoints, _):
        for _ in range(2):
            await built.task(await built.project())
            await checkpoints.write()
    (tmp_path / "snapshot" / "000000000004.json").write_text("{}")
    with (tmp_path / "journal" / "000000000001.jsonl").open("ab") as segment:
        segment.write(b"torn")
    loaded = found_and_closed(tmp_path)
    assert loaded.state.tables == built.engine.state.tables
    damaged, torn = loaded.warnings
    assert "000000000004.json" in damaged
    assert "quarantine" in torn


# -- snapshots ------------------------------------------------------------------------------------


async def test_a_snapshot_holds_what_its_number_says_whatever_comes_meanwhile(tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as one_thread:
        asyncio.get_running_loop().set_default_executor(one_thread)
        async with house(tmp_path) as built, asyncio.TaskGroup() as group:
            checkpoints = Checkpoints(built.engine, built.journal, tmp_path / "snapshot")
            project = await built.project()
            built.disk.go.clear()
            group.create_task(built.task(project, "in it"))
            await asyncio.sleep(0)
            writing = group.create_task(checkpoints.write())
            await asyncio.sleep(0)
            group.create_task(built.task(project, "later"))
            await asyncio.to_thread(int)
            assert built.engine.seq == 3
            built.disk.go.set()
            await writing
    snapshot = load_snapshot(tmp_path / "snapshot", Document)
    assert snapshot is not None
    assert (snapshot.seq, [task.title for task in snapshot.document.task]) == (2, ["in it"])


async def test_a_snapshot_is_due_once_so_many_commits_came(tmp_path: Path) -> None:
    async with house(tmp_path) as built:
        checkpoints = Checkpoints(built.engine, built.journal, tmp_path / "snapshot", every=3)
        due = []
        for _ in range(4):
            await built.project()
            due.append(checkpoints._due.is_set())
    assert due == [False, False, True, True]


async def test_history_is_kept_for_the_older_snapshot_and_for_a_month(tmp_path: Path) -> None:
    async with started(tmp_path, segment_bytes=1) as (built, checkpoints, _):
        for _ in range(3):
            await built.task(await built.project())
            await checkpoints.write()
        assert segments(tmp_path) == [1, 2, 3, 4, 5, 6]
        await built.task(await built.project())
        old = time.time() - MONTH_S
        for path in (*(tmp_path / "journal").glob("*.jsonl"), *(tmp_path / "snapshot").glob("*.json")):
            os.utime(path, (old, old))
        await checkpoints.write()
        assert snapshot_seqs(tmp_path / "snapshot") == (6, 8)
        assert segments(tmp_path) == [6, 7, 8]
    (tmp_path / "snapshot" / "000000000008.json").write_text("{}")
    loaded = found_and_closed(tmp_path)
    assert loaded.state.tables == built.engine.state.tables
