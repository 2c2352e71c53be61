"""What stands around the panels: header, banner, tabs and footer, pure. Items are dropped whole, never cut."""

import msgspec

from maestro_tui.bindings import MISSION, Keymap, Mode, Panel, footer_keys
from maestro_tui.cells import cut, plain, width
from maestro_tui.lines import Hint, Line, Span, Tone, cells_of, joined, kept_whole, spread
from maestro_tui.view.sessions import Counts
from maestrod.domain.model import LIVE_SESSION, Session

ROOMY = 160
"""Cells from which the header has the number of the newest commit, which History has too."""


class Starting(msgspec.Struct, frozen=True):
    """Nothing has been read yet; ``words`` say what is being done."""

    words: str


class Connected(msgspec.Struct, frozen=True):
    """What is shown is as the daemon has it, up to ``seq``; ``writes`` are under way."""

    seq: int
    writes: int = 0


class Broken(msgspec.Struct, frozen=True):
    """The daemon cannot be reached; what is shown is as it was last. ``retry_at`` in milliseconds."""

    reason: str
    retry_at: int


Link = Starting | Connected | Broken


def banner(link: Link, now: int, cells: int) -> tuple[Line, tuple[Hint, ...]]:
    """The line that warns of a lost connection, empty while there is nothing to warn of; a click tries again."""
    if not isinstance(link, Broken):
        return (), ()
    left = max(0, -(-(link.retry_at - now) // 1000))
    when = f"trying again in {left} s" if left else "trying again now"
    parts: list[tuple[int, Line]] = [
        (1, (Span("✕ Connection lost", Tone.WARN),)),
        (0, (Span(when),)),
        (2, (Span("Ctrl+R", Tone.ACCENT), Span(" now"))),
        (3, (Span(plain(link.reason), Tone.DIM),)),
    ]
    return kept_whole(parts, cells, " · "), (Hint(0, cells, "reconnect"),)


def header(title: str, counted: Counts, link: Link, project: str, cells: int) -> Line:
    """Which screen it is, who needs you, what moves, what is stuck; items are dropped whole when there is no room."""
    left, right = _head_parts(title, counted, link, project), _link_parts(link, cells)
    while len(left) + len(right) > 2 and _needed(left) + 2 + _needed(right) > cells:
        side = max((left, right), key=lambda parts: max((rank for rank, _ in parts), default=-1))
        side.remove(max(side, key=lambda part: part[0]))
    return spread(joined(line for _, line in left), joined(line for _, line in right), cells)


def _needed(parts: list[tuple[int, Line]]) -> int:
    return cells_of(joined(line for _, line in parts))


def _head_parts(title: str, counted: Counts, link: Link, project: str) -> list[tuple[int, Line]]:
    parts: list[tuple[int, Line]] = [(0, (Span("maestro", Tone.ACCENT),))]
    if title:
        parts.append((2, (Span(title, Tone.STRONG),)))
    if project:
        parts.append((6, (Span(f"▸ {cut(plain(project), 24)}", Tone.STRONG),)))
    if isinstance(link, Starting):
        return parts
    verb = "needs you" if counted.need_you == 1 else "need you"
    numbers = (
        (2, counted.working, "●", "working", Tone.BUSY),
        (1, counted.need_you, "◐", verb, Tone.WARN),
        (4, counted.unseen, "◎", "unseen", Tone.ACCENT),
        (5, counted.idle, "○", "idle", Tone.PLAIN),
        (3, counted.failed, "✕", "failed", Tone.BAD),
    )
    shown = [(rank, _count(glyph, n, word, tone)) for rank, n, glyph, word, tone in numbers if n]
    return parts + (shown or [(3, (Span("no sessions", Tone.DIM),))])


def _count(glyph: str, number: int, word: str, tone: Tone) -> Line:
    return Span(glyph, tone), Span(f" {number} {word}")


def _link_parts(link: Link, cells: int) -> list[tuple[int, Line]]:
    match link:
        case Starting(words=words):
            return [(0, (Span(f"◌ {words}", Tone.DIM),))]
        case Broken():
            return [(0, (Span("✕ offline", Tone.BAD),))]
        case Connected(seq=seq, writes=writes):
            saving: list[tuple[int, Line]] = [(3, (Span("… saving", Tone.DIM),))] if writes else []
            number: list[tuple[int, Line]] = [(7, (Span(f"seq {seq}", Tone.DIM),))] if cells >= ROOMY else []
            return [*saving, (0, (Span("● ", Tone.GOOD), Span("connected"))), *number]


ON_LIVE = frozenset({"attach-to-session", "message-session", "stop-session"})
ON_ENDED = frozenset({"resume-session"})
ON_SOMETHING = frozenset({"go-to-details"})
ON_ASKING = frozenset({"answer", "answer-yes", "answer-no"})


def moot(session: Session | None, *, shown: bool, asked: bool, typed: bool) -> frozenset[str]:
    """The keys that would do nothing now: to a session that has ended or not, with nobody who asks; by name.

    ``shown`` where there is something to go on from, ``typed`` where Tab begins to type, and does not go to the next
    panel.
    """
    live = session is not None and session.status in LIVE_SESSION
    names = ON_ENDED if live else ON_LIVE if session is not None else ON_LIVE | ON_ENDED
    if not shown:
        names |= ON_SOMETHING
    if not asked:
        names |= ON_ASKING if live else ON_ASKING | {"answer-in-words"}
    return names | {"next-panel" if typed else "type-to-agent"}


def footer(
    where: Mode, panel: Panel, keymap: Keymap, cells: int, moot: frozenset[str] = frozenset()
) -> tuple[Line, tuple[Hint, ...]]:
    """The keys that matter under this panel, whole or not at all, and where a click asks for what."""
    keys = [key for key in footer_keys(where, panel) if key.name not in moot]
    room = list(keys)
    while room and sum(_hint_cells(keymap.shown(k), k.label) for k in room) + 2 * (len(room) - 1) > cells - 2:
        room.remove(max(room, key=lambda k: (k.rank or 0, keys.index(k))))
    parts: list[Line] = []
    hints: list[Hint] = []
    at = 1
    for key in room:
        end = at + _hint_cells(keymap.shown(key), key.label)
        parts.append((Span(keymap.shown(key), Tone.ACCENT), Span(f" {key.label}", Tone.DIM)))
        hints.append(Hint(at, end, key.action))
        at = end + 2
    return (Span(" "), *joined(parts)), tuple(hints)


def _hint_cells(shown: str, label: str) -> int:
    return width(shown) + 1 + width(label)


def tabs(current: Panel, waiting: int, cells: int) -> tuple[Line, tuple[Hint, ...]]:
    """The names of all panels in one line; only the current one, with arrows, when they do not fit."""
    names = {panel: f"{panel} {waiting}" if panel is Panel.INBOX and waiting else str(panel) for panel in MISSION}
    if sum(width(name) + 2 for name in names.values()) > cells:
        return (Span("◂ ", Tone.DIM), Span(names[current], Tone.ACCENT), Span(" ▸", Tone.DIM)), ()
    parts: list[Span] = []
    hints: list[Hint] = []
    at = 0
    for panel, name in names.items():
        end = at + width(name) + 2
        parts.append(Span(f" {name} ", Tone.ACCENT if panel is current else Tone.DIM))
        hints.append(Hint(at, end, f"panel('{panel.name}')"))
        at = end
    return tuple(parts), tuple(hints)
