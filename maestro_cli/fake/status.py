"""Claude's ``sessions/<pid>.json``: what one running program says it is doing."""

from __future__ import annotations

import json
import os
import time
from typing import Literal

from maestro_cli.fake.moments import Talk

State = Literal["busy", "idle", "waiting"]


class StatusFile:
    """The file of this process; written aside and renamed, removed at a clean end, left behind by kill -9."""

    def __init__(self, folder: str) -> None:
        self._path = os.path.join(folder, "sessions", f"{os.getpid()}.json")
        self._started = int(time.time() * 1000)

    def write(self, state: State, talk: Talk, *, waiting_for: str = "") -> None:
        """Replace the file; a folder that cannot be written is no reason to stop."""
        now = int(talk.at * 1000)
        facts = {
            "pid": os.getpid(),
            "sessionId": talk.session_id,
            "cwd": talk.cwd,
            "startedAt": self._started,
            "procStart": _process_start(),
            "version": "2.1.329",
            "kind": "interactive",
            "entrypoint": "cli",
            **({"name": talk.name} if talk.name else {}),
            "status": state,
            **({"waitingFor": waiting_for} if waiting_for else {}),
            "updatedAt": now,
        }
        aside = f"{self._path}.tmp"
        try:
            os.makedirs(os.path.dirname(self._path), mode=0o700, exist_ok=True)
            with open(aside, "w", encoding="utf-8") as file:
                json.dump(facts, file)
            os.replace(aside, self._path)
        except OSError:
            return

    def remove(self) -> None:
        """Take the file away; nothing happens when there is none."""
        try:
            os.unlink(self._path)
        except OSError:
            return


def _process_start() -> str:
    """Return the kernel's start time of this process in clock ticks; empty where /proc is missing."""
    try:
        with open("/proc/self/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""
