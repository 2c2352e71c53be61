"""Bounds of the fan-out that open again, and facts that stay as they are."""

import pytest

from maestrod.engine import hub as hub_module
from maestrod.engine.hub import Hub
from maestrod.engine.live import Facts, Live
from maestrod.protocol.frames import frames_of
from tests.daemon.test_hub import Client, updated


def behind(client: Client, *seqs: int, task_id: str = "") -> None:
    """Offer updates to a client whose socket takes nothing."""
    client.stuck = hub_module.HIGH_WATER
    for seq in seqs:
        client.subscriber.offer(frames_of(updated(seq, task_id or f"task_{seq}")), b"", seq, hub_module.share(1))


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "QUEUE_BYTES", 2_000)


def test_updates_that_replace_each_other_take_the_room_of_one() -> None:
    client = Client(batch=True)
    behind(client, *range(1, 100), task_id="task_1")
    assert (client.subscriber.lost, client.subscriber.behind) == (False, 1)


def test_a_queue_that_was_emptied_has_all_its_room_again() -> None:
    client = Client()
    for seq in range(1, 100):
        behind(client, seq)
        assert client.take() == [seq]
    assert not client.subscriber.lost


def test_a_resync_gives_all_the_room_back() -> None:
    client = Client()
    behind(client, *range(1, 100))
    assert client.subscriber.lost
    client.subscriber.resynced(99)
    behind(client, 100)
    assert (client.subscriber.lost, client.subscriber.behind) == (False, 1)


def test_whoever_is_lost_is_woken_to_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "BACKLOG", 10)
    client, hub = Client(), Hub()
    hub.add(client.subscriber)
    for seq in range(1, 11):
        hub.publish(updated(seq))
    assert not client.subscriber.lost
    hub.publish(updated(11))
    assert client.subscriber.lost
    assert client.subscriber.wake.is_set()


def test_one_fact_leaves_the_others_as_they_are() -> None:
    live = Live()
    live.update("sess_1", title="a", activity=1)
    live.update("sess_1", activity=2)
    assert live.get("sess_1") == Facts(session_id="sess_1", title="a", activity=2)


def test_a_session_is_told_of_even_if_nothing_of_it_is_known() -> None:
    live, heard = Live(), list[Facts]()
    live.listen(heard.append)
    live.update("sess_1")
    live.update("sess_1")
    assert heard == [Facts(session_id="sess_1")]
    assert live.get("sess_1") == heard[0]
