"""Queue: what each queue session works on, what comes next, and changing that."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.binding import BindingType
from textual.widget import Widget
from textual.widgets import Select

from maestro_tui.bindings import Panel, Place
from maestro_tui.cells import plain
from maestro_tui.deeds import Done, Outcome, move_item, pause_queue, push_item, skip_item
from maestro_tui.desk import Desk
from maestro_tui.lines import Line
from maestro_tui.mirror import Moved
from maestro_tui.screens.dialog import Dialog, row
from maestro_tui.screens.paired import NOTHING, Paired, Shown
from maestro_tui.screens.small import Question
from maestro_tui.screens.spawn import Marks
from maestro_tui.spotlight import Subject
from maestro_tui.view.queues import (
    ItemRows,
    QueueRows,
    place_of,
    pushable,
    queue_sessions,
    queues_line,
    what_skipping_does,
    why_not_moved,
)
from maestro_tui.widgets.choice import Choice
from maestro_tui.widgets.line_list import bound
from maestrod.domain.model import LIVE_ITEM, Noun, QueueItem, Session, Task
from maestrod.domain.queues import in_order

NOUNS = frozenset({Noun.QUEUE, Noun.ITEM, Noun.SESSION, Noun.TASK})


class Queues(Paired):
    """The sessions with a queue; beside them the items of one."""

    name_of_mode = "queue"
    BINDINGS: ClassVar[list[BindingType]] = bound(Place.QUEUES)
    filter_words = "whose queue"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk, Panel.QUEUES, Panel.ITEMS)
        self._ids: list[str] = []
        self._read: set[str] = set()

    # -- reading ---------------------------------------------------------------------------------

    def entered(self, subject: Subject | None = None) -> None:
        """What was missed is read again; the queue of the session one comes from is under the cursor."""
        self._read.clear()
        super().entered(subject)
        if subject is not None and subject[0] is Noun.SESSION:
            self.list.point(subject[1])

    async def _fetch(self) -> None:
        for session_id in [id_ for id_ in self._ids if id_ not in self._read]:
            self._read.add(session_id)
            await self.desk.fetch_queue(session_id)

    # -- drawing ---------------------------------------------------------------------------------

    def draw(self, moved: Moved) -> None:
        """All of it when a queue, a session or a task has changed."""
        if moved.everything:
            self._read.clear()
        if moved.everything or moved.nouns & NOUNS:
            super().draw(moved)

    def age(self) -> None:
        """Ages move."""
        self.side.repaint()

    def listed(self) -> Shown:
        """The queues; what is not known of them is read."""
        mirror = self.desk.mirror
        self._ids = queue_sessions(mirror, self.words)
        if mirror.whole and not self._read.issuperset(self._ids):
            self.begin(self._fetch, group="queues", alone=True)
        none = "nothing found" if self.words else "no queue yet: s with the strategy queue starts one"
        rows = QueueRows(mirror, self._ids)
        return Shown(f"Queues {len(self._ids)}" if self._ids else "Queues", rows, none if mirror.whole else "")

    def beside(self, cells: int) -> Shown:
        """The items."""
        session = self.owner
        if session is None:
            return NOTHING._replace(title=str(Panel.ITEMS))
        rows = ItemRows(self.desk.mirror.state, session.id, self.desk.moment)
        return Shown(session.name, rows, "nothing in it: p puts tasks into it")

    def line(self, cells: int) -> Line:
        """How much waits."""
        return queues_line(self.desk.mirror, self._ids, self.words)

    def look(self) -> None:
        """At the session, or at the task of the item under the cursor."""
        item, owner = self.item, self.owner
        if item is not None:
            self.spot.subject = (Noun.TASK, item.task_id)
        else:
            self.spot.subject = (Noun.SESSION, owner.id) if owner is not None else None

    @property
    def owner(self) -> Session | None:
        """The session whose queue is looked at."""
        found = self.desk.mirror.state.table(Noun.SESSION).get(self.list.key)
        return found if isinstance(found, Session) else None

    @property
    def session(self) -> Session | None:
        """Keys for a session mean the owner, whoever works on the task."""
        return self.owner

    @property
    def item(self) -> QueueItem | None:
        """The item under the cursor."""
        found = self.desk.mirror.state.table(Noun.ITEM).get(self.side.key) if not self.in_list else None
        return found if isinstance(found, QueueItem) else None

    def go_to(self, noun: Noun, id_: str) -> bool:
        """A session that has a queue."""
        return noun is Noun.SESSION and self.list.point(id_)

    def opened(self, key: str) -> None:
        """The task of the item, whole."""
        if (item := self.item) is not None:
            self.doer.show_details(Noun.TASK, item.task_id)

    # -- what keys ask for -----------------------------------------------------------------------

    def action_carry(self, step: int) -> None:
        """Another place for the item."""
        if (item := self._meant()) is None:
            return
        at = place_of(self.desk.mirror.state, item)
        if at is None:
            self._say(why_not_moved(self.desk.mirror.state, item))
        elif 0 <= at + step < len(in_order(self.desk.mirror.state, item.session_id)):
            self.doer.ask(move_item(item, at + step))

    def action_skip(self) -> None:
        """Leave the item out, after showing what becomes of its task."""
        if (item := self._meant()) is None or (owner := self.owner) is None:
            return
        if item.status not in LIVE_ITEM:
            self._say(f"It is {item.status} already.")
            return
        words = what_skipping_does(item, plain(owner.name))
        deed = skip_item(item)
        title = f"Skip “{self.spot.name}”?"
        self.doer.open(
            Question(title, "skip it", words, lambda: self.desk.do(deed), strict=self.desk.preferences.strict)
        )

    def action_push(self) -> None:
        """Put tasks into the queue."""
        if (owner := self.owner) is None:
            self._say("There is no queue here; s starts an agent with the strategy queue.")
        else:
            self.doer.open(Push(self.desk, owner, pushable(self.desk.mirror.state, owner)))

    def action_pause(self) -> None:
        """Hand out nothing more, or go on."""
        owner = self.owner
        queue = self.desk.mirror.state.queue_of(owner.id) if owner is not None else None
        if owner is not None and queue is not None:
            self.doer.ask(pause_queue(owner.id, plain(owner.name), paused=not queue.paused))

    def _meant(self) -> QueueItem | None:
        if self.item is None:
            self._say("Put the cursor on an item: ↵ goes to them.")
        return self.item

    def _say(self, words: str) -> None:
        self.notify(words, severity="warning", markup=False)


class Push(Dialog):
    """Which tasks go into a queue, and where."""

    deed_word = "push"

    def __init__(self, desk: Desk, owner: Session, tasks: Sequence[Task]) -> None:
        self.title_words = f"Into the queue of {plain(owner.name)}"
        self._desk = desk
        self._owner = owner
        self._tasks = tasks
        super().__init__()

    def parts(self) -> Iterable[Widget]:
        """The tasks, and where they go."""
        yield row(
            "Tasks",
            Marks(
                [(task.id, task.title) for task in self._tasks],
                (),
                "no task of the project is to do",
                id="tasks-chosen",
            ),
        )
        places = [("at the end", "end"), ("in front", "first")]
        yield row("Where", Choice(places, value="end", id="where", compact=True, allow_blank=False))

    async def perform(self) -> Outcome | None:
        """Push them one by one; the first that is refused is told."""
        chosen = self.query_one(Marks).chosen
        if not chosen:
            self.complain("Mark a task with Space first.")
            return None
        first = str(self.query_one("#where", Select).value) == "first"
        for task_id in reversed(chosen) if first else chosen:
            outcome = await self._desk.do(push_item(self._owner.id, task_id, first=first))
            if not isinstance(outcome, Done):
                return outcome
        return Done(f"{len(chosen)} pushed to {plain(self._owner.name)}")
