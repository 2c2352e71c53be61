"""What is typed to an agent, by values: words of tmux, order, the Esc that is held back, and what did not arrive."""

import asyncio

import pytest

from maestro_tui import keyboard
from maestro_tui.keyboard import BATCH, LONGEST_PASTE, MOST, Batch, Ended, Keyboard, Paste, Undelivered, stroke
from maestro_tui.live_mode import Typing
from maestro_tui.view.live import typing_ended, typing_line
from tests.support.eventually import aeventually

STROKES = [
    ("a", "a", "a"),
    ("A", "A", "A"),
    ("semicolon", ";", ";"),
    ("é", "é", "é"),
    ("日", "日", "日"),
    ("zero_width_joiner", "\u200d", "\u200d"),
    ("space", " ", "Space"),
    ("enter", "\r", "Enter"),
    ("shift+enter", None, "M-Enter"),
    ("tab", "\t", "Tab"),
    ("shift+tab", None, "BTab"),
    ("backspace", "\x7f", "BSpace"),
    ("escape", "\x1b", "Escape"),
    ("up", None, "Up"),
    ("ctrl+shift+left", None, "C-S-Left"),
    ("alt+right", None, "M-Right"),
    ("pagedown", None, "NPage"),
    ("delete", None, "DC"),
    ("f5", None, "F5"),
    ("f13", None, "S-F1"),
    ("ctrl+f13", None, "C-S-F1"),
    ("ctrl+c", "\x03", "C-c"),
    ("ctrl+q", "\x11", "C-q"),
    ("ctrl+@", "\x00", "C-@"),
    ("ctrl+backslash", "\x1c", "C-\\"),
    ("ctrl+underscore", "\x1f", "C-_"),
    ("ctrl+alt+a", None, "C-M-a"),
    ("alt+a", "a", "M-a"),
    ("alt+shift+a", "A", "M-A"),
    ("ctrl+1", None, None),
    ("super+a", "a", None),
    ("left_shift", None, None),
    ("", "\ud800", None),
]


@pytest.mark.parametrize(("key", "character", "word"), STROKES)
def test_every_key_has_its_word_or_none(key: str, character: str | None, word: str | None) -> None:
    assert stroke(key, character) == word


def typed(keys: Keyboard, text: str) -> None:
    for char in text:
        keys.press(char, char)


def taken(keys: Keyboard) -> list[Batch]:
    return list(iter(keys.take, None))


def test_what_is_typed_is_given_out_in_order_and_once() -> None:
    keys = Keyboard()
    typed(keys, "ab")
    keys.paste("two\nlines")
    typed(keys, "c")
    assert taken(keys) == [("a", "b"), Paste("two\nlines"), ("c",)]
    assert taken(keys) == []


def test_no_batch_is_larger_than_the_daemon_takes() -> None:
    keys = Keyboard()
    typed(keys, "x" * (BATCH + 1))
    assert [len(batch) for batch in taken(keys) if isinstance(batch, tuple)] == [BATCH, 1]


def test_esc_is_held_back_until_another_key_or_time_tells_that_it_is_the_agents() -> None:
    keys = Keyboard()
    assert not keys.press("escape", "\x1b")
    assert keys.take() is None
    keys.press("a", "a")
    assert keys.take() == ("Escape", "a")
    keys.press("escape", "\x1b")
    keys.settle()
    assert keys.take() == ("Escape",)


def test_a_second_esc_leaves_and_none_of_the_two_is_the_agents() -> None:
    keys = Keyboard()
    typed(keys, "a")
    assert not keys.press("escape", "\x1b")
    assert keys.press("escape", "\x1b")
    assert taken(keys) == [("a",)]


def test_with_a_key_of_ones_own_to_leave_every_esc_is_the_agents_at_once() -> None:
    keys = Keyboard(("ctrl+g",))
    assert not keys.press("escape", "\x1b")
    assert not keys.press("escape", "\x1b")
    assert keys.press("ctrl+g", "\x07")
    assert taken(keys) == [("Escape", "Escape")]


class Agent:
    """Takes batches, or fails at one."""

    def __init__(self, fails_at: int = -1, undelivered: Undelivered | None = None) -> None:
        self.got: list[Batch] = []
        self.go = asyncio.Event()
        self.go.set()
        self._fails_at = fails_at
        self._undelivered = undelivered

    async def send(self, batch: Batch) -> Undelivered | None:
        await self.go.wait()
        self.got.append(batch)
        return self._undelivered if len(self.got) - 1 == self._fails_at else None


async def test_a_person_who_leaves_has_typed_to_the_end() -> None:
    agent = Agent()
    typing = Typing("ses_1", "fix", agent.send)
    typing.press("a", "a")
    typing.press("escape", "\x1b")
    assert typing.press("escape", "\x1b")
    assert await typing.run() == Ended()
    assert agent.got == [("a",)]


async def test_a_lone_esc_is_sent_after_a_moment() -> None:
    agent = Agent()
    typing = Typing("ses_1", "fix", agent.send)
    async with asyncio.TaskGroup() as group:
        group.create_task(typing.run())
        typing.press("escape", "\x1b")

        async def sent() -> bool:
            return agent.got == [("Escape",)]

        await aeventually(sent)
        typing.end()


@pytest.mark.parametrize("perhaps", [True, False])
async def test_what_failed_and_what_waited_is_counted_and_not_sent_again(*, perhaps: bool) -> None:
    agent = Agent(0, Undelivered("the daemon is not running", perhaps))
    agent.go.clear()
    typing = Typing("ses_1", "fix", agent.send)
    async with asyncio.TaskGroup() as group:
        typing.press("a", "a")
        typing.press("b", "b")
        running = group.create_task(typing.run())
        await asyncio.sleep(0)  # the first batch is under way
        typing.press("c", "c")
        typing.end("the connection to the daemon is lost")
        agent.go.set()
    ended = running.result()
    assert ended.reason == "the connection to the daemon is lost"
    assert (ended.lost, ended.perhaps) == ((1, 2) if perhaps else (3, 0))
    assert agent.got == [("a", "b")]


async def test_more_than_can_wait_ends_it() -> None:
    agent = Agent()
    typing = Typing("ses_1", "fix", agent.send)
    for _ in range(MOST):
        typing.press("a", "a")
    assert await typing.run() == Ended("it takes no more keys", MOST)
    assert agent.got == []


async def test_a_paste_that_is_too_long_is_not_begun() -> None:
    typing = Typing("ses_1", "fix", Agent().send)
    assert not typing.paste("x" * (LONGEST_PASTE + 1))
    assert typing.paste("x")


def test_the_footer_tells_the_way_out_at_every_width() -> None:
    for cells in (24, 40, 60, 120):
        line, hints = typing_line("fix-login", "Esc Esc", cells)
        text = "".join(span.text for span in line)
        assert "Esc Esc leaves" in text
        assert len(text) <= cells
        assert hints[0].action == "stop_typing"


@pytest.mark.parametrize(
    ("ended", "words"),
    [
        (Ended("the session has ended"), "All that you typed before was delivered."),
        (Ended("it is lost", 1), "1 key was not delivered, and will not be."),
        (Ended("it is lost", 3), "3 keys were not delivered, and will not be."),
        (Ended("it is lost", 0, 2), "Of 2 keys it is not known; nothing is sent again."),
    ],
)
def test_it_is_told_what_was_not_delivered(ended: Ended, words: str) -> None:
    assert typing_ended("fix\x1b[2J", ended)[-1] == words
    assert "\x1b" not in "".join(typing_ended("fix\x1b[2J", ended))


def test_the_words_are_those_that_tmux_knows() -> None:
    assert {word for _, _, word in STROKES if word is not None and len(word) > 1} >= {
        "Space",
        *keyboard._PLAIN.values(),
    }
