"""A small world: the state, a clock and ids under control, and one door through which all commands go."""

from collections.abc import Iterable
from typing import TypeVar, cast

import msgspec
import pytest
from msgspec.structs import replace

from maestrod.domain import events, permissions, registry
from maestrod.domain.changes import (
    DAEMON,
    USER,
    Actor,
    Change,
    Command,
    Commit,
    Context,
    Event,
    Piece,
    Put,
    Record,
    RecordCodec,
    Undone,
)
from maestrod.domain.checks import RecordChecks, Result, RunChecks
from maestrod.domain.docs import AddDoc
from maestrod.domain.errors import Conflict, Rejected
from maestrod.domain.keys import CreateKey
from maestrod.domain.mail import SendMail
from maestrod.domain.model import (
    PREFIXES,
    Assignment,
    CheckStatus,
    Delivery,
    Doc,
    Entity,
    Key,
    Mail,
    Noun,
    Pane,
    Project,
    QueueItem,
    Role,
    Session,
    Strategy,
    Subtask,
    Task,
    Template,
    TimelineEntry,
)
from maestrod.domain.projects import CreateProject
from maestrod.domain.sessions import RegisterSession, SpawnSession
from maestrod.domain.state import State
from maestrod.domain.subtasks import CreateSubtask
from maestrod.domain.tasks import CreateTask
from maestrod.domain.templates import CreateTemplate
from maestrod.domain.undo import UndoCommit, gathered
from tests.domain import invariants

BEGIN = 1_700_000_000_000
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"

R = TypeVar("R", bound=Rejected)


def actor(session_id: str) -> Actor:
    """The session as one that acts."""
    return Actor("session", session_id)


class World:
    """Commands go in by ``do`` and ``refuse``; the rest looks at what came of them."""

    def __init__(self, *, checked: bool = True) -> None:
        self.state = State()
        self.now = BEGIN
        self.work: dict[str, str] = {}
        self.brought: tuple[Piece, ...] = ()
        self.records: list[Record] = []
        self.lines: list[bytes] = []
        """The records as the journal would get them."""
        self.events: tuple[Event, ...] = ()
        self._checked = checked
        self._codec = RecordCodec()
        self._made = 0

    # -- commands --------------------------------------------------------------------------------

    def do(self, command: Command, actor: Actor = USER, *, undone: Undone | None = None) -> list[Change]:
        """Authorize, decide, derive, write, read back, apply; the invariants hold afterwards."""
        self.now += 1
        permissions.authorize(self.state, command, actor)
        if undone is None and isinstance(command, UndoCommit) and 0 < command.seq <= len(self.records):
            undone = self.past(command.seq)
        ctx = Context(actor, self.now, self.new_id, work=self.work, undone=undone, brought=self.brought)
        changes = registry.decide(self.state, command, ctx)
        self.events = events.derive(self.state, command, changes)
        if not changes:
            assert not self.events
            return []
        record = self._written(command, actor, changes)
        if self._checked:
            invariants.check_changes(self.state, record)
        self.state.apply_all(record.changes)
        self.records.append(record)
        if self._checked:
            invariants.check(self.state)
        return changes

    def context(self, actor: Actor = USER) -> Context:
        """What a rule may know beside the state."""
        return Context(actor=actor, now=self.now, new_id=self.new_id, work=self.work)

    def refuse(self, error: type[R], command: Command, actor: Actor = USER) -> R:
        """The command is refused with this error, and nothing has changed."""
        before = contents(self.state)
        with pytest.raises(error) as caught:
            self.do(command, actor)
        assert contents(self.state) == before
        return caught.value

    def nothing(self, command: Command, actor: Actor = USER) -> None:
        """The command succeeds and changes nothing."""
        assert self.do(command, actor) == []

    def undo(self, seq: int | None = None, actor: Actor = USER) -> list[Change]:
        """Take a commit back, by default the newest."""
        seq = len(self.records) if seq is None else seq
        return self.do(UndoCommit(seq=seq), actor)

    def cannot_undo(self, seq: int) -> Conflict:
        """Taking it back is refused, and nothing has changed."""
        before = contents(self.state)
        with pytest.raises(Conflict) as caught:
            self.undo(seq)
        assert contents(self.state) == before
        return caught.value

    def past(self, seq: int) -> Undone:
        """What is to be known of a commit to take it back."""
        was = State()
        for record in self.records[: seq - 1]:
            was.apply_all(record.changes)
        return gathered(self.records[seq - 1], lambda noun, id_: was.table(noun).get(id_), self.records[seq:])

    def _written(self, command: Command, actor: Actor, changes: list[Change]) -> Record:
        commit = Commit(
            seq=len(self.records) + 1,
            at=self.now,
            actor=str(actor),
            request_id="req",
            command=command,
            changes=tuple(changes),
            events=self.events,
        )
        line = self._codec.encode(commit)
        self.lines.append(line)
        record = self._codec.decode(line)
        assert record.changes == commit.changes
        assert record.events == commit.events
        assert msgspec.json.decode(record.command, type=type(command)) == command
        return record

    def new_id(self, noun: Noun) -> str:
        """Ids that sort in the order in which they were made."""
        self._made += 1
        return f"{PREFIXES[noun]}_{self.now}_{base36(self._made)}"

    def pass_time(self, ms: int) -> None:
        """Let the clock go on."""
        self.now += ms

    # -- things ----------------------------------------------------------------------------------

    def project(self, name: str = "Works", working_dir: str = "/works", **fields: object) -> str:
        """A new project; answers its id."""
        return self._new(Project, replace(CreateProject(name=name, working_dir=working_dir), **fields))

    def task(self, project_id: str, title: str = "Build", **fields: object) -> str:
        """A new task; answers its id."""
        return self._new(Task, replace(CreateTask(title=title, project_id=project_id), **fields))

    def subtask(self, task_id: str, title: str = "Step", **fields: object) -> str:
        """A new item of a checklist; answers its id."""
        return self._new(Subtask, replace(CreateSubtask(title=title, task_id=task_id), **fields))

    def doc(self, by: Actor = USER, **fields: object) -> str:
        """A new document; answers its id."""
        return self._new(Doc, replace(AddDoc(title="Notes"), **fields), by)

    def template(self, name: str = "Strict", **fields: object) -> str:
        """A new template, for workers unless another role is given; answers its id."""
        made = CreateTemplate(name=name, role=Role.WORKER, content="You are {{ROLE}}.")
        return self._new(Template, replace(made, **fields))

    def key(self, name: str = "ci", **fields: object) -> str:
        """A new key with a hash of its own; answers its id."""
        self._made += 1
        made = CreateKey(name=name, prefix="mk_abcdef", hash=f"{self._made:064x}")
        return self._new(Key, replace(made, **fields))

    def worker(self, project_id: str, *task_ids: str, by: Actor = USER, **fields: object) -> str:
        """A new worker on these tasks; answers its id."""
        return self._new(Session, replace(SpawnSession(project_id=project_id, task_ids=task_ids), **fields), by)

    def orchestrator(self, project_id: str, *task_ids: str, by: Actor = USER, **fields: object) -> str:
        """A new orchestrator; answers its id."""
        return self.worker(project_id, *task_ids, by=by, role=Role.ORCHESTRATOR, **fields)

    def queue(self, project_id: str, *task_ids: str, by: Actor = USER, **fields: object) -> str:
        """A new worker with these tasks in its queue; answers its id."""
        return self.worker(project_id, *task_ids, by=by, strategy=Strategy.QUEUE, **fields)

    def mail(self, sender: str | None, to: str | None, message: str = "Hello", **fields: object) -> str:
        """A new mail of a session, or of a person; answers its id."""
        command = replace(SendMail(to_session_id=to, message=message), **fields)
        return self._new(Mail, command, actor(sender) if sender else USER)

    def register(self, session_id: str, *, pid: int = 4711) -> None:
        """Let the session's agent run."""
        pane = Pane(socket="maestro-test", window="@1", pane="%1", pid=pid, pid_started_at=BEGIN)
        self.do(RegisterSession(session_id=session_id, pane=pane), actor(session_id))

    def proven(
        self, task_id: str, status: CheckStatus = CheckStatus.PASSED, *, work: str = "", steady: bool = True
    ) -> None:
        """Let the task's checks run to this end."""
        self.do(RunChecks(task_id=task_id))
        results = tuple(Result(check_id=c.id, run=c.run, status=status) for c in self.state.checks(task_id))
        self.do(RecordChecks(task_id=task_id, results=results, work=work, steady=steady), DAEMON)

    def _new(self, type_: type[Entity], command: Command, by: Actor = USER) -> str:
        changes = self.do(command, by)
        return next(c.id for c in changes if isinstance(c, Put) and isinstance(c.entity, type_))

    # -- looking ---------------------------------------------------------------------------------

    def assignment(self, task_id: str, session_id: str) -> Assignment:
        """The session's newest attempt at the task."""
        return self.attempts(task_id, session_id)[-1]

    def attempts(self, task_id: str, session_id: str) -> list[Assignment]:
        """The session's attempts at the task, oldest first."""
        return [a for a in self.state.assignments_of_task(task_id) if a.session_id == session_id]

    def delivery(self, mail_id: str, session_id: str) -> Delivery:
        """The mail on its way to the session."""
        return next(d for d in self.state.deliveries(mail_id) if d.session_id == session_id)

    def item(self, session_id: str, task_id: str) -> QueueItem:
        """The newest place of the task in the session's queue."""
        return [i for i in self.state.items_of_task(task_id) if i.session_id == session_id][-1]

    def entries(self, key: str, id_: str) -> list[TimelineEntry]:
        """What was told of a ``task`` or a ``session``, oldest first."""
        table = self.state.table(Noun.TIMELINE)
        return [cast(TimelineEntry, table[e]) for e in self.state.groups[f"{key}-timeline", id_]]

    def names(self) -> list[str]:
        """The names of the last commit's events."""
        return [e.name for e in self.events]

    def told(self, name: str) -> list[str]:
        """Whom the last commit's events of this name are about."""
        return [e.id for e in self.events if e.name == name]


def base36(number: int) -> str:
    """Nine digits."""
    digits = ""
    for _ in range(9):
        number, digit = divmod(number, 36)
        digits = DIGITS[digit] + digits
    return digits


def contents(state: State) -> dict[Noun, dict[str, Entity]]:
    """All entities, for comparing."""
    return {noun: dict(state.table(noun)) for noun in Noun}


def rebuilt(entities: Iterable[tuple[Noun, Entity]]) -> State:
    """A state made of these entities, put in this order."""
    state = State()
    state.apply_all(Put(noun, entity) for noun, entity in entities)
    return state
