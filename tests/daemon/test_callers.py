"""Who calls: the user by the socket, a session by its credential, and nobody else."""

import asyncio
import os
import socket
import stat
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from maestrod.api.identity import Credentials, Peer, peer_of
from maestrod.domain.changes import Commit, Delete
from maestrod.domain.errors import Conflict
from maestrod.domain.model import Noun
from maestrod.domain.sessions import DeleteSession
from tests.daemon.scene import Scene, bearer
from tests.support.daemon import daemon
from tests.support.eventually import eventually

pytestmark = pytest.mark.xdist_group("daemon-callers")


def test_a_launch_gives_one_credential_which_lies_in_a_private_file(scene: Scene) -> None:
    session = scene.session()["id"]
    launched = scene.ok("POST", f"/sessions/{session}/launch", {"holder": "me"})
    file = scene.daemon.home / "run" / "sessions" / session / "cred"
    assert file.read_text() == launched["credential"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    manifest = scene.daemon.home / "data" / "sessions" / session / "manifest.json"
    assert stat.S_IMODE(manifest.stat().st_mode) == 0o600
    assert len(launched["credential"]) >= 43


def test_a_credential_is_nowhere_but_in_its_file(scene: Scene) -> None:
    session = scene.session()["id"]
    credential = scene.ok("POST", f"/sessions/{session}/launch", {"holder": "me"})["credential"]
    scene.ok("POST", f"/sessions/{session}/timeline", {"message": "x"}, headers=bearer(credential))
    scene.call("GET", "/nothing", headers=bearer(credential))
    shown = [
        scene.call("GET", path).raw
        for path in (
            f"/sessions/{session}",
            f"/sessions/{session}/manifest",
            "/commits",
            f"/sessions/{session}/explain",
        )
    ]
    files = [p for p in scene.daemon.home.rglob("*") if p.is_file() and p.name != "cred"]
    assert not [p for p in files if credential.encode() in p.read_bytes()]
    assert not [s for s in shown if credential.encode() in s]
    command_line = Path(f"/proc/{scene.daemon.pid}/cmdline")
    assert not command_line.exists() or credential.encode() not in command_line.read_bytes()


@pytest.mark.parametrize(
    "sent",
    [
        "Bearer nobody",
        "Bearer ",
        "Bearer",
        "",
        "Basic dXNlcjpwYXNz",
        "Bearer \xe9",
        "bearer  x y",
        "Bearer " + "x" * 8000,
    ],
)
def test_a_credential_that_nobody_has_is_nobody(scene: Scene, sent: str) -> None:
    raw = f"GET /api/v1/tasks HTTP/1.1\r\nHost: m\r\nConnection: close\r\nAuthorization: {sent}\r\n\r\n"
    answer = scene.daemon.raw(raw.encode("latin-1"))
    assert answer.split(b" ")[1] == b"401"
    assert b'"code":"UNAUTHORIZED"' in answer


def test_the_scheme_is_read_in_any_case(scene: Scene) -> None:
    _, headers = scene.worker()
    credential = headers["Authorization"].removeprefix("Bearer ")
    for sent in (f"bearer {credential}", f"BEARER   {credential} "):
        assert scene.ok("GET", "/hello", headers={"Authorization": sent})["actor"]["kind"] == "session"


def test_a_new_launch_ends_the_old_credential(scene: Scene) -> None:
    session, old = scene.worker()
    scene.ok("POST", f"/sessions/{session['id']}/stop")
    scene.ok("POST", f"/sessions/{session['id']}/resume")
    new = scene.launch(session)
    assert scene.call("GET", "/hello", headers=old).status == 401
    assert scene.call("GET", "/hello", headers=new).status == 200


def test_the_credential_of_a_deleted_session_is_nobodys_and_its_file_goes(scene: Scene) -> None:
    session, headers = scene.worker()
    scene.ok("POST", f"/sessions/{session['id']}/stop")
    assert scene.call("GET", "/hello", headers=headers).status == 200
    scene.ok("DELETE", f"/sessions/{session['id']}")
    assert scene.call("GET", "/hello", headers=headers).status == 401
    assert not (scene.daemon.home / "run" / "sessions" / session["id"] / "cred").exists()


def test_a_credential_works_after_a_restart_and_one_of_nobody_does_not() -> None:
    with daemon() as running:
        scene = Scene(running)
        session, headers = scene.worker()
        gone, _ = scene.worker()
        scene.ok("POST", f"/sessions/{gone['id']}/stop")
        scene.ok("DELETE", f"/sessions/{gone['id']}")
        planted = running.home / "run" / "sessions" / gone["id"]
        planted.mkdir(exist_ok=True)
        (planted / "cred").write_text("planted")
        (running.home / "run" / "sessions" / "empty").mkdir()
        (running.home / "run" / "sessions" / "empty" / "cred").write_bytes(b"\xff\xfe")
        running.kill()
        running.start()
        assert scene.ok("GET", "/hello", headers=headers)["actor"]["id"] == session["id"]
        assert scene.call("GET", "/hello", headers=bearer("planted")).status == 401


# -- what roles may do ----------------------------------------------------------------------------


def test_a_worker_reaches_its_own_work_and_no_further(scene: Scene) -> None:
    project = scene.project()
    session, me = scene.worker(project, tasks=1)
    own, other = session["taskIds"][0], scene.task(project)["id"]
    sibling = scene.session(project)["id"]
    allowed: list[tuple[str, str, Any]] = [
        ("POST", f"/tasks/{own}/start", {}),
        ("POST", f"/tasks/{own}/subtasks", {"title": "x"}),
        ("POST", f"/tasks/{own}/timeline", {"message": "x"}),
        ("POST", "/tasks", {"title": "below", "parentId": own}),
        ("POST", f"/sessions/{session['id']}/needs-input", {"message": "?"}),
        ("GET", f"/tasks/{other}", None),
        ("GET", "/sessions", None),
        ("POST", f"/tasks/{own}/complete", {}),
        ("POST", f"/sessions/{session['id']}/complete", {}),
    ]
    refused: list[tuple[str, str, Any]] = [
        ("POST", "/tasks", {"title": "beside", "projectId": project["id"]}),
        ("PATCH", f"/tasks/{own}", {"title": "mine now"}),
        ("DELETE", f"/tasks/{own}", {}),
        ("POST", f"/tasks/{other}/complete", {}),
        ("POST", f"/tasks/{own}/start", {"sessionId": sibling}),
        ("POST", f"/tasks/{own}/start", {"force": True}),
        ("POST", f"/sessions/{sibling}/stop", {}),
        ("POST", f"/sessions/{sibling}/timeline", {"message": "x"}),
        ("POST", f"/sessions/{sibling}/hook", {"provider": "claude", "event": "Stop"}),
        ("POST", f"/sessions/{sibling}/input", {"text": "x"}),
        ("POST", f"/sessions/{session['id']}/input", {"text": "x"}),
        ("POST", "/sessions/spawn", {"projectId": project["id"]}),
        ("POST", f"/sessions/{sibling}/launch", {"holder": "x"}),
        ("POST", "/shutdown", {}),
        ("GET", "/commits", None),
    ]
    for method, path, body in refused:
        answer = scene.call(method, path, body, headers=me)
        assert (answer.status, answer.json["code"]) == (403, "FORBIDDEN"), path
    for method, path, body in allowed:
        assert scene.call(method, path, body, headers=me).status < 300, path


def test_an_orchestrator_reaches_its_project_and_the_sessions_below_it(scene: Scene) -> None:
    project = scene.project()
    boss, me = scene.worker(project, role="orchestrator")
    task = scene.ok("POST", "/tasks", {"title": "planned"}, headers=me)
    assert task["projectId"] == project["id"]
    below = scene.ok("POST", "/sessions/spawn", {"taskIds": [task["id"]]}, headers=me)["session"]
    assert below["parentSessionId"] == boss["id"]
    assert scene.call("POST", f"/sessions/{below['id']}/launch", {"holder": "x"}, headers=me).status == 200
    assert scene.call("POST", f"/tasks/{task['id']}/cancel", {}, headers=me).status == 200
    assert scene.call("POST", f"/sessions/{below['id']}/stop", {}, headers=me).status == 200
    stranger, sibling = scene.task(), scene.session(project)
    for method, path, body in [
        ("PATCH", f"/tasks/{stranger['id']}", {"title": "x"}),
        ("POST", f"/sessions/{sibling['id']}/stop", {}),
        ("DELETE", f"/projects/{project['id']}", {"cascade": True}),
        ("POST", "/projects", {"name": "x", "workingDir": "/srv/x"}),
        ("DELETE", f"/sessions/{below['id']}", {}),
    ]:
        assert scene.call(method, path, body, headers=me).status == 403, path


def test_a_worker_that_writes_gives_a_sign_of_life(scene: Scene) -> None:
    session, me = scene.worker(tasks=1)
    assert scene.read(session)["status"] == "spawning"
    scene.ok("POST", f"/tasks/{session['taskIds'][0]}/timeline", {"message": "here"}, headers=me)
    assert scene.read(session)["status"] == "working"


def test_many_with_one_credential_and_none_are_told_apart(scene: Scene) -> None:
    me = scene.worker()[1]
    with scene.daemon.connect() as connection:
        for headers, kind in [({}, b'"user"'), (me, b'"session"'), ({}, b'"user"')]:
            lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            connection.sendall(f"GET /api/v1/hello HTTP/1.1\r\nHost: m\r\n{lines}\r\n".encode())
            assert b'"actor":{"kind":' + kind in connection.recv(65536)


# -- the parts ------------------------------------------------------------------------------------


async def test_the_system_says_who_is_behind_a_socket(tmp_path: Path) -> None:
    seen: list[Peer] = []

    async def handler(request: web.BaseRequest) -> web.Response:
        assert request.transport is not None
        seen.append(peer_of(request.transport))
        return web.Response()

    runner = web.ServerRunner(web.Server(handler))
    await runner.setup()
    loop = asyncio.get_running_loop()
    try:
        near, far = socket.socketpair()
        tcp = web.TCPSite(runner, "127.0.0.1", 0)
        await tcp.start()
        await loop.connect_accepted_socket(runner.server, near)  # type: ignore[arg-type]
        port = runner.addresses[0][1]
        remote = await loop.run_in_executor(None, socket.create_connection, ("127.0.0.1", port))
        for each in (far, remote):
            each.sendall(b"GET / HTTP/1.0\r\n\r\n")
            each.settimeout(5)
            await loop.run_in_executor(None, each.recv, 1000)
            each.close()
    finally:
        await runner.cleanup()
    assert [(peer.uid, peer.pid, peer.is_remote) for peer in seen] == [
        (os.getuid(), os.getpid(), False),
        (None, 0, True),
    ]


def test_credentials_are_kept_by_launch(tmp_path: Path) -> None:
    credentials = Credentials(tmp_path)
    first = credentials.issue("sess_1", 2)
    assert credentials.issue("sess_1", 2) == first
    second = credentials.issue("sess_1", 5)
    assert (credentials.session(first), credentials.session(second)) == (None, "sess_1")
    with pytest.raises(Conflict):
        credentials.issue("sess_1", 2)
    later = Credentials(tmp_path)
    later.load({"sess_1"})
    assert later.session(second) == "sess_1"
    assert later.issue("sess_1", 5) == second
    nobody = Credentials(tmp_path)
    nobody.load(set())
    assert nobody.session(second) is None


def test_a_symbolic_link_in_the_place_of_a_credential_is_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_text("precious")
    (tmp_path / "sess_1").mkdir()
    (tmp_path / "sess_1" / "cred").symlink_to(target)
    credential = Credentials(tmp_path).issue("sess_1", 2)
    assert target.read_text() == "precious"
    assert (tmp_path / "sess_1" / "cred").read_text() == credential


def test_a_deleted_session_is_forgotten(tmp_path: Path) -> None:
    credentials = Credentials(tmp_path)
    credential = credentials.issue("sess_1", 2)
    gone = Commit(
        seq=1,
        at=0,
        actor="user",
        request_id="",
        command=DeleteSession(session_id="sess_1"),
        changes=(Delete(Noun.SESSION, "sess_1"), Delete(Noun.SESSION, "sess_never_launched")),
        events=(),
    )
    credentials.heard(gone)
    assert credentials.session(credential) is None
    eventually(lambda: not (tmp_path / "sess_1" / "cred").exists())
