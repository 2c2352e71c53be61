"""What each provider shows: titles and screens by the patterns that were measured, at any width."""

import re
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maestro_cli.fake.arguments import FaceName
from maestro_cli.fake.cells import block, clean, clip, measure, pad, wrap
from maestro_cli.fake.face import Phase, View
from maestro_cli.fake.faces import face as face_of
from maestro_cli.fake.gemini import root_command
from maestro_cli.fake.moments import Question, Shell, Talk
from maestro_cli.fake.terminal import Live

FACES = get_args(FaceName)
PHASES = get_args(Phase)


def talk(**facts: str) -> Talk:
    known = {"session_id": "s", "transcript_path": "/t", "cwd": "/home/dev/g2", "turn_id": "t", "mode": "default"}
    return Talk(**{**known, "model": "m", "name": "a1", "prompt": "", **facts}, headless=False, at=0.0)


def text(live: Live) -> str:
    return "\n".join(row.text.rstrip() for row in live.rows)


def view(phase: Phase, **facts: Any) -> View:
    return View(phase, talk())._replace(**facts)


def asked(name: FaceName) -> View:
    dialog = face_of(name).permission(Shell("touch made.txt", "u"), talk(), 120)
    return view("asking", dialog=dialog, turns=1)


def test_claude_s_title_never_tells_the_state() -> None:
    claude = face_of("claude")
    titles = {claude.title(view("idle")), claude.title(view("working")), claude.title(asked("claude"))}
    assert titles == {"✳ a1"}
    assert claude.title(View("idle", talk(name=""))) == "✳ Claude Code"
    assert claude.title(view("starting")) is None


def test_codex_s_title_tells_the_state() -> None:
    codex = face_of("codex")
    assert codex.title(view("idle")) == "g2"
    assert codex.title(view("idle", turns=1)) == "Scripted session | g2"
    assert re.fullmatch(r"[⠀-⣿] Scripted session \| g2", codex.title(view("working", turns=1)) or "")
    frames = {codex.title(asked("codex")._replace(frame=frame)) for frame in range(8)}
    assert frames == {f"[ {mark} ] Action Required | Scripted session | g2" for mark in ".!"}


@pytest.mark.parametrize(
    ("phase", "begin"), [("idle", "◇  Ready (g2)"), ("working", "✦  Working… (g2)"), ("starting", "◇  Ready (g2)")]
)
def test_gemini_s_title_tells_the_state_in_80_characters(phase: Phase, begin: str) -> None:
    title = face_of("gemini").title(view(phase))
    assert title == begin.ljust(80)
    assert face_of("gemini").title(asked("gemini")) == "✋  Action Required (g2)".ljust(80)


@pytest.mark.parametrize(
    ("name", "phase", "pattern"),
    [
        ("claude", "idle", r"(?m)^❯\xa0?$[\s\S]*\? for shortcuts$"),
        ("claude", "working", r"(?m)^[·✢✳✶✻✽*] \w+… \(6s · ↓ 42 tokens\)$[\s\S]*esc to interrupt$"),
        ("codex", "idle", r"(?m)^› Ask Codex to do anything$"),
        ("codex", "working", r"(?m)^[•◦] Working \(6s • esc to interrupt\)$"),
        ("gemini", "idle", r"(?m)^ >   Type your message or @path/to/file$"),
        ("gemini", "working", r"\(esc to cancel, 6s\)"),
        ("plain", "idle", r"(?m)^ready>$"),
        ("plain", "working", r"(?m)^working 6s"),
    ],
)
def test_a_state_has_its_pattern(name: FaceName, phase: Phase, pattern: str) -> None:
    assert re.search(pattern, text(face_of(name).live(view(phase, elapsed_s=6.0), 120)))


def test_an_idle_claude_does_not_offer_to_interrupt() -> None:
    assert "esc to interrupt" not in text(face_of("claude").live(view("idle"), 120))


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("claude", (" Do you want to proceed?", " ❯ 1. Yes", "   3. No", " Esc to cancel · Tab to amend")),
        (
            "codex",
            (
                "  Would you like to run the following command?",
                "  $ touch made.txt",
                "› 1. Yes, proceed (y)",
                "  Press enter to confirm or esc to cancel",
            ),
        ),
        ("gemini", ("│ Allow execution of [Shell]?", "│ ● 1. Allow once", "│   3. No, suggest changes (esc)")),
    ],
)
def test_a_permission_dialog_has_its_lines(name: FaceName, lines: tuple[str, ...]) -> None:
    shown = [row.text for row in face_of(name).live(asked(name), 120).rows]
    for line in lines:
        assert any(row.rstrip(" │") == line.rstrip(" │") for row in shown), line


def test_claude_asks_a_question_as_measured() -> None:
    claude = face_of("claude")
    dialog = claude.question(Question("Shall I go on?", ("Yes", "No"), "u"), talk(), 120)
    shown = text(claude.live(view("asking", dialog=dialog), 120))
    assert "❯ 1. Yes\n  2. No\n  3. Type something.\n───" in shown
    assert "\n  4. Chat about this\n\nEnter to select · ↑/↓ to navigate · Esc to cancel\n" in shown


def test_codex_answers_questions_by_itself() -> None:
    assert face_of("codex").question(Question("?", ("Yes",), "u"), talk(), 120) is None


def test_claude_s_trust_dialog_begins_at_no() -> None:
    dialog = face_of("claude").trust(talk(), 120)
    assert dialog.options[dialog.start].answer == "leave"


def test_a_queued_prompt_is_shown_as_queued() -> None:
    shown = text(face_of("claude").live(view("working", queued=("\n".join(["line"] * 60),)), 120))
    assert "  … +49 lines\n  ⎿  Queued · ctrl+x ctrl+s to send now" in shown
    assert "Press up to edit queued messages" in shown


@pytest.mark.parametrize("name", FACES)
@pytest.mark.parametrize("phase", PHASES)
@given(draft=st.text(max_size=200), width=st.integers(20, 200), data=st.data())
def test_what_is_live_fits_the_width_and_has_its_cursor(
    name: FaceName, phase: Phase, draft: str, width: int, data: st.DataObject
) -> None:
    command = data.draw(st.text(max_size=100))
    dialog = face_of(name).permission(Shell(command, "u"), talk(), width) if phase == "asking" else None
    live = face_of(name).live(view(phase, draft=clean(draft), dialog=dialog, queued=(draft,)), width)
    assert 0 <= live.line < len(live.rows)
    assert 0 <= live.column < width
    assert not any("\n" in row.text for row in live.rows)


@pytest.mark.parametrize("name", FACES)
def test_a_hostile_folder_does_not_steer_the_title(name: FaceName) -> None:
    looking = View("working", talk(cwd="/x/a\x1b]2;evil\x07b\n\x9cc"), turns=1)
    title = face_of(name).title(looking) or ""
    assert not re.search(r"[\x00-\x1f\x7f-\x9f]", title)


@given(st.text(), st.integers(2, 60))
def test_cut_text_fits_and_loses_nothing(line: str, width: int) -> None:
    line = clean(line).replace("\n", " ")
    pieces = list(wrap(line, width))
    assert all(measure(piece) <= width for piece in pieces)
    assert "".join(pieces).replace(" ", "") == line.replace(" ", "")
    assert measure(clip(line, width)) <= width
    assert measure(pad(line, width)) == width


@given(st.text())
def test_clean_text_has_no_controls(dirty: str) -> None:
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", clean(dirty))


def test_a_very_long_text_is_counted_not_shown() -> None:
    rows = block("line\n" * 1000, first="> ", rest="  ", width=80)
    assert rows[-1].text == "  … +881 lines"
    assert len(block("x" * 300_000, first="> ", rest="  ", width=80)) < 200


@pytest.mark.parametrize(
    ("command", "roots"),
    [
        ("touch made.txt && sleep 3", "touch, sleep"),
        ("/usr/bin/python3 x.py", "/usr/bin/python3"),
        ("a | b; c > f", "a, b, c"),
        ("echo 'open", "echo"),
        ("", ""),
    ],
)
def test_gemini_lists_the_programs_of_a_command(command: str, roots: str) -> None:
    assert root_command(command) == roots
