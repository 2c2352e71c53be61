"""Words for tmux and words from tmux: pure, and total over any text."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from maestrod.tmux.facts import PaneRef
from maestrod.tmux.text import (
    clean,
    command_line,
    idle_views,
    literal,
    pane_change,
    pane_rows,
    pane_state,
    quote,
    viewer_rows,
)

ANY_TEXT = st.text(alphabet=st.characters(codec=None, exclude_categories=()), max_size=200)
HOSTILE = st.text(alphabet="\x1b\x9b\x9d[]P_^X201~;?m\x07\\\r\n\tab|:%@ 0\u2028\ud800", max_size=60)


@pytest.mark.parametrize(
    ("given_text", "cleaned"),
    [
        ("plain é ✳ 漢字", "plain é ✳ 漢字"),
        ("a\n\tb", "a\n\tb"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("before\x1b[201~after", "beforeafter"),
        ("before\x9b201~after", "beforeafter"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]2;title\x07text", "text"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bPdevice\x1b\\text", "text"),
        ("an \x1b] that never ends", "an ] that never ends"),
        ("\x1b\x1b[201~[201~", "[201~"),
        ("bell\x07 back\x08 nul\x00 del\x7f c1\x85", "bell back nul del c1"),
        ("half \ud800 pair", "half \ufffd pair"),
    ],
)
def test_what_a_terminal_would_obey_is_taken_out(given_text: str, cleaned: str) -> None:
    assert clean(given_text) == cleaned


@given(st.one_of(ANY_TEXT, HOSTILE))
def test_clean_text_holds_no_control_but_newline_and_tab(text: str) -> None:
    cleaned = clean(text)

    assert not [char for char in cleaned if unicodedata.category(char) in ("Cc", "Cs") and char not in "\n\t"]
    assert clean(cleaned) == cleaned


def test_a_megabyte_of_unfinished_sequences_is_cleaned_at_once() -> None:
    assert clean("\x1b]x" * 400_000) == "]x" * 400_000
    assert clean("\x1b[" * 500_000 + "m").startswith("[")


@pytest.mark.parametrize("text", ["", "plain", 'say "it"', "$HOME", "~", "a;", "#{pid}", "a\\", "a\nb\tc\x1b", "%if"])
def test_a_quoted_word_has_no_character_that_ends_the_line(text: str) -> None:
    quoted = quote(text)

    assert quoted.startswith('"')
    assert quoted.endswith('"')
    assert not set(quoted[1:-1]) & set("\n\r$~\x1b\t")


def test_a_nul_cannot_be_quoted() -> None:
    with pytest.raises(ValueError, match="NUL"):
        command_line(("display-message", "a\0b"))


def test_a_name_is_one_short_line_without_formats() -> None:
    assert literal("fix\n the #(rm) \x1b[31mbug") == "fix the ##(rm) bug"
    assert len(literal("x" * 500)) == 60


def test_a_row_is_read_field_by_field() -> None:
    (facts,) = pane_rows("@3|%7|123|1|4||120|40|1|0|5|6|ses_1|claude|✳ a title | with bars")

    assert facts.window_id == "@3"
    assert facts.pane_id == "%7"
    assert facts.session_id == "ses_1"
    assert facts.pid == 123
    assert (facts.dead, facts.dead_status, facts.dead_signal) == (True, 4, None)
    assert (facts.width, facts.height, facts.alternate_on, facts.in_mode) == (120, 40, True, False)
    assert facts.command == "claude"
    assert facts.title == "✳ a title | with bars"


def test_bars_in_a_command_do_not_move_the_title() -> None:
    (facts,) = pane_rows("@3|%7|123|0|||120|40|0|0|5|6|ses_1|a|é|b|title")

    assert facts.command == "a|é|b"
    assert facts.title == "title"


def test_a_length_that_does_not_fit_falls_back_to_the_first_bar() -> None:
    (facts,) = pane_rows("@3|%7|123|0|||120|40|0|0|99|99|ses_1|sh|title")

    assert (facts.session_id, facts.command, facts.title) == ("ses_1", "sh", "title")


@pytest.mark.parametrize(
    ("printed", "number"), [("9", 9), ("KILL", 9), ("SIGTERM", 15), ("", None), ("NONSENSE", None)]
)
def test_a_signal_is_read_by_number_and_by_name(printed: str, number: int | None) -> None:
    (facts,) = pane_rows(f"@3|%7|123|1||{printed}|120|40|0|0|0|2||sh|title")

    assert facts.dead_signal == number


@example("@|%|" + "|" * 12)
@example("@1|%1|" + "9" * 5000 + "|1|٣|1_0|-1|+2| 3|x|0|0|||")
@given(st.one_of(ANY_TEXT, HOSTILE, st.text(alphabet="@%|0123456789\n-_", max_size=80)))
def test_rows_states_and_changes_take_any_text(text: str) -> None:
    for facts in pane_rows(text):
        assert facts.pid >= 0
    assert pane_state(text).width >= 0
    viewer_rows(text)
    assert all(name.startswith("view-") for name in idle_views(text))
    pane_change(text)
    pane_change(f"maestro $0 @1 1 %1 : {text}")


@given(
    title=st.text(alphabet=st.characters(exclude_characters="\n", codec="utf-8")),
    mark=st.from_regex(r"[a-z_0-9]{0,20}", fullmatch=True),
)
def test_no_title_can_change_another_column(title: str, mark: str) -> None:
    (facts,) = pane_rows(f"@3|%7|123|0|||120|40|0|0|{len(mark)}|2|{mark}|sh|{title}")

    assert (facts.session_id, facts.command, facts.title) == (mark, "sh", title)


def test_a_change_names_the_pane_its_window_and_its_end() -> None:
    change = pane_change("maestro $0 @2 1 %5 : 1|3||5|2|ses_1|sh|a : title")

    assert change is not None
    assert (change.pane_id, change.window_id, change.session_id) == ("%5", "@2", "ses_1")
    assert (change.dead, change.dead_status, change.command, change.title) == (True, 3, "sh", "a : title")


@pytest.mark.parametrize("rest", ["", "maestro $0 - - - : value", "maestro $0 @1 1 : x", "nothing at all"])
def test_a_change_that_is_not_about_a_pane_is_left_out(rest: str) -> None:
    assert pane_change(rest) is None


@pytest.mark.parametrize(
    ("pane_id", "session_id"),
    [
        ("7", "ses_1"),
        ("%", "ses_1"),
        ("%1;kill-server", "ses_1"),
        ("%1", ""),
        ("%1", "a,b"),
        ("%1", "#{pid}"),
        ("%1", "x" * 65),
    ],
)
def test_what_cannot_be_an_id_is_refused_before_tmux_sees_it(pane_id: str, session_id: str) -> None:
    with pytest.raises(ValueError, match="not a"):
        PaneRef(pane_id, session_id)
