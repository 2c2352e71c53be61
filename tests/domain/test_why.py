"""Why something is as it is: what it waits for, who has it, what was tried, what can be done."""

from maestrod.domain import why
from maestrod.domain.changes import DAEMON
from maestrod.domain.checks import RunChecks
from maestrod.domain.model import SessionStatus
from maestrod.domain.queues import FailItem, PauseQueue, StartItem
from maestrod.domain.sessions import NeedInput, RecordExit, RecordTurn, StopSession
from maestrod.domain.work import BlockTask, CancelTask, CompleteTask, ReviewTask, StartTask
from tests.domain.world import World, actor


def task(world: World, id_: str) -> str:
    return "\n".join(cause.text for cause in why.of_task(world.state, world.state.task(id_), world.now))


def session(world: World, id_: str) -> str:
    return "\n".join(cause.text for cause in why.of_session(world.state, world.state.session(id_), world.now))


def queue(world: World, id_: str) -> str:
    return "\n".join(cause.text for cause in why.of_queue(world.state, world.state.session(id_), world.now))


def test_a_task_that_waits_names_what_for_and_who_has_that() -> None:
    world = World()
    project = world.project()
    held, free, gone = (world.task(project, title) for title in ("Held", "Free", "Gone"))
    waiting = world.task(project, "Waiting", dependencies=(held, free, gone))
    worker = world.worker(project, held, name="Ann")
    world.do(StartTask(task_id=held), actor(worker))
    world.do(CancelTask(task_id=gone))
    world.pass_time(2 * 3_600_000)
    first, second, third = why.of_task(world.state, world.state.task(waiting), world.now)
    assert "\u2018Held\u2019" in first.text
    assert f"in_progress for 2 h, held by session Ann ({worker}" in first.text
    assert "nobody has that" in second.text
    assert "given up" in third.text
    assert first.todo == f"`maestro why {held}`"
    assert "undepend" in third.todo


def test_of_many_the_first_are_named() -> None:
    world = World()
    project = world.project()
    many = tuple(world.task(project) for _ in range(8))
    assert task(world, world.task(project, dependencies=many)).splitlines()[-1] == "It waits for 3 more."


def test_a_task_that_could_be_started_says_so() -> None:
    world = World()
    project = world.project()
    free, given = world.task(project), world.task(project)
    worker = world.worker(project, given)
    assert task(world, free) == "It could be started, and nobody has it."
    assert f"It was given to session {world.state.session(worker).name}" in task(world, given)


def test_a_task_under_way_names_its_sessions_and_what_they_ask() -> None:
    world = World()
    project = world.project()
    held, alone = world.task(project), world.task(project)
    worker = world.worker(project, held)
    world.do(StartTask(task_id=held), actor(worker))
    world.do(NeedInput(session_id=worker, message="Which?"), actor(worker))
    world.do(StartTask(task_id=alone))
    assert "has it (working)" in task(world, held)
    assert "it asks: Which?" in task(world, held)
    assert "?." not in task(world, held)
    assert "a person has it" in task(world, alone)


def test_a_task_in_review_says_what_is_missing_and_whether_checks_run() -> None:
    world = World()
    project = world.project()
    looked, checked = world.task(project), world.task(project, checks=("make test",))
    world.do(ReviewTask(task_id=looked))
    assert "waits for somebody to look" in task(world, looked)
    world.do(CompleteTask(task_id=checked))
    assert "has not been run" in task(world, checked)
    world.do(RunChecks(task_id=checked))
    assert task(world, checked).startswith("Its checks are running.")


def test_a_blocked_task_says_why_and_one_that_is_over_since_when() -> None:
    world = World()
    project = world.project()
    stuck, done = world.task(project), world.task(project)
    world.do(BlockTask(task_id=stuck, reason="needs the key"))
    world.do(CompleteTask(task_id=done))
    world.pass_time(90_000)
    assert task(world, stuck) == "It was blocked for 1 min: needs the key."
    assert task(world, done) == "It has been completed for 1 min."


def test_what_was_tried_is_told() -> None:
    world = World()
    project = world.project()
    tried = world.task(project)
    worker = world.worker(project, tried)
    world.do(StartTask(task_id=tried), actor(worker))
    world.do(RecordExit(session_id=worker, code=1))
    assert "Attempt 1, by session" in task(world, tried)
    assert "failed: " in task(world, tried)


def test_a_session_says_what_it_has_what_it_asks_and_how_it_ended() -> None:
    world = World()
    project = world.project()
    mine = world.task(project, "Mine")
    worker, idle = world.worker(project, mine), world.worker(project)
    assert "Nobody has opened its window yet." in session(world, worker)
    world.register(worker)
    world.register(idle)
    world.do(RecordTurn(session_id=idle, status=SessionStatus.IDLE), DAEMON)
    assert "It has no task." in session(world, idle)
    world.do(NeedInput(session_id=worker), actor(worker))
    assert "It asks a person: look at its screen." in session(world, worker)
    assert "It has \u2018Mine\u2019" in session(world, worker)
    world.do(NeedInput(session_id=worker, message="Which one?"), actor(worker))
    assert "It asks a person: Which one?\n" in session(world, worker)
    world.do(RecordExit(session_id=worker, code=3))
    assert "It has been failed: exit code 3." in session(world, worker)
    killed, gone = world.worker(project), world.worker(project)
    for end, command in ((killed, {"signal": 9}), (gone, {"code": 1, "reason": "torn off"})):
        world.register(end)
        world.do(RecordExit(session_id=end, **command))
    assert "signal 9" in session(world, killed)
    assert "torn off" in session(world, gone)
    world.do(StopSession(session_id=idle))
    assert session(world, idle).startswith("It has been stopped")


def test_a_queue_says_what_holds_it_up() -> None:
    world = World()
    project = world.project()
    first, second = world.task(project, "First"), world.task(project, "Second")
    own = world.queue(project, first, second)
    assert queue(world, own) == "2 wait to be taken by `maestro queue start`."
    world.do(StartItem(session_id=own), actor(own))
    assert queue(world, own) == f"\u2018First\u2019 ({first}) is in process."
    world.do(FailItem(session_id=own, reason="rain", retry=True), actor(own))
    assert "failed (rain) and is tried again in 5 s." in queue(world, own) or "in 4 s." in queue(world, own)
    world.do(PauseQueue(session_id=own))
    assert "It has been paused." in queue(world, own)
    waiting = world.task(project, "Third", dependencies=(second,))
    later = world.queue(project, second, waiting)
    assert "\u2018Third\u2019" in queue(world, later)
    world.do(StopSession(session_id=later))
    assert queue(world, later).startswith("Its session is stopped.")
    assert queue(world, world.queue(project)) == "It is empty."
    assert "no queue" in queue(world, world.worker(project))


def test_a_project_says_who_asks_who_works_and_what_nobody_has() -> None:
    world = World()
    project = world.project()
    free, stuck = world.task(project, "Free"), world.task(project, "Stuck")
    world.do(BlockTask(task_id=stuck, reason="rain"))
    worker = world.worker(project, name="Ann")
    world.do(NeedInput(session_id=worker, message="Which?"), actor(worker))
    told = [cause.text for cause in why.of_project(world.state, project, world.now)]
    assert told == [
        f"Ann ({worker}) asks a person: Which?.",
        "1 sessions are live, 0 of them at work.",
        f"\u2018Free\u2019 ({free}) could be started, and nobody has it.",
        f"\u2018Stuck\u2019 ({stuck}) is blocked: rain.",
    ]
    assert len(why.of_project(world.state, world.project(working_dir="/empty"), world.now)) == 1
