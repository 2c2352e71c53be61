"""Lines of toned text as strips of a widget, painted anew only where they differ."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Generic, TypeVar

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from maestro_tui.cells import width
from maestro_tui.lines import Line
from maestro_tui.themes import Look, look
from maestro_tui.widgets.guarded import Guarded
from maestro_tui.widgets.kept import Kept

Content = TypeVar("Content")


class Toned(Kept, Guarded, Widget):
    """A widget whose lines have tones."""

    @property
    def look(self) -> Look:
        """What tones look like now."""
        return look(self.app.theme)

    def strip(self, line: Line, cells: int, base: Style) -> Strip:
        """The line on ``base``, filled to the width."""
        tones = self.look.tones
        return filled([Segment(span.text, base + tones[span.tone]) for span in line if span.text], cells, base)


class Lined(Toned, Generic[Content]):
    """Draws line by line: ``content`` says what a line shows, ``paint`` how; equal contents look the same."""

    def __init__(self, *, id: str, classes: str = "") -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, classes=classes)
        self._painted: dict[int, Content] = {}
        self._base = Style()
        self._cells = 0
        self._top_line = 0

    def content(self, y: int) -> Content:
        """What line ``y`` of the window shows."""
        raise NotImplementedError

    def paint(self, content: Content, base: Style) -> Strip:
        """How it looks."""
        raise NotImplementedError

    def repaint(self, among: Iterable[int] | None = None) -> None:
        """Draw the lines that show something else than before; ``among`` are those that can, all without it."""
        width, height = self._measured()
        looked_at = range(height) if among is None else sorted(y for y in set(among) if 0 <= y < height)
        changed = [y for y in looked_at if self._painted.get(y) != self.content(y)]
        if changed:
            self.refresh(*(Region(0, y, width, lines) for y, lines in _stretches(changed)))

    def paint_lines(self, crop: Region) -> list[Strip]:
        """The lines of a region, on the ground of the widget."""
        self._base = self.rich_style
        self._measured()
        return super().paint_lines(crop)

    def _measured(self) -> Size:
        """The size; its width and what is scrolled are kept for all lines: Textual walks up the tree for each."""
        size = self.size
        self._cells, self._top_line = size.width, self.scroll_offset.y
        return size

    def render_line(self, y: int) -> Strip:
        """One line of the window."""
        self._painted[y] = content = self.content(y)
        return self.paint(content, self._base)


def filled(segments: list[Segment], cells: int, base: Style) -> Strip:
    """The segments as a strip of that many cells; what is missing has the style of ``base``."""
    used = sum(width(segment.text) for segment in segments)
    if used < cells:
        segments.append(Segment(" " * (cells - used), base))
    strip = Strip(segments, max(used, cells))
    return strip if used <= cells else strip.adjust_cell_length(cells, base)


def _stretches(lines: list[int]) -> Iterator[tuple[int, int]]:
    """First line and length of each stretch without a gap: every region costs the compositor a walk."""
    for _, stretch in groupby(enumerate(lines), key=lambda line: line[1] - line[0]):
        ys = [y for _, y in stretch]
        yield ys[0], len(ys)
