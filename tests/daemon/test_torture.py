"""Clients of the event stream at their worst: what they cost is theirs, and nobody else misses anything."""

import asyncio
import itertools
import json
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from tests.daemon.listening import Listener, Rude, crowd, listening
from tests.daemon.scene import Json, Scene
from tests.support.daemon import Daemon, daemon
from tests.support.eventually import eventually

pytestmark = pytest.mark.xdist_group("daemon-torture")


@pytest.fixture
def fresh() -> Iterator[Scene]:
    with daemon() as running:
        yield Scene(running)


@pytest.fixture
def brisk() -> Iterator[Scene]:
    """One that pings every second, and so gives up after three."""
    with daemon(env={"MAESTRO_STREAM_PING_S": "1"}) as running:
        yield Scene(running)


@pytest.fixture
def patient() -> Iterator[Scene]:
    """One that lets its clients sleep."""
    with daemon(env={"MAESTRO_STREAM_PING_S": "3600"}) as running:
        yield Scene(running)


def rss_mb(daemon_: Daemon) -> float:
    """What the daemon has in memory; 0 where the system does not say."""
    try:
        return int(Path(f"/proc/{daemon_.pid}/statm").read_text().split()[1]) * 4096 / 1e6
    except OSError:
        return 0.0


def retitle(scene: Scene, task: Json, number: int) -> None:
    """Give a task another title."""
    scene.ok("PATCH", f"/tasks/{task['id']}", {"title": f"title {number}"})


# -- silence --------------------------------------------------------------------------------------


SIGNS = ((10, b""), (1, b'{"type":"ack","seq":1}'), (1, b"nonsense"), (9, b""))


def test_who_does_not_answer_pings_is_closed_and_who_says_anything_is_not(brisk: Scene) -> None:
    """A half-open connection looks like the silent one: all that is sent is taken, and nothing ever comes."""
    signs = itertools.cycle(SIGNS)
    with closing(Rude(brisk.daemon)) as silent, closing(Rude(brisk.daemon)) as alive:
        pings = 0
        while (frame := silent.frame())[0] != 8:
            pings += frame == (9, b"")
            while alive.frame() != (9, b""):
                pass
            alive.send(*next(signs))
        assert pings >= 2
        brisk.project()
        while (frame := alive.frame())[0] != 1 or json.loads(frame[1])["type"] == "error":
            pass
        assert json.loads(frame[1])["type"] == "project:created"
    assert "was silent" in brisk.daemon.log()


def test_a_client_may_ping_by_frame_too(fresh: Scene) -> None:
    with closing(Rude(fresh.daemon)) as client:
        client.said()
        client.send(9, b"are you there")
        assert client.frame() == (10, b"are you there")


LISTENER = """
import socket, sys, base64
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.sendall(b"GET /api/v1/events HTTP/1.1\\r\\nHost: m\\r\\nConnection: Upgrade\\r\\nUpgrade: websocket\\r\\n"
          b"Sec-WebSocket-Version: 13\\r\\nSec-WebSocket-Key: " + base64.b64encode(bytes(16)) + b"\\r\\n\\r\\n")
print(s.recv(12).decode(), flush=True)
while s.recv(65536):
    s.sendall(b"\\x8a\\x80\\0\\0\\0\\0")
"""


@pytest.fixture
def stopped(brisk: Scene) -> Iterator[None]:
    """A process that listens and answers pings, until it was stopped."""
    command = [sys.executable, "-c", LISTENER, str(brisk.daemon.socket)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("HTTP/1.1 101")
            process.send_signal(signal.SIGSTOP)
            yield
        finally:
            process.kill()


@pytest.mark.usefixtures("stopped")
async def test_a_stopped_process_is_let_go_and_the_others_miss_nothing(brisk: Scene) -> None:
    task = brisk.task()
    async with listening(brisk.daemon) as other:
        await other.until(lambda c: c.frames)
        for number in range(50):
            await asyncio.to_thread(retitle, brisk, task, number)
        await other.until(lambda c: len(c.of("task:updated")) == 50)
        await asyncio.to_thread(eventually, lambda: "was silent" in brisk.daemon.log())
        await asyncio.to_thread(retitle, brisk, task, 50)
        await other.until(lambda c: len(c.of("task:updated")) == 51)


def test_nothing_is_compressed_on_the_socket(fresh: Scene) -> None:
    offered = Rude(fresh.daemon, offers="permessage-deflate; client_max_window_bits")
    with closing(offered) as client:
        assert b"sec-websocket-extensions" not in client.head.lower()
        assert client.said()["type"] == "hello"


# -- floods ---------------------------------------------------------------------------------------


async def test_a_flood_of_words_drowns_only_who_sends_it(fresh: Scene) -> None:
    """Thousands of frames, none of whose answers are read: the flood is held back, others are served."""
    task = await asyncio.to_thread(fresh.task)
    before = rss_mb(fresh.daemon)
    floods = [await asyncio.to_thread(Rude, fresh.daemon) for _ in range(4)]
    words = (b'{"type":"ping"}', b"garbage", b'{"type":"subscribe","events":["task:*"]}', b"\xc3\xa9" * 400)
    async with asyncio.TaskGroup() as group, listening(fresh.daemon) as other:
        await other.until(lambda c: c.frames)
        sent = [group.create_task(asyncio.to_thread(_flood, *each)) for each in zip(floods, words, strict=True)]
        for number in range(30):
            await asyncio.to_thread(retitle, fresh, task, number)
        await other.until(lambda c: len(c.of("task:updated")) == 30)
        for flood in floods:
            flood.socket.shutdown(socket.SHUT_RDWR)
    for flood in floods:
        flood.close()
    assert all(each.result() < FLOOD for each in sent)
    assert rss_mb(fresh.daemon) < before + 20
    assert "Traceback" not in fresh.daemon.log()


FLOOD = 200_000


def _flood(client: Rude, word: bytes) -> int:
    """How many words could be sent; answers are not read."""
    client.socket.settimeout(60)
    for number in range(FLOOD):
        try:
            client.send(1, word)
        except OSError:
            return number
    return FLOOD


def test_huge_and_endless_messages_end_their_connection_alone(fresh: Scene) -> None:
    before = rss_mb(fresh.daemon)
    with closing(Rude(fresh.daemon)) as other:
        for _ in range(20):
            with closing(Rude(fresh.daemon)) as client:
                client.said()
                _push(client)
        fresh.project()
        other.said()
        assert other.said()["type"] == "project:created"
    assert rss_mb(fresh.daemon) < before + 20


def _push(client: Rude) -> None:
    """A message in pieces that never ends, until nobody takes it any more."""
    try:
        client.send(1, b"x" * 30_000, fin=False)
        while True:
            client.send(0, b"x" * 30_000, fin=False)
    except OSError:
        return


# -- coming and going -----------------------------------------------------------------------------


async def test_who_comes_back_anywhere_at_any_time_has_heard_everything_once(fresh: Scene) -> None:
    await _come_and_go(fresh, clients=8, writes=60, seed=random.randrange(1 << 30))


@pytest.mark.slow
async def test_many_who_come_back_anywhere_have_heard_everything_once(fresh: Scene) -> None:
    await _come_and_go(fresh, clients=60, writes=1_000, seed=random.randrange(1 << 30))


async def _come_and_go(scene: Scene, *, clients: int, writes: int, seed: int) -> None:
    """Each client leaves after a random number of frames and returns with the last seq; each commit has one event."""
    chance = random.Random(seed)
    start = scene.ok("GET", "/hello")["seq"]
    done = asyncio.Event()
    goal = 0

    async def write() -> None:
        nonlocal goal
        project = await asyncio.to_thread(scene.project)
        for number in range(writes):
            task = await asyncio.to_thread(scene.task, project)
            if number % 3 == 0:
                await asyncio.to_thread(retitle, scene, task, number)
        goal = (await asyncio.to_thread(scene.ok, "GET", "/hello"))["seq"]
        done.set()

    def enough(count: int, place: int, client: Listener) -> bool:
        return len(client.events) >= count or (done.is_set() and max(place, client.last) >= goal)

    async def follow(each: random.Random) -> list[tuple[int, int]]:
        heard: list[tuple[int, int]] = []
        place = start
        while not (done.is_set() and place >= goal):
            async with listening(scene.daemon, after=place, batch=each.randrange(2)) as client:
                if each.randrange(3) == 0:
                    await client.say(type="subscribe", events=["*"])
                    await client.say(type="unsubscribe")
                await client.until(partial(enough, each.randrange(1, 12), place))
            heard += client.places
            place = max(place, client.last)
        return heard

    async with asyncio.TaskGroup() as group:
        group.create_task(write())
        follows = [group.create_task(follow(random.Random(chance.random()))) for _ in range(clients)]
    commits = [
        commit
        for after in range(start, goal, 1000)
        for commit in (await asyncio.to_thread(scene.ok, "GET", f"/commits?after={after}&limit=1000"))["data"]
    ]
    everything = [(commit["seq"], index) for commit in commits for index, _ in enumerate(commit["events"])]
    for each in follows:
        assert each.result() == everything, f"seed {seed}"


# -- crowds ---------------------------------------------------------------------------------------


async def test_the_last_states_reach_a_crowd_and_those_who_slept(patient: Scene) -> None:
    await _crowded(patient, clients=30, sleepers=10, tasks=5, updates=100, length=9_000)


@pytest.mark.slow
async def test_the_last_states_reach_a_thousand_and_those_who_slept(patient: Scene) -> None:
    await _crowded(patient, clients=900, sleepers=100, tasks=50, updates=400, length=2_000)


async def _crowded(scene: Scene, *, clients: int, sleepers: int, tasks: int, updates: int, length: int) -> None:
    """The sleepers read nothing until all is written; each ends with the last state of every task, and no resync."""
    project = await asyncio.to_thread(scene.project)
    made = [await asyncio.to_thread(scene.task, project, description="x" * length) for _ in range(tasks)]
    asleep = [await asyncio.to_thread(Rude, scene.daemon, "?batch=1&events=task:updated") for _ in range(sleepers)]
    async with crowd(scene.daemon, [None] * clients) as listeners:
        for each in listeners:
            await each.until(lambda c: c.frames)
        for number in range(updates):
            await asyncio.to_thread(retitle, scene, made[number % tasks], number)
        last = {task["id"]: task["title"] for task in await asyncio.to_thread(scene.ok, "GET", "/tasks")}
        for each in listeners:
            await each.until(lambda c: _titles(c.of("task:updated")) == last)
            assert len(each.of("task:updated")) == updates
        for sleeper in asleep:
            frames = await asyncio.to_thread(_until, sleeper, last)
            sleeper.close()
            assert tasks <= len(frames) < updates
            assert [frame["seq"] for frame in frames] == sorted({frame["seq"] for frame in frames})


def _until(client: Rude, last: dict[str, str]) -> list[Json]:
    """All frames until these are the titles."""
    frames: list[Json] = []
    assert client.said()["type"] == "hello"
    while _titles(frames) != last:
        said = client.said()
        frames += said if isinstance(said, list) else [said]
    assert {frame["type"] for frame in frames} == {"task:updated"}
    return frames


def _titles(frames: Iterable[Json]) -> dict[str, str]:
    return {frame["data"]["id"]: frame["data"]["title"] for frame in frames}


async def test_stopped_clients_share_what_may_wait(fresh: Scene) -> None:
    """However many stop, the daemon's memory stays within its bound, and each is told to read again."""
    stopped = [await asyncio.to_thread(Rude, fresh.daemon) for _ in range(40)]
    project = await asyncio.to_thread(fresh.project)
    before = rss_mb(fresh.daemon)
    for _ in range(5):
        async with asyncio.TaskGroup() as group:
            for _ in range(120):
                group.create_task(asyncio.to_thread(_long_task, fresh, project))
    assert rss_mb(fresh.daemon) < before + 60
    for client in stopped:
        kind = ""
        while kind != "resync":
            kind = (await asyncio.to_thread(client.said))["type"]
        client.close()


def _long_task(scene: Scene, project: Json) -> None:
    scene.ok("POST", "/tasks", {"projectId": project["id"], "title": "long", "description": "x" * 10_000})
