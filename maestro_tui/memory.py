"""What the screen remembers from one time to the next: a small file of its own."""

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from maestro_tui.programs import Spawn

SIZE = 1_000_000
SEEN = 500
"""Sessions of which it is kept that they were looked at: the newest."""


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """The theme, what an agent was started with last, and until when sessions were looked at."""

    theme: str = ""
    spawn: Spawn | None = None
    seen: Mapping[str, int] = {}


def recall(path: Path | None) -> Memory:
    """What is remembered; nothing where the file is gone or cannot be read."""
    try:
        return Memory() if path is None else msgspec.json.decode(path.read_bytes()[:SIZE], type=Memory)
    except (OSError, msgspec.MsgspecError):
        return Memory()


def remember(path: Path | None, memory: Memory) -> None:
    """Write it down, whole or not at all; a disk that does not take it is no reason to disturb anybody."""
    if path is None:
        return
    kept = dict(sorted(memory.seen.items())[-SEEN:])
    aside = path.with_suffix(".new")
    with contextlib.suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        aside.write_bytes(msgspec.json.encode(msgspec.structs.replace(memory, seen=kept)))
        aside.chmod(0o600)
        os.replace(aside, path)  # noqa: PTH105 - the one that says that it replaces
