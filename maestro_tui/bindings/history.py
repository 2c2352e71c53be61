"""Keys that are heard on History."""

from maestro_tui.bindings.key import Key, Panel, Place

ON_HISTORY = frozenset({Panel.HISTORY, Panel.COMMIT})

KEYS = (
    Key(
        name="undo-commit",
        keys="u",
        shown="u",
        action="undo_commit",
        label="take back",
        help="Take the commit under the cursor back; what that changes is shown before",
        place=Place.HISTORY,
        rank=1,
        panels=ON_HISTORY,
    ),
    Key(
        name="state-then",
        keys="t",
        shown="t",
        action="then",
        label="state then",
        help="Show all tasks and sessions as they were right after the commit, or its changes again",
        place=Place.HISTORY,
        rank=2,
        panels=ON_HISTORY,
    ),
    Key(
        name="all-commits",
        keys="c",
        shown="c",
        action="all_commits",
        label="all",
        help="Show turns, starts and deliveries too, or only what somebody did",
        place=Place.HISTORY,
        rank=3,
        panels=ON_HISTORY,
    ),
    Key(
        name="only-this-actor",
        keys="f",
        shown="f",
        action="only_actor",
        label="who",
        help="Show only what the same actor did, or all again",
        place=Place.HISTORY,
        rank=4,
        panels=ON_HISTORY,
    ),
    Key(
        name="only-this-thing",
        keys="e",
        shown="e",
        action="only_thing",
        label="what",
        help="Show only what happened to the same thing, or all again",
        place=Place.HISTORY,
        rank=5,
        panels=ON_HISTORY,
    ),
    Key(
        name="filter-history",
        keys="slash",
        shown="/",
        action="search",
        label="filter",
        help="Show only the commits that have these words",
        place=Place.HISTORY,
        rank=6,
        panels=ON_HISTORY,
    ),
)
