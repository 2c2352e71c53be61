"""Queue: what is handed out in which order, and the keys that change that."""

import pytest

from maestro_tui.lines import cells_of, text_of
from maestro_tui.mirror import Mirror
from maestro_tui.screens.queues import Queues
from maestro_tui.view.queues import (
    ItemRows,
    QueueRows,
    face_of_queue,
    item_line,
    place_of,
    pushable,
    queue_lines,
    queue_sessions,
    queues_line,
    what_skipping_does,
    why_not_moved,
)
from maestrod.domain.changes import Put
from maestrod.domain.model import (
    ItemStatus,
    Noun,
    Priority,
    Project,
    Queue,
    QueueItem,
    Session,
    SessionStatus,
    Strategy,
    TaskStatus,
)
from maestrod.domain.queues import in_order
from tests.support.world import World
from tests.tui.conftest import Seen, looking
from tests.tui.sample import Sample, fill
from tests.tui.test_view import HOSTILE, MINUTE, MOMENT, NOW, mirror, session, task

SIZES = [(60, 20), (80, 24), (120, 40), (200, 60)]


def item(id_: str = "item_1", task_id: str = "task_1", **more: object) -> QueueItem:
    return QueueItem(id=id_, queue_id="queue_1", session_id="sess_1", task_id=task_id, **more)  # type: ignore[arg-type]


def queued(*items: QueueItem, paused: bool = False) -> Mirror:
    return mirror(
        session(strategy=Strategy.QUEUE),
        Queue(id="queue_1", session_id="sess_1", paused=paused),
        task(),
        task("task_2", "Lay the pipes"),
        task("task_3", "Paint it"),
        *items,
    )


def lines_of(rows: ItemRows, cells: int = 60) -> list[str]:
    return [" ".join(text_of(rows.lines(at, cells)[0]).split()) for at in range(len(rows))]


# -- rows


def test_items_stand_as_they_are_handed_out_and_what_is_over_comes_last() -> None:
    here = queued(
        item("item_1", "task_1", status=ItemStatus.COMPLETED, completed_at=NOW - MINUTE),
        item("item_2", "task_2", status=ItemStatus.PROCESSING, position=1, started_at=NOW - 3 * MINUTE),
        item("item_3", "task_3", position=2),
        item("item_4", "task_1", position=3, priority=Priority.CRITICAL),
    )
    rows = ItemRows(here.state, "sess_1", lambda: MOMENT)
    assert lines_of(rows) == [
        "▶ Lay the pipes processing · 3m",
        "· 1 !! Fix the login queued",
        "· 2 Paint it queued",
        "✓ Fix the login completed · 1m",
    ]
    assert [rows.find(rows.key(at)) for at in range(4)] == [0, 1, 2, 3]
    assert rows.find("item_9") is None


def test_what_came_back_says_why_and_when_it_comes_again() -> None:
    back = item(fail_reason="rate limit", not_before=NOW + 20_000, attempts=1)
    line = text_of(item_line(queued(back).state, back, 1, MOMENT, 80))
    assert "rate limit · again in 20s · queued" in line


def test_a_queue_says_whose_it_is_how_far_it_is_and_whether_it_hands_out() -> None:
    busy = queued(item(status=ItemStatus.PROCESSING), item("item_2", "task_2"))
    told = [" ".join(text_of(line).split()) for line in queue_lines(busy, busy.state.session("sess_1"), 50)]
    assert told == ["● fix-login working", "0/2 ▶ Fix the login ▷ runs"]
    waits = queued(item(), paused=True)
    assert "next: Fix the login" in text_of(queue_lines(waits, waits.state.session("sess_1"), 50)[1])
    assert "‖ paused" in text_of(queue_lines(waits, waits.state.session("sess_1"), 50)[1])
    assert face_of_queue(queued().state, "sess_1").word == "empty"
    assert text_of(queues_line(waits, ["sess_1"], "")) == "1 task to come in 1 queue   ‖ 1 paused"
    waits.apply([Put(Noun.SESSION, session("sess_2")), Put(Noun.QUEUE, Queue(id="queue_2", session_id="sess_2"))])
    assert text_of(queues_line(waits, ["sess_1", "sess_2"], "")).startswith("1 task to come in 1 queue ")
    assert text_of(queues_line(waits, ["sess_2"], "")) == "nothing to come"


def test_only_sessions_with_a_queue_are_listed_and_found_by_words() -> None:
    here = queued()
    here.apply([Put(Noun.SESSION, session("sess_2", "simple"))])
    assert queue_sessions(here) == ["sess_1"]
    assert queue_sessions(here, "login") == ["sess_1"]
    assert queue_sessions(here, "nobody") == []


def test_a_session_that_has_gone_says_so() -> None:
    assert text_of(QueueRows(mirror(), ["sess_9"]).lines(0, 20)[0]) == "deleted"


def test_only_what_waits_has_a_place() -> None:
    now = item(status=ItemStatus.PROCESSING)
    here = queued(now, item("item_2", "task_2", position=1), item("item_3", "task_3", position=2))
    assert place_of(here.state, here.state.item("item_3")) == 1
    assert place_of(here.state, now) is None
    assert "is processing; only what is queued" in why_not_moved(here.state, now)
    assert "the attempt of fix-login ends" in what_skipping_does(now, "fix-login")[0]
    assert "does not get it" in what_skipping_does(item(), "fix-login")[0]


def test_what_can_be_pushed_is_to_do_and_not_in_the_queue_already() -> None:
    here = queued(item())
    here.apply([Put(Noun.TASK, task("task_4", status=TaskStatus.COMPLETED))])
    assert [each.id for each in pushable(here.state, here.state.session("sess_1"))] == ["task_2", "task_3"]


@pytest.mark.parametrize("cells", [1, 3, 8, 20, 60])
def test_hostile_items_stay_in_their_width(cells: int) -> None:
    here = mirror(
        session(name=HOSTILE, strategy=Strategy.QUEUE),
        Queue(id="queue_1", session_id="sess_1"),
        task(title=HOSTILE * 9),
        item(fail_reason=HOSTILE, priority=Priority.HIGH),
    )
    lines = [item_line(here.state, here.state.item("item_1"), 1, MOMENT, cells)]
    for line in [*lines, *queue_lines(here, here.state.session("sess_1"), cells)]:
        assert cells_of(line) <= cells
        assert "\x1b" not in text_of(line)


# -- under the fingers


async def on_queue(seen: Seen) -> Queues:
    await seen.until(lambda: seen.app.desk.mirror.whole, "everything is read")
    await seen.press("4")
    await seen.until(lambda: isinstance(seen.app.screen, Queues), "the queues are shown")
    found = seen.app.screen
    assert isinstance(found, Queues)
    return found


def order(world: World, sample: Sample) -> list[str]:
    return [world.state.task(each.task_id).title for each in in_order(world.state, sample.queue)]


@pytest.mark.parametrize("size", SIZES)
async def test_every_label_of_the_queue_is_whole(world: World, size: tuple[int, int]) -> None:
    await fill(world)
    async with looking(world, size) as seen:
        await on_queue(seen)
        await seen.shows("maestro", "● connected", "Queues 1", "tidy-up", "1/3", "▷ runs", "p push", "? help")
        await seen.shows("▶     Log in UTC", "processing", "·   1 Drop Python 3.10", "queued", "completed")
        await seen.press("enter")
        await seen.shows("J later", "K sooner", "d skip")


async def test_tasks_are_pushed_moved_and_skipped(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        screen = await on_queue(seen)
        await seen.shows("1/3")
        await seen.press("p")
        await seen.shows("Into the queue of tidy-up", "Write the limits down")
        await seen.press("ctrl+s")
        await seen.shows("Mark a task with Space first.")
        await seen.press("space", "j", "space", "ctrl+s")
        await seen.shows("2 pushed to tidy-up", "1/5")
        assert order(world, sample)[1:] == ["Write the limits down", "Count tokens in the bucket"]
        await seen.press("enter", "J")
        await seen.until(lambda: "is processing; only what is queued" in told(seen))
        await seen.press("j", "K", "J")
        await seen.until(lambda: order(world, sample)[1] == "Drop Python 3.10")
        await seen.until(lambda: screen.item and screen.item.task_id and screen.spot.name == "Drop Python 3.10")
        await seen.press("d")
        await seen.shows("Skip “Drop Python 3.10”?", "does not get it")
        await seen.press("y")
        await seen.until(lambda: order(world, sample) == ["Write the limits down", "Count tokens in the bucket"])
        await seen.shows("» ")


def told(seen: Seen) -> str:
    return " ".join(toast.message for toast in seen.app._notifications)


async def test_items_grow_older_while_nothing_else_happens(world: World) -> None:
    await fill(world)
    async with looking(world) as seen:
        screen = await on_queue(seen)
        await seen.shows("processing · ")
        world.now += 5 * 24 * 60 * MINUTE
        screen.tick()
        await seen.shows("processing · 5d")


async def test_space_pauses_and_lets_go_on(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await on_queue(seen)
        await seen.shows("▷ runs")
        await seen.press("space")
        await seen.shows("‖ paused")
        queue = world.state.queue_of(sample.queue)
        assert queue is not None
        assert queue.paused
        await seen.press("space")
        await seen.shows("▷ runs", "goes on")


async def test_a_refusal_of_the_daemon_is_told_where_it_happened(world: World) -> None:
    sample = await fill(world)
    world.refuses[f"/sessions/{sample.queue}/queue/push"] = (409, {"code": "CONFLICT", "message": "the queue is full"})
    async with looking(world) as seen:
        await on_queue(seen)
        await seen.shows("1/3")
        await seen.press("p", "space", "ctrl+s")
        await seen.shows("Into the queue of tidy-up", "the queue is full")


async def test_enter_opens_the_task_and_escape_comes_back(world: World) -> None:
    await fill(world)
    async with looking(world) as seen:
        await on_queue(seen)
        await seen.shows("Log in UTC")
        await seen.press("enter", "enter")
        await seen.shows("Details", "made")
        await seen.press("escape")
        await seen.shows("Queues 1")


async def test_without_a_queue_it_says_what_to_do(world: World) -> None:
    async with looking(world) as seen:
        await on_queue(seen)
        await seen.shows("no queue yet: s with the strategy queue starts one")
        await seen.press("p")
        await seen.until(lambda: "There is no queue here" in told(seen))


async def test_a_hundred_thousand_items_cost_a_screenful(world: World) -> None:
    world.fill(Noun.PROJECT, [Project(id="proj_1", name="big", working_dir="/big")])
    world.fill(
        Noun.SESSION,
        [Session(id="sess_1", name="long", project_id="proj_1", strategy=Strategy.QUEUE, status=SessionStatus.WORKING)],
    )
    world.fill(Noun.QUEUE, [Queue(id="queue_1", session_id="sess_1")])
    async with looking(world) as seen:
        screen = await on_queue(seen)
        await seen.shows("long")
        seen.app.desk.mirror.apply(
            Put(Noun.ITEM, item(f"item_{number:06}", f"task_{number:06}", position=number)) for number in range(100_000)
        )
        screen.redraw()
        await seen.press("enter")
        before = screen.side.built
        await seen.press("G")
        await seen.shows("task_099999")
        await seen.press("g", "pagedown", "j", "k")
        assert screen.side.built - before < 8 * 4 * screen.side.size.height
