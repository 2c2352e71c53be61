"""Every screen at every size, empty, small and large: labels are whole, and nothing is shifted."""

from collections.abc import Iterable
from itertools import cycle

import pytest

from tests.support.world import World
from tests.tui.contact_sheet import SHEETS
from tests.tui.gallery import FILLS, SIZES, STANDS, THEMES, at_size, columns, fill_small, filled, standing, stands
from tests.tui.tmux_screen import tmux_screen


async def walked(fill: str, names: Iterable[str], themes: tuple[tuple[str, ...], ...]) -> dict[str, list[str]]:
    """What is wrong, by screen, size and theme; screen by screen in the next of the themes."""
    wrong: dict[str, list[str]] = {}
    async with filled(fill) as seen:
        for name, worn in zip(names, cycle(themes), strict=False):
            async with standing(seen, name):
                for theme in worn:
                    seen.app.use_theme(theme)
                    for size in SIZES:
                        if found := await at_size(seen, size):
                            wrong[f"{name} {size[0]}x{size[1]} {theme}"] = found
        assert seen.app.failures == []
    return wrong


@pytest.mark.parametrize("fill", FILLS)
async def test_every_screen_is_whole_at_every_size(fill: str) -> None:
    one_each = tuple((theme,) for theme in THEMES)
    assert await walked(fill, stands(fill), one_each if fill == "small" else one_each[::-1]) == {}


@pytest.mark.slow
@pytest.mark.parametrize("fill", FILLS)
async def test_every_screen_is_whole_at_every_size_in_both_themes(fill: str) -> None:
    assert await walked(fill, stands(fill), (THEMES,)) == {}


@pytest.mark.tmux
@pytest.mark.xdist_group("tmux-screens")
@pytest.mark.parametrize("size", SIZES[1:3])
async def test_wide_words_shift_nothing_in_a_real_terminal(world: World, size: tuple[int, int]) -> None:
    await fill_small(world)
    with tmux_screen(["--server", world.server], size, {"MAESTRO_HOME": str(world.folder)}) as screen:
        lines = (await screen.shows("レ", "בודק", "guide", "needs you", "? help", "Timeline")).splitlines()
    for line in lines[1:-1]:
        row = columns(line)
        assert len(row) == size[0], line
        assert row[0] in "│╭╰", line
        assert row[-1] in "│╮╯", line


def test_a_contact_sheet_of_every_screen_is_in_the_docs() -> None:
    sheets = {path.stem: path.read_text(encoding="utf-8") for path in SHEETS.glob("*.svg")}
    assert set(sheets) == set(STANDS), "run `python -m tests.tui.contact_sheet`"
    assert sum(len(sheet.encode()) for sheet in sheets.values()) < 2_000_000
    assert all(f"{name} · {fill}" in sheets[name] for fill in FILLS for name in stands(fill))
