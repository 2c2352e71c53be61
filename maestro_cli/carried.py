"""What a directory carries by which agents run, or may run, something that nobody asked for.

The files that Claude Code, Codex and Gemini CLI read of a directory that they were told to trust, and those of its
skills that bring more than text. What such a file names in turn is not looked into.
"""

import hashlib
import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

from maestrod.git.errors import GitError
from maestrod.git.process import Git
from maestrod.providers import claude, codex, gemini

SIZE = 1 << 20
"""Bytes; a larger file is carried and can never be trusted."""
MOST = 500
"""Files of one kind in one folder."""

OPEN: Mapping[str, tuple[str, ...]] = {
    claude.NAME: (".mcp.json", ".claude/settings.json", ".claude/settings.local.json"),
    codex.NAME: (".codex/config.toml", ".codex/hooks.json", ".codex/rules/*.rules"),
    gemini.NAME: (
        ".gemini/settings.json",
        ".gemini/.env",
        ".gemini/policies/*.toml",
        ".gemini/commands/**/*.toml",
        ".gemini/extensions/*/gemini-extension.json",
        ".gemini/extensions/*/hooks/hooks.json",
        ".env",
    ),
}
"""By agent, as patterns beneath its directory and those above it."""
TEXTS: Mapping[str, tuple[str, ...]] = {
    claude.NAME: (".claude/skills/*/SKILL.md", ".claude/agents/**/*.md", ".claude/commands/**/*.md"),
    codex.NAME: (),
    gemini.NAME: (),
}
SKILLS = (".claude/skills/*/SKILL.md", ".agents/skills/*/SKILL.md")
"""What Maestro itself hands on to sessions. Texts count when they bring hooks, permissions or commands."""
OWN = frozenset({".claude/settings.local.json", ".gemini/.env", ".env"})
"""By custom a person's own: they count where git has them, for then they came with the repository."""

_ACTS = re.compile(
    rb"^[ \t]*['\"]?(hooks|allowed-tools|allowedTools|mcpServers|permissionMode)['\"]?[ \t]*:|(!)`", re.MULTILINE
)


class Carried(msgspec.Struct, frozen=True):
    """One file: its place beneath the top, its digest (empty for what cannot be read), and what it brings."""

    name: str
    digest: str
    brings: str


def top_of(directory: Path) -> Path:
    """The top of the repository that a directory is in, by its real path; the directory itself where it is in none."""
    real = directory.resolve()
    return next((each for each in (real, *real.parents) if (each / ".git").exists()), real)


def carried(
    directory: Path, environ: Mapping[str, str], agents: Iterable[str] = tuple(OPEN), *, skills: bool = True
) -> tuple[Carried, ...]:
    """All that agents of these names, and sessions of its ``skills``, would take up in a directory; by name."""
    real, top = directory.resolve(), top_of(directory)
    home = Path(environ.get("HOME") or Path.home()).resolve()
    known = [name for name in agents if name in OPEN]
    found: dict[str, Carried] = {}
    for folder in (real, *real.parents):
        if folder == home:  # what lies there is the person's own
            break
        open_ = _matching(folder, [pattern for name in known for pattern in OPEN[name]])
        texts = _matching(
            folder, [*(SKILLS if skills else ()), *(pattern for name in known for pattern in TEXTS[name])]
        )
        for place in open_:
            found[str(place.relative_to(top))] = _read(place, top)
        for place in texts:
            one = _read(place, top)
            if one.brings:
                found[one.name] = one
        if folder == top:
            break
    own = [name for name in found if any(name == each or name.endswith(f"/{each}") for each in OWN)]
    for name in set(own) - _tracked(top, own, environ):
        del found[name]
    return tuple(found[name] for name in sorted(found))


def one(file: Path) -> Carried:
    """A file that a person named."""
    return _read(file.resolve(), top_of(file.resolve().parent))


def _matching(folder: Path, patterns: Iterable[str]) -> Iterator[Path]:
    for pattern in dict.fromkeys(patterns):
        for count, place in enumerate(sorted(folder.glob(pattern))):
            if count < MOST and place.is_file():
                yield place


def _read(place: Path, top: Path) -> Carried:
    name = str(place.relative_to(top))
    try:
        with place.open("rb") as file:
            raw = file.read(SIZE + 1)
    except OSError as error:
        return Carried(name, "", f"cannot be read: {error.strerror}")
    if len(raw) > SIZE:
        return Carried(name, "", f"is larger than {SIZE >> 20} MiB")
    return Carried(name, hashlib.sha256(raw).hexdigest(), _brings(place, raw))


def _brings(place: Path, raw: bytes) -> str:
    """What it sets, in words: its first names, or what of a text acts."""
    if place.suffix == ".md":
        return ", ".join(dict.fromkeys((key or b"commands").decode() for key, _ in _ACTS.findall(raw)))
    try:
        document = json.loads(raw) if place.suffix == ".json" else tomllib.loads(raw.decode())
    except (ValueError, RecursionError):
        return "settings"
    return ", ".join(sorted(document)) if isinstance(document, dict) else "settings"


def _tracked(top: Path, names: list[str], environ: Mapping[str, str]) -> set[str]:
    """Those that git has; all where that cannot be told."""
    if not names:
        return set()
    try:
        return set(Git(top, environ).paths("ls-files", "-z", "--", *(f":(literal){name}" for name in names)))
    except (GitError, OSError):
        return set(names)
