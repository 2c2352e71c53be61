"""What is known about panes, as values."""

import re

from msgspec import Struct

_PANE_ID = re.compile(r"%[0-9]{1,9}")
_SESSION_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class PaneRef(Struct, frozen=True):
    """A pane by both of its names; every deed checks that they belong together.

    Raises:
        ValueError: the text of one of them could not be an id.
    """

    pane_id: str
    """As tmux calls it: ``%7``. Never used twice by one server, but again by the next server."""
    session_id: str
    """As Agent Maestro calls it; kept by tmux in the pane's option ``@maestro_session``."""

    def __post_init__(self) -> None:
        if not _PANE_ID.fullmatch(self.pane_id):
            raise ValueError(f"not a pane id: {self.pane_id[:80]!r}")
        if not _SESSION_ID.fullmatch(self.session_id):
            raise ValueError(f"not a session id: {self.session_id[:80]!r}")


class Pane(Struct, frozen=True):
    """A pane that was just opened."""

    window_id: str
    ref: PaneRef
    pid: int
    """The guard: the parent of the program that was asked for, and the leader of its process group.

    It outlasts INT and TERM to take back what the program did to the terminal: signal the group, not the guard.
    """


class PaneFacts(Struct, frozen=True):
    """One row of ``list-panes``."""

    window_id: str
    pane_id: str
    session_id: str
    """The mark on the pane; empty when it has none."""
    pid: int
    dead: bool
    dead_status: int | None
    dead_signal: int | None
    width: int
    height: int
    alternate_on: bool
    in_mode: bool
    """Copy mode or another mode of tmux eats the keys."""
    command: str
    """What leads the foreground process group: ``sh``, the guard, unless the program made a group of its own."""
    title: str


class PaneState(Struct, frozen=True):
    """What a pane is and shows, without its text."""

    session_id: str
    dead: bool
    width: int
    height: int
    cursor_x: int
    cursor_y: int
    alternate: bool
    title: str


class Capture(Struct, frozen=True):
    """The text of a pane, and how to draw it."""

    text: str
    """Lines joined by newlines, with SGR sequences when colours were asked for; history first."""
    width: int
    height: int
    cursor_x: int
    cursor_y: int
    title: str
    alternate: bool
    dead: bool


class Viewer(Struct, frozen=True):
    """A person whose terminal is attached."""

    window_id: str
    """What the terminal shows."""
    active_at_s: int
    """When the last key was pressed, in whole seconds since the epoch."""


class PaneChanged(Struct, frozen=True):
    """A pane's title, program or life changed; told at most once a second and pane."""

    pane_id: str
    window_id: str
    session_id: str
    dead: bool
    dead_status: int | None
    dead_signal: int | None
    command: str
    title: str


class WindowsChanged(Struct, frozen=True):
    """Windows came or went: read ``panes()``. Also told when a person attaches or leaves."""


class ServerFound(Struct, frozen=True):
    """The control client is connected: read ``panes()``; changes are told from here on."""

    pid: int


class ServerLost(Struct, frozen=True):
    """The server that was found is gone, with every pane in it."""

    pid: int


class NoticesLost(Struct, frozen=True):
    """Notices came faster than they were read, and some were dropped: read ``panes()``."""


Event = PaneChanged | WindowsChanged | ServerFound | ServerLost | NoticesLost
