"""The dialog for a new task."""

from collections.abc import Iterable, Sequence

from textual.widget import Widget
from textual.widgets import Input, Select, TextArea

from maestro_tui.deeds import Outcome, create_task
from maestro_tui.desk import Desk
from maestro_tui.screens.dialog import Dialog, row, short
from maestrod.domain.model import Priority, Project


class NewTask(Dialog):
    """Title, description, priority and project."""

    title_words = "New task"
    deed_word = "create"

    def __init__(self, desk: Desk, projects: Sequence[Project], project_id: str | None) -> None:
        super().__init__()
        self._desk = desk
        self._projects = projects
        self._project_id = project_id

    def parts(self) -> Iterable[Widget]:
        """The fields, the title first."""
        known = {project.id for project in self._projects}
        chosen = self._project_id if self._project_id in known else next(iter(known), "")
        projects = [(short(p.name), p.id) for p in self._projects] or [(short("no project yet"), "")]
        yield row("Title", Input(id="title", compact=True, placeholder="what is to be done"))
        yield row("Description", TextArea(id="description", compact=True, tab_behavior="focus"))
        yield row(
            "Priority",
            Select(
                [(p.value, p) for p in Priority], value=Priority.MEDIUM, id="priority", compact=True, allow_blank=False
            ),
        )
        yield row("Project", Select(projects, value=chosen, id="project", compact=True, allow_blank=False))

    async def perform(self) -> Outcome | None:
        """Create it."""
        title = self.query_one("#title", Input).value.strip()
        project_id = str(self.query_one("#project", Select).value)
        if not title:
            self.complain("A task needs a title.")
            return None
        if not project_id:
            self.complain("There is no project yet. `maestro init` makes one of a directory.")
            return None
        priority = Priority(str(self.query_one("#priority", Select).value))
        description = self.query_one("#description", TextArea).text
        return await self._desk.do(create_task(title, description, priority, project_id))

    def on_input_submitted(self) -> None:
        """Enter goes on to the next field."""
        self.focus_next()
