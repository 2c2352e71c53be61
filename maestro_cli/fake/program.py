"""From a command line to a running agent."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping

from maestro_cli.fake import appserver, hooks, install, transcript
from maestro_cli.fake.agent import Agent, Setting
from maestro_cli.fake.arguments import USAGE, UUID, BadUsage, FaceName, Invocation, Launch, invocation, launch
from maestro_cli.fake.face import Face
from maestro_cli.fake.faces import face as face_of
from maestro_cli.fake.moments import Source, Talk
from maestro_cli.fake.pane import PaneStage
from maestro_cli.fake.record import Record
from maestro_cli.fake.script import BadScript, Script, parse
from maestro_cli.fake.stage import PipeStage, Stage
from maestro_cli.fake.status import StatusFile
from maestro_cli.fake.terminal import RawMode, Screen

SCRIPT_BYTES = 4 * 1024 * 1024
STDIN_BYTES = 1024 * 1024


class Stopped(Exception):
    """The program ends before it begins; the text goes to standard error."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


def run(argv: list[str]) -> int:
    """Be what the command line asks for and return the exit code."""
    env = dict(os.environ)
    try:
        asked = launch(argv)
        if asked.help:
            print(USAGE)
            return 0
        if asked.install:
            print("\n".join(install.shims(asked.install)))
            return 0
        return _be(asked, env)
    except BadUsage as bad:
        print(f"maestro agent fake: {bad}\n\n{USAGE}", file=sys.stderr)
        return 2
    except Stopped as stopped:
        print(stopped, file=sys.stderr)
        return stopped.code
    except OSError as error:
        print(f"maestro agent fake: {error}", file=sys.stderr)
        return 2


def _be(asked: Launch, env: Mapping[str, str]) -> int:
    given = invocation(asked.face, [_sound(word) for word in asked.rest])
    face = face_of(asked.face)
    match given.action:
        case "version":
            print(face.version(env.get("MAESTRO_FAKE_VERSION")))
            return 0
        case "help":
            print(f"{asked.face}: a scripted stand-in; options of the real program are accepted.")
            return 0
        case "login":
            print("Logged in using an API key - scripted", file=sys.stderr)
            return 0
        case "app-server":
            return appserver.serve(sys.stdin, sys.stdout, hooks.configured(asked.face, given, env, []))
        case "run":
            return _perform(asked, given, face, env)


def _perform(asked: Launch, given: Invocation, face: Face, env: Mapping[str, str]) -> int:
    script = _script(asked, env)
    record = Record(env.get("MAESTRO_FAKE_LOG"), asked.face)
    if given.directory:
        os.chdir(given.directory)
    _refuse_root(asked.face, given, env)
    notes: list[str] = []
    try:
        found = hooks.configured(asked.face, given, env, notes)
    except hooks.BadSettings as bad:
        raise Stopped(1, str(bad)) from None
    interactive = not given.headless and os.isatty(0) and os.isatty(1)
    given = _with_input(given, script, interactive=interactive)
    talk, source, later = _talk(asked.face, given, face, env, headless=not interactive)
    _started(record, asked, given, talk, notes)
    status = None
    if asked.face == "claude" and interactive:
        status = StatusFile(transcript.home("claude", env))
    book = transcript.Transcript(transcript.book(asked.face))
    setting = Setting(asked.face, face, given, env, script, found, record, book, status, source, later)
    return _play(setting, talk, env, interactive=interactive)


def _play(setting: Setting, talk: Talk, env: Mapping[str, str], *, interactive: bool) -> int:
    if not interactive:
        stage: Stage = PipeStage(setting.face, talk, spoken=setting.name == "plain")
        stage.signals.listen()
        return Agent(setting, stage).run()
    sys.stdout.flush()
    screen = Screen(1, colors="NO_COLOR" not in env)
    inline = setting.name == "claude" and env.get("CLAUDE_CODE_DISABLE_ALTERNATE_SCREEN") == "1"
    raw = RawMode(0, screen, alternate=setting.given.alternate and not inline)
    swallow_s = _seconds(env.get("MAESTRO_FAKE_SWALLOW_S"))
    pane = PaneStage(setting.face, talk, screen=screen, raw=raw, fd=0, swallow_s=swallow_s)
    pane.signals.listen()
    raw.enter()
    try:
        return Agent(setting, pane).run()
    finally:
        raw.leave(title=None)


def _seconds(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None


def _sound(word: str) -> str:
    """Return an argument without the lone surrogates that stand for undecodable bytes."""
    return word.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _script(asked: Launch, env: Mapping[str, str]) -> Script | None:
    name = asked.script or env.get(f"MAESTRO_FAKE_SCRIPT_{asked.face.upper()}") or env.get("MAESTRO_FAKE_SCRIPT")
    if not name:
        return None
    try:
        return parse(_text(name))
    except OSError as error:
        reason = error.strerror or str(error)
    except BadScript as bad:
        reason = str(bad)
    raise Stopped(2, f"maestro agent fake: script {name}: {reason}")


def _text(name: str) -> str:
    with open(name, "rb") as file:
        data = file.read(SCRIPT_BYTES + 1)
    if len(data) > SCRIPT_BYTES:
        raise BadScript(data.count(b"\n") + 1, f"the script is larger than {SCRIPT_BYTES} bytes")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadScript(data.count(b"\n", 0, error.start) + 1, "is not UTF-8") from None


def _refuse_root(name: FaceName, given: Invocation, env: Mapping[str, str]) -> None:
    if name == "claude" and given.bypass and os.geteuid() == 0 and env.get("IS_SANDBOX") != "1":
        raise Stopped(1, "--dangerously-skip-permissions cannot be used with root/sudo privileges for security reasons")


def _with_input(given: Invocation, script: Script | None, *, interactive: bool) -> Invocation:
    """Without a terminal the prompt may come from standard input."""
    if interactive or given.prompt not in (None, "-"):
        return given
    text = "" if os.isatty(0) else sys.stdin.buffer.read(STDIN_BYTES).decode("utf-8", "replace")
    if not text.strip() and script is None:
        raise Stopped(1, "Error: Input must be provided either through stdin or as a prompt argument")
    return given._replace(prompt=text)


def _talk(
    name: FaceName, given: Invocation, face: Face, env: Mapping[str, str], *, headless: bool
) -> tuple[Talk, Source, str]:
    """Return the conversation to begin or to go on with, and the transcript a resumed Gemini turns to."""
    cwd, at, home = os.getcwd(), time.time(), transcript.home(name, env)
    source: Source = "startup"
    earlier = ""
    if given.session == "new":
        session_id = _new_id(name, given.session_id, home, cwd, at)
    else:
        found = transcript.find(name, home, cwd=cwd, session_id=given.session_id)
        if not found:
            raise _no_session(name, given.session_id)
        source = "resume"
        session_id, earlier = found
        if given.session == "fork":
            session_id, earlier = _new_id(name, given.new_id, home, cwd, at), ""
    fresh = transcript.path(name, home, cwd=cwd, session_id=session_id, at=at)
    talk = Talk(
        session_id=session_id,
        transcript_path=fresh if name == "gemini" else earlier or fresh,
        cwd=cwd,
        turn_id=transcript.uuid(),
        mode=given.mode,
        model=given.model or face.model,
        name=given.name,
        headless=headless,
        prompt="",
        at=at,
    )
    return talk, source, earlier if name == "gemini" else ""


def _new_id(name: FaceName, wanted: str | None, home: str, cwd: str, at: float) -> str:
    """Return the id asked for, if it is sound and free, or a new one."""
    if wanted is None:
        return transcript.uuid(at if name == "codex" else None)
    code = 42 if name == "gemini" else 1
    if not UUID.fullmatch(wanted):
        raise Stopped(code, "Error: Invalid session ID. Must be a valid UUID.")
    if transcript.find(name, home, cwd=cwd, session_id=wanted):
        taken = "already exists" if name == "gemini" else "is already in use"
        raise Stopped(code, f"Error: Session ID {wanted} {taken}.")
    return wanted


def _no_session(name: FaceName, wanted: str | None) -> Stopped:
    if name == "gemini":
        return Stopped(42, f"Error resuming session: no session {wanted or 'to resume'} was found.")
    if name == "codex":
        return Stopped(1, f"Error: no rollout found for thread id {wanted or '(latest)'}")
    return Stopped(1, f"No conversation found with session ID: {wanted or '(latest)'}")


def _started(record: Record, asked: Launch, given: Invocation, talk: Talk, notes: list[str]) -> None:
    record.note(
        "start",
        argv=list(asked.rest),
        unknown=list(given.unknown),
        cwd=talk.cwd,
        sessionId=talk.session_id,
        session=given.session,
        transcript=talk.transcript_path,
        model=talk.model,
        mode=talk.mode,
        headless=talk.headless,
        system=[*given.system, *(_read(name) for name in given.system_files)],
        notes=notes,
    )


def _read(name: str) -> str:
    try:
        with open(name, encoding="utf-8", errors="replace") as file:
            return file.read(STDIN_BYTES)
    except OSError as error:
        raise Stopped(1, f"Error: Append system prompt file not found: {name} ({error.strerror})") from None
