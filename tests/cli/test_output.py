"""What is written where: results on stdout, all else on stderr, whatever hangs on the other end."""

import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import termios
from pathlib import Path
from typing import Self

import pytest

from tests.cli.program import ARGV, LIMIT_S, Maestro
from tests.cli.raw_server import RawServer, answer, ok
from tests.support.eventually import eventually

HOSTILE = "evil \x1b]0;title\x07\x1b[31m \u202e name"


class Terminal:
    """A call in a terminal of its own: what it shows is gathered, and keys can be pressed."""

    def __init__(self, maestro: Maestro, *words: str, columns: int = 80, env: dict[str, str] | None = None) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self._process = subprocess.Popen(
            [*ARGV, *words],
            env=maestro.env | {"TERM": "xterm-256color"} | (env or {}),
            cwd=maestro.cwd,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            preexec_fn=own_terminal,
        )
        os.close(theirs)
        self._raw = b""
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait(LIMIT_S)
        self.close()

    def shown(self) -> str:
        """All that was shown so far."""
        while not self._closed and select.select([self._ours], [], [], 0)[0]:
            try:
                part = os.read(self._ours, 65536)
            except OSError:
                break
            if not part:
                break
            self._raw += part
        return self._raw.decode("utf-8", "replace")

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._ours, keys.encode())

    def close(self) -> None:
        """Close the window."""
        if not self._closed:
            self.shown()
            self._closed = True
            os.close(self._ours)

    def ended(self) -> int:
        """Its exit code, when it has ended."""
        eventually(lambda: (self.shown(), self._process.poll())[1] is not None, timeout=LIMIT_S, what="it ends")
        return self._process.wait()


def own_terminal() -> None:
    """Make stdin the terminal that Ctrl+C comes from."""
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def in_terminal(maestro: Maestro, *words: str, columns: int = 80, env: dict[str, str] | None = None) -> str:
    """What a call shows in a terminal of its own."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(
        [*ARGV, *words],
        env=maestro.env | {"TERM": "xterm-256color"} | (env or {}),
        cwd=maestro.cwd,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    shown = b""
    try:
        shown = drained(ours)
        process.wait(LIMIT_S)
    finally:
        process.kill()
        os.close(ours)
    return shown.decode()


def drained(ours: int) -> bytes:
    """All that comes until the other side is closed."""
    shown = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:
            break
        if not part:
            break
        shown += part
    return shown


@pytest.fixture
def tasks(maestro: Maestro) -> Maestro:
    maestro.ok("task", "create", "A rather long title for a task that shall not fit" + " and goes on" * 5)
    maestro.ok("task", "start", "a-rather-long")
    return maestro


def test_a_terminal_gets_colours_and_what_is_piped_stays_plain(tasks: Maestro) -> None:
    assert "\x1b[32min_progress\x1b[0m" in in_terminal(tasks, "task", "list")
    assert "\x1b" not in tasks("task", "list").out


@pytest.mark.parametrize(
    ("words", "env"),
    [
        (("--no-color",), {}),
        (("--no-colour",), {}),
        (("--json",), {}),
        ((), {"NO_COLOR": "1"}),
        ((), {"TERM": "dumb"}),
    ],
)
def test_colours_are_left_out_where_nobody_wants_them(
    tasks: Maestro, words: tuple[str, ...], env: dict[str, str]
) -> None:
    assert "\x1b" not in in_terminal(tasks, "task", "list", *words, env=env)
    assert "\x1b" not in in_terminal(tasks, "task", "get", "nothing-there", *words, env=env)


def test_errors_are_red_in_a_terminal(tasks: Maestro) -> None:
    assert "\x1b[31merror:\x1b[0m" in in_terminal(tasks, "task", "get", "nothing-there")


@pytest.mark.parametrize("columns", [20, 40, 60, 80])
def test_a_table_fits_into_a_narrow_terminal(tasks: Maestro, columns: int) -> None:
    lines = in_terminal(tasks, "task", "list", "--no-color", columns=columns).splitlines()
    assert max(map(len, lines)) <= columns
    assert sum("A rather" in line and line.endswith("…") for line in lines) == 1
    assert "in_progress" in " ".join(lines)
    assert len(lines) == 2 if columns >= 60 else len(lines) <= 3


def test_a_terminal_without_a_size_is_taken_as_usual(tasks: Maestro) -> None:
    assert "A rather long title" in in_terminal(tasks, "task", "list", columns=0)


def test_what_others_wrote_cannot_steer_the_terminal(alone: Maestro) -> None:
    task = {"id": HOSTILE, "title": HOSTILE, "status": HOSTILE, "description": HOSTILE, "labels": [HOSTILE]}
    place = alone.home / "s"
    with RawServer(place, [ok(json.dumps(task).encode())]):
        got = in_terminal(alone, "task", "get", "x", "--server", f"unix:{place}", "--no-color")
    assert "evil" in got
    refusal = {"code": "CONFLICT", "message": HOSTILE, "hint": HOSTILE}
    with RawServer(alone.home / "r", [answer("409 Conflict", json.dumps(refusal).encode())]):
        got += in_terminal(alone, "task", "get", HOSTILE, "--server", f"unix:{alone.home}/r", "--no-color")
    assert "error: evil" in got
    assert "\x1b" not in got
    assert "\u202e" not in got


@pytest.mark.parametrize(
    "env", [{"LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, {"PYTHONIOENCODING": "ascii"}]
)
def test_a_stdout_that_knows_no_unicode_is_no_obstacle(maestro: Maestro, env: dict[str, str]) -> None:
    maestro.ok("task", "create", "Ünïcödé 日本")
    shown = maestro("task", "list", env=env)
    assert shown.code == 0
    assert b"Unicode \\u65e5\\u672c" in shown.raw or "Ünïcödé 日本".encode() in shown.raw
    assert "Ünïcödé-neu" in maestro.ok("task", "create", "Ünïcödé-neu", env=env)["title"]  # type: ignore[index]
    failed = maestro("task", "get", "Ünïcödé-never", env=env)
    assert (failed.code, "Traceback" in failed.err) == (3, False)
    assert json.loads(maestro("task", "list", "--json", env=env).raw)["data"][0]["title"] == "Ünïcödé 日本"


@pytest.mark.parametrize(
    "words", [("task", "list"), ("task", "list", "--json"), ("task", "lst", "--json"), ("--help",), ("commands",)]
)
def test_a_reader_that_goes_away_is_no_failure(tasks: Maestro, words: tuple[str, ...]) -> None:
    with tasks.started(*words) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
        assert process.wait(LIMIT_S) in (0, 1, 2)


@pytest.mark.parametrize("redirect", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
def test_streams_that_are_closed_from_the_start_are_no_failure(tasks: Maestro, redirect: str) -> None:
    ran = subprocess.run(
        ["sh", "-c", f'"$@" {redirect}', "sh", *ARGV, "task", "list"],
        env=tasks.env,
        cwd=tasks.cwd,
        capture_output=True,
        check=False,
        timeout=LIMIT_S,
    )
    assert ran.returncode == 0
    assert b"Traceback" not in ran.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a disk that is always full is a Linux thing")
@pytest.mark.parametrize("words", [("task", "list"), ("task", "list", "--json")])
def test_a_full_disk_is_told(tasks: Maestro, words: tuple[str, ...]) -> None:
    with Path("/dev/full").open("wb") as full:
        ran = subprocess.run(
            [*ARGV, *words],
            env=tasks.env,
            cwd=tasks.cwd,
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
            timeout=LIMIT_S,
        )
    assert ran.returncode == 1
    assert b"Traceback" not in ran.stderr
    if "--json" not in words:
        assert b"No space left" in ran.stderr


def test_an_interrupt_is_130_and_quiet(maestro: Maestro) -> None:
    with maestro.started("watch", "--after", "0", "--json") as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 130
    assert err == b""


@pytest.mark.parametrize("words", [("--version",), ("--version", "--json"), ("task", "list", "--version")])
def test_the_version_is_told_without_a_daemon(alone: Maestro, words: tuple[str, ...]) -> None:
    said = alone(*words)
    assert said.code == 0
    assert "0." in said.out


@pytest.mark.parametrize(
    "words", [(), ("--help",), ("help",), ("task", "--help"), ("task", "create", "-h"), ("help", "task", "create")]
)
def test_help_is_told_without_a_daemon(alone: Maestro, words: tuple[str, ...]) -> None:
    said = alone(*words)
    assert said.code == 0
    assert "Usage: maestro" in said.out
    assert "\x1b" not in said.out


def test_every_command_tells_its_parameters_and_two_examples(alone: Maestro) -> None:
    said = alone("session", "spawn", "--help").out
    assert "--keep-open" in said
    assert said.count("    maestro session spawn ") == 2


def test_nobody_answering_is_5_for_people_and_scripts(alone: Maestro) -> None:
    told = alone("task", "list")
    assert (told.code, told.out) == (5, "")
    assert "maestro daemon start" in told.err
    assert alone("task", "list", "--json").error == "daemon_unreachable"


def test_what_nobody_foresaw_is_a_sentence_and_the_traceback_on_demand(alone: Maestro) -> None:
    strange = {"MAESTRO_API_KEY": "a\nb"}
    said = alone("status", "--server", "http://127.0.0.1:1", env=strange)
    assert said.code == 1
    assert said.err.startswith("error: ValueError: a line break")
    assert alone("status", "--server", "http://127.0.0.1:1", "--json", env=strange).error == "bug"
    assert "Traceback" in alone("status", "--server", "http://127.0.0.1:1", env=strange | {"MAESTRO_LOG": "debug"}).err


def test_all_commands_are_told_as_data(alone: Maestro) -> None:
    data = alone.ok("commands", "task", "docs")
    assert isinstance(data, dict)
    assert [command["command"] for command in data["commands"]] == ["task docs add", "task docs list"]
    title = data["commands"][0]["parameters"][1]
    assert (title["name"], title["required"], title["positional"]) == ("TITLE", True, True)
    assert alone("commands", "nonsense").code == 3
    assert len(alone("commands").out.splitlines()) > 60


def test_the_exit_codes_are_told(alone: Maestro) -> None:
    rows = alone.ok("help", "exit-codes")
    assert isinstance(rows, list)
    assert [row["exit"] for row in rows] == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 130]
