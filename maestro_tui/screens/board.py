"""Board: every task as a card in the column of its status; moving a card is the command."""

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.events import DescendantFocus, Resize
from textual.widgets import Input

from maestro_tui.awaited import Awaited
from maestro_tui.bindings import Panel, Place
from maestro_tui.deeds import move_to, why_not
from maestro_tui.desk import Desk
from maestro_tui.lanes import COLUMNS, Lanes, column_of
from maestro_tui.lines import cropped
from maestro_tui.messages import Chosen
from maestro_tui.mirror import Moved
from maestro_tui.screens.framed import Framed
from maestro_tui.view.board import CardRows, board_line, column_title, projects, shown_columns
from maestro_tui.view.tasks import find_tasks
from maestro_tui.widgets.bar import Bar
from maestro_tui.widgets.kept import Row
from maestro_tui.widgets.line_list import LineList, bound
from maestrod.domain.model import Noun, Task, TaskStatus

ALL = 1_000_000
"""A search on the board finds all there is: cards are built when they are seen."""


class Board(Framed):
    """As many columns as there is room for, the one with the cursor among them."""

    name_of_mode = "board"
    CSS_PATH = "board.tcss"
    BINDINGS: ClassVar[list[BindingType]] = bound(Place.BOARD)

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk, Panel.BOARD)
        self._columns = [_column(at) for at in range(len(COLUMNS))]
        for each in self._columns:
            each.follow = self._pointed
        self._at = 0
        self._project_id = ""
        self._words = ""
        self._found: Sequence[str] | None = None
        self._carried, self._coming = Awaited(), Awaited()
        self._drawing = False
        self._settled = False
        self._line = Bar(id="board-line")
        self._search = Input(id="filter", placeholder="filter the cards", compact=True)

    def body(self) -> ComposeResult:
        """What is shown, and the columns."""
        yield self._line
        yield self._search
        with Row(id="board"):
            yield from self._columns

    def on_mount(self) -> None:
        """The cards are sorted from now on."""
        self.desk.mirror.sort_cards()
        self.set_focus(self._columns[self._at])

    # -- drawing ---------------------------------------------------------------------------------

    @property
    def lanes(self) -> Lanes:
        """The cards of the mirror."""
        return self.desk.mirror.sort_cards()

    def draw(self, moved: Moved) -> None:
        """The columns, when tasks or who works on them have changed."""
        if moved.everything or moved.nouns & {Noun.TASK, Noun.PROJECT, Noun.SESSION, Noun.ASSIGNMENT, Noun.CHECK}:
            if moved.everything or Noun.TASK in moved.nouns:
                self._find_again()
            self._draw_columns()

    def age(self) -> None:
        """Ages move."""
        for column in self._columns:
            column.repaint()

    def _draw_columns(self) -> None:
        before, self._drawing = self._drawing, True
        try:
            self._draw_all()
        finally:
            self._drawing = before

    def _draw_all(self) -> None:
        mirror, alone = self.desk.mirror, self._project_id
        found = self.lanes.found(self._found, alone) if self._found is not None else None
        counts = []
        for at, column in enumerate(self._columns):
            ids = found[at] if found is not None else self.lanes.cards(alone, at)
            words = COLUMNS[at].words if found is None else "nothing found"
            column.show(CardRows(mirror, ids, self.desk.moment, of_all=not alone), words if mirror.whole else "")
            column.border_title = column_title(COLUMNS[at], len(ids))
            counts.append(len(ids))
        self._choose_first(counts)
        shown = shown_columns(self.app.size.width, self._at)
        line = board_line(mirror.state, alone, self._words, counts, shown)
        self._line.show(lambda cells: (cropped(line, cells), ()))
        self._follow_carried()
        self._arrive()
        self._look()

    def _choose_first(self, counts: Sequence[int]) -> None:
        """At first the cursor is where there is something."""
        if self._settled or not self.desk.mirror.whole:
            return
        self._settled = True
        at = next((at for at, number in enumerate(counts) if number), 0)
        if at != self._at:
            self._enter(at)

    def _follow_carried(self) -> None:
        """A card that was moved keeps the cursor, in the column where it stands now."""
        id_ = self._carried.id
        at = self._column_with(id_)
        if at is not None and at != self._at and self._columns[at].point(id_):
            self._carried.expect("")
            self._enter(at)

    def come_to(self, noun: Noun, id_: str) -> None:
        """The card, here and where it goes next: the change may be yet to come."""
        if noun is Noun.TASK:
            self._coming.expect(id_)
            self._arrive()
            self._carried.expect(id_)

    def _arrive(self) -> None:
        id_ = self._coming.id
        at = self._column_with(id_)
        if at is not None and self._columns[at].point(id_):
            self._coming.expect("")
            if at != self._at:
                self._enter(at)

    def _column_with(self, task_id: str) -> int | None:
        task = self.desk.mirror.state.table(Noun.TASK).get(task_id)
        return column_of(task) if isinstance(task, Task) else None

    def _look(self) -> None:
        key = self._columns[self._at].key
        self.spot.subject = (Noun.TASK, key) if key else None
        if not key and self._project_id:
            self.spot.subject = (Noun.PROJECT, self._project_id)

    def on_resize(self, event: Resize) -> None:
        """Columns come and go with the width."""
        self._fit()

    def _fit(self) -> None:
        shown = shown_columns(self.app.size.width, self._at)
        for at, column in enumerate(self._columns):
            column.set_class(at not in shown, "-hidden")

    # -- moving the cursor -----------------------------------------------------------------------

    def _pointed(self, _panel: Panel, _key: str) -> None:
        if not self._drawing:
            self._forget_cards()
        self._look()
        self.draw_frame()

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """The column that has the focus has the cursor."""
        if event.widget is self.focused and event.widget in self._columns:
            self._at = self._columns.index(event.widget)
            self._look()
            self.draw_frame()

    def _enter(self, at: int) -> None:
        self._at = at
        self._fit()
        self.set_focus(self._columns[at])
        self._draw_columns()
        self.draw_frame()

    def _walk_to(self, at: int) -> None:
        """A person goes there: no card that they made or moved before takes them away."""
        self._forget_cards()
        self._enter(at)

    def _forget_cards(self) -> None:
        self._carried.expect("")
        self._coming.expect("")

    def action_column(self, step: int) -> None:
        """The column beside this one."""
        self._walk_to(max(0, min(self._at + step, len(COLUMNS) - 1)))

    def action_next_panel(self) -> None:
        """The next column; after the last the first."""
        self._walk_to((self._at + 1) % len(COLUMNS))

    def action_previous_panel(self) -> None:
        """The column before."""
        self._walk_to((self._at - 1) % len(COLUMNS))

    def go_to(self, noun: Noun, id_: str) -> bool:
        """A task that is on the board."""
        task = self.desk.mirror.state.table(Noun.TASK).get(id_)
        if noun is not Noun.TASK or not isinstance(task, Task) or (at := column_of(task)) is None:
            return False
        self._end_filter()
        if self._project_id not in {"", task.project_id}:
            self._project_id = ""
        self._draw_columns()
        self._enter(at)
        return self._columns[at].point(id_)

    @on(Chosen)
    def _chosen(self, message: Chosen) -> None:
        self.doer.show_details(Noun.TASK, message.key)

    # -- moving cards ----------------------------------------------------------------------------

    def action_carry(self, step: int) -> None:
        """Move the card to the column beside it."""
        at = self._at + step
        if (task := self.spot.task) is not None and 0 <= at < len(COLUMNS):
            self._carry(task, COLUMNS[at].becomes)

    def action_block(self) -> None:
        """Block the task, or let it go on."""
        if (task := self.spot.task) is not None:
            self._carry(task, TaskStatus.TODO if task.status is TaskStatus.BLOCKED else TaskStatus.BLOCKED)

    def _carry(self, task: Task, status: TaskStatus) -> None:
        deed = move_to(task, status)
        if deed is None:
            self.notify(why_not(task, status), severity="warning", markup=False)
            return
        self._carried.expect(task.id)
        self.doer.ask(deed)

    # -- filters ---------------------------------------------------------------------------------

    def action_project(self) -> None:
        """The cards of the next project alone; after the last those of all."""
        known = ["", *(project.id for project in projects(self.desk.mirror.state))]
        at = known.index(self._project_id) if self._project_id in known else 0
        self._project_id = known[(at + 1) % len(known)]
        self._draw_columns()
        self.draw_frame()

    def action_search(self) -> None:
        """Type what the cards are filtered by."""
        self._search.add_class("-shown")
        self.set_focus(self._search)

    @on(Input.Changed, "#filter")
    def _typed(self, event: Input.Changed) -> None:
        self._words = event.value.strip()
        self._find_again()
        self._draw_columns()

    def _find_again(self) -> None:
        self._found = find_tasks(self.desk.mirror.state, self._words, most=ALL) if self._words else None

    @on(Input.Submitted, "#filter")
    def _searched(self) -> None:
        with_cards = [at for at, column in enumerate(self._columns) if column.key]
        self._search.remove_class("-shown")
        self._walk_to(self._at if self._at in with_cards or not with_cards else with_cards[0])

    def _end_filter(self) -> None:
        self._search.value, self._words, self._found = "", "", None
        self._search.remove_class("-shown")

    def action_back(self) -> None:
        """End the filter, or go to where one came from."""
        if self._words or self._search.has_class("-shown"):
            self._end_filter()
            self._draw_columns()
            self._enter(self._at)
        else:
            super().action_back()

    def home(self) -> None:
        """The first column."""
        self._walk_to(0)


def _column(at: int) -> LineList:
    made = LineList(Panel.BOARD, id=f"column-{at}", classes="panel column")
    made.border_title = COLUMNS[at].title
    return made
