"""The board: cards of tasks, by column."""

from collections.abc import Sequence
from itertools import islice

from maestro_tui.cells import cut, folded, plain
from maestro_tui.faces import face_of_task
from maestro_tui.lanes import COLUMNS, Cards, Column
from maestro_tui.lines import Line, Span, Tone, cells_of, cropped, joined, kept_whole
from maestro_tui.mirror import Mirror
from maestro_tui.moment import Clock, Moment, age
from maestro_tui.view.sessions import face_in
from maestro_tui.view.tasks import failed_attempts, failed_words
from maestrod.domain.model import LIVE_ASSIGNMENT, CheckStatus, Noun, Project, Session, Task, TaskStatus
from maestrod.domain.state import State

LEAST = 24
"""Cells of a column that can be read."""
TITLE = 2
"""Lines of a card's title."""


def shown_columns(cells: int, at: int) -> range:
    """The columns for which there is room, with the one at ``at`` among them."""
    room = max(1, min(len(COLUMNS), cells // LEAST))
    first = max(0, min(at - room // 2, len(COLUMNS) - room))
    return range(first, first + room)


def column_title(column: Column, number: int) -> str:
    """Its name, and how many cards stand in it."""
    return f"{column.title} {number}" if number else column.title


def projects(state: State) -> list[Project]:
    """Those whose tasks can be looked at alone, by name."""
    found = [p for p in state.table(Noun.PROJECT).values() if isinstance(p, Project) and p.archived_at is None]
    return sorted(found, key=lambda p: (p.name.casefold(), p.id))


class CardRows:
    """The cards of a column, each built when it is seen; ``of_all`` says of which project they are."""

    height = TITLE + 2

    def __init__(self, mirror: Mirror, ids: Sequence[str], clock: Clock, *, of_all: bool) -> None:
        self._mirror = mirror
        self._ids = ids
        self._clock = clock
        self._of_all = of_all
        self._rows = None if isinstance(ids, Cards) else {id_: at for at, id_ in enumerate(ids)}

    def __len__(self) -> int:
        return len(self._ids)

    def key(self, at: int) -> str:
        """The task's id."""
        return self._ids[at]

    def find(self, key: str) -> int | None:
        """Where its card stands."""
        if isinstance(self._ids, Cards):
            return self._ids.find(key)
        return self._rows.get(key) if self._rows is not None else None

    def lines(self, at: int, cells: int) -> tuple[Line, ...]:
        """The card."""
        task = self._mirror.state.table(Noun.TASK).get(self._ids[at])
        if not isinstance(task, Task):
            return (Span("deleted", Tone.DIM),), (), (), ()
        return card(self._mirror, task, self._clock(), cells, of_all=self._of_all)


def card(mirror: Mirror, task: Task, moment: Moment, cells: int, *, of_all: bool) -> tuple[Line, ...]:
    """Title in two lines, who works on it or what it waits for, and its marks; what does not fit is left out whole."""
    face = face_of_task(mirror.state, task)
    over = task.status in {TaskStatus.COMPLETED, TaskStatus.CANCELLED}
    urgent = {"high": "! ", "critical": "!! "}.get(task.priority, "") if not over else ""
    head: Line = (Span(f"{face.glyph} ", face.tone), Span(urgent, Tone.WARN))
    room = max(4, cells - cells_of(head))
    told = folded(task.title, room, most=TITLE + 1) or [""]
    if len(told) > TITLE:
        told[TITLE - 1] = cut(f"{told[TITLE - 1]} …", room)
    tone = Tone.DIM if over else Tone.STRONG
    title = [(*head, Span(told[0], tone)), (Span(" " * cells_of(head)), Span(told[1], tone)) if len(told) > 1 else ()]
    rest = [
        _doing(mirror, task, moment, max(1, cells - 2)),
        _marks(mirror.state, task, moment, max(1, cells - 2), of_all=of_all),
    ]
    lines = [*title, *((Span("  "), *line) if line else () for line in rest)]
    if not lines[1]:
        lines = [lines[0], *lines[2:], ()]
    return tuple(cropped(line, cells) for line in lines)


def _doing(mirror: Mirror, task: Task, moment: Moment, cells: int) -> Line:
    if task.status is TaskStatus.BLOCKED and task.blocked_reason:
        return cropped((Span(plain(task.blocked_reason), Tone.BAD),), cells)
    workers = [_worker(mirror, session) for session in _sessions(mirror.state, task)]
    if workers:
        return kept_whole(list(enumerate(workers)), cells) or cropped(workers[0], cells)
    return cropped(_reason(mirror.state, task, moment), cells)


def _worker(mirror: Mirror, session: Session) -> Line:
    face = face_in(mirror, session)
    return Span(f"{face.glyph} ", face.tone), Span(plain(session.name))


def _sessions(state: State, task: Task) -> list[Session]:
    live = (a for a in state.assignments_of_task(task.id) if a.status in LIVE_ASSIGNMENT)
    found = (state.table(Noun.SESSION).get(a.session_id) for a in live)
    return [session for session in found if isinstance(session, Session)]


def _reason(state: State, task: Task, moment: Moment) -> Line:
    blockers = list(islice(state.blockers(task), 1)) if task.status is TaskStatus.TODO else []
    if blockers:
        return Span("waits for ", Tone.DIM), Span(plain(blockers[0].title), Tone.DIM)
    word = face_of_task(state, task).word
    return (Span(f"{word} {age(moment.now - task.completed_at)} ago" if task.completed_at else word, Tone.DIM),)


def _marks(state: State, task: Task, moment: Moment, cells: int, *, of_all: bool) -> Line:
    failed = failed_attempts(state, task)
    parts: list[tuple[int, Line]] = [(0, (Span(failed_words(failed), Tone.BAD),))] if failed else []
    if task.due_at is not None and task.status not in {TaskStatus.COMPLETED, TaskStatus.CANCELLED}:
        late = task.due_at < moment.now
        words = f"late {age(moment.now - task.due_at)}" if late else f"due in {age(task.due_at - moment.now)}"
        parts.append((0, (Span(words, Tone.BAD if late else Tone.WARN),)))
    if task.checks:
        parts.append((1, checks_mark(state, task)))
    below = sum(1 for _ in state.children(task.id))
    parts += [(2, (Span(f"▸{below}", Tone.DIM),))] if below else []
    parts += [(3 + n, (Span(f"#{plain(label)}", Tone.ACCENT),)) for n, label in enumerate(task.labels)]
    project = state.table(Noun.PROJECT).get(task.project_id) if of_all else None
    parts += [(2, (Span(plain(project.name), Tone.DIM),))] if isinstance(project, Project) else []
    return kept_whole(parts, cells)


def checks_mark(state: State, task: Task) -> Line:
    """How its checks went when they last ran: as many as there are, and what became of them."""
    runs = {check.command: check.status for check in state.checks(task.id)}
    known = [runs[command] for command in task.checks if command in runs]
    total = len(task.checks)
    if any(status is CheckStatus.RUNNING for status in known):
        return (Span(f"… checks {total}", Tone.BUSY),)
    passed = sum(status is CheckStatus.PASSED for status in known)
    if len(known) == total and passed == total:
        return (Span(f"✓ checks {total}", Tone.GOOD),)
    if len(known) > passed:
        return (Span(f"✕ checks {passed}/{total}", Tone.BAD),)
    return (Span(f"· checks {total}", Tone.DIM),)


def board_line(state: State, project_id: str, words: str, counts: Sequence[int], shown: range) -> Line:
    """Of which project the cards are, what they were searched for, and what stands in columns that are not seen."""
    project = state.table(Noun.PROJECT).get(project_id)
    name = plain(project.name) if isinstance(project, Project) else "all projects"
    parts: list[Line] = [(Span("▸ ", Tone.DIM), Span(name, Tone.STRONG))]
    if words:
        number = sum(counts) or "nothing"
        parts.append((Span(f"“{plain(words)}” ", Tone.ACCENT), Span(f"{number} found · Esc ends it", Tone.DIM)))
    hidden = [column_title(column, counts[at]) for at, column in enumerate(COLUMNS) if at not in shown and counts[at]]
    parts += [(Span(f"also: {' · '.join(hidden)}", Tone.DIM),)] if hidden else []
    return joined(parts, "   ")
