"""Mail: threads and receipts, kept as they change, and writing to agents."""

import random

import msgspec
import pytest

from maestro_tui.lines import cells_of, text_of
from maestro_tui.post import Post
from maestro_tui.post import text_of as words_of
from maestro_tui.screens.mail import Mailbox
from maestro_tui.view.mail import ThreadRows, found_threads, letter_lines, receipt_lines, thread_lines, thread_rows
from maestrod.domain.changes import Actor, Change, Delete, Put
from maestrod.domain.mail import SendMail
from maestrod.domain.model import Delivery, DeliveryState, Mail, MailType, Noun, Priority, Step
from maestrod.domain.state import State
from maestrod.domain.words import UNREAD
from maestrod.protocol.views import entity_json
from tests.support.world import START, World
from tests.tui.conftest import Seen, looking
from tests.tui.sample import fill, write
from tests.tui.test_view import HOSTILE, MINUTE, MOMENT, NOW, mirror, session

SIZES = [(60, 20), (80, 24), (120, 40), (200, 60)]


def mail(id_: str = "mail_1", **more: object) -> Mail:
    fields: dict[str, object] = {
        "project_id": "proj_1",
        "type": MailType.QUERY,
        "subject": "Which port",
        "body": {"question": "Which port does it listen on?"},
        "thread_id": "mail_1",
        "from_user": "user",
        "to_session_id": "sess_1",
        "created_at": NOW,
    }
    return Mail(id=id_, **(fields | more))  # type: ignore[arg-type]


def delivery(mail_id: str = "mail_1", /, **more: object) -> Delivery:
    fields: dict[str, object] = {"session_id": "sess_1", "project_id": "proj_1", "at": NOW}
    return Delivery(id=f"dlv_{mail_id}", mail_id=mail_id, **(fields | more))  # type: ignore[arg-type]


def post(*entities: Mail | Delivery) -> Post:
    made = Post()
    for entity in entities:
        made.follow(Put(Noun.MAIL if isinstance(entity, Mail) else Noun.DELIVERY, entity))
    return made


# -- what is known


def test_threads_stand_by_their_newest_letter() -> None:
    known = post(
        mail("mail_1"),
        mail("mail_2", thread_id="mail_2"),
        mail("mail_3", thread_id="mail_1"),
    )
    assert list(known.threads()) == ["mail_1", "mail_2"]
    assert [each.id for each in known.thread("mail_1")] == ["mail_1", "mail_3"]
    known.follow(Delete(Noun.MAIL, "mail_3"))
    assert list(known.threads()) == ["mail_2", "mail_1"]


def test_mail_that_follows_is_what_is_read_anew() -> None:
    chance = random.Random(5)
    state, followed = State(), Post()
    for number in range(500):
        change: Change
        ids = sorted(state.table(Noun.MAIL))
        if ids and chance.random() < 0.2:
            id_ = chance.choice(ids)
            for each in list(state.deliveries(id_)):
                state.apply(Delete(Noun.DELIVERY, each.id))
            change = Delete(Noun.MAIL, id_)
        elif ids and chance.random() < 0.5:
            id_ = chance.choice(ids)
            far = chance.choice(list(DeliveryState))
            change = Put(Noun.DELIVERY, delivery(id_, state=far, at=NOW + number, version=number + 1))
        else:
            thread = chance.choice([*ids, f"mail_{number:03}"])
            change = Put(Noun.MAIL, mail(f"mail_{number:03}", thread_id=thread))
        state.apply(change)
        assert followed.follow(change)
    state.apply(Put(Noun.SESSION, session()))
    rows = [entity_json(state, each) for each in state.table(Noun.MAIL).values()]
    chance.shuffle(rows)
    anew = Post()
    anew.read(b'{"data":[' + b",".join(rows) + b'],"pagination":{"nextCursor":null}}')
    assert list(anew.threads()) == list(followed.threads())
    assert anew.waiting == followed.waiting == sum(d.state in UNREAD for d in _deliveries(state))
    for at, thread in enumerate(anew.threads()):
        assert followed.find(thread) == at
        assert followed.at(at) == thread
        assert anew.unread(thread) == followed.unread(thread)
    assert followed.find("mail_of_nobody") is None


def _deliveries(state: State) -> list[Delivery]:
    return [each for each in state.table(Noun.DELIVERY).values() if isinstance(each, Delivery)]


def test_an_older_word_about_a_delivery_changes_nothing() -> None:
    known = post(mail(), delivery(state=DeliveryState.ACKED, at=NOW + 5), delivery(state=DeliveryState.QUEUED))
    assert [receipt.state for receipt in known.receipts("mail_1")] == [DeliveryState.ACKED]
    assert known.waiting == 0


def test_what_is_no_page_is_refused() -> None:
    with pytest.raises(msgspec.MsgspecError):
        Post().read(b"[1]")


def test_the_text_is_that_of_the_type_and_the_rest_of_the_body_follows() -> None:
    assert words_of(mail(body={"question": "Which?", "task_id": "task_7"})) == "Which?\ntask_id: task_7"
    assert words_of(mail(body={"question": 3})) == ""


# -- rows


def told(known: Post, cells: int = 60) -> list[str]:
    here = mirror(session())
    return [
        " ".join(text_of(line).split())
        for line in thread_lines(here.state, known, known.thread("mail_1"), MOMENT, cells)
    ]


def test_a_thread_says_who_wrote_last_to_whom_and_how_far_it_got() -> None:
    answer = mail("mail_2", from_user=None, from_session_id="sess_1", to_session_id="sess_9", created_at=NOW - 60_000)
    read = delivery("mail_2", session_id="sess_9", state=DeliveryState.READ)
    assert told(post(mail(), answer, read)) == ["○ fix-login → sess_9 1m", "Which port 2 mails · read"]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({}, "◌ queued"),
        ({"reason": "a dialog is open"}, "◐ held"),
        ({"state": DeliveryState.SURFACED}, "◎ surfaced"),
        ({"state": DeliveryState.READ}, "○ read"),
        ({"state": DeliveryState.ACKED}, "✓ acked"),
        ({"state": DeliveryState.BOUNCED, "reason": "it has ended"}, "✕ bounced"),
        ({"state": DeliveryState.EXPIRED}, "⊘ expired"),
    ],
)
def test_every_delivery_has_its_sign_its_word_and_its_reason(more: dict[str, object], words: str) -> None:
    here = mirror(session())
    steps = (Step(state=DeliveryState.QUEUED, at=NOW, channel="mailbox"),)
    known = post(mail(), delivery(channel="hook", steps=steps, **more))
    lines = [text_of(line) for line in letter_lines(here.state, known, known.letters["mail_1"], MOMENT, 80)]
    assert any(line.startswith(f"{words} fix-login") and line.endswith("by hook") for line in lines)
    assert "Which port does it listen on?" in lines
    assert any("before: queued" in line for line in lines)
    assert "reason" not in more or any(str(more["reason"]) in line for line in lines)


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (60, "◎ surfaced fix-login 08:53 by hook UserPromptSubmit"),
        (40, "◎ surfaced fix-login 08:53 by hook User…"),
        (30, "◎ surfaced fix-login 08:53"),
        (26, "◎ surfaced fix-login 08:53"),
    ],
)
def test_the_way_of_a_delivery_gives_room_to_its_state_and_its_receiver(cells: int, words: str) -> None:
    got = delivery(channel="hook UserPromptSubmit", state=DeliveryState.SURFACED)
    known = post(mail(), got)
    (line,) = receipt_lines(mirror(session()).state, known.receipts("mail_1")[0], MOMENT, cells)
    assert " ".join(text_of(line).split()) == words


def test_the_worst_delivery_of_a_broadcast_is_its_sign() -> None:
    here = mirror(session())
    broadcast = mail(to_session_id=None, priority=Priority.HIGH)
    known = post(broadcast, delivery(state=DeliveryState.ACKED))
    known.follow(Put(Noun.DELIVERY, delivery(session_id="sess_2", state=DeliveryState.BOUNCED)))
    lines = [text_of(line) for line in thread_lines(here.state, known, [broadcast], MOMENT, 60)]
    assert lines[0].startswith("✕ you → all 2 of shop-api")
    assert "! Which port" in lines[1]
    assert "bounced" in lines[1]


def test_filters_narrow_by_words_project_and_what_is_unread() -> None:
    here = mirror(session())
    known = post(mail(), mail("mail_2", thread_id="mail_2", subject="Frozen", project_id="proj_2", body={}), delivery())
    assert found_threads(here.state, known) is None
    assert found_threads(here.state, known, words="fix-LOGIN port") == ["mail_1"]
    assert found_threads(here.state, known, project_id="proj_2") == ["mail_2"]
    assert found_threads(here.state, known, unread=True) == ["mail_1"]


@pytest.mark.parametrize("cells", [1, 3, 8, 20, 60, 120])
def test_hostile_mail_stays_in_its_width(cells: int) -> None:
    here = mirror(session())
    evil = mail(subject=HOSTILE * 9, body={"question": HOSTILE * 9, HOSTILE: HOSTILE}, from_user=HOSTILE)
    known = post(evil, delivery(reason=HOSTILE, channel=HOSTILE))
    rows = thread_rows(here.state, known, "mail_1", MOMENT, cells)
    lines = [line for at in range(len(rows)) for line in rows.lines(at, cells)]
    for line in [*lines, *thread_lines(here.state, known, [evil], MOMENT, cells)]:
        assert cells_of(line) <= cells
        assert "\x1b" not in text_of(line)
        assert "\u202e" not in text_of(line)


def test_a_thread_that_has_gone_says_so() -> None:
    rows = ThreadRows(State(), Post(), ["mail_9"], lambda: MOMENT)
    assert text_of(rows.lines(0, 20)[0]) == "deleted"
    assert rows.find("mail_9") == 0


# -- under the fingers


async def on_mail(seen: Seen) -> Mailbox:
    await seen.until(lambda: seen.app.desk.mirror.whole, "everything is read")
    await seen.press("5")
    await seen.until(lambda: isinstance(seen.app.screen, Mailbox), "the mail is shown")
    found = seen.app.screen
    assert isinstance(found, Mailbox)
    return found


@pytest.mark.parametrize("size", SIZES)
async def test_every_label_of_the_mail_is_whole(world: World, size: tuple[int, int]) -> None:
    await write(world, await fill(world))
    async with looking(world, size) as seen:
        await on_mail(seen)
        await seen.shows("maestro", "● connected", "Mail 3 · 5 unread", "you → all 4 of shop-api", "held", "? help")
        await seen.shows("r reply", "c write", "main is frozen", "Until noon.")
        await seen.press("j", "enter", "G")
        await seen.shows("Which port", "8081. I mend the fixture.")


async def test_what_is_written_comes_by_itself(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        await on_mail(seen)
        await seen.shows("no mail yet: c writes one")
        sent = await world.made(SendMail(to_session_id=sample.fix, subject="Fixture", message="Use the old one."))
        await seen.shows("you → fix-login", "◌ queued fix-login", "Mail 1 · 1 unread", "Use the old one.")
        await seen.press("e")
        await seen.shows("✓ acked fix-login", "fix-login has dealt with it")
    assert world.asked == [("POST", f"/mail/{sent}/ack", {"sessionId": sample.fix})]


async def test_letters_grow_older_while_nothing_else_happens(world: World) -> None:
    sample = await fill(world)
    async with looking(world) as seen:
        screen = await on_mail(seen)
        await world.made(SendMail(to_session_id=sample.fix, message="Use the old one."))
        await seen.shows("Mail 1", "0s")
        world.now += 7 * MINUTE
        screen.tick()
        await seen.shows("7m")


async def test_r_answers_into_the_thread_and_a_refusal_stays_in_the_dialog(world: World) -> None:
    sample = await fill(world)
    sent = await world.made(SendMail(to_session_id=sample.docs, message="Which port?"), Actor("session", sample.fix))
    async with looking(world) as seen:
        await on_mail(seen)
        await seen.shows("fix-login → guide")
        await seen.press("r")
        await seen.shows("Answer fix-login", "│ Which port?")
        await seen.press("ctrl+s")
        await seen.shows("There is nothing to send.")
        world.refuses["/mail"] = (409, {"code": "CONFLICT", "message": "its mailbox is full"})
        await seen.press(*"8081", "ctrl+s")
        await seen.shows("its mailbox is full")
        del world.refuses["/mail"]
        await seen.press("ctrl+s")
        await seen.shows("you → fix-login", "2 mails")
    assert world.asked[-1] == (
        "POST",
        "/mail",
        {"replyToMailId": sent, "message": "8081", "priority": "medium"},
    )


async def test_who_of_several_gets_an_answer_to_ones_own_letter_is_asked(world: World) -> None:
    sample = await fill(world)
    sent = (await world.do(SendMail(project_id=sample.shop, subject="main is frozen", message="Until noon.")))[0].id
    async with looking(world) as seen:
        screen = await on_mail(seen)
        await seen.shows("you → all 4 of shop-api")
        last = screen.post.receipts(sent)[-1].session_id
        await seen.press("r")
        await seen.shows("Answer one of all 4 of shop-api", "│ Until noon.", "To")
        await seen.press("enter")
        await seen.shows("fix-login", "rate-limits", "guide", "tidy-up")
        await seen.press("end", "enter", "tab", *"Until one", "ctrl+s")
        await seen.shows(f"you → {world.state.session(last).name}", "2 mails", "answered")
    said = {"replyToMailId": sent, "message": "Until one", "priority": "medium", "toSessionId": last}
    assert world.asked[-1] == ("POST", "/mail", said)


async def test_c_writes_to_the_session_that_is_looked_at_or_to_all(world: World) -> None:
    sample = await fill(world)
    await write(world, sample)
    async with looking(world) as seen:
        await on_mail(seen)
        await seen.shows("Mail 3")
        await seen.press("G", "c")
        await seen.shows("Write", "fix-login", "the first line of the text")
        await seen.press(*"Go on", "ctrl+s")
        await seen.shows("sent to fix-login", "Mail 4")
    assert world.asked[-1][2]["toSessionId"] == sample.fix


async def test_who_of_several_has_dealt_with_it_is_asked(world: World) -> None:
    sample = await fill(world)
    await write(world, sample)
    async with looking(world) as seen:
        await on_mail(seen)
        await seen.shows("all 4 of shop-api")
        await seen.press("e")
        await seen.shows("Who has dealt with it?")
        await seen.press("ctrl+s")
        await seen.shows("✓ acked")


async def test_the_filter_narrows_and_escape_ends_it(world: World) -> None:
    await write(world, await fill(world))
    async with looking(world) as seen:
        await on_mail(seen)
        await seen.shows("Fixture")
        await seen.press("slash", *"port")
        await seen.shows("“port”", "1 found · Esc ends it")
        await seen.until(lambda: "main is frozen" not in seen.text)
        await seen.press("enter", "enter", "escape")
        await seen.shows("main is frozen", "all projects")
        await seen.press("o")
        await seen.shows("unread only")
        await seen.until(lambda: "Fixture" not in seen.text)
        await seen.press("p")
        await seen.shows("▸ infra", "nothing found")


async def test_mail_that_cannot_be_read_says_why(world: World) -> None:
    await fill(world)
    world.documents["/mail"] = ["nonsense"]
    async with looking(world) as seen:
        await on_mail(seen)
        await seen.shows("the mail cannot be read")


async def test_a_hundred_thousand_letters_cost_a_screenful_and_come_in_pages(world: World) -> None:
    sample = await fill(world)
    ids = [f"mail_{START}_{number:09}" for number in range(100_000)]
    world.fill(
        Noun.MAIL,
        (mail(id_, thread_id=id_, subject=f"letter {at}", to_session_id=sample.fix) for at, id_ in enumerate(ids)),
    )
    async with looking(world) as seen:
        screen = await on_mail(seen)
        await seen.shows("letter 99999", "Mail 500+")
        await seen.press("G")
        await seen.shows("Mail 1000+")
        for each in world.state.table(Noun.MAIL).values():
            assert isinstance(each, Mail)
            screen.post.follow(Put(Noun.MAIL, each))
        screen.post.older = None
        screen.redraw()
        before = screen.list.built
        await seen.press("G")
        await seen.shows("letter 0")
        await seen.press("g", "pagedown", "j", "k")
        assert screen.list.built - before < 5 * 4 * screen.list.size.height


async def test_where_there_is_little_room_one_panel_stands_alone(world: World) -> None:
    await write(world, await fill(world))
    async with looking(world, (50, 18)) as seen:
        await seen.until(lambda: seen.app.desk.mirror.whole)
        await seen.press("5")
        await seen.shows("Mail 3", "Which port", "main is frozen")
        assert "─ main is frozen ─" not in seen.text
        await seen.press("enter")
        await seen.shows("─ main is frozen ─", "Until noon")
        assert "Mail 3" not in seen.text
        await seen.press("tab")
        await seen.shows("Mail 3")
        await seen.press("tab", "escape")
        await seen.shows("Mail 3")
        await seen.press("tab")
        await seen.pilot.resize_terminal(80, 24)
        await seen.shows("Mail 3", "─ main is frozen ─")
