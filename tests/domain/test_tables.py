"""The state machines: every pair of statuses, against the tables of the design written out here."""

from collections.abc import Mapping
from enum import StrEnum
from itertools import product

import pytest

from maestrod.domain import attempts, tables
from maestrod.domain.changes import DAEMON, USER, Command, Context
from maestrod.domain.errors import Conflict, IllegalMove, Rejected
from maestrod.domain.model import (
    LIVE_ASSIGNMENT,
    LIVE_SESSION,
    Assignment,
    AssignmentStatus,
    DeliveryState,
    ItemStatus,
    SessionStatus,
    TaskStatus,
)
from maestrod.domain.sessions import CompleteSession, RecordExit, RecordTurn, ResumeSession, StopSession
from maestrod.domain.work import (
    ArchiveTask,
    BlockTask,
    CancelTask,
    CompleteTask,
    ReopenTask,
    ReviewTask,
    StartTask,
    UnblockTask,
)
from tests.domain.world import World

TASK = {
    "todo": "in_progress in_review completed blocked cancelled",
    "in_progress": "in_review completed blocked cancelled todo",
    "in_review": "completed in_progress cancelled",
    "blocked": "todo in_progress in_review completed cancelled",
    "completed": "archived in_progress",
    "cancelled": "todo archived",
    "archived": "todo",
}
SESSION = {
    "spawning": "idle working failed stopped",
    "idle": "working completed failed stopped",
    "working": "idle completed failed stopped",
    "completed": "spawning",
    "failed": "spawning",
    "stopped": "spawning",
}
# `queued → failed` is rule 8: an attempt that was not begun fails with its session.
ASSIGNMENT = {
    "queued": "working skipped failed",
    "working": "completed failed blocked skipped queued",
    "blocked": "working failed skipped",
    "completed": "",
    "failed": "",
    "skipped": "",
}
DELIVERY = {
    "queued": "surfaced read acked bounced expired",
    "surfaced": "read acked bounced expired",
    "read": "acked",
    "acked": "",
    "bounced": "",
    "expired": "",
}
ITEM = {
    "queued": "processing skipped",
    "processing": "completed failed skipped queued",
    "completed": "",
    "failed": "",
    "skipped": "",
}


@pytest.mark.parametrize(
    ("written", "table", "statuses"),
    [
        (TASK, tables.TASK, TaskStatus),
        (SESSION, tables.SESSION, SessionStatus),
        (ASSIGNMENT, tables.ASSIGNMENT, AssignmentStatus),
        (ITEM, tables.ITEM, ItemStatus),
        (DELIVERY, tables.DELIVERY, DeliveryState),
    ],
)
def test_a_status_moves_as_the_design_says_and_no_other_way(
    written: Mapping[str, str], table: Mapping[StrEnum, frozenset[StrEnum]], statuses: type[StrEnum]
) -> None:
    assert set(written) == {s.value for s in statuses}
    for old, new in product(statuses, statuses):
        allowed = written[old].split()
        if old is new:
            assert tables.moves(table, old, new, "it") is False
        elif new in allowed:
            assert tables.moves(table, old, new, "it") is True
        else:
            with pytest.raises(IllegalMove) as refused:
                tables.moves(table, old, new, "it")
            assert refused.value.details[0]["allowed"] == sorted(allowed)
            assert all(word in refused.value.message for word in allowed)


def test_an_ended_session_is_adopted_as_idle_or_working_only() -> None:
    assert {"idle", "working"} == tables.ADOPTION


# -- the task's table, through its commands ----------------------------------------------------------

MOVES: dict[str, type[Command]] = {
    "in_progress": StartTask,
    "in_review": ReviewTask,
    "completed": CompleteTask,
    "blocked": BlockTask,
    "cancelled": CancelTask,
    "archived": ArchiveTask,
}
# A deed of its own takes these back, with a name that says so.
REOPENED = {("completed", "in_progress"), ("cancelled", "todo"), ("archived", "todo")}


def task_in(world: World, status: str) -> str:
    """A task that came to this status by commands."""
    task = world.task(world.project())
    ways: dict[str, tuple[Command, ...]] = {
        "todo": (),
        "in_progress": (StartTask(task_id=task),),
        "in_review": (ReviewTask(task_id=task),),
        "completed": (CompleteTask(task_id=task),),
        "blocked": (BlockTask(task_id=task, reason="rain"),),
        "cancelled": (CancelTask(task_id=task),),
        "archived": (CompleteTask(task_id=task), ArchiveTask(task_id=task)),
    }
    for command in ways[status]:
        world.do(command)
    return task


@pytest.mark.parametrize(("old", "new"), list(product(TASK, MOVES)))
def test_a_person_moves_a_task_as_its_table_says(old: str, new: str) -> None:
    world = World()
    task = task_in(world, old)
    named = {"task_id": task, "reason": "rain"} if new == "blocked" else {"task_id": task}
    command = MOVES[new](**named)
    if old == new:
        world.nothing(command)
    elif new in TASK[old].split() and (old, new) not in REOPENED:
        world.do(command)
        assert world.state.task(task).status == new
    else:
        world.refuse(IllegalMove, command)


@pytest.mark.parametrize("old", TASK)
def test_unblocking_takes_a_blocked_task_back_and_refuses_what_is_over(old: str) -> None:
    world = World()
    task = task_in(world, old)
    if old in {"completed", "cancelled", "archived"}:
        world.refuse(IllegalMove, UnblockTask(task_id=task))
    elif old == "blocked":
        world.do(UnblockTask(task_id=task))
        assert world.state.task(task).status == "todo"
    else:
        world.nothing(UnblockTask(task_id=task))


@pytest.mark.parametrize("old", TASK)
def test_reopening_takes_back_what_is_over_and_leaves_the_rest(old: str) -> None:
    world = World()
    task = task_in(world, old)
    new = dict(REOPENED).get(old)
    if new is None:
        world.nothing(ReopenTask(task_id=task))
    else:
        world.do(ReopenTask(task_id=task))
        assert world.state.task(task).status == new
        assert world.entries("task", task)[-1].message == "reopened"


def test_a_refused_start_of_a_finished_task_does_not_name_starting_as_a_way() -> None:
    world = World()
    refused = world.refuse(IllegalMove, StartTask(task_id=task_in(world, "completed")))
    assert refused.details[0]["allowed"] == ["archived"]
    assert "reopen" in refused.hint


# -- the session's table, through its commands -------------------------------------------------------


def session_in(world: World, status: str) -> str:
    """A session that came to this status by commands."""
    session = world.worker(world.project())
    if status in {"idle", "working"}:
        world.do(RecordTurn(session_id=session, status=SessionStatus(status)), DAEMON)
    elif status == "completed":
        world.do(CompleteSession(session_id=session))
    elif status == "failed":
        world.do(RecordExit(session_id=session, code=1))
    elif status == "stopped":
        world.do(StopSession(session_id=session))
    return session


@pytest.mark.parametrize(("old", "new"), list(product(SESSION, ("idle", "working"))))
def test_evidence_moves_a_session_while_it_lives(old: str, new: str) -> None:
    world = World()
    session = session_in(world, old)
    command = RecordTurn(session_id=session, status=SessionStatus(new))
    if old == new or SessionStatus(old) not in LIVE_SESSION:
        world.nothing(command, DAEMON)
    else:
        world.do(command, DAEMON)
    expected = new if SessionStatus(old) in LIVE_SESSION else old
    assert world.state.session(session).status == expected


@pytest.mark.parametrize(("old", "new"), list(product(SESSION, ("idle", "working"))))
def test_a_process_found_alive_brings_an_ended_session_back(old: str, new: str) -> None:
    world = World()
    session = session_in(world, old)
    world.do(RecordTurn(session_id=session, status=SessionStatus(new), adopt=True), DAEMON)
    found = world.state.session(session)
    assert (found.status, found.exit, found.completed_at) == (new, None, None)


@pytest.mark.parametrize(("old", "new"), list(product(SESSION, ("spawning", "completed", "failed", "stopped"))))
def test_evidence_alone_neither_ends_a_session_nor_begins_one(old: str, new: str) -> None:
    world = World()
    session = session_in(world, old)
    for adopt in (False, True):
        command = RecordTurn(session_id=session, status=SessionStatus(new), adopt=adopt)
        refused = world.refuse(Rejected, command, DAEMON)
        assert refused.code == "VALIDATION_ERROR"


@pytest.mark.parametrize("old", SESSION)
def test_every_live_session_can_be_completed_stopped_and_seen_to_exit(old: str) -> None:
    ends: list[tuple[Command, str]] = [
        (CompleteSession(session_id=""), "completed"),
        (StopSession(session_id=""), "stopped"),
        (RecordExit(session_id="", code=9), "failed"),
    ]
    for command, new in ends:
        world = World()
        session = session_in(world, old)
        asked = type(command)(**{**_fields(command), "session_id": session})
        if SessionStatus(old) in LIVE_SESSION:
            world.do(asked)
            assert world.state.session(session).status == new
        elif isinstance(command, CompleteSession) and old != "completed":
            world.refuse(Conflict, asked)
        else:
            world.do(asked)
            assert world.state.session(session).status == old


def _fields(command: Command) -> dict[str, object]:
    return {name: getattr(command, name) for name in command.__struct_fields__}


@pytest.mark.parametrize("old", SESSION)
def test_an_ended_session_is_resumed_into_spawning(old: str) -> None:
    world = World()
    session = session_in(world, old)
    if SessionStatus(old) in LIVE_SESSION:
        world.nothing(ResumeSession(session_id=session))
    else:
        world.do(ResumeSession(session_id=session))
        assert world.state.session(session).status == "spawning"


# -- the assignment's table, through the one function that moves it -----------------------------------


@pytest.mark.parametrize(("old", "new"), list(product(AssignmentStatus, AssignmentStatus)))
def test_an_attempt_moves_as_its_table_says_or_through_working(old: AssignmentStatus, new: AssignmentStatus) -> None:
    ctx = Context(actor=USER, now=7, new_id=lambda noun: f"{noun}_1_1")
    over = 3 if old not in LIVE_ASSIGNMENT else None
    own = Assignment(id="asg_1_1", task_id="t", session_id="s", status=old, ended_at=over)
    direct = ASSIGNMENT[old].split()
    if old is new or new in direct or ("working" in direct and new in ASSIGNMENT["working"].split()):
        moved = attempts.reached(own, new, ctx)
        assert moved.status is new
        assert (moved.ended_at is None) == (new in LIVE_ASSIGNMENT)
    else:
        with pytest.raises(IllegalMove):
            attempts.reached(own, new, ctx)
