"""Moments as people write them."""

import datetime
import time

from maestro_cli.failures import Usage
from maestro_cli.reading import duration


def moment(text: str) -> int:
    """Milliseconds since the epoch for ``2026-03-01``, ``2026-03-01 14:30`` (local time), or ``2d`` from now.

    Raises:
        Usage: it is none.
    """
    try:
        return int((time.time() + duration(text)) * 1000)
    except ValueError:
        pass
    try:
        return int(datetime.datetime.fromisoformat(text).astimezone().timestamp() * 1000)
    except (ValueError, OverflowError, OSError):
        raise Usage(
            f"'{text}' is no time", hint="Say 2026-03-01, '2026-03-01 14:30', or 2d for two days from now."
        ) from None
