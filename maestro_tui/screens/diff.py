"""The diff of a session's worktree: walked through by line, hunk and file, and commented on."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import ClassVar, cast

from textual.binding import BindingType

from maestro_tui.bindings import Panel, Place
from maestro_tui.cells import plain
from maestro_tui.deeds import Done, Outcome, Refused
from maestro_tui.desk import Desk
from maestro_tui.lines import FixedRows
from maestro_tui.screens.framed import Doer
from maestro_tui.screens.remark import Comment, SendComments
from maestro_tui.screens.small import Question
from maestro_tui.view.diff import DiffRows
from maestro_tui.view.patch import Patch, patch_of
from maestro_tui.view.remarks import MOST, Placed, Remark, on_lines, placed, with_text
from maestro_tui.widgets.line_list import LineList, bound
from maestrod.domain.model import Session


class Diff(LineList):
    """Comments are kept by the desk until they are sent; the diff is read when it is opened, and again by F5."""

    BINDINGS: ClassVar[list[BindingType]] = bound(Place.DIFF)

    def __init__(self, desk: Desk, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(Panel.DIFF, id=id)
        self.follow = self._moved
        self._desk = desk
        self._session: Session | None = None
        self._told: tuple[str, Patch | Refused] | None = None
        self._lines: DiffRows | None = None
        self._drawn: object = None
        self._placed: list[Placed] = []
        self._from: int | None = None

    # -- what is shown ---------------------------------------------------------------------------

    async def read(self, session_id: str) -> None:
        """Read what has changed; a large patch is parsed beside the loop."""
        body = await self._desk.told(f"/sessions/{session_id}/worktree/diff")
        if isinstance(body, Refused):
            self._told = (session_id, body)
        else:
            found = await asyncio.to_thread(patch_of, body)
            self._told = (session_id, found or Refused("the diff cannot be read: the daemon is of another version"))
        self._from = None
        self._draw()

    def show_of(self, session: Session) -> None:
        """Show that of this session; nothing is made anew when nothing is new."""
        if self._session is None or self._session.id != session.id:
            self._from = None
        self._session = session
        self._draw()

    @property
    def _patch(self) -> Patch | None:
        told = self._told
        if told is None or self._session is None or told[0] != self._session.id or isinstance(told[1], Refused):
            return None
        return told[1]

    @property
    def _remarks(self) -> tuple[Remark, ...]:
        return self._desk.remarks.get(self._session.id, ()) if self._session is not None else ()

    def _draw(self) -> None:
        patch, told, cells = self._patch, self._told, max(20, self.size.width - 2)
        if patch is None:
            mine = told is not None and self._session is not None and told[0] == self._session.id
            refused = told[1] if told is not None and mine else None
            self._lines = self._drawn = None
            self.show(FixedRows([]), plain(refused.words) if isinstance(refused, Refused) else "… reading")
            return
        drawn = (patch, self._remarks, cells, self._marked)
        if drawn == self._drawn:
            return
        self._drawn = drawn
        self._placed = placed(patch, self._remarks)
        self._lines = DiffRows(patch, self._placed, cells, self._marked)
        self.show(self._lines, "nothing has changed")

    @property
    def _here(self) -> int | None:
        """The line of the patch that the cursor is on."""
        return self._lines.line_of(self.key) if self._lines is not None and self.key else None

    @property
    def _marked(self) -> range:
        if self._from is None:
            return range(0)
        to = self._here if self._here is not None else self._from
        return range(min(self._from, to), max(self._from, to) + 1)

    def _moved(self, _panel: Panel, _key: str) -> None:
        if self._from is not None:
            self._draw()

    def unmark(self) -> bool:
        """Mark no lines any more; whether there were any."""
        before, self._from = self._from, None
        self._draw()
        return before is not None

    # -- moving ----------------------------------------------------------------------------------

    def action_hunk(self, step: int) -> None:
        """The next hunk, or the one before."""
        self._jump(self._patch.hunks if self._patch is not None else (), step)

    def action_file(self, step: int) -> None:
        """The next file, or the one before."""
        self._jump(self._patch.files if self._patch is not None else (), step)

    def _jump(self, places: Sequence[int], step: int) -> None:
        at = self._here if self._here is not None and self.key[:1] in {"L", "C"} else -1
        if self._patch is not None and (found := self._patch.step(places, at, step)) is not None:
            self._go(f"L{found}")

    def _go(self, key: str) -> None:
        """The cursor there, and what follows in sight."""
        if self.point(key) and self._lines is not None:
            self.scroll_to(y=self._lines.find(key), animate=False)

    def action_choose(self) -> None:
        """From the list of files and comments to their place; on a line a comment."""
        kind, at = self.key[:1], self._here
        if kind in {"F", "R"} and at is not None:
            self._go(f"L{at}" if kind == "F" else f"C{self.key[1:]}.0")
        elif kind == "C":
            self.action_edit_comment()
        else:
            self.action_comment()

    # -- comments --------------------------------------------------------------------------------

    @property
    def _doer(self) -> Doer:
        return cast(Doer, self.app)

    def _say(self, words: str) -> None:
        self.notify(words, severity="warning", markup=False)

    @property
    def _under(self) -> Remark | None:
        """The comment under the cursor: its own row, or one that ends on this line."""
        number = self.key[1:].partition(".")[0] if self.key[:1] in {"C", "R"} else ""
        at = self._here
        for each in self._placed:
            if str(each.remark.id) == number or (not number and at is not None and each.at == at):
                return each.remark
        return None

    def action_mark(self) -> None:
        """Mark lines from here on, or no more."""
        if not self.unmark() and self._here is not None:
            self._from = self._here
            self._draw()

    def action_comment(self) -> None:
        """A comment on the marked lines, or on the one under the cursor."""
        at = self._here
        if self._patch is None or at is None:
            self._say("Put the cursor on a line of the diff first.")
            return
        if len(self._remarks) >= MOST:
            self._say(f"There are {MOST} comments already; send them first.")
            return
        remark = on_lines(self._patch, self._from if self._from is not None else at, at)
        if remark is not None:
            self._doer.open(Comment(remark, partial(self._keep, remark)))

    def action_edit_comment(self) -> None:
        """Change the comment under the cursor."""
        if (remark := self._meant()) is not None:
            self._doer.open(Comment(remark, partial(self._keep, remark)))

    def action_delete_comment(self) -> None:
        """Delete it, after showing what is lost."""
        if (remark := self._meant()) is None:
            return

        async def deleted() -> Outcome:
            self._store(tuple(each for each in self._remarks if each.id != remark.id))
            return Done("comment deleted")

        strict = self._desk.preferences.strict
        self._doer.open(
            Question(f"Delete the comment on {remark.reference}?", "delete it", [remark.text], deleted, strict=strict)
        )

    def action_send(self) -> None:
        """Send all comments as one prompt."""
        if self._session is None or not self._remarks:
            self._say("There are no comments yet: c writes one.")
            return
        session, sent = self._session, [each.remark for each in self._placed] or list(self._remarks)
        self._doer.open(SendComments(self._desk, session.id, session.name, sent, partial(self._sent, session.id, sent)))

    def _meant(self) -> Remark | None:
        if self._under is None:
            self._say("There is no comment here.")
        return self._under

    def _keep(self, remark: Remark, text: str) -> None:
        self._from = None
        self._store(with_text(self._remarks, remark, text))

    def _sent(self, session_id: str, sent: Sequence[Remark]) -> None:
        """Those that were sent are over; those that were changed meanwhile are not."""
        left = tuple(each for each in self._desk.remarks.get(session_id, ()) if each not in sent)
        self._desk.remark(session_id, left)
        self._draw()

    def _store(self, remarks: tuple[Remark, ...]) -> None:
        if self._session is not None:
            self._desk.remark(self._session.id, remarks)
            self._draw()
