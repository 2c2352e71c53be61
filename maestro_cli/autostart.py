"""Starts the daemon when nobody answers: one of many callers does it, the others wait for the same one."""

# A hook may come through here, and pathlib is too dear for hooks.
# ruff: noqa: PTH103, PTH110, PTH118, PTH123

import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from maestro_cli import service
from maestro_cli.environment import log_folder, run_folder, socket_path
from maestro_cli.failures import Failure
from maestrod.client import wire
from maestrod.client.errors import ClientError

LIMIT_S = 10.0
LOOK_S = 0.02
HOME_IN_USE = 6
"""How ``maestrod`` ends when another one has the home, such as one that is just leaving."""
AGAIN_S = 0.2
LAST_LINES = 15
KEPT = frozenset(
    {
        "CLAUDE_CONFIG_DIR",
        "CODEX_HOME",
        "GEMINI_CLI_HOME",
        "HOME",
        "LANG",
        "LANGUAGE",
        "LOGNAME",
        "PATH",
        "PYTHONPATH",
        "SHELL",
        "SSH_AUTH_SOCK",
        "TMPDIR",
        "TMUX_TMPDIR",
        "TZ",
        "USER",
        "VIRTUAL_ENV",
    }
)
KEPT_BEGINNINGS = ("LC_", "XDG_", "MAESTRO_")
LEFT_OUT = frozenset(
    {
        "MAESTRO_ALL_TASKS",
        "MAESTRO_API_KEY",
        "MAESTRO_API_KEY_FILE",
        "MAESTRO_API_URL",
        "MAESTRO_BIN",
        "MAESTRO_CREDENTIAL_FILE",
        "MAESTRO_MANIFEST_PATH",
        "MAESTRO_MODE",
        "MAESTRO_NO_AUTOSTART",
        "MAESTRO_PROJECT_DIR",
        "MAESTRO_PROJECT_ID",
        "MAESTRO_PROVIDER",
        "MAESTRO_ROLE",
        "MAESTRO_SERVER",
        "MAESTRO_SERVER_URL",
        "MAESTRO_SESSION_ID",
        "MAESTRO_STRATEGY",
        "MAESTRO_TASK_ACCEPTANCE",
        "MAESTRO_TASK_DEPENDENCIES",
        "MAESTRO_TASK_IDS",
        "MAESTRO_TASK_PRIORITY",
        "MAESTRO_TASK_TITLE",
        "MAESTRO_WORKTREE_BRANCH",
        "MAESTRO_WORKTREE_PATH",
    }
)
"""What belongs to the session or the call that happens to start the daemon, not to the daemon."""


class NotStarted(Failure):
    """The daemon did not come up; the message ends with the last words of it."""

    code = "DAEMON_NOT_STARTED"


def start(environ: Mapping[str, str], *, limit: float = LIMIT_S) -> None:
    """Return when the daemon of this home serves.

    Raises:
        NotStarted: it did not within ``limit`` seconds.
    """
    deadline = time.monotonic() + limit
    with _turn(environ, deadline) as mine:
        if mine and not serves(environ):
            _launch(environ, deadline)


def restart(environ: Mapping[str, str], stop: Callable[[], None], *, limit: float = LIMIT_S) -> None:
    """Return when another daemon of this home serves; whoever finds none meanwhile waits for this one.

    Raises:
        NotStarted: it did not within ``limit`` seconds.
    """
    with _turn(environ, time.monotonic() + limit, waits=True):
        stop()
        if not serves(environ):
            _launch(environ, time.monotonic() + limit)


def serves(environ: Mapping[str, str]) -> bool:
    """Whether the daemon of this home answers; one that a call would start is not called."""
    if service.installed(environ) is not None and not service.holder(environ):
        return False
    request = b"GET /health HTTP/1.1\r\nHost: maestro\r\nConnection: close\r\n\r\n"
    try:
        return wire.exchange(socket_path(environ), request, time.monotonic() + 1.0).status == 200
    except (ClientError, wire.Lost):
        return False


@contextmanager
def _turn(environ: Mapping[str, str], deadline: float, *, waits: bool = False) -> Iterator[bool]:
    """The right to start it; false when somebody else has done so meanwhile, unless one ``waits`` all the same."""
    folder = run_folder(environ)
    path = os.path.join(folder, "start.lock")
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise NotStarted(
            f"cannot write {path}: {error.strerror}", hint="Set MAESTRO_HOME to a folder of yours."
        ) from None
    try:
        yield _locked(descriptor, environ, deadline, waits=waits)
    finally:
        os.close(descriptor)


def _locked(descriptor: int, environ: Mapping[str, str], deadline: float, *, waits: bool) -> bool:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if not waits and serves(environ):
                return False
        if time.monotonic() > deadline:
            raise NotStarted("another call is starting the daemon, and it does not come up", hint=LOOK)
        time.sleep(LOOK_S)


LOOK = "`maestro doctor` looks for the reason; `maestro daemon logs` shows what it says."


def _launch(environ: Mapping[str, str], deadline: float) -> None:
    kept = service.installed(environ)
    state = kept.state() if kept is not None else None
    if kept is not None and state is not None and service.holder(environ) in (0, state.pid):
        _by_service(kept, environ, deadline)
        return
    os.makedirs(log_folder(environ), mode=0o700, exist_ok=True)
    said = os.path.join(log_folder(environ), "start.log")
    prefix = _scope(environ)
    process = _spawn(prefix, environ, said)
    while not serves(environ):
        code = process.poll()
        if code is not None and prefix:
            prefix = []
            process = _spawn(prefix, environ, said)
        elif code == HOME_IN_USE and time.monotonic() < deadline - AGAIN_S:
            time.sleep(AGAIN_S)
            process = _spawn(prefix, environ, said)
        elif code is not None or time.monotonic() > deadline:
            how = f"it ended with code {code}" if code is not None else "it does not answer"
            raise NotStarted(f"the daemon did not start: {how}{_last_words(said, environ)}", hint=LOOK)
        time.sleep(LOOK_S)


def _by_service(kept: service.Service, environ: Mapping[str, str], deadline: float) -> None:
    try:
        kept.start(limit=max(LOOK_S, deadline - time.monotonic()))
    except service.Trouble as trouble:
        state = kept.state()
        said = f"\n{state.said}" if state is not None and state.said else ""
        raise NotStarted(f"the service did not start: {trouble.message}{said}", hint=LOOK) from None
    while not serves(environ):
        if time.monotonic() > deadline:
            raise NotStarted(f"the service was started, and does not answer: {kept.name}", hint=LOOK)
        time.sleep(LOOK_S)


def _spawn(prefix: Sequence[str], environ: Mapping[str, str], said: str) -> "subprocess.Popen[bytes]":
    descriptor = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        return subprocess.Popen(
            [*prefix, sys.executable, "-m", "maestrod"],
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            cwd="/",
            env=clean(environ),
            start_new_session=True,
        )
    except OSError as error:
        raise NotStarted(f"cannot run {error.filename}: {error.strerror}") from None
    finally:
        os.close(descriptor)


def clean(environ: Mapping[str, str]) -> dict[str, str]:
    """The daemon's environment: its own settings and the user's, nothing of the terminal or session that calls."""
    return {
        name: value
        for name, value in environ.items()
        if (name in KEPT or name.startswith(KEPT_BEGINNINGS)) and name not in LEFT_OUT
    }


def _scope(environ: Mapping[str, str]) -> list[str]:
    """What gives it a place of its own, so that it does not end with the terminal or pane of who starts it."""
    runtime = environ.get("XDG_RUNTIME_DIR", "")
    found = shutil.which("systemd-run", path=environ.get("PATH"))
    if found is None or not runtime or not os.path.exists(os.path.join(runtime, "systemd", "private")):
        return []
    return [found, "--user", "--scope", "--quiet", "--collect"]


def _last_words(said: str, environ: Mapping[str, str]) -> str:
    for path in (said, os.path.join(log_folder(environ), "maestrod.log")):
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                lines = file.read().strip().split("\n")
        except OSError:
            continue
        if lines != [""]:
            return "\n" + "\n".join(lines[-LAST_LINES:])
    return ""
