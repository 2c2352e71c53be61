"""Needs you: who waits, what is asked, and answers that reach the question they are meant for, or nobody."""

import pytest
from msgspec import structs
from textual.events import Key

from maestro_tui.asking import TRIES, Asking, meant, numbered, picked
from maestro_tui.bindings import Panel
from maestro_tui.deeds import answer_question
from maestro_tui.lines import cells_of, text_of
from maestro_tui.screens.inbox import Inbox
from maestro_tui.view.inbox import WaitingRows, asked_words, choices_line, question_lines, unseen
from maestro_tui.widgets import line_list
from maestrod.domain.changes import Delete, Put
from maestrod.domain.model import NeedsInput, Noun, Pane, SessionStatus, Turn
from maestrod.domain.sessions import NeedInput, RecordTurn
from maestrod.protocol.dialogs import Choice, Dialog
from tests.support.world import World
from tests.tui.conftest import Seen, looking
from tests.tui.sample import fill
from tests.tui.test_view import HOSTILE, MINUTE, MOMENT, NOW, asking, mirror, session, task

SIZES = [(60, 20), (80, 24), (120, 40), (200, 60)]
PANE = Pane(socket="maestro-0", window="@1", pane="%1", pid=1)
ALWAYS = "Yes, and don't ask again for npm test"
THREE = Dialog(
    kind="permission",
    text="Run npm test?",
    choices=(
        Choice(label="Yes", number=1, chosen=True),
        Choice(label=ALWAYS, number=2),
        Choice(label="No (esc)", number=3),
    ),
    digest="d1",
)
LISTED = structs.replace(
    THREE, choices=(Choice(label="Allow always"), Choice(label="Allow once"), Choice(label="Deny"))
)


# -- which choice is meant


def test_a_digit_is_the_number_that_the_dialog_gives() -> None:
    assert [choice and choice.label for choice in (picked(THREE, n) for n in "1239")] == [
        "Yes",
        ALWAYS,
        "No (esc)",
        None,
    ]


def test_without_numbers_a_digit_is_the_place() -> None:
    assert picked(LISTED, "2") == Choice(label="Allow once")
    assert picked(LISTED, "4") is None
    assert [digit for digit, _ in numbered(LISTED)] == ["1", "2", "3"]


def test_yes_is_this_once_and_no_is_no() -> None:
    assert meant(THREE, "yes") == THREE.choices[0]
    assert meant(LISTED, "yes") == Choice(label="Allow once")
    assert meant(LISTED, "no") == Choice(label="Deny")
    only = structs.replace(THREE, choices=(Choice(label=ALWAYS, number=1), Choice(label="Nothing of it", number=2)))
    assert meant(only, "yes") == only.choices[0], "there is no other yes"
    assert meant(only, "no") is None, "a word that only begins so is no no"


# -- what is known of the questions


def test_a_question_is_read_once_and_again_when_it_is_another() -> None:
    here, open_ = mirror(session(needs_input=asking("Run it?"), pane=PANE)), Asking()
    open_.follow(here)
    assert open_.unread() == ["sess_1"]
    open_.tell("sess_1", THREE)
    open_.follow(here)
    assert open_.unread() == []
    here.apply([Put(Noun.SESSION, session(version=2, needs_input=asking("And now?"), pane=PANE))])
    open_.follow(here)
    assert open_.unread() == ["sess_1"]


def test_a_dialog_that_is_not_seen_yet_is_looked_for_a_few_times() -> None:
    here, open_ = mirror(session(needs_input=asking("Run it?"), pane=PANE)), Asking()
    open_.follow(here)
    tries = 0
    while open_.unread():
        tries += 1
        open_.tell("sess_1", None)
        open_.again()
    assert tries == TRIES


def test_who_waits_no_more_is_forgotten() -> None:
    here, open_ = mirror(session(needs_input=asking("Run it?"), pane=PANE)), Asking()
    open_.follow(here)
    open_.tell("sess_1", THREE)
    here.apply([Delete(Noun.SESSION, "sess_1")])
    open_.follow(here)
    assert open_.dialogs == {}
    open_.tell("sess_1", THREE)
    assert open_.dialogs == {}, "an answer that comes too late is not kept"


def test_an_answered_dialog_is_not_offered_again() -> None:
    here, open_ = mirror(session(needs_input=asking("Run it?"), pane=PANE)), Asking()
    open_.follow(here)
    open_.tell("sess_1", THREE)
    open_.answered("sess_1")
    open_.again()
    assert open_.dialogs == {}
    assert open_.unread() == []


# -- rows


def rows_of(
    *, cells: int, dialog: Dialog | None = THREE, busy: bool = False, message: str = "Run `npm test`?"
) -> list[str]:
    here, open_ = mirror(session(needs_input=asking(message, 3 * MINUTE), pane=PANE)), Asking()
    open_.follow(here)
    open_.tell("sess_1", dialog)
    open_.busy |= {"sess_1"} if busy else set()
    rows = WaitingRows(here, open_, ["sess_1"], MOMENT)
    return [text_of(line).rstrip() for line in rows.lines(0, cells)]


def test_a_row_says_who_asks_what_for_how_long_and_what_can_be_answered() -> None:
    head, asked, choices = rows_of(cells=70)
    assert head.split() == ["◐", "fix-login", "claude", "·", "permission", "3m"]
    assert asked == "  Run `npm test`?"
    assert choices == f"  1 Yes  2 {ALWAYS}  3 No (esc)"


def test_every_digit_is_seen_when_there_is_little_room() -> None:
    choices = rows_of(cells=36)[2]
    assert all(f"{digit} " in choices for digit in "123")
    assert "…" in choices
    for cells in range(1, 120):
        assert cells_of(choices_line(THREE, cells)) <= cells


def test_choices_that_begin_alike_stand_below_each_other_where_there_is_room() -> None:
    here, open_ = mirror(session(needs_input=asking("Run it?", 3 * MINUTE), pane=PANE)), Asking()
    open_.follow(here)
    open_.tell("sess_1", THREE)
    rows = WaitingRows(here, open_, ["sess_1"], MOMENT, room=(6, 60))
    told = [text_of(line).rstrip() for line in rows.lines(0, 30)]
    assert len(told) == rows.height == 6
    assert told[1:3] == ["  Run it?", "  1 Yes"]
    assert told[3].startswith("  2 Yes, and")
    assert told[4] == "  3 No (esc)"
    assert WaitingRows(here, open_, ["sess_1"], MOMENT, room=(4, 60)).height == 3
    assert WaitingRows(here, Asking(), ["sess_1"], MOMENT, room=(60, 60)).height == 3


def test_a_command_that_is_to_be_permitted_is_told_whole_where_there_is_room() -> None:
    command = "Run `npm run build -- --production --source-maps --out dist/shop`?"
    here, open_ = mirror(session(needs_input=asking(command), pane=PANE)), Asking()
    open_.follow(here)
    open_.tell("sess_1", THREE)
    rows = WaitingRows(here, open_, ["sess_1"], MOMENT, room=(30, 26))
    told = [text_of(line).strip() for line in rows.lines(0, 26) if line]
    assert " ".join(told[1:-3]) == command
    assert [line[:2] for line in told[-3:]] == ["1 ", "2 ", "3 "]
    narrow = WaitingRows(here, open_, ["sess_1"], MOMENT, room=(6, 26))
    assert text_of(narrow.lines(0, 26)[2]).endswith("…")


def test_an_answer_under_way_is_told_in_place_of_the_choices() -> None:
    assert rows_of(cells=60, busy=True)[2] == "  … answering"


def test_a_question_without_choices_has_two_lines_and_an_end() -> None:
    asked = rows_of(cells=24, dialog=None, message="word " * 100)
    assert asked[2].endswith("…")
    assert rows_of(cells=60, dialog=None)[1:] == ["  Run `npm test`?", ""]


@pytest.mark.parametrize("cells", [1, 2, 5, 12, 30, 80])
def test_hostile_questions_stay_in_their_width(cells: int) -> None:
    dialog = structs.replace(THREE, kind=HOSTILE, text=HOSTILE, choices=(Choice(label=HOSTILE * 9, number=1),))
    here, open_ = (
        mirror(session(name=HOSTILE, needs_input=asking(HOSTILE * 9), pane=PANE), task(title=HOSTILE)),
        Asking(),
    )
    open_.follow(here)
    open_.tell("sess_1", dialog)
    lines = WaitingRows(here, open_, ["sess_1"], MOMENT).lines(0, cells)
    lines += tuple(question_lines(here, open_, here.state.session("sess_1"), cells))
    assert all("\x1b" not in text_of(line) and "\u202e" not in text_of(line) for line in lines)
    assert all(cells_of(line) <= max(cells, 12) for line in lines)


def test_the_whole_question_stands_beside_the_list() -> None:
    here, open_ = mirror(session(needs_input=asking("Run it? " * 20), pane=PANE, model="opus")), Asking()
    open_.follow(here)
    open_.tell("sess_1", THREE)
    text = [text_of(line) for line in question_lines(here, open_, here.state.session("sess_1"), 40)]
    assert text[0].startswith("permission · claude · opus")
    assert " ".join(text).count("Run it?") == 20
    assert "  1  Yes" in text
    assert "  3  No (esc)" in text


def test_a_silent_one_and_one_whose_turn_is_over_say_so() -> None:
    here = mirror(session("sess_1"), session("sess_2", status=SessionStatus.IDLE))
    here.know({"sess_1": {"process": "unreachable"}})
    rows = WaitingRows(here, Asking(), ["sess_1", "sess_2", "sess_9"], MOMENT)
    assert "no sign of life" in text_of(rows.lines(0, 60)[1])
    assert "its turn is over" in text_of(rows.lines(1, 60)[1])
    assert "turn is over" not in text_of(rows.lines(1, 60)[0])
    assert text_of(rows.lines(2, 60)[0]) == "deleted"


# -- seen and unseen


def test_an_idle_session_is_unseen_until_it_is_looked_at_and_again_after_the_next_turn() -> None:
    idle = session(status=SessionStatus.IDLE, turn=Turn(state="idle", since=NOW))
    here = mirror(idle)
    assert unseen(here) == ["sess_1"]
    assert here.see("sess_1")
    assert not here.see("sess_1")
    assert unseen(here) == []
    here.apply([Put(Noun.SESSION, structs.replace(idle, version=2, status=SessionStatus.WORKING))])
    assert unseen(here) == []
    again = structs.replace(idle, version=3, turn=Turn(state="idle", since=NOW + MINUTE))
    here.apply([Put(Noun.SESSION, again)])
    assert unseen(here) == ["sess_1"]


def test_who_asks_is_not_told_twice() -> None:
    assert unseen(mirror(session(status=SessionStatus.IDLE, needs_input=NeedsInput(active=True)))) == []


# -- under the fingers


async def on_inbox(seen: Seen) -> Inbox:
    await seen.until(lambda: seen.app.desk.mirror.whole, "everything is read")
    await seen.until(lambda: seen.app.desk.asking.dialogs, "the question is read")
    await seen.press("0")
    await seen.until(lambda: isinstance(seen.app.screen, Inbox), "Needs you is shown")
    found = seen.app.screen
    assert isinstance(found, Inbox)
    return found


@pytest.mark.parametrize("size", SIZES)
async def test_every_label_of_the_inbox_is_whole(world: World, size: tuple[int, int]) -> None:
    await fill(world)
    async with looking(world, size) as seen:
        await on_inbox(seen)
        await seen.shows("maestro", "Needs you (2)", "rate-limits", "1 Yes", "? help", "1-9 answer")
        await seen.until(lambda: "● connected" in seen.text)


@pytest.mark.parametrize("size", SIZES)
async def test_a_question_is_shown_whole_before_its_screen_is(world: World, size: tuple[int, int]) -> None:
    await fill(world)
    async with looking(world, size) as seen:
        await on_inbox(seen)
        await seen.shows("  1  Yes", "  3  No, and tell")


async def test_without_a_question_the_screen_says_what_it_is_for(world: World) -> None:
    async with looking(world) as seen:
        await seen.until(lambda: seen.app.desk.mirror.whole)
        await seen.press("0")
        await seen.shows("nobody waits for you", "What your agents ask is shown here")
        assert not seen.app.screen.query_one("#asking-pane").region


async def test_a_digit_answers_the_question_under_the_cursor(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await on_inbox(seen)
        await seen.shows("permission", "Run `npm test`?", "tell Claude what to do differently")
        await seen.press("3")
        await seen.shows("rate-limits: No, and tell Claude")
        await seen.press("3")
        await seen.shows("offers no choices")
    assert world.asked == [("POST", f"/sessions/{sample.api}/input", {"answer": "3", "expect": "d1"})]


async def test_y_and_n_answer_too(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await on_inbox(seen)
        await seen.press("y")
        await seen.shows("rate-limits: Yes")
    assert world.asked == [("POST", f"/sessions/{sample.api}/input", {"answer": "1", "expect": "d1"})]


async def test_a_question_that_has_changed_gets_no_answer_and_is_shown(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await on_inbox(seen)
        other = {
            "kind": "permission",
            "text": "Run `rm -rf /`?",
            "digest": "d2",
            "choices": [{"label": "Go", "number": 1}],
        }
        await world.draw(sample.api, "another", dialog=other)
        await seen.press("1")
        await seen.shows("not delivered: another question is open now", "1  Go")
        assert seen.app.desk.asking.dialogs[sample.api].digest == "d2"


async def test_what_slips_under_the_cursor_gets_no_answer_that_was_meant_for_another(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line_list, "SLIP_S", 60.0)  # a finger that is slower than a loaded machine
    sample = await fill(world)
    asked = {"kind": "question", "text": "2 or 3?", "choices": [{"label": "Yes", "number": 1}], "digest": "d9"}
    await world.draw(sample.docs, "the guide", dialog=asked)
    async with looking(world) as seen:
        inbox = await on_inbox(seen)
        await seen.until(lambda: len(seen.app.desk.asking.dialogs) == 2)
        working = Turn(state="working", since=world.now)
        answered = structs.replace(world.state.session(sample.api), needs_input=NeedsInput(), turn=working, version=99)
        await world.plant(answered, noun=Noun.SESSION)
        await seen.until(lambda: inbox.spot.subject == (Noun.SESSION, sample.docs))
        seen.app.post_message(Key("y", "y"))
        await seen.pilot.pause()
        assert world.asked == []


async def test_where_no_question_is_open_a_digit_goes_to_its_screen(world: World) -> None:
    async with looking(world) as seen:
        await seen.until(lambda: seen.app.desk.mirror.whole)
        await seen.press("0")
        await seen.shows("nobody waits for you")
        await seen.press("n")
        await seen.shows("Nobody asks anything now.")
        await seen.press("2")
        await seen.until(lambda: seen.app.current_mode == "board")


async def test_a_digit_that_led_to_a_screen_until_now_answers_at_the_second_press(world: World) -> None:
    sample = await fill(world)
    working = {"status": SessionStatus.WORKING, "needs_input": NeedsInput(), "turn": Turn(), "version": 99}
    for each in list(world.state.live_sessions()):
        await world.plant(structs.replace(each, **working), noun=Noun.SESSION)
    async with looking(world) as seen:
        await seen.until(lambda: seen.app.desk.mirror.whole)
        await seen.press("0")
        await seen.shows("nobody waits for you")
        asked = {"kind": "permission", "text": "Run it?", "choices": [{"label": "Yes", "number": 1}], "digest": "d9"}
        await world.draw(sample.fix, "a question", dialog=asked)
        await world.do(NeedInput(session_id=sample.fix, message="May I push?"))
        await seen.until(lambda: seen.app.desk.asking.dialogs)
        await seen.press("1")
        await seen.shows("Press 1 again")
        assert world.asked == []
        await seen.press("1")
        await seen.until(lambda: world.asked)


def test_a_question_is_told_by_its_dialog_and_a_permission_by_the_agent() -> None:
    asks = session(needs_input=asking("Action required"), turn=Turn(source="hook"))
    assert asked_words(asks, THREE) == "Action required"
    assert asked_words(asks, structs.replace(THREE, kind="question")) == "Run npm test?"
    titled = session(needs_input=asking("Action required"), turn=Turn(source="title"))
    assert asked_words(titled, THREE) == "Run npm test?"
    assert asked_words(asks, None) == "Action required"


async def test_a_digit_that_is_not_offered_is_told_and_sent_nowhere(world: World) -> None:
    await fill(world)
    async with looking(world) as seen:
        await on_inbox(seen)
        await seen.press("7")
        await seen.shows("offers no “7”", "1 Yes")
    assert world.asked == []


async def test_w_goes_to_the_next_and_enter_to_its_pane(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        inbox = await on_inbox(seen)
        assert inbox.spot.subject == (Noun.SESSION, sample.api)
        await seen.press("w")
        await seen.shows("Which version of the refund rules is right")
        assert inbox.spot.subject == (Noun.SESSION, sample.docs)
        await seen.press("w")
        assert inbox.spot.subject == (Noun.SESSION, sample.api)
        await seen.press("enter")
        await seen.until(lambda: seen.app.screen is seen.app.mission)
        assert seen.app.mission.spot.subject == (Noun.SESSION, sample.api)


async def test_an_answer_in_words_is_typed(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await on_inbox(seen)
        await seen.press("w", "i")
        await seen.shows("Answer guide")
        await seen.press("3", "enter")
        await seen.until(lambda: world.asked)
    assert world.asked == [("POST", f"/sessions/{sample.docs}/input", {"keys": ["3"]})]


def test_an_answer_of_any_length_is_typed_in_pieces_and_entered() -> None:
    words = "as long as it takes to say " * 9
    keys = answer_question("sess_1", "fix-login", words).body["keys"]
    assert isinstance(keys, list)
    assert "".join(keys[:-1]) == words
    assert max(map(len, keys)) <= 64
    assert keys[-1] == "Enter"
    assert answer_question("sess_1", "fix-login", "y").body == {"keys": ["y"]}


async def test_the_questions_of_mission_are_answered_there_too(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await seen.until(lambda: seen.app.desk.asking.dialogs)
        await seen.shows("1 Yes")
        seen.app.mission.action_panel("INBOX")
        await seen.press("2")
        await seen.shows("Press 2 again")
        assert world.asked == []
        await seen.press("2")
        await seen.until(lambda: world.asked)
    assert world.asked == [("POST", f"/sessions/{sample.api}/input", {"answer": "2", "expect": "d1"})]


async def test_escape_goes_back_and_everything_stands_as_it_was_left(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await seen.until(lambda: seen.app.mission.spot.subject is not None)
        seen.app.mission.go_to(Noun.TASK, sample.login)
        inbox = await on_inbox(seen)
        await seen.press("w", "escape")
        await seen.until(lambda: seen.app.screen is seen.app.mission)
        assert seen.app.mission.spot.subject == (Noun.TASK, sample.login)
        await seen.press("0")
        assert inbox.spot.subject == (Noun.SESSION, sample.docs)


async def test_nothing_is_watched_that_nobody_sees(world: World) -> None:
    sample = await fill(world)
    await world.draw(sample.docs, "the guide")
    async with looking(world) as seen:
        await seen.until(lambda: world.watched == [sample.api])
        await on_inbox(seen)
        await seen.until(lambda: world.watched == [sample.api])
        await seen.press("w")
        await seen.until(lambda: world.watched == [sample.docs])
        await seen.press("escape")
        await seen.until(lambda: world.watched == [sample.api])


async def test_what_is_asked_meanwhile_appears(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await on_inbox(seen)
        await world.do(NeedInput(session_id=sample.fix, message="May I push?"))
        await seen.shows("Needs you (3)", "May I push?")


async def test_a_turn_that_ended_is_listed_as_unseen_until_it_is_opened(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await on_inbox(seen)
        world.now += MINUTE
        over = Turn(state="idle", since=world.now)
        await world.do(RecordTurn(session_id=sample.fix, status=SessionStatus.IDLE, turn=over))
        await seen.shows("◎ fix-login", "its turn is over")
        inbox = seen.app.screen
        assert isinstance(inbox, Inbox)
        inbox.go_to(Noun.SESSION, sample.fix)
        await seen.press("enter")
        await seen.until(lambda: seen.app.screen is seen.app.mission)
        await seen.shows("○ fix-login")
        assert seen.app.mission.panel is Panel.SESSIONS


async def test_a_lost_daemon_leaves_the_questions_readable(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await on_inbox(seen)
        await world.fall()
        await seen.shows("Connection lost", "rate-limits", "1  Yes")
        for _ in range(TRIES + 1):
            await seen.app.desk.read_question(sample.api)
        assert sample.api in seen.app.desk.asking.dialogs, "what nobody tells is no news"


@pytest.mark.parametrize("key", ["ctrl+o"])
async def test_the_list_of_screens_goes_to_them(world: World, key: str) -> None:
    await fill(world)
    async with looking(world) as seen:
        await seen.press(key)
        await seen.shows("Screens", "Needs you", "Mission")
        await seen.press("0")
        await seen.until(lambda: isinstance(seen.app.screen, Inbox))
