"""What was, from the journal and the snapshots, and taking it back, over the socket."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from maestrod.domain.changes import RecordCodec
from maestrod.domain.errors import Conflict, NotFound
from maestrod.domain.fingerprint import fingerprint
from maestrod.domain.state import State
from maestrod.domain.tasks import DeleteTask, EditTask
from maestrod.engine.past import Past
from maestrod.store.journal import Journal
from maestrod.store.records import parse
from tests.daemon.scene import Scene, keyed
from tests.domain.world import World
from tests.support.daemon import Daemon, daemon
from tests.support.eventually import eventually


def hash_now(scene: Scene) -> str:
    return str(scene.ok("GET", "/state?fields=hash")["hash"])


def newest(scene: Scene) -> int:
    return int(scene.ok("GET", "/commits?limit=1")["seq"])


def test_the_state_of_any_commit_is_what_it_was_then(scene: Scene) -> None:
    project = scene.project()
    noted = {newest(scene): hash_now(scene)}
    task = scene.task(project)["id"]
    noted[newest(scene)] = hash_now(scene)
    scene.ok("PATCH", f"/tasks/{task}", {"title": "Other"})
    noted[newest(scene)] = hash_now(scene)
    assert len(set(noted.values())) == 3
    for seq, found in noted.items():
        assert scene.ok("GET", f"/state?at={seq}&fields=hash") | {"counts": 0} == {
            "seq": seq,
            "hash": found,
            "counts": 0,
        }
    whole = scene.ok("GET", f"/state?at={newest(scene) - 1}&noun=task")
    (old,) = [each for each in whole["entities"]["task"] if each["id"] == task]
    assert (old["title"], old["version"]) != ("Other", 2)
    assert whole["counts"] == {"task": len(whole["entities"]["task"])}


def test_the_beginning_was_empty(scene: Scene) -> None:
    begun = scene.ok("GET", "/state?at=0")
    assert set(begun["counts"].values()) == {0}
    assert all(rows == [] for rows in begun["entities"].values())


@pytest.mark.parametrize("query", ["at=-1", "at=x", "at=1.5", "at=99999999999999999999", "noun=dog", "fields=some"])
def test_a_wrong_question_about_the_past_is_refused(scene: Scene, query: str) -> None:
    answer = scene.call("GET", f"/state?{query}")
    assert answer.status == 400, answer.raw


def test_there_is_no_state_of_the_future(scene: Scene) -> None:
    answer = scene.call("GET", f"/state?at={newest(scene) + 1}")
    assert (answer.status, answer.json["code"]) == (404, "COMMIT_NOT_FOUND")


def test_a_deleted_project_comes_back_whole(scene: Scene) -> None:
    project = scene.project()
    top = scene.task(project)
    scene.task(project, parentId=top["id"], dependencies=[])
    scene.ok("POST", f"/tasks/{top['id']}/subtasks", {"title": "Step"})
    before = hash_now(scene)
    scene.ok("DELETE", f"/projects/{project['id']}?cascade=true")
    assert hash_now(scene) != before
    seq = newest(scene)
    done = scene.ok("POST", f"/undo/{seq}")
    assert done == {
        "undone": seq,
        "seq": seq + 1,
        "restored": {"project": 1, "task": 2, "subtask": 1},
        "removed": {},
    }
    assert hash_now(scene) == before
    assert scene.ok("GET", f"/tasks/{top['id']}")["title"] == top["title"]


def test_what_was_changed_since_is_refused_and_named(scene: Scene) -> None:
    task = scene.task()["id"]
    scene.ok("PATCH", f"/tasks/{task}", {"title": "One"})
    seq = newest(scene)
    scene.ok("PATCH", f"/tasks/{task}", {"title": "Two"})
    refusal = scene.call("POST", f"/undo/{seq}")
    assert (refusal.status, refusal.json["code"]) == (409, "CONFLICT")
    assert f"{seq + 1} (EditTask)" in refusal.json["message"]
    assert scene.ok("GET", f"/tasks/{task}")["title"] == "Two"


def test_what_was_gone_before_does_not_come_back(scene: Scene) -> None:
    task = scene.task()["id"]
    scene.ok("DELETE", f"/tasks/{task}")
    back = scene.ok("POST", "/undo/last")["seq"]
    assert scene.ok("GET", f"/tasks/{task}")["id"] == task
    assert scene.ok("POST", f"/undo/{back}")["removed"] == {"task": 1}
    assert scene.call("GET", f"/tasks/{task}").status == 404


def test_last_is_the_newest_of_ones_own_and_goes_further_back_each_time(scene: Scene) -> None:
    session, headers = scene.worker(tasks=1)
    own = scene.ok("GET", f"/sessions/{session['id']}")["taskIds"][0]
    task = scene.task()["id"]
    for title in ("One", "Two"):
        scene.ok("PATCH", f"/tasks/{task}", {"title": title})
    scene.ok("POST", f"/tasks/{own}/start", headers=headers)
    assert scene.ok("POST", "/undo/last")["restored"] == {"task": 1}
    assert scene.ok("GET", f"/tasks/{task}")["title"] == "One"
    scene.ok("POST", "/undo/last")
    assert scene.ok("GET", f"/tasks/{task}")["title"].startswith("Task ")


def test_a_repeated_undo_with_the_same_key_is_one(scene: Scene) -> None:
    task = scene.task()["id"]
    scene.ok("DELETE", f"/tasks/{task}")
    first = scene.ok("POST", "/undo/last", headers=keyed("undo-once"))
    again = scene.ok("POST", "/undo/last", headers=keyed("undo-once"))
    assert first == again
    assert newest(scene) == first["seq"]


@pytest.mark.parametrize("seq", ["0", "-1", "x", "1e3", "99999999999999999999", "%00"])
def test_a_wrong_number_is_refused(scene: Scene, seq: str) -> None:
    assert scene.call("POST", f"/undo/{seq}").status == 400


def test_nothing_is_taken_back_for_a_body_an_unknown_commit_or_a_session(scene: Scene) -> None:
    _, headers = scene.worker()
    before = newest(scene)
    assert scene.call("POST", "/undo/last", {"force": True}).status == 400
    assert scene.call("POST", f"/undo/{before + 1}").status == 404
    for method, path in (("POST", "/undo/1"), ("POST", "/undo/last"), ("GET", "/state")):
        assert scene.call(method, path, headers=headers).status == 403
    assert newest(scene) == before


def test_with_nothing_to_take_back_last_is_refused_in_words() -> None:
    with daemon() as running:
        answer = running.call("POST", "/undo/last")
        assert (answer.status, answer.json["detail"]) == (409, "nothing of yours can be taken back")


def test_undo_reaches_over_a_restart_and_snapshots(restarting: Daemon) -> None:
    scene = Scene(restarting)
    task = scene.task(description="d" * 500)["id"]
    before = hash_now(scene)
    scene.ok("DELETE", f"/tasks/{task}")
    seq = newest(scene)
    for _ in range(30):
        scene.project()
    restarting.stop()
    restarting.start()
    assert scene.ok("GET", f"/state?at={seq - 1}&fields=hash")["hash"] == before
    scene.ok("POST", f"/undo/{seq}")
    assert scene.ok("GET", f"/tasks/{task}")["description"] == "d" * 500


@pytest.fixture
def restarting() -> Iterator[Daemon]:
    with daemon(env={"MAESTRO_SNAPSHOT_EVERY": "10"}) as running:
        yield running


# -- far back -------------------------------------------------------------------------------------


def hashes_of(journal: Path) -> dict[int, str]:
    """The hash after every commit, from nothing but the journal's lines."""
    state, codec, found = State(), RecordCodec(), {0: fingerprint(State())}
    for segment in sorted(journal.glob("*.jsonl")):
        for line in segment.read_bytes().splitlines(keepends=True):
            record = codec.decode(parse(line).body)
            state.apply_all(record.changes)
            found[record.seq] = fingerprint(state)
    return found


def live(scene: Scene, rounds: int) -> None:
    """A bit of everything, over and over."""
    for number in range(rounds):
        project = scene.project()
        first = scene.task(project)
        second = scene.task(project, dependencies=[first["id"]])
        scene.queue(started=True)
        scene.ok("POST", f"/tasks/{first['id']}/subtasks", {"title": "Step"})
        scene.ok("POST", f"/tasks/{first['id']}/complete", {"note": "done"})
        scene.ok("POST", f"/tasks/{second['id']}/docs", {"title": "Notes", "content": "]\n],\n"})
        if number % 3:
            scene.ok("DELETE", f"/tasks/{first['id']}")
            scene.ok("POST", "/undo/last")
        if number % 4 == 0:
            scene.ok("DELETE", f"/projects/{project['id']}?cascade=true")


def test_two_hundred_states_of_the_past_are_what_they_were(restarting: Daemon) -> None:
    scene = Scene(restarting)
    live(scene, 24)
    end = newest(scene)
    known = hashes_of(restarting.home / "data" / "journal")
    chosen = random.Random(3).sample(range(end + 1), 200)
    assert end >= 200
    assert len(list((restarting.home / "data" / "snapshot").glob("*.json"))) >= 2
    asked = {seq: scene.ok("GET", f"/state?at={seq}&fields=hash")["hash"] for seq in chosen}
    assert asked == {seq: known[seq] for seq in chosen}


def kept(world: World, folder: Path) -> tuple[Past, Journal]:
    """The world's commits on disk, without a daemon."""
    journal = Journal.open(folder / "journal")
    for seq, line in enumerate(world.lines, 1):
        journal.append(seq, line)
    durable: list[int] = []
    journal.start(on_durable=durable.append, on_failure=lambda error: None)
    eventually(lambda: durable[-1:] == [len(world.lines)])
    return Past(journal, folder / "snapshot"), journal


def test_each_state_and_what_each_commit_changed_are_read_from_the_disk(tmp_path: Path) -> None:
    world, known = World(), [fingerprint(State())]
    task = world.task(world.project())
    for command in (EditTask(task_id=task, title="Other"), DeleteTask(task_id=task)):
        world.do(command)
    world.undo()
    state = State()
    for record in world.records:
        state.apply_all(record.changes)
        known.append(fingerprint(state))
    past, journal = kept(world, tmp_path)
    assert [fingerprint(past.state_at(seq)) for seq in range(len(known))] == known
    for seq in range(1, len(known)):
        assert past.undone(seq) == world.past(seq)
    with pytest.raises(NotFound):
        past.state_at(len(known))
    with pytest.raises(NotFound):
        past.undone(len(known))
    journal.close()


def test_what_was_before_the_oldest_segment_has_expired(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path / "journal", segment_bytes=10)
    durable: list[int] = []
    journal.start(on_durable=durable.append, on_failure=lambda error: None)
    for seq in (1, 2, 3):
        journal.append(seq, b'{"seq":%d,"x":1}' % seq)
        eventually(lambda seq=seq: durable[-1:] == [seq])  # type: ignore[misc]
    journal.drop_before(3)
    past = Past(journal, tmp_path / "snapshot")
    with pytest.raises(Conflict, match="begins at commit 3: what was before has expired"):
        past.state_at(2)
    with pytest.raises(Conflict, match="has expired"):
        past.undone(1)
    journal.close()
