"""Graph: layers, the longest chain, what is ready, and walking along the dependencies."""

import pytest

from maestro_tui.lines import cells_of, text_of
from maestro_tui.screens.graph import Graph
from maestro_tui.view.graph import Layers, graph_line, link_rows, node_line
from maestrod.domain.changes import Delete, Put
from maestrod.domain.graph import plan
from maestrod.domain.model import Noun, Priority, Project, TaskStatus
from maestrod.domain.projects import CreateProject
from maestrod.domain.tasks import CreateTask
from maestrod.domain.work import CompleteTask, StartTask
from tests.support.world import World
from tests.tui.conftest import Seen, looking
from tests.tui.sample import fill
from tests.tui.test_view import HOSTILE, mirror, task

SIZES = [(60, 20), (80, 24), (120, 40), (200, 60)]
CHAIN = (
    task("task_1", "Dig"),
    task("task_2", "Pour", dependencies=("task_1",)),
    task("task_3", "Build", dependencies=("task_2",)),
    task("task_4", "Fence", dependencies=("task_1",), priority=Priority.HIGH),
    task("task_5", "Loose"),
    task("task_6", "Given up", status=TaskStatus.CANCELLED),
    task("task_7", "Never", dependencies=("task_6",)),
)


def told(layers: Layers, cells: int = 60) -> list[str]:
    return [" ".join(text_of(layers.lines(at, cells)[0]).split()) for at in range(len(layers))]


def test_layers_stand_one_after_the_other_the_critical_path_first() -> None:
    state = mirror(*CHAIN).state
    layers = Layers(state, plan(state, "proj_1"))
    assert told(layers) == [
        "Layer 1 · waits for nothing · 1",
        "◆ ○ Dig frees 2 · ready",
        "Layer 2 · waits for layer 1 · 2",
        "◆ ◌ Pour frees 1 · waits for 1",
        "◌ ! Fence waits for 1",
        "Layer 3 · waits for layer 2 · 1",
        "◆ ◌ Build waits for 1",
        "Stuck · they wait for what was given up · 1",
        "◌ Never waits for 1",
    ]
    assert layers.loose == 1
    assert layers.find("task_3") == 6
    assert layers.find("task_5") is None


def test_loose_tasks_the_critical_path_and_words_are_asked_for() -> None:
    state = mirror(*CHAIN).state
    found = plan(state, "proj_1")
    assert "○ Loose ready" in told(Layers(state, found, with_loose=True))
    alone = Layers(state, found, critical=True)
    assert [key for key in map(alone.key, range(len(alone))) if key.startswith("task_")] == [
        "task_1",
        "task_2",
        "task_3",
    ]
    assert told(Layers(state, found, words="POUR")) == [
        "Layer 2 · waits for layer 1 · 1",
        "◆ ◌ Pour frees 1 · waits for 1",
    ]


def test_the_neighbours_of_a_task_are_told() -> None:
    state = mirror(*CHAIN).state
    rows = link_rows(state, plan(state, "proj_1"), state.task("task_1"), 60)
    lines = [" ".join(text_of(rows.lines(at, 60)[0]).split()) for at in range(len(rows))]
    assert "◆ 1 of 3 on the critical path" in lines
    assert "Waits for nothing" in lines
    assert "Frees 2" in lines
    assert lines[-1] == "1 more tasks wait behind these"
    assert {rows.key(at) for at in range(len(rows))} >= {"task_2", "task_4"}


def test_the_line_names_the_longest_chain_and_what_is_ready() -> None:
    state = mirror(*CHAIN).state
    line = text_of(graph_line(state, "proj_1", plan(state, "proj_1"), 120))
    assert line == "▸ shop-api   ○ 2 ready   ◌ 4 wait   ⊘ 1 stuck   ◆ 3 in a row   Dig → Pour → Build"
    assert text_of(graph_line(state, "proj_1", plan(state, "proj_1"), 40)) == "▸ shop-api   ○ 2 ready   ◌ 4 wait"


@pytest.mark.parametrize("cells", [1, 3, 8, 20, 60])
def test_hostile_tasks_stay_in_their_width(cells: int) -> None:
    state = mirror(task(title=HOSTILE * 9), task("task_2", HOSTILE, dependencies=("task_1",))).state
    rows = link_rows(state, plan(state, "proj_1"), state.task("task_1"), cells)
    for line in [
        *(rows.lines(at, cells)[0] for at in range(len(rows))),
        node_line(state, state.task("task_2"), cells, critical=True),
        graph_line(state, "proj_1", plan(state, "proj_1"), cells),
    ]:
        assert cells_of(line) <= cells
        assert "\x1b" not in text_of(line)


def test_a_task_that_has_gone_says_so() -> None:
    here = mirror(*CHAIN)
    layers = Layers(here.state, plan(here.state, "proj_1"))
    here.apply([Delete(Noun.TASK, "task_4")])
    at = layers.find("task_4")
    assert at is not None
    assert text_of(layers.lines(at, 20)[0]) == "deleted"


# -- under the fingers


async def on_graph(seen: Seen) -> Graph:
    desk = seen.app.desk
    await seen.until(lambda: desk.mirror.whole and not desk.changed.is_set(), "everything is read, and was drawn")
    await seen.press("6")
    await seen.until(lambda: isinstance(seen.app.screen, Graph), "the graph is shown")
    found = seen.app.screen
    assert isinstance(found, Graph)
    return found


@pytest.mark.parametrize("size", SIZES)
async def test_every_label_of_the_graph_is_whole(world: World, size: tuple[int, int]) -> None:
    await fill(world)
    async with looking(world, size) as seen:
        await on_graph(seen)
        await seen.shows("maestro", "● connected", "▸ shop-api", "Layer 1 · waits for nothing · 2", "c critical path")
        await seen.shows("p project", "? help", "Frees 1")
        await seen.press("j", "j", "j")
        await seen.shows("Deploy to the test shop", "Waits for 2")


async def test_one_walks_along_the_dependencies(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        screen = await on_graph(seen)
        assert screen.go_to(Noun.TASK, sample.login)
        await seen.shows("Fix the flaky login test")
        await seen.press("enter", "G", "enter")
        await seen.until(lambda: screen.spot.name == "Deploy to the test shop")
        await seen.press("v")
        await seen.shows("Details", "waits for")
        await seen.press("escape")
        await seen.shows("Layer 2")


async def test_the_graph_follows_what_happens(world: World) -> None:
    project = await world.made(CreateProject(name="shop", working_dir="/shop"))
    first = await world.made(CreateTask(title="One", project_id=project))
    async with looking(world) as seen:
        await on_graph(seen)
        await seen.shows("One", "Graph")
        await world.made(CreateTask(title="Two", project_id=project, dependencies=(first,)))
        await seen.shows("2 layers", "◌ Two", "◆ 2 in a row", "One → Two")
        await world.do(StartTask(task_id=first))
        await world.do(CompleteTask(task_id=first))
        await seen.shows("○ Two", "1 ready")
        await seen.until(lambda: "2 layers" not in seen.text)


async def test_keys_narrow_and_change_the_project(world: World) -> None:
    await fill(world)
    async with looking(world) as seen:
        await on_graph(seen)
        await seen.shows("loose hidden")
        await seen.press("o")
        await seen.shows("Page the list of orders")
        await seen.press("c")
        await seen.until(lambda: "Page the list of orders" not in seen.text)
        await seen.press("c", "o", "slash", *"deploy")
        await seen.shows("Layer 2 · waits for layer 1 · 1")
        await seen.until(lambda: "Layer 1" not in seen.text)
        await seen.press("escape", "p")
        await seen.shows("▸ infra", "Renew the certificates")


async def test_without_a_chain_it_does_not_say_that_there_are_no_tasks(world: World) -> None:
    project = await world.made(CreateProject(name="shop", working_dir="/src/shop"))
    await world.made(CreateTask(title="One", project_id=project))
    async with looking(world) as seen:
        await on_graph(seen)
        await seen.shows("○ One")
        await seen.press("c")
        await seen.shows("no chain: nothing waits for anything; c shows all")


@pytest.mark.unmeasured
async def test_a_hundred_thousand_tasks_cost_a_screenful(world: World) -> None:
    world.fill(Noun.PROJECT, [Project(id="proj_1", name="big", working_dir="/big")])
    async with looking(world) as seen:
        screen = await on_graph(seen)
        await seen.shows("no open tasks: n makes one")
        many = [
            task(f"task_{n:06}", f"node {n}", dependencies=(f"task_{n - 1000:06}",) if n >= 1000 else ())
            for n in range(100_000)
        ]
        seen.app.desk.mirror.apply(Put(Noun.TASK, each) for each in many)
        screen.redraw()
        await seen.shows("100 layers", "node 0", "◆ 100 in a row")
        before = screen.list.built
        await seen.press("G")
        await seen.shows("node 99999")
        await seen.press("g", "pagedown", "j", "k")
        assert screen.list.built - before < 8 * 4 * screen.list.size.height
