"""Waiting for something to become true of a session, with an end to it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from maestrod.domain.errors import Rejected

T = TypeVar("T")


class Stopping(Rejected):
    """The daemon stops, so nobody is waited for any more."""

    code = "SHUTTING_DOWN"


class Waiters:
    """Who waits, by the id of what they wait for; whoever knows of a change rings."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._stopping = False

    async def until(self, id_: str, look: Callable[[], Awaitable[T | None]], limit_s: float) -> T | None:
        """What ``look`` finds, now or after one of the next rings; None when the time runs out.

        Raises:
            Stopping: the daemon goes first.
        """
        wake = asyncio.Event()
        waiting = self._waiting.setdefault(id_, set())
        waiting.add(wake)
        try:
            return await self._found(look, wake, limit_s)
        finally:
            waiting.discard(wake)
            if not waiting:
                self._waiting.pop(id_, None)

    def ring(self, id_: str) -> None:
        """Something changed: let those look who wait for it."""
        for wake in self._waiting.get(id_, ()):
            wake.set()

    def close(self) -> None:
        """Let everybody go who waits."""
        self._stopping = True
        for id_ in self._waiting:
            self.ring(id_)

    async def _found(self, look: Callable[[], Awaitable[T | None]], wake: asyncio.Event, limit_s: float) -> T | None:
        deadline = asyncio.get_running_loop().time() + limit_s
        while (found := await look()) is None:
            if self._stopping:
                raise Stopping("the daemon is stopping", hint="Wait again when it is back.")
            try:
                async with asyncio.timeout_at(deadline):
                    await wake.wait()
            except TimeoutError:
                return None
            wake.clear()
        return found
