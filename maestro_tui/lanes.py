"""Tasks by the column of the board in which they stand, kept sorted as they change."""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from maestrod.domain.changes import Change, Put
from maestrod.domain.model import PRIORITY_RANK, Noun, Task, TaskStatus

LATE = 1 << 60


class Column(msgspec.Struct, frozen=True):
    """A column: what people call it, what stands in it, what a card becomes there, and the words for none."""

    title: str
    statuses: frozenset[TaskStatus]
    becomes: TaskStatus
    words: str


COLUMNS = (
    Column("To do", frozenset({TaskStatus.TODO}), TaskStatus.TODO, "nothing to do: n makes a task"),
    Column("In progress", frozenset({TaskStatus.IN_PROGRESS}), TaskStatus.IN_PROGRESS, "nothing is worked on"),
    Column("In review", frozenset({TaskStatus.IN_REVIEW}), TaskStatus.IN_REVIEW, "nothing to review"),
    Column("Done", frozenset({TaskStatus.COMPLETED, TaskStatus.CANCELLED}), TaskStatus.COMPLETED, "nothing done yet"),
    Column("Blocked", frozenset({TaskStatus.BLOCKED}), TaskStatus.BLOCKED, "nothing is blocked"),
)
"""From left to right. Archived tasks are on no board."""

_PLACES = {status: at for at, column in enumerate(COLUMNS) for status in column.statuses}

Rank = tuple[int, int, int, int, int]
Lane = list[tuple[Rank, str]]
Home = tuple[str, int]


def column_of(task: Task) -> int | None:
    """The column in which the task stands."""
    return _PLACES.get(task.status)


class Lanes:
    """The cards of every column, of one project and of all; all projects are the project without a name.

    Open work stands by urgency, what is done by when it was, the newest first.
    """

    def __init__(self, tasks: Iterable[Task] = ()) -> None:
        self._lanes: dict[Home, Lane] = {}
        self._known: dict[str, tuple[str, int, Rank]] = {}
        for task in tasks:
            if (at := column_of(task)) is not None:
                rank = _rank(task)
                self._known[task.id] = (task.project_id, at, rank)
                for home in _homes(task.project_id, at):
                    self._lanes.setdefault(home, []).append((rank, task.id))
        for lane in self._lanes.values():
            lane.sort()

    def follow(self, change: Change) -> None:
        """Take a change."""
        if change.noun is not Noun.TASK:
            return
        known = self._known.pop(change.id, None)
        if known is not None:
            for home in _homes(known[0], known[1]):
                lane = self._lanes[home]
                del lane[bisect_left(lane, (known[2], change.id))]
        if isinstance(change, Put) and isinstance(change.entity, Task):
            self._put(change.entity)

    def _put(self, task: Task) -> None:
        at = column_of(task)
        if at is None:
            return
        rank = _rank(task)
        self._known[task.id] = (task.project_id, at, rank)
        for home in _homes(task.project_id, at):
            insort(self._lanes.setdefault(home, []), (rank, task.id))

    def cards(self, project_id: str, at: int) -> "Cards":
        """The ids of a column."""
        return Cards(self._lanes.get((project_id, at), []), self._known)

    def found(self, ids: Iterable[str], project_id: str) -> list[list[str]]:
        """Those of the ids that are of the project, by column and in its order."""
        columns: list[Lane] = [[] for _ in COLUMNS]
        for id_ in ids:
            known = self._known.get(id_)
            if known is not None and project_id in {"", known[0]}:
                columns[known[1]].append((known[2], id_))
        return [[id_ for _, id_ in sorted(lane)] for lane in columns]


class Cards(Sequence[str]):
    """A column as it is now, without a copy of it."""

    def __init__(self, lane: Lane, known: dict[str, tuple[str, int, Rank]]) -> None:
        self._lane = lane
        self._known = known

    def __len__(self) -> int:
        return len(self._lane)

    def __getitem__(self, at: int) -> str:  # type: ignore[override]
        return self._lane[at][1]

    def find(self, id_: str) -> int | None:
        """Where it stands."""
        known = self._known.get(id_)
        if known is None:
            return None
        at = bisect_left(self._lane, (known[2], id_))
        return at if at < len(self._lane) and self._lane[at][1] == id_ else None


def _homes(project_id: str, at: int) -> Iterator[Home]:
    yield project_id, at
    yield "", at


def _rank(task: Task) -> Rank:
    if task.status in {TaskStatus.COMPLETED, TaskStatus.CANCELLED}:
        return (-(task.completed_at or task.updated_at), 0, 0, 0, 0)
    position = task.position if task.position is not None else LATE
    due = task.due_at if task.due_at is not None else LATE
    return (int(not task.pinned), PRIORITY_RANK[task.priority], position, due, task.created_at)
