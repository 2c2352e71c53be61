"""Changes one line of a ``config.toml``; comments, order and everything else of it stay. Pure."""

import re
import tomllib

from maestrod.providers import toml
from maestrod.settings import Described

HEAD = (
    "# How the daemon behaves; each line stands for what holds without it. `maestro daemon restart` takes changes up.\n"
)
_TABLE = re.compile(r"^[ \t]*\[", re.MULTILINE)


def with_value(text: str, name: str, literal: str) -> str:
    """The text with ``name = literal`` on its first level: in the place of the line that is there, or as a new one.

    Whoever writes it compares what it then says: a value over several lines is not found as one.
    """
    top, rest = _split(text)
    lines = top.splitlines(keepends=True)
    for number, line in enumerate(lines):
        if _names(line, name):
            before, after = line[: line.index("=") + 1], _comment(line)
            lines[number] = f"{before.rstrip(' =')} = {literal}{after}\n"
            return "".join(lines) + rest
    said = top.rstrip()
    gap = top[len(said) :].partition("\n")[2]
    return f"{said}\n{name} = {literal}\n{gap}{rest}".lstrip("\n")


def without(text: str, name: str) -> str:
    """The text without the line of a name on its first level."""
    top, rest = _split(text)
    return "".join(line for line in top.splitlines(keepends=True) if not _names(line, name)) + rest


def blank(settings: tuple[Described, ...]) -> str:
    """What to begin with where there is no file: every setting as a comment."""
    return HEAD + "".join(
        f"\n# {each.sentence}\n# {each.takes}\n# {each.name} = {literal(each.default)}\n" for each in settings
    )


def literal(value: object) -> str:
    """A setting's value as TOML."""
    match value:
        case str():
            return toml.text(value)
        case bool():
            return str(value).lower()
        case float() if value.is_integer():
            return str(int(value))
    return str(value)


def _split(text: str) -> tuple[str, str]:
    """What stands before the first table with its comments, and the rest."""
    table = _TABLE.search(text)
    if table is None:
        return text, ""
    lines = text[: table.start()].splitlines(keepends=True)
    while lines and lines[-1].lstrip().startswith("#"):
        lines.pop()
    size = sum(map(len, lines))
    return text[:size], text[size:]


def _names(line: str, name: str) -> bool:
    key, equals, _ = line.partition("=")
    return bool(equals) and key.strip().strip("\"'") == name


def _comment(line: str) -> str:
    """The comment at the end of a line, with the space in front of it."""
    for place, character in enumerate(line):
        if character == "#":
            try:
                tomllib.loads(line[:place])
            except tomllib.TOMLDecodeError:
                continue
            value = line[:place].rstrip()
            return line[len(value) :].rstrip("\r\n")
    return ""
