"""What the daemon tells beside the stream, as far as the screen shows it; fields of other versions are passed over."""

from typing import TypeVar

import msgspec

R = TypeVar("R", bound=msgspec.Struct)


class Verdict(msgspec.Struct, rename="camel"):
    """What an agent is doing, on whose word."""

    doing: str = "unknown"
    since: int = 0
    source: str = ""
    rule: str = ""
    confidence: float = 0.0
    text: str = ""


class Sign(msgspec.Struct, rename="camel"):
    """One word of one source."""

    source: str = ""
    doing: str = ""
    rule: str = ""
    at: int = 0
    text: str = ""


class Explained(msgspec.Struct, rename="camel"):
    """Why a session has the state that it has."""

    verdict: Verdict = msgspec.field(default_factory=Verdict)
    evidence: list[Sign] = []
    process: str = ""


class ChangedFile(msgspec.Struct, rename="camel"):
    """A file with the lines that came and went."""

    path: str = ""
    added: int | None = None
    removed: int | None = None


class Changed(msgspec.Struct, rename="camel"):
    """What changed in a worktree since it began."""

    branch: str = ""
    files: list[ChangedFile] = []
    patch: str = ""
    cut: bool = False


class CheckRun(msgspec.Struct, rename="camel"):
    """A check as it stands; no status when it never ran."""

    command: str = ""
    status: str | None = None
    stands: bool = False
    lack: str | None = None
    ended_at: int | None = None
    exit_code: int | None = None
    output: str = ""


class Checked(msgspec.Struct, rename="camel"):
    """The checks of a task."""

    passed: bool = False
    checks: list[CheckRun] = []


class Receipt(msgspec.Struct, rename="camel"):
    """How far a mail got."""

    state: str = ""


class Letter(msgspec.Struct, rename="camel"):
    """A mail as its receiver sees it."""

    id: str = ""
    subject: str = ""
    type: str = ""
    from_name: str = ""
    from_user: str | None = None
    created_at: int = 0
    delivery: Receipt = msgspec.field(default_factory=Receipt)


class Letters(msgspec.Struct):
    """A page of an inbox."""

    data: list[Letter] = []


class Named(msgspec.Struct, rename="camel"):
    """A skill or a template, as far as one chooses it."""

    name: str = ""
    id: str = ""
    role: str = ""
    description: str = ""
    is_default: bool = False


def named(body: bytes) -> list[Named]:
    """A list of them; none when it is no such list."""
    try:
        return msgspec.json.decode(body, type=list[Named])
    except msgspec.MsgspecError:
        return []


def reading(kind: type[R], body: bytes) -> R | None:
    """The document, or nothing when it is another."""
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.MsgspecError:
        return None
