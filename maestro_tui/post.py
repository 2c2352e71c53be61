"""The mail as the screen knows it: letters by thread, and how far each got; pure.

Read in pages, the newest first, and followed from then on. A later word about a delivery wins.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator

import msgspec

from maestrod.domain.changes import Change, Delete
from maestrod.domain.mail import TEXT_KEYS
from maestrod.domain.model import UNREAD, Delivery, DeliveryState, Mail, Noun, Step


class Receipt(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """How far a mail got with one receiver, and how it got there."""

    session_id: str
    state: DeliveryState
    at: int = 0
    channel: str = ""
    reason: str | None = None
    steps: tuple[Step, ...] = ()
    session_name: str = ""

    @property
    def is_held(self) -> bool:
        """Whether the receiver was to be told of it and could not be."""
        return self.state is DeliveryState.QUEUED and self.reason is not None


class _Read(msgspec.Struct, rename="camel"):
    deliveries: tuple[Receipt, ...] = ()


class _Pagination(msgspec.Struct, rename="camel"):
    next_cursor: str | None = None


class _Page(msgspec.Struct):
    data: list[msgspec.Raw] = []
    pagination: _Pagination = msgspec.field(default_factory=_Pagination)


class Post:
    """Letters, threads by their newest letter, and receipts by letter and receiver."""

    def __init__(self) -> None:
        self.letters: dict[str, Mail] = {}
        self._receipts: dict[str, dict[str, Receipt]] = {}
        self._threads: dict[str, list[str]] = {}
        self._order: list[tuple[str, str]] = []
        self.waiting = 0
        """Deliveries that nobody has read yet."""
        self.was_read = False
        """Whether a page was read; without one only what has come since is known."""
        self.older: str | None = None
        """Where the next page begins; None when all was read."""

    # -- coming in -------------------------------------------------------------------------------

    def read(self, body: bytes) -> None:
        """Take a page of letters with their receipts.

        Raises:
            msgspec.MsgspecError: it is no such page.
        """
        page = msgspec.json.decode(body, type=_Page)
        for raw in page.data:
            mail = msgspec.json.decode(raw, type=Mail)
            self._put(mail)
            for receipt in msgspec.json.decode(raw, type=_Read).deliveries:
                self._receive(mail.id, receipt)
        self.older, self.was_read = page.pagination.next_cursor, True

    def follow(self, change: Change) -> bool:
        """Take a change; whether it was about mail."""
        if change.noun not in {Noun.MAIL, Noun.DELIVERY}:
            return False
        if isinstance(change, Delete):
            if change.noun is Noun.MAIL:
                self._drop(change.id)
        elif isinstance(change.entity, Mail):
            self._put(change.entity)
        elif isinstance(change.entity, Delivery):
            got = change.entity
            self._receive(got.mail_id, Receipt(got.session_id, got.state, got.at, got.channel, got.reason, got.steps))
        return True

    def _put(self, mail: Mail) -> None:
        before = self.letters.get(mail.id)
        if before is not None and before.version > mail.version:
            return
        self.letters[mail.id] = mail
        ids = self._threads.setdefault(mail.thread_id, [])
        if before is None:
            newest = ids[-1] if ids else ""
            insort(ids, mail.id)
            if ids[-1] != newest:
                self._move(mail.thread_id, newest, ids[-1])

    def _drop(self, mail_id: str) -> None:
        mail = self.letters.pop(mail_id, None)
        self.waiting -= sum(r.state in UNREAD for r in self._receipts.pop(mail_id, {}).values())
        if mail is None:
            return
        ids = self._threads[mail.thread_id]
        newest = ids[-1]
        ids.remove(mail_id)
        if not ids:
            del self._threads[mail.thread_id]
        if not ids or ids[-1] != newest:
            self._move(mail.thread_id, newest, ids[-1] if ids else "")

    def _move(self, thread_id: str, before: str, now: str) -> None:
        if before:
            del self._order[bisect_left(self._order, (before, thread_id))]
        if now:
            insort(self._order, (now, thread_id))

    def _receive(self, mail_id: str, receipt: Receipt) -> None:
        rows = self._receipts.setdefault(mail_id, {})
        before = rows.get(receipt.session_id)
        if before is None or (receipt.at, len(receipt.steps)) >= (before.at, len(before.steps)):
            self.waiting += (receipt.state in UNREAD) - (before is not None and before.state in UNREAD)
            rows[receipt.session_id] = receipt

    # -- what there is ---------------------------------------------------------------------------

    def __len__(self) -> int:
        """How many threads there are."""
        return len(self._order)

    def at(self, place: int) -> str:
        """The thread at a place: the one with the newest letter comes first."""
        return self._order[-1 - place][1]

    def find(self, thread_id: str) -> int | None:
        """The place of a thread."""
        ids = self._threads.get(thread_id)
        return len(self._order) - 1 - bisect_left(self._order, (ids[-1], thread_id)) if ids else None

    def threads(self) -> Iterator[str]:
        """All threads in their order."""
        return (thread_id for _, thread_id in reversed(self._order))

    def thread(self, thread_id: str) -> list[Mail]:
        """Its letters in their order."""
        return [self.letters[id_] for id_ in self._threads.get(thread_id, ())]

    def receipts(self, mail_id: str) -> list[Receipt]:
        """How far a letter got with each receiver."""
        return list(self._receipts.get(mail_id, {}).values())

    def is_known(self, delivery: Delivery) -> bool:
        """Whether the letter was known to be that far with its receiver."""
        known = self._receipts.get(delivery.mail_id, {}).get(delivery.session_id)
        return known is not None and known.state is delivery.state

    def unread(self, thread_id: str) -> int:
        """How many deliveries in the thread wait to be read."""
        return sum(r.state in UNREAD for id_ in self._threads.get(thread_id, ()) for r in self.receipts(id_))


def text_of(mail: Mail) -> str:
    """Its text; what else stands in its body follows, a line each."""
    key = TEXT_KEYS.get(mail.type, "message")
    text = mail.body.get(key)
    more = [f"{name}: {value}" for name, value in mail.body.items() if name != key]
    return "\n".join([*([text] if isinstance(text, str) else []), *more])


def parties(mail: Mail, receipts: Iterable[Receipt]) -> list[str]:
    """The sessions that it went to."""
    return [mail.to_session_id] if mail.to_session_id else [receipt.session_id for receipt in receipts]
