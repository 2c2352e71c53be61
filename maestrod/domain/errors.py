"""What a rule answers when it will not do a thing.

::

    Rejected
    ├── Invalid            a value is wrong; every wrong field is named
    │   └── Ambiguous      a short name fits several things; the candidates are named
    ├── NotFound           the thing named does not exist
    ├── NotAllowed         the actor's role does not reach this
    ├── Conflict           the state does not allow it now
    │   ├── AlreadyClaimed     somebody else holds the task
    │   ├── NotReady           dependencies are open
    │   ├── IllegalMove        the status table has no such move
    │   └── HasDependents      things hang on it
    ├── Stale              ``If-Match`` named another version
    └── KeyReused          an idempotency key came back with another body
"""

from collections.abc import Mapping, Sequence

import msgspec


class FieldProblem(msgspec.Struct, frozen=True):
    """One wrong field: where, and what is wrong with it."""

    path: str
    message: str


class Rejected(Exception):
    """A command that changes nothing, and why.

    ``code`` is the API's error code, ``hint`` one sentence on what to do next (never destructive),
    ``details`` machine-readable facts about the refusal.
    """

    code = "CONFLICT"

    def __init__(self, message: str, *, hint: str = "", details: Sequence[Mapping[str, object]] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details = tuple(details)


class Invalid(Rejected):
    """One or more values are wrong."""

    code = "VALIDATION_ERROR"

    def __init__(self, problems: Sequence[FieldProblem], *, hint: str = "") -> None:
        text = "; ".join(f"{p.path}: {p.message}" if p.path else p.message for p in problems)
        super().__init__(text, hint=hint, details=[{"path": p.path, "message": p.message} for p in problems])
        self.problems = tuple(problems)

    @classmethod
    def field(cls, path: str, message: str, *, hint: str = "") -> "Invalid":
        """The common case of one wrong field."""
        return cls([FieldProblem(path=path, message=message)], hint=hint)


class Ambiguous(Invalid):
    """A short name that fits several things."""

    def __init__(self, noun: str, name: str, candidates: Sequence[tuple[str, str]]) -> None:
        listed = ", ".join(f"{id_} ({title})" if title else id_ for id_, title in candidates)
        super().__init__(
            [FieldProblem(path=noun, message=f"'{shortened(name)}' fits several: {listed}")],
            hint="Use the whole id, or more of its ending.",
        )
        self.details = tuple({"path": noun, "message": title, "id": id_} for id_, title in candidates)
        self.noun = noun
        self.name = name
        self.candidates = tuple(candidates)


class NotFound(Rejected):
    """The thing named does not exist; ``code`` names the noun."""

    def __init__(self, noun: str, name: str) -> None:
        words = _spaced(noun)
        verb = f"maestro {noun} list" if noun in _LISTED else _ELSEWHERE.get(noun, "maestro status")
        super().__init__(f"no {words} '{shortened(name)}'", hint=f"`{verb}` shows what there is.")
        self.noun = noun
        self.name = name
        self.code = words.upper().replace(" ", "_") + "_NOT_FOUND"


def shortened(text: str) -> str:
    """A name as somebody sent it, short enough for one line."""
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


_SHOWN = 100
_LISTED = frozenset({"project", "task", "session", "template", "key", "skill"})
_ELSEWHERE = {
    "subtask": "maestro subtask list TASK",
    "doc": "maestro task docs list TASK",
    "mail": "maestro mail inbox SESSION",
    "queueItem": "maestro queue list --session SESSION",
    "commit": "maestro log",
}
"""Where things are listed that are listed with something else."""


def _spaced(noun: str) -> str:
    return "".join(f" {c.lower()}" if c.isupper() else c for c in noun)


class NotAllowed(Rejected):
    """The actor may not do this; ``hint`` says who may."""

    code = "FORBIDDEN"


class Conflict(Rejected):
    """The state does not allow it now."""


class AlreadyClaimed(Conflict):
    """Somebody else holds the task or the launch."""

    code = "ALREADY_CLAIMED"

    def __init__(self, what: str, holder: str, holder_name: str = "") -> None:
        named = f"{holder} ({holder_name})" if holder_name else holder
        super().__init__(
            f"{what} is held by {named}",
            hint="Take another task, or ask the holder.",
            details=[{"holder": holder, "holderName": holder_name}],
        )
        self.holder = holder


class NotReady(Conflict):
    """Dependencies are still open."""

    code = "NOT_READY"

    def __init__(self, what: str, blockers: Sequence[tuple[str, str]]) -> None:
        listed = ", ".join(f"{id_} ({title})" for id_, title in blockers)
        super().__init__(
            f"{what} waits for {listed}",
            hint="Finish what it waits for, or edit its dependencies.",
            details=[{"taskId": id_, "title": title} for id_, title in blockers],
        )


class IllegalMove(Conflict):
    """The status table has no such move; the allowed ones are named."""

    code = "INVALID_TRANSITION"

    def __init__(self, what: str, status: str, wanted: str, allowed: Sequence[str], *, hint: str = "") -> None:
        listed = ", ".join(allowed) or "nothing"
        super().__init__(
            f"{what} is {status} and cannot become {wanted}; from {status} it can become {listed}",
            hint=hint,
            details=[{"status": status, "wanted": wanted, "allowed": list(allowed)}],
        )


class HasDependents(Conflict):
    """Things hang on it; they are counted."""

    code = "PROJECT_HAS_DEPENDENCIES"


class Stale(Rejected):
    """``If-Match`` named another version; ``current`` is the version there is."""

    code = "VERSION_MISMATCH"

    def __init__(self, noun: str, id_: str, current: int) -> None:
        super().__init__(
            f"{noun} {id_} is at version {current}",
            hint="Read it again and repeat the change on what you find.",
            details=[{"version": current}],
        )
        self.noun = noun
        self.id = id_


class KeyReused(Rejected):
    """An idempotency key came back with another body."""

    code = "IDEMPOTENCY_KEY_REUSED"

    def __init__(self, key: str) -> None:
        super().__init__(
            f"the idempotency key '{shortened(key)}' was used for another request",
            hint="Use a new key for a new request.",
        )
