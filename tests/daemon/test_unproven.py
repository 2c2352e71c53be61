"""A task whose check fails is not done, whatever an agent asks for, by every route and in whatever order."""

import itertools
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec
import pytest

from maestrod.domain.registry import RULES
from maestrod.protocol.aliases import DEEDS
from maestrod.protocol.routes import LIVE_ROUTES, WRITES
from tests.daemon.scene import Json, Scene

pytestmark = pytest.mark.xdist_group("daemon-unproven")

ROUTES = [
    *((w.method, w.path, w.command) for w in WRITES),
    *((method, path, "") for method, path, name in LIVE_ROUTES if method != "GET" and name != "shutdown"),
]
ROLES = ("worker", "orchestrator")
FIRST: dict[str, Json] = {
    "edit": {"checks": [], "status": "todo"},
    "block": {"reason": "x"},
    "check": {"check": "true"},
    "depend": {"dependencies": []},
    "undepend": {"dependencies": []},
}
"""What a deed of a batch says beside its task."""


class Trial:
    """A task with a check that failed, in the hands of a worker with a queue that an orchestrator spawned."""

    def __init__(self, scene: Scene, folder: Path, role: str) -> None:
        self.scene = scene
        project = scene.project(workingDir=str(folder / str(scene.number())))
        Path(project["workingDir"]).mkdir()
        boss, as_boss = scene.worker(project, role="orchestrator")
        self.task = str(scene.task(project, checks=["false"])["id"])
        spawned = {"projectId": project["id"], "taskIds": [self.task], "strategy": "queue"}
        worker = scene.ok("POST", "/sessions", spawned, headers=as_boss)
        as_worker = scene.launch(worker)
        scene.ok("POST", f"/sessions/{worker['id']}/queue/start", {}, headers=as_worker)
        scene.ok("POST", f"/tasks/{self.task}/checks/run", {}, headers=as_worker)
        assert scene.ok("GET", f"/tasks/{self.task}/checks?wait=60")["checks"][0]["status"] == "failed"
        self.seq = scene.call("GET", "/hello").json["seq"]
        self.headers = as_worker if role == "worker" else as_boss
        self.ids: dict[str, Any] = {
            "projectId": project["id"],
            "taskId": self.task,
            "sessionId": worker["id"],
            "parentSessionId": boss["id"],
            "subtaskId": scene.ok("POST", f"/tasks/{self.task}/subtasks", {"title": "s"})["id"],
            "docId": scene.ok("POST", f"/tasks/{self.task}/docs", {"title": "d"})["id"],
            "itemId": scene.items(worker)[0]["id"],
            "mailId": scene.mail(worker)["id"],
            "templateId": "tmpl_0_worker",
            "keyId": "key_1_aaaaaaaaa",
        }

    @property
    def is_done(self) -> bool:
        """Also when it was put aside since."""
        task = self.scene.call("GET", f"/tasks/{self.task}")
        return task.status == 200 and (task.json["status"] == "completed" or bool(task.json.get("completedAt")))

    @property
    def is_over(self) -> bool:
        """Whether nothing more can be tried here."""
        task = self.scene.call("GET", f"/tasks/{self.task}")
        session = self.scene.call("GET", f"/sessions/{self.ids['sessionId']}")
        return task.status == 404 or session.json.get("status") not in {"spawning", "working", "idle"}

    def ask(self, method: str, path: str, body: Json) -> bool:
        """Whether the agent was let do it."""
        words = {"type": "task", "seq": self.seq, "skill": "maestro-cli", "role": "worker", "kept": "none"}
        ids = {name.removesuffix("Id"): id_ for name, id_ in self.ids.items()} | words
        return self.scene.call(method, path.format(**ids), body, headers=self.headers).status < 300

    def finish(self) -> None:
        """Say in every way there is that it is done."""
        self.ask("POST", "/tasks/{task}/complete", {})
        self.ask("POST", "/tasks/{task}/complete", {"override": True})
        self.ask("PATCH", "/tasks/{task}", {"status": "completed"})
        self.ask("PATCH", "/tasks/{task}", {"status": "completed", "checks": []})
        self.ask("PATCH", "/tasks/{task}", {"updateSource": "session", "sessionStatus": "completed"})
        self.ask("POST", "/sessions/{session}/queue/complete", {})

    def finish_in_batches(self) -> None:
        """Every deed of a batch, and that it is done right after."""
        about = {"taskId": self.task}
        for deed in DEEDS:
            first = about | {"do": deed} | FIRST.get(deed, {})
            self.ask("POST", "/tasks/batch", {"items": [first, about | {"do": "complete"}]})


def values(trial: Trial, name: str, type_: object) -> Iterator[object]:
    """What an agent might say for a field."""
    if name in trial.ids:
        yield trial.ids[name]
        return
    origin, args = get_origin(type_), get_args(type_)
    if origin in {Union, UnionType}:
        for each in args:
            yield from values(trial, name, each)
    elif origin is tuple:
        yield from ([], *([each] for each in values(trial, name, args[0])))
    elif isinstance(type_, type) and issubclass(type_, Enum):
        yield from (each.value for each in type_)
    elif type_ is bool:
        yield True
    elif type_ in {int, float}:
        yield 0
    elif type_ is str:
        yield "true"


def bodies(trial: Trial, command: str, path: str) -> Iterator[Json]:
    """The shortest body that is right, and every other field with every word for it."""
    if not command:
        yield {}
        return
    type_ = RULES[command].command
    hints = get_type_hints(type_)
    fields = [f for f in msgspec.structs.fields(type_) if f"{{{f.encode_name.removesuffix('Id')}}}" not in path]
    told = {f.encode_name: list(values(trial, f.encode_name, hints[f.name])) for f in fields}
    least = {f.encode_name: told[f.encode_name][-1] for f in fields if f.required and told[f.encode_name]}
    yield least
    if command == "EditTask":
        yield {"updateSource": "session", "sessionStatus": "completed", "sessionId": trial.ids["sessionId"]}
    for name, words in told.items():
        yield from (least | {name: word} for word in words)


@pytest.mark.parametrize("role", ROLES)
def test_no_agent_completes_a_task_whose_check_fails(scene: Scene, tmp_path: Path, role: str) -> None:
    trial = Trial(scene, tmp_path, role)
    let: set[str] = set()
    for method, path, command in ROUTES:
        for number in itertools.count():
            body = next(itertools.islice(bodies(trial, command, path), number, None), None)
            if body is None:
                break
            if trial.ask(method, path, body):
                assert not trial.is_done, (method, path, body)
                trial.finish()
                if command not in let:
                    trial.finish_in_batches()
                let.add(command)
                assert not trial.is_done, (method, path, body, "and then completed")
                if trial.is_over:
                    trial = Trial(scene, tmp_path, role)
    assert {"CompleteTask", "ReviewTask", "Report", "CompleteItem", "RunChecks"} <= let
    assert role == "worker" or {"EditTask", "CancelTask", "UnassignTask", "StopSession"} <= let
