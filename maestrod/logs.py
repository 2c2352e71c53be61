"""The daemon's log: JSON lines in a file that is rotated by size, the same on stderr for a terminal."""

import json
import logging
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path

FILE = "maestrod.log"
FILE_BYTES = 8 * 1024 * 1024
FILES_KEPT = 5
_OWN = frozenset(vars(logging.makeLogRecord({})))


class JsonLines(logging.Formatter):
    """A record as one line of JSON; what was passed as ``extra`` stands beside."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, object] = {
            "timestamp": int(record.created * 1000),
            "level": record.levelname.lower(),
            "service": record.name,
            "event": record.getMessage(),
        }
        line |= {k: v for k, v in vars(record).items() if k not in _OWN and k not in {"message", "event"}}
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def begin(folder: Path, *, level: str, style: str) -> None:
    """Write the log into ``folder`` from now on, and to stderr when that is a terminal."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    formatter = JsonLines() if style == "json" else logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s")
    handlers: list[logging.Handler] = [
        RotatingFileHandler(folder / FILE, maxBytes=FILE_BYTES, backupCount=FILES_KEPT, encoding="utf-8")
    ]
    if sys.stderr.isatty():
        handlers.append(logging.StreamHandler())
    for handler in handlers:
        handler.setFormatter(formatter)
    logging.basicConfig(level=level.upper(), handlers=handlers, force=True)
    logging.getLogger("aiohttp").setLevel(logging.WARNING)
    logging.getLogger("asyncio").setLevel(logging.WARNING)
