"""Keys that are heard in the details of a task or session."""

from maestro_tui.bindings.key import Key, Panel, Place

IN_DETAILS = frozenset({Panel.DETAILS, Panel.DIFF})

KEYS = (
    Key(
        name="next-tab",
        keys="l,right,tab",
        shown="l →",
        action="tab(1)",
        label="next tab",
        help="The next tab",
        place=Place.DETAILS,
        rank=2,
        panels=IN_DETAILS,
    ),
    Key(
        name="tab-before",
        keys="h,left,shift+tab",
        shown="h ←",
        action="tab(-1)",
        label="tab before",
        help="The tab before",
        place=Place.DETAILS,
        rank=4,
        panels=IN_DETAILS,
    ),
    Key(
        name="read-again",
        keys="f5",
        shown="F5",
        action="read_again",
        help="Read the tab again: the diff, the explanation, the checks, the mail",
        place=Place.DETAILS,
    ),
)
