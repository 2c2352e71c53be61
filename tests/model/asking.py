"""How each command is asked for: one row per command of the registry, over what the reference knows to be there."""

from collections.abc import Callable, Collection
from random import Random
from typing import Any, TypeVar

from msgspec import UNSET, UnsetType

from maestrod.domain import (
    checks,
    claims,
    docs,
    editing,
    keys,
    mail,
    orderings,
    projects,
    queues,
    sessions,
    subtasks,
    tasks,
    templates,
    timeline,
    work,
)
from maestrod.domain.changes import Command
from maestrod.domain.model import (
    AssignmentStatus,
    CheckStatus,
    EntryType,
    Limits,
    NeedsInput,
    Ordered,
    Pane,
    Priority,
    Role,
    Scope,
    SessionStatus,
    SpawnSource,
    Strategy,
)
from tests.model.things import LIVE
from tests.model.whole import Whole

T = TypeVar("T")

FOLDERS = ("/srv/a", "/srv/b", "/srv/c")
WORDS = ("Build", "Fix the login", "Write it down", "x")
WRONG_LINES = ("", "two\nlines", "y" * 201)
WRONG_TEXTS = ("a\x00b", "\x1b[2J")
PID = 4711


class Asker:
    """Chooses by its random source; now and then something that is not there, or a wrong text."""

    def __init__(self, known: Whole, random: Random, *, pid: int = PID) -> None:
        self.known = known
        self.random = random
        self.pid = pid

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def one(self, ids: Collection[str]) -> str:
        if not ids or self.chance(0.02):
            return "none_1_x"
        return self.random.choice(list(ids))

    def maybe(self, ids: Collection[str], share: float = 0.3) -> str | None:
        return self.one(ids) if self.chance(share) else None

    def some(self, ids: Collection[str], most: int = 3) -> tuple[str, ...]:
        count = min(len(ids), self.random.randint(0, most))
        return tuple(self.random.sample(list(ids), count)) + (("none_1_x",) if self.chance(0.01) else ())

    def line(self) -> str:
        return self.random.choice(WRONG_LINES if self.chance(0.03) else WORDS)

    def text(self) -> str:
        return self.random.choice(WRONG_TEXTS if self.chance(0.03) else ("", *WORDS))

    def said(self) -> str:
        return self.random.choice(("", " ") if self.chance(0.03) else WORDS)

    def flag(self) -> bool:
        return self.chance(0.5)

    def priority(self) -> Priority:
        return self.random.choice(list(Priority))

    def brought(self, prefix: str, there: Collection[str]) -> str | None:
        """Now and then an id of one's own: as it should be, taken, or wrong."""
        if self.chance(0.7):
            return None
        own = f"{prefix}_{self.random.randint(10**12, 10**13 - 1)}_{self.random.randint(10**8, 10**9 - 1)}"
        wrong = (f"x{own}", own.upper(), own[:-1], f"{own}\n", "sub_1_x", "")
        return self.one(there) if self.chance(0.1) else self.random.choice(wrong) if self.chance(0.1) else own

    def project(self) -> str:
        return self.one(self.known.projects)

    def quiet(self) -> str:
        """Most often a project in which nobody lives."""
        busy = {s.project for s in self.known.sessions.values() if s.status in LIVE}
        idle = [p for p in self.known.projects if p not in busy]
        return self.one(idle) if idle and self.chance(0.7) else self.project()

    def task(self) -> str:
        return self.one(self.known.tasks)

    def session(self) -> str:
        """Most often one that lives."""
        live = [s.id for s in self.known.sessions.values() if s.status in LIVE]
        return self.one(live if live and self.chance(0.8) else self.known.sessions)

    def ended(self) -> str:
        over = [s.id for s in self.known.sessions.values() if s.status not in LIVE]
        return self.one(over if over and self.chance(0.8) else self.known.sessions)

    def queue(self) -> str:
        """Most often a session that has one."""
        return self.one(self.known.queues if self.known.queues and self.chance(0.95) else self.known.sessions)

    def busy(self) -> str:
        """Most often a session with an item in process."""
        busy = [s for s in self.known.queues if self.known.in_hand(s)]
        return self.one(busy) if busy and self.chance(0.8) else self.queue()

    def proven(self) -> str:
        """Most often a task with checks."""
        with_checks = [t.id for t in self.known.tasks.values() if t.checks]
        return self.one(with_checks) if with_checks and self.chance(0.9) else self.task()

    def late(self) -> str:
        """Most often a mail whose time is over."""
        over = [m.id for m in self.known.mails.values() if m.until is not None and m.until <= self.known.now]
        return self.one(over if over and self.chance(0.9) else self.known.mails)

    def template(self) -> str:
        return self.one([*self.known.templates, *templates.SHIPPED])

    def commands(self) -> tuple[str, ...]:
        return tuple(self.random.sample(WORDS, self.random.randint(0, 2)))

    def role(self) -> Role:
        return self.random.choice(list(Role))

    def digest(self) -> str:
        """Now and then that of another key."""
        taken = [key.hash for key in self.known.keys.values()]
        return self.random.choice(taken) if taken and self.chance(0.1) else f"{self.random.getrandbits(256):064x}"

    def about(self) -> tuple[str | None, str | None]:
        """A task and a session, or one of the two, most often such that belong together."""
        given = [(a.task, a.session) for a in self.known.attempts]
        if given and self.chance(0.6):
            return self.random.choice(given)
        return self.maybe(self.known.tasks, 0.8), self.maybe(self.known.sessions, 0.4)


def _sent(ask: Asker, value: Callable[[], T]) -> T | UnsetType:
    return value() if ask.flag() else UNSET


def _create_project(ask: Asker) -> Command:
    most = ask.random.choice([None, None, 2, 5])
    return projects.CreateProject(
        name=ask.line(), working_dir=ask.random.choice(FOLDERS), limits=Limits(max_sessions=most)
    )


def _edit_project(ask: Asker) -> Command:
    folder = ask.random.choice(FOLDERS) if ask.flag() else UNSET
    bounds = Limits(max_sessions=ask.random.choice([None, 1, 4])) if ask.flag() else UNSET
    return projects.EditProject(project_id=ask.project(), name=_sent(ask, ask.line), working_dir=folder, limits=bounds)


def _archive_project(ask: Asker) -> Command:
    return projects.ArchiveProject(project_id=ask.quiet(), archived=ask.chance(0.6))


def _delete_project(ask: Asker) -> Command:
    return projects.DeleteProject(project_id=ask.quiet(), cascade=ask.flag())


def _create_task(ask: Asker) -> Command:
    project = ask.project()
    inside = [t.id for t in ask.known.tasks.values() if t.project == project or ask.chance(0.02)]
    parent = ask.maybe(inside)
    return tasks.CreateTask(
        title=ask.line(),
        project_id=None if ask.chance(0.1) else project,
        parent_id=parent,
        priority=ask.priority(),
        dependencies=ask.some(inside, 2),
        reference_task_ids=ask.some(inside, 1),
        checks=ask.commands() if ask.chance(0.3) else (),
        id=ask.brought("task", ask.known.tasks),
    )


def _edit_task(ask: Asker) -> Command:
    task = ask.task()
    home = ask.known.tasks[task].project if task in ask.known.tasks else ""
    inside = [t.id for t in ask.known.tasks.values() if t.project == home or ask.chance(0.02)]
    return tasks.EditTask(
        task_id=task,
        title=_sent(ask, ask.line),
        priority=ask.priority() if ask.flag() else UNSET,
        parent_id=ask.maybe(inside, 0.6) if ask.chance(0.3) else UNSET,
        dependencies=ask.some(inside) if ask.flag() else UNSET,
        reference_task_ids=ask.some(inside) if ask.chance(0.2) else UNSET,
        checks=ask.commands() if ask.chance(0.2) else UNSET,
    )


def _order_subtasks(ask: Asker) -> Command:
    listed = list({s.task for s in ask.known.steps.values()})
    task = ask.one(listed) if listed and ask.chance(0.9) else ask.task()
    steps = [s.id for s in ask.known.checklist(task)]
    ask.random.shuffle(steps)
    return subtasks.OrderSubtasks(task_id=task, ordered_ids=tuple(steps if ask.chance(0.9) else steps[1:]))


def _spawn_session(ask: Asker) -> Command:
    project = ask.project()
    inside = [t.id for t in ask.known.tasks.values() if t.project == project or ask.chance(0.02)]
    role = Role.WORKER if ask.chance(0.7) else Role.ORCHESTRATOR
    usual = (Strategy.QUEUE, Strategy.QUEUE, Strategy.SIMPLE) if role is Role.WORKER else (Strategy.DAG, None)
    parents = [s.id for s in ask.known.sessions.values() if s.project == project or ask.chance(0.02)]
    return sessions.SpawnSession(
        project_id=project,
        task_ids=ask.some(inside),
        name=ask.line() if ask.flag() else None,
        role=role,
        strategy=ask.random.choice([*usual, None] if ask.chance(0.95) else list(Strategy)),
        parent_session_id=ask.maybe(parents, 0.2),
        spawn_source=SpawnSource.API if ask.flag() else None,
        force=ask.chance(0.2),
        fork_of=ask.maybe(parents, 0.1),
    )


def _register_session(ask: Asker) -> Command:
    pane = Pane(socket="maestro-test", window="@1", pane=f"%{ask.random.randint(1, 3)}", pid=ask.pid)
    return sessions.RegisterSession(session_id=ask.session(), pane=pane)


def _edit_session(ask: Asker) -> Command:
    return sessions.EditSession(session_id=ask.session(), name=_sent(ask, ask.line), keep_open=_sent(ask, ask.flag))


def _record_turn(ask: Asker) -> Command:
    """Of a session that has a pane: that is how the daemon knows."""
    seen = [s.id for s in ask.known.sessions.values() if s.pane is not None]
    status = ask.random.choice([SessionStatus.IDLE, SessionStatus.WORKING, None])
    return sessions.RecordTurn(
        session_id=ask.one(seen),
        status=SessionStatus.FAILED if ask.chance(0.05) else status,
        needs_input=NeedsInput(active=ask.flag(), message="may I?") if ask.chance(0.3) else None,
        conversation_id="c-1" if ask.chance(0.3) else None,
        adopt=ask.chance(0.3),
    )


def _record_exit(ask: Asker) -> Command:
    code = ask.random.choice([0, 0, 1, None])
    return sessions.RecordExit(session_id=ask.session(), code=code, signal=9 if ask.chance(0.1) else None)


def _skip_item(ask: Asker) -> Command:
    session = ask.busy()
    listed = [i.id for i in ask.known.items.values() if i.session == session or ask.chance(0.02)]
    return queues.SkipItem(session_id=session, item_id=ask.maybe(listed, 0.6), reason=ask.text())


def _push_item(ask: Asker) -> Command:
    session = ask.queue()
    home = ask.known.sessions[session].project if session in ask.known.sessions else ""
    inside = [t.id for t in ask.known.tasks.values() if t.project == home or ask.chance(0.05)]
    priority = ask.priority() if ask.flag() else None
    return queues.PushItem(session_id=session, task_id=ask.one(inside), priority=priority, first=ask.flag())


def _move_item(ask: Asker) -> Command:
    full = [s for s in ask.known.queues if len(ask.known.line_up(s)) > 1]
    session = ask.one(full) if full and ask.chance(0.9) else ask.queue()
    listed = [i.id for i in ask.known.line_up(session)]
    others = ask.known.items if ask.chance(0.1) else listed
    return queues.MoveItem(session_id=session, item_id=ask.one(others), to=ask.random.randint(-1, 4))


def _report(ask: Asker) -> Command:
    task, session = ask.about()
    outcomes = (AssignmentStatus.COMPLETED, AssignmentStatus.BLOCKED, AssignmentStatus.FAILED)
    outcome = ask.random.choice(outcomes) if ask.chance(0.4) else None
    return timeline.Report(
        message=ask.said(),
        type=ask.random.choice([EntryType.PROGRESS, EntryType.ERROR, EntryType.MILESTONE]),
        task_id=task,
        session_id=session,
        outcome=AssignmentStatus.QUEUED if ask.chance(0.03) else outcome,
    )


def _add_doc(ask: Asker) -> Command:
    task, session = ask.about()
    return docs.AddDoc(title=ask.line(), task_id=task, session_id=session, content="c")


def _set_ordering(ask: Asker) -> Command:
    project, kind = ask.project(), ask.random.choice(list(Ordered))
    homes = {t.id: t.project for t in ask.known.tasks.values()} if kind is Ordered.TASK else {}
    homes |= {s.id: s.project for s in ask.known.sessions.values()} if kind is Ordered.SESSION else {}
    ids = [id_ for id_, home in homes.items() if home == project or ask.chance(0.02)]
    return orderings.SetOrdering(project_id=project, entity_type=kind, ordered_ids=ask.some(ids))


def _given(ask: Asker) -> tuple[str, str]:
    """A task and a session, most often such that belong together."""
    task, session = ask.about()
    return task or ask.task(), session or ask.session()


def _for(ask: Asker) -> str | None:
    return ask.session() if ask.chance(0.5) else None


def _waiting(ask: Asker) -> dict[str, Any]:
    task = ask.task()
    home = ask.known.tasks[task].project if task in ask.known.tasks else ""
    return {"task_id": task, "dependencies": ask.some([t.id for t in ask.known.tasks.values() if t.project == home], 2)}


def _move_attempt(ask: Asker) -> Command:
    task, session = _given(ask)
    status = ask.random.choice(list(AssignmentStatus))
    return editing.MoveAttempt(task_id=task, session_id=session if ask.chance(0.8) else None, session_status=status)


def _claim_next(ask: Asker) -> Command:
    project = ask.project() if ask.flag() else None
    parents = {t.parent for t in ask.known.tasks.values() if t.parent}
    return claims.ClaimNext(
        project_id=project, session_id=_for(ask), parent_id=ask.maybe(sorted(parents), 0.2) if parents else None
    )


def _record_checks(ask: Asker) -> Command:
    """Of some that run, most often all of a task's, and most often a pass of the work as it is."""
    running = [run for run in ask.known.runs.values() if run.status == "running" or ask.chance(0.1)]
    ways = (CheckStatus.PASSED, CheckStatus.PASSED, *CheckStatus)
    return checks.RecordChecks(
        task_id=ask.task(),
        results=tuple(
            checks.Result(check_id=run.id, run=run.number - ask.chance(0.05), status=ask.random.choice(ways))
            for run in running
        ),
        work="older" if ask.chance(0.2) else "",
        steady=ask.chance(0.9),
    )


def _send_mail(ask: Asker) -> Command:
    answered = ask.maybe(ask.known.mails, 0.4) if ask.known.mails else None
    to = ask.session() if ask.chance(0.2 if answered else 0.7) else None
    return mail.SendMail(
        project_id=ask.project() if ask.chance(0.1 if answered else 0.3) else None,
        to_session_id=to,
        reply_to_mail_id=answered,
        message=ask.said(),
        subject=ask.line() if ask.chance(0.2) else None,
        expires_at=max(0, ask.known.now + ask.random.choice([-1, 1_000, 40_000])) if ask.chance(0.3) else None,
    )


def _create_key(ask: Asker) -> Command:
    scopes = tuple(scope for scope in Scope if ask.chance(0.6))
    return keys.CreateKey(
        name=ask.line(),
        prefix="mk_a",
        hash=ask.digest(),
        scopes=scopes,
        project_ids=ask.some(ask.known.projects, 2) if ask.chance(0.4) else (),
    )


ASKS: dict[str, Callable[[Asker], Command]] = {
    "CreateProject": _create_project,
    "EditProject": _edit_project,
    "ArchiveProject": _archive_project,
    "DeleteProject": _delete_project,
    "CreateTask": _create_task,
    "EditTask": _edit_task,
    "DeleteTask": lambda ask: tasks.DeleteTask(task_id=ask.task(), force=ask.chance(0.3)),
    "StartTask": lambda ask: work.StartTask(task_id=ask.task(), session_id=_for(ask), force=ask.chance(0.2)),
    "CompleteTask": lambda ask: work.CompleteTask(
        task_id=ask.proven() if ask.chance(0.3) else ask.task(),
        session_id=_for(ask),
        note=ask.text(),
        override=ask.chance(0.2),
    ),
    "ReviewTask": lambda ask: work.ReviewTask(task_id=ask.task(), session_id=_for(ask), note=ask.text()),
    "BlockTask": lambda ask: work.BlockTask(task_id=ask.task(), session_id=_for(ask), reason=ask.said()),
    "UnblockTask": lambda ask: work.UnblockTask(task_id=ask.task(), session_id=_for(ask)),
    "CancelTask": lambda ask: work.CancelTask(task_id=ask.task(), reason=ask.text()),
    "ReopenTask": lambda ask: work.ReopenTask(task_id=ask.task()),
    "ArchiveTask": lambda ask: work.ArchiveTask(task_id=ask.task()),
    "AssignTask": lambda ask: work.AssignTask(task_id=ask.task(), session_id=ask.session()),
    "UnassignTask": lambda ask: work.UnassignTask(**dict(zip(("task_id", "session_id"), _given(ask), strict=True))),
    "CreateSubtask": lambda ask: subtasks.CreateSubtask(
        task_id=ask.task(), title=ask.line(), id=ask.brought("sub", ask.known.steps)
    ),
    "EditSubtask": lambda ask: subtasks.EditSubtask(
        subtask_id=ask.one(ask.known.steps), title=_sent(ask, ask.line), completed=_sent(ask, ask.flag)
    ),
    "DeleteSubtask": lambda ask: subtasks.DeleteSubtask(subtask_id=ask.one(ask.known.steps)),
    "OrderSubtasks": _order_subtasks,
    "SpawnSession": _spawn_session,
    "LaunchSession": lambda ask: sessions.LaunchSession(session_id=ask.session(), holder=ask.line()),
    "RegisterSession": _register_session,
    "EditSession": _edit_session,
    "RecordTurn": _record_turn,
    "NeedInput": lambda ask: sessions.NeedInput(session_id=ask.session(), message=ask.text(), active=ask.flag()),
    "CompleteSession": lambda ask: sessions.CompleteSession(session_id=ask.session(), note=ask.text()),
    "StopSession": lambda ask: sessions.StopSession(session_id=ask.session(), reason=ask.text()),
    "RecordExit": _record_exit,
    "ResumeSession": lambda ask: sessions.ResumeSession(session_id=ask.ended()),
    "DeleteSession": lambda ask: sessions.DeleteSession(session_id=ask.ended()),
    "StartItem": lambda ask: queues.StartItem(session_id=ask.queue()),
    "CompleteItem": lambda ask: queues.CompleteItem(session_id=ask.busy(), note=ask.text()),
    "FailItem": lambda ask: queues.FailItem(session_id=ask.busy(), reason=ask.text(), retry=ask.chance(0.6)),
    "SkipItem": _skip_item,
    "PushItem": _push_item,
    "PauseQueue": lambda ask: queues.PauseQueue(session_id=ask.queue()),
    "ResumeQueue": lambda ask: queues.ResumeQueue(session_id=ask.queue()),
    "MoveItem": _move_item,
    "Report": _report,
    "AddDoc": _add_doc,
    "DeleteDoc": lambda ask: docs.DeleteDoc(doc_id=ask.one(ask.known.docs)),
    "SetOrdering": _set_ordering,
    "DependTask": lambda ask: editing.DependTask(**_waiting(ask)),
    "UndependTask": lambda ask: editing.UndependTask(**_waiting(ask)),
    "MoveAttempt": _move_attempt,
    "ClaimNext": _claim_next,
    "AddCheck": lambda ask: checks.AddCheck(task_id=ask.task(), check=ask.said()),
    "RunChecks": lambda ask: checks.RunChecks(task_id=ask.proven(), session_id=_for(ask) if ask.flag() else None),
    "RecordChecks": _record_checks,
    "SendMail": _send_mail,
    "ReadMail": lambda ask: mail.ReadMail(mail_id=ask.one(ask.known.mails), session_id=_for(ask)),
    "AckMail": lambda ask: mail.AckMail(mail_id=ask.one(ask.known.mails), session_id=_for(ask)),
    "DeleteMail": lambda ask: mail.DeleteMail(mail_id=ask.one(ask.known.mails)),
    "SurfaceMail": lambda ask: mail.SurfaceMail(session_id=ask.session(), mail_ids=ask.some(ask.known.mails)),
    "HoldMail": lambda ask: mail.HoldMail(
        session_id=ask.session(), mail_ids=ask.some(ask.known.mails), reason=ask.line()
    ),
    "ExpireMail": lambda ask: mail.ExpireMail(mail_id=ask.late()),
    "CreateTemplate": lambda ask: templates.CreateTemplate(
        name=ask.line(), role=ask.role(), content=ask.said(), is_default=ask.flag()
    ),
    "EditTemplate": lambda ask: templates.EditTemplate(
        template_id=ask.template(),
        name=_sent(ask, ask.line),
        content=_sent(ask, ask.said),
        is_default=_sent(ask, ask.flag),
    ),
    "DeleteTemplate": lambda ask: templates.DeleteTemplate(template_id=ask.template()),
    "ResetTemplate": lambda ask: templates.ResetTemplate(template_id=ask.template()),
    "CreateKey": _create_key,
    "RotateKey": lambda ask: keys.RotateKey(key_id=ask.one(ask.known.keys), prefix="mk_a", hash=ask.digest()),
    "RevokeKey": lambda ask: keys.RevokeKey(key_id=ask.one(ask.known.keys)),
    "UseKey": lambda ask: keys.UseKey(key_id=ask.one(ask.known.keys)),
}

LATER = {
    "the reference keeps no history to go back to": "UndoCommit",
    "each of its deeds is asked for by itself": "BatchTasks",
    "what comes in is told by its own tests": "ImportEntities",
    "what a launcher and git do is told by their own tests": (
        "PlanWorktree RecordWorktree MergeWorktree RemoveWorktree RestoreWorktree SettleWorktree"
    ),
}
NOT_YET = {kind: reason for reason, kinds in LATER.items() for kind in kinds.split()}
"""Commands that the machine does not ask for yet, each with the reason."""
