"""The panel in the middle: a session's live pane, or all that is known of a task or project."""

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget

from maestro_tui.bindings import Panel
from maestro_tui.cells import cut, plain
from maestro_tui.lines import FixedRows, Line
from maestro_tui.mirror import Live
from maestro_tui.view.sessions import session_title
from maestro_tui.widgets.bar import Bar
from maestro_tui.widgets.guarded import Guarded
from maestro_tui.widgets.kept import Kept
from maestro_tui.widgets.line_list import LineList
from maestro_tui.widgets.typing_pane import TypingPane
from maestrod.domain.model import Session

LONGEST = 120
"""Cells of a name that are handed to the border, which cuts it to the width there is."""


class Centre(Kept, Guarded, Vertical):
    """Shows one or the other; the name of what is shown is in the border."""

    def __init__(self, *, id: str, classes: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, classes=classes)
        self.live = TypingPane(id="live")
        self._leave = ""
        self.details = LineList(Panel.PANE, id="details")
        self._title = Bar(id="pane-title")
        self.border_title = str(Panel.PANE)
        self._session_shown(shown=False)

    def compose(self) -> ComposeResult:
        """Both, one of them hidden."""
        yield self._title
        yield self.live
        yield self.details

    @property
    def listening(self) -> Widget:
        """What takes the keys."""
        return self.details if self.live.has_class("-hidden") else self.live

    @property
    def cells(self) -> int:
        """The width that text has."""
        return max(20, self.details.size.width - 2)

    def show_session(self, session: Session, live: Live, now: int) -> None:
        """Show a session; its pane is drawn by whoever follows it."""
        self._call(session.name)
        self._session_shown(shown=True)
        self._title.show(lambda cells: (session_title(session, live, now, cells), ()))

    def show_lines(self, name: str, lines: list[Line]) -> None:
        """Show what is known of something."""
        self._call(name)
        self._session_shown(shown=False)
        self.details.show(FixedRows([(f"{name} {at}", line) for at, line in enumerate(lines)]), "nothing is selected")

    def mark_typing(self, leave: str) -> None:
        """Say in the border that keys go to the agent, and which one leaves; nothing when they do not."""
        self._leave = leave
        self.set_class(bool(leave), "-typing")
        self.border_subtitle = f"LIVE · {leave} leaves" if leave else None

    def _call(self, name: str) -> None:
        title = f"LIVE · {plain(name)}" if self._leave else plain(name)
        self.border_title = Content(cut(title, LONGEST)) if name else str(Panel.PANE)

    def _session_shown(self, *, shown: bool) -> None:
        self.live.set_class(not shown, "-hidden")
        self._title.set_class(not shown, "-hidden")
        self.details.set_class(shown, "-hidden")
