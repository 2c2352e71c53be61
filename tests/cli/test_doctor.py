"""The doctor: ten planted faults are named with what to do, what is safe is mended, and what is well is left alone."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from maestro_cli.doctor import service
from maestro_cli.doctor.findings import Finding, Level, Patient
from maestrod.locations import locate
from tests.cli.program import SCRIPT, Maestro
from tests.support.daemon import Daemon, home
from tests.support.eventually import eventually
from tests.support.small_disk import read_only, small_disk


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with this `maestro`, scripted agents, and no others."""
    folder = tmp_path_factory.mktemp("bin")
    subprocess.run([sys.executable, "-m", "maestro_cli.fake", "--install", str(folder)], check=True)
    (folder / "maestro").symlink_to(SCRIPT)
    for name in ("tmux", "git", "sh", "sort"):
        found = shutil.which(name)
        if found is None:
            pytest.skip(f"there is no {name}")
        (folder / name).symlink_to(found)
    return folder


@pytest.fixture
def patient(programs: Path) -> Iterator[Maestro]:
    """The command in a fresh home, where everything is as it should be."""
    keys = {"ANTHROPIC_API_KEY": "x", "CODEX_API_KEY": "x", "GEMINI_API_KEY": "x"}
    with home() as place:
        yield Maestro(place, env={"PATH": str(programs), "MAESTRO_NO_AUTOSTART": "1", "SHELL": "/bin/bash", **keys})


@contextmanager
def served(maestro: Maestro, *args: str) -> Iterator[Daemon]:
    """With a daemon, which is killed if it still runs in the end."""
    running = Daemon(maestro.home, args=args)
    if args:
        running.socket = Path(args[-1].removeprefix("unix:"))
    try:
        yield running.start()
    finally:
        if running.process is not None:
            running.kill()


def document(maestro: Maestro, *words: str) -> dict[str, object]:
    said = maestro("doctor", *words, "--json")
    data = said.document["data"]
    assert isinstance(data, dict)
    assert said.code == (1 if data["faults"] else 0), said
    return data


def findings(maestro: Maestro, *words: str) -> list[dict[str, str]]:
    found = document(maestro, *words)["findings"]
    assert isinstance(found, list)
    return found


def complaints(maestro: Maestro, *words: str) -> list[dict[str, str]]:
    """What is not well, but for how much room this machine has."""
    return [each for each in findings(maestro, *words) if each["level"] != "ok" and each["check"] != "disk"]


def named(found: list[dict[str, str]], level: str, check: str, *parts: str) -> dict[str, str]:
    """The finding of a check that has all parts in what it says or tells to do."""
    for each in found:
        if (each["level"], each["check"]) == (level, check) and all(part in str(each) for part in parts):
            assert each["todo"], each
            return each
    raise AssertionError(f"no {level} of {check} with {parts}: {found}")


# -- all is well --------------------------------------------------------------------------------------


def test_a_fresh_home_is_well_and_nothing_is_made_in_it(patient: Maestro) -> None:
    assert complaints(patient) == []
    assert list(patient.home.iterdir()) == []


def test_a_home_with_a_daemon_is_well(patient: Maestro) -> None:
    with served(patient) as running:
        assert complaints(patient) == []
        says = {each["check"]: each["says"] for each in findings(patient)}
        assert f"pid {running.pid}" in says["daemon"]
        assert "takes writes" in says["writes"]
    assert complaints(patient, "--fix") == []


def test_people_get_lines_with_what_to_do_and_a_sum(patient: Maestro) -> None:
    (patient.home / "config").mkdir()
    (patient.home / "config" / "config.toml").write_text("lgo = 'info'\nlog = 'loud'\n")
    said = patient("doctor")
    assert said.code == 1
    assert "fault    settings  " in said.out
    assert "→ `maestro config edit`\n" in said.out
    assert said.out.splitlines()[-1].startswith("1 fault")


# -- ten faults ---------------------------------------------------------------------------------------


def stale_socket(maestro: Maestro) -> Path:
    place = maestro.home / "run" / "maestrod.sock"
    place.parent.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(place))
    place.chmod(0o600)
    return place


def test_1_a_stale_socket(patient: Maestro) -> None:
    place = stale_socket(patient)
    named(findings(patient), "warning", "socket", str(place), "maestro doctor --fix")
    fixed = document(patient, "--fix")
    assert f"removed {place}, which nobody held" in str(fixed["mended"])
    assert not place.exists()


def test_2_wrong_modes(patient: Maestro) -> None:
    with served(patient) as running:
        running.stop()
    data, segment = patient.home / "data", next((patient.home / "data" / "journal").glob("*.jsonl"))
    data.chmod(0o750)
    segment.chmod(0o666)
    found = findings(patient)
    named(found, "warning", "home", f"others can read {data} (mode 0750)", "maestro doctor --fix")
    named(found, "fault", "home", f"others can write to {segment} (mode 0666)", "maestro doctor --fix")
    fixed = document(patient, "--fix")
    assert len(str(fixed["mended"]).split("took ")) == 3
    assert (data.stat().st_mode & 0o777, segment.stat().st_mode & 0o777) == (0o700, 0o600)
    assert complaints(patient) == []


def test_3_a_full_disk(patient: Maestro) -> None:
    with small_disk(patient.home / "data"):
        with (patient.home / "data" / "filler").open("wb", buffering=0) as file, suppress(OSError):
            while file.write(b"x" * 4096):
                pass
        found = findings(patient)
        named(found, "fault", "disk", "the disk is full", "0 bytes of 1 MiB", "Make room")
        named(found, "fault", "writing", f"{patient.home}/data cannot be written: No space left", "Make room")


def test_3_a_disk_that_fills_up_under_the_daemon(patient: Maestro) -> None:
    with small_disk(patient.home / "data"), served(patient) as running:
        project = running.ok("POST", "/projects", {"name": "P", "workingDir": str(patient.home)})
        assert isinstance(project, dict)
        task = {"projectId": project["id"], "title": "T", "description": "x" * 8_000}

        def told() -> bool:
            """What was refused is cut off, so that a moment later there is room for a write or two again."""
            while running.call("POST", "/tasks", task).status == 201:
                pass
            named(findings(patient), "fault", "writes", "takes no writes", "No space left", "Make room")
            return True

        eventually(told, timeout=60, what="doctor sees the daemon without room")


def test_4_a_damaged_journal(patient: Maestro) -> None:
    with served(patient) as running:
        for name in ("One", "Two"):
            (patient.home / name).mkdir()
            running.ok("POST", "/projects", {"name": name, "workingDir": str(patient.home / name)})
        os.kill(running.pid, signal.SIGKILL)
    segment = next((patient.home / "data" / "journal").glob("*.jsonl"))
    segment.write_bytes(segment.read_bytes().replace(b'"name":"One"', b'"name":"0ne"', 1))
    before = segment.read_bytes()
    named(findings(patient), "fault", "journal", f"damaged: {segment}, record 1", "maestro daemon repair --dry-run")
    document(patient, "--fix")
    assert segment.read_bytes() == before


def fake(place: Path, name: str, says: str) -> Path:
    place.mkdir()
    (place / name).write_text(f"#!/bin/sh\necho {says}\n")
    (place / name).chmod(0o700)
    return place


def test_5_an_old_tmux(patient: Maestro, tmp_path: Path) -> None:
    patient.env["PATH"] = f"{fake(tmp_path / 'old', 'tmux', 'tmux 2.1')}{os.pathsep}{patient.env['PATH']}"
    named(findings(patient), "fault", "tmux", "tmux 2.1 is too old", "install")


def test_5_no_tmux(patient: Maestro, tmp_path: Path) -> None:
    patient.env["PATH"] = str(tmp_path)
    found = findings(patient)
    named(found, "fault", "tmux", "tmux is not on PATH", "install")
    named(found, "warning", "git", "git is not on PATH", "Install git")
    named(found, "warning", "path", "`maestro` is not on PATH", f'export PATH="{SCRIPT.parent}')


def test_6_a_missing_agent(patient: Maestro, tmp_path: Path) -> None:
    del patient.env["CODEX_API_KEY"]
    found = findings(patient)
    named(found, "warning", "agents", "codex", "not logged in", "Start `codex` once")
    patient.env["PATH"] = str(tmp_path)
    found = findings(patient)
    for agent in ("claude", "codex", "gemini"):
        named(found, "warning", "agents", f"{agent} is not on PATH", "To have it: npm install")


def test_7_a_second_daemon(patient: Maestro, tmp_path: Path) -> None:
    with home() as other, served(patient, "--listen", f"unix:{other}/other.sock") as running:
        found = named(findings(patient), "fault", "daemon", f"another daemon (pid {running.pid}", f"{other}/other.sock")
        assert f"kill {running.pid}" in found["todo"]
        assert "MAESTRO_SERVER" in found["todo"]


def test_7_a_daemon_that_answers_nobody(patient: Maestro) -> None:
    with served(patient) as running:
        os.kill(running.pid, signal.SIGSTOP)
        try:
            found = named(findings(patient), "fault", "daemon", f"pid {running.pid}", "does not answer")
            assert f"kill {running.pid}" in found["todo"]
            assert document(patient, "--fix")["mended"] == []
            assert running.socket.exists()
        finally:
            os.kill(running.pid, signal.SIGCONT)


def test_8_a_read_only_home(patient: Maestro) -> None:
    with served(patient) as running:
        running.stop()
    with read_only(patient.home):
        found = named(findings(patient), "fault", "writing", "Read-only file system", "remount,rw")
        assert str(patient.home) in found["todo"]


@pytest.mark.skipif(os.getuid() == 0, reason="modes do not hold root back")
def test_8_a_home_that_is_not_ours_to_write(patient: Maestro) -> None:
    patient.home.chmod(0o500)
    named(findings(patient), "fault", "writing", "cannot be made", "MAESTRO_HOME")


def test_9_a_broken_config(patient: Maestro) -> None:
    file = patient.home / "config" / "config.toml"
    file.parent.mkdir(mode=0o700)
    file.write_text("")
    file.chmod(0o600)
    for text, where, said in (
        ("a = \n", "line 1", "Invalid"),
        ("\nlease_s = 0\n", f"{file}:2: lease_s", "greater than"),
        ("\n\nlgo = 'debug'\n", f"{file}:3", "did you mean log?"),
    ):
        file.write_text(text)
        level = "warning" if "mean" in said else "fault"
        named(findings(patient), level, "settings", where, said, "maestro config edit")
    (file.parent / "screen_rules").mkdir()
    (file.parent / "screen_rules" / "mine.toml").write_text("[[rule")
    named(findings(patient), "warning", "screens", "mine.toml", "Mend the file")
    (file.parent / "providers").mkdir()
    (file.parent / "providers" / "mine.toml").write_text("start = 1")
    named(findings(patient), "warning", "agents", "providers/mine.toml", "Mend the file")


def test_10_a_port_that_is_taken(patient: Maestro) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        patient.ok("config", "set", "listen", address)
        named(findings(patient), "fault", "listen", f"{address} is taken", "maestro config set listen")
    with served(patient):
        assert "listens on" in next(each["says"] for each in findings(patient) if each["check"] == "listen")
        patient.ok("config", "set", "listen", "127.0.0.1:1")
        named(findings(patient), "warning", "listen", "does not listen on 127.0.0.1:1 yet", "maestro daemon restart")


# -- and some more ------------------------------------------------------------------------------------


def test_what_is_in_the_way_of_the_socket(patient: Maestro) -> None:
    place = stale_socket(patient)
    place.unlink()
    place.write_text("not a socket")
    place.chmod(0o600)
    named(findings(patient), "fault", "socket", "is no socket", f"mv {place}")
    assert document(patient, "--fix")["mended"] != []
    assert place.read_text() == "not a socket"


def test_a_home_whose_path_is_too_long_for_a_socket_is_told_where_it_is(patient: Maestro) -> None:
    patient.env["MAESTRO_HOME"] = str(patient.home / ("deep" * 25))
    assert any("too long for a socket" in each["says"] for each in findings(patient) if each["check"] == "socket")
    assert complaints(patient) == []


def test_missing_folders_are_made_and_what_is_in_the_others_stays(patient: Maestro) -> None:
    with served(patient) as running:
        running.ok("POST", "/projects", {"name": "P", "workingDir": str(patient.home)})
        running.stop()
    shutil.rmtree(patient.home / "logs")
    before = {path: path.read_bytes() for path in (patient.home / "data").rglob("*") if path.is_file()}
    named(findings(patient), "warning", "home", f"{patient.home}/logs is missing")
    fixed = document(patient, "--fix")
    assert fixed["mended"] == [f"made {patient.home}/logs"]
    assert (patient.home / "logs").stat().st_mode & 0o777 == 0o700
    assert {path: path.read_bytes() for path in (patient.home / "data").rglob("*") if path.is_file()} == before
    assert "nothing was found that is safe to mend" in patient("doctor", "--fix").err


def test_another_maestro_on_path_is_named(patient: Maestro, tmp_path: Path) -> None:
    patient.env["PATH"] = f"{fake(tmp_path / 'other', 'maestro', 'maestro 0')}{os.pathsep}{patient.env['PATH']}"
    named(findings(patient), "warning", "path", str(tmp_path / "other" / "maestro"), "Remove one of them")


SYSTEMCTL = """#!/bin/sh
case "$*" in *" show "*) printf 'ActiveState=%s\\nMainPID=0\\nStatusText=out of luck\\n' "$(cat "$HOME/state")" ;; esac
"""


@pytest.mark.skipif(sys.platform != "linux", reason="systemd")
def test_a_service_is_looked_at_and_not_woken(patient: Maestro, tmp_path: Path) -> None:
    tools = fake(tmp_path / "tools", "systemctl", "")
    (tools / "systemctl").write_text(SYSTEMCTL)
    (tools / "cat").symlink_to(str(shutil.which("cat")))
    patient.env |= {"PATH": f"{tools}{os.pathsep}{patient.env['PATH']}", "XDG_RUNTIME_DIR": str(patient.home / "xdg")}
    (patient.home / "xdg" / "systemd").mkdir(parents=True)
    (patient.home / "xdg" / "systemd" / "private").touch()
    (patient.home / "state").write_text("inactive")
    patient.ok("daemon", "install")
    place = stale_socket(patient)
    place.unlink()
    with socket.socket(socket.AF_UNIX) as managers:
        managers.bind(str(place))
        place.chmod(0o600)
        managers.listen()
        managers.setblocking(False)
        found = findings(patient, "--fix")
        with pytest.raises(BlockingIOError):
            managers.accept()
    assert place.exists()
    assert any("is inactive" in each["says"] for each in found if each["check"] == "service")
    assert any("waits for the service" in each["says"] for each in found if each["check"] == "socket")

    (patient.home / "state").write_text("failed")
    (unit,) = (patient.home / ".config" / "systemd" / "user").glob("*.service")
    unit.write_text(unit.read_text().replace(sys.executable, "/opt/old/bin/python"))
    found = findings(patient)
    named(found, "fault", "service", "has failed: out of luck", "maestro daemon logs")
    named(found, "warning", "service", "another installation", "maestro daemon install")


def test_another_daemon_that_commands_speak_to_is_asked_as_well(patient: Maestro) -> None:
    with home() as other, served(Maestro(other)) as running:
        address = f"unix:{running.socket}"
        assert any(address in each["says"] for each in findings_in(patient, {"MAESTRO_SERVER": address}))
    named(findings_in(patient, {"MAESTRO_SERVER": address}), "fault", "server", address)


def test_an_agent_may_look_and_not_mend(patient: Maestro) -> None:
    place = stale_socket(patient)
    refused = patient("doctor", "--fix", "--json", env={"MAESTRO_SESSION_ID": "sess_1"})
    assert (refused.code, refused.error) == (4, "forbidden")
    assert place.exists()


def test_a_terminal_without_utf8_is_named(patient: Maestro) -> None:
    said = findings_in(patient, {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"})
    named(said, "warning", "shell", "encoding", "export LANG=C.UTF-8")


def findings_in(maestro: Maestro, env: dict[str, str]) -> list[dict[str, str]]:
    data = maestro("doctor", "--json", env=env).document["data"]
    assert isinstance(data, dict)
    found: list[dict[str, str]] = data["findings"]
    return found


@pytest.mark.parametrize(
    ("hello", "level", "said"),
    [
        ({"version": "0.0.1"}, Level.WARNING, "is 0.0.1, this program is"),
        ({"api": 2}, Level.FAULT, "another version of the API"),
        ({"home": "/elsewhere"}, Level.FAULT, "serves another home: /elsewhere"),
    ],
)
def test_a_daemon_of_another_version_or_home_is_named(
    tmp_path: Path, hello: dict[str, object], level: Level, said: str
) -> None:
    [found] = service.daemon(visited(tmp_path, hello=hello))
    assert (found.level, said in found.says) == (level, True)
    assert "maestro daemon" in found.todo


def test_what_the_daemon_says_of_its_state_is_passed_on(tmp_path: Path) -> None:
    status: dict[str, object] = {"broken": ["a task of nobody"], "quarantined": ["a torn batch"]}
    found: list[Finding] = list(service.journal(visited(tmp_path, status=status)))
    assert [(each.level, bool(each.todo)) for each in found] == [(Level.FAULT, True), (Level.WARNING, True)]


def visited(place: Path, *, hello: dict[str, object] | None = None, status: dict[str, object] | None = None) -> Patient:
    usual = {"version": "0", "api": 1, "home": str(place), "pid": 1, "seq": 0}
    places = locate({"MAESTRO_HOME": str(place)})
    return Patient(environ={}, places=places, hello=usual | (hello or {}), status=status or {})


def test_a_lock_of_a_process_that_is_gone_is_no_second_daemon(patient: Maestro) -> None:
    with served(patient) as running:
        os.kill(running.pid, signal.SIGKILL)
        eventually(lambda: running.process is not None and running.process.poll() is not None)
    assert (patient.home / "run" / "lock").exists()
    assert [each["check"] for each in complaints(patient)] == ["socket"]
