"""systemd's user manager, for a test alone: its own runtime folder, its own units, nothing of the machine's."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.support.eventually import eventually

SYSTEMD = Path("/lib/systemd/systemd")
BEGIN = """
for group; do echo $$ > "$group/cgroup.procs" || exit 1; done
mount -t tmpfs none /run && mkdir -p /run/systemd/system && exec "$0" --user --log-target=console
"""
"""It runs only where /run says that systemd has booted the machine: here, in a mount namespace, it does."""
TOPS = tuple(Path("/sys/fs/cgroup", name) for name in ("unified", "systemd", ""))
"""Where there are several, it lives in each of them."""
AT_ONCE = signal.SIGRTMIN + 24
"""What makes it leave without waiting for anybody: out of a machine's root nobody tells it that a scope is empty."""


class UserManager:
    """``systemctl --user`` of a test's own."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = dict(env)

    def __call__(self, *words: str, check: bool = True) -> str:
        """What ``systemctl --user`` prints."""
        ran = subprocess.run(
            ["systemctl", "--user", *words], env=self._env, capture_output=True, text=True, check=False, timeout=60
        )
        assert not check or ran.returncode == 0, (words, ran.stderr)
        return ran.stdout.strip()

    def pid(self, unit: str) -> int:
        """The main process of a unit; 0 when it has none."""
        return int(self("show", "--property=MainPID", "--value", unit))


@contextmanager
def user_manager(folder: Path, env: Mapping[str, str]) -> Iterator[UserManager]:
    """A running one; ``XDG_RUNTIME_DIR`` in ``env`` is where it is found. The test is skipped where none can be."""
    if not SYSTEMD.exists() or shutil.which("unshare") is None:
        pytest.skip("systemd is not installed (apt-get install systemd)")
    if os.getuid() != 0:
        pytest.skip("only root may start a user manager of its own")
    groups = _cgroups(folder.name)
    runtime = Path(env["XDG_RUNTIME_DIR"])
    runtime.mkdir(mode=0o700)
    said = folder / "manager.txt"
    with said.open("wb") as log:
        process = subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", BEGIN, str(SYSTEMD), *map(str, groups)],
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        manager = UserManager(env)
        try:
            eventually(lambda: _is_up(process, manager), timeout=20, what="the user manager runs")
        except RuntimeError:
            pytest.skip(f"no user manager can run here: {said.read_text(errors='replace')[-300:] or 'it says nothing'}")
        yield manager
    finally:
        process.send_signal(AT_ONCE)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
        for group in groups:
            eventually(lambda group=group: _is_cleared(group), what="nothing of it is left")  # type: ignore[misc]


def _cgroups(name: str) -> list[Path]:
    """Cgroups for all of it: it takes whatever else is in its own for its children."""
    groups = [top / name for top in TOPS if (top / "cgroup.procs").exists()]
    try:
        for group in groups:
            group.mkdir()
    except OSError as error:
        pytest.skip(f"no cgroup can be made here: {error}")
    return groups


def _is_cleared(group: Path) -> bool:
    """Kill what is in there, then take it away."""
    if not group.exists():  # it has done so itself
        return True
    for folder in sorted((group, *(path for path in group.rglob("*") if path.is_dir())), reverse=True):
        for pid in (folder / "cgroup.procs").read_text().split():
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        folder.rmdir()
    return True


def _is_up(process: "subprocess.Popen[bytes]", manager: UserManager) -> bool:
    if process.poll() is not None:
        raise RuntimeError
    return manager("is-active", "basic.target", check=False) == "active"
