"""Nothing is answered that a crash could take back: killed before its sync, the daemon comes back without it."""

import json
import re
import select
import shutil
import socket
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest

from tests.daemon.listening import Rude
from tests.daemon.scene import Json, Scene, keyed
from tests.daemon.test_barrier import crash, traced
from tests.support.daemon import Answer, Daemon, daemon
from tests.support.eventually import eventually

pytestmark = [
    pytest.mark.xdist_group("daemon-taken-back"),
    pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed"),
]

NEVER = ("-e", "trace=pwrite64,fdatasync", "-e", "inject=fdatasync,fsync:delay_enter=60000000")
SLOW = ("-e", "trace=pwrite64,fdatasync", "-e", "inject=fdatasync:delay_enter=50000")
TURNS = 40
"""So many requests that need no state are answered while those that do are waiting."""

BROKEN = (
    b"POST /api/v1/tasks HTTP/1.1\r\nHost: m\r\nConnection: close\r\nContent-Type: application/json\r\n"
    b"Content-Encoding: gzip\r\nContent-Length: 8\r\n\r\nnot gzip"
)
"""A request whose refusal needs no state."""


@pytest.fixture
def fresh() -> Iterator[Scene]:
    """A daemon that waits for its disk however long that takes."""
    with daemon(env={"MAESTRO_DISK_STALL_S": "3600"}) as running:
        yield Scene(running)


def journal(daemon_: Daemon) -> Path:
    """The segment that is written to."""
    return max((daemon_.home / "data" / "journal").glob("*.jsonl"))


def of_journal(daemon_: Daemon) -> tuple[str, str]:
    """Trace what is done to the journal, and let its mark alone."""
    return "-P", str(journal(daemon_))


def cut(daemon_: Daemon, size: int) -> None:
    """What a loss of power does: the bytes that were not synced are gone."""
    with journal(daemon_).open("r+b") as file:
        file.truncate(size)


def asked(daemon_: Daemon, method: str, path: str, body: object = None, **headers: str) -> socket.socket:
    """A connection on which this was asked, and nothing read yet."""
    sent = b"" if body is None else json.dumps(body).encode()
    head = {"Host": "m", "Connection": "close", "Content-Length": str(len(sent)), "Content-Type": "application/json"}
    lines = [f"{method} /api/v1{path} HTTP/1.1", *(f"{name}: {value}" for name, value in (head | headers).items())]
    connection = daemon_.connect()
    connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + sent)
    return connection


def picture(scene: Scene, paths: Mapping[str, str]) -> dict[str, tuple[int, object]]:
    """Status and body of these reads."""
    answers = {name: scene.call("GET", path, headers={"X-Request-ID": "same"}) for name, path in paths.items()}
    return {name: (answer.status, answer.json) for name, answer in answers.items()}


def test_what_rests_on_a_commit_that_is_not_synced_is_never_answered(fresh: Scene, tmp_path: Path) -> None:
    scene, daemon_ = fresh, fresh.daemon
    project = scene.project()
    task, blocked = scene.task(project), scene.task(project)
    scene.ok("POST", f"/tasks/{blocked['id']}/block", {"reason": "x"})
    session, queue = scene.session(project, tasks=1), scene.queue(started=True)
    t, s, q = f"/tasks/{task['id']}", f"/sessions/{session['id']}", f"/sessions/{queue['id']}"
    again = {"projectId": project["id"], "title": "once"}
    scene.ok("POST", "/tasks", again, headers=keyed("old"))
    reads = {
        path: path
        for path in (
            t, s, f"/projects/{project['id']}", "/tasks", "/tasks?limit=2", f"/tasks?projectId={project['id']}",
            "/projects", "/sessions", "/sessions?limit=1", "/assignments", f"{t}/children", f"{t}/subtasks",
            f"{t}/docs", f"{t}/timeline", f"{s}/docs", f"{s}/timeline", f"{s}/manifest", f"{q}/queue",
            f"{q}/queue/top", f"{q}/queue/items", f"{s}/explain", f"{s}/screen", "/status", "/tasks/task_1_gone",
        )
    }  # fmt: skip
    before, place = picture(scene, reads), scene.ok("GET", "/hello")["seq"]
    size = journal(daemon_).stat().st_size
    out = tmp_path / "calls"
    with traced(daemon_, out, *of_journal(daemon_), *NEVER) as tracer:
        waiting = {"the write": asked(daemon_, "POST", f"{t}/start", {}, **keyed("new"))}
        eventually(lambda: "pwrite64" in out.read_text(), every=0.005)
        questions: dict[str, tuple[str, str, object, dict[str, str]]] = {
            "another write": ("PATCH", t, {"title": "later"}, {}),
            "a new task": ("POST", "/tasks", again, {}),
            "a write that changes nothing": ("POST", f"/tasks/{blocked['id']}/block", {"reason": "x"}, {}),
            "a replay of what is durable": ("POST", "/tasks", again, keyed("old")),
            "a replay of what is not": ("POST", f"{t}/start", {}, keyed("new")),
            "a key with another body": ("POST", "/tasks", again | {"title": "other"}, keyed("old")),
            "400": ("POST", "/tasks", {"title": ""}, {}),
            "404": ("POST", "/tasks/task_1_gone/start", {}, {}),
            "404 of a session": ("POST", "/sessions/sess_1_gone/hook", {"provider": "claude", "event": "Stop"}, {}),
            "404 while waiting": ("GET", "/sessions/sess_1_gone/wait", None, {}),
            "409": ("POST", f"/tasks/{blocked['id']}/start", {"sessionId": session["id"]}, {}),
            "409 of no pane": ("POST", f"{s}/input", {"text": "x"}, {}),
            "412": ("PATCH", t, {"title": "x"}, {"If-Match": '"77"'}),
            "a hook": ("POST", f"{s}/hook", {"provider": "claude", "event": "Stop"}, {}),
            "hello": ("GET", "/hello", None, {}),
            "the end of a wait": ("GET", f"{s}/wait?until=spawning", None, {}),
            "too long a wait": ("GET", f"{s}/wait?timeout=0", None, {}),
        }
        questions |= {f"GET {path}": ("GET", path, None, {}) for path in reads}
        waiting |= {name: asked(daemon_, *what[:3], **what[3]) for name, what in questions.items()}
        with closing(Rude(daemon_)) as live, closing(Rude(daemon_, f"?after={place}")) as replayed:
            assert live.said()["seq"] == place
            for _ in range(TURNS):
                answer = scene.call("GET", "/health")
                assert (answer.status, answer.headers["x-maestro-seq"]) == (200, str(place))
                commits = scene.ok("GET", "/commits?limit=1")
                assert (commits["seq"], commits["data"][0]["seq"]) == (place, place)
            broken = daemon_.raw(BROKEN)
            assert b" 400 " in broken.splitlines()[0]
            assert f"X-Maestro-Seq: {place}\r\n".encode() in broken
            quiet = [*waiting.values(), live.socket, replayed.socket]
            told, _, _ = select.select(quiet, [], [], 0)
            assert [name for name, connection in waiting.items() if connection in told] == []
            assert told == []
            crash(daemon_, tracer)
    for name, connection in waiting.items():
        assert (name, _rest(connection)) == (name, b"")
    assert journal(daemon_).stat().st_size > size
    cut(daemon_, size)
    daemon_.start()
    assert scene.ok("GET", "/hello")["seq"] == place
    assert picture(scene, reads) == before


def _rest(connection: socket.socket) -> bytes:
    with connection:
        try:
            return connection.recv(1 << 16)
        except ConnectionError:
            return b""


class Witness:
    """What was answered, and whether that is still so after a crash."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.seq = 0
        self.seen: dict[str, Json] = {}
        self.statuses: dict[int, int] = {}
        self._lock = threading.Lock()

    def call(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """Ask, and remember the answer."""
        answer = self.scene.call(method, path, body, headers=headers)
        found = answer.json.get("data", [answer.json]) if isinstance(answer.json, dict) else answer.json
        with self._lock:
            self.statuses[answer.status] = self.statuses.get(answer.status, 0) + 1
            self.seq = max(self.seq, int(answer.headers["x-maestro-seq"]))
            for each in found:
                self.saw(each)
        return answer

    def saw(self, found: Any) -> None:
        """Keep the newest version of a task."""
        if isinstance(found, dict) and str(found.get("id", "")).startswith("task_"):
            newest = max(found, self.seen.get(found["id"], found), key=lambda task: task["version"])
            self.seen[found["id"]] = newest

    def work(self, project: Json, number: int) -> None:
        """Write, read and be refused until the daemon is gone."""
        with suppress(OSError, HTTPException):
            for turn in range(10_000):
                body = {"projectId": project["id"], "title": f"{number} {turn}"}
                key = keyed(f"{number} {turn}")
                task = "/tasks/" + self.call("POST", "/tasks", body, **key).json["id"]
                for path in (task, "/tasks", "/tasks?limit=5&sort=-createdAt", "/hello"):
                    self.call("GET", path)
                self.call("POST", f"{task}/start", {})
                self.call("POST", "/tasks", body, **key)
                self.call("POST", "/tasks", body | {"title": "other"}, **key)
                self.call("PATCH", task, {"title": "x"}, **{"If-Match": '"77"'})
                self.call("POST", f"{task}/complete", {})
                self.call("POST", f"{task}/start", {})


def test_on_a_disk_of_50_ms_every_answer_outlives_a_crash(fresh: Scene, tmp_path: Path) -> None:
    project, out = fresh.project(), tmp_path / "calls"
    size = journal(fresh.daemon).stat().st_size
    witness = Witness(fresh)
    with (
        traced(fresh.daemon, out, *of_journal(fresh.daemon), *SLOW) as tracer,
        ThreadPoolExecutor(7) as threads,
        closing(Rude(fresh.daemon)) as stream,
    ):
        work = [threads.submit(witness.work, project, number) for number in range(6)]
        frames = threads.submit(_heard, stream)
        eventually(lambda: synced(out.read_text(), size)[1] >= 25, every=0.01)
        eventually(lambda: synced(out.read_text(), size)[2], every=0.001)
        crash(fresh.daemon, tracer)
        for each in work:
            each.result()
        events = frames.result()
    kept, _, _ = synced(out.read_text(), size)
    cut(fresh.daemon, kept)
    fresh.daemon.start()
    recovered = fresh.ok("GET", "/hello")["seq"]
    assert witness.seq <= recovered
    assert witness.statuses.keys() >= {200, 201, 409, 412, 422}
    tasks = {task["id"]: task for task in fresh.ok("GET", "/tasks")}
    assert witness.seen.keys() <= tasks.keys()
    for id_, seen in witness.seen.items():
        assert tasks[id_]["version"] >= seen["version"]
        assert tasks[id_]["version"] > seen["version"] or tasks[id_] == seen
    history = {c["seq"]: c["events"] for c in fresh.ok("GET", "/commits?after=0&limit=1000")["data"]}
    assert events
    assert all(history[frame["seq"]][frame["i"]] == frame["type"] for frame in events)


def _heard(stream: Rude) -> list[Json]:
    frames = []
    while (frame := stream.frame())[0] != 8:
        if frame[0] == 1:
            frames.append(json.loads(frame[1]))
    return [frame for frame in frames if "i" in frame]


CALL = re.compile(r"(pwrite64\(\d+, \"\{\\\"c\\\".*, (\d+), (\d+)\))|(fdatasync\(\d+( <unf)?)|(fdatasync resumed>)")


def synced(calls: str, size: int) -> tuple[int, int, bool]:
    """How much of the journal is synced by the traced calls, how many syncs there were, and whether one is due."""
    written = begun = durable = size
    syncs = 0
    for line in calls.splitlines():
        match = CALL.search(line)
        if match is None:
            continue
        if match[1]:
            written = int(match[2]) + int(match[3])
        elif match[4]:
            begun = written
        if (match[6] or (match[4] and not match[5])) and "= 0" in line:
            durable, syncs = begun, syncs + 1
    return durable, syncs, written > durable
