"""Keys that are typed ahead go where the keys before them lead."""

from textual.events import Key

from maestro_tui.bindings import Panel
from tests.support.world import World
from tests.tui.conftest import Seen, looking
from tests.tui.sample import fill


def type_ahead(seen: Seen, *keys: str) -> None:
    """As one read of the terminal has them: all there before the first is heard."""
    for key in keys:
        seen.app.post_message(Key(key, key if len(key) == 1 else None))


async def test_a_key_after_one_that_leads_to_a_list_is_that_lists(world: World) -> None:
    await fill(world)
    async with looking(world, (160, 48)) as seen:
        mission = seen.app.mission
        await seen.until(lambda: mission.spot.session is not None and mission.panel is Panel.SESSIONS, "a session")
        at = mission.lines(Panel.SESSIONS).key
        await seen.press("G")
        last = mission.lines(Panel.SESSIONS).key
        assert last != at
        type_ahead(seen, "1", "g", "j")
        tasks = mission.lines(Panel.TASKS)
        await seen.until(lambda: tasks._at == 1, "the second row of the tasks")
        assert mission.lines(Panel.SESSIONS).key == last
        assert mission.spot.subject is not None
        assert mission.spot.subject[1] == tasks.key


async def test_letters_after_the_key_that_searches_are_no_commands(world: World) -> None:
    await fill(world)
    async with looking(world, (160, 48)) as seen:
        mission = seen.app.mission
        await seen.until(lambda: mission.spot.session is not None, "a session")
        type_ahead(seen, "slash", "x", "q")
        await seen.until(lambda: mission._search.value == "xq", "one searches for it")
        assert seen.app.screen is mission
