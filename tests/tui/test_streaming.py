"""The live door: everything, then what changes, through loss and return."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from maestrod.client.streaming import (
    Answer,
    Back,
    Changes,
    Lost,
    Message,
    Refusal,
    ScreenGone,
    Snapshot,
    Stream,
    back_off,
)
from maestrod.domain.changes import Delete, Put
from maestrod.domain.model import Noun, Project, Strategy, Task
from maestrod.domain.projects import CreateProject
from maestrod.domain.queues import PushItem
from maestrod.domain.sessions import NeedInput, SpawnSession
from maestrod.domain.tasks import CreateTask, DeleteTask, EditTask
from tests.cli.raw_server import RawServer
from tests.support.eventually import aeventually
from tests.support.world import START, World


class Heard:
    """What a stream has said so far, collected by a task of its own."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.messages: list[Message] = []

    async def listen(self) -> None:
        async with aclosing(self.stream.messages()) as messages:
            async for message in messages:
                self.messages.append(message)

    def of(self, kind: type[Message]) -> list[Message]:
        return [m for m in self.messages if isinstance(m, kind)]

    @property
    def changes(self) -> list[Put | Delete]:
        return [change for m in self.messages if isinstance(m, Changes) for change in m.changes]

    async def until(self, what: str, probe: Callable[[], object]) -> None:
        async def asked() -> object:
            return probe()

        await aeventually(asked, what=what)


@asynccontextmanager
async def listening(world: World) -> AsyncIterator[Heard]:
    async with Stream(world.server, chance=lambda: 0.0) as stream, asyncio.TaskGroup() as group:
        heard = Heard(stream)
        task = group.create_task(heard.listen())
        try:
            yield heard
        finally:
            task.cancel()


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World() as made:
        yield made


async def a_project(world: World) -> str:
    return await world.made(CreateProject(name="shop", working_dir="/src/shop"))


async def followed(world: World, heard: Heard) -> None:
    await heard.until("the stream follows", lambda: world.listeners and heard.of(Changes))


async def test_all_that_is_comes_first_in_parts_and_the_last_part_says_so(world: World) -> None:
    project = await a_project(world)
    tasks = [Task(id=f"task_{START}_{n:09}", project_id=project, title=f"t{n}") for n in range(2_500)]
    world.fill(Noun.TASK, tasks)
    async with listening(world) as heard:
        await followed(world, heard)
    parts = [m for m in heard.messages if isinstance(m, Snapshot)]
    assert [p.first for p in parts] == [True] + [False] * (len(parts) - 1)
    assert [p.last for p in parts] == [False] * (len(parts) - 1) + [True]
    assert sum(len(p.entities.get(Noun.TASK, ())) for p in parts) == 2_500
    assert max(len(p.entities.get(Noun.TASK, ())) for p in parts) == 1_000
    assert isinstance(parts[0].entities[Noun.PROJECT][0], Project)


async def test_changes_come_as_puts_and_deletions_in_order(world: World) -> None:
    project = await a_project(world)
    async with listening(world) as heard:
        await followed(world, heard)
        task = await world.made(CreateTask(title="one", project_id=project))
        await world.do(EditTask(task_id=task, title="two"))
        await world.do(DeleteTask(task_id=task))
        await heard.until("the deletion", lambda: Delete(Noun.TASK, task) in heard.changes)
    told = [c for c in heard.changes if c.id == task]
    assert [c.entity.title for c in told if isinstance(c, Put) and isinstance(c.entity, Task)] == ["one", "two"]
    assert isinstance(told[-1], Delete)


async def test_every_event_of_a_spawn_is_a_put_or_passed_over(world: World) -> None:
    project = await a_project(world)
    async with listening(world) as heard:
        await followed(world, heard)
        task = await world.made(CreateTask(title="one", project_id=project))
        changes = await world.do(SpawnSession(project_id=project, task_ids=(task,), strategy=Strategy.QUEUE))
        session = changes[0].id
        await world.do(
            PushItem(session_id=session, task_id=await world.made(CreateTask(title="b", project_id=project)))
        )
        await world.do(NeedInput(session_id=session, message="yes?"))
        await heard.until("a notice", lambda: any(m.notices for m in heard.messages if isinstance(m, Changes)))
    nouns = {c.noun for c in heard.changes}
    assert {Noun.TASK, Noun.SESSION, Noun.ASSIGNMENT, Noun.QUEUE, Noun.ITEM, Noun.TIMELINE} <= nouns
    notices = [n for m in heard.messages if isinstance(m, Changes) for n in m.notices]
    assert [(n.event, n.id) for n in notices] == [("notify:needs_input", session)]


async def test_live_facts_come_beside_the_changes(world: World) -> None:
    await a_project(world)
    async with listening(world) as heard:
        await followed(world, heard)
        await world.know("sess_1", process="unreachable", state="working")
        await heard.until("live", lambda: any(m.live for m in heard.messages if isinstance(m, Changes)))
    told = next(m.live for m in heard.messages if isinstance(m, Changes) and m.live)
    assert told["sess_1"]["process"] == "unreachable"


async def test_a_lost_daemon_is_told_with_a_pause_and_its_return_misses_nothing(world: World) -> None:
    project = await a_project(world)
    async with listening(world) as heard:
        await followed(world, heard)
        await world.fall()
        await heard.until("lost", lambda: heard.of(Lost))
        missed = await world.made(CreateTask(title="made meanwhile", project_id=project))
        await world.rise()
        await heard.until("what was missed", lambda: any(c.id == missed for c in heard.changes))
    lost = heard.of(Lost)[0]
    assert isinstance(lost, Lost)
    assert lost.retry_in > 0
    assert heard.of(Back)
    assert sum(m.first for m in heard.messages if isinstance(m, Snapshot)) == 1


async def test_waiting_for_the_next_try_can_be_cut_short(world: World) -> None:
    await world.fall()
    async with Stream(world.server, chance=lambda: 1.0) as stream, asyncio.TaskGroup() as group:
        heard = Heard(stream)
        task = group.create_task(heard.listen())
        await heard.until("patience grows", lambda: len(heard.of(Lost)) >= 4)
        tries = len(heard.of(Lost))
        stream.retry_now()
        await heard.until("another try", lambda: len(heard.of(Lost)) > tries)
        task.cancel()


async def test_a_resync_reads_everything_anew(world: World) -> None:
    await a_project(world)
    async with listening(world) as heard:
        await followed(world, heard)
        await world.resync()
        await heard.until("read twice", lambda: sum(m.last for m in heard.messages if isinstance(m, Snapshot)) == 2)


async def test_a_daemon_that_has_forgotten_what_we_know_is_read_anew(world: World) -> None:
    project = await a_project(world)
    for n in range(3):
        await world.made(CreateTask(title=f"t{n}", project_id=project))
    async with listening(world) as heard:
        await followed(world, heard)
        await world.fall()
        world.seq, world.boot, world.commits = 1, "boot2", []
        await world.rise()
        await heard.until("read twice", lambda: sum(m.last for m in heard.messages if isinstance(m, Snapshot)) == 2)


async def test_a_daemon_of_another_api_is_named_and_never_believed(world: World) -> None:
    world.api = 2
    async with listening(world) as heard:
        await heard.until("refused", lambda: heard.of(Lost))
    lost = heard.of(Lost)[0]
    assert isinstance(lost, Lost)
    assert "maestro daemon restart" in lost.reason
    assert not heard.of(Snapshot)


@pytest.mark.parametrize(
    "frame",
    ["", "nonsense", "{", '{"event": "task:created"}', '{"event": "task:created", "data": {"id": 3}}', "[[]]", "7"],
)
async def test_a_broken_frame_loses_the_connection_and_nothing_else(world: World, frame: str) -> None:
    project = await a_project(world)
    async with listening(world) as heard:
        await followed(world, heard)
        await world.say(frame)
        await heard.until("back again", lambda: heard.of(Back))
        task = await world.made(CreateTask(title="after", project_id=project))
        await heard.until("what came after", lambda: any(c.id == task for c in heard.changes))


async def test_frames_that_nobody_knows_are_passed_over(world: World) -> None:
    project = await a_project(world)
    async with listening(world) as heard:
        await followed(world, heard)
        await world.say('{"event": "weather:changed", "data": {}, "seq": 1}')
        await world.say('{"event": "task:session_added", "data": {"id": "asg_1"}}')
        task = await world.made(CreateTask(title="after", project_id=project))
        await heard.until("what came after", lambda: any(c.id == task for c in heard.changes))
    assert not heard.of(Lost)


async def test_a_write_is_answered_with_what_it_made(world: World) -> None:
    project = await a_project(world)
    async with Stream(world.server) as stream:
        answer = await stream.write("POST", "/tasks", {"title": "made", "projectId": project})
    assert isinstance(answer, Answer)
    assert b'"made"' in answer.body


async def test_a_refused_write_says_why_and_what_to_do(world: World) -> None:
    async with Stream(world.server) as stream:
        answer = await stream.write("POST", "/tasks/task_1_1/complete", {})
    assert isinstance(answer, Refusal)
    assert (answer.code, answer.status) == ("TASK_NOT_FOUND", 404)
    assert answer.hint


async def test_a_write_to_nobody_is_tried_again_until_somebody_listens(world: World) -> None:
    project = await a_project(world)
    await world.fall()
    async with Stream(world.server, chance=lambda: 0.0) as stream, asyncio.TaskGroup() as group:
        asked = group.create_task(stream.write("POST", "/tasks", {"title": "late", "projectId": project}))
        await asyncio.sleep(0)
        await world.rise()
        answer = await asked
    assert isinstance(answer, Answer)


async def test_a_read_gives_a_list_or_one(world: World) -> None:
    project = await a_project(world)
    task = await world.made(CreateTask(title="one", project_id=project, description="long"))
    async with Stream(world.server) as stream:
        one = await stream.read(f"/tasks/{task}", Noun.TASK)
        none = await stream.read("/tasks/task_1_1", Noun.TASK)
        odd = await stream.read("/hello", Noun.TASK)
    assert not isinstance(one, Refusal)
    assert [t.description for t in one if isinstance(t, Task)] == ["long"]
    assert isinstance(none, Refusal)
    assert isinstance(odd, Refusal)


async def test_a_screen_comes_each_time_it_is_drawn(world: World) -> None:
    await world.draw("sess_1", "one", width=10, height=1, cursorX=3)
    async with Stream(world.server) as stream, aclosing(stream.screen("sess_1")) as screens:
        first = await anext(screens)
        await aeventually(lambda: asyncio.sleep(0, world.watched))
        await world.draw("sess_1", "two", width=10, height=1)
        second = await anext(screens)
    assert (first.text, first.width, first.cursor_x) == ("one", 10, 3)
    assert second.text == "two"


async def test_a_session_without_a_pane_has_no_screen(world: World) -> None:
    async with Stream(world.server) as stream, aclosing(stream.screen("sess_1")) as screens:
        with pytest.raises(ScreenGone):
            await anext(screens)


@pytest.mark.parametrize("chance", [0.0, 0.5, 1.0])
def test_patience_grows_and_is_bounded(chance: float) -> None:
    pauses = [back_off(tries, lambda: chance) for tries in range(50)]
    assert pauses == sorted(pauses)
    assert 0 < pauses[0] <= 0.1
    assert 7.5 <= pauses[-1] <= 15


@pytest.mark.parametrize(("turns", "code", "asked"), [([b""], "UNANSWERED", 1), ([], "UNREACHABLE", 0)])
async def test_what_must_not_be_done_twice_is_tried_once(turns: list[bytes], code: str, asked: int) -> None:
    with TemporaryDirectory(prefix="mae-", dir="/tmp") as folder:
        place = Path(folder) / "d.sock"
        with RawServer(place, turns) if turns else nullcontext() as server:
            async with Stream(f"unix:{place}") as stream:
                refused = await stream.once("POST", "/sessions/ses_1/input", {"keys": ["a"]})
        assert isinstance(refused, Refusal)
        assert refused.code == code
        assert (len(server.asked) if server is not None else 0) == asked


async def test_a_screen_is_looked_at_again_as_soon_as_the_daemon_is_back(world: World) -> None:
    await world.draw("sess_1", "before")
    rests_for_minutes = Stream(world.server, chance=lambda: 6000.0)
    async with rests_for_minutes as stream, aclosing(stream.screen("sess_1")) as screens, asyncio.TaskGroup() as group:
        assert (await anext(screens)).text == "before"
        await world.fall()
        coming = group.create_task(anext(screens))
        await aeventually(lambda: asyncio.sleep(0, not world.watched))
        await world.draw("sess_1", "after")
        await world.rise()

        async def come() -> bool:
            stream.retry_now()
            return coming.done()

        await aeventually(come)
        assert coming.result().text == "after"
