"""Header, banner, tabs and footer: every label whole, at every width."""

import pytest

from maestro_tui.bindings import KEYS, MISSION, MODES, Keymap, Mode, Panel, Place, footer_keys, keys_in, mode
from maestro_tui.frame import Broken, Connected, Link, Starting, banner, footer, header, moot, tabs
from maestro_tui.lines import Line, Span, Tone, cells_of, cropped, joined, kept_whole, spread, text_of
from maestro_tui.view.sessions import Counts
from maestrod.domain.model import Session, SessionStatus
from tests.tui.test_view import session

BUSY = Counts(working=12, need_you=3, idle=4, failed=1)
WIDTHS = range(1, 221)


def pieces(line: Line) -> list[str]:
    return [piece.strip() for piece in text_of(line).split("  ") if piece.strip()]


@pytest.mark.parametrize("link", [Starting("connecting"), Connected(4213), Connected(7, 2), Broken("why", 0)])
def test_no_item_of_the_header_is_ever_cut(link: Link) -> None:
    whole = set(pieces(header("", BUSY, link, "shop-api", 400)))
    for cells in WIDTHS:
        line = header("", BUSY, link, "shop-api", cells)
        assert cells_of(line) <= max(cells, 30)
        assert set(pieces(line)) <= whole or cells < 24


def at(cells: int) -> str:
    return " ".join(text_of(header("", BUSY, Connected(4213), "shop-api", cells)).split())


def test_the_header_says_what_matters_longest() -> None:
    whole = "maestro ▸ shop-api ● 12 working ◐ 3 need you ○ 4 idle ✕ 1 failed ● connected"
    assert at(160) == f"{whole} seq 4213"
    assert at(159) == whole
    assert at(58) == "maestro ● 12 working ◐ 3 need you ● connected"
    assert at(40) == "maestro ◐ 3 need you ● connected"


def test_the_header_counts_nothing_that_is_not_there() -> None:
    assert "no sessions" in text_of(header("", Counts(), Connected(1), "", 80))
    assert "working" not in text_of(header("", Counts(idle=1), Connected(1), "", 80))
    assert "1 needs you" in text_of(header("", Counts(need_you=1), Connected(1), "", 80))


def test_writes_under_way_are_told() -> None:
    assert "saving" in text_of(header("", Counts(), Connected(1, writes=1), "", 80))


def test_a_hostile_project_name_stays_in_its_place() -> None:
    line = header("", Counts(), Connected(1), "\x1b[2J" + "x" * 500, 200)
    assert "\x1b" not in text_of(line)
    assert cells_of(line) == 200


def test_the_banner_counts_down_and_gives_the_reason_when_there_is_room() -> None:
    lost = Broken("the daemon is not running", 10_000)
    assert text_of(banner(lost, 5_500, 120)[0]) == (
        "✕ Connection lost · trying again in 5 s · Ctrl+R now · the daemon is not running"
    )
    assert "trying again now" in text_of(banner(lost, 10_000, 120)[0])
    assert text_of(banner(lost, 5_500, 50)[0]) == "✕ Connection lost · trying again in 5 s"
    assert text_of(banner(lost, 5_500, 25)[0]) == "trying again in 5 s"
    assert banner(Connected(1), 0, 80) == ((), ())


WHERE = [(each, panel) for each in MODES for panel in (MISSION if each.name == "mission" else Panel)]
APART = list({footer_keys(*where): where for where in WHERE}.values())
"""Those of them that offer something else."""


@pytest.mark.parametrize(("where", "panel"), APART)
def test_no_key_of_the_footer_is_ever_cut(where: Mode, panel: Panel) -> None:
    whole = {f"{key.shown} {key.label}" for key in footer_keys(where, panel)}
    for cells in WIDTHS:
        line, hints = footer(where, panel, Keymap(KEYS), cells)
        assert cells_of(line) <= max(cells, 1)
        assert set(pieces(line)) <= whole
        text = text_of(line)
        assert all(text[hint.start : hint.end].strip() in whole for hint in hints)


def offered(panel: Panel, session: Session | None, *, asked: bool = False, typed: bool = False) -> set[str]:
    names = moot(session, shown=session is not None, asked=asked, typed=typed)
    return set(pieces(footer(mode("mission"), panel, Keymap(KEYS), 400, names)[0]))


def test_the_footer_offers_what_can_be_done_to_the_session() -> None:
    live, ended = session(), session(status=SessionStatus.COMPLETED)
    assert {"a attach", "m message", "x stop"} <= offered(Panel.SESSIONS, live)
    assert "r resume" not in offered(Panel.SESSIONS, live)
    assert "r resume" in offered(Panel.SESSIONS, ended)
    assert not {"a attach", "m message", "x stop"} & offered(Panel.SESSIONS, ended)
    assert not {"a attach", "m message", "x stop", "r resume"} & offered(Panel.SESSIONS, None)


def test_the_footer_offers_details_of_what_there_is() -> None:
    assert "v details" in offered(Panel.SESSIONS, session())
    assert "v details" not in offered(Panel.SESSIONS, None)


def test_the_footer_offers_answers_when_somebody_asks() -> None:
    answers = {"1-9 answer", "y yes", "n no", "i type an answer"}
    assert not answers & offered(Panel.INBOX, None)
    assert answers <= offered(Panel.INBOX, session(), asked=True)
    assert answers & offered(Panel.INBOX, session()) == {"i type an answer"}


def test_the_footer_has_one_word_for_tab() -> None:
    assert "Tab type" in offered(Panel.PANE, session(), typed=True)
    assert "Tab panels" not in offered(Panel.PANE, session(), typed=True)
    assert "Tab type" not in offered(Panel.PANE, session(status=SessionStatus.COMPLETED))
    assert "Tab panels" in offered(Panel.PANE, session(status=SessionStatus.COMPLETED))


@pytest.mark.parametrize(("where", "panel"), APART)
def test_help_is_the_last_thing_that_the_footer_gives_up(where: Mode, panel: Panel) -> None:
    assert all("? help" in text_of(footer(where, panel, Keymap(KEYS), cells)[0]) for cells in range(8, 221))


@pytest.mark.parametrize("panel", MISSION)
def test_tabs_name_every_panel_or_only_the_current_one(panel: Panel) -> None:
    names = [str(each) for each in MISSION]
    line, hints = tabs(panel, 0, 60)
    assert [text_of(line)[hint.start : hint.end].strip() for hint in hints] == names
    assert [hint.action for hint in hints] == [f"panel('{each.name}')" for each in MISSION]
    assert text_of(tabs(panel, 0, 30)[0]).split(" ", 1)[1].rsplit(" ", 1)[0] == str(panel)


def test_tabs_say_how_many_wait() -> None:
    assert "Needs you 2" in text_of(tabs(Panel.TASKS, 2, 80)[0])


def test_every_key_is_heard_once_in_its_place() -> None:
    for place in Place:
        heard = [name for key in keys_in(place) for name in key.keys.split(",")]
        assert len(heard) == len(set(heard))
    assert len({key.name for key in KEYS}) == len(KEYS)


def test_a_key_that_means_something_else_on_a_screen_is_told_once() -> None:
    history = mode("history")
    shown = [key.name for key in footer_keys(history, Panel.HISTORY) if key.shown == "u"]
    assert shown == ["undo-commit"]
    assert "undo" in [key.name for key in footer_keys(mode("board"), Panel.BOARD)]


def test_every_key_has_its_sentence() -> None:
    assert all(key.help and not key.help.endswith(".") for key in KEYS)


def test_no_letter_does_what_no_page_says() -> None:
    letters = [(key, name) for key in KEYS for name in key.keys.split(",") if len(name) == 1 and name.isalpha()]
    assert [(key.name, name) for key, name in letters if name not in key.shown] == []


def test_the_footer_offers_at_most_twenty_keys() -> None:
    assert all(len(footer_keys(where, panel)) <= 20 for where, panel in WHERE)


def test_lines_are_joined_cut_and_spread_by_cells() -> None:
    wide: Line = (Span("日本"), Span("ab", Tone.BAD))
    assert cells_of(wide) == 6
    assert text_of(cropped(wide, 5)) == "日本…"
    assert text_of(spread(wide, (Span("x"),), 10)) == "日本ab   x"
    assert text_of(spread(wide, (Span("x"),), 5)) == "日… x"
    assert text_of(joined([wide, wide], " · ")) == "日本ab · 日本ab"
    assert kept_whole([(0, wide), (1, wide)], 6) == wide
    assert kept_whole([(0, wide)], 5) == ()
