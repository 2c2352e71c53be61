"""Looking after the daemon from the command line."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.program import Maestro
from tests.support.daemon import Daemon, home
from tests.support.eventually import eventually


@pytest.fixture
def fresh() -> Iterator[Maestro]:
    with home() as path:
        maestro = Maestro(path, env={"MAESTRO_NO_AUTOSTART": "1"})
        try:
            yield maestro
        finally:
            maestro("daemon", "stop")


def pid_of(maestro: Maestro) -> int:
    data = maestro.ok("daemon", "status")
    assert isinstance(data, dict)
    return int(data["pid"])


def test_it_is_started_looked_at_restarted_and_stopped(fresh: Maestro) -> None:
    started = fresh.ok("daemon", "start")
    assert isinstance(started, dict)
    assert started["started"] is True
    again = fresh.ok("daemon", "start")
    assert isinstance(again, dict)
    assert (again["started"], again["pid"]) == (False, started["pid"])
    assert fresh("daemon", "status").out.startswith("daemon   ")
    assert fresh("daemon", "restart").code == 0
    assert pid_of(fresh) != started["pid"]
    stopped = fresh.ok("daemon", "stop")
    assert isinstance(stopped, dict)
    assert stopped["stopped"] is True
    assert fresh("daemon", "status").code == 5


def test_stopping_what_does_not_run_succeeds(fresh: Maestro) -> None:
    said = fresh("daemon", "stop")
    assert (said.code, said.out) == (0, "not running\n")


def test_restarting_what_does_not_run_starts_it(fresh: Maestro) -> None:
    assert fresh("daemon", "restart").code == 0
    assert fresh("daemon", "status").code == 0


def test_what_was_answered_is_still_there_after_a_restart(fresh: Maestro, tmp_path: Path) -> None:
    fresh.ok("daemon", "start")
    project = fresh.id("project", "create", "Kept", "--dir", str(tmp_path))
    fresh.ok("daemon", "restart")
    data = fresh.ok("project", "get", project)
    assert isinstance(data, dict)
    assert data["name"] == "Kept"


def test_the_daemon_of_another_home_is_left_alone(fresh: Maestro) -> None:
    for verb in ("start", "stop", "restart"):
        refused = fresh("daemon", verb, "--server", "unix:/tmp/elsewhere.sock", "--json")
        assert (refused.code, refused.error) == (2, "usage")


def test_an_agent_may_not_stop_it(fresh: Maestro, tmp_path: Path) -> None:
    fresh.ok("daemon", "start")
    fresh.ok("project", "create", "P", "--dir", str(tmp_path))
    task = fresh.id("task", "create", "T", cwd=tmp_path)
    spawned = fresh.ok("session", "spawn", "--task", task, "--no-launch", cwd=tmp_path)
    assert isinstance(spawned, dict)
    session = spawned["session"]["id"]
    daemon = Daemon(fresh.home)
    daemon.ok("POST", f"/sessions/{session}/launch", {"holder": "a test"})
    pane = {"MAESTRO_SESSION_ID": session, "MAESTRO_CREDENTIAL_FILE": f"{fresh.home}/run/sessions/{session}/cred"}
    refused = fresh("daemon", "stop", "--json", env=pane)
    assert (refused.code, refused.error) == (4, "forbidden")
    assert fresh("daemon", "status").code == 0


def test_its_log_is_shown_and_followed(fresh: Maestro) -> None:
    assert fresh("daemon", "logs").code == 3
    fresh.ok("daemon", "start")
    lines = fresh("daemon", "logs").out.splitlines()
    assert any("serving" in line for line in lines)
    records = fresh.ok("daemon", "logs", "-n", "1")
    assert isinstance(records, list)
    assert len(records) == 1
    with fresh.started("daemon", "logs", "--follow", "-n", "1", "--json") as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["level"]
        with (fresh.home / "logs" / "maestrod.log").open("a") as log:
            log.write('{"level":"info","event":"a new line"}\n')
        assert json.loads(process.stdout.readline())["event"] == "a new line"
        process.kill()


def test_a_log_that_is_rotated_is_still_followed(fresh: Maestro) -> None:
    fresh.ok("daemon", "start")
    path = fresh.home / "logs" / "maestrod.log"
    with fresh.started("daemon", "logs", "--follow", "-n", "1") as process:
        assert process.stdout is not None
        process.stdout.readline()
        path.rename(path.with_suffix(".log.1"))
        path.write_text("plain text \x1b[31m of a new file\n")
        assert process.stdout.readline() == b"plain text [31m of a new file\n"
        process.kill()


def test_its_process_is_really_gone_when_stop_returns(fresh: Maestro) -> None:
    fresh.ok("daemon", "start")
    pid = pid_of(fresh)
    fresh.ok("daemon", "stop")
    assert not (fresh.home / "run" / "maestrod.sock").exists()
    eventually(lambda: not lives(pid))


def lives(pid: int) -> bool:
    import psutil

    try:
        os.kill(pid, 0)
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except (ProcessLookupError, psutil.Error):
        return False


def damaged_record(maestro: Maestro) -> Path:
    """Three projects on the disk, the second of which is damaged; the daemon was killed."""
    maestro.ok("daemon", "start")
    for name in ("One", "Two", "Three"):
        (maestro.home / name).mkdir()
        maestro.ok("project", "create", name, "--dir", str(maestro.home / name))
    os.kill(pid_of(maestro), signal.SIGKILL)
    eventually(lambda: maestro("daemon", "status").code == 5)
    (segment,) = (maestro.home / "data" / "journal").glob("*.jsonl")
    segment.write_bytes(segment.read_bytes().replace(b'"name":"Two"', b'"name":"2wo"', 1))
    return segment


def test_a_damaged_disk_is_looked_at_and_repaired(fresh: Maestro) -> None:
    segment = damaged_record(fresh)
    refused = fresh("daemon", "start")
    assert refused.code == 5
    assert "maestro daemon repair --dry-run" in refused.err
    before = segment.read_bytes()
    would = fresh("daemon", "repair", "--dry-run")
    assert (would.code, would.err) == (0, "")
    assert would.out.startswith(f"damaged: {segment}: record 2 at byte ")
    assert "lost: commits 2 to 3\n" in would.out
    assert segment.read_bytes() == before
    done = fresh.ok("daemon", "repair")
    assert isinstance(done, dict)
    assert (done["kept"], done["repaired"]) == (1, True)
    assert before in [Path(path).read_bytes() for path in done["quarantine"]]
    fresh.ok("daemon", "start")
    projects = fresh.ok("project", "list")
    assert isinstance(projects, list)
    assert [project["name"] for project in projects] == ["One"]
    busy = fresh("daemon", "repair", "--json")
    assert (busy.code, busy.error) == (6, "conflict")


def test_a_disk_of_which_nothing_can_be_kept_is_left_as_it_is(fresh: Maestro) -> None:
    segment = damaged_record(fresh)
    segment.write_bytes(b"\0" + segment.read_bytes()[1:])
    before = segment.read_bytes()
    refused = fresh("daemon", "repair", "--json")
    assert (refused.code, refused.error) == (1, "io_error")
    assert "restore a backup" in str(refused.document["message"])
    details = refused.document["details"]
    assert isinstance(details, list)
    assert [fault["seq"] for fault in details] == [1]
    assert segment.read_bytes() == before


def test_a_home_that_cannot_be_looked_at_says_why(fresh: Maestro) -> None:
    (fresh.home / "data").write_text("not a folder")
    (fresh.home / "run").mkdir(exist_ok=True)
    (fresh.home / "run" / "lock").mkdir()
    refused = fresh("daemon", "repair", "--json")
    assert (refused.code, refused.error) == (1, "io_error")
    assert "lock" in str(refused.document["message"])
