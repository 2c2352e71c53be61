"""The screen's copy of the daemon's state: fed with what the stream says, pure."""

from collections.abc import Iterable, Mapping

import msgspec

from maestro_tui.ended import Ended
from maestro_tui.lanes import Lanes
from maestro_tui.outline import Outline
from maestro_tui.post import Post
from maestrod.domain.changes import Change, Delete, Put
from maestrod.domain.model import Entity, Noun, Session, SessionStatus, Task, TimelineEntry
from maestrod.domain.state import State

TIMELINE = 200
"""Entries kept of one session or task; the daemon has the rest."""


class Live(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What is known of a session at this moment and is not state; times in milliseconds.

    ``process`` is starting, alive, exited or unreachable; ``state`` is what the turn is. What is not shown is left
    out: titles and signs of life come all the time, and nothing is drawn for them.
    """

    process: str = ""
    state: str = ""
    since: int = 0
    tool: str = ""
    background: int = 0


UNKNOWN = Live()


class Moved(msgspec.Struct, frozen=True):
    """What is no longer as it was; ``everything`` when all was read anew."""

    nouns: frozenset[Noun] = frozenset()
    ids: frozenset[str] = frozenset()
    everything: bool = False

    def __or__(self, other: "Moved") -> "Moved":
        return Moved(self.nouns | other.nouns, self.ids | other.ids, self.everything or other.everything)

    @property
    def anything(self) -> bool:
        """Whether there is anything to draw anew."""
        return self.everything or bool(self.nouns) or bool(self.ids)


ALL_MOVED = Moved(everything=True)


class Mirror:
    """State, live facts by session, and the order of the tree; changes come in, what moved comes out.

    A newer version wins and the same version may come twice, so overlapping reads are harmless.
    """

    def __init__(self) -> None:
        self.state = State()
        self.live: dict[str, Live] = {}
        self.outline = Outline()
        self.post = Post()
        self.ended = Ended()
        self.seen: dict[str, int] = {}
        self._lanes: Lanes | None = None
        self.whole = False
        self._coming: Mirror | None = None
        self._glanced: dict[Noun, set[str]] = {}

    # -- reading everything ----------------------------------------------------------------------

    def begin(self) -> None:
        """A whole new reading comes; until it is complete the old one stays to be seen.

        The very first reading is shown as it comes.
        """
        self._coming = Mirror() if self.whole else None
        if self._coming is not None:
            self._coming.outline = self.outline.unfolded_alike()

    def glance(self, noun: Noun, entities: Iterable[Entity], live: Mapping[str, Mapping[str, object]]) -> Moved:
        """Take a first look, to be seen until the whole reading confirms it or drops it."""
        entities = list(entities)
        self._glanced.setdefault(noun, set()).update(entity.id for entity in entities)
        return self.apply([Put(noun, entity) for entity in entities]) | self.know(live)

    def read(self, noun: Noun, entities: Iterable[Entity], live: Mapping[str, Mapping[str, object]]) -> Moved:
        """Take a part of a reading."""
        if self._coming is not None:
            self._coming.read(noun, entities, live)
            return Moved()
        entities = list(entities)
        self._glanced.get(noun, set()).difference_update(entity.id for entity in entities)
        return self.apply([Put(noun, entity) for entity in entities]) | self.know(live)

    def end(self) -> Moved:
        """The reading is complete."""
        if self._coming is not None:
            self.state, self.live, self.outline = self._coming.state, self._coming.live, self._coming.outline
            self.ended = self._coming.ended
            self._coming = self._lanes = None
        self.apply([Delete(noun, id_) for noun, ids in self._glanced.items() for id_ in ids])
        self._glanced = {}
        self.whole = True
        return ALL_MOVED

    # -- the board -------------------------------------------------------------------------------

    def sort_cards(self) -> Lanes:
        """The cards of the board; sorted at the first time, followed from then on."""
        if self._lanes is None:
            self._lanes = Lanes(task for task in self.state.table(Noun.TASK).values() if isinstance(task, Task))
        return self._lanes

    # -- what a person has looked at -------------------------------------------------------------

    def see(self, session_id: str) -> bool:
        """A person looks at the session; whether that was news."""
        session = self.state.table(Noun.SESSION).get(session_id)
        if not isinstance(session, Session) or not self.is_unseen(session):
            return False
        self.seen[session_id] = idle_since(session)
        return True

    def is_unseen(self, session: Session) -> bool:
        """Whether its turn is over and nobody has looked at it since."""
        return session.status is SessionStatus.IDLE and idle_since(session) > self.seen.get(session.id, -1)

    # -- following -------------------------------------------------------------------------------

    def apply(self, changes: Iterable[Change]) -> Moved:
        """Take changes in their order; older versions than what is here are passed over."""
        nouns: set[Noun] = set()
        ids: set[str] = set()
        for change in changes:
            if self._take(change):
                nouns.add(change.noun)
                ids.add(change.id)
        return Moved(frozenset(nouns), frozenset(ids))

    def know(self, live: Mapping[str, Mapping[str, object]]) -> Moved:
        """Take live facts: the whole value of a session replaces what was known."""
        ids: set[str] = set()
        for session_id, facts in live.items():
            known = _facts(facts)
            if self.live.get(session_id) != known:
                self.live[session_id] = known
                ids.add(session_id)
        return Moved(frozenset({Noun.SESSION}) if ids else frozenset(), frozenset(ids))

    def _take(self, change: Change) -> bool:
        if self.post.follow(change):
            return True
        before = self.state.table(change.noun).get(change.id)
        match change:
            case Put(entity=entity):
                if before is not None and (before.version > entity.version or before == entity):
                    return False
            case Delete():
                if before is None:
                    return False
                if change.noun is Noun.SESSION:
                    self.live.pop(change.id, None)
                    self.seen.pop(change.id, None)
        self.state.apply(change)
        self.ended.follow(change)
        if change.noun in {Noun.TASK, Noun.PROJECT}:
            self.outline.follow(change)
            if self._lanes is not None:
                self._lanes.follow(change)
        elif isinstance(change, Put) and isinstance(change.entity, TimelineEntry):
            self._forget_oldest(change.entity)
        return True

    def _forget_oldest(self, entry: TimelineEntry) -> None:
        for kind, about in (("session-timeline", entry.session_id), ("task-timeline", entry.task_id)):
            if about is None:
                continue
            kept = self.state.groups[kind, about]
            if len(kept) > TIMELINE:
                self.state.apply(Delete(Noun.TIMELINE, next(iter(kept))))


def idle_since(session: Session) -> int:
    """Since when the session does nothing, in milliseconds."""
    return session.turn.since or session.started_at or session.created_at


def _facts(facts: Mapping[str, object]) -> Live:
    """Facts of another version of the daemon are taken as far as they fit."""
    try:
        return msgspec.convert(facts, Live)
    except msgspec.ValidationError:
        return UNKNOWN
