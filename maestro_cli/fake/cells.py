"""Text for terminal cells: cleaned of control characters, measured, clipped and wrapped."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Literal, NamedTuple

Style = Literal["plain", "dim", "bold", "accent", "good", "bad"]

SGR: dict[Style, str] = {
    "plain": "",
    "dim": "\x1b[2m",
    "bold": "\x1b[1m",
    "accent": "\x1b[36m",
    "good": "\x1b[32m",
    "bad": "\x1b[31m",
}

ECHO_LINES = 120
ECHO_CHARS = 12_000

_MARKS = {code: "\N{REPLACEMENT CHARACTER}" for code in (*range(0x20), *range(0x7F, 0xA0)) if code != 0x0A}


class Row(NamedTuple):
    """One line of the screen, without control characters."""

    text: str
    style: Style = "plain"


def clean(text: str) -> str:
    """Return text that cannot steer a terminal; line feeds stay, tabs become spaces."""
    text = text.replace("\r\n", "\n").expandtabs(4).translate(_MARKS)
    return text.encode("utf-8", "replace").decode("utf-8")


def cells(char: str) -> int:
    """Return how many columns one character takes."""
    if unicodedata.combining(char) or unicodedata.category(char) in ("Cf", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1


def measure(text: str) -> int:
    """Return how many columns a text takes."""
    return len(text) if text.isascii() else sum(map(cells, text))


def clip(text: str, width: int) -> str:
    """Return the longest beginning that fits the width."""
    if text.isascii():
        return text[:width]
    used = 0
    for index, char in enumerate(text):
        used += cells(char)
        if used > width:
            return text[:index]
    return text


def pad(text: str, width: int) -> str:
    """Return the text clipped or filled with spaces to exactly the width."""
    text = clip(text, width)
    return text + " " * (width - measure(text))


def wrap(line: str, width: int) -> Iterator[str]:
    """Yield pieces of a line that fit the width, broken at spaces where there are any."""
    width = max(width, 2)
    while True:
        piece = clip(line, width)
        if piece == line:
            yield line
            return
        cut = piece.rfind(" ") + 1 or len(piece)
        yield line[:cut].rstrip(" ") or line[:cut]
        line = line[cut:]


def block(text: str, *, first: str, rest: str, width: int, style: Style = "plain") -> list[Row]:
    """Return a text as rows with a mark before the first; what is too long is counted, not shown."""
    shown = clean(text[:ECHO_CHARS]).split("\n")
    pieces = [piece for line in shown[:ECHO_LINES] for piece in wrap(line, width - measure(first))]
    rows = [Row((rest if index else first) + piece, style) for index, piece in enumerate(pieces)]
    hidden = text.count("\n") + 1 - min(len(shown), ECHO_LINES)
    if hidden > 0:
        rows.append(Row(f"{rest}… +{hidden} lines", "dim"))
    elif len(text) > ECHO_CHARS:
        rows.append(Row(f"{rest}… +{len(text) - ECHO_CHARS} characters", "dim"))
    return rows
