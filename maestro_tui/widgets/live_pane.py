"""A session's pane as it is drawn, looked at through a window of any size; the real pane is never resized."""

from functools import lru_cache
from typing import ClassVar, NamedTuple

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.actions import SkipAction
from textual.binding import BindingType
from textual.strip import Strip

from maestro_tui.ansi import Colour, Run, Sgr, parsed, rgb
from maestro_tui.bindings import Place
from maestro_tui.cells import cut, width
from maestro_tui.widgets.line_list import bound
from maestro_tui.widgets.toned import Lined, filled

REVERSED = Style(reverse=True)


class Look(NamedTuple):
    """One line of the window: words, or runs from a column on, with the cursor in one."""

    words: str = ""
    runs: tuple[Run, ...] = ()
    left: int = 0
    cursor: int | None = None


class LivePane(Lined[Look], can_focus=True):
    """Follows the agent's cursor until a person looks elsewhere; words stand for a pane that is not there."""

    BINDINGS: ClassVar[list[BindingType]] = bound(Place.PANE)

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._words = ""
        self._text = ""
        self._lines: list[tuple[Run, ...]] = []
        self._rows = 0
        self._width = 0
        self._cursor = (0, 0)
        self._left = 0
        self._top: int | None = None

    def draw(self, text: str, *, width: int, cursor: tuple[int, int]) -> None:
        """Show a screen of that width, with the cursor at column and row."""
        if text != self._text or self._words:
            self._text = text
            self._lines = [tuple(runs) for runs in parsed(text)]
        self._words = ""
        self._width = width
        self._cursor = cursor
        self._rows = self._count()
        self.repaint()

    def say(self, words: str) -> None:
        """Show words instead of a screen."""
        self._words, self._text, self._lines, self._rows = words, "", [], 0
        self._left, self._top = 0, None
        self.repaint()

    def _count(self) -> int:
        """Lines of the screen up to the last that is not blank, and the cursor's."""
        last = max((at for at, runs in enumerate(self._lines) if any(t.strip() for t, _ in runs)), default=0)
        return max(last, min(self._cursor[1], len(self._lines) - 1), 0) + 1

    def _first(self) -> int:
        """The first row that is seen: the end of the screen, unless a person looks elsewhere."""
        longest = max(0, self._rows - self.size.height)
        if self._top is not None:
            return min(self._top, longest)
        return min(longest, max(0, self._cursor[1]))

    # -- drawing ---------------------------------------------------------------------------------

    def content(self, y: int) -> Look:
        """The line of the screen that is seen there."""
        if self._words:
            return Look(words=self._words if y == self.size.height // 2 else "")
        at = y + self._first()
        if at >= len(self._lines):
            return Look()
        return Look(runs=self._lines[at], left=self._left, cursor=self._cursor[0] if at == self._cursor[1] else None)

    def paint(self, content: Look, base: Style) -> Strip:
        """Words in the middle, or the part of the line that the window shows."""
        cells = self.size.width
        if content.words:
            words = cut(content.words, cells - 2)
            gap = " " * ((cells - width(words)) // 2)
            return filled([Segment(gap + words, base)], cells, base)
        segments = [Segment(text, base + style_of(sgr)) for text, sgr in content.runs]
        if content.cursor is None and not content.left:
            return filled(segments, cells, base)
        column = content.cursor or 0
        strip = filled(segments, max(content.left + cells, column + 1), base)
        if content.cursor is not None:
            strip = _with_cursor(segments, column)
        return strip.crop(content.left, content.left + cells)

    # -- looking around --------------------------------------------------------------------------

    def action_pan(self, right: int, down: int) -> None:
        """Move the window over the screen; at its edge the key is free for what else it means, as the next tab."""
        left = max(0, min(self._left + right, self._width - self.size.width))
        if right and left == self._left:
            raise SkipAction
        self._left = left
        if down:
            longest = max(0, self._rows - self.size.height)
            self._top = max(0, min(self._first() + down, longest))
        self.repaint()

    def action_follow(self) -> None:
        """Follow the agent's cursor again."""
        self._left, self._top = 0, None
        self.repaint()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Look further down."""
        self.action_pan(0, 2)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Look further up."""
        self.action_pan(0, -2)


def _with_cursor(segments: list[Segment], column: int) -> Strip:
    cells = Segment.get_line_length(segments)
    before, under, after = Segment.divide(segments, (column, column + 1, cells))
    return Strip([*before, *Segment.apply_style(under, post_style=REVERSED), *after], cells)


@lru_cache(maxsize=1024)
def style_of(sgr: Sgr) -> Style:
    """The style of a run."""
    return Style(
        color=_colour(sgr.colour),
        bgcolor=_colour(sgr.ground),
        bold=sgr.bold or None,
        dim=sgr.dim or None,
        italic=sgr.italic or None,
        underline=sgr.underline or None,
        reverse=sgr.reverse or None,
        strike=sgr.strike or None,
    )


def _colour(colour: Colour) -> Color | None:
    match colour:
        case None:
            return None
        case int():
            return Color.from_rgb(*rgb(colour))
        case (red, green, blue):
            return Color.from_rgb(red, green, blue)
