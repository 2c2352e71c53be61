"""A list that builds only the lines that are seen."""

import logging
from collections.abc import Callable
from math import ceil
from time import monotonic
from typing import ClassVar, NamedTuple, Protocol, runtime_checkable

from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from maestro_tui.bindings import Key, Panel, Place, keys_in
from maestro_tui.cells import cut, folded
from maestro_tui.lines import Line, NewestRows, NoRows, Rows, Span, Tone
from maestro_tui.messages import Chosen, Folded, Picked, Sized
from maestro_tui.widgets.toned import Lined

log = logging.getLogger(__name__)

SLIP_S = 0.5
"""How long a question that came under the cursor by itself takes no answer: it was meant for the one before."""

THUMB_STEPS = 8
"""Places of a scrollbar's thumb in a cell, and of its position in a line, as Textual has them."""


def bound(place: Place) -> list[BindingType]:
    """The bindings of a place, from the one table."""
    return [
        Binding(name, key.action.replace("{key}", name), key.label, show=False, id=_id(key, name))
        for key in keys_in(place)
        for name in key.keys.split(",")
    ]


def _id(key: Key, name: str) -> str:
    """By what it can be bound to another key; each key of its own where the action depends on it."""
    return f"{key.name}-{name}" if "{key}" in key.action else key.name


class Shown(NamedTuple):
    """One line of a list: its text, and whether the cursor is on it."""

    line: Line
    cursor: bool = False
    quiet: bool = False


Follow = Callable[[Panel, str], None]
"""Called with the panel and the key that the cursor is on now; the key is empty when there is none."""


def _nobody(_panel: Panel, _key: str) -> None:
    return


class LineList(Lined[Shown], ScrollView, can_focus=True):
    """Rows of fixed height with a cursor, which is seen without the focus too when ``steady``.

    ``built`` counts the lines built so far. ``follow`` hears of the cursor at once: a key that is pressed
    next must not act on what the cursor was on before.
    """

    BINDINGS: ClassVar[list[BindingType]] = bound(Place.LISTS)

    def __init__(self, panel: Panel, *, id: str, classes: str = "") -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, classes=classes)
        self.panel = panel
        self.follow: Follow = _nobody
        self.steady = False
        self.built = 0
        self._words = ""
        self._rows: Rows = NoRows()
        self._at = 0
        self._key = ""
        self._away = False
        """Whether a person has scrolled, and not moved the cursor since."""

    # -- what is shown ---------------------------------------------------------------------------

    @property
    def key(self) -> str:
        """What the cursor is on; empty when there is nothing."""
        return self._key

    def show(self, rows: Rows, words: str | None = None) -> None:
        """Show these rows; the cursor stays on what it was on, ``words`` stand for no rows.

        Where a person has scrolled away from the cursor, the window stays too. A cursor on the first of rows that
        grow at their top stays on the first: whoever looks at the newest sees what comes.
        """
        before, within = self._key, self._within()
        self._away = self._away and self._hidden() != 0
        self._rows = rows
        self._words = self._words if words is None else words
        self._make_room(len(rows) * rows.height)
        found = rows.find(before) if before else None
        if found is not None and found + within < len(rows) and rows.key(found + within) == before:
            found += within
        if self._at == 0 and not self._away and isinstance(rows, NewestRows):
            found = 0
        self._put(found if found is not None else min(self._at, max(0, len(rows) - 1)))
        if self._key != before or not self._away:
            self._into_sight()
        self.repaint()
        if self._key != before:
            self.follow(self.panel, self._key)

    def _make_room(self, lines: int) -> None:
        """Have so many lines; the screen is laid out anew only when more than the scrollbar's thumb moves by that."""
        size, room = Size(0, lines), self.container_size.height
        if self.styles.auto_dimensions or (lines > room) != (self.virtual_size.height > room):
            self.virtual_size = size
            return
        self.set_reactive(Widget.virtual_size, size)
        if self.show_vertical_scrollbar:
            self.vertical_scrollbar.window_virtual_size = lines
        self.scroll_y = min(self.scroll_y, self.max_scroll_y)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Paint the lines, and the scrollbar only when its thumb is seen to move: in a long list few lines move it."""
        if self.show_vertical_scrollbar:
            self.vertical_scrollbar.position = self._thumb(new_value)
        if round(old_value) != round(new_value):
            self.refresh(self.size.region)

    def _thumb(self, y: float) -> float:
        """The first position whose thumb is drawn where that of ``y`` is."""
        bar = self.vertical_scrollbar
        size, longest = bar.size.height, bar.window_virtual_size - bar.window_size
        track = THUMB_STEPS * (size - max(1, size * bar.window_size / max(1, bar.window_virtual_size)))
        if y >= longest or track <= 0:
            return y
        return ceil(THUMB_STEPS * int(y / longest * track) * longest / track) / THUMB_STEPS

    def point(self, key: str) -> bool:
        """Put the cursor on a key, when it is shown."""
        at = self._rows.find(key)
        if at is not None:
            self._move_to(at)
        return at is not None

    def _within(self) -> int:
        """Which line of those about its key the cursor is on, from 0."""
        first = self._rows.find(self._key) if self._key and self._at else None
        return max(0, self._at - first) if first is not None else 0

    def _put(self, at: int) -> None:
        self._at = at
        self._key = self._rows.key(at) if at < len(self._rows) else ""

    def _hidden(self) -> int:
        """How many lines the window has to go down, or up, until it has all of the cursor's row."""
        height, first = self._rows.height, self.scroll_offset.y
        top, bottom = self._at * height, (self._at + 1) * height
        seen = max(height, self.scrollable_content_region.height or self.size.height)
        return min(0, top - first) or max(0, bottom - first - seen)

    def _into_sight(self) -> None:
        self._away = False
        if hidden := self._hidden():
            # By force: a scrollbar that this very moment makes necessary is there only after the next layout.
            self.scroll_to(y=self.scroll_offset.y + hidden, animate=False, force=True)

    def _move_to(self, at: int) -> None:
        if not len(self._rows):
            return
        at = max(0, min(at, len(self._rows) - 1))
        if at == self._at:
            self._into_sight()
            return
        before, top, height = self._at, self.scroll_offset.y, self._rows.height
        self._put(at)
        self._into_sight()
        if self.scroll_offset.y == top:  # otherwise all of it is painted
            self.repaint(line for row in (before, at) for line in range(row * height - top, (row + 1) * height - top))
        self.follow(self.panel, self._key)

    # -- drawing ---------------------------------------------------------------------------------

    def content(self, y: int) -> Shown:
        """The row there, and how the cursor stands to it."""
        at, part = divmod(y + self._top_line, self._rows.height)
        cells = max(1, self._cells - 2)
        if at >= len(self._rows):
            words = folded(self._words, cells) if not len(self._rows) else []
            return Shown((Span(words[y], Tone.DIM),) if y < len(words) else ())
        here = at == self._at
        return Shown(self._built(at, part, cells), cursor=here and self.has_focus, quiet=here and self.steady)

    def _built(self, at: int, part: int, cells: int) -> Line:
        self.built += 1
        try:
            return self._rows.lines(at, cells)[part]
        except Exception as error:
            log.exception("a row of %s cannot be shown", self.panel)
            return (Span(cut(f"✕ this row cannot be shown: {type(error).__name__}", cells), Tone.BAD),)

    def paint(self, content: Shown, base: Style) -> Strip:
        """The row with a cell of room at its sides, on the cursor's ground where it stands."""
        ground = self.look.cursor if content.cursor else self.look.quiet_cursor if content.quiet else Style()
        return self.strip((Span(" "), *content.line), self._cells, base + ground)

    # -- keys and mouse --------------------------------------------------------------------------

    def action_move(self, step: int) -> None:
        """Move the cursor by rows."""
        self._move_to(self._at + step)

    def action_page(self, step: int) -> None:
        """Move the cursor by what is seen."""
        self._move_to(self._at + step * max(1, self.size.height // self._rows.height - 1))

    def action_first(self) -> None:
        """To the first row."""
        self._move_to(0)

    def action_last(self) -> None:
        """To the last row."""
        self._move_to(len(self._rows) - 1)

    def action_choose(self) -> None:
        """Open what the cursor is on."""
        if self.key:
            self.post_message(Chosen(self.panel, self.key))

    def on_mouse_scroll_down(self) -> None:
        """A person looks further down."""
        self._away = True

    def on_mouse_scroll_up(self) -> None:
        """A person looks further up."""
        self._away = True

    def on_scroll_to(self) -> None:
        """A person draws the scrollbar's thumb."""
        self._away = True

    def on_scroll_up(self) -> None:
        """A person has clicked above the thumb."""
        self._away = True

    def on_scroll_down(self) -> None:
        """A person has clicked below the thumb."""
        self._away = True

    def on_click(self, event: events.Click) -> None:
        """Point at what was clicked; open it at the second click."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        at = (offset.y + self.scroll_offset.y) // self._rows.height
        if at < len(self._rows):
            self._move_to(at)
            self.follow(self.panel, self._key)
            if event.chain > 1:
                self.action_choose()

    def on_resize(self, event: events.Resize) -> None:
        """The cursor stays in sight; what was folded to the width is made anew."""
        if not self._away:
            self._into_sight()
        self.post_message(Sized(self.panel))


class TreeList(LineList):
    """A list whose rows are branches."""

    BINDINGS: ClassVar[list[BindingType]] = bound(Place.TREE)

    def action_unfold(self) -> None:
        """Show what is below the cursor."""
        if self.key:
            self.post_message(Folded(self.key, show=True))

    def action_fold(self) -> None:
        """Hide what is below the cursor, or go to what it stands in."""
        if self.key:
            self.post_message(Folded(self.key, show=False))


@runtime_checkable
class Asks(Protocol):
    """Rows that can be answered, or not at the moment."""

    def asks(self, key: str) -> bool:
        """Whether this one waits for an answer."""


class QuestionList(LineList):
    """A list of those who wait; what they ask is answered by a key.

    A digit leads to a screen while nobody asks. A question that comes meanwhile, under the eyes or behind the back of
    a person who wanted to go there, is not answered by it: the first digit says that it would, the next one does.
    """

    BINDINGS: ClassVar[list[BindingType]] = bound(Place.QUESTIONS)

    def __init__(self, panel: Panel, *, id: str, classes: str = "") -> None:  # noqa: A002 - Textual's name
        super().__init__(panel, id=id, classes=classes)
        self._slipped = 0.0
        self._leads = False
        self._new = ""

    def show(self, rows: Rows, words: str | None = None) -> None:
        """Show these rows, and take note when another one has come under the cursor by itself."""
        before = self.key
        super().show(rows, words)
        if before and self.key != before:
            self._slipped = monotonic()
        asks = isinstance(rows, Asks) and bool(self.key) and rows.asks(self.key)
        if asks and self._leads:
            self._new = self.key
        self._leads = not asks and bool(self._words)

    def take_up(self) -> None:
        """A person comes to it, or goes through it: what is asked there now is no surprise."""
        self._leads, self._new = self._leads and not self.key, ""

    def _move_to(self, at: int) -> None:
        self.take_up()
        super()._move_to(at)

    def on_focus(self) -> None:
        """A person comes to it."""
        self.take_up()

    def action_answer(self, answer: str) -> None:
        """Answer the question under the cursor, unless it has slipped there under the finger."""
        if answer.isdecimal() and self.key and self.key == self._new:
            self._new = ""
            self.notify(f"Press {answer} again: it answers this question now, which has just come.", markup=False)
        elif not self.key or monotonic() - self._slipped > SLIP_S:
            self.post_message(Picked(self.key, answer))
