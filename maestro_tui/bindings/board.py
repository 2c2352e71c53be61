"""Keys that are heard on the board."""

from maestro_tui.bindings.key import Key, Panel, Place

ON_BOARD = frozenset({Panel.BOARD})

KEYS = (
    Key(
        name="column-left",
        keys="h,left",
        shown="h ←",
        action="column(-1)",
        help="The column on the left",
        place=Place.BOARD,
    ),
    Key(
        name="column-right",
        keys="l,right",
        shown="l →",
        action="column(1)",
        help="The column on the right",
        place=Place.BOARD,
    ),
    Key(
        name="card-left",
        keys="H,shift+left",
        shown="H",
        action="carry(-1)",
        label="move left",
        help="Move the card to the column on the left",
        place=Place.BOARD,
        rank=4,
        panels=ON_BOARD,
    ),
    Key(
        name="card-right",
        keys="L,shift+right",
        shown="L",
        action="carry(1)",
        label="move right",
        help="Move the card to the column on the right",
        place=Place.BOARD,
        rank=3,
        panels=ON_BOARD,
    ),
    Key(
        name="block-card",
        keys="b",
        shown="b",
        action="block",
        label="block",
        help="Block the task, or unblock it",
        place=Place.BOARD,
        rank=6,
        panels=ON_BOARD,
    ),
    Key(
        name="filter-cards",
        keys="slash",
        shown="/",
        action="search",
        label="filter",
        help="Show only the cards that have these words",
        place=Place.BOARD,
        rank=5,
        panels=ON_BOARD,
    ),
    Key(
        name="cards-of-a-project",
        keys="p",
        shown="p",
        action="project",
        label="project",
        help="Show the cards of the next project alone; after the last those of all",
        place=Place.BOARD,
        rank=6,
        panels=ON_BOARD,
    ),
)
