"""The tree of projects and tasks: which row stands where, without building any row.

Siblings are kept sorted as changes come in; only branches that are open are looked at, so a hundred
thousand tasks cost no more than the screenful that is seen.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator

import msgspec

from maestrod.domain.changes import Change, Delete, Put
from maestrod.domain.model import PRIORITY_RANK, Project, Task, TaskStatus

ROOT = ""
"""The parent of projects."""

_OVER = frozenset({TaskStatus.COMPLETED, TaskStatus.CANCELLED})

Rank = tuple[int, int, int, int, str]


class Place(msgspec.Struct, frozen=True, gc=False):
    """One row: what stands there and how deep; ``children`` counts those that can be shown below it."""

    id: str
    depth: int
    children: int
    is_open: bool


class _Stretch(msgspec.Struct, frozen=True, gc=False):
    """Siblings without an open branch between them: ``count`` rows from ``first`` on, from ``row`` on."""

    row: int
    parent: str
    first: int
    count: int
    depth: int


class Outline:
    """Sorted siblings by parent, and which branches are open.

    Open work first: finished tasks sink to the end of their siblings; pinned, urgent and early ones
    rise. Archived tasks and projects are left out.
    """

    def __init__(self) -> None:
        self._children: dict[str, list[tuple[Rank, str]]] = {}
        self._known: dict[str, tuple[str, Rank]] = {}
        self._open: set[str] = set()
        self._closed_projects: set[str] = set()
        self._stretches: list[_Stretch] | None = None

    def __len__(self) -> int:
        stretches = self._laid()
        return stretches[-1].row + stretches[-1].count if stretches else 0

    # -- following -------------------------------------------------------------------------------

    def follow(self, change: Change) -> None:
        """Take a change of a task or a project."""
        match change:
            case Put(entity=Task() as task):
                shown = task.status is not TaskStatus.ARCHIVED
                self._put(task.id, task.parent_id or task.project_id, _task_rank(task) if shown else None)
            case Put(entity=Project() as project):
                if project.id not in self._known and project.id not in self._closed_projects:
                    self._open.add(project.id)
                shown = project.archived_at is None
                self._put(project.id, ROOT, _project_rank(project) if shown else None)
            case Put():
                return
            case Delete(id=id_):
                self._put(id_, ROOT, None)
                self._open.discard(id_)

    def _put(self, id_: str, parent: str, rank: Rank | None) -> None:
        known = self._known.get(id_)
        if known is not None and rank is not None and known == (parent, rank):
            return
        if known is not None:
            siblings = self._children[known[0]]
            del siblings[bisect_left(siblings, (known[1], id_))]
            if not siblings:
                del self._children[known[0]]
            del self._known[id_]
        if rank is not None:
            insort(self._children.setdefault(parent, []), (rank, id_))
            self._known[id_] = (parent, rank)
        self._stretches = None

    # -- opening ---------------------------------------------------------------------------------

    def is_open(self, id_: str) -> bool:
        """Whether the branch below it is shown."""
        return id_ in self._open

    def has_children(self, id_: str) -> bool:
        """Whether there is anything to show below it."""
        return id_ in self._children

    def unfold(self, id_: str) -> None:
        """Show the branch below it."""
        self._open.add(id_)
        self._closed_projects.discard(id_)
        self._stretches = None

    def fold(self, id_: str) -> None:
        """Hide the branch below it."""
        self._open.discard(id_)
        if self.parent(id_) == ROOT:
            self._closed_projects.add(id_)
        self._stretches = None

    def reveal(self, id_: str) -> None:
        """Open all that it stands in."""
        for _ in range(len(self._known)):
            parent = self.parent(id_)
            if not parent:
                return
            self.unfold(parent)
            id_ = parent

    def unfolded_alike(self) -> "Outline":
        """An empty one that has the same branches open."""
        twin = Outline()
        twin._open = set(self._open)
        twin._closed_projects = set(self._closed_projects)
        return twin

    # -- reading ---------------------------------------------------------------------------------

    def parent(self, id_: str) -> str:
        """The task or project that it stands in; empty for projects and what is not shown."""
        known = self._known.get(id_)
        return known[0] if known is not None else ROOT

    def at(self, row: int) -> Place:
        """What stands in a row.

        Raises:
            IndexError: there is no such row.
        """
        stretches = self._laid()
        if not 0 <= row < len(self):
            raise IndexError(row)
        stretch = stretches[bisect_right(stretches, row, key=lambda s: s.row) - 1]
        id_ = self._children[stretch.parent][stretch.first + row - stretch.row][1]
        return Place(id_, stretch.depth, len(self._children.get(id_, ())), id_ in self._open)

    def find(self, id_: str) -> int | None:
        """The row in which it stands, when it can be seen."""
        known = self._known.get(id_)
        if known is None:
            return None
        at = bisect_left(self._children[known[0]], (known[1], id_))
        for stretch in self._laid():
            if stretch.parent == known[0] and stretch.first <= at < stretch.first + stretch.count:
                return stretch.row + at - stretch.first
        return None

    def _laid(self) -> list[_Stretch]:
        if self._stretches is None:
            self._stretches = list(self._lay())
        return self._stretches

    def _lay(self) -> Iterator[_Stretch]:
        branches = self._open_branches()
        row = 0
        todo = [(ROOT, 0, 0)]
        while todo:
            parent, first, depth = todo.pop()
            siblings = self._children.get(parent, [])
            places = branches.get(parent, [])
            following = bisect_left(places, first)
            opened = places[following] if following < len(places) else None
            end = len(siblings) if opened is None else opened + 1
            if end > first:
                yield _Stretch(row, parent, first, end - first, depth)
                row += end - first
            if opened is not None:
                todo.append((parent, end, depth))
                todo.append((siblings[opened][1], 0, depth + 1))

    def _open_branches(self) -> dict[str, list[int]]:
        """By parent, where among its children the open branches stand."""
        found: dict[str, list[int]] = {}
        for id_ in self._open:
            known = self._known.get(id_)
            if known is not None and id_ in self._children:
                at = bisect_left(self._children[known[0]], (known[1], id_))
                found.setdefault(known[0], []).append(at)
        return {parent: sorted(places) for parent, places in found.items()}


def _project_rank(project: Project) -> Rank:
    return (0, 0, 0, 0, project.name.casefold())


def _task_rank(task: Task) -> Rank:
    over = int(task.status in _OVER)
    position = task.position if task.position is not None else 1 << 30
    return (over, int(not task.pinned), PRIORITY_RANK[task.priority], position, "")
