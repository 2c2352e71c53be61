"""What the screen remembers from one time to the next: a small file of its own."""

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from maestro_tui.preferences import THEMES
from maestro_tui.programs import Spawn
from maestro_tui.view.remarks import Remark

SIZE = 1_000_000
SEEN = 500
"""Sessions of which it is kept that they were looked at: the newest."""


REMARKS = 200_000
"""Characters of comments that are kept: those of the sessions that came last."""


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """The theme, what an agent was started with last, until when sessions were looked at, and comments not sent yet.

    ``panels`` is the room that panels were given: thousandths of the screen, by the line that was moved. ``trouble``
    says why nothing is remembered.
    """

    theme: str = ""
    spawn: Spawn | None = None
    seen: Mapping[str, int] = {}
    remarks: Mapping[str, tuple[Remark, ...]] = {}
    panels: Mapping[str, int] = {}
    trouble: str = ""


def recall(path: Path | None) -> Memory:
    """What is remembered; nothing where there is no file, and where it cannot be read, with the reason."""
    if path is None:
        return Memory()
    try:
        known = msgspec.json.decode(path.read_bytes()[:SIZE], type=Memory)
    except FileNotFoundError:
        return Memory()
    except (OSError, msgspec.MsgspecError) as error:
        return Memory(trouble=f"what the screen remembered is left aside, {path} cannot be read: {error}")
    return msgspec.structs.replace(known, theme=known.theme if known.theme in THEMES else "", trouble="")


def remember(path: Path | None, memory: Memory) -> None:
    """Write it down, whole or not at all; a disk that does not take it is no reason to disturb anybody."""
    if path is None:
        return
    seen = dict(sorted(memory.seen.items())[-SEEN:])
    spawn = msgspec.structs.replace(memory.spawn, prompt="") if memory.spawn is not None else None
    kept = msgspec.structs.replace(memory, spawn=spawn, seen=seen, remarks=_newest(memory.remarks), trouble="")
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
