"""Installing the daemon as a service: what is written where, what is said, and what is left alone."""

import json
import os
import plistlib
import re
import shutil
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from maestro_cli import service, units
from maestro_cli.commands.service import environment
from tests.cli.program import Maestro
from tests.support.daemon import home

SYSTEMCTL = """#!/bin/sh
echo "$*" >> "$HOME/asked.txt"
pid() { sed -n 's/pid \\([0-9]*\\) .*/\\1/p' "$MAESTRO_HOME/run/lock"; }
case "$*" in
  *" $(cat "$HOME/refused.txt" 2>/dev/null || echo nothing) "*) echo "Access denied, says the manager" >&2; exit 1 ;;
  "--user show "*)
    printf 'ActiveState=%s\\nMainPID=%s\\nStatusText=\\n' active "$(pid)" ;;
  "--user start "*) setsid "$PYTHON" -m maestrod > /dev/null 2>&1 & ;;
  "--user restart "*) kill -9 "$(pid)"; setsid "$PYTHON" -m maestrod > /dev/null 2>&1 & ;;
esac
"""
"""A user manager that does what is asked, as far as a script can."""


@pytest.fixture
def fresh() -> Iterator[Maestro]:
    """The command where no service manager answers; what it starts is stopped at the end."""
    with home() as path:
        maestro = Maestro(path, env={"MAESTRO_NO_AUTOSTART": "1", "XDG_RUNTIME_DIR": str(path / "xdg")})
        try:
            yield maestro
        finally:
            maestro("daemon", "stop")


@pytest.fixture
def managed(fresh: Maestro) -> Maestro:
    """The same with a user manager."""
    (fresh.home / "xdg" / "systemd").mkdir(parents=True)
    (fresh.home / "xdg" / "systemd" / "private").touch()
    tool = fresh.home / "bin" / "systemctl"
    tool.parent.mkdir()
    tool.write_text(SYSTEMCTL)
    tool.chmod(0o755)
    fresh.env |= {"PATH": f"{tool.parent}:{fresh.env['PATH']}", "PYTHON": sys.executable}
    return fresh


def folder_of(maestro: Maestro) -> Path:
    return maestro.home / ".config" / "systemd" / "user"


def name_of(maestro: Maestro) -> str:
    return service.name_of(maestro.env)


def asked(maestro: Maestro) -> list[str]:
    """What the manager was asked to do, without what it was only asked about."""
    lines = (maestro.home / "asked.txt").read_text().splitlines()
    return [line.removeprefix("--user ") for line in lines if " show " not in line]


linux = pytest.mark.skipif(sys.platform != "linux", reason="systemd")


# -- what is written ----------------------------------------------------------------------------------


@linux
def test_print_shows_all_of_it_and_writes_nothing(fresh: Maestro) -> None:
    said = fresh("daemon", "install", "--print")
    assert (said.code, said.err) == (0, "")
    name = name_of(fresh)
    assert f"# {folder_of(fresh)}/{name}.socket" in said.out
    assert f"ExecStart={sys.executable} -m maestrod" in said.out
    assert f"ListenStream={fresh.home}/run/maestrod.sock" in said.out
    assert f'Environment="MAESTRO_HOME={fresh.home}"' in said.out
    assert not folder_of(fresh).exists()
    assert not (fresh.home / "run").exists()
    files = fresh.ok("daemon", "install", "--print")
    assert isinstance(files, dict)
    assert [Path(path).name for path in files["files"]] == [f"{name}.socket", f"{name}.service"]


@linux
def test_without_a_manager_the_units_are_written_and_that_is_said(fresh: Maestro) -> None:
    said = fresh("daemon", "install", "--now")
    assert said.code == 0
    assert "no service manager answers here" in said.out
    assert f"systemctl --user enable --now {name_of(fresh)}.socket {name_of(fresh)}.service" in said.out
    printed = fresh.ok("daemon", "install", "--print")
    assert isinstance(printed, dict)
    assert {str(path): path.read_text() for path in folder_of(fresh).iterdir()} == printed["files"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder_of(fresh).iterdir()} == {0o644}
    again = fresh.ok("daemon", "install")
    assert isinstance(again, dict)
    assert (again["changed"], again["enabled"], again["started"]) == ([], False, False)
    assert fresh("whoami").code == 5


@linux
def test_the_default_home_lies_where_the_manager_says(fresh: Maestro) -> None:
    del fresh.env["MAESTRO_HOME"]
    said = fresh("daemon", "install", "--print").out
    assert "ListenStream=%t/maestro/maestrod.sock" in said
    assert "maestrod.socket" in said
    assert "MAESTRO_HOME" not in said
    del fresh.env["XDG_RUNTIME_DIR"]
    assert "ListenStream=%t/maestro/maestrod.sock" in fresh("daemon", "install", "--print").out
    assert "XDG_RUNTIME_DIR is not set" in fresh("daemon", "install").err


@linux
def test_the_units_lie_where_xdg_says(fresh: Maestro) -> None:
    where = fresh.home / "own"
    fresh.env["XDG_CONFIG_HOME"] = str(where)
    assert fresh("daemon", "install").code == 0
    assert sorted(path.suffix for path in (where / "systemd" / "user").iterdir()) == [".service", ".socket"]


def test_every_home_has_a_name_of_its_own() -> None:
    assert service.name_of({}) == "maestrod"
    one, two = service.name_of({"MAESTRO_HOME": "/srv/one"}), service.name_of({"MAESTRO_HOME": "/srv/two"})
    assert re.fullmatch(r"maestrod-[0-9a-f]{8}", one)
    assert one != two
    assert service.name_of({"MAESTRO_HOME": "/srv/./one/"}) == one


def test_the_daemon_is_told_what_it_needs_and_nothing_of_who_installs_it() -> None:
    given = {
        "PATH": "/usr/bin:relative::/opt/bin:/usr/bin",
        "LC_TIME": "de_DE.UTF-8",
        "MAESTRO_IDLE_END_S": "3",
        "MAESTRO_HOME": "/srv/m",
        "XDG_CONFIG_HOME": "/c",
        **{"MAESTRO_API_KEY": "secret", "MAESTRO_SESSION_ID": "s", "MAESTRO_SERVER": "unix:/x", "AWS_SECRET": "x"},
        **{"TERM": "xterm", "TMUX": "/t", "LISTEN_FDS": "1", "NOTIFY_SOCKET": "@x", "XDG_SESSION_ID": "3", "LANG": ""},
    }
    told = environment(given)
    assert told == {
        "PATH": "/usr/bin:/opt/bin",
        "LC_TIME": "de_DE.UTF-8",
        "MAESTRO_IDLE_END_S": "3",
        "MAESTRO_HOME": "/srv/m",
        "XDG_CONFIG_HOME": "/c",
    }


ODD = 'a b %h $HOME "q" \\ \' ü;#'


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
@pytest.mark.parametrize("odd", ["plain", ODD])
def test_systemd_reads_what_is_written(tmp_path: Path, odd: str) -> None:
    python = tmp_path / odd / "python"
    python.parent.mkdir()
    python.symlink_to(sys.executable)
    texts = units.systemd(
        "maestrod",
        program=[units.escaped(str(python)), "-m", odd],
        socket=units.escaped(str(tmp_path / odd / "x.sock")),
        environ={"MAESTRO_HOME": f"/srv/{odd}", "PATH": odd},
    )
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path), "LANG": "C.UTF-8"}
    command = ["systemd-analyze", "--user", "verify", *(str(tmp_path / name) for name in texts)]
    ran = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.parametrize("wrong", ["a\nExecStartPost=/bin/evil", "\x1b[31m", "\x7f", "\0", "\udcff"])
def test_what_no_unit_can_hold_is_refused(wrong: str) -> None:
    for around, program, where in (({"A": wrong}, "/p", "/s"), ({}, f"/{wrong}", "/s"), ({}, "/p", f"/{wrong}")):
        with pytest.raises(units.Unwritable):
            units.systemd("maestrod", program=[program], socket=where, environ=around)
        if where == "/s":
            with pytest.raises(units.Unwritable):
                units.launchd("maestrod", program=[program], log="/l", environ=around)


@linux
def test_a_home_that_no_unit_can_hold_is_refused(fresh: Maestro) -> None:
    refused = fresh("daemon", "install", "--json", env={"MAESTRO_HOME": f"{fresh.home}/a\nb"})
    assert (refused.code, refused.error) == (2, "validation_error")
    assert not folder_of(fresh).exists()


@linux
@pytest.mark.parametrize("kind", ["another's", "a link", "no text"])
def test_what_somebody_else_has_put_there_is_left_alone(fresh: Maestro, kind: str) -> None:
    folder_of(fresh).mkdir(parents=True)
    unit = folder_of(fresh) / f"{name_of(fresh)}.service"
    if kind == "a link":
        (fresh.home / "theirs").write_text(f"# {units.MARK}\n")
        unit.symlink_to(fresh.home / "theirs")
    else:
        unit.write_bytes(b"[Service]\nExecStart=/bin/true\n" if kind == "another's" else b"\xff\xfe")
    before = unit.read_bytes()
    for verb in ("install", "uninstall"):
        refused = fresh("daemon", verb, "--json")
        assert (refused.code, refused.error) == (6, "conflict")
        assert str(unit) in str(refused.document["message"])
    assert [path.name for path in folder_of(fresh).iterdir()] == [unit.name]
    assert unit.read_bytes() == before


@linux
def test_a_folder_that_cannot_be_written_is_named(fresh: Maestro) -> None:
    (fresh.home / ".config").write_text("in the way")
    refused = fresh("daemon", "install", "--json")
    assert (refused.code, refused.error) == (1, "io_error")
    assert ".config" in str(refused.document["message"])


def test_a_session_may_do_neither(fresh: Maestro) -> None:
    for verb in ("install", "uninstall"):
        refused = fresh("daemon", verb, "--json", env={"MAESTRO_SESSION_ID": "sess_1"})
        assert (refused.code, refused.error) == (4, "forbidden")


def test_the_daemon_of_another_home_has_no_service_from_here(fresh: Maestro) -> None:
    for verb in ("install", "uninstall"):
        assert fresh("daemon", verb, "--server", "http://127.0.0.1:1", "--json").error == "usage"


# -- taking it away -----------------------------------------------------------------------------------


@linux
def test_uninstalling_leaves_all_data_and_says_where(fresh: Maestro) -> None:
    fresh.ok("daemon", "start")
    fresh.ok("daemon", "install")
    said = fresh("daemon", "uninstall")
    assert said.code == 0
    for left in ("config", "data", "logs"):
        assert f"left      {left} in {fresh.home}/{left}" in said.out
    assert list(folder_of(fresh).iterdir()) == []
    assert (fresh.home / "data" / "journal").is_dir()
    assert fresh("daemon", "status").code == 0
    assert fresh("daemon", "uninstall").out.startswith("not installed\n")


# -- with a manager -----------------------------------------------------------------------------------


@linux
def test_it_is_enabled_and_what_to_do_next_is_said(managed: Maestro) -> None:
    said = managed("daemon", "install")
    name = name_of(managed)
    assert said.code == 0
    assert asked(managed) == ["daemon-reload", f"enable --quiet {name}.socket {name}.service"]
    assert "maestro daemon install --now" in said.out
    assert "loginctl enable-linger" in said.err
    assert managed("daemon", "uninstall").code == 0
    assert asked(managed)[2:] == [
        f"disable --quiet --now {name}.socket {name}.service",
        "daemon-reload",
        f"reset-failed {name}.socket {name}.service",
    ]


@linux
def test_now_hands_the_daemon_over(managed: Maestro) -> None:
    started = managed.ok("daemon", "install", "--now")
    assert isinstance(started, dict)
    assert started["started"] is True
    status = managed("daemon", "status")
    assert f"service  {name_of(managed)}.service, active" in status.out
    assert "beside" not in status.out
    managed.ok("daemon", "stop")
    managed.ok("daemon", "start")
    assert asked(managed)[-1].startswith("start ")


@linux
def test_what_the_manager_refuses_is_said_in_its_words(managed: Maestro) -> None:
    (managed.home / "refused.txt").write_text("enable")
    refused = managed("daemon", "install", "--json")
    assert (refused.code, refused.error) == (1, "io_error")
    assert "Access denied, says the manager" in str(refused.document["message"])
    (managed.home / "refused.txt").write_text("start")
    refused = managed("daemon", "install", "--now", "--json")
    assert (refused.code, refused.error) == (5, "daemon_not_started")
    assert "Access denied, says the manager" in str(refused.document["message"])


@linux
def test_a_manager_that_does_not_answer_is_no_obstacle(managed: Maestro) -> None:
    managed.ok("daemon", "install")
    (managed.home / "refused.txt").write_text("show")
    assert managed("daemon", "start").code == 0
    assert "no service manager answers here" in managed("daemon", "status").out
    assert managed("daemon", "restart").code == 0


@linux
def test_looking_does_not_call_the_daemon_that_a_call_would_start(fresh: Maestro) -> None:
    fresh.ok("daemon", "install")
    (fresh.home / "run").mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as waiting:
        waiting.bind(str(fresh.home / "run" / "maestrod.sock"))
        waiting.listen()
        waiting.settimeout(0)
        assert fresh("daemon", "status").code == 5
        assert fresh("daemon", "stop").code == 0
        assert fresh("daemon", "repair", "--dry-run").code == 0
        with pytest.raises(BlockingIOError):
            waiting.accept()


@linux
def test_a_session_restarts_nothing_by_the_manager(managed: Maestro) -> None:
    managed.ok("daemon", "install", "--now")
    managed("daemon", "restart", env={"MAESTRO_SESSION_ID": "sess_1"})
    assert [line for line in asked(managed) if line.startswith("restart")] == []
    managed.ok("daemon", "restart")
    assert [line for line in asked(managed) if line.startswith("restart")] == [f"restart {name_of(managed)}.service"]


def test_a_lock_that_names_no_daemon_is_held_by_nobody(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    ours = f"pid {os.getpid()} since now"
    for text in ("", "pid", "pid x since", "pid 1 since then", "pid 99999999999 s", "\0\0", "pid ../self s", ours):
        (tmp_path / "run" / "lock").write_text(text)
        assert service.holder({"MAESTRO_HOME": str(tmp_path)}) == 0


# -- launchd ------------------------------------------------------------------------------------------

LAUNCHCTL = """#!/bin/sh
echo "$*" >> "$HOME/asked.txt"
case "$*" in
  *" $(cat "$HOME/refused.txt" 2>/dev/null || echo "-") "*) echo "Bootstrap failed: Input/output error" >&2; exit 5 ;;
  "print gui/"*/*) printf '\\tstate = running\\n\\n\\tpid = 4711\\n\\tsubjob = {\\n\\t\\tstate = waiting\\n\\t}\\n' ;;
esac
"""


@pytest.fixture
def mac(tmp_path: Path) -> service.Service:
    tool = tmp_path / "bin" / "launchctl"
    tool.parent.mkdir()
    tool.write_text(LAUNCHCTL)
    tool.chmod(0o755)
    return service.of({"HOME": str(tmp_path), "PATH": f"{tool.parent}:{os.environ['PATH']}"}, platform="darwin")


def test_launchd_is_asked_in_its_own_words(mac: service.Service, tmp_path: Path) -> None:
    target = f"gui/{os.getuid()}/agent-maestro.maestrod"
    place = tmp_path / "Library" / "LaunchAgents" / "agent-maestro.maestrod.plist"
    assert (mac.files, mac.is_installed) == ((str(place),), False)
    assert mac.state() == service.State("running", 4711)
    mac.enable()
    mac.start()
    mac.disable()
    told = (tmp_path / "asked.txt").read_text().splitlines()
    assert told == [
        f"print gui/{os.getuid()}",
        f"print {target}",
        f"enable {target}",
        f"bootout {target}",
        f"bootstrap gui/{os.getuid()} {place}",
        f"kickstart {target}",
        f"bootout {target}",
    ]
    assert mac.restart() is False
    (tmp_path / "refused.txt").write_text(f"gui/{os.getuid()}")
    with pytest.raises(service.Trouble, match="Input/output error"):
        mac.start()


def test_launchd_reads_what_is_written() -> None:
    texts = units.launchd("maestrod-1", program=["/a <b>&/python", "-m"], log="/l", environ={"PATH": "/ü:<&>"})
    told = plistlib.loads(texts["agent-maestro.maestrod-1.plist"].encode())
    assert told["ProgramArguments"] == ["/a <b>&/python", "-m"]
    assert told["EnvironmentVariables"] == {"PATH": "/ü:<&>"}
    assert (told["KeepAlive"], told["Umask"]) == ({"SuccessfulExit": False}, 0o077)
    assert units.MARK in texts["agent-maestro.maestrod-1.plist"]
    assert json.dumps(told)
