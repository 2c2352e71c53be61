"""What a key is, and where keys are heard and offered."""

from enum import StrEnum

import msgspec


class Place(StrEnum):
    """Where a key is heard."""

    EVERYWHERE = "everywhere"
    MISSION = "on Mission"
    INBOX = "on Needs you"
    BOARD = "on the board"
    SESSIONS = "on Sessions"
    DETAILS = "in details"
    QUEUES = "on Queue"
    MAIL = "on Mail"
    GRAPH = "on Graph"
    HISTORY = "on History"
    SHELF = "on Skills & templates"
    LISTS = "in lists"
    TREE = "in the tree of tasks"
    QUESTIONS = "in the list of questions"
    TYPING = "in Mission's live pane"
    PANE = "in the live pane"
    DIFF = "in the diff"


class Panel(StrEnum):
    """The panels of the screens; the value is the word that people see."""

    TASKS = "Tasks"
    SESSIONS = "Sessions"
    PANE = "Pane"
    INBOX = "Needs you"
    QUEUE = "Queue"
    TIMELINE = "Timeline"
    BOARD = "Board"
    CREW = "All sessions"
    TILE = "Preview"
    DETAILS = "Details"
    DIFF = "Diff"
    QUEUES = "Queues"
    ITEMS = "Items"
    MAIL = "Mail"
    THREAD = "Thread"
    GRAPH = "Graph"
    LINKS = "Dependencies"
    HISTORY = "History"
    COMMIT = "Commit"
    SHELF = "Skills & templates"
    TEXT = "Text"


MISSION = (Panel.TASKS, Panel.SESSIONS, Panel.PANE, Panel.INBOX, Panel.QUEUE, Panel.TIMELINE)
ALL = frozenset(Panel)
BESIDE = frozenset(
    {
        Panel.DIFF,
        Panel.QUEUES,
        Panel.ITEMS,
        Panel.MAIL,
        Panel.THREAD,
        Panel.HISTORY,
        Panel.COMMIT,
        Panel.SHELF,
        Panel.TEXT,
    }
)
"""Where nobody comes to make tasks."""
ON_SESSIONS = frozenset(
    {Panel.SESSIONS, Panel.PANE, Panel.INBOX, Panel.QUEUE, Panel.TIMELINE, Panel.CREW, Panel.DETAILS}
)


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """One deed and its keys.

    ``keys`` are Textual's names, ``shown`` is what people read. ``label`` is the word in the footer, and
    the lower its ``rank`` the longer it stays there when room is short; without a rank it is in the help
    alone. ``panels`` are those under which the footer shows it. ``{key}`` in the action is the key that was pressed.
    """

    name: str
    keys: str
    shown: str
    action: str
    help: str
    label: str = ""
    place: Place = Place.EVERYWHERE
    rank: int | None = None
    panels: frozenset[Panel] = ALL
    changes: bool = False
    """It changes something at once, without asking: in strict mode it is not heard as a bare character."""
