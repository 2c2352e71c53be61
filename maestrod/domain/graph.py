"""The two graphs of tasks: parents and dependencies. Neither may have a cycle.

Waves, critical path and cycles are looked for in time that grows with the number of links, not faster.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import msgspec

from maestrod.domain.errors import Invalid
from maestrod.domain.model import OVER_TASK, Task
from maestrod.domain.state import State

NEW = "(the new task)"
_NAMED = 8


def descendants(state: State, task_id: str) -> Iterator[Task]:
    """Child tasks and theirs, parents before children."""
    found = list(state.children(task_id))
    for task in found:
        yield task
        found += state.children(task.id)


def ancestors(state: State, parent_id: str | None) -> Iterator[Task]:
    """The parent, its parent, and so on."""
    while parent_id is not None:
        task = state.task(parent_id)
        yield task
        parent_id = task.parent_id


def path(start: Iterable[str], goal: str, following: Callable[[str], Iterable[str]]) -> list[str] | None:
    """A shortest way from one of ``start`` to ``goal``, both ends included; None when there is none."""
    came_from: dict[str, str | None] = dict.fromkeys(start)
    waiting = list(came_from)
    for id_ in waiting:
        if id_ == goal:
            return _way(came_from, goal)
        for following_id in following(id_):
            if following_id not in came_from:
                came_from[following_id] = id_
                waiting.append(following_id)
    return None


def _way(came_from: dict[str, str | None], goal: str) -> list[str]:
    way: list[str] = []
    at: str | None = goal
    while at is not None:
        way.append(at)
        at = came_from[at]
    return way[::-1]


def refuse_parent_cycle(state: State, task: Task, parent_id: str | None) -> None:
    """Raises: Invalid: the task would be its own ancestor; the path is named."""
    way: list[str] = []
    for above in ancestors(state, parent_id):
        way.append(above.id)
        if above.id == task.id:
            _refuse("parentId", "makes a cycle", state, [task.id, *way])


def refuse_dependency_cycle(state: State, task: Task, dependencies: Iterable[str]) -> None:
    """Raises: Invalid: the task would wait for itself; the path is named."""
    way = path(dependencies, task.id, lambda id_: state.task(id_).dependencies)
    if way is not None:
        _refuse("dependencies", "make a cycle", state, [task.id, *way])


def refuse_kin(state: State, task: Task | None, parent_id: str | None, dependencies: tuple[str, ...]) -> None:
    """Raises: Invalid: a task of this family would wait for its own ancestor or descendant.

    ``task`` is the one that changes, or None for a new one, which nobody can wait for yet.
    """
    if task is None:
        above = {t.id for t in ancestors(state, parent_id)} if dependencies else set()
        _refuse_links(state, [(NEW, dependencies)], above)
        return
    below = {t.id: t.dependencies for t in descendants(state, task.id)}
    family = {task.id: dependencies, **below}
    elders = {t.id: t.dependencies for t in ancestors(state, parent_id)}
    _refuse_links(state, [(task.id, dependencies)], below.keys())
    _refuse_links(state, family.items(), elders.keys())
    _refuse_links(state, elders.items(), family.keys())


def _refuse_links(state: State, waiting: Iterable[tuple[str, tuple[str, ...]]], kin: Iterable[str]) -> None:
    named = frozenset(kin)
    for id_, waited in waiting:
        found = next((d for d in waited if d in named), None)
        if found is not None:
            _refuse("dependencies", "name an ancestor or descendant", state, [id_, found])


def _refuse(field: str, what: str, state: State, ids: list[str]) -> None:
    shown = [id_ if id_ == NEW else f"{id_} ({state.task(id_).title})" for id_ in ids]
    if len(shown) > _NAMED:
        left_out = f"… {len(shown) - _NAMED} more …"
        shown = [*shown[: _NAMED // 2], left_out, *shown[-_NAMED // 2 :]]
    raise Invalid.field(field, f"{what}: {' → '.join(shown)}", hint="Leave one of these links out.")


# -- the whole of a project ---------------------------------------------------------------------------

Links = Mapping[str, Sequence[str]]
"""What each waits for."""


class Waiting(msgspec.Struct, frozen=True, rename="camel"):
    """A task that cannot be started, and what it waits for."""

    id: str
    blocked_by: tuple[str, ...]


class Plan(msgspec.Struct, frozen=True, rename="camel"):
    """The open tasks of a project by their dependencies.

    ``waves``: those of a wave wait only for those of earlier ones. ``critical_path`` is a longest chain, first task
    first. ``ready`` may be started now. ``stuck`` wait, through whatever chain, for what was given up.
    """

    waves: tuple[tuple[str, ...], ...]
    critical_path: tuple[str, ...]
    ready: tuple[str, ...]
    blocked: tuple[Waiting, ...]
    stuck: tuple[str, ...]


def plan(state: State, project_id: str) -> Plan:
    """What can be done when; tasks that are completed, cancelled or archived are left out."""
    open_ = {t.id: t for t in map(state.task, state.groups["tasks", project_id]) if t.status not in OVER_TASK}
    waits = {id_: [b.id for b in state.blockers(task)] for id_, task in open_.items()}
    found = waves(waits)
    planned = {id_ for wave in found for id_ in wave}
    return Plan(
        waves=tuple(tuple(wave) for wave in found),
        critical_path=tuple(critical_path(waits, found)),
        ready=tuple(state.groups["ready", project_id]),
        blocked=tuple(Waiting(id_, tuple(blockers)) for id_, blockers in waits.items() if blockers),
        stuck=tuple(id_ for id_ in waits if id_ not in planned),
    )


def waves(waits: Links) -> list[list[str]]:
    """Those that wait for nothing, then those that wait only for these, and so on.

    Those that wait for what is not there, or for themselves, are in none.
    """
    left = {id_: len(waited) for id_, waited in waits.items()}
    following = _followers(waits)
    wave = [id_ for id_, count in left.items() if not count]
    found: list[list[str]] = []
    while wave:
        found.append(wave)
        coming: list[str] = []
        for id_ in wave:
            for after in following.get(id_, ()):
                left[after] -= 1
                if not left[after]:
                    coming.append(after)
        wave = sorted(coming)
    return found


def _followers(waits: Links) -> dict[str, list[str]]:
    following: dict[str, list[str]] = {}
    for id_, waited in waits.items():
        for before in waited:
            following.setdefault(before, []).append(id_)
    return following


def critical_path(waits: Links, found: list[list[str]]) -> list[str]:
    """A longest chain through the waves; of several the one whose tasks came first."""
    number = {id_: depth for depth, wave in enumerate(found) for id_ in wave}
    way = [min(found[-1])] if found else []
    while way and (depth := number[way[-1]]):
        way.append(min(before for before in waits[way[-1]] if number[before] == depth - 1))
    return way[::-1]


def cycle(waits: Links) -> list[str] | None:
    """A way that ends where it begins, the first id at both ends; None when there is none."""
    planned = {id_ for wave in waves({id_: [w for w in ws if w in waits] for id_, ws in waits.items()}) for id_ in wave}
    at = next((id_ for id_ in waits if id_ not in planned), None)
    way: dict[str, int] = {}
    while at is not None:
        if at in way:
            loop = list(way)[way[at] :]
            return [*loop, at]
        way[at] = len(way)
        at = next(before for before in waits[at] if before in waits and before not in planned)
    return None
