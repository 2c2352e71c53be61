"""Text from outside: one line, no sequences, measured in cells."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cached_cell_len, cell_len

from maestro_tui.cells import LONGEST, cut, folded, pad, plain, tidy, width

WIDE = "日本語のタスク"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("two\nlines\tand a tab", "two lines and a tab"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;https://example.org\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]0;never ended", ""),
        ("\x1bP1;2q#0~~\x1b\\after", "after"),
        ("\x1b[2J\x1b[Hgone", "gone"),
        ("\x9b31mred", "red"),
        ("half\x1b[3", "half"),
        ("bell\x07 and null\x00", "bell and null"),
        ("ab\u202ecd\u2066ef", "abcdef"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("family 👨\u200d👩\u200d👧", "family 👨👩👧"),
        ("heart ❤\ufe0f", "heart ❤"),
        ("thumb 👍🏽", "thumb 👍"),
        ("lone \ud800 half", "lone \ufffd half"),
        ("line\u2028sep\u2029par", "line sep par"),
        ("[bold]markup[/bold] stays text", "[bold]markup[/bold] stays text"),
        (WIDE, WIDE),
    ],
)
def test_what_a_terminal_would_act_on_is_taken_out(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_text_to_be_edited_keeps_its_lines_and_tabs() -> None:
    assert tidy("one\x1b[2J\n\ttwo\x07\u202e\n\nthree  3\r\n") == "one\n\ttwo \n\nthree  3"
    assert tidy("\x1b]52;c;never ended\nand on") == "\nand on"


def test_marks_do_not_pile_up() -> None:
    assert plain("z" + "\u0301" * 100 + "a") == "z" + "\u0301" * 3 + "a"


@given(st.text())
def test_nothing_that_controls_a_terminal_is_left(text: str) -> None:
    assert not [c for c in plain(text) if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}]


@given(st.text())
def test_what_is_plain_stays_as_it_is(text: str) -> None:
    assert plain(plain(text)) == plain(text)


@pytest.mark.timeout(10)
def test_a_huge_text_is_looked_at_only_in_part() -> None:
    assert len(plain("\x1b[" * 5_000_000)) == 0
    assert len(plain("x" * 50_000_000)) == LONGEST


@pytest.mark.parametrize(
    ("text", "cells", "shown"),
    [
        ("short", 10, "short"),
        ("exactly", 7, "exactly"),
        ("too long", 5, "too…"),
        ("too long", 1, "…"),
        ("too long", 0, ""),
        ("too long", -3, ""),
        (WIDE, 14, WIDE),
        (WIDE, 6, "日本…"),
        (WIDE, 5, "日本…"),
        ("", 3, ""),
    ],
)
def test_what_is_cut_ends_in_an_ellipsis(text: str, cells: int, shown: str) -> None:
    assert cut(text, cells) == shown


@given(st.text(), st.integers(min_value=1, max_value=80))
def test_a_padded_text_has_exactly_its_cells(text: str, cells: int) -> None:
    assert width(pad(plain(text), cells)) == cells


@given(st.text(), st.integers(min_value=2, max_value=40))
def test_folded_lines_fit_and_lose_no_word(text: str, cells: int) -> None:
    lines = folded(text, cells, most=10_000)
    assert all(width(line) <= cells for line in lines)
    kept = "".join(plain(part) for part in text.splitlines())
    assert "".join(lines).replace(" ", "") == kept.replace(" ", "")


def test_what_is_counted_at_once_takes_what_the_tables_say() -> None:
    characters = [chr(point) for point in range(0x3000)]
    assert [width(character) for character in characters] == [cell_len(character) for character in characters]


@pytest.mark.parametrize(
    "text", ["  step 1 of 1000", "✻ Scripting… (1s · ↓ 42 tokens)", "⎿ Fünf Prüfungen │ ▌", "❯ да"]
)
def test_what_an_agent_draws_once_is_not_remembered(text: str) -> None:
    cached_cell_len.cache_clear()
    assert (width(text), folded(text, 200)) == (len(text), [plain(text)])
    assert cached_cell_len.cache_info().misses == 0


def test_folding_breaks_at_spaces_and_keeps_paragraphs() -> None:
    assert folded("one two three\n\nfour", 8) == ["one two", "three", "", "four"]


def test_folding_stops_at_the_lines_that_are_asked_for() -> None:
    assert len(folded("word " * 1_000, 10, most=4)) == 4
