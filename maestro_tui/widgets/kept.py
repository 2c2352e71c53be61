"""What was painted is kept for as long as it is true.

Textual asks every widget in the box around all that has changed for all its lines; most of them have not changed.
"""

from typing import TYPE_CHECKING, cast

from textual.containers import Container, Horizontal, Vertical
from textual.message_pump import MessagePump

if TYPE_CHECKING:
    from textual.geometry import Region
    from textual.strip import Strip
    from textual.widget import Widget


class Kept(MessagePump):
    """Gives the lines of its last painting until Textual marks one of them as dirty, or asks for others.

    No ``DOMNode`` itself: Textual takes a widget's styles from the first base that is one.
    """

    _kept: "tuple[Region, list[Strip]] | None" = None

    def render_lines(self, crop: "Region") -> "list[Strip]":
        """The lines of a region; whoever gets them changes nothing in the list."""
        if self._kept is not None and self._kept[0] == crop and not self._is_dirty(crop):
            return self._kept[1]
        strips = self.paint_lines(crop)
        if self._kept is not None:
            _let_go(self._kept[1], strips)
        self._kept = crop, strips
        return strips

    def paint_lines(self, crop: "Region") -> "list[Strip]":
        """Paint the lines of a region."""
        return cast("Widget", super()).render_lines(crop)

    def _is_dirty(self, crop: "Region") -> bool:
        cache = cast("Widget", self)._styles_cache  # noqa: SLF001 - Textual tells nobody else what it marked
        return any(map(cache.is_dirty, crop.line_range))


def _let_go(before: "list[Strip]", now: "list[Strip]") -> None:
    """Free what is not shown any more at once.

    In a line that is shown whole, Textual (8.2, ``Strip.divide``) keeps a list with the line itself in it: left to the
    garbage collector, thousands of them would pile up between two of its full collections.
    """
    staying = set(map(id, now))
    for strip in before:
        if id(strip) not in staying:
            strip._divide_cache.clear()  # noqa: SLF001 - nothing public clears it


class Box(Kept, Container):
    """A container."""


class Row(Kept, Horizontal):
    """Side by side."""


class Column(Kept, Vertical):
    """One above the other."""
