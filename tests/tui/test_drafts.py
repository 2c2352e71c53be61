"""What was typed into a dialog that was left with Esc is there again when one comes back for the same."""

from textual.screen import Screen
from textual.widgets import Input, Select, TextArea

from maestro_tui.screens.letter import Write
from maestro_tui.screens.new_task import NewTask
from maestro_tui.screens.remark import Comment
from maestro_tui.screens.spawn import SpawnDialog
from maestrod.domain.mail import SendMail
from maestrod.domain.model import Noun, Task
from tests.support.world import World
from tests.tui.conftest import Seen, looking
from tests.tui.sample import fill
from tests.tui.test_dialogs import closed, on, opened
from tests.tui.test_diff import on_diff

KEPT, BACK = "is there again when you come back", "what you typed is back"


def words(screen: Screen[object]) -> dict[str, str]:
    long = {str(area.id): area.text for area in screen.query(TextArea)}
    return long | {str(field.id): field.value for field in screen.query(Input) if field.id}


async def left(seen: Seen, *, kept: bool) -> None:
    seen.app.clear_notifications()
    await seen.press("escape")
    await closed(seen)
    await seen.until(lambda: (KEPT in told(seen)) == kept)


def told(seen: Seen) -> str:
    return "\n".join(notice.message for notice in seen.app._notifications)


async def test_a_task_that_was_not_created_is_there_again(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await on(seen, Noun.TASK, sample.login)
        await seen.press("n")
        await opened(seen, NewTask)
        assert BACK not in seen.text
        await seen.press(*"Mend it", "tab", *"All of it")
        await left(seen, kept=True)
        await seen.press("n")
        await opened(seen, NewTask)
        await seen.shows(BACK)
        assert words(seen.app.screen) == {"title": "Mend it", "description": "All of it", "checklist": "", "find": ""}
        await seen.press("ctrl+s")
        await closed(seen)
        assert world.asked[-1][2]["title"] == "Mend it"
        await seen.press("n")
        await opened(seen, NewTask)
        assert set(words(seen.app.screen).values()) == {""}


async def test_what_was_emptied_is_not_kept(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await on(seen, Noun.TASK, sample.login)
        await seen.press("n")
        await opened(seen, NewTask)
        await seen.press("M")
        await left(seen, kept=True)
        await seen.press("n")
        await opened(seen, NewTask)
        await seen.press("backspace")
        await left(seen, kept=False)
        await seen.press("n")
        await opened(seen, NewTask)
        assert BACK not in seen.text


async def test_what_is_left_of_a_checklist_is_not_a_draft_of_the_task(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await on(seen, Noun.TASK, sample.login)
        await seen.press("n")
        await opened(seen, NewTask)
        await seen.press(*"Mend it")
        seen.app.screen.query_one("#checklist", TextArea).text = "x" * 5_000
        await seen.press("ctrl+s")
        await seen.shows("title:")
        await left(seen, kept=False)


async def test_a_prompt_is_kept_for_its_tasks_alone(world: World) -> None:
    sample = await fill(world)
    tasks = [task for task in world.state.table(Noun.TASK).values() if isinstance(task, Task)]
    pages = next(task.id for task in tasks if task.title == "Page the list of orders")
    async with looking(world) as seen:
        await on(seen, Noun.TASK, pages)
        await seen.press("s")
        await opened(seen, SpawnDialog)
        seen.app.screen.query_one("#prompt", TextArea).text = "Mind the tests"
        await left(seen, kept=True)
        await on(seen, Noun.TASK, sample.login)
        await seen.press("s")
        await opened(seen, SpawnDialog)
        assert words(seen.app.screen)["prompt"] == ""
        await left(seen, kept=False)
        await on(seen, Noun.TASK, pages)
        await seen.press("s")
        await opened(seen, SpawnDialog)
        assert words(seen.app.screen)["prompt"] == "Mind the tests"


async def test_an_answer_and_a_letter_are_kept_apart(world: World) -> None:
    sample = await fill(world)
    await world.do(SendMail(to_session_id=sample.docs, message="Which port?"))
    async with looking(world) as seen:
        await on(seen, Noun.TASK, sample.login)
        await seen.press("5")
        await seen.shows("Which port?")
        await seen.press("r")
        await opened(seen, Write)
        await seen.press(*"8081")
        await left(seen, kept=True)
        await seen.press("c")
        await opened(seen, Write)
        assert words(seen.app.screen) == {"text": "", "subject": ""}
        await left(seen, kept=False)
        await seen.press("r")
        await opened(seen, Write)
        assert words(seen.app.screen) == {"text": "8081"}


async def test_a_letter_goes_to_whom_it_was_to_go(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await on(seen, Noun.TASK, sample.login)
        await seen.press("5", "c")
        await opened(seen, Write)
        seen.app.screen.query_one("#to", Select).value = sample.fix
        seen.app.screen.query_one("#text", TextArea).text = "Go on"
        await left(seen, kept=True)
        await seen.press("c")
        await opened(seen, Write)
        assert seen.app.screen.query_one("#to", Select).value == sample.fix
        await seen.press("ctrl+s")
        await closed(seen)
    assert world.asked[-1][2]["toSessionId"] == sample.fix


async def test_a_comment_is_kept_for_its_lines(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await on_diff(world, seen, sample.fix)
        await seen.press("J", "j", "j", "j", "c")
        await opened(seen, Comment)
        await seen.press(*"Why")
        await left(seen, kept=True)
        await seen.press("j", "c")
        await opened(seen, Comment)
        assert words(seen.app.screen) == {"text": ""}
        await left(seen, kept=False)
        await seen.press("k", "c")
        await opened(seen, Comment)
        await seen.press(*" so?")
        assert words(seen.app.screen) == {"text": "Why so?"}
