"""Every command is given once over the socket, and every event of the registry reaches who listens; none besides."""

import asyncio
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from maestrod.domain.events import EVENTS
from maestrod.domain.registry import RULES
from maestrod.protocol.routes import WRITES
from maestrod.tmux.oneshot import Tmux
from maestrod.tmux.server import server_name
from tests.daemon.listening import listening
from tests.daemon.scene import Scene, bearer
from tests.daemon.test_routes import GOOD_WRITES, key, placed
from tests.daemon.yard import Yard
from tests.support.daemon import daemon
from tests.support.repository import ENVIRON, commit
from tests.support.tmux_server import open_sleeper

pytestmark = pytest.mark.xdist_group("daemon-event-walk")

OF_NO_COMMIT = {"hello", "session:live"}
"""Frames that are about no commit."""


def writes(scene: Scene) -> None:
    """Each row of the table as it is meant."""
    for route in WRITES:
        ids, body = GOOD_WRITES[key(route)](scene)
        answer = scene.call(route.method, placed(route.path, ids), body)
        assert answer.status == route.status, (route.path, answer.raw)


def others(scene: Scene) -> None:
    """What no row of the table asks for: the daemon's own commands, a key that is used, an import, an undo."""
    session, _ = scene.worker()
    scene.mail(session)
    scene.hook(session, "UserPromptSubmit")
    scene.mail(session, expiresAt=1)
    key_of = scene.ok("POST", "/keys", {"name": "looks"})["secret"]
    scene.ok("GET", "/tasks", headers=bearer(key_of))
    task = scene.task(checks=["true"])["id"]
    scene.ok("POST", f"/tasks/{task}/checks/run")
    assert scene.ok("GET", f"/tasks/{task}/checks?wait=60")["running"] is False
    scene.ok("PATCH", f"/tasks/{task}", {"checks": []})
    scene.ok("POST", "/undo/last")
    files = {"projects/p.json": json.dumps({"id": "proj_1_abc", "name": "Old", "workingDir": "/srv/old"})}
    scene.ok("POST", "/import", {"files": files, "from": "original"})


def endings(scene: Scene) -> None:
    """What hangs on something that goes, goes too, or is told so."""
    project = scene.project()
    first = scene.task(project)
    waiting = scene.task(project, dependencies=[first["id"]])
    scene.ok("POST", f"/tasks/{first['id']}/cancel")
    for ordered in ([waiting["id"], first["id"]], [first["id"]], []):
        scene.ok("PUT", f"/ordering/task/{project['id']}", {"orderedIds": ordered})
    session = scene.session(project, tasks=1, strategy="queue")
    asking, its_own = scene.worker(project)
    asked = scene.ok("POST", "/mail", {"toSessionId": session["id"], "message": "which?"}, headers=its_own)
    scene.ok("POST", "/mail", {"replyToMailId": asked["id"], "message": "this"}, headers=scene.launch(session))
    scene.ok("DELETE", f"/mail/{asked['id']}")
    scene.mail(session)
    for ended in (session, asking):
        scene.ok("POST", f"/sessions/{ended['id']}/stop")
    scene.ok("DELETE", f"/projects/{project['id']}?cascade=true")


def branches(scene: Scene, folder: Path) -> None:
    """Worktrees are merged, and one with work in it is removed by force and comes back."""
    yard = Yard(scene, folder)
    merged, path = yard.session()
    commit(path, "done.txt", "x")
    assert yard.merge(merged).status == 200
    left, path = yard.session()
    (path / "left.txt").write_text("x")
    assert yard.remove(left, force=True).status == 200
    assert yard.restore(yard.trash()[0]["name"]).status == 200


@contextmanager
def deaf_agent(scene: Scene, home: Path) -> Iterator[None]:
    """What is typed into the pane of an idle session stays in its composer: its mail is held."""
    session, _ = scene.worker()
    tmux = Tmux(server_name(str(home)), home / "run" / "tmux.conf", os.environ)
    try:
        pane = open_sleeper(tmux, session["id"], script="printf '❯ '; exec sleep 600")
        began = round(psutil.Process(pane.pid).create_time() * 1000)
        scene.register(
            session, socket=tmux.name, window=pane.window_id, pane=pane.ref.pane_id, pid=pane.pid, pidStartedAt=began
        )
        scene.hook(session, "Stop")
        scene.mail(session)
        yield
    finally:
        tmux.kill_server()


async def test_every_event_reaches_who_listens_and_none_that_nobody_knows(tmp_path: Path) -> None:
    with daemon(env=ENVIRON) as running:
        scene = Scene(running)
        async with listening(running) as listener:
            for deeds in (writes, others, endings):
                await asyncio.to_thread(deeds, scene)
            await asyncio.to_thread(branches, scene, tmp_path)
            with deaf_agent(scene, running.home):
                await listener.until(lambda heard: heard.of("mail:held"), what="the mail is held")
            await listener.until(lambda heard: heard.of("mail:expired"), what="the mail that nobody read expires")
            seq = scene.ok("GET", "/hello")["seq"]
            await listener.until(lambda heard: heard.last >= seq)
        given = {commit["command"]["kind"] for commit in scene.ok("GET", "/commits?after=0&limit=1000")["data"]}
    heard = {frame["type"] for frame in listener.frames} - OF_NO_COMMIT
    assert sorted(EVENTS - heard) == []
    assert sorted(heard - EVENTS) == []
    assert sorted(RULES.keys() - given) == []
