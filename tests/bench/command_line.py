"""How long everyday verbs take, against a bare interpreter of the same environment.

``python -m tests.bench.command_line [--runs 20] [--json FILE]`` starts a daemon in a scratch home, makes 100
tasks, and runs each verb of the installed script in turn with ``python -c pass``; medians, and their ratio. Lines are
completed where there are 10,000 tasks.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from tests.bench.report import Budget, Row, row, table
from tests.support.daemon import Daemon, daemon

TASKS = 100
MOST_RUNS = TASKS - 20
EVERYDAY = Budget(most=4.0)
HOOK = Budget(most=3.0)
MANY = 10_000
AT_ONCE = 500
COMPLETED = Budget(most=6.0)


def main() -> int:
    """Print one table; the exit code says whether every verb kept its budget."""
    options = _options()
    rows = measure(options.runs)
    sys.stdout.write(table(rows))
    if options.json:
        Path(options.json).write_bytes(msgspec.json.format(msgspec.json.encode(rows), indent=2) + b"\n")
    return 0 if all(each.kept for each in rows) else 1


def measure(runs: int) -> list[Row]:
    """Medians of every verb, interleaved with the bare interpreter."""
    with daemon() as running:
        times = _times(running, min(runs, MOST_RUNS))
    bare = times.pop("bare")
    rows = [
        row(f"maestro {name}", taken, bare, size=TASKS, budget=HOOK if name == "hook" else EVERYDAY)
        for name, taken in times.items()
    ]
    return [*rows, *_completed(runs)]


def _completed(runs: int) -> list[Row]:
    """Medians of completing a line where there is much to choose from."""
    lines = {"completing an id": "", "completing a name": "bench-task-09"}
    script = Path(sys.executable).with_name("maestro")
    with daemon() as running:
        env = _fill(running)
        times: dict[str, list[float]] = {}
        for _ in range(runs):
            times.setdefault("bare", []).append(_time([sys.executable, "-c", "pass"], env))
            for name, word in lines.items():
                argv = [str(script), "__complete", "zsh", "task", "get", word]
                times.setdefault(name, []).append(_time(argv, env))
    bare = times.pop("bare")
    return [row(name, taken, bare, size=MANY, budget=COMPLETED) for name, taken in times.items()]


def _fill(running: Daemon) -> Mapping[str, str]:
    project = running.ok("POST", "/projects", {"name": "bench", "workingDir": str(running.home)})
    assert isinstance(project, dict)
    for begin in range(0, MANY, AT_ONCE):
        titles = (f"bench task {number:05d}" for number in range(begin, begin + AT_ONCE))
        items = [{"do": "create", "projectId": project["id"], "title": title} for title in titles]
        running.ok("POST", "/tasks/batch", {"items": items})
    return {**running.env, "MAESTRO_PROJECT_ID": str(project["id"])}


def _times(running: Daemon, runs: int) -> dict[str, list[float]]:
    script = Path(sys.executable).with_name("maestro")
    ids, env = _begin(running)
    times: dict[str, list[float]] = {}
    for run in range(runs):
        times.setdefault("bare", []).append(_time([sys.executable, "-c", "pass"], env))
        for name, (words, stdin) in _verbs(ids, ids[10 + run], env["MAESTRO_SESSION_ID"]).items():
            times.setdefault(name, []).append(_time([str(script), *words], env, stdin))
    return times


def _begin(running: Daemon) -> tuple[list[str], Mapping[str, str]]:
    project = running.ok("POST", "/projects", {"name": "bench", "workingDir": str(running.home)})
    assert isinstance(project, dict)
    ids = []
    for number in range(TASKS):
        task = running.ok("POST", "/tasks", {"projectId": project["id"], "title": f"bench task {number:03d}"})
        assert isinstance(task, dict)
        ids.append(str(task["id"]))
    body = {"projectId": project["id"], "taskIds": ids[:3], "strategy": "queue", "provider": "claude"}
    spawned = running.ok("POST", "/sessions/spawn", body)
    assert isinstance(spawned, dict)
    session_id = str(spawned["sessionId"])
    env = {**running.env, "MAESTRO_PROJECT_ID": str(project["id"]), "MAESTRO_SESSION_ID": session_id}
    return ids, env


def _verbs(ids: Sequence[str], fresh: str, session_id: str) -> dict[str, tuple[Sequence[str], bytes]]:
    """What is run, and what it reads; ``fresh`` is a task that nobody has started."""
    payload = b'{"hook_event_name":"PreToolUse","session_id":"x","tool_name":"Bash"}'
    return {
        "task list --json": (("task", "list", "--json"), b""),
        "task get": (("task", "get", ids[5]), b""),
        "task create": (("task", "create", "one more"), b""),
        "task start": (("task", "start", fresh), b""),
        "task complete": (("task", "complete", fresh), b""),
        "queue list": (("queue", "list"), b""),
        "queue start": (("queue", "start"), b""),
        "report progress": (("report", "progress", "going on", "--task", ids[0]), b""),
        "whoami": (("whoami",), b""),
        "status": (("status",), b""),
        "session info": (("session", "info", session_id), b""),
        "hook": (("hook", "claude"), payload),
    }


def _time(argv: Sequence[str], env: Mapping[str, str], stdin: bytes = b"") -> float:
    """Milliseconds from start to end."""
    started = time.perf_counter()
    done = subprocess.run(argv, env=dict(env), input=stdin, capture_output=True, check=False)
    taken = (time.perf_counter() - started) * 1000
    if done.returncode:
        raise RuntimeError(f"{argv} failed: {done.stderr.decode()}{done.stdout.decode()}")
    return taken


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20, help=f"at most {MOST_RUNS}")
    parser.add_argument("--json", help="also write the rows to this file")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
