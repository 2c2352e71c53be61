"""What was: the state after any commit that is still kept, and what a commit changed. Reads the disk: for threads."""

import re
from collections.abc import Collection, Iterator
from pathlib import Path

import msgspec

from maestrod.domain.changes import Put, Record, RecordCodec, Undone
from maestrod.domain.errors import Conflict, NotFound
from maestrod.domain.model import TYPES, Entity, Noun
from maestrod.domain.state import State
from maestrod.domain.undo import gathered
from maestrod.store.log import Log, TooOld
from maestrod.store.snapshot import Lines, read_lines

_IDS = re.compile(rb'"id":"([^"\\]+)"')
Key = tuple[Noun, str]


class Past:
    """Reads journal and snapshots; changes nothing."""

    def __init__(self, journal: Log, snapshots: Path) -> None:
        self._journal = journal
        self._snapshots = snapshots
        self._codec = RecordCodec()
        self._decoders = {noun: msgspec.json.Decoder(type_) for noun, type_ in TYPES.items()}

    def state_at(self, seq: int) -> State:
        """The state right after a commit.

        Raises:
            NotFound: there is no such commit yet.
            Conflict: the history does not reach back so far.
            StoreError: the disk refuses, or is damaged.
        """
        self._exists(seq)
        state = State()
        base = self._base(seq)
        rows: dict[Noun, list[Entity]] = {noun: [] for noun in Noun}
        for noun, line in _of_nouns(base):
            rows[noun].append(self._decoders[noun].decode(line))
        for noun, entities in rows.items():
            state.fill(noun, entities)
        for line in self._between(base.seq, seq):
            state.apply_all(self._codec.decode(line).changes)
        return state

    def undone(self, seq: int) -> Undone:
        """What a commit changed, what was before it, and what came after.

        Raises:
            NotFound: there is no such commit yet.
            Conflict: the history does not reach back so far.
            StoreError: the disk refuses, or is damaged.
        """
        self._exists(seq)
        line = next(self._between(seq - 1, seq))
        record = self._codec.decode(line)
        before = self._entities({(c.noun, c.id) for c in record.changes}, seq - 1)
        later = self._about({c.id for c in record.changes}, self._between(seq, self._journal.durable_seq))
        return gathered(record, lambda noun, id_: before.get((noun, id_)), later)

    def _exists(self, seq: int) -> None:
        if not 0 <= seq <= self._journal.durable_seq:
            raise NotFound("commit", str(seq))

    def _entities(self, keys: Collection[Key], seq: int) -> dict[Key, Entity]:
        """Those of the entities that were there after a commit, as they were."""
        ids = {id_ for _, id_ in keys}
        found: dict[Key, Entity] = {}
        base = self._base(seq)
        for noun, line in _of_nouns(base):
            named = _IDS.search(line)
            if named is not None and named[1].decode() in ids:
                entity = self._decoders[noun].decode(line)
                found[noun, entity.id] = entity
        for record in self._about(ids, self._between(base.seq, seq)):
            for change in record.changes:
                if isinstance(change, Put):
                    found[change.noun, change.id] = change.entity
                else:
                    found.pop((change.noun, change.id), None)
        return {key: entity for key, entity in found.items() if key in keys}

    def _about(self, ids: Collection[str], lines: Iterator[bytes]) -> Iterator[Record]:
        """The commits that name one of the ids."""
        wanted = {id_.encode() for id_ in ids}
        return (self._codec.decode(line) for line in lines if not wanted.isdisjoint(_IDS.findall(line)))

    def _base(self, seq: int) -> Lines:
        """Where to begin: the newest snapshot before, or nothing at all."""
        return read_lines(self._snapshots, seq) or Lines(0, iter(()))

    def _between(self, after: int, last: int) -> Iterator[bytes]:
        try:
            yield from self._journal.read(after, limit=max(0, last - after))
        except TooOld as error:
            raise Conflict(
                f"the history begins at commit {error.oldest_seq}: what was before has expired",
                hint="`maestro log` shows the commits that are kept.",
            ) from error


def _of_nouns(base: Lines) -> Iterator[tuple[Noun, bytes]]:
    nouns = {str(noun): noun for noun in Noun}
    return ((nouns[section], line) for section, line in base.entities if section in nouns)
