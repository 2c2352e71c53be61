"""Mail: messages between sessions, or from a person to a session, and how far each one got."""

from collections.abc import Iterable, Iterator

from msgspec import structs

from maestrod.domain import limits, tables
from maestrod.domain.changes import Change, Command, Context, Delete, Put
from maestrod.domain.errors import Conflict, Invalid, NotAllowed
from maestrod.domain.model import (
    LIVE_SESSION,
    UNREAD,
    Delivery,
    DeliveryState,
    Mail,
    MailType,
    Noun,
    Priority,
    Session,
    Step,
)
from maestrod.domain.revision import revised
from maestrod.domain.state import State

MOST_UNREAD = 2_000
"""Unread mail of one session; more is refused."""
MOST_HOPS = 50
"""Answers of sessions to each other in one thread, until a person writes in it."""

TEXT_KEYS = {
    MailType.ASSIGNMENT: "instructions",
    MailType.STATUS_UPDATE: "message",
    MailType.QUERY: "question",
    MailType.RESPONSE: "answer",
    MailType.DIRECTIVE: "details",
    MailType.NOTIFICATION: "message",
}
"""Under which key of the body the text of a mail stands, by its type."""


class SendMail(Command, frozen=True, kw_only=True):
    """Write to a session; with neither receiver nor mail to answer, to all live sessions of the project.

    The sender is whoever asks; ``from_session_id`` may say so again. ``message`` is put under the type's own key
    of the body. An answer goes to the other side of the mail that it answers.
    """

    project_id: str | None = None
    from_session_id: str | None = None
    to_session_id: str | None = None
    reply_to_mail_id: str | None = None
    type: MailType | None = None
    subject: str | None = None
    message: str | None = None
    body: dict[str, object] | None = None
    priority: Priority = Priority.MEDIUM
    expires_at: int | None = None


class ReadMail(Command, frozen=True, kw_only=True):
    """A session has read a mail; which one a person must say where several got it."""

    mail_id: str
    session_id: str | None = None
    channel: str = "api"


class AckMail(Command, frozen=True, kw_only=True):
    """A session has done what a mail asks, or takes note of it."""

    mail_id: str
    session_id: str | None = None
    channel: str = "api"


class DeleteMail(Command, frozen=True, kw_only=True):
    """Take a mail out of every mailbox."""

    mail_id: str


class SurfaceMail(Command, frozen=True, kw_only=True):
    """Waiting mail was shown to the session's agent."""

    session_id: str
    mail_ids: tuple[str, ...]
    channel: str = "hook"


class HoldMail(Command, frozen=True, kw_only=True):
    """The session's agent was to be told of waiting mail, and could not be; the senders see why."""

    session_id: str
    mail_ids: tuple[str, ...]
    reason: str


class ExpireMail(Command, frozen=True, kw_only=True):
    """The time of a mail is over."""

    mail_id: str


def send_mail(state: State, command: SendMail, ctx: Context) -> list[Change]:
    """A mailbox that is full refuses; of a broadcast it bounces. To an ended session it bounces, with the reason."""
    answered = state.mail(command.reply_to_mail_id) if command.reply_to_mail_id else None
    mail = _written(command, answered, ctx)
    to = command.to_session_id or (_other_side(answered, ctx) if answered else None)
    project_id = _project(state, command, to, ctx)
    if answered is not None and answered.project_id != project_id:
        raise Invalid.field("replyToMailId", f"{answered.id} is a mail of another project")
    mail = structs.replace(mail, project_id=project_id, to_session_id=to)
    receivers = [state.session(to)] if to else _live_besides(state, project_id, ctx.actor.session_id)
    if to and _is_full(state, to):
        raise Conflict(f"the mailbox of session {to} is full: {MOST_UNREAD} are unread", hint="Write when it has read.")
    sent = [_delivery(state, mail, receiver, ctx) for receiver in receivers]
    bounced = [each for each in sent if each.state is DeliveryState.BOUNCED]
    return [
        Put(Noun.MAIL, mail),
        *(Put(Noun.DELIVERY, each) for each in sent),
        *_read_by_answering(state, answered, ctx),
        *_notices(state, [(mail, each) for each in bounced], ctx),
    ]


def read_mail(state: State, command: ReadMail, ctx: Context) -> list[Change]:
    """What was acknowledged was read; reading twice changes nothing."""
    delivery = _own(state, command, ctx)
    if delivery.state is DeliveryState.ACKED:
        return []
    return _moved(delivery, DeliveryState.READ, ctx, command.channel)


def ack_mail(state: State, command: AckMail, ctx: Context) -> list[Change]:
    """Acknowledging is explicit: nothing else does it."""
    return _moved(_own(state, command, ctx), DeliveryState.ACKED, ctx, command.channel)


def delete_mail(state: State, command: DeleteMail, ctx: Context) -> list[Change]:
    """Answers to it stay; they answer nothing then."""
    return removed(state, [state.mail(command.mail_id).id], ctx)


def surface_mail(state: State, command: SurfaceMail, ctx: Context) -> list[Change]:
    """What was shown, read or bounced before stays as it is."""
    limits.Fields().line("channel", command.channel, limits.LABEL).end()
    shown = frozenset(command.mail_ids)
    waiting = [d for d in state.unread(state.session(command.session_id).id) if d.mail_id in shown]
    return [change for each in waiting for change in _moved(each, DeliveryState.SURFACED, ctx, command.channel)]


def hold_mail(state: State, command: HoldMail, ctx: Context) -> list[Change]:
    """What waits goes on waiting, with the reason, until it gets further."""
    limits.Fields().text("reason", command.reason, limits.TEXT).end()
    meant = frozenset(command.mail_ids)
    waiting = [d for d in state.unread(state.session(command.session_id).id) if d.mail_id in meant]
    held = [d for d in waiting if d.state is DeliveryState.QUEUED and d.reason != command.reason]
    return [Put(Noun.DELIVERY, revised(each, ctx, reason=command.reason)) for each in held]


def expire_mail(state: State, command: ExpireMail, ctx: Context) -> list[Change]:
    """Only what nobody has read expires, and not before its time."""
    mail = state.mail(command.mail_id)
    if mail.expires_at is None or mail.expires_at > ctx.now:
        return []
    return [
        change
        for each in state.deliveries(mail.id)
        if each.state in UNREAD
        for change in _moved(each, DeliveryState.EXPIRED, ctx, ctx.actor.kind)
    ]


# -- what others need ---------------------------------------------------------------------------------


def bounced_by_end(state: State, session: Session, reason: str, ctx: Context) -> list[Change]:
    """The session ends: what it has not read goes back to the senders with the reason."""
    left = [(state.mail(each.mail_id), bounced(each, reason, ctx)) for each in state.unread(session.id)]
    return [*(Put(Noun.DELIVERY, each) for _, each in left), *_notices(state, left, ctx)]


def forgotten(state: State, session_id: str, ctx: Context) -> list[Change]:
    """The session goes: with it what it sent, what was sent to it alone, and its copies of broadcasts."""
    inbox = list(state.inbox(session_id))
    own = [d.mail_id for d in inbox if state.mail(d.mail_id).to_session_id == session_id]
    gone = dict.fromkeys([*state.groups["sent", session_id], *own])
    copies = [Delete(Noun.DELIVERY, d.id) for d in inbox if d.mail_id not in gone]
    return [*removed(state, gone, ctx), *copies]


def removed(state: State, mail_ids: Iterable[str], ctx: Context) -> list[Change]:
    """Deletions of mails with their deliveries; answers that stay lose what they answered."""
    gone = dict.fromkeys(mail_ids)
    changes: list[Change] = []
    for id_ in gone:
        changes += [Delete(Noun.DELIVERY, each.id) for each in state.deliveries(id_)]
        answers = [state.mail(each) for each in state.groups["replies", id_] if each not in gone]
        changes += [Put(Noun.MAIL, revised(each, ctx, reply_to_mail_id=None)) for each in answers]
    return [*changes, *(Delete(Noun.MAIL, id_) for id_ in gone)]


def text_of(mail: Mail) -> str:
    """The text of a mail; empty when its body has none."""
    text = mail.body.get(TEXT_KEYS[mail.type])
    return text if isinstance(text, str) else ""


# -- parts --------------------------------------------------------------------------------------------


def _written(command: SendMail, answered: Mail | None, ctx: Context) -> Mail:
    type_ = command.type or (MailType.RESPONSE if answered else MailType.NOTIFICATION)
    body = dict(command.body or {})
    key = TEXT_KEYS[type_]
    _check(command, body, key)
    if command.message is not None:
        body = {key: command.message} | body
    text = body.get(key)
    id_ = ctx.new_id(Noun.MAIL)
    return Mail(
        id=id_,
        created_at=ctx.now,
        updated_at=ctx.now,
        project_id="",
        from_session_id=ctx.actor.session_id,
        from_user=None if ctx.actor.session_id else str(ctx.actor),
        reply_to_mail_id=answered.id if answered else None,
        thread_id=answered.thread_id if answered else id_,
        type=type_,
        subject=command.subject or _subject(answered, text if isinstance(text, str) else "", type_),
        body=body,
        priority=command.priority,
        expires_at=command.expires_at,
        hops=_hops(answered, ctx),
    )


def _subject(answered: Mail | None, text: str, type_: MailType) -> str:
    if answered is not None:
        return f"Re: {answered.subject.removeprefix('Re: ')}"[: limits.TITLE]
    lines = text.strip().splitlines()
    return " ".join(lines[0].split())[: limits.TITLE] if lines else type_.replace("_", " ")


def _hops(answered: Mail | None, ctx: Context) -> int:
    if answered is None or ctx.actor.session_id is None:
        return 0
    if answered.hops >= MOST_HOPS:
        raise Conflict(
            f"{MOST_HOPS} answers went back and forth in this thread",
            hint="Go on with your task, or ask a person: `maestro session needs-input`.",
        )
    return answered.hops + 1


def _other_side(answered: Mail, ctx: Context) -> str:
    """To whom an answer goes: the sender, or from the sender itself the receiver."""
    own = (answered.from_session_id or answered.from_user) == (ctx.actor.session_id or str(ctx.actor))
    to = answered.to_session_id if own else answered.from_session_id
    if to is None:
        who = "it went to several" if own else f"{answered.from_user} has no mailbox"
        hint = (
            "Name the receiver." if own else "Tell people by `maestro report progress`, ask by `session needs-input`."
        )
        raise Conflict(f"mail {answered.id} cannot be answered: {who}", hint=hint)
    return to


def _project(state: State, command: SendMail, to: str | None, ctx: Context) -> str:
    """The project of the receiver; of a broadcast the one that is named, else the sender's own."""
    sender = state.session(ctx.actor.session_id) if ctx.actor.session_id else None
    if command.from_session_id is not None and (sender is None or sender.id != command.from_session_id):
        raise NotAllowed(
            f"you are not session {command.from_session_id}", hint="Leave `fromSessionId` out: the sender is who asks."
        )
    if sender is not None and sender.id == to:
        raise Invalid.field("toSessionId", "is the sender itself")
    home = sender.project_id if sender else None
    project_id = state.session(to).project_id if to else command.project_id or home
    if project_id is None:
        hint = "`maestro mail broadcast -P PROJECT …` writes to all of them, `maestro mail send SESSION …` to one."
        raise Invalid.field("projectId", "name the project to whose sessions you write, or one session", hint=hint)
    if command.project_id not in {None, state.project(project_id).id}:
        raise Invalid.field("projectId", f"session {to} belongs to {project_id}")
    return project_id


def _live_besides(state: State, project_id: str, sender: str | None) -> list[Session]:
    ids = (id_ for status in sorted(LIVE_SESSION) for id_ in state.groups["sessions", project_id, status])
    return [state.session(id_) for id_ in sorted(ids) if id_ != sender]


def _is_full(state: State, session_id: str) -> bool:
    return len(state.groups["unread", session_id]) >= MOST_UNREAD


def _delivery(state: State, mail: Mail, receiver: Session, ctx: Context) -> Delivery:
    made = Delivery(
        id=ctx.new_id(Noun.DELIVERY),
        created_at=ctx.now,
        updated_at=ctx.now,
        mail_id=mail.id,
        session_id=receiver.id,
        project_id=mail.project_id,
        at=ctx.now,
        channel="mailbox",
        expires_at=mail.expires_at,
    )
    if receiver.status not in LIVE_SESSION:
        why = f"session {receiver.id} ({receiver.name}) has ended: {receiver.status}"
        return structs.replace(made, state=DeliveryState.BOUNCED, reason=why)
    if _is_full(state, receiver.id):
        why = f"the mailbox of session {receiver.id} is full: {MOST_UNREAD} are unread"
        return structs.replace(made, state=DeliveryState.BOUNCED, reason=why)
    return made


def _read_by_answering(state: State, answered: Mail | None, ctx: Context) -> list[Change]:
    """Who answers has read."""
    received = (d for d in state.deliveries(answered.id) if d.session_id == ctx.actor.session_id) if answered else ()
    return [change for d in received if d.state in UNREAD for change in _moved(d, DeliveryState.READ, ctx, "reply")]


def _notices(state: State, bounced: list[tuple[Mail, Delivery]], ctx: Context) -> Iterator[Change]:
    """One mail of the daemon's to each living sender, about all that came back to it."""
    senders: dict[str, list[tuple[Mail, Delivery]]] = {}
    for mail, delivery in bounced:
        if mail.from_session_id is not None:
            senders.setdefault(mail.from_session_id, []).append((mail, delivery))
    for sender, back in senders.items():
        session = state.session(sender)
        if session.status in LIVE_SESSION and not _is_full(state, sender):
            notice = _notice(session, back, ctx)
            yield Put(Noun.MAIL, notice)
            yield Put(Noun.DELIVERY, _delivery(state, notice, session, ctx))


def _notice(sender: Session, back: list[tuple[Mail, Delivery]], ctx: Context) -> Mail:
    (first, delivery), more = back[0], len(back) - 1
    told = f"{delivery.reason}; mail {first.id} ({first.subject}) was not read"
    others = f", nor were {more} more" if more else ""
    id_ = ctx.new_id(Noun.MAIL)
    return Mail(
        id=id_,
        created_at=ctx.now,
        updated_at=ctx.now,
        project_id=sender.project_id,
        from_user="daemon",
        to_session_id=sender.id,
        thread_id=first.thread_id,
        type=MailType.NOTIFICATION,
        subject=f"Not delivered: {first.subject}"[: limits.TITLE],
        body={"message": f"{told}{others}", "mailIds": [mail.id for mail, _ in back[: limits.LIST]]},
    )


def _own(state: State, command: ReadMail | AckMail, ctx: Context) -> Delivery:
    """The delivery that is meant.

    Raises:
        Invalid: the session did not get this mail, or it is not clear which one is meant.
    """
    limits.Fields().line("channel", command.channel, limits.LABEL).end()
    rows = list(state.deliveries(state.mail(command.mail_id).id))
    session_id = command.session_id or ctx.actor.session_id
    mine = [d for d in rows if session_id in {None, d.session_id}]
    if not mine:
        raise Invalid.field(
            "sessionId", f"{session_id} did not get this mail" if session_id else "nobody got this mail"
        )
    if len(mine) > 1:
        raise Invalid.field("sessionId", f"{len(mine)} sessions got this mail; say which one is meant")
    return mine[0]


def _moved(delivery: Delivery, to: DeliveryState, ctx: Context, channel: str) -> list[Change]:
    if not tables.moves(tables.DELIVERY, delivery.state, to, f"mail {delivery.mail_id}"):
        return []
    return [Put(Noun.DELIVERY, _stepped(delivery, to, ctx, channel))]


def bounced(delivery: Delivery, reason: str, ctx: Context) -> Delivery:
    """The delivery as one that cannot arrive any more."""
    return structs.replace(_stepped(delivery, DeliveryState.BOUNCED, ctx, "daemon"), reason=reason)


def _stepped(delivery: Delivery, to: DeliveryState, ctx: Context, channel: str) -> Delivery:
    before = Step(state=delivery.state, at=delivery.at, channel=delivery.channel)
    return revised(delivery, ctx, state=to, at=ctx.now, channel=channel, reason=None, steps=(*delivery.steps, before))


def _check(command: SendMail, body: dict[str, object], key: str) -> None:
    fields = limits.Fields().line("subject", command.subject, limits.TITLE)
    if command.message is not None:
        fields.said("message", command.message, limits.MESSAGE)
        if key in body:
            fields.wrong("message", f"is in the body already, as {key}")
    elif key not in body and not command.subject:
        fields.wrong("message", "say something: a message or a subject")
    for name, value in body.items():
        fields.text(f"body.{name[:40]}", value, limits.MESSAGE)
    if key in body and not isinstance(body[key], str):
        fields.wrong(f"body.{key}", "must be a text")
    fields.json_object("body", command.body, limits.MESSAGE)
    fields.number("expiresAt", command.expires_at, least=0).end()
