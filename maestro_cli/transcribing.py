"""Text for a stream that lacks some of its characters: written in those that every stream has, not in question marks.

The error handler ``NAME`` is known to ``str.encode`` and to streams once this module is loaded.
"""

import codecs
import unicodedata

NAME = "maestro.transcribe"
SIGNS = {"←": "<-", "→": "->", "–": "-", "—": "-", "’": "'", "“": '"', "”": '"', "×": "x", "·": "*", "•": "*"}
LETTERS = {"ß": "ss", "æ": "ae", "Æ": "AE", "ø": "o", "Ø": "O", "œ": "oe", "Œ": "OE", "ł": "l", "Ł": "L", "đ": "d"}
MARKS = {
    "\u2044": "/",
    "❯": ">",
    "›": ">",
    "✓": "ok",
    "✗": "no",
    "│": "|",
    "─": "-",
    "└": "`",
    "├": "|",
    "●": "*",
    "○": "o",
}


def transcribe(error: UnicodeError) -> tuple[str, int]:
    """What stands for the characters that could not be encoded, and where to go on."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(plainest, error.object[error.start : error.end])), error.end


def plainest(c: str) -> str:
    """The character in ASCII: its letter without marks, a sign like it, else its number."""
    parts = [_alike(part) for part in unicodedata.normalize("NFKD", c)]
    return "".join(part for part in parts if part) if None not in parts else _number(c)


def _alike(c: str) -> str | None:
    if c.isascii() or unicodedata.combining(c):
        return c if c.isascii() else ""
    return SIGNS.get(c) or MARKS.get(c) or LETTERS.get(c)


def _number(c: str) -> str:
    return c.encode("ascii", "backslashreplace").decode()


codecs.register_error(NAME, transcribe)
