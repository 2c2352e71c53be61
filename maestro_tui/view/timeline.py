"""What was reported, as rows."""

from itertools import islice

from maestro_tui.cells import ELLIPSIS, cut, folded, plain
from maestro_tui.faces import face_of_entry
from maestro_tui.lines import Line, NewestRows, Span, Tone
from maestro_tui.moment import Moment, clock_words
from maestrod.domain.model import EntryType, Noun, TimelineEntry
from maestrod.domain.state import State

ENTRIES = 60
"""Entries that a timeline shows."""
SHORT = 4
"""Lines of one entry where a timeline stands beside other things."""
WHOLE = 200
"""Lines of one entry where it has all the room."""


def timeline_rows(state: State, kind: str, about: str, moment: Moment, cells: int, *, most: int = SHORT) -> NewestRows:
    """What was reported, newest first, at most so many lines of each; ``kind`` is ``session`` or ``task``."""
    ids = islice(state.groups[f"{kind}-timeline", about].after(None, descending=True), ENTRIES)
    entries = (state.table(Noun.TIMELINE)[id_] for id_ in ids)
    told = [entry for entry in entries if isinstance(entry, TimelineEntry)]
    return NewestRows([(entry.id, line) for entry in told for line in _entry_lines(entry, moment, cells, most)])


def _entry_lines(entry: TimelineEntry, moment: Moment, cells: int, most: int) -> list[Line]:
    face = face_of_entry(entry)
    clock = Span(f"{clock_words(entry.created_at, moment)} ", Tone.DIM)
    told = plain(entry.message)
    said = "" if entry.type is EntryType.PROGRESS else face.word
    text = f"{said}: {told}" if said and told else said or told
    room = max(8, cells - 8)
    lines = folded(text, room, most=most + 1) or [""]
    if len(lines) > most:
        lines = [*lines[: most - 1], cut(f"{lines[most - 1]} {ELLIPSIS}", room)]
    first: Line = (clock, Span(f"{face.glyph} ", face.tone), Span(lines[0]))
    return [first, *((Span(" " * 8), Span(line)) for line in lines[1:])]
