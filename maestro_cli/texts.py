"""Lines for people: widths, colours, tables, times. Pure."""

import time

from maestro_cli.output import WIDE, plain

TYPE_CHECKING = False  # typing costs the everyday call half of its time
if TYPE_CHECKING:
    from collections.abc import Sequence

SHORTEST_ID = 5
NARROWEST = 12
"""The last column of a table keeps at least so many cells."""
COLOURS = {
    "in_progress": "32",
    "working": "32",
    "processing": "32",
    "completed": "2",
    "archived": "2",
    "stopped": "2",
    "skipped": "2",
    "blocked": "31",
    "failed": "31",
    "needs input": "33",
    "in_review": "33",
    "idle": "36",
    "queued": "36",
    "surfaced": "36",
    "bounced": "31",
    "expired": "2",
    "cancelled": "2",
}
STEPS = ((60, 1, "s"), (3600, 60, "m"), (86400, 3600, "h"), (86400 * 60, 86400, "d"), (86400 * 700, 86400 * 30, "mo"))
YEAR_S = 86400 * 365


_NAMES = {"timeline": "timeline entry", "queueItem": "queue item", "doc": "document"}


def counted(counts: object) -> "list[str]":
    """How many of each noun: ``1 task``, ``2 timeline entries``."""
    return [_counted(str(noun), number) for noun, number in counts.items()] if isinstance(counts, dict) else []


def _counted(noun: str, number: object) -> str:
    name = _NAMES.get(noun, noun)
    if number == 1:
        return f"1 {name}"
    return f"{number} {name[:-1]}ies" if name.endswith(("ry", "ty")) else f"{number} {name}s"


def line(value: object, *, keep: bool = False) -> str:
    """The value as part of one line: a terminal obeys nothing of it; ``keep`` leaves spaces in front."""
    if value is None:
        return ""
    text = plain(str(value))
    return text.rstrip() if keep else text.strip()


def ago(at_ms: object, now: float) -> str:
    """A time told from now, as in ``3m ago`` and ``in 2d``; empty where there is none."""
    if not isinstance(at_ms, int | float) or isinstance(at_ms, bool) or not at_ms:
        return ""
    seconds = now - at_ms / 1000
    told = span(abs(seconds))
    return "now" if told == "0s" else f"in {told}" if seconds < 0 else f"{told} ago"


def clock(at_ms: object, form: str = "%H:%M:%S") -> str:
    """A time as clocks here show it; blank where there is none."""
    if isinstance(at_ms, int) and at_ms:
        try:
            return time.strftime(form, time.localtime(at_ms / 1000))
        except (OverflowError, OSError, ValueError):
            pass
    return " " * len(time.strftime(form, time.localtime(0)))


def span(seconds: float) -> str:
    """A length of time in its largest unit."""
    for limit, size, unit in STEPS:
        if seconds < limit:
            return f"{int(seconds // size)}{unit}"
    return f"{int(seconds // YEAR_S)}y"


def short_ids(ids: "Sequence[str]") -> dict[str, str]:
    """For each id the shortest ending that no other of them has."""
    endings = {id_: id_.rpartition("_")[2] or id_ for id_ in ids}
    longest = max((len(ending) for ending in endings.values()), default=0)
    for size in range(SHORTEST_ID, longest):
        cut = {ending[-size:] for ending in endings.values()}
        if len(cut) == len(endings):
            return {id_: ending[-size:] for id_, ending in endings.items()}
    return endings


def table(titles: "Sequence[str]", rows: "Sequence[Sequence[str]]", width: int, *, colour: bool = False) -> list[str]:
    """Aligned columns; the last one takes what is left of the width, and where that is nothing, rows are folded.

    No rows, no lines.
    """
    if not rows:
        return []
    widths = [max(cells(text) for text in column) for column in zip(titles, *rows, strict=True)]
    left = width - sum(widths[:-1]) - 2 * (len(widths) - 1)
    if left < min(NARROWEST, widths[-1]):
        return [text for row in rows for text in _folded(row, width)]
    lines = [_row(row, widths, left) for row in rows]
    head = _row(titles, widths, left)
    return [f"\x1b[2m{head}\x1b[0m" if colour else head, *lines]


def _row(row: "Sequence[str]", widths: "Sequence[int]", left: int) -> str:
    parts = [text + " " * (size - cells(text)) for text, size in zip(row[:-1], widths[:-1], strict=True)]
    return "  ".join([*parts, shortened(row[-1], left)]).rstrip()


def _folded(row: "Sequence[str]", width: int) -> "list[str]":
    """A row where columns have no room: its first and last cell, and beneath them the rest."""
    first, *middle, last = row if len(row) > 1 else ("", *row)
    rest = wrapped("  ".join(text for text in middle if text), width - 2)
    return [shortened(f"{first}  {last}".strip(), width), *(f"  {text}" for text in rest)]


def wrapped(text: str, width: int) -> "list[str]":
    """The text in lines of at most so many cells, broken between words where that is possible; blank, none."""
    if width >= WIDE or cells(text) <= width:
        return [text] if text.strip() else []
    inner = text.lstrip(" ")
    indent = min(len(text) - len(inner), max(0, width - NARROWEST))
    lines: list[str] = []
    now = ""
    for word in inner.split(" "):
        if now and cells(now) + 1 + cells(word) > width - indent:
            lines.append(now)
            now = ""
        now = f"{now} {word}" if now else word
        while "\x1b" not in now and cells(now) > max(1, width - indent):
            head = _beginning(now, max(1, width - indent))
            lines.append(head)
            now = now[len(head) :]
    return [f"{' ' * indent}{line}".rstrip() for line in [*lines, now] if line]


def _beginning(text: str, width: int) -> str:
    """As much of the text as the cells hold, at least one character."""
    used = 0
    for place, c in enumerate(text):
        used += cells(c)
        if used > width:
            return text[: max(1, place)]
    return text


def shortened(text: str, width: int) -> str:
    """The text in at most so many cells, with an ellipsis where something is left out."""
    if width >= WIDE or cells(text) <= width:
        return text
    kept, used = "", 1
    for c in text:
        used += cells(c)
        if used > width:
            break
        kept += c
    return f"{kept.rstrip()}…"


def cells(text: str) -> int:
    """How many cells of a terminal the text takes; colours take none."""
    if "\x1b" in text:
        first, *coloured = text.split("\x1b[")
        text = first + "".join(part.partition("m")[2] for part in coloured)
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def status(word: str, *, colour: bool) -> str:
    """A status in its colour."""
    code = COLOURS.get(word) if colour else None
    return f"\x1b[{code}m{word}\x1b[0m" if code else word


def bold(text: str, *, colour: bool) -> str:
    """A head line."""
    return f"\x1b[1m{text}\x1b[0m" if colour and text else text


def pairs(found: "Sequence[tuple[str, str]]") -> list[str]:
    """Names and values, aligned; what is empty is left out."""
    given = [(name, value) for name, value in found if value]
    size = max((len(name) for name, _ in given), default=0) + 2
    return [f"{name:<{size}}{value}" for name, value in given]


def blocks(found: "Sequence[tuple[str, object]]") -> list[str]:
    """Longer texts and lists beneath their names; what is empty is left out."""
    lines: list[str] = []
    for name, value in found:
        if isinstance(value, list) and value:
            lines += ["", f"{name}:", *(f"  - {line(part)}" for part in value)]
        elif isinstance(value, str) and value.strip():
            lines += ["", f"{name}:", *(f"  {line(part, keep=True)}" for part in value.rstrip().split("\n"))]
    return lines


def coloured(row: str) -> str:
    """A row of a screen with its colours and nothing else that a terminal would obey."""
    kept: list[str] = []
    for number, part in enumerate(row.split("\x1b[")):
        code, mark, text = part.partition("m") if number else ("", "", part)
        if mark and all(c in "0123456789;:" for c in code):
            kept.append(f"\x1b[{code}m{plain(text)}")
        else:
            kept.append(plain(text if not number else ""))
    return "".join(kept) + "\x1b[0m"


class Page:
    """What rendering depends on beside the document: width, colours, the time, and the short ids in use."""

    __slots__ = ("colour", "ids", "now", "width")

    def __init__(self, *, width: int = 80, colour: bool = False, now: float | None = None) -> None:
        self.width = width
        self.colour = colour
        self.now = time.time() if now is None else now
        self.ids: dict[str, str] = {}

    def short(self, id_: object) -> str:
        """The shortest ending of an id that is unambiguous on this page."""
        return line(self.ids.get(str(id_)) or str(id_).rpartition("_")[2] or id_)

    def status(self, word: object) -> str:
        """A status in its colour."""
        return status(line(word), colour=self.colour)

    def when(self, at_ms: object) -> str:
        """A time, told from now; empty where there is none."""
        return ago(at_ms, self.now)
