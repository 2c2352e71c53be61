"""Changes in folders, as the system tells of them."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

Changes = AsyncGenerator[set[tuple[Any, str]], None]
"""What happened at once: kinds of change as the library names them, and paths."""

STEP_MS = 400
"""How often the library looks into what the system told it: that alone costs, whether anything changes or not."""

Watching = Callable[..., Changes]


def changes(*folders: Path, stop: asyncio.Event | None = None) -> Changes:
    """Changes of what lies right in these folders, from the first step on, until ``stop`` is set.

    Raises:
        OSError: with the first step: a folder is not there, or the system refuses to watch.
    """
    from watchfiles import awatch  # loaded here, for a start need not wait for it

    return awatch(*folders, recursive=False, stop_event=stop, step=STEP_MS, debounce=2 * STEP_MS)
