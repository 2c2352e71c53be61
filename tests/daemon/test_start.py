"""Starting and stopping: settings, one daemon per home, sockets, and what a start finds on the disk."""

import hashlib
import json
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from maestrod.store.journal import Journal
from tests.daemon.scene import Json, Scene
from tests.support.daemon import Daemon, daemon, home
from tests.support.eventually import eventually


@pytest.fixture
def place() -> Iterator[Path]:
    with home() as path:
        yield path


@pytest.fixture
def fresh() -> Iterator[Scene]:
    with daemon() as running:
        yield Scene(running)


def configured(place: Path, text: str | bytes) -> Daemon:
    (place / "config").mkdir(exist_ok=True)
    (place / "config" / "config.toml").write_bytes(text.encode() if isinstance(text, str) else text)
    return Daemon(place)


# -- settings -------------------------------------------------------------------------------------


def test_settings_come_from_the_file_and_the_environment_wins(place: Path) -> None:
    running = configured(place, 'stream_clients = 1\nlog = "debug"\nlog_format = "console"\nnobody_knows = 1\n')
    running.env["MAESTRO_STREAM_CLIENTS"] = "2"
    running.start()
    try:
        with running.connect() as one, running.connect() as two, running.connect() as three:
            answers = [_upgraded(connection) for connection in (one, two, three)]
        assert answers == [101, 101, 409]
        assert " INFO maestrod.app serving" in running.log()
    finally:
        running.kill()


def _upgraded(connection: socket.socket) -> int:
    connection.sendall(
        b"GET /api/v1/events HTTP/1.1\r\nHost: m\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    return int(connection.recv(4096).split(b" ")[1])


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('durability = "never"', "durability"),
        ('log = "loud"', "log"),
        ("snapshot_every = 1", "snapshot_every"),
        ('stream_clients = "many"', "stream_clients"),
        ("idle_end_s = -1\nlease_s = 0", "lease_s"),
        ("stream_clients = ", "config.toml"),
        ("[half", "config.toml"),
        (b"\xff\xfe", "config.toml"),
    ],
)
def test_a_wrong_setting_ends_the_start_and_is_named(place: Path, text: str | bytes, named: str) -> None:
    code, said = configured(place, text).attempt()
    assert code == 2
    assert named in said
    assert "Traceback" not in said
    assert not (place / "data").exists()


def test_a_wrong_environment_is_named(place: Path) -> None:
    code, said = Daemon(place, env={"MAESTRO_ARRIVAL_S": "soon"}).attempt()
    assert (code, "arrival_s" in said) == (2, True)


@pytest.mark.parametrize("args", [["--listen", "0.0.0.0:80"], ["--listen", "nonsense"], ["--colour", "red"], ["extra"]])
def test_a_wrong_call_ends_with_2(place: Path, args: list[str]) -> None:
    code, said = Daemon(place, args=args).attempt()
    assert code == 2
    assert "Traceback" not in said


def test_the_home_may_be_named_on_the_command_line(place: Path) -> None:
    running = Daemon(place, args=["--home", str(place)])
    del running.env["MAESTRO_HOME"]
    running.start()
    try:
        assert running.ok("GET", "/hello")["home"] == str(place)  # type: ignore[index]
    finally:
        running.kill()


# -- one daemon per home --------------------------------------------------------------------------


def test_a_second_daemon_ends_and_names_the_first(fresh: Scene) -> None:
    code, said = fresh.daemon.attempt()
    assert code == 6
    assert f"process {fresh.daemon.pid}" in said
    assert "Traceback" not in said
    assert fresh.call("GET", "/health").status == 200


def test_of_many_starts_at_once_one_wins(place: Path) -> None:
    daemon_ = Daemon(place)
    command = [sys.executable, "-m", "maestrod"]
    started = [subprocess.Popen(command, env=daemon_.env, cwd="/", stderr=subprocess.PIPE, text=True) for _ in range(5)]
    try:
        losers = eventually(lambda: _ended(started, 4), timeout=30)
        assert [process.returncode for process in losers] == [6, 6, 6, 6]
        eventually(lambda: daemon_.call("GET", "/health").status == 200)
    finally:
        for process in started:
            process.terminate()
            process.communicate(timeout=20)


def _ended(processes: list[subprocess.Popen[str]], count: int) -> list[subprocess.Popen[str]]:
    ended = [process for process in processes if process.poll() is not None]
    return ended if len(ended) >= count else []


def test_a_stale_socket_and_a_stale_lock_are_no_obstacle(fresh: Scene) -> None:
    project = fresh.project()
    fresh.daemon.kill()
    assert fresh.daemon.socket.exists()
    assert (fresh.daemon.home / "run" / "lock").read_text()
    fresh.daemon.start()
    assert fresh.ok("GET", f"/projects/{project['id']}") == project


def test_shells_that_know_other_run_folders_share_no_data(place: Path) -> None:
    env = {
        **os.environ,
        "HOME": str(place),
        "XDG_DATA_HOME": str(place / "share"),
        "XDG_STATE_HOME": str(place / "state"),
    }
    env.pop("XDG_RUNTIME_DIR", None)
    argv = [sys.executable, "-m", "maestrod"]
    runtime = place / "runtime"
    runtime.mkdir(mode=0o700)
    with subprocess.Popen(argv, env={**env, "XDG_RUNTIME_DIR": str(runtime)}, stderr=subprocess.PIPE) as first:
        try:
            eventually(lambda: (runtime / "maestro" / "maestrod.sock").exists(), what="the first one serves")
            second = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=30, check=False)
        finally:
            first.terminate()
    assert second.returncode == 6
    assert "XDG_RUNTIME_DIR" in second.stderr
    assert "Traceback" not in second.stderr


def test_a_killed_daemon_is_followed_at_once_and_a_stopped_one_leaves_no_socket(fresh: Scene) -> None:
    for _ in range(3):
        fresh.daemon.kill()
        fresh.daemon.start()
    assert fresh.daemon.stop() == 0
    assert not fresh.daemon.socket.exists()


# -- sockets --------------------------------------------------------------------------------------


def test_the_socket_and_all_folders_are_the_users_alone(fresh: Scene) -> None:
    fresh.session()
    assert stat.S_IMODE(fresh.daemon.socket.stat().st_mode) == 0o600
    made = [p for p in fresh.daemon.home.rglob("*") if p.name != "stderr.txt"]
    open_to_others = [p for p in made if stat.S_IMODE(p.lstat().st_mode) & 0o077]
    assert open_to_others == []


def test_a_socket_path_that_is_too_long_is_replaced_and_named(place: Path) -> None:
    deep = place / ("d" * 60) / ("e" * 30)
    deep.mkdir(parents=True)
    wanted = deep / "run" / "maestrod.sock"
    digest = hashlib.sha256(os.fsencode(wanted)).hexdigest()[:16]
    running = Daemon(deep)
    running.socket = Path(f"/tmp/maestro-{os.getuid()}/{digest}.sock")
    running.start()
    try:
        assert (deep / "run" / "socket").read_text() == f"{running.socket}\n"
        assert stat.S_IMODE(running.socket.parent.stat().st_mode) == 0o700
        assert running.stop() == 0
        assert not running.socket.exists()
    finally:
        if running.process is not None:
            running.kill()
            running.socket.unlink(missing_ok=True)


def test_it_listens_where_it_is_told(place: Path) -> None:
    one, two = place / "one.sock", place / "deep" / "two.sock"
    running = Daemon(place, args=["--listen", f"unix:{one}", "--listen", f"unix:{two}"])
    running.socket = one
    running.start()
    try:
        running.socket = two
        assert running.call("GET", "/health").status == 200
        assert not (place / "run" / "maestrod.sock").exists()
        assert running.stop() == 0
        assert not one.exists()
        assert not two.exists()
    finally:
        if running.process is not None:
            running.kill()


def test_what_is_no_socket_is_never_replaced_by_one(place: Path) -> None:
    precious = place / "precious"
    precious.write_text("precious")
    code, said = Daemon(place, args=["--listen", f"unix:{precious}"]).attempt()
    assert code == 5
    assert "no socket" in said
    assert "Traceback" not in said
    assert precious.read_text() == "precious"


@pytest.mark.parametrize("where", ["/proc/nowhere/x.sock", "/dev/null/x.sock", "/tmp/" + "x" * 200 + ".sock"])
def test_a_listener_that_cannot_be_opened_ends_the_start_with_5(place: Path, where: str) -> None:
    code, said = Daemon(place, args=["--listen", f"unix:{where}"]).attempt()
    assert code == 5
    assert said.startswith("maestrod: ")
    assert "Traceback" not in said


def test_a_run_folder_that_others_may_write_to_is_refused(place: Path) -> None:
    (place / "run").mkdir()
    (place / "run").chmod(0o777)
    code, said = Daemon(place).attempt()
    assert code == 5
    assert "nobody else can write" in said


# -- what a start finds ---------------------------------------------------------------------------


def everything(scene: Scene) -> Json:
    """All that the daemon knows, as answers."""
    lists = {path: scene.ok("GET", f"/{path}") for path in ("projects", "tasks", "sessions", "assignments")}
    queues = {s["id"]: scene.ok("GET", f"/sessions/{s['id']}/queue") for s in lists["sessions"] if s["queueId"]}
    subtasks = {t["id"]: scene.ok("GET", f"/tasks/{t['id']}/subtasks") for t in lists["tasks"]}
    reports = {t["id"]: scene.ok("GET", f"/tasks/{t['id']}/timeline") for t in lists["tasks"]}
    docs = {t["id"]: scene.ok("GET", f"/tasks/{t['id']}/docs") for t in lists["tasks"]}
    return lists | {"queues": queues, "subtasks": subtasks, "reports": reports, "docs": docs}


def a_bit_of_everything(scene: Scene) -> None:
    project = scene.project()
    queue = scene.queue(started=True)
    task = scene.task(project, dependencies=[scene.task(project)["id"]], metadata={"a": [1, 2.5, None, "\U0001f600"]})
    scene.ok("POST", f"/tasks/{task['id']}/subtasks", {"title": "one"})
    scene.ok("POST", f"/tasks/{task['id']}/timeline", {"message": "said"})
    scene.ok("POST", f"/tasks/{task['id']}/docs", {"title": "doc", "content": "\x00\x1b[31m é"})
    scene.ok("POST", f"/sessions/{queue['id']}/queue/fail", {"reason": "no", "retry": True})
    scene.ok("DELETE", f"/tasks/{scene.task(project)['id']}")
    scene.ok("PATCH", f"/tasks/{task['id']}", {"title": "renamed", "dependencies": []})


def test_a_start_finds_all_of_it_after_a_kill_a_stop_and_both(fresh: Scene) -> None:
    a_bit_of_everything(fresh)
    before = everything(fresh)
    seq = fresh.ok("GET", "/hello")["seq"]
    boots = {fresh.ok("GET", "/hello")["bootId"]}
    for end in (fresh.daemon.kill, fresh.daemon.stop, fresh.daemon.stop, fresh.daemon.kill):
        end()
        fresh.daemon.start()
        hello = fresh.ok("GET", "/hello")
        boots.add(hello["bootId"])
        assert hello["seq"] == hello["durableSeq"] == seq
        assert everything(fresh) == before
    assert len(boots) == 5
    a_bit_of_everything(fresh)
    after = everything(fresh)
    fresh.daemon.kill()
    fresh.daemon.start()
    assert everything(fresh) == after


def test_a_stop_leaves_a_snapshot_and_a_damaged_one_is_passed_over_and_told(fresh: Scene) -> None:
    folder = fresh.daemon.home / "data" / "snapshot"
    first = fresh.project()
    fresh.daemon.stop()
    fresh.daemon.start()
    fresh.task(first)
    before = everything(fresh)
    fresh.daemon.stop()
    older, newer = sorted(folder.glob("*.json"))
    newer.write_bytes(newer.read_bytes()[:-20])
    fresh.daemon.start()
    assert everything(fresh) == before
    told = fresh.ok("GET", "/status")["quarantined"]
    assert len(told) == 1
    assert newer.name in told[0]
    assert older.exists()


def test_a_torn_end_is_set_aside_and_told(fresh: Scene) -> None:
    fresh.project()
    fresh.daemon.kill()
    (segment,) = (fresh.daemon.home / "data" / "journal").glob("*.jsonl")
    segment.write_bytes(segment.read_bytes() + b'{"c":"00000000","d":{"seq":2,"half')
    fresh.daemon.start()
    assert len(fresh.ok("GET", "/projects")) == 1
    assert "torn end" in fresh.ok("GET", "/status")["quarantined"][0]
    assert fresh.project()["version"] == 1


def test_damage_in_the_middle_is_refused_and_named(fresh: Scene) -> None:
    for _ in range(3):
        fresh.project()
    fresh.daemon.kill()
    (segment,) = (fresh.daemon.home / "data" / "journal").glob("*.jsonl")
    whole = segment.read_bytes()
    segment.write_bytes(whole.replace(b'"name":"p2"', b'"name":"p9"', 1))
    code, said = fresh.daemon.attempt()
    assert code == 5
    assert "record 2" in said
    assert "Traceback" not in said
    segment.write_bytes(whole)
    fresh.daemon.start()


@pytest.mark.parametrize(("version", "word"), [("99\n", "newer"), ("x", "schema number")])
def test_a_wrong_version_is_refused_and_nothing_is_touched(fresh: Scene, version: str, word: str) -> None:
    fresh.project()
    fresh.daemon.stop()
    data = fresh.daemon.home / "data"
    (data / "VERSION").write_text(version)
    before = {path: path.read_bytes() for path in data.rglob("*") if path.is_file()}
    code, said = fresh.daemon.attempt()
    assert code == 5
    assert word in said
    assert {path: path.read_bytes() for path in data.rglob("*") if path.is_file()} == before


def test_a_record_of_an_unknown_kind_of_entity_is_refused_without_a_traceback(fresh: Scene) -> None:
    """Its checksum is right, so that it was written so: by a newer version, and not by a fault of the disk."""
    fresh.project()
    fresh.daemon.stop()
    for snapshot in (fresh.daemon.home / "data" / "snapshot").iterdir():
        snapshot.unlink()
    journal = Journal.open(fresh.daemon.home / "data" / "journal")
    journal.start(on_durable=lambda seq: None, on_failure=lambda error: None)
    journal.append(
        2,
        b'{"seq":2,"at":1,"actor":"user","requestId":"","command":{"kind":"X"},'
        b'"changes":[{"op":"put","noun":"dream","entity":{"id":"x"}}],"events":[]}',
    )
    journal.close()
    code, said = fresh.daemon.attempt()
    assert code == 5
    assert "unreadable record" in said
    assert "Traceback" not in said


def test_the_log_is_json_lines_and_names_what_happened(fresh: Scene) -> None:
    fresh.project()
    fresh.daemon.stop()
    lines = [json.loads(line) for line in fresh.daemon.log().splitlines()]
    assert [line["event"] for line in lines] == ["serving", "stopping"]
    assert all({"timestamp", "level", "service"} <= line.keys() for line in lines)
    assert lines[0]["home"] == str(fresh.daemon.home)
    assert (fresh.daemon.home / "stderr.txt").read_text() == ""
