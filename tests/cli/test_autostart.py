"""The daemon is started when it is needed: once, cleanly, and with a reason when it cannot be."""

import json
import os
import signal
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.cli.program import Maestro, Said
from tests.support.daemon import home
from tests.support.eventually import eventually


@pytest.fixture
def fresh() -> Iterator[Maestro]:
    """The command in a home where nothing runs yet; what it starts is stopped at the end."""
    with home() as path:
        maestro = Maestro(path)
        try:
            yield maestro
        finally:
            killed(path)


def daemons(path: Path) -> list[psutil.Process]:
    """The daemons of a home."""
    found = []
    for process in psutil.process_iter():
        try:
            if "maestrod" in process.cmdline() and process.environ().get("MAESTRO_HOME") == str(path):
                found.append(process)
        except psutil.Error:
            continue
    return found


def killed(path: Path) -> None:
    """End the daemons of a home."""
    for process in daemons(path):
        process.kill()
    eventually(lambda: not daemons(path))


def at_once(maestro: Maestro, count: int, *words: str) -> list[Said]:
    """So many calls at the same moment."""
    said: list[Said] = []
    threads = [threading.Thread(target=lambda: said.append(maestro(*words))) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return said


def test_the_first_call_starts_the_daemon_and_the_next_finds_it(fresh: Maestro) -> None:
    first, second = fresh("status"), fresh("whoami", "--json")
    assert (first.code, first.err) == (0, "")
    assert second.code == 0
    assert len(daemons(fresh.home)) == 1


def test_of_many_at_once_one_starts_it(fresh: Maestro) -> None:
    said = at_once(fresh, 20, "whoami", "--json")
    assert [s for s in said if s.code != 0] == []
    assert len({json.dumps(s.data["daemon"]["pid"]) for s in said}) == 1  # type: ignore[index]
    assert len(daemons(fresh.home)) == 1


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="reads /proc")
def test_it_stands_on_its_own(fresh: Maestro) -> None:
    inner = {
        "MAESTRO_SESSION_ID": "sess_1",
        "MAESTRO_TASK_IDS": "t",
        "TMUX": "/tmp/x,1,0",
        "CLAUDECODE": "1",
        "KEY": "s",
    }
    assert fresh("status", env=inner).code == 0
    [process] = daemons(fresh.home)
    assert process.cwd() == "/"
    assert os.getsid(process.pid) == process.pid
    assert process.terminal() is None
    environ = process.environ()
    assert not {"MAESTRO_SESSION_ID", "MAESTRO_TASK_IDS", "TMUX", "CLAUDECODE", "KEY"} & set(environ)
    assert environ["MAESTRO_HOME"] == str(fresh.home)
    [standard] = {Path(f"/proc/{process.pid}/fd/{n}").readlink() for n in (1, 2)}
    assert standard == fresh.home / "logs" / "start.log"
    assert Path(f"/proc/{process.pid}/fd/0").readlink() == Path(os.devnull)


def test_what_it_leaves_is_readable_by_nobody_else(fresh: Maestro) -> None:
    assert fresh("status").code == 0
    for path in (fresh.home / "run", fresh.home / "logs"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    for path in (*(fresh.home / "run").iterdir(), *(fresh.home / "logs").iterdir()):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_one_that_was_killed_is_started_again(fresh: Maestro) -> None:
    assert fresh("status").code == 0
    killed(fresh.home)
    assert (fresh.home / "run" / "maestrod.sock").exists()
    assert fresh("status").code == 0
    assert len(daemons(fresh.home)) == 1


@pytest.mark.parametrize(
    ("words", "env"), [(("--no-start",), {}), ((), {"MAESTRO_NO_AUTOSTART": "1"})], ids=["flag", "variable"]
)
def test_it_is_not_started_when_that_is_forbidden(fresh: Maestro, words: tuple[str, ...], env: dict[str, str]) -> None:
    refused = fresh("status", "--json", *words, env={"MAESTRO_TIMEOUT": "0.2", **env})
    assert (refused.code, refused.error) == (5, "daemon_unreachable")
    assert "maestro daemon start" in str(refused.document["suggestion"])
    assert refused.document["retryable"] is True
    assert daemons(fresh.home) == []
    assert not (fresh.home / "run").exists()


def test_a_daemon_elsewhere_is_not_started(fresh: Maestro) -> None:
    elsewhere = fresh("status", "--server", f"unix:{fresh.home}/other.sock", env={"MAESTRO_TIMEOUT": "0.2"})
    assert elsewhere.code == 5
    assert daemons(fresh.home) == []


def test_one_that_cannot_start_says_why(fresh: Maestro) -> None:
    (fresh.home / "config").mkdir()
    (fresh.home / "config" / "config.toml").write_text('durability = "perhaps"\n')
    failed = fresh("status", "--json")
    assert (failed.code, failed.error) == (5, "daemon_not_started")
    assert "durability" in str(failed.document["message"])
    told = fresh("status")
    assert "durability" in told.err


def test_a_home_that_cannot_be_written_is_named(fresh: Maestro) -> None:
    (fresh.home / "run").write_text("in the way")
    failed = fresh("status", "--json")
    assert (failed.code, failed.error) == (5, "daemon_not_started")
    assert str(fresh.home / "run") in str(failed.document["message"])


def test_one_that_is_just_leaving_is_followed_by_the_next(fresh: Maestro) -> None:
    assert fresh("status").code == 0
    [leaving] = daemons(fresh.home)
    leaving.send_signal(signal.SIGTERM)
    assert [s for s in at_once(fresh, 4, "status") if s.code != 0] == []
    eventually(lambda: len([p for p in daemons(fresh.home) if p.pid != leaving.pid]) == 1)


def test_a_socket_path_that_is_too_long_is_no_obstacle(fresh: Maestro) -> None:
    long = fresh.home / ("x" * 90)
    long.mkdir()
    env = {"MAESTRO_HOME": str(long)}
    try:
        assert fresh("status", env=env).code == 0
        named = Path((long / "run" / "socket").read_text().strip())
        assert len(str(named)) <= 100
        assert stat.S_IMODE(named.parent.stat().st_mode) == 0o700
    finally:
        killed(long)


SYSTEMD_RUN = """#!/bin/sh
echo "$@" >> "$MAESTRO_HOME/systemd-run.txt"
[ -e "$MAESTRO_HOME/broken" ] && exit 1
while [ "${1#--}" != "$1" ]; do shift; done
exec "$@"
"""


@pytest.mark.parametrize("broken", [False, True])
def test_where_there_is_systemd_it_gets_a_scope_of_its_own(fresh: Maestro, broken: bool) -> None:
    runtime = fresh.home / "runtime"
    (runtime / "systemd").mkdir(parents=True)
    (runtime / "systemd" / "private").touch()
    script = fresh.home / "systemd-run"
    script.write_text(SYSTEMD_RUN)
    script.chmod(0o755)
    if broken:
        (fresh.home / "broken").touch()
    env = {"XDG_RUNTIME_DIR": str(runtime), "PATH": f"{fresh.home}:{os.environ['PATH']}"}
    assert fresh("status", env=env).code == 0
    assert "--user --scope" in (fresh.home / "systemd-run.txt").read_text()
    assert len(daemons(fresh.home)) == 1
