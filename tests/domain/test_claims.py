"""Rule 6: one winner, unless a person or an orchestrator gave the task to several."""

import pytest

from maestrod.domain.changes import Command
from maestrod.domain.errors import AlreadyClaimed, Conflict, IllegalMove, Invalid, NotAllowed
from maestrod.domain.model import EntryType
from maestrod.domain.sessions import StopSession
from maestrod.domain.timeline import Report
from maestrod.domain.work import (
    AssignTask,
    BlockTask,
    CancelTask,
    CompleteTask,
    ReopenTask,
    ReviewTask,
    StartTask,
    UnassignTask,
    UnblockTask,
)
from tests.domain.world import World, actor


def contest(world: World) -> tuple[str, str, str]:
    """A free task, and two workers without any."""
    project = world.project()
    return world.task(project, "Prize"), world.worker(project, name="Ann"), world.worker(project, name="Bob")


def shared(world: World) -> tuple[str, str, str]:
    """A task that two workers were given."""
    project = world.project()
    task = world.task(project)
    return task, world.worker(project, task), world.worker(project, task)


# -- starting -----------------------------------------------------------------------------------------


def test_the_first_to_start_wins_and_the_loser_hears_who_holds_it() -> None:
    world = World()
    task, ann, bob = contest(world)
    world.do(StartTask(task_id=task), actor(ann))
    own = world.assignment(task, ann)
    assert (own.status, own.attempt, own.started_at) == ("working", 1, world.now)
    refused = world.refuse(AlreadyClaimed, StartTask(task_id=task), actor(bob))
    assert refused.holder == ann
    assert refused.details == ({"holder": ann, "holderName": "Ann"},)
    world.refuse(AlreadyClaimed, StartTask(task_id=task, session_id=bob))


def test_starting_what_one_holds_changes_nothing() -> None:
    world = World()
    task, ann, _ = contest(world)
    world.do(StartTask(task_id=task), actor(ann))
    world.nothing(StartTask(task_id=task), actor(ann))
    world.nothing(StartTask(task_id=task, session_id=ann))
    world.nothing(StartTask(task_id=task))


def test_a_task_given_to_one_is_not_taken_by_another() -> None:
    world = World()
    task, ann, bob = contest(world)
    world.do(AssignTask(task_id=task, session_id=ann))
    assert world.refuse(AlreadyClaimed, StartTask(task_id=task), actor(bob)).holder == ann
    world.do(StartTask(task_id=task), actor(ann))
    world.do(BlockTask(task_id=task, reason="rain"), actor(ann))
    world.refuse(AlreadyClaimed, StartTask(task_id=task), actor(bob))


def test_a_person_may_start_what_was_given_to_another_for_somebody_else() -> None:
    world = World()
    task, ann, bob = contest(world)
    world.do(AssignTask(task_id=task, session_id=ann))
    world.do(StartTask(task_id=task, session_id=bob))
    assert world.assignment(task, bob).status == "working"


def test_several_work_on_a_task_that_each_was_given() -> None:
    world = World()
    task, ann, bob = shared(world)
    for worker in (ann, bob):
        world.do(StartTask(task_id=task), actor(worker))
        assert world.assignment(task, worker).status == "working"
    assert [world.assignment(task, w).attempt for w in (ann, bob)] == [1, 2]


def test_an_orchestrator_starts_a_task_for_its_worker() -> None:
    world = World()
    task, _, _ = contest(world)
    project = world.state.task(task).project_id
    boss = world.orchestrator(project)
    worker = world.worker(project, by=actor(boss))
    world.do(StartTask(task_id=task, session_id=worker), actor(boss))
    assert world.assignment(task, worker).status == "working"
    assert world.entries("task", task)[-1].session_id == worker


def test_a_person_moves_a_task_without_a_session() -> None:
    world = World()
    task, ann, _ = contest(world)
    world.do(StartTask(task_id=task))
    assert world.attempts(task, ann) == []
    assert world.entries("task", task)[-1].type is EntryType.TASK_STARTED


def test_an_ended_session_starts_nothing() -> None:
    world = World()
    task, ann, _ = contest(world)
    world.do(StopSession(session_id=ann))
    for command in (StartTask(task_id=task, session_id=ann), AssignTask(task_id=task, session_id=ann)):
        assert "resume" in world.refuse(Conflict, command).hint


@pytest.mark.parametrize("over", ["completed", "cancelled", "archived"])
def test_a_task_that_is_over_cannot_be_claimed_or_given(over: str) -> None:
    world = World()
    task, ann, _ = contest(world)
    world.do(CancelTask(task_id=task) if over == "cancelled" else CompleteTask(task_id=task))
    world.refuse(IllegalMove, StartTask(task_id=task), actor(ann))
    world.refuse(Conflict, AssignTask(task_id=task, session_id=ann))
    world.do(ReopenTask(task_id=task))
    world.do(AssignTask(task_id=task, session_id=ann))


# -- giving and taking back ---------------------------------------------------------------------------


def test_giving_what_was_given_changes_nothing() -> None:
    world = World()
    task, ann, _ = contest(world)
    world.do(AssignTask(task_id=task, session_id=ann))
    assert {"task:session_added", "session:task_added", "assignment:created"} == set(world.names())
    world.nothing(AssignTask(task_id=task, session_id=ann))


def test_taking_back_a_task_skips_the_attempt_and_frees_the_task() -> None:
    world = World()
    task, ann, bob = contest(world)
    world.nothing(UnassignTask(task_id=task, session_id=ann))
    world.do(StartTask(task_id=task), actor(ann))
    world.do(UnassignTask(task_id=task, session_id=ann))
    assert {"task:session_removed", "session:task_removed"} <= set(world.names())
    assert world.assignment(task, ann).status == "skipped"
    assert world.assignment(task, ann).result == "taken back by user"
    assert world.state.task(task).status == "todo"
    world.do(StartTask(task_id=task), actor(bob))
    assert world.assignment(task, bob).attempt == 2


def test_taking_back_what_was_not_begun_leaves_the_task_alone() -> None:
    world = World()
    task, ann, _ = contest(world)
    world.do(AssignTask(task_id=task, session_id=ann))
    world.do(StartTask(task_id=task))
    world.do(UnassignTask(task_id=task, session_id=ann))
    assert world.state.task(task).status == "in_progress"


def test_a_task_that_others_work_on_stays_in_progress_when_one_is_taken_off() -> None:
    world = World()
    task, ann, bob = shared(world)
    for worker in (ann, bob):
        world.do(StartTask(task_id=task), actor(worker))
    world.do(UnassignTask(task_id=task, session_id=ann))
    assert world.state.task(task).status == "in_progress"
    world.do(UnassignTask(task_id=task, session_id=bob))
    assert world.state.task(task).status == "todo"


def test_taking_a_task_back_takes_it_out_of_the_queue_as_well() -> None:
    world = World()
    project = world.project()
    task = world.task(project)
    queue = world.queue(project, task)
    world.do(UnassignTask(task_id=task, session_id=queue))
    assert world.item(queue, task).status == "skipped"


# -- finishing ----------------------------------------------------------------------------------------


def test_a_task_completes_with_the_last_of_those_who_work_on_it() -> None:
    world = World()
    task, ann, bob = shared(world)
    for worker in (ann, bob):
        world.do(StartTask(task_id=task), actor(worker))
    world.do(CompleteTask(task_id=task, note="mine", evidence=("commit:abc",)), actor(ann))
    own = world.assignment(task, ann)
    assert (own.status, own.result, own.evidence, own.ended_at) == ("completed", "mine", ("commit:abc",), world.now)
    assert world.state.task(task).status == "in_progress"
    assert "notify:task_session_completed" in world.names()
    world.nothing(CompleteTask(task_id=task), actor(ann))
    world.do(CompleteTask(task_id=task), actor(bob))
    assert world.state.task(task).status == "completed"
    assert "notify:task_completed" in world.names()


@pytest.mark.parametrize("who", ["person", "orchestrator", "orchestrator for the worker", "person for the worker"])
def test_a_person_or_an_orchestrator_completes_a_task_for_all(who: str) -> None:
    world = World()
    project = world.project()
    boss = world.orchestrator(project)
    task = world.task(project)
    ann, bob = (world.worker(project, task, by=actor(boss)) for _ in range(2))
    world.do(StartTask(task_id=task), actor(ann))
    named = ann if who.endswith("worker") else None
    command = CompleteTask(task_id=task, session_id=named)
    if who.startswith("person"):
        world.do(command)
    else:
        world.do(command, actor(boss))
    assert world.state.task(task).status == "completed"
    assert [world.assignment(task, w).status for w in (ann, bob)] == ["completed", "skipped"]
    world.nothing(CompleteTask(task_id=task))


def test_completing_at_once_counts_as_having_worked() -> None:
    world = World()
    project = world.project()
    task = world.task(project)
    worker = world.worker(project, task)
    world.do(CompleteTask(task_id=task), actor(worker))
    own = world.assignment(task, worker)
    assert (own.status, own.started_at, own.ended_at) == ("completed", world.now, world.now)


def test_a_worker_completes_a_task_under_its_own_that_nobody_works_on() -> None:
    world = World()
    project = world.project()
    parent = world.task(project)
    child = world.task(project, parent_id=parent)
    worker = world.worker(project, parent)
    world.do(CompleteTask(task_id=child), actor(worker))
    assert world.state.task(child).status == "completed"
    other = world.task(project, parent_id=parent)
    world.worker(project, other)
    world.do(CompleteTask(task_id=other), actor(worker))
    assert world.state.task(other).status == "todo"


def test_evidence_is_told_with_the_completion_and_kept_with_its_claimant() -> None:
    world = World()
    task, ann, bob = shared(world)
    for worker in (ann, bob):
        world.do(StartTask(task_id=task), actor(worker))
    world.do(CompleteTask(task_id=task, session_id=ann, evidence=("file:a.txt",)))
    assert world.entries("task", task)[-1].metadata == {"evidence": ["file:a.txt"]}
    assert [world.assignment(task, w).evidence for w in (ann, bob)] == [("file:a.txt",), ()]


def test_a_blocked_attempt_goes_on_with_its_task() -> None:
    world = World()
    task, ann, bob = shared(world)
    world.do(StartTask(task_id=task), actor(ann))
    world.do(BlockTask(task_id=task, reason="rain"), actor(ann))
    assert world.state.task(task).blocked_reason == "rain"
    assert [world.assignment(task, w).status for w in (ann, bob)] == ["blocked", "queued"]
    assert "notify:task_blocked" in world.names()
    world.do(UnblockTask(task_id=task), actor(ann))
    assert world.state.task(task).status == "in_progress"
    assert [world.assignment(task, w).status for w in (ann, bob)] == ["working", "queued"]
    assert world.assignment(task, ann).result is None


def test_starting_again_takes_a_blocked_attempt_up() -> None:
    world = World()
    task, ann, _ = contest(world)
    world.do(StartTask(task_id=task), actor(ann))
    world.do(BlockTask(task_id=task, reason="rain"), actor(ann))
    world.do(StartTask(task_id=task), actor(ann))
    assert (world.state.task(task).status, world.assignment(task, ann).status) == ("in_progress", "working")
    assert world.state.task(task).blocked_reason is None


def test_a_review_leaves_the_attempt_open_and_may_send_it_back() -> None:
    world = World()
    task, ann, _ = contest(world)
    world.do(StartTask(task_id=task), actor(ann))
    world.do(ReviewTask(task_id=task, note="look"), actor(ann))
    assert world.state.task(task).status == "in_review"
    assert "notify:task_in_review" in world.names()
    assert world.assignment(task, ann).status == "working"
    world.nothing(ReviewTask(task_id=task), actor(ann))
    world.do(StartTask(task_id=task, session_id=ann))
    assert (world.state.task(task).status, world.assignment(task, ann).version) == ("in_progress", 1)


def test_cancelling_skips_every_attempt_and_every_place_in_a_queue() -> None:
    world = World()
    project = world.project()
    task = world.task(project)
    worker, queue = world.worker(project, task), world.queue(project, task)
    world.do(StartTask(task_id=task), actor(worker))
    world.do(CancelTask(task_id=task, reason="not needed"))
    assert [world.assignment(task, s).status for s in (worker, queue)] == ["skipped", "skipped"]
    assert world.assignment(task, worker).result == "not needed"
    assert world.item(queue, task).status == "skipped"
    assert world.entries("task", task)[-1].type is EntryType.TASK_SKIPPED


# -- late reports -------------------------------------------------------------------------------------

SAID_LATE: list[tuple[Command, EntryType]] = [
    (CompleteTask(task_id="", note="done after all"), EntryType.TASK_COMPLETED),
    (ReviewTask(task_id="", note="done after all"), EntryType.STATUS_CHANGED),
    (BlockTask(task_id="", reason="done after all"), EntryType.TASK_BLOCKED),
    (Report(task_id="", message="done after all"), EntryType.PROGRESS),
]


@pytest.mark.parametrize(("command", "type_"), SAID_LATE)
def test_what_a_dead_attempt_says_is_kept_as_late_and_moves_nothing(command: Command, type_: EntryType) -> None:
    world = World()
    task, ann, bob = contest(world)
    world.do(StartTask(task_id=task), actor(ann))
    world.do(StopSession(session_id=ann))
    world.do(StartTask(task_id=task), actor(bob))
    fields = {name: getattr(command, name) for name in command.__struct_fields__} | {"task_id": task}
    changes = world.do(type(command)(**fields), actor(ann))
    assert len(changes) == 1
    told = world.entries("task", task)[-1]
    assert (told.type, told.message, told.metadata) == (type_, "done after all", {"late": True})
    assert (world.state.task(task).status, world.assignment(task, bob).status) == ("in_progress", "working")


def test_a_dead_attempt_unblocks_nothing() -> None:
    world = World()
    task, ann, _ = contest(world)
    world.do(StartTask(task_id=task), actor(ann))
    world.do(UnassignTask(task_id=task, session_id=ann))
    world.do(BlockTask(task_id=task, reason="rain"))
    world.do(UnblockTask(task_id=task), actor(ann))
    assert world.state.task(task).status == "blocked"
    assert world.entries("task", task)[-1].metadata == {"late": True}


def test_a_late_report_on_a_completed_task_is_kept_as_well() -> None:
    world = World()
    task, ann, bob = contest(world)
    world.do(StartTask(task_id=task), actor(ann))
    world.do(StopSession(session_id=ann))
    world.do(StartTask(task_id=task), actor(bob))
    world.do(CompleteTask(task_id=task), actor(bob))
    world.do(CompleteTask(task_id=task, note="me too"), actor(ann))
    assert world.entries("task", task)[-1].message == "me too"


def test_who_completed_may_start_again_after_a_reopening() -> None:
    world = World()
    task, ann, _ = contest(world)
    world.do(StartTask(task_id=task), actor(ann))
    world.do(CompleteTask(task_id=task), actor(ann))
    world.do(ReopenTask(task_id=task))
    world.do(StartTask(task_id=task), actor(ann))
    assert [a.attempt for a in world.attempts(task, ann)] == [1, 2]
    world.do(CompleteTask(task_id=task), actor(ann))
    assert world.state.task(task).status == "completed"


def test_a_block_needs_a_reason() -> None:
    world = World()
    task, _, _ = contest(world)
    for reason in ("", "  ", "\n"):
        assert "reason" in world.refuse(Invalid, BlockTask(task_id=task, reason=reason)).message


def test_nobody_speaks_for_a_session_of_another_project() -> None:
    world = World()
    task, _, _ = contest(world)
    far = world.worker(world.project(working_dir="/elsewhere"))
    for command in (
        CompleteTask(task_id=task, session_id=far),
        ReviewTask(task_id=task, session_id=far),
        BlockTask(task_id=task, session_id=far, reason="rain"),
        UnblockTask(task_id=task, session_id=far),
        StartTask(task_id=task, session_id=far),
    ):
        assert "another project" in world.refuse(NotAllowed, command).message
