"""A process in a session's pane acts as that session, whatever it shows or hides."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from maestrod.api.ancestry import PaneProcesses, Untraceable, line_of
from maestrod.domain.changes import Commit, Delete, Put
from maestrod.domain.model import Exit, Noun, Pane, Session
from maestrod.domain.sessions import DeleteSession
from tests.daemon.scene import Json, Scene, bearer
from tests.support.daemon import daemon
from tests.support.eventually import eventually
from tests.support.tmux_server import private_server

pytestmark = pytest.mark.xdist_group("daemon-ancestry")

ASK = """
import http.client, json, os, socket, sys
for line in sys.stdin:
    asked = json.loads(line)
    link = http.client.HTTPConnection("localhost")
    link.sock = socket.socket(socket.AF_UNIX)
    link.sock.connect(sys.argv[1])
    link.request(asked["method"], "/api/v1" + asked["path"], asked.get("body"), asked.get("headers", {}))
    answer = link.getresponse()
    print(json.dumps({"status": answer.status, "body": json.loads(answer.read())}), flush=True)
"""
RUN = "import signal, subprocess, sys; subprocess.run([sys.executable, '-c', {!r}, *sys.argv[1:]], env={{}})"
LEAVE = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', {!r}, *sys.argv[1:]], env={{}})"
WRAPPED = RUN.format(ASK)
SCRIPT = """
while [ ! -e {go} ]; do sleep 0.05; done
echo '{{"method":"GET","path":"/hello"}}' | env -i {python} -c "$0" {socket} > {out}.part
mv {out}.part {out}
sleep 600
"""


class Agent:
    """A process tree whose deepest process asks the daemon without any credential or environment."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process

    def ask(self, method: str, path: str, **more: object) -> Json:
        """What the daemon answers to it."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"method": method, "path": path, **more}) + "\n")
        self.process.stdin.flush()
        found: Json = json.loads(self.process.stdout.readline())
        return found

    @property
    def actor(self) -> tuple[str, str | None]:
        """As whom it is taken."""
        who = self.ask("GET", "/hello")["body"]["actor"]
        return who["kind"], who["id"]


@contextmanager
def agent(scene: Scene, program: str = WRAPPED) -> Iterator[Agent]:
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(scene.daemon.socket)],
        env={},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield Agent(process)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for stream in (process.stdin, process.stdout):
            assert stream is not None
            stream.close()


def started_at(pid: int) -> int:
    return round(psutil.Process(pid).create_time() * 1000)


def test_a_process_below_a_pane_is_its_session_without_a_credential(scene: Scene) -> None:
    session, _ = scene.worker()
    stranger = scene.task(scene.project())
    with agent(scene) as hidden, agent(scene) as person:
        assert hidden.actor == ("user", None)
        pid = hidden.process.pid
        scene.register(session, pid=pid, pidStartedAt=started_at(pid))
        assert hidden.actor == ("session", session["id"])
        assert hidden.ask("DELETE", f"/tasks/{stranger['id']}")["status"] == 403
        assert hidden.ask("POST", "/shutdown")["status"] == 403
        assert hidden.ask("POST", "/keys", body='{"name":"mine"}')["status"] == 403
        assert hidden.ask("GET", "/commits")["status"] == 403
        assert person.actor == ("user", None)
        assert scene.ok("GET", "/hello")["actor"]["kind"] == "user"


def test_a_credential_that_is_shown_counts_more_than_the_pane(scene: Scene) -> None:
    session, _ = scene.worker()
    other, headers = scene.worker()
    with agent(scene) as hidden:
        scene.register(session, pid=hidden.process.pid, pidStartedAt=started_at(hidden.process.pid))
        who = hidden.ask("GET", "/hello", headers=headers)["body"]["actor"]
        assert who["id"] == other["id"]
        assert hidden.ask("GET", "/hello", headers=bearer("none"))["status"] == 401


def test_the_supervisor_of_a_pane_counts_too(scene: Scene) -> None:
    session, _ = scene.worker()
    with agent(scene) as hidden, agent(scene) as program:
        pid = program.process.pid
        scene.register(session, pid=pid, pidStartedAt=started_at(pid), supervisorPid=hidden.process.pid)
        assert (hidden.actor, program.actor) == (("session", session["id"]),) * 2


def test_who_has_left_its_parent_is_found_by_its_terminal_session(scene: Scene) -> None:
    """The middle one ends at once: what it started is nobody's child any more, but still of the same terminal."""
    leader = RUN.format(LEAVE.format(ASK)) + "; signal.pause()"
    session, _ = scene.worker()
    with agent(scene, leader) as hidden:
        assert hidden.actor == ("user", None)
        scene.register(session, pid=hidden.process.pid, pidStartedAt=started_at(hidden.process.pid))
        assert hidden.actor == ("session", session["id"])


def test_an_open_connection_is_looked_at_again_when_panes_change(scene: Scene) -> None:
    session, _ = scene.worker()
    keeps = ASK.replace(
        'for line in sys.stdin:\n    asked = json.loads(line)\n    link = http.client.HTTPConnection("localhost")\n'
        "    link.sock = socket.socket(socket.AF_UNIX)\n    link.sock.connect(sys.argv[1])\n",
        'link = http.client.HTTPConnection("localhost")\nlink.sock = socket.socket(socket.AF_UNIX)\n'
        "link.sock.connect(sys.argv[1])\nfor line in sys.stdin:\n    asked = json.loads(line)\n",
    )
    assert keeps != ASK
    with agent(scene, keeps) as hidden:
        assert hidden.actor == ("user", None)
        scene.register(session, pid=hidden.process.pid, pidStartedAt=started_at(hidden.process.pid))
        assert hidden.actor == ("session", session["id"])


def test_in_a_real_pane_an_agent_without_an_environment_is_its_session(scene: Scene, tmp_path: Path) -> None:
    session, _ = scene.worker()
    out, go = tmp_path / "out", tmp_path / "go"
    script = SCRIPT.format(go=go, out=out, python=sys.executable, socket=scene.daemon.socket)
    argv = ["/bin/sh", "-c", script, ASK]
    with private_server() as server:
        pane = server.open_window(session_id="ses_1", name="agent", cwd="/tmp", argv=argv, env={})
        scene.register(session, pid=pane.pid, pidStartedAt=started_at(pane.pid))
        go.touch()
        eventually(out.exists, timeout=30, what="the pane's process was answered")
    assert json.loads(out.read_text())["body"]["actor"]["id"] == session["id"]


HAND_OVER = """
import socket, sys
link = socket.socket(socket.AF_UNIX)
link.connect(sys.argv[1])
socket.send_fds(socket.socket(fileno=int(sys.argv[2])), [b"x"], [link.fileno()])
"""


def asked_by_nobody(scene: Scene, method: str, path: str, body: str = "{}") -> Json:
    """One request over a connection whose maker is no more: the system knows nothing of it."""
    near, far = socket.socketpair()
    with near, far:
        words = [sys.executable, "-c", HAND_OVER, str(scene.daemon.socket), str(far.fileno())]
        subprocess.run(words, pass_fds=[far.fileno()], check=True, timeout=60)
        [descriptor] = socket.recv_fds(near, 1, 1)[1]
    head = f"{method} /api/v1{path} HTTP/1.1\r\nHost: m\r\nConnection: close\r\nContent-Length: {len(body)}\r\n"
    with socket.socket(fileno=descriptor) as link:
        link.settimeout(30)
        link.sendall(f"{head}Content-Type: application/json\r\n\r\n{body}".encode())
        answer = b"".join(iter(lambda: link.recv(65536), b""))
    return {"status": int(answer.split()[1]), "body": json.loads(answer.partition(b"\r\n\r\n")[2])}


def test_who_cannot_be_traced_is_a_person_but_for_what_is_for_people_alone() -> None:
    with daemon() as running, agent(Scene(running)) as pane:
        scene = Scene(running)
        project, task = scene.project(), scene.task()
        session, _ = scene.worker()
        assert asked_by_nobody(scene, "POST", "/keys", '{"name":"before any pane"}')["status"] == 201
        scene.register(session, pid=pane.process.pid, pidStartedAt=started_at(pane.process.pid))
        assert asked_by_nobody(scene, "GET", "/hello")["body"]["actor"]["kind"] == "user"
        assert asked_by_nobody(scene, "PATCH", f"/tasks/{task['id']}", '{"title":"T"}')["status"] == 200
        batch = {"items": [{"do": "complete", "taskId": task["id"], "override": True}]}
        for method, path, body in (
            ("POST", "/keys", '{"name":"mine"}'),
            ("GET", "/keys", ""),
            ("DELETE", f"/projects/{project['id']}?cascade=true", ""),
            ("DELETE", f"/tasks/{task['id']}?force=true", ""),
            ("POST", f"/tasks/{task['id']}/complete", '{"override":true}'),
            ("POST", "/tasks/batch", json.dumps(batch)),
            ("POST", "/undo/last", ""),
            ("GET", "/commits", ""),
            ("GET", "/state", ""),
            ("GET", "/backups", ""),
            ("POST", "/import", '{"files":{}}'),
            ("POST", "/shutdown", ""),
        ):
            answer = asked_by_nobody(scene, method, path, body)
            assert (answer["status"], answer["body"]["code"]) == (403, "FORBIDDEN"), (method, path, answer)
        assert scene.call("POST", "/keys", {"name": "a person"}).status == 201


# -- the parts ------------------------------------------------------------------------------------


def test_a_line_begins_with_the_process_and_ends_with_its_terminals_leader() -> None:
    line = line_of(os.getpid())
    assert line[:2] == [os.getpid(), os.getppid()]
    assert line_of(1)[0] == 1

    nap = "import subprocess, sys; subprocess.run(['sleep', '60'])"
    with subprocess.Popen([sys.executable, "-c", nap], start_new_session=True) as leader:
        try:
            [child] = eventually(psutil.Process(leader.pid).children)
            line = line_of(child.pid)
            assert line[:3] == [child.pid, leader.pid, os.getpid()]
            assert line[-1] == leader.pid
        finally:
            os.killpg(leader.pid, signal.SIGKILL)


UNSHARE = ("unshare", "--map-root-user", "--pid", "--fork", "--mount-proc")


def test_a_leader_in_another_namespace_is_left_out() -> None:
    """So it is where a container's tools put a shell into it: the leader's number there is 0."""
    if subprocess.run([*UNSHARE, "true"], check=False, capture_output=True).returncode != 0:
        pytest.skip("this machine lets nobody make a namespace")
    tell = (
        "import os; from maestrod.api.ancestry import line_of; print(os.getsid(0), os.getpid(), *line_of(os.getpid()))"
    )
    below = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {tell!r}], start_new_session=False)"
    lead = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {below!r}], start_new_session=True); print()"
    for words, led in ((below, False), (lead, True)):
        told = subprocess.run(
            [*UNSHARE, sys.executable, "-c", words], check=True, capture_output=True, text=True, timeout=60
        )
        leader, pid, *line = map(int, told.stdout.split())
        assert (leader > 0) is led
        assert line[0] == pid
        assert (line[-1] == leader) if led else (0 not in line)


@pytest.mark.parametrize("pid", [0, -1, 2**22 + 1])
def test_what_cannot_be_seen_is_said_to_be_so(pid: int) -> None:
    with pytest.raises(Untraceable):
        line_of(pid)


def sessions(*panes: Pane | None, **fields: object) -> list[Session]:
    return [
        Session(id=f"sess_{number}", project_id="proj_1", name="s", pane=pane, **fields)  # type: ignore[arg-type]
        for number, pane in enumerate(panes)
    ]


def test_only_panes_whose_process_is_known_count() -> None:
    me, now = os.getpid(), started_at(os.getpid())
    own = Pane(socket="x", pid=me, pid_started_at=now)
    vague = [Pane(socket="x"), Pane(socket="x", pid=me), Pane(socket="x", pid=me, pid_started_at=now - 60_000), None]
    assert PaneProcesses(sessions(own)).session_of(me) == "sess_0"
    assert PaneProcesses(sessions(*vague)).session_of(me) is None
    assert PaneProcesses(sessions(own, exit=Exit(code=0))).session_of(me) is None
    with pytest.raises(Untraceable):
        PaneProcesses(sessions(own)).session_of(0)
    assert PaneProcesses(sessions(*vague[:2])).session_of(0) is None, "where there are no panes nobody is looked at"


def test_panes_come_and_go_with_commits() -> None:
    [session] = sessions(Pane(socket="x", pid=os.getpid(), pid_started_at=started_at(os.getpid())))
    [bare] = sessions(None)
    processes = PaneProcesses([])

    def heard(change: Put | Delete) -> tuple[str | None, int]:
        command = DeleteSession(session_id="sess_0")
        commit = Commit(seq=1, at=0, actor="user", request_id="", command=command, changes=(change,), events=())
        processes.heard(commit)
        return processes.session_of(os.getpid()), processes.changes

    assert heard(Put(Noun.SESSION, session)) == ("sess_0", 1)
    assert heard(Put(Noun.SESSION, session)) == ("sess_0", 1)
    assert heard(Delete(Noun.TASK, "sess_0")) == ("sess_0", 1)
    assert heard(Put(Noun.SESSION, bare)) == (None, 2)
    assert heard(Put(Noun.SESSION, session)) == ("sess_0", 3)
    assert heard(Delete(Noun.SESSION, "sess_0")) == (None, 4)
