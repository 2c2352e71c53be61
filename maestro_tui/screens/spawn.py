"""The dialog that starts an agent."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Select, TextArea

from maestro_tui.agents import Agent, agents
from maestro_tui.bindings import Panel
from maestro_tui.cells import cut, plain
from maestro_tui.deeds import Outcome
from maestro_tui.desk import Desk
from maestro_tui.lines import FixedRows, Span, Tone
from maestro_tui.mirror import Mirror
from maestro_tui.programs import Spawn
from maestro_tui.readings import Named, named
from maestro_tui.screens.dialog import Dialog, row, short
from maestro_tui.widgets.choice import Choice
from maestro_tui.widgets.line_list import LineList
from maestrod.domain.model import LIVE_SESSION, Noun, PermissionMode, Project, Role, Session, Strategy, Task
from maestrod.domain.sessions import ORCHESTRATOR_STRATEGIES, WORKER_STRATEGIES
from maestrod.locations import locate
from maestrod.providers.registry import BUILT_IN

SEEN = 5
"""Rows of a list that are seen at once."""
ROOM = 32
"""Cells of a title that something is told behind."""
STRATEGIES = {
    Role.WORKER: tuple(s for s in Strategy if s in WORKER_STRATEGIES),
    Role.ORCHESTRATOR: tuple(s for s in Strategy if s in ORCHESTRATOR_STRATEGIES),
}
WORKTREES = {None: "its own when another works here", True: "its own", False: "none: in the project's directory"}


class Marks(LineList):
    """Things that are marked and unmarked with Space."""

    class Marked(Message):
        """It is marked, or no longer."""

        def __init__(self, marks: "Marks") -> None:
            super().__init__()
            self.marks = marks

        @property
        def control(self) -> "Marks":
            """The list."""
            return self.marks

    BINDINGS: ClassVar[list[BindingType]] = [Binding("space", "choose", "mark", show=False)]

    def __init__(self, things: Sequence[tuple[str, str]], chosen: Iterable[str], words: str, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(Panel.TASKS, id=id, classes="marks")
        self.chosen = list(chosen)
        self._things = things
        self._none = words

    def on_mount(self) -> None:
        """As high as it has rows, within reason."""
        self.offer(self._things)

    def offer(self, things: Sequence[tuple[str, str]]) -> None:
        """These can be marked: ids, and what people call them."""
        self._things = things
        known = [id_ for id_, _ in things]
        self.chosen = [id_ for id_ in self.chosen if id_ in known] if known else self.chosen
        self.styles.height = max(1, min(SEEN, len(things)))
        self._draw()

    def say_when_empty(self, words: str) -> None:
        """The words where there is nothing to mark."""
        self._none = words

    def action_choose(self) -> None:
        """Mark or unmark what is under the cursor."""
        if self.key in self.chosen:
            self.chosen.remove(self.key)
        elif self.key:
            self.chosen.append(self.key)
        self._draw()
        _ = self.post_message(self.Marked(self))

    def _draw(self) -> None:
        rows = []
        for id_, name in self._things:
            mark = Span("[x] ", Tone.GOOD) if id_ in self.chosen else Span("[ ] ", Tone.DIM)
            rows.append((id_, (mark, Span(plain(name)))))
        self.show(FixedRows(rows), self._none)


class SpawnDialog(Dialog):
    """All that an agent can be started with; the last choice is remembered."""

    title_words = "Start an agent"
    deed_word = "spawn"
    written = ("name", "prompt")
    chosen = ("provider", "permissions", "worktree")

    def __init__(self, desk: Desk, project_id: str, tasks: Sequence[Task], chosen: Sequence[str]) -> None:
        super().__init__()
        self._desk = desk
        self._project_id = project_id
        self._last = desk.last_spawn or Spawn(project_id=project_id, task_ids=())
        self._agents = agents(desk.environ, locate(desk.environ).config)
        known = [task.id for task in tasks]
        things = [(task.id, _task_words(desk.mirror, task)) for task in tasks]
        of_these = [id_ for id_ in known if id_ in chosen]
        self._tasks = Marks(things, of_these, "no open task in this project", id="tasks-chosen")
        self._skills = Marks([], self._last.skill_ids, "… reading", id="skills-chosen")
        self._templates: list[Named] = []
        self._about = " ".join(["start", project_id, *of_these])

    @property
    def about(self) -> str:
        """The tasks it was opened for: what one agent is told is not for another's."""
        return self._about

    def parts(self) -> Iterable[Widget]:
        """The fields, the tasks first."""
        last = self._last
        yield row("Tasks", self._tasks)
        yield row("Agent", _select("provider", self._providers(), last.provider))
        yield row("Model", Input(last.model, id="model", compact=True, placeholder="the agent's own default"))
        yield row("Role", _select("role", [(r.value, r.value) for r in Role], last.role))
        yield row("Strategy", _select("strategy", _strategies(last.role), last.strategy))
        modes = [(m.value, m.value) for m in PermissionMode]
        yield row("Permissions", _select("permissions", modes, last.permission_mode))
        trees = [(words, str(value)) for value, words in WORKTREES.items()]
        yield row("Worktree", _select("worktree", trees, str(last.worktree)))
        yield row("Template", _select("template", [("that of its role", "")], ""))
        yield row("Skills", self._skills)
        yield row("Name", Input(id="name", compact=True, placeholder="the first task's title"))
        yield row("Prompt", TextArea(id="prompt", compact=True, placeholder="what it is told beside its tasks"))

    def on_mount(self) -> None:
        """Templates and skills are read while the first fields are filled."""
        self.begin(self._read)

    async def _read(self) -> None:
        told = await self._desk.told("/templates?fields=summary")
        self._templates = named(told) if isinstance(told, bytes) else []
        self._offer_templates()
        skills = await self._desk.told(f"/skills?projectId={self._project_id}")
        found = named(skills) if isinstance(skills, bytes) else []
        self._skills.say_when_empty("no skills")
        self._skills.offer([(s.name, f"{s.name} · {s.description}" if s.description else s.name) for s in found])

    def _offer_templates(self) -> None:
        role = self._value("role")
        of_role = [(short(t.name), t.id) for t in self._templates if t.role == role]
        select = self.query_one("#template", Select)
        before = str(select.value) if self._templates else self._last.template_id
        select.set_options([("that of its role", ""), *of_role])
        wanted = self._last.template_id if before == "" else before
        select.value = wanted if wanted in {id_ for _, id_ in of_role} else ""

    def _providers(self) -> list[tuple[str | Content, str]]:
        default = self._default_agent()
        called = f"default ({default})" if default else "default"
        return [(called, ""), *((_called(agent), agent.name) for agent in self._agents)]

    def _default_agent(self) -> str:
        """As the daemon and the launcher choose: that of the first task, of the project, the first that is here."""
        state = self._desk.mirror.state
        task = state.table(Noun.TASK).get(self._tasks.chosen[0]) if self._tasks.chosen else None
        project = state.table(Noun.PROJECT).get(self._project_id)
        named = (task.provider if isinstance(task, Task) else None) or (
            project.defaults.provider if isinstance(project, Project) else None
        )
        return named or next((agent.name for agent in self._agents if not agent.lack and agent.name in BUILT_IN), "")

    @on(Marks.Marked, "#tasks-chosen")
    def _tasks_marked(self) -> None:
        select = self.query_one("#provider", Select)
        chosen = str(select.value)
        select.set_options(self._providers())
        select.value = chosen
        select.mutate_reactive(Select.value)  # type: ignore[misc]  # it is called something else

    @on(Select.Changed, "#role")
    def _role_changed(self, event: Select.Changed) -> None:
        strategy = self.query_one("#strategy", Select)
        choices = _strategies(Role(str(event.value)))
        if str(strategy.value) not in {value for _, value in choices}:
            strategy.set_options(choices)
            strategy.value = choices[0][1]
        if self._templates:
            self._offer_templates()

    async def perform(self) -> Outcome | None:
        """Start it; the process that does tells what went wrong."""
        spawn = self._asked()
        lack = next((agent.lack for agent in self._agents if agent.name == spawn.provider), "")
        if lack:
            found = ", ".join(agent.name for agent in self._agents if not agent.lack) or "none"
            self.complain(f"{spawn.provider} cannot be started: {lack}\nFound here: {found}.")
            return None
        if not spawn.task_ids and spawn.role is Role.WORKER:
            self.complain("A worker needs a task: choose one with Space.")
            return None
        return await self._desk.spawn(spawn)

    def _asked(self) -> Spawn:
        return Spawn(
            project_id=self._project_id,
            task_ids=tuple(self._tasks.chosen),
            provider=self._value("provider"),
            role=Role(self._value("role")),
            strategy=Strategy(self._value("strategy")),
            model=self.query_one("#model", Input).value.strip(),
            permission_mode=PermissionMode(self._value("permissions")),
            name=self.query_one("#name", Input).value.strip(),
            worktree={"True": True, "False": False}.get(self._value("worktree")),
            template_id=self._value("template"),
            skill_ids=tuple(self._skills.chosen),
            prompt=self.query_one("#prompt", TextArea).text.strip(),
        )

    def _value(self, name: str) -> str:
        return str(self.query_one(f"#{name}", Select).value)

    def on_input_submitted(self) -> None:
        """Enter goes on to the next field."""
        self.focus_next()


def _task_words(mirror: Mirror, task: Task) -> str:
    """Its title, and who is on it already: a second agent is rarely meant."""
    sessions = mirror.state.table(Noun.SESSION)
    found = [sessions.get(a.session_id) for a in mirror.state.assignments_of_task(task.id)]
    on_it = next((s for s in found if isinstance(s, Session) and s.status in LIVE_SESSION), None)
    return f"{cut(plain(task.title), ROOM)} · {on_it.provider or 'an agent'} is on it" if on_it else task.title


def _called(agent: Agent) -> str | Content:
    """Its name; grey, and with the reason, when it cannot be started."""
    return Content(f"{agent.name} ({agent.lack.partition(':')[0]})").stylize("$dim") if agent.lack else agent.name


def _strategies(role: Role) -> list[tuple[str, str]]:
    return [(s.value, s.value) for s in STRATEGIES[role]]


def _select(name: str, choices: Sequence[tuple[str | Content, str]], value: str) -> Choice:
    known = {choice for _, choice in choices}
    chosen = value if value in known else choices[0][1]
    return Choice(choices, value=str(chosen), id=name, compact=True, allow_blank=False)
