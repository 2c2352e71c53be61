"""A whole Maestro of a test's own: home, project, scripted agents first on PATH, and the installed ``maestro``."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from maestrod.tmux.errors import TmuxFailed
from maestrod.tmux.facts import PaneFacts
from maestrod.tmux.oneshot import Tmux
from maestrod.tmux.server import server_name, socket_path
from tests.support.daemon import Daemon
from tests.support.eventually import eventually
from tests.support.quick_agents import quick_agents

BESIDE = Path(sys.executable).parent
MAESTRO = str(BESIDE / "maestro")
PROVIDERS = ("claude", "codex", "gemini")
IDLE_END_S = "0.3"


class Said:
    """How a ``maestro`` process ended and what it printed."""

    def __init__(self, words: Sequence[str], code: int, out: bytes, err: bytes) -> None:
        self.words = words
        self.code = code
        self.out = out.decode("utf-8", "replace")
        self.err = err.decode("utf-8", "replace")

    @property
    def json(self) -> dict[str, Any]:
        """The document of a call with ``--json``."""
        document = json.loads(self.out)
        assert isinstance(document, dict)
        return document

    def __repr__(self) -> str:
        return f"maestro {' '.join(self.words)} -> {self.code}\n{self.out}\n{self.err}"


class Workshop:
    """Everything lies under one folder, and every process that is started knows that folder's name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.project = folder / "work"
        self.bin = folder / "bin"
        self.fake_log = folder / "fake.jsonl"
        for made in (self.home, self.project):
            made.mkdir()
        quick_agents(self.bin)
        self.env = {
            "PATH": os.pathsep.join([str(self.bin), str(BESIDE), os.environ["PATH"]]),
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "MAESTRO_HOME": str(self.home),
            "MAESTRO_IDLE_END_S": IDLE_END_S,
            "MAESTRO_STOP_GRACE_S": "1",
            "MAESTRO_FAKE_LOG": str(self.fake_log),
            "MAESTRO_FAKE_LINGER_S": "1",
            "CLAUDE_CONFIG_DIR": str(folder / "claude"),
            "CODEX_HOME": str(folder / "codex"),
            "GEMINI_CLI_HOME": str(folder / "gemini"),
        }
        self.env |= {k: v for k, v in os.environ.items() if k.startswith("COVERAGE_")}
        # A daemon that an agent started has not the caller's environment.
        config = self.home / "config" / "config.toml"
        config.parent.mkdir(mode=0o700)
        config.write_text(f"idle_end_s = {IDLE_END_S}\nstop_grace_s = 1\n")
        self.tmux = Tmux(server_name(str(self.home)), self.home / "run" / "tmux.conf", self.env)
        self.door = Daemon(self.home)
        self._begun: list[subprocess.Popen[bytes]] = []

    # -- people -----------------------------------------------------------------------------------------

    def start(self, *words: str, env: Mapping[str, str] | None = None) -> "subprocess.Popen[bytes]":
        """Begin a call of ``maestro`` in the project's directory."""
        begun = subprocess.Popen(
            [MAESTRO, *words],
            env=self.env if env is None else dict(env),
            cwd=self.project if self.project.is_dir() else self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._begun.append(begun)
        return begun

    def maestro(self, *words: str, env: Mapping[str, str] | None = None) -> Said:
        """Call ``maestro`` and wait for its end."""
        return ended(self.start(*words, env=env))

    def ok(self, *words: str, env: Mapping[str, str] | None = None) -> Any:
        """The ``data`` of a call with ``--json`` that must succeed."""
        said = self.maestro(*words, "--json", env=env)
        assert said.code == 0, said
        return said.json["data"]

    def begin(self) -> None:
        """Make the directory a project; the daemon comes up by itself."""
        self.ok("init", "--name", "work")

    def task(self, title: str = "Fix the flaky login test") -> str:
        """A new task's id."""
        return str(self.ok("task", "create", title)["id"])

    def spawn(self, provider: str, *tasks: str, more: Sequence[str] = (), env: Mapping[str, str] | None = None) -> str:
        """Start an agent on tasks; the session's id."""
        named = [word for task in tasks for word in ("--task", task)]
        data = self.ok("session", "spawn", *named, "--provider", provider, *more, env=env)
        return str(data["session"]["id"])

    def script(self, provider: str, *lines: str) -> None:
        """What agents of this provider do from now on."""
        path = self.folder / f"{provider}.script"
        path.write_text("\n".join(lines) + "\n")
        self.env[f"MAESTRO_FAKE_SCRIPT_{provider.upper()}"] = str(path)

    # -- what is ----------------------------------------------------------------------------------------

    def post(self, path: str, body: object) -> Any:
        """The answer to a write that must succeed."""
        return self.door.ok("POST", path, body)

    def get(self, path: str) -> Any:
        """The body of a read that must succeed."""
        return self.door.ok("GET", path)

    def events(self, *, until: str) -> str:
        """All events from the first commit on, as the stream tells them, to the first that has these words."""
        asked = b"GET /api/v1/events?after=0 HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n"
        with self.door.connect() as wire:
            wire.sendall(asked)
            told = b""
            while until.encode() not in told:
                told += wire.recv(65_536)
        return told.decode()

    def session(self, session_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.get(f"/sessions/{session_id}")
        return found

    def assignment(self, session_id: str) -> dict[str, Any]:
        """The session's only assignment."""
        (found,) = [a for a in self.get("/assignments") if a["sessionId"] == session_id]
        assert isinstance(found, dict)
        return found

    def statuses(self, noun: str) -> dict[str, str]:
        return {row["id"]: row["status"] for row in self.get(f"/{noun}")}

    def becomes(self, session_id: str, status: str, *, timeout: float = 20.0) -> dict[str, Any]:
        """The session, once it has the status."""

        def look() -> dict[str, Any]:
            found = self.session(session_id)
            assert found["status"] == status, found
            return found

        return eventually(look, timeout=timeout, what=f"{session_id} {status}")

    def panes(self) -> list[PaneFacts]:
        """The agents' panes; none while the server is only starting."""
        try:
            return self.tmux.panes()
        except TmuxFailed:
            return []

    def windows(self) -> list[str]:
        """The sessions that have a window, each as often as it has one."""
        return sorted(pane.session_id for pane in self.panes())

    def log(self, event: str, provider: str = "") -> list[dict[str, Any]]:
        """What the agents themselves say happened."""
        if not self.fake_log.exists():
            return []
        whole = self.fake_log.read_bytes().rpartition(b"\n")[0]
        lines = [json.loads(line) for line in whole.split(b"\n") if line]
        return [line for line in lines if line["event"] == event and provider in ("", line["as"])]

    def ran(self, part: str, count: int = 1) -> None:
        """Wait until agents have run ``count`` commands with ``part`` in them."""
        eventually(
            lambda: len([r for r in self.log("run") if part in r["command"]]) >= count,
            timeout=20,
            what=f"{count} x {part!r} run",
        )

    def no_agent_stumbled(self) -> None:
        """No call and no hook of any agent failed."""
        failed = [entry for entry in self.log("run") if entry["exit"] != 0]
        failed += [entry for entry in self.log("hook") if entry["exit"] != 0 or entry["timedOut"] or entry["stderr"]]
        assert failed == []

    # -- the daemon and its end -------------------------------------------------------------------------

    def daemon_pid(self) -> int:
        return int(self.get("/hello")["pid"])

    def kill_daemon(self) -> int:
        """Kill it -9; its pid."""
        pid = self.daemon_pid()
        daemon = psutil.Process(pid)
        daemon.kill()
        eventually(lambda: gone(daemon), what="the daemon is gone")
        return pid

    def processes(self) -> list[psutil.Process]:
        """Every process that was started for this folder."""
        return processes_of(str(self.folder))

    def close(self) -> None:
        """End the tmux server by its name and everything else by its pid, whatever became of it."""
        for begun in self._begun:
            if begun.returncode is None:
                begun.kill()
                begun.communicate(timeout=10)
        with contextlib.suppress(OSError, AssertionError, KeyError):
            os.kill(self.daemon_pid(), signal.SIGTERM)
        if socket_path(self.tmux.name).exists():
            self.tmux.kill_server()
        eventually(self._swept, timeout=20, what="every process of the test is gone")
        shutil.rmtree(self.folder, ignore_errors=True)

    def _swept(self) -> bool:
        left = self.processes()
        for process in left:
            with contextlib.suppress(psutil.Error):
                words = process.cmdline()
                process.kill()
                if "-L" in words:
                    socket_path(words[words.index("-L") + 1]).unlink(missing_ok=True)
        return not left


def ended(process: "subprocess.Popen[bytes]", timeout: float = 60) -> Said:
    """Wait for a call's end."""
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"{process.args!r} took longer than {timeout} s: {out!r} {err!r}") from None
    words = [str(word) for word in process.args][1:] if isinstance(process.args, list) else []
    return Said(words, process.returncode, out, err)


def processes_of(folder: str) -> list[psutil.Process]:
    """Living processes with the folder in their command line or environment; never this one."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.pid == os.getpid() or gone(process):
                continue
            told = [*process.cmdline(), *process.environ().values()]
            if any(folder in text for text in told):
                found.append(process)
    return found


def gone(process: psutil.Process) -> bool:
    """Whether it has ended, waited for or not."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.Error:
        return True


@contextmanager
def workshop() -> Iterator[Workshop]:
    """A workshop, cleared away at the end."""
    made = Workshop(Path(tempfile.mkdtemp(prefix="mae-", dir="/tmp")))
    try:
        yield made
    finally:
        made.close()
