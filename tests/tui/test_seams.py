"""Panels get more room and less, by keys and by mouse, and keep it."""

import json
from pathlib import Path

import pytest
from textual.geometry import Size
from textual.widget import Widget

from maestro_tui.bindings import Panel
from maestro_tui.memory import recall
from maestro_tui.preferences import DEFAULTS
from maestro_tui.screens.seams import LEAST, Seam, Seams, between
from tests.support.world import World
from tests.tui.conftest import SIZE, Seen, looking
from tests.tui.sample import fill


def wide(seen: Seen, name: str) -> int:
    return seen.app.screen.query_one(f"#{name}").region.width


def high(seen: Seen, name: str) -> int:
    return seen.app.screen.query_one(f"#{name}").region.height


async def begun(seen: Seen) -> None:
    await seen.until(lambda: seen.app.mission.spot.subject is not None)


async def test_a_panel_is_widened_and_narrowed_and_that_is_remembered(world: World, tmp_path: Path) -> None:
    await fill(world)
    path = tmp_path / "tui.json"
    async with looking(world, SIZE, DEFAULTS, path) as seen:
        await begun(seen)
        left, side = wide(seen, "left"), wide(seen, "side")
        await seen.press("greater_than_sign", "greater_than_sign")
        await seen.until(lambda: wide(seen, "left") == left + 8)
        assert wide(seen, "side") == side
        await seen.press("less_than_sign")
        await seen.until(lambda: wide(seen, "left") == left + 4)
    assert set(recall(path).panels) == {"mission-left"}
    async with looking(world, SIZE, DEFAULTS, path) as seen:
        await seen.until(lambda: wide(seen, "left") == left + 4)
        await seen.press("equals_sign")
        await seen.until(lambda: wide(seen, "left") == left)
    assert recall(path).panels == {}


async def test_the_pane_takes_its_room_from_both_sides(world: World) -> None:
    await fill(world)
    async with looking(world, (160, 40)) as seen:
        await begun(seen)
        left, centre, side = (wide(seen, name) for name in ("left", "centre", "side"))
        seen.app.mission.action_panel("PANE")
        await seen.press("greater_than_sign")
        await seen.until(lambda: wide(seen, "centre") == centre + 8)
        assert (wide(seen, "left"), wide(seen, "side")) == (left - 4, side - 4)


async def test_lines_go_from_one_panel_to_the_other(world: World) -> None:
    await fill(world)
    async with looking(world, SIZE) as seen:
        await begun(seen)
        seen.app.mission.action_panel("SESSIONS")
        tasks, sessions = high(seen, "tasks"), high(seen, "sessions")
        await seen.press("plus")
        await seen.until(lambda: high(seen, "sessions") == sessions + 2)
        assert high(seen, "tasks") == tasks - 2
        seen.app.mission.action_panel("TASKS")
        await seen.press("plus", "plus")
        await seen.until(lambda: high(seen, "sessions") == sessions - 2)


async def test_no_panel_is_ever_lost(world: World) -> None:
    await fill(world)
    async with looking(world, (100, 30)) as seen:
        await begun(seen)
        for panel in ("TASKS", "INBOX", "SESSIONS"):
            seen.app.mission.action_panel(panel)
            await seen.press(*["greater_than_sign", "plus"] * 12)
        await seen.until(lambda: wide(seen, "centre") >= LEAST[True])
        assert all(high(seen, name) >= LEAST[False] for name in ("tasks", "sessions", "inbox", "timeline"))
        await seen.pilot.resize_terminal(60, 20)
        await seen.until(lambda: seen.app.screen.has_class("-stacked"))
        assert wide(seen, "sessions") == 60


@pytest.mark.parametrize(
    ("key", "name", "size"),
    [("5", "pair-list", SIZE), ("5", "pair-list", (70, 30)), ("3", "crew", SIZE), ("0", "waiting", SIZE)],
)
async def test_lists_are_widened_on_every_screen(world: World, key: str, name: str, size: tuple[int, int]) -> None:
    await fill(world)
    async with looking(world, size) as seen:
        await begun(seen)
        await seen.press(key)
        measure = wide if size[0] >= 80 else high
        await seen.until(lambda: measure(seen, name))
        before = measure(seen, name)
        await seen.press("greater_than_sign")
        await seen.until(lambda: measure(seen, name) > before)


async def test_where_nothing_can_be_moved_that_is_said(world: World) -> None:
    await fill(world)
    async with looking(world, SIZE) as seen:
        await begun(seen)
        await seen.press("2", "greater_than_sign")
        await seen.shows("Nothing can be moved here")


async def test_a_line_is_dragged_with_the_mouse(world: World, tmp_path: Path) -> None:
    await fill(world)
    path = tmp_path / "tui.json"
    async with looking(world, SIZE, DEFAULTS, path) as seen:
        await begun(seen)
        left, side = (seen.app.screen.query_one(f"#{name}").region for name in ("left", "side"))
        await seen.pilot.mouse_down(offset=(left.right - 1, 10))
        await seen.pilot.hover(offset=(left.right + 5, 12))
        await seen.pilot.mouse_up(offset=(left.right + 5, 12))
        await seen.until(lambda: wide(seen, "left") == left.width + 6)
        await seen.pilot.mouse_down(offset=(side.x, 10))
        await seen.pilot.hover(offset=(side.x + 3, 10))
        await seen.pilot.mouse_up(offset=(side.x + 3, 10))
        await seen.until(lambda: wide(seen, "side") == side.width - 3)
        await seen.pilot.hover(offset=(60, 10))
        assert wide(seen, "side") == side.width - 3
    assert set(recall(path).panels) == {"mission-left", "mission-side"}


@pytest.mark.parametrize("share", [-(10**9), 0, 1, 10**15])
async def test_a_memory_of_nonsense_fits_all_the_same(world: World, tmp_path: Path, share: int) -> None:
    await fill(world)
    path = tmp_path / "tui.json"
    names = ("mission-left", "mission-side", "mission-sessions", "mission-timeline", "nothing")
    path.write_text(json.dumps({"panels": dict.fromkeys(names, share)}))
    async with looking(world, SIZE, DEFAULTS, path) as seen:
        await begun(seen)
        assert all(wide(seen, name) >= LEAST[True] for name in ("left", "centre", "side"))
        assert all(high(seen, name) >= LEAST[False] for name in ("tasks", "sessions", "inbox", "timeline"))


@pytest.mark.parametrize("cells", range(60, 220, 7))
def test_a_share_stands_where_it_was_left_at_every_size(cells: int) -> None:
    shares: dict[str, int] = {}
    widget = Widget()
    seams = Seams(shares)
    for wanted in range(20, cells - 20, 5):
        shares["mail-list"] = -(-wanted * 1000 // cells)
        seams.arrange((Seam("mail-list", widget, frozenset({Panel.MAIL})),), Size(cells, 40))
        width = widget.styles.width
        assert width is not None
        assert width.value == wanted


def test_a_list_alone_has_no_line_beside_it() -> None:
    assert between("mail", Widget(), 59, Panel.MAIL) == ()
