"""A walk along the table of keys: on every screen every key does what its row says, seen at a real daemon."""

from collections.abc import Iterator

import pytest

from maestro_tui.bindings import KEYS, MODES, Mode
from tests.tui.walking import diff, everywhere, lists, panels, screens
from tests.tui.walking.town import Town, town
from tests.tui.walking.walk import EXPECTED, presses, walking

pytestmark = [pytest.mark.e2e, pytest.mark.tmux]

HALVES = [pytest.param(m, id=m.name, marks=pytest.mark.xdist_group(f"walk-{at % 2}")) for at, m in enumerate(MODES)]
"""Two processes walk, each in a town of its own."""
FILES = (everywhere, lists, panels, screens, diff)
"""They say what keys do."""


@pytest.fixture(scope="module")
def furnished() -> Iterator[Town]:
    """One town for all screens."""
    with town() as made:
        yield made


def test_every_key_of_the_table_is_expected_to_do_something() -> None:
    names = {key.name for key in KEYS}
    places = " or ".join(f"{each.__name__.replace('.', '/')}.py" for each in FILES)
    lacking = sorted(names - EXPECTED.keys())
    assert not lacking, (
        f"nothing proves what these keys do: {lacking}. Write a function in {places} under `@does(name)` that comes "
        "to where the key is heard, calls `walk.press()`, and waits for what the row says; look at its neighbours."
    )
    assert not EXPECTED.keys() - names, "what is expected of keys that are not in the table any more"


@pytest.mark.parametrize("mode", HALVES)
async def test_every_key_does_what_its_row_says(furnished: Town, mode: Mode) -> None:
    walked = []
    async with walking(furnished, mode) as walk:
        for key, name in presses(mode):
            await walk.start(key, name)
            try:
                await EXPECTED[key.name](walk)
            except AssertionError as error:
                row = f"`{name}` on {mode.title} ({key.name}: {key.help})"
                raise AssertionError(f"{row}\n{error}\nThe screen:\n{walk.text}") from error
            walked.append(name)
    assert len(walked) > 20
