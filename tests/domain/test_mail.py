"""Rule 11: who gets a mail, how far it gets, in which order, and what becomes of what nobody reads."""

from itertools import pairwise

import pytest
from msgspec import structs

from maestrod.domain.changes import DAEMON, Actor, Delete, Put
from maestrod.domain.errors import Conflict, IllegalMove, Invalid, NotAllowed, NotFound
from maestrod.domain.mail import (
    MOST_HOPS,
    MOST_UNREAD,
    TEXT_KEYS,
    AckMail,
    DeleteMail,
    ExpireMail,
    HoldMail,
    ReadMail,
    SendMail,
    SurfaceMail,
    text_of,
)
from maestrod.domain.model import Delivery, DeliveryState, Mail, MailType, Noun, Scope
from maestrod.domain.projects import DeleteProject
from maestrod.domain.sessions import CompleteSession, DeleteSession, RecordExit, ResumeSession, StopSession
from tests.domain.world import BEGIN, World, actor


class Post:
    """A project with three sessions in it."""

    def __init__(self, *, checked: bool = True) -> None:
        self.world = World(checked=checked)
        self.project = self.world.project()
        self.boss = self.world.orchestrator(self.project)
        self.ann = self.world.worker(self.project, by=actor(self.boss))
        self.ben = self.world.worker(self.project, by=actor(self.boss))

    def mail(self, id_: str) -> Mail:
        return self.world.state.mail(id_)

    def mails(self) -> list[Mail]:
        return [self.mail(id_) for id_ in self.world.state.table(Noun.MAIL)]

    def unread(self, session: str) -> list[Mail]:
        return [self.mail(d.mail_id) for d in self.world.state.unread(session)]

    def states(self, mail: str) -> dict[str, DeliveryState]:
        return {d.session_id: d.state for d in self.world.state.deliveries(mail)}

    def fill(self, session: str) -> None:
        """As much unread mail as a session may have."""
        rows = [
            Put(
                Noun.DELIVERY,
                Delivery(
                    id=f"dlv_1_{number:09}",
                    mail_id=self.filler(),
                    session_id=session,
                    project_id=self.project,
                    at=BEGIN,
                ),
            )
            for number in range(MOST_UNREAD - len(self.world.state.groups["unread", session]))
        ]
        self.world.state.apply_all(rows)

    def filler(self) -> str:
        if "mail_1_full" not in self.world.state.table(Noun.MAIL):
            made = Mail(
                id="mail_1_full",
                project_id=self.project,
                type=MailType.QUERY,
                subject="full",
                body={},
                thread_id="mail_1_full",
                from_user="user",
            )
            self.world.state.apply(Put(Noun.MAIL, made))
        return "mail_1_full"


@pytest.fixture
def post() -> Post:
    return Post()


# -- sending ------------------------------------------------------------------------------------------


def test_a_mail_is_queued_with_its_receiver_and_the_sender_is_who_asks(post: Post) -> None:
    id_ = post.world.mail(post.ann, post.ben, "use the fixture")
    mail = post.mail(id_)
    assert (mail.from_session_id, mail.from_user, mail.to_session_id) == (post.ann, None, post.ben)
    assert (mail.project_id, mail.thread_id) == (post.project, id_)
    assert post.states(id_) == {post.ben: "queued"}
    assert post.world.names() == ["mail:received", "mail:queued"]


@pytest.mark.parametrize("kind", ["user", "key", "daemon"])
def test_people_keys_and_the_daemon_send_by_their_name(post: Post, kind: str) -> None:
    who = Actor("key", post.world.key(scopes=(Scope.WRITE,))) if kind == "key" else Actor(kind)
    name = str(who)
    post.world.do(SendMail(to_session_id=post.ann, message="hello"), who)
    (mail,) = post.unread(post.ann)
    assert (mail.from_session_id, mail.from_user) == (None, name)


def test_nobody_writes_in_anothers_name(post: Post) -> None:
    claimed = SendMail(to_session_id=post.ben, message="hello", from_session_id=post.boss)
    post.world.refuse(NotAllowed, claimed, actor(post.ann))
    post.world.refuse(NotAllowed, claimed)
    post.world.do(structs.replace(claimed, from_session_id=post.ann), actor(post.ann))


def test_a_receiver_must_exist(post: Post) -> None:
    refused = post.world.refuse(NotFound, SendMail(to_session_id="sess_1_gone", message="hello"))
    assert refused.code == "SESSION_NOT_FOUND"
    refused = post.world.refuse(NotFound, SendMail(reply_to_mail_id="mail_1_gone", message="hello"))
    assert refused.code == "MAIL_NOT_FOUND"
    refused = post.world.refuse(NotFound, SendMail(project_id="proj_1_gone", message="hello"))
    assert refused.code == "PROJECT_NOT_FOUND"


def test_a_mail_to_oneself_or_to_nobody_is_none(post: Post) -> None:
    post.world.refuse(Invalid, SendMail(to_session_id=post.ann, message="hello"), actor(post.ann))
    refused = post.world.refuse(Invalid, SendMail(message="hello"))
    assert refused.problems[0].path == "projectId"


def test_the_project_is_the_receivers(post: Post) -> None:
    other = post.world.project("Other", "/other")
    post.world.refuse(Invalid, SendMail(project_id=other, to_session_id=post.ann, message="hello"))
    post.world.do(SendMail(project_id=post.project, to_session_id=post.ann, message="hello"))


# -- broadcasts ---------------------------------------------------------------------------------------


def test_a_broadcast_has_one_delivery_per_live_session_of_the_project_except_the_senders(post: Post) -> None:
    gone = post.world.worker(post.project)
    post.world.do(StopSession(session_id=gone))
    post.world.worker(post.world.project("Other", "/other"))
    id_ = post.world.mail(post.boss, None, "stand up")
    assert post.states(id_) == {post.ann: "queued", post.ben: "queued"}
    assert post.mail(id_).to_session_id is None
    by_a_person = post.world.mail(None, None, "stop", project_id=post.project)
    assert post.states(by_a_person).keys() == {post.boss, post.ann, post.ben}


def test_a_broadcast_that_nobody_hears_is_no_error(post: Post) -> None:
    empty = post.world.project("Empty", "/empty")
    assert post.states(post.world.mail(None, None, project_id=empty)) == {}


# -- how far it gets ----------------------------------------------------------------------------------


def test_each_step_has_its_time_and_its_way(post: Post) -> None:
    id_ = post.world.mail(post.boss, post.ann)
    post.world.do(SurfaceMail(session_id=post.ann, mail_ids=(id_,)), DAEMON)
    post.world.do(ReadMail(mail_id=id_, channel="cli"), actor(post.ann))
    post.world.do(AckMail(mail_id=id_), actor(post.ann))
    delivery = post.world.delivery(id_, post.ann)
    told = [*((s.state, s.channel) for s in delivery.steps), (delivery.state, delivery.channel)]
    assert told == [("queued", "mailbox"), ("surfaced", "hook"), ("read", "cli"), ("acked", "api")]
    times = [*(s.at for s in delivery.steps), delivery.at]
    assert all(before < after for before, after in pairwise(times))


def test_reading_and_acknowledging_twice_change_nothing(post: Post) -> None:
    id_ = post.world.mail(post.boss, post.ann)
    post.world.do(ReadMail(mail_id=id_), actor(post.ann))
    assert post.unread(post.ann) == []
    post.world.nothing(ReadMail(mail_id=id_), actor(post.ann))
    post.world.do(AckMail(mail_id=id_), actor(post.ann))
    post.world.nothing(AckMail(mail_id=id_), actor(post.ann))
    post.world.nothing(ReadMail(mail_id=id_), actor(post.ann))


def test_a_mail_may_be_acknowledged_without_a_word(post: Post) -> None:
    id_ = post.world.mail(post.boss, post.ann)
    post.world.do(AckMail(mail_id=id_), actor(post.ann))
    assert post.world.names() == ["mail:acked"]
    assert post.unread(post.ann) == []


def test_why_a_mail_still_waits_is_told_until_it_gets_further(post: Post) -> None:
    first, second = (post.world.mail(post.boss, post.ann) for _ in range(2))
    post.world.do(SurfaceMail(session_id=post.ann, mail_ids=(second,)), DAEMON)
    hold = HoldMail(session_id=post.ann, mail_ids=(first, second, "mail_1_gone"), reason="nobody took the pointer")
    post.world.do(hold, DAEMON)
    post.world.nothing(hold, DAEMON)
    assert [post.states(id_)[post.ann] for id_ in (first, second)] == ["queued", "surfaced"]
    assert [d.reason for d in post.world.state.inbox(post.ann)] == ["nobody took the pointer", None]
    post.world.do(SurfaceMail(session_id=post.ann, mail_ids=(first,)), DAEMON)
    assert [d.reason for d in post.world.state.inbox(post.ann)] == [None, None]


def test_only_waiting_mail_is_surfaced_and_it_stays_unread(post: Post) -> None:
    first, second = post.world.mail(post.boss, post.ann), post.world.mail(post.boss, post.ann)
    post.world.do(SurfaceMail(session_id=post.ann, mail_ids=(first, "mail_1_gone")), DAEMON)
    assert [post.states(id_)[post.ann] for id_ in (first, second)] == ["surfaced", "queued"]
    post.world.nothing(SurfaceMail(session_id=post.ann, mail_ids=(first,)), DAEMON)
    assert [m.id for m in post.unread(post.ann)] == [first, second]


def test_of_a_broadcast_each_receiver_reads_its_own(post: Post) -> None:
    id_ = post.world.mail(post.boss, None)
    post.world.do(ReadMail(mail_id=id_), actor(post.ann))
    assert post.states(id_) == {post.ann: "read", post.ben: "queued"}
    refused = post.world.refuse(Invalid, ReadMail(mail_id=id_))
    assert refused.problems[0].path == "sessionId"
    post.world.do(ReadMail(mail_id=id_, session_id=post.ben))
    assert post.states(id_)[post.ben] == "read"


def test_who_did_not_get_a_mail_has_not_read_it(post: Post) -> None:
    id_ = post.world.mail(post.ann, post.ben)
    post.world.refuse(Invalid, ReadMail(mail_id=id_), actor(post.ann))
    post.world.refuse(Invalid, AckMail(mail_id=id_, session_id=post.boss))
    post.world.do(ReadMail(mail_id=id_))
    nobody = post.world.mail(None, None, project_id=post.world.project("Empty", "/empty"))
    post.world.refuse(Invalid, ReadMail(mail_id=nobody))


# -- answers ------------------------------------------------------------------------------------------


def test_an_answer_goes_to_the_other_side_in_the_same_thread(post: Post) -> None:
    asked = post.world.mail(post.ann, post.ben, "which?", type=MailType.QUERY, subject="Fixture")
    answer = post.world.mail(post.ben, None, "the old one", reply_to_mail_id=asked)
    mail = post.mail(answer)
    assert (mail.to_session_id, mail.thread_id, mail.reply_to_mail_id) == (post.ann, asked, asked)
    assert (mail.type, mail.subject, mail.body) == ("response", "Re: Fixture", {"answer": "the old one"})
    again = post.mail(post.world.mail(post.ann, None, "thanks", reply_to_mail_id=answer))
    assert (again.to_session_id, again.thread_id, again.subject) == (post.ben, asked, "Re: Fixture")
    more = post.mail(post.world.mail(post.ann, None, "and?", reply_to_mail_id=asked))
    assert more.to_session_id == post.ben


def test_who_answers_has_read(post: Post) -> None:
    asked = post.world.mail(post.ann, post.ben)
    post.world.mail(post.ben, None, reply_to_mail_id=asked)
    assert post.states(asked) == {post.ben: "read"}
    assert post.world.names() == ["mail:received", "mail:queued", "mail:read"]


def test_answering_takes_no_acknowledgement_back(post: Post) -> None:
    asked = post.world.mail(post.ann, post.ben)
    post.world.do(AckMail(mail_id=asked), actor(post.ben))
    post.world.mail(post.ben, None, reply_to_mail_id=asked)
    assert post.states(asked) == {post.ben: "acked"}


def test_a_person_has_no_mailbox(post: Post) -> None:
    asked = post.world.mail(None, post.ann, "how far are you?")
    refused = post.world.refuse(Conflict, SendMail(reply_to_mail_id=asked, message="half"), actor(post.ann))
    assert "report progress" in refused.hint
    followed = post.mail(post.world.mail(None, None, "well?", reply_to_mail_id=asked))
    assert followed.to_session_id == post.ann


def test_an_answer_to_ones_own_broadcast_names_its_receiver(post: Post) -> None:
    told = post.world.mail(post.boss, None)
    command = SendMail(reply_to_mail_id=told, message="and you?")
    post.world.refuse(Conflict, command, actor(post.boss))
    post.world.do(structs.replace(command, to_session_id=post.ann), actor(post.boss))


def test_sessions_do_not_answer_each_other_for_ever_until_a_person_writes(post: Post) -> None:
    last = post.world.mail(post.ann, post.ben)
    sides = [post.ben, post.ann]
    for number in range(MOST_HOPS):
        last = post.world.mail(sides[number % 2], None, reply_to_mail_id=last)
    assert post.mail(last).hops == MOST_HOPS
    refused = post.world.refuse(Conflict, SendMail(reply_to_mail_id=last, message="ping"), actor(post.ben))
    assert "person" in refused.hint
    by_a_person = post.world.mail(None, None, "enough", reply_to_mail_id=last)
    assert post.mail(by_a_person).hops == 0


# -- what comes back ----------------------------------------------------------------------------------


def test_mail_to_an_ended_session_bounces_to_the_sender_with_the_reason(post: Post) -> None:
    post.world.do(StopSession(session_id=post.ben))
    id_ = post.world.mail(post.ann, post.ben, "still there?")
    delivery = post.world.delivery(id_, post.ben)
    assert (delivery.state, "has ended: stopped" in (delivery.reason or "")) == ("bounced", True)
    (notice,) = post.unread(post.ann)
    assert (notice.from_user, notice.type, notice.body["mailIds"]) == ("daemon", "notification", [id_])
    assert delivery.reason is not None
    assert delivery.reason in text_of(notice)
    assert post.world.names() == ["mail:received", "mail:bounced", "mail:received", "mail:queued"]
    post.world.refuse(IllegalMove, ReadMail(mail_id=id_, session_id=post.ben))


def test_what_an_ending_session_has_not_read_comes_back_in_one_notice_per_sender(post: Post) -> None:
    read = post.world.mail(post.ann, post.ben)
    post.world.do(ReadMail(mail_id=read), actor(post.ben))
    lost = [post.world.mail(post.ann, post.ben, f"mail {n}") for n in range(3)]
    bosss, persons = post.world.mail(post.boss, post.ben), post.world.mail(None, post.ben)
    post.world.do(RecordExit(session_id=post.ben, code=1))
    assert {post.states(id_)[post.ben] for id_ in (*lost, bosss, persons)} == {"bounced"}
    assert post.states(read)[post.ben] == "read"
    (to_ann,), (to_boss,) = post.unread(post.ann), post.unread(post.boss)
    assert (to_ann.body["mailIds"], to_boss.body["mailIds"]) == (lost, [bosss])
    assert "exited with code 1" in text_of(to_ann)
    assert "2 more" in text_of(to_ann)


def test_no_notice_goes_to_who_has_ended_or_is_full(post: Post) -> None:
    post.world.mail(post.ann, post.ben)
    post.world.do(CompleteSession(session_id=post.ann))
    post.world.do(CompleteSession(session_id=post.ben))
    assert not any(m.to_session_id == post.ann for m in post.mails())
    full = Post(checked=False)
    full.world.mail(full.ann, full.ben)
    full.fill(full.ann)
    before = len(full.mails())
    full.world.do(StopSession(session_id=full.ben))
    assert len(full.mails()) == before


def test_what_bounced_stays_bounced_when_the_session_comes_back(post: Post) -> None:
    id_ = post.world.mail(post.ann, post.ben)
    post.world.do(StopSession(session_id=post.ben))
    post.world.do(ResumeSession(session_id=post.ben))
    assert post.states(id_) == {post.ben: "bounced"}
    assert post.states(post.world.mail(post.ann, post.ben)) == {post.ben: "queued"}


def test_a_full_mailbox_refuses_until_something_was_read() -> None:
    post = Post(checked=False)
    first = post.world.mail(post.boss, post.ann)
    post.fill(post.ann)
    command = SendMail(to_session_id=post.ann, message="more")
    refused = post.world.refuse(Conflict, command, actor(post.boss))
    assert str(MOST_UNREAD) in refused.message
    told = post.world.mail(post.boss, None)
    assert post.states(told) == {post.ann: "bounced", post.ben: "queued"}
    assert "is full" in (post.world.delivery(told, post.ann).reason or "")
    post.world.do(ReadMail(mail_id=first), actor(post.ann))
    post.world.do(command, actor(post.boss))


# -- order --------------------------------------------------------------------------------------------


def test_mail_is_read_in_the_order_in_which_it_was_sent(post: Post) -> None:
    sent = [post.world.mail(who, post.ben) for who in (post.ann, post.boss, post.ann, post.boss, post.ann)]
    assert [m.id for m in post.unread(post.ben)] == sent
    assert [d.mail_id for d in post.world.state.inbox(post.ben)] == sent


# -- time ---------------------------------------------------------------------------------------------


def test_what_nobody_read_in_time_expires_and_nothing_before_its_time(post: Post) -> None:
    end = post.world.now + 100
    id_ = post.world.mail(post.boss, None, expires_at=end)
    post.world.do(ReadMail(mail_id=id_), actor(post.ann))
    post.world.pass_time(end - post.world.now - 2)
    post.world.nothing(ExpireMail(mail_id=id_), DAEMON)
    assert post.world.now == end - 1
    assert len(post.world.state.groups[("expiring",)]) == 1
    post.world.do(ExpireMail(mail_id=id_), DAEMON)
    assert post.states(id_) == {post.ann: "read", post.ben: "expired"}
    assert post.world.names() == ["mail:expired"]
    assert len(post.world.state.groups[("expiring",)]) == 0
    post.world.nothing(ExpireMail(mail_id=id_), DAEMON)
    post.world.refuse(IllegalMove, ReadMail(mail_id=id_), actor(post.ben))


def test_mail_without_an_end_does_not_expire(post: Post) -> None:
    post.world.nothing(ExpireMail(mail_id=post.world.mail(post.boss, post.ann)), DAEMON)
    assert len(post.world.state.groups[("expiring",)]) == 0


# -- deleting -----------------------------------------------------------------------------------------


def test_a_deleted_mail_is_in_no_mailbox_and_its_answers_answer_nothing(post: Post) -> None:
    asked = post.world.mail(post.boss, None)
    answer = post.world.mail(post.ann, None, reply_to_mail_id=asked)
    post.world.do(DeleteMail(mail_id=asked))
    assert post.unread(post.ben) == []
    assert (post.mail(answer).reply_to_mail_id, post.mail(answer).thread_id) == (None, asked)
    assert sorted(post.world.names()) == ["delivery:deleted", "delivery:deleted", "mail:deleted", "mail:updated"]
    post.world.refuse(NotFound, DeleteMail(mail_id=asked))


def test_with_a_session_goes_what_it_sent_and_what_was_for_it_alone(post: Post) -> None:
    sent = post.world.mail(post.ann, post.ben)
    got = post.world.mail(post.ben, post.ann)
    told = post.world.mail(post.boss, None)
    answer = post.world.mail(post.ben, None, reply_to_mail_id=sent)
    between = post.world.mail(post.boss, post.ben)
    post.world.do(StopSession(session_id=post.ann))
    changes = post.world.do(DeleteSession(session_id=post.ann))
    left = set(post.world.state.table(Noun.MAIL))
    assert left >= {told, between}
    assert left.isdisjoint({sent, got, answer})
    assert post.states(told) == {post.ben: "queued"}
    assert changes[-1] == Delete(Noun.SESSION, post.ann)


def test_with_a_project_goes_all_its_mail(post: Post) -> None:
    for id_ in (post.ann, post.ben, post.boss):
        post.world.mail(None, id_)
        post.world.do(StopSession(session_id=id_))
    kept = post.world.mail(None, None, project_id=post.world.project("Other", "/other"))
    post.world.do(DeleteProject(project_id=post.project, cascade=True))
    assert list(post.world.state.table(Noun.MAIL)) == [kept]
    assert not post.world.state.table(Noun.DELIVERY)


# -- what is in it ------------------------------------------------------------------------------------


@pytest.mark.parametrize("type_", MailType)
def test_the_text_stands_under_the_key_of_its_type(post: Post, type_: MailType) -> None:
    mail = post.mail(post.world.mail(post.ann, post.ben, "say it", type=type_))
    assert mail.body == {TEXT_KEYS[type_]: "say it"}
    assert text_of(mail) == "say it"
    whole = SendMail(to_session_id=post.ben, type=type_, body={TEXT_KEYS[type_]: "so", "task_id": "task_1_x"})
    post.world.do(whole, actor(post.ann))
    assert post.unread(post.ben)[-1].body == whole.body


def test_more_may_stand_beside_the_text(post: Post) -> None:
    mail = post.mail(post.world.mail(post.ann, post.ben, "done", body={"task_id": "task_1_x", "status": "completed"}))
    assert mail.body == {"message": "done", "task_id": "task_1_x", "status": "completed"}


def test_a_subject_is_made_of_the_first_line_or_of_the_type(post: Post) -> None:
    def subject(**fields: object) -> str:
        return post.mail(post.world.mail(post.ann, post.ben, **fields)).subject  # type: ignore[arg-type]

    assert subject(message="  one\ttwo \n three") == "one two"
    assert subject(message="x" * 500) == "x" * 200
    assert subject(message="hello", subject="Given") == "Given"
    only = SendMail(to_session_id=post.ben, subject="Just this")
    post.world.do(only, actor(post.ann))
    assert text_of(post.unread(post.ben)[-1]) == ""
    post.world.do(SendMail(to_session_id=post.ben, type=MailType.STATUS_UPDATE, body={"message": " "}))
    assert post.unread(post.ben)[-1].subject == "status update"


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({}, "message"),
        ({"message": " "}, "message"),
        ({"message": "a\x1bb"}, "message"),
        ({"message": "x" * 65_537}, "message"),
        ({"message": "a", "body": {"message": "b"}}, "message"),
        ({"body": {"message": 5}}, "body.message"),
        ({"body": {"message": "a\x1bb"}}, "body.message"),
        ({"body": {"message": "a", "note": "\ud800"}}, "body.note"),
        ({"body": {"message": "a", "more": ["x" * 65_536]}}, "body"),
        ({"subject": "a\nb"}, "subject"),
        ({"subject": "x" * 201}, "subject"),
        ({"message": "a", "expires_at": -1}, "expiresAt"),
    ],
)
def test_what_is_no_mail_is_refused(post: Post, fields: dict[str, object], path: str) -> None:
    refused = post.world.refuse(Invalid, structs.replace(SendMail(to_session_id=post.ann), **fields))
    assert refused.problems[0].path == path


def test_a_body_has_64_kib(post: Post) -> None:
    post.world.do(SendMail(to_session_id=post.ann, message="x" * 65_536))
    post.world.do(SendMail(to_session_id=post.ann, body={"message": "x" * (65_536 - 14)}))
    post.world.refuse(Invalid, SendMail(to_session_id=post.ann, body={"message": "x" * (65_536 - 13)}))


@pytest.mark.parametrize("command", [ReadMail(mail_id=""), AckMail(mail_id="")])
def test_a_way_is_named_in_a_word(post: Post, command: ReadMail | AckMail) -> None:
    id_ = post.world.mail(post.boss, post.ann)
    for channel in ("", "x" * 101, "a\x1bb"):
        refused = post.world.refuse(Invalid, structs.replace(command, mail_id=id_, channel=channel))
        assert [p.path for p in refused.problems] == ["channel"]
    post.world.refuse(Invalid, SurfaceMail(session_id=post.ann, mail_ids=(id_,), channel=""), DAEMON)
