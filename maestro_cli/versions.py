"""Asks a program for its version."""

import contextlib
import os
import select
import signal
import subprocess
import time

VERSION_S = 5.0
"""Gemini needs two seconds to tell its version."""
VERSION_LIMIT = 64 << 10
"""Bytes; nobody's version is so long."""


def version(program: str | None) -> str | None:
    """The first line of ``--version``; none when it does not end in time, fails, or has too much to say.

    What it started and left behind is killed with it, and never waited for.
    """
    if program is None:
        return None
    deadline = time.monotonic() + VERSION_S
    argv, nothing = [program, "--version"], subprocess.DEVNULL
    try:
        asked = subprocess.Popen(
            argv, stdin=nothing, stdout=subprocess.PIPE, stderr=nothing, start_new_session=True, cwd="/"
        )
    except OSError:
        return None
    with asked:
        try:
            raw = _told(asked.stdout.fileno(), deadline) if asked.stdout is not None else b""
            code = asked.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            return None
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(asked.pid, signal.SIGKILL)
    lines = raw.decode("utf-8", "replace").strip().splitlines() if code == 0 and len(raw) < VERSION_LIMIT else []
    return "".join(c for c in lines[0] if c.isprintable())[:100] if lines else None


def _told(descriptor: int, deadline: float) -> bytes:
    """What is written there until it is closed, time runs out, or it is too much."""
    raw = b""
    while len(raw) < VERSION_LIMIT and select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))[0]:
        more = os.read(descriptor, 4096)
        if not more:
            break
        raw += more
    return raw
