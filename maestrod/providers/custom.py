"""Providers of one's own: a file of TOML says how a program is started, and everything else is ours."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Annotated

import msgspec

from maestrod.domain.model import PermissionMode
from maestrod.protocol.manifest import Manifest
from maestrod.providers import environment
from maestrod.providers.plan import LaunchContext, LaunchFile, LaunchPlan, Quit, Unfit
from maestrod.providers.words import PROMPT_FILE, SYSTEM_FILE, opening, prompt_file

SIZE = 64 * 1024
"""Bytes of a file; a longer one is not read."""
NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
PLACE = re.compile(r"\{([a-z_]+)\}")
SPLICED = frozenset({"mode", "model", "effort"})
"""A word that is nothing but one of these becomes as many words as the file says, or none."""
TEXTS = frozenset({"prompt", "prompt_file", "system", "system_file", "conversation", "name", "cwd", "folder", "skills"})

_Words = Annotated[tuple[Annotated[str, msgspec.Meta(max_length=4_000)], ...], msgspec.Meta(max_length=100)]


class BadProvider(Exception):
    """A file cannot be used; the message says where and why."""


class Custom(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file. Its words are arguments of a process, never read by a shell."""

    start: _Words
    resume: _Words = ()
    """Goes on with a conversation; empty where that cannot be done."""
    fork: _Words = ()
    title: Annotated[str, msgspec.Meta(max_length=80)] = ""
    install: Annotated[str, msgspec.Meta(max_length=300)] = ""
    program: Annotated[str, msgspec.Meta(max_length=300)] = ""
    """What must be installed, where that is not the first word of ``start``."""
    model: _Words = ()
    """What stands for the word ``{model}`` when one is asked for, with ``{model}`` in it for its name."""
    effort: _Words = ()
    models: dict[str, str] = {}
    """Tiers and other names, and what the program calls them."""
    modes: dict[PermissionMode, _Words] = {}
    """What stands for the word ``{mode}``; a mode that is not here is refused, and without any, all but acceptEdits."""
    env: dict[str, str] = {}
    sign_within_s: Annotated[float, msgspec.Meta(ge=1, le=600)] = 30.0


def parse(text: str) -> Custom:
    """The file's content.

    Raises:
        BadProvider: it is too large, no TOML, or not as it must be.
    """
    if len(text) > SIZE:
        raise BadProvider(f"is larger than {SIZE // 1024} KiB")
    try:
        found = msgspec.convert(tomllib.loads(text), Custom)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, RecursionError) as error:
        raise BadProvider(str(error)) from error
    if not found.start or not found.start[0] or PLACE.search(found.start[0]):
        raise BadProvider("start: its first word is the program, as a name on PATH or an absolute path")
    for key, words in (("start", found.start), ("resume", found.resume), ("fork", found.fork)):
        _check(key, words)
    for key, words in (("model", found.model), ("effort", found.effort)):
        if words and not any(f"{{{key}}}" in word for word in words):
            raise BadProvider(f"{key}: none of its words is {{{key}}}")
    return found


def plan(custom: Custom, name: str, manifest: Manifest, context: LaunchContext) -> LaunchPlan:
    """How to start it for a session.

    Raises:
        Unfit: the program has no way to do what the session asks for.
    """
    words, known = _chosen(custom, name, manifest)
    apart = _mentions(words, "system", "system_file")
    prompt = context.prompt if apart else f"{context.system}\n\n{context.prompt}"
    conversation = known or context.conversation_id
    texts = {
        "prompt": opening(context, prompt),
        "prompt_file": prompt_file(context),
        "system": context.system,
        "system_file": f"{context.folder}/{SYSTEM_FILE}",
        "conversation": conversation,
        "name": manifest.name,
        "cwd": context.cwd,
        "folder": context.folder,
        "skills": context.skills_folder,
    }
    splices = {
        "mode": _mode(custom, name, manifest.permission_mode),
        "model": _said(custom.model, "model", custom.models.get(manifest.model or "", manifest.model)),
        "effort": _said(custom.effort, "effort", manifest.effort),
    }
    missing = [what for what in ("model", "effort") if getattr(manifest, what) and not getattr(custom, what)]
    return LaunchPlan(
        provider=name,
        argv=(context.executable, *_filled(words[1:], texts, splices)),
        cwd=context.cwd,
        env=custom.env,
        unset=environment.UNSET,
        keep=environment.OWN_SETTINGS,
        files=(LaunchFile(SYSTEM_FILE, context.system), LaunchFile(PROMPT_FILE, prompt)),
        trust=None,
        conversation_id=conversation if _mentions(words, "conversation") and words is not custom.fork else None,
        resume_argv=None,
        quit_words=Quit.NOTHING,
        sign_within_s=custom.sign_within_s,
        notes=tuple(f"{name} has no word for {what}: its file says none" for what in missing)
        + ((f"{name} is given no MCP servers",) if context.mcp is not None else ()),
    )


def _chosen(custom: Custom, name: str, manifest: Manifest) -> tuple[tuple[str, ...], str | None]:
    """Which of the three ways to start it, and the conversation that it goes on with."""
    if manifest.resume:
        known = manifest.conversation_id
        return (
            (custom.resume, known)
            if custom.resume and (known or not _mentions(custom.resume, "conversation"))
            else (
                custom.start,
                None,
            )
        )
    if manifest.fork_of is None:
        return custom.start, None
    if not custom.fork:
        raise Unfit(f"{name} cannot go on from another conversation: its file has no `fork`")
    return custom.fork, manifest.fork_of.id


def _mode(custom: Custom, name: str, mode: PermissionMode) -> tuple[str, ...]:
    """Raises: Unfit: the file names modes, and not this one; it must not get more than it was allowed."""
    if not custom.modes and mode is PermissionMode.ACCEPT_EDITS:
        return ()
    if mode not in custom.modes:
        known = ", ".join(custom.modes) or PermissionMode.ACCEPT_EDITS
        raise Unfit(f"{name} has no permission mode {mode}; it has {known}")
    return custom.modes[mode]


def _said(words: tuple[str, ...], key: str, value: str | None) -> tuple[str, ...]:
    return tuple(word.replace(f"{{{key}}}", value) for word in words) if value else ()


def _filled(words: tuple[str, ...], texts: Mapping[str, str], splices: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """What was filled in is not looked at again: a prompt may speak of {model}."""
    for word in words:
        found = PLACE.fullmatch(word)
        if found and found[1] in splices:
            yield from splices[found[1]]
        else:
            yield PLACE.sub(lambda place: texts[place[1]], word)


def _mentions(words: tuple[str, ...], *places: str) -> bool:
    return any(found in places for word in words for found in PLACE.findall(word))


def _check(key: str, words: tuple[str, ...]) -> None:
    for word in words:
        for found in PLACE.findall(word):
            if found in SPLICED and word != f"{{{found}}}":
                raise BadProvider(f"{key}: {{{found}}} must be a word of its own, not {word!r}")
            if found not in SPLICED | TEXTS:
                known = ", ".join(sorted(SPLICED | TEXTS))
                raise BadProvider(f"{key}: there is no {{{found}}}; there are {known}")
