"""Mission: tasks, sessions, the live pane, and who needs you, on one screen."""

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.events import DescendantFocus, Resize
from textual.widget import Widget
from textual.widgets import Input

from maestro_tui import frame
from maestro_tui.awaited import Awaited
from maestro_tui.bindings import MISSION, Panel, Place
from maestro_tui.desk import Desk
from maestro_tui.lines import NoRows, Rows
from maestro_tui.messages import Chosen, Folded, Sized
from maestro_tui.mirror import UNKNOWN, Moved
from maestro_tui.screens.live import Live
from maestro_tui.screens.seams import STACKED, THREE, Seam, on_mission
from maestro_tui.spotlight import Subject
from maestro_tui.view.details import project_details, task_details, welcome
from maestro_tui.view.inbox import WaitingRows
from maestro_tui.view.queue import queue_rows, queue_title
from maestro_tui.view.sessions import SessionRows, inbox, session_order
from maestro_tui.view.tasks import FoundTasks, TaskTree, find_tasks, no_tasks
from maestro_tui.view.timeline import timeline_rows
from maestro_tui.view.words import FOUND, narrows
from maestro_tui.widgets.bar import Bar
from maestro_tui.widgets.kept import Box, Column, Row
from maestro_tui.widgets.line_list import LineList, QuestionList, TreeList, bound
from maestrod.domain.model import LIVE_SESSION, Noun, Project, QueueItem, Session, Task

IDS = {
    Panel.TASKS: "tasks",
    Panel.SESSIONS: "sessions",
    Panel.PANE: "centre",
    Panel.INBOX: "inbox",
    Panel.QUEUE: "queue",
    Panel.TIMELINE: "timeline",
}
HOLDERS = {
    Panel.TASKS: ("left",),
    Panel.SESSIONS: ("left",),
    Panel.PANE: ("rest",),
    Panel.INBOX: ("rest", "side"),
    Panel.QUEUE: ("rest", "side"),
    Panel.TIMELINE: ("rest", "side"),
}
"""What must be shown for a panel to be seen when there is room for one."""


class Mission(Live):
    """Three columns, two, or one panel at a time, by the width that there is. Looks; the app does."""

    name_of_mode = "mission"
    BINDINGS: ClassVar[list[BindingType]] = bound(Place.MISSION)
    HORIZONTAL_BREAKPOINTS = [(0, "-stacked"), (STACKED, "-two"), (THREE, "-three")]  # noqa: RUF012 - as Screen has it

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk, Panel.TASKS)
        self._came_from = Panel.TASKS
        self._found: Sequence[str] | None = None
        self._searched_for = ""
        self._told_of: Subject | None = None
        self._settled = False
        self._offered = False
        self._coming = Awaited()
        self._drawing = False
        self._tabs = Bar(id="tabs")
        self._lists: dict[Panel, LineList] = {panel: _panel(panel) for panel in MISSION if panel is not Panel.PANE}
        for each in self._lists.values():
            each.follow = self._pointed
        self._left, self._side = Column(id="left"), Box(id="side")
        self._search = Input(id="search", placeholder="search tasks", compact=True)

    def body(self) -> ComposeResult:
        """The panels."""
        yield self._tabs
        with Row(id="body"):
            with self._left:
                yield self._lists[Panel.TASKS]
                yield self._search
                yield self._lists[Panel.SESSIONS]
            with Box(id="rest"):
                yield self.centre
                with self._side:
                    yield self._lists[Panel.INBOX]
                    yield self._lists[Panel.QUEUE]
                    yield self._lists[Panel.TIMELINE]

    def on_mount(self) -> None:
        """Draw what is there, which at first is nothing."""
        self.set_focus(self.lines(Panel.TASKS))
        self._mark_current()

    def lines(self, panel: Panel) -> LineList:
        """The list of a panel."""
        return self._lists[panel]

    # -- drawing ---------------------------------------------------------------------------------

    def draw(self, moved: Moved) -> None:
        """Draw anew what has moved."""
        self._drawing = True
        self.check_typing()
        try:
            self._draw(moved)
        finally:
            self._drawing = False

    def _draw(self, moved: Moved) -> None:
        nouns = moved.nouns if not moved.everything else frozenset(Noun)
        if nouns & {Noun.PROJECT, Noun.TASK, Noun.ASSIGNMENT}:
            self._draw_tasks()
        if Noun.SESSION in nouns:
            self._draw_sessions()
        if nouns:
            self._choose_first()
            self._leave_what_is_gone()
            self._draw_subject(nouns)

    def age(self) -> None:
        """A second has passed: ages move."""
        self._draw_sessions()
        self._draw_centre()

    def draw_frame(self) -> None:
        """The names of the panels too, where there is room for one panel alone."""
        super().draw_frame()
        panel, waiting = self.panel, len(inbox(self.desk.mirror))
        self._tabs.show(lambda cells: frame.tabs(panel, waiting, cells))

    def _draw_tasks(self) -> None:
        mirror = self.desk.mirror
        words = no_tasks(mirror) if mirror.whole else ""
        rows: Rows = TaskTree(mirror.state, mirror.outline)
        if self._found is not None:
            rows, words = FoundTasks(mirror.state, self._found), "nothing found"
        self.lines(Panel.TASKS).show(rows, words)
        self._arrive()

    def _draw_sessions(self) -> None:
        mirror, moment = self.desk.mirror, self.desk.moment()
        waiting = inbox(mirror)
        sessions = SessionRows(mirror, session_order(mirror), moment)
        self.lines(Panel.SESSIONS).show(sessions, "no sessions yet: s starts one" if mirror.whole else "")
        asking = self.lines(Panel.INBOX)
        rows = WaitingRows(mirror, self.desk.asking, waiting, moment, room=(asking.size.height, asking.size.width - 2))
        asking.show(rows, "nobody waits for you" if mirror.whole else "")
        asking.border_title = f"{Panel.INBOX} ({len(waiting)})" if waiting else str(Panel.INBOX)

    def _draw_subject(self, nouns: frozenset[Noun] = frozenset(Noun)) -> None:
        if nouns != {Noun.TIMELINE} or self._told_of != self.spot.subject:
            self._draw_centre()
            self._draw_queue()
        if Noun.TIMELINE in nouns or self._told_of != self.spot.subject:
            self._draw_timeline()
        session = self.spot.session
        if session is not None:
            self.desk.see(session.id)
        self.attend()

    def _draw_centre(self) -> None:
        mirror, moment = self.desk.mirror, self.desk.moment()
        match self.spot.entity:
            case Session() as session:
                self.centre.show_session(session, mirror.live.get(session.id, UNKNOWN), moment.now)
            case Task() as task:
                self.centre.show_lines(task.title, task_details(mirror, task, moment, self.centre.cells))
            case Project() as project:
                self.centre.show_lines(project.name, project_details(mirror.state, project, self.centre.cells))
            case None:
                begin = mirror.whole and not mirror.state.table(Noun.PROJECT)
                lines = welcome(self.desk.keymap, self.centre.cells) if begin else []
                self.centre.show_lines("Welcome" if begin else "", lines)

    def _draw_queue(self) -> None:
        session = self.spot.session_about
        queue, state = self.lines(Panel.QUEUE), self.desk.mirror.state
        title = queue_title(state, session.id) if session is not None else ""
        queue.set_class(not title, "-hidden")
        self.set_class(bool(title), "-queued")
        if session is not None and title:
            queue.border_title = title
            queue.show(queue_rows(state, session.id, queue.size.width - 2))

    def _draw_timeline(self) -> None:
        timeline, self._told_of = self.lines(Panel.TIMELINE), self.spot.subject
        rows: Rows = NoRows()
        if self.spot.subject is not None and self.spot.subject[0] is not Noun.PROJECT:
            kind = "session" if self.spot.session is not None else "task"
            about = self.spot.subject[1]
            cells = timeline.size.width - 2
            rows = timeline_rows(self.desk.mirror.state, kind, about, self.desk.moment(), cells)
        timeline.show(rows, "nothing reported yet")

    # -- what is looked at -----------------------------------------------------------------------

    def look_at(self, noun: Noun, id_: str) -> None:
        """Show this task, project or session."""
        self._settled = self._settled or not self._drawing
        if (noun, id_) != self.spot.subject:
            self.spot.subject = (noun, id_)
            self._draw_subject()
            self.draw_frame()

    def go_to(self, noun: Noun, id_: str) -> bool:
        """Show it, with the cursor on it."""
        panel = Panel.SESSIONS if noun is Noun.SESSION else Panel.TASKS
        if panel is Panel.TASKS:
            self._end_search()
            self.desk.mirror.outline.reveal(id_)
            self._draw_tasks()
        self.lines(panel).point(id_)
        self._focus(panel)
        self.look_at(noun, id_)
        return True

    def come_to(self, noun: Noun, id_: str) -> None:
        """A task or a project, for who looks at the tasks; the change may be yet to come."""
        if noun is not Noun.SESSION:
            self._coming.expect(id_)
            self._arrive()

    def _arrive(self) -> None:
        """Not for who is elsewhere by now, or searches."""
        id_ = self._coming.id
        if self.panel is not Panel.TASKS or self.focused is self._search:
            self._coming.expect("")
        elif id_ and (id_ in self.desk.mirror.state.table(Noun.TASK) or self._noun_of(id_) is Noun.PROJECT):
            self._coming.expect("")
            self.go_to(self._noun_of(id_), id_)

    @property
    def session(self) -> Session | None:
        """In the list of those who wait it is the one under the cursor, whatever is in the middle."""
        if self.panel is not Panel.INBOX:
            return super().session
        found = self.desk.mirror.state.table(Noun.SESSION).get(self.lines(Panel.INBOX).key)
        return found if isinstance(found, Session) else None

    def home(self) -> None:
        """All panels, the tasks first."""
        self.remove_class("-wide")
        self._focus(Panel.TASKS)

    def entered(self, subject: Subject | None = None) -> None:
        """The pane is followed again."""
        super().entered(subject)
        self._draw_subject()

    def _choose_first(self) -> None:
        """Until a person has looked at something: the first live session, and till there is one the project."""
        mirror = self.desk.mirror
        if self._settled or not mirror.whole:
            return
        order = session_order(mirror)
        if order and mirror.state.session(order[0]).status in LIVE_SESSION:
            self.go_to(Noun.SESSION, order[0])
            self._settled = True
        elif not self._offered:
            self._offered = True
            self.lines(Panel.TASKS).point(self.desk.environ.get("MAESTRO_PROJECT_ID", ""))

    def _leave_what_is_gone(self) -> None:
        if self.spot.subject is not None and self.spot.entity is None:
            panel = Panel.TASKS if self.spot.subject[0] is not Noun.SESSION else Panel.SESSIONS
            key = self.lines(panel).key
            self.spot.subject = (self._noun_of(key) if panel is Panel.TASKS else Noun.SESSION, key) if key else None
            if self.panel is Panel.PANE:
                self._focus(panel)

    # -- what lists say --------------------------------------------------------------------------

    def _pointed(self, panel: Panel, key: str) -> None:
        if panel is not self.panel or not key:
            return
        if panel is Panel.TASKS:
            self._coming.expect("")
            self.look_at(self._noun_of(key), key)
        elif panel in {Panel.SESSIONS, Panel.INBOX}:
            self.look_at(Noun.SESSION, key)

    @on(Chosen)
    def _chosen(self, message: Chosen) -> None:
        if message.panel is Panel.TASKS:
            self._choose_task(message.key)
        elif message.panel in {Panel.SESSIONS, Panel.INBOX}:
            self.look_at(Noun.SESSION, message.key)
            self._focus(Panel.PANE)
        elif message.panel is Panel.QUEUE:
            item = self.desk.mirror.state.table(Noun.ITEM).get(message.key)
            if isinstance(item, QueueItem):
                self.go_to(Noun.TASK, item.task_id)

    def _choose_task(self, key: str) -> None:
        outline = self.desk.mirror.outline
        if self._found is not None:
            self.go_to(Noun.TASK, key)
        elif outline.has_children(key):
            self._fold(key, show=not outline.is_open(key))
        else:
            self.look_at(self._noun_of(key), key)
            self._focus(Panel.PANE)

    @on(Folded)
    def _folded(self, message: Folded) -> None:
        outline = self.desk.mirror.outline
        if message.show or (outline.is_open(message.key) and outline.has_children(message.key)):
            self._fold(message.key, show=message.show)
        elif parent := outline.parent(message.key):
            self.lines(Panel.TASKS).point(parent)

    def _fold(self, key: str, *, show: bool) -> None:
        outline = self.desk.mirror.outline
        (outline.unfold if show else outline.fold)(key)
        self._draw_tasks()

    def _noun_of(self, key: str) -> Noun:
        return Noun.PROJECT if key in self.desk.mirror.state.table(Noun.PROJECT) else Noun.TASK

    @on(Sized)
    def _sized(self, message: Sized) -> None:
        drawn = {
            Panel.PANE: self._draw_centre,
            Panel.INBOX: self._draw_sessions,
            Panel.QUEUE: self._draw_queue,
            Panel.TIMELINE: self._draw_timeline,
        }
        if (draw := drawn.get(message.panel)) is not None:
            draw()

    # -- search ----------------------------------------------------------------------------------

    def action_search(self) -> None:
        """Type what the tasks are searched for."""
        self._focus(Panel.TASKS)
        self._search.add_class("-shown")
        self.set_focus(self._search)

    @on(Input.Changed, "#search")
    def _typed(self, event: Input.Changed) -> None:
        words = event.value.strip()
        all_found = self._found is not None and len(self._found) < FOUND
        among = self._found if all_found and narrows(words, self._searched_for) else None
        self._found = find_tasks(self.desk.mirror.state, words, among=among) if words else None
        self._searched_for = words
        self._draw_tasks()

    @on(Input.Submitted, "#search")
    def _searched(self) -> None:
        self.set_focus(self.lines(Panel.TASKS))

    def _end_search(self) -> None:
        self._search.value = ""
        self._search.remove_class("-shown")
        self._found, self._searched_for = None, ""
        self._draw_tasks()

    # -- panels ----------------------------------------------------------------------------------

    def _focus(self, panel: Panel) -> None:
        if panel is Panel.PANE and self.panel is not Panel.PANE:
            self._came_from = self.panel
        self.panel = panel
        self._mark_current()
        self.set_focus(self._target(panel))
        self._look_under_cursor()
        self.draw_frame()

    def _look_under_cursor(self) -> None:
        """Tasks and sessions are looked at as soon as their panel is entered; others keep what was looked at."""
        if self.panel in {Panel.TASKS, Panel.SESSIONS}:
            self._pointed(self.panel, self.lines(self.panel).key)

    def _target(self, panel: Panel) -> Widget:
        return self.centre.listening if panel is Panel.PANE else self.lines(panel)

    def _mark_current(self) -> None:
        shown = {IDS[self.panel], *HOLDERS[self.panel]}
        for name in {*IDS.values(), "left", "rest", "side"}:
            self.query_one(f"#{name}").set_class(name in shown, "-current")

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """The panel that has the focus gives the footer its keys."""
        if event.widget is not self.focused:
            return  # old news: the focus has moved on since
        names = {node.id for node in event.widget.ancestors_with_self}
        found = next((panel for panel, name in IDS.items() if name in names), self.panel)
        if found is not self.panel:
            self.panel = found
            self._mark_current()
            self._look_under_cursor()
            self.draw_frame()

    def on_resize(self, event: Resize) -> None:
        """Panels come and go with the width."""
        self._draw_centre()
        self.draw_frame()

    def seams(self) -> tuple[Seam, ...]:
        """Between the columns, and between what stands in one."""
        return on_mission(self._left, self._side, self._lists, self.app.size.width)

    def _panels(self) -> list[Panel]:
        if self.has_class("-wide"):
            return [Panel.PANE]
        without = {Panel.QUEUE} if self.lines(Panel.QUEUE).has_class("-hidden") else set()
        if self.takes_keys is not None:
            without.add(Panel.PANE)
        return [panel for panel in MISSION if panel not in without or panel is self.panel]

    def action_next_panel(self, step: int = 1) -> None:
        """The next panel; past a live pane, which is typed in by the same key."""
        panels = self._panels()
        at = panels.index(self.panel) if self.panel in panels else 0
        self._focus(panels[(at + step) % len(panels)])

    def action_previous_panel(self) -> None:
        """The panel before."""
        self.action_next_panel(-1)

    def action_panel(self, name: str) -> None:
        """The panel of this name."""
        self._focus(Panel[name])

    def action_zoom(self) -> None:
        """Give the pane the whole width, or give it back."""
        self.toggle_class("-wide")
        self._focus(Panel.PANE if self.has_class("-wide") else self._came_from)

    def action_back(self) -> None:
        """End the search, leave the wide pane, go to where one came from."""
        if self._found is not None or self._search.has_class("-shown"):
            self._end_search()
            self._focus(Panel.TASKS)
        elif self.has_class("-wide"):
            self.action_zoom()
        elif self.panel is Panel.PANE:
            self._focus(self._came_from)
        else:
            super().action_back()

    def action_next_needing(self) -> None:
        """The next session that waits for a person."""
        waiting = inbox(self.desk.mirror)
        if not waiting:
            self.notify("Nobody waits for you.")
            return
        shown = self.spot.session
        at = waiting.index(shown.id) + 1 if shown is not None and shown.id in waiting else 0
        self.go_to(Noun.SESSION, waiting[at % len(waiting)])


def _panel(panel: Panel) -> LineList:
    kinds = {Panel.TASKS: TreeList, Panel.INBOX: QuestionList}
    made = kinds.get(panel, LineList)(panel, id=IDS[panel], classes="panel")
    made.border_title = str(panel)
    made.steady = panel in {Panel.TASKS, Panel.SESSIONS}
    return made
