"""Ids that many entities name are the same text, not equal ones; nothing else about them changes."""

import msgspec

from maestrod.domain.model import Delivery, Mail, MailType
from maestrod.domain.sharing import Shared

MAIL = Mail(
    id="mail_1",
    project_id="proj_1",
    type=MailType.QUERY,
    subject="s",
    body={},
    thread_id="mail_1",
    to_session_id="sess_1",
)
DELIVERY = Delivery(id="dlv_1", mail_id="mail_1", session_id="sess_1", project_id="proj_1", at=1, channel="hook")


def test_entities_name_others_by_the_text_that_was_met_first() -> None:
    shared = Shared()
    mails = [msgspec.json.decode(msgspec.json.encode(MAIL), type=Mail) for _ in range(2)]
    deliveries = [msgspec.json.decode(msgspec.json.encode(DELIVERY), type=Delivery) for _ in range(2)]
    shared.take(mails)
    shared.take(deliveries)
    assert mails == [MAIL] * 2
    assert deliveries == [DELIVERY] * 2
    (first, other), (one, two) = mails, deliveries
    assert first.id is first.thread_id is other.id is one.mail_id is two.mail_id
    assert first.project_id is other.project_id is one.project_id
    assert first.to_session_id is one.session_id is two.session_id
    assert one.channel is two.channel
    assert first.subject is not other.subject


def test_what_is_no_entity_is_left_alone() -> None:
    Shared().take([{"id": "key"}, {}])
    Shared().take([])
