"""When a crashed session is started again, by values."""

import pytest

from maestrod.domain.changes import DAEMON
from maestrod.domain.model import RestartPolicy, Session, SessionStatus
from maestrod.domain.restarting import crashed, due_at
from maestrod.domain.sessions import (
    CompleteSession,
    EditSession,
    RecordExit,
    RecordTurn,
    ResumeSession,
    SpawnSession,
    StopSession,
)
from tests.domain.world import World

S = 1_000
MINUTE = 60 * S


def fallen(*crashes: int, policy: RestartPolicy = RestartPolicy.ON_CRASH) -> Session:
    """A session that has crashed at these times."""
    return Session(
        id="s", project_id="p", name="n", status=SessionStatus.FAILED, restart_policy=policy, crashes=crashes
    )


@pytest.mark.parametrize(
    ("crashes", "wait"),
    [
        ((0,), 5 * S),
        ((0, 10 * S), 10 * S),
        ((0, 10 * S, 30 * S), 20 * S),
        ((0, 10 * S, 30 * S, 80 * S), 40 * S),
        (tuple(n * 4 * MINUTE for n in range(5)), 80 * S),
        (tuple(n * 5 * MINUTE for n in range(10)), 5 * MINUTE),
    ],
)
def test_each_crash_doubles_the_wait_up_to_five_minutes(crashes: tuple[int, ...], wait: int) -> None:
    assert due_at(fallen(*crashes)) == crashes[-1] + wait


def test_five_crashes_within_fifteen_minutes_end_it() -> None:
    assert due_at(fallen(*(n * 3 * MINUTE for n in range(5)))) is None
    assert due_at(fallen(0, *(16 * MINUTE + n for n in range(4)))) is not None


def test_who_is_not_left_to_it_is_never_due() -> None:
    assert due_at(fallen(0, policy=RestartPolicy.NEVER)) is None
    assert due_at(fallen()) is None


def test_crashes_are_forgotten_after_an_hour_and_ten_are_kept() -> None:
    working = Session(
        id="s",
        project_id="p",
        name="n",
        status=SessionStatus.WORKING,
        restart_policy=RestartPolicy.ON_CRASH,
        crashes=tuple(range(10)),
    )
    assert crashed(working, 20) == (*range(1, 10), 20)
    assert crashed(working, 60 * MINUTE + 5) == (*range(6, 10), 60 * MINUTE + 5)


def launched(world: World, policy: RestartPolicy = RestartPolicy.ON_CRASH) -> str:
    """A session that has given a sign of life."""
    project = world.project(working_dir=f"/works/{len(world.records)}")
    world.do(SpawnSession(project_id=project, restart_policy=policy))
    (session_id,) = [s.id for s in world.state.sessions_of_project(project)]
    alive(world, session_id)
    return session_id


def alive(world: World, session_id: str) -> None:
    world.do(RecordTurn(session_id=session_id, status=SessionStatus.WORKING), DAEMON)


def crashes(world: World, session_id: str) -> int:
    return len(world.state.session(session_id).crashes)


def test_crashes_are_counted_until_somebody_takes_it_in_hand() -> None:
    world = World()
    session_id = launched(world)
    for count in (1, 2):
        world.do(RecordExit(session_id=session_id, code=1))
        assert crashes(world, session_id) == count
        world.do(ResumeSession(session_id=session_id), DAEMON)
        alive(world, session_id)
    world.do(RecordExit(session_id=session_id, signal=9))
    world.do(ResumeSession(session_id=session_id))
    assert crashes(world, session_id) == 0


@pytest.mark.parametrize("end", [StopSession, CompleteSession])
def test_what_was_ended_on_purpose_has_not_crashed(end: type[StopSession] | type[CompleteSession]) -> None:
    world = World()
    session_id = launched(world)
    world.do(RecordExit(session_id=session_id, code=1))
    world.do(ResumeSession(session_id=session_id), DAEMON)
    alive(world, session_id)
    world.do(end(session_id=session_id))
    assert due_at(world.state.session(session_id)) is None


def test_what_could_not_be_started_is_not_started_again() -> None:
    world = World()
    session_id = launched(world)
    world.do(RecordExit(session_id=session_id, code=1))
    world.do(ResumeSession(session_id=session_id), DAEMON)
    world.do(RecordExit(session_id=session_id, reason="claude is not on PATH"))
    assert due_at(world.state.session(session_id)) is None


def test_the_policy_can_be_changed_later() -> None:
    world = World()
    session_id = launched(world, RestartPolicy.NEVER)
    world.do(EditSession(session_id=session_id, restart_policy=RestartPolicy.ON_CRASH))
    world.do(RecordExit(session_id=session_id, code=1))
    assert due_at(world.state.session(session_id)) is not None


def test_an_end_that_nobody_wanted_is_told_from_the_others() -> None:
    world = World()
    lost, stopped, failed = (launched(world, RestartPolicy.NEVER) for _ in range(3))
    world.do(RecordExit(session_id=lost, signal=1, interrupted=True))
    world.do(StopSession(session_id=stopped, reason="the machine was restarted", interrupted=True), DAEMON)
    world.do(RecordExit(session_id=failed, code=1))
    ends = {id_: world.state.session(id_) for id_ in (lost, stopped, failed)}
    assert [(s.status, s.exit.interrupted) for s in ends.values() if s.exit] == [
        ("failed", True),
        ("stopped", True),
        ("failed", False),
    ]
    world.do(ResumeSession(session_id=lost))
    assert world.state.session(lost).exit is None
