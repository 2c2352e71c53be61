"""What the tests of this folder share."""

from collections.abc import Iterator

import pytest

from tests.e2e.workshop import Workshop, workshop


@pytest.fixture
def shop() -> Iterator[Workshop]:
    """A whole Maestro of the test's own, with a project; nothing of it is left afterwards."""
    with workshop() as made:
        made.begin()
        yield made


@pytest.fixture
def bare() -> Iterator[Workshop]:
    """The same without a project, and without a daemon."""
    with workshop() as made:
        yield made
