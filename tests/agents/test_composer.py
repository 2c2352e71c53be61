"""What is read from the end of an agent's screen."""

import pytest

from maestrod.watch.composer import asks, drafted, holds, is_same, standing

RULE = "─" * 40
CLAUDE = f"❯ first prompt\n\n● done\n\n{RULE}\n❯\u00a0{{}}\n{RULE}\n  ? for shortcuts\n"
CODEX = "› first prompt\n\n• done\n\n› {}\n\n  gpt default · /tmp\n  ? for shortcuts\n"
GEMINI = f" > first prompt\n\n✦ done\n\n ? for shortcuts\n{RULE}\n{'▄' * 40}\n > {{}}\n{'▀' * 40}\n /tmp  no sandbox\n"
SCREENS = [CLAUDE, CODEX, GEMINI]

PERMISSION = """\
● Bash(touch done)

 Do you want to proceed?
 ❯ 1. Yes
   2. Yes, and don't ask again
   3. No
 Esc to cancel
"""
BOXED = """\
╭──────────────────────────────╮
│ Allow execution of [Shell]?  │
│ ● 1. Allow once              │
│   2. No, suggest changes     │
╰──────────────────────────────╯
"""


@pytest.mark.parametrize("screen", SCREENS)
def test_the_last_prompt_mark_is_the_composer(screen: str) -> None:
    assert standing(screen.format("a draft")) == "a draft"
    assert standing(screen.format("")) == ""


@pytest.mark.parametrize("screen", SCREENS)
def test_a_submitted_prompt_is_not_taken_for_a_draft(screen: str) -> None:
    assert holds(screen.format(""), "first prompt") is False
    assert holds(screen.format("first prompt"), "first prompt") is True


@pytest.mark.parametrize("screen", SCREENS)
def test_a_folded_paste_still_stands_there(screen: str) -> None:
    assert holds(screen.format("[Pasted text #1 +30 lines]"), "one\ntwo") is True


def test_a_long_prompt_is_known_by_its_beginning() -> None:
    text = "Please have a look at the flaky login test and tell me what you think of it"
    assert holds(CODEX.format("Please have a look at the"), text) is True


def test_a_placeholder_is_no_draft() -> None:
    assert holds(CODEX.format("Ask Codex to do anything"), "go on") is False


@pytest.mark.parametrize(
    ("row", "x", "draft"),
    [
        ("❯\u00a0", 2, ""),
        ("❯\u00a0Press up to edit queued messages", 2, ""),
        ("› Ask Codex to do anything", 2, ""),
        (" >   Type your message or @path/to/file", 3, ""),
        ("❯\u00a0fix the", 9, "fix the"),
        ("› Ask Codex to do anything", 5, "Ask"),
        ("│ > hello │", 9, "hello"),
    ],
)
def test_what_stands_before_the_cursor_is_a_draft(row: str, x: int, draft: str) -> None:
    assert drafted(f"❯ first prompt\n\n{RULE}\n{row}\n{RULE}\n  foot", x, 3) == draft


def test_a_draft_of_several_lines_goes_to_the_cursor() -> None:
    screen = f"{RULE}\n❯\u00a0SAY: one\n  SAY: never\n{RULE}\n"
    assert drafted(screen, 12, 2) == "SAY: one\nSAY: never"
    assert is_same("You have 1 unread maestro\nmessage", "You have 1 unread maestro message")


@pytest.mark.parametrize(("screen", "x", "y"), [("", 0, 0), ("text\nmore", 3, 1), ("", 7, 30), ("a\n" * 90, 0, 85)])
def test_a_cursor_that_is_in_no_composer_says_nothing(screen: str, x: int, y: int) -> None:
    assert drafted(screen, x, y) is None


@pytest.mark.parametrize("screen", ["", "\n\n", "Loading…\n", "x" * 100_000, "\x1b[31m\n\0\n"])
def test_without_a_composer_nothing_is_said(screen: str) -> None:
    assert standing(screen) is None
    assert holds(screen, "go on") is None
    assert not asks(screen)


@pytest.mark.parametrize("screen", [PERMISSION, BOXED])
def test_a_numbered_choice_is_a_question(screen: str) -> None:
    assert asks(screen)


@pytest.mark.parametrize("screen", SCREENS)
def test_a_composer_is_no_question(screen: str) -> None:
    assert not asks(screen.format(""))
    assert not asks(screen.format("do 1. this and 2. that"))
