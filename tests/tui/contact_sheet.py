"""The contact sheets of docs/, by size and fill: ``python -m tests.tui.contact_sheet [NAME…] [--all]``.

A sheet is one SVG with the text as text: small, sharp at every zoom, and made without any tool. Themes take turns; with
``--all`` each picture is there in both, which is for looking at and not for keeping.
"""

import asyncio
import re
import sys
from collections.abc import Iterator
from html import escape

from rich.color import Color
from rich.style import Style
from textual.strip import Strip

from maestro_tui.cells import width
from tests.tui.gallery import FILLS, SIZES, STANDS, THEMES, filled, looks, settled, standing, stands
from tests.tui.screenshots import DOCS

SHEETS = DOCS / "screens" / "sheets"
CELL = (6, 12)
GAP = 24
HEAD = 28

Look = tuple[str, str, tuple[int, int]]
"""Fill, theme and size."""


class Sheet:
    """One SVG: rows of pictures, each colour named once."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._parts: list[str] = []
        self._colours: dict[str, str] = {}
        self._y = HEAD
        self._width = 0

    def row(self, name: str, pictures: list[list[Strip]]) -> None:
        """A row of pictures, under its name."""
        self._parts.append(f'<text class="n" x="{GAP}" y="{self._y}">{escape(name)}</text>')
        x, y = GAP, self._y + 10
        for picture in pictures:
            self._parts.append(f'<g transform="translate({x} {y})">{"".join(self._drawn(picture))}</g>')
            x += picture[0].cell_length * CELL[0] + GAP
        self._width = max(self._width, x)
        self._y = y + max(map(len, pictures)) * CELL[1] + HEAD

    def _drawn(self, picture: list[Strip]) -> Iterator[str]:
        ground = _ground(picture)
        wide, high = picture[0].cell_length * CELL[0], len(picture) * CELL[1]
        yield f'<rect width="{wide}" height="{high}" rx="3" fill="{ground}"/>'
        frames = Frames()
        for y, strip in enumerate(picture):
            x = 0
            texts: list[str] = []
            for segment in strip:
                style = segment.style or Style()
                fore, back = _colours(style)
                if back != ground:
                    yield _rect(x, y, width(segment.text), back)
                texts += self._words(x, frames.taken(segment.text, x, y, fore), fore, bold=bool(style.bold))
                x += width(segment.text)
            if texts:
                yield f'<text y="{y * CELL[1] + 9}">{"".join(texts)}</text>'
        yield from frames.paths()

    def _words(self, x: int, text: str, colour: str, *, bold: bool) -> Iterator[str]:
        """Texts apart where there is much room between, so that each begins in its cell whatever the font."""
        name = self._colours.setdefault(colour, f"c{len(self._colours)}")
        for found in re.finditer(r"\S+(?: {1,2}\S+)*", text):
            words = found.group()
            cells = width(words)
            length = f' textLength="{cells * CELL[0]}"' if cells > 7 or not words.isascii() else ""
            at = (x + width(text[: found.start()])) * CELL[0]
            yield f'<tspan x="{at}" class="{name}{" b" if bold else ""}"{length}>'
            yield f"{escape(words)}</tspan>"

    def svg(self) -> str:
        """All of it."""
        colours = "".join(f".{name}{{fill:{colour}}}" for colour, name in self._colours.items())
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" xml:space="preserve" viewBox="0 0 {self._width} {self._y}">'
            f"<title>{escape(self._title)}</title>"
            "<style>text{font:10px Menlo,Consolas,'DejaVu Sans Mono',monospace;white-space:pre}path{fill:none}"
            f".b{{font-weight:bold}}.n{{font-size:14px;fill:#808890}}{colours}</style>"
            f'<rect width="100%" height="100%" fill="#30363d"/>{"".join(self._parts)}</svg>\n'
        )


class Frames:
    """The lines of boxes, which as text would be most of a sheet."""

    def __init__(self) -> None:
        self._ends: dict[tuple[str, int], list[list[int]]] = {}
        self._runs: dict[str, list[str]] = {}

    def taken(self, text: str, x: int, y: int, colour: str) -> str:
        """The text without its lines, which are kept."""
        at = x
        for char in text:
            if char == "│":
                ends = self._ends.setdefault((colour, at), [])
                if ends and ends[-1][1] == y:
                    ends[-1][1] = y + 1
                else:
                    ends.append([y, y + 1])
            at += width(char)
        for found in re.finditer(r"[╭╰]?─*[╮╯]|[╭╰]?─+|[╭╰]", text):
            left, right = x + width(text[: found.start()]), x + width(text[: found.end()])
            self._corners(found.group(), left, right, y, colour)
        return re.sub(r"[│╭╮╰╯─]", " ", text)

    def _corners(self, run: str, left: int, right: int, y: int, colour: str) -> None:
        wide, high = CELL
        half, middle = wide // 2, y * high + high // 2
        begin = left * wide + (half if run[0] in "╭╰" else 0)
        end = right * wide - (half if run[-1] in "╮╯" else 0)
        lines = [f"M{begin} {middle}H{end}"]
        for edge, char in ((begin, run[0]), (end, run[-1])):
            if char in "╭╮╰╯":
                lines.append(f"M{edge} {middle}V{(y + 1) * high if char in '╭╮' else y * high}")
        self._runs.setdefault(colour, []).extend(lines)

    def paths(self) -> Iterator[str]:
        """One path of each colour."""
        for (colour, x), ends in self._ends.items():
            middle = x * CELL[0] + CELL[0] // 2
            self._runs.setdefault(colour, []).extend(f"M{middle} {a * CELL[1]}V{b * CELL[1]}" for a, b in ends)
        for colour, lines in self._runs.items():
            yield f'<path stroke="{colour}" d="{"".join(lines)}"/>'


def _rect(x: int, y: int, cells: int, colour: str) -> str:
    return f'<rect x="{x * CELL[0]}" y="{y * CELL[1]}" width="{cells * CELL[0]}" height="{CELL[1]}" fill="{colour}"/>'


def _ground(picture: list[Strip]) -> str:
    """The colour that most cells stand on."""
    counted: dict[str, int] = {}
    for segment in (segment for strip in picture for segment in strip):
        back = _colours(segment.style or Style())[1]
        counted[back] = counted.get(back, 0) + width(segment.text)
    return max(counted, key=lambda colour: counted[colour])


def _colours(style: Style) -> tuple[str, str]:
    fore, back = _hex(style.color, "#d0d0d0"), _hex(style.bgcolor, "#101010")
    return (back, fore) if style.reverse else (fore, back)


def _hex(colour: Color | None, other: str) -> str:
    return other if colour is None or colour.is_default else colour.get_truecolor().hex


def worn(name: str, fill: str, *, both: bool) -> tuple[str, ...]:
    """The themes that a screen is shown in: by turns, or both."""
    turn = list(STANDS).index(name) + FILLS.index(fill)
    return THEMES if both else (THEMES[turn % len(THEMES)],)


async def pictures(names: list[str], *, both: bool) -> dict[str, dict[Look, list[Strip]]]:
    """The looks of these screens."""
    found: dict[str, dict[Look, list[Strip]]] = {name: {} for name in names}
    for fill in FILLS:
        here = [name for name in stands(fill) if name in names]
        if not here:
            continue
        async with filled(fill) as seen:
            for name in here:
                async with standing(seen, name):
                    for theme in worn(name, fill, both=both):
                        seen.app.use_theme(theme)
                        for size in SIZES:
                            await seen.pilot.resize_terminal(*size)
                            await settled(seen)
                            found[name][fill, theme, size] = looks(seen)
    return found


async def main(words: list[str]) -> None:
    """Write the sheets of these screens, of all when none is named."""
    SHEETS.mkdir(parents=True, exist_ok=True)
    both = "--all" in words
    names = [word for word in words if word in STANDS] or list(STANDS)
    for name, taken in (await pictures(names, both=both)).items():
        sheet = Sheet(f"{name}: empty, small and large, in every size")
        for fill in (fill for fill in FILLS if name in stands(fill)):
            for theme in worn(name, fill, both=both):
                sheet.row(f"{name} · {fill} · {theme}", [taken[fill, theme, size] for size in SIZES])
        (SHEETS / f"{name}.svg").write_text(sheet.svg(), encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
