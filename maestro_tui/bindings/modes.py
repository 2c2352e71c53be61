"""The screens by number: the one table that their keys, the palette, the help and the app are made from."""

import msgspec

from maestro_tui.bindings.key import ALL, Key, Panel, Place


class Mode(msgspec.Struct, frozen=True, kw_only=True):
    """One screen: its key, its names, the class that shows it, and the places whose keys it hears."""

    key: str
    name: str
    title: str
    words: str
    screen: str
    """``module:class``, imported when it is first shown."""
    places: tuple[Place, ...]
    label: str = ""
    """The word in the footers, for a screen that is about what is under the cursor."""


MODES: tuple[Mode, ...] = (
    Mode(
        key="0",
        name="inbox",
        title="Needs you",
        words="who waits for you, what is asked, and the answer",
        screen="maestro_tui.screens.inbox:Inbox",
        places=(Place.INBOX, Place.QUESTIONS, Place.LISTS),
    ),
    Mode(
        key="1",
        name="mission",
        title="Mission",
        words="tasks, sessions and the live pane together",
        screen="maestro_tui.screens.mission:Mission",
        places=(Place.MISSION, Place.LISTS, Place.TREE, Place.QUESTIONS, Place.PANE, Place.TYPING),
    ),
    Mode(
        key="2",
        name="board",
        title="Board",
        words="every task as a card in the column of its status",
        screen="maestro_tui.screens.board:Board",
        places=(Place.BOARD, Place.LISTS),
    ),
    Mode(
        key="3",
        name="sessions",
        title="Sessions",
        words="every agent, with live previews",
        screen="maestro_tui.screens.sessions:Sessions",
        places=(Place.SESSIONS, Place.LISTS),
    ),
    Mode(
        key="4",
        name="queue",
        title="Queue",
        words="what each queue works on, and what comes next",
        screen="maestro_tui.screens.queues:Queues",
        places=(Place.QUEUES, Place.LISTS),
    ),
    Mode(
        key="5",
        name="mail",
        title="Mail",
        words="who wrote what to whom, and how far it got",
        screen="maestro_tui.screens.mail:Mailbox",
        places=(Place.MAIL, Place.LISTS),
    ),
    Mode(
        key="6",
        name="graph",
        title="Graph",
        words="what waits for what, in layers, and the longest chain",
        screen="maestro_tui.screens.graph:Graph",
        places=(Place.GRAPH, Place.LISTS),
    ),
    Mode(
        key="7",
        name="history",
        title="History",
        words="every change, who made it, and taking it back",
        screen="maestro_tui.screens.history:History",
        places=(Place.HISTORY, Place.LISTS),
    ),
    Mode(
        key="9",
        name="skills",
        title="Skills & templates",
        words="what agents are given and told, and where it was found",
        screen="maestro_tui.screens.shelf:Shelves",
        places=(Place.SHELF, Place.LISTS),
    ),
    Mode(
        key="v",
        name="details",
        title="Details",
        words="all there is about one task or session, in tabs",
        screen="maestro_tui.screens.details:Details",
        places=(Place.DETAILS, Place.DIFF, Place.LISTS, Place.PANE),
        label="details",
    ),
)

FIRST = "mission"


def mode(name: str) -> Mode:
    """The screen of this name."""
    return next(each for each in MODES if each.name == name)


KEYS = tuple(
    Key(
        name=f"go-to-{each.name}",
        keys=each.key,
        shown=each.key,
        action=f"app.show('{each.name}')",
        label=each.label,
        rank=6 if each.label else None,
        panels=ALL - {Panel.DETAILS, Panel.DIFF},
        help=f"{each.title}: {each.words}",
    )
    for each in MODES
)
