"""A mail as an answer and as a frame: whole for its sender, as it got there for its receiver."""

import msgspec

from maestrod.domain.mail import ReadMail
from maestrod.domain.model import Delivery
from maestrod.protocol.frames import frames_of
from maestrod.protocol.views import encode, entity_json, receipts_of
from tests.domain.world import World, actor


class Post:
    """Two sessions and a mail between them."""

    def __init__(self) -> None:
        self.world = World()
        project = self.world.project()
        self.ann, self.ben = self.world.worker(project, name="Ann"), self.world.worker(project, name="Ben")
        self.mail = self.world.mail(self.ann, self.ben, "which?")

    def delivery(self) -> Delivery:
        return self.world.state.delivery(self.world.delivery(self.mail, self.ben).id)


def shown(body: bytes) -> dict[str, object]:
    return msgspec.json.decode(body, type=dict[str, object])


def test_a_mail_shows_its_sender_and_how_far_it_got() -> None:
    post = Post()
    post.world.do(ReadMail(mail_id=post.mail, channel="cli"), actor(post.ben))
    found = shown(entity_json(post.world.state, post.world.state.mail(post.mail)))
    receipt = {
        "sessionId": post.ben,
        "sessionName": "Ben",
        "state": "read",
        "at": post.world.now,
        "channel": "cli",
        "reason": None,
        "steps": [{"state": "queued", "at": post.world.now - 1, "channel": "mailbox"}],
    }
    assert (found["id"], found["fromName"], found["deliveries"]) == (post.mail, "Ann", [receipt])
    assert msgspec.json.decode(encode(receipts_of(post.world.state, post.mail))) == [receipt]


def test_a_delivery_is_the_mail_as_its_receiver_sees_it() -> None:
    post = Post()
    found = shown(entity_json(post.world.state, post.delivery()))
    assert (found["id"], found["body"], found["fromName"]) == (post.mail, {"message": "which?"}, "Ann")
    assert isinstance(found["delivery"], dict)
    assert found["delivery"]["state"] == "queued"
    assert "body" not in shown(entity_json(post.world.state, post.delivery(), summary=True))


def test_a_session_shows_how_much_it_has_not_read() -> None:
    post = Post()
    post.world.mail(post.ann, post.ben)
    found = [shown(entity_json(post.world.state, post.world.state.session(id_))) for id_ in (post.ann, post.ben)]
    assert [session["unreadMail"] for session in found] == [0, 2]


def test_a_person_is_shown_by_what_they_are() -> None:
    post = Post()
    by_a_person = post.world.state.mail(post.world.mail(None, post.ben))
    assert shown(entity_json(post.world.state, by_a_person))["fromName"] == "user"


def test_frames_of_a_mail_reach_who_follows_its_receiver() -> None:
    post = Post()
    received, queued = frames_of(post.world.records[-1])
    assert (received.event, queued.event) == ("mail:received", "mail:queued")
    assert (received.session_id, queued.session_id) == (post.ben, post.ben)
    assert received.project_id == queued.project_id is not None
