"""One client's way through the history: what it missed, then what is new, in order and in whatever dress."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec

from maestrod.domain.changes import Unreadable
from maestrod.domain.errors import Invalid
from maestrod.engine.engine import Engine
from maestrod.engine.hub import Subscriber, Subscription
from maestrod.protocol.frames import Frame, frames_of, plain
from maestrod.store.log import StoreError

log = logging.getLogger(__name__)

TAKE = 64
"""Frames sent to a client that is behind before its socket is asked again."""
REPLAYED = 256
"""Commits read from the journal at a time."""
LONGEST_REPLAY = 100_000
"""A client further behind than this many commits is told to read everything again."""
LONGEST_SEQ = 15


class Place(msgspec.Struct, frozen=True):
    """How far a client is: everything up to ``after``, and of the next commit the first ``known`` events."""

    after: int
    known: int = 0

    @property
    def seq(self) -> int:
        """The newest commit that the client has heard of."""
        return self.after + (self.known > 0)

    def is_new(self, frame: Frame) -> bool:
        """Whether the client has not had the frame."""
        return frame.seq != self.after + 1 or frame.index >= self.known


def place_of(name: str, value: str | None) -> Place | None:
    """The place that a parameter or a header names: ``SEQ``, or ``SEQ.I`` for the event ``i`` of a commit.

    Raises:
        Invalid: it names none.
    """
    if value is None:
        return None
    seq, dot, index = value.partition(".")
    if not _is_number(seq) or (dot and not (_is_number(index) and int(seq))):
        raise Invalid.field(name, "must be a seq")
    return Place(int(seq) - 1, int(index) + 1) if dot else Place(int(seq))


def _is_number(word: str) -> bool:
    return word.isascii() and word.isdecimal() and len(word) <= LONGEST_SEQ


LISTS = {"sessionIds": "session_ids", "taskIds": "task_ids", "events": "events"}
"""The filters that are lists, joined by commas in a query."""


def subscription_of(query: Mapping[str, str]) -> Subscription | None:
    """The subscription in a query; None where it names no filter."""
    chosen = {field: tuple(query[name].split(",")) for name, field in LISTS.items() if name in query}
    if not chosen and "projectId" not in query:
        return None
    return Subscription(
        project_id=query.get("projectId"),
        session_ids=chosen.get("session_ids"),
        task_ids=chosen.get("task_ids"),
        events=chosen.get("events"),
    )


class Feed:
    """Follows the history for one subscriber; ``send`` takes frames and waits for the client's socket."""

    def __init__(
        self,
        engine: Engine,
        subscriber: Subscriber,
        place: Place | None,
        *,
        send: Callable[[Sequence[Frame]], Awaitable[None]],
        direct: bool,
    ) -> None:
        self._engine = engine
        self._subscriber = subscriber
        self._place = place
        self._send = send
        self._direct = direct

    async def run(self) -> None:
        """Tell everything after the place, then what comes, for as long as it is awaited."""
        subscriber = self._subscriber
        if self._place is None:
            await self._send([plain("hello", seq=subscriber.after, timestamp=self._engine.clock.now())])
        else:
            await self._replay(self._place)
        while True:
            subscriber.direct = False
            while subscriber.behind or subscriber.lost:
                if subscriber.lost:
                    await self._resync()
                else:
                    await self._send(subscriber.take(TAKE))
            subscriber.caught_up = True
            subscriber.direct = self._direct
            await subscriber.wake.wait()
            subscriber.wake.clear()

    async def _replay(self, place: Place) -> None:
        goal, after = self._subscriber.after, place.after
        if place.seq > goal or goal - after > LONGEST_REPLAY:
            await self._resync()
            return
        while after < goal:
            try:
                records = await asyncio.to_thread(self._engine.records, after, min(REPLAYED, goal - after))
            except (StoreError, Unreadable):
                log.warning("a client's history could not be read again", extra={"after": after})
                records = []
            if not records:
                await self._resync()
                return
            after = records[-1].seq
            frames = [f for r in records for f in frames_of(r) if place.is_new(f) and self._subscriber.hears(f)]
            for start in range(0, len(frames), TAKE):
                await self._send(frames[start : start + TAKE])

    async def _resync(self) -> None:
        subscriber = self._subscriber
        subscriber.take(subscriber.behind)
        seq = self._engine.durable_seq
        subscriber.resynced(seq)
        await self._send([plain("resync", seq=seq, timestamp=self._engine.clock.now())])
