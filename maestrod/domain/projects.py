"""Projects: directories under coordination."""

from msgspec import UNSET, UnsetType

from maestrod.domain import limits, worktrees
from maestrod.domain.changes import Change, Command, Context, Delete, Put
from maestrod.domain.errors import Conflict, HasDependents
from maestrod.domain.model import LIVE_SESSION, Defaults, Limits, Noun, Project
from maestrod.domain.revision import given, revised
from maestrod.domain.state import State


class CreateProject(Command, frozen=True, kw_only=True):
    """Put a directory under coordination; ``working_dir`` is absolute and already resolved."""

    name: str
    working_dir: str
    description: str = ""
    defaults: Defaults = Defaults()
    limits: Limits = Limits()
    setup_command: str | None = None
    copy_files: tuple[str, ...] = ()


class EditProject(Command, frozen=True, kw_only=True):
    """Change what a project says of itself; fields left out stay."""

    project_id: str
    name: str | UnsetType = UNSET
    working_dir: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    defaults: Defaults | UnsetType = UNSET
    limits: Limits | UnsetType = UNSET
    setup_command: str | None | UnsetType = UNSET
    copy_files: tuple[str, ...] | UnsetType = UNSET


class ArchiveProject(Command, frozen=True, kw_only=True):
    """Put a project aside, or take it back with ``archived`` false."""

    project_id: str
    archived: bool = True


class DeleteProject(Command, frozen=True, kw_only=True):
    """Forget a project; ``cascade`` takes its tasks and ended sessions with it."""

    project_id: str
    cascade: bool = False


def create_project(state: State, command: CreateProject, ctx: Context) -> list[Change]:
    """Two live projects never share a directory."""
    _check(command)
    _free_directory(state, command.working_dir, None)
    project = Project(
        id=ctx.new_id(Noun.PROJECT),
        created_at=ctx.now,
        updated_at=ctx.now,
        name=command.name,
        working_dir=command.working_dir,
        description=command.description,
        defaults=command.defaults,
        limits=command.limits,
        setup_command=command.setup_command,
        copy_files=command.copy_files,
    )
    return [Put(Noun.PROJECT, project)]


def edit_project(state: State, command: EditProject, ctx: Context) -> list[Change]:
    """Fields that were not sent stay as they are; sending what is there changes nothing."""
    project = state.project(command.project_id)
    _check(command)
    if isinstance(command.working_dir, str) and command.working_dir != project.working_dir:
        _free_directory(state, command.working_dir, project.id)
    fields = given(
        name=command.name,
        working_dir=command.working_dir,
        description=command.description,
        defaults=command.defaults,
        limits=command.limits,
        setup_command=command.setup_command,
        copy_files=command.copy_files,
    )
    if all(getattr(project, name) == value for name, value in fields.items()):
        return []
    return [Put(Noun.PROJECT, revised(project, ctx, **fields))]


def archive_project(state: State, command: ArchiveProject, ctx: Context) -> list[Change]:
    """An archived project starts nothing; archiving with live sessions is refused."""
    project = state.project(command.project_id)
    if command.archived == (project.archived_at is not None):
        return []
    if not command.archived:
        _free_directory(state, project.working_dir, project.id)
        return [Put(Noun.PROJECT, revised(project, ctx, archived_at=None))]
    _no_live_sessions(state, project)
    return [Put(Noun.PROJECT, revised(project, ctx, archived_at=ctx.now))]


def delete_project(state: State, command: DeleteProject, ctx: Context) -> list[Change]:
    """Refused while anything hangs on it, unless ``cascade``; live sessions and worktrees always refuse."""
    project = state.project(command.project_id)
    tasks = list(state.groups["tasks", project.id])
    sessions = list(state.groups["sessions", project.id])
    if (tasks or sessions) and not command.cascade:
        raise HasDependents(
            f"project '{project.name}' has {len(tasks)} tasks and {len(sessions)} sessions",
            hint="Archive it to keep them (`maestro project archive`), or ask a person to delete it whole.",
            details=[{"tasks": len(tasks), "sessions": len(sessions)}],
        )
    _no_live_sessions(state, project)
    worktrees.refuse_lost([state.session(id_) for id_ in sessions])
    changes: list[Change] = []
    for session_id in sessions:
        changes += session_belongings(state, session_id)
    for task_id in tasks:
        changes += task_belongings(state, task_id)
    for mail_id in state.groups["mails", project.id]:
        changes += [*(Delete(Noun.DELIVERY, d.id) for d in state.deliveries(mail_id)), Delete(Noun.MAIL, mail_id)]
    changes += [Delete(Noun.SESSION, id_) for id_ in sessions]
    changes += [Delete(Noun.TASK, id_) for id_ in tasks]
    changes += [Delete(Noun.ORDERING, o.id) for o in state.orderings(project.id)]
    changes += _keys_left(state, project, ctx)
    return [*dict.fromkeys(changes), Delete(Noun.PROJECT, project.id)]


def _keys_left(state: State, project: Project, ctx: Context) -> list[Change]:
    """Keys of this project alone go with it: tied to nothing they would reach everything."""
    changes: list[Change] = []
    for key in [state.key(id_) for id_ in state.groups["project-keys", project.id]]:
        left = tuple(id_ for id_ in key.project_ids if id_ != project.id)
        changes.append(Put(Noun.KEY, revised(key, ctx, project_ids=left)) if left else Delete(Noun.KEY, key.id))
    return changes


def task_belongings(state: State, task_id: str) -> list[Change]:
    """Deletions of what cannot be without the task: checklist, assignments, queue items, reports, docs, checks."""
    kinds = {
        "subtasks": Noun.SUBTASK,
        "task-assignments": Noun.ASSIGNMENT,
        "task-items": Noun.ITEM,
        "task-timeline": Noun.TIMELINE,
        "task-docs": Noun.DOC,
        "checks": Noun.CHECK,
    }
    return [Delete(noun, id_) for kind, noun in kinds.items() for id_ in state.groups[kind, task_id]]


def session_belongings(state: State, session_id: str) -> list[Change]:
    """Deletions of what cannot be without the session: assignments, queue, items, reports, docs."""
    kinds = {
        "session-assignments": Noun.ASSIGNMENT,
        "items": Noun.ITEM,
        "queue": Noun.QUEUE,
        "session-timeline": Noun.TIMELINE,
        "session-docs": Noun.DOC,
    }
    return [Delete(noun, id_) for kind, noun in kinds.items() for id_ in state.groups[kind, session_id]]


def _check(command: CreateProject | EditProject) -> None:
    fields = limits.Fields()
    fields.line("name", command.name, limits.NAME)
    fields.absolute("workingDir", command.working_dir)
    fields.text("description", command.description, limits.TEXT)
    fields.text("setupCommand", command.setup_command, limits.TEXT)
    fields.lines("copyFiles", command.copy_files, limits.PATH)
    bounds = command.limits
    if isinstance(bounds, Limits):
        fields.number("limits.maxSessions", bounds.max_sessions, least=1)
    preset = command.defaults
    if isinstance(preset, Defaults):
        fields.line("defaults.provider", preset.provider, limits.NAME)
        fields.line("defaults.model", preset.model, limits.NAME)
        fields.absolute("defaults.mcpConfig", preset.mcp_config)
    fields.end()


def _free_directory(state: State, working_dir: str, own_id: str | None) -> None:
    taken = state.projects_by_dir.get(working_dir)
    if taken is not None and taken != own_id:
        raise Conflict(
            f"{working_dir} belongs to project '{state.project(taken).name}' ({taken})",
            hint=f"Use that project: `maestro project get {taken}`.",
            details=[{"projectId": taken}],
        )


def _no_live_sessions(state: State, project: Project) -> None:
    live = [s for s in state.sessions_of_project(project.id) if s.status in LIVE_SESSION]
    if live:
        raise Conflict(
            f"project '{project.name}' has live sessions: {', '.join(s.id for s in live[:10])}",
            hint="Stop them first: `maestro session stop ID`.",
            details=[{"sessionId": s.id} for s in live],
        )
