"""The words of closed lists: kinds, statuses, roles, and the sets of them that rules speak of; and names for ids."""

from enum import StrEnum
from typing import NewType

ProjectId = NewType("ProjectId", str)
TaskId = NewType("TaskId", str)
SubtaskId = NewType("SubtaskId", str)
AssignmentId = NewType("AssignmentId", str)
SessionId = NewType("SessionId", str)
QueueId = NewType("QueueId", str)
ItemId = NewType("ItemId", str)
EntryId = NewType("EntryId", str)
DocId = NewType("DocId", str)
OrderingId = NewType("OrderingId", str)
CheckId = NewType("CheckId", str)
MailId = NewType("MailId", str)
DeliveryId = NewType("DeliveryId", str)
TemplateId = NewType("TemplateId", str)
KeyId = NewType("KeyId", str)


class Word(StrEnum):
    """A word of a closed list; it hashes as its text, so that either finds the other's key."""

    __hash__ = str.__hash__


class Noun(Word):
    """The kinds of entity; the value is the word on the wire and in the journal."""

    PROJECT = "project"
    TASK = "task"
    SUBTASK = "subtask"
    ASSIGNMENT = "assignment"
    SESSION = "session"
    QUEUE = "queue"
    ITEM = "queueItem"
    TIMELINE = "timeline"
    DOC = "doc"
    ORDERING = "ordering"
    CHECK = "check"
    MAIL = "mail"
    DELIVERY = "delivery"
    TEMPLATE = "template"
    KEY = "key"


class TaskStatus(Word):
    """Where a task stands; the moves are in ``tables``."""

    TODO = "todo"
    IN_PROGRESS = "in_progress"
    IN_REVIEW = "in_review"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    BLOCKED = "blocked"
    ARCHIVED = "archived"


class Priority(Word):
    """How urgent a task is."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class SessionStatus(Word):
    """Where a session stands; needs-input is an overlay beside it."""

    SPAWNING = "spawning"
    IDLE = "idle"
    WORKING = "working"
    COMPLETED = "completed"
    FAILED = "failed"
    STOPPED = "stopped"


class AssignmentStatus(Word):
    """Where one attempt at a task stands."""

    QUEUED = "queued"
    WORKING = "working"
    BLOCKED = "blocked"
    COMPLETED = "completed"
    FAILED = "failed"
    SKIPPED = "skipped"


class ItemStatus(Word):
    """Where an item of a queue stands."""

    QUEUED = "queued"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    SKIPPED = "skipped"


class CheckStatus(Word):
    """How the newest run of a check went; all but ``passed`` count as not passed."""

    RUNNING = "running"
    PASSED = "passed"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    INTERRUPTED = "interrupted"


class Role(Word):
    """What a session is for: executing, or planning and spawning."""

    WORKER = "worker"
    ORCHESTRATOR = "orchestrator"


class Strategy(Word):
    """How a session walks its tasks."""

    SIMPLE = "simple"
    QUEUE = "queue"
    TREE = "tree"
    DEFAULT = "default"
    BATCHING = "batching"
    DAG = "dag"


class Effort(StrEnum):
    """How hard an agent's model thinks."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    MAX = "max"


class RestartPolicy(Word):
    """What becomes of a session that has crashed."""

    NEVER = "never"
    ON_CRASH = "on-crash"


class PermissionMode(Word):
    """What an agent may do without asking."""

    ACCEPT_EDITS = "acceptEdits"
    READ_ONLY = "readOnly"
    INTERACTIVE = "interactive"
    BYPASS = "bypassPermissions"


class Isolation(Word):
    """Where a session works: in the project's directory, or in a worktree of its own."""

    SHARED = "shared"
    IF_GIT = "ifGit"
    """In a worktree when the directory lies in a git repository that has a commit, else shared."""
    OWN = "own"


class WorktreeDeed(Word):
    """What is being done to a worktree; it was begun, and is not over."""

    MERGE = "merge"
    REMOVE = "remove"
    RESTORE = "restore"


class SpawnSource(Word):
    """Who asked for the session."""

    USER = "user"
    SESSION = "session"
    API = "api"
    SCHEDULE = "schedule"


class EntryType(Word):
    """The kinds of timeline entry."""

    SESSION_STARTED = "session_started"
    SESSION_STOPPED = "session_stopped"
    SESSION_RESUMED = "session_resumed"
    TASK_STARTED = "task_started"
    TASK_COMPLETED = "task_completed"
    TASK_FAILED = "task_failed"
    TASK_SKIPPED = "task_skipped"
    TASK_BLOCKED = "task_blocked"
    NEEDS_INPUT = "needs_input"
    PROGRESS = "progress"
    ERROR = "error"
    MILESTONE = "milestone"
    DOC_ADDED = "doc_added"
    PROMPT_RECEIVED = "prompt_received"
    STATUS_CHANGED = "status_changed"


class Ordered(Word):
    """What an ordering puts in order."""

    TASK = "task"
    SESSION = "session"


class MailType(Word):
    """What a mail is for."""

    ASSIGNMENT = "assignment"
    STATUS_UPDATE = "status_update"
    QUERY = "query"
    RESPONSE = "response"
    DIRECTIVE = "directive"
    NOTIFICATION = "notification"


class DeliveryState(Word):
    """How far a mail got with one receiver."""

    QUEUED = "queued"
    SURFACED = "surfaced"
    READ = "read"
    ACKED = "acked"
    BOUNCED = "bounced"
    EXPIRED = "expired"


class Scope(Word):
    """What a key may: look, change things, and what is left to people otherwise; each includes the one before."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


OVER_TASK = frozenset({TaskStatus.COMPLETED, TaskStatus.CANCELLED, TaskStatus.ARCHIVED})
LIVE_SESSION = frozenset({SessionStatus.SPAWNING, SessionStatus.IDLE, SessionStatus.WORKING})
LIVE_ASSIGNMENT = frozenset({AssignmentStatus.QUEUED, AssignmentStatus.WORKING, AssignmentStatus.BLOCKED})
LIVE_ITEM = frozenset({ItemStatus.QUEUED, ItemStatus.PROCESSING})
UNREAD = frozenset({DeliveryState.QUEUED, DeliveryState.SURFACED})
PRIORITY_RANK = {Priority.CRITICAL: 0, Priority.HIGH: 1, Priority.MEDIUM: 2, Priority.LOW: 3}
