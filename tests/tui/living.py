"""For tests of the pane that lives: a session whose program keeps every byte, and a person's own terminal."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.workshop import Workshop
from tests.support.eventually import eventually
from tests.support.tmux_server import READER
from tests.tui.tmux_screen import ROOT


def reader(shop: Workshop) -> tuple[str, Path]:
    """A session whose program takes every byte raw and keeps it, and the file that it keeps them in."""
    kept = shop.folder / "bytes"
    own = shop.home / "config" / "providers"
    own.mkdir(exist_ok=True)
    (own / "reader.toml").write_text(f'start = ["{sys.executable}", "{READER}", "{kept}", "bracketed"]\n')
    session = shop.spawn("reader", shop.task("Read the keys"), more=("--name", "reader"))
    eventually(kept.exists, what="the program reads")
    return session, kept


def size_of_pane(shop: Workshop) -> tuple[int, int]:
    """The size of the only agent's pane."""
    (pane,) = shop.panes()
    return pane.width, pane.height


class Person:
    """A terminal of its own, with a person before it."""

    def __init__(self, argv: Sequence[str], size: tuple[int, int], env: Mapping[str, str]) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("4H", size[1], size[0], 0, 0))
        self.process = subprocess.Popen(
            list(argv), stdin=slave, stdout=slave, stderr=slave, env=dict(env), start_new_session=True
        )
        os.close(slave)
        self._shown = b""
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def type(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self._master, keys)

    def forget(self) -> None:
        """Begin anew with what was shown."""
        self._shown = b""

    def shows(self, words: str) -> None:
        """Wait until the words have been drawn; where a terminal was moved to between two of them is not looked at."""
        eventually(lambda: words in self.text, what=f"{words} in {self.text[-3000:]}")

    @property
    def text(self) -> str:
        """All that was drawn since it was forgotten, without what moves and colours."""
        return re.sub(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[()][0-9A-B]|\x1b[=>]", "", self._shown.decode("utf-8", "replace"))

    def _read(self) -> None:
        try:
            while data := os.read(self._master, 65536):
                self._shown += data
        except OSError:
            pass  # the other side of the terminal is closed

    def close(self) -> None:
        """Close the window."""
        self.process.kill()
        self.process.wait(timeout=10)
        self._reader.join(timeout=10)
        os.close(self._master)


@contextmanager
def person(argv: Sequence[str], size: tuple[int, int], env: Mapping[str, str]) -> Iterator[Person]:
    """A person before a program until the block ends."""
    made = Person(argv, size, {"PYTHONPATH": str(ROOT), **env})
    try:
        yield made
    finally:
        made.close()
