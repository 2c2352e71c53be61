"""The dialogs of the mail: writing a letter, and saying who has dealt with one."""

from collections.abc import Iterable, Sequence

from rich.text import Text
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Select, Static, TextArea

from maestro_tui.cells import folded, plain
from maestro_tui.deeds import Outcome, acknowledge, reply, write_mail
from maestro_tui.desk import Desk
from maestro_tui.post import parties, text_of
from maestro_tui.screens.dialog import Dialog, row, short
from maestro_tui.view.board import projects
from maestro_tui.view.mail import receiver, sender
from maestro_tui.widgets.choice import Choice
from maestrod.domain.model import LIVE_SESSION, Mail, MailType, Noun, Priority, Session

QUOTED = 4
"""Lines of the mail that is answered."""


class Write(Dialog):
    """A letter to a session or to all of a project; an answer goes where the daemon says.

    Of one's own letter to several, one says to which of them the answer goes.
    """

    deed_word = "send"

    def __init__(self, desk: Desk, *, answered: Mail | None = None, to: str = "", project_id: str = "") -> None:
        self._desk = desk
        self._answered = answered
        self._to = to or project_id
        state = desk.mirror.state
        self._asks_whom = answered is None or _went_to_several(answered)
        if answered is None:
            self.title_words = "Write"
            sessions = [(short(session.name), session.id) for session in state.live_sessions()]
            all_of = [(short(f"all sessions of {project.name}"), project.id) for project in projects(state)]
            self._receivers = [*sessions, *all_of]
        else:
            several = receiver(state, desk.mirror.post, answered)
            self.title_words = (
                f"Answer one of {several}" if self._asks_whom else f"Answer {_other_side(desk, answered)}"
            )
            self._receivers = _those_it_went_to(desk, answered)
        self.written = ("text",) if answered is not None else ("subject", "text")
        self.chosen = (*(("to",) if self._asks_whom else ()), *(("type",) if answered is None else ()), "priority")
        super().__init__()

    @property
    def about(self) -> str:
        """The mail that is answered, or to whom it was to go."""
        return f"answer {self._answered.id}" if self._answered is not None else f"write {self._to}"

    def parts(self) -> Iterable[Widget]:
        """To whom, what about, and the text."""
        if self._answered is not None:
            quoted = folded(text_of(self._answered) or self._answered.subject, self.cells - 2, most=QUOTED)
            yield Static(Content("\n".join(f"│ {line}" for line in quoted)), id="screen", markup=False)
        if self._asks_whom:
            known = [id_ for _, id_ in self._receivers]
            first = self._to if self._to in known else next(iter(known), "")
            receivers = self._receivers or [(short("nobody to write to"), "")]
            yield row("To", Choice(receivers, value=first, id="to", compact=True, allow_blank=False))
        if self._answered is None:
            yield row("Subject", Input(id="subject", compact=True, placeholder="the first line of the text"))
            types = [(kind.value.replace("_", " "), kind.value) for kind in MailType]
            chosen = MailType.NOTIFICATION.value
            yield row("Type", Choice(types, value=chosen, id="type", compact=True, allow_blank=False))
        priorities = [(each.value, each.value) for each in Priority]
        yield row("Text", TextArea(id="text", compact=True, tab_behavior="focus"))
        yield row("Priority", Choice(priorities, value="medium", id="priority", compact=True, allow_blank=False))

    def on_mount(self) -> None:
        """The text is what one has come to write, once it is known to whom."""
        if not self._asks_whom or self._to:
            self.query_one("#text").focus()

    async def perform(self) -> Outcome | None:
        """Send it."""
        text = self.query_one("#text", TextArea).text.strip()
        if not text:
            self.complain("There is nothing to send.")
            return None
        priority, to = self._value("priority"), self._value("to") if self._asks_whom else ""
        if self._asks_whom and not to:
            gone = "There is nobody to write to: no session lives, and there is no project."
            self.complain(gone if self._answered is None else "All that it went to are gone.")
            return None
        if self._answered is not None:
            return await self._desk.do(reply(self._answered.id, text, priority, to))
        name = next(str(each) for each, id_ in self._receivers if id_ == to)
        subject = self.query_one("#subject", Input).value.strip()
        return await self._desk.do(write_mail(to, name, self._value("type"), subject, text, priority))

    def _value(self, name: str) -> str:
        return str(self.query_one(f"#{name}", Select).value)

    def on_input_submitted(self) -> None:
        """Enter goes on to the next field."""
        self.focus_next()


def _other_side(desk: Desk, mail: Mail) -> str:
    """To whom an answer of a person goes."""
    state = desk.mirror.state
    return receiver(state, desk.mirror.post, mail) if mail.from_user == "user" else sender(state, mail)


def _went_to_several(mail: Mail) -> bool:
    """Whether it is a person's own that has no other side: the daemon wants to know who is meant."""
    return mail.from_user == "user" and mail.to_session_id is None


def _those_it_went_to(desk: Desk, mail: Mail) -> list[tuple[Text, str]]:
    """The sessions that got it and are still known, those that live first."""
    known = desk.mirror.state.table(Noun.SESSION)
    found = [known.get(id_) for id_ in parties(mail, desk.mirror.post.receipts(mail.id))]
    sessions = [session for session in found if isinstance(session, Session)]
    sessions.sort(key=lambda session: session.status not in LIVE_SESSION)
    return [(short(session.name), session.id) for session in sessions]


class Acknowledge(Dialog):
    """Which of several receivers has dealt with a mail."""

    title_words = "Who has dealt with it?"
    deed_word = "done"

    def __init__(self, desk: Desk, mail_id: str, names: Sequence[tuple[str, str]]) -> None:
        self._desk = desk
        self._mail_id = mail_id
        self._names = names
        super().__init__()

    def parts(self) -> Iterable[Widget]:
        """Those who have not yet."""
        names = [(short(name), id_) for name, id_ in self._names]
        yield row("Receiver", Choice(names, value=names[0][1], id="who", compact=True, allow_blank=False))

    async def perform(self) -> Outcome | None:
        """Say so."""
        chosen = str(self.query_one("#who", Select).value)
        name = next(name for name, id_ in self._names if id_ == chosen)
        return await self._desk.do(acknowledge(self._mail_id, chosen, plain(name)))
