"""One request on its way through the daemon: what was asked, by whom, under which id."""

import random
import re
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import unquote

import msgspec
from aiohttp import web

from maestrod.domain import names
from maestrod.domain.changes import Actor
from maestrod.domain.errors import Invalid, NotFound, Rejected
from maestrod.domain.model import Noun
from maestrod.domain.permissions import reach_of
from maestrod.domain.state import State
from maestrod.protocol.routes import LIVE_ROUTES, PREFIXES, READS, WRITES, Route

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}\Z")
_random = random.Random()  # noqa: S311 - request ids are names, not secrets
_NOUNS = {
    "project": Noun.PROJECT,
    "task": Noun.TASK,
    "subtask": Noun.SUBTASK,
    "session": Noun.SESSION,
    "item": Noun.ITEM,
    "doc": Noun.DOC,
    "mail": Noun.MAIL,
    "template": Noun.TEMPLATE,
    "key": Noun.KEY,
}


ARRIVAL_S = 30.0
"""How long the body of a request may take to arrive."""


class NoRoute(Rejected):
    """No such path."""

    code = "NOT_FOUND"


class WrongMethod(Rejected):
    """The path exists, with other methods."""

    code = "METHOD_NOT_ALLOWED"

    def __init__(self, method: str, allowed: list[str]) -> None:
        super().__init__(f"{method} is not possible here", hint=f"Use {' or '.join(allowed)}.")
        self.allowed = allowed


class Call(msgspec.Struct, frozen=True):
    """A request with its route; ``given`` are the ids in the path as they were written."""

    request: web.BaseRequest
    request_id: str
    actor: Actor
    route: Route | str
    given: Mapping[str, str]
    query: Mapping[str, str]
    arrival_s: float = ARRIVAL_S
    sure: bool = True
    """Whether the caller is known to be no agent that keeps its credential back."""

    @property
    def is_person(self) -> bool:
        """Whether a person asks, or a program for one, and surely so."""
        return self.actor.session_id is None and self.sure

    def ids(self, state: State) -> dict[str, str]:
        """The ids in the path, whole, its words as they stand; ``-`` before a subtask is the task that it belongs to.

        Raises:
            NotFound: one of them names nothing.
            Ambiguous: one of them names several things.
        """
        project_id = self.project(state)
        given = dict(self.given)
        if given.get("task") == "-" and "subtask" in given:
            given["task"] = state.subtask(names.resolve(state, Noun.SUBTASK, given["subtask"])).task_id
        ids = {
            key: names.resolve(state, _NOUNS[key], name, project_id=project_id) if key in _NOUNS else name
            for key, name in given.items()
        }
        if "subtask" in ids and state.subtask(ids["subtask"]).task_id != ids["task"]:
            raise NotFound(Noun.SUBTASK, self.given["subtask"])
        return ids

    def project(self, state: State) -> str | None:
        """The project of the acting session, else the one that the key is tied to, else of the caller's directory."""
        if self.actor.session_id is not None and self.actor.session_id in state.table(Noun.SESSION):
            return state.session(self.actor.session_id).project_id
        reach = reach_of(state, self.actor)
        if reach is not None and len(reach) == 1:
            return next(iter(reach))
        directory = self.request.headers.get("X-Maestro-Cwd")
        found = project_of_directory(state, unquote(directory)) if directory else None
        return found if reach is None or found in reach else None


def project_of_directory(state: State, directory: str) -> str | None:
    """The project whose directory, or a worktree of whose sessions, contains this one; the deepest wins."""
    path = directory.rstrip("/") or "/"
    while True:
        found = state.projects_by_dir.get(path) or _with_worktree(state, path)
        if found is not None or path == "/" or not path:
            return found
        path = path.rpartition("/")[0] or "/"


def _with_worktree(state: State, path: str) -> str | None:
    """The project to which a worktree belongs."""
    return next((state.session(id_).project_id for id_ in state.groups["worktree", path]), None)


class _Node:
    def __init__(self) -> None:
        self.fixed: dict[str, _Node] = {}
        self.name = ""
        self.any: _Node | None = None
        self.methods: dict[str, Route | str] = {}


class RouteTree:
    """The route table as a tree of path segments; a fixed segment wins over one that is filled."""

    def __init__(self) -> None:
        self._root = _Node()
        for write in WRITES:
            self._add(write.method, write.path, write)
        for read in READS:
            self._add(read.method, read.path, read)
        for method, path, handler in LIVE_ROUTES:
            self._add(method, path, handler)

    def _add(self, method: str, path: str, route: Route | str) -> None:
        node = self._root
        for segment in path.strip("/").split("/"):
            if segment.startswith("{"):
                node.any = node.any or _Node()
                node.any.name = segment[1:-1]
                node = node.any
            else:
                node = node.fixed.setdefault(segment, _Node())
        node.methods[method] = route

    def match(self, method: str, path: str) -> tuple[Route | str, dict[str, str]]:
        """The route and the ids in the path, as they were written.

        Raises:
            NoRoute: no such path.
            WrongMethod: the path exists, with other methods.
        """
        node, given = self._find(_below(path))
        route = node.methods.get(method)
        if route is None:
            raise WrongMethod(method, sorted(node.methods))
        return route, given

    def _find(self, path: str) -> tuple[_Node, dict[str, str]]:
        node: _Node | None = self._root
        given: dict[str, str] = {}
        for segment in path.strip("/").split("/"):
            if node is None:
                break
            following = node.fixed.get(segment)
            if following is None and node.any is not None:
                following = node.any
                given[following.name] = unquote(segment)
            node = following
        if node is None or not node.methods:
            raise NoRoute(f"there is no {path}", hint="`maestro commands` lists what can be asked for.")
        return node, given


@lru_cache(maxsize=1024)
def _below(path: str) -> str:
    for prefix in PREFIXES:
        if path.startswith(prefix + "/"):
            return path[len(prefix) :]
    return path


def request_id_of(request: web.BaseRequest) -> str:
    """The caller's request id when it is a sane one, else a new one."""
    sent = request.headers.get("X-Request-ID", "")
    return sent if _REQUEST_ID.match(sent) else f"{_random.getrandbits(64):016x}"


def query_of(request: web.BaseRequest, allowed: tuple[str, ...]) -> dict[str, str]:
    """The query parameters, each known and given once.

    Raises:
        Invalid: one is unknown, or comes twice.
    """
    if not request.query_string:
        return {}
    found: dict[str, str] = {}
    for name, value in request.query.items():
        if name not in allowed:
            listed = ", ".join(allowed) or "none"
            raise Invalid.field(name, f"is no parameter of this route; it takes: {listed}")
        if name in found:
            raise Invalid.field(name, "comes twice")
        found[name] = value
    return found


def seconds(call: Call, name: str, usual: float, most: float) -> float:
    """A parameter that is a time in seconds.

    Raises:
        Invalid: it is no number, or out of bounds.
    """
    value = call.query.get(name)
    if value is None:
        return usual
    try:
        found = float(value)
    except ValueError:
        found = -1.0
    if not 0 <= found <= most:
        raise Invalid.field(name, f"must be seconds from 0 to {most:g}")
    return found
