"""The store's tests write in memory: real files, and no waiting for a disk that others use as well."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.memory import memory_folder


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    with memory_folder() as path:
        yield path
