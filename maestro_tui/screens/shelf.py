"""Skills & templates: what agents are given and told, where it was found, and changing templates."""

from functools import partial
from typing import ClassVar

from textual.binding import BindingType

from maestro_tui.bindings import Panel, Place
from maestro_tui.cells import plain
from maestro_tui.deeds import Refused, edit_template, reset_template
from maestro_tui.desk import Desk
from maestro_tui.lines import Line
from maestro_tui.mirror import Moved
from maestro_tui.screens.paired import NOTHING, Paired, Shown
from maestro_tui.screens.small import Question
from maestro_tui.spotlight import Subject
from maestro_tui.view.board import projects
from maestro_tui.view.shelf import Book, Shelf, Template, book_rows, key_of, shelf_line, shelf_rows, template_rows
from maestro_tui.widgets.line_list import bound
from maestrod.domain.model import Noun, Project


class Shelves(Paired):
    """Templates and skills by place; beside them the text of one."""

    name_of_mode = "skills"
    BINDINGS: ClassVar[list[BindingType]] = bound(Place.SHELF)
    filter_words = "name or words of it"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk, Panel.SHELF, Panel.TEXT)
        self._project_id = ""
        self._shelf: Shelf | None = None
        self._trouble = ""
        self._drafts: dict[str, str] = {}

    # -- reading ---------------------------------------------------------------------------------

    def on_mount(self) -> None:
        """What there is."""
        self.action_read_again()

    def entered(self, subject: Subject | None = None) -> None:
        """Files may have changed; the skills are those of the project that one comes from."""
        entity = self.desk.mirror.state.table(subject[0]).get(subject[1]) if subject is not None else None
        if entity is not None:
            self._project_id = getattr(entity, "project_id", entity.id)
        super().entered(subject)
        if self.is_mounted:
            self.action_read_again()

    def action_read_again(self) -> None:
        """Read all of it again."""
        self.begin(self._fetch, group="shelf", alone=True)

    async def _fetch(self) -> None:
        project = self._project
        told = await self.desk.shelf(project)
        if isinstance(told, Refused):
            self._trouble = plain(told.words)
        else:
            self._shelf, self._trouble = told, ""
        self.redraw()
        known = self.desk.mirror.state.table(Noun.PROJECT)
        if self.list.key in {"", "Templates"} and self._shelf is not None and known is not None:
            self.list.point(next((each.id for each in self._shelf.templates), ""))

    @property
    def _project(self) -> Project | None:
        known = projects(self.desk.mirror.state)
        found = next((project for project in known if project.id == self._project_id), None)
        return found or next(iter(known), None)

    def draw(self, moved: Moved) -> None:
        """All of it; templates that were changed are read."""
        if moved.everything or Noun.PROJECT in moved.nouns:
            super().draw(moved)
        if Noun.TEMPLATE in moved.nouns:
            self.action_read_again()

    # -- drawing ---------------------------------------------------------------------------------

    def listed(self) -> Shown:
        """Templates and skills."""
        if self._shelf is None:
            return NOTHING._replace(title=str(Panel.SHELF), words=self._trouble or "… reading")
        cells = max(20, self.list.size.width - 2)
        rows = shelf_rows(self._shelf, self.words, cells)
        return Shown(self._trouble or str(Panel.SHELF), rows, "nothing found")

    def beside(self, cells: int) -> Shown:
        """The text."""
        template, book = self._template, self._book
        if template is not None:
            return Shown(template.name, template_rows(template, self._drafts.get(template.id), cells))
        if book is not None and self._shelf is not None:
            return Shown(book.name, book_rows(self._shelf, book, cells))
        return NOTHING._replace(title=str(Panel.TEXT))

    def line(self, cells: int) -> Line:
        """For which project."""
        project = self._project
        return shelf_line(self._shelf or Shelf(), project.name if project is not None else "", cells)

    def look(self) -> None:
        """At the project whose skills they are."""
        project = self._project
        self.spot.subject = (Noun.PROJECT, project.id) if project is not None else None

    @property
    def _template(self) -> Template | None:
        found = self._shelf.templates if self._shelf is not None else ()
        return next((each for each in found if each.id == self.list.key), None)

    @property
    def _book(self) -> Book | None:
        found = self._shelf.books if self._shelf is not None else ()
        return next((each for each in found if key_of(each) == self.list.key), None)

    # -- what keys ask for -----------------------------------------------------------------------

    def action_project(self) -> None:
        """The skills that the next project sees."""
        known = [project.id for project in projects(self.desk.mirror.state)]
        project = self._project
        if project is not None:
            self._project_id = known[(known.index(project.id) + 1) % len(known)]
            self.redraw()
            self.draw_frame()
            self.action_read_again()

    def action_edit(self) -> None:
        """Change the template in one's editor."""
        if (template := self._meant()) is not None:
            self.begin(partial(self._edit, template), group="edit", alone=True)

    async def _edit(self, template: Template) -> None:
        before = self._drafts.get(template.id, template.content)
        text = await self.doer.edit(before, f"{template.role}.md")
        if text is None or (text == before and template.id not in self._drafts):
            return
        outcome = await self.desk.do(edit_template(template.id, plain(template.name), text))
        if isinstance(outcome, Refused):
            self._drafts[template.id] = text
            self.notify(outcome.words, severity="error", markup=False)
        else:
            self._drafts.pop(template.id, None)
            self.notify(outcome.words, markup=False)
        self.redraw()

    def action_reset(self) -> None:
        """Give it back the text that is shipped."""
        if (template := self._meant()) is None:
            return
        if not template.version:
            self._say(f"“{plain(template.name)}” is as it is shipped.")
            return
        self._drafts.pop(template.id, None)
        deed = reset_template(template.id, plain(template.name))
        words = ["the text as it is now; u takes that back", "new sessions are told what is shipped"]
        strict = self.desk.preferences.strict
        title = f"Reset “{template.name}”?"
        self.doer.open(Question(title, "reset it", words, lambda: self.desk.do(deed), strict=strict))

    def _meant(self) -> Template | None:
        template = self._template
        if template is None:
            self._say("Put the cursor on a template; skills are files, changed where they lie.")
        return template

    def _say(self, words: str) -> None:
        self.notify(words, severity="warning", markup=False)
