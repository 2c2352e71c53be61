"""A patch as it is read: its files and hunks, and the numbers of its lines; pure."""

import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from maestro_tui.cells import LONGEST, plain
from maestro_tui.readings import Changed, ChangedFile, reading

_HUNK = re.compile(r"@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@")
NEW, OLD = "new", "old"


class Patch:
    """The lines of a patch by their place, from 0; numbers are 0 where a line is not in the file of that side."""

    def __init__(self, told: Changed) -> None:
        self.branch = told.branch
        self.changed: Sequence[ChangedFile] = told.files
        self.cut = told.cut
        self.lines = told.patch.split("\n") if told.patch else []
        if self.lines and not self.lines[-1]:
            self.lines.pop()
        self.paths: list[str] = []
        self.files: list[int] = []
        """Where they begin."""
        self.hunks: list[int] = []
        size = len(self.lines)
        self._numbers = {OLD: array("q", bytes(8 * size)), NEW: array("q", bytes(8 * size))}
        self._known: dict[tuple[int, str], dict[int, int]] = {}
        self._parse()

    def _parse(self) -> None:
        """What stands in a hunk is counted, so that no line of a file is taken for a head."""
        olds, news = self._numbers[OLD], self._numbers[NEW]
        old = new = old_end = new_end = 0
        for at, line in enumerate(self.lines):
            mark = line[:1]
            if old < old_end or new < new_end:
                if mark == "\\":
                    continue
                if mark != "+":
                    olds[at] = old
                    old += 1
                if mark != "-":
                    news[at] = new
                    new += 1
            elif mark == "@" and (found := _HUNK.match(line)) is not None:
                self.hunks.append(at)
                old, new = int(found[1]), int(found[3])
                old_end, new_end = old + int(found[2] or 1), new + int(found[4] or 1)
            elif line.startswith("diff --git "):
                self.paths.append(self._path(len(self.files), line))
                self.files.append(at)

    def _path(self, number: int, head: str) -> str:
        """The list of files has them in the same order, and as they are; the head may have them quoted."""
        listed = self.changed[number].path if number < len(self.changed) else ""
        if listed and (head.endswith((listed, '"'))):
            return listed
        return head.rpartition(" b/")[2] or head.removeprefix("diff --git ")

    # -- asking ----------------------------------------------------------------------------------

    def file_of(self, at: int) -> int | None:
        """The number of the file that a line is of."""
        found = bisect_right(self.files, at) - 1
        return found if found >= 0 else None

    def end_of(self, file: int) -> int:
        """Where the file ends: the place after its last line."""
        return self.files[file + 1] if file + 1 < len(self.files) else len(self.lines)

    def number(self, at: int, side: str) -> int:
        """The line's number in the file of that side."""
        return self._numbers[side][at]

    def find(self, path: str, side: str, number: int) -> int | None:
        """The place of a line of a file; of number 0 the file's own."""
        if path not in self.paths:
            return None
        file = self.paths.index(path)
        return self._index(file, side).get(number) if number else self.files[file]

    def _index(self, file: int, side: str) -> dict[int, int]:
        if (file, side) not in self._known:
            numbers, places = self._numbers[side], range(self.files[file], self.end_of(file))
            self._known[file, side] = {numbers[at]: at for at in places if numbers[at]}
        return self._known[file, side]

    def step(self, places: Sequence[int], at: int, step: int) -> int | None:
        """The next of these places after a line, or the one before it."""
        found = bisect_right(places, at) if step > 0 else bisect_left(places, at) - 1
        return places[found] if 0 <= found < len(places) else None

    def shown(self, at: int) -> str:
        """A line as a terminal shows it, with its mark and its indent."""
        return patched(self.lines[at])


def patch_of(body: bytes) -> Patch | None:
    """The patch that the daemon told of; nothing when it is something else."""
    told = reading(Changed, body)
    return Patch(told) if told is not None else None


def patched(raw: str) -> str:
    """A line of a patch with its mark and its indent, and nothing that a terminal would obey."""
    text = raw[:LONGEST].replace("\t", "    ")
    mark = text[:1] if text[:1] in {"+", "-", " "} else ""
    rest = text[len(mark) :]
    body = rest.lstrip(" ")
    return f"{mark}{' ' * (len(rest) - len(body))}{plain(body)}"
