"""Wait for a condition instead of sleeping."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(probe: Callable[[], T], *, timeout: float = 30.0, every: float = 0.02, what: str = "") -> T:
    """Call ``probe`` until it answers something true; that answer is returned.

    Raises:
        AssertionError: the time ran out; the last answer or error is in the message.
    """
    deadline = time.monotonic() + timeout
    last: object = None
    while True:
        try:
            value = probe()
            if value:
                return value
            last = value
        except (AssertionError, OSError, LookupError) as error:
            last = error
        if time.monotonic() > deadline:
            raise AssertionError(f"never happened within {timeout} s: {what or probe} (last: {last!r})")
        time.sleep(every)


async def aeventually(
    probe: Callable[[], Awaitable[T]], *, timeout: float = 30.0, every: float = 0.02, what: str = ""
) -> T:
    """The same for a coroutine function.

    Raises:
        AssertionError: the time ran out; the last answer or error is in the message.
    """
    deadline = time.monotonic() + timeout
    last: object = None
    while True:
        try:
            value = await probe()
            if value:
                return value
            last = value
        except (AssertionError, OSError, LookupError) as error:
            last = error
        if time.monotonic() > deadline:
            raise AssertionError(f"never happened within {timeout} s: {what or probe} (last: {last!r})")
        await asyncio.sleep(every)
