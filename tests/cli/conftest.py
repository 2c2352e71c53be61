"""A home, a daemon in it, and the command that talks to it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.program import Maestro
from tests.support.daemon import Daemon, daemon, home


@pytest.fixture
def alone() -> Iterator[Maestro]:
    """The command in a fresh home, where nothing runs and nothing is started."""
    with home() as path:
        yield Maestro(path, env={"MAESTRO_NO_AUTOSTART": "1", "MAESTRO_TIMEOUT": "0.2"})


@pytest.fixture(scope="module")
def served() -> Iterator[Daemon]:
    """A daemon that the tests of a module share: each makes its own project."""
    with daemon() as running:
        yield running


@pytest.fixture
def maestro(served: Daemon, tmp_path: Path) -> Maestro:
    """The command in the directory of a fresh project."""
    served.ok("POST", "/projects", {"name": tmp_path.name, "workingDir": str(tmp_path)})
    return Maestro(served.home, cwd=tmp_path, env={"MAESTRO_NO_AUTOSTART": "1"})
