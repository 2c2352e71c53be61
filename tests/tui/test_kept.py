"""What was painted is kept as long as it is true, and not a moment longer."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from textual.scrollbar import ScrollBarRender
from textual.strip import Strip
from textual.widget import Widget

from maestro_tui.bindings import Panel
from maestro_tui.lines import FixedRows, Span
from maestro_tui.widgets.kept import Kept
from maestro_tui.widgets.line_list import LineList
from maestrod.domain.tasks import EditTask
from tests.support.world import World
from tests.tui.conftest import Seen, looking
from tests.tui.sample import fill

STEPS = (
    *("j", "j", "k", "G", "g", "tab", "j", "shift+tab", "2", "right", "j", "3", "j", "j", "k", "o", "1", "z", "escape"),
    *("slash", "l", "o", "g", "enter", "escape", "question_mark", "escape", "5", "6", "7", "8"),
)
"""Keys that move cursors and the focus, scroll, change screens, and open and close what lies over them."""


def kept(seen: Seen) -> Iterator[Widget]:
    screen = seen.app.screen
    yield from (w for w in (screen, *screen.walk_children(Widget)) if isinstance(w, Kept) and w.size)


def painted(widget: Widget) -> list[Strip]:
    return widget.render_lines(widget.region.size.region)


def painted_anew(widget: Widget) -> list[Strip]:
    widget._styles_cache.clear()
    assert isinstance(widget, Kept)
    widget._kept = None
    return painted(widget)


def is_true(seen: Seen, when: str) -> None:
    for widget in kept(seen):
        assert painted(widget) == painted_anew(widget), f"{widget} {when}"


async def ready(seen: Seen) -> None:
    await seen.until(lambda: seen.app.desk.mirror.whole, "everything is read")
    await seen.until(lambda: seen.app.mission.spot.session is not None, "a session is looked at")


@pytest.mark.parametrize("size", [(160, 48), (70, 24)])
async def test_what_is_kept_is_what_would_be_painted(world: World, size: tuple[int, int]) -> None:
    sample = await fill(world)
    async with looking(world, size) as seen:
        await ready(seen)
        for key in STEPS:
            await seen.press(key)
            is_true(seen, f"after {key}")
        await seen.press("1")
        for theme in ("maestro-light", "maestro-dark"):
            seen.app.theme = theme
            await seen.pilot.pause()
            is_true(seen, f"in {theme}")
        await seen.pilot.resize_terminal(size[0] - 7, size[1] - 3)
        await seen.pilot.pause()
        is_true(seen, "in a smaller terminal")
        await world.do(EditTask(task_id=sample.login, title="Called otherwise"))
        await seen.shows("Called otherwise")
        is_true(seen, "after a change")


async def test_what_has_not_changed_is_not_painted_again(world: World) -> None:
    await fill(world)
    async with looking(world) as seen:
        await ready(seen)
        await seen.until(lambda: not seen.app.screen._dirty_widgets, "all is painted")
        before = {widget: painted(widget) for widget in kept(seen)}
        tasks = seen.app.mission.lines(Panel.TASKS)
        tasks.action_move(1 if tasks._at == 0 else -1)
        after = {widget: painted(widget) for widget in kept(seen)}
        again = {str(widget.id) for widget, strips in after.items() if strips is not before.get(widget)}
        assert "tasks" in again
        assert not {"header", "left", "body", "inbox"} & again


async def test_lines_that_are_gone_are_freed_without_the_garbage_collector(world: World) -> None:
    await fill(world)
    async with looking(world) as seen:
        await ready(seen)
        told = await listing(seen, 20)
        with uncollected() as garbage:
            for step in (*(1,) * 15, *(-1,) * 15):
                told.action_move(step)
                await seen.pilot.pause()
                assert f"row {told.key}" in seen.text
        assert not [strip.text for strip in garbage if isinstance(strip, Strip)]


@contextmanager
def uncollected() -> Iterator[list[object]]:
    """What the garbage collector finds when the block is left; nothing was collected in it."""
    found: list[object] = []
    gc.collect()
    gc.disable()
    try:
        yield found
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        found += gc.garbage
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


async def test_a_cursor_that_moves_asks_for_its_two_rows_alone(world: World) -> None:
    await fill(world)
    async with looking(world) as seen:
        await ready(seen)
        told = await listing(seen, 20)
        before = told.built
        told.action_move(1)
        assert told.built == before + 2


@pytest.mark.parametrize("number", [60, 700, 100_000])
async def test_a_thumb_stands_where_textual_would_draw_it_and_moves_only_when_that_is_seen(
    world: World, number: int
) -> None:
    await fill(world)
    async with looking(world) as seen:
        await ready(seen)
        told = await listing(seen, number)
        bar, longest = told.vertical_scrollbar, int(told.max_scroll_y)
        places = [
            *range(0, longest, max(1, longest // 500)),
            *range(longest // 3, min(longest, longest // 3 + 50)),
            longest,
        ]
        for y in places:
            told.scroll_to(y=y, animate=False)
            exact = bar.validate_position(y)
            assert drawn(bar.size.height, number, bar.window_size, bar.position) == drawn(
                bar.size.height, number, bar.window_size, exact
            ), y
        seen_at = {bar.validate_position(told._thumb(y)) for y in range(longest + 1)}
        assert len(seen_at) <= 8 * bar.size.height + 1


async def listing(seen: Seen, number: int) -> LineList:
    """A list of so many rows, painted; the screen's own are there until then."""
    told, made = seen.app.mission.lines(Panel.TIMELINE), rows(number)

    def painted_whole() -> bool:
        if told._rows is not made:
            told.show(made)
        bar = told.show_vertical_scrollbar and told.vertical_scrollbar.size.height > 0
        return not seen.app.screen._dirty_widgets and bar == (number > told.size.height)

    await seen.until(painted_whole, "all is painted")
    return told


def drawn(size: int, lines: int, window: int, position: float) -> list[object]:
    return list(
        ScrollBarRender.render_bar(size=size, virtual_size=lines, window_size=window, position=position).segments
    )


def rows(number: int) -> FixedRows:
    return FixedRows([(str(at), (Span(f"row {at}"),)) for at in range(number)])
