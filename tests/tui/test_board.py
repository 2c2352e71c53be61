"""The board: columns kept as tasks change, cards, moves that are commands, and a hundred thousand tasks."""

import random
from collections.abc import Sequence

import pytest
from msgspec import structs

from maestro_tui.deeds import move_to, why_not
from maestro_tui.lanes import COLUMNS, Lanes, column_of
from maestro_tui.lines import cells_of, text_of
from maestro_tui.screens.board import Board
from maestro_tui.view.board import CardRows, card, checks_mark, shown_columns
from maestrod.domain.changes import Change, Delete, Put
from maestrod.domain.model import (
    Assignment,
    AssignmentStatus,
    Check,
    CheckStatus,
    Noun,
    Priority,
    Task,
    TaskStatus,
)
from maestrod.domain.projects import CreateProject
from maestrod.domain.tables import TASK
from maestrod.domain.tasks import CreateTask, DeleteTask
from maestrod.domain.work import StartTask
from tests.support.world import START, World
from tests.tui.conftest import Seen, looking
from tests.tui.sample import fill
from tests.tui.test_view import HOSTILE, MINUTE, MOMENT, NOW, mirror, session, task

SIZES = [(60, 20), (80, 24), (120, 40), (200, 60)]


def columns(lanes: Lanes, project_id: str = "") -> list[list[str]]:
    return [list(lanes.cards(project_id, at)) for at in range(len(COLUMNS))]


# -- lanes


def test_every_status_but_archived_has_its_column() -> None:
    placed = [status for column in COLUMNS for status in column.statuses]
    assert sorted(placed) == sorted(set(TaskStatus) - {TaskStatus.ARCHIVED})
    assert all(column.becomes in column.statuses for column in COLUMNS)
    assert column_of(task(status=TaskStatus.ARCHIVED)) is None


def test_urgent_cards_stand_first_and_what_was_done_last_leads_what_is_done() -> None:
    lanes = Lanes(
        [
            task("task_1", priority=Priority.LOW),
            task("task_2", priority=Priority.CRITICAL),
            task("task_3", due_at=NOW),
            task("task_4", pinned=True, priority=Priority.LOW),
            task("task_5"),
            task("task_6", status=TaskStatus.COMPLETED, completed_at=NOW - MINUTE),
            task("task_7", status=TaskStatus.COMPLETED, completed_at=NOW),
        ]
    )
    assert columns(lanes)[0] == ["task_4", "task_2", "task_3", "task_5", "task_1"]
    assert columns(lanes)[3] == ["task_7", "task_6"]


def test_lanes_that_follow_are_those_that_are_built_anew() -> None:
    chance = random.Random(7)
    lanes, tasks = Lanes(), dict[str, Task]()
    for number in range(600):
        change: Change
        if tasks and chance.random() < 0.2:
            id_ = chance.choice(sorted(tasks))
            del tasks[id_]
            change = Delete(Noun.TASK, id_)
        else:
            id_ = f"task_{chance.randrange(40)}"
            status, priority = chance.choice(list(TaskStatus)), chance.choice(list(Priority))
            project = chance.choice(["proj_1", "proj_2"])
            tasks[id_] = task(id_, status=status, priority=priority, project_id=project, updated_at=number)
            change = Put(Noun.TASK, tasks[id_])
        lanes.follow(change)
        lanes.follow(Delete(Noun.SESSION, "sess_1"))
    anew = Lanes(tasks.values())
    for project in ("", "proj_1", "proj_2", "proj_3"):
        assert columns(lanes, project) == columns(anew, project)
    for at in range(len(COLUMNS)):
        cards = lanes.cards("proj_1", at)
        assert [cards.find(id_) for id_ in cards] == list(range(len(cards)))
    assert lanes.cards("proj_1", 0).find("task_of_nobody") is None
    found = lanes.found([*tasks, "task_of_nobody"], "proj_2")
    assert found == columns(lanes, "proj_2")


# -- cards


def lines_of(entity: Task, cells: int = 40, *others: object, of_all: bool = False) -> list[str]:
    here = mirror(entity, *others)  # type: ignore[arg-type]
    return [text_of(line).rstrip() for line in card(here, entity, MOMENT, cells, of_all=of_all)]


def test_a_card_has_its_title_who_works_and_its_marks() -> None:
    entity = task(status=TaskStatus.IN_PROGRESS, priority=Priority.HIGH, labels=("tests",), checks=("make test",))
    own = Assignment(id="asg_1", task_id="task_1", session_id="sess_1", status=AssignmentStatus.WORKING)
    assert lines_of(entity, 40, session(), own, task("task_2", parent_id="task_1"), of_all=True) == [
        "◉ ! Fix the login",
        "  ● fix-login",
        "  · checks 1  ▸1  #tests  shop-api",
        "",
    ]


def test_a_long_title_has_two_lines_and_an_end() -> None:
    lines = lines_of(task(title="word " * 40), 24)
    assert len(lines) == 4
    assert lines[1].endswith("…")


def test_a_card_says_what_it_waits_for_or_why_it_is_blocked() -> None:
    waits = task(dependencies=("task_2",))
    assert "waits for Lay the pipes" in lines_of(waits, 40, task("task_2", "Lay the pipes"))[1]
    assert "no account" in lines_of(task(status=TaskStatus.BLOCKED, blocked_reason="no account"))[1]
    assert "ready" in lines_of(task())[1]
    assert "cancelled" in lines_of(task(status=TaskStatus.CANCELLED))[1]


def test_a_card_says_that_the_task_was_tried_in_vain() -> None:
    own = Assignment(id="asg_1", task_id="task_1", session_id="sess_1", status=AssignmentStatus.FAILED)
    assert lines_of(task(labels=("tests",)), 40, own)[1:3] == ["  ready", "  ✕ failed once  #tests"]
    assert lines_of(task(labels=("tests",)), 20, own)[2] == "  ✕ failed once"


def test_what_is_due_is_told_and_what_is_late_too() -> None:
    assert "due in 5m" in lines_of(task(due_at=NOW + 5 * MINUTE))[2]
    assert "late 5m" in lines_of(task(due_at=NOW - 5 * MINUTE))[2]
    assert "late" not in " ".join(lines_of(task(due_at=NOW - MINUTE, status=TaskStatus.COMPLETED)))


@pytest.mark.parametrize(
    ("statuses", "words"),
    [
        ((), "· checks 2"),
        ((CheckStatus.PASSED,), "· checks 2"),
        ((CheckStatus.PASSED, CheckStatus.PASSED), "✓ checks 2"),
        ((CheckStatus.PASSED, CheckStatus.FAILED), "✕ checks 1/2"),
        ((CheckStatus.TIMED_OUT,), "✕ checks 0/2"),
        ((CheckStatus.FAILED, CheckStatus.RUNNING), "… checks 2"),
    ],
)
def test_checks_are_told_as_they_went(statuses: Sequence[CheckStatus], words: str) -> None:
    entity = task(checks=("a", "b"))
    here = mirror(entity)
    runs = [Check(id=f"chk_{n}", task_id="task_1", command="ab"[n], status=status) for n, status in enumerate(statuses)]
    here.apply([Put(Noun.CHECK, run) for run in runs])
    assert text_of(checks_mark(here.state, entity)) == words


@pytest.mark.parametrize("cells", [1, 3, 8, 20, 60])
def test_a_hostile_card_stays_in_its_width(cells: int) -> None:
    entity = task(title=HOSTILE * 9, labels=(HOSTILE,), status=TaskStatus.BLOCKED, blocked_reason=HOSTILE)
    here = mirror(entity)
    for line in card(here, entity, MOMENT, cells, of_all=True):
        assert cells_of(line) <= cells
        assert "\x1b" not in text_of(line)
        assert "\u202e" not in text_of(line)


def test_a_card_that_has_gone_says_so() -> None:
    rows = CardRows(mirror(), ["task_9"], lambda: MOMENT, of_all=True)
    assert text_of(rows.lines(0, 20)[0]) == "deleted"
    assert rows.find("task_9") == 0
    assert rows.find("task_8") is None


@pytest.mark.parametrize("cells", range(1, 220))
def test_the_column_with_the_cursor_is_always_shown(cells: int) -> None:
    for at in range(len(COLUMNS)):
        shown = shown_columns(cells, at)
        assert at in shown
        assert 0 <= shown.start < shown.stop <= len(COLUMNS)


# -- moves


@pytest.mark.parametrize("status", TaskStatus)
@pytest.mark.parametrize("wanted", TaskStatus)
def test_a_move_is_a_command_where_the_table_has_it(status: TaskStatus, wanted: TaskStatus) -> None:
    entity = task(status=status)
    deed = move_to(entity, wanted)
    if wanted not in TASK[status]:
        assert deed is None
        assert "cannot become" in why_not(entity, wanted)
    elif (status, wanted) != (TaskStatus.IN_PROGRESS, TaskStatus.TODO):
        assert deed is not None
        assert deed.path.startswith("/tasks/task_1/")


def test_why_not_names_what_it_can_become() -> None:
    words = why_not(task(status=TaskStatus.COMPLETED), TaskStatus.BLOCKED)
    assert words == "“Fix the login” is completed and cannot become blocked; it can become archived, in progress."


# -- under the fingers


async def on_board(seen: Seen) -> Board:
    await seen.until(lambda: seen.app.desk.mirror.whole, "everything is read")
    await seen.press("2")
    await seen.until(lambda: isinstance(seen.app.screen, Board), "the board is shown")
    found = seen.app.screen
    assert isinstance(found, Board)
    return found


def told(seen: Seen) -> str:
    return " ".join(toast.message for toast in seen.app._notifications)


def status_of(world: World, id_: str) -> TaskStatus:
    return world.state.task(id_).status


@pytest.mark.parametrize("size", SIZES)
async def test_every_label_of_the_board_is_whole(world: World, size: tuple[int, int]) -> None:
    await fill(world)
    async with looking(world, size) as seen:
        board = await on_board(seen)
        await seen.shows("maestro", "all projects", "To do 7", "In progress 4", "? help", "● connected")
        if size[0] >= 120:
            await seen.shows("In review 1", "Done 2", "Blocked 1", "L move right")
        for _ in COLUMNS[1:]:
            await seen.press("l")
        await seen.shows("Blocked 1", "the ledger has")
        assert board.spot.name == "Reserve stock at checkout"


async def test_a_card_is_moved_by_the_command_and_keeps_the_cursor(world: World) -> None:
    project = await world.made(CreateProject(name="shop", working_dir="/shop"))
    first = await world.made(CreateTask(title="One", project_id=project))
    await world.made(CreateTask(title="Two", project_id=project))
    async with looking(world) as seen:
        board = await on_board(seen)
        await seen.shows("One", "Two")
        await seen.press("L")
        await seen.until(lambda: status_of(world, first) is TaskStatus.IN_PROGRESS)
        await seen.shows("In progress 1", "“One” started")
        assert board.spot.subject == (Noun.TASK, first)
        await seen.press("L")
        await seen.until(lambda: status_of(world, first) is TaskStatus.IN_REVIEW)
        await seen.until(lambda: board.spot.subject == (Noun.TASK, first))
        await seen.press("H")
        await seen.until(lambda: status_of(world, first) is TaskStatus.IN_PROGRESS)
    assert [path for _, path, _ in world.asked] == [f"/tasks/{first}/{verb}" for verb in ("start", "review", "start")]


async def test_a_card_that_is_taken_back_keeps_the_cursor(world: World) -> None:
    project = await world.made(CreateProject(name="shop", working_dir="/shop"))
    first = await world.made(CreateTask(title="One", project_id=project))
    await world.made(StartTask(task_id=await world.made(CreateTask(title="Two", project_id=project))))
    async with looking(world) as seen:
        board = await on_board(seen)
        await seen.shows("One", "Two")
        await seen.press("L")
        await seen.shows("In progress 2")
        await seen.until(lambda: board.spot.subject == (Noun.TASK, first))
        world.undone = {"undone": world.seq}
        await seen.press("u")
        await seen.until(lambda: "taken back" in "".join(n.message for n in seen.app._notifications))
        await world.plant(structs.replace(world.state.task(first), status=TaskStatus.TODO, version=99), noun=Noun.TASK)
        await seen.shows("To do 1")
        await seen.until(lambda: board.spot.subject == (Noun.TASK, first))
        assert board.focused is board._columns[0]


async def test_cards_grow_older_while_nothing_else_happens(world: World) -> None:
    await fill(world)
    async with looking(world) as seen:
        board = await on_board(seen)
        await seen.shows("completed 34m ago")
        world.now += 7 * 60_000
        board.tick()
        await seen.shows("completed 41m ago")


async def test_a_card_that_somebody_else_moves_later_takes_no_cursor_along(world: World) -> None:
    project = await world.made(CreateProject(name="shop", working_dir="/shop"))
    await world.made(CreateTask(title="One", project_id=project))
    async with looking(world) as seen:
        board = await on_board(seen)
        await seen.shows("One")
        await seen.press("n", *"Two", "ctrl+s")
        await seen.until(lambda: board.spot.name == "Two")
        await seen.press("k")
        assert board.spot.name == "One"
        two = next(t.id for t in world.state.table(Noun.TASK).values() if isinstance(t, Task) and t.title == "Two")
        await world.do(StartTask(task_id=two))
        await seen.shows("In progress 1")
        assert board.spot.name == "One"
        assert board.focused is board._columns[0]


@pytest.mark.parametrize("key", ["tab", "shift+tab", "l"])
async def test_who_goes_to_another_column_is_not_brought_back(world: World, key: str) -> None:
    project = await world.made(CreateProject(name="shop", working_dir="/shop"))
    await world.made(CreateTask(title="One", project_id=project))
    async with looking(world) as seen:
        board = await on_board(seen)
        await seen.shows("One")
        await seen.press("n", *"Two", "ctrl+s")
        await seen.until(lambda: board.spot.name == "Two")
        await seen.press(key)
        assert board.focused is not board._columns[0]


async def test_an_illegal_move_says_why_and_asks_for_nothing(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        board = await on_board(seen)
        done = next(iter(board.lanes.cards("", 3)))
        assert board.go_to(Noun.TASK, done)
        await seen.press("L")
        await seen.until(lambda: "is completed and cannot become blocked" in told(seen))
        assert board.go_to(Noun.TASK, sample.login)
        await seen.press("H")
        await seen.until(lambda: "is in progress and cannot become to do" in told(seen))
    assert world.asked == []


async def test_a_refusal_of_the_daemon_is_told(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        board = await on_board(seen)
        deploy = next(t.id for t in world.state.dependents(sample.login))
        assert board.go_to(Noun.TASK, deploy)
        world.refuses[f"/tasks/{deploy}/start"] = (409, {"code": "NOT_READY", "message": "it waits for two others"})
        await seen.press("L")
        await seen.shows("it waits for two others")
        assert board.spot.subject == (Noun.TASK, deploy)


async def test_b_blocks_and_unblocks(world: World) -> None:
    project = await world.made(CreateProject(name="shop", working_dir="/shop"))
    first = await world.made(CreateTask(title="One", project_id=project))
    async with looking(world) as seen:
        board = await on_board(seen)
        await seen.shows("One")
        await seen.press("b")
        await seen.until(lambda: board.spot.task and board.spot.task.status is TaskStatus.BLOCKED)
        await seen.press("b")
        await seen.until(lambda: status_of(world, first) is TaskStatus.TODO)


async def test_the_filter_narrows_all_columns_and_escape_ends_it(world: World) -> None:
    await fill(world)
    async with looking(world) as seen:
        await on_board(seen)
        await seen.press("slash", *"orders")
        await seen.shows("“orders”", "1 found · Esc ends it")
        await seen.until(lambda: "Rate limits per" not in seen.text)
        await seen.press("enter")
        await seen.press("slash", *"nothing like it")
        await seen.shows("nothing found")
        await seen.press("escape")
        await seen.shows("Rate limits per", "To do 7")


async def test_p_shows_one_project_alone(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        board = await on_board(seen)
        await seen.press("p")
        await seen.shows("▸ infra", "To do 3")
        assert "Deploy to the test" not in seen.text
        await seen.press("l")
        assert board.spot.subject == (Noun.PROJECT, sample.infra), "a new task is of that project"
        await seen.press("p", "p")
        await seen.shows("all projects", "To do 7")


async def test_changes_move_the_cards_of_who_looks(world: World) -> None:
    project = await world.made(CreateProject(name="shop", working_dir="/shop"))
    async with looking(world) as seen:
        await on_board(seen)
        await seen.shows("nothing to do")
        made = await world.made(CreateTask(title="Made just now", project_id=project))
        await seen.shows("Made just now", "To do 1")
        await world.do(StartTask(task_id=made))
        await seen.shows("In progress 1", "nothing to do")
        await world.do(DeleteTask(task_id=made, force=True))
        await seen.shows("nothing is worked on")


async def test_enter_opens_the_task(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        board = await on_board(seen)
        assert board.go_to(Noun.TASK, sample.login)
        await seen.press("enter")
        await seen.shows("Accepted when", "50 runs in a row")


@pytest.mark.unmeasured
async def test_a_hundred_thousand_cards_cost_a_screenful(world: World) -> None:
    project = await world.made(CreateProject(name="big", working_dir="/big"))
    async with looking(world) as seen:
        board = await on_board(seen)
        tasks = (Task(id=f"task_{START}_{n:09}", project_id=project, title=f"card {n}") for n in range(100_000))
        world.fill(Noun.TASK, tasks)
        seen.app.desk.mirror.apply(Put(Noun.TASK, each) for each in world.state.table(Noun.TASK).values())
        board.redraw()
        await seen.shows("card 0", "To do 100000")
        column = board._columns[0]
        before = column.built
        await seen.press("G")
        await seen.shows("card 99999")
        await seen.press("g", "pagedown", "j", "k")
        assert column.built - before < 5 * 4 * column.size.height
        last = structs.replace(world.state.task(f"task_{START}_000099999"), version=2, priority=Priority.CRITICAL)
        await world.plant(last, noun=Noun.TASK)
        await seen.press("g")
        await seen.shows("!! card 99999")
