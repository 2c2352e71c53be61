"""What is said of and to running sessions: hooks, waiting for a status, explanations."""

from aiohttp import web

from maestrod.api.calls import Call, seconds
from maestrod.api.waiting import Waiters
from maestrod.api.writes import read_body
from maestrod.domain.changes import Commit
from maestrod.domain.errors import Invalid, NotAllowed, Rejected
from maestrod.domain.limits import LABEL, Fields
from maestrod.domain.model import LIVE_SESSION, Noun, Session, SessionStatus
from maestrod.engine.engine import Engine
from maestrod.engine.live import Live
from maestrod.protocol import aliases
from maestrod.protocol.bodies import HookSaid, decoded
from maestrod.protocol.codec import parse_object
from maestrod.protocol.views import encode, entity_json
from maestrod.watch.explaining import Explanation, of_ended, sign
from maestrod.watch.observer import Observer
from maestrod.watch.postman import Postman

LONGEST_WAIT_S = 3600.0
WAIT_S = 60.0
HOOK_BODY = 512 * 1024
"""A payload has 64 KiB of text at most, and each character up to six bytes (an escape)."""
OTHER_ENDS = frozenset({"ended", "needs_input", "error"})


class WaitedTooLong(Rejected):
    """The session did not get there in time."""

    code = "TIMEOUT"


class SessionCalls:
    """Handlers of the session routes that are neither command nor query."""

    def __init__(self, engine: Engine, live: Live, observer: Observer, postman: Postman) -> None:
        self._engine = engine
        self._live = live
        self._observer = observer
        self._postman = postman
        self._waiters = Waiters()
        engine.listen(self._heard)

    async def hook(self, call: Call) -> web.StreamResponse:
        """Take a hook's word: evidence only, never a move of a task.

        Raises:
            NotAllowed: a session speaks for another one.
        """
        session = await self._session(call)
        if call.actor.session_id not in {None, session.id}:
            raise NotAllowed("a session's hooks speak for that session alone", hint="Use its own credential.")
        said = decoded(parse_object(await read_body(call, HOOK_BODY)), HookSaid)
        for name, word in (("provider", said.provider), ("event", said.event)):
            Fields().line(name, word, LABEL).end()
        await self._observer.hook(
            session, said.provider, said.event, said.payload, hook_id=said.hook_id[:200], at=said.at
        )
        context = await self._postman.context(session.id, said.event)
        return web.Response(body=encode({"context": context} if context else {}), content_type="application/json")

    async def wait(self, call: Call) -> web.StreamResponse:
        """Answer when the session's status is one of ``until``.

        Raises:
            WaitedTooLong: it was not within ``timeout`` seconds.
            Stopping: the daemon goes first.
        """
        until = _until(call.query.get("until", "ended"))
        limit = seconds(call, "timeout", WAIT_S, LONGEST_WAIT_S)
        session = await self._session(call)

        async def look() -> Session | None:
            current = await self._engine.read(lambda state: state.session(session.id))
            return current if _is(current, until) else None

        reached = await self._waiters.until(session.id, look, limit)
        if reached is None:
            current = await self._engine.read(lambda state: state.session(session.id))
            raise WaitedTooLong(
                f"session {session.id} is {current.status} after {limit:g} s, not {' or '.join(sorted(until))}",
                hint="Wait longer with `--timeout`, or look: `maestro session info`.",
            )
        body = await self._engine.read(
            lambda state: entity_json(state, state.session(reached.id), live=self._live.get(reached.id))
        )
        return web.Response(body=body, content_type="application/json")

    def close(self) -> None:
        """Let everybody go who waits."""
        self._waiters.close()

    async def explain(self, call: Call) -> web.StreamResponse:
        """The verdict on a session, and all that it was made from."""
        session = await self._session(call)
        facts = self._live.get(session.id)
        live = session.status in LIVE_SESSION
        explanation = Explanation(
            session_id=session.id,
            status=session.status,
            verdict=self._observer.verdict(session.id) if live else of_ended(session),
            evidence=tuple(sign(each) for each in self._observer.evidence(session.id)),
            process=facts.process if facts is not None else "unknown" if live else "exited",
        )
        return web.Response(body=encode(explanation), content_type="application/json")

    def _heard(self, commit: Commit) -> None:
        for change in commit.changes:
            if change.noun is Noun.SESSION:
                self._waiters.ring(change.id)

    async def _session(self, call: Call) -> Session:
        return await self._engine.read(lambda state: state.session(call.ids(state)["session"]))


def _is(session: Session, until: frozenset[str]) -> bool:
    ended = session.status not in LIVE_SESSION
    return (
        session.status in until
        or (ended and "ended" in until)
        or (session.needs_input.active and "needs_input" in until)
        or (not ended and session.turn.state == "error" and "error" in until)
    )


def _until(words: str) -> frozenset[str]:
    known = {*(s.value for s in SessionStatus), *OTHER_ENDS}
    wanted = frozenset(
        aliases.word("status", w.strip()).replace("needs-input", "needs_input") for w in words.split(",")
    )
    wrong = sorted(wanted - known)
    if wrong:
        raise Invalid.field("until", f"'{wrong[0]}' is none of {', '.join(sorted(known))}")
    return wanted
