"""``status --watch``: shown again whenever something changes, as calmly as can be, whatever happens around it."""

import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from maestro_cli import texts
from maestro_cli.commands import live
from tests.cli.program import ARGV, LIMIT_S, Maestro
from tests.cli.test_output import Terminal
from tests.support.daemon import Daemon, daemon
from tests.support.eventually import eventually


@pytest.fixture
def own() -> Iterator[Daemon]:
    with daemon() as running:
        yield running


def placed(running: Daemon, tmp_path: Path) -> Maestro:
    maestro = Maestro(running.home, cwd=tmp_path, env={"MAESTRO_NO_AUTOSTART": "1"})
    maestro.ok("project", "create", "P", "--dir", str(tmp_path))
    return maestro


def documents(process: "subprocess.Popen[bytes]", count: int) -> list[dict[str, object]]:
    assert process.stdout is not None
    return [json.loads(process.stdout.readline()) for _ in range(count)]


def test_a_line_of_json_for_every_change_and_none_without(maestro: Maestro) -> None:
    with maestro.started("status", "--watch", "--json") as process:
        assert documents(process, 1)[0]["tasks"]["todo"] == 0  # type: ignore[index]
        maestro.ok("task", "create", "One")
        assert documents(process, 1)[0]["tasks"]["todo"] == 1  # type: ignore[index]
        maestro.ok("task", "edit", "one", "--title", "Another name")
        maestro.ok("task", "create", "Two")
        assert documents(process, 1)[0]["tasks"]["todo"] == 2  # type: ignore[index]
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=LIMIT_S)
    assert (process.returncode, out, err) == (130, b"", b"")


def test_it_goes_on_after_the_daemon_was_killed(own: Daemon, tmp_path: Path) -> None:
    maestro = placed(own, tmp_path)
    with maestro.started("status", "--watch", "--json") as process:
        documents(process, 1)
        assert process.stderr is not None
        own.kill()
        assert b"waiting" in process.stderr.readline()
        own.start()
        maestro.ok("task", "create", "One")
        while documents(process, 1)[0]["tasks"]["todo"] != 1:  # type: ignore[index]
            pass


def test_a_reader_that_goes_away_ends_it(maestro: Maestro) -> None:
    for words in (("status", "--watch"), ("status", "--watch", "--json")):
        with maestro.started(*words) as process:
            assert process.stdout is not None
            assert process.stdout.readline()
            process.stdout.close()
            assert process.wait(LIMIT_S) == 0
            assert process.stderr is not None
            assert process.stderr.read() == b""


def test_a_stdout_that_is_closed_ends_it(maestro: Maestro) -> None:
    for words in (("status", "--watch"), ("watch",)):
        ran = subprocess.run(
            ["sh", "-c", 'exec "$@" >&-', "sh", *ARGV, *words],
            env=maestro.env,
            cwd=maestro.cwd,
            capture_output=True,
            timeout=LIMIT_S,
            check=False,
        )
        assert (ran.returncode, ran.stderr) == (0, b"")


def test_a_refusal_is_told_as_ever(maestro: Maestro, alone: Maestro) -> None:
    assert maestro("status", "--watch", "--project", "never", "--json").error == "project_not_found"
    assert alone("status", "--watch", "--json").error == "daemon_unreachable"


def test_it_is_drawn_over_in_a_terminal_and_who_needs_you_stands_first(maestro: Maestro) -> None:
    maestro.ok("task", "create", "One")
    spawned = maestro.ok("session", "spawn", "--no-launch", "--name", "Ann")
    assert isinstance(spawned, dict)
    session = spawned["session"]["id"]
    with Terminal(maestro, "status", "--watch", columns=40) as terminal:
        eventually(lambda: "nobody needs you" in terminal.shown(), what="the first view")
        assert "sessions" in terminal.shown()
        maestro.ok("session", "needs-input", "Which of the two APIs is it to be, the old or the new one?",
                   "--session", session)  # fmt: skip
        eventually(lambda: "needs you:" in terminal.shown(), what="the next view")
        first = terminal.shown().rpartition("needs you:")[2]
        assert f"maestro session attach {session[-5:]}" in first
        assert first.index("attach") < first.index("tasks")
        plain = first.replace("\x1b[K", "").replace("\x1b[0m", "").replace("\x1b[J", "")
        assert all(len(line) <= 40 for line in plain.split("\r\n"))
        assert "\x1b[2J" not in terminal.shown()
        terminal.type("\x03")
        assert terminal.ended() == 130
    assert "Traceback" not in terminal.shown()


def test_a_dumb_terminal_gets_one_view_after_the_other(maestro: Maestro) -> None:
    with Terminal(maestro, "status", "--watch", env={"TERM": "dumb"}) as terminal:
        eventually(lambda: "nobody needs you" in terminal.shown(), what="the first view")
        maestro.ok("task", "create", "One")
        eventually(lambda: "1 todo" in terminal.shown(), what="the next view")
        assert "\x1b" not in terminal.shown()
        terminal.type("\x03")
        assert terminal.ended() == 130


def test_a_terminal_that_is_closed_ends_it(maestro: Maestro) -> None:
    with Terminal(maestro, "status", "--watch") as terminal:
        eventually(lambda: "nobody needs you" in terminal.shown(), what="the first view")
        terminal.close()
        assert terminal.ended() is not None


def test_many_events_at_once_are_few_views(maestro: Maestro) -> None:
    with maestro.started("status", "--watch", "--json") as process:
        documents(process, 1)
        items = [{"do": "create", "title": f"Task {n}"} for n in range(50)]
        busy = threading.Thread(
            target=lambda: [maestro.ok("task", "batch", stdin=json.dumps([item]).encode()) for item in items[:12]]
        )
        busy.start()
        seen: list[dict[str, object]] = []
        while not seen or seen[-1]["tasks"]["todo"] != 12:  # type: ignore[index]
            seen += documents(process, 1)
        busy.join()
        assert len(seen) <= 12


@pytest.mark.parametrize("columns", [12, 20, 40, 80])
def test_a_view_fits_its_terminal(columns: int) -> None:
    lines = ["needs you:", "  login  3m ago  " + "which of them " * 9, "    maestro session attach abcde", "", "x" * 99]
    fitted = live.fitted(lines, columns, 100)
    assert max(map(texts.cells, fitted)) <= columns
    assert "".join("".join(fitted).split()) == "".join("".join(lines).split())
    short = live.fitted(lines, columns, 5)
    assert len(short) == 4
    assert "more lines"[: columns - 6] in short[-1]
    assert os.linesep not in "".join(short)
