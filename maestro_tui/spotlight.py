"""What is looked at, and what follows from it: whose pane, which queue, which project; pure."""

from maestro_tui.mirror import Mirror
from maestrod.domain.model import LIVE_SESSION, Noun, Project, Session, Task

Subject = tuple[Noun, str]
"""A project, a task or a session."""


class Spotlight:
    """One subject at a time; what it names may be gone, then there is nothing to see."""

    def __init__(self, mirror: Mirror) -> None:
        self._mirror = mirror
        self.subject: Subject | None = None

    @property
    def entity(self) -> Project | Task | Session | None:
        """What is looked at."""
        if self.subject is None:
            return None
        noun, id_ = self.subject
        found = self._mirror.state.table(noun).get(id_)
        return found if isinstance(found, Project | Task | Session) else None

    @property
    def name(self) -> str:
        """What people call it."""
        match self.entity:
            case Task(title=name) | Project(name=name) | Session(name=name):
                return name
            case None:
                return ""

    @property
    def session(self) -> Session | None:
        """The session that is looked at."""
        entity = self.entity
        return entity if isinstance(entity, Session) else None

    @property
    def task(self) -> Task | None:
        """The task that is looked at."""
        entity = self.entity
        return entity if isinstance(entity, Task) else None

    @property
    def session_about(self) -> Session | None:
        """The session that is looked at, or the one that works, or worked last, on the task."""
        task = self.task
        if task is None:
            return self.session
        sessions = self._mirror.state.table(Noun.SESSION)
        found = [sessions.get(a.session_id) for a in self._mirror.state.assignments_of_task(task.id)]
        known = [s for s in reversed(found) if isinstance(s, Session)]
        return next((s for s in known if s.status in LIVE_SESSION), known[0] if known else None)

    @property
    def project_id(self) -> str | None:
        """The project that it is of, or the only one there is."""
        match self.entity:
            case Project(id=id_):
                return id_
            case Task(project_id=id_) | Session(project_id=id_):
                return id_
            case None:
                projects = list(self._mirror.state.table(Noun.PROJECT))
                return projects[0] if len(projects) == 1 else None

    @property
    def project_name(self) -> str:
        """That project's name."""
        project = self._mirror.state.table(Noun.PROJECT).get(self.project_id or "")
        return project.name if isinstance(project, Project) else ""
