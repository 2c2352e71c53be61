"""The table of verbs against what it speaks of: routes, commands, enums, handlers."""

import importlib
import inspect
import re
import shlex
from collections.abc import Callable

import pytest
from msgspec.structs import fields
from typer.main import get_command

from maestro_cli import corrections, reading, verbs
from maestro_cli.app import build
from maestro_cli.failures import EXITS, exit_code
from maestro_cli.request import build as request_of
from maestro_cli.request import field, key
from maestro_cli.verbs import VERBS, Row
from maestrod.domain import model
from maestrod.domain.registry import RULES
from maestrod.protocol.problems import STATUS
from maestrod.protocol.routes import LIVE_ROUTES, READS, WRITES, Read, Shape, Write

EXAMPLES = [(row, example) for row in VERBS for example in row[5]]
ROUTED = [row for row in VERBS if " " in row[2]]
HANDLED = [row for row in VERBS if " " not in row[2]]
FILLED = {
    "task": "taskId",
    "session": "sessionId",
    "project": "projectId",
    "subtask": "subtaskId",
    "item": "itemId",
} | {"doc": "docId", "mail": "mailId", "template": "templateId", "key": "keyId", "skill": "skill", "role": "role"}
LIVE_PARAMETERS = {
    "screen": {"colours"},
    "explain": set[str](),
    "checks": {"wait"},
    "skills": {"projectId"},
    "skill": {"projectId"},
    "skill_reload": {"projectId"},
}


def named(value: object) -> str:
    return value[0] if isinstance(value, tuple) else str(value)


def route_of(row: Row) -> Write | Read | str:
    method, path = row[2].split(" ")[:2]
    found: list[Write | Read | str] = [w for w in WRITES if (w.method, w.path) == (method, path)]
    found += [r for r in READS if (r.method, r.path) == (method, path)]
    found += [handler for verb, place, handler in LIVE_ROUTES if (verb, place) == (method, path)]
    assert len(found) == 1, row[2]
    return found[0]


def accepted_by(route: Write | Read | str) -> set[str]:
    match route:
        case Write(command=command):
            return {f.encode_name for f in fields(RULES[command].command)}
        case Read(filters=filters):
            return set(filters)
        case str():
            return LIVE_PARAMETERS[route]


def test_no_command_is_there_twice() -> None:
    names = [row[0] for row in VERBS]
    assert len(names) == len(set(names))


def test_no_command_is_the_beginning_of_another() -> None:
    names = [row[0] for row in VERBS]
    assert [a for a in names for b in names if b.startswith(a + " ")] == []


@pytest.mark.parametrize("row", VERBS, ids=named)
def test_every_noun_is_told_what_it_is(row: Row) -> None:
    noun = row[0].rpartition(" ")[0]
    assert noun == "" or noun in [name for name, _ in verbs.NOUNS]


@pytest.mark.parametrize("row", ROUTED, ids=named)
def test_every_route_exists_and_takes_what_is_sent(row: Row) -> None:
    route = route_of(row)
    sent = {field(param).partition("=")[0] for param in row[4]} | {c.partition("=")[0] for c in row[2].split(" ")[2:]}
    sent = {name.partition(".")[0] for name in sent if name != "-" and not name.startswith("header:")}
    holes = set(re.findall(r"{(\w+)}", row[2]))
    assert holes <= sent
    assert sent - holes <= accepted_by(route) - {FILLED[hole] for hole in holes}


@pytest.mark.parametrize("row", ROUTED, ids=named)
def test_what_a_command_must_be_told_is_asked_for(row: Row) -> None:
    route = route_of(row)
    if not isinstance(route, Write):
        return
    holes = set(re.findall(r"{(\w+)}", row[2]))
    sent = {field(param).partition("=")[0] for param in row[4]} | {c.partition("=")[0] for c in row[2].split(" ")[2:]}
    needed = {f.encode_name for f in fields(RULES[route.command].command) if f.required} - {FILLED[h] for h in holes}
    made_there = {"hash", "prefix"} if route.shape is Shape.SECRET else set()
    assert needed - made_there <= sent


@pytest.mark.parametrize("row", HANDLED, ids=named)
def test_every_handler_takes_a_call(row: Row) -> None:
    module, _, name = row[2].partition(":")
    handler = getattr(importlib.import_module(module), name)
    assert list(inspect.signature(handler).parameters) == ["call"]


@pytest.mark.parametrize("row", VERBS, ids=named)
def test_parameters_have_one_meaning_each(row: Row) -> None:
    spellings = [name for param in row[4] for name in param[0].split("|")]
    assert len(spellings) == len(set(spellings))
    own = {name for param in row[4] if param[1] != "project" for name in param[0].split("|")}
    assert not own & {name for param in verbs.GLOBALS for name in param[0].split("|")}
    keys = [key(param) for param in row[4]]
    assert len(keys) == len(set(keys))
    assert all(name.isidentifier() for name in keys)


@pytest.mark.parametrize("row", VERBS, ids=named)
def test_every_parameter_says_what_it_is(row: Row) -> None:
    assert row[1].endswith(".")
    for param in row[4]:
        assert param[3][:1].isupper(), param
        assert param[3].endswith((".", "…")), param


def test_the_choices_are_those_of_the_domain() -> None:
    assert verbs.TASK_STATUSES.split(",") == [status.value for status in model.TaskStatus]
    assert verbs.SESSION_STATUSES.split(",") == [status.value for status in model.SessionStatus]
    assert verbs.PRIORITIES.split(",") == [priority.value for priority in model.Priority]
    assert verbs.MODES.split(",") == [mode.value for mode in model.PermissionMode]
    assert verbs.SCOPES.split(",") == [scope.value for scope in model.Scope]
    assert verbs.STRATEGIES.split(",") == [strategy.value for strategy in model.Strategy]


@pytest.mark.parametrize(("row", "example"), EXAMPLES, ids=named)
def test_every_example_is_a_call_of_its_command(row: Row, example: str) -> None:
    words = shlex.split(example)
    assert words[0] == "maestro"
    said = reading.read(words[1:])
    assert said.row == row
    if " " in row[2]:
        assert "{" not in request_of(row, {"task": "x", "session": "y", **said.values}).path


Heard = list[tuple[str, dict[str, object]]]


@pytest.fixture(scope="module")
def other_reader() -> tuple[Callable[..., object], Heard]:
    """Typer's reader, built once, for that takes long; and what it read last."""
    heard: Heard = []

    def carry(found: Row, raw: dict[str, list[str]]) -> int:
        heard.append((found[0], dict(reading.values(found, raw))))
        return 0

    return get_command(build(carry)), heard


@pytest.mark.parametrize(("row", "example"), EXAMPLES, ids=named)
def test_both_readers_read_every_example_alike(
    row: Row, example: str, other_reader: tuple[Callable[..., object], Heard]
) -> None:
    command, heard = other_reader
    heard.clear()
    words = shlex.split(example)[1:]
    said = reading.read(words)
    ours = dict(said.values)
    globals_ = {name for param in verbs.GLOBALS if param[1] == "flag" for name in param[0].split("|")}
    if not any(param[1] == "rest" for param in row[4]):
        words = [word for word in words if word not in globals_]
    with pytest.raises(SystemExit) as ended:
        command(args=words, prog_name="maestro")
    assert not ended.value.code
    [(name, values)] = heard
    assert (name, {**values, "project": None}) == (row[0], {**ours, "project": None})


def test_other_spellings_lead_to_commands() -> None:
    words = {word for row in VERBS for word in row[0].split(" ")} | {row[0] for row in VERBS}
    words |= {noun for noun, _ in verbs.NOUNS}
    assert {part for _, own in verbs.SPELLINGS for part in own.split(" ")} <= words
    assert {f"task {verb}" for _, verb in verbs.MOVES} <= {row[0] for row in VERBS}
    assert sorted(status for status, _ in verbs.MOVES) == sorted(model.TaskStatus)


def test_a_declared_command_wins_over_another_spelling() -> None:
    for row in VERBS:
        words = row[0].split(" ")
        assert reading.find(words) == (row, len(words))
        assert corrections.spelled(words)[0] is not None


def test_every_error_of_the_daemon_has_its_exit_code() -> None:
    listed = {code for _, _, codes in EXITS for code in codes}
    assert set(STATUS) <= listed
    by_status = {
        400: 2,
        413: 2,
        415: 2,
        422: 2,
        401: 4,
        403: 4,
        404: 3,
        408: 8,
        409: 6,
        412: 6,
        503: 5,
        429: 1,
        431: 2,
        500: 1,
        502: 7,
    }
    for code, status in STATUS.items():
        assert exit_code(code) == by_status.get(status, 1), code


@pytest.mark.parametrize(("code", "exit_"), [("TASK_NOT_FOUND", 3), ("QUEUE_ITEM_NOT_FOUND", 3), ("WHAT", 1), ("", 1)])
def test_a_code_that_nobody_listed_is_1_or_not_found(code: str, exit_: int) -> None:
    assert exit_code(code) == exit_
