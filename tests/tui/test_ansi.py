"""Captured panes: colours and attributes are understood, everything else is dropped."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maestro_tui.ansi import LONGEST_LINE, MOST_LINES, PLAIN, Sgr, line_runs, parsed, rgb


def runs(line: str) -> list[tuple[str, Sgr]]:
    return line_runs(line, PLAIN)[0]


@pytest.mark.parametrize(
    ("line", "style"),
    [
        ("\x1b[31mx", Sgr(colour=1)),
        ("\x1b[91mx", Sgr(colour=9)),
        ("\x1b[42mx", Sgr(ground=2)),
        ("\x1b[103mx", Sgr(ground=11)),
        ("\x1b[38;5;208mx", Sgr(colour=208)),
        ("\x1b[48;2;1;2;3mx", Sgr(ground=(1, 2, 3))),
        ("\x1b[38:2:1:2:3mx", Sgr(colour=(1, 2, 3))),
        ("\x1b[38:5:77mx", Sgr(colour=77)),
        ("\x1b[1;2;3;4;7;9mx", Sgr(bold=True, dim=True, italic=True, underline=True, reverse=True, strike=True)),
        ("\x1b[4:3mx", Sgr(underline=True)),
        ("\x1b[58;2;1;2;3;1mx", Sgr(bold=True)),
        ("\x1b[31;1m\x1b[22;39mx", PLAIN),
        ("\x1b[31mred\x1b[0mx", PLAIN),
        ("\x1b[mx", PLAIN),
        ("\x1b[38;5;999mx", Sgr(colour=255)),
        ("\x1b[38;7mx", PLAIN),
        ("\x1b[38mx", PLAIN),
        ("\x1b[999999999999999mx", PLAIN),
    ],
)
def test_a_style_is_read(line: str, style: Sgr) -> None:
    assert runs(line)[-1] == ("x", style)


@pytest.mark.parametrize(
    "line",
    ["\x1b[2Jx", "\x1b[10;10Hx", "\x1b]0;title\x07x", "\x1b]8;;http://e.org\x1b\\x", "\x07\x08x", "\x1bcx", "\u202ex"],
)
def test_what_is_no_style_is_dropped(line: str) -> None:
    assert runs(line) == [("x", PLAIN)]


def test_a_style_goes_on_in_the_next_line() -> None:
    assert parsed("\x1b[31mone\ntwo\x1b[0m\nthree") == [
        [("one", Sgr(colour=1))],
        [("two", Sgr(colour=1))],
        [("three", PLAIN)],
    ]


def test_runs_of_one_style_are_one() -> None:
    assert runs("a\x1b[31m\x1b[39mb") == [("ab", PLAIN)]


@given(st.text())
def test_any_text_can_be_shown(text: str) -> None:
    shown = "".join(run for line in parsed(text) for run, _ in line)
    assert not [c for c in shown if ord(c) < 32 or 0x7F <= ord(c) < 0xA0]


@pytest.mark.timeout(20)
def test_a_huge_screen_is_cut() -> None:
    lines = parsed(("x" * 100_000 + "\n") * 3_000)
    assert len(lines) == MOST_LINES
    assert len(lines[0][0][0]) == LONGEST_LINE


@given(st.integers(min_value=0, max_value=255))
def test_every_number_of_the_palette_is_a_colour(number: int) -> None:
    assert all(0 <= part <= 255 for part in rgb(number))


def test_what_terminals_measure_in_two_ways_is_not_in_a_pane() -> None:
    assert runs("\x1b[31m👍🏽 ⚠️ 👩‍👧 1️⃣") == [("👍 ⚠ 👩👧 1\u20e3", Sgr(colour=1))]
