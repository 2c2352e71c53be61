"""How much one caller may ask: token buckets, one for each who calls."""

import math
from collections.abc import Callable

import msgspec

from maestrod.domain.changes import Actor
from maestrod.domain.errors import Rejected
from maestrod.settings import Settings

BURST_S = 4.0
"""So many seconds' worth may come at once."""
FORGET = 10_000
"""Buckets that are kept before the full ones are thrown away."""


class RateLimited(Rejected):
    """Too many requests; ``retry_after`` is in whole seconds."""

    code = "RATE_LIMITED"

    def __init__(self, rate: float, wait_s: float) -> None:
        super().__init__(f"more than {rate:g} requests a second", hint="Wait as long as Retry-After says, then go on.")
        self.retry_after = max(1, math.ceil(wait_s))


class Bucket(msgspec.Struct):
    """What is left, as of a time in seconds."""

    left: float
    at: float


class Limits:
    """Counts by caller; hooks are counted apart, so that they are never in the way of commands, nor these of them.

    ``clock`` is in milliseconds, and may be set back.
    """

    def __init__(self, settings: Settings, clock: Callable[[], int]) -> None:
        self._rates = {"user": settings.user_rate, "session": settings.session_rate, "key": settings.key_rate}
        self._hook_rate = settings.hook_rate
        self._clock = clock
        self._buckets: dict[tuple[Actor, bool], Bucket] = {}

    @property
    def known(self) -> int:
        """How many callers are counted."""
        return len(self._buckets)

    def take(self, actor: Actor, *, hook: bool) -> None:
        """Count a request.

        Raises:
            RateLimited: the caller had its share.
        """
        rate = self._hook_rate if hook else self._rates[actor.kind]
        now, most = self._clock() / 1000, BURST_S * rate
        bucket = self._buckets.get((actor, hook))
        if bucket is None:
            self._make_room(now)
            bucket = self._buckets[actor, hook] = Bucket(max(1.0, most), now)
        bucket.left = min(max(1.0, most), bucket.left + max(0.0, now - bucket.at) * rate)
        bucket.at = now
        if bucket.left < 1.0:
            raise RateLimited(rate, (1.0 - bucket.left) / rate)
        bucket.left -= 1.0

    def _make_room(self, now: float) -> None:
        """Who was silent for as long as a burst has a full bucket, and a new one is the same."""
        if len(self._buckets) >= FORGET:
            self._buckets = {who: b for who, b in self._buckets.items() if now - b.at < BURST_S}
