"""Reads: answers from the state as it is, once it is durable."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import islice

import msgspec

from maestrod import __version__
from maestrod.api import lists
from maestrod.api.calls import Call, project_of_directory
from maestrod.api.skills import SkillCalls
from maestrod.domain import claims, graph, indexes, names, orderings, templates, why
from maestrod.domain.claims import ClaimNext
from maestrod.domain.errors import Invalid
from maestrod.domain.model import (
    Entity,
    Noun,
    Ordered,
    Project,
    Role,
    Session,
    SessionStatus,
    TaskStatus,
)
from maestrod.domain.permissions import authorize_mail, authorize_mailbox, reach_of
from maestrod.domain.state import State
from maestrod.engine.engine import Engine
from maestrod.engine.live import Live
from maestrod.invariants import Broken, Monitor
from maestrod.protocol import openapi
from maestrod.protocol.manifest import manifest_of
from maestrod.protocol.views import (
    current_item,
    encode,
    graph_json,
    item_json,
    next_json,
    queue_json,
    receipts_of,
    rows_json,
)
from maestrod.store.migrate import SCHEMA
from maestrod.watch.rulebook import Rulebook

PAGE = 100
LARGEST_PAGE = 1_000
LARGEST_OFFSET = 10_000


SIFTED = frozenset({Noun.PROJECT, Noun.TASK, Noun.SESSION, Noun.ASSIGNMENT})
"""Lists that hold no more than what a key reaches."""


class Listing(msgspec.Struct, frozen=True):
    """A whole list to be streamed: its parts are taken and encoded as they are sent."""

    parts: lists.Walk | lists.Few
    summary: bool = False


class Daemon(msgspec.Struct, frozen=True, kw_only=True):
    """What the daemon says of itself."""

    boot_id: str
    started_at: int
    home: str
    warnings: tuple[str, ...] = ()


Query = Callable[["Reads", Call, State, dict[str, str]], bytes | Listing]


class Reads:
    """Answers every read of the route table; the method's name is the row's ``query``."""

    def __init__(
        self,
        engine: Engine,
        live: Live,
        daemon: Daemon,
        monitor: Monitor,
        skills: SkillCalls,
        rules: Rulebook,
    ) -> None:
        self._engine = engine
        self._live = live
        self._daemon = daemon
        self._monitor = monitor
        self._skills = skills
        self._rules = rules

    @property
    def broken(self) -> tuple[Broken, ...]:
        """The invariants that did not hold at the last look."""
        return self._monitor.broken

    def render(self, call: Call, query: str, state: State) -> bytes | Listing:
        """The answer to a query.

        Raises:
            Rejected: something named is not there, or a parameter is wrong.
        """
        return QUERIES[query](self, call, state, call.ids(state))

    def encoded(self, state: State, entities: Iterable[Entity], *, summary: bool = False) -> bytes:
        """The entities as their resources, joined by commas, with live facts where there are any."""
        return rows_json(state, entities, self._live.get, summary=summary)

    # -- the daemon ------------------------------------------------------------------------------

    def health(self) -> bytes:
        """That the daemon lives, since how many seconds."""
        now = self._engine.clock.now()
        return encode({"status": "ok", "timestamp": now, "uptime": (now - self._daemon.started_at) / 1000})

    def hello(self, call: Call, state: State, _ids: dict[str, str]) -> bytes:
        """Who answers, and who is asking."""
        actor = call.actor
        session = state.session(actor.id) if actor.session_id in state.table(Noun.SESSION) else None
        who = {
            "kind": actor.kind,
            "id": actor.id or None,
            "role": session.role if session is not None else None,
            "projectId": call.project(state),
        }
        return encode(
            {
                "version": __version__,
                "api": 1,
                "schema": SCHEMA,
                "bootId": self._daemon.boot_id,
                "startedAt": self._daemon.started_at,
                "pid": os.getpid(),
                "seq": self._engine.seq,
                "durableSeq": self._engine.durable_seq,
                "home": self._daemon.home,
                "actor": who,
                "readOnly": self._engine.read_only is not None,
                "features": ["events", "idempotency", "if-match"],
            }
        )

    def status(self, call: Call, state: State, _ids: dict[str, str]) -> bytes:
        """Counts, who needs a person, what is stuck."""
        project_id = lists.id_of(call, state, "projectId", Noun.PROJECT) or lists.here(call, state)
        reach = reach_of(state, call.actor)
        sessions = [s for s in state.live_sessions() if project_id in {None, s.project_id}]
        waiting = [s for s in sessions if s.needs_input.active]
        return encode(
            {
                "seq": self._engine.seq,
                "readOnly": self._engine.read_only,
                "projects": len(state.table(Noun.PROJECT) if reach is None else reach),
                "tasks": _task_counts(state, project_id),
                "sessions": _session_counts(state, project_id),
                "needsInput": [_waiting(s) for s in sorted(waiting, key=lambda s: s.needs_input.since or 0)],
                "stuck": list(_stuck(state, project_id)),
                "quarantined": list(self._daemon.warnings) if reach is None else [],
                "broken": list(self.broken) if reach is None else [],
                "skills": list(self._skills.troubles),
                "screenRules": list(self._rules.troubles) if reach is None else [],
            }
        )

    # -- lists -----------------------------------------------------------------------------------

    def projects(self, call: Call, state: State, _ids: dict[str, str]) -> bytes | Listing:
        """Projects, oldest first."""
        directory = call.query.get("workingDir")
        group = state.ordered[Noun.PROJECT]
        if directory is not None:
            found = project_of_directory(state, directory)
            group = indexes.Ordered()
            if found is not None:
                group.add(found)
        archived = lists.flag(call, "archived")
        if archived is None:
            return self._cut(call, state, lists.Rows(Noun.PROJECT, (group,)))
        fits = partial(_is_archived, archived=archived)
        return self._cut(call, state, lists.Rows(Noun.PROJECT, (group,), fits))

    def tasks(self, call: Call, state: State, _ids: dict[str, str]) -> bytes | Listing:
        """Tasks that fit the filters."""
        return self._cut(call, state, lists.tasks_of(call, state))

    def sessions(self, call: Call, state: State, _ids: dict[str, str]) -> bytes | Listing:
        """Sessions that fit the filters."""
        return self._cut(call, state, lists.sessions_of(call, state))

    def listed(self, call: Call, state: State, noun: Noun) -> bytes | Listing:
        """Everything of a noun, oldest first."""
        return self._cut(call, state, lists.Rows(noun, (state.ordered[noun],)))

    def timeline(self, call: Call, state: State, key: str, id_: str) -> bytes | Listing:
        """What was reported on a task or by a session."""
        return self._cut(call, state, lists.Rows(Noun.TIMELINE, (state.groups[key, id_],)))

    def docs(self, call: Call, state: State, key: str, id_: str) -> bytes | Listing:
        """What was left with a task or by a session."""
        return self._cut(call, state, lists.Rows(Noun.DOC, (state.groups[key, id_],)))

    def inbox(self, call: Call, state: State, ids: dict[str, str]) -> bytes | Listing:
        """The mail of a session, as it got there."""
        authorize_mailbox(state, call.actor, ids["session"])
        return self._cut(call, state, lists.mail_of(call, state, ids["session"], unread=lists.flag(call, "unread")))

    def mail(self, call: Call, state: State, ids: dict[str, str]) -> bytes:
        """One mail, and how far it got."""
        authorize_mail(state, call.actor, ids["mail"])
        return self.one(state, Noun.MAIL, ids["mail"])

    def receipts(self, call: Call, state: State, ids: dict[str, str]) -> bytes:
        """How far a mail got with each of its receivers."""
        authorize_mail(state, call.actor, ids["mail"])
        return encode(receipts_of(state, ids["mail"]))

    def _cut(self, call: Call, state: State, rows: lists.Rows) -> bytes | Listing:
        reach = reach_of(state, call.actor)
        if reach is not None and rows.noun in SIFTED:
            rows = lists.within(rows, state, reach)
        summary = lists.is_summary(call)
        if "limit" not in call.query and "cursor" not in call.query and "offset" not in call.query:
            return Listing(lists.Walk(rows, descending=lists.is_descending(call)), summary)
        limit = lists.number(call, "limit", PAGE, 1, LARGEST_PAGE)
        offset = lists.number(call, "offset", 0, 0, LARGEST_OFFSET)
        page = lists.page(call, state, rows, limit=limit, offset=offset)
        pagination = {
            "limit": limit,
            "nextCursor": page.entities[-1].id if page.more else None,
            "total": page.total,
            "hasMore": page.more,
        }
        body = self.encoded(state, page.entities, summary=summary)
        return b'{"data":[' + body + b'],"pagination":' + encode(pagination) + b"}"

    # -- one thing -------------------------------------------------------------------------------

    def one(self, state: State, noun: Noun, id_: str) -> bytes:
        """One entity."""
        return self.encoded(state, (state.table(noun)[id_],))

    def ordering(self, _call: Call, state: State, ids: dict[str, str]) -> bytes:
        """All tasks or sessions of a project in the order that people gave them."""
        kind = lists.choice(ids["type"], "entityType", Ordered)
        return self.encoded(state, (orderings.of(state, ids["project"], kind),))

    def templates(self, call: Call, state: State, _ids: dict[str, str]) -> bytes | Listing:
        """All templates, those that are shipped among them."""
        role = lists.choice(call.query["role"], "role", Role) if "role" in call.query else None
        found = [each for each in templates.every(state) if role in {None, each.role}]
        return Listing(lists.Few(found), lists.is_summary(call))

    def next_task(self, call: Call, state: State, _ids: dict[str, str]) -> bytes:
        """What the session works on, else what it would get if it claimed its next task now."""
        command = ClaimNext(
            project_id=lists.id_of(call, state, "projectId", Noun.PROJECT) or lists.here(call, state),
            session_id=lists.id_of(call, state, "sessionId", Noun.SESSION) or call.actor.session_id,
            parent_id=lists.id_of(call, state, "parentId", Noun.TASK),
            label=call.query.get("label"),
        )
        wish = claims.wish_of(state, command, command.session_id)
        coming = claims.upcoming(state, wish, self._engine.clock.now())
        return next_json(state, claims.held(state, wish.session) or next(coming, None))

    def why(self, call: Call, state: State, _ids: dict[str, str]) -> bytes:
        """Why a task, a session, a queue or a project is as it is."""
        asked = [name for name in ("task", "session", "queue") if name in call.query]
        if len(asked) > 1:
            raise Invalid.field(asked[1], f"cannot stand beside {asked[0]}")
        about = asked[0] if asked else "project"
        causes, id_ = _causes(call, state, about, self._engine.clock.now())
        return encode({"about": about, "id": id_, "causes": causes})

    def invariants(self, _call: Call, _state: State, _ids: dict[str, str]) -> bytes:
        """What does not hold that always must, and how often all of it was looked at."""
        return encode({"broken": self.broken, "passes": self._monitor.passes})

    def children(self, call: Call, state: State, ids: dict[str, str]) -> Listing:
        """The tasks below a task."""
        if lists.flag(call, "recursive"):
            return _few(graph.descendants(state, ids["task"]))
        return _few(state.children(ids["task"]))


def _causes(call: Call, state: State, about: str, now: int) -> tuple[list[why.Cause], str]:
    if about == "project":
        project_id = lists.id_of(call, state, "projectId", Noun.PROJECT) or call.project(state)
        if project_id is None:
            raise Invalid.field("projectId", "name a task, a session, a queue or a project", hint="Say which one.")
        return why.of_project(state, project_id, now), project_id
    noun = Noun.TASK if about == "task" else Noun.SESSION
    id_ = names.resolve(state, noun, call.query[about], project_id=call.project(state))
    match about:
        case "task":
            return why.of_task(state, state.task(id_), now), id_
        case "session":
            return why.of_session(state, state.session(id_), now), id_
        case _:
            return why.of_queue(state, state.session(id_), now), id_


def _is_archived(entity: Entity, *, archived: bool) -> bool:
    return isinstance(entity, Project) and (entity.archived_at is not None) == archived


def _few(entities: Iterable[Entity]) -> Listing:
    return Listing(lists.Few(list(entities)))


QUERIES: Mapping[str, Query] = {
    "hello": Reads.hello,
    "openapi": lambda _reads, _call, _state, _ids: openapi.document(),
    "status": Reads.status,
    "projects": Reads.projects,
    "project": lambda reads, _call, state, ids: reads.one(state, Noun.PROJECT, ids["project"]),
    "tasks": Reads.tasks,
    "task": lambda reads, _call, state, ids: reads.one(state, Noun.TASK, ids["task"]),
    "children": Reads.children,
    "next_task": Reads.next_task,
    "why": Reads.why,
    "invariants": Reads.invariants,
    "graph": lambda _reads, _call, state, ids: graph_json(state, ids["project"]),
    "subtasks": lambda _reads, _call, state, ids: _few(state.subtasks(ids["task"])),
    "task_timeline": lambda reads, call, state, ids: reads.timeline(call, state, "task-timeline", ids["task"]),
    "task_docs": lambda reads, call, state, ids: reads.docs(call, state, "task-docs", ids["task"]),
    "task_assignments": lambda _reads, _call, state, ids: _few(state.assignments_of_task(ids["task"])),
    "assignments": lambda reads, call, state, _ids: reads.listed(call, state, Noun.ASSIGNMENT),
    "sessions": Reads.sessions,
    "session": lambda reads, _call, state, ids: reads.one(state, Noun.SESSION, ids["session"]),
    "session_timeline": lambda reads, call, state, ids: reads.timeline(call, state, "session-timeline", ids["session"]),
    "session_docs": lambda reads, call, state, ids: reads.docs(call, state, "session-docs", ids["session"]),
    "ordering": Reads.ordering,
    "templates": Reads.templates,
    "placeholders": lambda _reads, _call, _state, _ids: encode(
        [{"name": name, "about": about} for name, about in templates.PLACEHOLDERS.items()]
    ),
    "template": lambda reads, _call, state, ids: reads.encoded(state, (templates.get(state, ids["template"]),)),
    "role_template": lambda reads, _call, state, ids: reads.encoded(
        state, (templates.default_of(state, lists.choice(ids["role"], "role", Role)),)
    ),
    "shipped_template": lambda _reads, _call, _state, ids: encode(
        {"role": ids["role"], "content": templates.shipped_of(lists.choice(ids["role"], "role", Role)).content}
    ),
    "keys": lambda reads, call, state, _ids: reads.listed(call, state, Noun.KEY),
    "doc": lambda reads, _call, state, ids: reads.one(state, Noun.DOC, ids["doc"]),
    "manifest": lambda _reads, _call, state, ids: encode(manifest_of(state, ids["session"])),
    "queue": lambda _reads, _call, state, ids: queue_json(state, ids["session"]),
    "queue_top": lambda _reads, _call, state, ids: item_json(
        state, ids["session"], current_item(state, ids["session"])
    ),
    "mails": lambda reads, call, state, _ids: reads.listed(call, state, Noun.MAIL),
    "inbox": Reads.inbox,
    "mail": Reads.mail,
    "receipts": Reads.receipts,
    "queue_items": lambda _reads, _call, state, ids: _few(state.items(ids["session"])),
}
"""Every query by its name in the route table, except ``commits``, which reads the disk."""


def _task_counts(state: State, project_id: str | None) -> dict[str, int]:
    prefix = ("tasks", project_id) if project_id else ("tasks-by-status",)
    counts = {status.value: len(state.groups[*prefix, status]) for status in TaskStatus}
    projects = [project_id] if project_id else list(state.table(Noun.PROJECT))
    counts["ready"] = sum(len(state.groups["ready", p]) for p in projects)
    return counts


def _session_counts(state: State, project_id: str | None) -> dict[str, int]:
    projects = [project_id] if project_id else list(state.table(Noun.PROJECT))
    return {status.value: sum(len(state.groups["sessions", p, status]) for p in projects) for status in SessionStatus}


def _waiting(session: Session) -> dict[str, object]:
    return {
        "sessionId": session.id,
        "name": session.name,
        "provider": session.provider,
        "status": session.status,
        "message": session.needs_input.message,
        "since": session.needs_input.since,
    }


def _stuck(state: State, project_id: str | None) -> Iterator[dict[str, object]]:
    projects = [project_id] if project_id else list(state.table(Noun.PROJECT))
    for each in projects:
        for id_ in islice(state.groups["tasks", each, TaskStatus.BLOCKED], PAGE):
            task = state.task(id_)
            yield {"kind": "task", "id": id_, "name": task.title, "reason": task.blocked_reason or "blocked"}
