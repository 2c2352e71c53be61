"""State → rows: everything that the screen says, pure. The faces of tasks and sessions are in ``faces``."""

from collections.abc import Iterable, Sequence
from itertools import islice

import msgspec

from maestro_tui.bindings import Panel
from maestro_tui.cells import cut, folded, pad, plain, width
from maestro_tui.faces import SESSIONS as SESSION_FACES
from maestro_tui.faces import face_of_entry, face_of_item, face_of_session, face_of_task, since_of_session
from maestro_tui.lines import Line, Span, Tone, cells_of, cropped, kept_whole, spread
from maestro_tui.mirror import UNKNOWN, Live, Mirror
from maestro_tui.moment import Moment, age, clock_words, span_of_time
from maestro_tui.outline import Outline, Place
from maestrod.domain.graph import descendants
from maestrod.domain.model import (
    LIVE_ASSIGNMENT,
    LIVE_SESSION,
    EntryType,
    Noun,
    Project,
    QueueItem,
    Session,
    SessionStatus,
    Task,
    TaskStatus,
    TimelineEntry,
)
from maestrod.domain.state import State

DAY_MS = 86_400_000
ENDED = 50
"""Ended sessions that the list still shows."""
ENTRIES = 60
"""Entries that a timeline shows."""
QUESTION = 2
"""Lines of a question that the inbox shows."""
FOUND = 500
"""Tasks that a search shows."""
NAME = 10
"""Cells that a session's name gets before the columns beside it."""
TITLE = 20
"""Cells of a long title that are worth more than the word beside it."""


# -- tasks --------------------------------------------------------------------------------------------


class TaskTree:
    """The tree of projects and tasks; a row is built when it is seen."""

    height = 1

    def __init__(self, state: State, outline: Outline) -> None:
        self._state = state
        self._outline = outline

    def __len__(self) -> int:
        return len(self._outline)

    def key(self, at: int) -> str:
        """The id of the project or task."""
        return self._outline.at(at).id

    def find(self, key: str) -> int | None:
        """Its row, when its branch is open."""
        return self._outline.find(key)

    def lines(self, at: int, cells: int) -> tuple[Line, ...]:
        """One line."""
        place = self._outline.at(at)
        entity = self._state.table(Noun.PROJECT).get(place.id) or self._state.table(Noun.TASK)[place.id]
        if isinstance(entity, Project):
            return (project_line(self._state, entity, place, cells),)
        assert isinstance(entity, Task)
        return (task_line(self._state, entity, place, cells),)


class FoundTasks:
    """The tasks that a search found, flat, with the project they are of."""

    height = 1

    def __init__(self, state: State, ids: Sequence[str]) -> None:
        self._state = state
        self._ids = ids
        self._rows = {id_: at for at, id_ in enumerate(ids)}

    def __len__(self) -> int:
        return len(self._ids)

    def key(self, at: int) -> str:
        """The task's id."""
        return self._ids[at]

    def find(self, key: str) -> int | None:
        """Its row."""
        return self._rows.get(key)

    def lines(self, at: int, cells: int) -> tuple[Line, ...]:
        """One line; a task that has gone since says so."""
        task = self._state.table(Noun.TASK).get(self._ids[at])
        if not isinstance(task, Task):
            return ((Span("deleted", Tone.DIM),),)
        return (task_line(self._state, task, None, cells),)


def no_tasks(mirror: Mirror) -> str:
    """What to do where there is nothing yet."""
    return "no tasks yet: n makes one" if mirror.state.table(Noun.PROJECT) else "no project: maestro init"


def find_tasks(state: State, words: str, *, most: int = FOUND, among: Sequence[str] | None = None) -> list[str]:
    """The tasks whose title or id has all the words, open ones first; at most that many.

    ``among`` narrows it to what a shorter search found, all of it.
    """
    wanted = words.casefold().split()
    over = {TaskStatus.COMPLETED, TaskStatus.CANCELLED, TaskStatus.ARCHIVED}
    found: list[str] = []
    ended: list[str] = []
    table = state.table(Noun.TASK)
    for task in table.values() if among is None else [table.get(id_) for id_ in among]:
        if isinstance(task, Task) and _has(f"{task.title} {task.id}".casefold(), wanted):
            (ended if task.status in over else found).append(task.id)
            if len(found) >= most:
                break
    return [*found, *ended][:most]


def find_sessions(state: State, words: str, *, most: int = FOUND) -> list[str]:
    """The sessions whose name, provider or id has all the words, newest first."""
    wanted = words.casefold().split()
    found: list[str] = []
    for id_ in state.ordered[Noun.SESSION].after(None, descending=True):
        session = state.session(id_)
        if _has(f"{session.name} {session.provider} {session.id}".casefold(), wanted):
            found.append(id_)
            if len(found) >= most:
                break
    return found


def spawnable(mirror: Mirror, project_id: str, first: Task | None, *, most: int = 50) -> list[Task]:
    """The tasks that an agent could be started on: the one in hand, then the ready ones, then the rest."""
    state = mirror.state
    ready = (state.task(id_) for id_ in state.groups["ready", project_id])
    begun = (state.task(id_) for id_ in state.groups["tasks", project_id, TaskStatus.IN_PROGRESS])
    chosen = [first] if first is not None and first.project_id == project_id else []
    found = {task.id: task for task in [*chosen, *islice(ready, most), *islice(begun, most)]}
    return list(found.values())[:most]


def _has(text: str, words: Iterable[str]) -> bool:
    return all(word in text for word in words)


def project_line(state: State, project: Project, place: Place, cells: int) -> Line:
    """Name, and how many of its tasks are done."""
    done, total = progress(state, project.id)
    left = (Span(_marker(place)), Span(plain(project.name), Tone.STRONG))
    return spread(left, (Span(f"{done}/{total}", Tone.DIM),) if total else (), cells)


def progress(state: State, project_id: str) -> tuple[int, int]:
    """Done and all tasks of a project; cancelled and archived ones do not count."""
    by_status = {s: len(state.groups["tasks", project_id, s]) for s in TaskStatus}
    left_out = by_status[TaskStatus.CANCELLED] + by_status[TaskStatus.ARCHIVED]
    return by_status[TaskStatus.COMPLETED], len(state.groups["tasks", project_id]) - left_out


def task_line(state: State, task: Task, place: Place | None, cells: int) -> Line:
    """Indent, glyph, urgency and title; the status as a word at the end where the title can still be read.

    Without a place it stands alone.
    """
    face = face_of_task(state, task)
    indent = "  " * min(place.depth - 1, max(0, cells // 6)) + _marker(place) if place is not None else ""
    over = task.status in {TaskStatus.COMPLETED, TaskStatus.CANCELLED}
    mark = {"high": "! ", "critical": "!! "}.get(task.priority, "") if not over else ""
    left = (
        Span(indent),
        Span(f"{face.glyph} ", face.tone),
        Span(mark, Tone.WARN),
        Span(plain(task.title), Tone.DIM if over else Tone.PLAIN),
    )
    room = cells - cells_of(left[:3]) - width(face.word) - 1
    right = (Span(face.word, Tone.DIM if face.tone is Tone.PLAIN else face.tone),)
    return spread(left, right, cells) if room >= min(TITLE, width(left[3].text)) else cropped(left, cells)


def _marker(place: Place) -> str:
    if not place.children:
        return "  "
    return "▾ " if place.is_open else "▸ "


# -- sessions -----------------------------------------------------------------------------------------


class Counts(msgspec.Struct, frozen=True):
    """How many sessions do what; failed ones count for a day."""

    working: int = 0
    need_you: int = 0
    idle: int = 0
    failed: int = 0


def counts(mirror: Mirror, now: int) -> Counts:
    """The sessions of all projects, each counted once."""
    need_you = working = idle = 0
    for session in mirror.state.live_sessions():
        if needs_you(session, mirror.live.get(session.id, UNKNOWN)):
            need_you += 1
        elif session.status is SessionStatus.IDLE:
            idle += 1
        else:
            working += 1
    ended = ended_sessions(mirror.state)
    failed = sum(s.status is SessionStatus.FAILED and now - (s.completed_at or 0) < DAY_MS for s in ended)
    return Counts(working, need_you, idle, failed)


class SessionRows:
    """Sessions as lines; ``asking`` adds what each one asks."""

    def __init__(self, mirror: Mirror, ids: Sequence[str], moment: Moment, *, asking: bool = False) -> None:
        self.height = 1 + QUESTION if asking else 1
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
        """One line, or those with the question; a session that has gone since says so."""
        session = self._mirror.state.table(Noun.SESSION).get(self._ids[at])
        if not isinstance(session, Session):
            return (Span("deleted", Tone.DIM),), *([()] * (self.height - 1))
        live = self._mirror.live.get(session.id, UNKNOWN)
        if self.height == 1:
            return (session_line(session, live, self._moment.now, cells),)
        return waiting_lines(session, live, self._moment.now, cells)


def needs_you(session: Session, live: Live) -> bool:
    """Whether a person should look: it asks, or gives no sign of life."""
    return session.status in LIVE_SESSION and (session.needs_input.active or live.process == "unreachable")


def inbox(mirror: Mirror) -> list[str]:
    """The sessions that need you, the longest waiting first."""
    live = mirror.live
    waiting = [s for s in mirror.state.live_sessions() if needs_you(s, live.get(s.id, UNKNOWN))]
    return [s.id for s in sorted(waiting, key=lambda s: (since_of_session(s, live.get(s.id, UNKNOWN)), s.id))]


def ended_sessions(state: State) -> list[Session]:
    """The newest of the sessions that have ended, newest first."""
    newest = (state.session(id_) for id_ in state.ordered[Noun.SESSION].after(None, descending=True))
    return list(islice((s for s in newest if s.status not in LIVE_SESSION), ENDED))


def session_order(mirror: Mirror) -> list[str]:
    """Those that need you, then the other live ones in the order they came, then the ended ones."""
    waiting = inbox(mirror)
    first = set(waiting)
    live = [s.id for s in mirror.state.live_sessions() if s.id not in first]
    return [*waiting, *live, *(s.id for s in ended_sessions(mirror.state))]


def session_line(session: Session, live: Live, now: int, cells: int) -> Line:
    """Glyph, name, state, age and provider; provider and age are dropped before the name gets too short."""
    face = face_of_session(session, live)
    name = plain(session.name)
    over = session.status not in LIVE_SESSION
    head = (Span(f"{face.glyph} ", face.tone), Span(name, Tone.DIM if over else Tone.PLAIN))
    columns = [
        Span(pad(face.word, 9), face.tone),
        Span(f" {age(now - since_of_session(session, live)):>4}", Tone.DIM),
        Span(f" {pad(plain(session.provider), 7)}", Tone.DIM),
    ]
    while len(columns) > 1 and cells - cells_of(columns) - 3 < NAME:
        columns.pop()
    return spread(head, tuple(columns), cells)


def waiting_lines(session: Session, live: Live, now: int, cells: int) -> tuple[Line, ...]:
    """Who waits and since when, and beneath it what is asked."""
    face = face_of_session(session, live)
    right = (Span(age(now - since_of_session(session, live)), Tone.WARN),)
    left = (
        Span(f"{face.glyph} ", face.tone),
        Span(plain(session.name), Tone.STRONG),
        Span(f"  {plain(session.provider)}", Tone.DIM),
    )
    asked = session.needs_input.message if session.needs_input.active else "no sign of life"
    lines = folded(asked or "waits for you", max(8, cells - 2), most=QUESTION + 1)
    if len(lines) > QUESTION:
        lines[QUESTION - 1] = cut(f"{lines[QUESTION - 1]} …", cells - 2)
    said = [(Span("  "), Span(line)) for line in lines[:QUESTION]]
    return spread(left, right, cells), *said, *([()] * (QUESTION - len(said)))


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


def what_deleting_loses(state: State, task: Task) -> list[str]:
    """In words, what goes when the task is deleted."""
    below = sum(1 for _ in descendants(state, task.id))
    attempts = sum(1 for _ in state.assignments_of_task(task.id))
    waiting = [plain(t.title) for t in state.dependents(task.id)]
    lost = [f"the task and {below} below it" if below else "the task, its checklist and its reports"]
    lost += [f"the record of {attempts} attempts"] if attempts else []
    return [*lost, f"no longer waited for by: {', '.join(waiting[:5])}"] if waiting else lost


# -- queue and timeline -------------------------------------------------------------------------------


class FixedRows:
    """Lines that are there already."""

    height = 1

    def __init__(self, rows: Sequence[tuple[str, Line]]) -> None:
        self._rows = rows
        self._places = {key: at for at, (key, _) in reversed(list(enumerate(rows)))}

    def __len__(self) -> int:
        return len(self._rows)

    def key(self, at: int) -> str:
        """What the line is about."""
        return self._rows[at][0]

    def find(self, key: str) -> int | None:
        """The first line about it."""
        return self._places.get(key)

    def lines(self, at: int, cells: int) -> tuple[Line, ...]:
        """The line."""
        return (cropped(self._rows[at][1], cells),)


def queue_title(state: State, session_id: str) -> str:
    """How far the queue is; empty when the session has none."""
    queue = state.queue_of(session_id)
    if queue is None:
        return ""
    items = state.items(session_id)
    over = sum(i.completed_at is not None for i in items)
    return f"{Panel.QUEUE} {over}/{len(items)}{' · paused' if queue.paused else ''}"


def queue_rows(state: State, session_id: str, cells: int) -> FixedRows:
    """The items of a queue in their order."""
    return FixedRows([(item.id, _item_line(state, item, cells)) for item in state.items(session_id)])


def _item_line(state: State, item: QueueItem, cells: int) -> Line:
    face = face_of_item(item)
    task = state.table(Noun.TASK).get(item.task_id)
    title = plain(task.title) if isinstance(task, Task) else item.task_id
    left = Span(f"{face.glyph} ", face.tone), Span(title)
    room = cells - 3 - width(face.word)
    return spread(left, (Span(face.word, face.tone),) if room >= min(TITLE, width(title)) else (), cells)


def timeline_rows(state: State, kind: str, about: str, moment: Moment, cells: int) -> FixedRows:
    """What was reported, newest first; ``kind`` is ``session`` or ``task``."""
    ids = islice(state.groups[f"{kind}-timeline", about].after(None, descending=True), ENTRIES)
    entries = (state.table(Noun.TIMELINE)[id_] for id_ in ids)
    told = [entry for entry in entries if isinstance(entry, TimelineEntry)]
    return FixedRows([(entry.id, line) for entry in told for line in _entry_lines(entry, moment, cells)])


def _entry_lines(entry: TimelineEntry, moment: Moment, cells: int) -> list[Line]:
    face = face_of_entry(entry)
    clock = Span(f"{clock_words(entry.created_at, moment)} ", Tone.DIM)
    told = plain(entry.message)
    said = "" if entry.type is EntryType.PROGRESS else face.word
    text = f"{said}: {told}" if said and told else said or told
    lines = folded(text, max(8, cells - 8), most=4) or [""]
    first: Line = (clock, Span(f"{face.glyph} ", face.tone), Span(lines[0]))
    return [first, *((Span(" " * 8), Span(line)) for line in lines[1:])]
