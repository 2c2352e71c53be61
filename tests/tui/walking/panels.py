"""What the keys do that give panels room."""

from tests.tui.walking.walk import Walk, does


def sizes(walk: Walk) -> list[tuple[int, int]]:
    """Of the panels that have a line which can be moved."""
    return [seam.widget.region.size for seam in walk.here.seams()]


@does("wider-panel", "narrower-panel", "higher-panel", "lower-panel")
async def _room(walk: Walk) -> None:
    if not walk.here.seams():
        await walk.press()
        await walk.says("Nothing can be moved here")
        return
    await walk.differs(lambda: sizes(walk))
    walk.here.action_even_out()


@does("panels-as-shipped")
async def _as_shipped(walk: Walk) -> None:
    shipped = sizes(walk)
    await walk.keys("greater_than_sign")
    await walk.until(lambda: not shipped or sizes(walk) != shipped, "the panel has more room")
    await walk.press()
    await walk.until(lambda: sizes(walk) == shipped, "it has what it had")
