"""What systemd hands to the daemon and hears from it; and that nothing of it, wrong or hostile, ever hurts."""

import os
import signal
import socket
import stat
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import zip_longest
from pathlib import Path

import pytest

from maestrod import app
from maestrod.engine.history import load
from maestrod.locations import Locations
from maestrod.settings import Settings
from maestrod.systemd import NAMES, Systemd
from tests.daemon.scene import Scene
from tests.support.daemon import Daemon, home
from tests.support.eventually import eventually

HAND_OVER = """
import fcntl, os, sys
given = list(map(int, sys.argv[2].split()))
above = [fcntl.fcntl(passed, fcntl.F_DUPFD, 100) for passed in given]
for passed in given:
    os.close(passed)
for number, passed in enumerate(above, 3):
    os.dup2(passed, number)
    os.close(passed)
os.environ.setdefault("LISTEN_PID", str(os.getpid()))
os.environ.setdefault("LISTEN_FDS", str(len(sys.argv[2].split())))
os.execv(sys.executable, [sys.executable, "-m", "maestrod", *sys.argv[3:]])
"""
"""As a service manager does it: the descriptors from 3 on, and the variables that say so."""


@pytest.fixture
def place() -> Iterator[Path]:
    with home() as path:
        yield path


@pytest.fixture
def running(place: Path) -> Iterator[Daemon]:
    """A daemon that is not started yet, and gone at the end."""
    made = Daemon(place)
    try:
        yield made
    finally:
        if made.process is not None:
            made.kill()


def give(daemon: Daemon, *passed: socket.socket | int, **told: str) -> Daemon:
    """The daemon, to be started with these descriptors passed and these variables set."""
    daemon.passed = tuple(each if isinstance(each, int) else each.fileno() for each in passed)
    daemon.command = (sys.executable, "-c", HAND_OVER, "maestrod", " ".join(map(str, daemon.passed)))
    daemon.env |= told
    return daemon


@contextmanager
def listening(path: Path) -> Iterator[socket.socket]:
    """A socket as systemd opens it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with socket.socket(socket.AF_UNIX) as opened:
        opened.bind(str(path))
        path.chmod(0o600)
        opened.listen(64)
        yield opened


@contextmanager
def hearing(path: Path) -> Iterator["Ear"]:
    """A socket for what the daemon tells; ``@`` in front makes it one without a file."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as opened:
        opened.bind(str(path).replace("@", "\0", 1))
        opened.settimeout(20)
        yield Ear(opened)


class Ear:
    def __init__(self, opened: socket.socket) -> None:
        self._opened = opened

    def heard(self) -> dict[str, str]:
        """The next that was told."""
        lines = self._opened.recv(65_536).decode().split("\n")
        return dict(line.partition("=")[::2] for line in lines)


def serves(daemon: Daemon) -> bool:
    return daemon.call("GET", "/health").status == 200


# -- sockets ------------------------------------------------------------------------------------------


def test_a_passed_socket_is_taken_over_and_stays_when_the_daemon_ends(running: Daemon) -> None:
    with listening(running.socket) as opened:
        before = running.socket.stat()
        for _ in range(2):
            give(running, opened, LISTEN_FDNAMES="maestrod").start()
            assert serves(running)
            assert running.stop() == 0
            assert running.socket.stat().st_ino == before.st_ino
            assert stat.S_ISSOCK(running.socket.stat().st_mode)


def test_a_call_that_came_before_the_daemon_is_answered(running: Daemon) -> None:
    with listening(running.socket) as opened, running.connect() as early:
        early.sendall(b"GET /health HTTP/1.1\r\nHost: m\r\nConnection: close\r\n\r\n")
        give(running, opened).start()
        assert early.recv(65_536).startswith(b"HTTP/1.1 200 ")


def test_callers_between_two_daemons_wait_for_the_second(running: Daemon) -> None:
    with listening(running.socket) as opened:
        give(running, opened).start()
        running.stop()
        with running.connect() as between:
            between.sendall(b"GET /health HTTP/1.1\r\nHost: m\r\nConnection: close\r\n\r\n")
            running.start()
            assert between.recv(65_536).startswith(b"HTTP/1.1 200 ")


def test_a_socket_passed_elsewhere_is_served_there_and_named(running: Daemon) -> None:
    own, running.socket = running.socket, running.home / "deep" / "other.sock"
    with listening(running.socket) as opened:
        give(running, opened).start()
        assert not own.exists()
        assert (running.home / "run" / "socket").read_text() == f"{running.socket}\n"


def test_a_socket_that_is_passed_and_named_is_opened_once(running: Daemon) -> None:
    running.args = ("--listen", f"unix:{running.socket}", "--listen", f"unix:{running.home}/more.sock")
    with listening(running.socket) as opened:
        inode = running.socket.stat().st_ino
        give(running, opened).start()
        assert running.socket.stat().st_ino == inode
        running.socket = running.home / "more.sock"
        assert serves(running)


def test_a_socket_passed_where_others_can_write_is_refused(running: Daemon) -> None:
    with listening(running.socket) as opened:
        running.socket.parent.chmod(0o777)
        code, said = give(running, opened).attempt()
        assert code == 5
        assert "nobody else can write" in said


def other_things(folder: Path) -> Iterator[tuple[str, socket.socket | int]]:
    tcp = socket.create_server(("127.0.0.1", 0))
    yield "TCP", tcp
    yield "datagrams", socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    one, other = socket.socketpair()
    yield "a conversation", one
    yield "its other end", other
    nameless = socket.socket(socket.AF_UNIX)
    nameless.bind("\0maestro-test-nameless-" + folder.name)
    nameless.listen()
    yield "a name without a file", nameless
    quiet = socket.socket(socket.AF_UNIX)
    quiet.bind(str(folder / "quiet.sock"))
    yield "one that does not listen", quiet
    yield "a file", os.open(folder / "file", os.O_RDWR | os.O_CREAT)
    yield "a folder", os.open(folder, os.O_RDONLY)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="reads /proc")
def test_what_is_no_listening_unix_socket_is_left_alone(running: Daemon) -> None:
    things = dict(other_things(running.home))
    give(running, *things.values()).start()
    assert serves(running)
    for number, thing in enumerate(things.values(), 3):
        ours = thing if isinstance(thing, int) else thing.fileno()
        theirs = Path(f"/proc/{running.pid}/fd/{number}")
        assert theirs.readlink() == Path(f"/proc/self/fd/{ours}").readlink()
    assert running.stop() == 0
    assert not running.socket.exists()
    for thing in things.values():
        os.close(thing) if isinstance(thing, int) else thing.close()


def test_the_home_is_not_served_where_somebody_else_listens(running: Daemon) -> None:
    with listening(running.socket):
        inode = running.socket.stat().st_ino
        code, said = running.attempt()
        assert code == 5
        assert "something listens" in said
        assert "Traceback" not in said
        assert running.socket.stat().st_ino == inode


# -- hostile ------------------------------------------------------------------------------------------

LISTENING: tuple[dict[str, str], ...] = (
    {"LISTEN_PID": "1"},
    {"LISTEN_PID": ""},
    {"LISTEN_PID": "x" * 10_000},
    *({"LISTEN_FDS": word} for word in ("", "-1", "0", "x", "1e3", "٣", "17", "4096", "999999999999", "9" * 9_999)),
    {"LISTEN_FDS": "16"},
    {"LISTEN_FDS": "2", "LISTEN_FDNAMES": "::::" * 1000},
    {"LISTEN_FDS": "1", "LISTEN_FDNAMES": "\x1b[31m\nREADY=1"},
)
NOTICES: tuple[dict[str, str], ...] = tuple(
    {"NOTIFY_SOCKET": word}
    for word in ("x", "@", "/", "./x", "/nowhere/x", "/dev/null", "vsock:2:1", "/" * 5000, "@" * 5000, "\udcff")
)
WATCHDOGS: tuple[dict[str, str], ...] = (
    *({"WATCHDOG_USEC": word} for word in ("", "0", "-1", "x", "1", "9" * 15, "9" * 999, "٣", "0x10", "1.5")),
    {"WATCHDOG_USEC": "100000", "WATCHDOG_PID": "1"},
    {"WATCHDOG_USEC": "100000", "WATCHDOG_PID": "x", "NOTIFY_SOCKET": "@nobody"},
)
NOTHING: dict[str, str] = {}
HOSTILE = [a | b | c for a, b, c in zip_longest(LISTENING, NOTICES, WATCHDOGS, fillvalue=NOTHING)]
"""Each word once; those of one kind are no matter to those of another."""


@pytest.mark.parametrize("told", HOSTILE, ids=range(len(HOSTILE)))
def test_words_that_make_no_sense_do_not_hurt(running: Daemon, told: Mapping[str, str]) -> None:
    give(running, **told).start()
    assert serves(running)
    assert running.stop() == 0
    assert not running.socket.exists()
    assert (running.home / "stderr.txt").read_text() == ""


def test_all_of_it_is_taken_out_of_the_environment() -> None:
    environ = dict.fromkeys(NAMES, "1") | {"HOME": "/h"}
    Systemd.taken(environ)
    assert environ == {"HOME": "/h"}


def test_nobody_who_reads_does_not_hold_it_up(place: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as deaf:
        deaf.bind(str(place / "deaf"))
        systemd = Systemd(address=str(place / "deaf"))
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as filling:
            filling.settimeout(0)
            with suppress(BlockingIOError):
                for _ in range(1_000_000):
                    filling.sendto(b"x", str(place / "deaf"))
        systemd.tell(ready=1)


def test_what_is_told_is_one_line_each(place: Path) -> None:
    with hearing(place / "ear") as ear:
        Systemd(address=str(place / "ear")).tell(status="a\nMAINPID=1\n\tb", ready=1)
        assert ear.heard() == {"STATUS": "a MAINPID=1 b", "READY": "1"}


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="reads /proc")
def test_no_child_inherits_any_of_it(running: Daemon, tmp_path: Path) -> None:
    with listening(running.socket) as opened, listening(tmp_path / "2.sock") as more, hearing(tmp_path / "ear"):
        told = {"NOTIFY_SOCKET": str(tmp_path / "ear"), "WATCHDOG_USEC": "60000000", "LISTEN_FDNAMES": "a:b"}
        give(running, opened, more, **told).start()
        scene = Scene(running)
        project = scene.project(workingDir=str(tmp_path))
        command = f"env > {tmp_path}/env; ls -l /proc/self/fd > {tmp_path}/fds"
        task = scene.task(project, checks=[command])
        scene.ok("POST", f"/tasks/{task['id']}/checks/run", {})
        scene.ok("GET", f"/tasks/{task['id']}/checks?wait=30")
        assert "PATH=" in (tmp_path / "env").read_text()
        assert [name for name in NAMES if f"{name}=" in (tmp_path / "env").read_text()] == []
        assert "socket:" not in (tmp_path / "fds").read_text()


# -- telling ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["{}/ear", "@maestro-test-{}"])
def test_it_tells_when_it_is_ready_and_when_it_stops(running: Daemon, where: str) -> None:
    address = where.format(running.home if where.startswith("{") else running.home.name)
    with hearing(Path(address)) as ear:
        give(running, NOTIFY_SOCKET=address).start()
        assert ear.heard() == {"READY": "1", "STATUS": f"serving {running.home}"}
        assert running.stop() == 0
        assert ear.heard() == {"STOPPING": "1", "STATUS": "stopping"}


def test_it_is_ready_only_when_it_can_be_called(running: Daemon) -> None:
    with hearing(running.home / "ear") as ear:
        give(running, NOTIFY_SOCKET=str(running.home / "ear"))
        running.start()
        assert ear.heard()["READY"] == "1"
        assert serves(running)


@pytest.mark.parametrize("spoilt", ["config/config.toml", "run"])
def test_it_tells_why_it_does_not_start(running: Daemon, spoilt: str) -> None:
    (running.home / spoilt).parent.mkdir(exist_ok=True)
    (running.home / spoilt).write_text('durability = "never"')
    with hearing(running.home / "ear") as ear:
        code, said = give(running, NOTIFY_SOCKET=str(running.home / "ear")).attempt()
        assert code in {2, 5}
        assert " ".join(said.removeprefix("maestrod: ").split()) == ear.heard()["STATUS"]


def test_the_watchdog_is_told_again_and_again(running: Daemon) -> None:
    with hearing(running.home / "ear") as ear:
        give(running, NOTIFY_SOCKET=str(running.home / "ear"), WATCHDOG_USEC="100000").start()
        heard = eventually(lambda: _told_thrice(ear))
        assert {"WATCHDOG": "1", "STATUS": f"serving {running.home}, live sessions: 0"} in heard


def _told_thrice(ear: Ear) -> list[dict[str, str]]:
    heard = [ear.heard() for _ in range(4)]
    return heard if len([each for each in heard if "WATCHDOG" in each]) >= 3 else []


def test_the_watchdogs_signal_leaves_behind_where_everything_stood(running: Daemon) -> None:
    give(running, WATCHDOG_USEC="60000000").start()
    assert running.process is not None
    running.process.send_signal(signal.SIGABRT)
    assert running.process.wait(20) == -signal.SIGABRT
    running.process = None
    said = (running.home / "stderr.txt").read_text()
    assert "Fatal Python error: Aborted" in said
    assert "journal.py" in said


async def test_the_watchdog_hears_nothing_once_the_thread_that_writes_is_gone(place: Path) -> None:
    places = Locations(home=place, config=place, data=place / "data", run=place / "run", logs=place)
    places.run.mkdir()
    loaded = load(places.data, journal_folder=places.journal, snapshots=places.snapshots)
    assert not loaded.journal.writing
    loaded.journal.start(on_durable=lambda seq: None, on_failure=lambda error: None)
    assert loaded.journal.writing
    with hearing(place / "ear") as ear:
        built = app.House(Settings(), places, loaded, systemd=Systemd(address=str(place / "ear"), watchdog_s=0.05))
        loaded.journal.close()
        await built._reassure(0.05)  # returns
        Systemd(address=str(place / "ear")).tell(last=1)
        assert ear.heard() == {"LAST": "1"}
