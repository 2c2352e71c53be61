"""The dependencies of a project's open tasks as layers: what can begin now, what waits for that, and so on."""

from collections.abc import Iterable, Sequence
from itertools import islice

from maestro_tui.cells import plain
from maestro_tui.faces import WAITS, face_of_task
from maestro_tui.lines import FixedRows, Line, Span, Tone, cells_of, cropped, kept_whole, spread
from maestro_tui.view.words import fits, wanted
from maestrod.domain.graph import Plan
from maestrod.domain.model import OVER_TASK, PRIORITY_RANK, Noun, Project, Task
from maestrod.domain.state import State

URGENT = {"high": "! ", "critical": "!! "}
NEIGHBOURS = 200
"""Tasks that one task waits for, or frees, that are shown."""
CHAIN = 6
"""Tasks of the critical path that are named in one line."""


def frees(state: State, task_id: str) -> list[Task]:
    """The open tasks that wait for this one."""
    return [task for task in state.dependents(task_id) if task.status not in OVER_TASK]


class Layers:
    """A plan in the order in which it is shown: a heading before each layer, the critical path first in it.

    ``loose`` counts the tasks that are left out because nothing ties them to others.
    """

    height = 1

    def __init__(
        self, state: State, plan: Plan, *, words: str = "", critical: bool = False, with_loose: bool = False
    ) -> None:
        self._state = state
        self._critical = frozenset(plan.critical_path) if len(plan.critical_path) > 1 else frozenset()
        self._stuck = frozenset(plan.stuck)
        self._asked = wanted(words)
        self.loose = 0
        self._keys: list[str] = []
        for depth, wave in enumerate(plan.waves, start=1):
            self._add(_heading(depth), self._chosen(wave, critical=critical, with_loose=with_loose))
        self._add("Stuck · they wait for what was given up", [] if critical else self._chosen(plan.stuck))
        self._places = {key: at for at, key in enumerate(self._keys)}

    def _add(self, heading: str, ids: Sequence[str]) -> None:
        if ids:
            self._keys += [f"{heading} · {len(ids)}", *ids]

    def _chosen(self, ids: Iterable[str], *, critical: bool = False, with_loose: bool = True) -> list[str]:
        state, found = self._state, []
        for id_ in ids:
            task, freed = state.task(id_), len(frees(state, id_))
            if (critical and id_ not in self._critical) or not fits(task.title, (id_,), self._asked):
                continue
            if not with_loose and not freed and not task.dependencies:
                self.loose += 1
                continue
            found.append((id_ not in self._critical, -freed, PRIORITY_RANK[task.priority], id_))
        return [id_ for *_, id_ in sorted(found)]

    def __len__(self) -> int:
        return len(self._keys)

    def key(self, at: int) -> str:
        """The task's id; of a heading its words."""
        return self._keys[at]

    def find(self, key: str) -> int | None:
        """Its row."""
        return self._places.get(key)

    def lines(self, at: int, cells: int) -> tuple[Line, ...]:
        """A heading or a task; one that has gone since says so."""
        key = self._keys[at]
        task = self._state.table(Noun.TASK).get(key)
        if isinstance(task, Task):
            return (node_line(self._state, task, cells, critical=key in self._critical),)
        heading = not key.startswith("task_")
        return (cropped((Span(key if heading else "deleted", Tone.STRONG if heading else Tone.DIM),), cells),)


def _heading(depth: int) -> str:
    if depth == 1:
        return "Layer 1 · waits for nothing"
    return f"Layer {depth} · waits for layer {depth - 1}"


def node_line(state: State, task: Task, cells: int, *, critical: bool) -> Line:
    """Its sign and title, a mark on the critical path; what it waits for and how many it frees."""
    face = face_of_task(state, task)
    left: Line = (
        Span("◆ " if critical else "  ", Tone.WARN),
        Span(f"{face.glyph} ", face.tone),
        Span(URGENT.get(task.priority, ""), Tone.WARN),
        Span(plain(task.title), Tone.STRONG if critical else Tone.PLAIN),
    )
    waits, freed = sum(1 for _ in state.blockers(task)), len(frees(state, task.id))
    state_of: Line = (Span(f"waits for {waits}" if face is WAITS else face.word, face.tone),)
    parts: list[tuple[int, Line]] = [(2, (Span(f"frees {freed}", Tone.DIM),))] if freed else []
    parts += [(1, (Span(f"waits for {waits}", Tone.DIM),))] if waits and face is not WAITS else []
    parts.append((0, state_of))
    right = kept_whole(parts, max(cells_of(state_of), cells - 20), " · ")
    return cropped(spread(left, right, cells), cells)


def link_rows(state: State, plan: Plan, task: Task, cells: int) -> FixedRows:
    """What the task waits for, and what waits for it; a row is keyed by its task."""
    face = face_of_task(state, task)
    rows: list[tuple[str, Line]] = [
        ("", (Span(f"{face.glyph} {face.word}", face.tone), Span(f" · {task.priority}", Tone.DIM)))
    ]
    if task.id in plan.critical_path and len(plan.critical_path) > 1:
        at = plan.critical_path.index(task.id) + 1
        rows.append(("", (Span("◆ ", Tone.WARN), Span(f"{at} of {len(plan.critical_path)} on the critical path"))))
    known = state.table(Noun.TASK)
    waited = [each for each in map(known.get, task.dependencies) if isinstance(each, Task)]
    for heading, tasks in (("Waits for", waited), ("Frees", frees(state, task.id))):
        rows += [("", ()), ("", (Span(f"{heading} {len(tasks) or 'nothing'}", Tone.STRONG),))]
        rows += [
            (each.id, node_line(state, each, cells, critical=each.id in plan.critical_path))
            for each in tasks[:NEIGHBOURS]
        ]
    behind = _behind(state, task)
    rows += [("", ()), ("", (Span(f"{behind} more tasks wait behind these", Tone.DIM),))] if behind else []
    return FixedRows([(key or f"line {at}", cropped(line, cells)) for at, (key, line) in enumerate(rows)])


def _behind(state: State, task: Task, most: int = 1_000) -> int:
    """How many open tasks wait for it, not at once but through others; at most that many are counted."""
    seen = {each.id for each in frees(state, task.id)}
    direct = len(seen)
    waiting = list(seen)
    while waiting and len(seen) < most:
        for each in frees(state, waiting.pop()):
            if each.id not in seen:
                seen.add(each.id)
                waiting.append(each.id)
    return len(seen) - direct


def graph_line(state: State, project_id: str, plan: Plan, cells: int) -> Line:
    """The project, how much is ready and how much waits, and the longest chain by its titles."""
    project = state.table(Noun.PROJECT).get(project_id)
    name = plain(project.name) if isinstance(project, Project) else "no project"
    parts: list[tuple[int, Line]] = [(0, (Span("▸ ", Tone.DIM), Span(name, Tone.STRONG)))]
    parts.append((1, (Span("○ "), Span(f"{len(plan.ready)} ready"))))
    parts += [(2, (Span("◌ ", Tone.DIM), Span(f"{len(plan.blocked)} wait", Tone.DIM)))] if plan.blocked else []
    parts += [(2, (Span("⊘ ", Tone.BAD), Span(f"{len(plan.stuck)} stuck", Tone.BAD)))] if plan.stuck else []
    if len(plan.critical_path) > 1:
        titles = [plain(state.task(id_).title) for id_ in islice(plan.critical_path, CHAIN)]
        more = " → …" if len(plan.critical_path) > CHAIN else ""
        parts.append((3, (Span(f"◆ {len(plan.critical_path)} in a row", Tone.WARN),)))
        parts.append((4, (Span(" → ".join(titles) + more, Tone.DIM),)))
    return kept_whole(parts, cells, "   ")
