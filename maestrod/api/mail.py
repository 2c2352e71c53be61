"""Waiting for mail."""

from functools import partial
from itertools import islice

from aiohttp import web

from maestrod.api.calls import Call, seconds
from maestrod.api.lists import mail_of
from maestrod.api.waiting import Waiters
from maestrod.domain.changes import Commit, Put
from maestrod.domain.model import Delivery
from maestrod.domain.permissions import authorize_mailbox
from maestrod.domain.state import State
from maestrod.engine.engine import Engine
from maestrod.protocol.views import rows_json

LONGEST_WAIT_S = 30.0
MOST = 100
"""So many mails are told at once; the rest waits for the next look."""


class MailCalls:
    """The handler of the mail route that is neither command nor query."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._waiters = Waiters()
        engine.listen(self._heard)

    async def wait(self, call: Call) -> web.StreamResponse:
        """The unread mail of a session, oldest first: at once when there is any, else when it comes.

        An empty list when none came within ``timeout`` seconds. Nothing is marked.

        Raises:
            NotAllowed: it is another's mailbox.
            Stopping: the daemon goes first.
        """
        limit = seconds(call, "timeout", LONGEST_WAIT_S, LONGEST_WAIT_S)
        session_id = await self._engine.read(partial(_mailbox, call))

        async def look() -> bytes | None:
            return await self._engine.read(partial(_unread, call, session_id)) or None

        body = await self._waiters.until(session_id, look, limit)
        return web.Response(body=b"[" + (body or b"") + b"]", content_type="application/json")

    def close(self) -> None:
        """Let everybody go who waits."""
        self._waiters.close()

    def _heard(self, commit: Commit) -> None:
        for change in commit.changes:
            if isinstance(change, Put) and isinstance(change.entity, Delivery):
                self._waiters.ring(change.entity.session_id)


def _mailbox(call: Call, state: State) -> str:
    """Whose mailbox is meant.

    Raises:
        NotAllowed: the caller may not look into it.
    """
    session_id = call.ids(state)["session"]
    authorize_mailbox(state, call.actor, session_id)
    return session_id


def _unread(call: Call, session_id: str, state: State) -> bytes:
    """The oldest unread mail that the call means, joined by commas."""
    rows = mail_of(call, state, session_id, unread=True)
    found = (d for d in map(state.delivery, rows.groups[0]) if rows.fits is None or rows.fits(d))
    return rows_json(state, list(islice(found, MOST)), lambda _id: None)
