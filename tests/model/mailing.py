"""Mail, told a second time."""

from dataclasses import dataclass, field
from typing import Any

from tests.model.reference import Reference
from tests.model.things import LIVE, Mail, No, Sent, Session, line, said

WAITING = {"queued", "surfaced"}
STEPS = {
    "queued": {"surfaced", "read", "acked", "bounced", "expired"},
    "surfaced": {"read", "acked", "bounced", "expired"},
    "read": {"acked"},
}


@dataclass
class Mailroom(Reference):
    """The works, and what its sessions write to each other."""

    mails: dict[str, Mail] = field(default_factory=dict)
    sent: dict[str, Sent] = field(default_factory=dict)

    def send_mail(self, c: Any) -> None:
        answered = self.mail(c.reply_to_mail_id) if c.reply_to_mail_id else None
        line(c.subject)
        said(c.message)
        to = c.to_session_id or (self._back(answered) if answered else None)
        if to is not None and to == self.me:
            raise No("Invalid")
        home = self.session(self.me).project if self.me else None
        project = self.session(to).project if to else c.project_id or home
        if project is None:
            raise No("Invalid")
        if c.project_id not in {None, self.project(project).id} or (answered and answered.project != project):
            raise No("Invalid")
        mail = self._post(project, self.me, self.by, to, c.expires_at)
        mail.answers = answered.id if answered else None
        live = (s for s in self.sessions.values() if s.project == project and s.status in LIVE and s.id != self.me)
        receivers = [self.session(to)] if to else sorted(live, key=lambda s: s.id)
        back = [copy for copy in (self._copy(mail, each) for each in receivers) if copy.state == "bounced"]
        for copy in self.sent.values():
            if answered and copy.mail == answered.id and copy.session == self.me and copy.state in WAITING:
                copy.state = "read"
        self._tell_senders(back)

    def mail(self, id_: str) -> Mail:
        if id_ not in self.mails:
            raise No("NotFound")
        return self.mails[id_]

    def _back(self, answered: Mail) -> str:
        own = answered.sender == self.me if answered.sender else answered.person == self.by
        to = answered.to if own else answered.sender
        if to is None:
            raise No("Conflict")
        return to

    def _post(self, project: str, sender: str | None, by: str, to: str | None, until: int | None = None) -> Mail:
        mail = Mail(self.new("mail"), project, sender, None if sender else by, to, until)
        self.mails[mail.id] = mail
        return mail

    def _copy(self, mail: Mail, to: Session) -> Sent:
        copy = Sent(self.new("delivery"), mail.id, to.id, "queued" if to.status in LIVE else "bounced")
        self.sent[copy.id] = copy
        return copy

    def _tell_senders(self, back: list[Sent]) -> None:
        """One notice to each sender that lives."""
        for sender in dict.fromkeys(self.mails[copy.mail].sender for copy in back):
            if sender is not None and self.sessions[sender].status in LIVE:
                session = self.sessions[sender]
                self._copy(self._post(session.project, None, "daemon", sender), session)

    def copies(self, mail: str) -> list[Sent]:
        return [copy for copy in self.sent.values() if copy.mail == mail]

    def _mine(self, c: Any) -> Sent:
        session = c.session_id or self.me
        mine = [copy for copy in self.copies(self.mail(c.mail_id).id) if session in {None, copy.session}]
        if len(mine) != 1:
            raise No("Invalid")
        return mine[0]

    def _step(self, copy: Sent, to: str) -> None:
        if copy.state != to and to not in STEPS.get(copy.state, set()):
            raise No("IllegalMove")
        copy.state = to

    def read_mail(self, c: Any) -> None:
        copy = self._mine(c)
        if copy.state != "acked":
            self._step(copy, "read")

    def ack_mail(self, c: Any) -> None:
        self._step(self._mine(c), "acked")

    def delete_mail(self, c: Any) -> None:
        self._remove({self.mail(c.mail_id).id})

    def surface_mail(self, c: Any) -> None:
        session = self.session(c.session_id)
        for copy in self.sent.values():
            if copy.session == session.id and copy.mail in c.mail_ids and copy.state in WAITING:
                copy.state = "surfaced"

    def hold_mail(self, c: Any) -> None:
        self.session(c.session_id)  # why it waits moves nothing

    def expire_mail(self, c: Any) -> None:
        mail = self.mail(c.mail_id)
        if mail.until is not None and mail.until <= self.now:
            for copy in self.copies(mail.id):
                copy.state = "expired" if copy.state in WAITING else copy.state

    def _remove(self, mails: set[str]) -> None:
        self.mails = {k: v for k, v in self.mails.items() if k not in mails}
        self.sent = {k: v for k, v in self.sent.items() if v.mail not in mails}
        for mail in self.mails.values():
            mail.answers = None if mail.answers in mails else mail.answers

    # -- what others bring about -----------------------------------------------------------------

    def _end(self, session: Session, status: str) -> None:
        super()._end(session, status)
        waiting = [copy for copy in self.sent.values() if copy.session == session.id and copy.state in WAITING]
        left = sorted(waiting, key=lambda copy: copy.id)
        for copy in left:
            copy.state = "bounced"
        self._tell_senders(left)

    def _forget(self, tasks: list[str], sessions: list[str]) -> None:
        self._remove({mail.id for mail in self.mails.values() if {mail.sender, mail.to} & set(sessions)})
        self.sent = {k: v for k, v in self.sent.items() if v.session not in sessions}
        super()._forget(tasks, sessions)

    def delete_project(self, c: Any) -> None:
        super().delete_project(c)
        self._remove({mail.id for mail in self.mails.values() if mail.project == c.project_id})
