"""The route table: method and path → command or query. Read by the daemon, the client and the tests.

Paths are below ``/api/v1`` (``/api`` is the same). ``{task}``, ``{session}``, ``{mail}`` and ``{project}`` take ids,
endings of ids, or slugs; they fill the command's field of that name (``taskId`` and so on). ``{type}`` and ``{role}``
are words as they stand.
"""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from maestrod.domain.model import Noun

PREFIXES = ("/api/v1", "/api")


class Shape(StrEnum):
    """What a write answers."""

    PUT = "put"
    """The entity that the command is about, after the change."""
    ITEM = "item"
    """The queue item, with its task and the next one; ``{"empty": true}`` when there is none.

    ``success``, ``hasMore``, ``nextItem`` and the item by what became of it (``completedItem``) say it once more in
    the older words."""
    NEXT = "next"
    """``{"task", "empty"}``: the task that was claimed, or none."""
    BATCH = "batch"
    """``{"results": [task, …]}``: the task of every item, in order."""
    GONE = "gone"
    """``{"success", "id", "deleted": id, "counts": {noun: n}}``."""
    SPAWNED = "spawned"
    """``{"success", "sessionId", "manifestPath", "message", "session"}``."""
    SECRET = "secret"  # noqa: S105 - a word
    """The key with its ``secret``, given this once; a repeated request is answered with null for it."""
    LAUNCH = "launch"
    """``{"session", "manifest", "credential"}``: the credential is given this once."""


class Write(msgspec.Struct, frozen=True, kw_only=True):
    """A route that asks for a command; ``noun`` is what its answer is."""

    method: str
    path: str
    command: str
    noun: Noun
    shape: Shape = Shape.PUT
    status: int = 200


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """A route that answers from the state; ``query`` names the function, ``filters`` the parameters."""

    path: str
    query: str
    noun: Noun | None = None
    filters: tuple[str, ...] = ()
    method: str = "GET"
    people: bool = False
    """Not for agents, and for keys with the scope ``admin`` alone."""


Route = Write | Read

PAGING = ("limit", "cursor", "offset", "fields", "order")
TASK_FILTERS = ("projectId", "status", "priority", "parentId", "label", "ready", "q", "sessionId")
MAIL_FILTERS = ("projectId", "unread", "type", "since")
SESSION_FILTERS = ("projectId", "status", "taskId", "active", "parentSessionId", "role")

P, T, U, S, Q, L, D, M = (
    Noun.PROJECT,
    Noun.TASK,
    Noun.SUBTASK,
    Noun.SESSION,
    Noun.QUEUE,
    Noun.TIMELINE,
    Noun.DOC,
    Noun.MAIL,
)


def _write(method: str, path: str, command: str, noun: Noun, shape: Shape = Shape.PUT, status: int = 200) -> Write:
    return Write(method=method, path=path, command=command, noun=noun, shape=shape, status=status)


WRITES: tuple[Write, ...] = (
    _write("POST", "/projects", "CreateProject", P, status=201),
    _write("PUT", "/projects/{project}", "EditProject", P),
    _write("PATCH", "/projects/{project}", "EditProject", P),
    _write("POST", "/projects/{project}/archive", "ArchiveProject", P),
    _write("DELETE", "/projects/{project}", "DeleteProject", P, Shape.GONE),
    _write("POST", "/tasks", "CreateTask", T, status=201),
    _write("PATCH", "/tasks/{task}", "EditTask", T),
    _write("DELETE", "/tasks/{task}", "DeleteTask", T, Shape.GONE),
    _write("POST", "/tasks/{task}/start", "StartTask", T),
    _write("POST", "/tasks/{task}/complete", "CompleteTask", T),
    _write("POST", "/tasks/{task}/review", "ReviewTask", T),
    _write("POST", "/tasks/{task}/block", "BlockTask", T),
    _write("POST", "/tasks/{task}/unblock", "UnblockTask", T),
    _write("POST", "/tasks/{task}/cancel", "CancelTask", T),
    _write("POST", "/tasks/{task}/reopen", "ReopenTask", T),
    _write("POST", "/tasks/{task}/archive", "ArchiveTask", T),
    _write("POST", "/tasks/{task}/timeline", "Report", L, status=201),
    _write("POST", "/tasks/{task}/docs", "AddDoc", D, status=201),
    _write("POST", "/tasks/{task}/subtasks", "CreateSubtask", U, status=201),
    _write("PATCH", "/tasks/{task}/subtasks/{subtask}", "EditSubtask", U),
    _write("DELETE", "/tasks/{task}/subtasks/{subtask}", "DeleteSubtask", U, Shape.GONE),
    _write("PUT", "/tasks/{task}/subtasks/order", "OrderSubtasks", T),
    _write("POST", "/tasks/{task}/depend", "DependTask", T),
    _write("POST", "/tasks/{task}/undepend", "UndependTask", T),
    _write("POST", "/tasks/batch", "BatchTasks", T, Shape.BATCH),
    _write("POST", "/tasks/claim-next", "ClaimNext", T, Shape.NEXT),
    _write("POST", "/tasks/{task}/checks", "AddCheck", T),
    _write("POST", "/tasks/{task}/checks/run", "RunChecks", T, status=202),
    _write("POST", "/sessions", "SpawnSession", S, status=201),
    _write("POST", "/sessions/spawn", "SpawnSession", S, Shape.SPAWNED, 201),
    _write("PATCH", "/sessions/{session}", "EditSession", S),
    _write("DELETE", "/sessions/{session}", "DeleteSession", S, Shape.GONE),
    _write("POST", "/sessions/{session}/timeline", "Report", L, status=201),
    _write("POST", "/sessions/{session}/docs", "AddDoc", D, status=201),
    _write("POST", "/sessions/{session}/tasks/{task}", "AssignTask", S),
    _write("DELETE", "/sessions/{session}/tasks/{task}", "UnassignTask", S),
    _write("PATCH", "/sessions/{session}/tasks/{task}", "MoveAttempt", T),
    _write("POST", "/sessions/{session}/launch", "LaunchSession", S, Shape.LAUNCH),
    _write("POST", "/sessions/{session}/register", "RegisterSession", S),
    _write("POST", "/sessions/{session}/needs-input", "NeedInput", S),
    _write("POST", "/sessions/{session}/complete", "CompleteSession", S),
    _write("POST", "/sessions/{session}/stop", "StopSession", S),
    _write("POST", "/sessions/{session}/exit", "RecordExit", S),
    _write("POST", "/sessions/{session}/resume", "ResumeSession", S),
    _write("POST", "/sessions/{session}/worktree", "PlanWorktree", S),
    _write("PATCH", "/sessions/{session}/worktree", "RecordWorktree", S),
    _write("POST", "/sessions/{session}/queue/start", "StartItem", Noun.ITEM, Shape.ITEM),
    _write("POST", "/sessions/{session}/queue/complete", "CompleteItem", Noun.ITEM, Shape.ITEM),
    _write("POST", "/sessions/{session}/queue/fail", "FailItem", Noun.ITEM, Shape.ITEM),
    _write("POST", "/sessions/{session}/queue/skip", "SkipItem", Noun.ITEM, Shape.ITEM),
    _write("POST", "/sessions/{session}/queue/push", "PushItem", Noun.ITEM, Shape.ITEM, 201),
    _write("POST", "/sessions/{session}/queue/pause", "PauseQueue", Q),
    _write("POST", "/sessions/{session}/queue/resume", "ResumeQueue", Q),
    _write("POST", "/sessions/{session}/queue/items/{item}/move", "MoveItem", Noun.ITEM, Shape.ITEM),
    _write("POST", "/timeline", "Report", L, status=201),
    _write("DELETE", "/docs/{doc}", "DeleteDoc", D, Shape.GONE),
    _write("PUT", "/ordering/{type}/{project}", "SetOrdering", Noun.ORDERING),
    _write("POST", "/mail", "SendMail", M, status=201),
    _write("DELETE", "/mail/{mail}", "DeleteMail", M, Shape.GONE),
    _write("POST", "/mail/{mail}/read", "ReadMail", M),
    _write("POST", "/mail/{mail}/ack", "AckMail", M),
    _write("POST", "/templates", "CreateTemplate", Noun.TEMPLATE, status=201),
    _write("PUT", "/templates/{template}", "EditTemplate", Noun.TEMPLATE),
    _write("DELETE", "/templates/{template}", "DeleteTemplate", Noun.TEMPLATE, Shape.GONE),
    _write("POST", "/templates/{template}/reset", "ResetTemplate", Noun.TEMPLATE),
    _write("POST", "/keys", "CreateKey", Noun.KEY, Shape.SECRET, 201),
    _write("POST", "/keys/{key}/rotate", "RotateKey", Noun.KEY, Shape.SECRET),
    _write("DELETE", "/keys/{key}", "RevokeKey", Noun.KEY, Shape.GONE),
)

READS: tuple[Read, ...] = (
    Read(path="/hello", query="hello"),
    Read(path="/openapi.json", query="openapi"),
    Read(path="/status", query="status", filters=("projectId",)),
    Read(path="/projects", query="projects", noun=P, filters=("archived", "workingDir", *PAGING)),
    Read(path="/projects/{project}", query="project", noun=P),
    Read(path="/tasks", query="tasks", noun=T, filters=(*TASK_FILTERS, *PAGING)),
    Read(path="/tasks/{task}", query="task", noun=T),
    Read(path="/tasks/{task}/children", query="children", noun=T, filters=("recursive",)),
    Read(path="/tasks/claim-next", query="next_task", filters=("projectId", "sessionId", "label", "parentId")),
    Read(path="/why", query="why", filters=("task", "session", "queue", "projectId")),
    Read(path="/invariants", query="invariants"),
    Read(path="/projects/{project}/graph", query="graph"),
    Read(path="/tasks/{task}/subtasks", query="subtasks", noun=U),
    Read(path="/tasks/{task}/timeline", query="task_timeline", noun=L, filters=PAGING),
    Read(path="/tasks/{task}/docs", query="task_docs", noun=D, filters=PAGING),
    Read(path="/tasks/{task}/assignments", query="task_assignments", noun=Noun.ASSIGNMENT),
    Read(path="/assignments", query="assignments", noun=Noun.ASSIGNMENT, filters=PAGING),
    Read(path="/sessions", query="sessions", noun=S, filters=(*SESSION_FILTERS, *PAGING)),
    Read(path="/sessions/{session}", query="session", noun=S),
    Read(path="/sessions/{session}/timeline", query="session_timeline", noun=L, filters=PAGING),
    Read(path="/sessions/{session}/docs", query="session_docs", noun=D, filters=PAGING),
    Read(path="/sessions/{session}/manifest", query="manifest"),
    Read(path="/sessions/{session}/queue", query="queue", noun=Q),
    Read(path="/sessions/{session}/queue/top", query="queue_top", noun=Noun.ITEM),
    Read(path="/sessions/{session}/queue/items", query="queue_items", noun=Noun.ITEM),
    Read(path="/docs/{doc}", query="doc", noun=D),
    Read(path="/ordering/{type}/{project}", query="ordering", noun=Noun.ORDERING),
    Read(path="/mail", query="mails", noun=M, filters=PAGING, people=True),
    Read(path="/mail/inbox/{session}", query="inbox", noun=Noun.DELIVERY, filters=(*MAIL_FILTERS, *PAGING)),
    Read(path="/mail/{mail}", query="mail", noun=M),
    Read(path="/mail/{mail}/receipts", query="receipts", noun=Noun.DELIVERY),
    Read(path="/templates", query="templates", noun=Noun.TEMPLATE, filters=("role", "fields")),
    Read(path="/keys", query="keys", noun=Noun.KEY, filters=PAGING, people=True),
    Read(path="/templates/placeholders", query="placeholders"),
    Read(path="/templates/{template}", query="template", noun=Noun.TEMPLATE),
    Read(path="/templates/role/{role}", query="role_template", noun=Noun.TEMPLATE),
    Read(path="/templates/default/{role}", query="shipped_template"),
    Read(path="/commits", query="commits", filters=("after", "limit", "actor", "entity")),
)

LIVE_ROUTES: tuple[tuple[str, str, str], ...] = (
    ("GET", "/events", "events"),
    ("GET", "/state", "state"),
    ("GET", "/ws-status", "ws_status"),
    ("POST", "/undo/{seq}", "undo"),
    ("POST", "/import", "import"),
    ("GET", "/backups", "backups"),
    ("POST", "/backups", "backup"),
    ("POST", "/sessions/{session}/hook", "hook"),
    ("GET", "/tasks/{task}/checks", "checks"),
    ("GET", "/sessions/{session}/screen", "screen"),
    ("GET", "/sessions/{session}/screen/stream", "screen_stream"),
    ("GET", "/sessions/{session}/wait", "wait"),
    ("GET", "/sessions/{session}/explain", "explain"),
    ("GET", "/mail/wait/{session}", "mail_wait"),
    ("POST", "/sessions/{session}/input", "input"),
    ("GET", "/projects/{project}/worktrees", "worktrees"),
    ("GET", "/sessions/{session}/worktree", "worktree"),
    ("GET", "/sessions/{session}/worktree/diff", "worktree_diff"),
    ("POST", "/sessions/{session}/worktree/merge", "worktree_merge"),
    ("DELETE", "/sessions/{session}/worktree", "worktree_remove"),
    ("GET", "/projects/{project}/trash", "trash"),
    ("POST", "/projects/{project}/trash/{kept}/restore", "trash_restore"),
    ("POST", "/shutdown", "shutdown"),
    ("GET", "/skills", "skills"),
    ("GET", "/skills/role/{role}", "skills_of_role"),
    ("GET", "/skills/{skill}", "skill"),
    ("POST", "/skills/{skill}/reload", "skill_reload"),
)
"""Routes that are neither a command nor a plain read of the state; their handlers have these names."""

LIVE_PARAMETERS: Mapping[str, tuple[str, ...]] = {
    "events": ("after", "batch", "projectId", "sessionIds", "taskIds", "events"),
    "state": ("at", "noun", "fields"),
    "screen": ("colours", "lines"),
    "screen_stream": ("fps",),
    "checks": ("wait",),
    "wait": ("until", "timeout"),
    "skills": ("projectId",),
    "skills_of_role": ("projectId", "fields"),
    "skill": ("projectId",),
    "skill_reload": ("projectId",),
    "mail_wait": ("projectId", "type", "since", "timeout"),
    "worktree_diff": ("patch",),
    "worktree_remove": ("force",),
}
"""The query parameters of the routes that are neither command nor query, by handler."""

FLAGS: Mapping[str, tuple[str, ...]] = {"DeleteProject": ("cascade",), "DeleteTask": ("force",)}
"""Fields of commands that may also stand in the query, by command."""

OF_SECRET = ("hash", "prefix")
"""Fields of commands that the daemon fills itself where the answer is a secret."""

OF_HOME: Mapping[str, str] = {"PlanWorktree": "folder"}
"""The field of a command that the daemon fills itself with the folder where worktrees lie."""

PATH_FIELDS: Mapping[str, str] = {
    "project": "projectId",
    "task": "taskId",
    "subtask": "subtaskId",
    "session": "sessionId",
    "item": "itemId",
    "doc": "docId",
    "template": "templateId",
    "key": "keyId",
    "type": "entityType",
    "mail": "mailId",
}
"""The field of a command that is filled by what stands in the path."""
