"""Mission under the fingers: keys, panels, live changes, loss and return, hostile text, many tasks."""

import pytest
from msgspec import structs
from textual.events import DescendantFocus, Key
from textual.widgets import Input

from maestro_tui.bindings import MISSION, Panel
from maestro_tui.frame import Broken
from maestro_tui.lines import FixedRows, Line, Span
from maestro_tui.preferences import THEMES, Preferences
from maestro_tui.screens.small import Failure
from maestrod.domain.changes import Put
from maestrod.domain.model import NeedsInput, Noun, Project, SessionStatus, Task
from maestrod.domain.projects import CreateProject
from maestrod.domain.sessions import NeedInput, RecordTurn, SpawnSession, StopSession
from maestrod.domain.tasks import CreateTask, DeleteTask, EditTask
from tests.support.world import START, World
from tests.tui.conftest import Seen, looking
from tests.tui.sample import PANE, fill

SIZES = [(60, 20), (80, 24), (120, 40), (200, 60)]


async def ready(seen: Seen) -> None:
    await seen.until(lambda: seen.app.desk.mirror.whole, "everything is read")
    await seen.until(lambda: seen.app.mission.spot.subject is not None, "something is looked at")


def panel(seen: Seen) -> Panel:
    return seen.app.mission.panel


def at(seen: Seen, where: Panel) -> str:
    return seen.app.mission.lines(where).key


async def on_tasks(seen: Seen) -> None:
    await ready(seen)
    await seen.press("1")


async def test_the_frame_stands_before_the_daemon_has_said_a_word(world: World) -> None:
    await world.fall()
    async with looking(world) as seen:
        assert "maestro" in seen.text
        assert "Tasks" in seen.text
        assert "Needs you" in seen.text


@pytest.mark.parametrize("size", SIZES)
async def test_what_is_there_is_shown(world: World, size: tuple[int, int]) -> None:
    await fill(world)
    async with looking(world, size) as seen:
        await ready(seen)
        await seen.shows("rate-limits", "needs you", "● connected")


async def test_the_one_who_waits_longest_is_shown_at_first(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await ready(seen)
        assert seen.app.mission.spot.subject == (Noun.SESSION, sample.api)
        assert panel(seen) is Panel.SESSIONS


async def test_the_first_agent_is_looked_at_when_nobody_has_looked_elsewhere(world: World) -> None:
    project = await world.made(CreateProject(name="shop", working_dir="/shop"))
    await world.made(CreateTask(title="One", project_id=project))
    async with looking(world) as seen:
        await seen.until(lambda: seen.app.mission.spot.subject == (Noun.PROJECT, project))
        session = await world.made(SpawnSession(project_id=project, name="first"))
        await seen.until(lambda: seen.app.mission.spot.subject == (Noun.SESSION, session))


async def test_a_person_who_looks_elsewhere_is_left_there(world: World) -> None:
    project = await world.made(CreateProject(name="shop", working_dir="/shop"))
    task = await world.made(CreateTask(title="One", project_id=project))
    async with looking(world) as seen:
        await seen.until(lambda: seen.app.mission.spot.subject == (Noun.PROJECT, project))
        await seen.press("j")
        await world.made(SpawnSession(project_id=project, name="first"))
        await seen.shows("first")
        assert seen.app.mission.spot.subject == (Noun.TASK, task)


async def test_the_project_of_the_directory_is_pointed_at(world: World) -> None:
    await world.made(CreateProject(name="aaa", working_dir="/a"))
    wanted = await world.made(CreateProject(name="zzz", working_dir="/z"))
    async with looking(world, (120, 40), MAESTRO_PROJECT_ID=wanted) as seen:
        await seen.until(lambda: seen.app.mission.spot.subject == (Noun.PROJECT, wanted))


async def test_changes_are_seen_as_they_happen(world: World) -> None:
    project = await world.made(CreateProject(name="shop", working_dir="/shop"))
    async with looking(world) as seen:
        await ready(seen)
        task = await world.made(CreateTask(title="Made while you look", project_id=project))
        await seen.shows("Made while you look")
        await world.do(EditTask(task_id=task, title="Renamed"))
        await seen.shows("Renamed")
        await world.do(DeleteTask(task_id=task))
        await seen.until(lambda: "Renamed" not in seen.text)


async def test_a_question_is_told_counted_and_listed(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await ready(seen)
        await world.do(NeedInput(session_id=sample.fix, message="May I push?"))
        await seen.shows("Needs you (3)", "3 need you", "May I push?")


async def test_the_cursor_goes_down_up_and_to_the_ends(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await on_tasks(seen)
        await seen.press("g")
        assert at(seen, Panel.TASKS) == sample.infra
        await seen.press("j", "down", "k")
        assert seen.app.mission.spot.subject == (Noun.TASK, at(seen, Panel.TASKS))
        await seen.press("G")
        last = at(seen, Panel.TASKS)
        await seen.press("j")
        assert at(seen, Panel.TASKS) == last
        await seen.press("pageup", "home")
        assert at(seen, Panel.TASKS) == sample.infra


async def test_a_key_acts_on_what_the_key_before_it_pointed_at(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await ready(seen)
        seen.app.mission.go_to(Noun.SESSION, sample.api)
        for key in ("j", "j", "j", "x"):
            seen.app.post_message(Key(key, key))
        await seen.shows("Stop fix-login?")


async def test_old_news_of_the_focus_moves_nothing(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await ready(seen)
        seen.app.mission.go_to(Noun.SESSION, sample.fix)
        seen.app.mission.post_message(DescendantFocus(seen.app.mission.lines(Panel.TASKS)))
        await seen.pilot.pause()
        assert panel(seen) is Panel.SESSIONS
        assert seen.app.mission.spot.subject == (Noun.SESSION, sample.fix)


async def test_branches_open_and_close(world: World) -> None:
    await fill(world)
    async with looking(world) as seen:
        await on_tasks(seen)
        await seen.press("g", "enter")
        assert "Cut the image" not in seen.text
        await seen.press("l")
        await seen.shows("Cut the image")
        await seen.press("j", "h")
        assert at(seen, Panel.TASKS) == seen.app.desk.mirror.outline.at(0).id
        await seen.press("h")
        assert "Cut the image" not in seen.text


async def test_a_task_without_a_branch_is_opened_in_the_middle(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await ready(seen)
        seen.app.mission.go_to(Noun.TASK, sample.login)
        await seen.press("enter")
        assert panel(seen) is Panel.PANE
        await seen.shows("Accepted when", "50 runs in a row", "Checklist 2/3", "Do not retry it away.")
        await seen.press("escape")
        assert panel(seen) is Panel.TASKS


async def test_tab_walks_through_the_lists_and_back(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await ready(seen)
        seen.app.mission.go_to(Noun.SESSION, sample.queue)
        await seen.shows("Queue 1/3")
        walked = []
        lists = [each for each in MISSION if each is not Panel.PANE]
        for _ in lists:
            walked.append(seen.app.mission.panel)
            await seen.press("tab")
        assert sorted(walked) == sorted(lists)
        assert seen.app.mission.panel is walked[0]
        await seen.press("shift+tab")
        assert seen.app.mission.panel is walked[-1]


async def test_a_session_without_a_queue_shows_none(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await ready(seen)
        seen.app.mission.go_to(Noun.SESSION, sample.fix)
        await seen.until(lambda: "Queue" not in seen.text)


async def test_a_task_of_the_queue_is_gone_to(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await ready(seen)
        seen.app.mission.go_to(Noun.SESSION, sample.queue)
        await seen.shows("Log in UTC", "processing")
        seen.app.mission.action_panel("QUEUE")
        await seen.press("enter")
        assert seen.app.mission.spot.name == "Name the errors"


async def test_the_timeline_is_that_of_what_is_looked_at(world: World) -> None:
    sample = await fill(world)
    async with looking(world, (200, 60)) as seen:
        await ready(seen)
        seen.app.mission.go_to(Noun.SESSION, sample.fix)
        await seen.shows("50 runs green", "milestone: the race is gone")
        seen.app.mission.go_to(Noun.SESSION, sample.docs)
        await seen.until(lambda: "50 runs green" not in seen.text)


async def test_search_narrows_the_tasks_and_escape_ends_it(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await on_tasks(seen)
        await seen.press("slash", *"flaky login")
        await seen.until(lambda: "Page the list" not in seen.text)
        assert "Fix the flaky login" in seen.text
        await seen.press("enter", "enter")
        assert seen.app.mission.spot.subject == (Noun.TASK, sample.login)
        await seen.shows("Page the list")
        await seen.press("slash", *"nothing like it")
        await seen.shows("nothing found")
        await seen.press("escape")
        await seen.shows("Page the list")
        assert seen.app.mission.query_one(Input).value == ""


async def test_letters_typed_into_the_search_do_nothing_else(world: World) -> None:
    await fill(world)
    async with looking(world) as seen:
        await on_tasks(seen)
        await seen.press("slash", *"qxnsd")
        assert seen.app.is_running
        assert len(seen.app.screen_stack) == 1
        assert world.asked == []


async def test_w_goes_through_those_who_wait(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await on_tasks(seen)
        order = []
        for _ in range(3):
            await seen.press("w")
            assert seen.app.mission.spot.session is not None
            order.append(seen.app.mission.spot.session.id)
        assert order == [sample.api, sample.docs, sample.api]


# -- the live pane


async def test_the_pane_of_the_session_under_the_cursor_is_drawn_live(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await ready(seen)
        seen.app.mission.go_to(Noun.SESSION, sample.fix)
        await seen.shows("Tidying up", "50 passed")
        await world.draw(sample.fix, "something new on the screen")
        await seen.shows("something new on the screen")
        await seen.until(lambda: "Tidying" not in seen.text)


async def test_only_what_is_looked_at_is_watched(world: World) -> None:
    sample = await fill(world)
    await world.draw(sample.docs, "the guide")
    async with looking(world) as seen:
        await ready(seen)
        seen.app.mission.go_to(Noun.SESSION, sample.fix)
        await seen.until(lambda: world.watched == [sample.fix])
        seen.app.mission.go_to(Noun.SESSION, sample.docs)
        await seen.until(lambda: world.watched == [sample.docs])
        seen.app.mission.go_to(Noun.TASK, sample.login)
        await seen.until(lambda: world.watched == [])


async def test_a_session_without_a_pane_and_an_ended_one_say_so(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await ready(seen)
        seen.app.mission.go_to(Noun.SESSION, sample.queue)
        await seen.shows("there is no pane")
        await world.do(StopSession(session_id=sample.queue, reason="enough"))
        await seen.shows("stopped", "r brings it back")


async def test_a_wide_pane_has_the_whole_width(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await ready(seen)
        seen.app.mission.go_to(Noun.SESSION, sample.fix)
        await seen.shows("Tidying up")
        await seen.press("z")
        await seen.shows("data=form,", "↓ 3.1k tokens)")
        assert "Needs you (" not in seen.text
        await seen.press("escape")
        await seen.shows("Needs you (2)")


async def test_one_can_look_around_in_a_pane_and_back_to_its_cursor(world: World) -> None:
    sample = await fill(world)
    lines = "\n".join(f"line {n:02} {'.' * 100} end{n:02}" for n in range(40))
    async with looking(world, (80, 24)) as seen:
        await ready(seen)
        await world.draw(sample.fix, lines, cursorX=0, cursorY=39)
        seen.app.mission.go_to(Noun.SESSION, sample.fix)
        await seen.shows("line 39")
        await seen.press("enter", "k", "k")
        await seen.until(lambda: "line 39" not in seen.text and "line 37" in seen.text)
        for _ in range(10):
            await seen.press("l")
        await seen.shows("end37")
        await seen.press("G")
        await seen.shows("line 39")


# -- sizes


@pytest.mark.parametrize("size", SIZES)
async def test_every_label_is_whole(world: World, size: tuple[int, int]) -> None:
    sample = await fill(world)
    async with looking(world, size) as seen:
        await ready(seen)
        seen.app.mission.go_to(Noun.SESSION, sample.queue)
        await seen.until(lambda: not seen.app.mission.lines(Panel.QUEUE).has_class("-hidden"))
        await seen.shows("maestro", "? help", "● connected", "Tasks", "Sessions", "Timeline", "Queue", "Needs you")


async def test_one_panel_at_a_time_when_it_is_narrow(world: World) -> None:
    await fill(world)
    async with looking(world, (60, 20)) as seen:
        await ready(seen)
        assert [str(each) for each in MISSION if f"─ {each}" in seen.text] == ["Sessions"]
        await seen.pilot.click("#tabs", offset=(2, 0))
        await seen.until(lambda: seen.app.mission.panel is Panel.TASKS)
        await seen.shows("Fix the flaky login test")
        await seen.press("tab", "enter")
        assert panel(seen) is Panel.PANE
        await seen.press("escape")
        assert panel(seen) is Panel.SESSIONS


async def test_a_terminal_may_change_its_size(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await ready(seen)
        seen.app.mission.go_to(Noun.TASK, sample.login)
        for width, height in ((60, 20), (30, 8), (10, 3), (85, 24), (200, 60)):
            await seen.pilot.resize_terminal(width, height)
            await seen.pilot.pause()
        await seen.shows("Fix the flaky login test", "Needs you (2)", "Do not retry it away.")


async def test_a_click_points_and_a_second_one_opens(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await ready(seen)
        row = next(at for at, line in enumerate(seen.text.splitlines()) if "● fix-login" in line)
        await seen.pilot.click(offset=(6, row))
        await seen.until(lambda: seen.app.mission.spot.subject == (Noun.SESSION, sample.fix))
        assert panel(seen) is Panel.SESSIONS
        await seen.pilot.click(offset=(6, row), times=2)
        await seen.until(lambda: panel(seen) is Panel.PANE)
        first = seen.app.mission.lines(Panel.INBOX)
        await seen.pilot.click(first, offset=(4, 2))
        await seen.until(lambda: seen.app.mission.spot.subject == (Noun.SESSION, sample.api))
        await seen.pilot.click(seen.app.mission.lines(Panel.SESSIONS), offset=(4, 12))
        await seen.until(lambda: panel(seen) is Panel.SESSIONS)
        assert seen.app.mission.spot.subject == (Noun.SESSION, at(seen, Panel.SESSIONS))


async def test_a_key_in_the_footer_can_be_clicked(world: World) -> None:
    await fill(world)
    async with looking(world) as seen:
        await ready(seen)
        place = seen.text.splitlines()[-1].index("? help")
        await seen.pilot.click("#footer", offset=(place, 0))
        await seen.until(lambda: len(seen.app.screen_stack) == 2)


# -- loss and return


@pytest.mark.parametrize("size", SIZES)
async def test_a_lost_daemon_is_told_and_the_last_state_stays_readable(world: World, size: tuple[int, int]) -> None:
    await fill(world)
    async with looking(world, size) as seen:
        await ready(seen)
        await world.fall()
        await seen.shows("Connection lost", "✕ offline", "rate-limits", "guide")


async def test_on_its_return_nothing_is_missing(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await ready(seen)
        await world.fall()
        await seen.shows("Connection lost")
        await world.made(CreateTask(title="Made meanwhile", project_id=sample.shop))
        await world.rise()
        await seen.press("ctrl+r")
        await seen.shows("● connected")
        await seen.until(lambda: "Connection lost" not in seen.text)
        await seen.press("1")
        await seen.shows("Made meanwhile")


async def test_the_countdown_moves_with_the_clock(world: World) -> None:
    await fill(world)
    async with looking(world) as seen:
        await ready(seen)
        seen.app.desk.link = Broken("gone", world.now + 5_000)
        seen.app.mission.tick()
        await seen.shows("trying again in 5 s")
        world.now += 3_000
        seen.app.mission.tick()
        await seen.shows("trying again in 2 s")
        world.now += 60_000
        seen.app.mission.tick()
        await seen.shows("trying again now")


async def test_after_a_resync_everything_is_as_the_daemon_has_it(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await on_tasks(seen)
        world.state.tables[Noun.TASK].pop(sample.login)
        world.state.ordered[Noun.TASK].discard(sample.login)
        await world.resync()
        await seen.until(lambda: sample.login not in seen.app.desk.mirror.state.table(Noun.TASK))
        assert "Fix the flaky" not in seen.text


# -- what is gone


async def test_when_what_is_looked_at_goes_the_cursor_s_row_is_looked_at(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await ready(seen)
        seen.app.mission.go_to(Noun.TASK, sample.login)
        await seen.press("enter")
        await world.do(DeleteTask(task_id=sample.login, force=True))
        await seen.until(lambda: seen.app.mission.spot.task is not None)
        assert seen.app.mission.spot.subject == (Noun.TASK, at(seen, Panel.TASKS))
        assert panel(seen) is Panel.TASKS


# -- hostile text

HOSTILE = "\x1b[2J\x1b]0;owned\x07[bold red]日本\u202eevil[/] \x1b[31mred"


@pytest.mark.parametrize("size", SIZES)
async def test_text_from_outside_is_text_and_nothing_else(world: World, size: tuple[int, int]) -> None:
    project = Project(id="proj_1_000000001", name=HOSTILE, working_dir="/x", description=HOSTILE * 50)
    world.fill(Noun.PROJECT, [project])
    task = Task(
        id=f"task_{START}_000000001", project_id=project.id, title=HOSTILE, description=HOSTILE, labels=(HOSTILE,)
    )
    world.fill(Noun.TASK, [task])
    async with looking(world, size) as seen:
        await ready(seen)
        await seen.press("1", "j")
        await seen.shows("[bold")
        assert not [c for c in seen.text if ord(c) < 32 and c != "\n"]
        await seen.press("d")
        await seen.shows("Delete", "[bold")
        await seen.press("escape", "s")
        await seen.shows("Start an agent", "[bold")


async def test_a_hostile_question_reaches_no_terminal(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await ready(seen)
        asked = NeedsInput(active=True, message=HOSTILE, since=world.now)
        session = structs.replace(world.state.session(sample.fix), needs_input=asked, name=HOSTILE, version=99)
        await world.plant(session, noun=Noun.SESSION)
        await world.draw(sample.fix, PANE + HOSTILE)
        await seen.shows("[bold red]")
        assert "\x1b" not in seen.text


# -- many


async def test_a_hundred_thousand_tasks_cost_a_screenful_of_rows(world: World) -> None:
    project = await world.made(CreateProject(name="big", working_dir="/big"))
    tasks = (Task(id=f"task_{START}_{n:09}", project_id=project, title=f"task {n}") for n in range(100_000))
    async with looking(world) as seen:
        await ready(seen)
        seen.app.desk.mirror.apply(Put(Noun.TASK, task) for task in tasks)
        seen.app.mission.redraw()
        await seen.shows("task 0")
        assert len(seen.app.desk.mirror.outline) == 100_001
        rows = seen.app.mission.lines(Panel.TASKS)
        before = rows.built
        await seen.press("G")
        await seen.shows("task 99999")
        await seen.press("g", "pagedown", "j", "k")
        assert rows.built - before < 5 * 3 * rows.size.height


# -- failures of our own


async def test_a_row_that_cannot_be_built_says_so_and_the_others_stand(world: World) -> None:
    class Broken(FixedRows):
        def lines(self, at: int, cells: int) -> tuple[Line, ...]:
            if at == 1:
                raise RuntimeError("no such row")
            return super().lines(at, cells)

    await fill(world)
    async with looking(world) as seen:
        await ready(seen)
        rows = Broken([(str(n), (Span(f"row {n}"),)) for n in range(3)])

        def planted() -> bool:
            seen.app.mission.lines(Panel.TIMELINE).show(rows)
            return all(words in seen.text for words in ("row 0", "✕ this row cannot be", "row 2"))

        await seen.until(planted)


async def test_a_failure_of_the_screen_is_told_in_a_panel_and_the_rest_goes_on(world: World) -> None:
    sample = await fill(world)

    def fails() -> None:
        raise RuntimeError("planted [bold]here")

    async with looking(world) as seen:
        await ready(seen)
        seen.app.call_later(fails)
        await seen.shows("Something failed", "RuntimeError: planted [bold]here", "tui.log")
        assert isinstance(seen.app.screen, Failure)
        await seen.press("enter")
        await world.do(RecordTurn(session_id=sample.fix, status=SessionStatus.IDLE))
        await seen.shows("2 unseen")
        assert [str(error) for error in seen.app.failures] == ["planted [bold]here"]
        seen.app.failures.clear()


# -- looks


@pytest.mark.parametrize("theme", THEMES)
async def test_all_themes_show_the_same(world: World, theme: str) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await ready(seen)
        seen.app.use_theme(theme)
        seen.app.mission.go_to(Noun.SESSION, sample.fix)
        await seen.shows("Tidying up", "needs you", "● connected")


async def test_a_home_without_a_project_says_how_to_begin(world: World) -> None:
    async with looking(world, (80, 24), Preferences(keys={"new-task": "f4"})) as seen:
        await seen.shows("─ Welcome ─", "maestro init", "F4      a new task", "?       all keys")
        await world.made(CreateProject(name="shop", working_dir="/src/shop"))
        await seen.shows("─ shop ─")
        assert "Welcome" not in seen.text
