"""What a person wants of the screen, and what it remembers: keys, strict mode, theme, the last choices."""

from pathlib import Path

import pytest

from maestro_tui.bindings import KEYS, Keymap
from maestro_tui.memory import SEEN, Memory, recall, remember
from maestro_tui.preferences import DEFAULTS, THEMES, Preferences, preferences
from maestro_tui.programs import Spawn
from maestro_tui.screens.new_task import NewTask
from maestro_tui.screens.small import Question
from maestrod.domain.model import Noun
from tests.support.world import World
from tests.tui.conftest import SIZE, looking
from tests.tui.sample import fill


def of(name: str) -> str:
    return next(key for key in KEYS if key.name == name).shown


def written(folder: Path, text: str) -> Preferences:
    (folder / "config.toml").write_text(text, encoding="utf-8")
    return preferences(folder)


def test_without_a_file_everything_is_as_it_is_shipped(tmp_path: Path) -> None:
    assert preferences(tmp_path) == DEFAULTS


def test_the_table_of_the_screen_is_read_beside_the_daemon_s_settings(tmp_path: Path) -> None:
    found = written(
        tmp_path,
        'snapshot_every = 100\n[tui]\ntheme = "ember"\nstrict = true\n'
        'reduced_motion = true\nkeys = { quit = "ctrl+x" }\n',
    )
    assert found == Preferences(theme="ember", strict=True, reduced_motion=True, keys={"quit": "ctrl+x"})


@pytest.mark.parametrize("text", ["[tui", "[tui]\nstrict = 7\n", '[tui]\ntheme = "pink"\n'])
def test_what_cannot_be_used_is_told_and_the_rest_goes_on(tmp_path: Path, text: str) -> None:
    found = written(tmp_path, text)
    assert str(tmp_path / "config.toml") in found.trouble
    assert found.theme == ""


def test_an_override_is_bound_and_shown() -> None:
    keymap = Keymap(KEYS, {"quit": "ctrl+x,f10", "nonsense": "z"})
    assert keymap.changed == {"quit": "ctrl+x,f10"}
    assert keymap.shown(next(key for key in KEYS if key.name == "quit")) == "Ctrl+X F10"
    assert keymap.troubles == ["no key is called 'nonsense'"]


def test_in_strict_mode_no_bare_character_changes_anything() -> None:
    keymap = Keymap(KEYS, strict=True)
    for key in KEYS:
        if not key.changes:
            continue
        for name in key.keys.split(","):
            bound = keymap.changed[f"{key.name}-{name}" if "{key}" in key.action else key.name]
            assert all(len(each) > 1 for each in bound.split(",")), key.name
    assert keymap.shown(next(key for key in KEYS if key.name == "answer")) == "Alt+1-9"
    assert keymap.shown(next(key for key in KEYS if key.name == "undo")) == "Alt+U"
    assert keymap.shown(next(key for key in KEYS if key.name == "help")) == of("help")


async def test_keys_are_heard_and_shown_as_a_person_wants_them(world: World) -> None:
    await fill(world)
    async with looking(world, SIZE, Preferences(keys={"new-task": "f4"})) as seen:
        await seen.until(lambda: seen.app.mission.spot.subject is not None)
        await seen.shows("F4 new")
        await seen.press("n")
        assert len(seen.app.screen_stack) == 1
        await seen.press("f4")
        await seen.until(lambda: isinstance(seen.app.screen, NewTask))


async def test_in_strict_mode_bare_keys_answer_nothing_and_stop_nothing(world: World) -> None:
    sample = await fill(world)
    async with looking(world, SIZE, Preferences(strict=True)) as seen:
        await seen.until(lambda: seen.app.desk.asking.dialogs)
        seen.app.action_show("inbox")
        await seen.shows("Alt+1-9 answer")
        await seen.press("y")
        assert world.asked == []
        await seen.press("x")
        await seen.until(lambda: isinstance(seen.app.screen, Question))
        await seen.shows("Ctrl+S stop it")
        await seen.press("y", "escape")
        await seen.until(lambda: len(seen.app.screen_stack) == 1)
        assert world.asked == []
        await seen.press("alt+1")
        await seen.until(lambda: world.asked)
    assert world.asked == [("POST", f"/sessions/{sample.api}/input", {"answer": "1", "expect": "d1"})]


async def test_an_override_of_nothing_is_told(world: World) -> None:
    async with looking(world, SIZE, Preferences(keys={"fly": "f"}, trouble="config.toml: odd")) as seen:
        await seen.shows("no key is called 'fly'", "config.toml: odd")


async def test_without_motion_nothing_is_animated(world: World) -> None:
    async with looking(world, SIZE, Preferences(reduced_motion=True)) as seen:
        assert seen.app.animation_level == "none"


# -- memory


def test_what_is_remembered_is_recalled(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "tui.json"
    known = Memory(theme="ember", spawn=Spawn(project_id="proj_1", task_ids=("task_1",)), seen={"sess_1": 7})
    remember(path, known)
    assert recall(path) == known
    assert path.stat().st_mode & 0o077 == 0
    remember(path, Memory(spawn=Spawn(project_id="proj_1", task_ids=(), prompt="only this once")))
    assert recall(path).spawn == Spawn(project_id="proj_1", task_ids=())
    remember(path, Memory(seen={f"sess_{n:05}": n for n in range(SEEN + 50)}))
    assert len(recall(path).seen) == SEEN


@pytest.mark.parametrize("text", ["", "nonsense", '{"theme": 7}', '{"panels": {"mission-left": "wide"}}', "[" * 9_000])
def test_a_broken_memory_is_no_memory_and_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "tui.json").write_text(text)
    found = recall(tmp_path / "tui.json")
    assert found == Memory(trouble=found.trouble)
    assert str(tmp_path / "tui.json") in found.trouble
    assert recall(tmp_path / "nowhere.json") == Memory()


def test_a_theme_that_there_is_not_is_not_remembered(tmp_path: Path) -> None:
    (tmp_path / "tui.json").write_text('{"theme": "pink", "panels": {"mail-list": 400}, "trouble": "odd"}')
    assert recall(tmp_path / "tui.json") == Memory(panels={"mail-list": 400})


async def test_a_broken_memory_is_said_on_the_screen(world: World, tmp_path: Path) -> None:
    (tmp_path / "tui.json").write_text("nonsense")
    async with looking(world, SIZE, DEFAULTS, tmp_path / "tui.json") as seen:
        await seen.shows("what the screen remembered is left aside")
    assert recall(tmp_path / "tui.json") == Memory(theme="dark")


def test_a_disk_that_takes_nothing_disturbs_nobody(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    remember(tmp_path / "file" / "tui.json", Memory())
    remember(None, Memory())
    assert recall(None) == Memory()


async def test_the_theme_and_what_was_seen_are_known_the_next_time(world: World, tmp_path: Path) -> None:
    sample = await fill(world)
    path = tmp_path / "tui.json"
    async with looking(world, SIZE, DEFAULTS, path) as seen:
        await seen.shows("1 unseen")
        seen.app.use_theme(THEMES[2])
        planner = next(s.id for s in world.state.live_sessions() if s.name == "planner")
        seen.app.mission.go_to(Noun.SESSION, planner)
        await seen.shows("1 idle")
    async with looking(world, SIZE, DEFAULTS, path) as seen:
        await seen.shows("1 idle")
        assert seen.app.desk.theme == THEMES[2]
        assert seen.app.theme == "maestro-contrast"
        assert sample.fix not in seen.app.desk.mirror.seen
