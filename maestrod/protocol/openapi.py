"""The API as programs read it: OpenAPI 3.1, made of the route table, the commands and the entities."""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from http import HTTPStatus

import msgspec

from maestrod import __version__
from maestrod.domain.limits import LIST
from maestrod.domain.model import Noun
from maestrod.domain.registry import RULES
from maestrod.protocol import aliases
from maestrod.protocol.bodies import Brought, Goodbye, HookSaid, Merging, Nothing, Typed
from maestrod.protocol.parameters import Json, Parameter, in_path, in_query
from maestrod.protocol.problems import STATUS, status_of
from maestrod.protocol.routes import (
    FLAGS,
    LIVE_PARAMETERS,
    LIVE_ROUTES,
    OF_HOME,
    OF_SECRET,
    PATH_FIELDS,
    PREFIXES,
    READS,
    WRITES,
    Read,
    Shape,
    Write,
)
from maestrod.protocol.schemas import LETTER, fields_of, named, ref, resource, resources

ANY: Json = {}
OBJECT: Json = {"type": "object"}
BODIES: Mapping[str, type[msgspec.Struct]] = {
    "hook": HookSaid,
    "input": Typed,
    "worktree_merge": Merging,
    "worktree_remove": Nothing,
    "trash_restore": Nothing,
    "shutdown": Goodbye,
    "undo": Nothing,
    "import": Brought,
    "backup": Nothing,
    "skill_reload": Nothing,
}
"""The body of a route that is neither command nor query, by its handler."""

ANSWERS: Mapping[str, Json] = {
    "wait": ref("Session"),
    "mail_wait": ref(LETTER),
    "manifest": ref("Manifest"),
    "queue_top": OBJECT,
    "receipts": ref("Receipt"),
}
"""What a query or a handler answers with, where the noun of its row does not say it; else it is some object."""

LISTS = frozenset(
    {"children", "subtasks", "task_assignments", "queue_items", "templates", "placeholders", "receipts"}
    | {"skills", "skills_of_role", "mail_wait", "backups", "worktrees", "trash"}
)
"""Queries and handlers that answer with several things, and never in pages."""

KEYED = frozenset({"undo", "import", "worktree_merge", "worktree_remove", "trash_restore"})
"""Routes that are no commands and are safe to repeat with a key."""

GOOD = {"shutdown": 202, "backup": 201}
UPGRADES = {"events": (200, 101), "screen_stream": (101,)}
"""Answers of the routes that are streams."""

EVERYBODY = (
    *("VALIDATION_ERROR", "UNAUTHORIZED", "FORBIDDEN", "RATE_LIMITED", "HEADERS_TOO_LARGE"),
    *("INTERNAL_ERROR", "STORE_READ_ONLY"),
)
WITH_BODY = ("TIMEOUT", "PAYLOAD_TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE")
CHANGING = ("CONFLICT", "VERSION_MISMATCH", "IDEMPOTENCY_KEY_REUSED")
OF_LIVE: Mapping[str, tuple[str, ...]] = {
    "events": ("CONFLICT",),
    "state": ("NOT_FOUND", "CONFLICT"),
    "commits": ("CONFLICT",),
    "undo": ("NOT_FOUND", "CONFLICT", "IDEMPOTENCY_KEY_REUSED"),
    "import": ("IDEMPOTENCY_KEY_REUSED",),
    "backup": ("CONFLICT",),
    "screen": ("PANE_GONE",),
    "input": ("PANE_GONE",),
    "wait": ("TIMEOUT",),
    "worktree": ("CONFLICT",),
    "worktree_diff": ("CONFLICT",),
    "worktree_merge": ("CONFLICT", "IDEMPOTENCY_KEY_REUSED"),
    "worktree_remove": ("CONFLICT", "IDEMPOTENCY_KEY_REUSED"),
    "trash": ("CONFLICT",),
    "trash_restore": ("CONFLICT", "IDEMPOTENCY_KEY_REUSED"),
}
"""Refusals that only some of the routes know which are no commands, beside those of their kind."""

OLDER_WAYS: Mapping[str, Json] = {
    "status": {"enum": list(aliases.ENDS), "description": "Ends the session, and stands alone."},
    "needsInput": {
        "type": "object",
        "description": "What a person is asked, and stands alone.",
        "properties": {"active": {"type": "boolean"}, "message": {"type": "string"}},
        "additionalProperties": False,
    },
}
"""Fields of an edited session that have routes of their own by now."""

HEADERS: Mapping[str, Parameter] = {
    "Idempotency-Key": Parameter(
        {"type": "string", "pattern": "^[!-~]{1,200}$"}, "Makes the write safe to repeat: it is applied once."
    ),
    "If-Match": Parameter({"type": "string", "pattern": '^"[0-9]{1,15}"$'}, "Only if it still has this version."),
}


ANSWERED: Mapping[str, Parameter] = {
    "X-Maestro-Seq": Parameter({"type": "integer"}, "The number of the last commit that the answer knows of."),
    "X-Request-ID": Parameter({"type": "string"}, "The name of the request in the daemon's log."),
}


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """A route of the table, told the same way whatever its kind."""

    method: str
    path: str
    about: str
    parameters: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    body: Json | None = None
    good: Mapping[int, Json]
    codes: frozenset[str]

    @property
    def places(self) -> list[str]:
        """What the path is filled with."""
        return re.findall(r"\{(\w+)\}", self.path)


@cache
def document() -> bytes:
    """The whole document as JSON."""
    found: dict[str, Json] = {}
    for operation in operations():
        found.setdefault(operation.path, {})[operation.method.lower()] = _told(operation)
    codes = sorted(frozenset[str]().union(*(operation.codes for operation in operations())))
    return msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "Agent Maestro",
                "version": __version__,
                "description": "Projects, tasks, sessions and mail of coding agents on one machine.",
                "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            },
            "servers": [{"url": prefix} for prefix in PREFIXES],
            "security": [{}, {"credential": []}, {"key": []}],
            "tags": [{"name": tag} for tag in dict.fromkeys(tag_of(operation) for operation in operations())],
            "paths": found,
            "components": {
                "schemas": resources(BODIES.values()),
                "responses": {str(status): _problem(status, codes) for status in sorted(set(map(status_of, codes)))},
                "parameters": {name: _parameter(name, "header", header) for name, header in HEADERS.items()},
                "headers": {name: {"description": h.about, "schema": h.schema} for name, h in ANSWERED.items()},
                "securitySchemes": {
                    "credential": {
                        "type": "http",
                        "scheme": "bearer",
                        "description": "The credential of a session, or a key. On the Unix socket none is needed: "
                        "who calls without one is the user.",
                    },
                    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
                },
            },
        }
    )


@cache
def operations() -> tuple[Operation, ...]:
    """Every route of the table."""
    live = (_of_live(method, path, handler) for method, path, handler in LIVE_ROUTES)
    return (*map(_of_write, WRITES), *map(_of_read, READS), *live)


# -- the three kinds of route -----------------------------------------------------------------------


def _of_write(route: Write) -> Operation:
    codes = {*EVERYBODY, *WITH_BODY, *CHANGING, "NOT_FOUND"}
    good = {200: _shape(route)}
    if route.status != HTTPStatus.OK:
        good = {route.status: _shape(route), **good}
    named = any(_is_name_of(field, route.noun) for field in _filled(route.path))
    return Operation(
        method=route.method,
        path=route.path,
        about=_sentence(RULES[route.command].command),
        parameters=FLAGS.get(route.command, ()),
        headers=("Idempotency-Key", "If-Match") if named else ("Idempotency-Key",),
        body=_body(route),
        good=good,
        codes=frozenset(codes),
    )


def _of_read(route: Read) -> Operation:
    codes = {*EVERYBODY, *OF_LIVE.get(route.query, ())}
    if "{" in route.path or any(name.endswith("Id") for name in route.filters):
        codes.add("NOT_FOUND")
    return Operation(
        method=route.method,
        path=route.path,
        about=ABOUT[route.query],
        parameters=route.filters,
        good={200: _read(route)},
        codes=frozenset(codes),
    )


def _of_live(method: str, path: str, handler: str) -> Operation:
    body = BODIES.get(handler)
    codes = {*EVERYBODY, *OF_LIVE.get(handler, ()), *(WITH_BODY if body is not None else ())}
    if "{" in path or any(name.endswith("Id") for name in LIVE_PARAMETERS.get(handler, ())):
        codes.add("NOT_FOUND")
    return Operation(
        method=method,
        path=path,
        about=ABOUT[handler],
        parameters=LIVE_PARAMETERS.get(handler, ()),
        headers=("Idempotency-Key",) if handler in KEYED else (),
        body=None if body is None else {**named(body), "title": body.__name__},
        good=dict.fromkeys(UPGRADES.get(handler, (GOOD.get(handler, 200),)), _answered(handler)),
        codes=frozenset(codes),
    )


ABOUT: Mapping[str, str] = {
    "hello": "Who answers, and who is asking.",
    "status": "Counts, who needs a person, what is stuck.",
    "projects": "All projects.",
    "project": "A project.",
    "tasks": "Tasks, all or those that fit.",
    "task": "A task, with what is derived of it.",
    "children": "The tasks below a task.",
    "subtasks": "The checklist of a task.",
    "task_timeline": "What was reported on a task.",
    "task_docs": "What was left with a task.",
    "task_assignments": "Who has tried the task, and how far each got.",
    "assignments": "Every attempt at every task.",
    "sessions": "Sessions, all or those that fit.",
    "session": "A session, with what is known of it now.",
    "session_timeline": "What a session reported.",
    "session_docs": "What a session left.",
    "queue": "The queue of a session with its items.",
    "queue_items": "The items of a session's queue.",
    "doc": "A document with its text.",
    "mail": "A mail, and how far it got.",
    "template": "A template with its text.",
    "why": "Why a task, a session, a queue or a project is as it is, and what to do.",
    "invariants": "What should always hold, and whether it does.",
    "keys": "All keys, without their secrets.",
    "next_task": "What a session works on, or would get if it claimed its next task now.",
    "openapi": "This document.",
    "templates": "All templates, those that are shipped among them.",
    "placeholders": "What may stand in a template and is filled in.",
    "role_template": "The template that sessions of a role are given.",
    "shipped_template": "The template of a role as it is shipped.",
    "skills": "The skills that are found, those of a project too.",
    "skills_of_role": "The skills for sessions of a role.",
    "skill": "A skill with its text.",
    "skill_reload": "Read a skill's files again.",
    "graph": "The open tasks of a project by their dependencies: waves, the longest chain, what is stuck.",
    "mails": "All mail with how far it got; for people alone.",
    "inbox": "The mail of a session.",
    "receipts": "How far a mail got with each of its receivers.",
    "manifest": "What a session is told of itself.",
    "queue_top": "The item in process, else the next one.",
    "ordering": "Tasks or sessions in the order that people gave them.",
    "commits": "What was done, commit by commit; for people alone.",
    "events": "The event stream: a WebSocket, or Server-Sent Events.",
    "state": "Everything as it was after a commit; for people alone.",
    "ws_status": "Who listens to the event stream.",
    "undo": "Take a commit back; for people alone.",
    "import": "Take in an export, or a folder of the original system; for people alone.",
    "backup": "Make a backup; for people alone.",
    "backups": "The backups that are there; for people alone.",
    "hook": "What a hook of an agent says.",
    "checks": "The checks of a task, and the evidence for it.",
    "screen": "What an agent's pane shows.",
    "screen_stream": "What an agent's pane shows, whenever it changes: a WebSocket.",
    "wait": "Wait until a session gets where it is meant to get.",
    "explain": "What a session is doing, and how that is known.",
    "mail_wait": "Wait for mail to a session.",
    "input": "Type a prompt into an agent's pane, press keys, or paste.",
    "shutdown": "Stop the daemon; for people alone.",
    "worktrees": "The worktrees of a project's sessions, and how each stands.",
    "worktree": "How a session's worktree stands, and what is in it.",
    "worktree_diff": "What changed in a session's worktree since it began.",
    "worktree_merge": "Merge a worktree's branch into what the project has checked out; for people alone.",
    "worktree_remove": "Remove a session's worktree, unless something would be lost; for people alone.",
    "trash": "What was kept of worktrees that were removed by force.",
    "trash_restore": "Bring a worktree back from the trash; for people alone.",
}
"""What queries and handlers are for, where their name does not say it."""


# -- bodies and answers -----------------------------------------------------------------------------


def _body(route: Write) -> Json:
    """The fields of the command that the path does not fill, and their older names."""
    properties, required = fields_of(route.command)
    if route.command == "EditTask":
        own, _ = fields_of("MoveAttempt")
        source: Json = {"enum": ["user", "session"], "description": "`session` moves its own attempt alone."}
        properties = {**own, **properties, "updateSource": source}
    if route.command == "EditSession":
        properties |= {name: {**schema, "deprecated": True} for name, schema in OLDER_WAYS.items()}
    if route.command == "BatchTasks":
        properties["items"] = _items()
    filled = _filled(route.path)
    if route.shape is Shape.SECRET:
        filled |= set(OF_SECRET)
    if route.command in OF_HOME:
        filled.add(OF_HOME[route.command])
    left = {name: schema for name, schema in properties.items() if name not in filled}
    needed = [name for name in required if name in left]
    renamed = {old: new for old, new in aliases.FIELDS.get(route.command, {}).items() if new in left}
    older = {old: {**left[new], "deprecated": True} for old, new in renamed.items() if old not in left}
    body: Json = {"title": route.command, "type": "object", "properties": left | older, "additionalProperties": False}
    plain = [name for name in needed if name not in renamed.values()]
    choices = [[n, *(old for old, new in renamed.items() if new == n)] for n in needed if n not in plain]
    return body | {
        **({"required": plain} if plain else {}),
        **({"allOf": [_one_of_names(names) for names in choices]} if choices else {}),
    }


def _one_of_names(names: Iterable[str]) -> Json:
    return {"anyOf": [{"required": [name]} for name in names]}


def _items() -> Json:
    item: Json = {
        "type": "object",
        "description": "The fields of the deed beside what it does; `ref` is a name for later items: `$ref`.",
        "properties": {"do": {"enum": list(aliases.DEEDS), "default": "create"}, "ref": {"type": ["string", "null"]}},
    }
    return {"type": "array", "items": item, "maxItems": LIST}


def _shape(route: Write) -> Json:
    word: Json = {"type": "string"}
    answers: dict[Shape, Json] = {
        Shape.PUT: resource(route.noun),
        Shape.ITEM: _object(
            item=_maybe(resource(Noun.ITEM)),
            task=_maybe(resource(Noun.TASK)),
            next=_maybe(resource(Noun.ITEM)),
            empty={"type": "boolean"},
            success={"const": True},
            nextItem=_maybe(resource(Noun.ITEM)),
            hasMore={"type": "boolean"},
        ),
        Shape.SECRET: {"allOf": [resource(Noun.KEY), _object(secret={"type": ["string", "null"]})]},
        Shape.NEXT: _object(task=_maybe(resource(Noun.TASK)), empty={"type": "boolean"}),
        Shape.BATCH: _object(results=_list(resource(Noun.TASK))),
        Shape.GONE: _object(
            success={"const": True},
            id=word,
            deleted=word,
            counts={"type": "object", "additionalProperties": {"type": "integer"}},
            updated={"type": "integer"},
        ),
        Shape.SPAWNED: _object(
            success={"const": True}, sessionId=word, manifestPath=word, message=word, session=resource(Noun.SESSION)
        ),
        Shape.LAUNCH: _object(session=resource(Noun.SESSION), manifest=ref("Manifest"), credential=word),
    }
    return answers[route.shape]


def _read(route: Read) -> Json:
    told = ANSWERS.get(route.query)
    one = told or (resource(route.noun) if route.noun is not None else OBJECT)
    if "cursor" in route.filters:
        page = _object(data=_list(one), pagination=OBJECT)
        return {"oneOf": [_list(one), page]}
    return _list(one) if route.query in LISTS else one


def _answered(handler: str) -> Json:
    one = ANSWERS.get(handler, OBJECT)
    return _list(one) if handler in LISTS else one


def _list(one: Json) -> Json:
    return {"type": "array", "items": one}


def _maybe(one: Json) -> Json:
    return {"anyOf": [one, {"type": "null"}]}


def _object(**properties: Json) -> Json:
    return {"type": "object", "properties": properties, "required": list(properties)}


# -- telling it -------------------------------------------------------------------------------------


def _told(operation: Operation) -> Json:
    statuses = sorted({status_of(code) for code in operation.codes})
    answers: Json = {str(status): _answer(status, schema) for status, schema in operation.good.items()}
    answers |= {str(status): {"$ref": f"#/components/responses/{status}"} for status in statuses}
    told: Json = {
        "operationId": re.sub(r"\W+", "_", f"{operation.method.lower()}{operation.path}").strip("_"),
        "summary": operation.about,
        "tags": [tag_of(operation)],
        "parameters": [*_parameters(operation)],
        "responses": answers,
    }
    if operation.body is not None:
        content = {"application/json": {"schema": operation.body}}
        told["requestBody"] = {"required": _needs_body(operation.body), "content": content}
    return told


def _parameters(operation: Operation) -> Iterator[Json]:
    for name in operation.places:
        yield _parameter(name, "path", in_path(name)) | {"required": True}
    for name in operation.parameters:
        yield _parameter(name, "query", in_query(operation.path, name))
    for name in operation.headers:
        yield {"$ref": f"#/components/parameters/{name}"}


def _parameter(name: str, where: str, parameter: Parameter) -> Json:
    return {"name": name, "in": where, "description": parameter.about, "schema": parameter.schema}


def _answer(status: int, schema: Json) -> Json:
    if status == HTTPStatus.SWITCHING_PROTOCOLS:
        return {"description": "A WebSocket."}
    content: Json = {"application/json": {"schema": schema}}
    headers = {name: {"$ref": f"#/components/headers/{name}"} for name in ANSWERED}
    return {"description": HTTPStatus(status).phrase, "content": content, "headers": headers}


def _problem(status: int, codes: Iterable[str]) -> Json:
    named = sorted(code for code in {*STATUS, *codes} if status_of(code) == status)
    words = ", ".join(f"`{code}`" for code in named) + (" and `…_NOT_FOUND`" if status == HTTPStatus.NOT_FOUND else "")
    content = {"application/problem+json": {"schema": ref("Problem")}}
    return {"description": f"{HTTPStatus(status).phrase}: {words}", "content": content}


def tag_of(operation: Operation) -> str:
    """The noun that a route is filed under."""
    return operation.path.split("/")[1]


def _needs_body(body: Json) -> bool:
    return bool(body.get("required") or body.get("allOf"))


def _filled(path: str) -> set[str]:
    return {PATH_FIELDS[name] for name in re.findall(r"\{(\w+)\}", path)}


def _is_name_of(field: str, noun: Noun) -> bool:
    return field == "itemId" if noun is Noun.ITEM else field == f"{noun}Id"


def _sentence(kind: type[msgspec.Struct]) -> str:
    first, _, _ = " ".join((kind.__doc__ or "").split()).partition(". ")
    return re.sub(r"``(\w+)``", lambda named: f"`{_camel(named[1])}`", first.rstrip(".") + ".")


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return "".join([first, *map(str.capitalize, rest)])
