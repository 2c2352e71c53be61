"""Command lines: our own (``--as``, ``--script``, ``--install``) and those of the programs that are imitated."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, get_args

FaceName = Literal["claude", "codex", "gemini", "plain"]
Action = Literal["run", "version", "help", "app-server", "login"]
Arity = Literal["flag", "value", "optional", "many"]
Session = Literal["new", "resume", "fork"]

USAGE = """\
usage: maestro agent fake --as claude|codex|gemini|plain [--script FILE] [-- ARGUMENTS OF THE REAL PROGRAM]
       maestro agent fake --install DIR

A scripted agent that costs no tokens. --install writes stand-ins named claude, codex and gemini into DIR.
The script comes from --script, MAESTRO_FAKE_SCRIPT_<NAME>, MAESTRO_FAKE_SCRIPT or the prompt itself."""

UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class BadUsage(Exception):
    """The fake agent itself was called wrongly."""


class Launch(NamedTuple):
    """What the fake agent was asked to be."""

    face: FaceName
    script: str | None
    install: str | None
    help: bool
    rest: tuple[str, ...]


class Invocation(NamedTuple):
    """What the real program would have understood."""

    action: Action
    headless: bool
    prompt: str | None
    session: Session
    session_id: str | None
    """The id asked for, or the conversation to go on with; None with ``resume`` means the latest."""
    new_id: str | None
    name: str
    model: str | None
    mode: str
    system: tuple[str, ...]
    system_files: tuple[str, ...]
    settings: tuple[str, ...]
    config: tuple[str, ...]
    directory: str | None
    form: str
    """Output format without a terminal: text, json or stream-json."""
    bypass: bool
    trusts_hooks: bool
    alternate: bool
    unknown: tuple[str, ...]


class Words(NamedTuple):
    """A command line sorted by the table of one program."""

    given: Mapping[str, list[str]]
    bare: list[str]
    after: list[str]
    """What follows ``--``."""
    unknown: list[str]

    def last(self, key: str) -> str | None:
        """Return the last value of an option."""
        values = self.given.get(key)
        return values[-1] if values else None

    def all(self, key: str) -> tuple[str, ...]:
        """Return all values of an option."""
        return tuple(self.given.get(key, ()))


_COMMON: dict[str, tuple[str, Arity]] = {
    "--version": ("version", "flag"),
    "-v": ("version", "flag"),
    "--help": ("help", "flag"),
    "-h": ("help", "flag"),
    "--model": ("model", "value"),
    "-m": ("model", "value"),
}

TABLES: Mapping[FaceName, Mapping[str, tuple[str, Arity]]] = {
    "claude": {
        **_COMMON,
        "-p": ("print", "flag"),
        "--print": ("print", "flag"),
        "--session-id": ("session", "value"),
        "--resume": ("resume", "optional"),
        "-r": ("resume", "optional"),
        "--continue": ("latest", "flag"),
        "-c": ("latest", "flag"),
        "--fork-session": ("fork", "flag"),
        "--name": ("name", "value"),
        "-n": ("name", "value"),
        "--settings": ("settings", "value"),
        "--setting-sources": ("ignored", "value"),
        "--append-system-prompt": ("system", "value"),
        "--append-system-prompt-file": ("system_file", "value"),
        "--system-prompt": ("system", "value"),
        "--system-prompt-file": ("system_file", "value"),
        "--permission-mode": ("mode", "value"),
        "--dangerously-skip-permissions": ("skip", "flag"),
        "--allowedTools": ("ignored", "many"),
        "--allowed-tools": ("ignored", "many"),
        "--disallowedTools": ("ignored", "many"),
        "--disallowed-tools": ("ignored", "many"),
        "--tools": ("ignored", "many"),
        "--add-dir": ("ignored", "many"),
        "--plugin-dir": ("ignored", "value"),
        "--mcp-config": ("ignored", "many"),
        "--strict-mcp-config": ("ignored", "flag"),
        "--effort": ("ignored", "value"),
        "--output-format": ("form", "value"),
        "--input-format": ("ignored", "value"),
        "--verbose": ("ignored", "flag"),
        "--include-hook-events": ("ignored", "flag"),
        "--include-partial-messages": ("ignored", "flag"),
        "--max-turns": ("ignored", "value"),
        "--agents": ("ignored", "value"),
        "--fallback-model": ("ignored", "value"),
        "--system-prompt-snapshot": ("ignored", "value"),
    },
    "codex": {
        **_COMMON,
        "-V": ("version", "flag"),
        "-c": ("config", "value"),
        "--config": ("config", "value"),
        "-p": ("ignored", "value"),
        "--profile": ("ignored", "value"),
        "-a": ("approval", "value"),
        "--ask-for-approval": ("approval", "value"),
        "-s": ("ignored", "value"),
        "--sandbox": ("ignored", "value"),
        "-C": ("directory", "value"),
        "--cd": ("directory", "value"),
        "--add-dir": ("ignored", "value"),
        "-o": ("ignored", "value"),
        "--output-last-message": ("ignored", "value"),
        "-i": ("ignored", "value"),
        "--image": ("ignored", "value"),
        "--last": ("latest", "flag"),
        "--json": ("json", "flag"),
        "--no-daemon": ("ignored", "flag"),
        "--no-alt-screen": ("inline", "flag"),
        "--search": ("ignored", "flag"),
        "--full-auto": ("ignored", "flag"),
        "--approve-for-me": ("ignored", "flag"),
        "--skip-git-repo-check": ("ignored", "flag"),
        "--dangerously-bypass-hook-trust": ("trust", "flag"),
        "--dangerously-bypass-approvals-and-sandbox": ("skip", "flag"),
        "--yolo": ("skip", "flag"),
    },
    "gemini": {
        **_COMMON,
        "-p": ("print", "value"),
        "--prompt": ("print", "value"),
        "-i": ("prompt", "value"),
        "--prompt-interactive": ("prompt", "value"),
        "--session-id": ("session", "value"),
        "--resume": ("resume", "optional"),
        "-r": ("resume", "optional"),
        "--session-file": ("ignored", "value"),
        "--approval-mode": ("mode", "value"),
        "-y": ("skip", "flag"),
        "--yolo": ("skip", "flag"),
        "-s": ("ignored", "flag"),
        "--sandbox": ("ignored", "flag"),
        "--skip-trust": ("ignored", "flag"),
        "--policy": ("ignored", "value"),
        "--include-directories": ("ignored", "value"),
        "--allowed-tools": ("ignored", "many"),
        "-e": ("ignored", "many"),
        "--extensions": ("ignored", "many"),
        "-o": ("form", "value"),
        "--output-format": ("form", "value"),
        "--list-sessions": ("ignored", "flag"),
        "--screen-reader": ("ignored", "flag"),
    },
    "plain": {**_COMMON},
}

_CLAUDE_MODES = {"manual": "default"}
_GEMINI_MODES = {"auto_edit": "acceptEdits", "yolo": "bypassPermissions"}
_CODEX_COMMANDS = ("exec", "e", "resume", "fork", "app-server", "login")


def launch(argv: Sequence[str]) -> Launch:
    """Read our own command line; everything after ``--`` belongs to the real program.

    Raises:
        BadUsage: with a sentence for the caller.
    """
    values: dict[str, str] = {}
    words = list(argv)
    rest: list[str] = []
    if "--" in words:
        cut = words.index("--")
        words, rest = words[:cut], words[cut + 1 :]
    if "-h" in words or "--help" in words:
        return Launch(face="plain", script=None, install=None, help=True, rest=())
    while words:
        word = words.pop(0)
        name, equals, value = word.partition("=")
        if name not in ("--as", "--script", "--install"):
            raise BadUsage(f"unknown argument {word!r}; what is meant for the real program goes after --")
        if not equals and not words:
            raise BadUsage(f"{name} needs a value")
        values[name] = value if equals else words.pop(0)
    if "--as" not in values and "--install" not in values:
        raise BadUsage("say what to be: --as claude, codex, gemini or plain")
    face = _face(values.get("--as", "plain"))
    return Launch(
        face=face, script=values.get("--script"), install=values.get("--install"), help=False, rest=tuple(rest)
    )


def _face(name: str) -> FaceName:
    for known in get_args(FaceName):
        if name == known:
            face: FaceName = known
            return face
    raise BadUsage(f"--as {name}: must be claude, codex, gemini or plain")


def invocation(face: FaceName, argv: Sequence[str]) -> Invocation:
    """Read the real program's command line as that program would; unknown options are kept, not refused."""
    words = sort(argv, TABLES[face])
    match face:
        case "claude":
            return _claude(words)
        case "codex":
            return _codex(words)
        case "gemini":
            return _gemini(words)
        case "plain":
            return _plain(words)


def sort(argv: Sequence[str], table: Mapping[str, tuple[str, Arity]]) -> Words:
    """Sort words into options, bare words and unknown options.

    An unknown option takes the next word as its value unless that word is the last or looks like an option.
    """
    words = Words({}, [], [], [])
    given: dict[str, list[str]] = {}
    left = list(argv)
    while left:
        word = left.pop(0)
        if word == "--":
            words.after.extend(left)
            break
        if not word.startswith("-") or word == "-":
            words.bare.append(word)
            continue
        name, value = _named(word, table)
        if name not in table:
            words.unknown.append(word)
            if value is None and len(left) > 1 and not left[0].startswith("-"):
                words.unknown.append(left.pop(0))
            continue
        key, arity = table[name]
        given.setdefault(key, []).extend(_values(arity, value, left))
    return words._replace(given=given)


def _named(word: str, table: Mapping[str, tuple[str, Arity]]) -> tuple[str, str | None]:
    if word in table:
        return word, None
    if word.startswith("--"):
        name, equals, value = word.partition("=")
        return name, value if equals else None
    short = word[:2]
    if short in table and table[short][1] == "value":
        return short, word[2:].removeprefix("=")
    return word, None


def _values(arity: Arity, value: str | None, left: list[str]) -> list[str]:
    if arity == "flag":
        return ["yes"]
    if value is not None:
        return [value]
    if arity == "value":
        return [left.pop(0)] if left else []
    if arity == "optional":
        return [left.pop(0)] if left and not left[0].startswith("-") else [""]
    values: list[str] = []
    while left and not left[0].startswith("-"):
        values.append(left.pop(0))
    return values


def _base(words: Words) -> Invocation:
    action: Action = "version" if "version" in words.given else "help" if "help" in words.given else "run"
    return Invocation(
        action=action,
        headless=False,
        prompt=None,
        session="new",
        session_id=None,
        new_id=None,
        name=words.last("name") or "",
        model=words.last("model"),
        mode="default",
        system=words.all("system"),
        system_files=words.all("system_file"),
        settings=words.all("settings"),
        config=words.all("config"),
        directory=words.last("directory"),
        form=words.last("form") or "text",
        bypass="skip" in words.given,
        trusts_hooks=True,
        alternate=False,
        unknown=tuple(words.unknown),
    )


def _text(words: Sequence[str]) -> str | None:
    return " ".join(words) if words else None


def _session(words: Words) -> tuple[Session, str | None, str | None]:
    """Return what is meant, the id of that conversation, and the id of a new one."""
    wanted = words.last("session")
    if "resume" not in words.given and "latest" not in words.given:
        return "new", wanted, None
    resumed = words.last("resume") or None
    if resumed == "latest":
        resumed = None
    return ("fork" if "fork" in words.given else "resume"), resumed, wanted


def _claude(words: Words) -> Invocation:
    mode = words.last("mode") or "auto"
    bypass = "skip" in words.given or mode == "bypassPermissions"
    session, session_id, new_id = _session(words)
    return _base(words)._replace(
        headless="print" in words.given,
        prompt=_text(words.bare + words.after),
        session=session,
        session_id=session_id,
        new_id=new_id,
        mode="bypassPermissions" if bypass else _CLAUDE_MODES.get(mode, mode),
        bypass=bypass,
        alternate=True,
    )


def _gemini(words: Words) -> Invocation:
    mode = words.last("mode") or "default"
    bypass = "skip" in words.given or mode == "yolo"
    session, session_id, new_id = _session(words)
    return _base(words)._replace(
        headless="print" in words.given,
        prompt=words.last("print") or words.last("prompt") or _text(words.bare + words.after),
        session=session,
        session_id=session_id,
        new_id=new_id,
        mode="bypassPermissions" if bypass else _GEMINI_MODES.get(mode, mode),
        bypass=bypass,
    )


def _codex(words: Words) -> Invocation:
    base = _base(words)
    command = words.bare[0] if words.bare and words.bare[0] in _CODEX_COMMANDS else ""
    bare = words.bare[1:] if command else words.bare
    session: Session = "resume" if command == "resume" else "fork" if command == "fork" else "new"
    session_id = None
    if session != "new" and "latest" not in words.given and bare:
        session_id, bare = bare[0], bare[1:]
    action = base.action
    if action == "run" and command in ("app-server", "login"):
        action = "login" if command == "login" else "app-server"
    bypass = base.bypass or words.last("approval") == "never"
    headless = command in ("exec", "e")
    trusted = "trust" in words.given or any(_is_trust(pair) for pair in base.config)
    return base._replace(
        action=action,
        headless=headless,
        prompt=_text(bare + words.after),
        session=session,
        session_id=session_id,
        mode="bypassPermissions" if bypass or headless else "default",
        system=tuple(v for v in map(_instructions, base.config) if v),
        form="json" if "json" in words.given else "text",
        bypass=bypass or headless,
        trusts_hooks=trusted,
        alternate="inline" not in words.given,
    )


def _is_trust(pair: str) -> bool:
    key, _, value = pair.partition("=")
    return key.strip().startswith("hooks.state") and value.strip() not in ("", "{}")


def _instructions(pair: str) -> str:
    key, _, value = pair.partition("=")
    return value if key.strip() == "developer_instructions" else ""


def _plain(words: Words) -> Invocation:
    return _base(words)._replace(prompt=_text(words.bare + words.after))
