"""A fake agent running in a terminal of its own, with a home of its own and every hook of its provider recorded."""

import json
import os
import pty
import re
import select
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from tests.support.eventually import eventually

T = TypeVar("T")

CHECKOUT = Path(__file__).resolve().parents[2]
SGR = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07")
TITLE = re.compile(r"\x1b\]2;([^\x07]*)\x07")
RECORDER = 'cat >> "$HOOKS"; echo >> "$HOOKS"'

EVENTS = {
    "claude": (
        *("SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse", "PostToolUseFailure", "PostToolBatch"),
        *("PermissionRequest", "Notification", "Stop", "StopFailure", "SessionEnd"),
    ),
    "codex": (
        *("SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse", "PermissionRequest"),
        *("Stop", "Interrupt", "SessionEnd"),
    ),
    "gemini": (
        *("SessionStart", "BeforeAgent", "BeforeTool", "AfterTool", "Notification", "PreCompress"),
        *("AfterAgent", "SessionEnd"),
    ),
    "plain": (),
}


class Home:
    """A short folder with a working directory, the provider's state, the log and the recorded hooks."""

    def __init__(self, folder: Path, face: str) -> None:
        self.folder = folder
        self.face = face
        self.work = folder / "work"
        self.work.mkdir()
        self.log_path = folder / "log.jsonl"
        self.hooks_path = folder / "hooks.jsonl"
        self.extra: dict[str, str] = {}

    def env(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(CHECKOUT),
            "MAESTRO_FAKE_LOG": str(self.log_path),
            "HOOKS": str(self.hooks_path),
            "CLAUDE_CODE_DISABLE_ALTERNATE_SCREEN": "1",
            **self.extra,
        }

    def options(self, recorder: str = RECORDER) -> list[str]:
        """The provider's options that make it call the recorder at every event."""
        hook = {"type": "command", "command": recorder, "timeout": 5}
        if self.face == "claude":
            events = {event: [{"hooks": [hook]}] for event in EVENTS["claude"]}
            return ["--permission-mode", "default", "--settings", json.dumps({"hooks": events})]
        if self.face == "codex":
            command = json.dumps(recorder)
            pairs = [
                f'hooks.{event}=[{{hooks=[{{type="command",command={command},timeout=3}}]}}]'
                for event in EVENTS["codex"]
            ]
            words = [word for pair in pairs for word in ("-c", pair)]
            return ["--no-daemon", "--no-alt-screen", "--dangerously-bypass-hook-trust", *words]
        if self.face == "gemini":
            self._extension({**hook, "timeout": 5000})
        return []

    def _extension(self, hook: Mapping[str, object]) -> None:
        folder = self.folder / ".gemini" / "extensions" / "maestro"
        (folder / "hooks").mkdir(parents=True, exist_ok=True)
        (folder / "gemini-extension.json").write_text('{"name": "maestro", "version": "1.0.0"}')
        events = {event: [{"hooks": [hook]}] for event in EVENTS["gemini"]}
        (folder / "hooks" / "hooks.json").write_text(json.dumps({"hooks": events}))

    def argv(self, *arguments: str, before: Sequence[str] = ()) -> list[str]:
        return [sys.executable, "-P", "-m", "maestro_cli.fake", "--as", self.face, *before, "--", *arguments]

    def opening(self, prompt: str | None) -> list[str]:
        """The provider's words for a first prompt."""
        if prompt is None:
            return []
        return ["-i", prompt] if self.face == "gemini" else ["--", prompt]

    def log(self, event: str = "") -> list[dict[str, Any]]:
        entries = read_lines(self.log_path)
        return [entry for entry in entries if event in ("", entry["event"])]

    def hooks(self) -> list[dict[str, Any]]:
        return read_lines(self.hooks_path)

    def events(self) -> list[str]:
        return [str(payload["hook_event_name"]) for payload in self.hooks()]

    def prompts(self) -> list[str]:
        return [str(entry["text"]) for entry in self.log("prompt")]


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The JSON lines of a file that may not exist yet; a last line without its end is not counted."""
    if not path.exists():
        return []
    whole = path.read_bytes().rpartition(b"\n")[0]
    return [json.loads(line) for line in whole.split(b"\n") if line]


class FakeRun:
    """A running fake; what it prints is gathered whenever something is waited for."""

    def __init__(self, home: Home, argv: Sequence[str]) -> None:
        self.home = home
        self.raw = b""
        self.status: int | None = None
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            try:
                os.chdir(home.work)
                os.execve(argv[0], list(argv), home.env())
            finally:
                os._exit(127)
        os.set_blocking(self.fd, False)

    def drain(self, wait_s: float = 0.0) -> None:
        while select.select([self.fd], [], [], wait_s)[0]:
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                return
            if not data:
                return
            self.raw += data
            wait_s = 0.0

    @property
    def text(self) -> str:
        """All that was printed, without the controls."""
        return SGR.sub("", self.raw.decode("utf-8", "replace")).replace("\r", "")

    @property
    def titles(self) -> list[str]:
        return TITLE.findall(self.raw.decode("utf-8", "replace"))

    def send(self, data: bytes | str) -> None:
        data = data.encode() if isinstance(data, str) else data
        while data:
            readable, writable, _ = select.select([self.fd], [self.fd], [], 10)
            if readable:
                self.drain()
            if writable:
                data = data[os.write(self.fd, data[:4096]) :]

    def paste(self, text: str, *, then: str = "") -> None:
        self.send(f"\x1b[200~{text}\x1b[201~{then}")

    def until(self, probe: Callable[[], T], what: str = "") -> T:
        def look() -> T:
            self.drain()
            return probe()

        try:
            return eventually(look, timeout=8, every=0.01, what=what)
        except AssertionError as error:
            raise AssertionError(f"{error}\n--- screen ---\n{self.text[-3000:]}") from error

    def sees(self, text: str, *, since: int = 0) -> None:
        self.until(lambda: text in self.text[since:], f"{text!r} on the screen")

    def says(self, text: str) -> None:
        """Wait until the agent says it; the prompt's own echo does not count."""
        said = re.compile(rf"(?<!SAY: ){re.escape(text)}\n")
        self.until(lambda: said.search(self.text), f"{text!r} said")

    def logged(self, event: str, count: int = 1) -> list[dict[str, Any]]:
        return self.until(lambda: (e := self.home.log(event))[count - 1 :] and e, f"{event} in the log")

    def called(self, event: str, count: int = 1) -> None:
        self.until(lambda: self.home.events().count(event) >= count, f"hook {event}")

    def ended(self) -> int:
        """Wait for the end; answers the exit code, negative for a signal."""
        self.until(self._gone, "the end of the process")
        assert self.status is not None
        return os.waitstatus_to_exitcode(self.status)

    def _gone(self) -> bool:
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.status = status if pid else None
        return self.status is not None

    def alive(self) -> bool:
        return not self._gone()

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def close(self) -> None:
        if not self._gone():
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)


@contextmanager
def home_of(face: str) -> Iterator[Home]:
    folder = Path(tempfile.mkdtemp(prefix="mae-", dir="/tmp"))
    try:
        yield Home(folder, face)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def fake(
    face: str, prompt: str | None = None, *arguments: str, env: Mapping[str, str] | None = None
) -> Iterator[FakeRun]:
    """Start a fake in a terminal, with recorded hooks; kill it at the end."""
    with home_of(face) as home:
        home.extra.update(env or {})
        with running(home, [*arguments, *home.opening(prompt)]) as run:
            yield run


@contextmanager
def running(home: Home, arguments: Sequence[str], *, before: Sequence[str] = ()) -> Iterator[FakeRun]:
    run = FakeRun(home, home.argv(*home.options(), *arguments, before=before))
    try:
        yield run
    finally:
        run.close()


def milliseconds(count: int) -> None:
    """Let so much time pass, where the time itself is what is tested."""
    deadline = time.monotonic() + count / 1000
    eventually(lambda: time.monotonic() >= deadline, timeout=5, every=0.002)
