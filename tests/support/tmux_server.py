"""A private tmux server per test, on its own socket, ended by its own name."""

import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from maestrod.tmux.facts import Pane
from maestrod.tmux.oneshot import Tmux
from maestrod.tmux.server import socket_path

READER = Path(__file__).with_name("pane_reader.py")


@contextmanager
def private_server(*, env: Mapping[str, str] | None = None, timeout_s: float = 5.0) -> Iterator[Tmux]:
    """Give a door to a server that does not run yet; end the server afterwards, whatever happened to it."""
    name = f"maestro-test-{secrets.token_hex(4)}"
    folder = Path(tempfile.mkdtemp(prefix="mae-", dir="/tmp"))
    try:
        yield Tmux(name, folder / "tmux.conf", os.environ if env is None else env, timeout_s=timeout_s)
    finally:
        if socket_path(name).exists():
            subprocess.run(["tmux", "-L", name, "kill-server"], check=False, capture_output=True, timeout=10)
            socket_path(name).unlink(missing_ok=True)
        shutil.rmtree(folder)


def open_sleeper(tmux: Tmux, session_id: str = "ses_1", *, script: str = "sleep 600") -> Pane:
    """Open a window that runs a shell script."""
    return tmux.open_window(session_id=session_id, name="sleeper", cwd="/tmp", argv=["/bin/sh", "-c", script], env={})
