"""Details: all there is about one task or one session, in tabs."""

from collections.abc import Callable, Mapping
from contextlib import aclosing
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content

from maestro_tui.bindings import Panel, Place
from maestro_tui.cells import cut, plain
from maestro_tui.deeds import Refused, tick_subtask
from maestro_tui.desk import Desk
from maestro_tui.lines import FixedRows, Rows
from maestro_tui.messages import Chosen, Sized
from maestro_tui.mirror import UNKNOWN, Moved
from maestro_tui.readings import Checked, Explained, Letters, R, reading
from maestro_tui.screens.diff import Diff
from maestro_tui.screens.framed import Framed
from maestro_tui.spotlight import Subject
from maestro_tui.view.details import task_details
from maestro_tui.view.queue import queue_rows
from maestro_tui.view.sessions import pane_words, session_title
from maestro_tui.view.tabs import (
    OF_SESSION,
    OF_TASK,
    Tab,
    attempt_rows,
    check_rows,
    doc_rows,
    explain_rows,
    mail_rows,
    subtask_rows,
    tabs_line,
    task_rows,
)
from maestro_tui.view.timeline import WHOLE, timeline_rows
from maestro_tui.widgets.bar import Bar
from maestro_tui.widgets.kept import Column
from maestro_tui.widgets.line_list import LineList, bound
from maestro_tui.widgets.live_pane import LivePane
from maestrod.domain.model import Noun, QueueItem, Session, Subtask, Task

LONGEST = 120
EMPTY: Mapping[Tab, str] = {
    Tab.SUBTASKS: "no checklist",
    Tab.SESSIONS: "nobody has worked on it yet: s starts an agent",
    Tab.TIMELINE: "nothing reported yet",
    Tab.DOCS: "no documents",
    Tab.CHECKS: "no checks: completing it needs no proof",
    Tab.TASKS: "no tasks",
    Tab.QUEUE: "no queue",
    Tab.MAIL: "no mail",
}
READ: Mapping[Tab, str] = {
    Tab.CHECKS: "/tasks/{}/checks",
    Tab.EXPLAIN: "/sessions/{}/explain",
    Tab.MAIL: "/mail/inbox/{}?limit=100",
}
"""What is read when its tab is opened, and again by F5."""
AGING = frozenset({Tab.DETAILS, Tab.SESSIONS, Tab.MAIL, Tab.DOCS, Tab.CHECKS, Tab.EXPLAIN})
"""Tabs that say how long ago something was."""


class Details(Framed):
    """One subject in tabs; opening another one keeps the way back."""

    name_of_mode = "details"
    CSS_PATH = "details.tcss"
    BINDINGS: ClassVar[list[BindingType]] = bound(Place.DETAILS)

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk, Panel.DETAILS)
        self._tabs = {Noun.TASK: Tab.DETAILS, Noun.SESSION: Tab.SCREEN}
        self._before: list[Subject] = []
        self._read: dict[tuple[str, Tab], bytes | Refused] = {}
        self._followed: object = None
        self._bar = Bar(id="detail-tabs")
        self._title = Bar(id="detail-title")
        self._list = LineList(Panel.DETAILS, id="detail-list")
        self._pane = LivePane(id="detail-pane")
        self._diff = Diff(desk, id="detail-diff")
        parts = (self._title, self._bar, self._list, self._pane, self._diff)
        self._box = Column(*parts, id="detail", classes="panel")

    def body(self) -> ComposeResult:
        """The title, the tabs, and what is in the one that is open."""
        yield self._box

    # -- what it is about ------------------------------------------------------------------------

    def entered(self, subject: Subject | None = None) -> None:
        """It is about what one comes with from another screen."""
        if subject is not None and subject[0] in self._tabs:
            self._before = []
            self._take(subject)
        super().entered(subject)

    def go_to(self, noun: Noun, id_: str) -> bool:
        """Any task and any session."""
        if noun not in self._tabs:
            return False
        if self.spot.subject not in {None, (noun, id_)}:
            assert self.spot.subject is not None
            self._before.append(self.spot.subject)
        self._take((noun, id_))
        return True

    def _take(self, subject: Subject) -> None:
        self.spot.subject = subject
        self._read.clear()
        if self.is_mounted:
            self._open()

    def on_mount(self) -> None:
        """What was asked for before it was there."""
        self._open()

    @property
    def tabs(self) -> tuple[Tab, ...]:
        """Those of the subject."""
        return OF_SESSION if self.spot.session is not None else OF_TASK

    @property
    def tab(self) -> Tab:
        """The one that is open."""
        return self._tabs[Noun.SESSION if self.spot.session is not None else Noun.TASK]

    def _open(self) -> None:
        shown = {Tab.SCREEN: self._pane, Tab.DIFF: self._diff}.get(self.tab, self._list)
        for each in (self._pane, self._diff, self._list):
            each.set_class(each is not shown, "-hidden")
        self.panel = Panel.DIFF if shown is self._diff else Panel.DETAILS
        self.set_focus(shown)
        self._list.action_first()
        self.redraw()
        self.begin(self._fetch, group="read", alone=True)

    async def _fetch(self) -> None:
        subject, tab = self.spot.subject, self.tab
        if subject is None:
            return
        if tab is Tab.DIFF:
            await self._diff.read(subject[1])
        elif tab in READ:
            self._read[subject[1], tab] = await self.desk.told(READ[tab].format(subject[1]))
            self._draw_tab()
        elif tab is not Tab.SCREEN:
            await self.desk.fetch(subject, docs=tab is Tab.DOCS)
            self._draw_tab()

    # -- drawing ---------------------------------------------------------------------------------

    def draw(self, moved: Moved) -> None:
        """All of it, when anything moved: it is one screenful."""
        if self.spot.subject is not None and self.spot.entity is None and self.desk.mirror.whole:
            self._step_back()
            self._open()
            return
        self._draw_title()
        self._draw_tab()
        self._follow()

    def age(self) -> None:
        """Ages move."""
        self._draw_title()
        if self.tab in AGING:
            self._draw_tab()

    def _draw_title(self) -> None:
        mirror, now = self.desk.mirror, self.desk.moment().now
        self._box.border_title = Content(cut(plain(self.spot.name), LONGEST)) or "Details"
        session = self.spot.session
        self._title.set_class(session is None, "-hidden")
        if session is not None:
            live = mirror.live.get(session.id, UNKNOWN)
            self.desk.see(session.id)
            self._title.show(lambda cells: (session_title(session, live, now, cells), ()))
        tabs, tab = self.tabs, self.tab
        self._bar.show(lambda cells: tabs_line(tabs, tab, cells))

    def _draw_tab(self) -> None:
        entity = self.spot.entity
        if self.tab is Tab.DIFF and isinstance(entity, Session):
            self._diff.show_of(entity)
            return
        cells = max(20, self._list.size.width - 2)
        words = EMPTY.get(self.tab, "")
        rows: Rows = FixedRows([])
        if isinstance(entity, Task):
            rows = self._of_task(entity, cells)
        elif isinstance(entity, Session):
            rows = self._of_session(entity, cells)
        elif self.desk.mirror.whole:
            words = "put the cursor on a task or a session first, then press v"
        told = self._read.get((self.spot.subject[1], self.tab)) if self.spot.subject is not None else None
        if isinstance(told, Refused):
            words = plain(told.words)
        elif told is None and self.tab in READ:
            words = "… reading"
        self._list.show(rows, words)

    def _of_task(self, task: Task, cells: int) -> Rows:
        mirror, moment = self.desk.mirror, self.desk.moment()
        match self.tab:
            case Tab.SUBTASKS:
                return subtask_rows(mirror, task, cells)
            case Tab.SESSIONS:
                return attempt_rows(mirror, task, moment, cells)
            case Tab.TIMELINE:
                return timeline_rows(mirror.state, "task", task.id, moment, cells, most=WHOLE)
            case Tab.DOCS:
                return doc_rows(mirror, Noun.TASK, task.id, moment, cells)
            case Tab.CHECKS:
                return self._told(task.id, Checked, lambda told: check_rows(told, moment, cells))
            case _:
                lines = task_details(mirror, task, moment, cells)
                return FixedRows([(str(at), line) for at, line in enumerate(lines)])

    def _of_session(self, session: Session, cells: int) -> Rows:
        mirror, moment = self.desk.mirror, self.desk.moment()
        match self.tab:
            case Tab.TIMELINE:
                return timeline_rows(mirror.state, "session", session.id, moment, cells, most=WHOLE)
            case Tab.TASKS:
                return task_rows(mirror, session, cells)
            case Tab.QUEUE:
                return queue_rows(mirror.state, session.id, cells)
            case Tab.MAIL:
                return self._told(session.id, Letters, lambda told: mail_rows(told, moment, cells))
            case Tab.EXPLAIN:
                return self._told(session.id, Explained, lambda told: explain_rows(told, moment, cells))
            case _:
                return FixedRows([])

    def _told(self, id_: str, kind: type[R], build: Callable[[R], Rows]) -> Rows:
        body = self._read.get((id_, self.tab))
        told = reading(kind, body) if isinstance(body, bytes) else None
        return build(told) if told is not None else FixedRows([])

    def _follow(self) -> None:
        session = self.spot.session if self.tab is Tab.SCREEN else None
        followed = (session.id, session.pane, session.status) if session is not None else None
        if followed == self._followed:
            return
        self._followed = followed
        self.workers.cancel_group(self, "pane")
        self._pane.say(pane_words(session) if session is not None else "")
        if session is not None and session.pane is not None:
            self.begin(self._follow_pane, group="pane", alone=True)

    async def _follow_pane(self) -> None:
        session = self.spot.session
        if session is None:
            return
        async with aclosing(self.desk.screens(session.id)) as screens:
            async for screen in screens:
                if isinstance(screen, str):
                    self._pane.say(screen)
                else:
                    self._pane.draw(screen.text, width=screen.width, cursor=(screen.cursor_x, screen.cursor_y))

    def left(self) -> None:
        """Nobody looks: the pane is not followed."""
        self._followed = None
        self.workers.cancel_group(self, "pane")

    # -- keys ------------------------------------------------------------------------------------

    def action_tab(self, step: int) -> None:
        """The tab beside this one; behind the last is the first."""
        self._show_tab(self.tabs[(self.tabs.index(self.tab) + step) % len(self.tabs)])

    def action_show_tab(self, name: str) -> None:
        """The tab of this name."""
        self._show_tab(Tab[name])

    def _show_tab(self, tab: Tab) -> None:
        self._tabs[Noun.SESSION if self.spot.session is not None else Noun.TASK] = tab
        self._open()

    def action_read_again(self) -> None:
        """Read the tab again."""
        self.begin(self._fetch, group="read", alone=True)

    def action_back(self) -> None:
        """From marked lines to none, to what was shown before, then to the screen where one came from."""
        if self.tab is Tab.DIFF and self._diff.unmark():
            return
        if self._before:
            self._step_back()
            self._open()
        else:
            super().action_back()

    def _step_back(self) -> None:
        self.spot.subject = self._before.pop() if self._before else None
        self._read.clear()

    @on(Sized)
    def _sized(self) -> None:
        self._draw_tab()

    @on(Chosen)
    def _chosen(self, message: Chosen) -> None:
        state = self.desk.mirror.state
        if self.tab is Tab.SUBTASKS and isinstance(item := state.table(Noun.SUBTASK).get(message.key), Subtask):
            self.doer.ask(tick_subtask(item))
        elif self.tab is Tab.SESSIONS and message.key in state.table(Noun.SESSION):
            self.go_to(Noun.SESSION, message.key)
        elif self.tab is Tab.TASKS:
            self.go_to(Noun.TASK, message.key)
        elif self.tab is Tab.QUEUE and isinstance(queued := state.table(Noun.ITEM).get(message.key), QueueItem):
            self.go_to(Noun.TASK, queued.task_id)
