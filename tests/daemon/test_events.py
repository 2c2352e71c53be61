"""The event stream over the socket: nothing missed, nothing twice, and nobody hindered by anybody."""

import asyncio
import json
import signal
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from tests.daemon.listening import Listener, Rude, crowd, listening
from tests.daemon.scene import Json, Scene
from tests.support.daemon import Daemon, daemon
from tests.support.eventually import eventually

pytestmark = pytest.mark.xdist_group("daemon-events")


@pytest.fixture
def fresh() -> Iterator[Scene]:
    with daemon() as running:
        yield Scene(running)


async def off(deed: Any, *args: object) -> Any:
    """A blocking call, off the loop."""
    return await asyncio.to_thread(deed, *args)


# -- connecting -----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/api/v1/events", "/api/events", "/", "/ws"])
async def test_without_a_place_it_begins_with_hello_and_is_live(scene: Scene, path: str) -> None:
    seq = scene.ok("GET", "/hello")["seq"]
    async with listening(scene.daemon, path) as client:
        await client.until(lambda c: c.of("hello"))
        task = await off(scene.task)
        await client.until(lambda c: c.of("task:created"))
    assert client.frames[0]["seq"] == seq
    created = client.of("task:created")[0]
    assert created.keys() == {"type", "event", "data", "timestamp", "seq", "i", "v"}
    assert created["event"] == "task:created"
    assert created["data"]["id"] == task["id"]
    assert client.of("project:created")[0]["seq"] == seq + 1


async def test_with_a_place_all_since_then_comes_and_then_what_is_live(scene: Scene) -> None:
    project = scene.project()
    place = scene.ok("GET", "/hello")["seq"]
    tasks = [scene.task(project)["id"] for _ in range(5)]
    async with listening(scene.daemon, after=place) as client:
        await client.until(lambda c: len(c.events) == 5)
        tasks.append((await off(scene.task, project))["id"])
        await client.until(lambda c: len(c.events) == 6)
    assert [f["data"]["id"] for f in client.events] == tasks
    assert client.of("hello") == []
    assert client.places == [(place + n, 0) for n in range(1, 7)]


async def test_a_list_answered_with_a_seq_and_the_stream_after_it_miss_nothing(scene: Scene) -> None:
    project = scene.project()["id"]
    done = asyncio.Event()

    async def write() -> None:
        for number in range(60):
            await off(scene.ok, "POST", "/tasks", {"projectId": project, "title": f"t{number}"})
        done.set()

    async with asyncio.TaskGroup() as group:
        group.create_task(write())
        await asyncio.sleep(0)
        listed = await off(scene.call, "GET", f"/tasks?projectId={project}")
        known = {task["id"] for task in listed.json}
        async with listening(scene.daemon, after=listed.headers["x-maestro-seq"]) as client:
            await done.wait()
            everything = {task["id"] for task in await off(scene.ok, "GET", f"/tasks?projectId={project}")}
            await client.until(lambda c: known | {f["data"]["id"] for f in c.of("task:created")} == everything)
    assert len(client.of("task:created")) + len(known) == 60


@pytest.mark.parametrize("place", [10**9, 10**14])
async def test_a_place_in_the_future_is_answered_with_resync_and_then_live(scene: Scene, place: int) -> None:
    async with listening(scene.daemon, after=place) as client:
        await client.until(lambda c: c.of("resync"))
        await off(scene.task)
        await client.until(lambda c: c.of("task:created"))
    assert client.frames[0]["type"] == "resync"
    assert client.frames[0]["seq"] < client.events[0]["seq"]


async def test_a_place_that_is_no_longer_kept_is_answered_with_resync(fresh: Scene) -> None:
    for _ in range(3):
        fresh.task()
    assert fresh.daemon.stop() == 0
    for segment in (fresh.daemon.home / "data" / "journal").glob("*.jsonl"):
        segment.unlink()
    fresh.daemon.start()
    seq = fresh.ok("GET", "/hello")["seq"]
    async with listening(fresh.daemon, after=1) as client:
        await client.until(lambda c: c.of("resync"))
        await off(fresh.task)
        await client.until(lambda c: c.of("task:created"))
    assert client.frames[0]["seq"] == seq
    assert client.places == [(seq + 1, 0), (seq + 2, 0)]


@pytest.mark.parametrize("query", ["after=x", "after=-1", "after=", "batch=perhaps", "colour=red", "after=1&after=2"])
def test_a_wrong_question_is_no_stream(scene: Scene, query: str) -> None:
    with closing(Rude(scene.daemon, f"?{query}")) as client:
        assert client.status == 400


def test_no_more_listen_than_may() -> None:
    with daemon(env={"MAESTRO_STREAM_CLIENTS": "2"}) as running:
        first, second, third = Rude(running), Rude(running), Rude(running)
        assert [c.status for c in (first, second, third)] == [101, 101, 409]
        first.close()
        second.said()

        def seated() -> bool:
            with closing(Rude(running)) as again:
                return again.status == 101

        deadline = time.monotonic() + 10
        while not seated():
            assert time.monotonic() < deadline
        for each in (second, third):
            each.close()


# -- exactly once ---------------------------------------------------------------------------------


async def test_fifty_clients_see_everything_once_across_restarts(fresh: Scene) -> None:
    """Each comes back with its place; the daemon is killed once and stopped once meanwhile."""
    daemon_ = fresh.daemon
    project = await off(fresh.project)
    seen: list[list[tuple[int, int]]] = [[] for _ in range(50)]
    places: list[int] = [1] * 50
    tasks: list[Json] = []

    async def write(count: int) -> None:
        for number in range(count):
            tasks.append(await off(fresh.task, project))
            await off(fresh.ok, "PATCH", f"/tasks/{tasks[number // 2]['id']}", {"title": f"again {len(tasks)}"})

    async def session(end: Any) -> None:
        async with crowd(daemon_, places) as clients:
            await write(8)
            await off(end)
            goal = 1 + 2 * len(tasks)
            if end is not daemon_.kill:
                for client in clients:
                    await client.until(lambda c: c.last >= goal or c.ws.closed)
            for number, client in enumerate(clients):
                await client.until(lambda c: c.ws.closed)
                seen[number] += client.places
                places[number] = max(places[number], client.last)
                assert client.of("resync") == []

    await session(daemon_.kill)
    await off(daemon_.start)
    await write(8)
    await session(daemon_.stop)
    await off(daemon_.start)
    async with crowd(daemon_, places) as clients:
        await write(4)
        goal = 1 + 2 * len(tasks)
        for number, client in enumerate(clients):
            await client.until(lambda c: c.last >= goal)
            seen[number] += client.places
    history = (await off(fresh.ok, "GET", "/commits?after=1&limit=1000"))["data"]
    everything = [(commit["seq"], index) for commit in history for index, _ in enumerate(commit["events"])]
    assert len(everything) == 2 * len(tasks)
    for each in seen:
        assert each == everything


async def test_the_last_of_a_burst_reaches_everybody(scene: Scene) -> None:
    task = scene.task()
    async with crowd(scene.daemon, [None] * 20) as clients:
        for client in clients:
            await client.until(lambda c: c.frames)
        async with asyncio.TaskGroup() as group:
            for number in range(20):
                group.create_task(off(scene.ok, "PATCH", f"/tasks/{task['id']}", {"title": f"title {number}"}))
        last = await off(scene.ok, "GET", f"/tasks/{task['id']}")
        for client in clients:
            await client.until(lambda c: [f for f in c.of("task:updated") if f["data"]["version"] == last["version"]])
            shown = [f["data"]["version"] for f in client.of("task:updated")]
            assert shown == sorted(shown)
            assert client.of("task:updated")[-1]["data"]["title"] == last["title"]


async def test_several_events_of_one_commit_come_in_their_order(scene: Scene) -> None:
    session = scene.session(tasks=1)
    async with listening(scene.daemon) as client:
        await client.until(lambda c: c.frames)
        await off(scene.ok, "POST", f"/tasks/{session['taskIds'][0]}/start", {"sessionId": session["id"]})
        await off(scene.ok, "POST", f"/tasks/{session['taskIds'][0]}/complete", {"sessionId": session["id"]})
        await client.until(lambda c: c.of("notify:task_completed"))
    seq = client.of("notify:task_completed")[0]["seq"]
    together = [f for f in client.events if f["seq"] == seq]
    assert [f["i"] for f in together] == list(range(len(together)))
    assert len(together) > 2


async def test_a_deletion_carries_the_id_alone(scene: Scene) -> None:
    task = scene.task()
    async with listening(scene.daemon) as client:
        await client.until(lambda c: c.frames)
        await off(scene.ok, "DELETE", f"/tasks/{task['id']}")
        await client.until(lambda c: c.of("task:deleted"))
    assert client.of("task:deleted")[0]["data"] == {"id": task["id"]}


# -- subscriptions and other words of clients -----------------------------------------------------


async def test_a_subscription_filters_until_it_is_taken_back(scene: Scene) -> None:
    wanted, other = scene.project(), scene.project()
    async with listening(scene.daemon) as client:
        await client.say(type="subscribe", projectId=wanted["id"], events=["task:*", "subtask:*"])
        await client.until(lambda c: c.of("subscribed"))
        assert client.of("subscribed")[0]["data"]["projectId"] == wanted["id"]
        await off(scene.task, other)
        mine = await off(scene.task, wanted)
        await off(scene.ok, "POST", f"/tasks/{mine['id']}/subtasks", {"title": "x"})
        await off(scene.ok, "PATCH", f"/projects/{wanted['id']}", {"description": "x"})
        await off(scene.ok, "DELETE", f"/tasks/{mine['id']}")
        await client.until(lambda c: c.of("task:deleted"))
        await client.say(type="unsubscribe")
        await client.until(lambda c: c.of("unsubscribed"))
        await off(scene.task, other)
        await client.until(lambda c: len(c.of("task:created")) == 2)
    kinds = [f["type"] for f in client.events]
    assert sorted(kinds[:4]) == ["subtask:created", "subtask:deleted", "task:created", "task:deleted"]
    assert client.events[0]["data"]["id"] == mine["id"]
    assert client.of("task:created")[-1]["data"]["projectId"] == other["id"]


async def test_a_replay_is_filtered_too(scene: Scene) -> None:
    place = scene.ok("GET", "/hello")["seq"]
    session = scene.session(tasks=1)
    async with listening(scene.daemon, after=place) as client:
        await client.say(type="subscribe", sessionIds=[session["id"]])
        await client.until(lambda c: c.of("subscribed"))
        before = len(client.events)
        await off(scene.task)
        await off(scene.ok, "POST", f"/sessions/{session['id']}/needs-input", {"message": "?"})
        await client.until(lambda c: c.of("notify:needs_input"))
    assert {f["data"]["id"] for f in client.events[before:] if f["type"] == "session:updated"} == {session["id"]}
    assert "task:created" not in [f["type"] for f in client.events[before:]]


async def test_clients_may_ping_and_acknowledge(scene: Scene) -> None:
    async with listening(scene.daemon) as client:
        await client.say(type="ack", seq=1)
        await client.say(type="ping")
        await client.until(lambda c: c.of("pong"))
    assert client.of("error") == []


NONSENSE = {
    "no JSON": b"{",
    "a list": b"[1,2]",
    "a number": b"17",
    "empty": b"",
    "no type": b"{}",
    "an unknown type": b'{"type":"dance"}',
    "a type that is no text": b'{"type":17}',
    "a long type": b'{"type":"' + b"x" * 5000 + b'"}',
    "an unknown field": b'{"type":"subscribe","colour":"red"}',
    "a field of the wrong kind": b'{"type":"subscribe","sessionIds":"sess_1"}',
    "deep": b'{"type":"subscribe","events":' + b"[" * 20_000 + b"]" * 20_000 + b"}",
    "deep beside": b'{"type":"ping2","x":' + b"[" * 20_000 + b"]" * 20_000 + b"}",
    "a lone surrogate": b'{"type":"\\ud800"}',
}


@pytest.mark.parametrize("sent", NONSENSE.values(), ids=NONSENSE)
def test_nonsense_is_answered_with_an_error_and_the_connection_lives(scene: Scene, sent: bytes) -> None:
    with closing(Rude(scene.daemon)) as client:
        assert client.said()["type"] == "hello"
        client.send(1, sent)
        answer = client.said()
        assert answer["type"] == "error"
        assert 0 < len(answer["data"]["message"]) < 500
        client.send(1, b'{"type":"ping"}')
        assert client.said()["type"] == "pong"


def test_binary_is_answered_with_an_error(scene: Scene) -> None:
    with closing(Rude(scene.daemon)) as client:
        client.said()
        client.send(2, b"\x00\x01")
        assert client.said()["type"] == "error"


RUDE: dict[str, tuple[int, bytes, dict[str, bool]]] = {
    "a message of a megabyte": (1, b"x" * 1_000_000, {}),
    "text that is not UTF-8": (1, b"\xff\xfe", {}),
    "an unknown opcode": (3, b"", {}),
    "a continuation of nothing": (0, b"x", {}),
    "a long ping": (9, b"x" * 200, {}),
    "a broken goodbye": (8, b"\x00", {}),
}


@pytest.mark.parametrize("rude", RUDE.values(), ids=RUDE)
def test_rudeness_ends_the_connection_and_nothing_else(scene: Scene, rude: tuple[int, bytes, dict[str, bool]]) -> None:
    opcode, payload, how = rude
    with closing(Rude(scene.daemon)) as client, closing(Rude(scene.daemon)) as other:
        client.said()
        other.said()
        try:
            client.send(opcode, payload, **how)
            while (answer := client.frame())[0] != 8:
                assert answer[0] in {1, 10}
        except ConnectionError:
            pass
        scene.task()
        assert other.said()["type"] == "project:created"
    assert "Traceback" not in scene.daemon.log()


def test_clients_that_hang_up_at_any_time_harm_nobody(scene: Scene) -> None:
    open_before = _open_files(scene.daemon)
    with closing(Rude(scene.daemon)) as stays:
        stays.said()
        for number in range(30):
            client = Rude(scene.daemon, "?after=0" if number % 2 else "")
            if number % 3:
                client.said()
            client.close()
            scene.task({"id": scene.project()["id"]})
        made = 0
        while made < 30:
            made += stays.said()["type"] == "task:created"
    assert "Traceback" not in scene.daemon.log()
    eventually(lambda: _open_files(scene.daemon) <= open_before, what="every connection was given back")


def _open_files(daemon_: Daemon) -> int:
    """How many descriptors it holds; none where the system does not say."""
    folder = Path(f"/proc/{daemon_.pid}/fd")
    return len(list(folder.iterdir())) if folder.exists() else 0


# -- slow clients ---------------------------------------------------------------------------------

LONG = "x" * 10_000


async def test_a_client_that_does_not_read_costs_the_others_nothing_and_is_told_to_resync(fresh: Scene) -> None:
    project = await off(fresh.project)
    stopped = await off(Rude, fresh.daemon)
    async with listening(fresh.daemon) as other:
        await other.until(lambda c: c.frames)
        for _ in range(8):
            async with asyncio.TaskGroup() as group:
                for _ in range(100):
                    group.create_task(off(_long_task, fresh, project))
        await other.until(lambda c: len(c.of("task:created")) == 800)
    rss = _rss(fresh.daemon)
    frames: list[Json] = []
    while not frames or frames[-1]["type"] != "resync":
        frames.append(await off(stopped.said))
    assert [f["seq"] for f in frames[:-1]] == list(range(1, len(frames)))
    assert len(frames) < 800
    assert frames[-1]["seq"] == 801
    task = await off(fresh.task, project)
    assert (await off(stopped.said))["data"]["id"] == task["id"]
    stopped.close()
    assert rss < 200


def _long_task(scene: Scene, project: Json) -> None:
    scene.ok("POST", "/tasks", {"projectId": project["id"], "title": "long", "description": LONG})


def _rss(daemon_: Daemon) -> float:
    """In megabytes."""
    try:
        pages = int(Path(f"/proc/{daemon_.pid}/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * 4096 / 1e6


@pytest.mark.parametrize("batch", [0, 1])
async def test_frames_are_joined_only_for_who_asked_and_is_behind(fresh: Scene, batch: int) -> None:
    project = await off(fresh.project)
    client = await off(Rude, fresh.daemon, f"?batch={batch}")
    assert (await off(client.said))["type"] == "hello"
    for _ in range(3):
        async with asyncio.TaskGroup() as group:
            for _ in range(60):
                group.create_task(off(_long_task, fresh, project))
    arrays, seqs = 0, list[int]()
    while len(seqs) < 180:
        said = await off(client.said)
        arrays += isinstance(said, list)
        seqs += [f["seq"] for f in (said if isinstance(said, list) else [said])]
    client.close()
    assert seqs == list(range(2, 182))
    assert bool(arrays) is bool(batch)


async def test_live_facts_have_no_place_and_come_at_most_four_times_a_second(scene: Scene) -> None:
    session = scene.session()
    async with listening(scene.daemon, after=0) as client:
        begun = asyncio.get_running_loop().time()
        for number in range(60):
            await off(scene.hook, session, "PreToolUse", {"tool_name": f"tool {number}"})
        await client.until(lambda c: [f for f in c.of("session:live") if f["data"]["tool"] == "tool 59"])
        took = asyncio.get_running_loop().time() - begun
    live = client.of("session:live")
    assert all("seq" not in f for f in live)
    assert {f["data"]["sessionId"] for f in live} == {session["id"]}
    assert live[-1]["data"]["state"] == "working"
    assert len(live) <= 4 * took + 2


# -- the end --------------------------------------------------------------------------------------


async def test_a_clean_stop_says_goodbye_to_all_and_waits_for_nobody(fresh: Scene) -> None:
    deaf = [await off(Rude, fresh.daemon) for _ in range(5)]
    session = await off(fresh.session)
    async with AsyncExitStack() as stack:
        clients: list[Listener] = [await stack.enter_async_context(listening(fresh.daemon)) for _ in range(10)]
        for client in clients:
            await client.until(lambda c: c.frames)
        group = await stack.enter_async_context(asyncio.TaskGroup())
        wait = group.create_task(off(_ended_wait, fresh, session))
        await off(fresh.task)
        begun = asyncio.get_running_loop().time()
        assert await off(fresh.daemon.stop) == 0
        took = asyncio.get_running_loop().time() - begun
        for client in clients:
            await client.until(lambda c: c.ws.closed)
            assert client.ws.close_code == 1001
            assert client.of("task:created")
        assert await wait
    for each in deaf:
        each.close()
    assert took < 8
    assert not fresh.daemon.socket.exists()


def _ended_wait(scene: Scene, session: Json) -> bool:
    try:
        answer = scene.call("GET", f"/sessions/{session['id']}/wait?until=ended&timeout=60")
    except (OSError, json.JSONDecodeError, ValueError):
        return True
    except Exception as error:  # noqa: BLE001 - http.client has many words for a connection that ends
        return "Remote end closed" in str(error)
    return answer.status == 503


async def test_a_daemon_that_is_told_to_stop_by_a_request_says_goodbye_too(fresh: Scene) -> None:
    async with listening(fresh.daemon) as client:
        await client.until(lambda c: c.frames)
        answer = await off(fresh.call, "POST", "/shutdown", {"reason": "done for today"})
        assert (answer.status, answer.json) == (202, {"stopping": True})
        await client.until(lambda c: c.ws.closed)
        assert client.ws.close_code == 1001
    process = fresh.daemon.process
    assert process is not None
    assert await off(process.wait) == 0
    assert "done for today" in fresh.daemon.log()


async def test_an_interrupt_is_a_clean_stop(fresh: Scene) -> None:
    fresh.task()
    process = fresh.daemon.process
    assert process is not None
    process.send_signal(signal.SIGINT)
    assert await off(process.wait) == 0
    assert list((fresh.daemon.home / "data" / "snapshot").iterdir())
