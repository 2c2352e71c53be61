"""One daemon per home."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from maestrod.store.lock import HomeLock
from maestrod.store.log import DiskError, HomeLocked
from tests.store.doors import BrokenFiles

HOLDER = """
import sys
from pathlib import Path
from maestrod.store.lock import HomeLock
with HomeLock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def held_by_another(path: Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        try:
            yield holder
        finally:
            holder.kill()


def test_a_lock_that_another_process_holds_names_it(tmp_path: Path) -> None:
    path = tmp_path / "run" / "lock"
    with held_by_another(path) as holder, pytest.raises(HomeLocked, match=f"process {holder.pid}") as locked:
        HomeLock(path).__enter__()
    assert (locked.value.pid, locked.value.file) == (holder.pid, path)


def test_a_lock_dies_with_its_process_and_what_it_wrote_is_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with held_by_another(path) as holder:
        pass
    assert f"pid {holder.pid} " in path.read_text()
    with HomeLock(path):
        assert f"pid {os.getpid()} " in path.read_text()


def test_the_file_tells_people_who_and_since_when(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with HomeLock(path, now=lambda: 1_700_000_000.5):
        assert path.read_text() == f"pid {os.getpid()} since 2023-11-14T22:13:20+00:00\n"


@pytest.mark.parametrize("content", ["", "pid", "pid -4", "garbage\n" * 1000, "pid 99999999999999999999", "\0" * 300])
def test_a_holder_that_cannot_be_read_is_still_a_holder(tmp_path: Path, content: str) -> None:
    path = tmp_path / "lock"
    with HomeLock(path):
        path.write_text(content)
        with pytest.raises(HomeLocked, match="another process") as locked:
            HomeLock(path).__enter__()
        assert locked.value.pid is None


@pytest.mark.parametrize("content", [b"pid 1 since ever\n" * 100, b"\xff\0" * 5000])
def test_stale_content_is_replaced_whole(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "lock"
    path.write_bytes(content)
    with HomeLock(path):
        assert len(path.read_text().splitlines()) == 1


def test_a_lock_is_given_back_and_can_be_taken_again(tmp_path: Path) -> None:
    lock = HomeLock(tmp_path / "lock")
    for _ in range(2):
        with lock, pytest.raises(HomeLocked):
            HomeLock(tmp_path / "lock").__enter__()
    lock.__exit__(None, None, None)
    with HomeLock(tmp_path / "lock"):
        pass


def test_children_do_not_inherit_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with HomeLock(path):
        child = subprocess.Popen(
            [sys.executable, "-c", "import sys; print('runs', flush=True); sys.stdin.read()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            close_fds=False,
        )
        assert child.stdout is not None
        assert child.stdout.readline() == b"runs\n"
    with child:
        with HomeLock(path):
            pass
        child.kill()


def test_the_lock_is_private(tmp_path: Path) -> None:
    with HomeLock(tmp_path / "run" / "lock"):
        assert (tmp_path / "run" / "lock").stat().st_mode & 0o777 == 0o600
        assert (tmp_path / "run").stat().st_mode & 0o777 == 0o700


def test_a_link_is_not_locked(tmp_path: Path) -> None:
    (tmp_path / "target").touch()
    (tmp_path / "lock").symlink_to(tmp_path / "target")
    with pytest.raises(DiskError, match="could not lock"):
        HomeLock(tmp_path / "lock").__enter__()


@pytest.mark.parametrize("deed", ["open", "truncate", "write"])
def test_a_lock_that_cannot_be_written_is_not_held(tmp_path: Path, deed: str) -> None:
    files = BrokenFiles()
    files.broken = {deed: 28}
    with pytest.raises(DiskError, match="No space left"):
        HomeLock(tmp_path / "lock", files=files).__enter__()
    with HomeLock(tmp_path / "lock"):
        pass


def test_a_data_folder_is_held_by_one_whatever_their_run_folders_are(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with HomeLock(tmp_path / "one" / "lock", data=data):
        pass  # nothing is there to be held
    data.mkdir()
    other = HomeLock(tmp_path / "two" / "lock", data=data)
    with HomeLock(tmp_path / "one" / "lock", data=data):
        with pytest.raises(HomeLocked, match=r"data is held by another process; .* XDG_RUNTIME_DIR"):
            other.__enter__()
        with HomeLock(tmp_path / "two" / "lock"):
            pass  # the one that was refused holds nothing
    with other:
        pass
    assert list(data.iterdir()) == []
