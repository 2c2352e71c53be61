"""History: every commit, what it changed, the state as it was then, and taking it back."""

import asyncio
from collections.abc import Iterable
from functools import partial
from typing import ClassVar

import msgspec
from textual.binding import BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from maestro_tui.bindings import Panel, Place
from maestro_tui.cells import plain
from maestro_tui.deeds import Refused, take_back
from maestro_tui.desk import Desk
from maestro_tui.frame import Connected
from maestro_tui.lines import Line, NoRows
from maestro_tui.mirror import Moved
from maestro_tui.past import Commit, Log, read_then
from maestro_tui.screens.dialog import hanging
from maestro_tui.screens.paired import NOTHING, Paired, Shown
from maestro_tui.screens.small import Question
from maestro_tui.spotlight import Subject
from maestro_tui.view.history import (
    LOOKED,
    CommitRows,
    Narrowed,
    ThenRows,
    about,
    commit_rows,
    found_commits,
    history_line,
    what_undoing_does,
    what_was_undone,
    words_of,
)
from maestro_tui.widgets.line_list import bound
from maestrod.domain.model import Noun
from maestrod.domain.state import State

NEAR = 200
"""So many commits before the end the next page is read."""
SETTLE_S = 0.15
"""How long the cursor stands still before the state of then is read."""
NOUNS = {noun.value: noun for noun in (Noun.TASK, Noun.SESSION, Noun.PROJECT)}


class History(Paired):
    """Commits, the newest first; beside them the changes of one, or the state right after it."""

    name_of_mode = "history"
    BINDINGS: ClassVar[list[BindingType]] = bound(Place.HISTORY)
    filter_words = "who, what, or words of it"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk, Panel.HISTORY, Panel.COMMIT)
        self.journal = Log()
        self._narrowed = Narrowed()
        self._found: list[str] | None = None
        self._trouble = ""
        self._reading = False
        self._read_to = -1
        self._shows_then = False
        self._then: dict[str, State | str] = {}

    # -- reading ---------------------------------------------------------------------------------

    def on_mount(self) -> None:
        """The newest commits."""
        self._read_newer()

    def entered(self, subject: Subject | None = None) -> None:
        """What was done since."""
        super().entered(subject)
        if self.is_mounted:
            self._read_newer()

    def _read_newer(self) -> None:
        self._read(self.journal.newer())

    def _read(self, path: str) -> None:
        if not self._reading:
            self._reading = True
            self.begin(partial(self._fetch, path), group="log")

    async def _fetch(self, path: str) -> None:
        link = self.desk.link
        told = await self.desk.told(path)
        self._reading = False
        self._read_to = link.seq if isinstance(link, Connected) else 0
        try:
            if isinstance(told, Refused):
                self._refused(told)
            else:
                self.journal.read(told)
                self._trouble = ""
        except msgspec.MsgspecError as error:
            self._trouble = f"the history cannot be read: {error}"
        self.redraw()

    def _refused(self, why: Refused) -> None:
        """What is older is not kept; or nothing can be read at all."""
        if len(self.journal):
            self.journal.ended = True
        else:
            self._trouble = plain(why.words)

    def draw(self, moved: Moved) -> None:
        """All of it; commits that came since are read."""
        super().draw(moved)
        link = self.desk.link
        newest = self.journal.newest if len(self.journal) else self._read_to
        if isinstance(link, Connected) and link.seq > newest and not self._trouble:
            self._read_newer()

    # -- drawing ---------------------------------------------------------------------------------

    def age(self) -> None:
        """Commits grow older."""
        self.list.repaint()

    def listed(self) -> Shown:
        """The commits."""
        state = self.desk.mirror.state
        self._narrowed.words = self.words
        self._found = found_commits(state, self.journal, self._narrowed)
        rows = CommitRows(state, self.journal, self._found, self.desk.moment)
        title = f"History {len(self.journal)}{'' if self.journal.ended else '+'}" if len(self.journal) else "History"
        nothing = "… reading" if self._read_to < 0 else "nothing has been done yet: n makes a task"
        found_nothing = "nothing found" if self._narrowed.anything else "nothing but routine: c shows it"
        none = self._trouble or (found_nothing if len(self.journal) else nothing)
        return Shown(title, rows, none)

    def beside(self, cells: int) -> Shown:
        """The changes of the commit, or the state after it."""
        commit = self.commit
        if commit is None:
            return NOTHING._replace(title=str(Panel.COMMIT))
        if not self._shows_then:
            back = commit.seq in self.journal.taken_back
            rows = commit_rows(self.desk.mirror.state, commit, self.desk.moment(), cells, back=back)
            return Shown(f"Commit {commit.seq}", rows)
        then = self._then.get(self.list.key)
        title = f"State right after {commit.seq}"
        if isinstance(then, State):
            return Shown(title, ThenRows(then, commit))
        return Shown(title, NoRows(), then or "… reading")

    def line(self, cells: int) -> Line:
        """What the history is narrowed to."""
        found = len(self._found) if self._found is not None else None
        return history_line(self.desk.mirror.state, self.journal, self._narrowed, found, cells)

    def look(self) -> None:
        """At the thing that was changed; near the end older commits are read."""
        thing = self._thing()
        self.spot.subject = (NOUNS[thing[0]], thing[1]) if thing is not None and thing[0] in NOUNS else None
        if len(self.journal) and not self.journal.ended and not self._trouble and self._at_the_end():
            self._read(self.journal.older())
        if self._shows_then and self.list.key not in self._then:
            self.begin(self._fetch_then, group="then", alone=True)

    def _at_the_end(self) -> bool:
        """Whether older commits are to be read: for what is searched, or because the cursor comes near the oldest."""
        if self._narrowed.anything:
            return len(self.journal) < LOOKED
        if self._found is None:
            return (self.journal.find(self.list.key) or 0) > len(self.journal) - NEAR
        return self.list.key in self._found[-NEAR:] or not self._found

    @property
    def commit(self) -> Commit | None:
        """The commit under the cursor."""
        return self.journal.commit(self.list.key)

    def _thing(self) -> tuple[str, str] | None:
        """The thing under the cursor: its noun and id; of a commit the first it changed."""
        noun, _, id_ = self.side.key.partition(" ") if not self.in_list else ("", "", "")
        if id_ and noun in set(Noun):
            return noun, id_
        if self._shows_then and not self.in_list:
            table = next((n for n in ("task", "session") if self.side.key.startswith(n[:4])), "")
            return (table, self.side.key) if table else None
        commit = self.commit
        return (commit.changes[0].noun, commit.changes[0].id) if commit is not None and commit.changes else None

    def opened(self, key: str) -> None:
        """The thing that was changed, whole, when it is still there."""
        if self.spot.subject is not None and self.spot.subject[0] is not Noun.PROJECT and self.spot.entity is not None:
            self.doer.show_details(*self.spot.subject)

    # -- the state then --------------------------------------------------------------------------

    async def _fetch_then(self) -> None:
        await asyncio.sleep(SETTLE_S)
        key = self.list.key
        bodies = [await self.desk.told(f"/state?at={key}&noun={noun}") for noun in (Noun.TASK, Noun.SESSION)]
        refused = next((told for told in bodies if isinstance(told, Refused)), None)
        try:
            told = [body for body in bodies if not isinstance(body, Refused)]
            found = plain(refused.words) if refused is not None else await asyncio.to_thread(read_then, told)
        except msgspec.MsgspecError as error:
            found = f"that state cannot be read: {error}"
        self._then = {key: found}
        self.draw_side()

    def action_then(self) -> None:
        """The state right after the commit, or its changes again."""
        self._shows_then = not self._shows_then
        self._then.clear()
        self.redraw()

    # -- narrowing -------------------------------------------------------------------------------

    def action_only_actor(self) -> None:
        """What the same actor did, or all."""
        commit = self.commit
        self._narrowed.actor = commit.actor if commit is not None and not self._narrowed.actor else ""
        self.redraw()

    def action_only_thing(self) -> None:
        """What happened to the same thing, or all."""
        thing = self._thing()
        self._narrowed.thing = thing[1] if thing is not None and not self._narrowed.thing else ""
        self.redraw()

    def action_all_commits(self) -> None:
        """What follows by itself too, or what somebody did alone."""
        self._narrowed.routine = not self._narrowed.routine
        self.redraw()

    def action_back(self) -> None:
        """To the list, to all commits, then to where one came from."""
        if self._narrowed.anything and self.in_list:
            self._narrowed = Narrowed(routine=self._narrowed.routine)
            self.end_filter()
        else:
            super().action_back()

    # -- taking back -----------------------------------------------------------------------------

    def action_undo_commit(self) -> None:
        """Take the commit back, after showing what that does."""
        commit, state = self.commit, self.desk.mirror.state
        if commit is None:
            return
        what = f"{words_of(commit.kind)} {about(state, commit)}".strip()
        if not commit.undoable:
            self.notify(
                f"{commit.seq}, {what}, cannot be taken back; deletions, moves, edits and new tasks can.",
                severity="warning",
                markup=False,
            )
            return
        deed = take_back(commit.seq, what_was_undone(state, commit))
        words = what_undoing_does(state, commit)
        strict = self.desk.preferences.strict
        self.doer.open(TakeBack(f"Take back {what}?", "take it back", words, lambda: self.desk.do(deed), strict=strict))


class TakeBack(Question):
    """Says what becomes of things when a commit is taken back."""

    def parts(self) -> Iterable[Widget]:
        """A line for each."""
        lines = [line for words in self._lines for line in hanging("· ", plain(words), self.cells)]
        yield Static(Content("\n".join(lines)), id="words", markup=False)
