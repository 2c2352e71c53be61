"""Where the screen writes what went wrong: a file, for the terminal is taken."""

import logging
from pathlib import Path

SIZE = 1_000_000


class LazyFile(logging.FileHandler):
    """Makes its folder with the first line that is written, begins anew when it is large, never disturbs the screen."""

    def _open(self):  # type: ignore[no-untyped-def]
        path = Path(self.baseFilename)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.exists() and path.stat().st_size > SIZE:
            path.unlink()
        return super()._open()

    def emit(self, record: logging.LogRecord) -> None:
        """A line that cannot be written is left unwritten."""
        try:
            super().emit(record)
        except OSError:
            return

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the base class' name
        """The terminal is taken: nothing is printed about it."""


def write_to(path: Path) -> None:
    """Send warnings and errors to a file."""
    handler = LazyFile(path, delay=True, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
