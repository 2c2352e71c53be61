"""Sessions that have ended, kept sorted by when as they change."""

from bisect import bisect_left, insort

from maestrod.domain.changes import Change, Put
from maestrod.domain.model import LIVE_SESSION, Noun, Session


class Ended:
    """The ids of ended sessions; the newest of many costs no more than of few."""

    def __init__(self) -> None:
        self._order: list[tuple[int, str]] = []
        self._known: dict[str, int] = {}

    def follow(self, change: Change) -> None:
        """Take a change."""
        if change.noun is not Noun.SESSION:
            return
        known = self._known.pop(change.id, None)
        if known is not None:
            del self._order[bisect_left(self._order, (known, change.id))]
        if isinstance(change, Put) and isinstance(change.entity, Session) and change.entity.status not in LIVE_SESSION:
            session = change.entity
            when = session.completed_at or session.updated_at
            self._known[session.id] = when
            insort(self._order, (when, session.id))

    def newest(self, most: int) -> list[str]:
        """Those that ended last, the last first."""
        return [id_ for _, id_ in self._order[: -most - 1 : -1]]
