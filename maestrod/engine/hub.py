"""Bounded fan-out: every commit's frames to every subscriber, in order, waiting for nobody.

A subscriber that keeps up gets the very bytes that all get. One that is behind gets a queue of its own, in
which superseded updates are dropped if it said so; past its bound the queue is thrown away and a ``resync``
stands for it. All queues together are bounded too: the more listen, the smaller is each one's share.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice

import msgspec

from maestrod.domain.changes import Commit
from maestrod.engine.live import Facts
from maestrod.protocol.frames import Frame, frames_of, plain, websocket

CHUNK = 100
"""Subscribers written to before others get a turn on the loop."""
HIGH_WATER = 64 * 1024
"""Bytes in a client's socket buffer above which it counts as behind."""
QUEUE_FRAMES = 5_000
QUEUE_BYTES = 4 * 1024 * 1024
ALL_FRAMES = 500_000
ALL_BYTES = 512 * 1024 * 1024
BACKLOG = 20_000
BACKLOG_BYTES = 64 * 1024 * 1024
PIECE = 256 * 1024
"""Bytes that are written to a client before its socket is looked at again."""
LIVE_PERIOD_S = 0.25


class Subscription(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What a client wants to hear; ``None`` is everything. Fields are joined by and, their values by or."""

    project_id: str | None = None
    session_ids: tuple[str, ...] | None = None
    task_ids: tuple[str, ...] | None = None
    events: tuple[str, ...] | None = None

    def wants(self, frame: Frame) -> bool:
        """Whether the frame passes; one that does not say its project passes for every project."""
        return (
            (frame.project_id is None or _fits(self.project_id and (self.project_id,), frame.project_id))
            and _fits(self.session_ids, frame.session_id)
            and _fits(self.task_ids, frame.task_id)
            and (self.events is None or any(_named(frame.event, name) for name in self.events))
        )


def _fits(wanted: Sequence[str] | str | None, value: str | None) -> bool:
    return not wanted or value in wanted


def _named(event: str, pattern: str) -> bool:
    return event == pattern or (pattern.endswith("*") and event.startswith(pattern[:-1]))


class Share(msgspec.Struct, frozen=True):
    """How much may wait for one client."""

    frames: int
    bytes: int


def share(clients: int) -> Share:
    """What one of so many clients may have waiting."""
    each = max(1, clients)
    return Share(min(QUEUE_FRAMES, ALL_FRAMES // each), min(QUEUE_BYTES, ALL_BYTES // each))


class Subscriber:
    """One client of the stream; ``write`` takes bytes at once, ``buffered`` says how many are not yet sent.

    ``direct`` is whoever drains the queue's to set: frames go past the queue only when nothing of it is
    on its way. Of a client that said ``batch`` superseded updates are dropped while they wait, but not until
    it has ``caught_up``: what it missed it gets whole. ``permits`` says of a frame whether the client may have it.
    """

    def __init__(
        self,
        *,
        after: int,
        write: Callable[[bytes], None],
        buffered: Callable[[], int],
        batch: bool = False,
        subscription: Subscription | None = None,
        permits: Callable[[Frame], bool] | None = None,
    ) -> None:
        self._permits = permits
        self.after = after
        self.batch = batch
        self.subscription = subscription
        self.direct = False
        self.caught_up = False
        self.lost = False
        self.wake = asyncio.Event()
        self._write = write
        self._buffered = buffered
        self._queue: dict[object, Frame] = {}
        self._bytes = 0
        self._number = 0

    @property
    def behind(self) -> int:
        """How many frames wait in the client's own queue."""
        return len(self._queue)

    def hears(self, frame: Frame) -> bool:
        """Whether the client may have the frame, and wants it as things are now."""
        if self._permits is not None and not self._permits(frame):
            return False
        return self.subscription is None or self.subscription.wants(frame)

    def choose(self, subscription: Subscription | None) -> None:
        """It wants something else from now on; what waits and is not wanted any more goes."""
        self.subscription = subscription
        for key in [key for key, frame in self._queue.items() if not self.hears(frame)]:
            self._bytes -= len(self._queue.pop(key).body)

    def offer(self, frames: Sequence[Frame], joined: bytes, first: int | None, most: Share) -> None:
        """Send the frames, or queue them when the client is behind; ``first`` is the lowest seq among them."""
        if self.subscription is not None or self._permits is not None or (first is not None and first <= self.after):
            frames = [f for f in frames if self._wants(f)]
            joined = b"".join(websocket(f.body) for f in frames)
        if not frames or self.lost:
            return
        if self.direct and not self._queue and self._buffered() < HIGH_WATER:
            self._write(joined)
        else:
            self._enqueue(frames, most)

    def take(self, most: int) -> list[Frame]:
        """The oldest queued frames."""
        taken = []
        for key in list(islice(self._queue, most)):
            frame = self._queue.pop(key)
            self._bytes -= len(frame.body)
            taken.append(frame)
        return taken

    def resynced(self, seq: int) -> None:
        """The client was told to read everything again; it hears what comes after ``seq``."""
        self.lost = False
        self.after = seq

    def _wants(self, frame: Frame) -> bool:
        return (frame.seq is None or frame.seq > self.after) and self.hears(frame)

    def _enqueue(self, frames: Sequence[Frame], most: Share) -> None:
        for frame in frames:
            self._number += 1
            newest_counts = frame.replaceable and (frame.seq is None or (self.batch and self.caught_up))
            key: object = (frame.event, frame.subject) if newest_counts else self._number
            old = self._queue.pop(key, None)
            self._bytes += len(frame.body) - (len(old.body) if old is not None else 0)
            self._queue[key] = frame
        if len(self._queue) > most.frames or self._bytes > most.bytes:
            self._queue.clear()
            self._bytes = 0
            self.lost = True
        self.wake.set()


class Hub:
    """All subscribers; ``publish`` never waits, ``run`` does the sending."""

    def __init__(self) -> None:
        self._subscribers: dict[Subscriber, None] = {}
        self._backlog: deque[Frame] = deque()
        self._waiting = 0
        self._dirty: dict[str, Facts] = {}
        self._wake = asyncio.Event()
        self._live = asyncio.Event()

    def __len__(self) -> int:
        return len(self._subscribers)

    def add(self, subscriber: Subscriber) -> None:
        """Let it hear everything after its ``after``."""
        self._subscribers[subscriber] = None

    def remove(self, subscriber: Subscriber) -> None:
        """It is gone; removing twice changes nothing."""
        self._subscribers.pop(subscriber, None)

    def publish(self, commit: Commit) -> None:
        """Take a durable commit; nobody listening costs nothing."""
        if self._subscribers:
            self._push(frames_of(commit))

    def tell(self, frame: Frame) -> None:
        """Take a frame that no commit made."""
        if self._subscribers:
            self._push([frame])

    def publish_live(self, facts: Facts) -> None:
        """Take live facts; the newest of a session goes out, at most four times a second."""
        if self._subscribers:
            self._dirty[facts.session_id] = facts
            self._live.set()

    async def run(self) -> None:
        """Send what was published, for as long as it is awaited."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._backlog:
                await self._send(self._piece())

    async def run_live(self) -> None:
        """Publish live facts at their pace, for as long as it is awaited."""
        while True:
            await self._live.wait()
            self._live.clear()
            dirty, self._dirty = self._dirty, {}
            for facts in dirty.values():
                self._push([plain("session:live", timestamp=facts.activity, session_id=facts.session_id, data=facts)])
            await asyncio.sleep(LIVE_PERIOD_S)

    def _push(self, frames: list[Frame]) -> None:
        self._backlog.extend(frames)
        self._waiting += sum(len(frame.body) for frame in frames)
        if len(self._backlog) > BACKLOG or self._waiting > BACKLOG_BYTES:
            self._backlog.clear()
            self._waiting = 0
            for subscriber in self._subscribers:
                subscriber.lost = True
                subscriber.wake.set()
        self._wake.set()

    def _piece(self) -> list[Frame]:
        frames, size = [], 0
        while self._backlog and size < PIECE:
            frames.append(self._backlog.popleft())
            size += len(frames[-1].body)
        self._waiting -= size
        return frames

    async def _send(self, frames: list[Frame]) -> None:
        joined = b"".join(websocket(frame.body) for frame in frames)
        first = min((frame.seq for frame in frames if frame.seq is not None), default=None)
        subscribers = list(self._subscribers)
        most = share(len(subscribers))
        for start in range(0, len(subscribers), CHUNK):
            for subscriber in subscribers[start : start + CHUNK]:
                subscriber.offer(frames, joined, first, most)
            await asyncio.sleep(0)
