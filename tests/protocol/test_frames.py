"""Frames of the event stream."""

import msgspec
import pytest

from maestrod.domain.changes import Commit, Event
from maestrod.domain.model import Noun
from maestrod.domain.tasks import DeleteTask, EditTask
from maestrod.domain.timeline import Report
from maestrod.domain.work import AssignTask, CompleteTask
from maestrod.protocol.frames import Frame, frames_of, plain, websocket
from tests.domain.world import World, actor


def last(world: World) -> list[Frame]:
    """The frames of the last commit."""
    return frames_of(world.records[-1])


def shown(frame: Frame) -> dict[str, object]:
    """The body of a frame."""
    return msgspec.json.decode(frame.body, type=dict[str, object])


def test_a_frame_carries_the_after_image_and_its_place() -> None:
    world = World()
    project = world.project()
    task = world.task(project, "Build")
    (frame,) = last(world)
    found = shown(frame)
    assert found["data"] == msgspec.json.decode(msgspec.json.encode(world.state.task(task)))
    assert {k: v for k, v in found.items() if k != "data"} == {
        "type": "task:created",
        "event": "task:created",
        "seq": 2,
        "i": 0,
        "v": 1,
        "timestamp": world.now,
    }
    assert (frame.event, frame.seq, frame.index, frame.subject) == ("task:created", 2, 0, task)
    assert (frame.project_id, frame.session_id, frame.task_id) == (project, None, task)


def test_the_frames_of_a_commit_are_counted() -> None:
    world = World()
    project = world.project()
    first = world.task(project)
    second = world.task(project, dependencies=(first,))
    world.do(CompleteTask(task_id=first))
    frames = last(world)
    assert [f.event for f in frames] == world.names()
    assert [f.index for f in frames] == list(range(len(frames)))
    ready = frames[-1]
    assert (ready.event, shown(ready)["data"]) == ("task:ready", {"id": second})
    assert (ready.project_id, ready.task_id) == (None, second)


def test_of_what_is_gone_only_the_id_is_told() -> None:
    world = World()
    task = world.task(world.project())
    world.do(DeleteTask(task_id=task))
    (frame,) = last(world)
    assert (frame.event, shown(frame)["data"], frame.task_id) == ("task:deleted", {"id": task}, task)


def test_updates_of_the_same_subject_may_replace_each_other() -> None:
    world = World()
    task = world.task(world.project())
    assert not last(world)[0].replaceable
    world.do(EditTask(task_id=task, title="Other"))
    assert last(world)[0].replaceable


def test_a_frame_says_whom_it_concerns() -> None:
    world = World()
    project = world.project()
    task = world.task(project)
    worker = world.worker(project)
    world.do(AssignTask(task_id=task, session_id=worker))
    assert {(f.session_id, f.task_id) for f in last(world)} == {(worker, task)}
    world.do(Report(message="half", task_id=task), actor(worker))
    assert {(f.project_id, f.session_id, f.task_id) for f in last(world)} == {(project, worker, task)}
    child = world.task(project, parent_id=task)
    assert last(world)[0].task_id == child


def test_projects_and_sessions_concern_themselves() -> None:
    world = World()
    project = world.project()
    (frame,) = last(world)
    assert (frame.project_id, frame.session_id, frame.task_id) == (project, None, None)
    worker = world.worker(project)
    assert {(f.project_id, f.session_id, f.task_id) for f in last(world)} == {(project, worker, None)}


def test_a_commit_and_its_record_make_the_same_frames() -> None:
    world = World()
    world.task(world.project())
    record = world.records[-1]
    commit = Commit(
        seq=record.seq,
        at=record.at,
        actor=record.actor,
        request_id=record.request_id,
        command=DeleteTask(task_id="t"),
        changes=record.changes,
        events=record.events,
    )
    assert frames_of(commit) == frames_of(record)


def test_an_event_about_what_the_commit_did_not_change_carries_the_id() -> None:
    world = World()
    world.project()
    record = world.records[-1]
    told = msgspec.structs.replace(record, events=(Event("task:ready", Noun.TASK, "task_1_x"),))
    assert shown(frames_of(told)[0])["data"] == {"id": "task_1_x"}


def test_plain_frames_carry_what_they_are_given() -> None:
    hello = plain("hello", seq=7, timestamp=5, data={"a": 1})
    assert shown(hello) == {"type": "hello", "event": "hello", "v": 1, "timestamp": 5, "seq": 7, "data": {"a": 1}}
    assert (hello.seq, hello.index, hello.replaceable) == (7, -1, False)
    live = plain("session:live", session_id="s1")
    assert "seq" not in shown(live)
    assert "data" not in shown(live)
    assert (live.replaceable, live.session_id) == (True, "s1")
    assert plain("session:live", session_id="s2").subject != live.subject


@pytest.mark.parametrize(
    ("size", "head"),
    [
        (0, b"\x81\x00"),
        (125, b"\x81\x7d"),
        (126, b"\x81\x7e\x00\x7e"),
        (65_535, b"\x81\x7e\xff\xff"),
        (65_536, b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"),
    ],
)
def test_a_message_is_one_unmasked_text_frame(size: int, head: bytes) -> None:
    assert websocket(b"x" * size) == head + b"x" * size


def test_the_hash_of_a_key_is_not_told() -> None:
    world = World()
    key = world.state.key(world.key())
    (frame,) = last(world)
    assert (frame.event, frame.subject) == ("key:created", key.id)
    assert key.hash.encode() not in frame.body
