"""Titles in a border: Textual draws the whole widget anew when one is set, here its line and only when it moves."""

from textual.content import Content
from textual.geometry import Region
from textual.widget import Widget


class Title:
    """Stands in the place of Textual's descriptor of the same name."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._inner = vars(Widget)[name]
        self._told = f"_{name}_told"
        self._kept = f"_{name}"
        self._below = name == "border_subtitle"

    def __get__(self, widget: Widget, kind: type | None = None) -> str | None:
        title: str | None = self._inner.__get__(widget, kind)
        return title

    def __set__(self, widget: Widget, title: Content | str | None) -> None:
        if getattr(widget, self._told, None) == title:
            return
        setattr(widget, self._told, title)
        said = widget.render_str(title).expand_tabs(4).split()[0] if title is not None else None
        setattr(widget, self._kept, said)
        left, top = widget.content_offset
        row = widget.outer_size.height - 1 if self._below else 0
        widget.refresh(Region(-left, row - top, widget.outer_size.width, 1))
