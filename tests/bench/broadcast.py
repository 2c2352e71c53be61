"""One change to everybody who listens: how long until the last one has it, and what others wait meanwhile."""

import asyncio
import resource
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack

import msgspec
import uvloop

from tests.bench import listeners
from tests.bench.load import Desk, drive, percentile
from tests.bench.report import Budget, Row, row
from tests.bench.servers import CHECKOUT, OURS, REFERENCE, Server, running
from tests.bench.wire import Connection, Failed, mark, request, upgrade

TASKS = 200
RATE = 50
"""Updates a second."""
TO_ALL = {100: Budget(most=2.5), 1_000: Budget(most=1.75)}
REQUESTS = Budget(most=15.0, absolute=True)
STOPPED, LONG = 10, 200
"""Clients that read nothing, and the long tasks that are made first, so that much waits for them."""
BESIDE = Budget(most=1.2)


class Delivery(msgspec.Struct, frozen=True):
    """How a series of updates went."""

    to_all_ms: float
    """The 95th percentile of the time from sending an update until the last client has it."""
    request_ms: float
    """The 95th percentile of the updates' own answers."""
    rss_mb: float = 0.0
    """What the server has in memory at the end."""


def measure(clients: Sequence[int], *, reps: int, seconds: float) -> list[Row]:
    """Rows for these numbers of clients."""
    rows = []
    for number in clients:
        pairs = [(_once(OURS, number, seconds), _once(REFERENCE, number, seconds)) for _ in range(reps)]
        ours, reference = [p[0] for p in pairs], [p[1] for p in pairs]
        rows.append(
            row(
                f"update to all of {number:,} clients, p95",
                [d.to_all_ms for d in ours],
                [d.to_all_ms for d in reference],
                budget=TO_ALL.get(number),
            )
        )
        rows.append(
            row(
                f"update meanwhile, {number:,} clients, p95",
                [d.request_ms for d in ours],
                [d.request_ms for d in reference],
                budget=REQUESTS,
            )
        )
    return rows


def beside_stopped(clients: int, *, reps: int, seconds: float) -> list[Row]:
    """What stopped clients cost the others; the reference is the same without them."""
    pairs = [(_beside(STOPPED, clients, seconds), _beside(0, clients, seconds)) for _ in range(reps)]
    with_, without = [p[0] for p in pairs], [p[1] for p in pairs]
    name = f"{clients:,} clients beside {STOPPED} stopped ones"
    delivery = [d.to_all_ms for d in with_], [d.to_all_ms for d in without]
    memory = [d.rss_mb for d in with_], [d.rss_mb for d in without]
    return [
        row(f"update to {name}, p95", *delivery, budget=BESIDE),
        row(f"memory with {name}", *memory, unit="MB"),
    ]


def _beside(stopped: int, clients: int, seconds: float) -> Delivery:
    return _once(OURS, clients, seconds, stopped=stopped, long=LONG)


def _once(module: str, clients: int, seconds: float, *, stopped: int = 0, long: int = 0) -> Delivery:
    _many_files()
    with running(module) as server, ExitStack() as stack:
        desk = Desk(server, TASKS)
        for _ in range(stopped):
            stack.enter_context(_deaf(server))
        body = {"projectId": desk.project_id, "title": "long", "description": "x" * 10_000}
        drive(server, [request("POST", "/api/v1/tasks", body)] * long)
        with subprocess.Popen(
            [sys.executable, "-m", listeners.__name__, str(server.socket), str(clients)],
            env=server.env,
            cwd=CHECKOUT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as crowd:
            assert crowd.stdout is not None
            if crowd.stdout.readline() != b"ready\n":
                raise Failed(f"{clients} clients of {module} were not let in")
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                waited = runner.run(_pace(desk, int(RATE * seconds)))
            heard = msgspec.json.decode(
                crowd.communicate(b"%d\n" % (len(waited) - 1), timeout=60)[0], type=listeners.Heard
            )
        rss_mb = server.rss_mb()
    return msgspec.structs.replace(judged(heard, clients, waited), rss_mb=rss_mb)


def _deaf(server: Server) -> socket.socket:
    """A client that is let in and reads nothing any more."""
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(str(server.socket))
    connection.sendall(upgrade("/api/v1/events"))
    if b" 101 " not in connection.recv(64):
        raise Failed("a client was not let in")
    return connection


def judged(heard: listeners.Heard, clients: int, waited: Sequence[float]) -> Delivery:
    """The figures of what was heard.

    Raises:
        Failed: a client was lost, or did not hear of the last state of a task.
    """
    if heard.lost:
        raise Failed(f"{heard.lost} of {clients} clients were cut off")
    last = range(max(0, len(waited) - TASKS), len(waited))
    missed = [number for number in last if heard.receipts.get(number, 0) < clients]
    if missed:
        raise Failed(f"the last state of {len(missed)} tasks did not reach all of {clients} clients")
    whole = [ns / 1e6 for number, ns in heard.slowest_ns.items() if heard.receipts[number] >= clients]
    return Delivery(percentile(whole, 0.95), percentile(waited, 0.95))


async def _pace(desk: Desk, count: int) -> list[float]:
    """Send the updates at their rate, each to the next task in turn; the milliseconds that each waited."""
    loop = asyncio.get_running_loop()
    connection = await Connection.open(desk.server.socket)
    began = loop.time()
    waited = []
    for number in range(count):
        await asyncio.sleep(max(0.0, began + number / RATE - loop.time()))
        answer = await connection.ask(desk.retitle(desk.ids[number % len(desk.ids)], mark(number)))
        waited.append(answer.nanoseconds / 1e6)
    connection.close()
    return waited


def _many_files() -> None:
    """As many descriptors as the system lets this process and its children have."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
