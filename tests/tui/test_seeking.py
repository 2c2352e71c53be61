"""Searching everything: what fits, what comes first, and where the palette leads."""

import pytest

from maestro_tui.bindings import KEYS
from maestro_tui.palette import SHARED, Palette
from maestro_tui.screens.mail import Mailbox
from maestro_tui.view.seeking import SHOWN, TURN, Sought, Thing, about, best, projects_in, sessions_in, tasks_in
from maestrod.domain.model import Noun, TaskStatus
from tests.support.world import World
from tests.tui.conftest import SIZE, Seen, looking
from tests.tui.sample import fill, write
from tests.tui.test_view import HOSTILE, mirror, session, task

TITLE = "Fix the flaky login test"


@pytest.mark.parametrize(
    ("query", "fits"),
    [
        ("flaky", True),
        ("LOGIN fix", True),
        ("aky ogi", True),
        ("lgin", True),
        ("flky lgn", True),
        ("ftflt", True),
        ("flt", True),
        ("fxt", True),
        ("logout", False),
        ("zzz", False),
        ("ftst", False),
        ("x", True),
        ("q", False),
    ],
)
def test_words_initials_and_letters_close_together_fit(query: str, *, fits: bool) -> None:
    assert bool(Sought(query).score(TITLE)) is fits


def test_beginnings_come_before_words_and_words_before_letters() -> None:
    texts = ["log", "log in", "my log", "a blog", "largest old gate", "l.o.g"]
    scores = [Sought("log").score(text) for text in texts]
    assert scores == sorted(scores, reverse=True)
    assert all(0 < score <= 1 for score in scores)


def test_what_else_is_known_is_searched_by_words_alone() -> None:
    assert Sought("planner 8081").score("Which port", "planner → guide: 8081")
    assert not Sought("plnr").score("Which port", "planner")


@pytest.mark.parametrize("query", ["(", "[a-", ".*", "\\", HOSTILE, "\x00", "a" * 5_000])
def test_no_query_is_a_pattern(query: str) -> None:
    assert Sought(query).score(TITLE) == 0


def test_many_things_are_looked_at_in_turns_and_few_are_kept() -> None:
    many = [Thing(Noun.TASK, f"task_{n}", "mend it") for n in range(10 * TURN + 1)]
    wanted = Thing(Noun.TASK, "last", "mend it now", worth=0.02)
    turns = list(best(Sought("mend"), [*many, wanted]))
    assert len(turns) == 11
    assert all(len(turn) == SHOWN for turn in turns)
    assert turns[-1][0].thing is wanted
    assert list(best(Sought("mend"), [])) == []


def test_of_tasks_that_fit_alike_the_open_ones_come_first() -> None:
    here = mirror(
        task("task_1", "mend a", status=TaskStatus.COMPLETED), task("task_2", "mend b"), session("sess_1", "mend")
    )
    (found,) = best(Sought("mend"), tasks_in(here.state))
    assert [each.thing.id for each in found] == ["task_2", "task_1"]
    assert [about(here.state, here.post, each.thing) for each in found] == ["todo", "completed"]
    (found,) = best(Sought("mend"), sessions_in(here.state))
    assert "working" in about(here.state, here.post, found[0].thing)
    (found,) = best(Sought("shop"), projects_in(here.state))
    assert "/src/shop" in about(here.state, here.post, found[0].thing)


def test_of_an_id_its_end_is_found_and_not_the_time_in_it() -> None:
    here = mirror(task("task_1760000188000_k3v9zq1ab", "number 7"), task("task_1760000000001_bbbbbbbbb", "number 188"))
    for words, found in (("number 188", ["number 188"]), ("k3v9zq", ["number 7"]), ("task_1760000188", ["number 7"])):
        (kept,) = best(Sought(words), tasks_in(here.state))
        assert [each.thing.name for each in kept] == found


# -- in the palette


async def asked(seen: Seen, words: str) -> None:
    await seen.press("ctrl+p")
    await seen.until(lambda: len(seen.app.screen_stack) == 2)
    await seen.press(*words)


async def test_a_mail_is_found_and_shown_whatever_was_filtered(world: World) -> None:
    sample = await fill(world)
    await write(world, sample)
    async with looking(world) as seen:
        await seen.until(lambda: seen.app.desk.mirror.whole and seen.app.mission.spot.subject is not None)
        await asked(seen, "8081")
        await seen.shows("Mail: Which port", "Mail: Re: Which port", "fix-login → guide")
        await seen.press("down", "enter")
        await seen.until(lambda: isinstance(seen.app.screen, Mailbox))
        await seen.shows("The fixture says 8080", "I mend the fixture.")
        mailbox = seen.app.here
        assert isinstance(mailbox, Mailbox)
        await seen.press("slash", *"nothing like it", "enter")
        await seen.shows("nothing found")
        await asked(seen, "frozen")
        await seen.shows("Mail: main is frozen")
        await seen.press("enter")
        await seen.shows("Until noon.")
        assert mailbox.words == ""


async def test_a_command_of_another_screen_leads_there(world: World) -> None:
    await fill(world)
    async with looking(world, (120, 60)) as seen:
        await seen.until(lambda: seen.app.mission.spot.subject is not None)
        await asked(seen, "push task")
        await seen.shows("Queue: Push task", "goes to Queue, there p")
        await seen.press("enter")
        await seen.until(lambda: seen.app.current_mode == "queue")


async def test_commands_of_what_has_the_focus_are_there(world: World) -> None:
    await fill(world)
    async with looking(world, (120, 60)) as seen:
        await seen.until(lambda: seen.app.desk.asking.dialogs)
        await seen.press("0")
        await seen.until(lambda: seen.app.current_mode == "inbox")
        await asked(seen, "answer 3")
        await seen.shows("Answer 3")
        await seen.press("enter")
        await seen.until(lambda: world.asked)
    assert world.asked[0][2]["answer"] == "3"


async def test_every_command_of_the_table_can_be_found(world: World) -> None:
    await fill(world)
    async with looking(world, SIZE) as seen:
        await seen.until(lambda: seen.app.mission.spot.subject is not None)
        provider = Palette(seen.app.mission)
        names = {name.partition(": ")[2] or name for name, _, _ in (*provider._commands(), *provider._elsewhere())}
        wanted = {key.name.replace("-", " ").capitalize() for key in KEYS if key.place not in SHARED}
        heard_by_a_live_pane = {"Type to agent", "Leave live mode"}  # told while it has the focus
        assert wanted - names == {"Palette", "Back", *heard_by_a_live_pane}
