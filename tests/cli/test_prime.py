"""`maestro prime`: the brief of a session, made anew; it never fails, and outside of a session it is of use, too."""

import json
import socket
from pathlib import Path

import pytest

from maestrod.domain.model import Role
from tests.cli.program import Maestro
from tests.cli.raw_server import RawServer, answer, ok
from tests.daemon.scene import Json, Scene
from tests.support.daemon import Daemon

SESSION = {"MAESTRO_SESSION_ID": "sess_1700000000000_abcdefghi"}


def spawned(served: Daemon, folder: Path, **fields: object) -> tuple[Json, dict[str, str]]:
    """A launched session with a task in the folder's project, and its environment."""
    scene = Scene(served)
    (project,) = [p for p in scene.ok("GET", "/projects") if p["workingDir"] == str(folder)]
    session = scene.session(project, tasks=1, **fields)
    credential = scene.ok("POST", f"/sessions/{session['id']}/launch", {"holder": "test"})["credential"]
    (folder / "cred").write_text(credential)
    return session, {
        "MAESTRO_SESSION_ID": session["id"],
        "MAESTRO_CREDENTIAL_FILE": str(folder / "cred"),
        "MAESTRO_MANIFEST_PATH": str(served.home / "data" / "sessions" / session["id"] / "manifest.json"),
    }


@pytest.mark.parametrize("role", Role)
def test_a_session_is_told_who_it_is_and_what_to_do(
    maestro: Maestro, served: Daemon, tmp_path: Path, role: Role
) -> None:
    session, env = spawned(served, tmp_path, role=role.value)
    said = maestro("prime", env=env)
    assert maestro(role.value, "init", env=env).out == said.out
    assert said.code == 0
    assert said.out.startswith(f"# You are an agent of Agent Maestro\nSession {session['id']}, ")
    assert f"* `maestro-{role.value}`: " in said.out
    assert f'<maestro-task id="{session["taskIds"][0]}" status="todo"' in said.out
    assert said.out.rstrip().endswith(f"{session['taskIds'][0]}`.")


def test_it_tells_how_things_are_now(maestro: Maestro, served: Daemon, tmp_path: Path) -> None:
    session, env = spawned(served, tmp_path)
    assert maestro("task", "start", env=env | {"MAESTRO_TASK_IDS": session["taskIds"][0]}).code == 0
    assert maestro("mail", "send", session["id"], "Hello").code == 0
    told = maestro("prime", env=env).out
    assert 'status="in_progress"' in told
    assert "It has begun" in told
    assert told.rstrip().endswith('You have 1 unread maestro message: run "maestro mail read".')


def test_people_see_what_a_session_is_told(maestro: Maestro, served: Daemon, tmp_path: Path) -> None:
    session, _ = spawned(served, tmp_path)
    data = maestro.ok("prime", session["id"][-6:])
    assert isinstance(data, dict)
    assert (data["sessionId"], data["source"]) == (session["id"], "daemon")
    assert data["text"].startswith("# You are an agent of Agent Maestro")


def test_outside_of_a_session_it_shows_the_project_and_the_way_on(maestro: Maestro, tmp_path: Path) -> None:
    maestro.ok("task", "create", "Paint it")
    said = maestro("prime")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("# Agent Maestro, outside of a session\n")
    assert f"Project “{tmp_path.name}” in {tmp_path}." in said.out
    assert "    tasks     1 todo" in said.out
    assert "`maestro session spawn --task TASK`" in said.out


def test_outside_of_every_project_it_says_so(maestro: Maestro) -> None:
    assert "`maestro init` makes it one" in maestro("prime", cwd=Path("/")).out


def test_a_session_that_was_deleted_is_told_so(maestro: Maestro) -> None:
    said = maestro("prime", env=SESSION)
    assert said.code == 0
    assert said.out.startswith(f"Session {SESSION['MAESTRO_SESSION_ID']} is not known here")


def test_without_a_daemon_a_session_is_told_what_it_was_told_at_first(
    maestro: Maestro, served: Daemon, tmp_path: Path
) -> None:
    session, env = spawned(served, tmp_path)
    said = maestro("prime", "--json", env=env | {"MAESTRO_SERVER": f"unix:{tmp_path}/nobody.sock"})
    data = said.data
    assert isinstance(data, dict)
    assert (data["sessionId"], data["source"]) == (session["id"], "manifest")
    assert session["taskIds"][0] in data["text"]
    assert "does not answer just now" in data["text"]


def test_a_session_that_is_over_is_told_why_it_hears_no_more(maestro: Maestro, served: Daemon, tmp_path: Path) -> None:
    _, env = spawned(served, tmp_path)
    (tmp_path / "cred").unlink()
    said = maestro("prime", env=env)
    assert said.code == 0
    assert "the daemon tells no more: cannot read" in said.out


def silent(connection: socket.socket, _request: bytes) -> None:
    """Keep the connection until the other side gives up."""
    connection.recv(1)


@pytest.mark.parametrize(
    "turn",
    [
        silent,
        ok(b"[]"),
        ok(b'{"sessionId": 1}'),
        ok(b"{" * 5000),
        ok(b'{"sessionId": "s", "role": "emperor"}'),
        ok(json.dumps({"x": "y" * 2_000_000}).encode()),
        answer("500 Internal Server Error", b"oh"),
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf",
    ],
    ids=["silent", "list", "field", "depth", "role", "huge", "500", "half"],
)
def test_it_never_fails_whatever_the_daemon_says(alone: Maestro, turn: bytes) -> None:
    with RawServer(alone.home / "door.sock", [turn]) as server:
        said = alone("prime", env=SESSION | {"MAESTRO_SERVER": server.address})
        outside = alone("prime", env={"MAESTRO_SERVER": server.address})
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("Maestro's daemon does not answer")
    assert (outside.code, outside.err) == (0, "")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"sessionId": 5}', b"\xff\xfe", b"[" * 9_000])
def test_a_manifest_that_cannot_be_read_is_no_failure(alone: Maestro, content: bytes) -> None:
    place = alone.home / "manifest.json"
    place.write_bytes(content)
    said = alone("prime", env=SESSION | {"MAESTRO_MANIFEST_PATH": str(place)})
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("Maestro's daemon does not answer")


def test_who_works_in_a_worktree_is_told_so_again(maestro: Maestro, served: Daemon, tmp_path: Path) -> None:
    session, env = spawned(served, tmp_path, worktree=True)
    assert "## Your worktree" not in maestro("prime", env=env).out
    scene = Scene(served)
    path = f"/sessions/{session['id']}/worktree"
    planned = {"baseCommit": "a" * 40, "baseBranch": "main", "directory": "sub"}
    worktree = scene.ok("POST", path, planned)["worktree"]
    scene.ok("PATCH", path, {"made": True, "baseCommit": "a" * 40})
    told = maestro("prime", env=env).out
    assert f"in {worktree['path']}/sub.\n" in told
    assert f"on the branch `{worktree['branch']}`. Change files here, not in {tmp_path}:" in told
