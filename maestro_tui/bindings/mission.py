"""Keys that are heard on Mission alone."""

from maestro_tui.bindings.key import MISSION, Key, Panel, Place

KEYS = (
    Key(
        name="search-tasks",
        keys="slash",
        shown="/",
        action="search",
        label="search",
        help="Search the tasks",
        place=Place.MISSION,
        rank=6,
        panels=frozenset(MISSION),
    ),
    Key(
        name="wide-pane",
        keys="z",
        shown="z",
        action="zoom",
        label="wide",
        help="Give the pane the whole width, or give it back",
        place=Place.MISSION,
        rank=9,
        panels=frozenset({Panel.SESSIONS, Panel.PANE}),
    ),
)
