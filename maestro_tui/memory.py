"""What the screen remembers from one time to the next: a small file of its own."""

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from maestro_tui.programs import Spawn
from maestro_tui.view.remarks import Remark

SIZE = 1_000_000
SEEN = 500
"""Sessions of which it is kept that they were looked at: the newest."""


REMARKS = 200_000
"""Characters of comments that are kept: those of the sessions that came last."""


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """The theme, what an agent was started with last, until when sessions were looked at, and comments not sent yet."""

    theme: str = ""
    spawn: Spawn | None = None
    seen: Mapping[str, int] = {}
    remarks: Mapping[str, tuple[Remark, ...]] = {}


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
    seen = dict(sorted(memory.seen.items())[-SEEN:])
    kept = msgspec.structs.replace(memory, seen=seen, remarks=_newest(memory.remarks))
    aside = path.with_suffix(".new")
    with contextlib.suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        aside.write_bytes(msgspec.json.encode(kept))
        aside.chmod(0o600)
        os.replace(aside, path)  # noqa: PTH105 - the one that says that it replaces


def _newest(remarks: Mapping[str, tuple[Remark, ...]]) -> Mapping[str, tuple[Remark, ...]]:
    kept: dict[str, tuple[Remark, ...]] = {}
    room = REMARKS
    for session_id in sorted(remarks, reverse=True):
        room -= sum(len(r.text) + sum(map(len, r.quoted)) + len(r.path) for r in remarks[session_id])
        if remarks[session_id] and room >= 0:
            kept[session_id] = remarks[session_id]
    return kept
