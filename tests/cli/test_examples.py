"""The two examples of every verb that is one request, and of those that only look, run against a real daemon."""

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from maestro_cli import reading
from maestro_cli.request import key
from maestro_cli.verbs import VERBS, Row
from tests.cli.faulty import LOOKING, Case, kind
from tests.cli.test_faults import House, called, wrong
from tests.support.daemon import daemon

ANSWERED = frozenset({0, 3, 6, 9})
"""Done; or what it is about is gone or cannot go there any more, for other examples came before."""
RUNNING = [row for row in VERBS if " " in row[2] or row[0] in LOOKING]


@pytest.fixture
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with daemon() as running:
        yield House(running, tmp_path_factory.mktemp("house"))


def spoken(row: Row, example: str, ids: Mapping[str, str], place: Path) -> tuple[str, ...]:
    """The words of an example, about things that there are."""
    words = shlex.split(example)[1:]
    said = reading.read(words)
    named: dict[str, str] = {}
    for param in row[4]:
        name, noun = kind(param)
        value = said.values.get(key(param))
        if name in ("id", "ids", "own"):
            waited_for = key(param) in ("depends_on", "on")
            named |= dict.fromkeys(
                value if isinstance(value, list) else [str(value)], ids["other" if waited_for else noun]
            )
        elif name == "path" and isinstance(value, str):
            named[value] = str(place)
    return tuple(",".join(named.get(part, part) for part in word.split(",")) for word in words)


def test_every_example_is_answered(house: House, tmp_path: Path) -> None:
    failures, done = [], 0
    at_hand = {"MAESTRO_SESSION_ID": house.ids["session"], "MAESTRO_TASK_IDS": house.ids["task"]}
    for row in RUNNING:
        for example in row[5]:
            if "--watch" in example or "--follow" in example:
                continue
            words = tuple(word for word in spoken(row, example, house.ids, tmp_path) if word != "--json")
            case = Case(row, words, ANSWERED, b"text")
            said = called(house.maestro, case, env=at_hand)
            failures += [text for text in [wrong(case, said)] if text]
            done += said.code == 0
    assert not failures, "\n".join(failures)
    assert done > len(RUNNING)


def test_every_verb_has_two_examples_and_each_is_another() -> None:
    assert [row[0] for row in VERBS if len({*row[5]}) != 2] == []
