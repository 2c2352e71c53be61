"""Queues as rows: the sessions that have one, and the items of one as they are handed out."""

from collections.abc import Sequence

from maestro_tui.cells import plain
from maestro_tui.faces import Face, face_of_item
from maestro_tui.lines import Line, Span, Tone, cells_of, cropped, kept_whole, spread
from maestro_tui.mirror import Mirror
from maestro_tui.moment import Clock, Moment, age
from maestro_tui.view.sessions import face_in, session_order
from maestro_tui.view.words import fits, wanted
from maestrod.domain.model import ItemStatus, Noun, QueueItem, Session, Strategy, Task
from maestrod.domain.queues import in_order, processing
from maestrod.domain.state import State

PAUSED = Face("‖", "paused", Tone.WARN)
RUNS = Face("▷", "runs", Tone.GOOD)
EMPTY = Face("○", "empty", Tone.DIM)
URGENT = {"high": "! ", "critical": "!! "}
TITLE = 16
"""Cells of a task's title that are worth more than the words beside it."""


def queue_sessions(mirror: Mirror, words: str = "") -> list[str]:
    """The sessions that have a queue: who needs you, who lives, who has ended lately."""
    asked = wanted(words)
    found = (mirror.state.session(id_) for id_ in session_order(mirror))
    return [s.id for s in found if s.strategy is Strategy.QUEUE and fits(f"{s.name} {s.provider}", (s.id,), asked)]


def face_of_queue(state: State, session_id: str) -> Face:
    """Whether it hands out, and has anything to."""
    queue = state.queue_of(session_id)
    if queue is not None and queue.paused:
        return PAUSED
    return RUNS if processing(state, session_id) or in_order(state, session_id) else EMPTY


class QueueRows:
    """A queue in two lines: whose it is and how that one stands; how far it is and what is in process."""

    height = 2

    def __init__(self, mirror: Mirror, ids: Sequence[str]) -> None:
        self._mirror = mirror
        self._ids = ids
        self._places = {id_: at for at, id_ in enumerate(ids)}

    def __len__(self) -> int:
        return len(self._ids)

    def key(self, at: int) -> str:
        """The session's id."""
        return self._ids[at]

    def find(self, key: str) -> int | None:
        """Its row."""
        return self._places.get(key)

    def lines(self, at: int, cells: int) -> tuple[Line, ...]:
        """Both lines; a session that has gone since says so."""
        session = self._mirror.state.table(Noun.SESSION).get(self._ids[at])
        if not isinstance(session, Session):
            return (Span("deleted", Tone.DIM),), ()
        return queue_lines(self._mirror, session, cells)


def queue_lines(mirror: Mirror, session: Session, cells: int) -> tuple[Line, Line]:
    """The session with its state; the queue with its own."""
    state = mirror.state
    face, stands = face_in(mirror, session), face_of_queue(state, session.id)
    who: Line = (Span(f"{face.glyph} ", face.tone), Span(plain(session.name), Tone.STRONG))
    items = state.items(session.id)
    over = sum(item.completed_at is not None for item in items)
    now = processing(state, session.id)
    doing = (Span(f"▶ {_title(state, now)}", Tone.BUSY),) if now is not None else (Span(_next(state, session.id)),)
    about: Line = (Span("  "), Span(f"{over}/{len(items)} ", Tone.DIM), *doing)
    state_of_queue = (Span(f"{stands.glyph} {stands.word}", stands.tone),)
    lines = spread(who, (Span(face.word, face.tone),), cells), spread(about, state_of_queue, cells)
    return cropped(lines[0], cells), cropped(lines[1], cells)


def _next(state: State, session_id: str) -> str:
    row = in_order(state, session_id)
    return f"next: {_title(state, row[0])}" if row else "nothing waits"


def _title(state: State, item: QueueItem) -> str:
    task = state.table(Noun.TASK).get(item.task_id)
    return plain(task.title) if isinstance(task, Task) else plain(item.task_id)


class ItemRows:
    """What is in process, what comes in its order, and then what is over, the newest first."""

    height = 1

    def __init__(self, state: State, session_id: str, clock: Clock) -> None:
        now = processing(state, session_id)
        self._queued = in_order(state, session_id)
        over = [i for i in state.items(session_id) if i.status not in {ItemStatus.QUEUED, ItemStatus.PROCESSING}]
        over.sort(key=lambda item: -(item.completed_at or item.updated_at))
        self._items = [*([now] if now is not None else []), *self._queued, *over]
        self._first = 1 if now is not None else 0
        self._places = {item.id: at for at, item in enumerate(self._items)}
        self._state = state
        self._clock = clock

    def __len__(self) -> int:
        return len(self._items)

    def key(self, at: int) -> str:
        """The item's id."""
        return self._items[at].id

    def find(self, key: str) -> int | None:
        """Its row."""
        return self._places.get(key)

    def lines(self, at: int, cells: int) -> tuple[Line, ...]:
        """One line."""
        number = at - self._first + 1 if 0 <= at - self._first < len(self._queued) else None
        return (item_line(self._state, self._items[at], number, self._clock(), cells),)


def item_line(state: State, item: QueueItem, number: int | None, moment: Moment, cells: int) -> Line:
    """Its place among those to come, its sign and title; then its state, since when, and why it came back."""
    face = face_of_item(item)
    over = item.completed_at is not None
    left: Line = (
        Span(f"{face.glyph} ", face.tone),
        Span(f"{number:>3} " if number is not None else "    ", Tone.DIM),
        Span(URGENT.get(item.priority, "") if not over else "", Tone.WARN),
        Span(_title(state, item), Tone.DIM if over else Tone.STRONG if number is None else Tone.PLAIN),
    )
    since = item.completed_at or item.started_at
    told: list[tuple[int, Line]] = [(3, (Span(plain(item.fail_reason), Tone.DIM),))] if item.fail_reason else []
    if item.not_before is not None and item.not_before > moment.now:
        told.append((1, (Span(f"again in {age(item.not_before - moment.now)}", Tone.WARN),)))
    told.append((0, (Span(face.word, face.tone),)))
    told += [(2, (Span(age(moment.now - since), Tone.DIM),))] if since else []
    room = cells - min(cells_of(left), TITLE) - 1
    right = kept_whole(told, max(0, room), " · ")
    return cropped(spread(left, right, cells), cells)


def place_of(state: State, item: QueueItem) -> int | None:
    """Its place among those to come, from 0; nothing when it does not wait."""
    return next((at for at, each in enumerate(in_order(state, item.session_id)) if each.id == item.id), None)


def why_not_moved(state: State, item: QueueItem) -> str:
    """Why it has no other place."""
    return f"“{_title(state, item)}” is {item.status}; only what is queued has a place."


def what_skipping_does(item: QueueItem, name: str) -> list[str]:
    """In words, what becomes of the item's task."""
    if item.status is ItemStatus.PROCESSING:
        return [f"the attempt of {name} ends, what it did stays where it is", "the task goes back to do"]
    return [f"{name} does not get it; the task goes back to do when it was held for it"]


def pushable(state: State, session: Session, *, most: int = 500) -> list[Task]:
    """The open tasks of its project that do not wait in its queue, those that are ready first."""
    waiting = {item.task_id for item in state.items(session.id) if item.completed_at is None}
    todo = [state.task(id_) for id_ in state.groups["tasks", session.project_id, "todo"] if id_ not in waiting]
    return sorted(todo, key=lambda task: not state.is_ready(task))[:most]


def queues_line(mirror: Mirror, ids: Sequence[str], words: str) -> Line:
    """How many there are, and how many wait for their turn."""
    waiting = [number for id_ in ids if (number := len(in_order(mirror.state, id_)))]
    told = (
        f"{_number(sum(waiting), 'task')} to come in {_number(len(waiting), 'queue')}" if waiting else "nothing to come"
    )
    paused = sum(face_of_queue(mirror.state, id_) is PAUSED for id_ in ids)
    parts: list[tuple[int, Line]] = [(0, (Span(told, Tone.STRONG),))]
    parts += [(1, (Span(f"{PAUSED.glyph} {paused} paused", PAUSED.tone),))] if paused else []
    parts += [(2, (Span(f"“{plain(words)}” · Esc ends it", Tone.ACCENT),))] if words else []
    return kept_whole(parts, 1_000, "   ")


def _number(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
