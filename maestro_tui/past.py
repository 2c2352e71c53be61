"""The journal as the screen knows it: commits, read in pages from the newest back; pure."""

from collections.abc import Iterable, Iterator

import msgspec

from maestrod.domain.model import Noun, Session, Task
from maestrod.domain.state import State

UNDO = "UndoCommit"
PAGE = 500
"""Commits of a page."""


class Touched(msgspec.Struct, frozen=True):
    """One thing that a commit put or deleted."""

    op: str = "put"
    noun: str = ""
    id: str = ""


class Commit(msgspec.Struct, frozen=True, rename="camel"):
    """One change of state, as people read it."""

    seq: int
    at: int = 0
    actor: str = ""
    command: dict[str, object] = {}
    changes: tuple[Touched, ...] = ()
    events: tuple[str, ...] = ()
    undoable: bool = False

    @property
    def kind(self) -> str:
        """The command's name."""
        return str(self.command.get("kind", ""))


class _Page(msgspec.Struct):
    data: list[Commit] = []
    seq: int = 0


class Log:
    """Commits without gaps between the oldest and the newest that were read; counted from the newest."""

    def __init__(self) -> None:
        self._commits: list[Commit] = []
        self.ended = False
        """Whether the oldest that there is was read."""
        self._undos: dict[int, int] = {}
        self.taken_back: frozenset[int] = frozenset()
        """Commits that were taken back, and whose taking back was not taken back in turn."""

    def read(self, body: bytes) -> None:
        """Take a page, newer or older than what is here; one that leaves a gap begins anew.

        Raises:
            msgspec.MsgspecError: it is no such page.
        """
        page = msgspec.json.decode(body, type=_Page).data
        if not page:
            return
        if not self._commits or page[0].seq > self.newest + 1:
            self._commits, self.ended = page, False
        elif page[-1].seq > self.newest:
            self._commits += [commit for commit in page if commit.seq > self.newest]
        elif page[0].seq < self.oldest:
            self._commits = [commit for commit in page if commit.seq < self.oldest] + self._commits
        self.ended = self.ended or self.oldest <= 1
        self._undos |= {c.seq: of for c in page if c.kind == UNDO and isinstance(of := c.command.get("seq"), int)}
        back: set[int] = set()
        for seq in sorted(self._undos, reverse=True):
            if seq not in back:
                back.add(self._undos[seq])
        self.taken_back = frozenset(back)

    def __len__(self) -> int:
        return len(self._commits)

    @property
    def newest(self) -> int:
        """The number of the newest that was read."""
        return self._commits[-1].seq if self._commits else 0

    @property
    def oldest(self) -> int:
        """The number of the oldest that was read."""
        return self._commits[0].seq if self._commits else 0

    def at(self, place: int) -> Commit:
        """The commit at a place, the newest first."""
        return self._commits[-1 - place]

    def find(self, key: str) -> int | None:
        """The place of a commit by its number."""
        if not key.isdecimal() or not self._commits or not self.oldest <= int(key) <= self.newest:
            return None
        return self.newest - int(key)

    def commit(self, key: str) -> Commit | None:
        """The commit of this number."""
        at = self.find(key)
        return self.at(at) if at is not None else None

    def commits(self) -> Iterator[Commit]:
        """All of them, the newest first."""
        return reversed(self._commits)

    def older(self) -> str:
        """Where the page before these is."""
        after = max(0, self.oldest - 1 - PAGE)
        return f"/commits?after={after}&limit={max(1, self.oldest - 1 - after)}"

    def newer(self) -> str:
        """Where the page after these is; of all the newest one when there are none."""
        return f"/commits?after={self.newest}&limit={PAGE}" if self._commits else f"/commits?limit={PAGE}"


def path_of(seq: int) -> str:
    """Where one commit is."""
    return f"/commits?after={seq - 1}&limit=1"


def read_commit(body: bytes) -> Commit | None:
    """The first commit of a page.

    Raises:
        msgspec.MsgspecError: it is no such page.
    """
    return next(iter(msgspec.json.decode(body, type=_Page).data), None)


class _Entities(msgspec.Struct):
    task: list[Task] | None = None
    session: list[Session] | None = None


class _Then(msgspec.Struct):
    entities: _Entities


def read_then(bodies: Iterable[bytes]) -> State:
    """The tasks and sessions of another time, from what was told of them.

    Raises:
        msgspec.MsgspecError: that is no state.
    """
    state = State()
    for body in bodies:
        found = msgspec.json.decode(body, type=_Then).entities
        if found.task is not None:
            state.fill(Noun.TASK, found.task)
        if found.session is not None:
            state.fill(Noun.SESSION, found.session)
    return state
