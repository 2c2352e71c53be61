"""Whether an agent that was started has come up, as a launch sees it."""

import os
from collections.abc import Mapping

SETTLED_S = 1.0
SETTLED_AWAKE_S = 0.3
"""An agent that runs so long has started; less is enough from its first sign of life on. Real ones that refuse to
start end sooner, without a sign; some give one and fall over."""
AWAKE = frozenset({"idle", "working"})


class Watch:
    """Sees whether a session's agent has come up."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._awake_since: float | None = None

    @property
    def registered(self) -> bool:
        """Whether the supervisor was heard."""
        return self._since is not None

    def lives(self, session: Mapping[str, object], now: float) -> bool:
        """Whether its process has been there for a moment, a shorter one after a sign of life, and still is."""
        pane = session.get("pane")
        if not isinstance(pane, dict):
            return False
        if self._since is None:
            self._since = now
        if self._awake_since is None and session["status"] in AWAKE:
            self._awake_since = now
        awake = self._awake_since is not None and now - self._awake_since >= SETTLED_AWAKE_S
        return (awake or now - self._since >= SETTLED_S) and not _is_gone(pane)


def _is_gone(pane: Mapping[str, object]) -> bool:
    """Whether the agent ended under its supervisor's eyes; in a sandbox neither of them can be seen."""
    return is_running(pane.get("supervisorPid")) and not is_running(pane.get("pid"))


def did_its_work(session: Mapping[str, object]) -> bool:
    """Whether it is over in good order; one that gave no sign of life has failed, whatever its code."""
    end = session.get("exit")
    ended_well = session["status"] == "stopped" and isinstance(end, dict) and end.get("code") == 0
    return session["status"] == "completed" or ended_well


def is_running(pid: object) -> bool:
    """Whether a process of this id runs, whoever's it is."""
    if not isinstance(pid, int):
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def end_in_words(session: Mapping[str, object]) -> str:
    """How a session is over that should have begun."""
    end = session.get("exit")
    if not isinstance(end, dict):
        return f"was {session['status']} meanwhile"
    if end.get("reason"):
        return f"ended: {end['reason']}"
    if end.get("signal"):
        return f"was killed by signal {end['signal']}"
    return f"exited with code {end.get('code')}"
