"""A daemon without a disk, an agent or a clock of its own: for tests of what listens to one.

Rules, events and frames are the real ones. It can go away and come back, and shows any screen it is told.
"""

import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
from aiohttp import WSMsgType, web

from maestrod.domain import templates
from maestrod.domain.changes import USER, Actor, Change, Command, Commit, Context, Event, Idempotency, Put
from maestrod.domain.errors import NotFound, Rejected
from maestrod.domain.events import derive
from maestrod.domain.model import PREFIXES, Entity, Noun
from maestrod.domain.registry import RULES, decide
from maestrod.domain.state import State
from maestrod.domain.undo import UNDOABLE
from maestrod.protocol.frames import frames_of, plain
from maestrod.protocol.routes import WRITES, Write
from maestrod.protocol.views import entity_json

START = 1_760_000_000_000
"""When the world begins, in milliseconds."""
FIELDS = {
    "task": "taskId",
    "session": "sessionId",
    "project": "projectId",
    "subtask": "subtaskId",
    "item": "itemId",
    "mail": "mailId",
    "template": "templateId",
}
LISTS = {
    "projects": Noun.PROJECT,
    "tasks": Noun.TASK,
    "sessions": Noun.SESSION,
    "assignments": Noun.ASSIGNMENT,
    "mail": Noun.MAIL,
}


class Planted(Command, frozen=True):
    """Changes that no rule decided."""


class World:
    """Serves the API at ``unix:…`` while it is entered; ``now`` stands still until a test moves it."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="mae-", dir="/tmp"))
        self.socket = self.folder / "d.sock"
        self.state = State()
        self.seq = 0
        self.now = START
        self.boot = "boot1"
        self.api = 1
        self.commits: list[Commit] = []
        self.live: dict[str, dict[str, object]] = {}
        self.screens: dict[str, dict[str, object]] = {}
        self.documents: dict[str, object] = {}
        self.secret = ""
        """Why nobody may read the history; empty when everybody may."""
        self.asked: list[tuple[str, str, dict[str, object]]] = []
        self.forgets_before = 0
        self.undone: dict[str, object] = {}
        """What is answered to who takes something back."""
        self.typed: dict[str, str] = {"result": "submitted", "reason": ""}
        self.refuses: dict[str, tuple[int, dict[str, object]]] = {}
        self._streams: set[web.WebSocketResponse] = set()
        self._looks: dict[web.WebSocketResponse, str] = {}
        self._numbers = 0
        self._runner: web.ServerRunner | None = None

    @property
    def server(self) -> str:
        """Its address."""
        return f"unix:{self.socket}"

    @property
    def listeners(self) -> int:
        """How many clients follow the events."""
        return len(self._streams)

    @property
    def watched(self) -> list[str]:
        """The sessions whose screens are looked at."""
        return sorted(self._looks.values())

    async def __aenter__(self) -> Self:
        await self.rise()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.fall()
        shutil.rmtree(self.folder, ignore_errors=True)

    async def rise(self) -> None:
        """Listen."""
        self._runner = web.ServerRunner(web.Server(self._handle, access_log=None), shutdown_timeout=0.2)
        await self._runner.setup()
        await web.UnixSite(self._runner, str(self.socket)).start()

    async def fall(self) -> None:
        """Break every connection and listen no more."""
        for socket in [*self._streams, *self._looks]:
            await socket.close()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        self.socket.unlink(missing_ok=True)

    # -- what happens in it ----------------------------------------------------------------------

    def new_id(self, noun: Noun) -> str:
        """Ids in the order in which they are asked for."""
        self._numbers += 1
        return f"{PREFIXES[noun]}_{START + self._numbers}_{self._numbers:09}"

    async def do(self, command: Command, actor: Actor = USER) -> list[Change]:
        """Decide a command, apply it and tell everybody."""
        changes = decide(self.state, command, Context(actor, self.now, self.new_id))
        events = derive(self.state, command, changes)
        await self._commit(command, changes, events, actor)
        return changes

    async def made(self, command: Command, actor: Actor = USER) -> str:
        """The id of the first thing that a command puts."""
        return (await self.do(command, actor))[0].id

    async def plant(self, *entities: Entity, noun: Noun) -> None:
        """Put entities as they are, past every rule."""
        changes: list[Change] = [Put(noun, entity) for entity in entities]
        deed = "added" if noun is Noun.TIMELINE else "updated"
        await self._commit(Planted(), changes, [Event(f"{noun}:{deed}", noun, e.id) for e in entities], USER)

    def fill(self, noun: Noun, entities: Iterable[Entity]) -> None:
        """Put many entities before anybody listens."""
        self.state.apply_all(Put(noun, entity) for entity in entities)

    async def know(self, session_id: str, **facts: object) -> None:
        """Tell live facts."""
        self.live[session_id] = {"sessionId": session_id, **facts}
        await self._tell(plain("session:live", session_id=session_id, data=self.live[session_id]).body)

    async def say(self, text: str) -> None:
        """Send any text as a frame."""
        for socket in list(self._streams):
            await socket.send_str(text)

    async def resync(self) -> None:
        """Tell everybody to read everything again."""
        await self._tell(plain("resync", seq=self.seq).body)

    async def draw(self, session_id: str, text: str, *, width: int = 120, height: int = 40, **more: object) -> None:
        """Show a screen."""
        screen = {"type": "screen", "text": text, "width": width, "height": height, **more}
        self.screens[session_id] = screen
        for socket, looked_at in list(self._looks.items()):
            if looked_at == session_id:
                await socket.send_json(screen)

    async def _commit(self, command: Command, changes: list[Change], events: Iterable[Event], actor: Actor) -> None:
        self.state.apply_all(changes)
        self.seq += 1
        commit = Commit(
            seq=self.seq,
            at=self.now,
            actor=str(actor),
            request_id="r",
            command=command,
            changes=tuple(changes),
            events=tuple(events),
            idem=Idempotency("k", "h"),
        )
        self.commits.append(commit)
        for frame in frames_of(commit):
            await self._tell(frame.body)

    async def _tell(self, body: bytes) -> None:
        await self.say(body.decode())

    # -- what it answers -------------------------------------------------------------------------

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.path.removeprefix("/api/v1")
        if request.method == "GET" and path == "/events":
            return await self._events(request)
        if request.method == "GET" and path.endswith("/screen/stream"):
            return await self._screen(request, path.split("/")[2])
        try:
            return await self._answer(request, path)
        except Rejected as refusal:
            status = 404 if isinstance(refusal, NotFound) else 409
            body = {"code": refusal.code, "message": refusal.message, "hint": refusal.hint, "status": status}
            return web.json_response(body, status=status)

    async def _answer(self, request: web.BaseRequest, path: str) -> web.StreamResponse:
        if request.method == "GET" and path in {"/commits", "/state", "/templates"} - self.documents.keys():
            if self.secret:
                return web.json_response({"code": "FORBIDDEN", "message": self.secret}, status=403)
            return self._json(msgspec.json.encode(self._told(path, request.query)))
        if request.method == "GET":
            return self._read(path, request.query)
        document = msgspec.json.decode(await request.read(), type=dict[str, object])
        self.asked.append((request.method, path, document))
        if path in self.refuses:
            status, refusal = self.refuses[path]
            return web.json_response(refusal, status=status)
        if path.startswith("/undo/"):
            return self._json(msgspec.json.encode(self.undone))
        if path.endswith("/input"):
            return self._json(msgspec.json.encode(self._typed_to(path.split("/")[2], document)))
        route, ids = _route(request.method, path)
        kind = RULES[route.command].command
        known = {field.encode_name for field in msgspec.structs.fields(kind)}
        command = msgspec.convert({**document, **{k: v for k, v in ids.items() if k in known}}, kind)
        changes = await self.do(command)
        return self._json(msgspec.json.encode(changes[0].entity) if changes and isinstance(changes[0], Put) else b"{}")

    def _typed_to(self, session_id: str, document: Mapping[str, object]) -> Mapping[str, str]:
        """An answer is for the dialog that is open now, or is not given."""
        dialog = self.screens.get(session_id, {}).get("dialog")
        if "answer" in document and isinstance(dialog, dict) and document["expect"] != dialog["digest"]:
            return {"result": "not_delivered", "reason": f"another question is open now: {dialog['text']}"}
        return self.typed

    def _read(self, path: str, query: Mapping[str, str]) -> web.StreamResponse:
        words = path.strip("/").split("/")
        if path in self.documents:
            return self._json(msgspec.json.encode(self.documents[path]))
        match words:
            case ["hello"]:
                hello = {"version": "0", "api": self.api, "bootId": self.boot, "seq": self.seq, "home": "/h"}
                return self._json(msgspec.json.encode(hello))
            case [kind] if kind in LISTS:
                return self._json(self._list(LISTS[kind], query))
            case [kind, id_] if kind in LISTS:
                return self._json(self._one(LISTS[kind], id_))
            case [_, id_, "subtasks"]:
                return self._json(msgspec.json.encode(self.state.subtasks(id_)))
            case [kind, id_, "timeline"]:
                entries = self.state.groups[f"{kind[:-1]}-timeline", id_].after(None, descending=True)
                rows = [self.state.table(Noun.TIMELINE)[e] for e in entries][: int(query.get("limit", 100))]
                return self._json(b'{"data":' + msgspec.json.encode(rows) + b',"pagination":{"nextCursor":null}}')
            case ["sessions", id_, "screen"] if id_ in self.screens:
                return self._json(msgspec.json.encode(self.screens[id_]))
            case ["sessions", id_, "queue"]:
                queue = self.state.queue_of(id_)
                return self._json(msgspec.json.encode(queue)) if queue else web.json_response({}, status=409)
            case ["sessions", id_, "queue", "items"]:
                return self._json(msgspec.json.encode(self.state.items(id_)))
            case _:
                return web.json_response({"code": "NOT_FOUND", "message": f"no route {path}"}, status=404)

    def _told(self, path: str, query: Mapping[str, str]) -> object:
        if path == "/templates":
            return templates.every(self.state)
        return self._commits(query) if path == "/commits" else self._past(query)

    def _commits(self, query: Mapping[str, str]) -> object:
        """As the daemon tells them: oldest first, without ``after`` the newest."""
        limit = int(query.get("limit", 100))
        after = int(query.get("after", max(0, self.seq - limit)))
        shown = [_shown(commit) for commit in self.commits if after < commit.seq <= after + limit]
        return {"data": shown, "seq": self.seq, "last": self.seq}

    def _past(self, query: Mapping[str, str]) -> object:
        at, noun = int(query["at"]), Noun(query["noun"])
        then = State()
        for commit in self.commits:
            if commit.seq <= at:
                then.apply_all(commit.changes)
        return {"seq": at, "entities": {noun: list(then.table(noun).values())}}

    def _list(self, noun: Noun, query: Mapping[str, str]) -> bytes:
        limit = int(query.get("limit", 0))
        descending = query.get("order") == "desc"
        ids = list(self.state.ordered[noun].after(query.get("cursor") or None, descending=descending))
        page = ids[: limit or None]
        rows = b",".join(self._one(noun, id_, summary="fields" in query) for id_ in page)
        if not limit:
            return b"[" + rows + b"]"
        following = msgspec.json.encode(page[-1] if len(ids) > limit else None)
        return b'{"data":[' + rows + b'],"pagination":{"nextCursor":' + following + b"}}"

    def _one(self, noun: Noun, id_: str, *, summary: bool = False) -> bytes:
        entity = self.state.table(noun).get(id_)
        if entity is None:
            raise NotFound(noun, id_)
        return entity_json(self.state, entity, live=self.live.get(id_), summary=summary)

    def _json(self, body: bytes) -> web.Response:
        return web.Response(body=body, content_type="application/json", headers={"X-Maestro-Seq": str(self.seq)})

    async def _events(self, request: web.BaseRequest) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        after = int(request.query.get("after", self.seq))
        if after < self.forgets_before:
            await socket.send_str(plain("resync", seq=self.seq).body.decode())
            after = self.seq
        bodies = [f.body for c in self.commits if c.seq > after for f in frames_of(c)]
        if bodies:
            await socket.send_str((b"[" + b",".join(bodies) + b"]").decode())
        self._streams.add(socket)
        try:
            async for _ in socket:
                pass
        finally:
            self._streams.discard(socket)
        return socket

    async def _screen(self, request: web.BaseRequest, session_id: str) -> web.StreamResponse:
        if session_id not in self.screens:
            return web.json_response({"code": "PANE_GONE", "message": "no pane"}, status=409)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json(self.screens[session_id])
        self._looks[socket] = session_id
        try:
            async for message in socket:
                assert message.type in {WSMsgType.TEXT, WSMsgType.BINARY}
        finally:
            self._looks.pop(socket, None)
        return socket


def _route(method: str, path: str) -> tuple[Write, dict[str, str]]:
    for route in WRITES:
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", route.path)
        if route.method == method and (found := re.fullmatch(pattern, path)):
            return route, {FIELDS[name]: value for name, value in found.groupdict().items()}
    raise NotFound("route", path)


def _shown(commit: Commit) -> dict[str, object]:
    kind = type(commit.command).__name__
    return {
        "seq": commit.seq,
        "at": commit.at,
        "actor": commit.actor,
        "command": {"kind": kind} | msgspec.to_builtins(commit.command),
        "changes": [
            {"op": "put" if isinstance(c, Put) else "delete", "noun": c.noun, "id": c.id} for c in commit.changes
        ],
        "undoable": kind in UNDOABLE,
    }
