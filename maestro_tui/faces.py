"""Glyph, word and tone of every state: readable without colour."""

import msgspec

from maestro_tui.lines import Tone
from maestro_tui.mirror import Live
from maestrod.domain.model import (
    Assignment,
    AssignmentStatus,
    EntryType,
    ItemStatus,
    QueueItem,
    Session,
    SessionStatus,
    Task,
    TaskStatus,
    TimelineEntry,
)
from maestrod.domain.state import State


class Face(msgspec.Struct, frozen=True, array_like=True):
    """How a state looks: no two of one noun share a glyph or a word."""

    glyph: str
    word: str
    tone: Tone = Tone.PLAIN


READY = Face("○", "ready")
WAITS = Face("◌", "waits", Tone.DIM)

TASKS: dict[TaskStatus, Face] = {
    TaskStatus.IN_PROGRESS: Face("◉", "in progress", Tone.BUSY),
    TaskStatus.IN_REVIEW: Face("◎", "in review", Tone.ACCENT),
    TaskStatus.COMPLETED: Face("✓", "completed", Tone.GOOD),
    TaskStatus.CANCELLED: Face("✗", "cancelled", Tone.DIM),
    TaskStatus.BLOCKED: Face("⊘", "blocked", Tone.BAD),
    TaskStatus.ARCHIVED: Face("▫", "archived", Tone.DIM),
}

NEEDS_YOU = Face("◐", "needs you", Tone.WARN)
UNREACHABLE = Face("?", "no signal", Tone.WARN)
UNSEEN = Face("◎", "unseen", Tone.ACCENT)
"""Its turn is over, and nobody has looked at it since."""

SESSIONS: dict[SessionStatus, Face] = {
    SessionStatus.SPAWNING: Face("◌", "spawning", Tone.DIM),
    SessionStatus.IDLE: Face("○", "idle"),
    SessionStatus.WORKING: Face("●", "working", Tone.BUSY),
    SessionStatus.COMPLETED: Face("✓", "completed", Tone.GOOD),
    SessionStatus.FAILED: Face("✕", "failed", Tone.BAD),
    SessionStatus.STOPPED: Face("■", "stopped", Tone.DIM),
}

ITEMS: dict[ItemStatus, Face] = {
    ItemStatus.QUEUED: Face("·", "queued", Tone.DIM),
    ItemStatus.PROCESSING: Face("▶", "processing", Tone.BUSY),
    ItemStatus.COMPLETED: Face("✓", "completed", Tone.GOOD),
    ItemStatus.FAILED: Face("✕", "failed", Tone.BAD),
    ItemStatus.SKIPPED: Face("»", "skipped", Tone.DIM),
}

ATTEMPTS: dict[AssignmentStatus, Face] = {
    AssignmentStatus.COMPLETED: Face("✓", "completed", Tone.GOOD),
    AssignmentStatus.FAILED: Face("✕", "failed", Tone.BAD),
    AssignmentStatus.SKIPPED: Face("»", "skipped", Tone.DIM),
}
"""Those that are over."""

ENTRIES: dict[EntryType, Face] = {
    EntryType.SESSION_STARTED: Face("▶", "session started", Tone.BUSY),
    EntryType.SESSION_STOPPED: Face("■", "session ended", Tone.DIM),
    EntryType.SESSION_RESUMED: Face("↻", "session resumed", Tone.BUSY),
    EntryType.TASK_STARTED: Face("◉", "task started", Tone.BUSY),
    EntryType.TASK_COMPLETED: Face("✓", "task completed", Tone.GOOD),
    EntryType.TASK_FAILED: Face("✕", "task failed", Tone.BAD),
    EntryType.TASK_SKIPPED: Face("»", "task skipped", Tone.DIM),
    EntryType.TASK_BLOCKED: Face("⊘", "task blocked", Tone.BAD),
    EntryType.NEEDS_INPUT: Face("◐", "needs you", Tone.WARN),
    EntryType.PROGRESS: Face("·", "progress", Tone.DIM),
    EntryType.ERROR: Face("!", "error", Tone.BAD),
    EntryType.MILESTONE: Face("◆", "milestone", Tone.ACCENT),
    EntryType.DOC_ADDED: Face("+", "document", Tone.ACCENT),
    EntryType.PROMPT_RECEIVED: Face("›", "prompt", Tone.ACCENT),
    EntryType.STATUS_CHANGED: Face("→", "status", Tone.DIM),
}


def face_of_task(state: State, task: Task) -> Face:
    """A task to do is ready, or waits for others."""
    if task.status is TaskStatus.TODO:
        return READY if state.is_ready(task) else WAITS
    return TASKS[task.status]


def face_of_session(session: Session, live: Live, *, unseen: bool = False) -> Face:
    """A question outshines what the agent does; no sign of life outshines what it did last."""
    if session.status in {SessionStatus.SPAWNING, SessionStatus.IDLE, SessionStatus.WORKING}:
        if session.needs_input.active:
            return NEEDS_YOU
        if live.process == "unreachable":
            return UNREACHABLE
    if unseen:
        return UNSEEN
    return SESSIONS[session.status]


def face_of_attempt(attempt: Assignment) -> Face | None:
    """What an attempt came to; nothing while it goes on, when it is as its session is."""
    return ATTEMPTS.get(attempt.status)


def face_of_item(item: QueueItem) -> Face:
    """An item of a queue."""
    return ITEMS[item.status]


def face_of_entry(entry: TimelineEntry) -> Face:
    """An entry of a timeline."""
    return ENTRIES[entry.type]


def since_of_session(session: Session, live: Live) -> int:
    """Since when the session has the face that it has, in milliseconds.

    The journal has when a state began; what is live has the last sign of it, and is newer every time that a hook says
    the same again.
    """
    if session.needs_input.active and session.needs_input.since:
        return session.needs_input.since
    if session.completed_at:
        return session.completed_at
    if live.since and (live.state != session.turn.state or live.process == "unreachable"):
        return live.since
    return session.turn.since or live.since or session.started_at or session.created_at
