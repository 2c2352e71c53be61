"""Scripts for the fake agent: one directive a line becomes one step (docs/fake-agent.md lists them)."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

MAX_LINES = 20_000
MAX_SECONDS = 86_400.0


class Run(NamedTuple):
    """Run a shell command, without asking."""

    command: str


class Say(NamedTuple):
    """Say something."""

    text: str


class Sleep(NamedTuple):
    """Look busy for a while."""

    seconds: float


class Slow(NamedTuple):
    """Print lines steadily."""

    lines: int
    interval_s: float


class Permission(NamedTuple):
    """Ask before a shell command is run."""

    command: str


class Ask(NamedTuple):
    """Ask the person a question."""

    question: str
    options: tuple[str, ...]


class Http(NamedTuple):
    """End the turn with an error of the model's API."""

    status: int
    text: str


class Trust(NamedTuple):
    """Ask whether the folder is trusted."""


class Crash(NamedTuple):
    """End at once with an exit code."""

    code: int


class Kill(NamedTuple):
    """Send SIGKILL to oneself."""


class Hang(NamedTuple):
    """Show nothing and hear nothing; for ever without ``seconds``."""

    seconds: float | None


class IgnoreTerm(NamedTuple):
    """Ignore SIGTERM and SIGHUP from here on."""


class Background(NamedTuple):
    """Have a background task when the turn ends."""

    name: str


class Spinner(NamedTuple):
    """Change the word beside the spinner."""

    text: str


class Exit(NamedTuple):
    """Leave politely with an exit code."""

    code: int


class Wait(NamedTuple):
    """Look busy until a file exists."""

    path: str


class Loop(NamedTuple):
    """Repeat steps; ``times`` None is for ever, a command that ends with a code of ``until`` ends it."""

    times: int | None
    until: tuple[int, ...]
    body: tuple[Step, ...]


Step = (
    Run
    | Say
    | Sleep
    | Slow
    | Permission
    | Ask
    | Http
    | Trust
    | Crash
    | Kill
    | Hang
    | IgnoreTerm
    | Background
    | Spinner
    | Exit
    | Wait
    | Loop
)
Steps = tuple[Step, ...]


class Script(NamedTuple):
    """A script file: the steps of each turn, and whether the trust dialog comes before everything."""

    turns: tuple[Steps, ...]
    trust: bool


class BadScript(Exception):
    """A line of a script cannot be played.

    BadScript(line, reason)
    """

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")
        self.line = line
        self.reason = reason


class _Bad(ValueError):
    """A directive's argument is wrong."""


def parse(text: str) -> Script:
    """Read a script file; blank lines and lines that begin with ``#`` are skipped.

    Raises:
        BadScript: naming the first line that is not a sound directive.
    """
    turns: list[Steps] = []
    builder = _Builder()
    trust = False
    lines = text.splitlines()
    if len(lines) > MAX_LINES:
        raise BadScript(MAX_LINES + 1, f"a script has at most {MAX_LINES} lines")
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, argument = _split(line, number)
        try:
            if name == "TURN":
                turns.append(builder.finish())
                builder = _Builder()
            elif name == "TRUST" and not turns and builder.empty:
                trust = True
            else:
                builder.add(name, argument, number)
        except _Bad as bad:
            raise BadScript(number, str(bad)) from None
    turns.append(builder.finish())
    return Script(tuple(turns), trust)


def directives(prompt: str) -> Steps:
    """Return the steps that a prompt spells out; every other line, broken directives too, is prose."""
    builder = _Builder()
    for number, line in enumerate(prompt.splitlines()[:MAX_LINES], 1):
        found = _LINE.match(line)
        if not found or found[1] == "TURN":
            continue
        try:
            builder.add(found[1], (found[2] or "").strip(), number)
        except _Bad:
            continue
    return builder.finish(lenient=True)


def standing(env: Mapping[str, str]) -> Steps:
    """Return what a well-behaved agent does with the work its environment names; empty outside a session."""
    if not env.get("MAESTRO_SESSION_ID"):
        return ()
    maestro = shlex.quote(env.get("MAESTRO_BIN") or "maestro")
    if env.get("MAESTRO_STRATEGY") == "queue":
        return _queue_walk(maestro)
    ids = [name.strip() for name in env.get("MAESTRO_TASK_IDS", "").split(",")]
    steps = [step for name in ids if name for step in _task_walk(maestro, shlex.quote(name))]
    return (*steps, Say("All tasks are done.")) if steps else (Say("There is no task for me."),)


def _task_walk(maestro: str, task: str) -> Steps:
    return (
        Run(f"{maestro} task start {task}"),
        Run(f'{maestro} report progress "working on it" --task {task}'),
        Run(f"{maestro} task complete {task}"),
    )


def _queue_walk(maestro: str) -> Steps:
    body = (Run(f"{maestro} queue start --fail-empty"), Run(f"{maestro} queue complete"))
    # 9: nothing to do. The others (not found, not allowed, no daemon, no program) would never change.
    return (Loop(200, (9, 3, 4, 5, 127), body), Say("The queue is empty."))


class _Open(NamedTuple):
    line: int
    times: int | None
    until: tuple[int, ...]
    steps: list[Step]


class _Builder:
    """Collects steps and closes loops."""

    def __init__(self) -> None:
        self._open = [_Open(0, None, (), [])]

    @property
    def empty(self) -> bool:
        return len(self._open) == 1 and not self._open[0].steps

    def add(self, name: str, argument: str, line: int) -> None:
        if name == "LOOP":
            if len(self._open) > 8:
                raise _Bad("LOOP: is nested more than 8 deep")
            self._open.append(_Open(line, *_loop(argument), []))
        elif name == "END":
            self._close()
        elif name in _READERS:
            self._open[-1].steps.append(_READERS[name](argument))
        else:
            raise _Bad(f"unknown directive {name}: (known: {', '.join(sorted(KNOWN))})")

    def finish(self, *, lenient: bool = False) -> Steps:
        while len(self._open) > 1:
            if not lenient and not self._open[-1].steps:
                raise BadScript(self._open[-1].line, "LOOP: has no steps")
            self._close(lenient=lenient)
        return tuple(self._open[0].steps)

    def _close(self, *, lenient: bool = False) -> None:
        if len(self._open) == 1:
            raise _Bad("END: without LOOP:")
        loop = self._open.pop()
        if loop.steps:
            self._open[-1].steps.append(Loop(loop.times, loop.until, tuple(loop.steps)))
        elif not lenient:
            raise _Bad("LOOP: has no steps")


_LINE = re.compile(r"\s*([A-Z][A-Z_]*):(?:\s(.*))?$")


def _split(line: str, number: int) -> tuple[str, str]:
    found = _LINE.match(line)
    if not found:
        shown = line.strip()[:60]
        raise BadScript(number, f"not a directive: {shown!r} (write NAME: argument)")
    return found[1], (found[2] or "").strip()


def _some(name: str, what: str, argument: str) -> str:
    if not argument:
        raise _Bad(f"{name}: needs {what}")
    return argument


def _seconds(name: str, argument: str) -> float:
    try:
        value = float(argument)
    except ValueError:
        value = math.nan
    if not 0 <= value <= MAX_SECONDS:
        raise _Bad(f"{name}: needs seconds from 0 to {MAX_SECONDS:.0f}, got {argument[:40]!r}")
    return value


def _number(name: str, argument: str, low: int, high: int) -> int:
    if not re.fullmatch(r"\d{1,9}", argument, re.ASCII) or not low <= int(argument) <= high:
        raise _Bad(f"{name}: needs a number from {low} to {high}, got {argument[:40]!r}")
    return int(argument)


def _slow(argument: str) -> Slow:
    words = argument.removeprefix("lines").split()
    if len(words) != 2:
        raise _Bad(f"SLOW: needs a number of lines and an interval, got {argument[:40]!r}")
    return Slow(_number("SLOW", words[0], 1, 1_000_000), _seconds("SLOW", words[1]))


def _ask(argument: str) -> Ask:
    question, *options = [part.strip() for part in argument.split("|")]
    chosen = tuple(option for option in options if option) or ("Yes", "No")
    return Ask(_some("ASK", "a question", question), chosen[:9])


def _http(argument: str) -> Http:
    status, _, text = argument.partition(" ")
    return Http(_number("HTTP", status, 400, 599), text.strip() or f"scripted {status}")


def _loop(argument: str) -> tuple[int | None, tuple[int, ...]]:
    count, _, codes = argument.partition("until")
    times = _number("LOOP", count.strip(), 1, 1_000_000) if count.strip() else None
    until = tuple(_number("LOOP", code, 0, 255) for code in codes.replace(",", " ").split())
    if "until" in argument and not until:
        raise _Bad("LOOP: until needs exit codes")
    return times, until


def _nothing(name: str, step: Callable[[], Step]) -> Callable[[str], Step]:
    def read(argument: str) -> Step:
        if argument:
            raise _Bad(f"{name}: takes nothing, got {argument[:40]!r}")
        return step()

    return read


_READERS: Mapping[str, Callable[[str], Step]] = {
    "RUN": lambda text: Run(_some("RUN", "a command", text)),
    "SAY": lambda text: Say(_some("SAY", "a text", text)),
    "SLEEP": lambda text: Sleep(_seconds("SLEEP", text)),
    "SLOW": _slow,
    "PERMISSION": lambda text: Permission(_some("PERMISSION", "a command", text)),
    "ASK": _ask,
    "HTTP": _http,
    "TRUST": _nothing("TRUST", Trust),
    "CRASH": lambda text: Crash(_number("CRASH", text or "3", 1, 255)),
    "KILL": _nothing("KILL", Kill),
    "HANG": lambda text: Hang(_seconds("HANG", text) if text else None),
    "IGNORE_TERM": _nothing("IGNORE_TERM", IgnoreTerm),
    "BACKGROUND": lambda text: Background(_some("BACKGROUND", "a name", text)),
    "SPINNER": lambda text: Spinner(_some("SPINNER", "a word", text)),
    "EXIT": lambda text: Exit(_number("EXIT", text or "0", 0, 255)),
    "WAIT": lambda text: Wait(_some("WAIT", "a path", text)),
}

KNOWN: Iterable[str] = frozenset((*_READERS, "LOOP", "END", "TURN"))
