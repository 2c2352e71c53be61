"""The data folder of the original system: its documents as entities of ours, with the ids they have.

A file per thing, in a folder per kind. Words that are not known become the usual ones, sessions that were running
have ended, and what has no place here is left out; each of that is told. What has no id of its own there gets one
that follows from what it is, so that reading twice gives the same.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import sha256
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from maestrod.domain.changes import Piece
from maestrod.domain.documents import Paper, papers
from maestrod.domain.mending import LEFT_OUT, Finding
from maestrod.domain.model import (
    LIVE_ASSIGNMENT,
    LIVE_SESSION,
    PREFIXES,
    Assignment,
    AssignmentStatus,
    Delivery,
    DeliveryState,
    Doc,
    Entity,
    EntryType,
    Exit,
    ItemStatus,
    Mail,
    MailType,
    Noun,
    Ordered,
    Ordering,
    PermissionMode,
    Priority,
    Project,
    Queue,
    QueueItem,
    Role,
    Session,
    SessionStatus,
    Strategy,
    Subtask,
    Task,
    TaskStatus,
    Template,
    TimelineEntry,
)

E = TypeVar("E", bound=Entity)

FOLDERS = ("projects", "tasks", "sessions", "queues", "mail", "ordering", "templates")
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_STATUS = {"pending": TaskStatus.TODO}
_ROLE = {"execute": Role.WORKER, "coordinate": Role.ORCHESTRATOR}
_STRATEGY = {"intelligent-batching": Strategy.BATCHING}
_ENTRY = {"task_status_changed": EntryType.STATUS_CHANGED}
_PROVIDER = {"claude-code": "claude"}
_SECRET = ("TOKEN", "KEY", "SECRET", "PASSWORD", "AUTH", "CREDENTIAL")
WAS_RUNNING = "it was running where it was imported from"
CHANNEL = "import"


def is_original(paths: Iterable[str]) -> bool:
    """Whether these are the files of such a folder."""
    return any(path.split("/")[0] in FOLDERS for path in paths)


def read(files: Mapping[str, str]) -> tuple[list[Piece], list[Finding]]:
    """The entities in the folder, and what was not as it should be."""
    folder = _Folder()
    for paper in papers(files, folder.findings):
        kind = paper.file.split("/")[0]
        make = _MAKERS.get(kind)
        if make is None:
            paper.told(f"'{kind}' has no place here", LEFT_OUT)
        elif not paper.text("id") and kind not in {"queues", "ordering"}:
            paper.told("it has no id", LEFT_OUT)
        else:
            make(folder, paper)
    folder.tie()
    return folder.pieces, folder.findings


class _Tie(msgspec.Struct):
    """A task and a session that belong together: what either says of it."""

    paper: Paper
    status: str = ""


class _Folder:
    """What was read so far."""

    def __init__(self) -> None:
        self.pieces: list[Piece] = []
        self.findings: list[Finding] = []
        self._ties: dict[tuple[str, str], _Tie] = {}
        self._sessions: dict[str, Session] = {}
        self._broadcasts: list[tuple[Paper, Mail]] = []

    def add(self, paper: Paper, noun: Noun, entity: Entity) -> None:
        """Take an entity."""
        self.pieces.append(Piece(paper.file, noun, entity))

    def tie_to(self, paper: Paper, task_id: str, session_id: str, status: str = "") -> None:
        """A task and a session name each other, or one names the other."""
        known = self._ties.setdefault((task_id, session_id), _Tie(paper))
        known.status = status or known.status

    def project(self, paper: Paper) -> None:
        """A project."""
        project = dated(
            paper,
            Project(
                id=paper.text("id"),
                name=paper.text("name"),
                working_dir=paper.text("workingDir"),
                description=paper.text("description"),
            ),
        )
        self.add(paper, Noun.PROJECT, project)

    def task(self, paper: Paper) -> None:
        """A task, its checklist, and which sessions it was given to; members of a team were kept as tasks."""
        if paper.text("taskType", "task") != "task":
            paper.told("it is a member of a team, not a task", LEFT_OUT)
            return
        provider = paper.text("agentTool")
        task = dated(
            paper,
            Task(
                id=paper.text("id"),
                project_id=paper.text("projectId"),
                title=paper.text("title"),
                parent_id=paper.text("parentId") or None,
                description=paper.text("description"),
                status=paper.word("status", TaskStatus, TaskStatus.TODO, _STATUS),
                priority=paper.word("priority", Priority, Priority.MEDIUM),
                dependencies=paper.texts("dependencies"),
                acceptance_criteria=paper.texts("acceptanceCriteria"),
                initial_prompt=paper.text("initialPrompt"),
                skill_ids=paper.texts("skillIds"),
                reference_task_ids=paper.texts("referenceTaskIds"),
                provider=_PROVIDER.get(provider, provider) or None,
                model=paper.text("model") or None,
                pinned=paper.flag("pinned"),
                started_at=paper.time("startedAt"),
                completed_at=paper.time("completedAt"),
                metadata=paper.section("metadata"),
            ),
        )
        self.add(paper, Noun.TASK, task)
        for number, step in enumerate(paper.parts("subtasks")):
            self._subtask(step, task.id, number)
        session_ids, statuses = paper.texts("sessionIds"), paper.section("taskSessionStatuses") or {}
        if session_ids and paper.text("sessionStatus"):
            statuses = {session_ids[0]: paper.text("sessionStatus"), **statuses}
        for session_id in (*session_ids, *statuses):
            self.tie_to(paper, task.id, session_id, str(statuses.get(session_id, "")))

    def _subtask(self, paper: Paper, task_id: str, number: int) -> None:
        at = paper.time("createdAt") or 0
        step = Subtask(
            id=paper.text("id") or derived(Noun.SUBTASK, at, task_id, str(number)),
            created_at=at,
            updated_at=paper.time("updatedAt") or at,
            task_id=task_id,
            title=paper.text("title"),
            description=paper.text("description"),
            completed=paper.flag("completed"),
            completed_at=paper.time("completedAt"),
            order=number,
        )
        self.add(paper, Noun.SUBTASK, step)

    def session(self, paper: Paper) -> None:
        """A session; one that was running has stopped."""
        metadata = paper.section("metadata") or {}
        told = paper.within(metadata)
        status = paper.word("status", SessionStatus, SessionStatus.STOPPED)
        running = status in LIVE_SESSION
        if running:
            paper.told(f"it was {status}, and its agent is not here", "stopped")
        session = dated(
            paper,
            Session(
                id=paper.text("id"),
                project_id=paper.text("projectId"),
                name=paper.text("name"),
                role=told.word("role" if "role" in metadata else "mode", Role, Role.WORKER, _ROLE),
                strategy=paper.word("strategy", Strategy, Strategy.SIMPLE, _STRATEGY),
                provider=_PROVIDER.get(told.text("agentTool"), told.text("agentTool")),
                model=told.text("model") or None,
                permission_mode=told.word("permissionMode", PermissionMode, PermissionMode.ACCEPT_EDITS),
                status=SessionStatus.STOPPED if running else status,
                parent_session_id=paper.text("parentSessionId") or None,
                skill_ids=told.texts("skills"),
                started_at=paper.time("startedAt"),
                completed_at=paper.time("completedAt") or paper.time("lastActivity"),
                hostname=paper.text("hostname"),
                platform=paper.text("platform"),
                conversation_id=paper.text("claudeSessionId") or None,
                exit=Exit(at=paper.time("lastActivity") or 0, reason=WAS_RUNNING) if running else None,
                env=_plain_env(paper),
                metadata=metadata or None,
            ),
        )
        self._sessions[session.id] = session
        self.add(paper, Noun.SESSION, session)
        for task_id in paper.texts("taskIds"):
            self.tie_to(paper, task_id, session.id)
        for entry in paper.parts("timeline"):
            self._entry(entry, session)
        for doc in paper.parts("docs"):
            self._doc(doc, session)
        if paper.parts("events"):
            paper.told("its log of events has no place here", LEFT_OUT)

    def _entry(self, paper: Paper, session: Session) -> None:
        at = paper.time("timestamp") or 0
        entry = TimelineEntry(
            id=paper.text("id") or derived(Noun.TIMELINE, at, session.id, paper.text("message")),
            created_at=at,
            updated_at=at,
            type=paper.word("type", EntryType, EntryType.PROGRESS, _ENTRY),
            message=paper.text("message"),
            project_id=session.project_id,
            session_id=session.id,
            task_id=paper.text("taskId") or None,
            metadata=paper.section("metadata"),
        )
        self.add(paper, Noun.TIMELINE, entry)

    def _doc(self, paper: Paper, session: Session) -> None:
        at = paper.time("addedAt") or 0
        doc = Doc(
            id=paper.text("id") or derived(Noun.DOC, at, session.id, paper.text("title")),
            created_at=at,
            updated_at=at,
            title=paper.text("title"),
            project_id=session.project_id,
            session_id=session.id,
            task_id=paper.text("taskId") or None,
            file_path=paper.text("filePath") or None,
            content=paper.text("content"),
            kind=paper.text("kind", "note"),
        )
        self.add(paper, Noun.DOC, doc)

    def queue(self, paper: Paper) -> None:
        """A session's queue and what is in it."""
        session_id, at = paper.text("sessionId"), paper.time("createdAt") or 0
        queue = Queue(
            id=derived(Noun.QUEUE, at, session_id),
            created_at=at,
            updated_at=paper.time("updatedAt") or at,
            session_id=session_id,
        )
        self.add(paper, Noun.QUEUE, queue)
        for number, part in enumerate(paper.parts("items")):
            self._item(part, queue, number)

    def _item(self, paper: Paper, queue: Queue, number: int) -> None:
        at, task_id = paper.time("addedAt") or queue.created_at, paper.text("taskId")
        status = paper.word("status", ItemStatus, ItemStatus.QUEUED)
        item = QueueItem(
            id=derived(Noun.ITEM, at, queue.session_id, task_id, str(number)),
            created_at=at,
            updated_at=at,
            queue_id=queue.id,
            session_id=queue.session_id,
            task_id=task_id,
            position=number,
            status=status,
            added_at=at,
            started_at=paper.time("startedAt"),
            completed_at=paper.time("completedAt"),
            fail_reason=paper.text("failReason") or None,
        )
        self.add(paper, Noun.ITEM, item)

    def mail(self, paper: Paper) -> None:
        """A mail; who got it is known once all sessions are."""
        mail = dated(
            paper,
            Mail(
                id=paper.text("id"),
                project_id=paper.text("projectId"),
                type=paper.word("type", MailType, MailType.NOTIFICATION),
                subject=paper.text("subject"),
                body=paper.section("body") or {},
                thread_id=paper.text("replyToMailId") or paper.text("id"),
                from_session_id=paper.text("fromSessionId") or None,
                to_session_id=paper.text("toSessionId") or None,
                reply_to_mail_id=paper.text("replyToMailId") or None,
            ),
        )
        self.add(paper, Noun.MAIL, mail)
        self._broadcasts.append((paper, mail))

    def template(self, paper: Paper) -> None:
        """A template; what is the default here stays the default."""
        template = dated(
            paper,
            Template(
                id=paper.text("id"),
                name=paper.text("name"),
                role=paper.word("role" if paper.text("role") else "mode", Role, Role.WORKER, _ROLE),
                content=paper.text("content"),
                is_default=False,
            ),
        )
        self.add(paper, Noun.TEMPLATE, template)

    def ordering(self, paper: Paper) -> None:
        """The order of a project's tasks or sessions."""
        at, kind = paper.time("updatedAt") or 0, paper.word("entityType", Ordered, Ordered.TASK)
        ordering = Ordering(
            id=derived(Noun.ORDERING, at, paper.text("projectId"), kind),
            created_at=at,
            updated_at=at,
            project_id=paper.text("projectId"),
            entity_type=kind,
            ordered_ids=paper.texts("orderedIds"),
        )
        self.add(paper, Noun.ORDERING, ordering)

    # -- at the end ------------------------------------------------------------------------------

    def tie(self) -> None:
        """What is known only when all was read: attempts at tasks, and who got which mail."""
        attempts: dict[str, int] = {}
        for (task_id, session_id), tie in sorted(self._ties.items()):
            attempts[task_id] = attempts.get(task_id, 0) + 1
            self._assignment(tie, task_id, session_id, attempts[task_id])
        for paper, mail in self._broadcasts:
            for session in self._receivers(mail):
                self._delivery(paper, mail, session)

    def _assignment(self, tie: _Tie, task_id: str, session_id: str, attempt: int) -> None:
        session = self._sessions.get(session_id)
        at = session.created_at if session is not None else 0
        wanted = tie.paper.within({"status": tie.status or AssignmentStatus.QUEUED.value})
        status = wanted.word("status", AssignmentStatus, AssignmentStatus.QUEUED)
        own = Assignment(
            id=derived(Noun.ASSIGNMENT, at, task_id, session_id),
            created_at=at,
            updated_at=session.updated_at if session is not None else at,
            task_id=task_id,
            session_id=session_id,
            attempt=attempt,
            status=status,
            ended_at=session.updated_at if session is not None and status not in LIVE_ASSIGNMENT else None,
            started_at=session.started_at if session is not None else None,
        )
        self.add(tie.paper, Noun.ASSIGNMENT, own)

    def _receivers(self, mail: Mail) -> Iterator[Session]:
        """Whom it was for: the one that is named, else those that ran in the project when it was sent."""
        for session in self._sessions.values():
            began = session.created_at <= mail.created_at <= (session.completed_at or session.updated_at)
            everybody = mail.to_session_id is None and session.id != mail.from_session_id and began
            if session.project_id == mail.project_id and (everybody or session.id == mail.to_session_id):
                yield session

    def _delivery(self, paper: Paper, mail: Mail, session: Session) -> None:
        own = Delivery(
            id=derived(Noun.DELIVERY, mail.created_at, mail.id, session.id),
            created_at=mail.created_at,
            updated_at=mail.updated_at,
            mail_id=mail.id,
            session_id=session.id,
            project_id=mail.project_id,
            at=mail.created_at,
            state=DeliveryState.READ,
            channel=CHANNEL,
        )
        self.add(paper, Noun.DELIVERY, own)


_MAKERS: Mapping[str, Callable[[_Folder, Paper], None]] = {
    "projects": _Folder.project,
    "tasks": _Folder.task,
    "sessions": _Folder.session,
    "queues": _Folder.queue,
    "mail": _Folder.mail,
    "ordering": _Folder.ordering,
    "templates": _Folder.template,
}


def derived(noun: Noun, at: int, *words: str) -> str:
    """An id that follows from a time and words."""
    number = int.from_bytes(sha256("\0".join((noun, *words)).encode()).digest()[:8], "big")
    tail = ""
    for _ in range(9):
        number, digit = divmod(number, len(_DIGITS))
        tail += _DIGITS[digit]
    return f"{PREFIXES[noun]}_{at}_{tail}"


def dated(paper: Paper, entity: E) -> E:
    """The entity with the times of its document."""
    at = paper.time("createdAt") or paper.time("startedAt") or 0
    return replace(entity, created_at=at, updated_at=paper.time("updatedAt") or at)


def _plain_env(paper: Paper) -> dict[str, str] | None:
    """The environment without what looks like a secret, and without what Maestro sets itself."""
    env = {name: value for name, value in (paper.section("env") or {}).items() if isinstance(value, str)}
    secret = [name for name in env if any(word in name.upper() for word in _SECRET)]
    if secret:
        paper.told(f"{', '.join(sorted(secret))[:200]} in its environment look like secrets", LEFT_OUT)
    kept = {name: env[name] for name in env if name not in secret and not name.startswith("MAESTRO_")}
    return kept or None
