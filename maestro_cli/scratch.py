"""A scratch home with a project and scripted agents; nothing of the user's is touched, and all of it goes again.

Home, project, agents' settings and tmux server are its own. Every deed in it is a real ``maestro`` call.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from maestro_cli.arrival import is_running
from maestro_cli.failures import Failure
from maestro_cli.windows import Windows, WindowTrouble
from maestrod.locations import locate

LEAVE_S = 20.0
LOOK_S = 0.05
UNDER_WAY = frozenset({"spawning", "idle", "working"})


class Scratch:
    """One scratch folder, and the deeds in it."""

    def __init__(self, folder: Path, environ: Mapping[str, str], *, project: str) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.project = folder / project
        own = {k: v for k, v in environ.items() if not k.startswith("MAESTRO_") and k != "TMUX"}
        self.environ = {
            **own,
            "MAESTRO_HOME": str(self.home),
            "MAESTRO_IDLE_END_S": "1",
            "MAESTRO_STOP_GRACE_S": "1",
            "PATH": f"{folder / 'bin'}{os.pathsep}{own.get('PATH', os.defpath)}",
            "CLAUDE_CONFIG_DIR": str(folder / "claude"),
            "CODEX_HOME": str(folder / "codex"),
            "GEMINI_CLI_HOME": str(folder / "gemini"),
        }

    def check(self, again: str) -> None:
        """Raises: Failure: there is no tmux that would do; the message says how to get one, ``again`` what then."""
        try:
            self.windows.check()
        except WindowTrouble as trouble:
            raise Failure(str(trouble), code="AGENT_NOT_STARTED", hint=f"Then run `{again}` again.") from trouble

    @property
    def windows(self) -> Windows:
        """Its own tmux server."""
        return Windows(locate(self.environ), self.environ)

    def lay_out(self) -> None:
        """The project's directory, and the scripted agents on PATH."""
        self.project.mkdir(parents=True)
        argv = [sys.executable, "-m", "maestro_cli.fake", "--install", str(self.folder / "bin")]
        subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)

    def close(self) -> None:
        """Stop what was started: sessions, the daemon, the tmux server."""
        if not self.home.exists():
            return
        sessions = self.list("session")
        for session in sessions:
            if session["status"] in UNDER_WAY:
                self.call("session", "stop", str(session["id"]))
        _wait_for_agents(sessions)
        self.call("daemon", "stop")
        self.windows.shut_down()

    def list(self, noun: str) -> list[dict[str, object]]:
        """All of a noun; none when that cannot be told."""
        found = self.call(noun, "list", *(["--all"] if noun == "session" else [])).get("data")
        return found if isinstance(found, list) else []

    def must(self, *words: str) -> dict[str, object]:
        """The data of a call.

        Raises:
            Failure: it failed, and as what.
        """
        answer = self.call(*words)
        data = answer.get("data")
        if not answer.get("success") or not isinstance(data, dict):
            raise Failure(
                f"`maestro {' '.join(words)}` failed: {answer.get('message')}",
                code=str(answer.get("error", "INTERNAL_ERROR")).upper(),
                hint=str(answer.get("suggestion") or ""),
            )
        return data

    def call(self, *words: str) -> dict[str, object]:
        """The document of a call, however it went."""
        done = subprocess.run(
            self.argv(*words, "--json"),
            env=self.environ,
            cwd=self.project if self.project.exists() else None,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=False,
        )
        try:
            answer = json.loads(done.stdout)
        except ValueError:
            return {"success": False, "message": f"exit code {done.returncode}"}
        return answer if isinstance(answer, dict) else {}

    def argv(self, *words: str) -> Sequence[str]:
        """The words of a call."""
        return [sys.executable, "-m", "maestro_cli", *words]


@contextlib.contextmanager
def folder(prefix: str, *, keep: bool = False) -> Iterator[Path]:
    """A folder that goes when the block ends, also by a signal."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _broken_off)
    place = Path(tempfile.mkdtemp(prefix=prefix))
    try:
        yield place
    finally:
        if not keep:
            shutil.rmtree(place, ignore_errors=True)


def _broken_off(number: int, _frame: object) -> NoReturn:
    """Clean up on the way out."""
    signal.signal(number, signal.SIG_IGN)
    raise SystemExit(128 + number)


def _wait_for_agents(sessions: Sequence[Mapping[str, object]]) -> None:
    """The daemon ends them politely; that takes a moment, and a stubborn one needs a signal or two."""
    deadline = time.monotonic() + LEAVE_S
    panes = [pane for session in sessions if isinstance(pane := session.get("pane"), dict)]
    while any(is_running(pane.get("pid")) for pane in panes) and time.monotonic() < deadline:
        time.sleep(LOOK_S)
