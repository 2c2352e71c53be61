"""Typing to an agent has ended without being asked to: what follows under the fingers must not become commands."""

from collections.abc import Iterable, Sequence

from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from maestro_tui.screens.dialog import Dialog


class TypingEnded(Dialog):
    """Says why, and what was not delivered; hears no key but Esc."""

    title_words = "Not typing any more"
    deed_key = ""
    cancel_word = "go on"

    def __init__(self, words: Sequence[str]) -> None:
        self._words = words
        super().__init__()

    def parts(self) -> Iterable[Widget]:
        """The words."""
        yield Static(Content("\n".join(self._words)), id="words", markup=False)
