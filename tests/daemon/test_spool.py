"""Hooks that found no daemon are heard by the next one, and what is no hook does no harm."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.daemon.scene import Json, Scene
from tests.support.daemon import Daemon, home
from tests.support.eventually import eventually


@pytest.fixture
def stopped() -> Iterator[tuple[Daemon, Scene, Json]]:
    """A daemon that is away, and a session of it whose agent lives."""
    with home() as place, subprocess.Popen(["sleep", "600"]) as agent:
        daemon = Daemon(place).start()
        scene = Scene(daemon)
        session = scene.session(provider="claude")
        started = round(psutil.Process(agent.pid).create_time() * 1000)
        scene.register(session, pid=agent.pid, pidStartedAt=started)
        daemon.kill()
        try:
            yield daemon, scene, session
        finally:
            agent.kill()
            if daemon.process is not None:
                daemon.kill()


def spool(daemon: Daemon, session: Json, *lines: object) -> Path:
    folder = daemon.home / "run" / "spool"
    folder.mkdir(exist_ok=True)
    path = folder / f"hooks-{session['id']}.jsonl"
    raw = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    with path.open("ab") as file:
        file.write(b"".join(line + b"\n" for line in raw))
    return path


def hook(event: str, number: int = 0, **payload: object) -> Json:
    return {"provider": "claude", "event": event, "hookId": f"h{number}", "at": 1_700_000_000_000, "payload": payload}


def is_emptied(daemon: Daemon) -> bool:
    return list((daemon.home / "run" / "spool").iterdir()) == []


def test_the_last_hook_of_a_file_decides(stopped: tuple[Daemon, Scene, Json]) -> None:
    daemon, scene, session = stopped
    spool(daemon, session, hook("UserPromptSubmit", 1), hook("PreToolUse", 2, tool_name="Bash"), hook("Stop", 3))

    daemon.start()

    assert scene.read(session)["status"] == "idle"
    eventually(lambda: is_emptied(daemon), what="the spool is empty")


def test_a_running_daemon_finds_what_is_spooled_later(stopped: tuple[Daemon, Scene, Json]) -> None:
    daemon, scene, session = stopped
    daemon.start()

    spool(daemon, session, hook("PermissionRequest", 1, tool_name="Bash", tool_input={"command": "rm x"}))

    found = eventually(lambda: scene.read(session)["needsInput"]["message"], what="needs input")
    assert found == "Bash: rm x"
    eventually(lambda: is_emptied(daemon), what="the spool is empty")


def test_lines_that_are_no_hooks_are_passed_over(stopped: tuple[Daemon, Scene, Json]) -> None:
    daemon, scene, session = stopped
    deep = b'{"provider":"claude","event":"Stop","payload":' + b'{"a":' * 5000 + b"1" + b"}" * 5000 + b"}"
    wrong: list[object] = [
        *(b"", b"\xff\xfe", b"{", b"[]", b"null", b'"text"', deep),
        *(b'{"provider": "claude"}', b'{"provider": 1, "event": 2}', b"x" * 400_000),
        {"provider": "claude", "event": "Stop", "at": "soon"},
        {"provider": "nobody", "event": "\x00\x1b[2J", "payload": {"tool_name": ["no text"]}},
    ]
    path = spool(daemon, session, *wrong, hook("UserPromptSubmit", 1), *wrong)
    with path.open("ab") as file:
        file.write(b'{"provider":"claude","event":"Sto')

    daemon.start()

    assert scene.read(session)["status"] == "working"
    eventually(lambda: is_emptied(daemon), what="the spool is empty")
    assert daemon.call("GET", "/health").status == 200


def test_files_that_are_not_ours_are_left_alone_or_thrown_away(stopped: tuple[Daemon, Scene, Json]) -> None:
    daemon, scene, session = stopped
    folder = spool(daemon, {"id": "sess_1_nobody"}, hook("Stop")).parent
    secret = daemon.home / "secret"
    secret.write_text(json.dumps(hook("UserPromptSubmit")) + "\n")
    (folder / f"hooks-{session['id']}.jsonl").symlink_to(secret)
    (folder / "hooks-folder.jsonl").mkdir()
    (folder / "notes.txt").write_text("mine")

    daemon.start()

    assert scene.read(session)["status"] == "spawning"
    left = ["hooks-folder.jsonl", "notes.txt"]
    eventually(lambda: sorted(p.name for p in folder.iterdir()) == left, what="what is no file of hooks is left")
    assert secret.exists()


def test_a_hook_that_is_read_twice_counts_once(stopped: tuple[Daemon, Scene, Json]) -> None:
    daemon, scene, session = stopped
    spool(daemon, session, hook("UserPromptSubmit", 1), hook("Stop", 2), hook("UserPromptSubmit", 1))

    daemon.start()

    assert scene.read(session)["status"] == "idle"


def test_hooks_of_an_ended_session_change_nothing(stopped: tuple[Daemon, Scene, Json]) -> None:
    daemon, scene, _ = stopped
    daemon.start()
    other = scene.session()
    scene.ok("POST", f"/sessions/{other['id']}/stop", {})
    before = scene.read(other)
    daemon.kill()
    spool(daemon, other, hook("UserPromptSubmit", 1))

    daemon.start()

    eventually(lambda: is_emptied(daemon), what="the spool is empty")
    assert scene.read(other) == before
