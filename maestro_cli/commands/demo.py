"""The demo: a scratch project with three tasks and three scripted agents, in a home of its own.

Nothing of the user's is touched: home, project, agents' settings and tmux server are the demo's own and go
with it.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from maestro_cli.arrival import is_running
from maestro_cli.call import Call
from maestro_cli.failures import Failure, note
from maestro_cli.windows import Windows, WindowTrouble
from maestrod.locations import locate

WAIT_S = 60
LEAVE_S = 20.0
LOOK_S = 0.05
PAUSE_S = 1.5
"""Between two agents when somebody watches."""

TASKS = (
    ("claude", "Fix the flaky login test", "high", "The login test passes ten times in a row."),
    ("codex", "Speed up the product list", "medium", "The list of 1,000 products loads in under 200 ms."),
    ("gemini", "Write the release notes", "low", "Every change since the last release has a line."),
)

WATCHED = {
    "claude": (
        "SAY: I will look at the test first.",
        'RUN: "$MAESTRO_BIN" task start "$MAESTRO_TASK_IDS"',
        "SLEEP: 4",
        'RUN: "$MAESTRO_BIN" report progress "found a race between login and redirect" --task "$MAESTRO_TASK_IDS"',
        "PERMISSION: echo 10 passed",
        "SLEEP: 3",
        'RUN: "$MAESTRO_BIN" task complete "$MAESTRO_TASK_IDS" --note "waits for the redirect now"',
    ),
    "codex": (
        'RUN: "$MAESTRO_BIN" task start "$MAESTRO_TASK_IDS"',
        "SLOW: 20 0.4",
        'RUN: "$MAESTRO_BIN" report progress "one query instead of a thousand" --task "$MAESTRO_TASK_IDS"',
        "SLEEP: 4",
        'RUN: "$MAESTRO_BIN" task complete "$MAESTRO_TASK_IDS" --note "180 ms"',
    ),
    "gemini": (
        'RUN: "$MAESTRO_BIN" task start "$MAESTRO_TASK_IDS"',
        "SLEEP: 5",
        "ASK: Which version is this? | 2.4.0 | 3.0.0",
        'RUN: "$MAESTRO_BIN" task complete "$MAESTRO_TASK_IDS" --note "one line per change"',
    ),
}
"""What the agents do when somebody watches: two of them ask something."""


def run(call: Call) -> int:
    """Show the whole of it, clean up, and say how it went."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _broken_off)
    scratch = Path(tempfile.mkdtemp(prefix="maestro-demo-"))
    demo = Demo(scratch, call.context.environ, quiet=call.output.quiet or call.output.json)
    try:
        demo.check()
        summary = demo.unwatched() if call.flag("no_tui") else demo.watched()
    finally:
        demo.close()
        if call.flag("keep"):
            note(f"left in {scratch}: MAESTRO_HOME={demo.home}")
        else:
            shutil.rmtree(scratch, ignore_errors=True)
    if call.flag("no_tui") and not _all_completed(summary):
        raise Failure(
            "not every task and session was completed",
            code="INTERNAL_ERROR",
            hint="Run it with --keep and look at the home that is left.",
            details=_rows(summary, "tasks") + _rows(summary, "sessions"),
        )
    call.output.result(summary, _lines(summary))
    return 0


def _broken_off(number: int, _frame: object) -> NoReturn:
    """Clean up on the way out."""
    signal.signal(number, signal.SIG_IGN)
    raise SystemExit(128 + number)


class Demo:
    """One scratch folder, and the deeds in it; every deed is a real ``maestro`` call."""

    def __init__(self, scratch: Path, environ: Mapping[str, str], *, quiet: bool) -> None:
        self.home = scratch / "home"
        self._scratch = scratch
        self._quiet = quiet
        self._project = scratch / "shop"
        own = {k: v for k, v in environ.items() if not k.startswith("MAESTRO_") and k != "TMUX"}
        self._environ = {
            **own,
            "MAESTRO_HOME": str(self.home),
            "MAESTRO_IDLE_END_S": "1",
            "PATH": f"{scratch / 'bin'}{os.pathsep}{own.get('PATH', os.defpath)}",
            "CLAUDE_CONFIG_DIR": str(scratch / "claude"),
            "CODEX_HOME": str(scratch / "codex"),
            "GEMINI_CLI_HOME": str(scratch / "gemini"),
        }

    def check(self) -> None:
        """Raises: Failure: there is no tmux that would do; the message says how to get one."""
        try:
            Windows(locate(self._environ), self._environ).check()
        except WindowTrouble as trouble:
            raise Failure(str(trouble), code="AGENT_NOT_STARTED", hint="Then run `maestro demo` again.") from trouble

    def unwatched(self) -> dict[str, object]:
        """All agents at once, until every session has ended; the summary."""
        started = time.monotonic()
        for task_id, provider in self._begin():
            self._spawn(task_id, provider)
        for session in self._list("session"):
            self._maestro("session", "wait", str(session["id"]), "--until", "ended", "--timeout", str(WAIT_S))
            self._say(f"  {session['provider']} is through")
        return {**self._summary(), "seconds": round(time.monotonic() - started, 1)}

    def watched(self) -> dict[str, object]:
        """The agents one after another while the screen is open; the summary when it was closed."""
        for provider, lines in WATCHED.items():
            script = self._scratch / f"{provider}.script"
            script.write_text("\n".join(lines) + "\n", encoding="utf-8")
            self._environ[f"MAESTRO_FAKE_SCRIPT_{provider.upper()}"] = str(script)
        tasks = self._begin()
        stop = threading.Event()
        spawning = threading.Thread(target=self._spawn_slowly, args=(tasks, stop))
        spawning.start()
        try:
            subprocess.run(self._argv("tui"), env=self._environ, cwd=self._project, check=False)
        finally:
            stop.set()
            spawning.join()
        return self._summary()

    def close(self) -> None:
        """Stop what was started: sessions, the daemon, the tmux server."""
        if not self.home.exists():
            return
        sessions = self._list("session")
        for session in sessions:
            if session["status"] in {"spawning", "idle", "working"}:
                self._maestro("session", "stop", str(session["id"]))
        self._wait_for_agents(sessions)
        self._maestro("daemon", "stop")
        Windows(locate(self._environ), self._environ).shut_down()

    # -- steps -------------------------------------------------------------------------------------

    def _begin(self) -> list[tuple[str, str]]:
        """A project, its tasks, and the scripted agents; task id and provider of each."""
        self._project.mkdir(parents=True)
        self._say(f"a scratch project in {self._project}")
        subprocess.run(
            [sys.executable, "-m", "maestro_cli.fake", "--install", str(self._scratch / "bin")],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        self._must("init", "--name", "shop")
        made = []
        for provider, title, priority, criterion in TASKS:
            task = self._must("task", "create", title, "--priority", priority, "--acceptance", criterion)
            made.append((str(task["id"]), provider))
            self._say(f"  task: {title}")
        return made

    def _spawn(self, task_id: str, provider: str) -> None:
        self._must("session", "spawn", "--task", task_id, "--provider", provider)
        self._say(f"  {provider} is at work in a window of its own")

    def _spawn_slowly(self, tasks: Sequence[tuple[str, str]], stop: threading.Event) -> None:
        self._quiet = True
        for task_id, provider in tasks:
            if stop.wait(PAUSE_S):
                return
            self._maestro("session", "spawn", "--task", task_id, "--provider", provider)

    def _summary(self) -> dict[str, object]:
        tasks = [{k: t[k] for k in ("id", "title", "status")} for t in self._list("task")]
        sessions = [{k: s[k] for k in ("id", "name", "provider", "status")} for s in self._list("session")]
        return {"tasks": tasks, "sessions": sessions}

    def _list(self, noun: str) -> list[dict[str, object]]:
        answer = self._maestro(noun, "list", *(["--all"] if noun == "session" else []))
        found = answer.get("data")
        return found if isinstance(found, list) else []

    def _wait_for_agents(self, sessions: Sequence[Mapping[str, object]]) -> None:
        """The daemon ends them politely; that takes a moment, and a stubborn one needs a signal or two."""
        deadline = time.monotonic() + LEAVE_S
        panes = [pane for session in sessions if isinstance(pane := session.get("pane"), dict)]
        while any(is_running(pane.get("pid")) for pane in panes) and time.monotonic() < deadline:
            time.sleep(LOOK_S)

    # -- calls -------------------------------------------------------------------------------------

    def _must(self, *words: str) -> dict[str, object]:
        answer = self._maestro(*words)
        data = answer.get("data")
        if not answer.get("success") or not isinstance(data, dict):
            raise Failure(
                f"`maestro {' '.join(words)}` failed: {answer.get('message')}",
                code=str(answer.get("error", "INTERNAL_ERROR")).upper(),
                hint=str(answer.get("suggestion") or ""),
            )
        return data

    def _maestro(self, *words: str) -> dict[str, object]:
        done = subprocess.run(
            self._argv(*words, "--json"),
            env=self._environ,
            cwd=self._project if self._project.exists() else None,
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

    def _argv(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "maestro_cli", *words]

    def _say(self, text: str) -> None:
        if not self._quiet:
            note(text)


def _all_completed(summary: Mapping[str, object]) -> bool:
    rows = [row for key in ("tasks", "sessions") for row in _rows(summary, key)]
    return len(rows) == 2 * len(TASKS) and all(row.get("status") == "completed" for row in rows)


def _rows(summary: Mapping[str, object], key: str) -> list[dict[str, object]]:
    found = summary.get(key)
    return found if isinstance(found, list) else []


def _lines(summary: Mapping[str, object]) -> list[str]:
    tasks = [f"  {row['status']:<12} {row['title']}" for row in _rows(summary, "tasks")]
    sessions = [f"  {row['status']:<12} {row['provider']}" for row in _rows(summary, "sessions")]
    return ["tasks", *tasks, "sessions", *sessions, "", "Now your own: `maestro init` in a project's directory."]
