"""The dialog that starts an agent."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input, Select

from maestro_tui.bindings import Panel
from maestro_tui.cells import plain
from maestro_tui.deeds import Outcome
from maestro_tui.desk import Desk
from maestro_tui.lines import FixedRows, Span, Tone
from maestro_tui.programs import PROVIDERS, Spawn, installed
from maestro_tui.screens.dialog import Dialog, row
from maestro_tui.widgets.line_list import LineList
from maestrod.domain.model import PermissionMode, Role, Strategy, Task
from maestrod.domain.sessions import ORCHESTRATOR_STRATEGIES, WORKER_STRATEGIES

CHOICES = 5
"""Tasks that are seen at once."""
STRATEGIES = {
    Role.WORKER: tuple(s for s in Strategy if s in WORKER_STRATEGIES),
    Role.ORCHESTRATOR: tuple(s for s in Strategy if s in ORCHESTRATOR_STRATEGIES),
}


class TaskChoice(LineList):
    """Tasks that are marked and unmarked with Space."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("space", "choose", "mark", show=False)]

    def __init__(self, tasks: Sequence[Task], chosen: Sequence[str]) -> None:
        super().__init__(Panel.TASKS, id="tasks-chosen")
        self.chosen = [task.id for task in tasks if task.id in chosen]
        self._tasks = tasks

    def on_mount(self) -> None:
        """As high as it has tasks, within reason."""
        self.styles.height = max(1, min(CHOICES, len(self._tasks)))
        self._draw()

    def action_choose(self) -> None:
        """Mark or unmark the task under the cursor."""
        if self.key in self.chosen:
            self.chosen.remove(self.key)
        elif self.key:
            self.chosen.append(self.key)
        self._draw()

    def _draw(self) -> None:
        rows = []
        for task in self._tasks:
            mark = Span("[x] ", Tone.GOOD) if task.id in self.chosen else Span("[ ] ", Tone.DIM)
            rows.append((task.id, (mark, Span(plain(task.title)))))
        self.show(FixedRows(rows), "no open task in this project")


class SpawnDialog(Dialog):
    """Tasks, agent program, role, strategy, model, permissions and name; the last choice is remembered."""

    title_words = "Start an agent"
    deed_word = "spawn"

    def __init__(self, desk: Desk, project_id: str, tasks: Sequence[Task], chosen: Sequence[str]) -> None:
        super().__init__()
        self._desk = desk
        self._project_id = project_id
        self._tasks = tasks
        self._chosen = chosen
        self._installed = installed(desk.environ)
        self._last = desk.last_spawn or Spawn(project_id=project_id, task_ids=())

    def parts(self) -> Iterable[Widget]:
        """The fields, the tasks first."""
        last = self._last
        yield row("Tasks", TaskChoice(self._tasks, self._chosen))
        yield row("Agent", _select("provider", self._providers(), last.provider))
        yield row("Role", _select("role", [(r.value, r.value) for r in Role], last.role))
        yield row("Strategy", _select("strategy", _strategies(last.role), last.strategy))
        yield row("Model", Input(last.model, id="model", compact=True, placeholder="the agent's own default"))
        modes = [(m.value, m.value) for m in PermissionMode]
        yield row("Permissions", _select("permissions", modes, last.permission_mode))
        yield row("Name", Input(id="name", compact=True, placeholder="the first task's title"))

    def _providers(self) -> list[tuple[str, str]]:
        names = [(n, n) if n in self._installed else (f"{n} (not installed)", n) for n in PROVIDERS]
        return [("default", ""), *names]

    @on(Select.Changed, "#role")
    def _role_changed(self, event: Select.Changed) -> None:
        strategy = self.query_one("#strategy", Select)
        choices = _strategies(Role(str(event.value)))
        if str(strategy.value) not in {value for _, value in choices}:
            strategy.set_options(choices)
            strategy.value = choices[0][1]

    async def perform(self) -> Outcome | None:
        """Start it; the process that does tells what went wrong."""
        spawn = self._asked()
        if spawn.provider and spawn.provider not in self._installed:
            found = ", ".join(self._installed) or "none of claude, codex and gemini"
            self.complain(f"{spawn.provider} is not installed here; found: {found}.")
            return None
        if not spawn.task_ids and spawn.role is Role.WORKER:
            self.complain("A worker needs a task: choose one with Space.")
            return None
        return await self._desk.spawn(spawn)

    def _asked(self) -> Spawn:
        return Spawn(
            project_id=self._project_id,
            task_ids=tuple(self.query_one(TaskChoice).chosen),
            provider=self._value("provider"),
            role=Role(self._value("role")),
            strategy=Strategy(self._value("strategy")),
            model=self.query_one("#model", Input).value.strip(),
            permission_mode=PermissionMode(self._value("permissions")),
            name=self.query_one("#name", Input).value.strip(),
        )

    def _value(self, name: str) -> str:
        return str(self.query_one(f"#{name}", Select).value)

    def on_input_submitted(self) -> None:
        """Enter goes on to the next field."""
        self.focus_next()


def _strategies(role: Role) -> list[tuple[str, str]]:
    return [(s.value, s.value) for s in STRATEGIES[role]]


def _select(name: str, choices: list[tuple[str, str]], value: str) -> Select[str]:
    known = {choice for _, choice in choices}
    chosen = value if value in known else choices[0][1]
    return Select(choices, value=str(chosen), id=name, compact=True, allow_blank=False)
