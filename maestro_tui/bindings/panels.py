"""Keys that give panels more room and less, on every screen."""

from maestro_tui.bindings.key import Key

KEYS = (
    Key(
        name="wider-panel",
        keys="greater_than_sign",
        shown=">",
        action="resize(1, True)",
        help="Widen the panel; where it stands over another it gets more lines. A line between panels can be dragged",
    ),
    Key(
        name="narrower-panel",
        keys="less_than_sign",
        shown="<",
        action="resize(-1, True)",
        help="Narrow the panel, or take lines from it",
    ),
    Key(
        name="higher-panel",
        keys="plus",
        shown="+",
        action="resize(1, False)",
        help="Give the panel more lines, or widen it where nothing stands below",
    ),
    Key(
        name="lower-panel",
        keys="minus",
        shown="-",
        action="resize(-1, False)",
        help="Take lines from the panel, or narrow it",
    ),
    Key(
        name="panels-as-shipped",
        keys="equals_sign",
        shown="=",
        action="even_out",
        help="Give all panels of the screen the room that they are shipped with",
    ),
)
