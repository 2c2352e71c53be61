"""The disk of a simulation: real files, failures and power cuts at seeded deeds; the journal writes on the loop."""

import asyncio
import errno
import os
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import cast

from maestrod.store.files import Files
from maestrod.store.journal import REST_S, Journal
from maestrod.store.log import StoreError
from tests.simulation.loop import SimLoop
from tests.store.doors import ForgetfulFiles

SLOWEST_SYNC_S = 0.01
FAILING = ("write", "fdatasync", "truncate", "fsync", "open", "rename", "fsync_folder")


class SimDisk(ForgetfulFiles):
    """Fails while ``failing`` names deeds; builds the image that a power cut leaves when ``cut_at`` deeds are done."""

    def __init__(self, root: Path, image: Path, random: Random) -> None:
        super().__init__()
        self.root = root
        self.image = image
        self.random = random
        self.failing: dict[str, int] = {}
        self.cut_at = 1 << 30
        self.on_cut: Callable[[], None] = lambda: None
        self.failed = 0
        for path in [root, *root.rglob("*")]:
            if path.is_dir():
                self.names[path] = {each.name: each.stat().st_ino for each in path.iterdir() if each.is_file()}
            else:
                self.bytes[path.stat().st_ino] = path.read_bytes()

    def before(self, deed: str) -> None:
        super().before(deed)
        if len(self.order) == self.cut_at:
            self.cut()
        if deed in self.failing and self.random.random() < 0.8:
            self.failed += 1
            raise OSError(self.failing[deed], os.strerror(self.failing[deed]))

    def cut(self) -> None:
        """The power goes; what the process does from here on nobody will ever know."""
        if not self.image.exists():
            self.image.mkdir()
            self.cut_power(self.root, self.image, kept=self.random.choice([0, 0.2, 0.7, 1, -0.5]))
            self.on_cut()

    def trouble(self) -> None:
        """Some deeds fail from now on."""
        deeds = self.random.sample(FAILING, self.random.randint(1, 3))
        self.failing = dict.fromkeys(deeds, self.random.choice([errno.EIO, errno.ENOSPC]))


class SimJournal(Journal):
    """The journal whose thread is a task: it takes what waits, works a while, and reports a while later."""

    def start(self, *, on_durable: Callable[[int], None], on_failure: Callable[[StoreError], None]) -> None:
        self._wake = asyncio.Event()
        self._loop = cast(SimLoop, asyncio.get_running_loop())
        self._writing = self._loop.create_task(self._write_on(on_durable, on_failure))

    def append(self, seq: int, body: bytes) -> None:
        super().append(seq, body)
        self._wake.set()

    def close(self) -> None:
        if hasattr(self, "_writing"):
            self._writing.cancel()
        super().close()

    async def _write_on(self, on_durable: Callable[[int], None], on_failure: Callable[[StoreError], None]) -> None:
        while True:
            try:
                async with asyncio.timeout(REST_S if self._writer.unsettled else None):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()
            await self._pause()
            outcome = self._turn([self._waiting.get_nowait() for _ in range(self._waiting.qsize())], ending=False)
            await self._pause()
            if isinstance(outcome, int):
                on_durable(outcome)
            elif outcome is not None:
                on_failure(outcome)

    async def _pause(self) -> None:
        await asyncio.sleep(self._loop.random.random() * SLOWEST_SYNC_S)


def door(files: Files) -> SimDisk:
    assert isinstance(files, SimDisk)
    return files
