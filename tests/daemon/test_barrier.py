"""The real daemon on a disk that is slow or fails, as the system's own tracer makes it."""

import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.daemon.scene import Scene, keyed
from tests.support.daemon import Answer, Daemon, daemon
from tests.support.eventually import eventually

pytestmark = [
    pytest.mark.xdist_group("daemon-barrier"),
    pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed"),
]

SLOW_S = 0.4


@contextmanager
def traced(daemon: Daemon, out: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """The daemon under a tracer; skips where the system does not allow that."""
    command = ["strace", "-f", "-p", str(daemon.pid), "-o", str(out), *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tracer:
        assert tracer.stderr is not None
        said = tracer.stderr.readline()
        try:
            if "attached" not in said:
                pytest.skip(f"cannot trace: {said.strip()}")
            yield tracer
        finally:
            tracer.terminate()
            tracer.wait(timeout=10)


def crash(daemon: Daemon, tracer: subprocess.Popen[str]) -> None:
    """Kill a daemon under its tracer, which would go on waiting out its delays."""
    assert daemon.process is not None
    daemon.process.kill()
    tracer.kill()
    daemon.kill()


def test_an_answer_leaves_after_its_sync(scene: Scene, tmp_path: Path) -> None:
    project = scene.project()
    out = tmp_path / "calls"
    with traced(scene.daemon, out, "-e", "trace=pwrite64,write,writev,sendto,sendmsg,fdatasync"):
        scene.task(project, title="traced")
        eventually(lambda: "201 Created" in out.read_text())
    calls = out.read_text()
    journal = re.search(r"pwrite64\((\d+), \"\{\\\"c\\\":[^\n]*\\\"at", calls)
    assert journal is not None, calls
    synced = calls.index(f"fdatasync({journal[1]})", journal.start())
    assert journal.start() < synced < calls.index("201 Created"), calls


def test_on_a_slow_disk_everything_that_rests_on_the_write_waits_and_nothing_else(scene: Scene, tmp_path: Path) -> None:
    project = scene.project()
    again = {"projectId": project["id"], "title": "x"}
    first = scene.ok("POST", "/tasks", again, headers=keyed("slow"))
    out = tmp_path / "calls"
    delay = f"inject=fdatasync:delay_enter={round(SLOW_S * 1_000_000)}"
    calls = "trace=pwrite64,fdatasync"
    with traced(scene.daemon, out, "-e", calls, "-e", delay), ThreadPoolExecutor(8) as threads:
        begun = time.monotonic()

        def took(deed: Callable[[], Answer]) -> tuple[float, int]:
            answer = deed()
            return time.monotonic() - begun, answer.status

        write = threads.submit(took, lambda: scene.call("POST", f"/tasks/{first['id']}/start"))
        eventually(lambda: "pwrite64" in out.read_text(), every=0.005)
        assert scene.call("GET", "/health").status == 200
        assert not write.done()
        stale = {"If-Match": '"77"'}
        others = [
            threads.submit(took, lambda: scene.call("GET", f"/tasks/{first['id']}")),
            threads.submit(took, lambda: scene.call("GET", "/tasks/task_1_x")),
            threads.submit(took, lambda: scene.call("POST", f"/tasks/{first['id']}/complete", headers=stale)),
            threads.submit(took, lambda: scene.call("POST", "/tasks", again, headers=keyed("slow"))),
            threads.submit(took, lambda: scene.call("GET", "/hello")),
        ]
        ended, status = write.result()
        answers = [future.result() for future in others]
    assert status == 200
    assert ended >= SLOW_S
    assert [status for _, status in answers] == [200, 404, 412, 201, 200]
    assert all(at >= SLOW_S for at, _ in answers), answers


def test_a_disk_that_fails_makes_the_daemon_read_only_until_it_is_well_again(scene: Scene, tmp_path: Path) -> None:
    project = scene.project()
    task = scene.task(project, title="kept")
    body = {"projectId": project["id"], "title": "perhaps"}
    with traced(scene.daemon, tmp_path / "calls", "-e", "inject=fdatasync,fsync:error=EIO"):
        failed = scene.call("POST", "/tasks", body, headers=keyed("failing"))
        assert (failed.status, failed.json["code"], failed.json["retryable"]) == (503, "STORE_READ_ONLY", True)
        assert failed.json["details"] == [{"applied": None}]
        assert "may or may not have been applied" in failed.json["message"]
        refused = scene.call("POST", "/tasks", body)
        assert (refused.status, refused.json["code"]) == (503, "STORE_READ_ONLY")
        assert refused.json["details"] == [{"applied": False}]
        ready = scene.call("GET", "/ready")
        assert (ready.status, ready.json["ready"]) == (503, False)
        assert "Input/output error" in ready.json["reasons"][0]
        assert scene.call("GET", "/health").status == 200
        assert scene.ok("GET", "/hello")["readOnly"] is True
        assert "Input/output error" in scene.ok("GET", "/status")["readOnly"]
        assert [t["title"] for t in scene.ok("GET", f"/tasks?projectId={project['id']}")] == ["kept"]
    eventually(lambda: scene.call("GET", "/ready").status == 200, what="the store is back")
    made = scene.ok("POST", "/tasks", body, headers=keyed("failing"))
    assert scene.ok("POST", "/tasks", body, headers=keyed("failing")) == made
    scene.daemon.kill()
    scene.daemon.start()
    titles = [t["title"] for t in scene.ok("GET", f"/tasks?projectId={project['id']}")]
    assert titles == ["kept", "perhaps"]
    assert scene.ok("GET", f"/tasks/{task['id']}")["version"] == 1
    assert json.loads(scene.daemon.log().splitlines()[-1])["event"] == "serving"


@pytest.mark.parametrize("failing", ["fdatasync:error=EIO", "fdatasync:error=ENOSPC", "pwrite64:error=ENOSPC"])
def test_a_write_that_could_be_taken_back_is_told_to_be_not_applied(scene: Scene, tmp_path: Path, failing: str) -> None:
    project = scene.project()
    body = {"projectId": project["id"], "title": "refused"}
    with traced(scene.daemon, tmp_path / "calls", "-e", f"inject={failing}"):
        for _ in range(2):
            failed = scene.call("POST", "/tasks", body)
            assert (failed.status, failed.json["code"]) == (503, "STORE_READ_ONLY")
            assert failed.json["details"] == [{"applied": False}]
            assert scene.ok("GET", f"/tasks?projectId={project['id']}") == []
    eventually(lambda: scene.call("GET", "/ready").status == 200, what="the store is back")
    kept = scene.task(project, title="kept")
    scene.daemon.kill()
    scene.daemon.start()
    assert [task["id"] for task in scene.ok("GET", f"/tasks?projectId={project['id']}")] == [kept["id"]]


def test_an_interrupted_sync_is_no_failure(scene: Scene, tmp_path: Path) -> None:
    project = scene.project()
    with traced(scene.daemon, tmp_path / "calls", "-e", "inject=fdatasync:error=EINTR:when=1"):
        made = scene.task(project)
    assert "EINTR" in (tmp_path / "calls").read_text()
    assert scene.ok("GET", f"/tasks/{made['id']}") == made


@pytest.fixture
def impatient() -> Iterator[Scene]:
    with daemon(env={"MAESTRO_DISK_STALL_S": "0.5"}) as running:
        yield Scene(running)


def test_a_disk_that_hangs_is_told_and_what_hung_is_there_when_it_answers(impatient: Scene, tmp_path: Path) -> None:
    scene = impatient
    project = scene.project()
    body = {"projectId": project["id"], "title": "hangs"}
    hang = "inject=fdatasync:delay_enter=100000000:when=1"
    with ThreadPoolExecutor(1) as threads, traced(scene.daemon, tmp_path / "calls", "-e", hang):
        write = threads.submit(scene.call, "POST", "/tasks", body, headers=keyed("hangs"))
        eventually(lambda: scene.call("GET", "/ready").status == 503, what="the hanging disk is noticed")
        failed = write.result()
        assert (failed.status, failed.json["details"]) == (503, [{"applied": None}])
        assert "the disk has not answered" in scene.call("GET", "/ready").json["reasons"][0]
        assert scene.ok("GET", f"/tasks?projectId={project['id']}") == []
        assert scene.call("POST", "/tasks", body).json["details"] == [{"applied": False}]
    eventually(lambda: scene.call("GET", "/ready").status == 200, what="the disk answers again", timeout=60)
    made = scene.ok("POST", "/tasks", body, headers=keyed("hangs"))
    assert [task["id"] for task in scene.ok("GET", f"/tasks?projectId={project['id']}")] == [made["id"]]
