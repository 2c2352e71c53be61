"""In whose pane a caller runs: its parents, and its terminal's session, against the panes of sessions."""

import os
import sys
from collections.abc import Iterable, Iterator

import psutil

from maestrod.domain.changes import Commit, Put
from maestrod.domain.model import Noun, Session
from maestrod.watch.processes import is_alive

DEEPEST = 64
TRIES = 3
"""A parent may end while its line is read; then its children have another one."""


class Untraceable(Exception):
    """A process, or one above it, cannot be seen."""


class PaneProcesses:
    """The processes that run in the panes of sessions; ``changes`` counts how often they were others."""

    def __init__(self, sessions: Iterable[Session]) -> None:
        self._sessions: dict[int, str] = {}
        self._of: dict[str, dict[int, int | None]] = {}
        self.changes = 0
        for session in sessions:
            self._note(session.id, _pids(session))

    def heard(self, commit: Commit) -> None:
        """A commit came: sessions come into their panes and leave them."""
        for change in commit.changes:
            if change.noun is Noun.SESSION:
                entity = change.entity if isinstance(change, Put) else None
                self._note(change.id, _pids(entity) if isinstance(entity, Session) else {})

    def session_of(self, pid: int) -> str | None:
        """The session in whose pane a process runs; the nearest one counts.

        Raises:
            Untraceable: it cannot be told.
        """
        for above in line_of(pid) if self._sessions else ():
            session_id = self._sessions.get(above)
            if session_id is not None and _is_it(above, self._of[session_id][above]):
                return session_id
        return None

    def _note(self, session_id: str, pids: dict[int, int | None]) -> None:
        """The session's processes are these from now on."""
        before = self._of.get(session_id, {})
        if pids == before:
            return
        for pid in before:
            if self._sessions.get(pid) == session_id:
                del self._sessions[pid]
        self._sessions |= dict.fromkeys(pids, session_id)
        self._of[session_id] = pids
        if not pids:
            del self._of[session_id]
        self.changes += 1


def _pids(session: Session) -> dict[int, int | None]:
    """The processes of a session that has not ended, and when they were started as far as that is known."""
    pane = session.pane
    if pane is None or session.exit is not None or pane.pid is None or pane.pid_started_at is None:
        return {}
    found: dict[int, int | None] = {pane.pid: pane.pid_started_at}
    if pane.supervisor_pid is not None and pane.supervisor_pid > 1:
        found[pane.supervisor_pid] = None
    return found


def _is_it(pid: int, started_at: int | None) -> bool:
    return started_at is None or is_alive(pid, started_at)


def line_of(pid: int) -> list[int]:
    """The process, its parents up to the first of all, and the leader of its terminal's session.

    A leader in another namespace has the number 0 here and is left out.

    Raises:
        Untraceable: one of them cannot be seen.
    """
    for _ in range(TRIES):
        try:
            return list(_line(pid))
        except FileNotFoundError:
            continue
    raise Untraceable(f"process {pid} cannot be seen")


def _line(pid: int) -> Iterator[int]:
    at, leader = pid, 0
    for _ in range(DEEPEST):
        try:
            parent, session = _parents(at)
        except FileNotFoundError:
            if at != pid and _are_others_hidden():
                break
            raise
        if at == pid:
            leader = session
        yield at
        if parent <= 1:
            break
        at = parent
    if leader > 1:
        yield leader


def _parents(pid: int) -> tuple[int, int]:
    """Its parent, and the leader of its session."""
    if pid <= 0:
        raise Untraceable("the caller is in another namespace")
    try:
        if sys.platform == "linux":
            words = _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
            return int(words[1]), int(words[3])
        return psutil.Process(pid).ppid(), os.getsid(pid)
    except (PermissionError, psutil.AccessDenied) as error:
        raise Untraceable(str(error)) from error
    except (ProcessLookupError, psutil.NoSuchProcess, IndexError) as error:
        raise FileNotFoundError(pid) from error


def _read(path: str) -> bytes:
    """A short file of the system's, by the fewest calls: some are read for every connection."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, 4096)
    finally:
        os.close(descriptor)


def _are_others_hidden() -> bool:
    """Whether the system shows nobody's processes but one's own (``hidepid``): there a line ends at others'."""
    return not os.path.exists("/proc/1")  # noqa: PTH110
