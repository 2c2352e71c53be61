"""Keys that are heard on Skills & templates."""

from maestro_tui.bindings.key import Key, Panel, Place

ON_SHELF = frozenset({Panel.SHELF, Panel.TEXT})

KEYS = (
    Key(
        name="edit-template",
        keys="e",
        shown="e",
        action="edit",
        label="edit",
        help="Change the template in your editor ($VISUAL or $EDITOR)",
        place=Place.SHELF,
        rank=1,
        panels=ON_SHELF,
    ),
    Key(
        name="reset-template",
        keys="r",
        shown="r",
        action="reset",
        label="reset",
        help="Give the template back the text that is shipped; what is lost is shown before",
        place=Place.SHELF,
        rank=2,
        panels=ON_SHELF,
    ),
    Key(
        name="skills-of-a-project",
        keys="p",
        shown="p",
        action="project",
        label="project",
        help="Show the skills that the next project sees",
        place=Place.SHELF,
        rank=4,
        panels=ON_SHELF,
    ),
    Key(
        name="read-skills-again",
        keys="f5",
        shown="F5",
        action="read_again",
        help="Read skills and templates again",
        place=Place.SHELF,
    ),
    Key(
        name="filter-shelf",
        keys="slash",
        shown="/",
        action="search",
        label="filter",
        help="Show only what has these words",
        place=Place.SHELF,
        rank=6,
        panels=ON_SHELF,
    ),
)
