"""The lines between panels that a person moves, and how much room that gives to what is beside them."""

from collections.abc import Mapping, MutableMapping
from typing import NamedTuple

from textual.geometry import Size
from textual.widget import Widget

from maestro_tui.bindings import Panel

WHOLE = 1_000
"""Shares are thousandths of the screen's width or height, so that they fit terminals of any size."""
STEP = {True: 4, False: 2}
"""Cells by which a key moves a line to the side, lines by which it moves one up or down."""
LEAST = {True: 20, False: 5}
"""Cells and lines that a panel keeps."""
ROUND_THEM = 2
"""Lines of the screen that are no panel's: header and footer."""
RULES = ("width", "min_width", "max_width", "height", "min_height", "max_height")
SINGLE, STACKED, THREE = 60, 80, 100
"""Cells under which a list is alone, under which panels stand one over the other, and from which in three columns."""


class Seam(NamedTuple):
    """A line that can be moved: ``widget`` has it at its end, or at its beginning when it is the ``last`` one.

    ``grows`` are the panels that get more room with the widget, ``shrinks`` those that get less.
    """

    name: str
    widget: Widget
    grows: frozenset[Panel]
    shrinks: frozenset[Panel] = frozenset()
    wide: bool = True
    last: bool = False


class Seams:
    """Where the lines of one screen stand; ``shares`` is what is remembered, by their names."""

    def __init__(self, shares: MutableMapping[str, int]) -> None:
        self._shares = shares
        self._moved: set[Widget] = set()
        self._size = Size()
        self._seams: tuple[Seam, ...] = ()
        self._dragged: Seam | None = None

    def arrange(self, seams: tuple[Seam, ...], size: Size) -> None:
        """Put the lines where they were left; those that nobody moved stand where the style sheet has them."""
        self._seams, self._size = seams, size
        for widget in self._moved:
            for rule in RULES:
                setattr(widget.styles, rule, None)
        self._moved.clear()
        for seam in seams:
            if seam.name in self._shares:
                self._put(seam)

    def _put(self, seam: Seam) -> None:
        cells = self._fit(seam, self._shares[seam.name] * self._room(seam) // WHOLE)
        styles = seam.widget.styles
        if seam.wide:
            styles.width = styles.min_width = styles.max_width = cells
        else:
            styles.height = styles.min_height = styles.max_height = cells
        self._moved.add(seam.widget)

    def _room(self, seam: Seam) -> int:
        return max(1, self._size.width if seam.wide else self._size.height - ROUND_THEM)

    def _fit(self, seam: Seam, cells: int) -> int:
        """So that no panel is lost: what is beside the lines keeps its least, and they share the rest."""
        beside = sum(1 for each in self._seams if each.wide) if seam.wide else 1
        least = LEAST[seam.wide]
        return max(least, min(cells, (self._room(seam) - least) // max(1, beside)))

    def resize(self, panel: Panel, step: int, *, wide: bool) -> bool:
        """Give a panel more room, or less; to the side where it can be, else up or down. Whether any line can move."""
        touched = [seam for seam in self._seams if panel in seam.grows | seam.shrinks and seam.widget.region]
        chosen = [seam for seam in touched if seam.wide is wide] or touched
        for seam in chosen:
            self._move(seam, STEP[seam.wide] * (step if panel in seam.grows else -step))
        return bool(chosen)

    def _move(self, seam: Seam, by: int) -> None:
        region = seam.widget.region
        cells = self._fit(seam, (region.width if seam.wide else region.height) + by)
        self._shares[seam.name] = -(-cells * WHOLE // self._room(seam))
        self._put(seam)

    def forget(self) -> None:
        """All lines of the screen stand as they were shipped."""
        for seam in self._seams:
            self._shares.pop(seam.name, None)
        self.arrange(self._seams, self._size)

    # -- by mouse --------------------------------------------------------------------------------

    def grab(self, x: int, y: int) -> bool:
        """Take hold of the line at this place of the screen; whether there is one."""
        self._dragged = next((seam for seam in self._seams if _stands_at(seam, x, y)), None)
        return self._dragged is not None

    def drag(self, x: int, y: int) -> bool:
        """Move the line that is held to this place; whether one is held."""
        if (seam := self._dragged) is None:
            return False
        region = seam.widget.region
        edge = _edge(seam)
        by = (x if seam.wide else y) - edge
        if by and region:
            self._move(seam, -by if seam.last else by)
        return True

    def drop(self) -> bool:
        """Let it go; whether one was held."""
        held, self._dragged = self._dragged is not None, None
        return held


def _edge(seam: Seam) -> int:
    region = seam.widget.region
    begin, end = (region.x, region.right) if seam.wide else (region.y, region.bottom)
    return begin if seam.last else end - 1


def _stands_at(seam: Seam, x: int, y: int) -> bool:
    """Its own frame, or that of its neighbour."""
    region = seam.widget.region
    across = region.y <= y < region.bottom if seam.wide else region.x <= x < region.right
    edge = _edge(seam)
    return bool(region) and across and (x if seam.wide else y) in (edge, edge - 1 if seam.last else edge + 1)


def between(mode: str, widget: Widget, cells: int, panel: Panel, *beside: Panel) -> tuple[Seam, ...]:
    """The one line of a screen with a list and what is beside it, or below it."""
    if cells < SINGLE:
        return ()
    wide = cells >= STACKED
    name = f"{mode}-list" if wide else f"{mode}-list-above"
    return (Seam(name, widget, frozenset({panel}), frozenset(beside), wide=wide),)


def on_mission(left: Widget, side: Widget, lists: Mapping[Panel, Widget], cells: int) -> tuple[Seam, ...]:
    """The lines of Mission: none while there is one panel at a time."""
    tasks, sessions, pane, timeline = (
        frozenset({panel}) for panel in (Panel.TASKS, Panel.SESSIONS, Panel.PANE, Panel.TIMELINE)
    )
    beside = frozenset({Panel.INBOX, Panel.QUEUE}) | timeline
    if cells < STACKED:
        return ()
    under = Seam("mission-sessions", lists[Panel.SESSIONS], sessions, tasks, wide=False, last=True)
    if cells < THREE:
        return (
            Seam("mission-left", left, tasks | sessions, pane | beside),
            under,
            Seam("mission-below", side, beside, pane, wide=False, last=True),
        )
    return (
        Seam("mission-left", left, tasks | sessions, pane),
        under,
        Seam("mission-side", side, beside, pane, last=True),
        Seam("mission-timeline", lists[Panel.TIMELINE], timeline, beside - timeline, wide=False, last=True),
    )
