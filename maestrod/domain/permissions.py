"""Who may do what: one table of command by role, read by the daemon before every command.

A person (``user``) may do all that people do; the daemon may do all. A session reaches as far as its
role's column says; what it reaches is judged from its token, never from what the client claims.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum

import msgspec

from maestrod.domain import attempts, graph
from maestrod.domain.changes import Actor, Command
from maestrod.domain.errors import NotAllowed, NotFound
from maestrod.domain.model import Entity, Key, Noun, Project, Role, Scope, Session
from maestrod.domain.state import State


class Reach(StrEnum):
    """How far a role reaches with a command."""

    NEVER = "never"
    """Not at all."""
    SELF = "self"
    """Itself, or a task that was assigned to it, or what belongs to such a task."""
    OWN_CHILD = "own_child"
    """A new task under a task of its own."""
    CLAIM = "claim"
    """For itself, any task of its project."""
    DESCENDANT = "descendant"
    """Itself and the sessions below it."""
    PROJECT = "project"
    """Anything in its project."""
    PEER = "peer"
    """One named session of its project, or the sender of a mail of its own."""
    PEERS = "peers"
    """Sessions of its project, one or all at once."""


class Right(msgspec.Struct, frozen=True):
    """One row: how far each role reaches; ``person`` says whether people may, else only the daemon."""

    worker: Reach
    orchestrator: Reach
    person: bool = True


N, S, OC, CL, D, P = Reach.NEVER, Reach.SELF, Reach.OWN_CHILD, Reach.CLAIM, Reach.DESCENDANT, Reach.PROJECT

RIGHTS: dict[str, Right] = {
    "CreateProject": Right(N, N),
    "EditProject": Right(N, N),
    "ArchiveProject": Right(N, N),
    "DeleteProject": Right(N, N),
    "CreateTask": Right(OC, P),
    "EditTask": Right(N, P),
    "DeleteTask": Right(N, P),
    "StartTask": Right(CL, P),
    "CompleteTask": Right(S, P),
    "ReviewTask": Right(S, P),
    "BlockTask": Right(S, P),
    "UnblockTask": Right(S, P),
    "CancelTask": Right(N, P),
    "ReopenTask": Right(N, P),
    "ArchiveTask": Right(N, P),
    "AssignTask": Right(N, D),
    "UnassignTask": Right(N, D),
    "CreateSubtask": Right(S, P),
    "EditSubtask": Right(S, P),
    "DeleteSubtask": Right(S, P),
    "OrderSubtasks": Right(S, P),
    "SpawnSession": Right(N, P),
    "LaunchSession": Right(N, D),
    "RegisterSession": Right(S, S),
    "EditSession": Right(S, D),
    "RecordTurn": Right(N, N, person=False),
    "NeedInput": Right(S, S),
    "CompleteSession": Right(S, S),
    "StopSession": Right(N, D),
    "RecordExit": Right(S, D),
    "ResumeSession": Right(N, D),
    "DeleteSession": Right(N, N),
    "StartItem": Right(S, D),
    "CompleteItem": Right(S, D),
    "FailItem": Right(S, D),
    "SkipItem": Right(S, D),
    "PushItem": Right(CL, D),
    "PauseQueue": Right(S, D),
    "ResumeQueue": Right(S, D),
    "MoveItem": Right(S, D),
    "DependTask": Right(N, P),
    "UndependTask": Right(N, P),
    "MoveAttempt": Right(S, P),
    "BatchTasks": Right(CL, P),
    "ClaimNext": Right(CL, P),
    "AddCheck": Right(N, P),
    "RunChecks": Right(S, P),
    "RecordChecks": Right(N, N, person=False),
    "Report": Right(S, P),
    "AddDoc": Right(S, P),
    "DeleteDoc": Right(S, P),
    "SetOrdering": Right(N, P),
    "SendMail": Right(Reach.PEER, Reach.PEERS),
    "ReadMail": Right(S, S),
    "AckMail": Right(S, S),
    "DeleteMail": Right(N, P),
    "SurfaceMail": Right(N, N, person=False),
    "HoldMail": Right(N, N, person=False),
    "ExpireMail": Right(N, N, person=False),
    "UndoCommit": Right(N, N),
    "CreateTemplate": Right(N, N),
    "EditTemplate": Right(N, N),
    "DeleteTemplate": Right(N, N),
    "ResetTemplate": Right(N, N),
    "CreateKey": Right(N, N),
    "RotateKey": Right(N, N),
    "RevokeKey": Right(N, N),
    "UseKey": Right(N, N, person=False),
    "ImportEntities": Right(N, N),
    "PlanWorktree": Right(N, D),
    "RecordWorktree": Right(N, D),
    "MergeWorktree": Right(N, N),
    "RemoveWorktree": Right(N, N),
    "RestoreWorktree": Right(N, N),
    "SettleWorktree": Right(N, N, person=False),
}

ADMIN = frozenset(
    {
        *("CreateKey", "RotateKey", "RevokeKey", "DeleteProject", "ImportEntities"),
        *("CreateTemplate", "EditTemplate", "DeleteTemplate", "ResetTemplate"),
    }
)
"""What a key may with the scope ``admin`` alone."""

_PEOPLE = frozenset({"user", "key"})
_SCOPES = tuple(Scope)
_PERSON_ONLY = ("force", "cascade", "override")
_NAMED = {
    "project_id": Noun.PROJECT,
    "task_id": Noun.TASK,
    "parent_id": Noun.TASK,
    "subtask_id": Noun.SUBTASK,
    "session_id": Noun.SESSION,
    "doc_id": Noun.DOC,
    "parent_session_id": Noun.SESSION,
    "to_session_id": Noun.SESSION,
    "mail_id": Noun.MAIL,
    "reply_to_mail_id": Noun.MAIL,
}


def authorize(state: State, command: Command, actor: Actor) -> None:
    """Let the actor's command pass.

    Raises:
        NotAllowed: the actor's role does not reach this; the hint says who may.
        NotFound: a session that may give the command names what does not exist, or does not exist itself.
    """
    kind = type(command).__name__
    right = RIGHTS[kind]
    if actor.kind == "daemon":
        return
    if actor.kind in _PEOPLE:
        if not right.person:
            raise NotAllowed(f"{kind} is the daemon's own", hint="Nobody does this by hand.")
        if actor.kind == "key":
            authorize_key(state, actor, Scope.ADMIN if kind in ADMIN else Scope.WRITE, _existing(state, command))
        return
    if actor.kind != "session":
        raise NotAllowed(f"nobody knows an actor '{actor}'", hint="Say who you are with a key or a session's token.")
    _authorize_session(state, command, state.session(actor.id), right)


def authorize_untold(command: Command) -> None:
    """Let pass who is at the user's socket, but may be an agent: what no agent may is refused.

    Raises:
        NotAllowed: it is for people.
    """
    kind = type(command).__name__
    right = RIGHTS[kind]
    forced = any(getattr(command, name, False) for name in _PERSON_ONLY)
    if forced or right.worker is right.orchestrator is Reach.NEVER:
        raise NotAllowed(
            f"only people may {_deed(kind)}, and it cannot be told whether you are one",
            hint="Say it in a terminal of your own on this machine, outside of containers.",
        )


def _authorize_session(state: State, command: Command, session: Session, right: Right) -> None:
    kind = type(command).__name__
    reach = right.worker if session.role is Role.WORKER else right.orchestrator
    for name in _PERSON_ONLY:
        if getattr(command, name, False):
            raise NotAllowed(f"'{name}' is for people", hint="Ask the person who runs Maestro.")
    if reach is Reach.NEVER or not _WITHIN[reach](state, session, _existing(state, command)):
        raise NotAllowed(
            f"session {session.id} ({session.role}) may not {_deed(kind)} here",
            hint=who_may(reach, right),
            details=[{"role": session.role, "command": kind, "reach": reach}],
        )


def authorize_key(state: State, actor: Actor, scope: Scope, named: Mapping[str, str], *, sifted: bool = False) -> None:
    """Let pass who came in by a key: it has the scope, and where it is tied to projects, one of them is named.

    None need be named where the answer is ``sifted`` for what the key reaches.

    Raises:
        NotAllowed: it may not, or was revoked meanwhile.
    """
    key = state.table(Noun.KEY).get(actor.id)
    if not isinstance(key, Key):
        raise NotAllowed(f"key {actor.id} was revoked", hint="Ask whoever runs Maestro for another one.")
    if all(_SCOPES.index(scope) > _SCOPES.index(own) for own in key.scopes):
        raise NotAllowed(
            f"key '{key.name}' has no scope '{scope}'",
            hint="Ask whoever runs Maestro for a key that has it.",
            details=[{"scopes": list(key.scopes), "needed": scope}],
        )
    reached = projects_of(state, named)
    tied = set(key.project_ids)
    if tied and (reached - tied or not (reached or sifted)):
        raise NotAllowed(
            f"key '{key.name}' is tied to {', '.join(key.project_ids)}",
            hint="Name one of these projects, or something in it.",
            details=[{"projectIds": list(key.project_ids)}],
        )


def projects_of(state: State, named: Mapping[str, str]) -> set[str]:
    """The projects of the things with these ids; of what belongs to none there is none."""
    found: set[str] = set()
    for field, id_ in named.items():
        entity = state.table(_NAMED[field]).get(id_) if field in _NAMED else None
        home = home_of(state, entity) if entity is not None else None
        found |= {home} if home is not None else set()
    return found


def home_of(state: State, entity: Entity) -> str | None:
    """The project that something belongs to, itself or by the task or session that it is of; None for what has none."""
    if isinstance(entity, Project):
        return entity.id
    for field, noun in (("project_id", Noun.PROJECT), ("task_id", Noun.TASK), ("session_id", Noun.SESSION)):
        id_ = getattr(entity, field, None)
        owner = state.table(noun).get(id_) if isinstance(id_, str) and id_ else None
        if owner is not None:
            return home_of(state, owner)
    return None


def reach_of(state: State, actor: Actor) -> frozenset[str] | None:
    """The projects beyond which a key does not reach; None where there is no such bound."""
    key = state.table(Noun.KEY).get(actor.id) if actor.kind == "key" else None
    return frozenset(key.project_ids) if isinstance(key, Key) and key.project_ids else None


Named = Mapping[str, str]
"""The ids by field; a subtask stands for its task, a doc for its task and who left it, a mail for its project, too."""


def _existing(state: State, command: Command) -> Named:
    """Raises: NotFound: the command names what does not exist."""
    named: dict[str, str] = {}
    for field, noun in _NAMED.items():
        id_ = getattr(command, field, None)
        if isinstance(id_, str) and id_:
            if id_ not in state.table(noun):
                raise NotFound(noun, id_)
            named[field] = id_
    if "subtask_id" in named:
        named["task_id"] = state.subtask(named["subtask_id"]).task_id
    if "doc_id" in named:
        doc = state.doc(named["doc_id"])
        named |= {"session_id": doc.session_id or "", **({"task_id": doc.task_id} if doc.task_id else {})}
    if "mail_id" in named:
        named["project_id"] = state.mail(named["mail_id"]).project_id
    return named


def _self(state: State, session: Session, named: Named) -> bool:
    task_id = named.get("task_id")
    own = task_id is None or is_own(state, session, task_id)
    return own and _is_self(session, named) and _has_part(state, session, named.get("mail_id"))


def _own_child(state: State, session: Session, named: Named) -> bool:
    return "parent_id" in named and is_own(state, session, named["parent_id"])


def _claim(state: State, session: Session, named: Named) -> bool:
    if named.get("project_id", session.project_id) != session.project_id:
        return False
    return _is_self(session, named) and all(_in_project(state, session, named.get(f)) for f in ("task_id", "parent_id"))


def _descendant(state: State, session: Session, named: Named) -> bool:
    below = is_descendant(state, named.get("session_id"), session)
    return below and _in_project(state, session, named.get("task_id"))


def _project(state: State, session: Session, named: Named) -> bool:
    return (
        named.get("project_id", session.project_id) == session.project_id
        and _in_project(state, session, named.get("parent_id"))
        and is_descendant(state, named.get("parent_session_id"), session)
        and _descendant(state, session, named)
    )


def _peer(state: State, session: Session, named: Named) -> bool:
    answered = named.get("reply_to_mail_id")
    meant = "to_session_id" in named or answered is not None
    return meant and _has_part(state, session, answered) and _peers(state, session, named)


def _peers(state: State, session: Session, named: Named) -> bool:
    to, answered = named.get("to_session_id"), named.get("reply_to_mail_id")
    return (
        named.get("project_id", session.project_id) == session.project_id
        and (to is None or state.session(to).project_id == session.project_id)
        and (answered is None or state.mail(answered).project_id == session.project_id)
    )


_WITHIN: Mapping[Reach, Callable[[State, Session, Named], bool]] = {
    Reach.SELF: _self,
    Reach.OWN_CHILD: _own_child,
    Reach.CLAIM: _claim,
    Reach.DESCENDANT: _descendant,
    Reach.PROJECT: _project,
    Reach.PEER: _peer,
    Reach.PEERS: _peers,
}


def authorize_mailbox(state: State, actor: Actor, session_id: str) -> None:
    """Let the actor look into a session's mailbox: people into all, sessions into their own and those below.

    Raises:
        NotAllowed: it is the mailbox of another.
    """
    if actor.session_id is None or is_descendant(state, session_id, state.session(actor.id)):
        return
    hint = "`maestro mail inbox` shows your own."
    raise NotAllowed(f"session {actor.id} may not look into the mailbox of {session_id}", hint=hint)


def authorize_mail(state: State, actor: Actor, mail_id: str) -> None:
    """Let the actor see a mail: people see all, a session what it sent or got, an orchestrator its project's.

    Raises:
        NotAllowed: it is between others.
    """
    if actor.session_id is None:
        return
    session = state.session(actor.id)
    of_project = session.role is Role.ORCHESTRATOR and state.mail(mail_id).project_id == session.project_id
    if not of_project and not _has_part(state, session, mail_id):
        raise NotAllowed(f"mail {mail_id} is between others", hint="`maestro mail inbox` shows your own.")


def _has_part(state: State, session: Session, mail_id: str | None) -> bool:
    """Whether the session sent or got the mail; naming none is no hindrance."""
    if mail_id is None or state.mail(mail_id).from_session_id == session.id:
        return True
    return any(d.session_id == session.id for d in state.deliveries(mail_id))


def _is_self(session: Session, named: Named) -> bool:
    return named.get("session_id", session.id) == session.id


def _in_project(state: State, session: Session, task_id: str | None) -> bool:
    return task_id is None or state.task(task_id).project_id == session.project_id


def is_own(state: State, session: Session, task_id: str) -> bool:
    """Whether the task was assigned to the session, or lies under one that is in its hands."""
    if attempts.last(state, task_id, session.id) is not None:
        return True
    parent_id = state.task(task_id).parent_id
    return any(attempts.live(state, t.id, session.id) is not None for t in graph.ancestors(state, parent_id))


def is_descendant(state: State, session_id: str | None, ancestor: Session) -> bool:
    """Whether the session is the ancestor itself or below it; naming none means itself."""
    at = session_id or ancestor.id
    while at != ancestor.id:
        parent_id = state.session(at).parent_session_id
        if parent_id is None:
            return False
        at = parent_id
    return True


def _deed(kind: str) -> str:
    verb, *thing = "".join(f" {c.lower()}" if c.isupper() else c for c in kind).split()
    if not thing or thing[0] in _WITHOUT_ARTICLE or thing[0].endswith("s"):
        return " ".join([verb, *thing])
    return " ".join([verb, "an" if thing[0][0] in "aeiou" else "a", *thing])


_WITHOUT_ARTICLE = frozenset({"input", "mail", "next"})


def who_may(reach: Reach, right: Right) -> str:
    """Who may do what somebody may not who reaches so far, and how far that is."""
    if reach is Reach.NEVER and right.orchestrator is Reach.NEVER:
        return "Only a person may do this."
    if reach is Reach.NEVER:
        return "An orchestrator of the project or a person may do this."
    if reach in {Reach.PEER, Reach.PEERS}:
        return "A session writes to one session of its project; to all at once an orchestrator or a person does."
    if reach is Reach.OWN_CHILD:
        return "Name a task of your own as its parent (`--parent`), or ask an orchestrator or a person."
    return "A session reaches its own tasks and itself; ask an orchestrator of the project or a person."
