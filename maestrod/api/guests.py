"""Who came in by a key, and is still here: a key that is revoked or over takes its streams with it."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from maestrod.domain.changes import Commit, Put
from maestrod.domain.model import Key, Noun

LONGEST_S = 30 * 86_400.0
"""How far ahead an end is waited for."""


class Guests:
    """Connections that ask or listen by a key; ``now`` is in milliseconds."""

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self._here: dict[str, dict[asyncio.Transport, str]] = {}

    @contextmanager
    def inside(self, key: Key, transport: asyncio.Transport) -> Iterator[None]:
        """Somebody is here by the key for as long as the block runs, or as the key is good."""
        here = self._here.setdefault(key.id, {})
        here[transport] = key.hash
        timer = self._until(key, transport)
        try:
            yield
        finally:
            here.pop(transport, None)
            if timer is not None:
                timer.cancel()
            if not here:
                self._here.pop(key.id, None)

    def heard(self, commit: Commit) -> None:
        """A commit came: whoever is here by a secret that counts no more has to go."""
        for change in commit.changes:
            if change.noun is not Noun.KEY:
                continue
            entity = change.entity if isinstance(change, Put) else None
            good = entity.hash if isinstance(entity, Key) else ""
            for transport, hash_ in list(self._here.get(change.id, {}).items()):
                if hash_ != good:
                    transport.abort()

    def _until(self, key: Key, transport: asyncio.Transport) -> asyncio.TimerHandle | None:
        if key.expires_at is None:
            return None
        left_s = (key.expires_at - self._now()) / 1000
        return asyncio.get_running_loop().call_later(min(max(0.0, left_s), LONGEST_S), transport.abort)
