"""Dialogs that are only read: a text that can be scrolled."""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from maestro_tui.moment import Moment
from maestro_tui.screens.dialog import Dialog, hanging
from maestro_tui.view.notices import Note, news


class Reading(Dialog):
    """A subclass gives the lines for a width."""

    deed_word = "scroll"
    deed_key = "↑ ↓"
    cancel_word = "close"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,enter", "cancel", "close", show=False),
        Binding("j", "scroll(1)", "down", show=False),
        Binding("k", "scroll(-1)", "up", show=False),
    ]

    def lines(self, cells: int) -> list[str]:
        """The text, folded to the width."""
        raise NotImplementedError

    def parts(self) -> Sequence[Widget]:
        """One text."""
        return [Static(self._text(), id="words", markup=False)]

    def _text(self) -> Content:
        return Content("\n".join(self.lines(self.cells)))

    def on_mount(self) -> None:
        """It can be scrolled."""
        scroll = self.query_one("#scroll")
        scroll.can_focus = True
        scroll.focus()

    def on_resize(self) -> None:
        """Folded to the width."""
        self.query_one("#words", Static).update(self._text())

    def action_scroll(self, lines: int) -> None:
        """Further down or up."""
        self.query_one("#scroll").scroll_relative(y=lines, animate=False)


class News(Reading):
    """What happened lately, the newest first."""

    title_words = "What happened lately"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("N", "cancel", "close", show=False)]

    def __init__(self, notes: Sequence[Note], moment: Moment) -> None:
        super().__init__()
        self._news = news(notes, moment) or [("", "Nothing since the screen was opened.")]

    def lines(self, cells: int) -> list[str]:
        """A line or more for each."""
        return [line for head, text in self._news for line in hanging(head, text, cells)]
