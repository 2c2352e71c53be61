"""A line whose pieces can be clicked: header, banner, tabs, footer."""

from collections.abc import Callable

from textual import events
from textual.strip import Strip

from maestro_tui.lines import Hint, Line
from maestro_tui.messages import Asked
from maestro_tui.widgets.toned import Toned

Build = Callable[[int], tuple[Line, tuple[Hint, ...]]]
"""The line for a width, and what a click in it asks for."""


class Bar(Toned):
    """One line, made for the width that there is."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._build: Build = _nothing
        self._hints: tuple[Hint, ...] = ()
        self._drawn: tuple[int, Line] = (0, ())

    def show(self, build: Build) -> None:
        """Show this line; nothing is drawn when it says what it said."""
        self._build = build
        if self.size.width and self._make(self.size.width) != self._drawn:
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """The line."""
        width = self.size.width
        self._drawn = self._make(width)
        return self.strip(self._drawn[1], width, self.rich_style)

    def _make(self, width: int) -> tuple[int, Line]:
        line, self._hints = self._build(width)
        return width, line

    def on_click(self, event: events.Click) -> None:
        """Ask for what was clicked at."""
        for hint in self._hints:
            if hint.start <= event.x < hint.end:
                self.post_message(Asked(hint.action))


def _nothing(_cells: int) -> tuple[Line, tuple[Hint, ...]]:
    return (), ()
