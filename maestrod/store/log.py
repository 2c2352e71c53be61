"""The seam between the engine and the disk: a log of commits, and the errors of the store.

::

    StoreError
    ├── Damaged         what is on disk cannot be believed; nothing was changed
    ├── TooOld          the records asked for are no longer kept
    ├── NotApplied      these commits are certainly not on disk
    ├── Unknown         these commits may or may not be on disk
    ├── DiskError       the system refused a deed outside the path of appending
    ├── SchemaTooNew    written by a newer version; nothing was touched
    ├── BadBackup       (in ``backup``) a file is no sound backup; nothing was changed
    └── HomeLocked      another daemon has this home
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

Durability = Literal["always", "batch", "os"]
"""When a commit counts as durable: ``always`` after its sync; ``batch`` once written, synced within a
second; ``os`` once written, synced when a segment ends. The last two can lose what was answered."""


class Anchor(NamedTuple):
    """A place in the history: a sequence number and the chained hash of its record."""

    seq: int
    hash: str


class StoreError(Exception):
    """The disk could not do what was asked, or holds what cannot be believed."""


class Damaged(StoreError):
    """A record that should be there is missing, altered or unreadable."""

    def __init__(self, *, seq: int, file: Path, offset: int, reason: str) -> None:
        super().__init__(f"{file}: record {seq} at byte {offset}: {reason}")
        self.seq = seq
        self.file = file
        self.offset = offset
        self.reason = reason


class TooOld(StoreError):
    """Records were asked for that have been dropped; read a snapshot first."""

    def __init__(self, *, after: int, oldest_seq: int) -> None:
        super().__init__(f"records after {after} were asked for; the oldest kept is {oldest_seq}")
        self.after = after
        self.oldest_seq = oldest_seq


class NotApplied(StoreError):
    """None of these commits is on disk, nor will be; they may be sent again."""

    def __init__(self, first_seq: int, last_seq: int, reason: str) -> None:
        super().__init__(f"commits {first_seq} to {last_seq} were not applied: {reason}")
        self.first_seq = first_seq
        self.last_seq = last_seq
        self.reason = reason


class Unknown(StoreError):
    """These commits could be neither secured nor taken back; anything later was not applied."""

    def __init__(self, first_seq: int, last_seq: int, reason: str) -> None:
        super().__init__(f"commits {first_seq} to {last_seq} may or may not be on disk: {reason}")
        self.first_seq = first_seq
        self.last_seq = last_seq
        self.reason = reason


class DiskError(StoreError):
    """The system refused a deed; what was durable before still is."""

    def __init__(self, *, deed: str, file: Path, reason: str) -> None:
        super().__init__(f"could not {deed} {file}: {reason}")
        self.deed = deed
        self.file = file
        self.reason = reason


class SchemaTooNew(StoreError):
    """The data was written by a newer version of the program."""

    def __init__(self, *, file: Path, found: int, known: int) -> None:
        super().__init__(
            f"{file}: schema {found} is newer than {known}, the newest known here; install the newer version"
        )
        self.file = file
        self.found = found
        self.known = known


class HomeLocked(StoreError):
    """Another process holds the lock; ``pid`` is None when it has not written its own yet."""

    def __init__(self, *, file: Path, pid: int | None, hint: str = "") -> None:
        holder = "another process" if pid is None else f"process {pid}"
        super().__init__(f"{file} is held by {holder}{f'; {hint}' if hint else ''}")
        self.file = file
        self.pid = pid


class Log(Protocol):
    """An ordered, durable history of commits, numbered from 1 without gaps."""

    @property
    def last_seq(self) -> int:
        """The last commit taken by ``append``, durable or not."""

    @property
    def durable_seq(self) -> int:
        """The last commit that is durable, readable and reported."""

    @property
    def last_hash(self) -> str:
        """The chained hash of the commit ``durable_seq``."""

    @property
    def head(self) -> Anchor:
        """``durable_seq`` and ``last_hash``, taken together."""

    @property
    def oldest_seq(self) -> int:
        """The first commit still kept; one more than ``last_seq`` when none is."""

    def start(self, *, on_durable: Callable[[int], None], on_failure: Callable[[StoreError], None]) -> None:
        """Begin to write what is appended; both callbacks come from another thread."""

    def append(self, seq: int, body: bytes) -> None:
        """Queue one commit; never waits for the disk.

        Raises:
            NotApplied: the log takes nothing until ``resume``.
        """

    def resume(self, last_seq: int) -> None:
        """Take commits again after a failure, the next being ``last_seq + 1``; waits for the disk.

        Raises:
            DiskError: the disk still fails; call again later.
        """

    def read(self, after: int, *, limit: int | None = None) -> Iterator[bytes]:
        """The durable commits after a sequence number, in order, as they were when this was called.

        Raises:
            TooOld: some of them are no longer kept.
            Damaged: a record is not what was written.
        """

    def record(self, seq: int) -> bytes | None:
        """One durable commit, or None when it is not kept or not there yet."""

    def hash_at(self, seq: int) -> str | None:
        """The chained hash of one durable commit, or None as ``record``."""

    def drop_before(self, seq: int, *, modified_before: float = ...) -> tuple[Path, ...]:
        """Forget history that nobody needs any more; says what was removed."""

    def close(self) -> None:
        """Make durable what was appended, then take nothing more; may be called twice."""
