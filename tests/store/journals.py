"""Journals for tests: how they are written, and where their records lie."""

import threading
from pathlib import Path

from maestrod.store.files import Files
from maestrod.store.journal import Journal
from maestrod.store.log import NotApplied, StoreError, Unknown
from maestrod.store.mark import Mark, read_mark
from maestrod.store.segments import list_segments
from tests.store.doors import QuickFiles
from tests.support.eventually import eventually


def body(seq: int, text: str = "a") -> bytes:
    """A commit as the engine hands it over."""
    return b'{"seq":%d,"text":"%b"}' % (seq, text.encode())


class Listener:
    """What a journal has told."""

    def __init__(self) -> None:
        self.durable: list[int] = []
        self.failures: list[NotApplied | Unknown] = []
        self.threads: set[str] = set()

    def on_durable(self, seq: int) -> None:
        self.threads.add(threading.current_thread().name)
        self.durable.append(seq)

    def on_failure(self, failure: StoreError) -> None:
        assert isinstance(failure, NotApplied | Unknown)
        self.threads.add(threading.current_thread().name)
        self.failures.append(failure)

    @property
    def told(self) -> int:
        return len(self.durable) + len(self.failures)

    def start(self, journal: Journal) -> "Listener":
        journal.start(on_durable=self.on_durable, on_failure=self.on_failure)
        return self


def put(journal: Journal, listener: Listener, *, text: str = "a") -> int:
    """Append one commit and wait until the journal has told what became of it."""
    told = listener.told
    seq = journal.last_seq + 1
    journal.append(seq, body(seq, text))
    eventually(lambda: listener.told > told, every=0.0005)
    return seq


def write_batches(folder: Path, sizes: list[int], *, files: Files | None = None, segment_bytes: int = 1 << 20) -> None:
    """Write commits in batches of just these sizes; the mark is at the end of the last."""
    for size in sizes:
        journal = Journal.open(folder, files=files or QuickFiles(), segment_bytes=segment_bytes)
        for seq in range(journal.last_seq + 1, journal.last_seq + 1 + size):
            journal.append(seq, body(seq))
        Listener().start(journal)
        journal.close()


def mark_of(folder: Path) -> Mark:
    """The durable mark as a start would find it."""
    return read_mark(Files(), folder / "durable")


def lines(folder: Path) -> list[bytes]:
    """Every line of every segment, in order."""
    return [line for segment in list_segments(folder) for line in segment.path.read_bytes().splitlines(keepends=True)]


def bodies_of(folder: Path) -> list[bytes]:
    """Every record as it was written."""
    return [line[20:-2] for line in lines(folder)]
