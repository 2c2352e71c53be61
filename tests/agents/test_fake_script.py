"""Scripts for the fake agent: what is read, and what is said about a line that cannot be."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maestro_cli.fake.script import (
    KNOWN,
    Ask,
    Background,
    BadScript,
    Crash,
    Exit,
    Hang,
    Http,
    IgnoreTerm,
    Kill,
    Loop,
    Permission,
    Run,
    Say,
    Script,
    Sleep,
    Slow,
    Spinner,
    Trust,
    Wait,
    directives,
    parse,
    standing,
)

EACH = [
    ("RUN: echo a: b", Run("echo a: b")),
    ("SAY: hello  there", Say("hello  there")),
    ("SLEEP: 0.5", Sleep(0.5)),
    ("SLOW: 20 0.1", Slow(20, 0.1)),
    ("SLOW: lines 20 0.1", Slow(20, 0.1)),
    ("PERMISSION: rm x", Permission("rm x")),
    ("ASK: go on? | yes | no | later", Ask("go on?", ("yes", "no", "later"))),
    ("ASK: go on?", Ask("go on?", ("Yes", "No"))),
    ("HTTP: 529 too busy", Http(529, "too busy")),
    ("HTTP: 400", Http(400, "scripted 400")),
    ("CRASH: 7", Crash(7)),
    ("CRASH:", Crash(3)),
    ("KILL:", Kill()),
    ("HANG:", Hang(None)),
    ("HANG: 2", Hang(2.0)),
    ("IGNORE_TERM:", IgnoreTerm()),
    ("BACKGROUND: server", Background("server")),
    ("SPINNER: Pondering", Spinner("Pondering")),
    ("EXIT: 4", Exit(4)),
    ("EXIT:", Exit(0)),
    ("WAIT: /tmp/x", Wait("/tmp/x")),
    ("  SAY: indented", Say("indented")),
]


@pytest.mark.parametrize(("line", "step"), EACH)
def test_each_directive_becomes_a_step(line: str, step: object) -> None:
    assert parse(line).turns == ((step,),)
    assert directives(line) == (step,)


def test_comments_and_blank_lines_are_skipped() -> None:
    assert parse("# first\n\n   \n  # then\nSAY: x\n") == Script(((Say("x"),),), trust=False)


def test_a_script_may_have_several_turns() -> None:
    assert parse("SAY: one\nTURN:\nSAY: two").turns == ((Say("one"),), (Say("two"),))


def test_trust_in_front_comes_before_everything() -> None:
    assert parse("TRUST:\nSAY: x") == Script(((Say("x"),),), trust=True)
    assert parse("SAY: x\nTRUST:") == Script(((Say("x"), Trust()),), trust=False)


def test_a_loop_repeats_up_to_its_end() -> None:
    script = parse("LOOP: 2\nSAY: a\nLOOP: 3 until 9, 5\nRUN: b\nEND:\nEND:\nSAY: c")
    inner = Loop(3, (9, 5), (Run("b"),))
    assert script.turns == ((Loop(2, (), (Say("a"), inner)), Say("c")),)


def test_a_loop_without_an_end_takes_the_rest() -> None:
    assert parse("LOOP: until 9\nRUN: b").turns == ((Loop(None, (9,), (Run("b"),)),),)


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ("SAY: x\nnonsense", 2, "not a directive: 'nonsense'"),
        ("SAY: x\n\n# c\nDANCE: now", 4, "unknown directive DANCE:"),
        ("say: x", 1, "not a directive"),
        ("SAY:", 1, "SAY: needs a text"),
        ("RUN:   ", 1, "RUN: needs a command"),
        ("SLEEP: soon", 1, "SLEEP: needs seconds"),
        ("SLEEP: -1", 1, "SLEEP: needs seconds"),
        ("SLEEP: nan", 1, "SLEEP: needs seconds"),
        ("SLEEP: inf", 1, "SLEEP: needs seconds"),
        ("SLOW: 3", 1, "SLOW: needs a number of lines"),
        ("SLOW: x 1", 1, "SLOW: needs a number"),
        ("HTTP: 200", 1, "HTTP: needs a number from 400 to 599"),
        ("CRASH: 256", 1, "CRASH: needs a number"),
        ("EXIT: ٣", 1, "EXIT: needs a number"),
        ("KILL: now", 1, "KILL: takes nothing"),
        ("ASK: | a", 1, "ASK: needs a question"),
        ("SAY: x\nEND:", 2, "END: without LOOP:"),
        ("SAY: x\nLOOP: 2", 2, "LOOP: has no steps"),
        ("LOOP: 2\nEND:", 2, "LOOP: has no steps"),
        ("LOOP: 0\nSAY: x", 1, "LOOP: needs a number"),
        ("LOOP: until\nSAY: x", 1, "until needs exit codes"),
        ("LOOP: 1\n" * 9 + "SAY: x", 9, "nested"),
        ("SAY: x\n" * 20_001, 20_001, "at most"),
    ],
)
def test_a_broken_line_is_named(text: str, line: int, word: str) -> None:
    with pytest.raises(BadScript) as caught:
        parse(text)
    assert caught.value.line == line
    assert word in str(caught.value)
    assert str(caught.value).startswith(f"line {line}: ")


def test_prose_in_a_prompt_is_not_a_script() -> None:
    assert directives("Please fix it.\nNOTE: the server\nSLEEP: well\nHTTP: codes\nTURN:\nEND:") == ()


def test_directives_are_found_between_prose() -> None:
    assert directives("Do this:\nRUN: make\nand then\nSAY: done\nThanks") == (Run("make"), Say("done"))


def test_an_empty_loop_in_a_prompt_is_dropped() -> None:
    assert directives("LOOP:\nLOOP: 3\nSAY: x") == (Loop(None, (), (Loop(3, (), (Say("x"),)),)),)
    assert directives("SAY: x\nLOOP:") == (Say("x"),)


def complaint(text: str) -> int:
    """The line that is complained about; 0 when there is none."""
    try:
        parse(text)
    except BadScript as bad:
        return bad.line
    return 0


@given(st.text(max_size=300))
def test_no_text_breaks_the_reader(text: str) -> None:
    directives(text)
    assert complaint(text) >= 0


@given(st.lists(st.sampled_from(["LOOP: 2", "LOOP:", "END:", "SAY: x", "TURN:", "TRUST:", "prose"]), max_size=20))
def test_no_order_of_loops_breaks_the_reader(lines: list[str]) -> None:
    directives("\n".join(lines))
    assert complaint("\n".join(lines)) <= len(lines)


PAGE = (Path(__file__).resolve().parents[2] / "docs" / "fake-agent.md").read_text(encoding="utf-8")


def test_the_page_names_every_directive_and_no_other() -> None:
    named = re.findall(r"^\| `([A-Z_]+):", PAGE, re.MULTILINE)
    assert {*named, "END"} == KNOWN


def test_the_page_s_example_can_be_played() -> None:
    (example,) = re.findall(r"^```text\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert [len(turn) for turn in parse(example).turns] == [7, 1]


def test_outside_a_session_there_is_nothing_to_do() -> None:
    assert standing({"MAESTRO_TASK_IDS": "T1"}) == ()


def test_each_task_is_started_reported_and_completed() -> None:
    steps = standing({"MAESTRO_SESSION_ID": "ses_1", "MAESTRO_TASK_IDS": "T1, T2;rm"})
    assert [step.command for step in steps if isinstance(step, Run)] == [
        "maestro task start T1",
        'maestro report progress "working on it" --task T1',
        "maestro task complete T1",
        "maestro task start 'T2;rm'",
        "maestro report progress \"working on it\" --task 'T2;rm'",
        "maestro task complete 'T2;rm'",
    ]


def test_a_queue_is_walked_until_it_is_empty() -> None:
    loop, *rest = standing(
        {"MAESTRO_SESSION_ID": "s", "MAESTRO_STRATEGY": "queue", "MAESTRO_BIN": "/opt/my tools/maestro"}
    )
    assert isinstance(loop, Loop)
    assert 9 in loop.until
    assert loop.body == (
        Run("'/opt/my tools/maestro' queue start --fail-empty"),
        Run("'/opt/my tools/maestro' queue complete"),
    )
    assert rest == [Say("The queue is empty.")]


def test_a_session_without_tasks_says_so() -> None:
    assert standing({"MAESTRO_SESSION_ID": "s"}) == (Say("There is no task for me."),)
