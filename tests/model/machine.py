"""The machine: every command a rule, asked by every kind of actor; crash, snapshot and the clock are rules as well."""

from collections import Counter
from copy import deepcopy
from random import Random
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from maestrod import invariants as monitor
from maestrod.domain.changes import DAEMON, USER, Actor, Change, Command
from maestrod.domain.errors import Rejected
from maestrod.domain.mail import SendMail
from maestrod.domain.model import Noun, Pane, Role, Strategy
from maestrod.domain.projects import CreateProject
from maestrod.domain.sessions import RegisterSession, SpawnSession
from maestrod.domain.subtasks import CreateSubtask
from maestrod.domain.tasks import CreateTask
from tests.domain import invariants
from tests.model.asking import ASKS, FOLDERS, PID, Asker
from tests.model.comparing import agree
from tests.model.rig import Rig, made
from tests.model.roles import NOT_FOR_PEOPLE
from tests.model.things import LIVE, Made, No
from tests.model.whole import Whole

SEEDS = st.integers(0, 2**32 - 1)
ENDS = {
    "DeleteProject",
    "DeleteTask",
    "DeleteSession",
    "ArchiveProject",
    "StopSession",
    "CompleteSession",
    "RecordExit",
}
KINDS = [kind for kind in ASKS for _ in range(1 if kind in ENDS else 3)]
"""What ends much is asked for less often, so that there is something to end."""
DEEDS = [*KINDS, *["crash", "snapshot", "clock"] * 5]
JUMPS = (1, 1, 1_000, 6_000, 40_000, 400_000, -1, -60_000, 86_400_001)
FLAGGED = "a live session has a pane"
"""What the monitor says of sessions, and no command may refuse: it is the world outside that loses panes."""


class Machine(RuleBasedStateMachine):
    """One engine and the reference beside it; ``done`` counts what changed something, by kind and by actor."""

    def __init__(self, done: Counter[str] | None = None, actors: Counter[str] | None = None) -> None:
        super().__init__()
        self.steps = 0
        self.done = Counter[str]() if done is None else done
        self.actors = Counter[str]() if actors is None else actors
        self.rig = Rig()
        self.known = Whole()

    def teardown(self) -> None:
        self.rig.close()

    # -- rules -----------------------------------------------------------------------------------

    @initialize(seed=SEEDS)
    def furnish(self, seed: int) -> None:
        """Some work, some sessions, a queue, so that most commands find something to do."""
        random = Random(seed)
        self.ask(CreateProject(name="Works", working_dir=FOLDERS[0]), USER)
        (project,) = self.known.projects
        for title in ("First", "Second", "Third", "Fourth"):
            there = list(self.known.tasks)
            waits = tuple(random.sample(there, min(len(there), 1))) if random.random() < 0.4 else ()
            self.ask(CreateTask(project_id=project, title=title, dependencies=waits), USER)
        free = [t.id for t in self.known.tasks.values() if self.known.ready(t)]
        for title in ("Dig", "Fill"):
            self.ask(CreateSubtask(task_id=free[0], title=title), USER)
        self.ask(SpawnSession(project_id=project, role=Role.ORCHESTRATOR), USER)
        boss = Actor("session", next(iter(self.known.sessions)))
        self.ask(SpawnSession(project_id=project, strategy=Strategy.QUEUE, task_ids=tuple(self.known.tasks)), boss)
        self.ask(SpawnSession(project_id=project, task_ids=tuple(free[:2])), boss)
        for session in list(self.known.sessions):
            if random.random() < 0.8:
                self.welcome(session)
        for session in list(self.known.sessions)[1:]:
            self.ask(SendMail(to_session_id=session, message="Begin"), boss)

    def welcome(self, session: str) -> None:
        """Its agent runs."""
        pane = Pane(socket="maestro-test", window="@1", pane="%1", pid=PID)
        self.ask(RegisterSession(session_id=session, pane=pane), Actor("session", session))

    @rule(seed=SEEDS)
    def step(self, seed: int) -> None:
        """A command by somebody, or what the world does; all in one rule, so that each has its weight."""
        self.steps += 1
        random = Random(f"{seed} {self.steps}")
        self.step_of(random.choice(DEEDS), random)

    def step_of(self, deed: str, random: Random) -> None:
        match deed:
            case "crash":
                self.crash(random)
            case "snapshot":
                self.rig.snapshot()
            case "clock":
                self.rig.clock.at += random.choice(JUMPS)
            case _:
                self.somebody(deed, random)

    def crash(self, random: Random) -> None:
        """A power cut under a command: it is there or not, everything before it is."""
        before, seq = deepcopy(self.known), self.rig.seq
        self.rig.arm(random.randint(1, 12), random.choice([0, 0.3, 0.9, 1, -0.5]))
        self.somebody(random.choice(sorted(ASKS)), random)
        answered = self.rig.seq
        spared = not self.rig.cut
        self.rig.crash()
        assert self.rig.seq == answered or (not spared and self.rig.seq == seq)
        if self.rig.seq == seq:
            self.known = before

    @invariant()
    def everything_holds(self) -> None:
        agree(self.rig.state, self.known)
        invariants.check(self.rig.state)
        broken = [b for b in monitor.check(self.rig.state) if b is not None and b.rule != FLAGGED]
        assert not broken

    # -- asking ----------------------------------------------------------------------------------

    def somebody(self, kind: str, random: Random) -> None:
        """A command of this kind, by somebody who most often may ask for it."""
        asker = Asker(self.known, random)
        command = ASKS[kind](asker)
        self.ask(command, self.actor(command, random))

    def actor(self, command: Command, random: Random) -> Actor:
        keys = list(self.known.keys) or ["key_1_gone"]
        people = [USER, USER, Actor("key", random.choice(keys)), DAEMON]
        named = getattr(command, "session_id", None)
        if type(command).__name__ in NOT_FOR_PEOPLE and random.random() < 0.7:
            return DAEMON
        readers = self.readers(command)
        if readers and random.random() < 0.6:
            return Actor("session", random.choice(readers))
        if random.random() < 0.6 or not self.known.sessions:
            return random.choice(people)
        if named in self.known.sessions and random.random() < 0.6:
            return Actor("session", named)
        living = [s.id for s in self.known.sessions.values() if s.status in LIVE] or list(self.known.sessions)
        return Actor("session", random.choice(living))

    def readers(self, command: Command) -> list[str]:
        """Who got the mail that the command is about."""
        mail = getattr(command, "reply_to_mail_id", None) or getattr(command, "mail_id", None)
        return [copy.session for copy in self.known.copies(mail or "")]

    def ask(self, command: Command, by: Actor) -> None:
        """Both are asked; they accept or refuse alike, and what they make is the same."""
        kind = type(command).__name__
        before = {noun: set(self.rig.state.table(noun)) for noun in Noun}
        changes: tuple[Change, ...] = ()
        refusal = None
        try:
            changes = self.rig.do(command, by)
        except Rejected as refused:
            refusal = type(refused).__name__
        new = Made(made(changes, before))
        assert self.foreseen(kind, command, by, new) == refusal, f"{kind} by {by}: {command}"
        if changes:
            self.done[kind] += 1
            self.actors[f"{by.kind} {self.role(by)}".strip()] += 1

    def foreseen(self, kind: str, command: Any, by: Actor, new: Made) -> str | None:
        try:
            self.known.obey(kind, command, str(by), self.rig.clock.at, new.next)
        except No as refusal:
            return str(refusal)
        return None

    def role(self, by: Actor) -> str:
        session = self.known.sessions.get(by.id)
        return session.role if session is not None else ""
