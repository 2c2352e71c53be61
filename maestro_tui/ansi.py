"""A captured pane as runs of styled text, pure: only colours and attributes are understood, the rest is dropped."""

import re
from collections.abc import Iterator

import msgspec

from maestro_tui.cells import visible

Colour = int | tuple[int, int, int] | None
"""A palette number from 0 to 255, red green blue, or the terminal's own."""

LONGEST_LINE = 4_000
MOST_LINES = 1_000

_PIECE = re.compile(
    r"\x1b\[(?P<sgr>[0-9;:]*)m"
    r"|(?P<drop>\x1b\[[0-?]*[ -/]*[@-~]?|\x1b[\]PX^_].*?(?:\x1b\\|\x07|\Z)|\x1b[ -/]*[0-~]?|[\x00-\x1f\x7f-\x9f])"
)


class Sgr(msgspec.Struct, frozen=True, gc=False):
    """How a run is drawn."""

    colour: Colour = None
    ground: Colour = None
    bold: bool = False
    dim: bool = False
    italic: bool = False
    underline: bool = False
    reverse: bool = False
    strike: bool = False


PLAIN = Sgr()

Run = tuple[str, Sgr]

_ON = {1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "reverse", 9: "strike"}
_OFF = {22: ("bold", "dim"), 23: ("italic",), 24: ("underline",), 27: ("reverse",), 29: ("strike",)}


def parsed(text: str) -> list[list[Run]]:
    """The lines of a screen; what a line leaves set goes on in the next, as tmux writes it."""
    lines: list[list[Run]] = []
    style = PLAIN
    for line in text.split("\n", MOST_LINES)[:MOST_LINES]:
        runs, style = line_runs(line[:LONGEST_LINE], style)
        lines.append(runs)
    return lines


def line_runs(line: str, style: Sgr) -> tuple[list[Run], Sgr]:
    """The runs of one line that begins in a style, and the style in which it ends."""
    runs: list[Run] = []
    at = 0
    for piece in _PIECE.finditer(line):
        _add(runs, line[at : piece.start()], style)
        at = piece.end()
        codes = piece.group("sgr")
        if codes is not None:
            style = _styled(style, codes)
    _add(runs, line[at:], style)
    return runs, style


def _add(runs: list[Run], text: str, style: Sgr) -> None:
    text = visible(text)
    if not text:
        return
    if runs and runs[-1][1] == style:
        runs[-1] = (runs[-1][0] + text, style)
    else:
        runs.append((text, style))


def _styled(style: Sgr, codes: str) -> Sgr:
    numbers = iter(_numbers(codes))
    for code in numbers:
        if code == 0:
            style = PLAIN
        elif code in _ON:
            style = msgspec.structs.replace(style, **{_ON[code]: True})
        elif code in _OFF:
            style = msgspec.structs.replace(style, **dict.fromkeys(_OFF[code], False))
        elif (found := _coloured(code, numbers)) is not None:
            style = msgspec.structs.replace(style, **found)
    return style


def _numbers(codes: str) -> list[int]:
    found = []
    for part in codes.split(";"):
        # Of 4:3 (a curly underline) and its like only the first number is understood; 38:… is like 38;….
        subs = part.split(":")
        kept = [s for s in subs if s] if subs[0] in {"38", "48", "58"} else subs[:1]
        found += [int(sub) if sub and len(sub) < 6 else 0 for sub in kept]
    return found[:64]


def _coloured(code: int, more: Iterator[int]) -> dict[str, Colour] | None:
    if 30 <= code <= 37 or 90 <= code <= 97:
        return {"colour": code - 30 if code < 90 else code - 82}
    if 40 <= code <= 47 or 100 <= code <= 107:
        return {"ground": code - 40 if code < 100 else code - 92}
    if code in {39, 49}:
        return {"colour" if code == 39 else "ground": None}
    if code in {38, 48, 58}:
        colour = _long_colour(more)
        return {} if code == 58 or colour is None else {"colour" if code == 38 else "ground": colour}
    return None


def _long_colour(more: Iterator[int]) -> Colour:
    kind = next(more, 0)
    if kind == 5:
        return min(next(more, 0), 255)
    if kind == 2:
        red, green, blue = (min(next(more, 0), 255) for _ in range(3))
        return red, green, blue
    return None


# One dark palette, whatever the theme: agents choose their colours for a dark terminal.
_BASE = (
    (0x2B, 0x30, 0x3B), (0xE0, 0x6C, 0x75), (0x98, 0xC3, 0x79), (0xE5, 0xC0, 0x7B),
    (0x61, 0xAF, 0xEF), (0xC6, 0x78, 0xDD), (0x56, 0xB6, 0xC2), (0xC8, 0xCC, 0xD4),
    (0x6B, 0x74, 0x82), (0xF0, 0x8A, 0x91), (0xB2, 0xD8, 0x94), (0xF0, 0xD3, 0x99),
    (0x85, 0xC5, 0xFA), (0xD7, 0x97, 0xEB), (0x7B, 0xCF, 0xDA), (0xFF, 0xFF, 0xFF),
)  # fmt: skip
_STEPS = (0, 95, 135, 175, 215, 255)


def rgb(colour: int) -> tuple[int, int, int]:
    """Red, green and blue of a palette number: 16 of our own, the cube, the greys."""
    if colour < 16:
        return _BASE[colour]
    if colour < 232:
        at = colour - 16
        return _STEPS[at // 36], _STEPS[at // 6 % 6], _STEPS[at % 6]
    grey = 8 + (colour - 232) * 10
    return grey, grey, grey
