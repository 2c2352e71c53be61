"""PURE: what a screen is read by: rules as data, one document per provider, checked before they are used.

A document says where a provider's composer and dialogs are and which rows mean what. Patterns are regular
expressions of a bounded kind, so that no screen can make reading it slow.
"""

import re
import tomllib
import warnings
from typing import Annotated, Literal

import msgspec

from maestrod.watch.evidence import Doing

FORMAT = 1
SIZE = 64 * 1024
PATTERN = 300
REPEATS = 2
"""So many repeats without a small bound: the time for a row is at most a power of its length with this and one more."""
OPTIONALS = 8

Region = Literal["title", "bottom", "dialog", "composer", "footer", "above", "newest"]

_QUANTIFIER = re.compile(r"[*+?]|\{\d{0,4}(?:,\d{0,4})?\}")
_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
_Pattern = Annotated[str, msgspec.Meta(max_length=PATTERN)]


class BadRules(Exception):
    """A document cannot be used; the message says where and why."""


class Condition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Some row of a region matches; without ``match`` the region is there at all.

    ``rows`` are the last so many that are looked at, blank ones not counted.
    """

    region: Region = msgspec.field(name="in")
    match: _Pattern = ""
    rows: Annotated[int, msgspec.Meta(ge=1, le=40)] = 15


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What it means when all of ``all``, one of ``any`` (if there are some) and none of ``none`` hold.

    ``text`` stands for what the screen says; without it that is the dialog's question or the error's message.
    """

    name: _Name
    says: Doing
    kind: Annotated[str, msgspec.Meta(max_length=20)] = ""
    text: Annotated[str, msgspec.Meta(max_length=300)] = ""
    priority: int = 0
    all: tuple[Condition, ...] = ()
    any: tuple[Condition, ...] = ()
    none: tuple[Condition, ...] = ()


class Composer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where prompts are written: rows that begin so, between two drawn lines when ``boxed``, rows below it."""

    begins: _Pattern
    boxed: bool = False
    footer: Annotated[int, msgspec.Meta(ge=0, le=5)] = 0
    """So many rows stand below it at least; a dialog in its place has none there."""


class Dialogs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How choices look: the mark before the chosen one, and the row of keys below them, if there is one."""

    mark: Annotated[str, msgspec.Meta(min_length=1, max_length=4)]
    hint: _Pattern = ""
    bare: bool = False
    """The row of keys may be missing."""
    begins: _Pattern = ""
    """The first row of what is asked; otherwise it begins below a drawn line, or below the newest message."""
    heading: _Pattern = ""
    """A first row that is no part of the question, only a title above it."""


class RuleSet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that is known of one provider's screen; ``measured`` is the version of its program."""

    format: int
    provider: _Name
    measured: str = ""
    message: _Pattern = ""
    """How a row begins with which something new was said, done or told."""
    composer: Composer | None = None
    dialogs: Dialogs | None = None
    rules: Annotated[tuple[Rule, ...], msgspec.Meta(max_length=100)] = ()

    def by_priority(self) -> tuple[Rule, ...]:
        """The rules in the order in which they are asked: of equals the first comes first."""
        return tuple(sorted(self.rules, key=lambda rule: -rule.priority))


def parse(text: str) -> RuleSet:
    """Read a document of rules (TOML).

    Raises:
        BadRules: it is no such document, of another format, or has a pattern that could be slow.
    """
    if len(text) > SIZE:
        raise BadRules(f"is larger than {SIZE} characters")
    try:
        found = msgspec.convert(tomllib.loads(text), RuleSet)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, RecursionError) as error:
        raise BadRules(str(error)) from error
    if found.format != FORMAT:
        raise BadRules(f"is of format {found.format}; this program reads {FORMAT}")
    _check(found)
    return found


def patterns(provider: str, *, ready: str = "", working: str = "", waiting: str = "") -> RuleSet:
    """Rules for a program of which only a few patterns are known; each is looked for in the last five rows.

    Raises:
        BadRules: a pattern is none, or could be slow.
    """
    said = ((Doing.NEEDS_INPUT, waiting, "question"), (Doing.WORKING, working, ""), (Doing.IDLE, ready, ""))
    rules = tuple(
        Rule(name=doing.value, says=doing, kind=kind, all=(Condition("bottom", match, 5),))
        for doing, match, kind in said
        if match
    )
    found = RuleSet(format=FORMAT, provider=provider, rules=rules)
    _check(found)
    return found


def _check(rules: RuleSet) -> None:
    check(rules.message, "message")
    if rules.composer is not None:
        check(rules.composer.begins, "composer.begins")
    if rules.dialogs is not None:
        check(rules.dialogs.hint, "dialogs.hint")
        check(rules.dialogs.begins, "dialogs.begins")
        check(rules.dialogs.heading, "dialogs.heading")
    for rule in rules.rules:
        for condition in (*rule.all, *rule.any, *rule.none):
            check(condition.match, f"rule '{rule.name}'")
        if not rule.all and not rule.any:
            raise BadRules(f"rule '{rule.name}' has no condition that must hold")


def check(pattern: str, where: str) -> None:
    """Accept a pattern that is fast on every row.

    Raises:
        BadRules: it is no regular expression, repeats a group, refers back, or repeats too often.
    """
    try:
        with warnings.catch_warnings(action="error"):
            re.compile(pattern)
    except (re.error, OverflowError, RecursionError, Warning) as error:
        raise BadRules(f"{where}: {pattern!r} is no regular expression: {error}") from error
    repeats = optionals = at = 0
    before = ""
    while at < len(pattern):
        found = _QUANTIFIER.match(pattern, at) if before not in {"", "(", "|"} else None
        if found is None:
            before, at = _atom(pattern, at)
            if before == "reference":
                raise BadRules(f"{where}: {pattern!r} refers back to a group")
            continue
        if found[0] == "?":
            optionals += before != "quantifier"
        elif before == ")":
            raise BadRules(f"{where}: {pattern!r} repeats a group")
        elif before != "quantifier":
            repeats += 1
        before, at = "quantifier", found.end()
    if repeats > REPEATS or optionals > OPTIONALS:
        raise BadRules(f"{where}: {pattern!r} repeats more than {REPEATS} things, or has more than {OPTIONALS} options")


def _atom(pattern: str, at: int) -> tuple[str, int]:
    """What stands there, and where the next begins: a class or an escape is one thing."""
    char = pattern[at]
    if char == "\\":
        refers = pattern[at + 1 : at + 2].isdigit()
        return ("reference" if refers else "char"), at + 2
    if char == "[":
        return "char", _class_end(pattern, at)
    if pattern.startswith("(?P=", at) or pattern.startswith("(?(", at):
        return "reference", at + 1
    if pattern.startswith("(?", at):
        return "(", at + 2
    return (char if char in "()|" else "char"), at + 1


def _class_end(pattern: str, at: int) -> int:
    at += 2 if pattern[at + 1 : at + 2] == "^" else 1
    at += pattern[at : at + 1] == "]"
    while at < len(pattern) and pattern[at] != "]":
        at += 2 if pattern[at] == "\\" else 1
    return at + 1
