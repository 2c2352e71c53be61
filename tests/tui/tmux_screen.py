"""A real terminal for the screen: a window of a private tmux server, read as a person would see it."""

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from maestrod.tmux.server import socket_path
from tests.support.eventually import aeventually

ROOT = Path(__file__).parents[2]
SCREEN = (sys.executable, "-m", "maestro_tui")


class TmuxScreen:
    """``maestro_tui`` in a terminal of a size."""

    def __init__(self, name: str) -> None:
        self.name = name

    def tmux(self, *words: str) -> str:
        """Run one command of the private server."""
        ran = subprocess.run(
            ["tmux", "-u", "-L", self.name, "-f", "/dev/null", *words],
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
        return ran.stdout

    @property
    def text(self) -> str:
        """What is on the screen."""
        return self.tmux("capture-pane", "-p", "-t", "0")

    def press(self, *keys: str) -> None:
        """Press keys by tmux's names."""
        self.tmux("send-keys", "-t", "0", *keys)

    async def shows(self, *words: str, timeout: float = 20) -> str:
        """Wait until all the words are on the screen; the screen."""
        seen = ""

        async def asked() -> bool:
            nonlocal seen
            seen = self.text
            return all(word in seen for word in words)

        try:
            await aeventually(asked, timeout=timeout, every=0.05)
        except AssertionError:
            missing = [word for word in words if word not in seen]
            raise AssertionError(f"never shown: {missing} in\n{seen}") from None
        return seen

    async def types(self, words: str) -> None:
        """Type words as they are, and wait until they are seen."""
        self.tmux("send-keys", "-t", "0", "-l", words)
        await self.shows(words)

    async def hides(self, words: str) -> None:
        """Wait until the words are off the screen."""

        async def asked() -> bool:
            return words not in self.text

        try:
            await aeventually(asked, timeout=20, every=0.05)
        except AssertionError:
            raise AssertionError(f"still shown: {words} in\n{self.text}") from None


@contextmanager
def tmux_screen(
    argv: Sequence[str], size: tuple[int, int], env: Mapping[str, str], program: Sequence[str] = SCREEN
) -> Iterator[TmuxScreen]:
    """Run the screen's program with these words; its tmux server is ended by its own name."""
    name = f"maestro-tui-{secrets.token_hex(4)}"
    clean = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TERM": "xterm-256color", "PYTHONPATH": str(ROOT), **env}
    clean |= {key: value for key, value in os.environ.items() if key.startswith(("COVERAGE_", "PYTHONPYCACHE"))}
    variables = [word for key, value in clean.items() for word in ("-e", f"{key}={value}")]
    size_words = ("-x", str(size[0]), "-y", str(size[1]))
    shell = ("/bin/sh", "-c", '"$@"; echo "ended with $?"; exec cat', "sh", *program, *argv)
    command = [
        "tmux",
        "-u",
        "-L",
        name,
        "-f",
        "/dev/null",
        "new-session",
        "-d",
        *size_words,
        *variables,
        "--",
        *shell,
    ]
    try:
        subprocess.run(command, check=True, timeout=10, env=clean)
        yield TmuxScreen(name)
    finally:
        subprocess.run(["tmux", "-L", name, "kill-server"], check=False, capture_output=True, timeout=10)
        socket_path(name).unlink(missing_ok=True)
