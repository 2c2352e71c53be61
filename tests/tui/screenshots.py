"""Pictures of the screens and the page of its keys, for docs/: ``python -m tests.tui.screenshots``."""

import asyncio
from pathlib import Path

from maestro_tui import faces
from maestro_tui.bindings import KEYS, Place
from maestrod.domain.model import Noun
from tests.support.world import World
from tests.tui.conftest import looking
from tests.tui.sample import fill

DOCS = Path(__file__).parents[2] / "docs"
SIZES = ((60, 20), (80, 24), (120, 40), (200, 60))

HEAD = """\
# The screen

`maestro tui` shows every agent live: who needs you, what is moving, what is stuck. It works from 60×20 up, over SSH and
inside tmux, and needs no mouse.

![Mission at 120×40](screens/mission-120x40.svg)

* **Tasks**: projects and their tasks as a tree; open work first, `!` is high and `!!` critical.
* **Sessions**: those that need you, then the other live ones, then those that ended last.
* **The middle**: the pane of the session under the cursor as it is drawn now, never resized by looking at it; or all
  that is known of the task under the cursor. `z` gives it the whole width.
* **Needs you**: who asks what, the longest waiting first. `m` answers: the question's own screen is shown, and read
  again right before the answer is sent; when it has changed, nothing is sent.
* **Queue** and **Timeline** of what is in the middle.

Under 100 columns there are two columns, under 80 one panel at a time (`Tab` goes through them). When the daemon cannot
be reached, a line counts down to the next try, everything stays readable, and on its return nothing is missing.
`NO_COLOR` is respected; every state has a glyph and a word. What went wrong inside the screen is in `tui.log`, beside
the daemon's log.

## Keys
Made from the one table that the footer, the help (`?`) and the palette (`Ctrl+P`) are made from.
"""


def page() -> str:
    """The page of the screen."""
    lines = [HEAD]
    for place in Place:
        lines += [f"\n{place.value.capitalize()}:\n", "| key | what it does |", "| --- | --- |"]
        lines += [f"| `{key.shown}` | {key.help} |" for key in KEYS if key.place is place]
    tasks = (faces.READY, faces.WAITS, *faces.TASKS.values())
    sessions = (faces.NEEDS_YOU, faces.UNREACHABLE, *faces.SESSIONS.values())
    lines += ["\n## Signs\n", "| | |", "| --- | --- |"]
    for noun, signs in (("tasks", tasks), ("sessions", sessions)):
        lines.append(f"| {noun} | {' · '.join(f'{face.glyph} {face.word}' for face in signs)} |")
    return "\n".join(lines) + "\n"


async def picture(size: tuple[int, int]) -> str:
    """The SVG of Mission at a size."""
    async with World() as world:
        sample = await fill(world)
        async with looking(world, size) as seen:
            await seen.until(lambda: seen.app.mission.spot.subject is not None)
            seen.app.mission.go_to(Noun.SESSION, sample.fix)
            await seen.until(lambda: world.watched == [sample.fix])
            await seen.until(lambda: "Tidying" in seen.text or size[0] < 80)
            return seen.app.export_screenshot(title=f"maestro tui, {size[0]}x{size[1]}")


async def main() -> None:
    """Write all of them."""
    (DOCS / "screens").mkdir(exist_ok=True)
    (DOCS / "screen.md").write_text(page(), encoding="utf-8")
    for size in SIZES:
        svg = await picture(size)
        (DOCS / "screens" / f"mission-{size[0]}x{size[1]}.svg").write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main())
