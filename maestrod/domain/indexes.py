"""Ordered sets of ids, so that a page costs its length."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Self

Key = tuple[str, ...]
"""What the members of a group have in common: a word, then ids or a status."""


RUN = 1_000
"""Strings per run: inserting moves at most a run, finding one looks at the last string of each."""


class Ordered:
    """Strings kept sorted in runs; adding at the end is the cheap and usual case, anywhere else costs a run."""

    __slots__ = ("_count", "_lasts", "_runs")

    def __init__(self) -> None:
        self._runs: list[list[str]] = []
        self._lasts: list[str] = []
        self._count = 0

    @classmethod
    def of(cls, items: list[str]) -> Self:
        """Made from strings that are sorted already and differ from each other."""
        made = cls()
        made._runs = [items[start : start + RUN] for start in range(0, len(items), RUN)]
        made._lasts = [run[-1] for run in made._runs]
        made._count = len(items)
        return made

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[str]:
        return chain.from_iterable(self._runs)

    def __contains__(self, item: str) -> bool:
        number, at = self._place(item)
        return number < len(self._runs) and self._runs[number][at] == item

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ordered) and list(self) == list(other)

    def add(self, item: str) -> None:
        """Put it in its place; adding twice changes nothing."""
        lasts = self._lasts
        if not lasts:
            self._runs.append([item])
            lasts.append(item)
        elif item > lasts[-1]:
            run = self._runs[-1]
            run.append(item)
            lasts[-1] = item
            if len(run) > RUN:
                self._split(len(lasts) - 1)
        else:
            number, at = self._place(item)
            run = self._runs[number]
            if run[at] == item:
                return
            run.insert(at, item)
            if len(run) > RUN:
                self._split(number)
        self._count += 1

    def discard(self, item: str) -> None:
        """Take it out if it is there."""
        number, at = self._place(item)
        if number == len(self._runs) or self._runs[number][at] != item:
            return
        run = self._runs[number]
        del run[at]
        self._count -= 1
        if run:
            self._lasts[number] = run[-1]
        else:
            del self._runs[number], self._lasts[number]

    def after(self, item: str | None, *, descending: bool = False) -> Iterator[str]:
        """The items that follow ``item`` in the wanted direction; all of them for ``None``."""
        if descending:
            return self._down(item)
        return self._up(item)

    def starting_with(self, prefix: str, *, limit: int) -> list[str]:
        """At most ``limit`` items that begin with ``prefix``."""
        number, at = self._place(prefix)
        found: list[str] = []
        for item in chain(self._runs[number][at:] if number < len(self._runs) else (), *self._runs[number + 1 :]):
            if len(found) == limit or not item.startswith(prefix):
                break
            found.append(item)
        return found

    def _place(self, item: str) -> tuple[int, int]:
        """The run in which it is or would be, and where in it; one past the last run for what is greater than all."""
        number = bisect_left(self._lasts, item)
        return number, bisect_left(self._runs[number], item) if number < len(self._runs) else 0

    def _split(self, number: int) -> None:
        run = self._runs[number]
        half = len(run) // 2
        self._runs[number : number + 1] = [run[:half], run[half:]]
        self._lasts[number : number + 1] = [run[half - 1], run[-1]]

    def _up(self, item: str | None) -> Iterator[str]:
        number, at = (0, 0) if item is None else self._place(item)
        for run in self._runs[number:]:
            for each in run[at:] if at else run:
                if each != item:
                    yield each
            at = 0

    def _down(self, item: str | None) -> Iterator[str]:
        number, at = (len(self._runs), 0) if item is None else self._place(item)
        if number < len(self._runs):
            yield from reversed(self._runs[number][:at])
        for run in reversed(self._runs[:number]):
            yield from reversed(run)


_NONE = Ordered()


class Groups:
    """Ordered sets by key; a key without items does not exist.

    Most groups have one item, and there are as many of them as of things: the item stands for its group until somebody
    asks for the set, which then follows all that comes.
    """

    __slots__ = ("_groups",)

    def __init__(self) -> None:
        self._groups: dict[Key, Ordered | str] = {}

    def __getitem__(self, key: Key) -> Ordered:
        group = self._groups.get(key)
        if isinstance(group, str):
            group = self._groups[key] = Ordered.of([group])
        return group or _NONE

    def __contains__(self, key: Key) -> bool:
        return key in self._groups

    def items(self, key: Key) -> Iterable[str]:
        """The items of a group, to be looked at now."""
        group = self._groups.get(key)
        return (group,) if isinstance(group, str) else group or ()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Groups) or self._groups.keys() != other._groups.keys():
            return False
        return all(self[key] == other[key] for key in self._groups)

    def add(self, key: Key, item: str) -> None:
        """Put ``item`` into the group of ``key``."""
        group = self._groups.get(key)
        if group is None:
            self._groups[key] = item
        elif isinstance(group, Ordered):
            group.add(item)
        elif group != item:
            self._groups[key] = Ordered.of(sorted((group, item)))

    def fill(self, members: Mapping[Key, list[str]]) -> None:
        """Make groups that are not there yet, from sorted members."""
        for key, items in members.items():
            self._groups[key] = items[0] if len(items) == 1 else Ordered.of(items)

    def discard(self, key: Key, item: str) -> None:
        """Take ``item`` out of the group of ``key``; the last one takes the group with it."""
        group = self._groups.get(key)
        if isinstance(group, Ordered):
            group.discard(item)
        if not group or group == item:
            self._groups.pop(key, None)

    def move(self, before: tuple[Key, ...], after: tuple[Key, ...], item: str) -> None:
        """Take ``item`` out of the groups in which it no longer is, and put it into those in which it is now."""
        if not before:
            for key in after:
                self.add(key, item)
        if not before or before == after:
            return
        left, joined = set(before), set(after)
        for key in left - joined:
            self.discard(key, item)
        for key in joined - left:
            self.add(key, item)
