"""A real engine over a real journal, alone on its loop, whose power can be cut at any deed to the disk."""

import asyncio
import shutil
import tempfile
from pathlib import Path

from maestrod.domain.changes import Actor, Change, Command
from maestrod.domain.model import Noun
from maestrod.domain.state import State
from maestrod.engine.clock import Clock
from maestrod.engine.engine import Ask, Engine
from maestrod.engine.history import Checkpoints, Loaded, load
from tests.store.doors import ForgetfulFiles

BEGIN = 1_800_000_000_000


class HandClock(Clock):
    """Time stands still until it is moved, forward or back."""

    def __init__(self) -> None:
        super().__init__(seed=1)
        self.at = BEGIN

    def now(self) -> int:
        return self.at


class Photographer(ForgetfulFiles):
    """Builds, ahead of one deed, the folder that a power cut at this very moment would leave."""

    def __init__(self, root: Path) -> None:
        super().__init__()
        self.root = root
        self.image: Path | None = None
        self.ahead = 0
        self.kept = 0.0
        for path in [root, *root.rglob("*")]:
            if path.is_dir():
                self.names[path] = {each.name: each.stat().st_ino for each in path.iterdir() if each.is_file()}
            else:
                self.bytes[path.stat().st_ino] = path.read_bytes()

    def arm(self, image: Path, ahead: int, kept: float) -> None:
        self.ahead, self.kept, self.image = ahead, kept, image

    def before(self, deed: str) -> None:
        super().before(deed)
        if self.image is not None:
            self.ahead -= 1
            if self.ahead == 0:
                self.photograph()

    def photograph(self) -> None:
        if self.image is not None:
            self.image.mkdir()
            self.cut_power(self.root, self.image, kept=self.kept)
            self.image = None


class Rig:
    """Commands go in by ``do``; ``crash`` starts again from what the disk kept."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._top = Path(tempfile.mkdtemp(prefix="model-"))
        self._lives = 0
        self.clock = HandClock()
        self._begin(self._top / "0")

    @property
    def state(self) -> State:
        return self._engine.state

    @property
    def seq(self) -> int:
        return self._engine.seq

    def do(self, command: Command, actor: Actor) -> tuple[Change, ...]:
        """What the command changed, durable.

        Raises:
            Rejected: it was refused.
        """
        return self._loop.run_until_complete(
            self._engine.execute(Ask(command=command, actor=actor), lambda _state, changes: changes)
        )

    def snapshot(self) -> None:
        self._loop.run_until_complete(self._checkpoints.write())

    def arm(self, ahead: int, kept: float) -> None:
        """The power will fail so many deeds ahead; the program will not notice before ``crash``."""
        self._door.arm(self._top / str(self._lives + 1), ahead, kept)

    @property
    def cut(self) -> bool:
        """Whether an armed power cut came."""
        return self._door.image is None

    def crash(self) -> None:
        """Start again from what the armed cut left, at the latest from one after the last deed."""
        self._loaded.journal.close()
        self._door.photograph()
        self._lives += 1
        self._begin(self._top / str(self._lives))

    def close(self) -> None:
        self._loaded.journal.close()
        self._loop.close()
        shutil.rmtree(self._top)

    def _begin(self, data: Path) -> None:
        data.mkdir(exist_ok=True)
        self._door = Photographer(data)
        self._loaded = self._load(data)
        self._engine = Engine(self._loaded.state, self._loaded.journal, self.clock, keys=self._loaded.keys)
        self._checkpoints = Checkpoints(
            self._engine, self._loaded.journal, data / "snapshot", every=1_000_000, files=self._door
        )
        self._loop.run_until_complete(self._started())

    def _load(self, data: Path) -> Loaded:
        return load(data, journal_folder=data / "journal", snapshots=data / "snapshot", files=self._door)

    async def _started(self) -> None:
        self._engine.start()


def made(changes: tuple[Change, ...], before: dict[Noun, set[str]]) -> dict[str, list[str]]:
    """The ids of what is new, by noun."""
    found: dict[str, list[str]] = {noun.value: [] for noun in Noun}
    for change in changes:
        if change.id not in before[change.noun]:
            found[change.noun.value].append(change.id)
    return found
