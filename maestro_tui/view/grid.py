"""All sessions: in the order in which they need attention, or as the tree of who started whom."""

from collections.abc import Iterator, Sequence

from maestro_tui.faces import since_of_session
from maestro_tui.lines import Line, Span, Tone, cropped
from maestro_tui.mirror import UNKNOWN, Mirror
from maestro_tui.moment import Moment, age
from maestro_tui.view.inbox import unseen
from maestro_tui.view.sessions import ended_sessions, face_in, inbox, session_line
from maestrod.domain.model import Noun, Session, SessionStatus

TILE = (36, 9)
"""Cells and lines below which a preview says nothing."""
PANE = (100, 30)
"""Cells and lines of a pane as agents draw it: what a preview should look like."""
MOST = 16
"""Previews at once: each is a stream."""

Order = list[tuple[str, int]]
"""Ids of sessions, and how deep they stand."""


def by_attention(mirror: Mirror) -> Order:
    """Those that need you, then those whose turn is over unseen, at work, idle, and ended ones, the newest first."""
    first = [*inbox(mirror), *unseen(mirror)]
    known = set(first)
    rest = [s for s in mirror.state.live_sessions() if s.id not in known]
    working = [s.id for s in rest if s.status is not SessionStatus.IDLE]
    idle = [s.id for s in rest if s.status is SessionStatus.IDLE]
    ended = [s.id for s in ended_sessions(mirror)]
    return [(id_, 0) for id_ in [*first, *working, *idle, *ended]]


def by_parents(mirror: Mirror) -> Order:
    """Each below the one that started it; siblings in the order of attention."""
    order = [id_ for id_, _ in by_attention(mirror)]
    known = set(order)
    below: dict[str, list[str]] = {}
    for id_ in order:
        parent = mirror.state.session(id_).parent_session_id or ""
        below.setdefault(parent if parent in known and parent != id_ else "", []).append(id_)
    found = list(_walked(below, "", 0))
    lost = known - {id_ for id_, _ in found}
    return [*found, *((id_, 0) for id_ in order if id_ in lost)]


def _walked(below: dict[str, list[str]], parent: str, depth: int) -> Iterator[tuple[str, int]]:
    todo = [(id_, depth) for id_ in reversed(below.pop(parent, []))]
    while todo:
        id_, deep = todo.pop()
        yield id_, deep
        todo += [(child, deep + 1) for child in reversed(below.pop(id_, []))]


class CrewRows:
    """Sessions as lines, indented by how deep they stand."""

    height = 1

    def __init__(self, mirror: Mirror, order: Order, moment: Moment) -> None:
        self._mirror = mirror
        self._order = order
        self._rows = {id_: at for at, (id_, _) in enumerate(order)}
        self._moment = moment

    def __len__(self) -> int:
        return len(self._order)

    def key(self, at: int) -> str:
        """The session's id."""
        return self._order[at][0]

    def find(self, key: str) -> int | None:
        """Its row."""
        return self._rows.get(key)

    def lines(self, at: int, cells: int) -> tuple[Line, ...]:
        """One line; a session that has gone since says so."""
        id_, depth = self._order[at]
        session = self._mirror.state.table(Noun.SESSION).get(id_)
        if not isinstance(session, Session):
            return ((Span("deleted", Tone.DIM),),)
        indent = min(2 * depth, cells // 3)
        branch = (Span(f"{' ' * (indent - 2)}└ ", Tone.DIM),) if indent >= 2 else ()
        line = session_line(self._mirror, session, self._moment.now, cells, indent=indent)
        return (cropped((*branch, *line), cells),)


def shape(cells: int, lines: int, number: int) -> tuple[int, int]:
    """Columns and rows of previews: as many as can be read, and of those shapes the one with the largest previews."""
    shapes = [
        (columns, _rows(lines, columns, number)) for columns in range(1, max(1, min(cells // TILE[0], number)) + 1)
    ]

    def worth(shape_: tuple[int, int]) -> tuple[int, float]:
        columns, rows = shape_
        return min(columns * rows, number), min(cells / columns / PANE[0], lines / rows / PANE[1])

    return max(shapes, key=worth)


def _rows(lines: int, columns: int, number: int) -> int:
    return max(1, min(lines // TILE[1], -(-number // columns), MOST // columns))


def page(order: Sequence[str], chosen: str, size: int) -> list[str]:
    """The previews of a page: the one on which the chosen session is."""
    at = order.index(chosen) if chosen in order else 0
    first = at - at % max(1, size)
    return list(order[first : first + size])


def tile_title(mirror: Mirror, session: Session, now: int) -> tuple[str, Tone]:
    """Who it is and what it does, and the tone of that."""
    face = face_in(mirror, session)
    since = since_of_session(session, mirror.live.get(session.id, UNKNOWN))
    return f"{face.glyph} {session.name} · {face.word} {age(now - since)}", face.tone
