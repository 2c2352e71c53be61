"""Facts that are not state: what sessions are doing right now. Never journaled, never replayed."""

from collections.abc import Callable

import msgspec


class Facts(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What is known of a session at this moment; times in milliseconds since the epoch.

    ``process`` is ``starting``, ``alive``, ``exited`` or ``unreachable``; ``state`` what the turn is.
    """

    session_id: str
    process: str = "starting"
    state: str = "unknown"
    source: str = ""
    since: int = 0
    title: str = ""
    activity: int = 0
    tool: str = ""
    background: int = 0
    cpu_percent: float | None = None
    rss_bytes: int | None = None


class Live:
    """The newest facts by session; listeners hear of each change once, with the whole value."""

    def __init__(self) -> None:
        self._facts: dict[str, Facts] = {}
        self._listeners: list[Callable[[Facts], None]] = []

    def listen(self, listener: Callable[[Facts], None]) -> None:
        """Call ``listener`` with every new value."""
        self._listeners.append(listener)

    def get(self, session_id: str) -> Facts | None:
        """What is known, if anything."""
        return self._facts.get(session_id)

    def update(self, session_id: str, **fields: object) -> Facts:
        """Change some facts; telling what is known already tells nobody."""
        before = self._facts.get(session_id) or Facts(session_id=session_id)
        after = msgspec.structs.replace(before, **fields)
        if after != before or session_id not in self._facts:
            self._facts[session_id] = after
            for listener in self._listeners:
                listener(after)
        return after

    def forget(self, session_id: str) -> None:
        """The session is gone."""
        self._facts.pop(session_id, None)
