"""The whole daemon, wired as ever, with the world outside replaced at its doors: clock, disk, tmux, sockets."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from random import Random

from maestrod import app
from maestrod.api.connections import Server
from maestrod.engine.clock import Clock
from maestrod.engine.history import load
from maestrod.locations import Locations
from maestrod.settings import Settings
from maestrod.tmux.control import ControlClient
from maestrod.tmux.errors import TmuxFailed
from maestrod.tmux.facts import Capture, PaneFacts, PaneRef, Viewer
from maestrod.tmux.oneshot import Tmux
from maestrod.watch.folders import Changes
from tests.simulation.disk import SimDisk, SimJournal
from tests.simulation.loop import SimLoop
from tests.simulation.wire import Pipe

BEGIN = 1_800_000_000_000


class SimClock(Clock):
    """The loop's own time."""

    def __init__(self, loop: SimLoop, seed: int) -> None:
        super().__init__(seed=seed)
        self._sim = loop

    def now(self) -> int:
        return BEGIN + int(self._sim.time() * 1000)


class NoTmux(ControlClient):
    """A machine on which no tmux server runs."""

    def __init__(self, folder: Path) -> None:
        super().__init__(Tmux("none", folder / "tmux.conf", os.environ))

    async def serve(self) -> None:
        await asyncio.Event().wait()

    def notify_server(self) -> None:
        """There is none."""

    async def panes(self) -> list[PaneFacts]:
        return []

    async def viewers(self) -> list[Viewer]:
        return []

    async def capture(self, pane: PaneRef, *, colours: bool = True, history_lines: int = 0) -> Capture:
        raise TmuxFailed("capture-pane", "no server")

    async def kill_window(self, pane: PaneRef) -> None:
        raise TmuxFailed("capture-pane", "no server")


class SimHouse(app.House):
    """Serves connections that are made in memory."""

    server: Server | None = None

    def _control(self) -> ControlClient:
        return NoTmux(self._places.run)

    async def _changes(self, *places: Path, stop: asyncio.Event | None = None) -> Changes:
        """No folder ever changes."""
        await asyncio.Event().wait()
        yield set()

    async def _put_out_lights(self) -> None:
        """There is no tmux server."""

    def _open(self) -> AbstractAsyncContextManager[None]:
        return self._serving()

    @asynccontextmanager
    async def _serving(self) -> AsyncIterator[None]:
        server = self.server = self._api.server()
        try:
            yield
        finally:
            self.server = None
            await server.shutdown(1.0)

    def stop(self) -> None:
        self._stop.set()


class Life:
    """One daemon from its start to its end, or to the power cut that ends it."""

    def __init__(self, loop: SimLoop, top: Path, number: int, seed: int) -> None:
        self._loop = loop
        root = top / str(number)
        root.mkdir(exist_ok=True)
        (top / "run").mkdir(exist_ok=True)
        self.places = Locations(home=top, config=top, data=root, run=top / "run", logs=top)
        self.disk = SimDisk(root, top / str(number + 1), Random(f"disk {seed} {number}"))
        self.disk.on_cut = self._cut
        self.cut = asyncio.Event()
        self.dead = False
        self.pipes: list[Pipe] = []
        self.loaded = load(
            root,
            journal_folder=self.places.journal,
            snapshots=self.places.snapshots,
            files=self.disk,
            journal_type=SimJournal,
        )
        settings = Settings(snapshot_every=40)
        clock = SimClock(loop, seed + number)
        self.house = SimHouse(settings, self.places, self.loaded, clock=clock, files=self.disk)

    @property
    def recovered(self) -> int:
        return self.loaded.journal.last_seq

    def connect(self) -> Pipe | None:
        """A connection; None while nobody listens."""
        if self.dead or self.house.server is None:
            return None
        self.pipes = [pipe for pipe in self.pipes if not pipe.is_closing()]
        self.pipes.append(Pipe(self._loop, self.house.server()))
        return self.pipes[-1]

    def _cut(self) -> None:
        """From this very moment nothing reaches anybody."""
        self.dead = True
        for pipe in self.pipes:
            if not pipe.reader.at_eof():
                pipe.reader.feed_eof()
        self.cut.set()

    async def run(self) -> bool:
        """Serve until stopped (true) or cut off (false)."""
        async with asyncio.TaskGroup() as group:
            serving = group.create_task(self.house.run())
            cutting = group.create_task(self.cut.wait())
            await asyncio.wait([serving, cutting], return_when=asyncio.FIRST_COMPLETED)
            if self.dead:
                self.disk.failing = {}
                self.disk.cut_at = 1 << 30
                serving.cancel()
            cutting.cancel()
        self.loaded.journal.close()
        return not self.dead
