"""A folder in memory: for tests that write thousands of small files and in which no power fails."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

SHARED = Path("/dev/shm")


@contextmanager
def memory_folder() -> Iterator[Path]:
    """A short-lived folder, on a disk where there is no such memory."""
    there = SHARED.is_dir() and os.access(SHARED, os.W_OK | os.X_OK)
    with TemporaryDirectory(prefix="mae-", dir=SHARED if there else None) as name:
        yield Path(name)
