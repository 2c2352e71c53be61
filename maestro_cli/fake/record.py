"""The fake agent's own account of what happened: one JSON object a line in ``$MAESTRO_FAKE_LOG``."""

from __future__ import annotations

import json
import os
import time


class Record:
    """Appends to the log, when there is one; one write per line, so that many agents can share a file."""

    def __init__(self, path: str | None, who: str) -> None:
        """Open the log.

        Raises:
            OSError: it cannot be written.
        """
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        self._fd = os.open(path, flags, 0o600) if path else None
        self._who = who

    def note(self, event: str, **facts: object) -> None:
        """Write one line: time, process, provider, event and facts."""
        if self._fd is None:
            return
        line = {"at": round(time.time(), 3), "pid": os.getpid(), "as": self._who, "event": event, **facts}
        data = json.dumps(line).encode() + b"\n"
        try:
            while data:
                data = data[os.write(self._fd, data) :]
        except OSError:
            self._fd = None
