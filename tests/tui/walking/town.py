"""A furnished Maestro for the walk: a real daemon, projects, tasks, and scripted agents that ask, work and rest."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from typing import Any

from tests.e2e.workshop import Workshop, ended, workshop
from tests.support.eventually import eventually
from tests.support.repository import commit, repository

NUMBERS = count(1)
ASKS = ["SLOW: 60 0"]
for turn in range(60):
    ASKS += [*(f"PERMISSION: true {turn}-{n}" for n in range(9)), "TURN:"]
CHANGES = "RUN: sed -i 's/^line [13]0$/& changed/' wall.txt && echo new >> door.txt"
ROLES: Mapping[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "asker": ("claude", tuple(ASKS), ("--keep-open",)),
    "patient": ("gemini", ("PERMISSION: true",), ("--keep-open",)),
    "builder": ("codex", ("RUN: maestro queue start", CHANGES, "SLEEP: 3000"), ("--strategy", "queue", "--worktree")),
    "spare": ("codex", ("SAY: I wait", "SLEEP: 3000"), ("--keep-open",)),
    "gone": ("claude", ("SAY: that was it", "EXIT: 0"), ("--keep-open",)),
}
"""By name: the agent, what it does, and how it is started."""


class Town:
    """``ids`` are those of the sessions, by their names."""

    def __init__(self, shop: Workshop) -> None:
        self.shop = shop
        self.server = f"unix:{shop.door.socket}"
        commit(repository(shop.project), "wall.txt", "".join(f"line {n}\n" for n in range(40)))
        commit(shop.project, "door.txt", "old\n")
        shop.begin()
        (project,) = shop.get("/projects")
        self.project = str(project["id"])
        other = shop.folder / "infra"
        other.mkdir()
        self.other = str(shop.post("/projects", {"name": "infra", "workingDir": str(other)})["id"])
        self.queued = [self.task(f"Queued {n}")["id"] for n in range(5)]
        first = self.task("Chain one")["id"]
        second = self.task("Chain two", dependencies=[first])["id"]
        self.chain = [first, second, self.task("Chain three", dependencies=[second])["id"]]
        self.task("Renew the certificate", projectId=self.other)
        self.ids = self._spawned()
        self.post("/mail", {"toSessionId": self.ids["builder"], "message": "Use the old bricks."})
        self.post("/mail", {"toSessionId": self.ids["builder"], "subject": "Mortar", "message": "It is in the shed."})

    def _spawned(self) -> dict[str, str]:
        begun = {}
        for name, (provider, lines, more) in ROLES.items():
            script = self.shop.folder / f"{name}.script"
            script.write_text("\n".join(lines) + "\n")
            env = {**self.shop.env, "MAESTRO_FAKE_SCRIPT": str(script)}
            tasks = self.queued if name == "builder" else [self.task(f"Work of {name}")["id"]]
            named = [word for task in tasks for word in ("--task", task)]
            words = ("session", "spawn", *named, "--provider", provider, "--name", name, *more, "--json")
            words += () if "--worktree" in more else ("--no-worktree",)
            begun[name] = self.shop.start(*words, env=env)
        said = {name: ended(process) for name, process in begun.items()}
        assert all(each.code == 0 for each in said.values()), said
        return {name: str(each.json["data"]["session"]["id"]) for name, each in said.items()}

    def settle(self) -> None:
        """Wait until everybody does what it is there for."""
        for name in ("asker", "patient"):
            eventually(lambda name=name: self.session(name)["needsInput"]["active"], what=f"{name} asks")  # type: ignore[misc]
        eventually(lambda: self.session("gone")["completedAt"], what="one has ended")
        eventually(lambda: self.items()[0]["status"] == "processing", what="the queue is worked on")

    def task(self, title: str, **more: object) -> dict[str, Any]:
        """A new task."""
        made = self.post("/tasks", {"title": title, "projectId": self.project, **more})
        assert isinstance(made, dict)
        return made

    def fresh(self, **more: object) -> dict[str, Any]:
        """A new task with a title of its own."""
        return self.task(f"Stone{next(NUMBERS)}!", **more)

    def session(self, name: str) -> dict[str, Any]:
        """One of them, as it is now."""
        return self.shop.session(self.ids[name])

    def ask_again(self) -> None:
        """Have the asker ask, whose question was answered no."""
        eventually(lambda: self.session("asker")["status"] == "idle" or self._asks(), what="its turn is over")
        if not self._asks():
            self.post(f"/sessions/{self.ids['asker']}/input", {"text": "go on"})
            eventually(self._asks, what="it asks again")

    def _asks(self) -> bool:
        return bool(self.session("asker")["needsInput"]["active"])

    def items(self) -> list[dict[str, Any]]:
        """The queue of the builder."""
        found = self.shop.get(f"/sessions/{self.ids['builder']}/queue/items")
        assert isinstance(found, list)
        return found

    def touch(self, name: str) -> None:
        """Make a commit that is about one of them."""
        self.shop.door.ok("PATCH", f"/sessions/{self.ids[name]}", {"metadata": {"touched": next(NUMBERS)}})

    def get(self, path: str) -> Any:
        """What the daemon says."""
        return self.shop.get(path)

    def post(self, path: str, body: object) -> Any:
        """A write that is allowed."""
        return self.shop.post(path, body)


@contextmanager
def town() -> Iterator[Town]:
    """A town, cleared away at the end."""
    with workshop() as shop:
        shop.env |= {"EDITOR": "true"}
        made = Town(shop)
        made.settle()
        yield made
