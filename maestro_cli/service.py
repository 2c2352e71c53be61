"""The service that a user may have installed for a home: what it is called, and asking systemd or launchd about it.

A hook may come through here, and pathlib is too dear for hooks.
"""

# ruff: noqa: PTH110, PTH111, PTH117, PTH118, PTH123

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from maestro_cli.environment import run_folder, socket_path
from maestro_cli.failures import Failure
from maestro_cli.units import LAUNCHD_PREFIX
from maestrod.client import wire
from maestrod.client.errors import ClientError

ASK_S = 10.0
LOOK_S = 1.0
RUN_S = 330.0
"""A start may take the five minutes of its unit."""


class Trouble(Failure):
    """systemd or launchd refused; the message is theirs."""

    code = "IO_ERROR"


class State(NamedTuple):
    """How the service manager sees the service; ``pid`` is 0 when it does not run."""

    active: str
    pid: int
    said: str = ""
    """The last words of the daemon to it."""


class Service(Protocol):
    """One home's service."""

    name: str
    """What people call it when they ask the service manager."""
    folder: str
    files: tuple[str, ...]
    how_to_rest: str
    """The command after which calls start it no more; empty where they do not."""

    @property
    def is_installed(self) -> bool:
        """Whether its files are there."""

    def state(self) -> State | None:
        """How it is; None when no service manager answers."""

    def enable(self) -> None:
        """Have its files read, and it started from the next login on."""

    def disable(self) -> None:
        """Stop it and start it no more; agents go on."""

    def forget(self) -> None:
        """Its files are gone."""

    def start(self, *, limit: float = RUN_S) -> None:
        """Start what does not run; on return it is ready."""

    def restart(self) -> bool:
        """Restart it so that whoever calls meanwhile waits; False, with nothing done, where that cannot be had."""


def of(environ: Mapping[str, str], *, platform: str = sys.platform) -> Service:
    """The service of this environment's home, installed or not."""
    return Launchd(environ) if platform == "darwin" else Systemd(environ)


def installed(environ: Mapping[str, str]) -> Service | None:
    """The service of this environment's home, if it is installed."""
    found = of(environ)
    return found if found.is_installed else None


def name_of(environ: Mapping[str, str]) -> str:
    """One name for each home, as several may have a service."""
    home = environ.get("MAESTRO_HOME")
    if not home:
        return "maestrod"
    real = os.path.realpath(os.path.expanduser(home))
    return f"maestrod-{hashlib.sha256(os.fsencode(real)).hexdigest()[:8]}"


def holder(environ: Mapping[str, str]) -> int:
    """The process that holds this home, or 0: found without a call, which would start the service."""
    try:
        with open(os.path.join(run_folder(environ), "lock"), encoding="ascii", errors="replace") as file:
            words = file.read(200).split(" ")
    except OSError:
        return 0
    if len(words) < 2 or words[0] != "pid" or not words[1].isdecimal():
        return 0
    return int(words[1]) if _is_daemon(words[1]) else 0


def _is_daemon(pid: str) -> bool:
    if not os.path.exists("/proc/self"):
        try:
            os.kill(int(pid), 0)
        except (OSError, OverflowError):
            return False
        return True
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return b"maestrod" in file.read()
    except OSError:
        return False


class Systemd:
    """A socket and a service for systemd's user manager."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        base = name_of(environ)
        config = environ.get("XDG_CONFIG_HOME", "").strip()
        root = config if os.path.isabs(config) else os.path.join(_home(environ), ".config")
        self.name = f"{base}.service"
        self.folder = os.path.join(root, "systemd", "user")
        self._units = (f"{base}.socket", self.name)
        self.how_to_rest = f"systemctl --user stop {base}.socket"
        self.files: tuple[str, ...] = tuple(os.path.join(self.folder, unit) for unit in self._units)

    @property
    def is_installed(self) -> bool:
        """Whether its units are there."""
        return all(map(os.path.exists, self.files))

    def state(self) -> State | None:
        """How the service is; None when no user manager answers."""
        runtime = self._environ.get("XDG_RUNTIME_DIR", "")
        if not runtime or not os.path.exists(os.path.join(runtime, "systemd", "private")):
            return None
        try:
            told = self._ask("show", "--property=ActiveState,MainPID,StatusText", self.name)
        except Trouble:
            return None
        pairs = dict(line.partition("=")[::2] for line in told.splitlines())
        return State(pairs.get("ActiveState", "unknown"), _number(pairs.get("MainPID")), pairs.get("StatusText", ""))

    def enable(self) -> None:
        """Have the units read, and begin with the next login."""
        self._ask("daemon-reload")
        self._ask("enable", "--quiet", *self._units)

    def disable(self) -> None:
        """Stop both, and begin with neither."""
        self._ask("disable", "--quiet", "--now", *self._units, limit=RUN_S)

    def forget(self) -> None:
        """Have it seen that they are gone."""
        self._ask("daemon-reload")
        self._forgive()

    def start(self, *, limit: float = RUN_S) -> None:
        """Start both. A socket that has lost its place in the folder is opened anew."""
        self._forgive()
        if _is_lost(socket_path(self._environ)):
            self._ask("stop", *self._units, limit=limit)
        self._ask("start", *self._units, limit=limit)

    def restart(self) -> bool:
        """Restart the service; whoever calls meanwhile waits in the socket."""
        self._forgive()
        self._ask("restart", self.name, limit=RUN_S)
        return True

    def _forgive(self) -> None:
        """Failed starts of before do not count."""
        self._ask("reset-failed", *self._units, check=False)

    def _ask(self, *words: str, limit: float = ASK_S, check: bool = True) -> str:
        return _run(["systemctl", "--user", *words], self._environ, limit=limit, check=check)


class Launchd:
    """An agent of launchd, in the domain of the user's desktop."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.name = LAUNCHD_PREFIX + name_of(environ)
        self.folder = os.path.join(_home(environ), "Library", "LaunchAgents")
        self.files: tuple[str, ...] = (os.path.join(self.folder, f"{self.name}.plist"),)
        self.how_to_rest = ""
        self._domain = f"gui/{os.getuid()}"
        self._target = f"{self._domain}/{self.name}"

    @property
    def is_installed(self) -> bool:
        """Whether its property list is there."""
        return os.path.exists(self.files[0])

    def state(self) -> State | None:
        """How it is; None when there is no such domain, as without a desktop."""
        try:
            self._ask("print", self._domain)
        except Trouble:
            return None
        lines = self._ask("print", self._target, check=False).split("\n")
        pairs = dict(line.strip().partition(" = ")[::2] for line in reversed(lines))
        return State(pairs.get("state", "not loaded"), _number(pairs.get("pid")))

    def enable(self) -> None:
        """Have it begin with the next login."""
        self._ask("enable", self._target)

    def disable(self) -> None:
        """Stop it, and begin no more."""
        self._ask("bootout", self._target, check=False)

    def forget(self) -> None:
        """Nothing is remembered of what was stopped."""

    def start(self, *, limit: float = RUN_S) -> None:
        """Have it read anew and start it."""
        self._ask("bootout", self._target, check=False)
        self._ask("bootstrap", self._domain, self.files[0], limit=limit)
        self._ask("kickstart", self._target, limit=limit)

    def restart(self) -> bool:
        """The socket is the daemon's own."""
        return False

    def _ask(self, *words: str, limit: float = ASK_S, check: bool = True) -> str:
        return _run(["launchctl", *words], self._environ, limit=limit, check=check)


def _is_lost(path: str) -> bool:
    """Whether nobody listens there."""
    try:
        wire.connect(path, time.monotonic() + LOOK_S).close()
    except wire.Lost as lost:
        return lost.away
    except ClientError:
        return False
    return False


def _home(environ: Mapping[str, str]) -> str:
    return environ.get("HOME") or os.path.expanduser("~")


def _number(text: str | None) -> int:
    return int(text) if text and text.isdecimal() else 0


def _run(argv: Sequence[str], environ: Mapping[str, str], *, limit: float, check: bool) -> str:
    """What the program prints.

    Raises:
        Trouble: there is none, it takes too long, or it fails and that matters.
    """
    program = shutil.which(argv[0], path=environ.get("PATH"))
    if program is None:
        raise Trouble(f"there is no {argv[0]} here")
    spoken = " ".join(argv)
    try:
        ended = subprocess.run(
            [program, *argv[1:]],
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=limit,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Trouble(f"`{spoken}` took longer than {limit:.0f} s") from None
    except OSError as error:
        raise Trouble(f"cannot run {program}: {error.strerror}") from None
    if check and ended.returncode:
        said = ended.stderr.decode("utf-8", "replace").strip() or f"it ended with code {ended.returncode}"
        raise Trouble(f"`{spoken}` failed: {said}")
    return ended.stdout.decode("utf-8", "replace")
