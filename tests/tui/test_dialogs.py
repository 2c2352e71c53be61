"""The dialogs and the palette: what they ask for, what they refuse, and what a refusal looks like."""

import socket
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from textual.widgets import Input, Select, TextArea

from maestro_tui.agents import agents
from maestro_tui.bindings import KEYS, MODES, Keymap, Mode, everywhere_on, keys_in
from maestro_tui.cells import plain
from maestro_tui.deeds import Done, Refused
from maestro_tui.deeds import typed as typed_to
from maestro_tui.programs import Spawn, outcome, spawn_words
from maestro_tui.screens.new_task import NewTask
from maestro_tui.screens.small import Help, Question, Tell, help_lines
from maestro_tui.screens.spawn import Marks, SpawnDialog
from maestrod.domain.model import Defaults, Noun, PermissionMode, Role, SessionStatus, Strategy, TaskStatus
from maestrod.domain.projects import EditProject
from maestrod.domain.sessions import StopSession
from maestrod.domain.tasks import CreateTask
from tests.support.world import World
from tests.tui.conftest import Seen, looking
from tests.tui.sample import fill

SIZES = [(60, 20), (120, 40)]
PLAIN = Keymap(KEYS)


async def on(seen: Seen, noun: Noun, id_: str) -> None:
    await seen.until(lambda: seen.app.desk.mirror.whole, "everything is read")
    await seen.until(lambda: seen.app.mission.spot.subject is not None, "something is looked at")
    seen.app.mission.go_to(noun, id_)
    await seen.until(lambda: seen.app.mission.spot.subject == (noun, id_))


async def opened(seen: Seen, kind: type[object]) -> None:
    await seen.until(lambda: isinstance(seen.app.screen, kind), f"a {kind.__name__} is open")


async def closed(seen: Seen) -> None:
    await seen.until(lambda: len(seen.app.screen_stack) == 1, "the dialog is closed")


# -- a new task


@pytest.mark.parametrize("size", SIZES)
async def test_a_task_is_made_with_what_was_typed(world: World, size: tuple[int, int]) -> None:
    sample = await fill(world)
    async with looking(world, size) as seen:
        await on(seen, Noun.TASK, sample.login)
        await seen.press("n")
        await opened(seen, NewTask)
        await seen.shows("New task", "Title", "Description", "Priority", "Project", "Ctrl+S create", "Esc cancel")
        await seen.press(*"Mend it")
        seen.app.screen.query_one(TextArea).text = "all of it"
        seen.app.screen.query_one("#priority", Select).value = "critical"
        await seen.press("ctrl+s")
        await closed(seen)
    body = {"title": "Mend it", "description": "all of it", "priority": "critical", "projectId": sample.shop}
    assert world.asked == [("POST", "/tasks", body)]


async def test_enter_goes_on_and_creates_nothing(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await on(seen, Noun.TASK, sample.login)
        await seen.press("n", *"Half", "enter")
        assert isinstance(seen.app.screen, NewTask)
        assert isinstance(seen.app.screen.focused, TextArea)
        await seen.press("escape")
        await closed(seen)
    assert world.asked == []


async def test_a_task_needs_a_title(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await on(seen, Noun.TASK, sample.login)
        await seen.press("n", "ctrl+s")
        await seen.shows("A task needs a title.")
    assert world.asked == []


async def test_a_task_needs_a_project(world: World) -> None:
    async with looking(world) as seen:
        await seen.until(lambda: seen.app.desk.mirror.whole)
        await seen.press("n", *"x", "ctrl+s")
        await seen.shows("There is no project yet", "P makes one")


async def test_a_refusal_is_shown_where_it_happened_and_can_be_corrected(world: World) -> None:
    sample = await fill(world)
    async with looking(world, (60, 20)) as seen:
        await on(seen, Noun.TASK, sample.login)
        await seen.press("n", *"Mend it")
        world.refuses["/tasks"] = (
            400,
            {"code": "VALIDATION_ERROR", "message": "title: is taken", "hint": "Choose another."},
        )
        await seen.press("ctrl+s")
        await seen.shows("title: is taken", "Choose another.", "Ctrl+S create")
        world.refuses.clear()
        await seen.press("ctrl+s")
        await closed(seen)
        await seen.shows("“Mend it” created")


# -- stopping and deleting


async def test_stopping_shows_what_is_lost_and_asks(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await on(seen, Noun.SESSION, sample.fix)
        await seen.press("x")
        await opened(seen, Question)
        await seen.shows("Stop fix-login?", "This is lost:", "Fix the flaky login test", "y stop it")
        await seen.press("n")
        await closed(seen)
        assert world.asked == []
        await seen.press("x", "y")
        await closed(seen)
        await seen.shows("fix-login stopped")
    assert world.state.session(sample.fix).status is SessionStatus.STOPPED


async def test_enter_does_not_stop_anything(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await on(seen, Noun.SESSION, sample.fix)
        await seen.press("x", "enter", "escape")
        await closed(seen)
    assert world.asked == []


async def test_a_session_that_has_ended_is_not_stopped_again(world: World) -> None:
    sample = await fill(world)
    await world.do(StopSession(session_id=sample.fix))
    async with looking(world) as seen:
        await on(seen, Noun.SESSION, sample.fix)
        await seen.press("x")
        await seen.shows("has ended already")


async def test_deleting_a_task_shows_what_goes_with_it(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await on(seen, Noun.TASK, sample.login)
        await seen.press("d")
        await seen.shows(
            "Delete “Fix the flaky login test”?",
            "This goes; u takes it back:",
            "the record of 1 attempts",
            "Deploy to the test shop",
        )
        world.refuses[f"/tasks/{sample.login}"] = (409, {"code": "CONFLICT", "message": "sessions are working"})
        await seen.press("y")
        await seen.shows("sessions are working")
        await seen.press("escape")
        await closed(seen)
    assert sample.login in world.state.table(Noun.TASK)


async def test_a_live_session_is_not_forgotten(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await on(seen, Noun.SESSION, sample.fix)
        await seen.press("d")
        await seen.shows("stop it first")
        await world.do(StopSession(session_id=sample.fix))
        await seen.until(lambda: seen.app.desk.mirror.state.session(sample.fix).status is SessionStatus.STOPPED)
        await seen.press("d", "y")
        await closed(seen)
        await seen.until(lambda: sample.fix not in world.state.table(Noun.SESSION))


# -- a line to a session


async def test_a_prompt_is_sent_when_nothing_is_asked(world: World) -> None:
    sample = await fill(world)
    async with looking(world, (60, 20)) as seen:
        await on(seen, Noun.SESSION, sample.fix)
        await seen.press("m")
        await opened(seen, Tell)
        await seen.shows("Message to fix-login", "a prompt", "↵ send")
        await seen.press("enter")
        await seen.shows("There is nothing to send.")
        await seen.press(*"go on", "enter")
        await closed(seen)
    assert world.asked == [("POST", f"/sessions/{sample.fix}/input", {"text": "go on"})]


DIALOG = "Which version of the refund rules?\n\n  1. version 2\n  2. version 3\n"


@pytest.mark.parametrize(("typed", "keys"), [("2", ["2"]), ("version 3", ["version 3", "Enter"])])
async def test_a_question_is_answered_by_keys_beside_its_own_screen(world: World, typed: str, keys: list[str]) -> None:
    sample = await fill(world)
    await world.draw(sample.docs, DIALOG)
    async with looking(world, (60, 20)) as seen:
        await on(seen, Noun.SESSION, sample.docs)
        await seen.press("m")
        await opened(seen, Tell)
        await seen.shows("Answer guide", "2. version 3", "↵ send")
        await seen.press(*typed, "enter")
        await closed(seen)
        await seen.shows("guide has its answer")
    assert world.asked == [("POST", f"/sessions/{sample.docs}/input", {"keys": keys})]


async def test_a_question_that_has_changed_meanwhile_is_not_answered(world: World) -> None:
    sample = await fill(world)
    await world.draw(sample.docs, DIALOG)
    async with looking(world) as seen:
        await on(seen, Noun.SESSION, sample.docs)
        await seen.press("m")
        await seen.shows("2. version 3")
        await world.draw(sample.docs, "Delete everything?\n  1. no\n  2. yes\n")
        await seen.press("2", "enter")
        await seen.shows("Its screen has changed meanwhile.", "2. yes")
        assert world.asked == []
        await seen.press("backspace", "1", "enter")
        await closed(seen)
    assert world.asked == [("POST", f"/sessions/{sample.docs}/input", {"keys": ["1"]})]


async def test_what_was_not_delivered_is_told_and_kept(world: World) -> None:
    sample = await fill(world)
    world.typed = {"result": "not_delivered", "reason": "a question is open"}
    async with looking(world) as seen:
        await on(seen, Noun.SESSION, sample.fix)
        await seen.press("m", *"go on", "enter")
        await seen.shows("not delivered: a question is open")
        assert seen.app.screen.query_one(Input).value == "go on"
        world.typed = {"result": "queued", "reason": "it is at work"}
        await seen.press("enter")
        await closed(seen)
        await seen.shows("sent to fix-login: it is at work")


@pytest.mark.parametrize("body", [b"", b"{}", b"nonsense", b'{"result": 3}'])
def test_an_odd_answer_to_what_was_typed_counts_as_sent(body: bytes) -> None:
    assert typed_to(body, "sent") == Done("sent")


# -- starting an agent


def programs_in(folder: Path, *names: str) -> str:
    for name in names:
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o755)
    return str(folder)


@pytest.mark.parametrize("size", SIZES)
async def test_the_agents_that_are_here_can_be_told_from_those_that_are_not(
    world: World, size: tuple[int, int], tmp_path: Path
) -> None:
    sample = await fill(world)
    async with looking(world, size, PATH=programs_in(tmp_path, "codex")) as seen:
        await on(seen, Noun.TASK, sample.login)
        await seen.press("s")
        await opened(seen, SpawnDialog)
        await seen.shows("Start an agent", "[x] Fix the flaky login test", "Agent", "Role", "Strategy", "Model")
        await seen.shows("Permissions", "Name", "Ctrl+S spawn")
        agent = seen.app.screen.query_one("#provider", Select)
        assert [str(prompt) for prompt, _ in agent._options] == [
            "default (codex)",
            "claude (not installed)",
            "codex",
            "gemini (not installed)",
        ]
        agent.value = "gemini"
        await seen.press("ctrl+s")
        await seen.shows("gemini cannot be started: not installed: npm install", "Found here: codex.")


async def test_the_default_agent_is_that_of_the_task_then_of_the_project(world: World, tmp_path: Path) -> None:
    sample = await fill(world)
    own = await world.made(CreateTask(title="With its own", project_id=sample.shop, provider="gemini"))
    async with looking(world, PATH=programs_in(tmp_path, "codex")) as seen:
        await on(seen, Noun.TASK, own)
        await seen.press("s")
        await opened(seen, SpawnDialog)
        await seen.shows("default (gemini)")
        await seen.press("space")
        await seen.shows("default (codex)")
        await seen.press("escape")
        await world.do(EditProject(project_id=sample.shop, defaults=Defaults(provider="claude")))
        await on(seen, Noun.PROJECT, sample.shop)
        await seen.press("s")
        await opened(seen, SpawnDialog)
        await seen.shows("default (claude)")


async def test_letters_open_a_closed_choice_and_are_searched_for(world: World, tmp_path: Path) -> None:
    sample = await fill(world)
    async with looking(world, PATH=programs_in(tmp_path, "claude", "codex", "gemini")) as seen:
        await on(seen, Noun.TASK, sample.login)
        await seen.press("s")
        await opened(seen, SpawnDialog)
        agent = seen.app.screen.query_one("#provider", Select)
        agent.focus()
        await seen.press("c", "o")
        assert agent.expanded
        await seen.press("enter")
        assert (agent.value, agent.expanded) == ("codex", False)
        await seen.press("space")
        assert agent.expanded


async def test_tasks_are_marked_with_space(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await on(seen, Noun.TASK, sample.login)
        await seen.press("s")
        await opened(seen, SpawnDialog)
        choice = seen.app.screen.query_one("#tasks-chosen", Marks)
        assert choice.chosen == [sample.login]
        await seen.shows("[x] Fix the flaky login test · claude is on it")
        await seen.press("j", "space", "k", "space")
        assert len(choice.chosen) == 1
        assert choice.chosen != [sample.login]
        await seen.press("j", "space", "ctrl+s")
        await seen.shows("A worker needs a task")


async def test_the_strategies_are_those_of_the_role(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await on(seen, Noun.TASK, sample.login)
        await seen.press("s")
        await opened(seen, SpawnDialog)
        role, strategy = (seen.app.screen.query_one(f"#{name}", Select) for name in ("role", "strategy"))
        role.value = "orchestrator"
        await seen.until(lambda: strategy.value == "default")
        assert [value for _, value in strategy._options] == ["default", "batching", "dag"]
        role.value = "worker"
        await seen.until(lambda: strategy.value == "simple")


async def test_a_failed_spawn_is_shown_in_the_dialog(world: World, tmp_path: Path) -> None:
    sample = await fill(world)
    nowhere = {"MAESTRO_SERVER": f"unix:{tmp_path}/none.sock", "MAESTRO_NO_AUTOSTART": "1", "MAESTRO_TIMEOUT": "1"}
    path = f"{programs_in(tmp_path, 'claude')}:/usr/bin:/bin"
    async with looking(world, (80, 24), PATH=path, HOME=str(tmp_path), **nowhere) as seen:
        await on(seen, Noun.TASK, sample.login)
        await seen.press("s")
        await opened(seen, SpawnDialog)
        await seen.press("ctrl+s")
        await seen.shows("… working")
        await seen.shows("no daemon at")
        assert isinstance(seen.app.screen, SpawnDialog)
        assert seen.app.desk.last_spawn is not None
        assert seen.app.desk.last_spawn.task_ids == (sample.login,)


async def test_who_leaves_before_there_is_an_answer_is_told_that_it_may_be_done(world: World, tmp_path: Path) -> None:
    sample = await fill(world)
    path = f"{programs_in(tmp_path, 'claude')}:/usr/bin:/bin"
    with socket.create_server(("127.0.0.1", 0)) as dumb:
        server = f"http://127.0.0.1:{dumb.getsockname()[1]}"
        await leave_early(
            world, sample.login, PATH=path, HOME=str(tmp_path), MAESTRO_SERVER=server, MAESTRO_TIMEOUT="60"
        )


async def leave_early(world: World, task_id: str, **environ: str) -> None:
    async with looking(world, (80, 24), **environ) as seen:
        await on(seen, Noun.TASK, task_id)
        await seen.press("s")
        await opened(seen, SpawnDialog)
        await seen.press("ctrl+s")
        await seen.shows("… working")
        await seen.press("escape")
        await closed(seen)
        await seen.shows("it may be done all the same")
        await seen.until(lambda: not spawning(), "nothing is left of it")


def spawning() -> list[int]:
    """The processes of ours that start an agent."""
    found = []
    for child in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):
            found += [child.pid] if "spawn" in child.cmdline() else []
    return found


async def test_the_last_choice_is_remembered(world: World, tmp_path: Path) -> None:
    sample = await fill(world)
    async with looking(world, PATH=programs_in(tmp_path, "claude", "codex")) as seen:
        await on(seen, Noun.TASK, sample.login)
        seen.app.desk.last_spawn = Spawn(
            project_id=sample.shop,
            task_ids=(),
            provider="codex",
            role=Role.ORCHESTRATOR,
            strategy=Strategy.DAG,
            model="o9",
            permission_mode=PermissionMode.READ_ONLY,
        )
        await seen.press("s")
        await opened(seen, SpawnDialog)
        values = {
            name: seen.app.screen.query_one(f"#{name}", Select).value for name in ("provider", "role", "strategy")
        }
        assert values == {"provider": "codex", "role": "orchestrator", "strategy": "dag"}
        assert seen.app.screen.query_one("#model", Input).value == "o9"


async def test_templates_and_skills_can_be_chosen(world: World, tmp_path: Path) -> None:
    sample = await fill(world)
    world.documents["/templates"] = [
        {"id": "tmpl_1", "name": "careful", "role": "worker"},
        {"id": "tmpl_2", "name": "planner", "role": "orchestrator"},
    ]
    world.documents["/skills"] = [{"name": "lint", "description": "how we lint"}, {"name": "docs"}]
    nowhere = {"MAESTRO_SERVER": f"unix:{tmp_path}/none.sock", "MAESTRO_NO_AUTOSTART": "1", "MAESTRO_TIMEOUT": "1"}
    async with looking(world, (120, 50), PATH=f"{programs_in(tmp_path, 'claude')}:/usr/bin:/bin", **nowhere) as seen:
        await on(seen, Noun.TASK, sample.login)
        await seen.press("s")
        await opened(seen, SpawnDialog)
        await seen.shows("[ ] lint · how we lint", "[ ] docs", "Worktree", "its own when another works here")
        template = seen.app.screen.query_one("#template", Select)
        assert [value for _, value in template._options] == ["", "tmpl_1"]
        template.value = "tmpl_1"
        seen.app.screen.query_one("#worktree", Select).value = "True"
        skills = seen.app.screen.query_one("#skills-chosen", Marks)
        skills.focus()
        await seen.press("j", "space")
        seen.app.screen.query_one("#prompt", TextArea).focus()
        await seen.press("G", "o", "enter", "o", "n", "ctrl+s")
        await seen.shows("no daemon at")
        spawn = seen.app.desk.last_spawn
        assert spawn is not None
        assert (spawn.template_id, spawn.worktree, spawn.skill_ids) == ("tmpl_1", True, ("docs",))
        assert spawn.prompt == "Go\non"
        seen.app.screen.query_one("#role", Select).value = "orchestrator"
        await seen.until(lambda: [value for _, value in template._options] == ["", "tmpl_2"])


async def test_without_a_project_there_is_nothing_to_start_an_agent_on(world: World) -> None:
    async with looking(world) as seen:
        await seen.until(lambda: seen.app.desk.mirror.whole)
        await seen.press("s")
        await seen.shows("Put the cursor on a project")


def test_what_is_asked_for_becomes_words_of_the_command_line() -> None:
    words = spawn_words(
        Spawn(
            project_id="proj_1",
            task_ids=("task_1", "task_2"),
            provider="codex",
            model="o9",
            name="--odd name",
            template_id="tmpl_1",
            skill_ids=("lint", "docs"),
            worktree=False,
            prompt="--go\non",
        )
    )
    assert words == [
        "session",
        "spawn",
        "--project=proj_1",
        "--task=task_1",
        "--task=task_2",
        "--role=worker",
        "--strategy=simple",
        "--permission-mode=acceptEdits",
        "--provider=codex",
        "--model=o9",
        "--name=--odd name",
        "--template=tmpl_1",
        "--prompt=--go\non",
        "--skill=lint",
        "--skill=docs",
        "--no-worktree",
    ]
    assert "--worktree" in spawn_words(Spawn(project_id="proj_1", task_ids=(), worktree=True))
    assert not [word for word in spawn_words(Spawn(project_id="proj_1", task_ids=())) if "worktree" in word]


@pytest.mark.parametrize(
    ("code", "out", "err", "came"),
    [
        (0, b'{"success":true,"data":{"session":{"id":"sess_1"}}}', b"", Done("done", "sess_1")),
        (0, b'{"success":true,"data":null}', b"", Done("done")),
        (
            7,
            b'{"success":false,"message":"no claude","suggestion":"install it"}',
            b"",
            Refused("no claude", "install it"),
        ),
        (1, b"", b"warning\nTraceback: boom\n", Refused("Traceback: boom")),
        (1, b"\xff\xfe{", b"\xff", Refused("\ufffd")),
        (-9, b"", b"", Refused("maestro ended with exit code -9")),
        (0, b"not json", b"", Done("done")),
    ],
)
def test_what_a_run_came_to_is_read_from_whatever_it_printed(
    code: int, out: bytes, err: bytes, came: Done | Refused
) -> None:
    assert outcome(code, out, err, "done") == came


def test_an_agent_that_starts_is_named() -> None:
    out = b'{"success": true, "data": {"session": {"id": "sess_1", "name": "{} q\\u001bx"}}}'
    assert outcome(0, out, b"", "the agent is starting", named="{} is starting") == Done(
        f"{plain('{} q' + chr(27) + 'x')} is starting", "sess_1"
    )
    nameless = b'{"success": true, "data": {"session": {"id": "sess_1"}}}'
    assert outcome(0, nameless, b"", "it is starting", named="{} is starting") == Done("it is starting", "sess_1")


def test_who_cannot_be_started_says_why(tmp_path: Path) -> None:
    config = tmp_path / "config"
    (config / "providers").mkdir(parents=True)
    (config / "providers" / "aider.toml").write_text('start = ["aider"]\ninstall = "pip install aider"\n')
    (config / "providers" / "mine.toml").write_text('start = ["claude"]\n')
    (config / "providers" / "broken.toml").write_text("start = 7\n")
    (config / "providers" / "Not A Name.toml").write_text("")
    path = programs_in(tmp_path, "claude")
    (tmp_path / "codex").write_text("not executable")
    lacks = {agent.name: agent.lack for agent in agents({"PATH": path}, config)}
    assert list(lacks) == ["claude", "codex", "gemini", "aider", "broken", "mine"]
    assert lacks["claude"] == lacks["mine"] == ""
    assert lacks["codex"] == "not installed: npm install -g @openai/codex"
    assert lacks["aider"] == "not installed: pip install aider"
    assert lacks["broken"].startswith("its file cannot be used: ")


# -- resuming and attaching


async def test_only_an_ended_session_is_brought_back(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await on(seen, Noun.SESSION, sample.fix)
        await seen.press("r")
        await seen.shows("fix-login has not ended.")


async def test_a_session_that_cannot_be_brought_back_says_why(world: World, tmp_path: Path) -> None:
    sample = await fill(world)
    await world.do(StopSession(session_id=sample.fix))
    nowhere = {"MAESTRO_SERVER": f"unix:{tmp_path}/none.sock", "MAESTRO_NO_AUTOSTART": "1", "MAESTRO_TIMEOUT": "1"}
    async with looking(world, (120, 40), PATH="/usr/bin:/bin", HOME=str(tmp_path), **nowhere) as seen:
        await on(seen, Noun.SESSION, sample.fix)
        await seen.press("r")
        await seen.shows("no daemon at")


async def test_a_session_without_a_terminal_is_not_attached_to(world: World) -> None:
    sample = await fill(world)
    await world.do(StopSession(session_id=sample.fix))
    async with looking(world) as seen:
        await on(seen, Noun.SESSION, sample.fix)
        await seen.press("a")
        await seen.shows("fix-login has no terminal: it is stopped.")


async def test_the_key_that_comes_back_is_shown_before_the_terminal_is_given_away(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await on(seen, Noun.SESSION, sample.fix)
        await seen.press("a")
        await seen.shows("Attach to fix-login?", "Ctrl+B, then D, brings you back here.", "↵ attach")
        await seen.press("escape")
        await closed(seen)


# -- help and palette


@pytest.mark.parametrize("size", SIZES)
async def test_help_has_every_key_and_can_be_scrolled(world: World, size: tuple[int, int]) -> None:
    await fill(world)
    async with looking(world, size) as seen:
        await seen.press("question_mark")
        await opened(seen, Help)
        await seen.shows("Keys and signs", "On Mission", "Esc close")
        await seen.press("end")
        await seen.shows("stopped")
        await seen.press("escape")
        await closed(seen)


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
def test_help_is_made_from_the_one_table(mode: Mode) -> None:
    text = "\n".join(help_lines(mode, PLAIN, 200))
    heard = (*keys_in(*mode.places), *everywhere_on(mode))
    assert all(f"{key.shown} " in text and key.help in text for key in heard)
    assert max(len(line) for line in help_lines(mode, PLAIN, 50)) <= 50


async def chosen(seen: Seen, words: str) -> None:
    await seen.press("ctrl+p")
    await seen.until(lambda: len(seen.app.screen_stack) == 2)
    await seen.press(*words)


async def test_the_palette_has_the_commands_of_the_screen_and_goes_to_projects(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await on(seen, Noun.SESSION, sample.fix)
        seen.app.action_show("board")
        await seen.until(lambda: seen.app.current_mode == "board")
        await chosen(seen, "block card")
        await seen.shows("Block card", "Block the task, or unblock it · b")
        await seen.press("escape")
        await closed(seen)
        await chosen(seen, "infra")
        await seen.shows("Project: infra")
        await seen.press("enter")
        await closed(seen)
        await seen.until(lambda: seen.app.here.spot.subject == (Noun.PROJECT, sample.infra))


async def test_the_palette_goes_to_a_task_and_to_a_session(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await on(seen, Noun.SESSION, sample.fix)
        await chosen(seen, "flaky")
        await seen.shows("Task: Fix the flaky login test")
        await seen.press("enter")
        await closed(seen)
        await seen.until(lambda: seen.app.mission.spot.subject == (Noun.TASK, sample.login))
        await chosen(seen, "guide")
        await seen.shows("Session: guide")
        await seen.press("enter")
        await seen.until(lambda: seen.app.mission.spot.subject == (Noun.SESSION, sample.docs))


async def test_the_palette_has_every_command(world: World) -> None:
    sample = await fill(world)
    async with looking(world, (120, 60)) as seen:
        await on(seen, Noun.TASK, sample.login)
        await chosen(seen, "compl")
        await seen.shows("Task: complete “Fix the flaky login test”")
        await seen.press("enter")
        await closed(seen)
        await seen.until(lambda: world.state.task(sample.login).status is TaskStatus.COMPLETED)
        await chosen(seen, "light")
        await seen.shows("Theme: light")
        await seen.press("enter")
        await seen.until(lambda: seen.app.theme == "maestro-light")
        await chosen(seen, "needing")
        await seen.press("enter")
        await seen.until(lambda: seen.app.mission.spot.subject == (Noun.SESSION, sample.api))


async def test_a_key_in_the_palette_opens_its_dialog(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await on(seen, Noun.TASK, sample.login)
        await chosen(seen, "new t")
        await seen.press("enter")
        await opened(seen, NewTask)


def test_the_program_that_is_run_is_our_own() -> None:
    from maestro_tui.programs import MAESTRO

    assert (sys.executable, "-m", "maestro_cli") == MAESTRO
