"""One skill from its folder: a SKILL.md with a head, or the older manifest.json with a skill.md beside it."""

import json
import os
import re
from pathlib import Path

import msgspec

from maestrod.skills.frontmatter import Malformed, Value, parse

TEXT = 256 * 1024
"""Bytes of a SKILL.md, skill.md or manifest.json."""
NAME = 64
DESCRIPTION = 1_024
FILES = 500
TOTAL = 8 * 1024 * 1024
"""Files and bytes of a whole skill."""
_NAME = re.compile(r"[A-Za-z0-9]+([_-][A-Za-z0-9]+)*\Z")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


class Broken(Exception):
    """A folder that means to be a skill and is none, and why."""


class Skill(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A skill as it was read; ``path`` is its folder, ``form`` the file that says what it is."""

    name: str
    description: str
    scope: str
    path: str
    form: str
    fields: dict[str, Value]
    instructions: str = ""


def is_one(folder: Path) -> bool:
    """Whether the folder means to be a skill."""
    return (folder / "SKILL.md").exists() or (folder / "manifest.json").exists()


def read(folder: Path, scope: str, *, root: Path | None = None) -> Skill:
    """The skill in the folder; nothing outside of ``root`` (by default the folder) is looked at.

    Raises:
        Broken: it is none, and why.
    """
    inside = (root or folder).resolve()
    if (folder / "SKILL.md").exists():
        form = "SKILL.md"
        try:
            fields, text = parse(_text(folder / form, inside))
        except Malformed as error:
            raise Broken(f"{folder / form}: {error}") from error
    else:
        form = "manifest.json"
        fields, text = _manifest(_text(folder / form, inside), folder / form), _text(folder / "skill.md", inside)
    name, description = (_required(fields, key, folder / form) for key in ("name", "description"))
    if len(name) > NAME or not _NAME.match(name):
        raise Broken(f"{folder / form}: 'name' must be letters and digits, joined by single hyphens, at most {NAME}")
    if len(description) > DESCRIPTION:
        raise Broken(f"{folder / form}: 'description' has {len(description)} characters, at most {DESCRIPTION}")
    rest = {key: value for key, value in fields.items() if key not in {"name", "description"}}
    return Skill(
        name=name, description=description, scope=scope, path=str(folder), form=form, fields=rest, instructions=text
    )


def files(folder: Path) -> dict[str, bytes]:
    """Every file of a skill by its place in it, to be copied; links are never followed.

    Raises:
        Broken: there is a link in it, or it is too much.
    """
    found: dict[str, bytes] = {}
    total = 0
    for base, folders, names in os.walk(folder, followlinks=False):
        for name in [*folders, *names]:
            if (Path(base) / name).is_symlink():
                raise Broken(f"{Path(base) / name} is a link; a skill is copied whole")
        for name in names:
            place = Path(base) / name
            if not place.is_file():
                raise Broken(f"{place} is no plain file")
            total += place.stat().st_size
            if len(found) == FILES or total > TOTAL:
                raise Broken(f"{folder} has more than {FILES} files or {TOTAL} bytes")
            found[str(place.relative_to(folder))] = place.read_bytes()
    return found


def _text(place: Path, inside: Path) -> str:
    try:
        if not place.resolve(strict=True).is_relative_to(inside):
            raise Broken(f"{place} leads out of {inside}")
        if not place.is_file():
            raise Broken(f"{place} is no plain file")
        with place.open("rb") as file:
            raw = file.read(TEXT + 1)
    except OSError as error:
        raise Broken(f"{place}: {error.strerror or error}") from error
    if len(raw) > TEXT:
        raise Broken(f"{place} has more than {TEXT} bytes")
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise Broken(f"{place} is not UTF-8") from error


def _manifest(text: str, place: Path) -> dict[str, Value]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Broken(f"{place} is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise Broken(f"{place} must be a JSON object")
    return {key: _plain(value) for key, value in document.items()}


def _plain(value: object) -> Value:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return tuple(value)
    return json.dumps(value)


def _required(fields: dict[str, Value], key: str, place: Path) -> str:
    value = fields.get(key)
    if not isinstance(value, str) or not value.strip():
        raise Broken(f"{place}: '{key}' is missing or no text")
    if _CONTROL.search(value):
        raise Broken(f"{place}: '{key}' has control characters")
    return " ".join(value.split())
