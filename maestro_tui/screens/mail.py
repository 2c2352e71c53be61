"""Mail: threads, who wrote to whom, how far each letter got, and writing oneself."""

from functools import partial
from typing import ClassVar

from textual.binding import BindingType

from maestro_tui.bindings import Panel, Place
from maestro_tui.deeds import Refused, acknowledge
from maestro_tui.desk import Desk
from maestro_tui.lines import Line
from maestro_tui.mirror import Moved
from maestro_tui.post import Post, parties
from maestro_tui.screens.letter import Acknowledge, Write
from maestro_tui.screens.paired import NOTHING, Paired, Shown
from maestro_tui.spotlight import Subject
from maestro_tui.view.board import projects
from maestro_tui.view.mail import LOOKED, ThreadRows, found_threads, mail_line, name_of, thread_rows
from maestro_tui.widgets.line_list import bound
from maestrod.domain.model import DeliveryState, Mail, Noun

NEAR = 100
"""So many threads before the end the next page is read."""


class Mailbox(Paired):
    """Threads, the newest first; beside them the letters of one with all receipts."""

    name_of_mode = "mail"
    BINDINGS: ClassVar[list[BindingType]] = bound(Place.MAIL)
    filter_words = "who, to whom, or words of it"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk, Panel.MAIL, Panel.THREAD)
        self._project_id = ""
        self._came_from = ""
        self._sought: Mail | None = None
        self._unread = False
        self._trouble = ""
        self._reading = False
        self._found: list[str] | None = None

    @property
    def post(self) -> Post:
        """The mail of the mirror."""
        return self.desk.mirror.post

    # -- reading ---------------------------------------------------------------------------------

    def on_mount(self) -> None:
        """What was sent before."""
        self._read()

    def entered(self, subject: Subject | None = None) -> None:
        """What was sent since, when something was missed; one writes to the session that one comes from."""
        if subject is not None and subject[0] is Noun.SESSION:
            self._came_from = subject[1]
        super().entered(subject)
        if self.is_mounted:
            self._read()

    def _read(self, older: str = "") -> None:
        if not self._reading:
            self._reading = True
            self.begin(partial(self._fetch, older), group="mail")

    async def _fetch(self, older: str) -> None:
        told = await self.desk.fetch_mail(older)
        self._reading = False
        self._trouble = told.words if isinstance(told, Refused) else ""
        self.redraw()

    # -- drawing ---------------------------------------------------------------------------------

    def draw(self, moved: Moved) -> None:
        """All of it when mail or who writes it has changed."""
        if moved.everything or moved.nouns & {Noun.MAIL, Noun.DELIVERY, Noun.SESSION, Noun.PROJECT}:
            super().draw(moved)
            self._find()

    def age(self) -> None:
        """Mail grows older."""
        self.list.repaint()

    def listed(self) -> Shown:
        """Threads, and the older ones when one comes near the end."""
        state = self.desk.mirror.state
        self._found = found_threads(
            state, self.post, words=self.words, project_id=self._project_id, unread=self._unread
        )
        rows = ThreadRows(state, self.post, self._found, self.desk.moment)
        unread = self.post.waiting
        title = f"Mail {len(self.post)}{'+' if self.post.older else ''}"
        return Shown(f"{title} · {unread} unread" if unread else title, rows, self._no_threads())

    def _no_threads(self) -> str:
        if self._trouble:
            return self._trouble
        if self._reading and not len(self.post):
            return "… reading"
        return "nothing found" if self._found is not None else "no mail yet: c writes one"

    def beside(self, cells: int) -> Shown:
        """The thread under the cursor."""
        mails = self.post.thread(self.list.key) if self.list.key else []
        if not mails:
            return NOTHING._replace(title=str(Panel.THREAD))
        rows = thread_rows(self.desk.mirror.state, self.post, self.list.key, self.desk.moment(), cells)
        return Shown(mails[0].subject or str(Panel.THREAD), rows)

    def line(self, cells: int) -> Line:
        """Whose mail it is."""
        found = len(self._found) if self._found is not None else None
        return mail_line(
            self.desk.mirror.state, project_id=self._project_id, words=self.words, unread=self._unread, found=found
        )

    def look(self) -> None:
        """At the session on the other side; near the end older mail is read."""
        mail = self.mail
        known = self.desk.mirror.state.table(Noun.SESSION)
        others = [*parties(mail, self.post.receipts(mail.id)), mail.from_session_id] if mail is not None else []
        found = next((id_ for id_ in others if id_ in known), None)
        self.spot.subject = (Noun.SESSION, found) if found else None
        if self.spot.subject is None and self._project_id:
            self.spot.subject = (Noun.PROJECT, self._project_id)
        at = self.post.find(self.list.key) if self.list.key else None
        ends = (at or 0) > len(self.post) - NEAR if self._found is None else len(self.post) < LOOKED
        if self.post.older and not self._trouble and ends:
            self._read(self.post.older)

    def go_to(self, noun: Noun, id_: str) -> bool:
        """Any mail that is known, whatever is filtered."""
        mail = self.post.letters.get(id_)
        if noun is not Noun.MAIL or mail is None:
            return False
        self._sought, self._unread, self._project_id = mail, False, ""
        if self.is_mounted:
            self.end_filter()
        return True

    def _find(self) -> None:
        """The cursor on the mail that was gone to, as soon as it is listed."""
        if self._sought is not None and self.list.point(self._sought.thread_id):
            self.draw_side()
            self.side.point(self._sought.id)
            self._sought = None

    # -- what keys ask for -----------------------------------------------------------------------

    @property
    def mail(self) -> Mail | None:
        """The letter under the cursor; of a thread its newest."""
        if not self.in_list and self.side.key:
            return self.post.letters.get(self.side.key)
        mails = self.post.thread(self.list.key) if self.list.key else []
        return mails[-1] if mails else None

    def action_reply(self) -> None:
        """Answer it."""
        if (mail := self._meant()) is not None:
            self.doer.open(Write(self.desk, answered=mail))

    def action_write(self) -> None:
        """Write a new one."""
        session = self.spot.session
        to = session.id if session is not None else self._came_from
        self.doer.open(Write(self.desk, to=to, project_id=self._project_id))

    def action_acknowledge(self) -> None:
        """Say for its receiver that it is dealt with."""
        if (mail := self._meant()) is None:
            return
        state = self.desk.mirror.state
        ended = {DeliveryState.ACKED, DeliveryState.BOUNCED, DeliveryState.EXPIRED}
        waiting = [r.session_id for r in self.post.receipts(mail.id) if r.state not in ended]
        names = [(name_of(state, id_), id_) for id_ in waiting]
        if not names:
            self.notify("There is nobody left who could deal with it.", severity="warning", markup=False)
        elif len(names) == 1:
            self.doer.ask(acknowledge(mail.id, *reversed(names[0])))
        else:
            self.doer.open(Acknowledge(self.desk, mail.id, names))

    def _meant(self) -> Mail | None:
        if self.mail is None:
            self.notify("There is no mail here.", severity="warning", markup=False)
        return self.mail

    def action_only_unread(self) -> None:
        """What nobody has read yet, or all."""
        self._unread = not self._unread
        self.redraw()

    def action_project(self) -> None:
        """The mail of the next project alone; after the last that of all."""
        known = ["", *(project.id for project in projects(self.desk.mirror.state))]
        at = known.index(self._project_id) if self._project_id in known else 0
        self._project_id = known[(at + 1) % len(known)]
        self.redraw()
