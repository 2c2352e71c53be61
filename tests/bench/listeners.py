"""A process full of clients of the event stream, so that listening does not slow down whoever measures.

``python -m tests.bench.listeners SOCKET CLIENTS`` says ``ready`` when all are let in. It is told the number of the
last mark on its input, waits a while until all have heard that one, and says as JSON what they heard.
"""

import asyncio
import gc
import sys
from pathlib import Path

import msgspec
import uvloop

from tests.bench.wire import EventSink

AT_ONCE = 50
"""Clients that connect at the same time."""
LAST_ONE_S = 5.0
"""How long the last update may take to the last client."""
PATH = "/api/v1/events"


class Heard(msgspec.Struct):
    """What all clients together heard, by the number in the mark."""

    receipts: dict[int, int] = {}
    slowest_ns: dict[int, int] = {}
    lost: int = 0
    """Clients whose connection broke."""


class Crowd:
    """So many clients of one stream."""

    def __init__(self, socket: Path, clients: int) -> None:
        self.heard = Heard()
        self._socket = socket
        self._clients = clients
        self._sinks: list[EventSink] = []
        self._last = -1
        self._all_heard = asyncio.Event()

    async def gather(self) -> None:
        """Let all of them in."""
        while len(self._sinks) < self._clients:
            async with asyncio.TaskGroup() as group:
                wanted = min(AT_ONCE, self._clients - len(self._sinks))
                tasks = [group.create_task(EventSink.open(self._socket, PATH, self.mark)) for _ in range(wanted)]
            self._sinks += [task.result() for task in tasks]

    def mark(self, number: int, nanoseconds: int) -> None:
        """One client heard one mark."""
        heard = self.heard
        heard.receipts[number] = heard.receipts.get(number, 0) + 1
        if nanoseconds > heard.slowest_ns.get(number, 0):
            heard.slowest_ns[number] = nanoseconds
        if number == self._last:
            self._look()

    async def finish(self, last: int) -> None:
        """Go home when all have heard the last mark, or when that takes too long."""
        self._last = last
        self._look()
        try:
            await asyncio.wait_for(self._all_heard.wait(), LAST_ONE_S)
        except TimeoutError:
            sys.stderr.write(f"mark {last} did not come to everybody within {LAST_ONE_S:g} s\n")
        self.heard.lost = sum(sink.lost for sink in self._sinks)
        for sink in self._sinks:
            sink.close()

    def _look(self) -> None:
        if self.heard.receipts.get(self._last, 0) >= self._clients:
            self._all_heard.set()


async def main(socket: Path, clients: int) -> None:
    """Be the crowd that the module's words describe."""
    crowd = Crowd(socket, clients)
    await crowd.gather()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await crowd.finish(await _told())
    sys.stdout.write(msgspec.json.encode(crowd.heard).decode() + "\n")


async def _told() -> int:
    """The number on the input, once it is there."""
    loop = asyncio.get_running_loop()
    there = asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), there.set)
    await there.wait()
    loop.remove_reader(sys.stdin.fileno())
    return int(sys.stdin.readline())


if __name__ == "__main__":
    gc.disable()
    uvloop.run(main(Path(sys.argv[1]), int(sys.argv[2])))
