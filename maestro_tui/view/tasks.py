"""Tasks as rows: the tree, what a search found, one line of one task."""

from collections.abc import Sequence
from itertools import islice

from maestro_tui.cells import plain, width
from maestro_tui.faces import READY, Face, face_of_task
from maestro_tui.lines import Line, Span, Tone, cells_of, spread
from maestro_tui.mirror import Mirror
from maestro_tui.outline import Outline, Place
from maestro_tui.view.words import FOUND, fits, has_all, wanted
from maestrod.domain.graph import descendants
from maestrod.domain.model import LIVE_ASSIGNMENT, AssignmentStatus, Noun, Project, Task, TaskStatus
from maestrod.domain.state import State

TITLE = 20
"""Cells of a long title that are worth more than the word beside it."""
WAITABLE = 50
"""Tasks that are offered to be waited for."""
OPEN = (TaskStatus.IN_PROGRESS, TaskStatus.IN_REVIEW, TaskStatus.BLOCKED, TaskStatus.TODO)


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
    return "no tasks yet: n makes one" if mirror.state.table(Noun.PROJECT) else "no project yet: P makes one"


def find_tasks(state: State, words: str, *, most: int = FOUND, among: Sequence[str] | None = None) -> list[str]:
    """The tasks whose title has all the words, open ones first, then those that are meant by their id; at most so many.

    ``among`` narrows it to what a shorter search found, all of it.
    """
    asked = wanted(words)
    over = {TaskStatus.COMPLETED, TaskStatus.CANCELLED, TaskStatus.ARCHIVED}
    found: list[str] = []
    ended: list[str] = []
    meant: list[str] = []
    table = state.table(Noun.TASK)
    for task in table.values() if among is None else [table.get(id_) for id_ in among]:
        if not isinstance(task, Task):
            continue
        if has_all(task.title, asked):
            (ended if task.status in over else found).append(task.id)
            if len(found) >= most:
                break
        elif fits(task.title, (task.id,), asked):
            meant.append(task.id)
    return [*found, *ended, *meant][:most]


def spawnable(mirror: Mirror, project_id: str, first: Task | None, *, most: int = 50) -> list[Task]:
    """The tasks that an agent could be started on: the one in hand, then the ready ones, then the rest."""
    state = mirror.state
    ready = (state.task(id_) for id_ in state.groups["ready", project_id])
    begun = (state.task(id_) for id_ in state.groups["tasks", project_id, TaskStatus.IN_PROGRESS])
    chosen = [first] if first is not None and first.project_id == project_id else []
    found = {task.id: task for task in [*chosen, *islice(ready, most), *islice(begun, most)]}
    return list(found.values())[:most]


def waitable(state: State, project_id: str, words: str, chosen: Sequence[str] = (), *, of: str = "") -> list[Task]:
    """The open tasks of a project that a task (``of``) could wait for: those that are chosen, then what is found."""
    known = state.table(Noun.TASK)
    first = [task for id_ in chosen if isinstance(task := known.get(id_), Task) and task.project_id == project_id]
    among = [id_ for status in OPEN for id_ in state.groups["tasks", project_id, status]]
    found = (state.task(id_) for id_ in find_tasks(state, words, most=WAITABLE, among=among))
    return [*first, *(task for task in found if task.id != of and task.id not in chosen)]


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

    Attempts that failed are told there too, shorter where there is less room.

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
    room, title = cells - cells_of(left[:3]) - 1, width(left[3].text)
    ends = _ends(state, task, face)
    right = next((words for words, least in ends if cells_of(words) + min(least, title) <= room), ())
    return spread(left, right, cells)


def _ends(state: State, task: Task, face: Face) -> list[tuple[Line, int]]:
    """What may stand at the end of the row, the longest first, and the cells of a long title that it leaves."""
    word = Span(face.word, Tone.DIM if face.tone is Tone.PLAIN else face.tone)
    failed = failed_attempts(state, task)
    if not failed:
        return [((word,), TITLE)]
    told, short = Span(failed_words(failed), Tone.BAD), Span(f"✕{failed}", Tone.BAD)
    whole = [(told,)] if face is READY else [(told, Span(" · ", Tone.DIM), word), (short, Span(" "), word)]
    return [*((line, TITLE) for line in whole), ((short,), TITLE // 2)]


def failed_attempts(state: State, task: Task) -> int:
    """How many attempts at a task failed that is to do, like a new one, and that nobody is on now."""
    if task.status is not TaskStatus.TODO:
        return 0
    found = [attempt.status for attempt in state.assignments_of_task(task.id)]
    return 0 if any(status in LIVE_ASSIGNMENT for status in found) else found.count(AssignmentStatus.FAILED)


def failed_words(number: int) -> str:
    """How often it was tried in vain."""
    return f"✕ failed {({1: 'once', 2: 'twice'}).get(number, f'{number} times')}"


def _marker(place: Place) -> str:
    if not place.children:
        return "  "
    return "▾ " if place.is_open else "▸ "


def what_deleting_loses(state: State, task: Task) -> list[str]:
    """In words, what goes when the task is deleted."""
    below = sum(1 for _ in descendants(state, task.id))
    attempts = sum(1 for _ in state.assignments_of_task(task.id))
    waiting = [plain(t.title) for t in state.dependents(task.id)]
    lost = [f"the task and {below} below it" if below else "the task, its checklist and its reports"]
    lost += [f"the record of {attempts} attempts"] if attempts else []
    return [*lost, f"no longer waited for by: {', '.join(waiting[:5])}"] if waiting else lost
