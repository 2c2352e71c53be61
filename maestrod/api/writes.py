"""Writes: a body becomes a command, the command a commit, the commit an answer."""

import asyncio
import hashlib
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import msgspec
from aiohttp import web

from maestrod.api.batches import items_of, results_json
from maestrod.api.calls import Call
from maestrod.api.checks import Checks
from maestrod.api.identity import KEY_PREFIX, Credentials, digest, new_secret
from maestrod.api.lists import flag
from maestrod.domain import names, orderings, permissions, templates
from maestrod.domain.batch import BatchTasks, Item
from maestrod.domain.changes import Change, Command, Delete, Idempotency, Put, Record
from maestrod.domain.claims import ClaimNext, held
from maestrod.domain.errors import Invalid, Rejected, Stale
from maestrod.domain.model import Entity, Key, Noun, Ordered, QueueItem, Task
from maestrod.domain.queues import processing
from maestrod.domain.registry import RULES
from maestrod.domain.state import State
from maestrod.engine.engine import Ask, Engine, IfMatch
from maestrod.engine.live import Live
from maestrod.protocol import aliases
from maestrod.protocol.bodies import decoded
from maestrod.protocol.codec import parse_object
from maestrod.protocol.manifest import manifest_of
from maestrod.protocol.routes import OF_HOME, OF_SECRET, PATH_FIELDS, Shape, Write
from maestrod.protocol.views import encode, entity_json, item_json, next_json, queue_json

BODY = 1024 * 1024
LARGE_BODY = 12 * 1024 * 1024
LARGE = frozenset({"AddDoc", "SpawnSession", "BatchTasks"})

_ID_FIELDS = {
    "projectId": Noun.PROJECT,
    "taskId": Noun.TASK,
    "parentId": Noun.TASK,
    "dependencies": Noun.TASK,
    "referenceTaskIds": Noun.TASK,
    "taskIds": Noun.TASK,
    "sessionId": Noun.SESSION,
    "parentSessionId": Noun.SESSION,
    "itemId": Noun.ITEM,
    "docId": Noun.DOC,
    "templateId": Noun.TEMPLATE,
    "keyId": Noun.KEY,
    "projectIds": Noun.PROJECT,
    "orderedIds": Noun.SUBTASK,
    "fromSessionId": Noun.SESSION,
    "toSessionId": Noun.SESSION,
    "mailId": Noun.MAIL,
    "replyToMailId": Noun.MAIL,
}
_ORDERED: Mapping[object, Noun] = {kind.value: noun for kind, noun in orderings.NOUNS.items()}
_WANTS_PROJECT: Mapping[str, tuple[str, ...]] = {
    "CreateTask": ("projectId", "parentId"),
    "SpawnSession": ("projectId",),
    "SendMail": ("projectId", "toSessionId", "replyToMailId"),
    "ClaimNext": ("projectId", "parentId", "sessionId"),
}
"""Commands that go to the project at hand unless one of these fields says where."""
NOWHERE = "Say --project, or run it inside a project's directory (`maestro init` makes one)."


class TooLarge(Rejected):
    """The body is larger than the route takes."""

    code = "PAYLOAD_TOO_LARGE"


class TooSlow(Rejected):
    """The body did not arrive in time."""

    code = "TIMEOUT"


class WrongMedia(Rejected):
    """The body is not JSON by its own account."""

    code = "UNSUPPORTED_MEDIA_TYPE"


class Answer(msgspec.Struct, frozen=True):
    """A body, its status, and the seq that it rests on; ``etag`` for single resources."""

    body: bytes
    status: int = 200
    seq: int = 0
    etag: str = ""


class Writes:
    """Answers every write of the route table."""

    def __init__(
        self, engine: Engine, live: Live, credentials: Credentials, checks: Checks, *, sessions: Path, worktrees: Path
    ) -> None:
        self._engine = engine
        self._checks = checks
        self._live = live
        self._credentials = credentials
        self._sessions = sessions
        self._worktrees = worktrees

    async def answer(self, call: Call, route: Write) -> Answer:
        """Carry out the write; durable on return.

        Raises:
            Rejected: wrong input, or a rule refuses.
            ReadOnly: the store takes no writes.
            NotCommitted: the disk failed under it.
        """
        body = await read_body(call, LARGE_BODY if route.command in LARGE else BODY)
        kind, document = aliases.meant(route.command, parse_object(body))
        if kind != route.command:
            route = msgspec.structs.replace(route, command=kind)
        idem = idempotency(call, body)
        first = await self._engine.first(call.actor, idem) if idem is not None else None
        if first is not None:
            again = self._renderer(route, _ids_of(first, call.given), first.command)
            return await self._finished(route, await self._engine.read(lambda state: again(state, first.changes)))
        ids = call.ids(self._engine.state)
        secret = _with_secret(document) if route.shape is Shape.SECRET else ""
        ask = self._ask(call, route, ids, document, idem)
        if isinstance(ask.command, ClaimNext) and (session := ask.command.session_id or call.actor.session_id):
            ids = {"session": session}
        for deed in _deeds(ask.command) if not call.sure else ():
            permissions.authorize_untold(deed)
        work = await self._checks.work(ask.command, call.actor)
        if work:
            ask = msgspec.structs.replace(ask, work=work)
        render = self._renderer(route, ids, encode(ask.command) if route.shape is Shape.BATCH else b"")
        return await self._finished(route, await self._engine.execute(ask, render), secret)

    def _ask(
        self, call: Call, route: Write, ids: dict[str, str], document: dict[str, object], idem: Idempotency | None
    ) -> Ask:
        state = self._engine.state
        for name in call.query:
            document.setdefault(name, flag(call, name))
        for key, id_ in ids.items():
            document[PATH_FIELDS[key]] = id_
        where = document.get("workingDir")
        if isinstance(where, str) and where.startswith("/") and "\0" not in where:
            document["workingDir"] = os.path.realpath(where)
        if "subtaskId" in document:
            document.pop("taskId", None)
        if route.command in OF_HOME:
            _of_daemon(document, OF_HOME[route.command])
            document[OF_HOME[route.command]] = str(self._worktrees)
        said = _WANTS_PROJECT.get(route.command)
        if said is not None and not any(document.get(name) for name in said):
            self._default_project(call, document)
        if route.command == "SpawnSession" and "projectId" not in document:
            raise Invalid.field("projectId", "name a project", hint=NOWHERE)
        _resolve(state, document, call.project(state))
        items = self._items(call, document) if route.command == "BatchTasks" else None
        command = convert(route.command, document if items is None else {**document, "items": []})
        return Ask(
            command=command if items is None else BatchTasks(items=items),
            actor=call.actor,
            request_id=call.request_id,
            idem=idem,
            if_match=_if_match(call, route, ids, state),
        )

    def _items(self, call: Call, document: dict[str, object]) -> tuple[Item, ...] | None:
        """The items of a batch as commands; None when they are no list, which the command's type then refuses."""

        def read(kind: str, fields: dict[str, object]) -> Command:
            if kind == "CreateTask" and not fields.get("projectId") and not fields.get("parentId"):
                self._default_project(call, fields)
            _resolve(self._engine.state, fields, call.project(self._engine.state))
            return convert(kind, fields)

        return items_of(document, read)

    def _default_project(self, call: Call, document: dict[str, object]) -> None:
        project_id = call.project(self._engine.state)
        if project_id is not None:
            document["projectId"] = project_id

    def _renderer(
        self, route: Write, ids: Mapping[str, str], command: bytes | msgspec.Raw
    ) -> Callable[[State, tuple[Change, ...]], "Rendered"]:
        def render(state: State, changes: tuple[Change, ...]) -> Rendered:
            if route.shape is Shape.BATCH:
                body = results_json(state, command, changes)
                return Rendered(body=body, subject=None, seq=self._engine.seq, changed=bool(changes))
            subject = _subject(state, route, ids, changes)
            body = self._body(state, route, ids, changes, subject)
            told = route.shape in {Shape.SPAWNED, Shape.LAUNCH} and subject is not None
            manifest = encode(manifest_of(state, subject.id)) if told and subject is not None else b""
            return Rendered(body=body, subject=subject, seq=self._engine.seq, changed=bool(changes), manifest=manifest)

        return render

    def _body(
        self,
        state: State,
        route: Write,
        ids: Mapping[str, str],
        changes: tuple[Change, ...],
        subject: Entity | None,
    ) -> bytes:
        match route.shape:
            case Shape.GONE:
                return _gone(route, ids, changes)
            case Shape.BATCH:
                raise TypeError("a batch is answered by its items")
            case Shape.NEXT:
                return next_json(state, _claimed(state, ids, changes))
            case Shape.ITEM:
                return item_json(state, ids["session"], _item(state, ids, changes))
            case Shape.PUT | Shape.SPAWNED | Shape.LAUNCH | Shape.SECRET if subject is None:
                return b"{}"
            case Shape.PUT | Shape.SPAWNED | Shape.LAUNCH | Shape.SECRET if route.noun is Noun.QUEUE:
                return queue_json(state, ids["session"])
            case Shape.PUT | Shape.SPAWNED | Shape.LAUNCH | Shape.SECRET:
                return entity_json(state, subject, live=self._live.get(subject.id))

    async def _finished(self, route: Write, rendered: "Rendered", secret: str = "") -> Answer:
        status = route.status if rendered.changed else 200
        subject = rendered.subject
        if isinstance(subject, Key) and route.shape is Shape.SECRET:
            shown = encode(secret if secret and subject.hash == digest(secret) else None)
            return Answer(rendered.body[:-1] + b',"secret":' + shown + b"}", status, rendered.seq)
        if not rendered.manifest or subject is None:
            return Answer(rendered.body, status, rendered.seq, etag=etag(rendered.body))
        path = self._sessions / subject.id / "manifest.json"
        await asyncio.to_thread(_write_manifest, path, rendered.manifest)
        if route.shape is Shape.SPAWNED:
            head = {
                "success": True,
                "sessionId": subject.id,
                "manifestPath": str(path),
                "message": f"session {subject.id} is waiting to be launched",
            }
            return Answer(encode(head)[:-1] + b',"session":' + rendered.body + b"}", status, rendered.seq)
        credential = self._credentials.issue(subject.id, subject.version)
        parts = (b'{"session":', rendered.body, b',"manifest":', rendered.manifest, b',"credential":')
        return Answer(b"".join((*parts, encode(credential), b"}")), status, rendered.seq)


class Rendered(msgspec.Struct, frozen=True):
    """What was made of the state right after the command."""

    body: bytes
    subject: Entity | None
    seq: int
    changed: bool
    manifest: bytes = b""
    """Of a session that was spawned or launched."""


def _deeds(command: Command) -> Iterator[Command]:
    """The command, and those that it holds."""
    yield command
    if isinstance(command, BatchTasks):
        yield from (item.deed for item in command.items)


def _with_secret(document: dict[str, object]) -> str:
    """A new secret; its prefix and its hash are put into the document, which must not bring its own."""
    _of_daemon(document, *OF_SECRET)
    secret = new_secret()
    document |= {"hash": digest(secret), "prefix": secret[:KEY_PREFIX]}
    return secret


def _of_daemon(document: Mapping[str, object], *names: str) -> None:
    """Raises: Invalid: somebody sent what the daemon says itself."""
    for name in names:
        if name in document:
            raise Invalid.field(name, "is the daemon's own to say")


def _write_manifest(path: Path, manifest: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    aside.touch(mode=0o600)
    aside.write_bytes(msgspec.json.format(manifest, indent=2) + b"\n")
    aside.replace(path)


def _ids_of(first: Record, given: Mapping[str, str]) -> dict[str, str]:
    """The ids in a path as they were when its request was first answered."""
    command = msgspec.json.decode(first.command, type=dict[str, object])
    return {key: str(command[PATH_FIELDS[key]]) for key in given if PATH_FIELDS[key] in command}


async def read_body(call: Call, limit: int) -> bytes:
    """The body of a write.

    Raises:
        TooLarge: it is larger than allowed.
        TooSlow: it does not come.
        WrongMedia: it says that it is something else than JSON.
    """
    request = call.request
    declared = request.headers.get("Content-Length", "0")
    if declared.isdecimal() and int(declared) > limit:
        raise TooLarge(f"the body has {declared} bytes, at most {limit} are allowed", hint="Send less.")
    try:
        body = await _arrived(request, call.arrival_s)
    except TimeoutError as error:
        raise TooSlow(f"the body took longer than {call.arrival_s:g} s", hint="Send it at once.") from error
    if len(body) > limit:
        raise TooLarge(f"the body has {len(body)} bytes, at most {limit} are allowed", hint="Send less.")
    if body and request.content_type not in {"application/json", "application/octet-stream"}:
        raise WrongMedia(f"the body is {request.content_type}", hint="Send application/json.")
    return body


async def _arrived(request: web.BaseRequest, arrival_s: float) -> bytes:
    if request.content.is_eof():
        body = request.content.read_nowait()
        return body + await request.read() if request.can_read_body else body
    async with asyncio.timeout(arrival_s):
        return await request.read()


def convert(kind: str, document: dict[str, object]) -> Command:
    """The command from its document.

    Raises:
        Invalid: a field is missing, unknown, or of the wrong type.
    """
    return decoded(document, RULES[kind].command)


def etag(body: bytes) -> str:
    """A validator for a body; derived fields move without a new version."""
    return hashlib.blake2b(body, digest_size=8).hexdigest()


def _resolve(state: State, document: dict[str, object], project_id: str | None) -> None:
    named = document.get("projectId")
    if isinstance(named, str):
        document["projectId"] = project_id = names.resolve(state, Noun.PROJECT, named)
    for field in [name for name in document if name in _ID_FIELDS]:
        value, noun = document[field], _ID_FIELDS[field]
        noun = _ORDERED.get(document.get("entityType"), noun) if field == "orderedIds" else noun
        if isinstance(value, str):
            document[field] = _whole(state, noun, value, project_id)
        elif isinstance(value, list):
            document[field] = [
                _whole(state, noun, each, project_id) if isinstance(each, str) else each for each in value
            ]


def idempotency(call: Call, body: bytes) -> Idempotency | None:
    """The key that came with a write, and a hash of all that it is to be the same for.

    Raises:
        Invalid: it is no key.
    """
    key = call.request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not 1 <= len(key) <= 200 or not key.isprintable():
        raise Invalid.field("Idempotency-Key", "must be 1 to 200 printable characters")
    sent = f"{call.request.method} {call.request.path_qs}\n".encode("utf-8", "surrogateescape") + body
    return Idempotency(key, hashlib.blake2b(sent, digest_size=16).hexdigest())


def _whole(state: State, noun: Noun, name: str, project_id: str | None) -> str:
    """The whole id; a name that an item of a batch gives to its task stays."""
    return name if name.startswith("$") else names.resolve(state, noun, name, project_id=project_id)


def _if_match(call: Call, route: Write, ids: Mapping[str, str], state: State) -> IfMatch | None:
    sent = call.request.headers.get("If-Match")
    if sent is None or sent.strip() == "*":
        return None
    version = sent.strip().removeprefix("W/").strip('"')
    if not version.isascii() or not version.isdecimal() or len(version) > 15:
        raise Invalid.field("If-Match", f"must be a version in quotes, not {sent!r}")
    if route.noun in {Noun.QUEUE, Noun.ORDERING}:
        own = _standing(state, route, ids)
        if own is not None and not own.id and own.version != int(version):
            raise Stale(route.noun, ids["project"], own.version)
        return IfMatch(route.noun, own.id, int(version)) if own is not None else None
    key = next((k for k, field in PATH_FIELDS.items() if k in ids and _names_noun(field, route.noun)), None)
    return IfMatch(route.noun, ids[key], int(version)) if key is not None else None


def _names_noun(field: str, noun: Noun) -> bool:
    return field == "itemId" if noun is Noun.ITEM else field == f"{noun}Id"


def _subject(state: State, route: Write, ids: Mapping[str, str], changes: tuple[Change, ...]) -> Entity | None:
    """What the answer is about, as the changes left it; what they did not touch is as it is now."""
    own = ids.get("item" if route.noun is Noun.ITEM else route.noun.value)
    found: Entity | None = None
    for change in changes:
        if isinstance(change, Put) and change.noun is route.noun and own in {None, change.id}:
            own, found = change.id, change.entity
    if found is not None:
        return found
    return _standing(state, route, ids)


def _standing(state: State, route: Write, ids: Mapping[str, str]) -> Entity | None:
    """What a path names, as it is now."""
    if route.noun is Noun.QUEUE:
        return state.queue_of(ids["session"])
    if route.noun is Noun.ORDERING:
        known = {kind.value: kind for kind in Ordered}
        return orderings.of(state, ids["project"], known[ids["type"]]) if ids["type"] in known else None
    own = ids.get("item" if route.noun is Noun.ITEM else route.noun.value)
    if route.noun is Noun.TEMPLATE and own is not None:
        return templates.find(state, own)
    return state.table(route.noun).get(own) if own is not None else None


def _gone(route: Write, ids: Mapping[str, str], changes: tuple[Change, ...]) -> bytes:
    counts: dict[str, int] = {}
    for change in changes:
        if isinstance(change, Delete):
            counts[change.noun] = counts.get(change.noun, 0) + 1
    changed = sum(isinstance(c, Put) for c in changes)
    gone = ids[route.noun.value]
    return encode({"success": True, "id": gone, "deleted": gone, "counts": counts, "updated": changed})


def _claimed(state: State, ids: Mapping[str, str], changes: tuple[Change, ...]) -> Task | None:
    """The task that was claimed, else the one that the session has."""
    for change in changes:
        if isinstance(change, Put) and isinstance(change.entity, Task):
            return change.entity
    return held(state, state.session(ids["session"])) if "session" in ids else None


def _item(state: State, ids: Mapping[str, str], changes: tuple[Change, ...]) -> QueueItem | None:
    for change in changes:
        if isinstance(change, Put) and isinstance(change.entity, QueueItem) and ids.get("item") in {None, change.id}:
            return change.entity
    if "item" in ids:
        return state.item(ids["item"])
    return processing(state, ids["session"])
