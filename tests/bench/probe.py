"""A process that asks for nothing but ``/health``, again and again: what it waits is how long the loop is held.

``python -m tests.bench.probe SOCKET`` says ``ready``, asks until there is something on its input, and then says as
JSON when it asked (monotonic nanoseconds, which all processes share) and how long it waited.
"""

import select
import socket
import sys
import time

import msgspec

from tests.bench.wire import request

PAUSE_S = 0.0003
"""Between two requests: it shall see the loop, not fill it."""


class Look(msgspec.Struct, frozen=True, array_like=True):
    """One request, in nanoseconds."""

    began: int
    waited: int

    def within(self, start: int, end: int) -> bool:
        """Whether it was under way in that time."""
        return self.began < end and self.began + self.waited > start


def look(path: str) -> list[Look]:
    """Ask until standard input has something to say."""
    sent = request("GET", "/health")
    looks: list[Look] = []
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(path)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while not select.select([sys.stdin], [], [], PAUSE_S)[0]:
            began = time.monotonic_ns()
            sock.sendall(sent)
            sock.recv(4096)
            looks.append(Look(began, time.monotonic_ns() - began))
    return looks


if __name__ == "__main__":
    sys.stdout.write(msgspec.json.encode(look(sys.argv[1])).decode() + "\n")
