"""Hostile text stays in its cells: no frame is other for it, and none of it reaches the terminal or its clipboard."""

import re
import unicodedata
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from rich.cells import cell_len

from maestro_tui.ansi import parsed
from maestro_tui.bindings import MODES
from maestro_tui.cells import MARKS, folded, plain
from maestrod.domain.model import Noun
from tests.support.world import World
from tests.tui.conftest import Seen, hasty, looking
from tests.tui.hostile import HOSTILE, PLAIN, possessed
from tests.tui.sample import Sample
from tests.tui.tmux_screen import tmux_screen

HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
EDGES = "│╭╮╰╯"


def sound(text: str) -> bool:
    """Nothing in it is acted upon by a terminal, and no character carries a storm of marks."""
    return not [c for c in text if unicodedata.category(c) in HIDDEN] and not re.search(
        f"[{''.join(c for c in set(text) if unicodedata.category(c).startswith('M'))}\ufe0f]{{{MARKS + 1}}}", text
    )


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_what_is_left_of_it_is_text(text: str) -> None:
    told = [plain(text), *folded(text, 40), *(run for line in parsed(text) for run, _ in line)]
    assert all(sound(each) for each in told)
    assert "OW" in told[0]


# -- in every frame of the screen


def seen_frame(seen: Seen) -> list[str]:
    """The lines, each as wide as the screen; nothing in them can be clicked that is none of ours."""
    strips = seen.app.screen._compositor.render_strips()
    for strip in strips:
        assert strip.cell_length == seen.app.size.width
        for segment in strip:
            assert segment.control is None
            assert segment.style is None or not segment.style.link
            assert "owned" not in str(segment.style.meta if segment.style is not None else "")
            assert "@click" not in (segment.style.meta if segment.style is not None else {})
    return [strip.text for strip in strips]


async def settled(seen: Seen) -> list[str]:
    """The frame that stays as it is."""
    same, before = 0, seen_frame(seen)
    while same < 3:
        await seen.pilot.pause()
        same, before = (same + 1, before) if (now := seen_frame(seen)) == before else (0, now)
    return before


def edges(lines: list[str]) -> set[tuple[int, int]]:
    """The cells in which frames are drawn."""
    return {(y, cell_len(line[:x])) for y, line in enumerate(lines) for x, char in enumerate(line) if char in EDGES}


async def frames(seen: Seen, sample: Sample) -> AsyncIterator[tuple[str, list[str]]]:
    """Every screen, every tab and every dialog that shows words of others."""
    app = seen.app
    await seen.until(lambda: app.desk.mirror.whole and app.desk.asking.dialogs, "everything is read")

    async def frame(name: str) -> tuple[str, list[str]]:
        await seen.shows("OW")
        await seen.pilot.pause()
        app.clear_notifications()
        return name, await settled(seen)

    subjects = ((Noun.TASK, sample.login), (Noun.SESSION, sample.fix), (Noun.SESSION, sample.api))
    for noun, id_ in (*subjects, (Noun.PROJECT, sample.shop)):
        app.show_on_mission(noun, id_)
        yield await frame(f"mission {noun} {id_}")
    for mode in MODES:
        app.show_on_mission(Noun.SESSION, sample.fix)
        app.action_show(mode.name)
        await seen.until(lambda mode=mode: app.current_mode == mode.name and app.here.is_mounted)  # type: ignore[misc]
        yield await frame(mode.title)
    app.action_show("history")
    for key in ("enter", "t"):
        await seen.press(key)
        yield await frame(f"history {key}")
    for noun, id_ in subjects[:2]:
        app.show_details(noun, id_)
        await seen.until(lambda: app.current_mode == "details")
        for tab in app.here.tabs:  # type: ignore[attr-defined]
            app.here.action_show_tab(tab.name)  # type: ignore[attr-defined]
            await seen.until(lambda: "reading" not in seen.text)
            yield await frame(f"details {noun} {tab}")
    app.show_on_mission(Noun.SESSION, sample.api)
    for key in ("m", "x", "s", "ctrl+p"):
        await seen.press(key)
        await seen.until(lambda: len(app.screen_stack) == 2)
        await seen.press(*("owned" if key == "ctrl+p" else ()))
        yield await frame(f"dialog {key}")
        await seen.press("escape")
        await seen.until(lambda: len(app.screen_stack) == 1)
    app.show_on_mission(Noun.TASK, sample.login)
    for key in ("n", "e", "d"):
        await seen.press(key)
        await seen.until(lambda: len(app.screen_stack) == 2)
        yield await frame(f"dialog {key}")
        await seen.press("escape")
        await seen.until(lambda: len(app.screen_stack) == 1)
    app.action_show("mail")
    for key in ("c", "r"):
        await seen.press(key)
        await seen.until(lambda: len(app.screen_stack) == 2)
        yield await frame(f"dialog of mail {key}")
        await seen.press("escape")
        await seen.until(lambda: len(app.screen_stack) == 1)


async def drawn(texts: tuple[str, ...], size: tuple[int, int]) -> dict[str, list[str]]:
    """All frames of a world with these words in it."""
    async with World() as world:
        sample = await possessed(world, texts)
        async with hasty(), looking(world, size) as seen:
            return {name: lines async for name, lines in frames(seen, sample)}


async def test_no_frame_is_other_for_it(world: World) -> None:
    size = (120, 40)
    before, after = await drawn(PLAIN, size), await drawn(HOSTILE, size)
    assert before.keys() == after.keys()
    for name, lines in after.items():
        assert all(sound(line) for line in lines), f"{name}: {[line for line in lines if not sound(line)]}"
        if not name.startswith("dialog"):
            assert edges(lines) == edges(before[name]), f"{name}\n" + "\n".join(lines)


# -- in a real terminal


@pytest.mark.tmux
@pytest.mark.xdist_group("tmux-screens")
async def test_nothing_of_it_reaches_the_terminal_or_its_clipboard(world: World, tmp_path: Path) -> None:
    await possessed(world, HOSTILE)
    raw = tmp_path / "raw"
    with tmux_screen(["--server", world.server], (120, 40), {"MAESTRO_HOME": str(world.folder)}) as screen:
        screen.tmux("set-option", "-s", "set-clipboard", "on")
        screen.tmux("set-option", "-g", "allow-passthrough", "on")
        screen.tmux("pipe-pane", "-t", "0", f"cat > {raw}")
        screen.tmux("set-option", "-g", "automatic-rename", "off")  # tmux' own names follow what runs
        titled = screen.tmux("display-message", "-p", "#{pane_title} #{window_name}")
        await screen.shows("● connected", "OWNED")
        for key in "23456790v1":
            screen.press(key)
            framed(await screen.shows("maestro", "connected", "? help", "OW"))
        for key in ("m", "x", "s", "n"):
            screen.press(key)
            await screen.shows("Esc cancel")
            screen.press("Escape")
            await screen.hides("Esc cancel")
        framed(screen.text)
        assert screen.tmux("list-buffers") == ""
        assert screen.tmux("display-message", "-p", "#{pane_title} #{window_name}") == titled
        screen.press("q")
        await screen.shows("ended with 0")
    wire = raw.read_text(encoding="utf-8")
    assert "OWNED" in wire
    assert not re.findall("\x1b(?!]22;)[\\]PX^_k].{0,40}", wire), "of these the screen itself sets the pointer alone"
    assert not [c for c in wire if unicodedata.category(c) in HIDDEN - {"Cc"} or "\x80" <= c <= "\x9f"]


def framed(text: str) -> None:
    """Every line that begins with an edge ends with one, in the last cell."""
    lines = [line for line in text.splitlines() if line[:1] in EDGES]
    assert len(lines) > 20, text
    for line in lines:
        assert line[-1] in EDGES, text
        assert cell_len(line[:-1]) == 119, text
