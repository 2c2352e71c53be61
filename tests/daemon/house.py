"""An engine without a socket, over a real journal whose disk is held back or fails when a test says so."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from maestrod.domain.changes import USER, Actor, Change, Command, Commit, Idempotency
from maestrod.domain.model import Noun, Task
from maestrod.domain.projects import CreateProject
from maestrod.domain.state import State
from maestrod.domain.tasks import CreateTask, EditTask
from maestrod.engine.clock import Clock
from maestrod.engine.engine import Ask, Engine, Key
from maestrod.store.files import Files
from maestrod.store.journal import Journal
from maestrod.store.log import Durability

HELD_S = 20


class Disk(Files):
    """Syncs at once, or when ``go`` is set; ``failing`` names the deeds that fail, and their error."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()
        self.go.set()
        self.failing: dict[str, int] = {}
        self.syncs = 0

    def _deed(self, name: str) -> None:
        if name in self.failing:
            raise OSError(self.failing[name], os.strerror(self.failing[name]))

    def open(self, path: Path, flags: int) -> int:
        self._deed("open")
        return super().open(path, flags)

    def write(self, fd: int, data: bytes | memoryview, offset: int) -> int:
        self._deed("write")
        return super().write(fd, data, offset)

    def fdatasync(self, fd: int) -> None:
        self.go.wait(HELD_S)
        self._deed("fdatasync")
        self.syncs += 1

    def fsync(self, fd: int) -> None:
        self._deed("fsync")

    def truncate(self, fd: int, size: int) -> None:
        self._deed("truncate")
        super().truncate(fd, size)


class HandClock(Clock):
    """Time stands still until a test moves it."""

    def __init__(self) -> None:
        super().__init__(seed=1)
        self.at = 1_800_000_000_000

    def now(self) -> int:
        return self.at


class House:
    """The engine, its disk, and what listeners heard."""

    def __init__(self, engine: Engine, journal: Journal, disk: Disk, clock: HandClock) -> None:
        self.engine = engine
        self.journal = journal
        self.disk = disk
        self.clock = clock
        self.heard: list[Commit] = []
        engine.listen(self.heard.append)

    async def do(self, command: Command, *, key: str = "", body: str = "same", actor: Actor = USER) -> list[str]:
        """The ids of what the command changed."""
        idem = Idempotency(key, body) if key else None
        return await self.engine.execute(Ask(command=command, actor=actor, idem=idem), _ids)

    async def project(self) -> str:
        """A project to put tasks into."""
        number = len(self.engine.state.table(Noun.PROJECT))
        return (await self.do(CreateProject(name="p", working_dir=f"/srv/{number}")))[0]

    async def task(self, project_id: str, title: str = "t", *, key: str = "") -> str:
        """A new task."""
        return (await self.do(CreateTask(project_id=project_id, title=title), key=key))[0]

    async def retitle(self, task_id: str, title: str) -> None:
        """Another title."""
        await self.do(EditTask(task_id=task_id, title=title))

    async def titles(self) -> list[str]:
        """The titles of all tasks, as a read shows them."""
        return await self.engine.read(lambda state: titles(state))

    def on_disk(self) -> State:
        """The state as a start would find it."""
        return replayed(self.engine.records(0, 1_000_000))


def titles(state: State) -> list[str]:
    """The titles of all tasks, oldest first."""
    return [task.title for task in state.table(Noun.TASK).values() if isinstance(task, Task)]


def replayed(records: Iterable[object]) -> State:
    """The state that records make."""
    state = State()
    for record in records:
        state.apply_all(record.changes)  # type: ignore[attr-defined]
    return state


def _ids(_state: State, changes: tuple[Change, ...]) -> list[str]:
    return [change.id for change in changes]


@asynccontextmanager
async def house(
    folder: Path,
    *,
    durability: Durability = "always",
    keys: Iterable[Key] = (),
    state: State | None = None,
    stall_s: float = 3600.0,
) -> AsyncIterator[House]:
    """A running engine; its journal is closed at the end, whatever became of it."""
    disk, clock = Disk(), HandClock()
    journal = Journal.open(folder / "journal", files=disk, durability=durability)
    engine = Engine(state or State(), journal, clock, keys=keys, stall_s=stall_s)
    made = House(engine, journal, disk, clock)
    engine.start()
    try:
        async with asyncio.TaskGroup() as group:
            running = group.create_task(engine.run())
            try:
                yield made
            finally:
                running.cancel()
    finally:
        disk.failing.clear()
        disk.go.set()
        await asyncio.to_thread(journal.close)
