"""Commands by chance: fields of the right types, ids mostly of things that are there."""

from random import Random
from types import NoneType, UnionType
from typing import Union, get_args, get_origin, get_type_hints

import msgspec

from maestrod.domain import orderings
from maestrod.domain.batch import BatchTasks, Deed, Item
from maestrod.domain.changes import DAEMON, USER, Actor, Command, Piece
from maestrod.domain.checks import Result
from maestrod.domain.model import Check, CheckStatus, Delivery, DeliveryState, Noun, Priority, Queue, Task
from maestrod.domain.registry import RULES
from maestrod.domain.templates import SHIPPED
from tests.domain import invariants
from tests.domain.world import BEGIN, World, actor

IDS = {
    "project_id": Noun.PROJECT,
    "task_id": Noun.TASK,
    "parent_id": Noun.TASK,
    "dependencies": Noun.TASK,
    "reference_task_ids": Noun.TASK,
    "task_ids": Noun.TASK,
    "subtask_id": Noun.SUBTASK,
    "ordered_ids": Noun.SUBTASK,
    "session_id": Noun.SESSION,
    "parent_session_id": Noun.SESSION,
    "item_id": Noun.ITEM,
    "doc_id": Noun.DOC,
    "check_id": Noun.CHECK,
    "from_session_id": Noun.SESSION,
    "to_session_id": Noun.SESSION,
    "mail_id": Noun.MAIL,
    "mail_ids": Noun.MAIL,
    "reply_to_mail_id": Noun.MAIL,
    "template_id": Noun.TEMPLATE,
    "key_id": Noun.KEY,
    "project_ids": Noun.PROJECT,
}
PLAIN: dict[object, tuple[object, ...]] = {
    str: ("Build", "Fix the login", "x", "y" * 90, "z", ""),
    bool: (True, False),
    int: (0, 1, 7, 99, -1),
    float: (0.5,),
    NoneType: (None,),
}
DIRECTORIES = ("/a", "/b", "/c")
# What makes work is asked for more often, what ends a walk early less often than the rest.
ENDS = {
    "DeleteProject",
    "DeleteTask",
    "DeleteSession",
    "ArchiveProject",
    "StopSession",
    "CompleteSession",
    "RecordExit",
}
WORK = ["CreateTask", "SpawnSession", "StartTask", "StartItem", "PushItem", "ResumeSession", "RecordTurn", "UndoCommit"]
DEEDS = [deed.__name__ for deed in get_args(Deed)]
KINDS = [*RULES, *[kind for kind in RULES if kind not in ENDS] * 3, *WORK * 4]
ON_MAIL = {"SurfaceMail", "HoldMail"}
ON_QUEUES = {kind for kind, rule in RULES.items() if rule.command.__module__ == "maestrod.domain.queues"}
STRAY = 0.02


def furnished(*, checked: bool = True) -> World:
    """A world in which most commands find something to do."""
    world = World(checked=checked)
    project = world.project("Works", DIRECTORIES[0])
    first = world.task(project, "First")
    second = world.task(project, "Second", dependencies=(first,), priority=Priority.HIGH)
    third = world.task(project, "Third", parent_id=first, reference_task_ids=(second,))
    fourth = world.task(project, "Fourth", checks=("make test", "make lint"))
    world.subtask(first)
    boss = world.orchestrator(project)
    world.queue(project, first, second, fourth, by=actor(boss))
    worker = world.worker(project, first, third, by=actor(boss))
    world.mail(boss, worker, expires_at=BEGIN)
    world.brought = (Piece("a.json", Noun.TASK, Task(id="task_1_brought00", project_id=project, title="Brought")),)
    return world


class Asker:
    """Asks a world for something."""

    def __init__(self, world: World, random: Random) -> None:
        self._state = world.state
        self._tables = world.state.tables
        self._records = world.records
        self._random = random

    def command(self) -> Command:
        """Some command."""
        kind = self._random.choice(KINDS)
        if kind == "BatchTasks":
            return BatchTasks(items=tuple(Item(deed=self._deed()) for _ in range(self._random.randint(1, 3))))
        return self._command(kind)

    def _deed(self) -> Deed:
        made: Deed = self._command(self._random.choice(DEEDS))  # type: ignore[assignment]
        return made

    def _command(self, kind: str) -> Command:
        command = RULES[kind].command
        hints = get_type_hints(command)
        fields = {f.name: self._value(f.name, hints[f.name]) for f in msgspec.structs.fields(command) if self._wants(f)}
        if kind in ON_QUEUES and self._queues() and not self._chance(STRAY):
            fields["session_id"] = self._random.choice(self._queues())
        if kind == "OrderSubtasks" and not self._chance(STRAY):
            fields["task_id"] = self._with_checklist(str(fields["task_id"]))
            steps = [step.id for step in self._state.subtasks(str(fields["task_id"]))]
            fields["ordered_ids"] = tuple(self._random.sample(steps, len(steps)))
        if kind == "SetOrdering":
            things = self._tables[orderings.NOUNS[fields["entity_type"]]]  # type: ignore[index]
            own = [id_ for id_, t in things.items() if getattr(t, "project_id", "") == fields["project_id"]]
            fields["ordered_ids"] = tuple(self._random.sample(own, len(own) // 2))
        queued = self._queued() if kind in ON_MAIL else []
        if queued:
            each = self._random.choice(queued)
            fields |= {"session_id": each.session_id, "mail_ids": (each.mail_id,)}
        if kind == "RecordChecks" and self._tables[Noun.CHECK]:
            fields["results"] = self._results()
        return command(**fields)

    def _queued(self) -> list[Delivery]:
        """The mail of which nobody has been told yet."""
        found = (d for d in self._tables[Noun.DELIVERY].values() if isinstance(d, Delivery))
        return [d for d in found if d.state is DeliveryState.QUEUED]

    def _with_checklist(self, otherwise: str) -> str:
        """A task whose checklist can be put into another order, where there is one."""
        longer = [t for t in self._tables[Noun.TASK] if len(self._state.groups["subtasks", t]) > 1]
        return self._random.choice(longer) if longer else otherwise

    def _results(self) -> tuple[Result, ...]:
        checks = invariants.all_of(self._state, Noun.CHECK, Check)
        chosen = self._random.sample(checks, min(len(checks), 2))
        statuses = list(CheckStatus)
        return tuple(
            Result(check_id=c.id, run=c.run - self._chance(STRAY), status=self._random.choice(statuses)) for c in chosen
        )

    def actor(self) -> Actor:
        """Somebody, most often a person or the daemon."""
        sessions = [actor(session_id) for session_id in self._tables[Noun.SESSION]]
        return self._random.choice([*[USER, DAEMON] * (1 + len(sessions)), *sessions])

    def _queues(self) -> list[str]:
        return [queue.session_id for queue in invariants.all_of(self._state, Noun.QUEUE, Queue)]

    def _chance(self, share: float) -> bool:
        return self._random.random() < share

    def _wants(self, field: msgspec.structs.FieldInfo) -> bool:
        return field.required or self._chance(
            {"task_ids": 1.0, "strategy": 0.5, "project_id": 0.9}.get(field.name, 0.2)
        )

    def _value(self, name: str, type_: object) -> object:
        if name == "working_dir":
            return self._random.choice(DIRECTORIES)
        if name == "seq" and self._records and not self._chance(STRAY):
            return self._random.choice(self._records[-10:]).seq
        if name == "id":
            prefix = self._random.choice(("task", "sub"))
            return f"{prefix}_{self._random.randint(10**12, 10**13 - 1)}_{self._random.randint(10**8, 10**9 - 1)}"
        if name == "hash":
            return f"{self._random.getrandbits(256):064x}"
        if name not in IDS:
            return self._of(type_)
        there = list(self._tables[IDS[name]]) + ([*SHIPPED] if name == "template_id" else [])
        several = tuple in {get_origin(type_), *(get_origin(a) for a in get_args(type_))}
        if several:
            return tuple(self._random.sample(there, min(len(there), self._random.randint(0, 3))))
        if NoneType in get_args(type_) and self._chance(0.2):
            return None
        return "none_1_x" if not there or self._chance(STRAY) else self._random.choice(there)

    def _of(self, type_: object) -> object:
        origin, args = get_origin(type_), get_args(type_)
        if origin in {Union, UnionType}:
            return self._of(self._random.choice([a for a in args if a is not msgspec.UnsetType]))
        if origin is tuple:
            return tuple(self._of(args[0]) for _ in range(self._random.randint(0, 2)))
        if origin is dict:
            return {"a": "b"}
        if type_ in PLAIN:
            return self._random.choice(PLAIN[type_])
        assert isinstance(type_, type), type_
        if issubclass(type_, msgspec.Struct):
            hints = get_type_hints(type_)
            return type_(**{f.name: self._of(hints[f.name]) for f in msgspec.structs.fields(type_)})
        return self._random.choice(list(type_))  # type: ignore[call-overload]
