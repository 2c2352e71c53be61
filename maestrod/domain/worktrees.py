"""Worktrees: the checkouts that sessions have of their own, from the plan to the end.

What is about to be done to one is durable before it is done: a launcher plans it, makes it, and says so; the daemon
notes a deed, does it, and settles it. No rule here asks git.
"""

import re

from msgspec import structs

from maestrod.domain import attempts, limits
from maestrod.domain.changes import Change, Command, Context, Put
from maestrod.domain.errors import Conflict
from maestrod.domain.model import (
    LIVE_SESSION,
    AssignmentStatus,
    EntryType,
    Isolation,
    Noun,
    PermissionMode,
    Project,
    Role,
    Session,
    SessionStatus,
    Task,
    Worktree,
    WorktreeDeed,
)
from maestrod.domain.revision import revised
from maestrod.domain.state import State
from maestrod.domain.timeline import entry

PREFIX = "maestro/"
_SLUG = 40
_TAILS = (4, 6, 9)
_OTHERS = re.compile(r"[^a-z0-9]+")
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?\Z")


class PlanWorktree(Command, frozen=True, kw_only=True):
    """Say that a worktree is about to be made; saying it again keeps the launch in the same hands.

    ``folder`` is where worktrees lie, absolute; ``directory`` is that of the project within its repository.
    """

    session_id: str
    folder: str
    base_commit: str
    base_branch: str = ""
    directory: str = ""


class RecordWorktree(Command, frozen=True, kw_only=True):
    """The worktree is there; with ``made`` false it could not be made, and nothing of it is left."""

    session_id: str
    made: bool = True
    base_commit: str | None = None


class MergeWorktree(Command, frozen=True, kw_only=True):
    """The worktree's branch is about to be merged."""

    session_id: str


class RemoveWorktree(Command, frozen=True, kw_only=True):
    """The worktree is about to be removed; with ``force`` what is only in it goes to the trash."""

    session_id: str
    force: bool = False


class RestoreWorktree(Command, frozen=True, kw_only=True):
    """The worktree is about to be brought back from the trash, for the session that had it."""

    session_id: str
    folder: str
    branch: str
    base_commit: str
    base_branch: str = ""
    directory: str = ""


class SettleWorktree(Command, frozen=True, kw_only=True):
    """What was begun with a worktree is over: done, or nothing has changed.

    ``commit`` is what was merged, ``kept`` the name in the trash.
    """

    session_id: str
    done: bool
    commit: str | None = None
    into: str = ""
    kept: str = ""


def plan_worktree(state: State, command: PlanWorktree, ctx: Context) -> list[Change]:
    """The branch is named after the session; no other session has it."""
    session = state.session(command.session_id)
    _check(command)
    if session.status is not SessionStatus.SPAWNING or session.isolation is Isolation.SHARED:
        raise Conflict(
            f"session {session.id} ({session.name}) is {session.status} and gets no worktree",
            hint="`maestro session spawn --worktree` makes a session that does.",
        )
    if session.worktree is not None and session.worktree.made_at is not None:
        raise Conflict(f"session {session.id} has a worktree: {session.worktree.path}", hint="It is used again.")
    held = session.launch and structs.replace(session.launch, at=ctx.now)
    planned = _planned(state, session, command)
    return [Put(Noun.SESSION, revised(session, ctx, worktree=planned, launch=held))]


def record_worktree(state: State, command: RecordWorktree, ctx: Context) -> list[Change]:
    """What is recorded as made stays so."""
    session = state.session(command.session_id)
    fields = limits.Fields()
    _commit(fields, "baseCommit", command.base_commit)
    fields.end()
    worktree = session.worktree
    if worktree is None or (worktree.made_at is not None and worktree.deed is None):
        if command.made != (worktree is not None):
            raise Conflict(f"session {session.id} has {'no' if worktree is None else 'a finished'} worktree")
        return []
    if worktree.deed is not None:
        raise _busy(session, worktree)
    base = command.base_commit or worktree.base_commit
    made = structs.replace(worktree, made_at=ctx.now, base_commit=base) if command.made else None
    return [Put(Noun.SESSION, revised(session, ctx, worktree=made))]


def merge_worktree(state: State, command: MergeWorktree, ctx: Context) -> list[Change]:
    """While its agent works there is nothing to merge yet."""
    session, worktree = mergeable(state, command.session_id)
    return [_begun(session, worktree, WorktreeDeed.MERGE, ctx)]


def mergeable(state: State, session_id: str) -> tuple[Session, Worktree]:
    """The session and its worktree, if that may be merged now.

    Raises:
        Conflict: it may not.
    """
    session, worktree = _of(state, session_id)
    if session.status in {SessionStatus.SPAWNING, SessionStatus.WORKING}:
        raise Conflict(
            f"session {session.id} ({session.name}) is {session.status}: its work is not done",
            hint=f"`maestro session wait {session.id} --until idle,ended`, then try again.",
        )
    if worktree.made_at is None:
        raise Conflict(f"the worktree of session {session.id} was never made: there is nothing to merge")
    return session, worktree


def remove_worktree(state: State, command: RemoveWorktree, ctx: Context) -> list[Change]:
    """No agent loses the ground under its feet."""
    session, worktree = removable(state, command.session_id)
    return [_begun(session, worktree, WorktreeDeed.REMOVE, ctx)]


def removable(state: State, session_id: str) -> tuple[Session, Worktree]:
    """The session and its worktree, if that may be removed now.

    Raises:
        Conflict: it may not.
    """
    session, worktree = _of(state, session_id)
    if session.status in LIVE_SESSION:
        raise Conflict(
            f"session {session.id} ({session.name}) is {session.status} and works in it",
            hint=f"Stop it first: `maestro session stop {session.id}`; what it did stays.",
        )
    return session, worktree


def restore_worktree(state: State, command: RestoreWorktree, ctx: Context) -> list[Change]:
    """Only while the session lives nowhere else."""
    session = state.session(command.session_id)
    _check(command)
    if session.worktree is not None:
        raise Conflict(
            f"session {session.id} has a worktree: {session.worktree.path}",
            hint=f"Remove that first: `maestro worktree remove {session.id}`.",
        )
    if session.status in LIVE_SESSION:
        raise Conflict(
            f"session {session.id} ({session.name}) is {session.status}", hint="Stop it first, or wait for its end."
        )
    worktree = Worktree(
        path=f"{command.folder.rstrip('/')}/{command.branch.removeprefix(PREFIX)}",
        branch=command.branch,
        base_commit=command.base_commit,
        base_branch=command.base_branch,
        directory=command.directory,
    )
    return [_begun(session, worktree, WorktreeDeed.RESTORE, ctx)]


def settle_worktree(state: State, command: SettleWorktree, ctx: Context) -> list[Change]:
    """What is over already stays over."""
    session = state.session(command.session_id)
    worktree = session.worktree
    if worktree is None or worktree.deed is None:
        return []
    after: Worktree | None = structs.replace(worktree, deed=None)
    told = ""
    match worktree.deed, command.done:
        case WorktreeDeed.MERGE, True:
            after = structs.replace(worktree, deed=None, merged_commit=command.commit, merged_at=ctx.now)
            told = f"merged {worktree.branch} into {command.into}"
        case WorktreeDeed.REMOVE, True:
            after, told = None, f"removed the worktree of {worktree.branch}"
            told += f"; what was only there is in the trash as {command.kept}" if command.kept else ""
        case WorktreeDeed.RESTORE, True:
            after = structs.replace(worktree, deed=None, made_at=ctx.now)
            told = f"brought the worktree of {worktree.branch} back from the trash"
        case WorktreeDeed.RESTORE, False:
            after = None
        case _:
            pass
    changes: list[Change] = [Put(Noun.SESSION, revised(session, ctx, worktree=after))]
    if told:
        said = entry(ctx, EntryType.MILESTONE, told, project_id=session.project_id, session_id=session.id)
        changes.append(Put(Noun.TIMELINE, said))
    return changes


# -- what others ask ----------------------------------------------------------------------------------


def isolation(
    state: State, project: Project, role: Role, mode: PermissionMode | None, *, wanted: bool | None
) -> Isolation:
    """Where a new session works: as it is wanted, else as the project says, else apart from a worker that lives."""
    said = wanted if wanted is not None else project.defaults.worktree
    if said is not None:
        return Isolation.OWN if said else Isolation.SHARED
    if not _writes(role, mode):
        return Isolation.SHARED
    live = (s for s in state.sessions_of_project(project.id) if s.status in LIVE_SESSION)
    shared = (s for s in live if s.isolation is Isolation.SHARED and _writes(s.role, s.permission_mode))
    return Isolation.IF_GIT if any(shared) else Isolation.SHARED


def own(session: Session) -> Worktree:
    """The session's worktree.

    Raises:
        Conflict: it has none.
    """
    if session.worktree is None:
        raise Conflict(
            f"session {session.id} ({session.name}) has no worktree", hint="`maestro worktree list` shows which have."
        )
    return session.worktree


def directory_of(state: State, session: Session) -> str:
    """Where the session works."""
    worktree = session.worktree
    if worktree is None or worktree.made_at is None:
        return state.project(session.project_id).working_dir
    return f"{worktree.path}/{worktree.directory}".rstrip("/")


def directory_of_task(state: State, task: Task, session_id: str | None = None) -> str:
    """Where the work of a task lies.

    With the session, when it has tried the task; else with the last whose worktree is not merged, else in the
    project's directory.
    """
    if session_id is not None and attempts.last(state, task.id, session_id) is not None:
        return directory_of(state, state.session(session_id))
    for own in reversed(list(state.assignments_of_task(task.id))):
        session = state.session(own.session_id)
        if session.worktree is not None and session.worktree.made_at and session.worktree.merged_commit is None:
            return directory_of(state, session)
    return state.project(task.project_id).working_dir


def begins(state: State, tasks: list[Task]) -> list[tuple[Task, Session]]:
    """The sessions in whose worktrees the dependencies of tasks were completed, in the order of the dependencies."""
    found: dict[str, tuple[Task, Session]] = {}
    for id_ in dict.fromkeys(id_ for task in tasks for id_ in task.dependencies):
        task = state.task(id_)
        done = [a for a in state.assignments_of_task(id_) if a.status is AssignmentStatus.COMPLETED]
        for own in done:
            session = state.session(own.session_id)
            if session.worktree is not None and session.worktree.made_at is not None:
                found.setdefault(session.id, (task, session))
    return list(found.values())


def branches(state: State, *tasks: Task) -> list[str]:
    """The branches on which tasks were worked on and that were not merged, the oldest attempt first."""
    tried = (state.session(own.session_id) for task in tasks for own in state.assignments_of_task(task.id))
    found = (session.worktree for session in tried if session.worktree is not None)
    return list(dict.fromkeys(each.branch for each in found if each.made_at is not None and not each.merged_commit))


def refuse_lost(sessions: list[Session]) -> None:
    """Raises: Conflict: one of the sessions that are to be forgotten has a worktree, with work in it perhaps."""
    with_one = [s for s in sessions if s.worktree is not None]
    if with_one:
        named = ", ".join(f"{s.id} ({s.worktree.branch})" for s in with_one[:10] if s.worktree is not None)
        raise Conflict(
            f"{'session' if len(with_one) == 1 else 'sessions'} {named} would be forgotten with the worktree",
            hint=f"`maestro worktree diff {with_one[0].id}` shows what is in it; merge it, then remove it.",
            details=[{"sessionId": s.id, "path": s.worktree.path} for s in with_one if s.worktree is not None],
        )


# -- parts --------------------------------------------------------------------------------------------


def _writes(role: Role, mode: PermissionMode | None) -> bool:
    return role is Role.WORKER and mode is not PermissionMode.READ_ONLY


def _of(state: State, session_id: str) -> tuple[Session, Worktree]:
    session = state.session(session_id)
    worktree = own(session)
    if worktree.deed is not None:
        raise _busy(session, worktree)
    return session, worktree


def _busy(session: Session, worktree: Worktree) -> Conflict:
    return Conflict(
        f"the worktree of session {session.id} is in the middle of another deed: {worktree.deed}",
        hint="Wait a moment, then try again.",
    )


def _begun(session: Session, worktree: Worktree, deed: WorktreeDeed, ctx: Context) -> Put:
    return Put(Noun.SESSION, revised(session, ctx, worktree=structs.replace(worktree, deed=deed)))


def _planned(state: State, session: Session, command: PlanWorktree) -> Worktree:
    words = _OTHERS.sub("-", session.name.lower()).strip("-")[:_SLUG].strip("-") or session.role.value
    folder = command.folder.rstrip("/")
    tails = [f"{words}-{session.id[-length:]}" for length in _TAILS]
    others = {t: set(state.groups["worktree", f"{folder}/{t}"]) - {session.id} for t in tails}
    tail = next((t for t in tails if not others[t]), tails[-1])
    return Worktree(
        path=f"{folder}/{tail}",
        branch=f"{PREFIX}{tail}",
        base_commit=command.base_commit,
        base_branch=command.base_branch,
        directory=command.directory,
    )


def _check(command: PlanWorktree | RestoreWorktree) -> None:
    fields = limits.Fields().absolute("folder", command.folder)
    _commit(fields, "baseCommit", command.base_commit)
    fields.text("baseBranch", command.base_branch, limits.NAME).text("directory", command.directory, limits.PATH)
    parts = command.directory.split("/")
    if command.directory and not {"", ".", ".."}.isdisjoint(parts):
        fields.wrong("directory", "must be a path within the repository")
    fields.end()


def _commit(fields: limits.Fields, path: str, value: str | None) -> None:
    if value is not None and not _COMMIT.match(value):
        fields.wrong(path, "must be the whole id of a commit")
