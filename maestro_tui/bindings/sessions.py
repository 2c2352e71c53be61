"""Keys that are heard on Sessions."""

from maestro_tui.bindings.key import Key, Panel, Place

KEYS = (
    Key(
        name="order-of-sessions",
        keys="o",
        shown="o",
        action="order",
        label="order",
        help="Order them by attention, or by who started whom",
        place=Place.SESSIONS,
        rank=4,
        panels=frozenset({Panel.CREW}),
    ),
)
