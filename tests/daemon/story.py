"""One life of a store: starts, writes by several callers, snapshots, rotation, dropped history, another start."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from maestrod.domain.changes import USER, Idempotency
from maestrod.domain.projects import CreateProject
from maestrod.domain.tasks import CreateTask
from maestrod.engine.clock import Clock
from maestrod.engine.engine import Ask, Engine, NotCommitted, ReadOnly
from maestrod.engine.history import Checkpoints, Loaded, load
from maestrod.store.files import Files
from maestrod.store.log import StoreError
from tests.daemon.house import titles
from tests.support.eventually import aeventually

STARTS = 40
SEGMENT_BYTES = 3000


def begin(folder: Path, files: Files | None = None) -> Loaded:
    """A start, as the daemon does it."""
    return load(
        folder,
        journal_folder=folder / "journal",
        snapshots=folder / "snapshot",
        files=files,
        segment_bytes=SEGMENT_BYTES,
    )


class Story:
    """What callers sent, what was acknowledged to them, and what they were told instead."""

    def __init__(
        self, folder: Path, files: Files, *, callers: int = 4, description: str = "", stall_s: float = 3600.0
    ) -> None:
        self.folder = folder
        self.files = files
        self.callers = callers
        self.description = description
        self.stall_s = stall_s
        self.sent: list[str] = []
        self.acknowledged: list[str] = []
        self.refusals: list[bool | None] = []
        """What ``applied`` was in each refusal."""
        self.engine: Engine | None = None

    async def tell(self, *, lives: int = 2, rounds: int = 2) -> None:
        """All of it, whatever fails on the way: callers and starts try again."""
        for life in range(lives):
            async with self._living() as checkpoints:
                project = await self._sure(CreateProject(name="p", working_dir=f"/srv/{life}"), f"project {life}")
                for round_ in range(rounds):
                    await self._round(project, f"{life}.{round_}")
                    await checkpoints.write()

    async def _round(self, project: str, name: str) -> None:
        async with asyncio.TaskGroup() as group:
            for caller in range(self.callers):
                group.create_task(self._task(project, f"{name}.{caller}"))

    async def _task(self, project: str, title: str) -> None:
        self.sent.append(title)
        await self._sure(CreateTask(project_id=project, title=title, description=self.description), title)
        self.acknowledged.append(title)

    async def _sure(self, command: CreateProject | CreateTask, key: str) -> str:
        """The id of what was made, at last."""
        assert self.engine is not None
        ask = Ask(command=command, actor=USER, idem=Idempotency(key, "same"))
        while True:
            try:
                return await self.engine.execute(ask, lambda _state, changes: changes[0].id)
            except NotCommitted as refusal:
                self.refusals.append(refusal.applied)
            except ReadOnly:
                await asyncio.sleep(0)
            await aeventually(self._writable, every=0.001, what="the store takes writes again")

    async def _writable(self) -> bool:
        assert self.engine is not None
        return self.engine.read_only is None

    @asynccontextmanager
    async def _living(self) -> AsyncIterator[Checkpoints]:
        loaded = await asyncio.to_thread(self._started)
        engine = Engine(loaded.state, loaded.journal, Clock(seed=1), keys=loaded.keys, stall_s=self.stall_s)
        checkpoints = Checkpoints(
            engine, loaded.journal, self.folder / "snapshot", files=self.files, keep_s=-1_000_000.0
        )
        engine.start()
        try:
            async with asyncio.TaskGroup() as group:
                running = group.create_task(engine.run())
                self.engine = engine
                yield checkpoints
                self.engine = None
                running.cancel()
        finally:
            await asyncio.to_thread(loaded.journal.close)

    def _started(self) -> Loaded:
        for _ in range(STARTS):
            with suppress(StoreError):
                return begin(self.folder, self.files)
        return begin(self.folder, self.files)


def found(folder: Path) -> list[str]:
    """The titles that a start finds; the journal that it reads has no gap."""
    loaded = begin(folder)
    try:
        seqs = [int(line.partition(b",")[0].rpartition(b":")[2]) for line in loaded.journal.read(first(loaded) - 1)]
        assert seqs == list(range(first(loaded), loaded.journal.last_seq + 1))
        return titles(loaded.state)
    finally:
        loaded.journal.close()


def first(loaded: Loaded) -> int:
    """The first commit that is still kept."""
    return loaded.journal.oldest_seq
