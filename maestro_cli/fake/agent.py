"""The agent: opens a conversation, plays a turn per prompt, tells hooks and logs, and leaves."""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from collections import deque
from collections.abc import Mapping
from typing import NamedTuple

from maestro_cli.fake import answer, children, hooks
from maestro_cli.fake.arguments import FaceName, Invocation
from maestro_cli.fake.composer import Submission
from maestro_cli.fake.face import Call, Face
from maestro_cli.fake.hooks import Heard, Hook
from maestro_cli.fake.moments import (
    Closed,
    Instructed,
    Moment,
    Opened,
    Prompted,
    Question,
    Said,
    Source,
    ToolAsked,
    TurnEnded,
    TurnFailed,
    TurnStopped,
    Waited,
)
from maestro_cli.fake.record import Record
from maestro_cli.fake.script import Say, Script, Steps, directives, standing
from maestro_cli.fake.stage import Interrupted, Leave, Stage
from maestro_cli.fake.status import StatusFile
from maestro_cli.fake.terminal import Hangup
from maestro_cli.fake.transcript import Transcript, uuid
from maestro_cli.fake.turn import Consent, Failed, Refused, Turn, trust

IDLE_S = 60.0
LINGER_S = 60.0
"""How long a Gemini without a terminal stays; the real one stays for ever."""
CONTINUATIONS = 3
REPLY_CHARS = 80

_COMMAND = re.compile(r"/[A-Za-z][\w:-]*$")
_NOTHING = Heard(blocked=False, reason="", context="")


class Setting(NamedTuple):
    """Everything an agent is given."""

    name: FaceName
    face: Face
    given: Invocation
    env: Mapping[str, str]
    script: Script | None
    hooks: tuple[Hook, ...]
    record: Record
    transcript: Transcript
    status: StatusFile | None
    source: Source
    later_path: str
    """The transcript to go on with after the first hook of a resumed Gemini."""


class Agent:
    """One run of one program."""

    def __init__(self, setting: Setting, stage: Stage) -> None:
        self._set = setting
        self._stage = stage
        self._hooks = setting.hooks
        self._plays = deque(setting.script.turns if setting.script else ())
        self._allowed: set[str] = set()
        self._first = setting.given.prompt
        self._opened = False
        self._turns = 0
        self._pace = _number(setting.env.get("MAESTRO_FAKE_PACE"), 1.0)
        self._error = ""
        self._message = ""

    def run(self) -> int:
        """Perform until the end; returns the exit code."""
        self._stage.announce = self._announce if self._set.face.announces_queued else None
        try:
            self._open()
            while True:
                self._next()
        except Leave as leave:
            return self._leave(leave)
        except Hangup:
            return self._abandoned()

    def _open(self) -> None:
        stage, face = self._stage, self._set.face
        if self._set.script and self._set.script.trust:
            trust(stage, face)
        self._review()
        stage.show(face.banner(stage.talk))
        if not face.opens_at_prompt:
            self._begin()
        stage.become("idle")

    def _review(self) -> None:
        """Codex does not call hooks that nobody trusted."""
        if self._set.given.trusts_hooks or not self._hooks:
            return
        dialog = self._set.face.review(len(self._hooks))
        answer_ = "no"
        if dialog and not self._stage.headless:
            answer_ = self._stage.ask(dialog, opened=lambda: None, late=None)
        if answer_ != "yes":
            self._set.record.note("untrusted", hooks=len(self._hooks))
            self._hooks = ()

    def _begin(self) -> None:
        self._opened = True
        self._tell(Opened(self._set.source))
        if self._set.later_path:
            self._stage.talk = self._stage.talk._replace(transcript_path=self._set.later_path)
        memory = os.path.join(self._stage.talk.cwd, "CLAUDE.md")
        if self._set.name == "claude" and os.path.exists(memory):
            self._tell(Instructed(memory))

    def _next(self) -> None:
        """Take the next prompt: the one of the command line first."""
        first, self._first = self._first, None
        if first is not None:
            self._take(Submission(first), source="argument")
            return
        late = (IDLE_S * self._pace, self._idle) if self._turns else None
        queued = bool(self._stage.queue)
        self._take(self._stage.prompt(late), source="queued" if queued else "typed")

    def _idle(self) -> None:
        self._tell(Waited("idle"))

    def _take(self, sent: Submission, *, source: str) -> None:
        """Do with a prompt what it asks for: leave, refuse a command, or play a turn."""
        word = sent.text.strip().partition("\n")[0].partition(" ")[0]
        if source != "argument" and _COMMAND.fullmatch(word):
            self._set.record.note("command", text=sent.text)
            if word in ("/exit", "/quit"):
                raise Leave(0, "exit")
            self._show(Said(f"Unknown command: {word}"))
            return
        self._turn(sent, source)
        self._stage.become("idle")
        self._set.record.note("idle")

    def _turn(self, sent: Submission, source: str) -> None:
        stage, face = self._stage, self._set.face
        self._turns += 1
        handed = face.handed(sent.text, pasted=sent.pasted)
        self._set.record.note("prompt", text=sent.text, source=source)
        at = time.time()
        turn_id = uuid(at if self._set.name == "codex" else None)
        stage.talk = stage.talk._replace(turn_id=turn_id, prompt=handed)
        stage.show(face.echo(sent.text.strip("\n"), stage.width()))
        stage.become("working")
        if not self._opened:
            self._begin()
        prompted = Prompted(handed, sent.pasted)
        announced = source == "queued" and face.announces_queued
        heard = self._write(prompted) if announced else self._tell(prompted)
        if heard.blocked:
            self._show(Said(f"Prompt blocked by a hook: {heard.reason}"))
            return
        self._perform(sent, at)

    def _perform(self, sent: Submission, at: float) -> None:
        """Play the turn, and tell how it ended."""
        turn = self._new_turn()
        self._error = ""
        try:
            turn.play(self._steps(sent.text))
            self._finish(turn, at)
        except Failed as failed:
            self._error = f"API Error: {failed.status} {failed.text}"
            self._tell(TurnFailed(failed.status, failed.text, time.time() - at))
        except (Interrupted, Refused) as stopped:
            refused = isinstance(stopped, Refused)
            self._set.record.note("refused" if refused else "interrupt")
            self._stage.activity(())
            self._tell(TurnStopped(time.time() - at, refused))
            if turn.quiet and self._set.face.restores_prompt:
                self._stage.restore(sent.text)
        self._message = turn.message

    def _consent(self) -> Consent:
        if self._set.given.bypass:
            return "always"
        return "never" if self._stage.headless or self._set.given.mode == "dontAsk" else "ask"

    def _new_turn(self) -> Turn:
        return Turn(
            stage=self._stage,
            face=self._set.face,
            tell=self._tell,
            record=self._set.record,
            env=self._set.env,
            allowed=self._allowed,
            consent=self._consent(),
            pace=self._pace,
        )

    def _steps(self, prompt: str) -> Steps:
        """Return the next turn of the script file, or what the prompt or the environment ask for."""
        if self._plays:
            return self._plays.popleft()
        asked = directives(prompt)
        if not asked and self._turns == 1 and self._set.script is None:
            asked = standing(self._set.env)
        return asked or (Say(f"OK: {' '.join(prompt.split())[:REPLY_CHARS]}"),)

    def _finish(self, turn: Turn, at: float) -> None:
        """End the turn; a hook may demand that the agent goes on."""
        again = False
        for _ in range(CONTINUATIONS):
            ended = TurnEnded(turn.message, turn.spoken, tuple(turn.background), time.time() - at, again)
            heard = self._tell(ended, shown=False)
            if not (heard.blocked and heard.reason):
                break
            again = True
            turn.play(directives(heard.reason) or (Say(f"OK: {heard.reason[:REPLY_CHARS]}"),))
        ended = TurnEnded(turn.message, turn.spoken, (), time.time() - at)
        self._show(ended)

    def _announce(self, sent: Submission) -> None:
        """Tell the prompt hook of what was sent while the agent was busy."""
        handed = self._set.face.handed(sent.text, pasted=sent.pasted)
        self._call(Prompted(handed, sent.pasted))

    def _tell(self, moment: Moment, *, shown: bool = True) -> Heard:
        self._write(moment)
        if shown:
            self._show(moment)
        return self._call(moment)

    def _show(self, moment: Moment) -> None:
        self._stage.show(self._set.face.rows(moment, self._stage.talk, self._stage.width()))

    def _write(self, moment: Moment) -> Heard:
        """Bring transcript and status file up to date."""
        self._stage.talk = self._stage.talk._replace(at=time.time())
        before = self._set.transcript.trouble
        self._set.transcript.add(moment, self._stage.talk)
        if self._set.transcript.trouble != before:
            self._set.record.note("trouble", text=self._set.transcript.trouble)
        if self._set.status:
            self._report(self._set.status, moment)
        return _NOTHING

    def _report(self, status: StatusFile, moment: Moment) -> None:
        match moment:
            case Opened() | TurnEnded() | TurnFailed() | TurnStopped():
                status.write("idle", self._stage.talk)
            case ToolAsked(tool):
                asked = "input needed" if isinstance(tool, Question) else "permission prompt"
                status.write("waiting", self._stage.talk, waiting_for=asked)
            case Closed():
                status.remove()
            case Waited() | Instructed():
                return
            case _:
                status.write("busy", self._stage.talk)

    def _call(self, moment: Moment) -> Heard:
        """Call the hooks of a moment, one after the other."""
        heard = [
            self._hook(hook, call)
            for call in self._set.face.hooks(moment, self._stage.talk)
            for hook in self._hooks
            if hook.event == call.event and hook.matches(call.subject)
        ]
        context = "\n".join(one.context for one in heard if one.context)
        if context:
            self._set.record.note("context", text=context)
        return next((one for one in heard if one.blocked), _NOTHING._replace(context=context))

    def _hook(self, hook: Hook, call: Call) -> Heard:
        talk = self._stage.talk
        outcome = children.run(
            hook.command,
            env={**self._set.env, **self._set.face.environment(talk, hook=call.event)},
            cwd=talk.cwd,
            feed=_json(call.payload),
            limit_s=hook.timeout_s,
            merge=False,
            pump=self._stage.pump_hook,
        )
        self._set.record.note(
            "hook",
            name=call.event,
            command=hook.command,
            exit=outcome.code,
            seconds=round(outcome.seconds, 3),
            timedOut=outcome.timed_out,
            stdout=outcome.stdout[:2000],
            stderr=outcome.stderr[:2000],
            payload=call.payload,
        )
        return _NOTHING if outcome.timed_out else hooks.heard(outcome.code, outcome.stdout, outcome.stderr)

    def _leave(self, leave: Leave) -> int:
        """Say goodbye as the reason demands; a signal the program does not handle is died of."""
        face, stage = self._set.face, self._stage
        stage.closing = True
        if leave.reason == "crash":
            self._set.record.note("exit", code=leave.code, reason="crash")
            stage.close(())
            return leave.code
        name = signal.Signals(leave.number).name if leave.number else ""
        polite = leave.reason != "signal" or name in face.goodbye
        if polite and self._opened:
            self._tell(Closed(leave.reason), shown=False)
        self._set.record.note("exit", code=leave.code, reason=name or leave.reason)
        told = leave.reason == "exit" and self._opened
        stage.close(face.farewell(stage.talk, self._set.transcript.usage, stage.width()) if told else ())
        if not polite:
            _die(leave.number)
        return self._answered(leave.code) if stage.headless and leave.reason == "end" else leave.code

    def _answered(self, code: int) -> int:
        """Print what a run without a terminal prints."""
        usage = self._set.transcript.usage
        text = answer.answer(
            self._set.name,
            self._set.given.form,
            self._stage.talk,
            message=self._message,
            usage=usage,
            error=self._error,
        )
        if self._set.name != "plain":
            sys.stdout.write(text)
            sys.stdout.flush()
        return 1 if self._error else code

    def _abandoned(self) -> int:
        """The terminal is gone: Gemini stays for a while, the others go as after SIGHUP."""
        stage, face = self._stage, self._set.face
        stage.closing = True
        if "SIGHUP" in face.ignored:
            self._set.record.note("abandoned")
            stage.linger(_number(self._set.env.get("MAESTRO_FAKE_LINGER_S"), LINGER_S))
        elif "SIGHUP" in face.goodbye and self._opened:
            self._tell(Closed("signal"), shown=False)
        self._set.record.note("exit", code=128 + signal.SIGHUP, reason="SIGHUP")
        stage.close(())
        return 128 + signal.SIGHUP


def _die(number: int) -> None:
    """Die of a signal, so that whoever waits sees it."""
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    signal.pause()


def _number(text: str | None, default: float) -> float:
    try:
        value = float(text) if text else default
    except ValueError:
        return default
    return value if 0 <= value <= 3600 else default


def _json(payload: Mapping[str, object]) -> bytes:
    import json

    return json.dumps(payload, ensure_ascii=False).encode("utf-8", "replace")
