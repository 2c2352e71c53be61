"""What the tests of this folder share: they need the real programs, and are skipped where they are not."""

from collections.abc import Iterator

import pytest

from tests.e2e.workshop import PROVIDERS
from tests.real.desk import FOLDER, FOLDER_VARIABLE, Desk, desk, program


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark them, and never run more than one of them at a time: the programs are large."""
    for item in items:
        if "tests/real/" in item.nodeid:
            item.add_marker(pytest.mark.real)
            item.add_marker(pytest.mark.xdist_group("real"))


@pytest.fixture(params=PROVIDERS)
def real(request: pytest.FixtureRequest) -> Iterator[Desk]:
    """A whole Maestro with one real program, and a project."""
    provider = str(request.param)
    if not FOLDER:
        pytest.skip(f"{FOLDER_VARIABLE} names no folder with the real programs")
    if program(provider) is None:
        pytest.skip(f"{provider} is not in {FOLDER}")
    with desk(provider) as made:
        made.begin()
        yield made
