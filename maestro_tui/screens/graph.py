"""Graph: a project's open tasks by what they wait for, the longest chain, what is ready and what is stuck."""

from typing import ClassVar

from textual.binding import BindingType

from maestro_tui.bindings import Panel, Place
from maestro_tui.desk import Desk
from maestro_tui.lines import Line
from maestro_tui.mirror import Moved
from maestro_tui.screens.paired import NOTHING, Paired, Shown
from maestro_tui.spotlight import Subject
from maestro_tui.view.board import projects
from maestro_tui.view.graph import Layers, graph_line, link_rows
from maestro_tui.widgets.line_list import bound
from maestrod.domain.graph import Plan, plan
from maestrod.domain.model import Noun, Task

AT_ONCE = 2_000
"""Tasks of a project that are planned anew with every change; of more once a second."""
NO_PLAN = Plan((), (), (), (), ())


class Graph(Paired):
    """The layers; beside them what one task waits for and what it frees, to walk along."""

    name_of_mode = "graph"
    BINDINGS: ClassVar[list[BindingType]] = bound(Place.GRAPH)
    filter_words = "words of a task"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk, Panel.GRAPH, Panel.LINKS)
        self._project_id = ""
        self._plan = NO_PLAN
        self._stale = True
        self._critical = False
        self._loose = False

    # -- drawing ---------------------------------------------------------------------------------

    def entered(self, subject: Subject | None = None) -> None:
        """The graph of what one comes from."""
        entity = self.desk.mirror.state.table(subject[0]).get(subject[1]) if subject is not None else None
        project_id = getattr(entity, "project_id", "") or (subject[1] if subject and subject[0] is Noun.PROJECT else "")
        if project_id and project_id != self._project_id:
            self._project_id, self._stale = project_id, True
        super().entered(subject)
        if isinstance(entity, Task):
            self.list.point(entity.id)

    def draw(self, moved: Moved) -> None:
        """All of it, when tasks have changed."""
        if moved.everything or moved.nouns & {Noun.TASK, Noun.PROJECT}:
            self._stale = True
            if moved.everything or len(self.desk.mirror.state.groups["tasks", self._project_id]) <= AT_ONCE:
                self._draw_anew()

    def age(self) -> None:
        """A large graph follows once a second."""
        if self._stale:
            self._draw_anew()

    def _draw_anew(self) -> None:
        state = self.desk.mirror.state
        known = [project.id for project in projects(state)]
        if self._project_id not in known:
            self._project_id = max(known, key=lambda id_: len(state.groups["tasks", id_]), default="")
        self._plan = plan(state, self._project_id) if self._project_id else NO_PLAN
        self._stale = False
        super().draw(Moved(everything=True))
        if self._node is None and self._plan.waves:
            self.list.action_move(1)

    def listed(self) -> Shown:
        """The layers."""
        state, found = self.desk.mirror.state, self._plan
        linked = any(found.waves[1:]) or bool(found.stuck)
        layers = Layers(state, found, words=self.words, critical=self._critical, with_loose=self._loose or not linked)
        title = f"{len(found.waves)} layers" if len(found.waves) > 1 else "Graph"
        beside = f" · {layers.loose} loose hidden" if layers.loose else ""
        none = "no chain: nothing waits for anything; c shows all" if found.waves else "no open tasks: n makes one"
        none = "nothing found" if self.words else none
        return Shown(f"{title}{beside}", layers, none if self.desk.mirror.whole else "")

    def beside(self, cells: int) -> Shown:
        """The neighbours of the task under the cursor."""
        task = self._node
        if task is None:
            return NOTHING._replace(title=str(Panel.LINKS))
        return Shown(task.title, link_rows(self.desk.mirror.state, self._plan, task, cells))

    def line(self, cells: int) -> Line:
        """How the project stands."""
        return graph_line(self.desk.mirror.state, self._project_id, self._plan, cells)

    def look(self) -> None:
        """At the task, or the project."""
        known = self.desk.mirror.state.table(Noun.TASK)
        key = self.side.key if not self.in_list and self.side.key in known else self.list.key
        if key in known:
            self.spot.subject = (Noun.TASK, key)
        else:
            self.spot.subject = (Noun.PROJECT, self._project_id) if self._project_id else None

    @property
    def _node(self) -> Task | None:
        found = self.desk.mirror.state.table(Noun.TASK).get(self.list.key)
        return found if isinstance(found, Task) else None

    # -- what keys ask for -----------------------------------------------------------------------

    def opened(self, key: str) -> None:
        """Walk along: the neighbour is what is looked at now; what is over is shown whole."""
        if key not in self.desk.mirror.state.table(Noun.TASK):
            return
        if self.list.point(key):
            self._enter(self.list)
        else:
            self.doer.show_details(Noun.TASK, key)

    def go_to(self, noun: Noun, id_: str) -> bool:
        """A task of the graph that is shown."""
        return noun is Noun.TASK and self.list.point(id_)

    def action_project(self) -> None:
        """The graph of the next project."""
        known = [project.id for project in projects(self.desk.mirror.state)]
        if known:
            at = known.index(self._project_id) if self._project_id in known else -1
            self._project_id = known[(at + 1) % len(known)]
            self.list.action_first()
            self._draw_anew()
            self.draw_frame()

    def action_only_critical(self) -> None:
        """The longest chain alone, or all layers."""
        self._critical = not self._critical
        self._draw_anew()

    def action_loose(self) -> None:
        """With or without what nothing is tied to."""
        self._loose = not self._loose
        self._draw_anew()
