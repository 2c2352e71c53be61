"""A daemon with things in it: short words for what most tests begin with."""

import itertools
from collections.abc import Mapping
from typing import Any

from tests.support.daemon import Answer, Daemon

Json = dict[str, Any]
UNHURRIED = {f"MAESTRO_{who}_RATE": "1000000" for who in ("SESSION", "KEY", "USER")}
"""The environment of a daemon that minds nobody's haste."""


class Scene:
    """Makes projects, tasks and sessions; what it makes is never the same twice."""

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon
        self._numbers = itertools.count(1)

    def ok(self, method: str, path: str, body: object = None, **kwargs: Any) -> Any:
        """The body of an answer that must be 2xx."""
        return self.daemon.ok(method, path, body, **kwargs)

    def made(self, method: str, path: str, body: object = None) -> Json:
        """The object that a request is answered with."""
        found: Json = self.ok(method, path, body)
        return found

    def call(self, method: str, path: str, body: object = None, **kwargs: Any) -> Answer:
        """One request."""
        return self.daemon.call(method, path, body, **kwargs)

    def number(self) -> int:
        """A number that was not given before."""
        return next(self._numbers)

    def project(self, **fields: object) -> Json:
        """A new project in a directory of its own."""
        number = self.number()
        return self.made(
            "POST", "/projects", {"name": f"p{number}", "workingDir": f"/srv/{id(self)}/p{number}"} | fields
        )

    def task(self, project: Json | None = None, **fields: object) -> Json:
        """A new task; in a new project unless one is given."""
        body = {"title": f"Task {self.number()}"} | fields
        if "parentId" not in fields:
            body["projectId"] = (project or self.project())["id"]
        return self.made("POST", "/tasks", body)

    def session(self, project: Json | None = None, *, tasks: int = 0, **fields: object) -> Json:
        """A new session with as many new tasks."""
        inside = project or self.project()
        ids = [self.task(inside)["id"] for _ in range(tasks)]
        return self.made("POST", "/sessions", {"projectId": inside["id"], "taskIds": ids} | fields)

    def queue(self, *, tasks: int = 2, started: bool = False) -> Json:
        """A session with a queue, and the first item in process if asked for."""
        session = self.session(tasks=tasks, strategy="queue")
        if started:
            self.ok("POST", f"/sessions/{session['id']}/queue/start")
        return session

    def items(self, session: Json) -> list[Json]:
        """The items of a queue."""
        found: list[Json] = self.ok("GET", f"/sessions/{session['id']}/queue/items")
        return found

    def launch(self, session: Json) -> dict[str, str]:
        """The headers with which the session speaks from now on."""
        launched = self.ok("POST", f"/sessions/{session['id']}/launch", {"holder": "test"})
        return bearer(launched["credential"])

    def worker(self, project: Json | None = None, **fields: object) -> tuple[Json, dict[str, str]]:
        """A launched session and its headers."""
        session = self.session(project, **fields)  # type: ignore[arg-type]
        return session, self.launch(session)

    def register(self, session: Json, **pane: object) -> Json:
        """Say where the session's agent runs."""
        return self.made("POST", f"/sessions/{session['id']}/register", {"pane": {"socket": "none", **pane}})

    def mail(self, to: Json | None = None, message: str = "Hello", **fields: object) -> Json:
        """A new mail of a person; to a new session unless one is given."""
        return self.made("POST", "/mail", {"toSessionId": (to or self.session())["id"], "message": message} | fields)

    def hook(self, session: Json, event: str, payload: Mapping[str, object] | None = None, **fields: object) -> Json:
        """A hook of the session's agent speaks."""
        body = {"provider": "claude", "event": event, "hookId": f"h{self.number()}", "payload": payload or {}} | fields
        return self.made("POST", f"/sessions/{session['id']}/hook", body)

    def read(self, session: Json) -> Json:
        """The session as it is now."""
        return self.made("GET", f"/sessions/{session['id']}")


def bearer(credential: str) -> dict[str, str]:
    """The headers of who has this credential."""
    return {"Authorization": f"Bearer {credential}"}


def keyed(key: str) -> dict[str, str]:
    """The header that makes a write safe to repeat."""
    return {"Idempotency-Key": key}
