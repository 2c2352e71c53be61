"""When it is drawn, and times in words."""

from collections.abc import Callable
from datetime import datetime, tzinfo

import msgspec


class Moment(msgspec.Struct, frozen=True):
    """When it is drawn: milliseconds since the epoch, and the zone in which people read clocks."""

    now: int
    zone: tzinfo


Clock = Callable[[], Moment]
"""Says when it is drawn: rows that show ages ask it when they are seen, and grow older without being made anew."""


def age(ms: int) -> str:
    """A length of time in at most four cells: ``40s``, ``2m``, ``3h``, ``12d``."""
    seconds = max(0, ms // 1000)
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= size:
            return f"{min(seconds // size, 999)}{unit}"
    return f"{seconds}s"


def span_of_time(ms: int) -> str:
    """A length of time to the second: ``02:14``, ``1:02:14``; days from two days on."""
    seconds = max(0, ms // 1000)
    if seconds >= 2 * 86_400:
        return f"{seconds // 86_400} days"
    hours, rest = divmod(seconds, 3_600)
    minutes, seconds = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes:02}:{seconds:02}"


def clock_words(ms: int, moment: Moment) -> str:
    """The time of day, or the day when it was not today."""
    then = datetime.fromtimestamp(ms / 1000, moment.zone)
    today = datetime.fromtimestamp(moment.now / 1000, moment.zone).date()
    return then.strftime("%H:%M" if then.date() == today else "%d.%m")
