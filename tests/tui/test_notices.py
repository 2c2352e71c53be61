"""What a person is told without asking: which events, by which ways, at which hours, and what leaves the screen."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maestro_tui.mirror import Mirror
from maestro_tui.moment import Moment
from maestro_tui.outside import BEL, ESC, Terminal, announcement, arguments, spoken
from maestro_tui.preferences import Preferences, preferences
from maestro_tui.view.notices import (
    KINDS,
    Kind,
    Looked,
    Note,
    Presence,
    Quiet,
    Rules,
    Way,
    digest,
    news,
    note_of,
    quiet_hours,
    said,
    summed,
    ways,
    worth,
)
from maestrod.domain.changes import Put
from maestrod.domain.model import (
    Delivery,
    DeliveryState,
    EntryType,
    Exit,
    Mail,
    MailType,
    NeedsInput,
    Noun,
    SessionStatus,
    TaskStatus,
    TimelineEntry,
    Turn,
)
from tests.tui.test_view import HOSTILE, MINUTE, MOMENT, NOW, mirror, session, task

AWAY = Presence().gain(NOW).lose(NOW)
ASKS = NeedsInput(active=True, message="Run `npm test`?", since=NOW)


def note(kind: Kind = Kind.COMPLETED, id_: str = "sess_1", at: int = NOW, text: str = "", name: str = "") -> Note:
    return Note(kind=kind, noun=Noun.SESSION, id=id_, name=name or id_, text=text, at=at)


def told(here: Mirror, event: str, id_: str) -> tuple[Kind, str, str] | None:
    found = note_of(here, event, id_, NOW)
    return (found.kind, found.title, found.text) if found is not None else None


# -- what happened


def test_each_event_is_told_in_the_words_of_a_person() -> None:
    here = mirror(
        task("task_1", "Mend it", status=TaskStatus.BLOCKED, blocked_reason="no account"),
        session("sess_1", "ask", needs_input=ASKS, turn=Turn(kind="permission")),
        session("sess_2", "shot", status=SessionStatus.FAILED, exit=Exit(code=None, signal=9, reason="killed")),
        session("sess_3", "never", status=SessionStatus.FAILED),
        session("sess_4", "done", status=SessionStatus.COMPLETED),
    )
    here.apply(
        [Put(Noun.TIMELINE, TimelineEntry(id="tl_1", type=EntryType.PROGRESS, session_id="sess_4", message="half way"))]
    )
    assert told(here, "notify:needs_input", "sess_1") == (
        Kind.NEEDS_YOU,
        "ask needs you",
        "permission: Run `npm test`?",
    )
    assert told(here, "notify:session_failed", "sess_2") == (Kind.CRASHED, "shot crashed", "killed")
    assert told(here, "notify:session_failed", "sess_3") == (Kind.FAILED, "never failed", "")
    assert told(here, "notify:session_completed", "sess_4") == (Kind.COMPLETED, "done completed", "")
    assert told(here, "notify:task_blocked", "task_1") == (Kind.BLOCKED, "“Mend it” is blocked", "no account")
    assert told(here, "notify:task_in_review", "task_1") == (Kind.REVIEW, "“Mend it” is in review", "")
    assert told(here, "notify:task_completed", "task_1") == (Kind.TASK_COMPLETED, "“Mend it” is done", "")
    assert told(here, "notify:progress", "tl_1") == (Kind.PROGRESS, "done reports", "half way")


@pytest.mark.parametrize(
    ("event", "id_"),
    [
        ("notify:needs_input", "sess_1"),
        ("notify:needs_input", "gone"),
        ("notify:session_failed", "gone"),
        ("notify:task_blocked", "gone"),
        ("notify:progress", "gone"),
        ("mail:bounced", "gone"),
        ("notify:unheard_of", "sess_1"),
    ],
)
def test_what_is_over_or_gone_or_unknown_is_not_told(event: str, id_: str) -> None:
    assert note_of(mirror(session("sess_1", "quiet")), event, id_, NOW) is None


@pytest.mark.parametrize(("writer", "expected"), [("user", True), ("daemon", False)])
def test_a_mail_of_ones_own_that_comes_back_is_told(writer: str, expected: bool) -> None:
    here = mirror(session("sess_1"))
    mail = Mail(
        id="mail_1",
        project_id="proj_1",
        type=MailType.QUERY,
        subject="Which port",
        body={},
        thread_id="mail_1",
        from_user=writer,
        to_session_id="sess_1",
    )
    gone = Delivery(
        id="dlv_1",
        project_id="proj_1",
        mail_id="mail_1",
        session_id="sess_1",
        state=DeliveryState.BOUNCED,
        at=NOW,
        reason="it has ended",
    )
    here.apply([Put(Noun.MAIL, mail), Put(Noun.DELIVERY, gone)])
    found = told(here, "mail:bounced", "mail_1")
    assert found == ((Kind.MAIL, "“Which port” came back", "bounced: it has ended") if expected else None)


def test_every_kind_has_its_words() -> None:
    assert set(KINDS) == set(Kind)
    assert len({(about.glyph, about.one) for about in KINDS.values()}) == len(Kind)


# -- by which ways


@pytest.mark.parametrize(
    ("text", "clock", "quiet"),
    [
        ("22:00-07:30", "21:59", False),
        ("22:00-07:30", "22:00", True),
        ("22:00-07:30", "00:00", True),
        ("22:00-07:30", "07:29", True),
        ("22:00-07:30", "07:30", False),
        ("12:00-13:00", "12:30", True),
        ("12:00-13:00", "13:00", False),
        ("18:00-24:00", "23:59", True),
        ("18:00-24:00", "00:00", False),
        (" 9:05 - 9:06 ", "09:05", True),
    ],
)
def test_quiet_hours_are_over_midnight_too(text: str, clock: str, quiet: bool) -> None:
    hours, minutes = (int(part) for part in clock.split(":"))
    then = datetime(2026, 5, 4, hours, minutes, 30, tzinfo=UTC)
    assert quiet_hours(text).holds(Moment(int(then.timestamp() * 1000), UTC)) is quiet


@pytest.mark.parametrize(
    "text",
    ["22", "22:00", "25:00-07:00", "22:60-07:00", "a:b-c:d", "22:00-22:00", "²2:00-07:00", "-1:00-07:00", "22:0-1:00"],
)
def test_what_is_no_time_of_day_is_told_so(text: str) -> None:
    with pytest.raises(ValueError, match=r"time of day|ends when it begins"):
        quiet_hours(text)


def test_outside_of_the_screen_it_is_told_only_when_nobody_looks() -> None:
    assert ways(Rules(), MOMENT, here=False) == frozenset(Way)
    assert ways(Rules(), MOMENT, here=True) == {Way.TOAST, Way.BELL}
    at = datetime.fromtimestamp(MOMENT.now / 1000, UTC).hour * 60
    asleep = Rules(quiet=Quiet(at, at + 60))
    assert ways(asleep, MOMENT, here=False) == {Way.TOAST}
    assert ways(Rules(ways=frozenset({Way.COMMAND})), MOMENT, here=True) == frozenset()


def test_nobody_is_told_what_they_look_at() -> None:
    asks, done = note(Kind.NEEDS_YOU, "sess_1"), note(Kind.COMPLETED, "sess_2")
    both, sees = [asks, done], Looked(frozenset({"sess_2"}))
    assert worth(both, Rules(), sees, here=True) == [asks]
    assert worth(both, Rules(), sees, here=False) == both
    assert worth(both, Rules(), Looked(waiting=True), here=True) == [done]
    assert worth(both, Rules(kinds=frozenset({Kind.NEEDS_YOU})), Looked(), here=False) == [asks]
    assert worth([done, done], Rules(), Looked(), here=False) == [done]


def test_who_is_here_is_known_by_the_focus_or_by_the_keys() -> None:
    rules = Rules(away_ms=10 * MINUTE)
    unknown = Presence()
    assert not unknown.is_here(NOW, rules)
    assert unknown.press(NOW).is_here(NOW + 59_000, rules)
    assert not unknown.press(NOW).is_here(NOW + 61_000, rules)
    assert unknown.gain(NOW).is_here(NOW + 9 * MINUTE, rules)
    assert not unknown.gain(NOW).is_here(NOW + 10 * MINUTE, rules), "nobody touches it any more"
    assert not unknown.gain(NOW).lose(NOW + 1).is_here(NOW + 2, rules)
    assert AWAY.press(NOW + 1).is_here(NOW + 2, rules), "whoever presses a key is here"


def test_one_is_away_from_the_first_moment_without_the_focus() -> None:
    rules = Rules(away_ms=10 * MINUTE)
    twice = AWAY.lose(NOW + 5 * MINUTE)
    assert twice.away(NOW + 10 * MINUTE - 1, rules) == 0
    assert twice.away(NOW + 10 * MINUTE, rules) == 10 * MINUTE
    assert twice.gain(NOW + MINUTE).away(NOW + 60 * MINUTE, rules) == 0


# -- in how many words


def test_a_burst_is_told_in_one_sentence() -> None:
    burst = [note(id_=f"sess_{n}") for n in range(50)]
    (only,) = said(burst)
    assert (only.title, only.text) == ("50 sessions completed", "sess_0, sess_1, sess_2 and 47 more")
    assert summed([only]) == (only.title, only.text)


def test_the_most_urgent_comes_first() -> None:
    found = said([note(), note(Kind.NEEDS_YOU, "sess_2", text="which?"), note(Kind.CRASHED, "sess_3")])
    assert [each.title for each in found] == ["sess_2 needs you", "sess_3 crashed", "sess_1 completed"]
    assert summed(found) == ("sess_2 needs you", "sess_3 crashed · sess_1 completed")


def test_a_digest_has_what_still_matters() -> None:
    here = mirror(session("sess_1", "ask", needs_input=ASKS), session("sess_2", "was answered"))
    log = [
        note(Kind.FAILED, "sess_9", at=NOW - MINUTE, name="before"),
        note(Kind.NEEDS_YOU, "sess_1", name="ask", text="which?"),
        note(Kind.NEEDS_YOU, "sess_2", name="was answered"),
        *(note(id_=f"sess_{n}") for n in range(5, 9)),
    ]
    assert digest(log, here, NOW) == [
        "◐ ask needs you: which?",
        "✓ 4 sessions completed: sess_5, sess_6, sess_7 and 1 more",
    ]
    assert digest(log, here, NOW + 1) == []
    assert [text for _, text in news(log, MOMENT)][-2:] == ["ask needs you: which?", "before failed"]


def test_reports_of_those_who_go_on_are_no_news() -> None:
    log = [note(Kind.FAILED, name="build"), *(note(Kind.PROGRESS, f"sess_{n}", text="half way") for n in range(3))]
    assert [text for _, text in news(log, MOMENT)] == ["build failed"]
    assert news(log[1:], MOMENT) == []


# -- what leaves the screen


@given(title=st.text(max_size=60), text=st.text(max_size=60))
@pytest.mark.parametrize("how", [Terminal.OSC9, Terminal.OSC777])
def test_no_text_ends_a_sequence_or_begins_another(how: Terminal, title: str, text: str) -> None:
    sequence = announcement(how, {}, title, text)
    inner = sequence.removeprefix(f"{ESC}]").removesuffix(BEL)
    assert not any(ord(char) < 32 or 127 <= ord(char) < 160 for char in inner)
    assert inner.startswith(("9;maestro", "777;notify;"))
    assert how is Terminal.OSC9 or inner.count(";") == 3


def test_hostile_titles_reach_the_terminal_as_words() -> None:
    sequence = announcement(Terminal.OSC9, {}, f"\x1b]52;c;aGk=\x07{HOSTILE}", "4;3;50")
    assert sequence.count(ESC) == 1
    assert sequence.count(BEL) == 1


def test_within_tmux_a_sequence_is_passed_through() -> None:
    sequence = announcement(Terminal.OSC777, {"TMUX": "/tmp/tmux-0/default,1,0"}, "a; b", "c")
    assert sequence == f"{ESC}Ptmux;{ESC}{ESC}]777;notify;a, b;c{BEL}{ESC}\\"


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"TERM": "linux"}, Terminal.OFF),
        ({}, Terminal.OFF),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"}, Terminal.OSC9),
        ({"TERM": "xterm-kitty", "KITTY_WINDOW_ID": "1"}, Terminal.OSC9),
        ({"TERM": "foot"}, Terminal.OSC777),
        ({"TERM": "rxvt-unicode-256color"}, Terminal.OSC777),
        ({"TERM": "xterm-256color", "VTE_VERSION": "7600"}, Terminal.OSC777),
        ({"TERM": "tmux-256color", "TMUX": "x"}, Terminal.OSC9),
    ],
)
def test_a_terminal_is_told_in_what_it_understands(environ: dict[str, str], expected: Terminal) -> None:
    assert spoken(environ) is expected
    assert bool(announcement(Terminal.AUTO, environ, "a", "b")) is (expected is not Terminal.OFF)
    assert announcement(Terminal.OFF, environ, "a", "b") == ""


def test_no_text_is_taken_for_an_option() -> None:
    assert arguments("--icon=/etc/passwd", "-rf $(id)") == (" --icon=/etc/passwd", " -rf $(id)")


# -- settings


def written(folder: Path, text: str) -> Preferences:
    (folder / "config.toml").write_text(text, encoding="utf-8")
    return preferences(folder)


def test_a_person_says_what_they_are_told_and_how(tmp_path: Path) -> None:
    found = written(
        tmp_path,
        '[tui.notify]\ncompleted = false\nprogress = true\nbell = false\nterminal = "osc777"\n'
        'command = ["notify-send", "--"]\nquiet = "22:00-07:30"\naway_minutes = 30\n',
    )
    assert found.trouble == ""
    rules = found.notify
    assert Kind.COMPLETED not in rules.kinds
    assert Kind.PROGRESS in rules.kinds
    assert rules.ways == frozenset(Way) - {Way.BELL}
    assert (rules.terminal, rules.command) == (Terminal.OSC777, ("notify-send", "--"))
    assert (rules.quiet, rules.away_ms) == (Quiet(22 * 60, 7 * 60 + 30), 30 * MINUTE)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('quiet = "25:00-7"', "tui.notify.quiet: '25:00-7' is no time of day"),
        ("quiet = 7", "tui.notify.quiet: Expected `str`"),
        ("bell = 1", "tui.notify.bell: Expected `bool`"),
        ('terminal = "loud"', "tui.notify.terminal: Invalid enum value 'loud'"),
        ('command = "notify-send"', "tui.notify.command: Expected `array`"),
        ('command = [""]', "its first word is the program"),
        ("away_minutes = 0", "takes 1 to 1440 minutes"),
        ("needs-you = true", "tui.notify has no 'needs-you'; there are needs_you, crashed"),
    ],
)
def test_a_bad_setting_is_told_and_everything_else_is_kept(tmp_path: Path, line: str, words: str) -> None:
    found = written(tmp_path, f'[tui]\ntheme = "ember"\n[tui.notify]\nmail = false\n{line}\n')
    assert words in found.trouble
    assert found.trouble.startswith(str(tmp_path / "config.toml"))
    assert found.theme == "ember"
    assert found.notify == Rules(kinds=Rules().kinds - {Kind.MAIL})


def test_what_is_no_table_is_told(tmp_path: Path) -> None:
    assert "tui.notify is no table" in written(tmp_path, "[tui]\nnotify = true\nstrict = true\n").trouble
    assert preferences(tmp_path).strict


def test_the_page_has_every_setting() -> None:
    page = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")
    own = ["toast", "bell", "terminal", "command", "quiet", "away_minutes", "theme", "strict", "reduced_motion", "keys"]
    assert [name for name in [*Kind, *own] if f"| `{name}` |" not in page] == []
