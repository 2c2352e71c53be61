"""The state machines, as tables: from which status to which."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from maestrod.domain.errors import IllegalMove
from maestrod.domain.model import AssignmentStatus as A
from maestrod.domain.model import DeliveryState as D
from maestrod.domain.model import ItemStatus as I
from maestrod.domain.model import SessionStatus as S
from maestrod.domain.model import TaskStatus as T

TASK: Mapping[T, frozenset[T]] = {
    T.TODO: frozenset({T.IN_PROGRESS, T.IN_REVIEW, T.COMPLETED, T.BLOCKED, T.CANCELLED}),
    T.IN_PROGRESS: frozenset({T.IN_REVIEW, T.COMPLETED, T.BLOCKED, T.CANCELLED, T.TODO}),
    T.IN_REVIEW: frozenset({T.COMPLETED, T.IN_PROGRESS, T.CANCELLED}),
    T.BLOCKED: frozenset({T.TODO, T.IN_PROGRESS, T.IN_REVIEW, T.COMPLETED, T.CANCELLED}),
    T.COMPLETED: frozenset({T.ARCHIVED, T.IN_PROGRESS}),
    T.CANCELLED: frozenset({T.TODO, T.ARCHIVED}),
    T.ARCHIVED: frozenset({T.TODO}),
}

SESSION: Mapping[S, frozenset[S]] = {
    S.SPAWNING: frozenset({S.IDLE, S.WORKING, S.FAILED, S.STOPPED}),
    S.IDLE: frozenset({S.WORKING, S.COMPLETED, S.FAILED, S.STOPPED}),
    S.WORKING: frozenset({S.IDLE, S.COMPLETED, S.FAILED, S.STOPPED}),
    S.COMPLETED: frozenset({S.SPAWNING}),
    S.FAILED: frozenset({S.SPAWNING}),
    S.STOPPED: frozenset({S.SPAWNING}),
}

ADOPTION: frozenset[S] = frozenset({S.IDLE, S.WORKING})
"""Where an ended session may return to when its very process is found alive."""

ASSIGNMENT: Mapping[A, frozenset[A]] = {
    A.QUEUED: frozenset({A.WORKING, A.SKIPPED, A.FAILED}),
    A.WORKING: frozenset({A.COMPLETED, A.FAILED, A.BLOCKED, A.SKIPPED, A.QUEUED}),
    A.BLOCKED: frozenset({A.WORKING, A.FAILED, A.SKIPPED}),
    A.COMPLETED: frozenset(),
    A.FAILED: frozenset(),
    A.SKIPPED: frozenset(),
}

ITEM: Mapping[I, frozenset[I]] = {
    I.QUEUED: frozenset({I.PROCESSING, I.SKIPPED}),
    I.PROCESSING: frozenset({I.COMPLETED, I.FAILED, I.SKIPPED, I.QUEUED}),
    I.COMPLETED: frozenset(),
    I.FAILED: frozenset(),
    I.SKIPPED: frozenset(),
}

DELIVERY: Mapping[D, frozenset[D]] = {
    D.QUEUED: frozenset({D.SURFACED, D.READ, D.ACKED, D.BOUNCED, D.EXPIRED}),
    D.SURFACED: frozenset({D.READ, D.ACKED, D.BOUNCED, D.EXPIRED}),
    D.READ: frozenset({D.ACKED}),
    D.ACKED: frozenset(),
    D.BOUNCED: frozenset(),
    D.EXPIRED: frozenset(),
}

Status = TypeVar("Status", bound=StrEnum)


def moves(table: Mapping[Status, frozenset[Status]], status: Status, wanted: Status, what: str) -> bool:
    """Whether the move changes anything: false when the status is already the wanted one.

    Raises:
        IllegalMove: the table has no such move; the allowed ones are named.
    """
    if status == wanted:
        return False
    if wanted not in table[status]:
        raise IllegalMove(what, status, wanted, sorted(table[status]))
    return True
