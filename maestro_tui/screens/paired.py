"""A list, and beside it all that is known of what is under its cursor: what several screens share."""

from typing import ClassVar, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.events import DescendantFocus, Resize
from textual.widgets import Input

from maestro_tui.bindings import Panel
from maestro_tui.cells import cut, plain
from maestro_tui.desk import Desk
from maestro_tui.lines import Line, NoRows, Rows
from maestro_tui.messages import Chosen, Sized
from maestro_tui.mirror import Moved
from maestro_tui.screens.framed import Framed
from maestro_tui.screens.seams import SINGLE, Seam, between
from maestro_tui.widgets.bar import Bar
from maestro_tui.widgets.kept import Row
from maestro_tui.widgets.line_list import LineList

TITLE = 120
"""Cells of a title that are handed to the border, which cuts it to the width there is."""


class Shown(NamedTuple):
    """What a list shows: its title, its rows, and the words that stand for none."""

    title: str
    rows: Rows
    words: str = ""


NOTHING = Shown("", NoRows())


class Paired(Framed):
    """The list on the left, what it is about on the right; under 80 columns below.

    A subclass says what is in both, and in the line above them. ``words`` is what a person filters by.
    """

    CSS_PATH = "paired.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-stacked"), (80, "-two")]  # noqa: RUF012 - as Screen has it
    filter_words: ClassVar[str] = "filter"

    def __init__(self, desk: Desk, panel: Panel, beside: Panel) -> None:
        super().__init__(desk, panel)
        self.words = ""
        self.list = LineList(panel, id="pair-list", classes="panel")
        self.list.steady = True
        self.list.follow = self._pointed
        self.side = LineList(beside, id="pair-side", classes="panel")
        self.side.follow = self._pointed
        self._line = Bar(id="pair-line")
        self._filter = Input(id="pair-filter", placeholder=self.filter_words, compact=True)

    def body(self) -> ComposeResult:
        """The line, the filter, and both lists."""
        yield self._line
        yield self._filter
        with Row(id="pair"):
            yield self.list
            yield self.side

    def on_mount(self) -> None:
        """The list has the keys."""
        self.set_focus(self.list)

    # -- for a subclass --------------------------------------------------------------------------

    def listed(self) -> Shown:
        """What the list shows."""
        return NOTHING

    def beside(self, cells: int) -> Shown:
        """What is known of what is under the list's cursor."""
        return NOTHING

    def line(self, cells: int) -> Line:
        """What stands above both."""
        return ()

    def look(self) -> None:
        """The cursor is on something else: say in ``spot`` what that is."""

    # -- drawing ---------------------------------------------------------------------------------

    def seams(self) -> tuple[Seam, ...]:
        """Between both."""
        return between(self.name_of_mode, self.list, self.app.size.width, self.list.panel, self.side.panel)

    def draw(self, moved: Moved) -> None:
        """Both lists: they build what is seen alone."""
        self.draw_list()
        self.draw_side()

    def draw_list(self) -> None:
        """The list, and the line above."""
        shown = self.listed()
        self.list.border_title = Content(cut(plain(shown.title), TITLE))
        self.list.show(shown.rows, shown.words)
        self._line.show(lambda cells: (self.line(max(1, cells)), ()))
        self.look()

    def draw_side(self) -> None:
        """What is beside it."""
        shown = self.beside(max(20, self.side.size.width - 2))
        self.side.border_title = Content(cut(plain(shown.title), TITLE))
        self.side.show(shown.rows, shown.words)

    @on(Sized)
    def _sized(self, message: Sized) -> None:
        if message.panel is self.side.panel:
            self.draw_side()
        else:
            self.draw_list()

    def on_resize(self, event: Resize) -> None:
        """Under 60 columns there is room for one of both."""
        self._fit()

    def _fit(self) -> None:
        single = self.app.size.width < SINGLE
        self.list.display, self.side.display = not single or self.in_list, not single or not self.in_list

    # -- moving ----------------------------------------------------------------------------------

    def _enter(self, chosen: LineList) -> None:
        self.panel = chosen.panel
        self._fit()
        self.set_focus(chosen)

    def action_next_panel(self) -> None:
        """The other one."""
        self._enter(self.side if self.in_list else self.list)

    def action_previous_panel(self) -> None:
        """The other one."""
        self.action_next_panel()

    @property
    def in_list(self) -> bool:
        """Whether the keys go to the list, and not to what is beside it."""
        return self.panel is self.list.panel

    def _pointed(self, panel: Panel, _key: str) -> None:
        self.look()
        if panel is self.list.panel:
            self.draw_side()
            self.side.action_first()
        self.draw_frame()

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """The list that has the focus gives the footer its keys."""
        if event.widget is self.focused and event.widget in {self.list, self.side}:
            self.panel = self.side.panel if event.widget is self.side else self.list.panel
            self.look()
            self.draw_frame()

    @on(Chosen)
    def _chosen(self, message: Chosen) -> None:
        if message.panel is self.list.panel:
            self._enter(self.side)
        else:
            self.opened(message.key)

    def opened(self, key: str) -> None:
        """A row beside the list was opened."""

    def home(self) -> None:
        """The first row."""
        self._enter(self.list)
        self.list.action_first()

    def action_back(self) -> None:
        """To the list, without its filter, and then to where one came from."""
        if self._filter.has_class("-shown") or self.words:
            self.end_filter()
        elif not self.in_list:
            self._enter(self.list)
        else:
            super().action_back()

    # -- filter ----------------------------------------------------------------------------------

    def action_search(self) -> None:
        """Type what the list is filtered by."""
        self._filter.add_class("-shown")
        self.set_focus(self._filter)

    def end_filter(self) -> None:
        """Show everything again."""
        self._filter.value = ""
        self._filter.remove_class("-shown")
        self.filtered("")
        self._enter(self.list)

    def filtered(self, words: str) -> None:
        """Show only what has these words."""
        self.words = words
        self.redraw()

    @on(Input.Changed, "#pair-filter")
    def _typed(self, event: Input.Changed) -> None:
        self.filtered(event.value.strip())

    @on(Input.Submitted, "#pair-filter")
    def _searched(self) -> None:
        if not self.words:
            self._filter.remove_class("-shown")
        self._enter(self.list)
