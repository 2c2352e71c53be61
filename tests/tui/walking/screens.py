"""What the keys do that one screen alone hears."""

import asyncio
from collections.abc import Callable
from typing import Any

from textual.widgets import Input

from maestro_tui.screens.letter import Write
from maestro_tui.screens.queues import Push
from maestro_tui.screens.small import Question
from maestro_tui.view.history import is_routine
from maestro_tui.view.tabs import Tab
from maestrod.domain.model import Noun
from tests.tui.walking.everywhere import named
from tests.tui.walking.walk import Walk, does


async def filtered(walk: Walk, words: str, probe: Callable[[], object]) -> None:
    """The key takes words, only what has them is shown, and Esc shows all again."""
    before = len(walk.rows)
    await walk.press()
    await walk.until(lambda: isinstance(walk.app.focused, Input), "words can be typed")
    await walk.keys(*words)
    await walk.until(probe, f"only what has {words} is shown, not {walk.rows}")
    await walk.keys("escape")
    await walk.until(lambda: len(walk.rows) >= before, "all are shown again")


# -- Mission


@does("search-tasks")
async def _search_tasks(walk: Walk) -> None:
    task = await walk.fresh()
    await filtered(walk, task["title"], lambda: walk.rows == [task["id"]])


@does("wide-pane")
async def _wide_pane(walk: Walk) -> None:
    await walk.press()
    await walk.until(lambda: walk.here.has_class("-wide") and walk.here.centre.size.width > 90)
    await walk.press()
    await walk.until(lambda: not walk.here.has_class("-wide"))


# -- the board


@does("column-left", "column-right")
async def _column(walk: Walk) -> None:
    if walk.key.name == "column-left":
        await walk.keys("l")
    at = walk.here._at
    await walk.press()
    await walk.until(lambda: walk.here._at == at + (1 if walk.key.name == "column-right" else -1))


@does("card-right")
async def _card_right(walk: Walk) -> None:
    task = await walk.on_task()
    assert task is not None
    await walk.press()
    await walk.holds(f"/tasks/{task['id']}", lambda now: now["status"] == "in_progress")
    await walk.until(lambda: walk.here._at == 1 and walk.lines.key == task["id"], "the cursor goes with it")


@does("card-left")
async def _card_left(walk: Walk) -> None:
    task = await walk.fresh()
    for verb in ("start", "review"):
        await asyncio.to_thread(walk.town.post, f"/tasks/{task['id']}/{verb}", {})
    await walk.until(lambda: walk.here.go_to(Noun.TASK, task["id"]) and walk.here._at == 2)
    await walk.press()
    await walk.holds(f"/tasks/{task['id']}", lambda now: now["status"] == "in_progress")


@does("block-card")
async def _block_card(walk: Walk) -> None:
    task = await walk.on_task()
    assert task is not None
    for status in ("blocked", "todo"):
        await walk.press()
        await walk.holds(f"/tasks/{task['id']}", lambda now, status=status: now["status"] == status)  # type: ignore[misc]
        await walk.until(lambda: walk.app.spot.subject == (Noun.TASK, task["id"]) and walk.lines.key == task["id"])


@does("filter-cards")
async def _filter_cards(walk: Walk) -> None:
    task = await walk.on_task()
    assert task is not None
    await filtered(walk, task["title"], lambda: walk.rows == [task["id"]])


async def by_project(walk: Walk, *, all_first: bool) -> None:
    """The key goes through the projects by name, and where it begins with all of them it comes back to that."""
    names = sorted(project["name"] for project in await asyncio.to_thread(walk.town.get, "/projects"))
    rounds = [*names, "all projects"] if all_first else names[1:] + names[:1]
    for name in rounds:
        await walk.press()
        await walk.shows(f"▸ {name}")


@does("cards-of-a-project", "mail-of-a-project")
async def _of_a_project(walk: Walk) -> None:
    walk.here._project_id = ""
    walk.here.redraw()
    await by_project(walk, all_first=True)


@does("graph-of-a-project", "skills-of-a-project")
async def _next_project(walk: Walk) -> None:
    names = sorted(project["name"] for project in await asyncio.to_thread(walk.town.get, "/projects"))
    for _ in range(len(names) + 1):
        if f"▸ {names[0]}" in walk.text:
            break
        await walk.keys("p")
    await by_project(walk, all_first=False)


# -- Sessions and details


@does("order-of-sessions")
async def _order(walk: Walk) -> None:
    await walk.shows("by attention")
    await walk.press()
    await walk.shows("by parents")
    await walk.press()
    await walk.shows("by attention")


@does("next-tab", "tab-before")
async def _another_tab(walk: Walk) -> None:
    at = walk.here.tabs.index(walk.here.tab)
    step = 1 if walk.key.name == "next-tab" else -1
    await walk.press()
    await walk.until(lambda: walk.here.tab is walk.here.tabs[(at + step) % len(walk.here.tabs)])


@does("read-again")
async def _read_again(walk: Walk) -> None:
    task = await walk.fresh()
    walk.app.show_details(Noun.TASK, task["id"])
    while walk.here.tab is not Tab.CHECKS:
        await walk.keys("l")
    await walk.shows("no checks")
    command = named("test -d")
    await asyncio.to_thread(walk.town.post, f"/tasks/{task['id']}/checks", {"check": command})
    await walk.press()
    await walk.shows(command)


# -- Queue


async def on_item(walk: Walk, at: int) -> str:
    """Put the cursor on an item of the queue; its id."""
    await walk.on_session()
    walk.here.side.focus()
    item = next(item for item in (await asyncio.to_thread(walk.town.items))[at:] if item["status"] == "queued")
    await walk.until(lambda: walk.here.side.point(item["id"]) or walk.here.side.key == item["id"])
    await walk.until(lambda: walk.here.item is not None and walk.here.item.id == item["id"])
    return str(item["id"])


def place(items: list[dict[str, Any]], id_: str) -> int:
    """Where it stands among those to come."""
    return [item["id"] for item in items if item["status"] == "queued"].index(id_)


@does("item-down", "item-up")
async def _carry_item(walk: Walk) -> None:
    id_ = await on_item(walk, 2)
    before = place(await asyncio.to_thread(walk.town.items), id_)
    step = 1 if walk.key.name == "item-down" else -1
    await walk.press()
    path = f"/sessions/{walk.town.ids['builder']}/queue/items"
    await walk.holds(path, lambda items: place(items, id_) == before + step, f"from {before} by {step}")


@does("push-task")
async def _push_task(walk: Walk) -> None:
    task = await walk.fresh(priority="critical")
    await walk.on_session()
    await walk.opens(Push, "Into the queue of builder", "Ctrl+S push")
    marks = walk.app.screen.query_one("#tasks-chosen")
    marks.point(task["id"])  # type: ignore[attr-defined]
    await walk.closes("space", "ctrl+s")
    path = f"/sessions/{walk.town.ids['builder']}/queue/items"
    await walk.holds(path, lambda items: task["id"] in [item["taskId"] for item in items])


@does("skip-item")
async def _skip_item(walk: Walk) -> None:
    id_ = await on_item(walk, 4)
    await walk.opens(Question, "Skip “", "y skip it")
    await walk.closes("y")
    path = f"/sessions/{walk.town.ids['builder']}/queue/items"
    await walk.holds(path, lambda items: {i["id"]: i["status"] for i in items}[id_] == "skipped")


@does("pause-queue")
async def _pause_queue(walk: Walk) -> None:
    await walk.on_session()
    for paused in (True, False):
        await walk.press()
        path = f"/sessions/{walk.town.ids['builder']}/queue"
        await walk.holds(path, lambda queue, paused=paused: queue["paused"] is paused)  # type: ignore[misc]
        await walk.until(lambda: ("‖ paused" in walk.text) is paused)  # noqa: B023 - asked within the round


@does("filter-queues")
async def _filter_queues(walk: Walk) -> None:
    await walk.until(lambda: walk.rows)
    await filtered(walk, "zebra", lambda: walk.rows == [])


# -- Mail


@does("reply")
async def _reply(walk: Walk) -> None:
    text = named("Answer")
    await walk.until(lambda: walk.here.mail is not None, "there is mail")
    await walk.opens(Write, "Answer", "Ctrl+S send")
    await walk.keys(*text)
    await walk.closes("ctrl+s")
    await walk.holds("/mail?limit=50&order=desc", lambda page: text in str(page))


@does("write-mail")
async def _write_mail(walk: Walk) -> None:
    text = named("Letter")
    await walk.opens(Write, "To", "Subject", "Ctrl+S send")
    await walk.keys(*text)
    await walk.closes("ctrl+s")
    await walk.holds("/mail?limit=50&order=desc", lambda page: text in str(page))


@does("acknowledge")
async def _acknowledge(walk: Walk) -> None:
    sent = {"toSessionId": walk.town.ids["builder"], "message": named("Done yet")}
    mail = await asyncio.to_thread(walk.town.post, "/mail", sent)
    await walk.until(lambda: walk.here.list.point(mail["id"]) or walk.here.list.key == mail["id"])
    await walk.until(lambda: walk.here.mail.id == mail["id"])
    await walk.press()
    await walk.says("builder has dealt with it")


@does("only-unread")
async def _only_unread(walk: Walk) -> None:
    for unread in (True, False):
        await walk.press()
        await walk.until(lambda: ("unread alone" in walk.text or walk.here._unread) is unread)  # noqa: B023


@does("filter-mail")
async def _filter_mail(walk: Walk) -> None:
    await walk.until(lambda: walk.rows)
    await filtered(walk, "zebra", lambda: walk.rows == [])


# -- Graph


@does("only-critical-path")
async def _critical(walk: Walk) -> None:
    await on_graph(walk)
    await walk.fresh(dependencies=walk.town.chain[:1])
    await walk.until(lambda: len(walk.rows) > len(walk.town.chain) * 2)
    await walk.press()
    await walk.until(lambda: [row for row in walk.rows if row.startswith("task_")] == walk.town.chain)
    await walk.press()
    await walk.until(lambda: len(walk.rows) > len(walk.town.chain) * 2)


async def on_graph(walk: Walk) -> None:
    """The graph of the project that has the chain."""
    walk.here._project_id, walk.here._loose = walk.town.project, False
    walk.here._draw_anew()
    await walk.until(lambda: set(walk.town.chain) <= set(walk.rows))


@does("loose-tasks")
async def _loose(walk: Walk) -> None:
    task = await walk.fresh()
    await on_graph(walk)
    assert task["id"] not in walk.rows
    await walk.press()
    await walk.until(lambda: task["id"] in walk.rows, "what nothing is tied to is shown")
    await walk.press()
    await walk.until(lambda: task["id"] not in walk.rows)


@does("filter-graph")
async def _filter_graph(walk: Walk) -> None:
    await on_graph(walk)
    await filtered(
        walk,
        "Chain two",
        lambda: [row for row in walk.rows if row.startswith("task_")] == walk.town.chain[1:2],
    )


# -- History


@does("undo-commit")
async def _undo_commit(walk: Walk) -> None:
    task = await walk.fresh()
    await walk._on_newest(task["id"])
    await walk.opens(Question, "Take back create task", "y take it back")
    await walk.closes("y")
    await walk.holds("/tasks?limit=500&order=desc", lambda page: task["id"] not in [t["id"] for t in page["data"]])


@does("state-then")
async def _state_then(walk: Walk) -> None:
    await walk.on_task()
    await walk.press()
    await walk.shows("State right after", "Tasks ")
    await walk.press()
    await walk.shows("Commit ")


@does("all-commits")
async def _all_commits(walk: Walk) -> None:
    await walk.on_task()
    commits = walk.here.journal
    await walk.until(lambda: len(walk.rows) == sum(not is_routine(commit) for commit in commits.commits()))
    await walk.press()
    await walk.until(lambda: len(walk.rows) == len(commits))
    await walk.press()
    await walk.until(lambda: len(walk.rows) < len(commits))


@does("only-this-actor")
async def _only_actor(walk: Walk) -> None:
    await walk.on_task()
    actor = walk.here.commit.actor
    every = len(walk.rows)
    await walk.press()
    commits = walk.here.journal
    await walk.until(lambda: 0 < len(walk.rows) < every and {commits.commit(row).actor for row in walk.rows} == {actor})
    await walk.press()
    await walk.until(lambda: len(walk.rows) >= every)


@does("only-this-thing")
async def _only_thing(walk: Walk) -> None:
    task = await walk.on_task()
    assert task is not None
    every = len(walk.rows)
    await walk.press()
    await walk.until(lambda: len(walk.rows) == 1, "what happened to the task is one commit")
    await walk.press()
    await walk.until(lambda: len(walk.rows) >= every)


@does("filter-history")
async def _filter_history(walk: Walk) -> None:
    task = await walk.on_task()
    assert task is not None
    await filtered(walk, task["id"], lambda: len(walk.rows) == 1)


# -- Skills & templates


async def on_template(walk: Walk) -> str:
    """Put the cursor on a template that is not as it is shipped; its id."""
    id_ = "tmpl_0_worker"
    path = f"/templates/{id_}"
    put = walk.town.shop.door.ok
    await asyncio.to_thread(put, "PUT", path, {"content": f"Now then. {named('Version')}"})
    await walk.until(lambda: (walk.here._shelf is not None and walk.here.list.point(id_)) or walk.here.list.key == id_)
    await walk.until(lambda: walk.here._template is not None and walk.here._template.version)
    return id_


@does("edit-template")
async def _edit_template(walk: Walk) -> None:
    """A terminal that is none cannot be given away; in a real one ``test_rounds`` edits it."""
    await on_template(walk)
    await walk.press()
    await walk.says("cannot be given to an editor")


@does("reset-template")
async def _reset_template(walk: Walk) -> None:
    id_ = await on_template(walk)
    await walk.opens(Question, "Reset “", "y reset it")
    await walk.closes("y")
    await walk.holds(f"/templates/{id_}", lambda now: "Now then." not in now["content"])


@does("read-skills-again")
async def _read_skills_again(walk: Walk) -> None:
    name = named("bricks").replace(" ", "-")
    folder = walk.town.shop.folder / ".claude" / "skills" / name
    await walk.until(lambda: walk.here._shelf is not None)
    folder.mkdir(parents=True)
    (folder / "SKILL.md").write_text(f"---\nname: {name}\ndescription: About {name}.\n---\nOne on another.\n")
    await walk.press()
    await walk.until(lambda: any(name in row for row in walk.rows), "the new skill is listed")


@does("filter-shelf")
async def _filter_shelf(walk: Walk) -> None:
    await walk.until(lambda: walk.rows)
    await filtered(walk, "orchestrator", lambda: 0 < len(walk.rows) < 8)
