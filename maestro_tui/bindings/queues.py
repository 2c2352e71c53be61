"""Keys that are heard on Queue."""

from maestro_tui.bindings.key import Key, Panel, Place

ON_ITEMS = frozenset({Panel.ITEMS})
ON_QUEUES = frozenset({Panel.QUEUES, Panel.ITEMS})

KEYS = (
    Key(
        name="item-down",
        keys="J,shift+down",
        shown="J",
        action="carry(1)",
        label="later",
        help="Move the item down, so that it is handed out later",
        place=Place.QUEUES,
        rank=1,
        panels=ON_ITEMS,
        changes=True,
    ),
    Key(
        name="item-up",
        keys="K,shift+up",
        shown="K",
        action="carry(-1)",
        label="sooner",
        help="Move the item up, so that it is handed out sooner",
        place=Place.QUEUES,
        rank=1,
        panels=ON_ITEMS,
        changes=True,
    ),
    Key(
        name="push-task",
        keys="p",
        shown="p",
        action="push",
        label="push",
        help="Put tasks into the queue",
        place=Place.QUEUES,
        rank=2,
        panels=ON_QUEUES,
    ),
    Key(
        name="skip-item",
        keys="d",
        shown="d",
        action="skip",
        label="skip",
        help="Leave the item out; what becomes of its task is shown before",
        place=Place.QUEUES,
        rank=3,
        panels=ON_ITEMS,
    ),
    Key(
        name="pause-queue",
        keys="space",
        shown="Space",
        action="pause",
        label="pause",
        help="Hand out nothing more, or go on handing out",
        place=Place.QUEUES,
        rank=3,
        panels=ON_QUEUES,
        changes=True,
    ),
    Key(
        name="filter-queues",
        keys="slash",
        shown="/",
        action="search",
        label="filter",
        help="Show only the queues whose session has these words",
        place=Place.QUEUES,
        rank=6,
        panels=ON_QUEUES,
    ),
)
