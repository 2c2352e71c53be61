"""Finishing a task: its attempts and queue items end with it, and its checks must stand."""

import msgspec

from maestrod.domain import attempts, checks, tables
from maestrod.domain.changes import Change, Context, Put
from maestrod.domain.checks import Missing
from maestrod.domain.model import Assignment, AssignmentStatus, EntryType, ItemStatus, Noun, Session, Task, TaskStatus
from maestrod.domain.moving import called, item_over, live_items, moved, told
from maestrod.domain.revision import revised
from maestrod.domain.state import State


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What is said at a completion."""

    note: str = ""
    evidence: tuple[str, ...] = ()
    override: bool = False


def finish(state: State, task: Task, session: Session | None, ctx: Context, *, alone: bool, said: Said) -> list[Change]:
    """End attempts, their queue items, and the task.

    ``alone`` ends the session's own attempt only, and the task when nobody else has one. A task whose checks
    do not stand goes to review instead, and nothing ends.
    """
    ends = ending(state, task, session, alone=alone)
    left = len(attempts.live_at(state, task.id)) - len(ends)
    completes = not left and tables.moves(tables.TASK, task.status, TaskStatus.COMPLETED, called(task))
    lacking = checks.missing(state, task, ctx.work.get(task.id, "")) if completes else []
    if lacking and not said.override:
        return _unproven(state, task, session, ctx, lacking=lacking, said=said)
    changes: list[Change] = []
    for attempt in ends:
        mine = session is not None and attempt.session_id == session.id
        begun = mine or attempt.status is not AssignmentStatus.QUEUED
        status = AssignmentStatus.COMPLETED if begun else AssignmentStatus.SKIPPED
        ended = attempts.reached(attempt, status, ctx, said.note, said.evidence if mine else ())
        changes.append(Put(Noun.ASSIGNMENT, ended))
    items = live_items(state, task, session if alone else None)
    changes += [Put(Noun.ITEM, item_over(i, ItemStatus.COMPLETED, ctx)) for i in items]
    if completes:
        changes.append(Put(Noun.TASK, moved(task, TaskStatus.COMPLETED, ctx)))
    shown = _shown(said, overridden=lacking)
    return [*changes, told(task, session, EntryType.TASK_COMPLETED, said.note or task.title, ctx, shown)]


def _unproven(
    state: State, task: Task, session: Session | None, ctx: Context, *, lacking: list[Missing], said: Said
) -> list[Change]:
    """The task in review with what its checks lack; the attempt goes on, and keeps the evidence."""
    reason = checks.told(lacking, task.id)
    changes: list[Change] = []
    own = attempts.live(state, task.id, session.id) if session is not None else None
    if own is not None and said.evidence and own.evidence != said.evidence:
        changes.append(Put(Noun.ASSIGNMENT, revised(own, ctx, evidence=said.evidence)))
    if task.status is not TaskStatus.IN_REVIEW or task.review_reason != reason:
        changes.append(Put(Noun.TASK, moved(task, TaskStatus.IN_REVIEW, ctx, review_reason=reason)))
    if not changes:
        return []
    shown: dict[str, object] = {"missing": checks.listed(lacking), **(_shown(said) or {})}
    return [*changes, told(task, session, EntryType.STATUS_CHANGED, reason, ctx, shown)]


def _shown(said: Said, *, overridden: list[Missing] | None = None) -> dict[str, object] | None:
    """What the timeline keeps of a completion beside its note."""
    shown: dict[str, object] = {}
    if said.evidence:
        shown["evidence"] = list(said.evidence)
    if overridden:
        shown["overridden"] = checks.listed(overridden)
    return shown or None


def ending(state: State, task: Task, session: Session | None, *, alone: bool) -> list[Assignment]:
    """The attempts that a completion ends: the session's own, or all."""
    live = attempts.live_at(state, task.id)
    return [a for a in live if session is not None and a.session_id == session.id] if alone else live
