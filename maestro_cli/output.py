"""The only stdout: results for people, or one JSON document; nothing else is ever written there."""

import os
import sys

from maestrod.client import jsontext

TYPE_CHECKING = False  # typing costs the everyday call half of its time
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TextIO

WIDE = 10_000
"""The width of what is no terminal: nothing is shortened there."""
_BIDI = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u2028\u2029\ufeff")


class Output:
    """Writes results; with ``json`` one document, or one a line where it is a stream."""

    __slots__ = ("colour", "json", "quiet", "width")

    def __init__(self, *, json: bool = False, quiet: bool = False, no_color: bool = False) -> None:
        self.json = json
        self.quiet = quiet
        self.colour = not no_color and not json and colours_fit(sys.stdout)
        self.width = size()[0]

    @property
    def is_read_by_eye(self) -> bool:
        """Whether stdout is a terminal: a script that counts lines gets none where there is nothing to list."""
        return sys.stdout is not None and sys.stdout.isatty()

    def result(self, data: object, lines: "Iterable[str]" = (), *, offline: bool = False) -> None:
        """The result: ``data`` as the document's, ``lines`` for people; ``offline`` if the daemon did not say it."""
        if self.json:
            mark = {"offline": True} if offline else {}
            self._write(jsontext.write({"success": True, **mark, "data": data}) + "\n")
        elif not self.quiet:
            self._write("".join(f"{line}\n" for line in lines))

    def raw_result(self, raw: bytes) -> None:
        """A result that is JSON already; nothing of it is read or rewritten."""
        self._bytes(b'{"success":true,"data":' + (raw.strip() or b"null") + b"}\n")

    def item(self, data: object, line: str) -> None:
        """One of a stream."""
        self._write((jsontext.write(data) if self.json else line) + "\n")

    def drawn(self, text: str) -> None:
        """Text as it is, for people: a page of help, or what steers the terminal."""
        self._write(text)

    def failure(self, document: object) -> None:
        """The error, for those who asked for JSON; lost when nobody can read it."""
        try:
            self._write(jsontext.write(document) + "\n")
        except OSError:
            return

    def _write(self, text: str) -> None:
        if sys.stdout is not None:
            self._bytes(encoded(text, sys.stdout.encoding))

    def _bytes(self, raw: bytes) -> None:
        if sys.stdout is None:
            return
        try:
            sys.stdout.flush()
            sys.stdout.buffer.write(raw)
            sys.stdout.buffer.flush()
        except OSError:
            hang_up()
            raise


def hang_up() -> None:
    """Nothing more can be written to stdout: let the interpreter end without a word about what is left."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)


def plain(text: str, *, block: bool = False) -> str:
    """The text without what a terminal would obey; a ``block`` keeps its lines and tabs."""
    if text.isprintable():
        return text
    return "".join(_shown(c, block=block) for c in text)


def _shown(c: str, *, block: bool) -> str:
    if c in "\n\t" and block:
        return c
    if c in "\n\r\t":
        return " "
    return "" if c < " " or "\x7f" <= c <= "\x9f" or c in _BIDI or "\ud800" <= c <= "\udfff" else c


def colours_fit(stream: "TextIO | None") -> bool:
    """Whether the stream is a terminal that shows colours, and nobody minds them."""
    if stream is None or os.environ.get("NO_COLOR") or os.environ.get("TERM", "dumb") == "dumb":
        return False
    return stream.isatty()


def steers() -> bool:
    """Whether stdout is a terminal in which lines can be drawn over."""
    return sys.stdout is not None and sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"


def is_read() -> bool:
    """Whether somebody may still read stdout: what is closed, or hung up at the other end, nobody does."""
    from select import POLLERR, POLLHUP, POLLNVAL, poll

    if sys.stdout is None:
        return False
    asked = poll()
    asked.register(1, 0)
    return not any(event & (POLLERR | POLLHUP | POLLNVAL) for _, event in asked.poll(0))


def size() -> tuple[int, int]:
    """Columns and lines of the terminal; what is none has room for everything."""
    try:
        found = os.get_terminal_size(1)
    except (OSError, ValueError):
        return WIDE, WIDE
    return found.columns or 80, found.lines or 24


def encoded(text: str, encoding: "str | None") -> bytes:
    """The text for a stream; characters that it lacks are written in others."""
    name = encoding or "utf-8"
    try:
        return text.encode(name)
    except UnicodeEncodeError:
        from maestro_cli import transcribing

        return text.encode(name, transcribing.NAME)
