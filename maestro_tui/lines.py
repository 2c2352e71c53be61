"""Lines of toned text: what the view makes and the widgets show."""

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Protocol

import msgspec

from maestro_tui.cells import cut, width


class Tone(StrEnum):
    """What a piece of text means; the style sheet says how that looks."""

    PLAIN = "plain"
    STRONG = "strong"
    DIM = "dim"
    ACCENT = "accent"
    GOOD = "good"
    BUSY = "busy"
    WARN = "warn"
    BAD = "bad"


class Span(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A piece of a line; the text is plain already."""

    text: str
    tone: Tone = Tone.PLAIN


Line = tuple[Span, ...]


class Hint(msgspec.Struct, frozen=True):
    """A piece of a line that can be clicked: the cells from ``start`` to ``end`` ask for ``action``."""

    start: int
    end: int
    action: str


class Rows(Protocol):
    """Rows that are built when they are seen: ``height`` lines each, named by a key."""

    @property
    def height(self) -> int:
        """Lines of one row."""

    def __len__(self) -> int: ...

    def key(self, at: int) -> str:
        """What the row is about."""

    def find(self, key: str) -> int | None:
        """Where the row of this key stands."""

    def lines(self, at: int, cells: int) -> tuple[Line, ...]:
        """The lines of one row, each at most that wide."""


class NoRows:
    """Nothing to show; ``words`` say why."""

    height = 1

    def __init__(self, words: str = "") -> None:
        self.words = words

    def __len__(self) -> int:
        return 0

    def key(self, at: int) -> str:
        """There is none."""
        raise IndexError(at)

    def find(self, key: str) -> int | None:
        """Nothing is found."""
        return None

    def lines(self, at: int, cells: int) -> tuple[Line, ...]:
        """There are none."""
        raise IndexError(at)


class FixedRows:
    """Lines that are there already."""

    height = 1

    def __init__(self, rows: Sequence[tuple[str, Line]]) -> None:
        self._rows = rows
        self._places = {key: at for at, (key, _) in reversed(list(enumerate(rows)))}

    def __len__(self) -> int:
        return len(self._rows)

    def key(self, at: int) -> str:
        """What the line is about."""
        return self._rows[at][0]

    def find(self, key: str) -> int | None:
        """The first line about it."""
        return self._places.get(key)

    def lines(self, at: int, cells: int) -> tuple[Line, ...]:
        """The line."""
        return (cropped(self._rows[at][1], cells),)


class NewestRows(FixedRows):
    """Lines of which the newest stand first, and more come there."""


def text_of(line: Iterable[Span]) -> str:
    """The line without its tones."""
    return "".join(span.text for span in line)


def cells_of(line: Iterable[Span]) -> int:
    """The cells that the line takes."""
    return sum(width(span.text) for span in line)


def cropped(line: Iterable[Span], cells: int) -> Line:
    """The line in at most that many cells; an ellipsis stands for what is left out."""
    kept: list[Span] = []
    room = cells
    for span in line:
        used = width(span.text)
        if used <= room:
            kept.append(span)
            room -= used
            continue
        if room > 0:
            kept.append(Span(cut(span.text, room), span.tone))
        break
    return tuple(kept)


def spread(left: Line, right: Line, cells: int) -> Line:
    """Left and right at the two ends; the left is cut when both do not fit."""
    if not right:
        return cropped(left, cells)
    used = cells_of(right)
    head = cropped(left, max(0, cells - used - 1))
    gap = cells - used - cells_of(head)
    return (*head, Span(" " * max(0, gap)), *right)


def joined(parts: Iterable[Line], gap: str = "  ") -> Line:
    """The parts one after the other with a gap between."""
    return tuple(_with_gaps(parts, gap))


def _with_gaps(parts: Iterable[Line], gap: str) -> Iterator[Span]:
    for number, part in enumerate(parts):
        if number:
            yield Span(gap)
        yield from part


def kept_whole(parts: Iterable[tuple[int, Line]], cells: int, gap: str = "  ") -> Line:
    """The parts that fit whole, in their order; those with the highest number are left out first."""
    ranked = list(parts)
    chosen = list(range(len(ranked)))
    while chosen and cells_of(joined((ranked[i][1] for i in chosen), gap)) > cells:
        chosen.remove(max(chosen, key=lambda i: (ranked[i][0], i)))
    return joined((ranked[i][1] for i in chosen), gap)
