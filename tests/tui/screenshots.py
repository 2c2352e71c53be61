"""Pictures of the screens and the page of its keys, for docs/: ``python -m tests.tui.screenshots``."""

import asyncio
import sys
import textwrap
from collections.abc import Awaitable, Callable
from pathlib import Path

from maestro_tui import faces
from maestro_tui.bindings import KEYS, MODES, Place
from maestrod.domain.model import Noun
from tests.support.world import World
from tests.tui.conftest import Seen, looking
from tests.tui.sample import Sample, fill, write

DOCS = Path(__file__).parents[2] / "docs"
SIZE = (120, 40)
SHEETS = ("mission", "inbox", "board", "sessions", "queue", "mail", "graph", "history", "skills", "task", "session")
"""Those of the contact sheets that the page names; ``contact_sheet`` makes them."""

HEAD = """\
# The screen

`maestro tui` shows every agent live: who needs you, what is moving, what is stuck. It works from 60×20 up, over SSH and
inside tmux, and needs no mouse.

| key | screen | what for |
| --- | --- | --- |
SCREENS

A screen stands as it was left when one comes back to it; `Esc` goes back. `Ctrl+O` lists the screens: in the list of
questions, where digits answer, it is the way to the others.

## Mission
![Mission at 120×40](screens/mission-120x40.svg)

* **Tasks**: projects and their tasks as a tree; open work first, `!` is high and `!!` critical.
* **Sessions**: those that need you, then the other live ones, then those that ended last.
* **The middle**: the pane of the session under the cursor as it is drawn now, never resized by looking at it; or all
  that is known of the task under the cursor. `z` gives it the whole width.
* **Needs you**: who asks what, the longest waiting first, answered in place as on the screen of that name.
* **Queue** and **Timeline** of what is in the middle.

`P` makes a project of a directory, `n` a task with its checklist and what it waits for; `e` changes the task under the
cursor, and sends only what was changed. `s` starts an agent on it. What you typed for a new task, an agent, a letter or
a comment is there again when you left with `Esc` and come back for the same; it is forgotten when you leave the screen.

### Live mode
`↵` on a session, then `Tab`: now you type in its terminal (everywhere else `Tab` goes to the next list, and past a live
pane). The border says `LIVE`, the footer that every key goes to the agent, `Ctrl+C`, `Ctrl+Q`, arrows and what you
paste among them; `Esc Esc`, or a click elsewhere, leaves. One `Esc` is the agent's, half a second later. If you would
rather have every `Esc` go through at once, give the way out a key of its own: `keys = { leave-live-mode = "ctrl+g" }`.

What you type is sent once and in order, and Maestro keeps none of it. When the daemon is lost or the agent ends, live
mode ends, too: it says how many keys were not delivered, sends none of them later, and no key does anything else before
you have left that message with `Esc`. `a` gives you the terminal itself; the keys that bring you back are shown first,
those for the inside of a tmux of your own as well.

## Needs you
![Needs you at 120×40](screens/inbox-120x40.svg)

Who waits for a person, the longest first: the kind of question (permission, question, trust, login), its words, its
choices, and since when. `1`–`9` gives the choice of that number, `y` says yes for this once, `n` says no, and `i` types
an answer in words. The dialog is read again right before anything is typed: when another one is open by then, nothing
is sent, and the new one is shown. While nobody asks, digits lead to other screens; what comes meanwhile is answered by
one only when it is pressed again. Below stand those whose turn is over and that nobody has looked at since
(`◎ unseen`); `↵` opens them.

## Board
![The board at 120×40](screens/board-120x40.svg)

Every task as a card: its title, who works on it or what it waits for, its checks, tasks below it and labels. `h` `l` go
through the columns, `H` `L` move the card to the next one, `b` blocks it; that is the command itself, so what the rules
forbid is refused with the reason. `/` filters all columns, `p` shows one project alone, `u` takes the last move back.

## Sessions
![Sessions at 120×40](screens/sessions-120x40.svg)

Every agent in a list, those first that need attention, or as the tree of who started whom (`o`); beside it as many live
previews as there is room for. The one under the cursor is drawn ten times a second, the others once; looking at a pane
never resizes it.

## Details
![Details at 120×40](screens/details-120x40.svg)

`v` shows all there is about the task or session under the cursor, in tabs: of a task its details, subtasks (`↵` ticks
one), sessions, timeline, documents and checks; of a session its screen, timeline, tasks, queue, mail, the explanation
of its state, and what it changed in its worktree. `↵` goes on from a task to its sessions and back, `Esc` takes the
same way home.

The diff is walked through by line, hunk (`J` `K`) and file (`L` `H`). `c` comments on a line, on a file, or on lines
marked with `Space`; comments stand below their lines and are listed at the top, `e` changes one, `d` deletes it.
`Ctrl+S` sends all of them to the session as one prompt, each with its file, its line and the line itself. What was not
sent is kept, also until the next time.

## Queue
![Queue at 120×40](screens/queue-120x40.svg)

The sessions that have a queue, how far each is and whether it hands out; beside it what one works on, what comes next
in its order, and what is over. `J` and `K` move an item, `p` puts tasks in, `d` leaves one out, `Space` pauses the
queue or lets it go on, `↵` opens the task.

## Mail
![Mail at 120×40](screens/mail-120x40.svg)

Who wrote what to whom, thread by thread, the newest first; beside it the letters of one thread, and under each how far
it got with every receiver, by which way, and why no further: `queued`, `held`, `surfaced`, `read`, `acked`, `bounced`,
`expired`. `r` answers, `c` writes to a session or to all of a project, `e` says that it is dealt with, `o` shows only
what is unread, `/` filters. What you look at stays unread: that is for its receivers to say.

## Graph
![Graph at 120×40](screens/graph-120x40.svg)

The open tasks of a project in layers: what waits for nothing, what waits for that, and so on; last what is stuck,
because it waits for what was given up. `◆` marks the critical path, the longest chain. Beside it what one task waits
for and what it frees: `↵` walks along. `c` shows the chain alone, `o` the tasks that nothing is tied to, `p` the next
project.

## History
![History at 120×40](screens/history-120x40.svg)

Every commit, the newest first: what was done to what, by whom, when. Beside it what it changed and what was asked for;
`t` shows all tasks and sessions as they were right after it, and follows the cursor through time. `f` keeps to who did
it, `e` to the thing it touched, `/` to words. What follows by itself, turns, starts and deliveries, is left out until
`c` shows it. `u` takes the commit back after showing what that does; when it cannot
be, the reason stays on the screen.

## Skills & templates
![Skills & templates at 120×40](screens/skills-120x40.svg)

Templates, and the skills of every place with what hides what: later places win. Beside it the text. `e` opens a
template in your editor; when its new text is refused, the reason is told and the draft is kept. `r` gives it back the
text that is shipped, `p` shows the skills that the next project sees.

## Everywhere
Under 100 columns there are two columns, under 80 panels stand one over the other or come one at a time (`Tab` goes
through them), under 60 there is one list. `>` and `<` widen and narrow the panel that has the keys, `+` and `-` give it
lines and take them; a line between panels can be dragged. That is remembered, until `=` gives all panels of the screen
the room that they are shipped with.

When the daemon cannot be reached, a line counts down to the next try, everything stays readable, and on its return
nothing is missing. `NO_COLOR` is respected; every state has a glyph and a word. What went wrong inside the screen is in
`tui.log`, beside the daemon's log.

SHEETS

## What you are told
Who needs you, crashed, failed, is blocked, waits for a review or has completed, and mail of yours that came back: by a
toast and the bell, and when nobody looks at the screen also by a notification of your terminal (OSC 9 or 777, through
tmux) and by a program of yours. What you look at is not told, a burst is told in one sentence, and in quiet hours it is
told silently. Back after ten minutes without the focus, you are told what happened while you were away; `N` shows all
that happened lately. [Which, how and when](configuration.md#the-screen) is yours to choose.

Within tmux two of its options are needed: `set -g focus-events on`, by which the screen knows that you are away, and
`set -g allow-passthrough on` for the terminal's notifications.

## Preferences
`--theme`, or the palette, chooses one of four themes: `dark`, `light`, `contrast`, `ember`; the last choice is
remembered. The table `[tui]` of `config.toml` has the rest:

```toml
[tui]
theme = "ember"
strict = true            # what changes something at once is heard with Alt, and y confirms nothing
reduced_motion = true
keys = { quit = "ctrl+x", new-task = "f4" }     # by the names of the palette, with hyphens
```

[All of them](configuration.md#the-screen). What cannot be used is told, and the rest holds.

## Keys
Made from the one table that the footer, the help (`?`) and the palette (`Ctrl+P`) are made from.
"""


def page() -> str:
    """The page of the screen."""
    sheets = ", ".join(f"[{name}](screens/sheets/{name}.svg)" for name in SHEETS)
    told = f"Each screen in every size, dark and light, empty, with little in it, and with 100,000 tasks: {sheets}."
    head = HEAD.replace("SHEETS", textwrap.fill(told, 120, break_long_words=False, break_on_hyphens=False))
    lines = [head.replace("SCREENS", "\n".join(f"| `{m.key}` | **{m.title}** | {m.words} |" for m in MODES))]
    for place in (Place.EVERYWHERE, *(place for place in Place if place is not Place.EVERYWHERE)):
        keys = [key for key in KEYS if key.place is place]
        if keys:
            heading = place.value[:1].upper() + place.value[1:]
            lines += [f"\n{heading}:\n", "| key | what it does |", "| --- | --- |"]
            lines += [f"| `{key.shown}` | {key.help} |" for key in keys]
    tasks = (faces.READY, faces.WAITS, *faces.TASKS.values())
    sessions = (faces.NEEDS_YOU, faces.UNSEEN, faces.UNREACHABLE, *faces.SESSIONS.values())
    lines += ["\n## Signs\n", "| | |", "| --- | --- |"]
    for noun, signs in (("tasks", tasks), ("sessions", sessions)):
        lines.append(f"| {noun} | {' · '.join(f'{face.glyph} {face.word}' for face in signs)} |")
    return "\n".join(lines) + "\n"


Pose = Callable[[Seen, World, Sample], Awaitable[None]]


async def on_mission(seen: Seen, world: World, sample: Sample) -> None:
    """An agent at work, live."""
    seen.app.mission.go_to(Noun.SESSION, sample.fix)
    await seen.until(lambda: world.watched == [sample.fix])
    await seen.until(lambda: "Tidying" in seen.text or seen.app.size.width < 80)


async def on_inbox(seen: Seen, _world: World, _sample: Sample) -> None:
    """The question that has waited longest."""
    await seen.press("0")
    await seen.shows("1 Yes", "npm test")


async def on_board(seen: Seen, _world: World, sample: Sample) -> None:
    """A card that is worked on."""
    await seen.press("2")
    await seen.shows("To do 7")
    seen.app.here.go_to(Noun.TASK, sample.login)
    await seen.shows("fix-login")


async def on_sessions(seen: Seen, world: World, sample: Sample) -> None:
    """Everybody at work."""
    await world.draw(sample.docs, "\n".join(f"  refunds.md: line {n}" for n in range(30)), cursorY=29)
    await seen.press("3")
    await seen.until(lambda: sample.api in world.watched)
    await seen.shows("Run `npm test`?")


async def on_details(seen: Seen, _world: World, sample: Sample) -> None:
    """A task."""
    seen.app.show_details(Noun.TASK, sample.login)
    await seen.shows("Accepted when", "50 runs in a row")


async def on_queue(seen: Seen, _world: World, _sample: Sample) -> None:
    """A queue that is worked on."""
    await seen.press("4")
    await seen.shows("tidy-up", "1/3")
    await seen.press("enter", "j")


async def on_mail(seen: Seen, world: World, sample: Sample) -> None:
    """A thread with an answer."""
    await write(world, sample)
    await seen.press("5")
    await seen.shows("Which port", "all 4 of shop-api")
    await seen.press("j", "enter")
    await seen.shows("8081")


async def on_graph(seen: Seen, _world: World, sample: Sample) -> None:
    """A task of the longest chain."""
    await seen.press("6")
    await seen.shows("Layer 2")
    seen.app.here.go_to(Noun.TASK, sample.login)
    await seen.shows("Frees 1")


async def on_history(seen: Seen, _world: World, _sample: Sample) -> None:
    """A commit with what it changed."""
    await seen.press("7")
    await seen.shows("report", "Commit")
    await seen.press("slash", *"start task", "enter")
    await seen.shows("Asked for", "found in")


async def on_skills(seen: Seen, _world: World, _sample: Sample) -> None:
    """The worker's template."""
    await seen.press("9")
    await seen.shows("Templates", "in use")


POSES: dict[str, Pose] = {
    "mission": on_mission,
    "inbox": on_inbox,
    "board": on_board,
    "sessions": on_sessions,
    "details": on_details,
    "queue": on_queue,
    "mail": on_mail,
    "graph": on_graph,
    "history": on_history,
    "skills": on_skills,
}
"""How each screen sits for its picture."""


async def picture(name: str) -> str:
    """The SVG of a screen."""
    async with World() as world:
        sample = await fill(world)
        async with looking(world, SIZE) as seen:
            await seen.until(lambda: seen.app.mission.spot.subject is not None)
            await seen.until(lambda: seen.app.desk.asking.dialogs)
            await POSES[name](seen, world, sample)
            return seen.app.export_screenshot(title=f"maestro tui, {SIZE[0]}x{SIZE[1]}")


async def main() -> None:
    """Write all of them, or those whose names are given."""
    (DOCS / "screens").mkdir(exist_ok=True)
    (DOCS / "screen.md").write_text(page(), encoding="utf-8")
    for name in sys.argv[1:] or POSES:
        svg = await picture(name)
        (DOCS / "screens" / f"{name}-{SIZE[0]}x{SIZE[1]}.svg").write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main())
