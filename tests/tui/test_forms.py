"""The dialogs that make and change projects and tasks: what they write, once, and what they leave alone."""

from pathlib import Path

import pytest
from msgspec import structs
from textual.events import Key
from textual.widgets import Input, Select, TextArea

from maestro_tui.deeds import Refused
from maestro_tui.programs import directory
from maestro_tui.screens.new_project import NewProject
from maestro_tui.screens.new_task import EditTask, NewTask
from maestro_tui.screens.spawn import Marks
from maestro_tui.view.tasks import waitable
from maestrod.domain.model import Noun, TaskStatus
from maestrod.domain.projects import CreateProject
from maestrod.domain.tasks import CreateTask, DeleteTask
from tests.support.world import World
from tests.tui.conftest import looking
from tests.tui.sample import fill
from tests.tui.test_dialogs import closed, on, opened
from tests.tui.test_view import mirror, task

# -- projects


def test_a_directory_is_named_as_people_name_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shop").mkdir()
    monkeypatch.chdir(tmp_path)
    home = {"HOME": str(tmp_path)}
    assert [directory(text, home) for text in ("shop", "~/shop", f"{tmp_path}/shop/../shop")] == [tmp_path / "shop"] * 3
    assert directory("~", home) == tmp_path
    for text in ("", "~/nothing", "a\0b", "x" * 5_000, "~nobody-of-that-name/x"):
        assert isinstance(directory(text, home), Refused)


@pytest.mark.parametrize("size", [(60, 20), (120, 40)])
async def test_a_project_is_made_of_a_directory(world: World, tmp_path: Path, size: tuple[int, int]) -> None:
    async with looking(world, size) as seen:
        await seen.shows("no project yet: P makes one")
        await seen.press("P")
        await opened(seen, NewProject)
        await seen.shows("New project", "Directory", "Name", "Ctrl+S create", "Esc cancel")
        field = seen.app.screen.query_one("#directory", Input)
        assert field.value == str(Path.cwd())
        field.value = str(tmp_path / "shop")
        await seen.press("ctrl+s")
        await seen.shows("There is no directory", "Make it first")
        (tmp_path / "shop").mkdir()
        await seen.press("ctrl+s")
        await closed(seen)
        await seen.shows("“shop” is a project now")
    assert world.asked == [("POST", "/projects", {"name": "shop", "workingDir": str(tmp_path / "shop")})]


async def test_a_directory_that_is_a_project_is_not_offered_again(world: World, tmp_path: Path) -> None:
    world.refuses["/projects"] = (409, {"code": "CONFLICT", "message": "it belongs to project 'shop'"})
    await fill(world)
    async with looking(world) as seen:
        await seen.until(lambda: seen.app.desk.mirror.whole)
        await seen.press("P")
        seen.app.screen.query_one("#directory", Input).value = str(tmp_path)
        await seen.press("tab", *"other", "ctrl+s")
        await seen.shows("it belongs to project 'shop'")
    assert world.asked[-1][2]["name"] == "other"


# -- new tasks


def test_only_open_tasks_of_the_project_can_be_waited_for() -> None:
    state = mirror(
        task(),
        task("task_2", "Lay the pipes"),
        task("task_3", "Lay the floor", status=TaskStatus.COMPLETED),
        task("task_4", "Lay the lawn", project_id="proj_2"),
    ).state
    assert [each.id for each in waitable(state, "proj_1", "")] == ["task_1", "task_2"]
    assert [each.id for each in waitable(state, "proj_1", "lay")] == ["task_2"]
    assert [each.id for each in waitable(state, "proj_1", "lay", ["task_1"])] == ["task_1", "task_2"]
    assert [each.id for each in waitable(state, "proj_1", "lay", of="task_2")] == []


async def test_a_task_comes_with_its_checklist_and_what_it_waits_for(world: World) -> None:
    sample = await fill(world)
    async with looking(world, (60, 20)) as seen:
        await on(seen, Noun.TASK, sample.login)
        await seen.press("n", *"Mend it", "tab", "tab", "tab", "tab")
        await seen.press(*"first", "enter", "enter", *"second", "tab")
        await seen.press(*"flaky")
        await seen.until(lambda: len(seen.app.screen.query_one(Marks)._things) == 1)
        await seen.press("tab", "space", "ctrl+s")
        await closed(seen)
        await seen.shows("“Mend it” created")
    made = next(task for task in world.state.table(Noun.TASK).values() if task.title == "Mend it")  # type: ignore[attr-defined]
    assert made.dependencies == (sample.login,)  # type: ignore[attr-defined]
    assert [item.title for item in world.state.subtasks(made.id)] == ["first", "second"]


async def test_a_new_task_has_the_cursor_where_the_tasks_have_it(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await on(seen, Noun.TASK, sample.login)
        await seen.press("n", *"Mend it", "ctrl+s")
        await closed(seen)
        await seen.until(lambda: seen.app.mission.spot.name == "Mend it")
        await on(seen, Noun.SESSION, sample.fix)
        await seen.press("n", *"And that", "ctrl+s")
        await seen.shows("“And that” created")
        assert seen.app.mission.spot.subject == (Noun.SESSION, sample.fix)


async def test_a_task_that_comes_late_takes_nobody_away(world: World) -> None:
    sample = await fill(world)
    made = await world.made(CreateTask(title="Feed the zebra", project_id=sample.shop))
    async with looking(world) as seen:
        await on(seen, Noun.TASK, sample.login)
        seen.app.mission.come_to(Noun.TASK, "task_9")
        await on(seen, Noun.SESSION, sample.fix)
        await world.plant(structs.replace(world.state.task(made), id="task_9", title="Too late"), noun=Noun.TASK)
        await seen.shows("Too late")
        assert seen.app.mission.spot.subject == (Noun.SESSION, sample.fix)


async def test_a_deleted_task_that_comes_back_has_the_cursor(world: World) -> None:
    sample = await fill(world)
    made = await world.made(CreateTask(title="Feed the zebra", project_id=sample.shop))
    async with looking(world) as seen:
        await on(seen, Noun.TASK, made)
        task = world.state.task(made)
        await world.do(DeleteTask(task_id=made))
        world.undone = {"undone": world.seq}
        await seen.until(lambda: seen.app.mission.spot.subject not in {None, (Noun.TASK, made)})
        await seen.press("u")
        await world.plant(structs.replace(task, version=99), noun=Noun.TASK)
        await seen.until(lambda: seen.app.mission.spot.subject == (Noun.TASK, made))


async def test_a_project_is_found_by_its_letters_and_shown_as_it_is(world: World) -> None:
    await fill(world)
    await world.made(CreateProject(name="[bold]zoo", working_dir="/src/zoo"))
    async with looking(world) as seen:
        await seen.until(lambda: seen.app.mission.spot.project_id)
        await seen.press("n")
        await opened(seen, NewTask)
        choice = seen.app.screen.query_one("#project", Select)
        choice.focus()
        await seen.press(*"zoo", "enter")
        await seen.shows("[bold]zoo")
        assert world.state.project(str(choice.value)).name == "[bold]zoo"


async def test_what_was_looked_for_and_not_marked_is_not_left_out_silently(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await on(seen, Noun.TASK, sample.login)
        await seen.press("n", *"Mend it", "tab", "tab", "tab", "tab", "tab", *"flaky", "ctrl+s")
        await seen.shows("“flaky” was looked for and nothing marked")
        await seen.press("down", "space", "ctrl+s")
        await closed(seen)
    made = next(task for task in world.state.table(Noun.TASK).values() if task.title == "Mend it")  # type: ignore[attr-defined]
    assert made.dependencies == (sample.login,)  # type: ignore[attr-defined]


async def test_a_refused_item_is_told_and_what_was_written_is_not_written_again(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await on(seen, Noun.TASK, sample.login)
        before = len(world.state.table(Noun.TASK))
        await seen.press("n", *"Mend it")
        checklist = seen.app.screen.query_one("#checklist", TextArea)
        checklist.text = "first\n" + "x" * 5_000
        await seen.press("ctrl+s")
        await seen.shows("title:")
        assert checklist.text == "x" * 5_000
        checklist.text = "second"
        await seen.press("ctrl+s")
        await closed(seen)
    assert len(world.state.table(Noun.TASK)) == before + 1
    made = next(task for task in world.state.table(Noun.TASK).values() if task.title == "Mend it")  # type: ignore[attr-defined]
    assert [item.title for item in world.state.subtasks(made.id)] == ["first", "second"]


async def test_the_tasks_that_can_be_waited_for_are_those_of_the_project(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await on(seen, Noun.TASK, sample.login)
        await seen.press("n", *"Mend it")
        await opened(seen, NewTask)
        marks = seen.app.screen.query_one(Marks)
        marks.point(sample.login)
        marks.action_choose()
        seen.app.screen.query_one("#project").value = sample.infra  # type: ignore[attr-defined]
        await seen.until(lambda: sample.login not in [id_ for id_, _ in marks._things])
        await seen.press("ctrl+s")
        await closed(seen)
    assert "dependencies" not in world.asked[-1][2]


async def test_what_comes_in_one_piece_goes_to_the_fields_it_was_typed_for(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await on(seen, Noun.TASK, sample.login)
        await seen.press("n")
        await opened(seen, NewTask)
        for key in ("M", "e", "tab", "a", "l", "l", "ctrl+s"):
            seen.app.post_message(Key(key, key if len(key) == 1 else None))
        await closed(seen)
    body = {"title": "Me", "description": "all", "priority": "medium", "projectId": sample.shop}
    assert world.asked == [("POST", "/tasks", body)]


# -- changing tasks


async def test_only_what_was_changed_is_sent(world: World) -> None:
    sample = await fill(world)
    limits = world.state.task(sample.login)
    async with looking(world) as seen:
        await on(seen, Noun.TASK, sample.login)
        await seen.press("e")
        await opened(seen, EditTask)
        await seen.shows("Change the task", "Fix the flaky login test", "Do not retry it away.", "Ctrl+S save")
        await seen.press("ctrl+u", *"Fix it")
        seen.app.screen.query_one("#checklist", TextArea).text = "one more"
        await seen.press("ctrl+s")
        await closed(seen)
        await seen.shows("“Fix it” changed")
    assert world.asked[0] == ("PATCH", f"/tasks/{sample.login}", {"title": "Fix it"})
    assert world.asked[1:] == [("POST", f"/tasks/{sample.login}/subtasks", {"title": "one more"})]
    assert world.state.task(sample.login).description == limits.description


async def test_a_letter_is_added_to_the_title_and_does_not_take_its_place(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await on(seen, Noun.TASK, sample.login)
        await seen.press("e")
        await opened(seen, EditTask)
        await seen.press("s")
        assert seen.app.screen.query_one("#title", Input).value == "Fix the flaky login tests"


async def test_nothing_is_sent_when_nothing_was_changed(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await on(seen, Noun.TASK, sample.login)
        await seen.press("e")
        await seen.shows("Do not retry it away.")
        await seen.press("ctrl+s")
        await closed(seen)
    assert world.asked == []


async def test_what_it_waits_for_is_changed_by_marks(world: World) -> None:
    sample = await fill(world)
    deploy = next(task for task in world.state.table(Noun.TASK).values() if "Deploy" in task.title)  # type: ignore[attr-defined]
    async with looking(world) as seen:
        await on(seen, Noun.TASK, deploy.id)
        await seen.press("e")
        await seen.shows("[x] Fix the flaky login test", "[x] Rate limits per key")
        marks = seen.app.screen.query_one(Marks)
        marks.point(sample.login)
        marks.action_choose()
        await seen.press("ctrl+s")
        await closed(seen)
    (limits,) = [id_ for id_ in deploy.dependencies if id_ != sample.login]  # type: ignore[attr-defined]
    assert world.asked == [("PATCH", f"/tasks/{deploy.id}", {"dependencies": [limits]})]


async def test_a_cycle_is_refused_in_the_dialog(world: World) -> None:
    sample = await fill(world)
    deploy = next(task for task in world.state.table(Noun.TASK).values() if "Deploy" in task.title)  # type: ignore[attr-defined]
    async with looking(world) as seen:
        await on(seen, Noun.TASK, sample.login)
        await seen.press("e")
        marks = seen.app.screen.query_one(Marks)
        await seen.until(lambda: marks.point(deploy.id) or marks.key == deploy.id)
        marks.action_choose()
        await seen.press("ctrl+s")
        await seen.shows("Ctrl+S save", "cycle")
    assert world.state.task(sample.login).dependencies == ()


async def test_where_there_is_no_task_there_is_nothing_to_change(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await on(seen, Noun.SESSION, sample.fix)
        await seen.press("e")
        await seen.shows("There is no task here")


async def test_keys_in_one_piece_that_end_with_escape_write_nothing(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await on(seen, Noun.TASK, sample.login)
        await seen.press("n")
        await opened(seen, NewTask)
        for key in ("M", "e", "escape", "ctrl+s"):
            seen.app.post_message(Key(key, key if len(key) == 1 else None))
        await closed(seen)
        await seen.pilot.pause()
    assert world.asked == []


async def test_hostile_words_are_shown_as_text_and_stay_as_they_are(world: World) -> None:
    sample = await fill(world)
    before = structs.replace(
        world.state.task(sample.login), title="a\x1b[2Jb", description="one\x1b]52;c;QQ==\x07\n\ttwo", version=99
    )
    await world.plant(before, noun=Noun.TASK)
    async with looking(world) as seen:
        await on(seen, Noun.TASK, sample.login)
        await seen.press("e")
        await seen.until(lambda: seen.app.screen.query_one("#description", TextArea).text == "one\n\ttwo")
        assert seen.app.screen.query_one("#title", Input).value == "ab"
        assert "\x1b" not in seen.text
        await seen.press("ctrl+s")
        await closed(seen)
    assert world.asked == []
