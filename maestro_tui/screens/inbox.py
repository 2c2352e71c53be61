"""Needs you: who waits for a person, the whole question, and its screen; answered in place."""

from contextlib import aclosing
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content

from maestro_tui.bindings import Panel, Place
from maestro_tui.desk import Desk
from maestro_tui.lines import FixedRows
from maestro_tui.messages import Chosen, Sized
from maestro_tui.mirror import Moved
from maestro_tui.screens.framed import Framed
from maestro_tui.screens.seams import SINGLE, Seam, between
from maestro_tui.spotlight import Subject
from maestro_tui.view.inbox import WaitingRows, question_lines, question_title, unseen
from maestro_tui.view.sessions import inbox, pane_words
from maestro_tui.widgets.kept import Column, Row
from maestro_tui.widgets.line_list import LineList, QuestionList, bound
from maestro_tui.widgets.live_pane import LivePane
from maestrod.domain.model import Noun

LEAST = 3
"""Lines that the question has at least."""
PANE = 6
"""Lines that are left to the pane where there are some to spare; a question is shown whole before its screen is."""
QUIET = "What your agents ask is shown here, and answered here: y yes, n no, 1-9 a choice, i in words."


class Inbox(Framed):
    """Who waits on the left, what is asked and the agent's screen on the right; under 80 columns below."""

    name_of_mode = "inbox"
    CSS_PATH = "inbox.tcss"
    BINDINGS: ClassVar[list[BindingType]] = bound(Place.INBOX)
    HORIZONTAL_BREAKPOINTS = [(0, "-stacked"), (80, "-two")]  # noqa: RUF012 - as Screen has it

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk, Panel.INBOX)
        self._waiting = QuestionList(Panel.INBOX, id="waiting", classes="panel")
        self._waiting.follow = self._pointed
        self._question = LineList(Panel.PANE, id="question")
        self._question.can_focus = False
        self._pane = LivePane(id="asking-pane")
        self._followed: object = None

    def body(self) -> ComposeResult:
        """The list, and beside it the question over the pane."""
        with Row(id="inbox-body"):
            yield self._waiting
            with Column(id="asked", classes="panel"):
                yield self._question
                yield self._pane

    def on_mount(self) -> None:
        """The list has the keys."""
        self.set_focus(self._waiting)

    def entered(self, subject: Subject | None = None) -> None:
        """One comes to answer."""
        super().entered(subject)
        self._waiting.take_up()

    # -- drawing ---------------------------------------------------------------------------------

    def seams(self) -> tuple[Seam, ...]:
        """Between the list and what is asked."""
        return between(self.name_of_mode, self._waiting, self.app.size.width, Panel.INBOX)

    def draw(self, moved: Moved) -> None:
        """The list, and what is under its cursor."""
        if moved.everything or moved.nouns & {Noun.SESSION, Noun.TASK}:
            self._draw_list()
            self._draw_question()

    def age(self) -> None:
        """Waiting grows."""
        self._draw_list()
        self._draw_question()

    def _draw_list(self) -> None:
        mirror = self.desk.mirror
        waiting, over = inbox(mirror), unseen(mirror)
        rows = WaitingRows(mirror, self.desk.asking, [*waiting, *over], self.desk.moment())
        self._waiting.show(rows, "nobody waits for you" if mirror.whole else "")
        self._waiting.border_title = f"{Panel.INBOX} ({len(waiting)})" if waiting else str(Panel.INBOX)
        self._waiting.border_subtitle = f"{len(over)} unseen" if over else ""
        self.spot.subject = (Noun.SESSION, self._waiting.key) if self._waiting.key else None

    def _draw_question(self) -> None:
        session, mirror = self.spot.session, self.desk.mirror
        asked = self.query_one("#asked")
        if session is None:
            asked.border_title = "Question"
            self._question.show(FixedRows([]), QUIET if mirror.whole else "")
            self._question.styles.height = "1fr"
        else:
            asked.border_title = Content(question_title(session, mirror, self.desk.moment().now))
            cells = max(20, self._question.size.width - 2)
            lines = question_lines(mirror, self.desk.asking, session, cells)
            self._question.show(FixedRows([(f"{session.id} {at}", line) for at, line in enumerate(lines)]))
            inner = asked.size.height
            room = inner - PANE if inner > 2 * PANE else inner
            self._question.styles.height = max(LEAST, min(len(lines) + 1, room))
        self._pane.set_class(session is None or self.app.size.width < SINGLE, "-hidden")
        self._follow()

    def _follow(self) -> None:
        session = self.spot.session
        followed = (session.id, session.pane, session.status) if session is not None else None
        if followed != self._followed:
            self._followed = followed
            self._pane.say(pane_words(session) if session is not None else "")
            self.begin(self._follow_pane, group="pane", alone=True)

    async def _follow_pane(self) -> None:
        session = self.spot.session
        if session is None or session.pane is None:
            return
        async with aclosing(self.desk.screens(session.id)) as screens:
            async for screen in screens:
                if isinstance(screen, str):
                    self._pane.say(screen)
                else:
                    self._pane.draw(screen.text, width=screen.width, cursor=(screen.cursor_x, screen.cursor_y))

    # -- moving ----------------------------------------------------------------------------------

    def _pointed(self, _panel: Panel, key: str) -> None:
        self.spot.subject = (Noun.SESSION, key) if key else None
        self._draw_question()
        self.draw_frame()

    @on(Chosen)
    def _chosen(self, message: Chosen) -> None:
        if message.panel is Panel.INBOX:
            self.doer.show_on_mission(Noun.SESSION, message.key)

    @on(Sized)
    def _sized(self) -> None:
        self._draw_question()

    def go_to(self, noun: Noun, id_: str) -> bool:
        """Only those who wait can be gone to."""
        return noun is Noun.SESSION and self._waiting.point(id_)

    def action_next_needing(self) -> None:
        """The next who waits; after the last the first."""
        waiting = inbox(self.desk.mirror)
        if not waiting:
            self.notify("Nobody waits for you.")
            return
        at = waiting.index(self._waiting.key) + 1 if self._waiting.key in waiting else 0
        self._waiting.point(waiting[at % len(waiting)])

    def left(self) -> None:
        """Nobody looks: the pane is not followed."""
        self._followed = None
        self.workers.cancel_group(self, "pane")

    def home(self) -> None:
        """The one who waits longest."""
        self._waiting.action_first()
