"""The manifest: what a session is told about itself, its tasks and what it may do."""

import msgspec

from maestrod.domain import queues, templates, worktrees
from maestrod.domain.model import (
    LIVE_ASSIGNMENT,
    Conversation,
    Effort,
    Isolation,
    PermissionMode,
    Priority,
    Role,
    Session,
    Strategy,
    Task,
    TaskStatus,
)
from maestrod.domain.permissions import RIGHTS, Reach
from maestrod.domain.state import State

VERSION = "1.0"


class ManifestProject(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The project as far as an agent needs it."""

    id: str
    name: str
    working_dir: str
    description: str = ""


class ManifestSubtask(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An item of a task's checklist."""

    id: str
    title: str
    completed: bool = False


class ManifestTask(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A task that the session works on; ``dependencies`` are ids."""

    id: str
    title: str
    description: str = ""
    status: TaskStatus = TaskStatus.TODO
    priority: Priority = Priority.MEDIUM
    acceptance_criteria: tuple[str, ...] = ()
    dependencies: tuple[str, ...] = ()
    subtasks: tuple[ManifestSubtask, ...] = ()
    initial_prompt: str = ""
    labels: tuple[str, ...] = ()
    parent_id: str | None = None


class ManifestBegin(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Where the work of a dependency lies: the worktree in which it was completed."""

    task_id: str
    title: str
    session_id: str
    branch: str
    path: str


class ManifestWorktree(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The worktree that a session has, or gets when it is launched; ``path`` is empty until it is planned."""

    isolation: Isolation
    path: str = ""
    branch: str = ""
    base_commit: str = ""
    base_branch: str = ""
    directory: str = ""
    made: bool = False
    begins: tuple[ManifestBegin, ...] = ()
    setup_command: str = ""
    copy_files: tuple[str, ...] = ()


class Manifest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """All that a launcher, an agent and its prompts are made from; ``resume`` says that it ran before."""

    manifest_version: str = VERSION
    session_id: str
    name: str
    role: Role
    strategy: Strategy
    provider: str
    model: str | None
    permission_mode: PermissionMode
    effort: Effort | None = None
    mcp_config: str | None = None
    network: bool = True
    fork_of: Conversation | None = None
    project: ManifestProject
    tasks: tuple[ManifestTask, ...] = ()
    prompt: str = ""
    skill_ids: tuple[str, ...] = ()
    template: str = ""
    """What it is told by; empty for what is shipped for its role."""
    allowed_commands: tuple[str, ...] = ()
    parent_session_id: str | None = None
    queue_id: str | None = None
    conversation_id: str | None = None
    resume: bool = False
    created_at: int = 0
    worktree: ManifestWorktree | None = None


def manifest_of(state: State, session_id: str) -> Manifest:
    """The manifest of a session as the state is now.

    Raises:
        NotFound: no such session.
    """
    session = state.session(session_id)
    project = state.project(session.project_id)
    queue = state.queue_of(session_id)
    return Manifest(
        session_id=session.id,
        name=session.name,
        role=session.role,
        strategy=session.strategy,
        provider=session.provider,
        model=session.model,
        permission_mode=session.permission_mode,
        effort=session.effort,
        mcp_config=session.mcp_config,
        network=session.network,
        fork_of=session.fork_of,
        project=ManifestProject(
            id=project.id, name=project.name, working_dir=project.working_dir, description=project.description
        ),
        tasks=tuple(_task(state, task) for task in tasks_of(state, session)),
        prompt=session.prompt,
        skill_ids=_skills(state, session),
        template=_template(state, session),
        allowed_commands=allowed_commands(session.role),
        parent_session_id=session.parent_session_id,
        queue_id=queue.id if queue is not None else None,
        conversation_id=session.conversation_id,
        resume=session.started_at is not None,
        created_at=session.created_at,
        worktree=_worktree(state, session),
    )


def _worktree(state: State, session: Session) -> ManifestWorktree | None:
    found, project = session.worktree, state.project(session.project_id)
    if found is None and session.isolation is Isolation.SHARED:
        return None
    begins = worktrees.begins(state, tasks_of(state, session))
    wanted = ManifestWorktree(
        isolation=session.isolation,
        begins=tuple(_begin(task, other) for task, other in begins),
        setup_command=project.setup_command or "",
        copy_files=project.copy_files,
    )
    if found is None:
        return wanted
    return msgspec.structs.replace(
        wanted,
        path=found.path,
        branch=found.branch,
        base_commit=found.base_commit,
        base_branch=found.base_branch,
        directory=found.directory,
        made=found.made_at is not None,
    )


def _begin(task: Task, session: Session) -> ManifestBegin:
    own = session.worktree
    return ManifestBegin(
        task_id=task.id,
        title=task.title,
        session_id=session.id,
        branch=own.branch if own is not None else "",
        path=own.path if own is not None else "",
    )


def _skills(state: State, session: Session) -> tuple[str, ...]:
    """Those that the session was given, then those of its tasks."""
    of_tasks = (name for task in tasks_of(state, session) for name in task.skill_ids)
    return tuple(dict.fromkeys((*session.skill_ids, *of_tasks)))


def _template(state: State, session: Session) -> str:
    content = templates.of_session(state, session).content
    return "" if content == templates.shipped_of(session.role).content else content


def tasks_of(state: State, session: Session) -> list[Task]:
    """The tasks in the session's hands, in the order of its queue or of their assignment."""
    held = [a.task_id for a in state.assignments_of_session(session.id) if a.status in LIVE_ASSIGNMENT]
    current = queues.processing(state, session.id)
    row = [*([current] if current is not None else []), *queues.in_order(state, session.id)]
    order = {item.task_id: number for number, item in enumerate(row)}
    ids = sorted(dict.fromkeys(held), key=lambda id_: order.get(id_, len(order)))
    return [state.task(id_) for id_ in ids]


def allowed_commands(role: Role) -> tuple[str, ...]:
    """The commands that a role may give, at least for itself and its own tasks."""
    reaches = {name: right.worker if role is Role.WORKER else right.orchestrator for name, right in RIGHTS.items()}
    return tuple(sorted(name for name, reach in reaches.items() if reach is not Reach.NEVER))


def _task(state: State, task: Task) -> ManifestTask:
    return ManifestTask(
        id=task.id,
        title=task.title,
        description=task.description,
        status=task.status,
        priority=task.priority,
        acceptance_criteria=task.acceptance_criteria,
        dependencies=task.dependencies,
        subtasks=tuple(ManifestSubtask(id=s.id, title=s.title, completed=s.completed) for s in state.subtasks(task.id)),
        initial_prompt=task.initial_prompt,
        labels=task.labels,
        parent_id=task.parent_id,
    )
