"""Evidence: what is claimed to show that a task is done, and by whom."""

from collections.abc import Iterator

import msgspec

from maestrod.domain.model import EntryType, Noun, Task, TimelineEntry
from maestrod.domain.state import State

KINDS = ("commit", "file", "url")


class Claim(msgspec.Struct, frozen=True, rename="camel"):
    """One piece of evidence; ``kind`` is ``note`` for what is none of the kinds. No session: a person."""

    kind: str
    value: str
    session_id: str | None
    at: int


def claims(state: State, task: Task) -> list[Claim]:
    """All evidence for a task: each once by each who claimed it, oldest first."""
    found: dict[tuple[str, str | None], Claim] = {}
    for text, session_id, at in sorted(_said(state, task), key=lambda said: said[2]):
        kind, value = _read(text)
        found.setdefault((text, session_id), Claim(kind, value, session_id, at))
    return list(found.values())


def _said(state: State, task: Task) -> Iterator[tuple[str, str | None, int]]:
    for attempt in state.assignments_of_task(task.id):
        yield from ((text, attempt.session_id, attempt.updated_at) for text in attempt.evidence)
    for id_ in state.groups["task-timeline", task.id]:
        entry = state.table(Noun.TIMELINE)[id_]
        if isinstance(entry, TimelineEntry) and entry.type in {EntryType.TASK_COMPLETED, EntryType.STATUS_CHANGED}:
            listed = (entry.metadata or {}).get("evidence")
            texts = listed if isinstance(listed, list) else []
            yield from ((str(text), entry.session_id, entry.created_at) for text in texts)


def _read(text: str) -> tuple[str, str]:
    kind, colon, value = text.partition(":")
    return (kind, value.strip()) if colon and kind in KINDS else ("note", text)
