"""Which hook commands are configured, in each provider's own place and form."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from maestro_cli.fake.arguments import FaceName, Invocation

CODEX_SHORT_S = 3.0
"""Codex never waits longer for SessionEnd and Interrupt."""


class Hook(NamedTuple):
    """A command to be called at an event."""

    event: str
    matcher: str
    command: str
    timeout_s: float

    def matches(self, subject: str) -> bool:
        """Return whether the hook wants to hear of this tool, source or kind."""
        if self.matcher in ("", "*"):
            return True
        try:
            return re.fullmatch(self.matcher, subject) is not None
        except re.error:
            return False


class BadSettings(Exception):
    """A settings argument cannot be used; the text is what the real program would print."""


class Heard(NamedTuple):
    """What a hook had to say."""

    blocked: bool
    reason: str
    context: str


def configured(face: FaceName, given: Invocation, env: Mapping[str, str], notes: list[str]) -> tuple[Hook, ...]:
    """Return the hooks of this run; ``notes`` gets a line for each file that was skipped as broken.

    Raises:
        BadSettings: Claude's ``--settings`` names no file and is no JSON.
    """
    match face:
        case "claude":
            return tuple(hook for text in given.settings for hook in _claude(text))
        case "codex":
            return tuple(_codex(given.config, notes))
        case "gemini":
            return tuple(_gemini(env, notes))
        case "plain":
            return ()


def heard(code: int, stdout: str, stderr: str) -> Heard:
    """Return what a hook's exit code and output mean to the agent: exit 2 blocks, JSON may add context."""
    answer = _object(stdout)
    specific = answer.get("hookSpecificOutput")
    context = specific.get("additionalContext") if isinstance(specific, dict) else None
    denied = isinstance(specific, dict) and specific.get("permissionDecision") == "deny"
    blocked = code == 2 or denied or answer.get("decision") in ("block", "deny")
    reason = answer.get("reason") if isinstance(answer.get("reason"), str) else stderr.strip()
    plain = stdout.strip() if code == 0 and not answer else ""
    return Heard(blocked, str(reason), str(context) if context else plain)


def _object(text: str) -> dict[str, object]:
    if not text.lstrip().startswith("{"):
        return {}
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _claude(text: str) -> Iterator[Hook]:
    if not text.lstrip().startswith("{"):
        try:
            with open(text, encoding="utf-8") as file:
                text = file.read()
        except (OSError, UnicodeDecodeError) as error:
            raise BadSettings(f"Error: Settings file not found: {text}") from error
    try:
        settings = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadSettings(f"Error: Invalid JSON provided to --settings: {error}") from error
    yield from _groups(settings.get("hooks") if isinstance(settings, dict) else None, unit_s=1.0, default_s=60.0)


def _codex(pairs: Sequence[str], notes: list[str]) -> Iterator[Hook]:
    for pair in pairs:
        if not pair.lstrip().startswith("hooks"):
            continue
        try:
            value = tomllib.loads(pair)
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            notes.append(f"-c {pair[:80]}: {error}")
            continue
        for hook in _groups(value.get("hooks"), unit_s=1.0, default_s=60.0):
            short = hook.event in ("SessionEnd", "Interrupt")
            yield hook._replace(timeout_s=min(hook.timeout_s, CODEX_SHORT_S)) if short else hook


def _gemini(env: Mapping[str, str], notes: list[str]) -> Iterator[Hook]:
    folder = os.path.join(env.get("GEMINI_CLI_HOME") or env.get("HOME") or "/", ".gemini", "extensions")
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return
    for name in names:
        extension = os.path.join(folder, name)
        path = os.path.join(extension, "hooks", "hooks.json")
        if not os.path.isfile(os.path.join(extension, "gemini-extension.json")):
            continue
        try:
            with open(path, encoding="utf-8") as file:
                value = json.load(file)
        except FileNotFoundError:
            continue
        except (OSError, ValueError, RecursionError) as error:
            notes.append(f"{path}: {error}")
            continue
        groups = value.get("hooks") if isinstance(value, dict) else None
        for hook in _groups(groups, unit_s=0.001, default_s=60.0):
            yield hook._replace(command=hook.command.replace("${extensionPath}", extension))


def _groups(events: object, *, unit_s: float, default_s: float) -> Iterator[Hook]:
    """Yield hooks out of ``{Event: [{matcher, hooks: [{type, command, timeout}]}]}``, skipping other shapes."""
    for event, groups in events.items() if isinstance(events, dict) else ():
        for group in groups if isinstance(groups, list) else ():
            if not isinstance(group, dict):
                continue
            matcher = group.get("matcher")
            for hook in _commands(group.get("hooks")):
                timeout = hook.get("timeout")
                seconds = timeout * unit_s if isinstance(timeout, int | float) and timeout > 0 else default_s
                yield Hook(event, matcher if isinstance(matcher, str) else "", str(hook["command"]), seconds)


def _commands(hooks: object) -> Iterator[dict[str, object]]:
    for hook in hooks if isinstance(hooks, list) else ():
        if isinstance(hook, dict) and hook.get("type") == "command" and isinstance(hook.get("command"), str):
            yield hook
