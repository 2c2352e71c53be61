"""Sessions: the orders, the previews and their streams, and what is under the cursor."""

import pytest
from msgspec import structs

from maestro_tui.lines import cells_of, text_of
from maestro_tui.screens.details import Details
from maestro_tui.screens.sessions import Sessions
from maestro_tui.view.grid import MOST, CrewRows, by_attention, by_parents, page, shape
from maestrod.domain.model import Noun, SessionStatus, Turn
from maestrod.domain.sessions import EditSession, StopSession
from tests.support.world import World
from tests.tui.conftest import Seen, looking
from tests.tui.sample import fill
from tests.tui.test_view import HOSTILE, MINUTE, MOMENT, NOW, asking, mirror, session

SIZES = [(60, 20), (80, 24), (120, 40), (200, 60)]
IDLE = Turn(state="idle", since=NOW - MINUTE)


def test_who_needs_attention_comes_first_and_who_has_ended_last() -> None:
    here = mirror(
        session("sess_1", status=SessionStatus.FAILED, completed_at=NOW),
        session("sess_2", status=SessionStatus.IDLE, turn=IDLE),
        session("sess_3"),
        session("sess_4", status=SessionStatus.IDLE, turn=IDLE),
        session("sess_5", needs_input=asking("?")),
        session("sess_6", status=SessionStatus.SPAWNING),
    )
    here.see("sess_2")
    order = ["sess_5", "sess_4", "sess_3", "sess_6", "sess_2", "sess_1"]
    assert by_attention(here) == [(id_, 0) for id_ in order]


def test_in_the_tree_children_stand_below_who_started_them() -> None:
    here = mirror(
        session("sess_1"),
        session("sess_2", parent_session_id="sess_1"),
        session("sess_3", parent_session_id="sess_2", needs_input=asking("?")),
        session("sess_4", parent_session_id="sess_gone"),
        session("sess_5", parent_session_id="sess_1", needs_input=asking("?")),
    )
    assert by_parents(here) == [("sess_1", 0), ("sess_5", 1), ("sess_2", 1), ("sess_3", 2), ("sess_4", 0)]


def test_a_ring_of_parents_loses_nobody() -> None:
    here = mirror(session("sess_1", parent_session_id="sess_2"), session("sess_2", parent_session_id="sess_1"))
    assert sorted(id_ for id_, _ in by_parents(here)) == ["sess_1", "sess_2"]


@pytest.mark.parametrize("cells", [1, 4, 10, 34, 80])
def test_no_row_leaves_its_width_however_deep_it_stands(cells: int) -> None:
    here = mirror(session(name=HOSTILE * 5))
    for depth in (0, 1, 7, 400):
        line = CrewRows(here, [("sess_1", depth)], MOMENT).lines(0, cells)[0]
        assert cells_of(line) <= cells
        assert "\x1b" not in text_of(line)
    assert text_of(CrewRows(here, [("sess_9", 0)], MOMENT).lines(0, 20)[0]) == "deleted"


@pytest.mark.parametrize("cells", [30, 36, 46])
def test_the_columns_of_a_child_stand_under_those_of_its_parent(cells: int) -> None:
    here = mirror(session())
    rows = CrewRows(here, [("sess_1", 0), ("sess_1", 2)], MOMENT)
    first, second = (text_of(rows.lines(at, cells)[0]) for at in (0, 1))
    assert first.index("working") == second.index("working")


async def test_a_name_has_twenty_cells_in_a_list_beside_wide_previews(world: World) -> None:
    sample = await fill(world)
    await world.do(EditSession(session_id=sample.fix, name="twenty cells of name"))
    async with looking(world, (160, 48)) as seen:
        await seen.press("3")
        await seen.shows("twenty cells of name ")


@pytest.mark.parametrize("number", [1, 2, 5, 16, 400])
@pytest.mark.parametrize("size", [(10, 3), (60, 10), (84, 36), (166, 56), (400, 200)])
def test_previews_are_as_many_as_can_be_read(size: tuple[int, int], number: int) -> None:
    columns, rows = shape(*size, number)
    assert 1 <= columns * rows <= max(MOST, 1)
    assert columns == 1 or size[0] // columns >= 36
    assert rows == 1 or size[1] // rows >= 9
    assert (rows - 1) * columns < number


def test_the_page_is_the_one_with_the_cursor() -> None:
    order = [str(n) for n in range(10)]
    assert page(order, "5", 4) == ["4", "5", "6", "7"]
    assert page(order, "9", 4) == ["8", "9"]
    assert page(order, "gone", 4) == ["0", "1", "2", "3"]
    assert page([], "", 4) == []


async def on_sessions(seen: Seen) -> Sessions:
    await seen.until(lambda: seen.app.desk.mirror.whole, "everything is read")
    await seen.press("3")
    await seen.until(lambda: isinstance(seen.app.screen, Sessions), "the sessions are shown")
    found = seen.app.screen
    assert isinstance(found, Sessions)
    return found


@pytest.mark.parametrize("size", SIZES)
async def test_every_label_of_the_sessions_is_whole(world: World, size: tuple[int, int]) -> None:
    await fill(world)
    async with looking(world, size) as seen:
        await on_sessions(seen)
        await seen.shows("maestro", "─ Sessions ─", "by attention", "◐ rate-limits", "? help", "● connected", "o order")
        await seen.shows("◐ rate-limits · needs you 3m", "Run `npm test`?")


async def test_as_many_panes_are_watched_as_are_seen_and_none_when_one_leaves(world: World) -> None:
    sample = await fill(world)
    async with looking(world, (200, 60)) as seen:
        await on_sessions(seen)
        await seen.until(lambda: world.watched == sorted([sample.api, sample.fix]), "both that have a screen")
        await seen.shows("Tidying up", "Bash command")
        await seen.press("2")
        await seen.until(lambda: world.watched == [])
        await seen.press("3")
        await seen.until(lambda: world.watched == sorted([sample.api, sample.fix]))


async def test_previews_are_drawn_as_they_change(world: World) -> None:
    sample = await fill(world)
    async with looking(world, (200, 60)) as seen:
        await on_sessions(seen)
        await seen.shows("Tidying up")
        await world.draw(sample.fix, "something new on the screen")
        await seen.shows("something new on the screen")


async def test_the_cursor_is_followed_by_the_frame_of_the_preview(world: World) -> None:
    sample = await fill(world)
    async with looking(world, (200, 60)) as seen:
        sessions = await on_sessions(seen)
        assert sessions.spot.subject == (Noun.SESSION, sample.api)
        await seen.press("w")
        assert sessions.spot.subject == (Noun.SESSION, sample.docs)
        chosen = [tile.session_id for tile in sessions._tiles if tile.has_class("-chosen")]
        assert chosen == [sample.docs]
        await seen.pilot.click(next(f"#{tile.id}" for tile in sessions._tiles if tile.session_id == sample.fix))
        await seen.until(lambda: sessions.spot.subject == (Noun.SESSION, sample.fix))


async def test_o_shows_who_started_whom(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await on_sessions(seen)
        child = structs.replace(world.state.session(sample.fix), parent_session_id=sample.api, version=99)
        await world.plant(child, noun=Noun.SESSION)
        await seen.press("o")
        await seen.shows("by parents", "└ ● fix-login")


async def test_an_ended_session_is_previewed_while_the_cursor_is_on_it(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        sessions = await on_sessions(seen)
        assert sessions.go_to(Noun.SESSION, sample.fix)
        await seen.shows("Tidying up")
        await world.do(StopSession(session_id=sample.fix, reason="enough"))
        await seen.shows("■ fix-login · stopped")


async def test_enter_opens_the_session_in_tabs(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await on_sessions(seen)
        await seen.press("enter")
        await seen.until(lambda: isinstance(seen.app.screen, Details))
        assert seen.app.here.spot.subject == (Noun.SESSION, sample.api)
        await seen.press("escape")
        await seen.until(lambda: isinstance(seen.app.screen, Sessions))


async def test_without_sessions_it_says_what_to_do(world: World) -> None:
    async with looking(world) as seen:
        await on_sessions(seen)
        await seen.shows("no sessions yet: s starts one")
