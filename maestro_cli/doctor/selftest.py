"""All of it once, in a scratch home: a daemon, a task, a scripted agent that completes it; then nothing is left."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec
import psutil

from maestro_cli.failures import Failure
from maestro_cli.scratch import Scratch, folder

WAIT_S = 30
LEAVE_S = 5.0
LOOK_S = 0.05
PROVIDER = "claude"


class Step(msgspec.Struct, frozen=True):
    """One step that was taken, and how long it took."""

    step: str
    seconds: float


def selftest(environ: Mapping[str, str], say: Callable[[str], object]) -> list[Step]:
    """Take all steps, telling each; they are answered.

    Raises:
        Failure: one did not work; the message says which.
    """
    test = _SelfTest(say)
    with folder("maestro-selftest-") as place:
        scratch = Scratch(place, environ, project="work")
        try:
            test.run(scratch)
        finally:
            with test.step("everything is stopped"):
                scratch.close()
                test.nothing_runs()
    with test.step("nothing is left"):
        _gone(place)
    return test.steps


class _SelfTest:
    def __init__(self, say: Callable[[str], object]) -> None:
        self._say = say
        self._pids: list[object] = []
        self.steps: list[Step] = []

    def run(self, scratch: Scratch) -> None:
        """From nothing to a session that ended by itself."""
        with self.step("tmux opens windows"):
            scratch.check("maestro doctor --selftest")
        with self.step("the daemon starts in a home of its own"):
            scratch.lay_out()
            self._pids.append(scratch.must("daemon", "start").get("pid"))
        with self.step("a project and a task are made"):
            scratch.must("init", "--name", "work")
            task = str(scratch.must("task", "create", "Prove that everything works")["id"])
        with self.step("a scripted agent is started in a window"):
            spawned = scratch.must("session", "spawn", "--task", task, "--provider", PROVIDER)
            session = str(_of(spawned.get("session"), "id") or spawned.get("id"))
        with self.step("the session ends by itself"):
            scratch.must("session", "wait", session, "--until", "ended", "--timeout", str(WAIT_S))
            ended = scratch.must("session", "info", session)
            self._pids.append(_of(ended.get("pane"), "pid"))
            _is(ended, "completed", "session")
        with self.step("the agent has completed its task"):
            _is(scratch.must("task", "get", task), "completed", "task")

    def nothing_runs(self) -> None:
        """Raises: Failure: the daemon or the agent does, also after a moment."""
        deadline = time.monotonic() + LEAVE_S
        while left := [str(pid) for pid in self._pids if _lives(pid)]:
            if time.monotonic() > deadline:
                raise Failure(f"still there: pid {', '.join(left)}", code="INTERNAL_ERROR")
            time.sleep(LOOK_S)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Tell of a step once it is done; of one that fails, which it was."""
        started = time.monotonic()
        try:
            yield
        except Failure as failure:
            message = f"{name}: no. {failure.message}"
            raise Failure(message, code=failure.code, hint=failure.hint, details=failure.details) from failure
        took = Step(name, round(time.monotonic() - started, 2))
        self.steps.append(took)
        self._say(f"{took.seconds:6.2f} s  {name}")


def _is(found: Mapping[str, object], status: str, noun: str) -> None:
    if found.get("status") != status:
        raise Failure(f"the {noun} is {found.get('status')}, not {status}", code="INTERNAL_ERROR")


def _lives(pid: object) -> bool:
    """Whether a process is there that is more than an entry in the system's table."""
    try:
        return isinstance(pid, int) and bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def _of(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, dict) else None


def _gone(place: Path) -> None:
    if place.exists():
        raise Failure(f"{place} could not be removed", code="IO_ERROR", hint=f"`rm -r {place}`")
