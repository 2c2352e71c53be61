"""Whether a command may be run: by the role's row in the table of rights, and the manifest's own list.

It explains; what is decided is decided by the daemon, which knows what a call names.
"""

from maestro_cli import remembered
from maestro_cli.call import Call
from maestro_cli.corrections import unknown_command
from maestro_cli.failures import Failure
from maestro_cli.reading import find
from maestro_cli.verbs import Row
from maestrod.domain.model import Role
from maestrod.domain.permissions import RIGHTS, Reach, who_may
from maestrod.protocol.routes import WRITES

HANDLED = {
    "init": "CreateProject",
    "undo": "UndoCommit",
    "import": "ImportEntities",
    "project defaults": "EditProject",
    "task batch": "BatchTasks",
    "task next": "ClaimNext",
    "task check run": "RunChecks",
    "mail send": "SendMail",
    "mail read": "ReadMail",
    "session spawn": "SpawnSession",
    "session fork": "SpawnSession",
    "session launch": "LaunchSession",
    "session send": "StopSession",
    "session resume": "ResumeSession",
    "worktree merge": "MergeWorktree",
    "worktree remove": "RemoveWorktree",
    "worktree restore": "RestoreWorktree",
}
"""The deeds of verbs that are more than one request; the others of them change nothing of the state."""
PEOPLE = frozenset(
    {
        *("log", "export", "session answer", "session keys", "key list"),
        *("backup create", "backup list", "backup verify", "backup restore"),
        *("daemon start", "daemon stop", "daemon restart", "daemon repair", "daemon install", "daemon uninstall"),
        *("agent hooks install", "agent hooks remove", "config set", "config edit"),
    }
)
"""Verbs that no agent has, though they are no deed in the table of rights."""
REACHES = {
    Reach.NEVER: "not at all",
    Reach.SELF: "for itself and its own tasks",
    Reach.OWN_CHILD: "beneath its own tasks",
    Reach.CLAIM: "for itself, in its project",
    Reach.DESCENDANT: "for itself and the sessions that it started",
    Reach.PROJECT: "in its project",
    Reach.PEER: "to one session of its project",
    Reach.PEERS: "to sessions of its project",
}


def check(call: Call, name: str) -> int:
    """Tell whether the caller may run a command.

    Raises:
        Usage: there is no such command.
        Failure: no; the hint says who may.
    """
    row = named(name)
    kind = kind_of(row)
    told: dict[str, object] = {"command": row[0], "deed": kind, "allowed": True, "reach": None, "role": None}
    if not call.context.session:
        call.output.result(told, [f"maestro {row[0]}: yes, you are a person"])
        return 0
    manifest = remembered.read(call.context) or {}
    said = str(manifest.get("role") or call.context.environ.get("MAESTRO_ROLE") or "")
    role = Role.ORCHESTRATOR if said == Role.ORCHESTRATOR.value else Role.WORKER
    told["role"] = role.value
    if kind is None:
        if row[0] in PEOPLE:
            raise _no(row, role, "Only a person may do this.")
        call.output.result(told, [f"maestro {row[0]}: yes"])
        return 0
    right = RIGHTS[kind]
    reach = right.worker if role is Role.WORKER else right.orchestrator
    told["reach"] = reach.value
    listed = manifest.get("allowedCommands")
    if reach is Reach.NEVER:
        raise _no(row, role, who_may(reach, right))
    if isinstance(listed, list) and kind not in listed:
        raise _no(row, role, "The manifest leaves it out; a person or whoever started the session may widen that.")
    if row[0].startswith("queue ") and role is Role.WORKER and manifest and not manifest.get("queueId"):
        raise _no(row, role, "The session has no queue: its strategy is another.")
    call.output.result(told, [f"maestro {row[0]}: yes, {REACHES[reach]}"])
    return 0


def named(name: str) -> Row:
    """The command that is meant, in any of its spellings: `task:report:complete`, `task-complete`, `task complete`.

    Raises:
        Usage: there is none.
    """
    words = name.replace(":", " ").split()
    row, used = find(words)
    if row is None or used != len(words):
        raise unknown_command(words or [name], words)
    return row


def kind_of(row: Row) -> str | None:
    """The deed in the table of rights that a command asks for; None when it only asks, or is the caller's own."""
    if " " not in row[2]:
        return HANDLED.get(row[0])
    method, path = row[2].split(" ")[:2]
    return next((write.command for write in WRITES if (write.method, write.path) == (method, path)), None)


def _no(row: Row, role: Role, hint: str) -> Failure:
    article = "an" if role is Role.ORCHESTRATOR else "a"
    return Failure(f"{article} {role.value} may not run `maestro {row[0]}`", code="FORBIDDEN", hint=hint)
