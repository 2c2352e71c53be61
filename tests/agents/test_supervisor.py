"""The pane's supervisor as a process in a real terminal, with real agents: small programs that do as they are told."""

import json
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.support.daemon import home
from tests.support.eventually import eventually
from tests.support.recording_server import RecordingServer
from tests.support.terminal import Terminal

SESSION = "sess_1_abc"
CHECKOUT = Path(__file__).parents[2]
DRIVER = """
import os, sys
from maestro_cli.supervisor import BadLaunch, Patience, run
try:
    sys.exit(run(sys.argv[1], os.environ, Patience(hang_up=0.2, kill=0.6, sweep=0.3, tell=float(sys.argv[2]))))
except BadLaunch as error:
    sys.exit(f"bad launch: {error}")
"""


class Desk:
    """A home with launch files, a daemon that only listens, and what the agent leaves."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.daemon = RecordingServer(folder / "d.sock")
        self.launch_file = folder / "launch.json"
        self.exit_file = folder / "exit.json"
        self.environment_file = folder / "environment.json"
        self.credential = folder / "cred"
        self.seen = folder / "seen"
        self.credential.write_text("secret-of-the-session")

    def write(self, argv: Sequence[str], /, **changes: object) -> None:
        """The launch file for an agent, and the environment beside it."""
        self.environment_file.write_text(json.dumps({"PATH": os.environ["PATH"], "FROM_CALLER": "yes"}))
        told = {
            "sessionId": SESSION,
            "argv": list(argv),
            "cwd": str(self.folder),
            "env": {"SEEN": str(self.seen), "MAESTRO_SESSION_ID": SESSION},
            "environmentFile": str(self.environment_file),
            "server": self.daemon.address,
            "credentialFile": str(self.credential),
            "exitFile": str(self.exit_file),
            "tmuxServer": "maestro-none",
        }
        self.launch_file.write_text(json.dumps(told | changes))

    @contextmanager
    def supervisor(
        self, *, tell_s: float = 5.0, session_id: str = SESSION, before: Sequence[str] = ()
    ) -> Iterator[Terminal]:
        """The supervisor in a terminal."""
        env = {
            "PATH": os.environ["PATH"],
            "TERM": "screen-256color",
            "TMUX": "/tmp/outer,1,2",
            "ONLY_IN_THE_PANE": "yes",
            "PYTHONPATH": str(CHECKOUT),
            "MAESTRO_LAUNCH_FILE": str(self.launch_file),
            **{k: v for k, v in os.environ.items() if k.startswith("COVERAGE_")},
        }
        argv = [*before, sys.executable, "-c", DRIVER, session_id, str(tell_s)]
        with Terminal(argv, env=env, cwd=self.folder) as terminal:
            yield terminal

    def run(self, *argv: str, **changes: object) -> int:
        """Run an agent to its end with the daemon there; the supervisor's exit code."""
        self.write(argv, **changes)
        with self.daemon, self.supervisor() as terminal:
            return terminal.ended()

    def said(self) -> str:
        """What the agent wrote for the test."""
        return self.seen.read_text() if self.seen.exists() else ""

    def pid(self) -> int:
        """The agent's process id, once it wrote it."""
        return int(eventually(self.said, what="the agent runs").split()[0])


@pytest.fixture
def desk() -> Iterator[Desk]:
    with home() as folder:
        yield Desk(folder)


def sh(script: str) -> tuple[str, str, str]:
    return ("/bin/sh", "-c", script)


def python(script: str) -> tuple[str, str, str]:
    return (sys.executable, "-c", f"import os, signal, sys, time\n{script}")


WAIT = 'echo $$ > "$SEEN.part"; mv "$SEEN.part" "$SEEN"; while :; do sleep 0.05; done'
STAY = "__import__('threading').Event().wait(60)"
SAY_PID = (
    "open(os.environ['SEEN'] + '.part', 'w').write(str(os.getpid()))\n"
    "os.rename(os.environ['SEEN'] + '.part', os.environ['SEEN'])\n"
)


# -- how it ends --------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [0, 1, 7, 41, 255])
def test_the_agents_exit_code_is_told_and_passed_on(desk: Desk, code: int) -> None:
    assert desk.run(*sh(f"exit {code}")) == code
    assert desk.daemon.bodies("exit") == [{"code": code, "signal": None, "reason": ""}]


def test_an_agent_killed_by_a_signal_has_no_code(desk: Desk) -> None:
    assert desk.run(*sh("kill -9 $$")) == 137
    assert desk.daemon.bodies("exit") == [{"code": None, "signal": 9, "reason": "killed by SIGKILL"}]


def test_what_was_told_leaves_no_exit_file(desk: Desk) -> None:
    desk.run(*sh("exit 3"))
    assert not desk.exit_file.exists()


@pytest.mark.parametrize(
    ("argv", "code", "words"),
    [
        (("/nowhere/claude", "-x"), 127, "cannot start claude: /nowhere/claude: No such file or directory"),
        (("/etc/passwd",), 126, "cannot start passwd: /etc/passwd: Permission denied"),
    ],
)
def test_a_program_that_cannot_be_run_is_an_end_with_its_reason(
    desk: Desk, argv: tuple[str, ...], code: int, words: str
) -> None:
    desk.write(argv)
    with desk.daemon, desk.supervisor() as terminal:
        assert terminal.ended() == code
        assert words in terminal.text
    assert desk.daemon.bodies("exit") == [{"code": code, "signal": None, "reason": words}]
    assert desk.daemon.bodies("register") == []


def test_a_file_that_is_no_program_is_an_end_with_its_reason(desk: Desk) -> None:
    program = desk.folder / "agent"
    program.write_bytes(b"\x00\x01\x02 no program")
    program.chmod(0o755)
    assert desk.run(str(program)) == 126
    assert "Exec format error" in desk.daemon.bodies("exit")[0]["reason"]


@pytest.mark.parametrize("word", ["a\0b", "\ud800"])
def test_words_that_no_process_can_have_are_an_end_with_its_reason(desk: Desk, word: str) -> None:
    assert desk.run("/bin/echo", word) == 126
    assert "cannot start echo" in desk.daemon.bodies("exit")[0]["reason"]


def test_a_directory_that_is_gone_is_named_in_the_reason(desk: Desk) -> None:
    assert desk.run(*sh("exit 0"), cwd=str(desk.folder / "gone")) == 127
    assert str(desk.folder / "gone") in desk.daemon.bodies("exit")[0]["reason"]


# -- who it is ----------------------------------------------------------------------------------------


def test_the_agent_is_registered_by_pid_and_start_time(desk: Desk) -> None:
    desk.write(sh(WAIT))
    with desk.daemon, desk.supervisor() as terminal:
        pid = desk.pid()
        [body] = eventually(lambda: desk.daemon.bodies("register"))
        assert body["pane"]["pid"] == pid
        assert abs(body["pane"]["pidStartedAt"] - psutil.Process(pid).create_time() * 1000) < 11
        assert body["pane"]["supervisorPid"] == terminal.process.pid
        assert (body["platform"], body["hostname"]) == (sys.platform, os.uname().nodename)
        os.kill(pid, signal.SIGKILL)
        terminal.ended()
    assert desk.daemon.deeds() == ["register", "exit"]
    assert {a.headers["Authorization"] for a in desk.daemon.asked} == {"Bearer secret-of-the-session"}
    assert {a.path for a in desk.daemon.asked} == {f"/api/v1/sessions/{SESSION}/{d}" for d in ("register", "exit")}


def test_the_agent_has_the_callers_environment_and_not_the_panes(desk: Desk) -> None:
    desk.run(*python("import json; json.dump(dict(os.environ), open(os.environ['SEEN'], 'w'))"))
    seen = json.loads(desk.said())
    assert seen.pop("LC_CTYPE", "") in ("", "C.UTF-8")  # Python's own, under the C locale
    assert {k: v for k, v in seen.items() if not k.startswith("COVERAGE_")} == {
        "PATH": os.environ["PATH"],
        "FROM_CALLER": "yes",
        "TERM": "screen-256color",
        "SEEN": str(desk.seen),
        "MAESTRO_SESSION_ID": SESSION,
    }


def test_the_callers_environment_does_not_stay_on_the_disk(desk: Desk) -> None:
    desk.write(sh(WAIT))
    with desk.daemon, desk.supervisor():
        desk.pid()
        assert not desk.environment_file.exists()


# -- the terminal -------------------------------------------------------------------------------------


def test_the_agent_owns_the_terminal_before_its_first_instruction(desk: Desk) -> None:
    script = (
        "own = os.tcgetpgrp(0) == os.getpgrp() == os.getpid()\n"
        "import termios\n"
        "termios.tcsetattr(0, termios.TCSANOW, termios.tcgetattr(0))\n"  # stops a background process
        "print(own, file=open(os.environ['SEEN'], 'w'))"
    )
    for _ in range(5):
        assert desk.run(*python(script)) == 0
        assert desk.said() == "True\n"


def test_the_agent_inherits_no_ignored_signal(desk: Desk) -> None:
    script = (
        "ignored = {s for s in signal.valid_signals() if signal.getsignal(s) is signal.SIG_IGN}\n"
        "own = {signal.SIGPIPE, signal.SIGXFSZ}\n"  # Python ignores these by itself
        "print(ignored - own, file=open(os.environ['SEEN'], 'w'))"
    )
    before = signal.signal(signal.SIGQUIT, signal.SIG_IGN)  # as for what a script runs in its background
    try:
        desk.run(*python(script))
    finally:
        signal.signal(signal.SIGQUIT, before)
    assert desk.said() == "set()\n"


def test_what_is_typed_reaches_the_agent(desk: Desk) -> None:
    desk.write(sh('read line; echo "$line" > "$SEEN"'))
    with desk.daemon, desk.supervisor() as terminal:
        terminal.type("hello\r")
        assert terminal.ended() == 0
    assert desk.said() == "hello\n"


def test_ctrl_c_reaches_the_agent_alone(desk: Desk) -> None:
    desk.write(python(f"signal.signal(signal.SIGINT, lambda *_: os._exit(5))\n{SAY_PID}{STAY}"))
    with desk.daemon, desk.supervisor() as terminal:
        desk.pid()
        terminal.type("\x03")
        assert terminal.ended() == 5


def test_an_agent_that_suspends_itself_goes_on(desk: Desk) -> None:
    script = "os.kill(os.getpid(), signal.SIGTSTP); print('back', file=open(os.environ['SEEN'], 'w'))"
    assert desk.run(*python(script)) == 0
    assert desk.said() == "back\n"


# -- signals ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_are_passed_on_to_the_agent(desk: Desk, number: signal.Signals) -> None:
    handler = f"signal.signal({int(number)}, lambda n, _: os._exit(n))"
    desk.write(python(f"{handler}\n{SAY_PID}{STAY}"))
    with desk.daemon, desk.supervisor() as terminal:
        desk.pid()
        terminal.process.send_signal(number)
        assert terminal.ended() == number
    assert desk.daemon.bodies("exit")[0]["code"] == number


def test_an_agent_that_minds_no_signal_is_killed_in_the_end(desk: Desk) -> None:
    ignore = "signal.signal(signal.SIGTERM, signal.SIG_IGN); signal.signal(signal.SIGHUP, signal.SIG_IGN)"
    desk.write(python(f"{ignore}\n{SAY_PID}{STAY}"))
    with desk.daemon, desk.supervisor() as terminal:
        desk.pid()
        terminal.process.send_signal(signal.SIGTERM)
        assert terminal.ended() == 137


@pytest.mark.parametrize("before", [(), ("/bin/sh", "-c", 'trap : HUP; "$@"; exit $?', "sh")])
def test_an_agent_whose_terminal_hangs_up_is_ended(desk: Desk, before: tuple[str, ...]) -> None:
    ignore = "signal.signal(signal.SIGHUP, signal.SIG_IGN)"
    desk.write(python(f"{ignore}\n{SAY_PID}{STAY}"))
    with desk.daemon, desk.supervisor(before=before) as terminal:
        desk.pid()
        terminal.hang_up()
        terminal.ended()
        [end] = eventually(lambda: desk.daemon.bodies("exit"))
    assert end["signal"] == signal.SIGTERM


@pytest.mark.parametrize("minds", [True, False])
def test_what_the_agent_left_in_its_group_is_ended(desk: Desk, minds: bool) -> None:
    ignore = "" if minds else "trap '' TERM HUP;"
    desk.run(*sh(f'({ignore} sh -c \'echo $$ > "$SEEN"; exec sleep 60\') & while [ ! -s "$SEEN" ]; do :; done; exit 4'))
    pid = desk.pid()
    eventually(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    assert desk.daemon.bodies("exit")[0]["code"] == 4


# -- the daemon comes and goes ------------------------------------------------------------------------


def test_without_a_daemon_the_agent_runs_and_its_end_is_left_in_a_file(desk: Desk) -> None:
    desk.write(sh('echo ran > "$SEEN"; exit 6'))
    with desk.supervisor(tell_s=0.1) as terminal:
        assert terminal.ended() == 6
    assert desk.said() == "ran\n"
    end = json.loads(desk.exit_file.read_bytes())
    assert {k: end[k] for k in ("sessionId", "code", "signal", "reason")} == {
        "sessionId": SESSION,
        "code": 6,
        "signal": None,
        "reason": "",
    }
    assert isinstance(end["pid"], int)
    assert end["pidStartedAt"] <= end["at"] + 1000
    assert desk.exit_file.stat().st_mode & 0o777 == 0o600


def test_a_daemon_that_comes_later_hears_of_the_agent(desk: Desk) -> None:
    desk.write(sh(WAIT))
    with desk.supervisor() as terminal:
        pid = desk.pid()
        with desk.daemon:
            eventually(lambda: desk.daemon.bodies("register"), timeout=15)
        os.kill(pid, signal.SIGKILL)
        eventually(desk.exit_file.exists)
        with desk.daemon:
            eventually(lambda: desk.daemon.bodies("exit"))
            assert terminal.ended() == 137
    assert not desk.exit_file.exists()


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_daemon_in_trouble_is_told_again(desk: Desk, status: int) -> None:
    desk.daemon.statuses["exit"] = status
    desk.write(sh("exit 2"))
    with desk.daemon, desk.supervisor() as terminal:
        eventually(lambda: desk.daemon.bodies("exit"))
        desk.daemon.statuses.clear()
        assert terminal.ended() == 2
    assert len(desk.daemon.bodies("exit")) > 1
    assert not desk.exit_file.exists()


@pytest.mark.parametrize("status", [401, 403, 404])
def test_an_end_that_is_refused_stays_in_its_file(desk: Desk, status: int) -> None:
    desk.daemon.statuses |= {"exit": status, "register": status}
    assert desk.run(*sh("exit 2")) == 2
    assert json.loads(desk.exit_file.read_bytes())["code"] == 2
    assert desk.daemon.deeds().count("exit") == 1


def test_the_agent_of_a_session_that_was_ended_meanwhile_is_ended(desk: Desk) -> None:
    desk.daemon.statuses["register"] = 409
    assert desk.run(*sh(WAIT)) == 128 + signal.SIGTERM


# -- wrong launch files -------------------------------------------------------------------------------

BROKEN: list[tuple[str, Any]] = [
    ("not there", None),
    ("empty", b""),
    ("half written", b'{"sessionId": "sess_1_abc", "argv": ["/bin/tr'),
    ("no object", b"[]"),
    ("no UTF-8", b"\xff\xfe\x00"),
    ("nothing in it", b"{}"),
]


@pytest.mark.parametrize("content", [c for _, c in BROKEN], ids=[n for n, _ in BROKEN])
def test_a_broken_launch_file_is_refused_in_words(desk: Desk, content: bytes | None) -> None:
    if content is not None:
        desk.launch_file.write_bytes(content)
    with desk.supervisor() as terminal:
        assert terminal.ended() == 1
        assert "bad launch: cannot read the launch file" in terminal.text
        assert "Traceback" not in terminal.text


@pytest.mark.parametrize(
    "changes", [{"argv": []}, {"argv": "rm -rf /"}, {"argv": [1]}, {"env": []}, {"env": {"A": 1}}, {"env": None}]
)
def test_a_launch_file_with_wrong_values_is_refused(desk: Desk, changes: dict[str, object]) -> None:
    desk.write(sh("exit 0"), **changes)
    with desk.supervisor() as terminal:
        assert terminal.ended() == 1
        assert "cannot read the launch file" in terminal.text


def test_the_launch_file_of_another_session_is_refused(desk: Desk) -> None:
    desk.write(sh('echo ran > "$SEEN"'))
    with desk.supervisor(session_id="sess_2_xyz") as terminal:
        assert terminal.ended() == 1
    assert desk.said() == ""
