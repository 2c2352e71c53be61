"""Brings waiting mail to agents with the answers to their hooks, and takes away what nobody read in time."""

import asyncio
import logging

from maestrod.domain.changes import DAEMON, Change, Put
from maestrod.domain.errors import Rejected
from maestrod.domain.mail import ExpireMail, SurfaceMail
from maestrod.domain.model import LIVE_SESSION, Delivery, DeliveryState, Mail, Noun
from maestrod.domain.names import title
from maestrod.domain.state import State
from maestrod.engine.engine import Ask, Engine, NotCommitted, ReadOnly
from maestrod.prompts.mail import MOST_MAILS, Letter, framed

log = logging.getLogger(__name__)

HEARING = frozenset({"UserPromptSubmit", "SessionStart", "BeforeAgent"})
"""Hooks whose answer an agent reads as additional context."""
PAUSE_S = 2.0


class Postman:
    """Shows each waiting mail once; what was shown stays unread until the agent says otherwise."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def context(self, session_id: str, event: str) -> str:
        """What the agent is told with the answer to this hook; empty when the hook has no ear, or nothing waits.

        That it was shown is durable on return; what cannot be noted is not shown.
        """
        state = self._engine.state
        if event not in HEARING or state.session(session_id).status not in LIVE_SESSION:
            return ""
        queued = [d.mail_id for d in state.unread(session_id) if d.state is DeliveryState.QUEUED][:MOST_MAILS]
        if not queued:
            return framed([], waiting=len(state.groups["unread", session_id]))
        command = SurfaceMail(session_id=session_id, mail_ids=tuple(queued), channel=f"hook {event}")

        def render(state: State, changes: tuple[Change, ...]) -> str:
            shown = [c.entity.mail_id for c in changes if isinstance(c, Put) and isinstance(c.entity, Delivery)]
            letters = [Letter(state.mail(id_), sender_of(state, state.mail(id_))) for id_ in shown]
            return framed(letters, waiting=len(state.groups["unread", session_id]) - len(letters))

        try:
            return await self._engine.execute(Ask(command=command, actor=DAEMON), render)
        except (Rejected, ReadOnly, NotCommitted) as error:
            log.warning("mail was not shown: %s", error, extra={"sessionId": session_id})
            return ""

    async def run(self) -> None:
        """Let mail expire, for as long as it is awaited."""
        while True:
            await asyncio.sleep(PAUSE_S)
            for mail_id in due(self._engine.state, self._engine.clock.now()):
                await self._expire(mail_id)

    async def _expire(self, mail_id: str) -> None:
        try:
            ask = Ask(command=ExpireMail(mail_id=mail_id), actor=DAEMON)
            await self._engine.execute(ask, lambda _state, _changes: None)
        except (Rejected, ReadOnly, NotCommitted) as error:
            log.warning("mail did not expire: %s", error, extra={"mailId": mail_id})


def due(state: State, now: int) -> list[str]:
    """The mails whose time is over while somebody has not read them."""
    table = state.table(Noun.DELIVERY)
    rows = (table[id_] for id_ in state.groups[("expiring",)])
    found = (d.mail_id for d in rows if isinstance(d, Delivery) and d.expires_at is not None and d.expires_at <= now)
    return list(dict.fromkeys(found))


def sender_of(state: State, mail: Mail) -> str:
    """Who wrote, in words."""
    if mail.from_session_id is None:
        return "a person" if mail.from_user == "user" else mail.from_user or "nobody"
    return f'session {mail.from_session_id} "{title(state, Noun.SESSION, mail.from_session_id)}"'
