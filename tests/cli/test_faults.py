"""Whatever is wrong with a call: one document, the right exit code, no traceback, and nothing has changed.

The short form calls every verb once with each fault, of its parameters one in turn; ``-m slow`` makes every call.
"""

import json
import os
import signal
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path

import psutil
import pytest

from maestro_cli.failures import exit_code
from maestro_cli.verbs import VERBS, Row
from tests.cli import faulty
from tests.cli.faulty import FAULTS, NEVER_FAIL, OTHERS, STREAMS, Case
from tests.cli.program import ARGV, LIMIT_S, Maestro, Said
from tests.support.daemon import Daemon, daemon
from tests.support.eventually import eventually

AT_ONCE = 3
ROWS = [row for row in VERBS if row[0] not in OTHERS]
QUIET = {"MAESTRO_NO_AUTOSTART": "1", "MAESTRO_TIMEOUT": "20"}
REDIRECTED = ("<&-", ">&-", "2>&-", ">&- 2>&- <&-")
LOCAL = frozenset({0, 1, 2, 3, 5, 6})


class House:
    """A daemon with one of everything in it, and the ids of that."""

    def __init__(self, served: Daemon, place: Path) -> None:
        self.daemon = served
        self.maestro = Maestro(served.home, cwd=place, env=QUIET)
        say = self.maestro
        project = say.id("project", "create", "House", "--dir", str(place))
        task, other = (say.id("task", "create", title) for title in ("Fix the login", "Write the docs"))
        spawned = say.ok("session", "spawn", "--task", f"{task},{other}", "--strategy", "queue", "--no-launch")
        assert isinstance(spawned, dict)
        session = spawned["session"]["id"]
        items = say.ok("queue", "list", "--session", session)
        mail = say.ok("mail", "send", session, "hello")
        assert isinstance(items, list)
        assert isinstance(mail, dict)
        self.ids = {
            "project": project,
            "task": task,
            "other": other,
            "session": session,
            "subtask": say.id("subtask", "create", task, "a step"),
            "item": items[0]["id"],
            "doc": say.id("task", "docs", "add", task, "Notes", "--content", "text"),
            "mail": mail["id"],
            "template": say.id("template", "create", "Terse", "--role", "worker", "--content", "{{ROLE}}"),
            "key": say.id("key", "create", "ci"),
        }

    def seq(self) -> object:
        """How many commits there are."""
        hello = self.daemon.ok("GET", "/hello")
        assert isinstance(hello, dict)
        return hello["seq"]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with daemon() as running:
        yield House(running, tmp_path_factory.mktemp("house"))


def wrong(case: Case, said: Said, *, exits: frozenset[int] | None = None, heard: bool = True) -> str:
    """What is wrong with an answer; empty when nothing is."""
    if said.code not in (exits or case.exits):
        return f"{case}: exit {said.code}, not {sorted(exits or case.exits)}: {said.out[-300:]}{said.err[-300:]}"
    if "Traceback" in said.err:
        return f"{case}: {said.err[-800:]}"
    if not heard or case.row[0] in NEVER_FAIL or (case.row[0] in STREAMS and said.code == 0):
        return ""
    try:
        document = json.loads(said.out)
        told = 0 if document["success"] else exit_code(document["error"].upper())
    except (ValueError, KeyError, TypeError) as error:
        return f"{case}: no document ({error!r}): {said!r}"
    if said.out.count("\n") != 1:
        return f"{case}: more than one line"
    usual = told == said.code or (told == 0 and said.code in (6, 9))
    return "" if usual else f"{case}: exit {said.code}, but {document.get('error')}"


def called(maestro: Maestro, case: Case, *, redirect: str = "", env: dict[str, str] | None = None) -> Said:
    """One call, to its end."""
    argv = [*ARGV, *case.words, *(() if "--" in case.words else ("--json",))]
    if "--" in case.words:
        place = len(ARGV) + case.words.index("--")
        argv[place:place] = ["--json"]
    ran = subprocess.run(
        ["sh", "-c", f'exec "$@" {redirect}', "sh", *argv] if redirect else argv,
        input=case.stdin,
        env=maestro.env | (env or {}),
        cwd=maestro.cwd,
        capture_output=True,
        timeout=LIMIT_S,
        check=False,
    )
    return Said(ran.returncode, ran.stdout, ran.stderr)


def all_right(house: House, cases: Iterable[Case], *, redirect: str = "") -> None:
    """Make all the calls; nothing has changed then."""
    before = house.seq()
    heard = not redirect.startswith(">&-")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = pool.map(
            lambda case: wrong(case, called(house.maestro, case, redirect=redirect), heard=heard), list(cases)
        )
        failures = [text for text in found if text]
    assert not failures, "\n".join(failures)
    assert house.seq() == before


def in_turn(rows: Sequence[Row], turn: int, of: int) -> list[Row]:
    """The rows whose turn it is."""
    return [row for place, row in enumerate(rows) if place % of == turn]


# -- the short form ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_answered_in_the_words_of_the_contract(house: House, name: str) -> None:
    made = [list(FAULTS[name](row, house.ids)) for row in ROWS]
    all_right(house, [cases[turn % len(cases)] for turn, cases in enumerate(made) if cases])


@pytest.mark.parametrize("redirect", REDIRECTED)
def test_streams_that_are_closed_harm_nothing(house: House, redirect: str) -> None:
    rows = in_turn(ROWS, REDIRECTED.index(redirect), len(REDIRECTED))
    all_right(house, (case for row in rows for case in faulty.harmless(row, house.ids)), redirect=redirect)


def test_a_stdin_that_is_closed_is_told_when_it_is_to_be_read(house: House) -> None:
    cases = chain.from_iterable(faulty.from_stdin(row, house.ids) for row in ROWS)
    all_right(house, list(cases)[::4], redirect="<&-")


def test_a_reader_that_is_gone_is_no_failure(house: House) -> None:
    unread(house, in_turn(ROWS, 0, 4))


def test_a_daemon_that_is_killed_in_mid_call_is_5(house: House) -> None:
    killed(house, in_turn(ROWS, 0, 10))


def test_a_home_that_cannot_be_is_told(house: House, tmp_path: Path) -> None:
    homeless(house, in_turn(ROWS, 1, 10), tmp_path)


# -- the long form ------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_of_every_verb(house: House, name: str) -> None:
    all_right(house, chain.from_iterable(FAULTS[name](row, house.ids) for row in ROWS))


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("redirect", REDIRECTED)
def test_every_verb_with_every_stream_closed(house: House, redirect: str) -> None:
    all_right(house, chain.from_iterable(faulty.harmless(row, house.ids) for row in ROWS), redirect=redirect)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_every_verb_without_a_reader_a_daemon_or_a_home(house: House, tmp_path: Path) -> None:
    unread(house, ROWS)
    for turn in range(10):
        killed(house, in_turn(ROWS, turn, 10))
    homeless(house, ROWS, tmp_path)


# -- faults of the world ------------------------------------------------------------------------------


def unread(house: House, rows: Sequence[Row]) -> None:
    """Nobody reads what is said: as in ``| head -c0``."""

    def one(case: Case) -> str:
        ours, theirs = os.pipe()
        os.close(ours)
        try:
            ran = subprocess.run(
                [*ARGV, *case.words, "--json"],
                env=house.maestro.env,
                cwd=house.maestro.cwd,
                stdin=subprocess.DEVNULL,
                stdout=theirs,
                stderr=subprocess.PIPE,
                timeout=LIMIT_S,
                check=False,
            )
        finally:
            os.close(theirs)
        said = Said(ran.returncode, b"", ran.stderr)
        return wrong(case, said, exits=case.exits | {0}, heard=False) or (f"{case}: {said.err}" if said.err else "")

    with ThreadPoolExecutor(AT_ONCE) as pool:
        cases = [case for row in rows for case in faulty.harmless(row, house.ids) if "--" not in case.words]
        failures = [text for text in pool.map(one, cases) if text]
    assert not failures, "\n".join(failures)


def killed(house: House, rows: Sequence[Row]) -> None:
    """The daemon takes the call and is gone before it answers."""
    before = house.seq()
    cases = [Case(row, faulty.line(row, house.ids), frozenset({5})) for row in rows if row[2].startswith(METHODS)]
    house.daemon.process.send_signal(signal.SIGSTOP)  # type: ignore[union-attr]
    processes = [
        subprocess.Popen(
            [*ARGV, *case.words, "--json"],
            env=house.maestro.env,
            cwd=house.maestro.cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for case in cases
    ]
    try:
        eventually(lambda: all(map(asks_or_ended, processes)), timeout=40, what="all have asked")
        house.daemon.kill()
        said = [Said(0, *process.communicate(timeout=LIMIT_S)) for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()
        if house.daemon.process is not None:
            house.daemon.kill()
        house.daemon.start()
    for one, process in zip(said, processes, strict=True):
        one.code = process.returncode
    failures = [text for case, one in zip(cases, said, strict=True) if (text := wrong(case, one))]
    assert not failures, "\n".join(failures)
    assert house.seq() == before


METHODS = ("GET ", "POST ", "PUT ", "PATCH ", "DELETE ")


def asks_or_ended(process: "subprocess.Popen[bytes]") -> bool:
    """Whether the process has ended, or waits for an answer."""
    if process.poll() is not None:
        return True
    try:
        seen = psutil.Process(process.pid)
        return seen.status() == psutil.STATUS_SLEEPING and bool(seen.net_connections("unix"))
    except psutil.Error:
        return process.poll() is not None


def homeless(house: House, rows: Sequence[Row], tmp_path: Path) -> None:
    """The home cannot be made: a file is in its place."""
    (tmp_path / "file").write_bytes(b"")
    env = {"MAESTRO_HOME": str(tmp_path / "file" / "home"), "MAESTRO_NO_AUTOSTART": "0"}
    cases = [case for row in rows for case in faulty.harmless(row, house.ids)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = pool.map(
            lambda case: wrong(case, called(house.maestro, case, env=env), exits=LOCAL | case.exits), cases
        )
        failures = [text for text in found if text]
    assert not failures, "\n".join(failures)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]


# -- what is covered ----------------------------------------------------------------------------------


def test_every_verb_has_faults_of_its_own() -> None:
    ids = dict.fromkeys(("project", "task", "session", "subtask", "item", "doc", "mail", "template", "key"), "x")
    for row in ROWS:
        made = list(chain.from_iterable(fault(row, ids) for fault in FAULTS.values()))
        assert len(made) >= 2, row[0]
        assert all(case.words[: len(row[0].split())] == tuple(row[0].split()) for case in made)
    assert {row[0] for row in VERBS} >= OTHERS | faulty.LOOKING | STREAMS


def test_an_answer_that_breaks_the_contract_would_be_seen() -> None:
    row = next(row for row in VERBS if row[0] == "task get")
    case = Case(row, ("task", "get", "x"), frozenset({3}))
    good = b'{"success":false,"error":"task_not_found"}\n'
    assert wrong(case, Said(3, good, b"")) == ""
    assert wrong(case, Said(1, good, b""))
    assert wrong(case, Said(3, good * 2, b""))
    assert wrong(case, Said(3, b"", b""))
    assert wrong(case, Said(3, good, b"Traceback (most recent call last)"))
    assert wrong(case, Said(3, b'{"success":false,"error":"bug"}\n', b""))
