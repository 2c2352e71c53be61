"""The event stream as Server-Sent Events: the same frames, places, filters and bounds for whoever can read lines."""

import asyncio
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.daemon.listening import Frame, Rude, Source
from tests.daemon.scene import Scene
from tests.support.daemon import daemon
from tests.support.eventually import eventually

pytestmark = pytest.mark.xdist_group("daemon-sse")

TOLD = 600


@pytest.fixture
def fresh() -> Iterator[Scene]:
    with daemon(env={"MAESTRO_STREAM_PING_S": "0.2"}) as running:
        yield Scene(running)


def several(source: Source, count: int) -> list[tuple[str, Frame]]:
    """The next events."""
    return [source.said() for _ in range(count)]


def history(scene: Scene, after: int) -> list[str]:
    """The ids of all events since."""
    commits = scene.ok("GET", f"/commits?after={after}&limit=1000")["data"]
    return [f"{commit['seq']}.{index}" for commit in commits for index, _ in enumerate(commit["events"])]


def test_it_begins_with_hello_and_is_live(scene: Scene) -> None:
    seq = scene.ok("GET", "/hello")["seq"]
    with closing(Source(scene.daemon)) as source:
        assert source.status == 200
        head = source.head.lower()
        assert b"content-type: text/event-stream\r\n" in head
        assert b"cache-control: no-cache\r\n" in head
        assert f"x-maestro-seq: {seq}\r\n".encode() in head
        assert source.said() == (str(seq), {**_plain("hello", seq), "timestamp": pytest.approx(0, abs=1e15)})
        task = scene.task()
        (_, project), (place, created) = several(source, 2)
    assert project["type"] == "project:created"
    assert (place, created["type"], created["data"]["id"]) == (f"{seq + 2}.0", "task:created", task["id"])


def _plain(kind: str, seq: int) -> Frame:
    return {"type": kind, "event": kind, "v": 1, "seq": seq}


def test_it_says_what_a_websocket_says(scene: Scene) -> None:
    place = scene.ok("GET", "/hello")["seq"]
    session = scene.session(tasks=2)
    scene.ok("POST", f"/tasks/{session['taskIds'][0]}/start", {"sessionId": session["id"]})
    ids = history(scene, place)
    with (
        closing(Source(scene.daemon, f"?after={place}")) as source,
        closing(Rude(scene.daemon, f"?after={place}")) as ws,
    ):
        told = several(source, len(ids))
        assert [id_ for id_, _ in told] == ids
        assert [frame for _, frame in told] == [ws.said() for _ in ids]


def test_from_any_id_on_everything_comes_once(scene: Scene) -> None:
    place = scene.ok("GET", "/hello")["seq"]
    session = scene.session(tasks=1)
    scene.ok("POST", f"/tasks/{session['taskIds'][0]}/start", {"sessionId": session["id"]})
    scene.ok("POST", f"/tasks/{session['taskIds'][0]}/complete", {"sessionId": session["id"]})
    ids = history(scene, place)
    assert len(ids) > len({id_.partition(".")[0] for id_ in ids})
    for number, last in enumerate(ids[:-1]):
        with closing(Source(scene.daemon, "?after=1", last=last)) as source:
            assert [id_ for id_, _ in several(source, len(ids) - number - 1)] == ids[number + 1 :]


def test_after_the_last_id_only_what_is_new_comes(scene: Scene) -> None:
    scene.task()
    with closing(Source(scene.daemon)) as source:
        hello, _ = source.said()
    for last in (hello, f"{hello}.0"):
        with closing(Source(scene.daemon, last=last)) as source:
            scene.project()
            assert source.said()[0] == f"{int(hello) + 1}.0"


@pytest.mark.parametrize("last", ["999999999", "999999999.3"])
def test_an_id_of_the_future_is_answered_with_resync(scene: Scene, last: str) -> None:
    seq = scene.ok("GET", "/hello")["seq"]
    with closing(Source(scene.daemon, last=last)) as source:
        place, frame = source.said()
    assert (place, frame["type"], frame["seq"]) == (str(seq), "resync", seq)


@pytest.mark.parametrize("last", ["x", "-1", "1.", ".1", "1.x", "1.2.3", "0.0", "9" * 16, "1 2"])
def test_an_id_that_never_was_is_refused(scene: Scene, last: str) -> None:
    answer = scene.call("GET", "/events", headers={"Accept": "text/event-stream", "Last-Event-ID": last})
    assert (answer.status, answer.json["code"]) == (400, "VALIDATION_ERROR")


def test_live_facts_have_no_id(scene: Scene) -> None:
    session = scene.session()
    with closing(Source(scene.daemon, "?events=session:live")) as source:
        source.said()
        scene.hook(session, "PreToolUse", {"tool_name": "Bash"})
        place, frame = source.said()
    assert (place, frame["type"], frame["data"]["sessionId"]) == ("", "session:live", session["id"])


def test_filters_stand_in_the_question_of_both_kinds(scene: Scene) -> None:
    wanted, other = scene.project(), scene.project()
    place = scene.ok("GET", "/hello")["seq"]
    query = f"?after={place}&projectId={wanted['id']}&events=task:*,session:created"
    with closing(Source(scene.daemon, query)) as source, closing(Rude(scene.daemon, query)) as ws:
        scene.task(other)
        task = scene.task(wanted)
        scene.ok("PATCH", f"/projects/{wanted['id']}", {"description": "x"})
        session = scene.session(wanted)
        scene.ok("DELETE", f"/tasks/{task['id']}")
        told = [frame for _, frame in several(source, 3)]
        assert told == [ws.said() for _ in range(3)]
    assert [frame["type"] for frame in told] == ["task:created", "session:created", "task:deleted"]
    assert [frame["data"]["id"] for frame in told] == [task["id"], session["id"], task["id"]]


def test_who_accepts_anything_is_not_given_a_stream(scene: Scene) -> None:
    for accept in ("*/*", "application/json", "text/event-streams"):
        answer = scene.call("GET", "/events", headers={"Accept": accept})
        assert (answer.status, answer.json["code"]) == (400, "VALIDATION_ERROR")
        assert "text/event-stream" in answer.json["details"][0]["message"]


def test_an_old_http_is_served_too(scene: Scene) -> None:
    with closing(Source(scene.daemon, version="1.0")) as source:
        assert source.said()[1]["type"] == "hello"
        scene.project()
        assert source.said()[1]["type"] == "project:created"


def test_hearts_beat_in_silence(fresh: Scene) -> None:
    with closing(Source(fresh.daemon)) as source:
        blocks = [source.block() for _ in range(5)]
    assert blocks[0] == [b"retry: 1000"]
    assert blocks[3:] == [[b": still here"]] * 2


def test_who_takes_nothing_is_cut_off_and_can_come_back_to_where_it_was(fresh: Scene) -> None:
    project = fresh.project()
    long = {"projectId": project["id"], "title": "long", "description": "x" * 10_000}
    with closing(Source(fresh.daemon)) as stopped, closing(Source(fresh.daemon)) as other:
        hello, _ = other.said()
        for number in range(1, TOLD + 1):
            fresh.ok("POST", "/tasks", long)
            assert other.said()[0] == f"{int(hello) + number}.0"
        eventually(lambda: "was silent" in fresh.daemon.log(), what="the stopped one was cut off")
        assert other.block()
        heard = []
        while lines := stopped.block():
            heard.append(lines)
    ids = [lines[0].removeprefix(b"id: ").decode() for lines in heard if lines[0].startswith(b"id: ")]
    assert ids[1:] == [f"{int(hello) + number}.0" for number in range(1, len(ids))]
    assert len(ids) < TOLD
    with closing(Source(fresh.daemon, last=ids[-1])) as again:
        rest = several(again, TOLD - len(ids) + 1)
    assert rest[-1][0] == f"{int(hello) + TOLD}.0"


def test_seats_are_those_of_all_streams_and_given_back_at_once() -> None:
    with daemon(env={"MAESTRO_STREAM_CLIENTS": "2"}) as running:
        scene = Scene(running)
        first, second = Source(running), Rude(running)
        with closing(Source(running)) as third, closing(Rude(running)) as fourth:
            assert (third.status, fourth.status) == (409, 409)
        first.close()

        def seated() -> bool:
            with closing(Source(running)) as again:
                return again.status == 200

        eventually(seated, timeout=10)
        answer = scene.call("GET", "/events")
        second.close()
    assert answer.json["code"] in {"CONFLICT", "VALIDATION_ERROR"}


async def test_a_clean_stop_ends_it(fresh: Scene) -> None:
    source = await asyncio.to_thread(Source, fresh.daemon)
    with closing(source):
        await asyncio.to_thread(source.said)
        assert await asyncio.to_thread(fresh.daemon.stop) == 0
        while source.block():
            pass
        assert source.socket.recv(1) == b""
