"""Restart policy: when a session that has crashed is started again, and when it has crashed too often."""

from maestrod.domain.model import RestartPolicy, Session, SessionStatus

FIRST_MS = 5_000
LONGEST_MS = 5 * 60_000
WINDOW_MS = 15 * 60_000
MOST_CRASHES = 5
"""So many within the window end it."""
REMEMBERED_MS = 60 * 60_000
KEPT = 10


def crashed(session: Session, now: int) -> tuple[int, ...]:
    """The session's crashes (ms) with one more at ``now``: those of the last hour, ten at most.

    One that never gave a sign of life did not crash: it could not be started, and would not be the next time.
    """
    if session.restart_policy is RestartPolicy.NEVER or session.status is SessionStatus.SPAWNING:
        return ()
    recent = [at for at in session.crashes if now - at < REMEMBERED_MS]
    return (*recent, now)[-KEPT:]


def due_at(session: Session) -> int | None:
    """When it is to be started again (ms): 5 s after its crash, twice as long each time, at most 5 min.

    ``None`` when it is not: it was not left to this, did not crash, or crashed five times within 15 minutes.
    """
    left_to_it = session.restart_policy is RestartPolicy.ON_CRASH and session.status is SessionStatus.FAILED
    if not left_to_it or not session.crashes:
        return None
    last = session.crashes[-1]
    if sum(last - at < WINDOW_MS for at in session.crashes) >= MOST_CRASHES:
        return None
    return last + min(FIRST_MS << (len(session.crashes) - 1), LONGEST_MS)
