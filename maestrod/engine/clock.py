"""The only time and the only randomness."""

import random
import time

from maestrod.domain.model import PREFIXES, Noun

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_PAIRS = tuple(a + b for a in _DIGITS for b in _DIGITS)
_TAIL = 9
_SPACE = 36**_TAIL
_STEP_BITS = 26
"""The largest step to the next id: half the space has room for 700,000 of them."""


class Clock:
    """Wall time in milliseconds, and ids that sort in the order in which they were made."""

    def __init__(self, seed: int | None = None) -> None:
        self._random = random.Random(seed)  # noqa: S311 - ids are names, not secrets
        self._last_ms = 0
        self._last_tail = 0

    def now(self) -> int:
        """Milliseconds since the epoch, UTC."""
        return time.time_ns() // 1_000_000

    def new_id(self, noun: Noun) -> str:
        """``<prefix>_<ms>_<9 base36>``, later than every one before, also when the wall clock jumps back."""
        ms, tail = self._last_ms, self._last_tail + 1 + self._random.getrandbits(_STEP_BITS)
        now = self.now()
        if now > ms or tail >= _SPACE:
            ms, tail = max(now, ms + 1), self._random.randrange(_SPACE // 2)
        self._last_ms, self._last_tail = ms, tail
        return f"{PREFIXES[noun]}_{ms}_{_base36(tail)}"


def _base36(number: int) -> str:
    """Nine digits, two at a time."""
    number, last = divmod(number, 36)
    number, d = divmod(number, 1296)
    number, c = divmod(number, 1296)
    a, b = divmod(number, 1296)
    return f"{_PAIRS[a]}{_PAIRS[b]}{_PAIRS[c]}{_PAIRS[d]}{_DIGITS[last]}"
