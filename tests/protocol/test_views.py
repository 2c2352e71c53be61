"""Entities as answers."""

import msgspec
import pytest

from maestrod.domain import orderings
from maestrod.domain.changes import Put
from maestrod.domain.errors import NotFound
from maestrod.domain.model import Noun, Ordered, Priority, Task
from maestrod.domain.orderings import SetOrdering
from maestrod.domain.queues import CompleteItem, SkipItem, StartItem
from maestrod.domain.subtasks import EditSubtask
from maestrod.domain.work import CompleteTask, StartTask, UnassignTask
from maestrod.protocol.views import (
    LONG_FIELDS,
    current_item,
    encode,
    entity_json,
    graph_json,
    item_json,
    next_json,
    queue_json,
)
from tests.domain.world import World, actor


def shown(body: bytes) -> dict[str, object]:
    """The object in a body."""
    return msgspec.json.decode(body, type=dict[str, object])


def test_a_task_is_shown_with_what_is_derived_of_it() -> None:
    world = World()
    project = world.project()
    first = world.task(project, "First")
    task = world.task(project, "Second", dependencies=(first,))
    world.task(project, parent_id=task)
    steps = [world.subtask(task) for _ in range(3)]
    world.do(EditSubtask(subtask_id=steps[1], completed=True))
    ann = world.worker(project, task, force=True)
    bob = world.worker(project, task, force=True)
    world.do(StartTask(task_id=task, session_id=bob, force=True))
    found = shown(entity_json(world.state, world.state.task(task)))
    assert found["id"] == task
    assert found["sessionIds"] == [ann, bob]
    assert found["taskSessionStatuses"] == {ann: "queued", bob: "working"}
    assert (found["blockedBy"], found["ready"], found["childCount"]) == ([first], False, 1)
    assert found["subtaskProgress"] == {"done": 1, "total": 3}


def test_a_bare_task_is_shown_with_the_same_fields() -> None:
    world = World()
    project = world.project()
    bare = world.task(project)
    busy = world.task(project, dependencies=(bare,))
    fields = [list(shown(entity_json(world.state, world.state.task(t)))) for t in (bare, busy)]
    assert fields[0] == fields[1]
    found = shown(entity_json(world.state, world.state.task(bare)))
    assert (found["ready"], found["sessionIds"], found["taskSessionStatuses"]) == (True, [], {})
    assert (found["subtaskProgress"], found["childCount"], found["blockedBy"]) == ({"done": 0, "total": 0}, 0, [])
    world.do(CompleteTask(task_id=bare))
    assert shown(entity_json(world.state, world.state.task(bare)))["ready"] is False


def test_the_newest_attempt_of_a_session_is_its_status() -> None:
    world = World()
    project = world.project()
    task = world.task(project)
    worker = world.worker(project, task)
    world.do(UnassignTask(task_id=task, session_id=worker))
    world.do(StartTask(task_id=task), actor(worker))
    found = shown(entity_json(world.state, world.state.task(task)))
    assert found["taskSessionStatuses"] == {worker: "working"}


def test_a_session_is_shown_with_its_tasks_its_queue_and_what_is_live() -> None:
    world = World()
    project = world.project()
    done, later = world.task(project), world.task(project)
    queue = world.queue(project, done, later)
    world.do(StartItem(session_id=queue), actor(queue))
    world.do(CompleteItem(session_id=queue), actor(queue))
    found = shown(entity_json(world.state, world.state.session(queue), live={"state": "idle"}))
    own = world.state.queue_of(queue)
    assert own is not None
    assert (found["taskIds"], found["queueId"], found["live"]) == ([later, done], own.id, {"state": "idle"})
    worker = world.worker(project)
    found = shown(entity_json(world.state, world.state.session(worker)))
    assert (found["taskIds"], found["queueId"], found["live"]) == ([], None, None)


def test_a_summary_leaves_the_long_fields_out() -> None:
    world = World()
    task = world.task(world.project(), description="long", metadata={"a": 1})
    found = shown(entity_json(world.state, world.state.task(task), summary=True))
    assert not set(LONG_FIELDS) & found.keys()
    assert found["ready"] is True
    project = world.state.project(world.state.task(task).project_id)
    assert "description" not in shown(entity_json(world.state, project, summary=True))


def test_what_has_nothing_derived_is_shown_as_it_is() -> None:
    world = World()
    project = world.state.project(world.project())
    assert entity_json(world.state, project) == encode(project)


def test_a_queue_is_shown_in_the_order_of_its_work() -> None:
    world = World()
    project = world.project()
    low, high = world.task(project, priority=Priority.LOW), world.task(project, priority=Priority.HIGH)
    first = world.task(project, priority=Priority.CRITICAL)
    queue = world.queue(project, low, high, first)
    world.do(StartItem(session_id=queue), actor(queue))
    found = shown(queue_json(world.state, queue))
    items = msgspec.convert(found["items"], list[dict[str, object]])
    assert [i["taskId"] for i in items] == [first, high, low]
    assert (found["sessionId"], found["paused"]) == (queue, False)


def test_a_session_without_a_queue_shows_none() -> None:
    world = World()
    worker = world.worker(world.project())
    with pytest.raises(NotFound) as refused:
        queue_json(world.state, worker)
    assert refused.value.code == "QUEUE_NOT_FOUND"


def test_an_item_is_shown_with_its_task_and_the_next_one() -> None:
    world = World()
    project = world.project()
    tasks = [world.task(project, f"Task {n}") for n in range(2)]
    queue = world.queue(project, *tasks)
    top = current_item(world.state, queue)
    assert top is not None
    assert top.task_id == tasks[0]
    world.do(StartItem(session_id=queue), actor(queue))
    found = shown(item_json(world.state, queue, current_item(world.state, queue)))
    assert msgspec.convert(found["item"], dict[str, object])["taskId"] == tasks[0]
    assert msgspec.convert(found["next"], dict[str, object])["taskId"] == tasks[1]
    assert msgspec.convert(found["task"], dict[str, object])["title"] == "Task 0"
    assert found["empty"] is False


def test_an_empty_queue_shows_no_item() -> None:
    world = World()
    queue = world.queue(world.project())
    assert current_item(world.state, queue) is None
    nothing = {"item": None, "next": None, "empty": True, "task": None}
    older = {"success": True, "nextItem": None, "hasMore": False}
    assert shown(item_json(world.state, queue, None)) == nothing | older


def test_an_item_that_is_over_is_shown_by_what_became_of_it() -> None:
    world = World()
    project = world.project()
    queue = world.queue(project, *(world.task(project, f"Task {n}") for n in range(2)))
    world.do(StartItem(session_id=queue), actor(queue))
    working = current_item(world.state, queue)
    assert working is not None
    world.do(SkipItem(session_id=queue), actor(queue))
    found = shown(item_json(world.state, queue, world.state.item(working.id)))
    assert found["skippedItem"] == found["item"]
    assert found["nextItem"] == found["next"]
    assert found["hasMore"] is True
    world.do(StartItem(session_id=queue), actor(queue))
    world.do(SkipItem(session_id=queue), actor(queue))
    assert msgspec.json.decode(queue_json(world.state, queue))["stats"] == {
        "total": 2,
        "queued": 0,
        "processing": 0,
        "completed": 0,
        "failed": 0,
        "skipped": 2,
    }


def test_a_task_from_an_older_age_is_shown_with_its_defaults() -> None:
    world = World()
    old = Task(id="task_1_old", project_id=world.project(), title="Old")
    world.state.apply(Put(Noun.TASK, old))
    assert shown(entity_json(world.state, old))["labels"] == []


def test_a_doc_is_shown_with_its_length_and_who_left_it() -> None:
    world = World()
    project = world.project()
    task = world.task(project)
    doc = world.doc(task_id=task, session_id=world.worker(project, task, name="Ann"), content="äöü")
    whole = shown(entity_json(world.state, world.state.doc(doc)))
    assert (whole["size"], whole["sessionName"], whole["content"]) == (3, "Ann", "äöü")
    brief = shown(entity_json(world.state, world.state.doc(doc), summary=True))
    assert (brief["size"], "content" in brief) == (3, False)
    person = shown(entity_json(world.state, world.state.doc(world.doc(task_id=task))))
    assert (person["size"], person["sessionName"]) == (0, None)


def test_a_key_is_shown_without_its_hash() -> None:
    world = World()
    key = world.state.key(world.key())
    assert key.hash
    assert shown(entity_json(world.state, key)).keys() == shown(encode(key)).keys() - {"hash"}


def test_an_order_is_shown_whole() -> None:
    world = World()
    project = world.project()
    one, two = world.task(project), world.task(project)
    world.do(SetOrdering(project_id=project, entity_type=Ordered.TASK, ordered_ids=(two,)))
    found = shown(entity_json(world.state, orderings.of(world.state, project, Ordered.TASK)))
    assert (found["orderedIds"], found["entityType"]) == ([two, one], "task")


def test_a_graph_shows_what_its_tasks_are() -> None:
    world = World()
    project = world.project()
    first = world.task(project, "First")
    world.task(project, "Second", dependencies=(first,))
    found = shown(graph_json(world.state, project))
    assert found["projectId"] == project
    assert [task["title"] for task in found["tasks"]] == ["First", "Second"]  # type: ignore[attr-defined]


def test_what_is_next_is_a_task_or_nothing() -> None:
    world = World()
    task = world.task(world.project(), "Next")
    found = shown(next_json(world.state, world.state.task(task)))
    assert (found["task"]["id"], found["empty"]) == (task, False)  # type: ignore[index]
    assert shown(next_json(world.state, None)) == {"task": None, "empty": True}
