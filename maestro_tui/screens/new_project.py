"""The dialog for a new project."""

from collections.abc import Iterable

from textual.widget import Widget
from textual.widgets import Input

from maestro_tui import programs
from maestro_tui.deeds import Outcome
from maestro_tui.desk import Desk
from maestro_tui.screens.dialog import Dialog, row
from maestrod.domain.model import Noun, Project


class NewProject(Dialog):
    """A directory, and what to call it."""

    title_words = "New project"
    deed_word = "create"

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk

    def parts(self) -> Iterable[Widget]:
        """The directory where the screen was started, unless it is a project already."""
        known = self._desk.mirror.state.table(Noun.PROJECT).values()
        here = programs.here()
        taken = any(isinstance(project, Project) and project.working_dir == here for project in known)
        yield row("Directory", Input("" if taken else here, id="directory", compact=True, placeholder="~/src/shop"))
        yield row("Name", Input(id="name", compact=True, placeholder="that of the directory"))

    async def perform(self) -> Outcome | None:
        """Create it."""
        where, name = (self.query_one(f"#{field}", Input).value.strip() for field in ("directory", "name"))
        return await self._desk.make_project(where, name)

    def on_input_submitted(self) -> None:
        """Enter goes on to the next field."""
        self.focus_next()
