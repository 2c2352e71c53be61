"""Sessions: one run of one agent, from its spawning to its end."""

import re
from collections.abc import Iterator
from itertools import chain, count

from msgspec import UNSET, UnsetType, structs

from maestrod.domain import attempts, limits, mail, orderings, queues, restarting, tables, templates, work, worktrees
from maestrod.domain.changes import DAEMON, Change, Command, Context, Delete, Put
from maestrod.domain.errors import AlreadyClaimed, Conflict, Invalid, NotReady, shortened
from maestrod.domain.model import (
    LIVE_ASSIGNMENT,
    LIVE_SESSION,
    OVER_TASK,
    Assignment,
    AssignmentStatus,
    Conversation,
    Defaults,
    Effort,
    EntryType,
    Exit,
    ItemStatus,
    LaunchClaim,
    NeedsInput,
    Noun,
    Pane,
    PermissionMode,
    Project,
    Queue,
    RestartPolicy,
    Role,
    Session,
    SessionStatus,
    SpawnSource,
    Strategy,
    Task,
    Turn,
)
from maestrod.domain.projects import session_belongings
from maestrod.domain.revision import given, revised
from maestrod.domain.state import State
from maestrod.domain.timeline import entry

LAUNCH_LEASE_MS = 30_000
MAX_TRIES = 3
UNREPORTED = "ended without a report"

WORKER_STRATEGIES = frozenset({Strategy.SIMPLE, Strategy.QUEUE, Strategy.TREE})
ORCHESTRATOR_STRATEGIES = frozenset({Strategy.DEFAULT, Strategy.BATCHING, Strategy.DAG})


class SpawnSession(Command, frozen=True, kw_only=True):
    """Make a session with its assignments and its queue; somebody then launches it.

    ``provider`` may be empty: then the task's, the project's, or the launcher's default is taken.
    ``force`` takes tasks whose dependencies are open (people only). ``worktree`` says whether it works in a checkout
    of its own; unsaid, the project's default counts, and else it does when another worker is in the directory.
    ``fork_of`` is a session of the same project: its agent, model and modes are taken where nothing else is said, and
    its conversation is gone on from.
    """

    project_id: str
    task_ids: tuple[str, ...] = ()
    name: str | None = None
    role: Role = Role.WORKER
    strategy: Strategy | None = None
    provider: str | None = None
    model: str | None = None
    permission_mode: PermissionMode | None = None
    effort: Effort | None = None
    mcp_config: str | None = None
    network: bool | None = None
    fork_of: str | None = None
    parent_session_id: str | None = None
    spawn_source: SpawnSource | None = None
    skill_ids: tuple[str, ...] = ()
    template_id: str | None = None
    prompt: str = ""
    keep_open: bool = False
    restart_policy: RestartPolicy = RestartPolicy.NEVER
    force: bool = False
    env: dict[str, str] | None = None
    metadata: dict[str, object] | None = None
    worktree: bool | None = None


class LaunchSession(Command, frozen=True, kw_only=True):
    """Win the right to open the session's pane; ``holder`` says who in words."""

    session_id: str
    holder: str
    provider: str | None = None


class RegisterSession(Command, frozen=True, kw_only=True):
    """The agent runs: where, and as which process."""

    session_id: str
    pane: Pane
    hostname: str = ""
    platform: str = ""


class EditSession(Command, frozen=True, kw_only=True):
    """Change what a session is called, whether it stays open, and whether it is started again after a crash."""

    session_id: str
    name: str | UnsetType = UNSET
    keep_open: bool | UnsetType = UNSET
    restart_policy: RestartPolicy | UnsetType = UNSET
    metadata: dict[str, object] | None | UnsetType = UNSET


class RecordTurn(Command, frozen=True, kw_only=True):
    """An edge in what the agent does, as the daemon judges it from its evidence."""

    session_id: str
    status: SessionStatus | None = None
    turn: Turn | None = None
    needs_input: NeedsInput | None = None
    conversation_id: str | None = None
    transcript_path: str | None = None
    adopt: bool = False


class NeedInput(Command, frozen=True, kw_only=True):
    """Ask a person something, or take the question back with ``active`` false."""

    session_id: str
    message: str = ""
    active: bool = True


class CompleteSession(Command, frozen=True, kw_only=True):
    """The session says that its work is done."""

    session_id: str
    note: str = ""


class StopSession(Command, frozen=True, kw_only=True):
    """End a session on purpose; its process is ended by the daemon. ``interrupted``: the machine has ended it."""

    session_id: str
    reason: str = ""
    interrupted: bool = False


class RecordExit(Command, frozen=True, kw_only=True):
    """The agent's process is gone, or never came to be."""

    session_id: str
    code: int | None = None
    signal: int | None = None
    reason: str = ""
    interrupted: bool = False


class ResumeSession(Command, frozen=True, kw_only=True):
    """Bring an ended session back; somebody then launches it again with the same conversation."""

    session_id: str


class DeleteSession(Command, frozen=True, kw_only=True):
    """Forget an ended session with its assignments, queue, reports, docs and mail."""

    session_id: str


def spawn_session(state: State, command: SpawnSession, ctx: Context) -> list[Change]:
    """Session, assignments and queue in one commit.

    The name defaults to the first task's title, with a number when a session of the project has that name already.
    """
    _check(command)
    project = state.project(command.project_id)
    tasks = [state.task(id_) for id_ in dict.fromkeys(command.task_ids)]
    strategy = command.strategy or (Strategy.SIMPLE if command.role is Role.WORKER else Strategy.DEFAULT)
    _refuse_spawn(state, command, project, tasks, strategy)
    session = _new_session(state, command, ctx, project, tasks, strategy)
    changes: list[Change] = [Put(Noun.SESSION, session)]
    changes += [Put(Noun.ASSIGNMENT, attempts.opened(state, t, session, ctx)) for t in tasks]
    if strategy is Strategy.QUEUE:
        changes += _new_queue(session, tasks, ctx)
    return changes


def launch_session(state: State, command: LaunchSession, ctx: Context) -> list[Change]:
    """One winner; a claim that is not registered within 30 s is free again."""
    session = state.session(command.session_id)
    fields = limits.Fields().line("holder", command.holder, limits.NAME)
    fields.line("provider", command.provider, limits.NAME).end()
    if session.status is not SessionStatus.SPAWNING:
        raise Conflict(
            f"session {session.id} is {session.status}, not waiting to be launched",
            hint=f"`maestro session info {session.id}` shows it.",
        )
    claim = session.launch
    if session.pane is not None or (claim is not None and ctx.now - claim.at < LAUNCH_LEASE_MS):
        raise AlreadyClaimed(f"the launch of session {session.id}", claim.holder if claim else "its pane")
    taken = LaunchClaim(holder=command.holder, at=ctx.now)
    provider = command.provider or session.provider
    return [Put(Noun.SESSION, revised(session, ctx, launch=taken, provider=provider))]


def register_session(state: State, command: RegisterSession, ctx: Context) -> list[Change]:
    """The pane is the session's from now on; registering the same again changes nothing."""
    session = state.session(command.session_id)
    _check_registration(command)
    work.refuse_ended(session)
    if session.pane == command.pane:
        return []
    fields: dict[str, object] = {
        "pane": command.pane,
        "hostname": command.hostname or session.hostname,
        "platform": command.platform or session.platform,
        "started_at": session.started_at or ctx.now,
        "exit": None,
    }
    changes: list[Change] = [Put(Noun.SESSION, revised(session, ctx, **fields))]
    if session.pane is None:
        changes.append(_told(session, EntryType.SESSION_STARTED, f"{session.provider} started", ctx))
    return changes


def edit_session(state: State, command: EditSession, ctx: Context) -> list[Change]:
    """Fields that were not sent stay."""
    session = state.session(command.session_id)
    limits.Fields().line("name", command.name, limits.NAME).metadata("metadata", command.metadata).end()
    fields = given(
        name=command.name,
        keep_open=command.keep_open,
        restart_policy=command.restart_policy,
        metadata=command.metadata,
    )
    if all(getattr(session, name) == value for name, value in fields.items()):
        return []
    return [Put(Noun.SESSION, revised(session, ctx, **fields))]


def record_turn(state: State, command: RecordTurn, ctx: Context) -> list[Change]:
    """Evidence that comes after the end revives nothing, unless the very process was found alive."""
    session = state.session(command.session_id)
    _check_turn(command)
    live = session.status in LIVE_SESSION
    if not live and not (command.adopt and command.status is not None):
        return []
    names = ("status", "turn", "needs_input", "conversation_id", "transcript_path")
    sent = {name: getattr(command, name) for name in names}
    fields = {name: value for name, value in sent.items() if value is not None and value != getattr(session, name)}
    if not fields:
        return []
    if live:
        return [Put(Noun.SESSION, revised(session, ctx, **fields))]
    back = revised(session, ctx, **fields, exit=None, completed_at=None)
    return [Put(Noun.SESSION, back), *_opened_again(state, session, ctx)]


def need_input(state: State, command: NeedInput, ctx: Context) -> list[Change]:
    """The first question keeps its time when it is asked again."""
    session = state.session(command.session_id)
    limits.Fields().text("message", command.message, limits.MESSAGE).end()
    work.refuse_ended(session)
    before = session.needs_input
    if not command.active:
        return [Put(Noun.SESSION, revised(session, ctx, needs_input=NeedsInput()))] if before.active else []
    if before.active and before.message == command.message:
        return []
    asked = NeedsInput(active=True, message=command.message, since=before.since if before.active else ctx.now)
    told = _told(session, EntryType.NEEDS_INPUT, command.message or "needs input", ctx)
    return [Put(Noun.SESSION, revised(session, ctx, needs_input=asked)), told]


def complete_session(state: State, command: CompleteSession, ctx: Context) -> list[Change]:
    """Attempts that were begun and not reported end as failed: a session cannot complete them silently."""
    session = state.session(command.session_id)
    limits.Fields().text("note", command.note, limits.TEXT).end()
    if session.status is SessionStatus.COMPLETED:
        return []
    work.refuse_ended(session)
    return end(state, session, SessionStatus.COMPLETED, command.note or "completed", ctx)


def stop_session(state: State, command: StopSession, ctx: Context) -> list[Change]:
    """Stopping what has ended changes nothing."""
    session = state.session(command.session_id)
    limits.Fields().text("reason", command.reason, limits.TEXT).end()
    if session.status not in LIVE_SESSION:
        return []
    reason = command.reason or f"stopped by {ctx.actor}"
    gone = Exit(at=ctx.now, reason=reason, interrupted=True) if command.interrupted else None
    return end(state, session, SessionStatus.STOPPED, reason, ctx, gone)


def record_exit(state: State, command: RecordExit, ctx: Context) -> list[Change]:
    """Exit 0 after every attempt was reported completes the session; otherwise 0 stops it, the rest fails it.

    A session that never gave a sign of life has failed, whatever the code.
    """
    session = state.session(command.session_id)
    fields = limits.Fields().text("reason", command.reason, limits.TEXT)
    fields.number("code", command.code).number("signal", command.signal, least=0).end()
    gone = Exit(
        code=command.code,
        signal=command.signal,
        at=ctx.now,
        reason=command.reason,
        interrupted=command.interrupted,
    )
    if session.status not in LIVE_SESSION:
        return [Put(Noun.SESSION, revised(session, ctx, exit=gone))] if session.exit is None else []
    status = _end_status(state, session, command)
    reason = command.reason or _in_words(command)
    return end(state, session, status, reason, ctx, gone)


def resume_session(state: State, command: ResumeSession, ctx: Context) -> list[Change]:
    """Its old pane is forgotten; tasks that its end took from it are its own again.

    The daemon does it after a crash; who else does it begins to count crashes anew.
    """
    session = state.session(command.session_id)
    if session.status in LIVE_SESSION:
        return []
    _refuse_crowd(state, state.project(session.project_id))
    fields: dict[str, object] = {
        "status": SessionStatus.SPAWNING,
        "pane": None,
        "launch": None,
        "exit": None,
        "completed_at": None,
        "needs_input": NeedsInput(),
        "turn": Turn(),
    }
    if ctx.actor != DAEMON:
        fields["crashes"] = ()
    told = _told(session, EntryType.SESSION_RESUMED, "resumed", ctx)
    return [Put(Noun.SESSION, revised(session, ctx, **fields)), *_opened_again(state, session, ctx), told]


def delete_session(state: State, command: DeleteSession, ctx: Context) -> list[Change]:
    """A live session is stopped first, and its worktree removed, by whoever wants it gone.

    Sessions that it spawned become roots.
    """
    session = state.session(command.session_id)
    if session.status in LIVE_SESSION:
        raise Conflict(
            f"session {session.id} ({session.name}) is {session.status}",
            hint=f"Stop it first: `maestro session stop {session.id}`.",
        )
    worktrees.refuse_lost([session])
    orphaned: list[Change] = [
        Put(Noun.CHECK, revised(c, ctx, session_id=None)) for c in state.checks_of_session(session.id)
    ]
    for child in state.child_sessions(session.id):
        orphaned.append(Put(Noun.SESSION, revised(child, ctx, parent_session_id=None, root_session_id=child.id)))
        below = (revised(s, ctx, root_session_id=child.id) for s in _below(state, child.id))
        orphaned += [Put(Noun.SESSION, s) for s in below]
    unordered = orderings.without(state, session.project_id, {session.id}, ctx)
    belongings = [*mail.forgotten(state, session.id, ctx), *session_belongings(state, session.id)]
    return [*orphaned, *unordered, *belongings, Delete(Noun.SESSION, session.id)]


def _below(state: State, session_id: str) -> Iterator[Session]:
    found = list(state.child_sessions(session_id))
    for session in found:
        yield session
        found += state.child_sessions(session.id)


# -- ends ---------------------------------------------------------------------------------------------


def end(
    state: State, session: Session, status: SessionStatus, reason: str, ctx: Context, gone: Exit | None = None
) -> list[Change]:
    """The session in an ended status: attempts without a report fail, its queue is put in order, its mail bounces."""
    if session.status is SessionStatus.SPAWNING and status is SessionStatus.COMPLETED:
        session = structs.replace(session, status=SessionStatus.WORKING)
    tables.moves(tables.SESSION, session.status, status, f"session {session.id}")
    fields: dict[str, object] = {"status": status, "completed_at": ctx.now, "needs_input": NeedsInput()}
    fields["crashes"] = restarting.crashed(session, ctx.now) if status is SessionStatus.FAILED else ()
    if gone is not None:
        fields["exit"] = gone
    changes: list[Change] = [Put(Noun.SESSION, revised(session, ctx, **fields))]
    why = UNREPORTED if status is SessionStatus.COMPLETED else f"{UNREPORTED}: {reason}"
    for own in state.assignments_of_session(session.id):
        if own.status in LIVE_ASSIGNMENT:
            changes.append(Put(Noun.ASSIGNMENT, attempts.reached(own, AssignmentStatus.FAILED, ctx, why)))
            changes += work.released(state, state.task(own.task_id), own, ctx)
    changes += _queue_left(state, session, ctx, why)
    changes += mail.bounced_by_end(state, session, f"session {session.id} ({session.name}) {status}: {reason}", ctx)
    return [
        *changes,
        _told(session, EntryType.SESSION_STOPPED, status if reason == status else f"{status}: {reason}", ctx),
    ]


def _queue_left(state: State, session: Session, ctx: Context, why: str) -> list[Change]:
    item = queues.processing(state, session.id)
    if item is None:
        return []
    tries = item.attempts + 1
    again = tries < MAX_TRIES
    left = revised(
        item,
        ctx,
        status=ItemStatus.QUEUED if again else ItemStatus.FAILED,
        attempts=tries,
        started_at=None if again else item.started_at,
        completed_at=None if again else ctx.now,
        fail_reason=why,
    )
    return [Put(Noun.ITEM, left)]


def _opened_again(state: State, session: Session, ctx: Context) -> list[Change]:
    """New attempts at the tasks that the session's end took from it, unless they are over or others have them."""
    ended = [a for a in state.assignments_of_session(session.id) if _ended_with(a, session)]
    taken = [a for a in ended if attempts.last(state, a.task_id, session.id) is a]
    tasks = [state.task(a.task_id) for a in taken]
    free = [t for t in tasks if t.status not in OVER_TASK and not attempts.live_at(state, t.id)]
    return [Put(Noun.ASSIGNMENT, attempts.opened(state, t, session, ctx)) for t in free]


def _ended_with(own: Assignment, session: Session) -> bool:
    unreported = own.status is AssignmentStatus.FAILED and (own.result or "").startswith(UNREPORTED)
    return unreported and own.ended_at == session.completed_at


def _end_status(state: State, session: Session, command: RecordExit) -> SessionStatus:
    if command.signal or command.code != 0:
        return SessionStatus.FAILED
    statuses = [a.status for a in state.assignments_of_session(session.id)]
    if AssignmentStatus.COMPLETED in statuses and LIVE_ASSIGNMENT.isdisjoint(statuses):
        return SessionStatus.COMPLETED
    return SessionStatus.FAILED if session.status is SessionStatus.SPAWNING else SessionStatus.STOPPED


def _in_words(command: RecordExit) -> str:
    if command.signal:
        return f"killed by signal {command.signal}"
    return "gone" if command.code is None else f"exited with code {command.code}"


# -- spawning -----------------------------------------------------------------------------------------


def _refuse_spawn(state: State, command: SpawnSession, project: Project, tasks: list[Task], strategy: Strategy) -> None:
    fields = limits.Fields()
    fitting = WORKER_STRATEGIES if command.role is Role.WORKER else ORCHESTRATOR_STRATEGIES
    if strategy not in fitting:
        fields.wrong("strategy", f"'{strategy}' is not for a {command.role}; use {', '.join(sorted(fitting))}")
    for task in tasks:
        if task.project_id != project.id:
            fields.wrong("taskIds", f"{task.id} is a task of another project")
    if command.template_id is not None and templates.get(state, command.template_id).role is not command.role:
        fields.wrong("templateId", f"{command.template_id} is not for a {command.role}")
    fields.end()
    _refuse_crowd(state, project)
    for task in tasks:
        _refuse_task(state, command, task, {t.id for t in tasks} if strategy is Strategy.QUEUE else set())


def _refuse_crowd(state: State, project: Project) -> None:
    """Raises: Conflict: the project is archived, or has as many live sessions as it may."""
    if project.archived_at is not None:
        raise Conflict(
            f"project '{project.name}' is archived",
            hint=f"Take it back first: `maestro project archive {project.id} --undo`.",
        )
    live = sum(1 for s in state.sessions_of_project(project.id) if s.status in LIVE_SESSION)
    most = project.limits.max_sessions
    if most is not None and live >= most:
        more = f"`maestro project edit {project.id} --max-sessions {most + 1}`"
        raise Conflict(
            f"project '{project.name}' has {live} live sessions, at most {most} are allowed",
            hint=f"Wait for one to end, or raise the limit: {more}.",
        )


def _refuse_task(state: State, command: SpawnSession, task: Task, also_queued: set[str]) -> None:
    if task.status in OVER_TASK:
        raise Conflict(
            f"task {task.id} ({task.title}) is {task.status}",
            hint=f"`maestro task reopen {task.id}` takes it back.",
        )
    open_ = [t for t in work.waits(state, task) if t.id not in also_queued]
    if open_ and not command.force and command.role is Role.WORKER:
        raise NotReady(f"task {task.id} ({task.title})", [(t.id, t.title) for t in open_])


def _new_session(
    state: State, command: SpawnSession, ctx: Context, project: Project, tasks: list[Task], strategy: Strategy
) -> Session:
    first = tasks[0] if tasks else None
    old = _forked(state, command)
    preset = project.defaults if old is None else _as_defaults(old)
    parent = _parent(state, command, ctx)
    source = SpawnSource.SESSION if ctx.actor.session_id else command.spawn_source or SpawnSource.USER
    mode = command.permission_mode or preset.permission_mode or PermissionMode.ACCEPT_EDITS
    id_ = ctx.new_id(Noun.SESSION)
    return Session(
        id=id_,
        created_at=ctx.now,
        updated_at=ctx.now,
        project_id=project.id,
        name=command.name or _own_name(state, project, first.title if first else command.role.value),
        role=command.role,
        strategy=strategy,
        provider=command.provider or (first.provider if first and old is None else None) or preset.provider or "",
        model=command.model or (first.model if first and old is None else None) or preset.model,
        permission_mode=mode,
        effort=command.effort or preset.effort,
        mcp_config=command.mcp_config or preset.mcp_config,
        network=next((said for said in (command.network, preset.network) if said is not None), True),
        fork_of=_conversation(old) if old is not None else None,
        parent_session_id=parent.id if parent else None,
        root_session_id=(parent.root_session_id or parent.id) if parent else id_,
        spawn_source=source,
        skill_ids=command.skill_ids,
        template_id=command.template_id,
        prompt=command.prompt,
        keep_open=command.keep_open,
        restart_policy=command.restart_policy,
        env=command.env,
        metadata=command.metadata,
        isolation=worktrees.isolation(state, project, command.role, mode, wanted=command.worktree),
    )


def _own_name(state: State, project: Project, words: str) -> str:
    """The words, else with the lowest number from 2 on that no session of the project has."""
    taken = {session.name for session in state.sessions_of_project(project.id)}
    ends = (f" {number}" for number in count(2))
    numbered = (f"{words[: limits.NAME - len(end)].rstrip()}{end}" for end in ends)
    return next(name for name in chain([words], numbered) if name not in taken)


def _forked(state: State, command: SpawnSession) -> Session | None:
    """The session whose conversation is gone on from.

    Raises:
        Invalid: it is another project's, or another agent is asked for.
        Conflict: no conversation of it is known.
    """
    if command.fork_of is None:
        return None
    old = state.session(command.fork_of)
    if old.project_id != command.project_id:
        raise Invalid.field("forkOf", f"{old.id} is a session of another project")
    if command.provider and command.provider != old.provider:
        raise Invalid.field("provider", f"the conversation is one of {old.provider}")
    if old.conversation_id is None:
        raise Conflict(
            f"no conversation of session {old.id} ({old.name}) is known yet",
            hint=f"`maestro session info {old.id}` shows when there is one.",
        )
    return old


def _conversation(session: Session) -> Conversation | None:
    known = session.conversation_id
    return Conversation(id=known, transcript_path=session.transcript_path) if known is not None else None


def _as_defaults(session: Session) -> Defaults:
    return Defaults(
        provider=session.provider,
        model=session.model,
        permission_mode=session.permission_mode,
        effort=session.effort,
        mcp_config=session.mcp_config,
        network=session.network,
    )


def _parent(state: State, command: SpawnSession, ctx: Context) -> Session | None:
    parent_id = command.parent_session_id or ctx.actor.session_id
    parent = state.session(parent_id) if parent_id else None
    if parent is not None and parent.project_id != command.project_id:
        raise Invalid.field("parentSessionId", f"{parent.id} is a session of another project")
    return parent


def _new_queue(session: Session, tasks: list[Task], ctx: Context) -> list[Change]:
    queue = Queue(id=ctx.new_id(Noun.QUEUE), created_at=ctx.now, updated_at=ctx.now, session_id=session.id)
    items = [queues.new_item(queue, task, ctx, position=number) for number, task in enumerate(tasks)]
    return [Put(Noun.QUEUE, queue), *(Put(Noun.ITEM, item) for item in items)]


def _told(session: Session, type_: EntryType, message: str, ctx: Context) -> Put:
    return Put(Noun.TIMELINE, entry(ctx, type_, message, project_id=session.project_id, session_id=session.id))


SECRET_WORDS = ("TOKEN", "KEY", "SECRET", "PASSWORD", "AUTH", "CREDENTIAL")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


def _check(command: SpawnSession) -> None:
    fields = limits.Fields()
    fields.line("name", command.name, limits.NAME)
    fields.line("provider", command.provider or None, limits.NAME)
    fields.line("model", command.model, limits.NAME)
    fields.absolute("mcpConfig", command.mcp_config)
    fields.lines("taskIds", command.task_ids, limits.NAME)
    fields.lines("skillIds", command.skill_ids, limits.NAME)
    fields.text("prompt", command.prompt, limits.PROMPT)
    fields.metadata("metadata", command.metadata)
    fields.metadata("env", command.env)
    for name, value in (command.env or {}).items():
        _check_variable(fields, name, value)
    fields.end()


def _check_variable(fields: limits.Fields, name: str, value: str) -> None:
    path = f"env.{shortened(name)}"
    if not _VARIABLE.match(name):
        fields.wrong(path, "is no name of a variable")
    elif name.startswith("MAESTRO_"):
        fields.wrong(path, "is set by Maestro itself")
    elif any(word in name.upper() for word in SECRET_WORDS):
        fields.wrong(path, "looks like a secret; leave it in your own environment")
    fields.text(path, value, limits.METADATA)


def _check_registration(command: RegisterSession) -> None:
    pane = command.pane
    fields = limits.Fields().line("pane.socket", pane.socket, limits.PATH)
    fields.text("pane.window", pane.window, limits.NAME).text("pane.pane", pane.pane, limits.NAME)
    fields.number("pane.pid", pane.pid, least=1).number("pane.supervisorPid", pane.supervisor_pid, least=1)
    fields.number("pane.pidStartedAt", pane.pid_started_at, least=0)
    fields.text("hostname", command.hostname, limits.NAME).text("platform", command.platform, limits.NAME)
    fields.end()


def _check_turn(command: RecordTurn) -> None:
    fields = limits.Fields()
    if command.status is not None and command.status not in tables.ADOPTION:
        fields.wrong("status", f"must be one of {', '.join(sorted(tables.ADOPTION))}; ends have their own commands")
    fields.line("conversationId", command.conversation_id, limits.NAME)
    fields.line("transcriptPath", command.transcript_path, limits.PATH)
    if command.turn is not None:
        fields.text("turn.state", command.turn.state, limits.LABEL).text(
            "turn.source", command.turn.source, limits.NAME
        )
        fields.number("turn.since", command.turn.since, least=0)
    if command.needs_input is not None:
        fields.text("needsInput.message", command.needs_input.message, limits.MESSAGE)
        fields.number("needsInput.since", command.needs_input.since, least=0)
    fields.end()
