"""Tasks: what is to be done. Claiming and moving them is in ``work``."""

from msgspec import UNSET, UnsetType

from maestrod.domain import checks, graph, limits, orderings
from maestrod.domain.changes import Change, Command, Context, Delete, Put
from maestrod.domain.errors import Conflict, Invalid, NotAllowed
from maestrod.domain.fresh import fresh
from maestrod.domain.model import AssignmentStatus, Noun, Priority, Project, Task, TaskStatus
from maestrod.domain.projects import task_belongings
from maestrod.domain.revision import given, revised
from maestrod.domain.state import State


class CreateTask(Command, frozen=True, kw_only=True):
    """Add a task; the project may be left out when a parent is named.

    ``id`` is one that was made by whoever asks, while offline.
    """

    title: str
    project_id: str | None = None
    parent_id: str | None = None
    description: str = ""
    priority: Priority = Priority.MEDIUM
    dependencies: tuple[str, ...] = ()
    acceptance_criteria: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    initial_prompt: str = ""
    skill_ids: tuple[str, ...] = ()
    reference_task_ids: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    provider: str | None = None
    model: str | None = None
    pinned: bool = False
    position: int | None = None
    due_at: int | None = None
    metadata: dict[str, object] | None = None
    id: str | None = None


class EditTask(Command, frozen=True, kw_only=True):
    """Change what a task says; fields left out stay.

    ``status`` moves it as the verb for that status would, ``reason`` says why; ``override`` as in completing it.
    """

    task_id: str
    title: str | UnsetType = UNSET
    parent_id: str | None | UnsetType = UNSET
    description: str | UnsetType = UNSET
    priority: Priority | UnsetType = UNSET
    dependencies: tuple[str, ...] | UnsetType = UNSET
    acceptance_criteria: tuple[str, ...] | UnsetType = UNSET
    checks: tuple[str, ...] | UnsetType = UNSET
    initial_prompt: str | UnsetType = UNSET
    skill_ids: tuple[str, ...] | UnsetType = UNSET
    reference_task_ids: tuple[str, ...] | UnsetType = UNSET
    labels: tuple[str, ...] | UnsetType = UNSET
    provider: str | None | UnsetType = UNSET
    model: str | None | UnsetType = UNSET
    pinned: bool | UnsetType = UNSET
    position: int | None | UnsetType = UNSET
    due_at: int | None | UnsetType = UNSET
    metadata: dict[str, object] | None | UnsetType = UNSET
    status: TaskStatus | UnsetType = UNSET
    reason: str = ""
    override: bool = False


class DeleteTask(Command, frozen=True, kw_only=True):
    """Delete a task with all that hangs on it; ``force`` also under a running session."""

    task_id: str
    force: bool = False


_SENT = tuple(n for n in EditTask.__struct_fields__ if n not in {"task_id", "status", "reason", "override"})
_NAMED = 10
_LINKS = frozenset({"parent_id", "dependencies", "reference_task_ids"})


def create_task(state: State, command: CreateTask, ctx: Context) -> list[Change]:
    """The project must be live; parent, dependencies and references exist in it and make no cycle."""
    _check(command)
    project = _project(state, command)
    if command.parent_id is not None or command.dependencies or command.reference_task_ids:
        _references(state, project.id, command.parent_id, command.dependencies, command.reference_task_ids)
        graph.refuse_kin(state, None, command.parent_id, command.dependencies)
    task = Task(
        id=fresh(state, Noun.TASK, command.id, ctx),
        created_at=ctx.now,
        updated_at=ctx.now,
        project_id=project.id,
        title=command.title,
        parent_id=command.parent_id,
        description=command.description,
        priority=command.priority,
        dependencies=tuple(dict.fromkeys(command.dependencies)),
        acceptance_criteria=command.acceptance_criteria,
        checks=command.checks,
        initial_prompt=command.initial_prompt,
        skill_ids=command.skill_ids,
        reference_task_ids=tuple(dict.fromkeys(command.reference_task_ids)),
        labels=tuple(dict.fromkeys(command.labels)),
        provider=command.provider,
        model=command.model,
        pinned=command.pinned,
        position=command.position,
        due_at=command.due_at,
        metadata=command.metadata,
    )
    return [Put(Noun.TASK, task)]


def edit_fields(state: State, command: EditTask, ctx: Context) -> list[Change]:
    """Fields that were not sent stay; sending what is there changes nothing. An agent takes no check away."""
    task = state.task(command.task_id)
    _check(command)
    if ctx.actor.session_id is not None:
        _keeps_checks(task, command.checks)
    fields = given(**{name: getattr(command, name) for name in _SENT})
    for name in ("dependencies", "reference_task_ids", "labels"):
        sent = fields.get(name)
        if isinstance(sent, tuple):
            fields[name] = tuple(dict.fromkeys(sent))
    changed = {name: value for name, value in fields.items() if getattr(task, name) != value}
    if not changed:
        return []
    after = revised(task, ctx, **changed)
    if not _LINKS.isdisjoint(changed):
        _references(state, task.project_id, after.parent_id, after.dependencies, after.reference_task_ids)
        graph.refuse_parent_cycle(state, task, after.parent_id)
        graph.refuse_dependency_cycle(state, task, after.dependencies)
        graph.refuse_kin(state, task, after.parent_id, after.dependencies)
    return [Put(Noun.TASK, after), *checks.dropped(state, task.id, after.checks)]


def delete_task(state: State, command: DeleteTask, ctx: Context) -> list[Change]:
    """Child tasks, checklists, assignments, queue items, reports and docs go with it.

    Tasks that wait for it or name it lose that link.
    """
    task = state.task(command.task_id)
    doomed = [task, *graph.descendants(state, task.id)]
    if not command.force:
        _not_running(state, doomed)
    changes = _unlinked(state, doomed, ctx)
    changes += orderings.without(state, task.project_id, {t.id for t in doomed}, ctx)
    for gone in doomed:
        changes += task_belongings(state, gone.id)
    return [*changes, *(Delete(Noun.TASK, t.id) for t in reversed(doomed))]


def _keeps_checks(task: Task, sent: tuple[str, ...] | UnsetType) -> None:
    """Raises: NotAllowed: a check would go, and with it what the task has to prove."""
    gone = [] if isinstance(sent, UnsetType) else [text for text in task.checks if text not in sent]
    if gone:
        raise NotAllowed(
            f"an agent takes no check away from task {task.id} ({task.title})",
            hint="Add checks (`maestro task check add`), or ask the person who runs Maestro to take some away.",
            details=[{"checks": gone[:_NAMED]}],
        )


def _unlinked(state: State, doomed: list[Task], ctx: Context) -> list[Change]:
    """The tasks that stay, without their links to those that go."""
    ids = {t.id for t in doomed}
    linked = (t for d in doomed for t in (*state.dependents(d.id), *state.referrers(d.id)) if t.id not in ids)
    return [
        Put(
            Noun.TASK,
            revised(
                t,
                ctx,
                dependencies=tuple(d for d in t.dependencies if d not in ids),
                reference_task_ids=tuple(r for r in t.reference_task_ids if r not in ids),
            ),
        )
        for t in {t.id: t for t in linked}.values()
    ]


def _project(state: State, command: CreateTask) -> Project:
    project_id = command.project_id
    if project_id is None and command.parent_id is not None:
        project_id = state.task(command.parent_id).project_id
    if project_id is None:
        raise Invalid.field(
            "projectId",
            "name a project",
            hint="Say --project, or run it inside a project's directory (`maestro init` makes one).",
        )
    project = state.project(project_id)
    if project.archived_at is not None:
        raise Conflict(
            f"project '{project.name}' is archived",
            hint=f"Take it back first: `maestro project archive {project.id} --undo`.",
        )
    return project


def _references(
    state: State,
    project_id: str,
    parent_id: str | None,
    dependencies: tuple[str, ...],
    references: tuple[str, ...],
) -> None:
    fields = limits.Fields()
    named = [("parentId", parent_id)] if parent_id is not None else []
    named += [("dependencies", d) for d in dependencies] + [("referenceTaskIds", r) for r in references]
    for path, id_ in named:
        if state.task(id_).project_id != project_id:
            fields.wrong(path, f"{id_} is a task of another project")
    fields.end()


def _not_running(state: State, doomed: list[Task]) -> None:
    running = [
        (task, a.session_id)
        for task in doomed
        for a in state.assignments_of_task(task.id)
        if a.status is AssignmentStatus.WORKING
    ]
    if running:
        named = ", ".join(f"{session_id} on '{task.title}'" for task, session_id in running[:5])
        raise Conflict(
            f"sessions are working: {named}",
            hint="Stop the session first: `maestro session stop ID`.",
            details=[{"taskId": task.id, "sessionId": session_id} for task, session_id in running],
        )


def _check(command: CreateTask | EditTask) -> None:
    fields = limits.Fields()
    fields.line("title", command.title, limits.TITLE)
    fields.text("description", command.description, limits.TEXT)
    fields.text("initialPrompt", command.initial_prompt, limits.TEXT)
    fields.lines("acceptanceCriteria", command.acceptance_criteria, limits.TEXT)
    fields.lines("checks", command.checks, limits.TEXT)
    fields.lines("labels", command.labels, limits.LABEL)
    fields.lines("dependencies", command.dependencies, limits.NAME)
    fields.lines("skillIds", command.skill_ids, limits.NAME)
    fields.lines("referenceTaskIds", command.reference_task_ids, limits.NAME)
    fields.line("provider", command.provider, limits.NAME)
    fields.line("model", command.model, limits.NAME)
    fields.number("position", command.position)
    fields.number("dueAt", command.due_at, least=0)
    fields.metadata("metadata", command.metadata)
    fields.end()
