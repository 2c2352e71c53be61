"""What runs in a session's pane: starts the agent as its foreground child and tells the daemon where and how it ends.

The daemon may come and go meanwhile; the agent does not notice. An end that cannot be told is left in a file.
Standard library only: every running agent has one of these.
"""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from maestrod.client.blocking import Client
from maestrod.client.errors import ClientError, Refused

LAUNCH_VARIABLE = "MAESTRO_LAUNCH_FILE"
"""Names the file that says what is to be started; the launcher sets it in the pane."""

CALL_S = 3.0
FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 5.0
NOT_FOUND = 127
NOT_RUNNABLE = 126

FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
STOPPED_BY_TERMINAL = (signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)


class BadLaunch(Exception):
    """The launch file is missing or is none; the message says what to do."""


class Launch(NamedTuple):
    """What the launcher wrote."""

    session_id: str
    argv: list[str]
    cwd: str
    env: dict[str, str]
    """The agent's whole environment but for what the pane itself gives."""
    server: str
    credential: str
    """Read at the start: when the session is launched again, this one counts no more, and no late word of this run
    is taken for one of the next."""
    exit_file: str
    tmux_server: str


class Patience(NamedTuple):
    """How long things may take, in seconds."""

    hang_up: float = 3.0
    """From a hang-up to SIGTERM, for agents that do not mind the one."""
    kill: float = 8.0
    """From a hang-up or SIGTERM to SIGKILL."""
    sweep: float = 1.0
    """What the agent left running in its process group gets SIGTERM, and so much later SIGKILL."""
    tell: float = 30.0
    """How long the end is told again and again before it is left to its file."""


class End(NamedTuple):
    """How the agent ended; a signal has no code."""

    code: int | None
    signal: int | None
    reason: str
    hung_up: bool = False
    """The terminal went away first: neither the agent nor anybody else wanted this end."""

    @property
    def status(self) -> int:
        """What a shell would make of it."""
        return 128 + (self.signal or 0) if self.code is None else self.code


def run(session_id: str, environ: Mapping[str, str], patience: Patience) -> int:
    """Start the session's agent, stay until it has ended, tell it, and answer its exit status.

    Raises:
        BadLaunch: this session was not launched here.
    """
    launch = read(session_id, environ.get(LAUNCH_VARIABLE, ""), environ)
    notices = Notices()
    try:
        child = start(launch)
    except (OSError, ValueError) as error:
        end = unstarted(launch, error)
        sys.stderr.write(f"{end.reason}\n")
        Reporter(launch, None, environ.get("TMUX_PANE", "")).ended(end, patience.tell)
        return end.status
    reporter = Reporter(launch, child.pid, environ.get("TMUX_PANE", ""))
    reporter.start()
    watch = Watch(child, notices, patience)
    end = watch.until_end()
    reporter.ended(end, patience.tell)
    watch.sweep()
    return end.status


# -- what is to be started --------------------------------------------------------------------------------


def read(session_id: str, path: str, environ: Mapping[str, str]) -> Launch:
    """The launch file, and the environment from its own file, which is removed: it may hold secrets.

    Raises:
        BadLaunch: they are not there, not whole, or another session's.
    """
    if not path:
        raise BadLaunch(f"this is no pane of a session; `maestro session launch {session_id}` opens one")
    try:
        told = _document(path)
        inherited = _document(str(told["environmentFile"]))
        Path(str(told["environmentFile"])).unlink()
        launch = Launch(
            session_id=str(told["sessionId"]),
            argv=_texts(told["argv"]),
            cwd=str(told["cwd"]),
            env=_strings(inherited) | _strings(told["env"]) | _of_pane(environ),
            server=str(told["server"]),
            credential=Path(str(told["credentialFile"])).read_text("ascii").strip(),
            exit_file=str(told["exitFile"]),
            tmux_server=str(told["tmuxServer"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        hint = f"`maestro session info {session_id}` shows the session"
        raise BadLaunch(f"cannot read the launch file {path}: {error!r}; {hint}") from error
    if launch.session_id != session_id:
        raise BadLaunch(f"the launch file {path} is that of session {launch.session_id}")
    return launch


def _document(path: str) -> dict[str, object]:
    document = json.loads(Path(path).read_bytes())
    if not isinstance(document, dict):
        raise TypeError("not an object")
    return document


def _texts(value: object) -> list[str]:
    if not isinstance(value, list) or not value or not all(isinstance(item, str) for item in value):
        raise TypeError("argv is no list of texts")
    return value


def _strings(value: object) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        raise TypeError("an environment is no object of texts")
    return value


def _of_pane(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: environ[name] for name in ("TERM", "COLORTERM") if name in environ}


# -- the agent --------------------------------------------------------------------------------------------


def start(launch: Launch) -> subprocess.Popen[bytes]:
    """The agent in a process group of its own, which has the terminal before the agent's first instruction.

    Raises:
        OSError: it cannot be started, or there is no such directory.
        ValueError: its words or its environment cannot be those of a process.
    """
    terminal = os.isatty(0)
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    return subprocess.Popen(
        launch.argv,
        cwd=launch.cwd,
        env=launch.env,
        process_group=0,
        preexec_fn=_take_terminal if terminal else _forget_ignored,
    )


def _take_terminal() -> None:
    os.tcsetpgrp(0, os.getpgrp())
    _forget_ignored()


def _forget_ignored() -> None:
    """What we ignore, or whoever started us, is not passed on: an agent without SIGINT and SIGQUIT hears no Ctrl-C."""
    for number in signal.valid_signals():
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


def unstarted(launch: Launch, error: OSError | ValueError) -> End:
    """Why it did not start, in words and as a shell's status."""
    what = launch.argv[0] if Path(launch.cwd).is_dir() else launch.cwd
    missing = isinstance(error, FileNotFoundError | NotADirectoryError)
    reason = f"cannot start {Path(launch.argv[0]).name}: {what}: {getattr(error, 'strerror', None) or error}"
    return End(NOT_FOUND if missing else NOT_RUNNABLE, None, reason)


class Notices:
    """Signals as bytes in a pipe, so that one wait sees them and the terminal. Made before the agent starts."""

    def __init__(self) -> None:
        self.read, write = os.pipe()
        os.set_blocking(self.read, False)
        os.set_blocking(write, False)
        signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        for number in (*FORWARDED, signal.SIGCHLD):
            signal.signal(number, _noted)

    def taken(self) -> list[int]:
        """The signals that came since the last call."""
        try:
            return list(os.read(self.read, 4096))
        except BlockingIOError:
            return []


def _noted(number: int, frame: object) -> None:
    """A handler of our own: unlike an ignored signal it is not passed on to the agent."""


class Watch:
    """Passes signals on to the agent's process group and sees how it ends."""

    def __init__(self, child: subprocess.Popen[bytes], notices: Notices, patience: Patience) -> None:
        self._child = child
        self._patience = patience
        self._notices = notices
        self._due: list[tuple[float, signal.Signals]] = []
        self._hung_up = False
        self._poll = select.poll()
        self._poll.register(notices.read, select.POLLIN)
        if os.isatty(0):
            self._poll.register(0, 0)  # a hang-up is told even when nothing is asked for

    def until_end(self) -> End:
        """Wait; then ask what the agent left behind to end, and take the terminal back."""
        while (end := self._look()) is None:
            for descriptor, what in self._poll.poll(self._wait_ms()):
                if descriptor == self._notices.read:
                    self._pass_on(self._notices.taken())
                else:
                    self._poll.unregister(descriptor)
                    if what & (select.POLLHUP | select.POLLERR):
                        self._pass_on([signal.SIGHUP])
            self._hurry()
        _signalled(self._child.pid, signal.SIGTERM)
        _give_terminal(os.getpgrp())
        return end._replace(hung_up=self._hung_up)

    def _look(self) -> End | None:
        while True:
            pid, status = os.waitpid(self._child.pid, os.WNOHANG | os.WUNTRACED)
            if pid == 0:
                return None
            if not os.WIFSTOPPED(status):
                break
            self._go_on(os.WSTOPSIG(status))
        if os.WIFSIGNALED(status):
            number = os.WTERMSIG(status)
            self._child.returncode = -number
            return End(None, number, f"killed by {_signal_name(number)}")
        code = os.WEXITSTATUS(status)
        self._child.returncode = code
        return End(code, None, "")

    def _go_on(self, stopped_by: int) -> None:
        """Nobody could bring an agent back that put itself into the background: there is no shell here."""
        if stopped_by in STOPPED_BY_TERMINAL:
            _give_terminal(self._child.pid)
            _signalled(self._child.pid, signal.SIGCONT)

    def _pass_on(self, numbers: list[int]) -> None:
        for number in numbers:
            self._hung_up |= number == signal.SIGHUP
            if number in FORWARDED:
                _signalled(self._child.pid, number)
                self._escalate(number)

    def _escalate(self, number: int) -> None:
        if number == signal.SIGINT or self._due:
            return
        now = time.monotonic()
        if number == signal.SIGHUP:
            self._due.append((now + self._patience.hang_up, signal.SIGTERM))
        self._due.append((now + self._patience.kill, signal.SIGKILL))

    def _hurry(self) -> None:
        while self._due and self._due[0][0] <= time.monotonic():
            _signalled(self._child.pid, self._due.pop(0)[1])

    def _wait_ms(self) -> float | None:
        return max(0.0, (self._due[0][0] - time.monotonic()) * 1000) if self._due else None

    def sweep(self) -> None:
        """After the end: kill what the agent left behind and did not end when it was asked to."""
        deadline = time.monotonic() + self._patience.sweep
        while _signalled(self._child.pid, 0):
            if time.monotonic() > deadline:
                _signalled(self._child.pid, signal.SIGKILL)
                return
            time.sleep(0.02)


def _signalled(group: int, number: int) -> bool:
    """Whether anybody in the process group was there to get it."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _give_terminal(group: int) -> None:
    if os.isatty(0):
        with contextlib.suppress(OSError):  # hung up meanwhile
            os.tcsetpgrp(0, group)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


# -- the daemon -------------------------------------------------------------------------------------------


class Reporter:
    """Tells the daemon that the agent runs, and how it ended; waits for the daemon without holding up the agent."""

    def __init__(self, launch: Launch, pid: int | None, pane: str) -> None:
        self._launch = launch
        self._pid = pid
        self._pane = pane
        self._started_at = started_at_ms(pid) if pid is not None else None
        self._client = Client(launch.server, timeout=CALL_S)
        self._headers = {"Authorization": f"Bearer {launch.credential}"}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._register, name="register", daemon=True)

    def start(self) -> None:
        """Register the agent in the background."""
        self._thread.start()

    def ended(self, end: End, tell_s: float) -> None:
        """Leave the end in its file, tell it, and remove the file when it was heard."""
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join(CALL_S)
        with contextlib.suppress(OSError):  # a full disk must not keep the daemon from being told
            self._write(end)
        body = {"code": end.code, "signal": end.signal, "reason": end.reason} | (
            {"interrupted": True} if end.hung_up else {}
        )
        deadline = time.monotonic() + tell_s
        pause = FIRST_PAUSE_S
        while (heard := self._tell("exit", body)) is None and time.monotonic() + pause < deadline:
            time.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)
        if heard:
            with contextlib.suppress(OSError):
                Path(self._launch.exit_file).unlink(missing_ok=True)

    def _register(self) -> None:
        body = {"pane": self._where(), "hostname": os.uname().nodename, "platform": sys.platform}
        pause = FIRST_PAUSE_S
        while not self._over.is_set() and self._tell("register", body) is None:
            self._over.wait(pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)

    def _tell(self, what: str, body: Mapping[str, object]) -> bool | None:
        """Whether the daemon took it or refused it for good; ``None`` when it is worth another try."""
        try:
            path = f"/sessions/{self._launch.session_id}/{what}"
            self._client.call("POST", path, body=body, headers=self._headers)
        except Refused as refused:
            if what == "register" and refused.status == 409:
                os.kill(os.getpid(), signal.SIGTERM)  # the session was ended before the agent came up
            return False if refused.status < 500 and refused.status != 429 else None
        except ClientError:
            return None
        return True

    def _where(self) -> dict[str, object]:
        return {
            "socket": self._launch.tmux_server,
            "window": _window(self._launch.tmux_server, self._pane),
            "pane": self._pane,
            "pid": self._pid,
            "pidStartedAt": self._started_at,
            "supervisorPid": os.getpid(),
        }

    def _write(self, end: End) -> None:
        told = {
            "sessionId": self._launch.session_id,
            "code": end.code,
            "signal": end.signal,
            "reason": end.reason,
            "hungUp": end.hung_up,
            "at": time.time_ns() // 1_000_000,
            "pid": self._pid,
            "pidStartedAt": self._started_at,
        }
        place = Path(self._launch.exit_file)
        aside = place.with_name(f".{place.name}.{os.getpid()}")
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump(told, file)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(place)


def started_at_ms(pid: int) -> int | None:
    """When the process started, which tells it from a later one of the same number; ``None`` when it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        boot = next(line for line in Path("/proc/stat").read_text().splitlines() if line.startswith("btime "))
        return int((int(boot.split()[1]) + int(fields[19]) / os.sysconf("SC_CLK_TCK")) * 1000)
    except (OSError, ValueError, IndexError, StopIteration):
        return _started_by_ps(pid)


def _started_by_ps(pid: int) -> int | None:
    """Where there is no ``/proc``: to the second."""
    try:
        argv = ["ps", "-o", "lstart=", "-p", str(pid)]
        told = subprocess.run(argv, capture_output=True, text=True, timeout=CALL_S, check=True, env=_PLAIN)
        return int(time.mktime(time.strptime(told.stdout.strip(), "%a %b %d %H:%M:%S %Y"))) * 1000
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


_PLAIN = {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}


def _window(server: str, pane: str) -> str:
    """The window's id, for those who attach; empty when tmux does not tell."""
    if not pane:
        return ""
    argv = ["tmux", "-N", "-L", server, "display-message", "-p", "-t", pane, "#{window_id}"]
    env = {name: value for name, value in os.environ.items() if name != "TMUX_TMPDIR"}
    try:
        told = subprocess.run(argv, capture_output=True, text=True, timeout=CALL_S, check=True, env=env)
    except (OSError, subprocess.SubprocessError):
        return ""
    return told.stdout.strip()
