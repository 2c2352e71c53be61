"""The recorded screens, read by the shipped rules: as they are, wrapped, cropped, and quoted by somebody else."""

import re
from pathlib import Path

import pytest

import maestrod.watch
from maestrod.watch.evidence import Doing
from maestrod.watch.rules import parse, patterns
from maestrod.watch.screens import ROWS, TEXT, Reading, read
from tests.agents import corpus

RULES = {
    path.stem: parse(path.read_text(encoding="utf-8"))
    for path in (Path(maestrod.watch.__file__).parent / "screen_rules").glob("*.toml")
}
SCREENS = [pytest.param(*each, id=f"{each[0]}-{each[1]}") for each in corpus.screens()]
DIALOGS = [(provider, name) for provider, name, label in corpus.screens() if label.choices]
QUIET = [(provider, name) for provider, name, label in corpus.screens() if label.doing in {"idle", "working", "error"}]
COMPOSER = {"claude": r"─{20,}.*\n❯", "codex": r"› Ask Codex", "gemini": r"─{20,}\n Shift"}
"""Where the last part of each screen begins."""
DRAFT = {"claude": "❯", "codex": "›", "gemini": " >"}


def tight(text: str) -> str:
    return "".join(text.split())


def wrapped(screen: str, width: int) -> str:
    """The screen as a narrower pane shows it."""
    rows = (row[at : at + width].rstrip() for row in screen.split("\n") for at in range(0, max(len(row), 1), width))
    return "\n".join(rows)


def cropped(screen: str, height: int) -> str:
    """The last rows of what was drawn; a lower pane has no room for gaps."""
    return "\n".join(re.sub(r"\n(?: *\n){2,}", "\n\n", screen.rstrip()).split("\n")[-height:])


def composed(provider: str, screen: str) -> int:
    """Where the composer's part of a screen begins."""
    return [found.start() for found in re.finditer(COMPOSER[provider], screen)][-1]


@pytest.mark.parametrize("width", [120, 80])
@pytest.mark.parametrize(("provider", "name", "label"), SCREENS)
def test_a_recorded_screen_is_read_as_a_person_reads_it(
    provider: str, name: str, label: corpus.ScreenLabel, width: int
) -> None:
    screen = wrapped(corpus.screen(provider, name), width)
    seen = read(RULES[provider], screen, title=label.title, width=width)
    assert (seen.doing, seen.kind, tight(seen.text)) == (label.doing, label.kind, tight(label.text))
    assert [tight(choice.label) for choice in seen.choices] == [tight(choice) for choice in label.choices]


@pytest.mark.parametrize("width", [120, 80])
@pytest.mark.parametrize(("provider", "name", "label"), SCREENS)
def test_the_last_twenty_rows_say_the_same(provider: str, name: str, label: corpus.ScreenLabel, width: int) -> None:
    screen = cropped(wrapped(corpus.screen(provider, name), width), 20)
    seen = read(RULES[provider], screen, title=label.title, width=width)
    assert (seen.doing, seen.kind) == (label.doing, label.kind)
    assert [tight(choice.label) for choice in seen.choices] == [tight(choice) for choice in label.choices]
    assert tight(label.text).endswith(tight(seen.text)) or tight(seen.text) in tight(screen)
    assert bool(seen.text) == bool(label.text)


def test_the_choice_that_enter_would_take_is_known() -> None:
    found = {
        (provider, name): [
            n for n, c in enumerate(read(RULES[provider], corpus.screen(provider, name)).choices) if c.chosen
        ]
        for provider, name in DIALOGS
    }
    assert found.pop(("claude", "dialog-apikey")) == [1]
    assert all(chosen == [0] for chosen in found.values())


def test_numbers_are_those_that_keys_take() -> None:
    seen = read(RULES["claude"], corpus.screen("claude", "question"))
    assert [choice.number for choice in seen.choices] == [1, 2, 3, 4]
    assert [choice.number for choice in read(RULES["claude"], corpus.screen("claude", "dialog-trust")).choices] == [
        None
    ] * 2


@pytest.mark.parametrize(
    ("asked", "heading", "text"),
    [
        (" ☐ Pick\n\nShall I go on?", "☐ Pick", "Shall I go on?"),
        (" ☒ Pick\n\n☐ wash\n☐ dry\nWhich first?", "☒ Pick", "☐ wash ☐ dry Which first?"),
        (" ☐ Pick", "", "☐ Pick"),
        (f" ☐ {'wash ' * 20}\nWhich first?", "", f"☐ {'wash ' * 20}Which first?"),
        (" Shall I go on?\n ☐ Pick", "", "Shall I go on? ☐ Pick"),
    ],
)
def test_the_heading_above_a_question_is_no_part_of_it(asked: str, heading: str, text: str) -> None:
    seen = read(RULES["claude"], f"{'─' * 80}\n{asked}\n\n❯ 1. Yes\n  2. No\n\nEnter to select · Esc to cancel")
    assert (seen.kind, seen.heading, seen.text) == ("question", heading, text)


KEYS = " Esc to cancel · Tab to amend"
QUOTES = {
    "prose": "● The README says: Do you want to proceed? ❯ 1. Yes 2. No, and the agent waits for an answer.",
    "lines": "● It looks like this:\n\n  Do you want to proceed?\n  ❯ 1. Yes\n    2. No\n\n " + KEYS,
    "diff": "  12 +Do you want to proceed?\n  13 +❯ 1. Yes\n  14 +  2. No\n  15 +Enter to select · Esc to cancel",
    "bare": " Do you want to proceed?\n ❯ 1. Yes\n   2. No\n\n" + KEYS,
    "codex": "  Would you like to run it?\n\n› 1. Yes (y)\n  2. No\n\n  Press enter to confirm or esc to cancel",
    "gemini": "│ Allow execution of [Shell]?  │\n│ ● 1. Allow once │\n│   2. No, suggest changes │\n╰────────────╯",
}
QUOTES |= {f"{provider} {name}": corpus.screen(provider, name).rstrip() for provider, name in DIALOGS}


@pytest.mark.parametrize(("provider", "name"), QUIET)
def test_a_dialog_that_is_quoted_above_the_composer_is_none(provider: str, name: str) -> None:
    screen = corpus.screen(provider, name)
    at = composed(provider, screen)
    for quote, text in QUOTES.items():
        for gap in ("\n\n", "\n"):
            seen = read(RULES[provider], screen[:at] + text + gap + screen[at:], width=120)
            assert (seen.doing is Doing.NEEDS_INPUT, seen.choices) == (False, ()), quote


@pytest.mark.parametrize(("provider", "name"), QUIET)
def test_a_dialog_that_was_pasted_into_the_composer_is_none(provider: str, name: str) -> None:
    screen = corpus.screen(provider, name)
    mark = DRAFT[provider]
    at = screen.rindex(f"\n{mark}") + 1
    after = screen[screen.index("\n", at) :]
    for quote, text in QUOTES.items():
        seen = read(RULES[provider], f"{screen[:at]}{mark} {text.lstrip()}{after}", width=120)
        assert seen.doing is not Doing.NEEDS_INPUT, quote


def test_a_dialog_about_a_dialog_is_the_outer_one() -> None:
    screen = corpus.screen("claude", "permission")
    inner = " grep 'Do you want to proceed?\n ❯ 1. Yes\n   2. No\n Esc to cancel' README.md"
    seen = read(RULES["claude"], screen.replace(" touch made.txt && sleep 3\n╌", f"{inner}\n╌"))
    assert (seen.doing, seen.kind) == (Doing.NEEDS_INPUT, "permission")
    assert len(seen.choices) == 3


@pytest.mark.parametrize("word", ["Moonwalking", "Прогулка", "計算中", "x" * 60])
def test_the_word_beside_the_spinner_may_be_any(word: str) -> None:
    screen = corpus.screen("claude", "working").replace("Warping", word).replace(" · esc to interrupt", "")
    assert read(RULES["claude"], screen).doing is Doing.WORKING
    screen = corpus.screen("codex", "working").replace("Working", word)
    assert read(RULES["codex"], screen).doing is Doing.WORKING


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("You've hit your session limit · resets 3pm", "limit"),
        ("API Error: 429 Too Many Requests", "limit"),
        ("API Error: 401 invalid x-api-key", "auth"),
        ("Please run /login · API Error: 403", "auth"),
        ("API Error: 500 overloaded", "api"),
    ],
)
def test_an_error_is_of_a_kind(text: str, kind: str) -> None:
    screen = corpus.screen("claude", "api-error").replace("API Error: 400 stub 400", text)
    seen = read(RULES["claude"], screen)
    assert (seen.doing, seen.kind, seen.text) == (Doing.ERROR, kind, text)


HOSTILE = {
    "nothing": "",
    "a long row": "x" * 1_000_000,
    "a long row of marks": "❯ 1. " * 200_000,
    "a long drawn line": "─" * 1_000_000,
    "many rows": "● row\n" * 100_000,
    "many blank rows": "❯ 1. Yes\n" + "\n" * 100_000,
    "many choices": "".join(f"❯ {n}. Yes\n" for n in range(100_000)),
    "many drawn lines": "────\n❯\n" * 50_000,
    "controls": "".join(map(chr, range(32))) * 10_000,
    "sequences": "\x1b[" * 100_000 + "\x1b]0;" * 100_000 + "\x1b[38;5;1m❯",
    "surrogates": "\ud800❯ 1. Yes\udfff" * 10_000,
    "combining": "❯" + "\u0301" * 500_000,
    "almost a retry": "✻ " + "retrying in 1" * 50_000,
    "almost codex": "\n".join(["• " + "(" * 280, "", "› x", "", "? for shortcuts"]),
}


@pytest.mark.parametrize("screen", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("provider", corpus.PROVIDERS)
def test_no_screen_breaks_the_reading(provider: str, screen: str) -> None:
    seen = read(RULES[provider], screen, title=screen)
    assert isinstance(seen, Reading)
    assert len(seen.text) <= TEXT
    assert len(seen.choices) <= ROWS
    assert all(
        text.isprintable() for text in (seen.text, *(choice.label for choice in seen.choices)) if "\ud800" not in text
    )


def test_a_dead_pane_says_nothing_of_a_turn() -> None:
    screen = corpus.screen("claude", "idle").rstrip() + "\n\nPane is dead (status 0, Sat Nov 21 03:51:18 2026)"
    assert read(RULES["claude"], screen) == Reading(rule="the pane is dead")


def test_a_program_of_which_little_is_known_is_read_by_patterns() -> None:
    rules = patterns("plain", ready="^ready>", working=r"\(esc stops\)$", waiting=r"\?$")
    assert read(rules, "> do it\n\nworking 3s (esc stops)\n> ").doing is Doing.WORKING
    assert read(rules, "done in 3s\nready> ").doing is Doing.IDLE
    assert read(rules, "May this command run?\n  rm x\n> 1. yes\n  2. no").doing is Doing.NEEDS_INPUT
    assert read(rules, "Traceback (most recent call last)").doing is Doing.UNKNOWN
