"""The dialogs for a new task and for changing one: its words, its checklist, and what it waits for."""

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

import msgspec
from textual import on
from textual.actions import SkipAction
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input, Select, TextArea

from maestro_tui.cells import plain, tidy
from maestro_tui.deeds import Done, Outcome, add_subtask, create_task, edit_task
from maestro_tui.desk import Desk
from maestro_tui.screens.dialog import Dialog, row, short
from maestro_tui.screens.spawn import Marks
from maestro_tui.view.tasks import waitable
from maestro_tui.widgets.choice import Choice
from maestrod.domain.model import Noun, Priority, Project, Task


class TaskForm(Dialog):
    """What both share. The task is written first, then its checklist line by line; each is written once."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("down", "to_found", "to what was found", show=False)]

    def __init__(self, desk: Desk, waits_for: Sequence[str] = (), items: int = 0) -> None:
        super().__init__()
        self._desk = desk
        self._task_id = ""
        self._waited_for = set(waits_for)
        self._items = items
        self._waits = Marks([], waits_for, "no open task", id="waits-chosen")

    def _words(self, title: str, priority: Priority) -> Iterable[Widget]:
        words = Input(title, id="title", compact=True, placeholder="what is to be done", select_on_focus=False)
        yield row("Title", words)
        yield row("Description", TextArea(id="description", compact=True))
        priorities = [(p.value, p) for p in Priority]
        yield row("Priority", Choice(priorities, value=priority, id="priority", compact=True, allow_blank=False))

    def _links(self) -> Iterable[Widget]:
        more = f", besides the {self._items} there are" if self._items else ""
        yield row("Checklist", TextArea(id="checklist", compact=True, placeholder=f"an item a line{more}"))
        yield row("Waits for", Input(id="find", compact=True, placeholder="words of a task; Space marks one below"))
        yield row("", self._waits)

    def on_mount(self) -> None:
        """Tasks can be marked."""
        self._offer()

    @property
    def project_id(self) -> str:
        """Whose tasks can be waited for."""
        raise NotImplementedError

    def _offer(self) -> None:
        words, chosen = self.query_one("#find", Input).value, self._waits.chosen
        found = waitable(self._desk.mirror.state, self.project_id, words, chosen, of=self._task_id)
        self._waits.say_when_empty("nothing found" if words else "no open task")
        self._waits.offer([(task.id, task.title) for task in found])

    @on(Input.Changed, "#find")
    def _found(self) -> None:
        self._offer()

    def action_to_found(self) -> None:
        """From the words to the tasks that have them."""
        if self.focused is not self.query_one("#find"):
            raise SkipAction
        self._waits.focus()

    def _is_clear(self) -> bool:
        """Whether there is a title, and nothing that was looked for was forgotten to be marked; says what is not."""
        if not self.title_typed:
            self.complain("A task needs a title.")
            return False
        words = self.query_one("#find", Input).value.strip()
        if words and set(self._waits.chosen) == self._waited_for:
            self.complain(
                f"“{plain(words)}” was looked for and nothing marked: Space marks a task, or empty the field."
            )
            return False
        return True

    @property
    def title_typed(self) -> str:
        """What is to be done."""
        return self.query_one("#title", Input).value.strip()

    @property
    def priority_chosen(self) -> Priority:
        """How urgent it is."""
        return Priority(str(self.query_one("#priority", Select).value))

    @property
    def description_typed(self) -> str:
        """The rest of it."""
        return self.query_one("#description", TextArea).text

    async def _add_items(self, said: str) -> Outcome:
        """Write the checklist; what is written leaves the field, so that it is not written twice."""
        field = self.query_one("#checklist", TextArea)
        items = [line.strip() for line in field.text.splitlines() if line.strip()]
        while items:
            outcome = await self._desk.do(add_subtask(self._task_id, items[0]))
            if not isinstance(outcome, Done):
                return outcome
            del items[0]
            field.text = "\n".join(items)
        return Done(said)

    def on_input_submitted(self) -> None:
        """Enter goes on to the next field."""
        self.focus_next()


class NewTask(TaskForm):
    """Its project can be chosen."""

    title_words = "New task"
    deed_word = "create"
    written = ("title", "description", "checklist")
    chosen = ("project", "priority")

    def __init__(self, desk: Desk, projects: Sequence[Project], project_id: str | None) -> None:
        super().__init__(desk)
        self._projects = projects
        self._project_id = project_id

    @property
    def about(self) -> str:
        """The project where it was opened; nothing once the task is there, and only its checklist is not."""
        return "" if self._task_id else f"new task {self._project_id}"

    def parts(self) -> Iterable[Widget]:
        """The fields, the title first."""
        known = {project.id for project in self._projects}
        chosen = self._project_id if self._project_id in known else next(iter(known), "")
        projects = [(short(p.name), p.id) for p in self._projects] or [(short("no project yet"), "")]
        yield from self._words("", Priority.MEDIUM)
        yield row("Project", Choice(projects, value=chosen, id="project", compact=True, allow_blank=False))
        yield from self._links()

    @property
    def project_id(self) -> str:
        """The one that is chosen."""
        return str(self.query_one("#project", Select).value)

    @on(Select.Changed, "#project")
    def _moved(self) -> None:
        self._offer()

    async def perform(self) -> Outcome | None:
        """Create it, once."""
        if not self._is_clear():
            return None
        if not self.project_id:
            self.complain("There is no project yet: Esc, then P makes one of a directory.")
            return None
        said = f"“{plain(self.title_typed)}” created"
        if not self._task_id:
            waits = [id_ for id_ in self._waits.chosen if self._is_here(id_)]
            words = (self.title_typed, self.description_typed, self.priority_chosen, self.project_id)
            outcome = await self._desk.do(create_task(*words, waits))
            if not isinstance(outcome, Done):
                return outcome
            self._task_id = outcome.made
        outcome = await self._add_items(said)
        return msgspec.structs.replace(outcome, task_id=self._task_id) if isinstance(outcome, Done) else outcome

    def _is_here(self, task_id: str) -> bool:
        task = self._desk.mirror.state.table(Noun.TASK).get(task_id)
        return isinstance(task, Task) and task.project_id == self.project_id


class _Whole(msgspec.Struct):
    description: str


class EditTask(TaskForm):
    """Only what was changed is sent; what others change meanwhile stays. What is shown is fit for a terminal."""

    title_words = "Change the task"
    deed_word = "save"

    def __init__(self, desk: Desk, task: Task) -> None:
        super().__init__(desk, task.dependencies, len(desk.mirror.state.subtasks(task.id)))
        self._task_id = task.id
        self._before = task
        self._description: str | None = None

    def parts(self) -> Iterable[Widget]:
        """The fields as they are; the description is read first, for lists leave it out."""
        yield from self._words(plain(self._before.title), self._before.priority)
        yield from self._links()

    def on_mount(self) -> None:
        """Nothing is typed over a description that is not known."""
        self.query_one("#description", TextArea).read_only = True
        self.begin(self._read)

    async def _read(self) -> None:
        told = await self._desk.told(f"/tasks/{self._task_id}")
        if not isinstance(told, bytes):
            self.complain(told.words)
            return
        self._description = tidy(msgspec.json.decode(told, type=_Whole).description)
        field = self.query_one("#description", TextArea)
        field.text, field.read_only = self._description, False

    @property
    def project_id(self) -> str:
        """Its own."""
        return self._before.project_id

    def _changes(self) -> Mapping[str, object]:
        before, waits = self._before, self._waits.chosen
        changes: dict[str, object] = {}
        if self.title_typed != plain(before.title):
            changes["title"] = self.title_typed
        if self._description is not None and self.description_typed != self._description:
            changes["description"] = self.description_typed
        if self.priority_chosen is not before.priority:
            changes["priority"] = self.priority_chosen.value
        if set(waits) != set(before.dependencies):
            changes["dependencies"] = waits
        return changes

    async def perform(self) -> Outcome | None:
        """Change it."""
        if not self._is_clear():
            return None
        deed = edit_task(self._task_id, self.title_typed, self._changes())
        if deed.body:
            outcome = await self._desk.do(deed)
            if not isinstance(outcome, Done):
                return outcome
        return await self._add_items(deed.said)
