"""The nouns of the reference, its tables of moves, and what it takes for a line, a text and a word said."""

from dataclasses import dataclass, field

MOVES = {
    "todo": {"in_progress", "in_review", "completed", "blocked", "cancelled"},
    "in_progress": {"in_review", "completed", "blocked", "cancelled", "todo"},
    "in_review": {"completed", "in_progress", "cancelled"},
    "blocked": {"todo", "in_progress", "in_review", "completed", "cancelled"},
    "completed": {"archived", "in_progress"},
    "cancelled": {"todo", "archived"},
    "archived": {"todo"},
}
OVER = {"completed", "cancelled", "archived"}
LIVE = {"spawning", "idle", "working"}
OPEN = {"queued", "working", "blocked"}
RANK = {"critical": 0, "high": 1, "medium": 2, "low": 3}


class No(Exception):
    """A refusal, by the name of its kind."""


@dataclass
class Project:
    id: str
    name: str
    folder: str
    most: int | None
    archived: bool = False


@dataclass
class Task:
    id: str
    project: str
    title: str
    parent: str | None
    priority: str
    waits: list[str]
    names: list[str]
    status: str = "todo"
    started: bool = False
    finished: bool = False
    checks: list[str] = field(default_factory=list)
    review: list[tuple[str, str]] = field(default_factory=list)
    made: int = 0


@dataclass
class Step:
    id: str
    task: str
    title: str
    place: int
    done: bool = False


@dataclass
class Attempt:
    """``lost`` is when the session's end took it."""

    task: str
    session: str
    number: int
    status: str
    lost: int | None = None


@dataclass
class Session:
    id: str
    project: str
    role: str
    strategy: str
    parent: str | None
    name: str = ""
    status: str = "spawning"
    asks: str | None = None
    pane: object = None
    launched: int | None = None
    exited: bool = False
    keep_open: bool = False
    ended: int | None = None
    conversation: bool = False


@dataclass
class Queue:
    paused: bool = False


@dataclass
class Item:
    id: str
    session: str
    task: str
    position: int
    priority: str
    status: str = "queued"
    tries: int = 0
    not_before: int = 0


@dataclass(frozen=True)
class Told:
    """An entry of the timeline, or a document: its kind and what it hangs on."""

    kind: str
    task: str | None
    session: str | None


@dataclass
class Run:
    """The newest run of a check; ``work`` says what the work was."""

    id: str
    task: str
    command: str
    status: str = ""
    number: int = 0
    steady: bool = True
    work: str = ""
    session: str | None = None


@dataclass
class Mail:
    """``sender`` is a session, else ``person`` says who; to nobody by name means to all."""

    id: str
    project: str
    sender: str | None
    person: str | None
    to: str | None
    until: int | None = None
    answers: str | None = None


@dataclass
class Sent:
    """A mail on its way to one session."""

    id: str
    mail: str
    session: str
    state: str


@dataclass
class Template:
    id: str
    name: str
    role: str
    content: str
    default: bool


@dataclass
class Key:
    id: str
    name: str
    hash: str
    scopes: list[str]
    projects: list[str]
    used: int | None = None


@dataclass
class Made:
    """The ids that the real one made, by noun, in the order in which they were made."""

    ids: dict[str, list[str]] = field(default_factory=dict)

    def next(self, noun: str) -> str:
        return self.ids[noun].pop(0)


def line(value: object) -> None:
    if isinstance(value, str) and (not value.strip() or "\n" in value or "\x00" in value or len(value) > 200):
        raise No("Invalid")


def text(value: object) -> None:
    if isinstance(value, str) and not {"\x00", "\x1b"}.isdisjoint(value):
        raise No("Invalid")


def said(value: str) -> None:
    if not value.strip():
        raise No("Invalid")
    text(value)
