"""Keys that are heard in lists, in the tree of tasks, in the live pane, and while one types in it."""

from maestro_tui.bindings.key import ALL, Key, Panel, Place

LISTS = (
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
    Key(name="down", keys="j,down", shown="j ↓", action="move(1)", help="Down", place=Place.LISTS),
    Key(name="up", keys="k,up", shown="k ↑", action="move(-1)", help="Up", place=Place.LISTS),
    Key(name="first", keys="g,home", shown="g", action="first", help="To the first row", place=Place.LISTS),
    Key(name="last", keys="G,end", shown="G", action="last", help="To the last row", place=Place.LISTS),
    Key(name="page-down", keys="pagedown", shown="PgDn", action="page(1)", help="A page on", place=Place.LISTS),
    Key(name="page-up", keys="pageup", shown="PgUp", action="page(-1)", help="A page back", place=Place.LISTS),
)

TREE = (
    Key(name="unfold", keys="l,right", shown="l →", action="unfold", help="Show the branch", place=Place.TREE),
    Key(name="fold", keys="h,left", shown="h ←", action="fold", help="Hide the branch", place=Place.TREE),
)

PANE = (
    Key(name="pan-left", keys="h,left", shown="h ←", action="pan(-8, 0)", help="Look further left", place=Place.PANE),
    Key(name="pan-right", keys="l,right", shown="l →", action="pan(8, 0)", help="Look further right", place=Place.PANE),
    Key(name="pan-up", keys="k,up", shown="k ↑", action="pan(0, -1)", help="Look further up", place=Place.PANE),
    Key(name="pan-down", keys="j,down", shown="j ↓", action="pan(0, 1)", help="Look further down", place=Place.PANE),
    Key(
        name="follow",
        keys="G,end",
        shown="G",
        action="follow",
        help="Follow the agent's cursor again",
        place=Place.PANE,
    ),
)

TYPING = (
    Key(
        name="type-to-agent",
        keys="tab",
        shown="Tab",
        action="screen.type",
        label="type",
        help="Live mode: type to the agent; every key goes to it, but the one that leaves",
        place=Place.TYPING,
        rank=1,
        panels=frozenset({Panel.PANE}),
    ),
    Key(
        name="leave-live-mode",
        keys="escape",
        shown="Esc Esc",
        action="screen.stop_typing",
        help="Leave live mode; Esc alone goes to the agent, unless another key leaves",
        place=Place.TYPING,
    ),
)

KEYS = (*LISTS, *TREE, *PANE, *TYPING)
