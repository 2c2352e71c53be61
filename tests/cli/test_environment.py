"""Where the command looks for the daemon: the same place as the daemon itself."""

import sys
from pathlib import Path

import platformdirs
import pytest

from maestro_cli import environment
from maestro_cli.context import Context, Options
from maestrod.locations import locate

ENVIRONMENTS = [
    {"HOME": "/home/user"},
    {"HOME": "/home/user", "XDG_RUNTIME_DIR": "/run/user/1000"},
    {"HOME": "/home/user", "XDG_STATE_HOME": "/srv/state"},
    {"HOME": "/home/user", "XDG_STATE_HOME": "relative"},
    {"HOME": "/home/user", "XDG_STATE_HOME": ""},
    {"HOME": "/home/user", "XDG_RUNTIME_DIR": "", "XDG_STATE_HOME": "/srv/state"},
    {"HOME": "/home/user", "MAESTRO_HOME": "/m"},
    {"HOME": "/home/user", "MAESTRO_HOME": "~/m"},
    {"HOME": "/home/user", "MAESTRO_HOME": "m/../n"},
    {"HOME": "/home/user", "MAESTRO_HOME": "/m/", "XDG_RUNTIME_DIR": "/run/user/1000"},
    {"HOME": "/home/user", "MAESTRO_HOME": "/" + "long/" * 20},
    {"HOME": "/home/user", "MAESTRO_HOME": "/" + "x" * 82},
    {"HOME": "/home/user", "MAESTRO_HOME": "/" + "x" * 83},
    {"HOME": "/home/user", "MAESTRO_HOME": "/" + "é" * 45},
    {"HOME": "/home/user", "MAESTRO_HOME": ""},
]


def only(monkeypatch: pytest.MonkeyPatch, environ: dict[str, str]) -> None:
    for name in ("HOME", "MAESTRO_HOME", "XDG_RUNTIME_DIR", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("environ", ENVIRONMENTS, ids=str)
def test_the_daemon_is_looked_for_where_it_listens(monkeypatch: pytest.MonkeyPatch, environ: dict[str, str]) -> None:
    only(monkeypatch, environ)
    places = locate(environ)
    assert environment.run_folder(environ) == str(places.run)
    assert environment.log_folder(environ) == str(places.logs)
    assert environment.socket_path(environ) == str(places.socket)
    assert environment.spool_folder(environ, "sess_1_a") == str(places.spool / "sess_1_a")


@pytest.mark.parametrize("environ", [e for e in ENVIRONMENTS if "MAESTRO_HOME" not in e], ids=str)
def test_on_a_mac_it_is_looked_for_where_macs_keep_state(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str]
) -> None:
    from platformdirs.macos import MacOS

    only(monkeypatch, environ)
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(platformdirs, "PlatformDirs", MacOS)
    places = locate(environ)
    assert environment.run_folder(environ) == str(places.run)
    assert environment.socket_path(environ) == str(places.socket)


def test_a_socket_path_always_fits() -> None:
    for length in range(1, 200):
        path = environment.socket_path({"MAESTRO_HOME": "/" + "x" * length})
        assert len(path.encode()) <= environment.SOCKET_LIMIT


@pytest.mark.parametrize(
    ("environ", "flag", "server"),
    [
        ({}, "unix:/a", "unix:/a"),
        ({"MAESTRO_SERVER": "unix:/b"}, "unix:/a", "unix:/a"),
        ({"MAESTRO_SERVER": "unix:/b"}, "", "unix:/b"),
        ({"MAESTRO_SERVER": "unix:///b"}, "", "unix:/b"),
        ({"MAESTRO_SERVER_URL": "http://h:1/"}, "", "http://h:1"),
        ({"MAESTRO_API_URL": "https://h"}, "", "https://h"),
        ({"MAESTRO_SERVER": "", "MAESTRO_API_URL": "https://h"}, "", "https://h"),
        ({}, "localhost:4570", "http://localhost:4570"),
        ({}, "/run/x.sock", "unix:/run/x.sock"),
        ({"MAESTRO_HOME": "/m"}, "", "unix:/m/run/maestrod.sock"),
    ],
)
def test_the_flag_wins_over_the_environment_over_the_home(environ: dict[str, str], flag: str, server: str) -> None:
    assert environment.server({"HOME": "/h", **environ}, flag) == server


def options(**given: object) -> Options:
    chosen = Options()
    for name, value in given.items():
        setattr(chosen, name, value)
    return chosen


SESSION = {
    "MAESTRO_HOME": "/m",
    "MAESTRO_SERVER": "unix:/m/run/maestrod.sock",
    "MAESTRO_SESSION_ID": "sess_1",
    "MAESTRO_PROJECT_ID": "proj_1",
    "MAESTRO_TASK_IDS": "task_1, task_2,",
    "MAESTRO_CREDENTIAL_FILE": "/m/run/sessions/sess_1/cred",
}


def test_a_session_is_known_from_its_environment() -> None:
    context = Context(options(), SESSION)
    assert (context.session, context.project, context.tasks) == ("sess_1", "proj_1", ["task_1", "task_2"])
    assert context.may_start


def test_another_home_leaves_the_session_behind() -> None:
    context = Context(options(home="/other"), SESSION)
    assert (context.session, context.project, context.tasks) == ("", "", [])
    assert context.server == "unix:/other/run/maestrod.sock"
    assert "MAESTRO_CREDENTIAL_FILE" not in context.environ


def test_naming_the_same_home_leaves_nothing_behind() -> None:
    context = Context(options(home="/m/"), SESSION)
    assert context.session == "sess_1"


@pytest.mark.parametrize(
    ("given", "environ", "may"),
    [
        ({}, {}, True),
        ({"no_start": True}, {}, False),
        ({}, {"MAESTRO_NO_AUTOSTART": "1"}, False),
        ({}, {"MAESTRO_NO_AUTOSTART": "0"}, True),
        ({"server": "http://127.0.0.1:1"}, {}, False),
        ({}, {"MAESTRO_SERVER": "unix:/elsewhere"}, False),
    ],
)
def test_only_the_daemon_of_this_home_is_started(given: dict[str, object], environ: dict[str, str], may: bool) -> None:
    assert Context(options(**given), {"MAESTRO_HOME": "/m", **environ}).may_start is may


@pytest.mark.parametrize("text", ["", "0", "-1", "nan", "inf", "x", "1e9"])
def test_a_time_limit_that_makes_no_sense_is_the_usual_one(text: str) -> None:
    assert Context(options(), {"MAESTRO_HOME": "/m", "MAESTRO_TIMEOUT": text}).timeout == 10.0


def test_a_directory_travels_escaped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "ä b%\n"
    folder.mkdir()
    monkeypatch.chdir(folder)
    assert Context(options(), {"MAESTRO_HOME": "/m"}).where() == {"X-Maestro-Cwd": f"{tmp_path}/%C3%A4%20b%25%0A"}
    folder.rmdir()
