"""Many processes at once."""

import pytest

from tests.e2e.workshop import PROVIDERS, Said, Workshop, ended

pytestmark = pytest.mark.e2e


def all_ended(shop: Workshop, calls: list[tuple[str, ...]]) -> list[Said]:
    """Begin all calls at once and wait for all of them."""
    begun = [shop.start(*words) for words in calls]
    return [ended(each) for each in begun]


def test_of_fifty_that_start_one_task_one_gets_it_and_the_others_are_told_who_has_it(shop: Workshop) -> None:
    task = shop.task()
    project = shop.get("/projects")[0]["id"]
    bodies = [{"projectId": project, "name": f"worker {n}", "provider": "claude"} for n in range(50)]
    sessions = [shop.post("/sessions", body)["id"] for body in bodies]

    said = all_ended(shop, [("task", "start", task, "--session", session, "--json") for session in sessions])

    winners = [session for session, each in zip(sessions, said, strict=True) if each.code == 0]
    assert sorted(each.code for each in said) == [0, *[6] * 49]
    for each in said:
        if each.code == 6:
            assert each.json["error"] == "already_claimed"
            assert winners[0] in each.json["message"]
    working = [a for a in shop.get("/assignments") if a["status"] == "working"]
    assert [a["sessionId"] for a in working] == winners


def test_fifty_that_start_the_daemon_get_the_same_one(bare: Workshop) -> None:
    said = all_ended(bare, [("daemon", "start", "--json")] * 50)

    assert [each.code for each in said] == [0] * 50, [each for each in said if each.code]
    assert len({each.json["data"]["pid"] for each in said}) == 1
    assert sum(each.json["data"]["started"] for each in said) >= 1
    assert len([p for p in bare.processes() if "maestrod" in p.cmdline()]) == 1


@pytest.mark.tmux
def test_of_ten_that_launch_one_session_one_opens_its_window(shop: Workshop) -> None:
    shop.script("claude", f"WAIT: {shop.folder / 'never'}")
    words = ("session", "spawn", "--task", shop.task(), "--provider", "claude", "--no-launch")
    session_id = shop.ok(*words)["session"]["id"]

    said = all_ended(shop, [("session", "launch", session_id, "--json")] * 10)

    assert sorted(each.code for each in said) == [0, *[6] * 9], said
    assert shop.windows() == [session_id]
    assert len(shop.log("start")) == 1


@pytest.mark.tmux
def test_agents_that_are_started_at_the_same_time_share_one_tmux_server(shop: Workshop) -> None:
    providers = [*PROVIDERS, *PROVIDERS]
    tasks = [shop.task(f"Task {n}") for n in range(len(providers))]

    pairs = zip(tasks, providers, strict=True)
    said = all_ended(shop, [("session", "spawn", "--task", t, "--provider", p, "--json") for t, p in pairs])

    assert [each for each in said if each.code] == []
    sessions = [each.json["data"]["session"]["id"] for each in said]
    shop.ran("task complete", len(tasks))
    assert set(shop.windows()) <= set(sessions)
    assert shop.statuses("tasks") == dict.fromkeys(tasks, "completed")
    shop.no_agent_stumbled()


def test_two_hundred_calls_at_once_are_all_answered(shop: Workshop) -> None:
    task = shop.task()

    said = all_ended(shop, [("task", "list", "--json")] * 200)

    assert [each for each in said if each.code != 0 or each.err] == []
    assert {tuple(row["id"] for row in each.json["data"]) for each in said} == {(task,)}
