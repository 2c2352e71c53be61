"""What is shown can be read: every text stands out from its ground, in every theme, in every dialog."""

from collections.abc import Callable

import pytest
from rich.color import Color
from rich.color_triplet import ColorTriplet
from rich.style import Style
from textual.geometry import Region

from maestro_tui import faces
from maestro_tui.bindings import MODES, Mode, Panel
from maestro_tui.cells import width
from maestro_tui.preferences import THEMES, Preferences
from maestrod.domain.model import Noun
from tests.support.world import World
from tests.tui.conftest import Seen, looking
from tests.tui.sample import fill

LEAST = 4.0
PLACEHOLDER = 2.2
"""What is only an example of what could be typed may be paler."""
SHOWN = {
    "board": "Rate limits per",
    "queue": "processing",
    "mail": "no mail yet",
    "graph": "Layer 1",
    "history": "every change",
    "skills": "Templates",
}
"""By what a screen is known to be there."""
LINES = " ─│╭╮╰╯▁▂▃▄▅▆▇█▊▎"


def brightness(colour: Color | None) -> float:
    """The relative luminance of WCAG 2."""
    assert colour is not None
    parts = [part / 255 for part in colour.get_truecolor()]
    red, green, blue = (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(style: Style) -> float:
    light, dark = sorted((brightness(style.color), brightness(style.bgcolor)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def pale(seen: Seen, where: Region, least: float = LEAST) -> set[tuple[str, float]]:
    """The texts in a region that do not stand out, with their contrast."""
    strips = seen.app.screen._compositor.render_strips()[where.y : where.bottom]
    return {
        (segment.text.strip(), round(contrast(segment.style), 1))
        for strip in strips
        for segment in strip.crop(where.x, where.right)
        if segment.style is not None and segment.text.strip(LINES) and contrast(segment.style) < least
    }


async def can_be_read(seen: Seen, where: Callable[[], Region], least: float = LEAST) -> None:
    """In every theme, one after the other."""
    for theme in THEMES:
        seen.app.use_theme(theme)
        ground = Color.parse(seen.app.current_theme.background or "").get_truecolor()
        await seen.until(lambda ground=ground: ground in grounds(seen), f"{theme} is drawn")  # type: ignore[misc]
        await seen.until(lambda: not pale(seen, where(), least), f"{theme} can be read: {pale(seen, where(), least)}")


def grounds(seen: Seen) -> set[ColorTriplet]:
    """The colours that texts stand on."""
    styles = [s.style for strip in seen.app.screen._compositor.render_strips() for s in strip if s.style is not None]
    return {style.bgcolor.get_truecolor() for style in styles if style.bgcolor is not None}


@pytest.mark.parametrize("looked_at", ["fix", "login", "queue"])
async def test_everything_can_be_read_on_its_ground(world: World, looked_at: str) -> None:
    sample = await fill(world)
    async with looking(world, (160, 50)) as seen:
        await seen.until(lambda: seen.app.mission.spot.subject is not None)
        seen.app.mission.go_to(Noun.TASK if looked_at == "login" else Noun.SESSION, getattr(sample, looked_at))
        await seen.shows("needs you", "Round money")
        await can_be_read(seen, lambda: seen.app.screen.region)


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
async def test_every_screen_can_be_read_on_its_ground(world: World, mode: Mode) -> None:
    await fill(world)
    async with looking(world, (160, 50)) as seen:
        await seen.until(lambda: seen.app.desk.asking.dialogs and seen.app.mission.spot.session)
        seen.app.action_show(mode.name)
        await seen.shows(SHOWN.get(mode.name, "needs you"))
        await can_be_read(seen, lambda: seen.app.screen.region)


@pytest.mark.parametrize(
    ("key", "words"),
    [("n", "New task"), ("s", "Start an agent"), ("question_mark", "Keys and signs"), ("x", "Stop"), ("m", "Answer")],
)
async def test_every_dialog_can_be_read(world: World, key: str, words: str) -> None:
    sample = await fill(world)
    await world.draw(sample.docs, "1. version 2")
    async with looking(world, (100, 40)) as seen:
        await seen.until(lambda: seen.app.mission.spot.subject is not None)
        seen.app.mission.go_to(Noun.SESSION, sample.docs)
        await seen.press(key)
        await seen.shows(words)
        await can_be_read(seen, lambda: seen.app.screen.query_one("#dialog").region, PLACEHOLDER)


SIGNS = {
    "tasks": (faces.READY, faces.WAITS, *faces.TASKS.values()),
    "sessions": (faces.NEEDS_YOU, faces.UNREACHABLE, faces.UNSEEN, *faces.SESSIONS.values()),
    "items": tuple(faces.ITEMS.values()),
}


@pytest.mark.parametrize("noun", SIGNS)
def test_every_state_has_a_glyph_and_a_word_of_its_own(noun: str) -> None:
    signs = SIGNS[noun]
    assert all(width(face.glyph) == 1 and face.word for face in signs)
    for told in ([face.glyph for face in signs], [face.word for face in signs]):
        assert len(set(told)) == len(told)


@pytest.mark.parametrize("size", [(60, 20), (120, 40)])
async def test_without_colour_and_motion_all_is_told_by_glyphs_words_and_lines(
    world: World, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    await fill(world)
    async with looking(world, size, Preferences(reduced_motion=True)) as seen:
        await seen.until(lambda: seen.app.mission.spot.subject is not None)
        await seen.shows("◐ rate-limits", "needs you", "● fix-login", "working", "✕ try-uvloop", "failed", "◎ planner")
        assert seen.app.screen.focused is not None
        assert seen.app.screen.focused.styles.border_top[0] == "heavy", "the panel that has the keys"
        assert "━ Sessions ━" in seen.text
        for strip in seen.app.screen._compositor.render_strips():
            for colour in (c for s in strip if s.style is not None for c in (s.style.color, s.style.bgcolor) if c):
                assert len(set(colour.get_truecolor())) == 1, "only greys"
        await seen.until(lambda: not pale(seen, seen.app.screen.region))


async def test_toasts_and_the_banner_can_be_read(world: World) -> None:
    await fill(world)
    async with looking(world) as seen:
        await seen.until(lambda: seen.app.mission.spot.subject is not None)
        await world.fall()
        await seen.shows("Connection lost")
        await seen.until(lambda: not pale(seen, seen.app.mission.query_one("#banner").region))
        seen.app.notify("a word", markup=False)
        await seen.shows("a word")


async def test_a_list_that_is_too_long_shows_where_it_stands(world: World) -> None:
    await fill(world)
    async with looking(world, (100, 24)) as seen:
        await seen.until(lambda: seen.app.mission.spot.subject is not None)
        tasks, sessions = (seen.app.mission.lines(panel) for panel in (Panel.TASKS, Panel.SESSIONS))
        await seen.until(lambda: tasks.show_vertical_scrollbar)
        assert not sessions.show_vertical_scrollbar
        assert not tasks.show_horizontal_scrollbar
        assert "Widget" in tasks._css_type_names
