"""Calls with one thing wrong, made from the table of verbs: a new verb is called so by itself.

A fault turns a row into cases; a case says which exit codes are right. Nothing of what is called here changes
anything, so that what the daemon holds afterwards is what it held before.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import NamedTuple

from maestro_cli.request import key
from maestro_cli.verbs import Param, Row

Fault = Callable[[Row, Mapping[str, str]], "Iterator[Case]"]

UNKNOWN = "zzzz-no-such-thing"
HOSTILE = "zz\x1b]0;title\x07\x1b[2J\u202e\r"
BROKEN = os.fsdecode(b"caf\xe9 \xff\xfe")
MUCH = b"x" * (1 << 20)
TOO_MUCH = b"y" * (11 << 20)
LONGEST_WORD = 120_000
"""What the kernel takes as one word of a command line is a little more."""

OTHERS = frozenset({"agent fake"})
"""Programs of their own: nothing of their line is ours to read."""
NEVER_FAIL = frozenset({"hook", "track-file"})
"""What agents' hooks call: exit 0, whatever happens."""
BRIEFS = frozenset({"prime", "worker init", "orchestrator init"})
"""What an agent is told: never answered with an error once it was understood."""
LOOKING = frozenset(
    {
        *("plan", "log", "project get", "task graph", "task tree", "worktree list", "worktree trash"),
        *("agent list", "agent plugin", "agent hooks status", "skill path", "backup list", "daemon status"),
        *("commands", "help exit-codes", "help man", "completion", *BRIEFS),
    }
)
"""Handlers that only look, and may therefore be called as they are."""
PANES = frozenset({"agent run"})
"""What runs in a session's window only, and says so elsewhere."""
ALSO: Mapping[str, dict[str, str | None]] = {"mail send": {"message": "words"}}
"""What a call needs though the table says that it may be left out."""
STREAMS = frozenset({"watch", "session watch"})


class Case(NamedTuple):
    """A line, what it reads, and how it may end."""

    row: Row
    words: tuple[str, ...]
    exits: frozenset[int]
    stdin: bytes = b""

    def __str__(self) -> str:
        shown = [word if len(word) < 60 else f"{word[:40]}…({len(word)})" for word in self.words]
        return f"maestro {' '.join(map(ascii, shown))}"


def kind(param: Param) -> tuple[str, str]:
    """The type of a parameter and what is in its brackets."""
    name, _, inside = param[1].partition("=")[0].rstrip("!?)").partition("(")
    return name, inside


def required(param: Param) -> bool:
    """Whether a call without it makes no sense where no session and no task is at hand."""
    own = param[1].startswith("own(") and not param[1].endswith("?")
    return own or param[1].partition("=")[0].endswith("!") or param[0][0] not in "-["


def right(param: Param, ids: Mapping[str, str]) -> str:
    """A value that the parameter takes."""
    name, inside = kind(param)
    match name:
        case "id" | "ids" | "own":
            return ids[inside]
        case "choice" | "choices":
            return inside.split(",")[0]
        case "int":
            return "1"
        case "duration" | "moment":
            return "2h"
        case "path":
            return "/nowhere/at/all"
        case _:
            return "words"


def line(row: Row, ids: Mapping[str, str], **given: str | None) -> tuple[str, ...]:
    """A call of the verb with all that it needs; ``given`` puts other values, None leaves one out."""
    positionals, options = [], []
    given = {**ALSO.get(row[0], {}), **given}
    for param in row[4]:
        name = key(param)
        first = param[0].partition("|")[0]
        if name in given:
            option = first if first.startswith("-") else f"--{name.replace('_', '-')}"
            options += [f"{option}={given[name]}"] if given[name] is not None else []
        elif required(param):
            value = right(param, ids)
            if first.startswith("-"):
                options.append(f"{first}={value}")
            else:
                positionals.append(value)
    return (*row[0].split(), *positionals, *options)


def _answer(row: Row, *exits: int) -> frozenset[int]:
    return frozenset({0}) if row[0] in NEVER_FAIL else frozenset({*exits, *([7] if row[0] in PANES else [])})


# -- what is wrong ------------------------------------------------------------------------------------


def wrong_type(row: Row, ids: Mapping[str, str]) -> Iterator[Case]:
    """A word where a number, a choice or a time belongs."""
    for param in row[4]:
        if kind(param)[0] in ("int", "duration", "moment", "choice", "choices"):
            for value in ("nonsense at all", "", "9" * 400):
                if value.isdecimal() and kind(param)[0] in ("int", "duration", "moment"):
                    continue
                if not value and param[1].endswith("?"):
                    continue
                yield Case(row, line(row, ids, **{key(param): value}), _answer(row, 2))


def without(row: Row, ids: Mapping[str, str]) -> Iterator[Case]:
    """Something that is needed is not there."""
    for param in row[4]:
        if required(param):
            yield Case(row, line(row, ids, **{key(param): None}), _answer(row, 2))


def unknown_option(row: Row, ids: Mapping[str, str]) -> Iterator[Case]:
    """An option that nobody declared."""
    yield Case(row, (*line(row, ids), "--no-such-option"), _answer(row, 2))
    exits = (2, 3) if any(kind(param)[0] == "texts" for param in row[4]) else (2,)
    yield Case(row, (*line(row, ids), "--json=maybe", "one", "too", "many", "words", "--", "-x"), _answer(row, *exits))


def unknown_id(row: Row, ids: Mapping[str, str]) -> Iterator[Case]:
    """Something that is not there is named."""
    for param in row[4]:
        if kind(param)[0] in ("id", "ids", "own"):
            exits = (0,) if row[0] in BRIEFS else (3,)
            yield Case(row, line(row, ids, **{key(param): UNKNOWN}), _answer(row, *exits))


def strange_words(row: Row, ids: Mapping[str, str]) -> Iterator[Case]:
    """What a terminal would obey, and what is no text at all."""
    for param in row[4]:
        if kind(param)[0] in ("id", "ids", "own"):
            exits = (0, 2) if row[0] in BRIEFS else (2, 3)
            yield Case(row, line(row, ids, **{key(param): HOSTILE}), _answer(row, *exits))
        if kind(param)[0] != "flag":
            yield Case(row, line(row, ids, **{key(param): BROKEN}), _answer(row, 2))


def huge_words(row: Row, ids: Mapping[str, str]) -> Iterator[Case]:
    """More than anybody would say: on the line, and by stdin."""
    gone = {key(p): UNKNOWN for p in row[4] if kind(p)[0] in ("id", "own") and required(p)}
    for param in row[4]:
        name, word = key(param), "x" * LONGEST_WORD
        if kind(param)[0] in ("id", "ids", "own"):
            exits = (0, 2) if row[0] in BRIEFS else (2, 3)
            yield Case(row, line(row, ids, **{name: word}), _answer(row, *exits))
        if kind(param)[0] == "int":
            yield Case(row, line(row, ids, **gone, **{name: "9" * 5000}), _answer(row, 2, 3))
        if kind(param)[0] == "long":
            yield Case(row, line(row, ids, **gone, **{name: "-"}), _answer(row, 2), TOO_MUCH)
            if gone:
                yield Case(row, line(row, ids, **gone, **{name: "-"}), _answer(row, 2, 3), MUCH)
                yield Case(row, line(row, ids, **gone, **{name: "-"}), _answer(row, 2, 3), b"a\0b\xff\xc3")


def from_stdin(row: Row, ids: Mapping[str, str]) -> Iterator[Case]:
    """A text that is to be read from a stdin that is not there."""
    for param in row[4]:
        if kind(param)[0] == "long":
            yield Case(row, line(row, ids, **{key(param): "-"}), _answer(row, 2))


def harmless(row: Row, ids: Mapping[str, str]) -> Iterator[Case]:
    """A call that changes nothing: right where the verb only looks, else about something that is not there."""
    if row[0] in STREAMS:
        yield Case(row, (*line(row, ids), "--count", "0"), _answer(row, 0))
    elif row[2].startswith("GET ") or row[0] in LOOKING:
        yield Case(row, line(row, ids), _answer(row, 0, 2, 3, 6))
    else:
        yield next(chain(unknown_id(row, ids), unknown_option(row, ids)))


FAULTS: Mapping[str, Fault] = {
    "a wrong type": wrong_type,
    "something missing": without,
    "an unknown option": unknown_option,
    "an unknown id": unknown_id,
    "strange words": strange_words,
    "huge words": huge_words,
}
