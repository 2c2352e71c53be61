"""The dialogs of the diff: writing a comment, and sending all of them."""

from collections.abc import Callable, Iterable, Sequence

from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Static, TextArea

from maestro_tui.cells import cut, plain
from maestro_tui.deeds import Done, Outcome, send_text
from maestro_tui.desk import Desk
from maestro_tui.screens.dialog import Dialog, hanging, row
from maestro_tui.view.remarks import FIRST, LONGEST, PROMPT, Remark, prompt

QUOTED = 6
"""Lines that are quoted above the words."""


class Comment(Dialog):
    """Words on some lines."""

    deed_word = "keep"
    written = ("text",)

    def __init__(self, remark: Remark, keep: Callable[[str], None]) -> None:
        self.title_words = f"Comment on {remark.reference}"
        self._remark = remark
        self._keep = keep
        super().__init__()

    @property
    def about(self) -> str:
        """The lines, as they are."""
        return "\n".join(["comment", self._remark.reference, *self._remark.quoted])

    def parts(self) -> Iterable[Widget]:
        """The lines, and the words."""
        if quoted := self._remark.quoted[-QUOTED:]:
            yield Static(Content("\n".join(cut(line, self.cells) for line in quoted)), id="screen", markup=False)
        yield row("Comment", TextArea(self._remark.text, id="text", compact=True, tab_behavior="focus"))

    def on_mount(self) -> None:
        """One has come to write."""
        area = self.query_one("#text", TextArea)
        area.move_cursor(area.document.end)
        area.focus()

    async def perform(self) -> Outcome | None:
        """Keep it here until all are sent."""
        text = self.query_one("#text", TextArea).text.strip()
        if not text:
            self.complain("There is nothing to keep; d deletes a comment.")
            return None
        if len(text) > LONGEST:
            self.complain(f"It is {len(text):,} characters long, at most {LONGEST:,} are kept.")
            return None
        self._keep(text)
        return Done("")


class SendComments(Dialog):
    """All comments as one prompt; they stay where they are until the daemon has it."""

    deed_word = "send"

    def __init__(
        self, desk: Desk, session_id: str, name: str, remarks: Sequence[Remark], sent: Callable[[], None]
    ) -> None:
        self.title_words = f"Send {len(remarks)} {'comment' if len(remarks) == 1 else 'comments'} to {plain(name)}"
        self._desk = desk
        self._session_id = session_id
        self._name_shown = plain(name)
        self._remarks = remarks
        self._sent = sent
        super().__init__()

    def parts(self) -> Iterable[Widget]:
        """What stands before them, and each of them."""
        yield row("Begin", Input(id="first", compact=True, placeholder=FIRST))
        lines = [line for r in self._remarks for line in hanging(f"✎ {r.reference}  ", plain(r.text), self.cells)]
        yield Static(Content("\n".join(lines)), id="words", markup=False)

    async def perform(self) -> Outcome | None:
        """Send it; what is too long for a prompt is told before."""
        text = prompt(self._remarks, self.query_one("#first", Input).value)
        if len(text) > PROMPT:
            self.complain(
                f"The prompt is {len(text):,} characters long, at most {PROMPT:,} are taken. Delete a comment."
            )
            return None
        outcome = await self._desk.type_to(send_text(self._session_id, self._name_shown, text))
        if isinstance(outcome, Done):
            self._sent()
        return outcome

    def on_input_submitted(self) -> None:
        """Enter sends."""
        self.action_submit()
