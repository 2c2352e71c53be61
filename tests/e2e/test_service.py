"""The daemon as a service of systemd: calls start it, agents outlive it, and what it cannot do is said."""

import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from maestro_cli import service
from tests.e2e.workshop import MAESTRO, Said, Workshop, ended, gone, workshop
from tests.support.eventually import eventually
from tests.support.user_manager import UserManager, user_manager

pytestmark = [pytest.mark.e2e, pytest.mark.tmux]

START = 'RUN: "$MAESTRO_BIN" task start "$MAESTRO_TASK_IDS"'
COMPLETE = 'RUN: "$MAESTRO_BIN" task complete "$MAESTRO_TASK_IDS"'
STEP = 'RUN: "$MAESTRO_BIN" report progress "step" --task "$MAESTRO_TASK_IDS"'


class Served:
    """A Maestro whose user has a service manager, and agents in the middle of their work."""

    def __init__(self, shop: Workshop, manager: UserManager) -> None:
        self.shop = shop
        self.manager = manager
        self.unit = service.of(shop.env, platform="linux").name
        self.go = shop.folder / "go"
        self.sessions: list[str] = []
        self.panes: list[dict[str, object]] = []

    @property
    def socket_unit(self) -> str:
        return self.unit.replace(".service", ".socket")

    @property
    def pid(self) -> int:
        return self.manager.pid(self.unit)

    def work(self) -> None:
        """Two agents that report until they are let go."""
        self.shop.begin()
        for provider in ("claude", "codex"):
            self.shop.script(provider, START, STEP, f"WAIT: {self.go}", STEP, COMPLETE)
            self.sessions.append(self.shop.spawn(provider, self.shop.task()))
        self.shop.ran("report progress", 2)
        self.panes = [self.shop.session(session)["pane"] for session in self.sessions]

    def is_untouched(self) -> None:
        """The same agents in the same panes, known to be at work."""

        def look() -> bool:
            found = [self.shop.session(session) for session in self.sessions]
            assert [each["status"] for each in found] == ["working"] * len(found), found
            assert all(each["live"]["process"] == "alive" for each in found)
            assert [each["pane"] for each in found] == self.panes
            return True

        eventually(look, timeout=5, what="the agents are taken up again")
        for pane in self.panes:
            assert not gone(psutil.Process(int(str(pane["pid"]))))

    def finish(self) -> None:
        """Let them go; they end as if nothing had been."""
        self.go.touch()
        for session in self.sessions:
            self.shop.becomes(session, "completed", timeout=30)
        self.shop.no_agent_stumbled()

    @contextmanager
    def callers(self) -> Iterator[list[Said]]:
        """People who call all the time, and start nothing themselves; how all their calls ended."""
        said: list[Said] = []
        over = threading.Event()

        def call() -> None:
            while not over.is_set():
                said.append(self.shop.maestro("task", "list", "--json", "--no-start"))

        threads = [threading.Thread(target=call) for _ in range(3)]
        for thread in threads:
            thread.start()
        try:
            yield said
        finally:
            over.set()
            for thread in threads:
                thread.join()


@pytest.fixture
def served() -> Iterator[Served]:
    with workshop() as shop:
        shop.env["XDG_RUNTIME_DIR"] = str(shop.folder / "xdg")
        with user_manager(shop.folder, shop.env) as manager:
            yield Served(shop, manager)


def test_the_daemon_comes_and_goes_under_its_service_and_no_agent_notices(served: Served) -> None:
    shop, manager = served.shop, served.manager
    assert shop.ok("daemon", "install", "--now")["started"] is True
    first = shop.daemon_pid()
    assert served.pid == first
    served.work()
    told = manager("show", "--property=KillMode,WatchdogUSec", served.unit).split()
    assert sorted(told) == ["KillMode=process", "WatchdogUSec=1min"]

    with served.callers() as said:
        restarted = shop.ok("daemon", "restart")
        eventually(lambda: len(said) > 20, what="calls after the restart")
    assert [each for each in said if each.code] == []
    assert restarted["pid"] == served.pid != first
    served.is_untouched()

    manager("stop", served.unit)
    assert manager("is-active", served.socket_unit) == "active"
    assert served.pid == 0
    assert shop.maestro("task", "list", "--no-start").code == 0
    assert served.pid == shop.daemon_pid()
    served.is_untouched()

    killed = shop.kill_daemon()
    eventually(lambda: served.pid not in (0, killed), what="systemd starts it again")
    served.is_untouched()
    served.finish()


def test_agents_started_from_within_a_service_do_not_end_with_it(served: Served) -> None:
    """As the daemon starts them: tmux must leave the service's cgroup, of which systemd here leaves nothing."""
    shop = served.shop
    shop.begin()
    shop.script("claude", START, f"WAIT: {served.go}", COMPLETE)
    task = shop.task()
    around = [f"--setenv={name}={value}" for name, value in shop.env.items()]
    spawn = [MAESTRO, "session", "spawn", "--task", task, "--provider", "claude", "--json"]
    within = ["systemd-run", "--user", "--wait", "--quiet", "--collect", *around, f"--working-directory={shop.project}"]
    subprocess.run([*within, *spawn], env=shop.env, check=True, capture_output=True, timeout=60)
    [session] = shop.statuses("sessions")
    served.sessions.append(session)
    shop.ran("task start")
    assert shop.session(session)["status"] == "working"
    served.finish()


def test_the_service_takes_over_from_the_daemon_that_runs_and_gives_it_back(served: Served) -> None:
    shop = served.shop
    served.work()
    before = shop.daemon_pid()
    installed = shop.ok("daemon", "install", "--now")
    assert (installed["enabled"], installed["started"], len(installed["changed"])) == (True, True, 2)
    assert served.pid == shop.daemon_pid() != before
    served.is_untouched()
    again = shop.ok("daemon", "install")
    assert again["changed"] == []
    assert served.pid == shop.daemon_pid()

    removed = shop.ok("daemon", "uninstall")
    assert removed["removed"] == installed["files"]
    assert not any(Path(path).exists() for path in installed["files"])
    assert served.manager("list-units", "--all", "--no-legend", "maestrod*") == ""
    assert (shop.home / "data" / "journal").is_dir()
    assert shop.maestro("task", "list").code == 0
    assert served.pid == 0
    served.is_untouched()
    served.finish()


def test_the_first_call_starts_it_and_a_look_does_not(served: Served) -> None:
    shop = served.shop
    assert shop.ok("daemon", "install")["started"] is False
    served.manager("start", served.socket_unit)
    for words in (("daemon", "status"), ("daemon", "stop"), ("daemon", "repair", "--dry-run")):
        shop.maestro(*words)
        assert served.pid == 0, words
    calls = [shop.start("whoami", "--json", "--no-start") for _ in range(10)]
    assert [ended(call).code for call in calls] == [0] * 10
    assert served.pid == shop.daemon_pid()
    stopped = shop.maestro("daemon", "stop")
    assert (stopped.code, served.pid) == (0, 0)
    assert f"systemctl --user stop {served.socket_unit}" in stopped.err
    assert shop.ok("daemon", "start")["pid"] == served.pid


def test_a_service_that_cannot_start_says_why_and_starts_when_it_can(served: Served) -> None:
    shop = served.shop
    config = shop.home / "config" / "config.toml"
    before = config.read_text()
    shop.ok("daemon", "install", "--now")
    shop.ok("daemon", "stop")
    config.write_text('durability = "perhaps"\n')
    failed = shop.maestro("whoami", "--json", env={**shop.env, "MAESTRO_TIMEOUT": "30"})
    assert (failed.code, failed.json["error"]) == (5, "daemon_not_started")
    assert "durability" in failed.json["message"]
    assert shop.maestro("daemon", "start").code == 5
    config.write_text(before)
    assert shop.ok("daemon", "start")["pid"] == served.pid


def test_a_socket_that_lost_its_place_is_opened_anew(served: Served) -> None:
    shop = served.shop
    shop.ok("daemon", "install", "--now")
    (shop.home / "run" / "maestrod.sock").unlink()
    assert shop.maestro("whoami").code == 0
    assert served.pid == shop.daemon_pid()


@pytest.mark.parametrize("name", ['a b %h $HOME "q" \\ \' ü;#', "x" * 95], ids=["odd", "too long for a socket"])
def test_a_home_may_have_any_name(served: Served, name: str) -> None:
    shop = served.shop
    odd = shop.folder / name
    env = {**shop.env, "MAESTRO_HOME": str(odd)}
    assert shop.ok("daemon", "install", "--now", env=env)["started"] is True
    shop.ok("daemon", "stop", env=env)
    assert shop.maestro("whoami", "--no-start", env=env).code == 0
    told = shop.ok("daemon", "status", env=env)
    assert told["home"] == str(odd)
    assert told["pid"] == served.manager.pid(service.of(env, platform="linux").name) != 0


def test_a_daemon_that_hangs_is_started_anew(served: Served) -> None:
    shop = served.shop
    shop.ok("daemon", "install")
    own = Path(f"{shop.folder}/.config/systemd/user/{served.unit}.d")
    own.mkdir(parents=True)
    (own / "own.conf").write_text("[Service]\nWatchdogSec=1\n")
    shop.ok("daemon", "install", "--now")
    served.work()
    hanging = served.pid
    os.kill(hanging, signal.SIGSTOP)
    eventually(lambda: served.pid not in (0, hanging), what="systemd starts another")
    served.is_untouched()
    served.finish()


# -- by systemd-socket-activate, which needs no manager ------------------------------------------------


@contextmanager
def activated(shop: Workshop) -> Iterator[psutil.Process]:
    """What starts the daemon with its socket at the first call."""
    program = shutil.which("systemd-socket-activate")
    if program is None:
        pytest.skip("systemd-socket-activate is not installed (apt-get install systemd)")
    path = shop.home / "run" / "maestrod.sock"
    path.parent.mkdir(mode=0o700, exist_ok=True)
    names = [word for name in shop.env for word in ("-E", name)]
    python = str(Path(MAESTRO).with_name("python"))
    begun = subprocess.Popen(
        [program, "-l", str(path), "--fdname=maestrod", *names, python, "-m", "maestrod"],
        env=shop.env,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        eventually(lambda: path.exists() and begun.poll() is None, what="the socket is open")
        yield psutil.Process(begun.pid)
    finally:
        if begun.poll() is None:
            begun.terminate()
        begun.wait(20)


def test_agents_outlive_a_daemon_that_is_started_by_its_socket(bare: Workshop) -> None:
    bare.env["MAESTRO_NO_AUTOSTART"] = "1"
    served = Served(bare, UserManager(bare.env))
    with activated(bare) as process:
        assert "maestrod" not in process.cmdline()[:3]
        served.work()
        assert bare.daemon_pid() == process.pid
        assert bare.ok("daemon", "stop")["pid"] == process.pid
        assert (bare.home / "run" / "maestrod.sock").is_socket()
    assert bare.maestro("task", "list", env={**bare.env, "MAESTRO_TIMEOUT": "0.5"}).code == 5
    with activated(bare) as process:
        served.is_untouched()
        assert bare.daemon_pid() == process.pid
        served.finish()
