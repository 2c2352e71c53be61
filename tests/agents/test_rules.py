"""Documents of screen rules: what is accepted, and that nothing slow is."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maestrod.watch.rules import PATTERN, SIZE, BadRules, check, parse, patterns
from maestrod.watch.screens import COLUMNS

HEAD = 'format = 1\nprovider = "mine"\n'
RULE = '[[rules]]\nname = "ready"\nsays = "idle"\nall = [{ in = "bottom", match = "^ready>" }]\n'


def test_a_document_of_rules_is_read() -> None:
    rules = parse(HEAD + RULE)
    assert (rules.provider, rules.rules[0].name, rules.rules[0].all[0].region) == ("mine", "ready", "bottom")


def test_rules_are_asked_by_priority_and_then_in_their_order() -> None:
    def rule(name: str, priority: int) -> str:
        return RULE.replace("ready", name) + f"priority = {priority}\n"

    rules = parse(HEAD + rule("low", 1) + rule("first", 5) + rule("second", 5))
    assert [each.name for each in rules.by_priority()] == ["first", "second", "low"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "format = 1",
        "{not toml",
        "\x00",
        HEAD.replace("1", "2"),
        HEAD.replace("1", '"1"'),
        HEAD + "surprise = 1",
        HEAD + RULE.replace("idle", "done"),
        HEAD + RULE.replace("idle", "completed"),
        HEAD + RULE.replace("bottom", "top"),
        HEAD + RULE.replace("^ready>", "("),
        HEAD + RULE.replace("^ready>", "(a+)+$"),
        HEAD + RULE.replace("^ready>", "x" * (PATTERN + 1)),
        HEAD + '[[rules]]\nname = "always"\nsays = "working"\n',
        HEAD + '[[rules]]\nname = "never"\nsays = "working"\nnone = [{ in = "bottom" }]\n',
        HEAD + RULE * 101,
        HEAD + "# " + "x" * SIZE,
        HEAD + "message = '(x*)*'",
        HEAD + "[composer]\nbegins = '(x*)*'",
        HEAD + "[dialogs]\nmark = '>'\nhint = '(x*)*'",
        HEAD + "x = " + "[" * 10_000,
    ],
)
def test_a_document_that_cannot_be_used_is_refused(text: str) -> None:
    with pytest.raises(BadRules):
        parse(text)


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+$",
        "(a|a)*b",
        "(a{1,9}){9}",
        "(?:a*)+",
        r"(a)\1",
        "(?P<x>a)(?P=x)",
        "a*b*c*",
        "a?" * 9 + "a" * 9,
        "[",
        "(",
        "a{2}{3}",
        "x" * 20 + "*" * 2,
        "a{99999999999999999999}",
    ],
)
def test_a_pattern_that_could_be_slow_is_refused(pattern: str) -> None:
    with pytest.raises(BadRules):
        check(pattern, "here")


@pytest.mark.parametrize(
    "pattern", ["", "^ready>", r"\(esc, \d+s\)", "[*+?]{2}", "a.*b.*", "(?:one|two)?", r"\*\*", "[]*]x", "[^]*]", "a*?"]
)
def test_a_pattern_that_is_fast_is_accepted(pattern: str) -> None:
    check(pattern, "here")


@given(st.text(alphabet="ab(|)*+?{}[]^$.\\1,", max_size=40))
def test_what_is_accepted_comes_to_an_end_on_every_row(pattern: str) -> None:
    try:
        check(pattern, "here")
    except BadRules:
        return
    compiled = re.compile(pattern)
    for row in ("a" * COLUMNS, "ab" * (COLUMNS // 2), "a" * COLUMNS + "b"):
        compiled.search(row)


def test_patterns_alone_make_rules() -> None:
    assert [rule.says for rule in patterns("mine", ready="^>", working="busy").rules] == ["working", "idle"]
    with pytest.raises(BadRules):
        patterns("mine", waiting="(")
