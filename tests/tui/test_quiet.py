"""What has not moved is not drawn, what nobody sees moves nothing, and what was read holds no key up."""

import gc
import re

import pytest
from rich.cells import cached_cell_len, cell_len
from textual import events
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from maestro_tui import app
from maestro_tui.bindings import Panel
from maestro_tui.lines import FixedRows, NewestRows, Span
from maestro_tui.mirror import Mirror
from maestro_tui.widgets.guarded import Guarded
from maestro_tui.widgets.line_list import LineList
from maestro_tui.widgets.live_pane import LivePane
from maestro_tui.widgets.tile import Tile
from maestrod.domain.model import Noun
from maestrod.domain.tasks import CreateTask, EditTask
from maestrod.domain.timeline import Report
from tests.support.eventually import aeventually
from tests.support.world import World
from tests.tui.conftest import Seen, looking
from tests.tui.sample import fill
from tests.tui.test_kept import listing


class Boxed(Guarded, Static):
    """A widget with a title, which counts how often it is drawn anew."""

    drawn = 0

    def refresh(self, *regions: object, **how: object) -> "Boxed":
        self.drawn += 1
        return self


async def ready(seen: Seen) -> None:
    await seen.until(lambda: seen.app.desk.mirror.whole, "everything is read")
    await seen.until(lambda: seen.app.mission.spot.session is not None, "a session is looked at")


async def test_a_second_in_which_nothing_moved_paints_nothing(world: World) -> None:
    await fill(world)
    async with looking(world) as seen:
        await ready(seen)
        screen = seen.app.screen
        await seen.until(lambda: not screen._dirty_widgets, "all is painted")
        seen.app.mission.tick()
        assert not screen._dirty_widgets
        assert not any(widget._repaint_required for widget in screen.walk_children(Widget))


def test_a_title_that_says_the_same_draws_nothing() -> None:
    box = Boxed()
    box.border_title = Content("one [b]")
    once = box.drawn
    box.border_title = Content("one [b]")
    assert box.drawn == once
    box.border_title = "two"
    assert (box.drawn, box.border_title) == (once + 1, "two")
    box.border_title = None
    assert (box.drawn, box.border_title) == (once + 2, None)


async def test_how_wide_texts_are_is_not_known_for_ever(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "FORGET_S", 0.01)
    async with looking(world) as seen:
        for number in range(1_000):
            cell_len(f"text {number}")
        await seen.until(lambda: cached_cell_len.cache_info().currsize < 100)


async def test_a_timeline_stands_while_something_else_moves(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await ready(seen)
        session = seen.app.mission.spot.session
        assert session is not None
        await world.do(Report(session_id=session.id, message="Told before"))
        await seen.shows("Told before")
        told = seen.app.mission.lines(Panel.TIMELINE)
        before = told.built
        await world.do(EditTask(task_id=sample.login, title="Called otherwise"))
        await seen.shows("Called otherwise")
        assert told.built == before


async def test_who_looks_at_the_newest_of_a_timeline_sees_what_comes(world: World) -> None:
    await fill(world)
    async with looking(world) as seen:
        await ready(seen)
        told = seen.app.mission.lines(Panel.TIMELINE)
        for number in range(2 * told.size.height):
            await report(world, seen, f"Step {number}")
        await seen.shows(f"Step {number}")
        assert (told._at, told.scroll_offset.y) == (0, 0)
        told.action_move(2)
        read = told.key
        await report(world, seen, "Told later")
        await seen.until(lambda: "Told later" in seen.text)
        assert told.key == read


async def report(world: World, seen: Seen, message: str) -> None:
    session = seen.app.mission.spot.session
    assert session is not None
    await world.do(Report(session_id=session.id, message=message))


async def test_a_cursor_stays_in_sight_when_a_list_outgrows_its_panel(world: World) -> None:
    await fill(world)
    async with looking(world) as seen:
        await ready(seen)
        for number in (70, 200):
            told = await listing(seen, 3)
            told.action_last()
            more = [(f"more {at}", (Span(f"more {at}"),)) for at in range(number)]
            told.show(FixedRows([*more, ("2", (Span("row 2"),))]))
            await seen.shows("row 2")


async def test_a_search_that_ends_leaves_what_was_found_in_sight(world: World) -> None:
    sample = await fill(world)
    for number in range(100):
        title = "Feed the zebra" if number == 70 else f"Task number {number}"
        await world.do(CreateTask(project_id=sample.shop, title=title))
    async with looking(world) as seen:
        await ready(seen)
        seen.app.mission.action_panel("TASKS")
        await seen.press("slash", *"zebra")
        await seen.until(lambda: "Task number" not in seen.text)
        await seen.press("escape")
        await seen.until(lambda: seen.text.count("Feed the zebra") == 2, "in the list, and looked at")


async def test_a_window_that_was_scrolled_away_from_the_cursor_stays_until_the_cursor_moves(world: World) -> None:
    await fill(world)
    async with looking(world) as seen:
        await ready(seen)
        told = seen.app.mission.lines(Panel.TIMELINE)
        room = told.size.height
        told.show(rows(3 * room))
        await seen.until(lambda: told.show_vertical_scrollbar)
        for _ in range(3):
            await seen.pilot._post_mouse_events([events.MouseScrollDown], told, button=0)
        away = told.scroll_offset.y
        assert away > 0
        told.show(rows(4 * room))
        assert (told.scroll_offset.y, told.key) == (away, "0")
        told.action_first()
        assert told.scroll_offset.y == 0
        await seen.pilot._post_mouse_events([events.MouseScrollDown], told, button=0)
        told.action_move(1)
        assert told.scroll_offset.y == 1
        told.show(FixedRows([(f"other {at}", ()) for at in range(3 * room)]))
        assert (told.scroll_offset.y, told.key) == (1, "other 1")


async def test_a_timeline_that_was_scrolled_stays_when_more_comes(world: World) -> None:
    await fill(world)
    async with looking(world) as seen:
        await ready(seen)
        told = await listing(seen, 60)
        newest = [(str(at), (Span(f"row {at}"),)) for at in range(60)]
        told.show(NewestRows(newest))
        for _ in range(3):
            await seen.pilot._post_mouse_events([events.MouseScrollDown], told, button=0)
        away = told.scroll_offset.y
        assert away > 0
        told.show(NewestRows([("60", (Span("row 60"),)), *newest]))
        assert told.scroll_offset.y == away
        for _ in range(9):
            await seen.pilot._post_mouse_events([events.MouseScrollUp], told, button=0)
        told.action_first()
        told.show(NewestRows([("61", (Span("row 61"),)), ("60", (Span("row 60"),)), *newest]))
        assert (told.scroll_offset.y, told.key) == (0, "61")


async def test_a_wheel_that_moved_nothing_takes_no_cursor_out_of_sight(world: World) -> None:
    await fill(world)
    async with looking(world) as seen:
        await ready(seen)
        told = await listing(seen, 3)
        told.action_last()
        await seen.pilot._post_mouse_events([events.MouseScrollDown], told, button=0)
        more = [(f"more {at}", (Span(f"more {at}"),)) for at in range(70)]
        told.show(FixedRows([*more, ("2", (Span("row 2"),))]))
        await seen.shows("row 2")


async def test_a_cursor_stays_on_its_line_of_a_thing_with_many(world: World) -> None:
    await fill(world)
    async with looking(world) as seen:
        await ready(seen)
        told = await listing(seen, 3)
        words = [("one", (Span(f"line {at}"),)) for at in range(9)]
        told.show(FixedRows([("zero", ()), *words]))
        told.action_first()
        told.action_move(5)
        told.show(FixedRows([("new", ()), ("zero", ()), *words]))
        assert (told.key, told._at) == ("one", 6)
        told.show(FixedRows([("zero", ()), *words[:2], ("two", ())]))
        assert (told.key, told._at) == ("one", 1)


async def test_a_longer_list_lays_the_screen_out_only_for_its_scrollbar(world: World) -> None:
    await fill(world)
    async with looking(world) as seen:
        await ready(seen)
        told = seen.app.mission.lines(Panel.TIMELINE)
        room = told.container_size.height
        told.show(rows(2))
        await seen.until(lambda: not told._layout_required)
        told.show(rows(3))
        assert not told._layout_required
        told.show(rows(room + 1))
        assert told._layout_required
        await seen.until(lambda: told.show_vertical_scrollbar)
        told.action_last()
        told.show(rows(room + 9))
        assert not told._layout_required
        assert told.vertical_scrollbar.window_virtual_size == room + 9
        told.action_last()
        assert told.scroll_offset.y == 9
        told.show(rows(room + 2))
        assert (told.scroll_offset.y, told._layout_required) == (2, False)


def rows(number: int) -> FixedRows:
    return FixedRows([(str(at), (Span(f"row {at}"),)) for at in range(number)])


async def test_the_number_of_the_last_commit_moves_once_a_second(world: World) -> None:
    sample = await fill(world)
    async with looking(world, (200, 60)) as seen:
        await ready(seen)
        seen.app.mission.tick()
        await seen.until(lambda: "seq " in seen.text)
        before = number_in(seen.text)
        for title in ("Called so", "Called otherwise"):
            await world.do(EditTask(task_id=sample.login, title=title))
        await seen.shows("Called otherwise")
        assert number_in(seen.text) == before
        seen.app.mission.tick()
        await seen.until(lambda: number_in(seen.text) >= before + 2, "a second later it is another")


def number_in(text: str) -> int:
    found = re.search(r"seq (\d+)", text)
    assert found is not None, text
    return int(found[1])


async def test_the_frame_of_the_chosen_preview_alone_is_drawn_anew(world: World) -> None:
    await fill(world)
    async with looking(world, (160, 48)) as seen:
        await ready(seen)
        await seen.press("3", "g")
        tiles = list(seen.app.screen.query(Tile))
        await seen.until(lambda: tiles[0].has_class("-chosen") and not seen.app.screen._dirty_widgets)
        panes = [tile.query_one(LivePane) for tile in tiles]
        fresh = [pane.render_lines(pane.region.size.region) for pane in panes]
        crew = seen.app.screen.query_one(LineList)
        crew.action_move(1)
        assert [tile.has_class("-chosen") for tile in tiles[:2]] == [False, True]
        assert [pane.render_lines(pane.region.size.region) for pane in panes] == fresh
        assert [(p.id, p._repaint_regions) for p in panes if p._repaint_required] == []
        first, second = (tile.styles.border_top[1] for tile in tiles[:2])
        assert first != second
        crew.action_move(-1)
        assert [tile.styles.border_top[1] for tile in tiles[:2]] == [second, first]


def test_titles_and_signs_of_life_of_an_agent_move_nothing() -> None:
    mirror = Mirror()
    mirror.know({"sess_1": {"process": "alive", "title": "⠋ Working", "activity": 1}})
    assert not mirror.know({"sess_1": {"process": "alive", "title": "⠙ Working", "activity": 2}}).anything
    assert mirror.know({"sess_1": {"process": "alive", "tool": "Bash"}}).nouns == {Noun.SESSION}


async def test_the_collector_passes_over_what_was_read_until_the_screen_is_left(world: World) -> None:
    await fill(world)
    gc.unfreeze()
    async with looking(world) as seen:
        await ready(seen)
        assert gc.get_freeze_count() > 1_000

    async def thawed() -> bool:
        return gc.get_freeze_count() == 0

    await aeventually(thawed, what="the conversation has ended")
