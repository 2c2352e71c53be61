"""Rule 10: a queue hands out one task at a time."""

import pytest

from maestrod.domain import queues
from maestrod.domain.changes import DAEMON, Command
from maestrod.domain.errors import Conflict, Invalid, NotAllowed, NotFound
from maestrod.domain.model import AssignmentStatus, Priority
from maestrod.domain.queues import (
    CompleteItem,
    FailItem,
    MoveItem,
    PauseQueue,
    PushItem,
    ResumeQueue,
    SkipItem,
    StartItem,
)
from maestrod.domain.sessions import StopSession
from maestrod.domain.tasks import DeleteTask, EditTask
from maestrod.domain.timeline import Report
from maestrod.domain.work import (
    ArchiveTask,
    AssignTask,
    BlockTask,
    CancelTask,
    CompleteTask,
    ReopenTask,
    StartTask,
    UnblockTask,
)
from tests.domain.world import World, actor


def row(world: World, count: int = 3, **fields: object) -> tuple[str, list[str]]:
    """A queue of so many tasks."""
    project = world.project()
    tasks = [world.task(project, f"Task {n}", **fields) for n in range(count)]
    return world.queue(project, *tasks), tasks


def order(world: World, queue: str) -> list[str]:
    """The tasks in the order in which they will be handed out."""
    return [i.task_id for i in queues.in_order(world.state, queue)]


def in_process(world: World, queue: str) -> str | None:
    item = queues.processing(world.state, queue)
    return item.task_id if item is not None else None


# -- the order ----------------------------------------------------------------------------------------


def test_items_are_handed_out_by_priority_then_position() -> None:
    world = World()
    queue, tasks = row(world)
    project = world.state.task(tasks[0]).project_id
    urgent = world.task(project, "Urgent", priority=Priority.CRITICAL)
    front = world.task(project, "Front")
    low = world.task(project, "Low")
    world.do(PushItem(session_id=queue, task_id=urgent))
    world.do(PushItem(session_id=queue, task_id=front, first=True))
    world.do(PushItem(session_id=queue, task_id=low, priority=Priority.LOW, first=True))
    expected = [urgent, front, *tasks, low]
    assert order(world, queue) == expected
    handed = []
    for _ in expected:
        world.do(StartItem(session_id=queue), actor(queue))
        handed.append(in_process(world, queue))
        world.do(CompleteItem(session_id=queue), actor(queue))
    assert handed == expected
    world.nothing(StartItem(session_id=queue), actor(queue))


@pytest.mark.parametrize(
    ("item", "to", "expected"),
    [(2, 0, [2, 0, 1]), (0, 2, [1, 2, 0]), (0, 99, [1, 2, 0]), (1, -5, [1, 0, 2]), (0, 1, [1, 0, 2])],
)
def test_an_item_is_moved_to_a_place(item: int, to: int, expected: list[int]) -> None:
    world = World()
    queue, tasks = row(world)
    world.do(MoveItem(session_id=queue, item_id=world.item(queue, tasks[item]).id, to=to))
    assert order(world, queue) == [tasks[n] for n in expected]
    world.nothing(MoveItem(session_id=queue, item_id=world.item(queue, tasks[item]).id, to=to))


def test_a_moved_item_takes_the_priority_of_its_place() -> None:
    world = World()
    queue, tasks = row(world, 2)
    urgent = world.task(world.state.task(tasks[0]).project_id, priority=Priority.CRITICAL)
    world.do(PushItem(session_id=queue, task_id=urgent))
    world.do(MoveItem(session_id=queue, item_id=world.item(queue, tasks[1]).id, to=0))
    assert order(world, queue) == [tasks[1], urgent, tasks[0]]
    world.do(MoveItem(session_id=queue, item_id=world.item(queue, urgent).id, to=2))
    assert order(world, queue) == [tasks[1], tasks[0], urgent]
    assert "queue:item_updated" in world.names()


def test_the_only_item_stays_where_it_is() -> None:
    world = World()
    queue, tasks = row(world, 1)
    world.nothing(MoveItem(session_id=queue, item_id=world.item(queue, tasks[0]).id, to=7))


def test_only_queued_items_are_moved() -> None:
    world = World()
    queue, _ = row(world)
    world.do(StartItem(session_id=queue))
    item = queues.processing(world.state, queue)
    assert item is not None
    world.refuse(Conflict, MoveItem(session_id=queue, item_id=item.id, to=1))


# -- starting -----------------------------------------------------------------------------------------


def test_starting_an_item_claims_its_task() -> None:
    world = World()
    queue, tasks = row(world)
    world.do(StartItem(session_id=queue), actor(queue))
    assert "queue:item_started" in world.names()
    assert world.item(queue, tasks[0]).started_at == world.now
    assert world.assignment(tasks[0], queue).status == "working"
    assert world.state.task(tasks[0]).status == "in_progress"


def test_one_item_is_in_process_at_most() -> None:
    world = World()
    queue, tasks = row(world)
    world.do(StartItem(session_id=queue), actor(queue))
    world.nothing(StartItem(session_id=queue), actor(queue))
    assert in_process(world, queue) == tasks[0]


def test_an_empty_queue_hands_out_nothing_without_an_error() -> None:
    world = World()
    queue, _ = row(world, 0)
    world.nothing(StartItem(session_id=queue), actor(queue))
    for command in (CompleteItem(session_id=queue), FailItem(session_id=queue, reason="rain")):
        assert "nothing in process" in world.refuse(Conflict, command, actor(queue)).message


def test_a_paused_queue_hands_out_nothing_and_lets_go_on_what_is_in_process() -> None:
    world = World()
    queue, tasks = row(world)
    world.do(StartItem(session_id=queue), actor(queue))
    world.do(PauseQueue(session_id=queue))
    world.nothing(PauseQueue(session_id=queue))
    world.do(CompleteItem(session_id=queue), actor(queue))
    world.nothing(StartItem(session_id=queue), actor(queue))
    world.do(ResumeQueue(session_id=queue))
    world.nothing(ResumeQueue(session_id=queue))
    world.do(StartItem(session_id=queue), actor(queue))
    assert in_process(world, queue) == tasks[1]


def test_items_that_cannot_start_now_are_passed_over() -> None:
    world = World()
    queue, tasks = row(world)
    project = world.state.task(tasks[0]).project_id
    world.do(EditTask(task_id=tasks[0], dependencies=(world.task(project),)))
    world.do(StartItem(session_id=queue), actor(queue))
    assert in_process(world, queue) == tasks[1]


@pytest.mark.parametrize("over", ["cancelled", "archived"])
def test_tasks_that_were_given_up_are_not_handed_out(over: str) -> None:
    world = World()
    queue, tasks = row(world, 1)
    world.do(CancelTask(task_id=tasks[0]))
    if over == "archived":
        world.do(ArchiveTask(task_id=tasks[0]))
    world.nothing(StartItem(session_id=queue), actor(queue))
    assert world.item(queue, tasks[0]).status == "skipped"


def test_a_blocked_task_is_handed_out_but_not_while_it_waits() -> None:
    world = World()
    queue, tasks = row(world, 1)
    first = world.task(world.state.task(tasks[0]).project_id)
    world.do(BlockTask(task_id=tasks[0], reason="rain"))
    world.do(EditTask(task_id=tasks[0], dependencies=(first,)))
    world.nothing(StartItem(session_id=queue), actor(queue))
    world.do(CompleteTask(task_id=first))
    world.do(StartItem(session_id=queue), actor(queue))
    assert world.state.task(tasks[0]).status == "in_progress"


def test_a_task_in_other_hands_is_passed_over() -> None:
    world = World()
    queue, tasks = row(world, 2)
    project = world.state.task(tasks[0]).project_id
    free = world.task(project, "Free", priority=Priority.CRITICAL)
    other = world.worker(project)
    world.do(PushItem(session_id=queue, task_id=free), actor(queue))
    world.do(StartTask(task_id=free), actor(other))
    world.do(StartItem(session_id=queue), actor(queue))
    assert in_process(world, queue) == tasks[0]


def test_a_task_that_was_started_by_name_is_handed_out_as_it_is() -> None:
    world = World()
    queue, tasks = row(world, 2)
    world.do(StartTask(task_id=tasks[0]), actor(queue))
    world.do(StartItem(session_id=queue), actor(queue))
    assert in_process(world, queue) == tasks[0]
    assert world.assignment(tasks[0], queue).version == 2


# -- ends of an item ----------------------------------------------------------------------------------


def test_completing_an_item_completes_attempt_and_task() -> None:
    world = World()
    queue, tasks = row(world)
    world.do(StartItem(session_id=queue), actor(queue))
    world.do(CompleteItem(session_id=queue, note="well done"), actor(queue))
    assert (world.item(queue, tasks[0]).status, world.item(queue, tasks[0]).completed_at) == ("completed", world.now)
    assert world.assignment(tasks[0], queue).result == "well done"
    assert world.state.task(tasks[0]).status == "completed"
    assert "queue:item_completed" in world.names()


def test_completing_an_item_for_a_queue_ends_only_what_is_its_own() -> None:
    world = World()
    queue, tasks = row(world)
    other = world.worker(world.state.task(tasks[0]).project_id, tasks[0])
    world.do(StartItem(session_id=queue))
    world.do(CompleteItem(session_id=queue))
    assert world.item(queue, tasks[0]).status == "completed"
    assert (world.assignment(tasks[0], queue).status, world.assignment(tasks[0], other).status) == (
        "completed",
        "queued",
    )
    assert world.state.task(tasks[0]).status == "in_progress"


def test_completing_the_task_completes_its_item() -> None:
    world = World()
    queue, tasks = row(world)
    world.do(StartItem(session_id=queue), actor(queue))
    world.do(CompleteTask(task_id=tasks[0]), actor(queue))
    assert world.item(queue, tasks[0]).status == "completed"
    world.do(CompleteTask(task_id=tasks[1]), actor(queue))
    assert world.item(queue, tasks[1]).status == "skipped"


def test_a_failed_item_leaves_its_task_blocked_with_the_reason() -> None:
    world = World()
    queue, tasks = row(world)
    world.do(StartItem(session_id=queue), actor(queue))
    world.do(FailItem(session_id=queue, reason="no network"), actor(queue))
    item, own, task = world.item(queue, tasks[0]), world.assignment(tasks[0], queue), world.state.task(tasks[0])
    assert (item.status, item.fail_reason, item.completed_at) == ("failed", "no network", world.now)
    assert (own.status, own.result) == ("failed", "no network")
    assert (task.status, task.blocked_reason) == ("blocked", "failed: no network")
    assert {"queue:item_failed", "notify:task_session_failed", "notify:task_blocked"} <= set(world.names())


def test_a_failure_without_words_is_a_failure() -> None:
    world = World()
    queue, tasks = row(world)
    world.do(StartItem(session_id=queue), actor(queue))
    world.do(FailItem(session_id=queue, reason=""), actor(queue))
    assert world.state.task(tasks[0]).blocked_reason == "failed"


def test_a_failure_does_not_block_a_task_that_others_work_on() -> None:
    world = World()
    queue, tasks = row(world)
    other = world.worker(world.state.task(tasks[0]).project_id, tasks[0])
    world.do(StartItem(session_id=queue), actor(queue))
    world.do(StartTask(task_id=tasks[0]), actor(other))
    world.do(FailItem(session_id=queue, reason="no network"), actor(queue))
    assert world.state.task(tasks[0]).status == "in_progress"


def test_a_retried_item_comes_back_after_a_pause_that_grows() -> None:
    world = World()
    queue, tasks = row(world, 1)
    pauses = []
    for tries in range(1, 9):
        world.do(StartItem(session_id=queue), actor(queue))
        world.do(FailItem(session_id=queue, reason="flaky", retry=True), actor(queue))
        item = world.item(queue, tasks[0])
        assert item.not_before is not None
        assert (item.status, item.attempts, item.started_at) == ("queued", tries, None)
        assert (world.assignment(tasks[0], queue).status, world.state.task(tasks[0]).status) == ("queued", "todo")
        pauses.append(item.not_before - world.now)
        world.pass_time(pauses[-1] - 2)
        world.nothing(StartItem(session_id=queue), actor(queue))
    assert pauses == [5_000, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000]


def test_a_retried_attempt_is_not_taken_by_another() -> None:
    world = World()
    queue, tasks = row(world, 1)
    other = world.worker(world.state.task(tasks[0]).project_id)
    world.do(StartItem(session_id=queue), actor(queue))
    world.do(FailItem(session_id=queue, reason="flaky", retry=True), actor(queue))
    world.refuse(Conflict, StartTask(task_id=tasks[0]), actor(other))


def test_a_blocked_item_can_be_retried_failed_and_completed() -> None:
    for command, status in (
        (FailItem(session_id="", reason="rain", retry=True), "queued"),
        (FailItem(session_id="", reason="rain"), "failed"),
        (CompleteItem(session_id=""), "completed"),
        (SkipItem(session_id=""), "skipped"),
    ):
        world = World()
        queue, tasks = row(world)
        world.do(StartItem(session_id=queue), actor(queue))
        world.do(BlockTask(task_id=tasks[0], reason="rain"), actor(queue))
        fields = {name: getattr(command, name) for name in command.__struct_fields__} | {"session_id": queue}
        world.do(type(command)(**fields), actor(queue))
        assert world.item(queue, tasks[0]).status == status
        assert world.assignment(tasks[0], queue).status == status


def test_an_item_whose_attempt_is_over_can_still_be_ended() -> None:
    for command in (FailItem(session_id="", reason="r", retry=True), FailItem(session_id="", reason="r")):
        world = World()
        queue, tasks = row(world)
        world.do(StartItem(session_id=queue), actor(queue))
        world.do(Report(message="no", task_id=tasks[0], outcome=AssignmentStatus.FAILED), actor(queue))
        asked = FailItem(session_id=queue, reason="no", retry=command.retry)
        world.do(asked, actor(queue))
        assert world.item(queue, tasks[0]).status == ("queued" if command.retry else "failed")


def test_a_skipped_item_gives_its_task_back() -> None:
    world = World()
    queue, tasks = row(world)
    world.do(StartItem(session_id=queue), actor(queue))
    world.do(SkipItem(session_id=queue, reason="not mine"), actor(queue))
    assert (world.item(queue, tasks[0]).status, world.item(queue, tasks[0]).fail_reason) == ("skipped", "not mine")
    assert (world.assignment(tasks[0], queue).status, world.state.task(tasks[0]).status) == ("skipped", "todo")
    assert "queue:item_skipped" in world.names()


def test_a_queued_item_is_skipped_by_name() -> None:
    world = World()
    queue, tasks = row(world)
    item = world.item(queue, tasks[1])
    world.do(SkipItem(session_id=queue, item_id=item.id), actor(queue))
    assert order(world, queue) == [tasks[0], tasks[2]]
    world.nothing(SkipItem(session_id=queue, item_id=item.id), actor(queue))


def test_skipping_a_queued_item_frees_the_task_that_was_started_by_name() -> None:
    world = World()
    queue, tasks = row(world)
    world.do(StartTask(task_id=tasks[1]), actor(queue))
    world.do(SkipItem(session_id=queue, item_id=world.item(queue, tasks[1]).id), actor(queue))
    assert world.state.task(tasks[1]).status == "todo"


def test_an_item_that_nobody_was_given_is_skipped_alone() -> None:
    world = World()
    queue, _ = row(world, 0)
    task = world.task(world.state.session(queue).project_id)
    world.do(PushItem(session_id=queue, task_id=task), actor(queue))
    changes = world.do(SkipItem(session_id=queue, item_id=world.item(queue, task).id), actor(queue))
    assert len(changes) == 1


def test_what_is_over_is_not_skipped() -> None:
    world = World()
    queue, tasks = row(world)
    world.do(StartItem(session_id=queue), actor(queue))
    world.do(CompleteItem(session_id=queue), actor(queue))
    world.refuse(Conflict, SkipItem(session_id=queue, item_id=world.item(queue, tasks[0]).id))


# -- pushing ------------------------------------------------------------------------------------------


def test_pushing_gives_the_task_to_the_session() -> None:
    world = World()
    queue, tasks = row(world)
    task = world.task(world.state.task(tasks[0]).project_id)
    world.do(PushItem(session_id=queue, task_id=task))
    assert "queue:item_pushed" in world.names()
    assert world.assignment(task, queue).status == "queued"
    world.nothing(PushItem(session_id=queue, task_id=task))
    world.do(StartItem(session_id=queue), actor(queue))
    world.nothing(PushItem(session_id=queue, task_id=tasks[0]))


def test_a_session_pushes_for_itself_without_reserving_the_task() -> None:
    world = World()
    queue, _ = row(world, 0)
    project = world.state.session(queue).project_id
    task, other = world.task(project), world.worker(project)
    world.do(PushItem(session_id=queue, task_id=task), actor(queue))
    assert world.attempts(task, queue) == []
    world.do(StartTask(task_id=task), actor(other))
    world.nothing(StartItem(session_id=queue), actor(queue))
    world.do(StopSession(session_id=other))
    world.do(StartItem(session_id=queue), actor(queue))
    assert world.assignment(task, queue).attempt == 2


def test_a_task_that_was_given_already_is_pushed_without_a_second_attempt() -> None:
    world = World()
    queue, _ = row(world, 0)
    task = world.task(world.state.session(queue).project_id)
    world.do(AssignTask(task_id=task, session_id=queue))
    world.do(PushItem(session_id=queue, task_id=task))
    assert len(world.attempts(task, queue)) == 1


def test_a_finished_task_is_pushed_as_a_new_attempt() -> None:
    world = World()
    queue, tasks = row(world, 1)
    world.do(StartItem(session_id=queue), actor(queue))
    world.do(CompleteItem(session_id=queue), actor(queue))
    world.do(PushItem(session_id=queue, task_id=tasks[0]))
    assert [a.attempt for a in world.attempts(tasks[0], queue)] == [1, 2]
    world.do(StartItem(session_id=queue), actor(queue))
    assert (world.state.task(tasks[0]).status, world.state.task(tasks[0]).completed_at) == ("in_progress", None)
    world.do(CompleteItem(session_id=queue), actor(queue))
    assert world.state.task(tasks[0]).status == "completed"


def test_a_new_attempt_at_a_finished_task_can_be_completed_or_archived_away() -> None:
    world = World()
    queue, tasks = row(world, 1)
    done = CompleteTask(task_id=tasks[0])
    world.do(done, actor(queue))
    completed_at = world.state.task(tasks[0]).completed_at
    world.do(PushItem(session_id=queue, task_id=tasks[0]))
    world.do(done, actor(queue))
    assert world.assignment(tasks[0], queue).status == "completed"
    assert world.state.task(tasks[0]).completed_at == completed_at
    world.do(PushItem(session_id=queue, task_id=tasks[0]))
    world.do(ArchiveTask(task_id=tasks[0]))
    assert (world.assignment(tasks[0], queue).status, world.item(queue, tasks[0]).status) == ("skipped", "skipped")


@pytest.mark.parametrize("over", ["cancelled", "archived"])
def test_what_was_given_up_is_not_pushed(over: str) -> None:
    world = World()
    queue, tasks = row(world, 1)
    world.do(CancelTask(task_id=tasks[0]))
    if over == "archived":
        world.do(ArchiveTask(task_id=tasks[0]))
    assert "reopen" in world.refuse(Conflict, PushItem(session_id=queue, task_id=tasks[0])).hint
    world.do(ReopenTask(task_id=tasks[0]))
    world.do(PushItem(session_id=queue, task_id=tasks[0]))


def test_a_queue_is_pushed_to_by_itself_its_orchestrator_and_people() -> None:
    world = World()
    project = world.project()
    boss = world.orchestrator(project)
    queue = world.queue(project, by=actor(boss))
    stranger = world.queue(project)
    for by in (actor(queue), actor(boss)):
        world.do(PushItem(session_id=queue, task_id=world.task(project)), by)
    command = PushItem(session_id=queue, task_id=world.task(project))
    for by in (actor(stranger), actor(world.orchestrator(project))):
        world.refuse(NotAllowed, command, by)
    world.do(command)


def test_a_queue_takes_a_thousand_items() -> None:
    world = World(checked=False)
    queue, tasks = row(world, 1000)
    more = world.task(world.state.task(tasks[0]).project_id)
    assert "1000 items" in world.refuse(Conflict, PushItem(session_id=queue, task_id=more)).message


def test_an_ended_session_is_neither_pushed_to_nor_started() -> None:
    world = World()
    queue, tasks = row(world)
    world.do(StopSession(session_id=queue))
    for command in (StartItem(session_id=queue), PushItem(session_id=queue, task_id=tasks[0])):
        world.refuse(Conflict, command)


QUEUE_COMMANDS: list[Command] = [
    StartItem(session_id=""),
    CompleteItem(session_id=""),
    FailItem(session_id="", reason="r"),
    SkipItem(session_id=""),
    PushItem(session_id="", task_id="t"),
    PauseQueue(session_id=""),
    ResumeQueue(session_id=""),
    MoveItem(session_id="", item_id="i", to=0),
]


@pytest.mark.parametrize("command", QUEUE_COMMANDS)
def test_only_a_queue_session_has_a_queue(command: Command) -> None:
    world = World()
    worker = world.worker(world.project())
    fields = {name: getattr(command, name) for name in command.__struct_fields__} | {"session_id": worker}
    assert "--strategy queue" in world.refuse(Conflict, type(command)(**fields), DAEMON).hint


def test_an_item_of_another_queue_is_not_found() -> None:
    world = World()
    queue, _ = row(world)
    project = world.state.session(queue).project_id
    other = world.queue(project, world.task(project))
    item = world.state.items(other)[0].id
    for command in (
        MoveItem(session_id=queue, item_id=item, to=0),
        SkipItem(session_id=queue, item_id=item),
        SkipItem(session_id=queue, item_id="item_1_x"),
    ):
        assert world.refuse(NotFound, command).code == "QUEUE_ITEM_NOT_FOUND"


def test_deleting_the_task_in_process_frees_the_queue() -> None:
    world = World()
    queue, tasks = row(world)
    world.do(StartItem(session_id=queue), actor(queue))
    world.do(DeleteTask(task_id=tasks[0], force=True))
    world.do(StartItem(session_id=queue), actor(queue))
    assert in_process(world, queue) == tasks[1]


def test_an_unblocked_item_goes_on() -> None:
    world = World()
    queue, tasks = row(world)
    world.do(StartItem(session_id=queue), actor(queue))
    world.do(BlockTask(task_id=tasks[0], reason="rain"), actor(queue))
    world.do(UnblockTask(task_id=tasks[0]))
    world.do(CompleteItem(session_id=queue), actor(queue))
    assert world.state.task(tasks[0]).status == "completed"


def test_a_place_beyond_all_numbers_is_refused() -> None:
    world = World()
    queue, tasks = row(world)
    world.refuse(Invalid, MoveItem(session_id=queue, item_id=world.item(queue, tasks[0]).id, to=2**60))
