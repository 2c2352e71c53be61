"""What all dialogs share: a frame, a place for what went wrong, and two keys."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import ClassVar, cast

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.message_pump import MessagePump
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Input, Select, Static, TextArea
from textual.widgets.select import InvalidSelectValueError

from maestro_tui.cells import cut, folded, plain, width
from maestro_tui.deeds import Done, Outcome
from maestro_tui.lines import Hint, Line, Span, Tone
from maestro_tui.widgets.bar import Bar
from maestro_tui.widgets.guarded import Guarded

AROUND = 5
"""Lines of a dialog beside its parts: border and keys, and one of what is behind it."""


WIDTH = 76
TOLD = 5
"""Lines of what went wrong that are shown."""

Drafts = dict[str, dict[str, str]]
"""What was typed into dialogs that were left with Esc: by what it is about, and by the field."""


class Dialog(Guarded, ModalScreen[Outcome | None]):
    """Asks something, does it, and closes when it was done; a refusal is shown and can be corrected.

    A subclass gives its ``title``, the word for its ``deed``, its parts, and does the deed in ``perform``. What was
    typed into its ``written`` fields is there again when it was left with Esc and comes back for the same, with what
    was ``chosen`` beside it.
    """

    CSS_PATH = "dialog.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "cancel", show=False),
        Binding("ctrl+s", "submit_typed", "submit", show=False, priority=True),
        Binding("tab", "app.focus_next", "next field", show=False, priority=True),
        Binding("shift+tab", "app.focus_previous", "field before", show=False, priority=True),
    ]
    """Keys that come in one piece, as over a slow line, mean the field that they were typed for: so leaving one
    comes before the keys behind it, and submitting after those before it."""
    title_words = ""
    deed_word = "do it"
    deed_key = "Ctrl+S"
    cancel_word = "cancel"
    written: tuple[str, ...] = ()
    chosen: tuple[str, ...] = ()

    def __init__(self) -> None:
        super().__init__()
        self.drafts: Drafts = {}
        self._draft = ""
        self._untouched: dict[str, str] = {}
        self._busy = False
        self._told = 0

    @property
    def about(self) -> str:
        """What it is for; drafts are kept apart by that. Empty: none is kept."""
        return ""

    def parts(self) -> Iterable[Widget]:
        """What stands in it."""
        return ()

    async def perform(self) -> Outcome | None:
        """Do the deed; ``None`` leaves the dialog open, with what ``complain`` said."""
        return None

    def compose(self) -> ComposeResult:
        """The frame around the parts."""
        with Vertical(id="dialog") as box:
            box.border_title = Content(self.title_words)
            with VerticalScroll(id="scroll", can_focus=False):
                yield from self.parts()
            yield Static(id="error", markup=False)
            yield Bar(id="keys")

    def on_mount(self) -> None:
        """Show the keys, and what was typed the last time; Textual calls it after that of a subclass, by itself."""
        self._show_keys()
        self._untouched, self._draft = self._said(self.written), self.about
        if draft := self.drafts.get(self._draft):
            for name, words in draft.items():
                _write(self.query_one(f"#{name}"), words)
            self.query_one("#dialog").border_subtitle = "what you typed is back"

    def _said(self, names: tuple[str, ...]) -> dict[str, str]:
        return {name: _words(self.query_one(f"#{name}")) for name in names}

    @property
    def cells(self) -> int:
        """The width that text has."""
        return min(WIDTH, self.app.size.width * 96 // 100) - 5

    def on_resize(self) -> None:
        """What does not fit is scrolled; the keys stay in sight."""
        self._fit()

    def _fit(self) -> None:
        told = self._told + 1 if self._told else 0
        self.query_one("#scroll").styles.max_height = max(3, self.app.size.height - AROUND - told)

    def _show_keys(self) -> None:
        deed = ((self.deed_key, self.deed_word, "submit"),) if self.deed_key else ()
        working, keys = self._busy, (*deed, ("Esc", self.cancel_word, "cancel"))
        self.query_one("#keys", Bar).show(
            lambda _cells: ((Span("… working", Tone.DIM),), ()) if working else _keys(keys)
        )

    def complain(self, words: str) -> None:
        """Say what is wrong; nothing when the words are empty."""
        error = self.query_one("#error", Static)
        lines = [line for told in words.splitlines() for line in folded(told, self.cells)]
        error.update(Content("\n".join(lines[:TOLD])))
        error.set_class(bool(words), "-shown")
        self._told = len(lines[:TOLD])
        self._fit()

    def action_cancel(self) -> None:
        """Close it without a deed; what was typed is kept for the next time, until the screen is left."""
        typed = {n: words for n, words in self._said(self.written).items() if words != self._untouched.get(n, "")}
        kept = bool(self.about and typed)
        if kept:
            self.drafts[self._draft] = self._said(self.chosen) | typed
        else:
            self.drafts.pop(self._draft, None)
        if self._busy:
            early = "Left before the daemon has answered: it may be done all the same."
            self.notify(f"{early} What you typed is kept." if kept else early, severity="warning", markup=False)
        elif kept:
            self.notify("What you typed is there again when you come back to it.", markup=False)
        _ = self.dismiss(None)

    def action_submit_typed(self) -> None:
        """Do the deed when all keys before have had their effect: it goes their way, from the field to the app."""
        self._go_up((self.focused or self).ancestors_with_self)

    def _go_up(self, way: Sequence[MessagePump]) -> None:
        if way:
            way[0].call_later(self._go_up, way[1:])
        elif self.is_current:
            self.action_submit()

    def action_submit(self) -> None:
        """Do the deed, once."""
        if not self._busy:
            self._busy = True
            self.complain("")
            self._show_keys()
            self.begin(self._submitted)

    async def _submitted(self) -> None:
        outcome = await self.perform()
        self._busy = False
        if isinstance(outcome, Done):
            self.drafts.pop(self._draft, None)
        if not self.is_attached:
            return
        self._show_keys()
        if isinstance(outcome, Done):
            _ = self.dismiss(outcome)
        elif outcome is not None:
            self.complain(outcome.words)


def _words(field: Widget) -> str:
    return field.text if isinstance(field, TextArea) else str(cast("Input | Select[str]", field).value)


def _write(field: Widget, words: str) -> None:
    """Put words into a field; a choice that is no more is left as it is."""
    match field:
        case TextArea():
            field.text = words
            field.move_cursor(field.document.end)
        case Input():
            field.value, field.cursor_position = words, len(words)
        case _:
            with suppress(InvalidSelectValueError):
                cast("Select[str]", field).value = words


def row(label: str, widget: Widget) -> Horizontal:
    """A field with its name before it."""
    return Horizontal(Static(label, classes="label", markup=False), widget, classes="row")


def hanging(head: str, text: str, cells: int) -> list[str]:
    """The text folded behind its head."""
    lines = folded(text, max(10, cells - width(head))) or [""]
    return [head + lines[0], *(" " * width(head) + line for line in lines[1:])]


def short(text: str, cells: int = 60) -> Text:
    """Text from outside as the name of a choice; letters that are typed find it there, which they do in no content."""
    return Text(cut(plain(text), cells))


def _keys(keys: Iterable[tuple[str, str, str]]) -> tuple[Line, tuple[Hint, ...]]:
    spans: list[Span] = []
    hints: list[Hint] = []
    at = 0
    for key, word, action in keys:
        end = at + width(key) + 1 + width(word)
        spans += [Span(key, Tone.ACCENT), Span(f" {word}   ", Tone.DIM)]
        hints.append(Hint(at, end, action))
        at = end + 3
    return tuple(spans), tuple(hints)
