"""The terminal's two directions: bytes into keys (pure), and raw mode with the painter of the screen."""

from __future__ import annotations

import codecs
import os
import termios
from collections.abc import Sequence
from typing import Literal, NamedTuple

from maestro_cli.fake.cells import SGR, Row, clean, clip

PASTE_BEGIN = b"\x1b[200~"
PASTE_END = b"\x1b[201~"
PASTE_LIMIT = 16 * 1024 * 1024
SEQUENCE_LIMIT = 64

KeyName = Literal[
    "enter", "newline", "escape", "up", "down", "backspace", "interrupt", "end", "erase", "erase-word", "other"
]


class Typed(NamedTuple):
    """Characters typed one by one."""

    text: str


class Pasted(NamedTuple):
    """A bracketed paste, whole; its line ends are line feeds."""

    text: str


class Pressed(NamedTuple):
    """A key that is not a character."""

    name: KeyName


Key = Typed | Pasted | Pressed

_CONTROLS: dict[int, KeyName] = {
    0x03: "interrupt",
    0x04: "end",
    0x08: "backspace",
    0x0A: "newline",
    0x0D: "enter",
    0x15: "erase",
    0x17: "erase-word",
    0x7F: "backspace",
}
_SEQUENCES: dict[bytes, KeyName] = {
    b"\x1b[A": "up",
    b"\x1bOA": "up",
    b"\x1b[B": "down",
    b"\x1bOB": "down",
    b"\x1b\r": "newline",
    b"\x1b[13;2u": "newline",
}


class KeyReader:
    """Turns the bytes of a terminal into keys, however they are cut; does no I/O."""

    def __init__(self) -> None:
        self._buffer = b""
        self._paste: bytearray | None = None
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    @property
    def undecided(self) -> bool:
        """Whether a lone Escape or the beginning of a sequence is held back."""
        return self._paste is None and self._buffer.startswith(b"\x1b")

    def feed(self, data: bytes) -> list[Key]:
        """Return the keys that are complete with these bytes."""
        self._buffer += data
        keys: list[Key] = []
        while self._buffer:
            before = len(self._buffer)
            key = self._in_paste() if self._paste is not None else self._next()
            if key is not None:
                keys.append(key)
            elif len(self._buffer) == before:
                break
        return keys

    def settle(self) -> list[Key]:
        """Return what was held back, because nothing more came: a lone Escape is the Escape key."""
        if not self.undecided:
            return []
        held, self._buffer = self._buffer, b""
        return [Pressed("escape" if held == b"\x1b" else "other")]

    def _in_paste(self) -> Key | None:
        assert self._paste is not None
        end = self._buffer.find(PASTE_END)
        if end < 0:
            # What could be the beginning of the end mark stays in the buffer.
            keep = _overlap(self._buffer, PASTE_END)
            cut = len(self._buffer) - keep
            self._grow(self._buffer[:cut])
            self._buffer = self._buffer[cut:]
            return None
        self._grow(self._buffer[:end])
        self._buffer = self._buffer[end + len(PASTE_END) :]
        text, self._paste = bytes(self._paste).decode("utf-8", "replace"), None
        return Pasted(text.replace("\r\n", "\n").replace("\r", "\n"))

    def _grow(self, data: bytes) -> None:
        assert self._paste is not None
        self._paste += data[: max(0, PASTE_LIMIT - len(self._paste))]

    def _next(self) -> Key | None:
        first = self._buffer[0]
        if (first < 0x20 or first == 0x7F) and self._decoder.getstate()[0]:
            # Half a character that nothing completes any more.
            return Typed(self._decoder.decode(b"", final=True))
        if first == 0x1B:
            return self._sequence()
        if first in _CONTROLS:
            self._buffer = self._buffer[1:]
            return Pressed(_CONTROLS[first])
        if first < 0x20:
            self._buffer = self._buffer[1:]
            return Pressed("other")
        return self._typed()

    def _typed(self) -> Key | None:
        end = next((i for i, byte in enumerate(self._buffer) if byte < 0x20 or byte == 0x7F), len(self._buffer))
        text = self._decoder.decode(self._buffer[:end], final=end < len(self._buffer))
        self._buffer = self._buffer[end:]
        return Typed(text) if text else None

    def _sequence(self) -> Key | None:
        if self._buffer.startswith(PASTE_BEGIN):
            self._buffer = self._buffer[len(PASTE_BEGIN) :]
            self._paste = bytearray()
            return None
        length = _sequence_length(self._buffer)
        if length == 0:
            return None
        taken, self._buffer = self._buffer[:length], self._buffer[length:]
        return Pressed("escape" if taken == b"\x1b" else _SEQUENCES.get(taken, "other"))


def _overlap(data: bytes, mark: bytes) -> int:
    """Return how many bytes at the end of data may begin the mark."""
    for size in range(min(len(mark) - 1, len(data)), 0, -1):
        if data.endswith(mark[:size]):
            return size
    return 0


def _sequence_length(data: bytes) -> int:
    """Return the length of the escape sequence at the beginning; 0 when more bytes are needed."""
    if len(data) < 2:
        return 0
    if data[1] == 0x1B:
        return 1
    if data[1] == ord("O"):
        return 3 if len(data) >= 3 else 0
    if data[1] != ord("["):
        return 2
    for index in range(2, min(len(data), SEQUENCE_LIMIT)):
        if 0x40 <= data[index] <= 0x7E:
            return index + 1
    return SEQUENCE_LIMIT if len(data) >= SEQUENCE_LIMIT else 0


class Live(NamedTuple):
    """The part of the screen that is drawn anew: its rows, and where the cursor stands."""

    rows: tuple[Row, ...]
    line: int = 0
    column: int = 0
    visible: bool = False


class Hangup(Exception):
    """The terminal is gone."""


class Screen:
    """Paints history above and a live part below, without owning the whole screen."""

    def __init__(self, fd: int, *, colors: bool) -> None:
        self._fd = fd
        self._colors = colors
        self._line = -1
        """The cursor's line within the live part; -1 when there is none."""
        self._title: str | None = None
        self._drawn: Live | None = None

    @property
    def width(self) -> int:
        """Columns of the terminal; at least 20."""
        return max(20, self._size().columns)

    @property
    def height(self) -> int:
        """Lines of the terminal; at least 6."""
        return max(6, self._size().lines)

    def _size(self) -> os.terminal_size:
        try:
            size = os.get_terminal_size(self._fd)
        except OSError:
            return os.terminal_size((120, 40))
        return size if size.columns and size.lines else os.terminal_size((120, 40))

    def write(self, text: str) -> None:
        """Send text as it is.

        Raises:
            Hangup: nobody reads any more.
        """
        data = text.encode("utf-8", "replace")
        try:
            while data:
                data = data[os.write(self._fd, data) :]
        except OSError as error:
            raise Hangup from error

    def title(self, title: str | None) -> None:
        """Set the terminal's title by OSC 2, when it changed; None leaves it alone."""
        if title is not None and title != self._title:
            self._title = title
            self.write(f"\x1b]2;{title}\x07")

    def commit(self, rows: Sequence[Row], live: Live | None) -> None:
        """Add rows to the history and draw the live part below them."""
        text = self._erased() + "".join(f"{self._styled(row, None)}\n" for row in rows)
        self._drawn = live
        self.write(text + (self._painted(live) if live else ""))

    def redraw(self, live: Live) -> None:
        """Draw the live part, when it changed."""
        if live != self._drawn:
            self.commit((), live)

    def forget(self) -> None:
        """Assume nothing about what is on the screen (after a resize)."""
        self._drawn = None

    def _erased(self) -> str:
        if self._line < 0:
            return ""
        up = f"\x1b[{self._line}A" if self._line else ""
        self._line = -1
        return f"\r{up}\x1b[J"

    def _painted(self, live: Live) -> str:
        rows, width = live.rows[-(self.height - 1) :], self.width
        line = max(0, live.line - (len(live.rows) - len(rows)))
        text = "\n".join(self._styled(row, width) for row in rows)
        up = len(rows) - 1 - line
        self._line = line
        moves = (f"\x1b[{up}A" if up else "") + "\r" + (f"\x1b[{live.column}C" if live.column else "")
        return text + moves + ("\x1b[?25h" if live.visible else "\x1b[?25l")

    def _styled(self, row: Row, width: int | None) -> str:
        text = clean(row.text).replace("\n", " ")
        text = text if width is None else clip(text, width)
        if not self._colors or row.style == "plain":
            return text
        return f"{SGR[row.style]}{text}\x1b[0m"


class RawMode:
    """Raw input and bracketed paste for as long as the agent runs; output translation stays on."""

    def __init__(self, fd: int, screen: Screen, *, alternate: bool) -> None:
        self._fd = fd
        self._screen = screen
        self.alternate = alternate
        self._saved: list[int | list[bytes | int]] | None = None

    def enter(self) -> None:
        """Switch over; what was typed before stays in the queue."""
        self._saved = termios.tcgetattr(self._fd)
        mode = termios.tcgetattr(self._fd)
        mode[0] &= ~(termios.ICRNL | termios.INLCR | termios.IXON | termios.BRKINT | termios.ISTRIP)
        mode[3] &= ~(termios.ECHO | termios.ICANON | termios.ISIG | termios.IEXTEN)
        mode[6][termios.VMIN], mode[6][termios.VTIME] = 1, 0
        termios.tcsetattr(self._fd, termios.TCSANOW, mode)
        self._screen.write(("\x1b[?1049h\x1b[H" if self.alternate else "") + "\x1b[?2004h")

    def leave(self, *, title: str | None) -> None:
        """Give the terminal back as it was; safe to call twice and without a terminal."""
        if self._saved is None:
            return
        saved, self._saved = self._saved, None
        text = "\x1b[?2004l\x1b[?25h" + ("\x1b[?1049l" if self.alternate else "")
        try:
            self._screen.write(text + ("" if title is None else f"\x1b]2;{title}\x07"))
            termios.tcsetattr(self._fd, termios.TCSANOW, saved)
        except (Hangup, termios.error, OSError):
            return
