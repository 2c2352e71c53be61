"""Fan-out: who keeps up gets the same bytes, who is behind a bounded queue, who is far behind a resync."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest

from maestrod.domain.changes import USER, Command, Commit, Event, Put
from maestrod.domain.model import Assignment, Entity, Noun, Session, Task
from maestrod.engine import hub as hub_module
from maestrod.engine.hub import Hub, Subscriber, Subscription
from maestrod.engine.live import Facts, Live
from maestrod.protocol.frames import Frame, frames_of, plain, websocket
from tests.support.eventually import aeventually


class Planted(Command, frozen=True):
    """Changes that no rule decided."""


def commit(seq: int, entity: Entity, event: str, noun: Noun = Noun.TASK) -> Commit:
    return Commit(
        seq=seq,
        at=seq,
        actor=str(USER),
        request_id="",
        command=Planted(),
        changes=(Put(noun, entity),),
        events=(Event(event, noun, entity.id),),
    )


def task(id_: str = "task_1", project: str = "proj_1", title: str = "t") -> Task:
    return Task(id=id_, project_id=project, title=title)


def updated(seq: int, id_: str = "task_1", **fields: str) -> Commit:
    return commit(seq, task(id_, **fields), "task:updated")


class Client:
    """What one client was sent; ``stuck`` is how many bytes its socket has not taken, each write ``fills`` it."""

    def __init__(self, *, after: int = 0, direct: bool = True, batch: bool = False) -> None:
        self.sent: list[bytes] = []
        self.stuck = 0
        self.fills = 0
        self.subscriber = Subscriber(after=after, write=self._write, buffered=lambda: self.stuck, batch=batch)
        self.subscriber.direct = self.subscriber.caught_up = direct

    def _write(self, data: bytes) -> None:
        self.sent.append(data)
        self.stuck += self.fills

    @property
    def seqs(self) -> list[int | None]:
        return [seq_of(frame) for frame in parsed(b"".join(self.sent))]

    def take(self) -> list[int | None]:
        return [frame.seq for frame in self.subscriber.take(1_000_000)]


def parsed(data: bytes) -> list[dict[str, object]]:
    """The JSON of unmasked text frames."""
    found = []
    while data:
        assert data[0] == 0x81
        size, start = data[1], 2
        if size == 126:
            size, start = int.from_bytes(data[2:4], "big"), 4
        elif size == 127:
            size, start = int.from_bytes(data[2:10], "big"), 10
        found.append(msgspec.json.decode(data[start : start + size], type=dict[str, object]))
        data = data[start + size :]
    return found


def seq_of(frame: dict[str, object]) -> int | None:
    seq = frame.get("seq")
    return seq if isinstance(seq, int) else None


@asynccontextmanager
async def running(*clients: Client) -> AsyncIterator[Hub]:
    hub = Hub()
    for client in clients:
        hub.add(client.subscriber)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(hub.run()), group.create_task(hub.run_live())]
        yield hub
        for each in tasks:
            each.cancel()


async def settle(turns: int = 20) -> None:
    for _ in range(turns):
        await asyncio.sleep(0)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536, 100_000])
def test_a_frame_of_any_size_is_one_text_message(size: int) -> None:
    body = msgspec.json.encode({"x": "y" * size})
    assert parsed(websocket(body)) == [{"x": "y" * size}]


async def test_all_who_keep_up_get_the_very_same_bytes_in_order() -> None:
    clients = [Client() for _ in range(250)]
    async with running(*clients) as hub:
        for seq in range(1, 6):
            hub.publish(updated(seq))
        await settle()
    assert {id(client.sent[0]) for client in clients} == {id(clients[0].sent[0])}
    assert all(client.seqs == [1, 2, 3, 4, 5] for client in clients)


async def test_nobody_hears_what_they_know_already_also_beside_live_facts() -> None:
    late = Client(after=3)
    async with running(late) as hub:
        hub.tell(plain("session:live", session_id="sess_1"))
        for seq in range(1, 6):
            hub.publish(updated(seq))
        await settle()
    assert late.seqs == [None, 4, 5]


async def test_who_is_not_ready_gets_everything_later_and_in_order() -> None:
    client = Client(direct=False)
    async with running(client) as hub:
        for seq in range(1, 4):
            hub.publish(updated(seq, f"task_{seq}"))
        await settle()
        assert client.sent == []
        assert client.subscriber.wake.is_set()
    assert client.take() == [1, 2, 3]


async def test_what_a_client_missed_is_never_superseded() -> None:
    catching_up = Client(direct=False, batch=True)
    async with running(catching_up) as hub:
        for seq in range(1, 8):
            hub.publish(updated(seq))
        await settle()
    assert catching_up.take() == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize(("batch", "left"), [(True, [1, 30, 31, 32, 33]), (False, list(range(1, 34)))])
async def test_behind_a_full_socket_newer_updates_supersede_older_and_nothing_else_goes(
    *, batch: bool, left: list[int]
) -> None:
    behind = Client(batch=batch)
    behind.stuck = hub_module.HIGH_WATER
    async with running(behind) as hub:
        hub.publish(commit(1, task(), "task:created"))
        for seq in range(2, 30):
            hub.publish(updated(seq))
        hub.publish(updated(30, "task_2"))
        hub.publish(commit(31, task(), "notify:task_blocked"))
        hub.publish(updated(32))
        hub.publish(commit(33, task(), "task:deleted"))
        await settle()
    assert behind.sent == []
    assert behind.take() == left


async def test_nothing_passes_what_is_still_queued() -> None:
    client = Client()
    client.stuck = hub_module.HIGH_WATER
    async with running(client) as hub:
        hub.publish(updated(1, "task_1"))
        await settle()
        client.stuck = 0
        hub.publish(updated(2, "task_2"))
        await settle()
        assert client.sent == []
        client.subscriber.direct = False
        assert client.take() == [1, 2]
        hub.publish(updated(3, "task_3"))
        await settle()
        assert client.sent == []
    assert client.take() == [3]


@pytest.mark.parametrize(("limit", "value"), [("QUEUE_FRAMES", 10), ("QUEUE_BYTES", 2_000)])
async def test_a_queue_past_its_bound_is_thrown_away_as_a_whole(
    monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    monkeypatch.setattr(hub_module, limit, value)
    far_behind, other = Client(), Client()
    far_behind.stuck = hub_module.HIGH_WATER
    async with running(far_behind, other) as hub:
        for seq in range(1, 40):
            hub.publish(updated(seq, f"task_{seq}"))
            await settle()
        assert far_behind.subscriber.lost
        assert far_behind.subscriber.behind == 0
        assert other.seqs == list(range(1, 40))
        far_behind.stuck = 0
        hub.publish(updated(40))
        await settle()
        assert far_behind.sent == []
        far_behind.subscriber.resynced(41)
        hub.publish(updated(41))
        hub.publish(updated(42))
        await settle()
    assert far_behind.seqs == [42]


@pytest.mark.parametrize("clients", [1, 10, 50])
@pytest.mark.parametrize(("limit", "value"), [("ALL_FRAMES", 100), ("ALL_BYTES", 30_000)])
async def test_all_queues_together_are_bounded(
    monkeypatch: pytest.MonkeyPatch, limit: str, value: int, clients: int
) -> None:
    monkeypatch.setattr(hub_module, limit, value)
    stuck = [Client() for _ in range(clients)]
    for client in stuck:
        client.stuck = hub_module.HIGH_WATER
    most = 0
    async with running(*stuck) as hub:
        for seq in range(1, 150):
            hub.publish(updated(seq, f"task_{seq}"))
            await settle()
            most = max(most, sum(client.subscriber.behind for client in stuck))
    assert 0 < most <= 100
    assert all(client.subscriber.lost for client in stuck)


@pytest.mark.parametrize("fills", [0, hub_module.HIGH_WATER])
async def test_much_at_once_is_written_in_pieces_so_that_a_full_socket_is_seen(
    monkeypatch: pytest.MonkeyPatch, fills: int
) -> None:
    monkeypatch.setattr(hub_module, "PIECE", 1_000)
    client = Client()
    client.fills = fills
    async with running(client) as hub:
        for seq in range(1, 100):
            hub.publish(updated(seq, f"task_{seq}"))
        await settle(400)
    assert max(map(len, client.sent)) < 2_000
    assert (len(client.sent) == 1) is bool(client.subscriber.behind) is bool(fills)
    assert [*client.seqs, *client.take()] == list(range(1, 100))


async def test_what_waits_and_is_not_wanted_any_more_is_not_sent() -> None:
    client = Client()
    client.stuck = hub_module.HIGH_WATER
    async with running(client) as hub:
        for seq in range(1, 5):
            hub.publish(updated(seq, project=f"proj_{seq % 2}"))
            await settle()
        client.subscriber.choose(Subscription(project_id="proj_1"))
        hub.publish(updated(5, project="proj_0"))
        await settle()
        client.subscriber.choose(None)
        hub.publish(updated(6, project="proj_0"))
        await settle()
    assert client.take() == [1, 3, 6]


async def test_what_was_sent_or_is_not_wanted_any_more_counts_for_no_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "BACKLOG_BYTES", 10_000)
    monkeypatch.setattr(hub_module, "QUEUE_BYTES", 10_000)
    client, choosy = Client(), Client()
    choosy.stuck = hub_module.HIGH_WATER
    async with running(client, choosy) as hub:
        for seq in range(1, 200):
            hub.publish(updated(seq))
            await settle()
            if seq % 10 == 0:
                choosy.subscriber.choose(Subscription(events=()))
                choosy.subscriber.choose(None)
    assert client.seqs == list(range(1, 200))
    assert choosy.take() == list(range(191, 200))


@pytest.mark.parametrize(("limit", "value"), [("BACKLOG", 100), ("BACKLOG_BYTES", 10_000)])
async def test_a_hub_that_cannot_follow_loses_everybody_and_not_its_memory(
    monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    monkeypatch.setattr(hub_module, limit, value)
    client = Client()
    async with running(client) as hub:
        for seq in range(1, 500):
            hub.publish(updated(seq))
        await settle()
    assert client.subscriber.lost


async def test_a_client_that_goes_meanwhile_harms_nobody() -> None:
    clients = [Client() for _ in range(3 * hub_module.CHUNK)]
    async with running(*clients) as hub:
        hub.publish(updated(1))
        await asyncio.sleep(0)
        for client in clients[::2]:
            hub.remove(client.subscriber)
            hub.remove(client.subscriber)
        hub.publish(updated(2))
        await settle()
        assert len(hub) == len(clients) // 2
    assert all(client.seqs == [1, 2] for client in clients[1::2])


async def test_nobody_listening_costs_nothing() -> None:
    hub = Hub()
    hub.publish(updated(1))
    hub.publish_live(Facts(session_id="sess_1"))
    client = Client()
    hub.add(client.subscriber)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(hub.run()), group.create_task(hub.run_live())]
        await settle()
        for each in tasks:
            each.cancel()
    assert client.sent == []


# -- subscriptions --------------------------------------------------------------------------------


def frame(entity: Entity, event: str, noun: Noun) -> Frame:
    return frames_of(commit(1, entity, event, noun))[0]


OF_TASK = frame(task("task_1", "proj_1"), "task:updated", Noun.TASK)
OF_SESSION = frame(Session(id="sess_1", project_id="proj_1", name="s"), "session:updated", Noun.SESSION)
OF_ASSIGNMENT = frame(
    Assignment(id="asg_1", task_id="task_1", session_id="sess_1"), "assignment:updated", Noun.ASSIGNMENT
)


@pytest.mark.parametrize(
    ("subscription", "wanted"),
    [
        (Subscription(), [OF_TASK, OF_SESSION, OF_ASSIGNMENT]),
        (Subscription(project_id="proj_1"), [OF_TASK, OF_SESSION, OF_ASSIGNMENT]),
        (Subscription(project_id="proj_2"), [OF_ASSIGNMENT]),
        (Subscription(session_ids=("sess_1", "sess_9")), [OF_SESSION, OF_ASSIGNMENT]),
        (Subscription(task_ids=("task_1",)), [OF_TASK, OF_ASSIGNMENT]),
        (Subscription(task_ids=("task_2",)), []),
        (Subscription(events=("task:*",)), [OF_TASK]),
        (Subscription(events=("task:updated", "session:updated")), [OF_TASK, OF_SESSION]),
        (Subscription(events=("*",)), [OF_TASK, OF_SESSION, OF_ASSIGNMENT]),
        (Subscription(events=()), []),
        (Subscription(project_id="proj_1", events=("session:*",)), [OF_SESSION]),
    ],
)
def test_a_subscription_chooses(subscription: Subscription, wanted: list[Frame]) -> None:
    assert [f for f in (OF_TASK, OF_SESSION, OF_ASSIGNMENT) if subscription.wants(f)] == wanted


async def test_a_subscriber_hears_what_it_chose_and_a_commit_without_it_sends_nothing() -> None:
    client = Client()
    client.subscriber.subscription = Subscription(project_id="proj_2")
    async with running(client) as hub:
        hub.publish(updated(1, project="proj_1"))
        await settle()
        assert client.sent == []
        hub.publish(updated(2, project="proj_2"))
        hub.publish(updated(3, project="proj_1"))
        await settle()
    assert client.seqs == [2]


# -- live facts -----------------------------------------------------------------------------------


async def test_live_facts_come_at_their_pace_the_newest_of_each_session() -> None:
    client = Client()
    live = Live()
    async with running(client) as hub:
        live.listen(hub.publish_live)
        for number in range(100):
            live.update("sess_1", activity=number)
            live.update("sess_2", activity=-number)
        begun = asyncio.get_running_loop().time()

        async def two_frames() -> bool:
            return len(client.seqs) >= 2

        await aeventually(two_frames)
        for number in range(100, 200):
            live.update("sess_1", activity=number)

        async def three_frames() -> bool:
            return len(client.seqs) >= 3

        await aeventually(three_frames)
        took = asyncio.get_running_loop().time() - begun
    shown = [frame["data"] for frame in parsed(b"".join(client.sent))]
    assert shown == [
        {"sessionId": "sess_1", **LIVE, "activity": 99},
        {"sessionId": "sess_2", **LIVE, "activity": -99},
        {"sessionId": "sess_1", **LIVE, "activity": 199},
    ]
    assert client.seqs == [None, None, None]
    assert took >= hub_module.LIVE_PERIOD_S * 0.9


LIVE = {
    name: value
    for name, value in msgspec.to_builtins(Facts(session_id="x")).items()
    if name not in {"sessionId", "activity"}
}


def test_telling_what_is_known_already_tells_nobody() -> None:
    live, heard = Live(), list[Facts]()
    live.listen(heard.append)
    live.update("sess_1", title="a")
    live.update("sess_1", title="a")
    live.update("sess_1")
    live.update("sess_1", title="b")
    assert [facts.title for facts in heard] == ["a", "b"]
    live.forget("sess_1")
    live.forget("sess_1")
    assert live.get("sess_1") is None
