"""A large house: 100,000 tasks, 1,000 sessions and 100,000 mails. How soon it is up again, and what memory it takes."""

from collections.abc import Sequence

import msgspec

from tests.bench.load import FILLERS, Desk, drive
from tests.bench.report import Budget, Row, row
from tests.bench.servers import OURS, Server, running
from tests.bench.wire import request

TASKS, SESSIONS, MAILS = 100_000, 1_000, 100_000
UNREAD = 10
"""One mail of so many was not read."""
STARTS = Budget(most=2_000, absolute=True)
MEMORY = Budget(most=450, absolute=True)


class _Made(msgspec.Struct):
    id: str


def measure(*, reps: int, share: float) -> list[Row]:
    """The starts of one daemon, with this share of everything."""
    tasks, sessions, mails = (int(share * whole) for whole in (TASKS, SESSIONS, MAILS))
    with running(OURS) as server:
        desk = Desk(server, tasks)
        crowd = _ids(server, "/api/v1/sessions", [{"projectId": desk.project_id}] * sessions)
        _read(server, _ids(server, "/api/v1/mail", [_mail(crowd, number) for number in range(mails)]))
        times, taken, memory = [], [], []
        for _ in range(reps):
            server.stop()
            times.append(server.start())
            taken.append(server.cpu_s() * 1000)
            memory.append(server.rss_mb())
    label = f"with {sessions:,} sessions, {mails:,} mails"
    return [
        row(f"start to healthy {label}", times, size=tasks, budget=STARTS),
        row(f"the processor's part of it {label}", taken, size=tasks),
        row(f"memory after the start {label}", memory, size=tasks, unit="MB", budget=MEMORY),
    ]


def _mail(crowd: Sequence[str], number: int) -> dict[str, object]:
    text = "the build is green again, go on with the migration " * 3
    return {"toSessionId": crowd[number % len(crowd)], "type": "status_update", "message": text}


def _read(server: Server, mails: Sequence[str]) -> None:
    read = [id_ for number, id_ in enumerate(mails) if number % UNREAD]
    drive(server, [request("POST", f"/api/v1/mail/{id_}/read", {}) for id_ in read], FILLERS)


def _ids(server: Server, path: str, bodies: Sequence[dict[str, object]]) -> list[str]:
    made = drive(server, [request("POST", path, body) for body in bodies], FILLERS)
    return [msgspec.json.decode(body, type=_Made).id for body in made.bodies]
