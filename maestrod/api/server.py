"""The HTTP rim: every request comes in here, every answer and every refusal leaves from here."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence

from aiohttp import HttpVersion11, web

from maestrod.api.calls import Call, RouteTree, WrongMethod, query_of, request_id_of
from maestrod.api.compression import squeeze
from maestrod.api.connections import PROBLEM, Server, peer_behind
from maestrod.api.door import Door
from maestrod.api.identity import Unauthorized
from maestrod.api.limits import RateLimited
from maestrod.api.lists import id_of
from maestrod.api.reads import Listing, Reads
from maestrod.api.writes import LARGE_BODY, Answer, Writes, etag
from maestrod.domain import permissions
from maestrod.domain.changes import DAEMON, Actor
from maestrod.domain.errors import Ambiguous, NotAllowed, NotFound, Rejected
from maestrod.domain.keys import USE_MS, UseKey
from maestrod.domain.model import Noun, Scope
from maestrod.domain.state import State
from maestrod.engine.engine import Ask, Engine, NotCommitted, ReadOnly
from maestrod.protocol.problems import problem
from maestrod.protocol.routes import FLAGS, LIVE_PARAMETERS, Read, Route, Write
from maestrod.protocol.views import encode
from maestrod.settings import Settings

log = logging.getLogger(__name__)

JSON = "application/json"
STREAMED = 200
"""Entities encoded between two turns of the loop when a whole list is sent."""

NO_SIGN = frozenset({"RegisterSession", "RecordExit"})
"""What a session's supervisor says; everything else with its credential comes from its agent."""

OPEN = frozenset({"hello", "templates", "template", "placeholders", "role_template", "shipped_template"})
"""Queries that tell nothing of any project."""

SIFTED = frozenset({"projects", "tasks", "sessions", "assignments"})
"""Queries whose answers hold no more than what a key reaches."""

Handler = Callable[[Call], Awaitable[web.StreamResponse]]


class Api:
    """Routes, identifies, answers. ``live`` are the handlers of routes that are neither command nor query."""

    def __init__(
        self,
        engine: Engine,
        reads: Reads,
        writes: Writes,
        door: Door,
        live: Mapping[str, Handler],
        *,
        spoke: Callable[[str, str], Awaitable[None]],
        settings: Settings,
    ) -> None:
        self._engine = engine
        self._reads = reads
        self._writes = writes
        self._door = door
        self._live = live
        self._spoke = spoke
        self._settings = settings
        self._tree = RouteTree()
        self.draining = False

    def server(self) -> Server:
        """The protocol factory for a site."""
        return Server(
            self.handle,
            largest=LARGE_BODY,
            arrival_s=self._settings.arrival_s,
            most_remote=self._settings.tcp_clients,
        )

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request; every answer says up to which commit it knows, and which request it answers.

        What no commit made, refusals too, says what was durable when it was asked for: that is never taken
        back, and who listens from there on misses nothing.
        """
        request_id = request_id_of(request)
        known = self._engine.durable_seq
        response = await self._answer(request, request_id)
        if not response.prepared:
            if request.writer.output_size:
                log.error("an answer failed when it had begun", extra={"requestId": request_id})
                raise ConnectionResetError("the answer had begun")
            response.headers.setdefault("X-Request-ID", request_id)
            response.headers.setdefault("X-Maestro-Seq", str(known))
            if peer_behind(request).is_remote:
                squeeze(request, response)
        return response

    async def _answer(self, request: web.BaseRequest, request_id: str) -> web.StreamResponse:
        """The only broad except of this side."""
        try:
            return await self._settled(request, request_id)
        except Rejected as refusal:
            return self._refused(request, request_id, refusal)
        except ReadOnly as error:
            message = f"the store takes no writes: {error.reason}"
            hint = "It is tried again by itself."
            return self._problem(
                request, request_id, "STORE_READ_ONLY", message, hint=hint, details=[{"applied": False}]
            )
        except NotCommitted as error:
            word = "was not applied" if error.applied is False else "may or may not have been applied"
            details = [{"applied": error.applied}]
            return self._problem(
                request,
                request_id,
                "STORE_READ_ONLY",
                f"the write {word}: {error}",
                details=details,
                hint="Send it again.",
            )
        except web.HTTPRequestEntityTooLarge:
            return self._problem(request, request_id, "PAYLOAD_TOO_LARGE", "the body is too large", hint="Send less.")
        except web.RequestPayloadError as error:
            message = f"the body cannot be read: {error}"
            return self._problem(request, request_id, "VALIDATION_ERROR", message, hint="Send the whole of it.")
        except (asyncio.CancelledError, ConnectionError):
            raise
        except Exception:
            log.exception("a request failed", extra={"requestId": request_id})
            hint = "The daemon's log has the cause: `maestro daemon logs`."
            return self._problem(request, request_id, "INTERNAL_ERROR", "the daemon failed on this request", hint=hint)

    async def _settled(self, request: web.BaseRequest, request_id: str) -> web.StreamResponse:
        """The answer; a refusal waits until what it rests on is durable, whoever refuses."""
        try:
            return await self._routed(request, request_id)
        except Rejected:
            await self._engine.settled()
            raise

    async def _routed(self, request: web.BaseRequest, request_id: str) -> web.StreamResponse:
        path = request.rel_url.raw_path
        self._door.look(request)
        if path in {"/health", "/ready"}:
            return self._condition(request, path)
        if path in {"/", "/ws"} and request.headers.get("Upgrade", "").lower() == "websocket":
            path = "/events"
        caller = self._door.admit(request, path)
        actor = caller.actor
        route, given = self._tree.match(request.method, path)
        if self.draining and not isinstance(route, Read):
            return self._problem(request, request_id, "SHUTTING_DOWN", "the daemon is stopping", hint="Try again.")
        query = query_of(request, _parameters(route))
        call = Call(request, request_id, actor, route, given, query, self._settings.arrival_s, caller.sure)
        if actor.kind != "key":
            return await self._asked(call)
        stays = request.transport if request.method == "GET" else None
        with self._door.staying(self._engine.state, actor, stays):
            return await self._asked_by_key(call)

    async def _asked_by_key(self, call: Call) -> web.StreamResponse:
        try:
            await self._came_by_key(call)
            return await self._asked(call)
        except Ambiguous as error:
            raise _sifted(self._engine.state, call.actor, error) from error

    async def _asked(self, call: Call) -> web.StreamResponse:
        route, actor = call.route, call.actor
        match route:
            case Write():
                answer = await self._writes.answer(call, route)
                if actor.session_id is not None and route.command not in NO_SIGN:
                    await self._spoke(actor.session_id, route.command)
                return self._answered(call, answer)
            case Read(query="commits"):
                return await self._live["commits"](call)
            case Read():
                return await self._read(call, route)
            case str():
                return await self._live[route](call)

    async def _came_by_key(self, call: Call) -> None:
        """Judge what is no command, and note that the key was used."""
        state, route = self._engine.state, call.route
        if not isinstance(route, Write):
            scope = _scope(route, call.request.method)
            permissions.authorize_key(state, call.actor, scope, _named(call, state), sifted=_is_sifted(route))
        key = state.key(call.actor.id)
        if self._engine.clock.now() - (key.last_used_at or 0) < USE_MS:
            return
        ask = Ask(command=UseKey(key_id=key.id), actor=DAEMON, request_id=call.request_id)
        with contextlib.suppress(Rejected, ReadOnly, NotCommitted):  # to be let in it is not needed
            await self._engine.execute(ask, lambda _state, _changes: None)

    async def _read(self, call: Call, route: Read) -> web.StreamResponse:
        if route.people and not call.is_person:
            raise NotAllowed("this is not for sessions", hint="Only a person may do this.")

        def render(state: State) -> tuple[bytes, Listing | None, int]:
            found = self._reads.render(call, route.query, state)
            if isinstance(found, Listing):
                return self._rows(found, state), found, self._engine.seq
            return found, None, self._engine.seq

        body, listing, seq = await self._engine.read(render)
        if listing is None:
            return self._answered(call, Answer(body, 200, seq, etag=etag(body) if _is_one(route) else ""))
        if listing.parts.ended:
            return self._answered(call, Answer(b"[" + body + b"]", 200, seq))
        return await self._stream(call, body, listing, seq)

    def _rows(self, listing: Listing, state: State) -> bytes:
        return self._reads.encoded(state, listing.parts.take(state, STREAMED), summary=listing.summary)

    async def _stream(self, call: Call, first: bytes, listing: Listing, seq: int) -> web.StreamResponse:
        response = web.StreamResponse(headers=self._headers(call.request_id, seq))
        response.content_type = JSON
        if call.request.version >= HttpVersion11:
            response.enable_chunked_encoding()
        if peer_behind(call.request).is_remote:
            squeeze(call.request, response)
        await response.prepare(call.request)
        await response.write(b"[" + first)
        begun = bool(first)
        while not listing.parts.ended:
            await asyncio.sleep(0)
            part = self._rows(listing, self._engine.state)
            await self._engine.settled()
            if part:
                await response.write(b"," + part if begun else part)
                begun = True
        await response.write(b"]")
        await response.write_eof()
        return response

    def _answered(self, call: Call, answer: Answer) -> web.Response:
        headers = self._headers(call.request_id, answer.seq)
        if answer.etag:
            headers["ETag"] = f'"{answer.etag}"'
        return web.Response(body=answer.body, status=answer.status, headers=headers, content_type=JSON)

    def _headers(self, request_id: str, seq: int) -> dict[str, str]:
        return {"X-Maestro-Seq": str(seq), "X-Request-ID": request_id}

    def _refused(self, request: web.BaseRequest, request_id: str, refusal: Rejected) -> web.Response:
        answer = self._problem(
            request, request_id, refusal.code, refusal.message, hint=refusal.hint, details=refusal.details
        )
        if isinstance(refusal, WrongMethod):
            answer.headers["Allow"] = ", ".join(refusal.allowed)
        if isinstance(refusal, RateLimited):
            answer.headers["Retry-After"] = str(refusal.retry_after)
        if isinstance(refusal, Unauthorized):
            answer.headers["WWW-Authenticate"] = "Bearer"
        return answer

    def _problem(
        self,
        request: web.BaseRequest,
        request_id: str,
        code: str,
        message: str,
        *,
        hint: str = "",
        details: Sequence[Mapping[str, object]] = (),
    ) -> web.Response:
        body = problem(
            code, message, hint=hint, details=details, instance=request.rel_url.raw_path, request_id=request_id
        )
        return web.Response(body=encode(body), status=body.status, content_type=PROBLEM)

    def _condition(self, request: web.BaseRequest, path: str) -> web.Response:
        if request.method != "GET":
            raise WrongMethod(request.method, ["GET"])
        query_of(request, ())
        if path == "/health":
            return web.Response(body=self._reads.health(), content_type=JSON)
        reasons = [self._engine.read_only] if self._engine.read_only is not None else []
        reasons += ["stopping"] if self.draining else []
        body = encode({"ready": not reasons, "reasons": reasons, "broken": len(self._reads.broken)})
        return web.Response(body=body, status=503 if reasons else 200, content_type=JSON)


def _scope(route: Route | str, method: str) -> Scope:
    """What a key needs for a route that is no command."""
    if route in {"shutdown", "state", "undo", "import", "backup", "backups"} or (
        isinstance(route, Read) and (route.people or route.query == "commits")
    ):
        return Scope.ADMIN
    return Scope.READ if method == "GET" else Scope.WRITE


def _sifted(state: State, actor: Actor, error: Ambiguous) -> Rejected:
    """The same refusal without what the key does not reach."""
    reach = permissions.reach_of(state, actor)
    table = state.table(Noun(error.noun))
    known = [each for each in error.candidates if reach is None or permissions.home_of(state, table[each[0]]) in reach]
    return Ambiguous(error.noun, error.name, known) if known else NotFound(error.noun, error.name)


def _is_sifted(route: Route | str) -> bool:
    """Whether an answer holds what its caller reaches and no more, whatever is asked for."""
    return route == "events" or (isinstance(route, Read) and route.query in SIFTED)


def _named(call: Call, state: State) -> dict[str, str]:
    """What the path and the query name, by the fields of commands; who asks who it is names all that it reaches."""
    named = {f"{name}_id": id_ for name, id_ in call.ids(state).items()}
    project_id = id_of(call, state, "projectId", Noun.PROJECT)
    if isinstance(call.route, Read) and call.route.query == "status":
        project_id = project_id or call.project(state)
    if isinstance(call.route, Read) and call.route.query in OPEN:
        project_id = next(iter(state.key(call.actor.id).project_ids), None)
    return named | ({"project_id": project_id} if project_id is not None else {})


def _parameters(route: Route | str) -> tuple[str, ...]:
    """The query parameters that a route takes."""
    match route:
        case Write():
            return FLAGS.get(route.command, ())
        case Read():
            return route.filters
        case str():
            return LIVE_PARAMETERS.get(route, ())


def _is_one(route: Read) -> bool:
    """Whether the answer is a single resource."""
    return route.noun is not None and "limit" not in route.filters
