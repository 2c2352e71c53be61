"""A patch as rows, each built when it is seen: what changed, the comments, and the lines with the comments below."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate

from maestro_tui.cells import folded, plain
from maestro_tui.lines import Line, Span, Tone, cropped, spread
from maestro_tui.view.patch import NEW, OLD, Patch
from maestro_tui.view.remarks import Placed

TONES = {"+": Tone.GOOD, "-": Tone.BAD}
NUMBER = 5
"""Cells of a line's number."""
SHOWN = 20
"""Lines of one comment that are shown."""
ROOM = 7
"""Cells before a comment."""


class DiffRows:
    """Heads ``B``, ``F0``, ``R1``; lines ``L0``; the lines ``C1.0`` of comment 1. Built for one width."""

    height = 1

    def __init__(self, patch: Patch, remarks: Sequence[Placed], cells: int, marked: range = range(0)) -> None:
        self._patch = patch
        self._remarks = remarks
        self._cells = cells
        self._marked = marked
        self._heads = self._make_heads()
        self._below = [each for each in remarks if each.at is not None]
        self._texts = [self._text(each) for each in self._below]
        self._ends = [each.at or 0 for each in self._below]
        self._lengths = [0, *accumulate(len(text) for text in self._texts)]
        self._starts = [end + 1 + before for end, before in zip(self._ends, self._lengths, strict=False)]
        self._commented = [_range(patch, each) for each in self._below if each.stands]

    def _make_heads(self) -> list[str]:
        heads = ["B"] if self._patch.branch else []
        heads += [f"F{number}" for number in range(len(self._patch.changed))]
        heads += [f"R{each.remark.id}" for each in self._remarks]
        return [*heads, ""] if self._patch.lines else heads

    def _text(self, each: Placed) -> list[str]:
        lines = folded(each.remark.text, max(8, self._cells - ROOM), most=SHOWN) or [""]
        return lines if each.stands else ["the line has changed since:", *lines]

    # -- where -----------------------------------------------------------------------------------

    def __len__(self) -> int:
        body = len(self._patch.lines) + self._lengths[-1]
        return len(self._heads) + body + (1 if self._patch.cut else 0)

    def key(self, at: int) -> str:
        """What the row is."""
        if at < len(self._heads):
            return self._heads[at]
        line, comment, part = self._split(at - len(self._heads))
        if comment is not None:
            return f"C{self._below[comment].remark.id}.{part}"
        return f"L{line}" if line < len(self._patch.lines) else "E"

    def _split(self, at: int) -> tuple[int, int | None, int]:
        """The line of the patch, the number of the comment when it is of one, and which line of that."""
        found = bisect_right(self._starts, at) - 1
        if found >= 0 and at < self._starts[found] + len(self._texts[found]):
            return self._ends[found], found, at - self._starts[found]
        return at - self._lengths[found + 1], None, 0

    def find(self, key: str) -> int | None:
        """Where it stands."""
        match key[:1], key[1:].partition("."):
            case "L", (number, _, _) if number.isdecimal() and int(number) < len(self._patch.lines):
                line = int(number)
                return len(self._heads) + line + self._lengths[bisect_left(self._ends, line)]
            case "C", (number, _, part):
                for start, text, each in zip(self._starts, self._texts, self._below, strict=True):
                    if str(each.remark.id) == number:
                        return len(self._heads) + start + min(int(part or 0), len(text) - 1)
                return None
            case _:
                return self._heads.index(key) if key in self._heads else None

    def line_of(self, key: str) -> int | None:
        """The line of the patch that a row is about."""
        kind, number = key[:1], key[1:].partition(".")[0]
        if kind == "L":
            return int(number)
        if kind == "F":
            return self._patch.files[int(number)] if int(number) < len(self._patch.files) else None
        return next((each.at for each in self._remarks if kind in {"C", "R"} and str(each.remark.id) == number), None)

    # -- how it looks ----------------------------------------------------------------------------

    def lines(self, at: int, cells: int) -> tuple[Line, ...]:
        """One line."""
        if at < len(self._heads):
            return (cropped(self._head(self._heads[at], cells), cells),)
        line, comment, part = self._split(at - len(self._heads))
        if comment is not None:
            return (cropped(self._comment(comment, part), cells),)
        if line >= len(self._patch.lines):
            return (cropped((Span("… the rest is cut", Tone.DIM),), cells),)
        return (cropped(self._line(line), cells),)

    def _head(self, key: str, cells: int) -> Line:
        match key[:1]:
            case "B":
                same = () if self._patch.changed or self._patch.lines else (Span(" · nothing has changed", Tone.DIM),)
                return Span(plain(self._patch.branch), Tone.STRONG), *same
            case "F":
                file = self._patch.changed[int(key[1:])]
                numbers = (Span(f"+{file.added or 0}", Tone.GOOD), Span(f" -{file.removed or 0}", Tone.BAD))
                return spread((Span(plain(file.path)),), numbers if file.added is not None else (), cells)
            case "R":
                each = next(each for each in self._remarks if key == f"R{each.remark.id}")
                words = plain(each.remark.text)
                gone = () if each.at is not None else (Span("no longer in the diff · ", Tone.WARN),)
                return (Span("✎ ", Tone.ACCENT), Span(f"{each.remark.reference}  ", Tone.ACCENT), *gone, Span(words))
            case _:
                return ()

    def _line(self, at: int) -> Line:
        patch = self._patch
        number = patch.number(at, NEW) or patch.number(at, OLD)
        text = patch.shown(at)
        if not number:
            tone = Tone.ACCENT if text.startswith("@") else Tone.STRONG if text.startswith("diff") else Tone.DIM
            return (self._gutter(at), Span(" " * (NUMBER + 1)), Span(text, tone))
        tone = TONES.get(text[:1], Tone.PLAIN)
        return (self._gutter(at), Span(f"{number:>{NUMBER}} ", Tone.DIM), Span(text, tone))

    def _gutter(self, at: int) -> Span:
        if at in self._marked:
            return Span("▌", Tone.WARN)
        return Span("▎", Tone.ACCENT) if any(at in lines for lines in self._commented) else Span(" ")

    def _comment(self, number: int, part: int) -> Line:
        mark = Span("✎ " if part == 0 else "  ", Tone.ACCENT)
        tone = Tone.WARN if not self._below[number].stands and part == 0 else Tone.ACCENT
        return (Span(" " * (ROOM - 2)), mark, Span(self._texts[number][part], tone))


def _range(patch: Patch, each: Placed) -> range:
    remark, end = each.remark, each.at or 0
    first = patch.find(remark.path, remark.side, remark.first)
    return range(end if first is None else first, end + 1)
