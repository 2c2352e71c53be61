"""What the keys do in lists, in the tree of tasks, in the live pane, and in the list of questions."""

import asyncio

from maestro_tui.bindings import Panel
from maestro_tui.screens.small import Tell
from maestro_tui.view.tabs import Tab
from maestrod.domain.model import Noun
from tests.tui.walking.walk import Walk, does

# -- lists


async def with_rows(walk: Walk) -> None:
    """The main list has the keys, several rows, and the cursor on the first."""
    if walk.mode.name == "details":
        task = await walk.fresh(description="\n".join(f"line {n}" for n in range(40)))
        walk.app.show_details(Noun.TASK, task["id"])
        while walk.here.tab is not Tab.DETAILS:
            await walk.keys("l")
    if walk.mode.name == "inbox":
        await walk.question()
    if walk.mode.name == "queue":
        await walk.on_session()
        walk.here.side.focus()
    await walk.until(lambda: len(walk.rows) > 1, "there are several rows")
    walk.lines.focus()
    walk.lines.action_first()
    await walk.pilot.pause()


@does("down")
async def _down(walk: Walk) -> None:
    await with_rows(walk)
    await walk.press()
    await walk.until(lambda: walk.lines.key == walk.rows[1])


@does("up")
async def _up(walk: Walk) -> None:
    await with_rows(walk)
    await walk.keys("j")
    await walk.press()
    await walk.until(lambda: walk.lines.key == walk.rows[0])


@does("first")
async def _first(walk: Walk) -> None:
    await with_rows(walk)
    await walk.keys("G")
    await walk.press()
    await walk.until(lambda: walk.lines.key == walk.rows[0])


@does("last")
async def _last(walk: Walk) -> None:
    await with_rows(walk)
    await walk.press()
    await walk.until(lambda: walk.lines.key == walk.rows[-1])


@does("page-down")
async def _page_down(walk: Walk) -> None:
    await with_rows(walk)
    await walk.press()
    page = max(1, walk.lines.size.height // walk.lines._rows.height - 1)
    await walk.until(lambda: walk.lines.key == walk.rows[min(page, len(walk.rows) - 1)])


@does("page-up")
async def _page_up(walk: Walk) -> None:
    await with_rows(walk)
    await walk.keys("pagedown")
    await walk.press()
    await walk.until(lambda: walk.lines.key == walk.rows[0])


@does("open")
async def _open(walk: Walk) -> None:
    match walk.mode.name:
        case "mission":
            task = await walk.on_task()
            assert task is not None
            await walk.press()
            await walk.until(lambda: walk.here.panel is Panel.PANE, "the task is in the middle")
        case "board" | "sessions":
            subject = (await walk.on_task() or await walk.on_session() or {})["id"]
            await walk.press()
            await walk.until(lambda: walk.app.current_mode == "details", "its details are shown")
            assert walk.app.spot.subject is not None
            assert walk.app.spot.subject[1] == subject
        case "inbox":
            session = await walk.on_session()
            assert session is not None
            await walk.press()
            await walk.until(lambda: walk.app.current_mode == "mission", "its pane is shown")
            assert walk.app.spot.subject == (Noun.SESSION, session["id"])
        case "details":
            await _ticked(walk)
        case _:
            walk.here.list.focus()
            await walk.press()
            await walk.until(lambda: walk.app.focused is walk.here.side, "what is beside it has the keys")


async def _ticked(walk: Walk) -> None:
    task = await walk.fresh()
    await asyncio.to_thread(walk.town.post, f"/tasks/{task['id']}/subtasks", {"title": "dig"})
    walk.app.show_details(Noun.TASK, task["id"])
    while walk.here.tab is not Tab.SUBTASKS:
        await walk.keys("l")
    await walk.shows("dig")
    await walk.press()
    await walk.holds(f"/tasks/{task['id']}/subtasks", lambda items: items[0]["completed"])


@does("fold", "unfold")
async def _branch(walk: Walk) -> None:
    tree = walk.lines
    tree.focus()
    tree.point(walk.town.project)
    if walk.key.name == "unfold":
        await walk.keys("h")
    shown = len(walk.rows)
    await walk.press()
    sign = 1 if walk.key.name == "unfold" else -1
    await walk.until(lambda: (len(walk.rows) - shown) * sign > 0, "the branch is shown or hidden")
    if walk.key.name == "fold":
        await walk.keys("l")


# -- the live pane


@does("pan-left", "pan-right", "pan-up", "pan-down", "follow")
async def _pan(walk: Walk) -> None:
    if walk.mode.name == "mission":
        walk.here.go_to(Noun.SESSION, walk.town.ids["asker"])
        walk.here.action_panel("PANE")
        pane = walk.here.centre.live
    else:
        walk.app.show_details(Noun.SESSION, walk.town.ids["asker"])
        await walk.until(lambda: walk.here.spot.session is not None)
        walk.here._show_tab(Tab.SCREEN)
        pane = walk.here._pane
    await walk.until(lambda: pane._rows > pane.size.height and pane._width > pane.size.width, "more than is seen")
    pane.focus()
    pane.action_follow()
    before = {"pan-left": ["right"], "pan-down": ["up"], "follow": ["up", "up"]}.get(walk.key.name, [])
    await walk.keys(*before)
    await walk.differs(lambda: (pane._left, pane._first()))


# -- questions


@does("answer", "answer-yes", "answer-no")
async def _answer(walk: Walk) -> None:
    await walk.question()
    answers = {"y": "yes", "n": "no", "1": "yes", "2": "always", "3": "no"}
    asked = len(walk.town.shop.log("permission"))
    await walk.press()
    if walk.name not in answers:
        await walk.says(f"offers no “{walk.name}”", "1 Yes")
        return
    if walk.name == "2":
        await walk.says("Press 2 again")
        await walk.press()

    def answered() -> bool:
        log = walk.town.shop.log("permission")
        return len(log) > asked and log[-1]["answer"] == answers[walk.name]

    await walk.until(answered, f"the agent was answered {answers[walk.name]}")
    if answers[walk.name] == "no":
        await walk.holds(f"/sessions/{walk.town.ids['asker']}", lambda now: now["status"] == "idle", "its turn is over")


@does("answer-in-words")
async def _answer_in_words(walk: Walk) -> None:
    await walk.question()
    asked = len(walk.town.shop.log("permission"))
    await walk.opens(Tell, "Answer asker", "↵ send", "Do you want to proceed?")
    await walk.closes("1", "enter")
    await walk.until(lambda: len(walk.town.shop.log("permission")) > asked, "the agent has its answer")


# -- typing to an agent


@does("type-to-agent", "leave-live-mode")
async def _live_mode(walk: Walk) -> None:
    walk.here.go_to(Noun.SESSION, walk.town.ids["patient"])
    walk.here.action_panel("PANE")
    await walk.until(lambda: walk.app.focused is walk.here.centre.live, "its pane has the keys")
    typing = walk.key.name == "type-to-agent"
    await (walk.press() if typing else walk.keys("tab"))
    await walk.until(lambda: walk.here.typing, "every key goes to the agent")
    await (walk.keys("escape", "escape") if typing else walk.press("escape", "escape"))
    await walk.until(lambda: not walk.here.typing, "the keys are the screen's again")
