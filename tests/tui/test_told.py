"""What happens is told on the screen, by the bell, by the terminal and by a program; once, and not to who sees it."""

import sys
from pathlib import Path

import msgspec
from msgspec import structs
from textual.events import AppBlur, AppFocus
from textual.widgets._toast import Toast

from maestro_tui.preferences import Preferences
from maestro_tui.screens.reading import News
from maestro_tui.view.notices import Kind, Quiet, Rules
from maestrod.domain.model import EntryType, NeedsInput, Noun, SessionStatus, TimelineEntry
from maestrod.domain.sessions import NeedInput, RecordExit
from tests.support.eventually import aeventually
from tests.support.terminal import Terminal
from tests.support.world import World
from tests.tui.conftest import SIZE, Seen, looking
from tests.tui.sample import MINUTE, fill
from tests.tui.test_view import session

RECORD = "import sys; open(sys.argv[1], 'a').write(repr(sys.argv[2:]) + chr(10))"


def toasts(seen: Seen) -> list[str]:
    return [f"{toast.title}|{toast.message}" for toast in seen.app._notifications]


def wants(**more: object) -> Preferences:
    return Preferences(notify=Rules(**more))  # type: ignore[arg-type]


def recording(file: Path) -> tuple[str, ...]:
    """A program that writes down what it is told."""
    return (sys.executable, "-c", RECORD, str(file))


async def until(terminal: Terminal, words: str) -> None:
    async def shown() -> bool:
        return words in terminal.text

    await aeventually(shown, what=words)


async def ready(seen: Seen, noun: Noun, id_: str) -> None:
    await seen.until(lambda: seen.app.desk.mirror.whole and seen.app.mission.spot.subject is not None)
    seen.app.mission.go_to(noun, id_)


async def test_a_question_is_told_unless_one_looks_at_it(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await ready(seen, Noun.SESSION, sample.fix)
        seen.app.post_message(AppFocus())
        await seen.until(lambda: seen.app.teller.presence.focus)
        await world.do(NeedInput(session_id=sample.fix, message="Push it?"))
        await seen.until(lambda: seen.app.teller.log, "it was heard of")
        await world.do(NeedInput(session_id=sample.queue, message="Drop it?"))
        await seen.shows("tidy-up needs you", "Drop it?")
        assert toasts(seen) == ["tidy-up needs you|Drop it?"]


async def test_a_toast_whose_timer_was_skipped_goes_all_the_same(world: World) -> None:
    await fill(world)
    async with looking(world) as seen:
        await seen.until(lambda: seen.app.desk.mirror.whole)
        seen.app.notify("told a moment ago", timeout=0.5)
        await seen.until(lambda: seen.app.screen.query(Toast))
        for timer in seen.app.screen.query_one(Toast)._timers:
            timer.stop()
        await seen.until(lambda: not seen.app.screen.query(Toast), "it is gone")


async def test_a_burst_is_one_toast_and_one_run_of_the_program(world: World, tmp_path: Path) -> None:
    await fill(world)
    ended = [session(f"sess_1_{n:03}", f"agent-{n}", status=SessionStatus.COMPLETED) for n in range(50)]
    file = tmp_path / "told"
    async with looking(world, SIZE, wants(command=recording(file))) as seen:
        await seen.until(lambda: seen.app.desk.mirror.whole)
        await world.plant(*ended, noun=Noun.SESSION)
        frames = [{"event": "notify:session_completed", "seq": world.seq, "data": {"id": each.id}} for each in ended]
        await world.say(msgspec.json.encode(frames).decode())
        await seen.shows("50 sessions completed", "and 47 more")
        assert len(toasts(seen)) == 1
        assert len(seen.app.teller.log) == 50
        await seen.until(file.exists)
        await seen.until(lambda: len(file.read_text().splitlines()) == 1)
        assert "'50 sessions completed'" in file.read_text()


async def test_reports_that_nobody_wants_do_not_push_out_what_happened(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await seen.until(lambda: seen.app.desk.mirror.whole)
        await world.plant(session("sess_1_done", "done", status=SessionStatus.COMPLETED), noun=Noun.SESSION)
        for number in range(3):
            said = TimelineEntry(id=f"evt_1_{number}", type=EntryType.PROGRESS, session_id=sample.fix, message="on it")
            await world.plant(said, noun=Noun.TIMELINE)
        frames = [{"event": "notify:progress", "seq": world.seq, "data": {"id": f"evt_1_{n}"}} for n in range(3)]
        over = {"event": "notify:session_completed", "seq": world.seq, "data": {"id": "sess_1_done"}}
        await world.say(msgspec.json.encode([*frames, over]).decode())
        await seen.shows("done completed")
        assert [note.name for note in seen.app.teller.log] == ["done"]


async def ask_hostile(world: World, session_id: str) -> None:
    """A question that no rule would let through."""
    asked = NeedsInput(active=True, message='$(touch owned); "x" \x1b]52;c;aGk=\x07`id`', since=world.now)
    session = structs.replace(world.state.session(session_id), name="-e\x1b]9;evil\x07", needs_input=asked, version=99)
    await world.plant(session, noun=Noun.SESSION)
    frame = {"event": "notify:needs_input", "seq": world.seq, "data": {"id": session_id}}
    await world.say(msgspec.json.encode([frame]).decode())


async def test_a_program_gets_hostile_words_as_words(world: World, tmp_path: Path) -> None:
    sample = await fill(world)
    file = tmp_path / "told"
    async with looking(world, SIZE, wants(command=recording(file))) as seen:
        await seen.until(lambda: seen.app.desk.mirror.whole)
        await ask_hostile(world, sample.fix)
        await seen.until(lambda: file.exists() and file.read_text())
        assert file.read_text() == repr([" -e needs you", '$(touch owned); "x" `id`']) + "\n"


async def test_who_is_at_an_agent_s_own_terminal_is_told_of_the_others(world: World, tmp_path: Path) -> None:
    sample = await fill(world)
    file = tmp_path / "told"
    async with looking(world, SIZE, wants(command=recording(file))) as seen:
        await ready(seen, Noun.SESSION, sample.fix)
        seen.app.post_message(AppFocus())
        await seen.until(lambda: seen.app.teller.presence.focus)
        seen.app.app_suspend_signal.publish(seen.app)
        await world.do(NeedInput(session_id=sample.fix, message="Push it?"))
        await world.do(NeedInput(session_id=sample.queue, message="Drop it?"))
        await seen.until(lambda: file.exists() and file.read_text())
        assert file.read_text() == repr(["tidy-up needs you", "Drop it?"]) + "\n"
        seen.app.app_resume_signal.publish(seen.app)
        assert not seen.app.given_away


async def test_in_quiet_hours_it_is_told_silently(world: World, tmp_path: Path) -> None:
    sample = await fill(world)
    file = tmp_path / "told"
    quiet = wants(command=recording(file), quiet=Quiet(0, 24 * 60))
    async with looking(world, SIZE, quiet) as seen:
        await seen.until(lambda: seen.app.desk.mirror.whole)
        await world.do(RecordExit(session_id=sample.queue, code=3, reason="exited with code 3"))
        await seen.shows("tidy-up crashed", "exited with code 3")
        assert not file.exists()


async def test_a_program_that_is_not_there_is_told_once(world: World) -> None:
    sample = await fill(world)
    async with looking(world, SIZE, wants(command=("/nowhere/notify",))) as seen:
        await seen.until(lambda: seen.app.desk.mirror.whole)
        await world.do(NeedInput(session_id=sample.fix, message="Push it?"))
        await seen.shows("/nowhere/notify could not be started", "[tui.notify]")


async def test_what_happened_while_one_was_away_is_told_on_return(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await ready(seen, Noun.SESSION, sample.fix)
        seen.app.post_message(AppFocus())
        seen.app.post_message(AppBlur())
        await seen.until(lambda: seen.app.teller.presence.left is not None)
        await world.do(NeedInput(session_id=sample.fix, message="Push it?"))
        await world.do(RecordExit(session_id=sample.queue, code=3, reason="out of memory"))
        await seen.until(lambda: len(seen.app.teller.log) == 2)
        world.now += 25 * MINUTE
        seen.app.post_message(AppFocus())
        await seen.shows("While you were away (25m)", "◐ fix-login needs you: Push it?", "✕ tidy-up crashed")
        seen.app.clear_notifications()
        await seen.press("N")
        await seen.until(lambda: isinstance(seen.app.screen, News))
        await seen.shows("What happened lately", "tidy-up crashed: out of memory", "fix-login needs you", "Esc close")
        await seen.press("N")
        await seen.until(lambda: len(seen.app.screen_stack) == 1)


async def test_a_short_absence_is_not_told_of(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await ready(seen, Noun.SESSION, sample.fix)
        seen.app.post_message(AppBlur())
        await seen.until(lambda: seen.app.teller.presence.left is not None)
        await world.do(RecordExit(session_id=sample.queue, code=3, reason="out of memory"))
        await seen.until(lambda: seen.app.teller.log)
        world.now += 9 * MINUTE
        await seen.press("escape")
        await seen.until(lambda: seen.app.teller.presence.focus)
        assert not [each for each in toasts(seen) if "away" in each]


async def test_what_one_asks_for_oneself_is_no_news(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await ready(seen, Noun.TASK, sample.login)
        seen.app.move_task("block")
        await seen.shows("“Fix the flaky login test” blocked")
        planner = next(s.id for s in world.state.live_sessions() if s.name == "planner")
        await world.do(NeedInput(session_id=planner, message="Which?"))
        await seen.shows("planner needs you")
        assert [note.kind for note in seen.app.teller.log] == [Kind.NEEDS_YOU]
        assert not [each for each in toasts(seen) if "is blocked" in each]


async def test_a_real_terminal_hears_the_bell_and_the_sequence(world: World, tmp_path: Path) -> None:
    sample = await fill(world)
    env = {"TERM": "xterm-256color", "LANG": "C.UTF-8", "MAESTRO_HOME": str(tmp_path), "KITTY_WINDOW_ID": "1"}
    argv = [sys.executable, "-m", "maestro_tui", "--server", world.server]
    with Terminal(argv, env=env, cwd=Path.cwd()) as terminal:
        await until(terminal, "connected")
        terminal.type("\x1b[I\x1b[O")
        await ask_hostile(world, sample.fix)
        await until(terminal, '\x07\x1b]9;maestro: -e needs you: $(touch owned); "x" `id`\x07')
        assert "\x1b]9;evil" not in terminal.text
        assert "\x1b]52;" not in terminal.text
