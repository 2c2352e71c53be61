"""Bytes of a terminal become keys, and keys become a prompt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maestro_cli.fake.arguments import FaceName
from maestro_cli.fake.composer import Composer, Submission
from maestro_cli.fake.faces import face as face_of
from maestro_cli.fake.terminal import Key, KeyReader, Pasted, Pressed, Typed

ENTER = Pressed("enter")


def read(*pieces: bytes) -> list[Key]:
    reader = KeyReader()
    return [key for piece in pieces for key in reader.feed(piece)] + reader.settle()


def joined(keys: list[Key]) -> list[Key]:
    """Neighbouring characters as one."""
    whole: list[Key] = []
    for key in keys:
        if isinstance(key, Typed) and whole and isinstance(whole[-1], Typed):
            whole[-1] = Typed(whole[-1].text + key.text)
        else:
            whole.append(key)
    return whole


@pytest.mark.parametrize(
    ("data", "keys"),
    [
        (b"hi\r", [Typed("hi"), ENTER]),
        (b"\x03\x04\x15\x7f\n", [Pressed(n) for n in ("interrupt", "end", "erase", "backspace", "newline")]),
        (b"\x1b", [Pressed("escape")]),
        (b"\x1b\x1b[A", [Pressed("escape"), Pressed("up")]),
        (b"\x1b[A\x1bOB\x1b\r", [Pressed("up"), Pressed("down"), Pressed("newline")]),
        (b"\x1b[5~\x1b[1;5Cx\x1bq", [Pressed("other"), Pressed("other"), Typed("x"), Pressed("other")]),
        ("é…日".encode(), [Typed("é…日")]),
        (b"\xff\xfe", [Typed("\ufffd\ufffd")]),
        (b"\x1b[200~a\rb\r\nc\x1b[201~\r", [Pasted("a\nb\nc"), ENTER]),
        (b"\x1b[200~\x1b[A \x1b[200~\x1b[201~", [Pasted("\x1b[A \x1b[200~")]),
        (b"\x1b[" + b"1" * 100, [Pressed("other"), Typed("1" * 38)]),
        (b"\x01\x02", [Pressed("other"), Pressed("other")]),
    ],
)
def test_bytes_are_keys(data: bytes, keys: list[Key]) -> None:
    assert joined(read(data)) == keys


@given(
    st.lists(
        st.one_of(
            st.text(max_size=5).map(str.encode),
            st.sampled_from([b"\x1b[200~", b"\x1b[201~", b"\r", b"\x1b[A", b"\x03", b"\xe2\x80", b"\x1b[201", b"\x1b"]),
        ),
        max_size=12,
    ),
    st.data(),
)
def test_it_does_not_matter_how_bytes_are_cut(parts: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=6)))
    pieces = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    assert joined(read(*pieces)) == joined(read(whole))


def test_a_paste_larger_than_the_limit_is_cut_not_kept() -> None:
    reader = KeyReader()
    reader.feed(b"\x1b[200~")
    for _ in range(20):
        assert reader.feed(b"x" * (1024 * 1024)) == []
    (key,) = reader.feed(b"\x1b[201~")
    assert key == Pasted("x" * (16 * 1024 * 1024))


def composer(name: FaceName) -> Composer:
    return Composer(face_of(name))


def press(box: Composer, *keys: Key, at: float = 0.0) -> list[Submission]:
    return [sent for key in keys if (sent := box.press(key, at))]


def test_enter_sends_what_was_typed() -> None:
    assert press(composer("claude"), Typed("hello"), ENTER) == [Submission("hello")]


def test_an_empty_line_is_not_sent() -> None:
    assert press(composer("claude"), ENTER, Typed("  "), ENTER) == []


@pytest.mark.parametrize("name", ["claude", "codex"])
def test_claude_and_codex_take_an_enter_right_after_a_paste(name: FaceName) -> None:
    assert press(composer(name), Pasted("a\nb"), ENTER) == [Submission("a\nb", pasted=True)]


def test_gemini_swallows_an_enter_within_60_ms_of_a_paste() -> None:
    box = composer("gemini")
    text = "\n".join(f"line {n}" for n in range(60))
    assert box.press(Pasted(text), 1.0) is None
    assert box.press(ENTER, 1.059) is None
    assert box.draft == "[Pasted Text: 61 lines]"
    assert box.press(ENTER, 1.1) == Submission(text + "\n", pasted=True)


def test_gemini_takes_an_enter_60_ms_after_a_paste() -> None:
    box = composer("gemini")
    box.press(Pasted("x"), 1.0)
    assert box.press(ENTER, 1.061) == Submission("x", pasted=True)


@pytest.mark.parametrize(("name", "left"), [("claude", ""), ("codex", ""), ("gemini", "one\n")])
def test_ctrl_u_empties_two_lines_but_not_in_gemini(name: FaceName, left: str) -> None:
    box = composer(name)
    box.put("one\ntwo")
    press(box, *[Pressed("erase")] * 4)
    assert box.text == left


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("claude", "[Pasted text #1 +59 lines]"),
        ("codex", "[Pasted Content 539 chars]"),
        ("gemini", "[Pasted Text: 60 lines]"),
    ],
)
def test_a_long_paste_is_folded_and_sent_whole(name: FaceName, shown: str) -> None:
    box = composer(name)
    text = "\n".join(["12345678"] * 60)
    press(box, Typed("see "), Pasted(text))
    assert box.draft == f"see {shown}"
    assert press(box, ENTER, at=1.0) == [Submission(f"see {text}", pasted=True)]
    assert box.draft == ""


def test_backspace_takes_a_character_or_a_folded_paste() -> None:
    box = composer("claude")
    press(box, Typed("ab"), Pressed("backspace"))
    assert box.text == "a"
    press(box, Pasted("x\n" * 30), Pressed("backspace"))
    assert box.text == "a"
    press(box, *[Pressed("backspace")] * 3)
    assert box.text == ""


def test_control_characters_are_sent_but_not_shown() -> None:
    box = composer("claude")
    box.press(Pasted("a\x1b[2J\x07b"), 0.0)
    assert box.draft == "a\ufffd[2J\ufffdb"
    assert press(box, ENTER, at=1.0) == [Submission("a\x1b[2J\x07b", pasted=True)]
