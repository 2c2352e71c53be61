"""What a mailbox costs when much in it was read: a hundred against ten thousand, in turn, at one daemon."""

from collections.abc import Iterator, Sequence

import msgspec

from tests.bench.load import FILLERS, Burst, drive
from tests.bench.report import Budget, Row, row
from tests.bench.servers import OURS, Server, running
from tests.bench.wire import request

FEW, MANY = 100, 10_000
UNREAD = 30
AT_ONCE = 1_000
"""Mails that are sent before they are read: a mailbox has room for twice as many."""
ASKED = {
    "unread mail": "unread=true",
    "newest page of the inbox": "limit=30&order=desc",
    "first page of the inbox": "limit=100",
}
FLAT = Budget(most=1.2, absolute=True)


class _Made(msgspec.Struct):
    id: str


class Box:
    """A session with so many read mails, and a few that it has not read."""

    def __init__(self, server: Server, size: int, unread: int) -> None:
        self._server = server
        project = {"name": f"mail {size}", "workingDir": str(server.home / f"mail{size}")}
        made = drive(server, [request("POST", "/api/v1/projects", project)]).bodies[0]
        self._project = msgspec.json.decode(made, type=_Made).id
        spawned = drive(server, [request("POST", "/api/v1/sessions", {"projectId": self._project})]).bodies[0]
        self.id = msgspec.json.decode(spawned, type=_Made).id
        for begin in range(0, size, AT_ONCE):
            self._read(self._send(min(AT_ONCE, size - begin)))
        self._send(unread)

    def ask(self, query: str, count: int) -> Burst:
        """The same question so many times, one after another."""
        return drive(self._server, [request("GET", f"/api/v1/mail/inbox/{self.id}?{query}")] * count)

    def _send(self, count: int) -> list[str]:
        body = {"toSessionId": self.id, "message": "the build is green again, go on with the migration " * 3}
        sent = drive(self._server, [request("POST", "/api/v1/mail", body)] * count, FILLERS)
        return [msgspec.json.decode(each, type=_Made).id for each in sent.bodies]

    def _read(self, ids: Sequence[str]) -> None:
        drive(self._server, [request("POST", f"/api/v1/mail/{id_}/read", {}) for id_ in ids], FILLERS)


def measure(*, reps: int, share: float) -> list[Row]:
    """Each question's time in the full mailbox in relation to that in the small one."""
    count = max(3, int(300 * share))
    with running(OURS) as server:
        small = Box(server, int(FEW * share), UNREAD)
        large = Box(server, int(MANY * share), UNREAD)
        return list(_rows(small, large, reps, count))


def _rows(small: Box, large: Box, reps: int, count: int) -> Iterator[Row]:
    for name, query in ASKED.items():
        ratios, times = [], []
        for _ in range(reps):
            few, many = small.ask(query, count).percentile(0.5), large.ask(query, count).percentile(0.5)
            ratios.append(many / few)
            times.append(many)
        yield row(f"{name}, with {MANY:,} read", times)
        yield row(f"{name}, against {FEW} read", ratios, unit="×", budget=FLAT)
