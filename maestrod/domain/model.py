"""The entities: immutable records of what is.

JSON is camelCase. Times are integer milliseconds since the epoch (UTC). Constructing and replacing do
not validate: limits are checked where a command is decided. Defaults stand for what older journals lack.
The words of closed lists are in ``words``, and are found here as well.
"""

import msgspec

# isort: off
from maestrod.domain.words import (
    LIVE_ASSIGNMENT as LIVE_ASSIGNMENT,
    LIVE_ITEM as LIVE_ITEM,
    LIVE_SESSION as LIVE_SESSION,
    OVER_TASK as OVER_TASK,
    PRIORITY_RANK as PRIORITY_RANK,
    UNREAD as UNREAD,
    AssignmentStatus as AssignmentStatus,
    CheckStatus as CheckStatus,
    DeliveryState as DeliveryState,
    Effort as Effort,
    EntryType as EntryType,
    Isolation as Isolation,
    ItemStatus as ItemStatus,
    MailType as MailType,
    Noun as Noun,
    Ordered as Ordered,
    PermissionMode as PermissionMode,
    RestartPolicy as RestartPolicy,
    Priority as Priority,
    Role as Role,
    Scope as Scope,
    SessionStatus as SessionStatus,
    SpawnSource as SpawnSource,
    Strategy as Strategy,
    TaskStatus as TaskStatus,
    Word as Word,
    WorktreeDeed as WorktreeDeed,
)
# isort: on


class Entity(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """What every entity has; ``version`` starts at 1 and grows by one with every change."""

    id: str
    version: int = 1
    created_at: int = 0
    updated_at: int = 0


class Defaults(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """What sessions of a project get when nothing else is said."""

    provider: str | None = None
    model: str | None = None
    permission_mode: PermissionMode | None = None
    worktree: bool | None = None
    effort: Effort | None = None
    mcp_config: str | None = None
    network: bool | None = None


class Limits(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """Bounds of a project; ``None`` is unbounded."""

    max_sessions: int | None = None


class Project(Entity, frozen=True, kw_only=True):
    """A directory under coordination; ``working_dir`` is absolute and need not exist yet."""

    name: str
    working_dir: str
    description: str = ""
    defaults: Defaults = Defaults()
    limits: Limits = Limits()
    archived_at: int | None = None
    setup_command: str | None = None
    copy_files: tuple[str, ...] = ()


class Task(Entity, frozen=True, kw_only=True):
    """A unit of work."""

    project_id: str
    title: str
    parent_id: str | None = None
    description: str = ""
    status: TaskStatus = TaskStatus.TODO
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
    started_at: int | None = None
    completed_at: int | None = None
    blocked_reason: str | None = None
    metadata: dict[str, object] | None = None
    review_reason: str | None = None


class Subtask(Entity, frozen=True, kw_only=True):
    """An item of a task's checklist; ``order`` counts from 0 without gaps."""

    task_id: str
    title: str
    description: str = ""
    completed: bool = False
    completed_at: int | None = None
    order: int = 0


class Assignment(Entity, frozen=True, kw_only=True):
    """One attempt of one session at one task; ``attempt`` counts from 1 per task."""

    task_id: str
    session_id: str
    attempt: int = 1
    status: AssignmentStatus = AssignmentStatus.QUEUED
    started_at: int | None = None
    ended_at: int | None = None
    result: str | None = None
    evidence: tuple[str, ...] = ()


class NeedsInput(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """A question that waits for a person; ``since`` is when it was first asked."""

    active: bool = False
    message: str = ""
    since: int | None = None


class Pane(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """Where the agent runs: tmux server name, window id, pane id, and the agent's process.

    ``pid_started_at`` is the process' start time in milliseconds; with ``pid`` it names one process.
    """

    socket: str
    window: str = ""
    pane: str = ""
    pid: int | None = None
    pid_started_at: int | None = None
    supervisor_pid: int | None = None


class Exit(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """How the agent's process ended; ``reason`` is in words."""

    code: int | None = None
    signal: int | None = None
    at: int = 0
    reason: str = ""
    interrupted: bool = False
    """Nobody wanted it, and the agent neither: its terminal or its machine went away."""


class LaunchClaim(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """Who opens the pane; free again when ``at`` is 30 s old and no pane is registered."""

    holder: str
    at: int


class Turn(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """What the agent was last seen doing, and how that is known.

    ``kind`` is that of a question (permission, question, trust, login) or an error (limit, auth, api), ``text`` its
    words; both are empty otherwise.
    """

    state: str = "unknown"
    source: str = ""
    confidence: float = 0.0
    since: int = 0
    kind: str = ""
    text: str = ""


class Worktree(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """A checkout of a session's own: its top folder, its branch, and where it began.

    ``directory`` is where in it the agent works, empty for the top. ``base_branch`` is what the project had checked
    out, and what it is merged into; empty for none. ``made_at`` is None until it is there. ``merged_commit`` is where
    its branch was when it was last merged.
    """

    path: str
    branch: str
    base_commit: str
    base_branch: str = ""
    directory: str = ""
    made_at: int | None = None
    deed: WorktreeDeed | None = None
    merged_commit: str | None = None
    merged_at: int | None = None


class Conversation(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """An agent program's own record of what was said: its id there, and its file."""

    id: str
    transcript_path: str | None = None


class Session(Entity, frozen=True, kw_only=True):
    """One run of one agent.

    ``mcp_config`` is a file of MCP servers; ``network`` is whether a sandbox lets its commands connect. ``fork_of`` is
    whose conversation it goes on from.
    """

    project_id: str
    name: str
    role: Role = Role.WORKER
    strategy: Strategy = Strategy.SIMPLE
    provider: str = ""
    model: str | None = None
    permission_mode: PermissionMode = PermissionMode.ACCEPT_EDITS
    effort: Effort | None = None
    mcp_config: str | None = None
    network: bool = True
    fork_of: Conversation | None = None
    status: SessionStatus = SessionStatus.SPAWNING
    needs_input: NeedsInput = NeedsInput()
    parent_session_id: str | None = None
    root_session_id: str | None = None
    spawn_source: SpawnSource = SpawnSource.USER
    skill_ids: tuple[str, ...] = ()
    template_id: str | None = None
    prompt: str = ""
    keep_open: bool = False
    restart_policy: RestartPolicy = RestartPolicy.NEVER
    crashes: tuple[int, ...] = ()
    """When it crashed lately (ms), oldest first; see ``restarting``."""
    launch: LaunchClaim | None = None
    started_at: int | None = None
    completed_at: int | None = None
    hostname: str = ""
    platform: str = ""
    pane: Pane | None = None
    conversation_id: str | None = None
    transcript_path: str | None = None
    exit: Exit | None = None
    turn: Turn = Turn()
    env: dict[str, str] | None = None
    metadata: dict[str, object] | None = None
    isolation: Isolation = Isolation.SHARED
    worktree: Worktree | None = None


class Queue(Entity, frozen=True, kw_only=True):
    """The ordered tasks of a ``queue`` session; its items point at it."""

    session_id: str
    paused: bool = False


class QueueItem(Entity, frozen=True, kw_only=True):
    """One task in a queue; not before ``not_before`` after a failed try."""

    queue_id: str
    session_id: str
    task_id: str
    position: int = 0
    priority: Priority = Priority.MEDIUM
    status: ItemStatus = ItemStatus.QUEUED
    attempts: int = 0
    added_at: int = 0
    started_at: int | None = None
    completed_at: int | None = None
    fail_reason: str | None = None
    not_before: int | None = None


class TimelineEntry(Entity, frozen=True, kw_only=True):
    """What a session (or a person) reported, in order."""

    type: EntryType
    message: str = ""
    project_id: str = ""
    session_id: str | None = None
    task_id: str | None = None
    metadata: dict[str, object] | None = None


class Doc(Entity, frozen=True, kw_only=True):
    """A document that a session left for others."""

    title: str
    project_id: str = ""
    session_id: str | None = None
    task_id: str | None = None
    file_path: str | None = None
    content: str = ""
    kind: str = "note"


class Ordering(Entity, frozen=True, kw_only=True):
    """What comes first of a project's tasks or sessions; the rest follows in its own order."""

    project_id: str
    entity_type: Ordered
    ordered_ids: tuple[str, ...] = ()


class Check(Entity, frozen=True, kw_only=True):
    """The newest run of one of a task's checks; ``run`` counts from 1.

    ``commit`` is where git stood; ``work`` is a digest of what lay in the directory when all checks had ended,
    empty when that cannot be known. ``steady`` says that the work did not change while they ran.
    """

    task_id: str
    command: str
    status: CheckStatus = CheckStatus.RUNNING
    run: int = 1
    session_id: str | None = None
    directory: str = ""
    started_at: int | None = None
    ended_at: int | None = None
    exit_code: int | None = None
    commit: str | None = None
    work: str = ""
    steady: bool = True
    output: str = ""


class Mail(Entity, frozen=True, kw_only=True):
    """A message to one session, or with no ``to_session_id`` to all that lived in the project when it was sent.

    The sender is a session, or a person or the daemon (``from_user``). ``thread_id`` is the id of the mail that
    began the thread, which may be gone; ``hops`` counts the answers of sessions since a person wrote in it.
    """

    project_id: str
    type: MailType
    subject: str
    body: dict[str, object]
    thread_id: str
    from_session_id: str | None = None
    from_user: str | None = None
    to_session_id: str | None = None
    reply_to_mail_id: str | None = None
    priority: Priority = Priority.MEDIUM
    expires_at: int | None = None
    hops: int = 0


class Step(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A state that a delivery was in: since when, and by which way it came there."""

    state: DeliveryState
    at: int
    channel: str = ""


class Delivery(Entity, frozen=True, kw_only=True):
    """A mail on its way to one session: its state, since when, by which way, and the steps before."""

    mail_id: str
    session_id: str
    project_id: str
    at: int
    state: DeliveryState = DeliveryState.QUEUED
    channel: str = ""
    reason: str | None = None
    expires_at: int | None = None
    steps: tuple[Step, ...] = ()


class Template(Entity, frozen=True, kw_only=True):
    """What an agent of a role is told of itself; one of each role is the default."""

    name: str
    role: Role
    content: str
    is_default: bool = False


class Key(Entity, frozen=True, kw_only=True):
    """Lets somebody in; ``hash`` is the SHA-256 of the secret in hexadecimal, and is never shown."""

    name: str
    prefix: str = ""
    hash: str = ""
    scopes: tuple[Scope, ...] = ()
    project_ids: tuple[str, ...] = ()
    expires_at: int | None = None
    last_used_at: int | None = None


TYPES: dict[Noun, type[Entity]] = {
    Noun.PROJECT: Project,
    Noun.TASK: Task,
    Noun.SUBTASK: Subtask,
    Noun.ASSIGNMENT: Assignment,
    Noun.SESSION: Session,
    Noun.QUEUE: Queue,
    Noun.ITEM: QueueItem,
    Noun.TIMELINE: TimelineEntry,
    Noun.DOC: Doc,
    Noun.ORDERING: Ordering,
    Noun.CHECK: Check,
    Noun.MAIL: Mail,
    Noun.DELIVERY: Delivery,
    Noun.TEMPLATE: Template,
    Noun.KEY: Key,
}

PREFIXES: dict[Noun, str] = {
    Noun.PROJECT: "proj",
    Noun.TASK: "task",
    Noun.SUBTASK: "sub",
    Noun.ASSIGNMENT: "asg",
    Noun.SESSION: "sess",
    Noun.QUEUE: "queue",
    Noun.ITEM: "item",
    Noun.TIMELINE: "evt",
    Noun.DOC: "doc",
    Noun.ORDERING: "ord",
    Noun.CHECK: "chk",
    Noun.MAIL: "mail",
    Noun.DELIVERY: "dlv",
    Noun.TEMPLATE: "tmpl",
    Noun.KEY: "key",
}
