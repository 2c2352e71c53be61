"""The real daemon, killed at every call to the disk of its last checkpoint."""

import shutil
import signal
from itertools import count
from pathlib import Path

import pytest

from tests.daemon.scene import Scene
from tests.daemon.test_barrier import traced
from tests.support.daemon import daemon

pytestmark = [
    pytest.mark.xdist_group("daemon-checkpoint"),
    pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed"),
]

DEEDS = ("pwrite64", "fsync", "fdatasync", "rename", "unlink")


def killed_at_every(deed: str, tmp_path: Path) -> int:
    """Stop a daemon that is killed at the n-th call, start it again, until a stop passes untouched."""
    with daemon() as running:
        scene = Scene(running)
        project = scene.project()
        for _ in range(3):
            scene.task(project)
            running.stop()
            running.start()
        for nth in count(1):
            scene.task(project)
            before = scene.ok("GET", "/tasks")
            seq = scene.ok("GET", "/hello")["seq"]
            with traced(running, tmp_path / f"{nth}", "-e", f"inject={deed}:signal=KILL:when={nth}"):
                code = running.stop()
            running.start()
            assert scene.ok("GET", "/tasks") == before
            assert scene.ok("GET", "/hello")["durableSeq"] == seq
            assert scene.ok("GET", "/status")["quarantined"] == []
            if code != -signal.SIGKILL:
                assert code == 0
                print(f"killed at {nth - 1} calls of {deed}")  # noqa: T201
                return nth - 1
    raise AssertionError


@pytest.mark.parametrize("deed", ["rename", "unlink"])
def test_killed_at_a_call_of_its_checkpoint_a_daemon_finds_everything_again(deed: str, tmp_path: Path) -> None:
    assert killed_at_every(deed, tmp_path) > 0


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("deed", DEEDS)
def test_killed_at_any_call_of_its_checkpoint_a_daemon_finds_everything_again(deed: str, tmp_path: Path) -> None:
    assert killed_at_every(deed, tmp_path) > 0
