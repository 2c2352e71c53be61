"""Gemini's extension in the user's own folder: put there whole, known again, taken away."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import msgspec

from maestrod.providers import gemini

MARK = ".agent-maestro"
"""Makes the folder ours: one that lacks it is never touched."""


class Foreign(Exception):
    """Something of that name is there and is not ours; the message says what to do."""


def folder(environ: Mapping[str, str]) -> Path:
    """Where Gemini looks for it."""
    home = environ.get("GEMINI_CLI_HOME") or environ.get("HOME") or os.path.expanduser("~")  # noqa: PTH111
    return Path(home, ".gemini", "extensions", "maestro")


def state(place: Path) -> str:
    """``absent``, ``installed``, ``outdated``, ``plugin`` (it came by Gemini's own means), or ``foreign``."""
    if not os.path.lexists(place):
        return "absent"
    if place.is_symlink() or not (place / MARK).is_file():
        return "plugin" if _is_plugin(place) else "foreign"
    return "installed" if all(_is(place / f.name, f.content) for f in gemini.extension()) else "outdated"


def install(place: Path) -> None:
    """Put it there, in place of an older one; the plugin brings the same hooks and stays.

    Raises:
        Foreign: another is there.
        OSError: the folder cannot be written.
    """
    if (found := state(place)) in ("installed", "plugin"):
        return
    _refuse(place, found)
    place.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    aside = place.with_name(f".maestro-{os.getpid()}")
    shutil.rmtree(aside, ignore_errors=True)
    try:
        for file in gemini.extension():
            target = aside / file.name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(file.content, encoding="utf-8")
        (aside / MARK).touch()
        if found == "outdated":
            _away(place)
        aside.replace(place)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def remove(place: Path) -> None:
    """Take it away; nothing there is fine, and what a person installed is theirs to remove.

    Raises:
        Foreign: what is there is not ours.
        OSError: it cannot be removed.
    """
    if (found := state(place)) in ("absent", "plugin"):
        return
    _refuse(place, found)
    _away(place)


def _refuse(place: Path, found: str) -> None:
    if found == "foreign":
        raise Foreign(f"{place} is not Maestro's: move it away first")


def _away(place: Path) -> None:
    """In one step for whoever looks, and then for good."""
    old = place.with_name(f".maestro-old-{os.getpid()}")
    place.replace(old)
    shutil.rmtree(old)


def _is_plugin(place: Path) -> bool:
    """Whether every hook of it is one of the plugin's own."""
    try:
        hooks = msgspec.json.decode((place / "hooks" / "hooks.json").read_bytes(), type=_Hooks).hooks
    except (OSError, msgspec.MsgspecError, RecursionError):
        return False
    said = {event: [each.command for group in groups for each in group.hooks] for event, groups in hooks.items()}
    mine = {
        event: len(found) == 1 and f" hook {gemini.NAME} {event} --plugin" in found[0] for event, found in said.items()
    }
    return bool(mine) and all(mine.values())


class _Hook(msgspec.Struct, frozen=True):
    command: str


class _Group(msgspec.Struct, frozen=True):
    hooks: list[_Hook]


class _Hooks(msgspec.Struct, frozen=True):
    hooks: dict[str, list[_Group]]


def _is(place: Path, content: str) -> bool:
    try:
        return place.read_bytes() == content.encode()
    except OSError:
        return False
