"""Rule 4 once more at the socket: every route of the table, asked by agents with credentials of their own.

The rows of what a role may are those by which the rule itself is tested.
"""

import re
from collections.abc import Callable, Iterator, Mapping

import msgspec
import pytest

from maestrod.domain.model import Role
from maestrod.domain.registry import RULES
from maestrod.protocol.routes import PATH_FIELDS, READS, WRITES, Write
from tests.daemon.scene import UNHURRIED, Json, Scene, bearer
from tests.domain.test_permissions import (
    BARE,
    FOR_PEOPLE,
    IN_PROJECTS,
    MAILS,
    ON_MAILS,
    ON_PROJECTS,
    ON_SESSIONS,
    ON_TASKS,
    ROLES,
    SESSIONS,
    TASKS,
)
from tests.support.daemon import daemon

pytestmark = pytest.mark.xdist_group("daemon-permissions")

Ids = Mapping[str, str]
"""What a request is about: ids by the JSON name of the field that holds them."""


Rows = Mapping[str, tuple[str, str]]
Words = tuple[str, ...]


class Stage:
    """Two projects with everybody in them, over the socket; ids by the words of the rows."""

    def __init__(self, scene: Scene, role: Role) -> None:
        self.scene = scene
        self.project, self.elsewhere = scene.project(), scene.project()
        own, sibling = scene.task(self.project), scene.task(self.project)
        self.tasks = {
            "own": own["id"],
            "child": scene.task(parentId=scene.task(parentId=own["id"])["id"])["id"],
            "free": scene.task(self.project)["id"],
            "sibling": sibling["id"],
            "other": scene.task(self.elsewhere)["id"],
        }
        self.subtasks = {
            word: scene.ok("POST", f"/tasks/{id_}/subtasks", {"title": "s"})["id"] for word, id_ in self.tasks.items()
        }
        strategy: Json = {"strategy": "queue"} if role is Role.WORKER else {"role": "orchestrator"}
        me = scene.session(self.project, taskIds=[own["id"]], **strategy)
        self.me = scene.launch(me)
        queue: Json = {"strategy": "queue"}
        self.sessions = {
            "self": me["id"],
            "below": scene.session(self.project, tasks=1, parentSessionId=me["id"], **queue)["id"],
            "beside": scene.session(self.project, taskIds=[sibling["id"]], **queue)["id"],
            "other": scene.session(self.elsewhere, taskIds=[self.tasks["other"]], **queue)["id"],
        }
        with_items = {**self.sessions, "self": self.sessions["self" if role is Role.WORKER else "below"]}
        self.items = {word: scene.items({"id": id_})[0]["id"] for word, id_ in with_items.items()}
        self.docs = {
            word: scene.ok("POST", f"/tasks/{id_}/docs", {"title": "d"})["id"] for word, id_ in self.tasks.items()
        }
        self.papers = {
            word: scene.ok("POST", f"/sessions/{id_}/docs", {"title": "d"})["id"] for word, id_ in self.sessions.items()
        }
        beside, launched = {"id": self.sessions["beside"]}, scene.launch({"id": self.sessions["beside"]})
        self.mails = {
            "got": scene.mail(me)["id"],
            "sent": scene.ok("POST", "/mail", {"toSessionId": beside["id"], "message": "x"}, headers=self.me)["id"],
            "others": self._letter(launched, self.sessions["below"]),
            "other": scene.mail({"id": self.sessions["other"]})["id"],
        }

    def _letter(self, sender: Mapping[str, str], to: str) -> str:
        sent: str = self.scene.ok("POST", "/mail", {"toSessionId": to, "message": "x"}, headers=sender)["id"]
        return sent

    def on_task(self, word: str) -> Ids:
        """About a task, and what belongs to it."""
        mine = {"sessionId": self.sessions["self"], "itemId": self.items["self"]}
        about = {"taskId": self.tasks[word], "subtaskId": self.subtasks[word], "docId": self.docs[word]}
        return {**mine, **about, "projectId": self.project["id"]}

    def on_session(self, word: str) -> Ids:
        """About a session, for the actor's own task."""
        about = {"sessionId": self.sessions[word], "itemId": self.items[word], "docId": self.papers[word]}
        mail = {"mailId": self.mails["got"]}
        return {**about, **mail, "taskId": self.tasks["own"], "projectId": self.project["id"]}

    def on_mail(self, word: str) -> Ids:
        """About a mail."""
        return {"mailId": self.mails[word]}


def routes_of(*names: str) -> list[Write]:
    return [route for route in WRITES if route.command in names]


def called(route: Write) -> str:
    return f"{route.method} {route.path}"


def bare(route: Write) -> Json:
    """A body that is right but for the ids."""
    command = BARE[route.command]
    given = msgspec.to_builtins(command)
    fields = msgspec.structs.fields(command)
    made_by_the_daemon = {"hash", "prefix", "folder"}
    plain = {f.encode_name for f in fields if getattr(command, f.name) != f.default and getattr(command, f.name) != ""}
    return {name: given[name] for name in plain - made_by_the_daemon if given[name] not in ("", [])}


def request_of(route: Write, ids: Ids, more: Ids | None = None) -> tuple[str, Json]:
    """The path and the body of a request about these; ``more`` stands in the body for what the row is about."""
    in_path = {name: PATH_FIELDS[name] for name in re.findall(r"\{(\w+)\}", route.path)}
    path = route.path.format(**{name: ids[field] for name, field in in_path.items()})
    known = {field.encode_name for field in msgspec.structs.fields(RULES[route.command].command)}
    body = bare(route) | {
        field: id_ for field, id_ in (more or {}).items() if field in known and field not in in_path.values()
    }
    return path, body


About = Callable[[Stage, Write, str], tuple[str, Json]]


def about_task(stage: Stage, route: Write, word: str) -> tuple[str, Json]:
    ids = stage.on_task(word)
    more = {"taskId": ids["taskId"]}
    if route.command in {"CreateTask", "ClaimNext"}:
        more = {"parentId": ids["taskId"]}
    if route.command == "OrderSubtasks":
        return request_of(route, ids, {})[0], {"orderedIds": [ids["subtaskId"]]}
    if route.command in {"DependTask", "UndependTask"}:
        return request_of(route, ids)[0], {"dependencies": []}
    return request_of(route, ids, more)


def about_session(stage: Stage, route: Write, word: str) -> tuple[str, Json]:
    ids = stage.on_session(word)
    match route.command:
        case "SpawnSession":
            return request_of(route, ids, {"projectId": ids["projectId"], "parentSessionId": ids["sessionId"]})
        case "SendMail":
            return request_of(route, ids, {"toSessionId": ids["sessionId"]})
        case "PushItem":
            return request_of(route, ids, {"taskId": stage.tasks["free"]})
        case _:
            return request_of(route, ids, {"sessionId": ids["sessionId"]})


def about_mail(stage: Stage, route: Write, word: str) -> tuple[str, Json]:
    return request_of(route, stage.on_mail(word), {"replyToMailId": stage.mails[word]})


TABLES: tuple[tuple[Rows, Words, About], ...] = (
    (ON_TASKS, TASKS, about_task),
    (ON_SESSIONS, SESSIONS, about_session),
    (ON_MAILS, MAILS, about_mail),
)
ROWS = [(rows, words, about, route) for rows, words, about in TABLES for route in routes_of(*rows)]
named = [f"{about.__name__}-{called(route)}" for _, _, about, route in ROWS]


def walked(test: Callable[..., None]) -> Callable[..., None]:
    """Every row of the tables with every route that it is about, for both roles."""
    for_each: Callable[..., Callable[..., None]] = pytest.mark.parametrize("role", ROLES)(test)
    walk: Callable[..., None] = pytest.mark.parametrize(("rows", "words", "about", "route"), ROWS, ids=named)(for_each)
    return walk


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with daemon(env=UNHURRIED) as running:
        yield Scene(running)


@pytest.fixture(scope="module")
def stages(scene: Scene) -> Mapping[Role, Stage]:
    """Where nobody may change a thing."""
    return {role: Stage(scene, role) for role in ROLES}


@walked
def test_what_a_role_does_not_reach_is_refused_and_nothing_changes(
    scene: Scene, stages: Mapping[Role, Stage], rows: Rows, words: Words, about: About, route: Write, role: Role
) -> None:
    stage = stages[role]
    before = scene.call("GET", "/hello").json["seq"]
    for word, may in zip(words, rows[route.command][ROLES.index(role)], strict=True):
        if may == "-":
            path, body = about(stage, route, word)
            answer = scene.call(route.method, path, body, headers=stage.me)
            assert (answer.status, answer.json["code"]) == (403, "FORBIDDEN"), (word, answer.raw)
    assert scene.call("GET", "/hello").json["seq"] == before


@pytest.mark.slow
@walked
def test_what_a_role_reaches_is_not_refused_to_it(
    scene: Scene, rows: Rows, words: Words, about: About, route: Write, role: Role
) -> None:
    row = rows[route.command][ROLES.index(role)]
    stage = Stage(scene, role)
    for word, may in reversed(list(zip(words, row, strict=True))):
        if may == "+":
            path, body = about(stage, route, word)
            answer = scene.call(route.method, path, body, headers=stage.me)
            assert answer.status not in {401, 403, 404}, (word, answer.raw)


ELSE = routes_of(*ON_PROJECTS, *IN_PROJECTS, *FOR_PEOPLE, "BatchTasks")


def test_no_route_is_left_out() -> None:
    asked = [*(called(route) for _, _, _, route in ROWS), *map(called, ELSE)]
    assert set(asked) == set(map(called, WRITES))


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("route", ELSE, ids=called)
def test_no_agent_touches_what_is_for_people_nor_another_project(
    scene: Scene, stages: Mapping[Role, Stage], route: Write, role: Role
) -> None:
    stage = stages[role]
    key = scene.ok("POST", "/keys", {"name": "spare"})["id"]
    ids = {"templateId": "tmpl_0_worker", "keyId": key, "entityType": "task"}
    own_too = () if route.command in IN_PROJECTS and role is Role.ORCHESTRATOR else (stage.project,)
    before = scene.call("GET", "/hello").json["seq"]
    for project in (*own_too, stage.elsewhere):
        path, body = request_of(route, ids | {"projectId": project["id"]})
        if route.command == "BatchTasks":
            body = {
                "items": [{"do": "start", "taskId": stage.tasks["own"]}, {"title": "x", "projectId": project["id"]}]
            }
        if project is stage.project and route.command == "BatchTasks" and role is Role.ORCHESTRATOR:
            continue
        answer = scene.call(route.method, path, body, headers=stage.me)
        assert (answer.status, answer.json["code"]) == (403, "FORBIDDEN"), answer.raw
    assert scene.call("GET", "/hello").json["seq"] == before


@pytest.mark.parametrize("role", ROLES)
def test_no_agent_reaches_the_daemon_the_history_or_the_keys(
    scene: Scene, stages: Mapping[Role, Stage], role: Role
) -> None:
    people: list[tuple[str, str, object]] = [("GET", read.path, None) for read in READS if read.people]
    for method, path, body in [
        *people,
        ("GET", "/commits", None),
        ("GET", "/state", None),
        ("POST", "/undo/last", None),
        ("POST", "/import", {"files": {}}),
        ("POST", "/shutdown", None),
        ("POST", f"/sessions/{stages[role].sessions['self']}/input", {"text": "x"}),
        ("POST", f"/sessions/{stages[role].sessions['beside']}/input", {"keys": ["x"]}),
        ("POST", f"/sessions/{stages[role].sessions['below']}/input", {"keys": ["x"]}),
        ("POST", f"/sessions/{stages[role].sessions['below']}/input", {"paste": "x"}),
        ("POST", f"/sessions/{stages[role].sessions['beside']}/hook", {"provider": "claude", "event": "Stop"}),
        ("GET", f"/mail/inbox/{stages[role].sessions['beside']}", None),
        ("GET", f"/mail/wait/{stages[role].sessions['other']}?timeout=0", None),
        ("GET", f"/mail/{stages[role].mails['other']}", None),
    ]:
        answer = scene.call(method, path, body, headers=stages[role].me)
        assert (answer.status, answer.json["code"]) == (403, "FORBIDDEN"), (path, answer.raw)


@pytest.mark.parametrize("route", WRITES, ids=called)
def test_a_key_that_may_look_writes_nothing(scene: Scene, stages: Mapping[Role, Stage], route: Write) -> None:
    stage = stages[Role.WORKER]
    looks = bearer(scene.ok("POST", "/keys", {"name": "looks"})["secret"])
    key = scene.ok("POST", "/keys", {"name": "spare"})["id"]
    ids = {**stage.on_session("self"), **stage.on_task("own"), **stage.on_mail("got")}
    path, body = request_of(route, ids | {"templateId": "tmpl_0_worker", "keyId": key, "entityType": "task"}, ids)
    before = scene.call("GET", "/hello").json["seq"]
    answer = scene.call(route.method, path, body, headers=looks)
    assert (answer.status, answer.json["code"]) == (403, "FORBIDDEN"), answer.raw
    since = scene.ok("GET", f"/commits?after={before}")["data"]
    assert {commit["command"]["kind"] for commit in since} <= {"UseKey"}
