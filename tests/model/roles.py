"""Who may do what, told a second time: one word per command for a worker and for an orchestrator."""

import re
from typing import TYPE_CHECKING, Any

from tests.model.things import OPEN, No, Session

if TYPE_CHECKING:
    from tests.model.whole import Whole

MAY = {
    "CreateTask": "child project",
    "EditTask DeleteTask CancelTask ReopenTask ArchiveTask SpawnSession SetOrdering": "never project",
    "StartTask": "claim project",
    "CompleteTask ReviewTask BlockTask UnblockTask Report AddDoc DeleteDoc": "own project",
    "CreateSubtask EditSubtask DeleteSubtask OrderSubtasks": "own project",
    "AssignTask UnassignTask LaunchSession StopSession ResumeSession": "never below",
    "RegisterSession NeedInput CompleteSession": "own own",
    "EditSession RecordExit": "own below",
    "StartItem CompleteItem FailItem SkipItem PauseQueue ResumeQueue MoveItem": "own below",
    "PushItem": "claim below",
    "CreateProject EditProject ArchiveProject DeleteProject DeleteSession RecordTurn": "never never",
    "DependTask UndependTask AddCheck DeleteMail": "never project",
    "MoveAttempt RunChecks": "own project",
    "ClaimNext": "claim project",
    "SendMail": "peer peers",
    "ReadMail AckMail": "own own",
    "RecordChecks SurfaceMail HoldMail ExpireMail UseKey": "never never",
    "CreateTemplate EditTemplate DeleteTemplate ResetTemplate": "never never",
    "CreateKey RotateKey RevokeKey": "never never",
}
REACH = {kind: reach.split() for kinds, reach in MAY.items() for kind in kinds.split()}
NOT_FOR_PEOPLE = {"RecordTurn", "RecordChecks", "SurfaceMail", "HoldMail", "ExpireMail", "UseKey"}
FOR_ADMINS = {kind for kind in REACH if kind.endswith(("Template", "Key"))} | {"DeleteProject"}
NAMED = {
    "project_id": "projects",
    "task_id": "tasks",
    "parent_id": "tasks",
    "subtask_id": "steps",
    "session_id": "sessions",
    "parent_session_id": "sessions",
    "doc_id": "docs",
    "to_session_id": "sessions",
    "mail_id": "mails",
    "reply_to_mail_id": "mails",
}
"""What a command names, and where the reference keeps it."""


def snake(kind: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", r"_\1", kind).lower()


def check(known: "Whole", kind: str, command: Any, by: str) -> None:
    """Raises: No: it is not the actor's to ask."""
    if by == "daemon":
        return
    if not by.startswith("session:"):
        if kind in NOT_FOR_PEOPLE:
            raise No("NotAllowed")
        if by.startswith("key:"):
            check_key(known, kind, by.removeprefix("key:"), named_by(known, command))
        return
    me = known.session(by.removeprefix("session:"))
    reach = REACH[kind][me.role == "orchestrator"]
    if any(getattr(command, name, False) for name in ("force", "cascade", "override")) or reach == "never":
        raise No("NotAllowed")
    if not reaches(known, reach, me, named_by(known, command)):
        raise No("NotAllowed")


def named_by(known: "Whole", command: Any) -> dict[str, str]:
    """Raises: No: something named is not there."""
    named = {name: id_ for name in NAMED if isinstance(id_ := getattr(command, name, None), str) and id_}
    for name, id_ in named.items():
        if id_ not in getattr(known, NAMED[name]):
            raise No("NotFound")
    if "subtask_id" in named:
        named["task_id"] = known.steps[named["subtask_id"]].task
    if "doc_id" in named:
        left = known.docs[named["doc_id"]]
        named |= {"session_id": left.session or ""} | ({"task_id": left.task} if left.task else {})
    if "mail_id" in named:
        named["project_id"] = known.mails[named["mail_id"]].project
    return named


def check_key(known: "Whole", kind: str, key_id: str, named: dict[str, str]) -> None:
    """Raises: No: the key is gone, has not the scope, or is tied to other projects."""
    key = known.keys.get(key_id)
    if key is None or not set(key.scopes) & ({"admin"} if kind in FOR_ADMINS else {"admin", "write"}):
        raise No("NotAllowed")
    homes = {home_of(known, name, id_) for name, id_ in named.items()} - {None}
    if key.projects and (not homes or not homes <= set(key.projects)):
        raise No("NotAllowed")


def home_of(known: "Whole", name: str, id_: str) -> str | None:
    """The project of what is named; a step and nothing have none of their own."""
    if name == "project_id":
        return id_
    if name == "doc_id":
        doc = known.docs[id_]
        return known.tasks[doc.task].project if doc.task else known.sessions[doc.session or ""].project
    thing = getattr(known, NAMED[name]).get(id_)
    return getattr(thing, "project", None)


def reaches(known: "Whole", reach: str, me: Session, named: dict[str, str]) -> bool:
    """Whether what is named lies within the role's reach."""
    task, session = named.get("task_id"), named.get("session_id", me.id)
    at_home = task is None or known.tasks[task].project == me.project
    if reach == "child":
        return "parent_id" in named and owns(known, me, named["parent_id"])
    if reach == "own":
        part = has_part(known, me, named.get("mail_id"))
        return session == me.id and part and (task is None or owns(known, me, task))
    if reach in {"peer", "peers"}:
        return writes_to_peers(known, reach, me, named)
    here = named.get("project_id", me.project) == me.project
    above = named.get("parent_id")
    if reach == "claim":
        return session == me.id and at_home and here and (above is None or known.tasks[above].project == me.project)
    if not (below(known, session or me.id, me.id) and at_home):
        return False
    if reach == "below":
        return True
    parent = named.get("parent_id")
    return (
        named.get("project_id", me.project) == me.project
        and (parent is None or known.tasks[parent].project == me.project)
        and below(known, named.get("parent_session_id", me.id), me.id)
    )


def writes_to_peers(known: "Whole", reach: str, me: Session, named: dict[str, str]) -> bool:
    to, answered = named.get("to_session_id"), named.get("reply_to_mail_id")
    if reach == "peer" and not ((to or answered) and has_part(known, me, answered)):
        return False
    homes = {named.get("project_id", me.project)}
    homes |= {known.sessions[to].project} if to else set()
    homes |= {known.mails[answered].project} if answered else set()
    return homes == {me.project}


def has_part(known: "Whole", me: Session, mail: str | None) -> bool:
    """It wrote the mail or got it."""
    return mail is None or known.mails[mail].sender == me.id or any(c.session == me.id for c in known.copies(mail))


def owns(known: "Whole", me: Session, task: str) -> bool:
    """It was given the task, or has one above it in its hands."""
    if any(a.task == task and a.session == me.id for a in known.attempts):
        return True
    above = set(known.above(known.tasks[task].parent))
    return any(a.task in above and a.session == me.id and a.status in OPEN for a in known.attempts)


def below(known: "Whole", session: str | None, top: str) -> bool:
    while session is not None and session != top:
        session = known.sessions[session].parent
    return session == top
