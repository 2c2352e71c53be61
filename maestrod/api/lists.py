"""Lists: which entities a read means, by the smallest index that holds them."""

from bisect import bisect_right
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from heapq import merge
from itertools import islice
from typing import TypeVar

import msgspec

from maestrod.api.calls import Call
from maestrod.domain.errors import Invalid, shortened
from maestrod.domain.indexes import Ordered
from maestrod.domain.limits import WHOLE
from maestrod.domain.model import (
    LIVE_SESSION,
    PREFIXES,
    UNREAD,
    Delivery,
    Entity,
    MailType,
    Noun,
    Priority,
    Role,
    Session,
    SessionStatus,
    Task,
    TaskStatus,
    Word,
)
from maestrod.domain.names import resolve
from maestrod.domain.permissions import home_of, reach_of
from maestrod.domain.state import State
from maestrod.protocol import aliases

E = TypeVar("E", bound=Entity)
W = TypeVar("W", bound=Word)


class Rows(msgspec.Struct, frozen=True):
    """A list before it is cut: the indexes that hold its ids, and what else an entity must fulfil, if anything."""

    noun: Noun
    groups: tuple[Ordered, ...]
    fits: Callable[[Entity], bool] | None = None


class Page(msgspec.Struct, frozen=True):
    """A piece of a list; ``total`` counts all of it, and ``more`` says whether there is a rest."""

    entities: Sequence[Entity]
    total: int
    more: bool


class Walk:
    """A whole list, a part at a time, so that its length holds nobody up.

    It ends where the list ended when the walk began. Who comes or goes meanwhile is seen as the part finds it,
    and nobody is seen twice.
    """

    def __init__(self, rows: Rows, *, descending: bool) -> None:
        self.ended = False
        self._rows = rows
        self._descending = descending
        self._last = next(_ids(rows, None, descending=not self._descending), "")
        self._at: str | None = None

    def take(self, state: State, most: int) -> list[Entity]:
        """The next part: those of at most so many that fit."""
        ids = list(islice(_ids(self._rows, self._at, descending=self._descending), most))
        ids = ids[: bisect_right(ids, self._last)] if not self._descending else ids
        self._at = ids[-1] if ids else self._at
        self.ended = len(ids) < most or self._at == self._last
        return list(_fitting(state, self._rows, ids))


class Few:
    """A list that is there already, in the same parts."""

    def __init__(self, entities: Sequence[Entity]) -> None:
        self.ended = False
        self._rest = entities

    def take(self, state: State, most: int) -> Sequence[Entity]:
        """The next part."""
        part, self._rest = self._rest[:most], self._rest[most:]
        self.ended = not self._rest
        return part


def page(call: Call, state: State, rows: Rows, *, limit: int, offset: int) -> Page:
    """The piece after the cursor; without filters it costs its length, with filters that of the list."""
    descending = is_descending(call)
    cursor = _cursor(call, rows.noun)
    if rows.fits is None:
        found = _fitting(state, rows, _ids(rows, cursor, descending=descending))
        total = sum(len(group) for group in rows.groups)
    else:
        fitting = list(_fitting(state, rows, _ids(rows, None, descending=descending)))
        total = len(fitting)
        found = (e for e in fitting if cursor is None or (e.id < cursor if descending else e.id > cursor))
    cut = list(islice(found, offset, offset + limit + 1))
    return Page(cut[:limit], total, len(cut) > limit)


def _fitting(state: State, rows: Rows, ids: Iterable[str]) -> Iterator[Entity]:
    table = state.table(rows.noun)
    entities = (table[id_] for id_ in ids)
    return entities if rows.fits is None else filter(rows.fits, entities)


def _ids(rows: Rows, cursor: str | None, *, descending: bool) -> Iterator[str]:
    if len(rows.groups) == 1:
        return rows.groups[0].after(cursor, descending=descending)
    return merge(*(group.after(cursor, descending=descending) for group in rows.groups), reverse=descending)


def _cursor(call: Call, noun: Noun) -> str | None:
    cursor = call.query.get("cursor")
    if cursor and not cursor.startswith(f"{PREFIXES[noun]}_"):
        raise Invalid.field("cursor", "must be the `nextCursor` of a page of this list")
    return cursor or None


def is_descending(call: Call) -> bool:
    """Whether the newest come first."""
    order = call.query.get("order", "asc")
    if order not in {"asc", "desc"}:
        raise Invalid.field("order", "must be 'asc' or 'desc'")
    return order == "desc"


def tasks_of(call: Call, state: State) -> Rows:
    """The tasks that a call means."""
    own_project = id_of(call, state, "projectId", Noun.PROJECT)
    project_id = own_project or here(call, state)
    statuses = _choices(call, "status", TaskStatus)
    ready = flag(call, "ready")
    keep = _task_filters(call, state)
    groups: tuple[Ordered, ...]
    if call.query.get("parentId") not in {None, "null"}:
        groups = (state.groups["children", id_of(call, state, "parentId", Noun.TASK) or ""],)
        if own_project:
            keep.append(lambda t: t.project_id == own_project)
    elif "parentId" in call.query:
        groups = (state.groups["roots", project_id] if project_id else state.ordered[Noun.TASK],)
        keep += [] if project_id else [lambda t: t.parent_id is None]
    elif ready and project_id:
        groups, ready = (state.groups["ready", project_id],), None
    elif statuses:
        key = ("tasks", project_id) if project_id else ("tasks-by-status",)
        groups, statuses = tuple(state.groups[*key, status] for status in sorted(statuses)), frozenset()
    else:
        groups = (state.groups["tasks", project_id] if project_id else state.ordered[Noun.TASK],)
    if statuses:
        keep.append(lambda t: t.status in statuses)
    if ready is not None:
        keep.append(lambda t: state.is_ready(t) == ready)
    return Rows(Noun.TASK, groups, _all(Task, keep))


def _task_filters(call: Call, state: State) -> list[Callable[[Task], bool]]:
    keep: list[Callable[[Task], bool]] = []
    priorities = _choices(call, "priority", Priority)
    if priorities:
        keep.append(lambda t: t.priority in priorities)
    label = call.query.get("label")
    if label is not None:
        keep.append(lambda t: label in t.labels)
    text = call.query.get("q", "").casefold()
    if text:
        keep.append(lambda t: text in t.title.casefold() or text in t.description.casefold())
    session_id = id_of(call, state, "sessionId", Noun.SESSION)
    if session_id is not None:
        mine = {a.task_id for a in state.assignments_of_session(session_id)}
        keep.append(lambda t: t.id in mine)
    return keep


def sessions_of(call: Call, state: State) -> Rows:
    """The sessions that a call means."""
    project_id = id_of(call, state, "projectId", Noun.PROJECT) or here(call, state)
    group = state.groups["sessions", project_id] if project_id else state.ordered[Noun.SESSION]
    keep: list[Callable[[Session], bool]] = []
    statuses = _choices(call, "status", SessionStatus)
    if statuses:
        keep.append(lambda s: s.status in statuses)
    roles = _choices(call, "role", Role)
    if roles:
        keep.append(lambda s: s.role in roles)
    active = flag(call, "active")
    if active is not None:
        keep.append(lambda s: (s.status in LIVE_SESSION) == active)
    parent_id = id_of(call, state, "parentSessionId", Noun.SESSION)
    if parent_id is not None:
        keep.append(lambda s: s.parent_session_id == parent_id)
    task_id = id_of(call, state, "taskId", Noun.TASK)
    if task_id is not None:
        working = {a.session_id for a in state.assignments_of_task(task_id)}
        keep.append(lambda s: s.id in working)
    return Rows(Noun.SESSION, (group,), _all(Session, keep))


def within(rows: Rows, state: State, reach: Container[str]) -> Rows:
    """What of a list is of these projects."""
    return msgspec.structs.replace(
        rows, fits=lambda e: home_of(state, e) in reach and (rows.fits is None or rows.fits(e))
    )


def mail_of(call: Call, state: State, session_id: str, *, unread: bool | None) -> Rows:
    """The mail of a session that a call means, oldest first; with nothing asked for it costs what is taken of it."""
    group = state.groups["unread" if unread else "inbox", session_id]
    keep: list[Callable[[Delivery], bool]] = []
    if "since" in call.query:
        since = number(call, "since", 0, 0, WHOLE)
        # An id is never older than what it names, so that the rest need not be looked at.
        group = Ordered.of(list(group.after(f"{PREFIXES[Noun.DELIVERY]}_{since:013}_")))
        keep.append(lambda d: d.created_at > since)
    if unread is False:
        keep.append(lambda d: d.state not in UNREAD)
    types = _choices(call, "type", MailType)
    if types:
        keep.append(lambda d: state.mail(d.mail_id).type in types)
    project_id = id_of(call, state, "projectId", Noun.PROJECT)
    if project_id is not None:
        keep.append(lambda d: d.project_id == project_id)
    return Rows(Noun.DELIVERY, (group,), _all(Delivery, keep))


def _all(kind: type[E], keep: Sequence[Callable[[E], bool]]) -> Callable[[Entity], bool] | None:
    def fits(entity: Entity) -> bool:
        return isinstance(entity, kind) and all(k(entity) for k in keep)

    return fits if keep else None


def here(call: Call, state: State) -> str | None:
    """The project of the directory that the caller names, if it names one, or the one that its key is tied to."""
    bound = "X-Maestro-Cwd" in call.request.headers or reach_of(state, call.actor) is not None
    return call.project(state) if bound else None


def id_of(call: Call, state: State, name: str, noun: Noun) -> str | None:
    """The whole id that a parameter names, if it is there.

    Raises:
        NotFound: it names nothing.
    """
    value = call.query.get(name)
    return resolve(state, noun, value) if value is not None else None


def one_of(call: Call, name: str, words: Sequence[str], default: str) -> str:
    """A parameter that is one of a few words."""
    value = call.query.get(name, default)
    if value not in words and value != default:
        raise Invalid.field(name, f"must be one of {', '.join(words)}")
    return value


def flag(call: Call, name: str) -> bool | None:
    """A parameter that is true or false."""
    value = call.query.get(name)
    if value is None:
        return None
    known = {"true": True, "1": True, "false": False, "0": False}
    if value.lower() not in known:
        raise Invalid.field(name, "must be true or false")
    return known[value.lower()]


def number(call: Call, name: str, default: int, least: int, most: int) -> int:
    """A parameter that is a number within bounds."""
    value = call.query.get(name)
    if value is None:
        return default
    if not value.isascii() or not value.isdecimal() or len(value) > 16 or not least <= int(value) <= most:
        raise Invalid.field(name, f"must be a number from {least} to {most}")
    return int(value)


def choice(value: str, name: str, kind: type[W]) -> W:
    """A word of a closed list, today's or an older one.

    Raises:
        Invalid: it is none of them.
    """
    known = {member.value: member for member in kind}
    word = aliases.word(name, value)
    if word not in known:
        raise Invalid.field(name, f"'{shortened(value)}' is none of {', '.join(known)}")
    return known[word]


def is_summary(call: Call) -> bool:
    """Whether long texts are left out."""
    if call.query.get("fields", "summary") != "summary":
        raise Invalid.field("fields", "must be 'summary'")
    return "fields" in call.query


def _choices(
    call: Call, name: str, kind: type[TaskStatus | Priority | SessionStatus | Role | MailType]
) -> frozenset[str]:
    value = call.query.get(name)
    if value is None:
        return frozenset()
    words = [aliases.word(name, word.strip()) for word in value.split(",")]
    known = [member.value for member in kind]
    wrong = [word for word in words if word not in known]
    if wrong:
        raise Invalid.field(name, f"'{wrong[0]}' is none of {', '.join(known)}")
    return frozenset(words)
