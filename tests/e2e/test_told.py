"""An agent that runs nothing but what `maestro prime` tells it, in that order, is refused nothing."""

import re
import shlex
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from maestrod.domain.model import Role, Strategy
from tests.e2e.workshop import Workshop

pytestmark = [pytest.mark.e2e, pytest.mark.tmux]

LISTED = re.compile(r"^\* `(maestro [^`]+)`: ", re.MULTILINE)
Places = dict[str, str]
"""Ids by the words that stand for them."""


class Agent:
    """A session that calls `maestro` as its agent would; what it makes fills in what comes later."""

    def __init__(self, shop: Workshop, role: Role, strategy: Strategy, tasks: list[str]) -> None:
        self.shop = shop
        fields = {"projectId": shop.get("/projects")[0]["id"], "role": role, "strategy": strategy, "taskIds": tasks}
        self.session = shop.post("/sessions", fields)["id"]
        cred = shop.folder / self.session
        cred.write_text(shop.post(f"/sessions/{self.session}/launch", {"holder": "test"})["credential"])
        self.env = shop.env | {
            "MAESTRO_SESSION_ID": self.session,
            "MAESTRO_CREDENTIAL_FILE": str(cred),
            "MAESTRO_TASK_IDS": ",".join(tasks),
            "MAESTRO_NO_AUTOSTART": "1",
        }

    def told(self) -> list[str]:
        """The commands that it is told, in their order."""
        calls: list[str] = LISTED.findall(self.shop.maestro("prime", env=self.env).out)
        assert len(calls) > 10
        return calls

    def call(self, *words: str, env: Mapping[str, str] | None = None) -> Any:
        """The data of a call of its own, which must succeed."""
        return self.shop.ok(*words, env=self.env | dict(env or {}))

    def writes_to(self, other: str) -> str:
        """A mail's id."""
        return str(self.call("mail", "send", other, "Hello")["id"])


def walk(agent: Agent, at: Places, before: Mapping[str, Callable[[], Places]]) -> dict[str, Any]:
    """Run all that it is told, filled in from ``at``; the answers by call.

    ``before`` says, by how a call begins, what must have happened, and what its own words stand for.
    """
    answers: dict[str, Any] = {}
    for call in agent.told():
        verb = call.partition(" ")[2]
        ahead = next((doing for begins, doing in before.items() if verb.startswith(begins)), dict)
        places = at | ahead()
        answers[verb] = agent.call(*(places.get(word, word) for word in shlex.split(verb)))
        if verb.startswith("subtask create"):
            at["SUBTASK"] = answers[verb]["id"]
    return answers


@pytest.mark.parametrize("strategy", [Strategy.SIMPLE, Strategy.QUEUE, Strategy.TREE])
def test_a_worker_may_do_all_that_it_is_told(shop: Workshop, strategy: Strategy) -> None:
    tasks = [str(shop.ok("task", "create", f"Step {n}", "--check", "true")["id"]) for n in (1, 2, 3)]
    leaf = str(shop.ok("task", "create", "Leaf", "--parent", tasks[0], "--check", "true")["id"])
    agent = Agent(shop, Role.WORKER, strategy, tasks)
    peer = Agent(shop, Role.WORKER, Strategy.SIMPLE, [])
    at = {"TASK": tasks[0], "SESSION": peer.session, "MAIL": peer.writes_to(agent.session)}
    first = leaf if strategy is Strategy.TREE else tasks[0]

    def another_item() -> Places:
        agent.call("queue", "start")
        return {}

    answers = walk(
        agent,
        at,
        {
            "mail wait": lambda: {"MAIL": peer.writes_to(agent.session)},
            "queue fail": another_item,
            "queue skip": another_item,
            "task start": lambda: {"TASK": first},
            "task check": lambda: {"TASK": first},
            "task complete": lambda: {"TASK": first},
            "task review": lambda: {"TASK": tasks[1]},
            "task block": lambda: {"TASK": tasks[2]},
        },
    )

    assert shop.statuses("tasks")[first] == "completed"
    assert {a["task"]["id"] for verb, a in answers.items() if verb.startswith("task next")} <= {first}
    assert any(verb.startswith("queue") for verb in answers) == (strategy is Strategy.QUEUE)
    assert shop.session(agent.session)["needsInput"]["message"] == "QUESTION"
    told = [
        (e["message"], e["taskId"]) for e in shop.get(f"/sessions/{agent.session}/timeline") if e["type"] == "progress"
    ]
    assert told == [("MESSAGE", first)]


def test_an_orchestrator_may_do_all_that_it_is_told(shop: Workshop) -> None:
    root = str(shop.ok("task", "create", "All of it", "--check", "true")["id"])
    one, two, three, four = (str(shop.ok("task", "create", f"Part {n}", "--parent", root)["id"]) for n in range(4))
    agent = Agent(shop, Role.ORCHESTRATOR, Strategy.DAG, [root])
    peer = Agent(shop, Role.WORKER, Strategy.SIMPLE, [])
    at = {"TASK": root, "A": three, "B": four, "SESSION": peer.session, "MAIL": peer.writes_to(agent.session)}

    def newest() -> Places:
        """The session that was started last."""
        sessions = shop.ok("session", "list", "--parent", agent.session)
        return {"SESSION": sessions[-1]["id"]}

    def idle() -> Places:
        """The worker of the queue, which has nothing more to do and waits."""
        shop.becomes(newest()["SESSION"], "idle")
        return newest()

    def waiting() -> Places:
        shop.script("claude", "SAY: I wait.")
        agent.env |= shop.env
        return {}

    answers = walk(
        agent,
        at,
        {
            "task edit": lambda: {"TASK": two, "OTHER": one},
            "session spawn --task TASK": lambda: {"TASK": one},
            "session spawn --task A": waiting,
            "session wait": lambda: {"SESSION": shop.ok("session", "list", "--task", one)[0]["id"]},
            "session send": idle,
            "session": newest,
            "mail wait": lambda: {"MAIL": peer.writes_to(agent.session)},
            "task reopen": lambda: {"TASK": one},
            "task block": lambda: {"TASK": two},
            "task unblock": lambda: {"TASK": two},
        },
    )

    statuses = shop.statuses("tasks")
    assert (statuses[root], statuses[one], statuses[two]) == ("completed", "in_progress", "todo")
    assert answers["plan"]["waves"]
    assert shop.statuses("sessions")[newest()["SESSION"]] == "stopped"


def test_prime_tells_what_the_launch_told(shop: Workshop) -> None:
    shop.script("claude", 'RUN: "$MAESTRO_BIN" prime > primed.md')
    session = shop.spawn("claude", shop.task())
    shop.ran("prime")
    told = [(shop.home / "data" / "sessions" / session / name).read_text() for name in ("system.md", "prompt.md")]
    assert (shop.project / "primed.md").read_text() == "\n\n".join(told) + "\n"
