"""Live mode under the fingers: every key is the agent's until one leaves, and none is lost without a word."""

import pytest
from textual import events

from maestro_tui.bindings import Panel
from maestro_tui.preferences import Preferences
from maestro_tui.screens.typing_ended import TypingEnded
from maestrod.domain.changes import Actor
from maestrod.domain.model import Noun
from maestrod.domain.sessions import StopSession
from tests.support.world import World
from tests.tui.conftest import Seen, looking
from tests.tui.sample import Sample, fill

MARKS = ("LIVE · fix-login", "LIVE · Esc Esc leaves", "every other key goes to fix-login")


def panel(seen: Seen) -> Panel:
    return seen.app.mission.panel


async def on_pane(seen: Seen, world: World, sample: Sample) -> None:
    """The keys are the live pane's."""
    await seen.until(lambda: seen.app.desk.mirror.whole, "everything is read")
    seen.app.mission.go_to(Noun.SESSION, sample.fix)
    await seen.until(lambda: world.watched == [sample.fix])
    await seen.press("enter")
    assert panel(seen) is Panel.PANE


def typed(world: World) -> list[object]:
    """What went to the pane, as it was asked for; a batch is as large as the fingers are quick."""
    found: list[object] = []
    for _, path, document in world.asked:
        assert path.endswith("/input")
        keys = document.get("keys")
        found += keys if isinstance(keys, list) else [document]
    return found


async def test_every_key_is_the_agents_until_esc_is_pressed_twice(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await on_pane(seen, world, sample)
        assert "LIVE" not in seen.text
        await seen.press("tab")
        await seen.shows(*MARKS)
        await seen.press(
            "q", "x", "1", "question_mark", "ctrl+q", "ctrl+p", "ctrl+c", "tab", "shift+tab", "up", "enter"
        )
        seen.app.post_message(events.Paste("two\nlines"))
        await seen.press("escape", "j", "escape", "escape")
        await seen.until(lambda: "LIVE" not in seen.text)
        expected = ["q", "x", "1", "?", "C-q", "C-p", "C-c", "Tab", "BTab", "Up", "Enter"]
        await seen.until(lambda: typed(world) == [*expected, {"paste": "two\nlines"}, "Escape", "j"], str(typed(world)))
        assert len(seen.app.screen_stack) == 1
        assert panel(seen) is Panel.PANE
        await seen.press("question_mark")
        await seen.shows("Keys and signs", "Live mode: type to the agent")
        assert typed(world)[-1] == "j"


async def test_the_marks_are_whole_at_every_size(world: World) -> None:
    sample = await fill(world)
    for size in ((60, 20), (80, 24), (100, 30), (200, 60)):
        async with looking(world, size) as seen:
            await on_pane(seen, world, sample)
            await seen.press("tab")
            await seen.shows("LIVE · fix-login", "LIVE · Esc Esc leaves")
            assert "Esc Esc leaves" in seen.text.splitlines()[-1]


async def test_the_pane_is_followed_faster_while_one_types_and_is_not_blanked(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await on_pane(seen, world, sample)
        await seen.press("tab")
        await seen.until(lambda: world.watched == [sample.fix])
        await seen.shows("Tidying up", "LIVE")
        await world.draw(sample.fix, "what was typed")
        await seen.shows("what was typed", "LIVE")


async def test_tab_passes_by_a_live_pane_and_types_in_it(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await on_pane(seen, world, sample)
        await seen.press("shift+tab", "tab")
        assert panel(seen) is Panel.INBOX
        await seen.press("shift+tab", "shift+tab")
        assert panel(seen) is Panel.TASKS


async def test_an_ended_session_is_not_typed_to(world: World) -> None:
    sample = await fill(world)
    await world.do(StopSession(session_id=sample.fix, reason="enough"), Actor("user", ""))
    async with looking(world) as seen:
        await seen.until(lambda: seen.app.desk.mirror.whole, "everything is read")
        seen.app.mission.go_to(Noun.SESSION, sample.fix)
        await seen.press("enter", "tab")
        assert panel(seen) is Panel.INBOX
        assert "LIVE" not in seen.text


async def test_in_the_details_of_a_task_tab_is_the_next_panel(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await on_pane(seen, world, sample)
        seen.app.mission.go_to(Noun.TASK, sample.login)
        await seen.press("enter", "tab")
        assert panel(seen) is Panel.INBOX
        assert "LIVE" not in seen.text


async def test_another_key_may_begin_it_and_leave_it_and_strict_mode_changes_nothing(world: World) -> None:
    sample = await fill(world)
    own = Preferences(strict=True, keys={"type-to-agent": "f4", "leave-live-mode": "ctrl+g"})
    async with looking(world, (120, 40), own) as seen:
        await on_pane(seen, world, sample)
        await seen.press("f4")
        await seen.shows("LIVE · Ctrl+G leaves")
        await seen.press("escape", "escape", "y", "r", "ctrl+g")
        await seen.until(lambda: "LIVE" not in seen.text)
        await seen.until(lambda: typed(world) == ["Escape", "Escape", "y", "r"], str(typed(world)))


async def test_what_is_not_delivered_is_counted_and_nothing_becomes_a_command(world: World) -> None:
    sample = await fill(world)
    world.typed = {"result": "not_delivered", "reason": "pane %1 is gone"}
    async with looking(world) as seen:
        await on_pane(seen, world, sample)
        await seen.press("tab", "a")
        await seen.shows("Not typing any more", "fix-login", "pane %1 is gone", "1 key was not delivered")
        await seen.press("x", "d", "q", "n")
        assert isinstance(seen.app.screen, TypingEnded)
        await seen.press("escape")
        await seen.until(lambda: len(seen.app.screen_stack) == 1)
        assert "LIVE" not in seen.text
        assert typed(world) == ["a"]


async def test_a_lost_daemon_ends_it_and_nothing_is_sent_later(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await on_pane(seen, world, sample)
        await seen.press("tab", "a")
        await seen.until(lambda: typed(world) == ["a"])
        await world.fall()
        await seen.press("b")
        await seen.shows("Not typing any more")
        assert "All that you typed before was delivered." in seen.text or "1 key was not delivered" in seen.text
        await seen.press("escape")
        await world.rise()
        seen.app.desk.reconnect()
        await seen.shows("● connected", "Tidying up")
        assert typed(world) == ["a"]


async def test_it_ends_with_the_session(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await on_pane(seen, world, sample)
        await seen.press("tab")
        await world.do(StopSession(session_id=sample.fix, reason="enough"), Actor("user", ""))
        await seen.shows("Not typing any more", "the session has ended")


@pytest.mark.parametrize("away", ["#tasks", "#footer"])
async def test_a_click_elsewhere_leaves_it(world: World, away: str) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await on_pane(seen, world, sample)
        await seen.press("tab")
        await seen.shows(*MARKS)
        await seen.pilot.click(away, offset=(4, 0 if away == "#footer" else 3))
        await seen.until(lambda: "LIVE" not in seen.text)
        assert typed(world) == []


async def test_another_window_in_front_does_not_leave_it(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await on_pane(seen, world, sample)
        await seen.press("tab")
        seen.app.post_message(events.AppBlur())
        await seen.until(lambda: not seen.app.app_focus)
        seen.app.post_message(events.AppFocus())
        await seen.until(lambda: seen.app.app_focus)
        await seen.press("x")
        await seen.shows(*MARKS)
        await seen.until(lambda: typed(world) == ["x"])
