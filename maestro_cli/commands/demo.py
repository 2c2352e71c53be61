"""The demo: a scratch project with three tasks and three scripted agents, in a home of its own.

Nothing of the user's is touched: home, project, agents' settings and tmux server are the demo's own and go
with it.
"""

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence

from maestro_cli.call import Call
from maestro_cli.failures import Failure, note
from maestro_cli.scratch import Scratch, folder

WAIT_S = 60
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
    with folder("maestro-demo-", keep=call.flag("keep")) as place:
        scratch = Scratch(place, call.context.environ, project="shop")
        demo = Demo(scratch, quiet=call.output.quiet or call.output.json)
        unwatched = call.flag("no_tui") or not (os.isatty(0) and os.isatty(1))
        try:
            scratch.check("maestro demo")
            summary = demo.unwatched() if unwatched else demo.watched()
        finally:
            scratch.close()
            if call.flag("keep"):
                note(f"left in {place}: MAESTRO_HOME={scratch.home}")
    if unwatched and not _all_completed(summary):
        raise Failure(
            "not every task and session was completed",
            code="INTERNAL_ERROR",
            hint="Run it with --keep and look at the home that is left.",
            details=_rows(summary, "tasks") + _rows(summary, "sessions"),
        )
    call.output.result(summary, _lines(summary))
    return 0


class Demo:
    """What is done in the scratch home."""

    def __init__(self, scratch: Scratch, *, quiet: bool) -> None:
        self._scratch = scratch
        self._quiet = quiet

    def unwatched(self) -> dict[str, object]:
        """All agents at once, until every session has ended; the summary."""
        started = time.monotonic()
        for task_id, provider in self._begin():
            self._spawn(task_id, provider)
        for session in self._scratch.list("session"):
            self._scratch.call("session", "wait", str(session["id"]), "--until", "ended", "--timeout", str(WAIT_S))
            self._say(f"  {session['provider']} is through")
        return {**self._summary(), "seconds": round(time.monotonic() - started, 1)}

    def watched(self) -> dict[str, object]:
        """The agents one after another while the screen is open; the summary when it was closed."""
        for provider, lines in WATCHED.items():
            script = self._scratch.folder / f"{provider}.script"
            script.write_text("\n".join(lines) + "\n", encoding="utf-8")
            self._scratch.environ[f"MAESTRO_FAKE_SCRIPT_{provider.upper()}"] = str(script)
        tasks = self._begin()
        stop, quiet = threading.Event(), self._quiet
        spawning = threading.Thread(target=self._spawn_slowly, args=(tasks, stop))
        spawning.start()
        try:
            argv = self._scratch.argv("tui")
            subprocess.run(argv, env=self._scratch.environ, cwd=self._scratch.project, check=False)
        finally:
            stop.set()
            spawning.join()
        self._quiet = quiet
        self._say("the agents are ended, which takes a moment")
        return self._summary()

    def _begin(self) -> list[tuple[str, str]]:
        """A project, its tasks, and the scripted agents; task id and provider of each."""
        self._scratch.lay_out()
        self._say(f"a scratch project in {self._scratch.project}")
        self._scratch.must("init", "--name", "shop")
        made = []
        for provider, title, priority, criterion in TASKS:
            words = ("task", "create", title, "--priority", priority, "--acceptance", criterion)
            made.append((str(self._scratch.must(*words)["id"]), provider))
            self._say(f"  task: {title}")
        return made

    def _spawn(self, task_id: str, provider: str) -> None:
        self._scratch.must("session", "spawn", "--task", task_id, "--provider", provider)
        self._say(f"  {provider} is at work in a window of its own")

    def _spawn_slowly(self, tasks: Sequence[tuple[str, str]], stop: threading.Event) -> None:
        self._quiet = True
        for task_id, provider in tasks:
            if stop.wait(PAUSE_S):
                return
            self._scratch.call("session", "spawn", "--task", task_id, "--provider", provider)

    def _summary(self) -> dict[str, object]:
        tasks = [{k: t[k] for k in ("id", "title", "status")} for t in self._scratch.list("task")]
        sessions = [{k: s[k] for k in ("id", "name", "provider", "status")} for s in self._scratch.list("session")]
        return {"tasks": tasks, "sessions": sessions}

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
