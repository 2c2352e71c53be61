"""Sessions as rows, and what is known of one."""

from collections.abc import Sequence

import msgspec

from maestro_tui.cells import pad, plain
from maestro_tui.faces import SESSIONS as SESSION_FACES
from maestro_tui.faces import Face, face_of_session, since_of_session
from maestro_tui.lines import Line, Span, Tone, cells_of, kept_whole, spread
from maestro_tui.mirror import UNKNOWN, Live, Mirror
from maestro_tui.moment import Moment, age, span_of_time
from maestrod.domain.model import LIVE_ASSIGNMENT, LIVE_SESSION, Noun, Session, SessionStatus

DAY_MS = 86_400_000
ENDED = 50
"""Ended sessions that the list still shows."""
NAME = {2: 10, 3: 20}
"""Cells that a session's name gets before so many columns stand beside it."""


class Counts(msgspec.Struct, frozen=True):
    """How many sessions do what; failed ones count for a day."""

    working: int = 0
    need_you: int = 0
    idle: int = 0
    failed: int = 0
    unseen: int = 0


def counts(mirror: Mirror, now: int) -> Counts:
    """The sessions of all projects, each counted once."""
    need_you = working = idle = unseen = 0
    for session in mirror.state.live_sessions():
        if needs_you(session, mirror.live.get(session.id, UNKNOWN)):
            need_you += 1
        elif mirror.is_unseen(session):
            unseen += 1
        elif session.status is SessionStatus.IDLE:
            idle += 1
        else:
            working += 1
    ended = ended_sessions(mirror)
    failed = sum(s.status is SessionStatus.FAILED and now - (s.completed_at or 0) < DAY_MS for s in ended)
    return Counts(working, need_you, idle, failed, unseen)


class SessionRows:
    """Sessions as lines."""

    height = 1

    def __init__(self, mirror: Mirror, ids: Sequence[str], moment: Moment) -> None:
        self._mirror = mirror
        self._ids = ids
        self._rows = {id_: at for at, id_ in enumerate(ids)}
        self._moment = moment

    def __len__(self) -> int:
        return len(self._ids)

    def key(self, at: int) -> str:
        """The session's id."""
        return self._ids[at]

    def find(self, key: str) -> int | None:
        """Its row."""
        return self._rows.get(key)

    def lines(self, at: int, cells: int) -> tuple[Line, ...]:
        """One line; a session that has gone since says so."""
        session = self._mirror.state.table(Noun.SESSION).get(self._ids[at])
        if not isinstance(session, Session):
            return ((Span("deleted", Tone.DIM),),)
        return (session_line(self._mirror, session, self._moment.now, cells),)


def needs_you(session: Session, live: Live) -> bool:
    """Whether a person should look: it asks, or gives no sign of life."""
    return session.status in LIVE_SESSION and (session.needs_input.active or live.process == "unreachable")


def inbox(mirror: Mirror) -> list[str]:
    """The sessions that need you, the longest waiting first."""
    live = mirror.live
    waiting = [s for s in mirror.state.live_sessions() if needs_you(s, live.get(s.id, UNKNOWN))]
    return [s.id for s in sorted(waiting, key=lambda s: (since_of_session(s, live.get(s.id, UNKNOWN)), s.id))]


def ended_sessions(mirror: Mirror) -> list[Session]:
    """The sessions that ended last, the last first."""
    return [mirror.state.session(id_) for id_ in mirror.ended.newest(ENDED)]


def session_order(mirror: Mirror) -> list[str]:
    """Those that need you, then the other live ones in the order they came, then the ended ones."""
    waiting = inbox(mirror)
    first = set(waiting)
    live = [s.id for s in mirror.state.live_sessions() if s.id not in first]
    return [*waiting, *live, *(s.id for s in ended_sessions(mirror))]


def face_in(mirror: Mirror, session: Session) -> Face:
    """The face of a session, with all that is known of it."""
    live = mirror.live.get(session.id, UNKNOWN)
    return face_of_session(session, live, unseen=mirror.is_unseen(session))


def session_line(mirror: Mirror, session: Session, now: int, cells: int, *, indent: int = 0) -> Line:
    """Glyph, name, state, age and provider; provider and age are dropped before the name gets too short.

    The row begins behind the indent; the columns are those of rows without one.
    """
    face, live = face_in(mirror, session), mirror.live.get(session.id, UNKNOWN)
    name = plain(session.name)
    over = session.status not in LIVE_SESSION
    head = (Span(f"{face.glyph} ", face.tone), Span(name, Tone.DIM if over else Tone.PLAIN))
    columns = [
        Span(pad(face.word, 9), face.tone),
        Span(f" {age(now - since_of_session(session, live)):>4}", Tone.DIM),
        Span(f" {pad(plain(session.provider), 7)}", Tone.DIM),
    ]
    while len(columns) > 1 and cells - cells_of(columns) - 3 < NAME[len(columns)]:
        columns.pop()
    return spread(head, tuple(columns), cells - indent)


def session_title(session: Session, live: Live, now: int, cells: int) -> Line:
    """What is known of the session shown: state and age first, then items that are dropped whole."""
    face = face_of_session(session, live)
    lasted = span_of_time(now - since_of_session(session, live))
    parts: list[tuple[int, Line]] = [(0, (Span(f"{face.glyph} {face.word} {lasted}", face.tone),))]
    more = (session.provider, session.model, session.role, session.strategy, session.permission_mode)
    parts += [(rank, (Span(plain(text), Tone.DIM),)) for rank, text in enumerate(more, start=1) if text]
    parts += [(9, (Span(plain(live.tool), Tone.DIM),))] if live.tool else []
    parts += [(1, (Span("r brings it back", Tone.DIM),))] if session.status not in LIVE_SESSION else []
    return kept_whole(parts, cells, " · ")


def pane_words(session: Session) -> str:
    """What stands in the place of a pane until it is drawn, or because there is none."""
    if session.status in LIVE_SESSION:
        return "" if session.pane is not None else "no terminal yet: it is starting"
    how = ""
    if session.exit is not None:
        by = f"signal {session.exit.signal}" if session.exit.signal else f"exit code {session.exit.code}"
        how = f" · {plain(session.exit.reason) or by}"
    return f"{SESSION_FACES[session.status].word}{how} · r brings it back"


def what_stopping_loses(mirror: Mirror, session: Session) -> list[str]:
    """In words, what ends when the session is stopped."""
    state = mirror.state
    open_ = [a for a in state.assignments_of_session(session.id) if a.status in LIVE_ASSIGNMENT]
    titles = [plain(state.task(a.task_id).title) for a in open_ if a.task_id in state.table(Noun.TASK)]
    lost = [f"its attempt at “{title}” ends without a report" for title in titles[:8]]
    queued = sum(i.status.value == "queued" for i in state.items(session.id))
    lost += [f"{queued} queued tasks are not started by it"] if queued else []
    return lost or ["no attempt is open; nothing is lost but the terminal"]
