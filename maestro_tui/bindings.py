"""Every key of the screen, once: the bindings, the footer, the help, the palette and the pages are made from it."""

from enum import StrEnum

import msgspec


class Place(StrEnum):
    """Where a key is heard."""

    EVERYWHERE = "everywhere"
    LISTS = "in lists"
    TREE = "in the tree of tasks"
    PANE = "in the live pane"


class Panel(StrEnum):
    """The panels of Mission; the value is the word that people see."""

    TASKS = "Tasks"
    SESSIONS = "Sessions"
    PANE = "Pane"
    INBOX = "Needs you"
    QUEUE = "Queue"
    TIMELINE = "Timeline"


ALL = frozenset(Panel)
ON_SESSIONS = frozenset({Panel.SESSIONS, Panel.PANE, Panel.INBOX, Panel.QUEUE, Panel.TIMELINE})


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """One deed and its keys.

    ``keys`` are Textual's names, ``shown`` is what people read. ``label`` is the word in the footer, and
    the lower its ``rank`` the longer it stays there when room is short; without a rank it is in the help
    alone. ``panels`` are those under which the footer shows it.
    """

    name: str
    keys: str
    shown: str
    action: str
    label: str
    help: str
    place: Place = Place.EVERYWHERE
    rank: int | None = None
    panels: frozenset[Panel] = ALL


KEYS: tuple[Key, ...] = (
    Key(
        name="open",
        keys="enter",
        shown="↵",
        action="choose",
        label="open",
        help="Open what the cursor is on: the session's pane, the task, the branch of the tree",
        place=Place.LISTS,
        rank=2,
        panels=ALL - {Panel.PANE},
    ),
    Key(
        name="back",
        keys="escape",
        shown="Esc",
        action="back",
        label="back",
        help="Back: end the search, leave the wide pane, go to where you came from",
        rank=2,
        panels=frozenset({Panel.PANE}),
    ),
    Key(name="new-task", keys="n", shown="n", action="app.new_task", label="new", help="A new task", rank=4),
    Key(
        name="spawn-agent",
        keys="s",
        shown="s",
        action="app.spawn",
        label="spawn",
        help="Start an agent on the task under the cursor",
        rank=3,
    ),
    Key(
        name="attach-to-session",
        keys="a",
        shown="a",
        action="app.attach",
        label="attach",
        help="Take over the session's terminal in tmux; the key that leaves it is shown first",
        rank=5,
        panels=ON_SESSIONS,
    ),
    Key(
        name="message-session",
        keys="m",
        shown="m",
        action="app.message",
        label="message",
        help="Type a line to the session, or answer its question",
        rank=6,
        panels=ON_SESSIONS,
    ),
    Key(
        name="stop-session",
        keys="x,S",
        shown="x",
        action="app.stop",
        label="stop",
        help="Stop the session; what is lost is shown before",
        rank=8,
        panels=ON_SESSIONS,
    ),
    Key(
        name="next-needing-you",
        keys="w",
        shown="w",
        action="next_needing",
        label="next needing you",
        help="Go to the next session that waits for you",
        rank=7,
    ),
    Key(name="search-tasks", keys="slash", shown="/", action="search", label="search", help="Search the tasks", rank=6),
    Key(
        name="resume-session",
        keys="r",
        shown="r",
        action="app.resume",
        label="resume",
        help="Bring an ended session back with its conversation",
    ),
    Key(
        name="delete",
        keys="d",
        shown="d",
        action="app.delete",
        label="delete",
        help="Delete the task, or forget the ended session; what is lost is shown before",
    ),
    Key(
        name="wide-pane",
        keys="z",
        shown="z",
        action="zoom",
        label="wide",
        help="Give the pane the whole width, or give it back",
        rank=9,
        panels=frozenset({Panel.SESSIONS, Panel.PANE}),
    ),
    Key(name="next-panel", keys="tab", shown="Tab", action="next_panel", label="panels", help="The next panel", rank=7),
    Key(
        name="previous-panel",
        keys="shift+tab",
        shown="Shift+Tab",
        action="previous_panel",
        label="",
        help="The panel before",
    ),
    Key(name="mission", keys="1", shown="1", action="mission", label="Mission", help="The Mission screen"),
    Key(
        name="palette",
        keys="ctrl+p",
        shown="Ctrl+P",
        action="app.command_palette",
        label="palette",
        help="Every command, and search over tasks and sessions",
        rank=5,
    ),
    Key(
        name="reconnect",
        keys="ctrl+r",
        shown="Ctrl+R",
        action="reconnect",
        label="",
        help="Reconnect to the daemon now",
    ),
    Key(name="quit", keys="q", shown="q", action="app.quit", label="quit", help="Leave; agents go on working", rank=8),
    Key(name="help", keys="question_mark", shown="?", action="app.help", label="help", help="This help", rank=1),
    Key(
        name="down",
        keys="j,down",
        shown="j ↓",
        action="move(1)",
        label="",
        help="Down",
        place=Place.LISTS,
    ),
    Key(name="up", keys="k,up", shown="k ↑", action="move(-1)", label="", help="Up", place=Place.LISTS),
    Key(name="first", keys="g,home", shown="g", action="first", label="", help="To the first row", place=Place.LISTS),
    Key(name="last", keys="G,end", shown="G", action="last", label="", help="To the last row", place=Place.LISTS),
    Key(
        name="page-down", keys="pagedown", shown="PgDn", action="page(1)", label="", help="A page on", place=Place.LISTS
    ),
    Key(
        name="page-up", keys="pageup", shown="PgUp", action="page(-1)", label="", help="A page back", place=Place.LISTS
    ),
    Key(
        name="unfold", keys="l,right", shown="l →", action="unfold", label="", help="Show the branch", place=Place.TREE
    ),
    Key(name="fold", keys="h,left", shown="h ←", action="fold", label="", help="Hide the branch", place=Place.TREE),
    Key(
        name="pan-left",
        keys="h,left",
        shown="h ←",
        action="pan(-8, 0)",
        label="",
        help="Look further left",
        place=Place.PANE,
    ),
    Key(
        name="pan-right",
        keys="l,right",
        shown="l →",
        action="pan(8, 0)",
        label="",
        help="Look further right",
        place=Place.PANE,
    ),
    Key(
        name="pan-up", keys="k,up", shown="k ↑", action="pan(0, -1)", label="", help="Look further up", place=Place.PANE
    ),
    Key(
        name="pan-down",
        keys="j,down",
        shown="j ↓",
        action="pan(0, 1)",
        label="",
        help="Look further down",
        place=Place.PANE,
    ),
    Key(
        name="follow",
        keys="G,end",
        shown="G",
        action="follow",
        label="",
        help="Follow the agent's cursor again",
        place=Place.PANE,
    ),
)


def keys_in(place: Place) -> tuple[Key, ...]:
    """The keys that are heard there."""
    return tuple(key for key in KEYS if key.place is place)


def footer_keys(panel: Panel) -> tuple[Key, ...]:
    """What the footer offers under a panel, in the order of the table."""
    return tuple(key for key in KEYS if key.rank is not None and panel in key.panels)
