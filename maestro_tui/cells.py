"""Text from outside, made fit for a terminal: one line, no control sequences, measured in cells."""

import re
import unicodedata

from rich.cells import cell_len, set_cell_size

ELLIPSIS = "…"
LONGEST = 4096
"""Characters of one text that are looked at; what comes after can never be on a screen."""

MARKS = 3
"""Combining marks that one character may carry; more of them paint over the neighbouring lines."""

# OSC, DCS, SOS, PM and APC run to their terminator or to the end; then CSI, then two-character escapes.
_SEQUENCE = re.compile(
    r"(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f]).*?(?:\x1b\\|\x07|\x9c|\Z)"
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*(?:[@-~]|\Z)"
    r"|\x1b[ -/]*(?:[0-~]|\Z)",
    re.DOTALL,
)
_ODD = re.compile(r"[^\x20-\x7e\xa0-\xac\xae-\u02ff\u0370-\u0482\u2500-\u25ff\u2800-\u28ff]")
_SPACE = re.compile(r"\s+")

_NARROW = re.compile(
    r"[\x20-\x7e\xa0-\xac\xae-\u02ff\u0370-\u0482\u2010-\u2027\u2190-\u2319\u232b-\u23e8\u23f4-\u25fc"
    r"\u2720-\u2727\u2729-\u274b\u2758-\u2794\u2800-\u28ff]*"
)
"""Text of which every character takes one cell: Latin, Greek, Cyrillic, and what agents draw and spin with."""


def plain(text: str) -> str:
    """The text as one line that a terminal shows as it is: no sequences, controls, joiners or direction marks.

    Joiners and variation selectors go, because terminals disagree about the width of what they make.
    """
    return _SPACE.sub(" ", visible(_SEQUENCE.sub("", text[:LONGEST]))).strip()


def visible(text: str) -> str:
    """Text without sequences as a terminal shows it: nothing hidden, nothing that moves or piles up; blanks stay."""
    return "".join(_shown(text)) if _ODD.search(text) else text


def tidy(text: str) -> str:
    """Text of many lines that can be edited: without sequences, and what is hidden in it; tabs stay."""
    lines = (_SEQUENCE.sub("", line).split("\t") for line in text.splitlines())
    return "\n".join("\t".join(map(visible, line)) for line in lines)


def _shown(text: str) -> list[str]:
    kept: list[str] = []
    marks = 0
    for char in text:
        category = unicodedata.category(char)
        if category == "Cc":
            kept.append(" ")
        elif category in {"Cs", "Co", "Cn"}:
            kept.append("\ufffd")
        elif category in {"Zl", "Zp"}:
            kept.append(" ")
        elif category.startswith("M"):
            marks += 1
            if marks <= MARKS and not _selector(char) and kept:
                kept.append(char)
            continue
        elif category != "Cf" and not _modifier(char):
            kept.append(char)
        marks = 0
    return kept


def _selector(char: str) -> bool:
    return "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef"


def _modifier(char: str) -> bool:
    return "\U0001f3fb" <= char <= "\U0001f3ff"


def width(text: str) -> int:
    """The cells that the text takes.

    Rich remembers the last 4,096 texts that it was asked for. Most of what agents draw is seen once, and would only
    move through that memory: what can be counted at once is.
    """
    return len(text) if _NARROW.fullmatch(text) else cell_len(text)


def cut(text: str, cells: int) -> str:
    """The text in at most that many cells; an ellipsis stands for what is left out."""
    if cells <= 0:
        return ""
    if width(text) <= cells:
        return text
    return set_cell_size(text, cells - 1).rstrip() + ELLIPSIS


def pad(text: str, cells: int) -> str:
    """The text cut and filled with spaces to exactly that many cells."""
    short = cut(text, cells)
    return short + " " * (cells - width(short))


def folded(text: str, cells: int, *, most: int = 200) -> list[str]:
    """The text in lines of at most that many cells, broken at spaces where possible; at most ``most`` lines."""
    lines: list[str] = []
    for paragraph in text[: LONGEST * 4].splitlines():
        lines += _fold(plain(paragraph), max(1, cells))
        if len(lines) > most:
            break
    return lines[:most]


def _fold(text: str, cells: int) -> list[str]:
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        joined = f"{line} {word}" if line else word
        if width(joined) <= cells:
            line = joined
            continue
        if line:
            lines.append(line)
        line = word
        while width(line) > cells:
            head = _head(line, cells)
            lines.append(head)
            line = line[len(head) :]
    return [*lines, line]


def _head(text: str, cells: int) -> str:
    """As many whole characters as fit, at least one."""
    used = 0
    for at, char in enumerate(text):
        used += width(char)
        if used > cells and at:
            return text[:at]
    return text
