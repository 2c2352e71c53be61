"""Text for a stream that lacks some of its characters: written in those that every stream has, not in question marks.

The error handler ``NAME`` is known to ``str.encode`` and to streams once this module is loaded.
"""

import codecs
import unicodedata

NAME = "maestro.transcribe"
OURS = {"←": "<-", "→": "->", "–": "-", "—": "-", "’": "'", "“": '"', "”": '"', "×": "x", "·": "*", "•": "*"}
MARKS = {"❯": ">", "›": ">", "✓": "ok", "✗": "no", "│": "|", "─": "-", "└": "`", "├": "|", "●": "*", "○": "o"}


def transcribe(error: UnicodeError) -> tuple[str, int]:
    """What stands for the characters that could not be encoded, and where to go on."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(plainest, error.object[error.start : error.end])), error.end


def plainest(c: str) -> str:
    """The character in ASCII: its letter without marks, a sign like it, else its number."""
    known = OURS.get(c) or MARKS.get(c)
    letters = "".join(part for part in unicodedata.normalize("NFKD", c) if part.isascii())
    return known or letters or c.encode("ascii", "backslashreplace").decode()


codecs.register_error(NAME, transcribe)
