"""One turn: the steps of a script played on a stage.

Broken
├── Failed       the model's API answered with an error
└── Refused      the person said no
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from typing import Literal, Protocol

from maestro_cli.fake import children
from maestro_cli.fake.cells import Row
from maestro_cli.fake.face import Dialog, Face
from maestro_cli.fake.hooks import Heard
from maestro_cli.fake.moments import (
    Answered,
    Moment,
    Question,
    Ran,
    Said,
    Shell,
    ToolAsked,
    ToolBegan,
    ToolEnded,
    Waited,
)
from maestro_cli.fake.record import Record
from maestro_cli.fake.script import (
    Ask,
    Background,
    Crash,
    Exit,
    Hang,
    Http,
    IgnoreTerm,
    Kill,
    Loop,
    Permission,
    Run,
    Say,
    Sleep,
    Slow,
    Spinner,
    Step,
    Steps,
    Trust,
    Wait,
)
from maestro_cli.fake.stage import Leave, Stage
from maestro_cli.fake.transcript import unique

RETRY_S = 0.25
NOTICE_S = 6.0
SHOWN = 80
"""Characters of a command that are repeated in a sentence."""
Consent = Literal["ask", "always", "never"]
LOGGED = 4_000
"""Characters of a command's output that go to the log."""


class Broken(Exception):
    """The turn is over before its last step."""


class Failed(Broken):
    """The model's API answered with an error."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status} {text}")
        self.status = status
        self.text = text


class Refused(Broken):
    """The person said no to a command or a question."""


class Teller(Protocol):
    """Passes a moment on to transcript, status file, hooks and screen."""

    def __call__(self, moment: Moment, *, shown: bool = True) -> Heard: ...


class Turn:
    """Plays the steps of one turn and remembers what was said."""

    def __init__(
        self,
        *,
        stage: Stage,
        face: Face,
        tell: Teller,
        record: Record,
        env: Mapping[str, str],
        allowed: set[str],
        consent: Consent,
        pace: float,
    ) -> None:
        self._stage = stage
        self._face = face
        self._tell = tell
        self._record = record
        self._env = env
        self._allowed = allowed
        self._consents = consent
        self._pace = pace
        self._last: list[str] = []
        self._spoken: list[str] = []
        self._code = 0
        self.background: list[str] = []
        self.quiet = True
        """Nothing has been said or done yet."""

    @property
    def message(self) -> str:
        """What was said after the last tool."""
        return "\n".join(self._last)

    @property
    def spoken(self) -> str:
        """All that was said."""
        return "\n".join(self._spoken)

    def play(self, steps: Steps) -> None:
        """Play all steps, and end with a word, as models do.

        Raises:
            Broken: an API error or a refusal ended the turn.
            Ended: the person or a signal did.
        """
        self._steps(steps, frozenset())
        if not self._last:
            self.say("Done.")

    def say(self, text: str) -> None:
        """Say something."""
        self.quiet = False
        self._last.append(text)
        self._spoken.append(text)
        self._tell(Said(text))

    def _steps(self, steps: Steps, expected: frozenset[int]) -> bool:
        """Play steps; return False when a command ended with a code that is waited for."""
        for step in steps:
            self._stage.pump(0.0)
            self._step(step, expected)
            if isinstance(step, Run | Permission) and self._code in expected:
                return False
        return True

    def _step(self, step: Step, expected: frozenset[int]) -> None:
        match step:
            case Say(text):
                self.say(text)
            case Run(command):
                self._run(command, expected)
            case Permission(command):
                self._permission(command, expected)
            case Ask(question, options):
                self._ask(Question(question, options, self._use_id()))
            case Loop():
                self._loop(step, expected)
            case Slow(lines, interval_s):
                self._slow(lines, interval_s)
            case Http(status, text):
                self._fail(status, text)
            case Trust():
                trust(self._stage, self._face)
            case Sleep() | Wait() | Hang() | Spinner() | Background() | IgnoreTerm() | Crash() | Kill() | Exit():
                self._conduct(step)

    def _conduct(self, step: Sleep | Wait | Hang | Spinner | Background | IgnoreTerm | Crash | Kill | Exit) -> None:
        """Play a step that says nothing to the model."""
        match step:
            case Sleep(seconds):
                self._stage.pause(seconds)
            case Wait(path):
                self._stage.pause(None, until=lambda: os.path.exists(path))
            case Hang(limit):
                self._stage.hang(limit)
            case Spinner(text):
                self._stage.word(text)
            case Background(name):
                self.background.append(name)
            case IgnoreTerm():
                self._stage.ignore(signal.SIGTERM, signal.SIGHUP)
            case Crash(code):
                raise Leave(code, "crash")
            case Kill():
                os.kill(os.getpid(), signal.SIGKILL)
            case Exit(code):
                raise Leave(code, "exit")

    def _loop(self, loop: Loop, expected: frozenset[int]) -> None:
        done = 0
        while loop.times is None or done < loop.times:
            if not self._steps(loop.body, frozenset(loop.until) | expected):
                return
            done += 1

    def _slow(self, lines: int, interval_s: float) -> None:
        self.quiet = False
        for number in range(1, lines + 1):
            self._stage.show([Row(f"  line {number} of {lines}")])
            self._stage.pause(interval_s)
        text = f"I printed {lines} lines."
        self._last.append(text)
        self._spoken.append(text)
        self._tell(Said(text), shown=False)

    def _fail(self, status: int, text: str) -> None:
        for line in self._face.retries(status, text):
            self._stage.retry(line)
            self._stage.pause(RETRY_S * self._pace)
        self._stage.retry("")
        raise Failed(status, text)

    def _run(self, command: str, expected: frozenset[int]) -> None:
        tool = Shell(command, self._use_id())
        if self._began(tool):
            self._execute(tool, expected)

    def _permission(self, command: str, expected: frozenset[int]) -> None:
        tool = Shell(command, self._use_id())
        if not self._began(tool):
            return
        if self._consents == "never":
            self._record.note("permission", command=command, answer="never")
            self.say(f"I am not allowed to run `{command[:SHOWN]}`.")
            return
        if self._consents == "ask" and command not in self._allowed:
            self._request(tool)
        self._execute(tool, expected)

    def _request(self, tool: Shell) -> None:
        answer = self._consent(tool, self._face.permission(tool, self._stage.talk, self._stage.width()))
        self._record.note("permission", command=tool.command, answer=answer)
        if answer == "no":
            raise Refused
        if answer == "always":
            self._allowed.add(tool.command)

    def _ask(self, tool: Question) -> None:
        if not self._began(tool):
            return
        dialog = self._face.question(tool, self._stage.talk, self._stage.width())
        started = time.monotonic()
        answer = self._consent(tool, dialog) if dialog else tool.options[0]
        self._record.note("question", question=tool.text, answer=answer, asked=dialog is not None)
        if not answer:
            raise Refused
        self._tell(ToolEnded(tool, Answered(answer, int((time.monotonic() - started) * 1000))))

    def _began(self, tool: Shell | Question) -> bool:
        """Announce a tool; return False when a hook forbids it."""
        self.quiet = False
        self._last.clear()
        self._stage.activity(self._face.activity(tool, asked=False))
        heard = self._tell(ToolBegan(tool))
        if heard.blocked:
            self._stage.activity(())
            self.say(f"A hook blocked it: {heard.reason}")
        return not heard.blocked

    def _consent(self, tool: Shell | Question, dialog: Dialog) -> str:
        self._stage.activity(self._face.activity(tool, asked=True))
        late = (NOTICE_S * self._pace, self._notice)
        return self._stage.ask(dialog, opened=lambda: self._asked(tool), late=late)

    def _asked(self, tool: Shell | Question) -> None:
        self._tell(ToolAsked(tool))

    def _notice(self) -> None:
        self._tell(Waited("permission"))

    def _execute(self, tool: Shell, expected: frozenset[int]) -> None:
        self._stage.activity(self._face.activity(tool, asked=False))
        talk = self._stage.talk
        outcome = children.run(
            tool.command,
            env={**self._env, **self._face.environment(talk, hook=None)},
            cwd=talk.cwd,
            feed=b"",
            limit_s=None,
            merge=True,
            pump=self._stage.pump,
        )
        self._code = outcome.code
        shown = outcome.stdout + outcome.stderr
        self._record.note("run", command=tool.command, exit=outcome.code, output=shown[-LOGGED:])
        self._stage.activity(())
        result = Ran(outcome.code, shown, int(outcome.seconds * 1000), outcome.pid)
        self._tell(ToolEnded(tool, result))
        if outcome.code and outcome.code not in expected:
            self.say(f"`{tool.command[:SHOWN]}` failed with exit code {outcome.code}; I go on.")

    def _use_id(self) -> str:
        return f"{'call_' if self._face.name == 'codex' else 'toolu_'}{unique(16)}"


def trust(stage: Stage, face: Face) -> None:
    """Ask whether the folder is trusted; who says no leaves.

    Raises:
        Leave: the folder is not trusted.
    """
    if stage.headless:
        return
    answer = stage.ask(face.trust(stage.talk, stage.width()), opened=_nothing, late=None)
    if answer == "leave":
        raise Leave(1 if face.name == "claude" else 0, "exit")


def _nothing() -> None:
    """Do nothing when the dialog opens."""
