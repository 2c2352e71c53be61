"""Mail as rows: threads, and the letters of one with how far each delivery got."""

from collections.abc import Sequence
from itertools import islice

from maestro_tui.cells import cut, folded, plain, width
from maestro_tui.faces import Face
from maestro_tui.lines import FixedRows, Line, Span, Tone, cells_of, cropped, joined, kept_whole, spread
from maestro_tui.moment import Clock, Moment, age, clock_words
from maestro_tui.post import Post, Receipt, text_of
from maestro_tui.view.words import fits, wanted
from maestrod.domain.model import DeliveryState, Mail, Noun, Project, Session, Step
from maestrod.domain.state import State

SENT = Face("→", "sent", Tone.DIM)
"""It went to nobody, or to whom is not known."""
HELD = Face("◐", "held", Tone.WARN)
STATES: dict[DeliveryState, Face] = {
    DeliveryState.BOUNCED: Face("✕", "bounced", Tone.BAD),
    DeliveryState.EXPIRED: Face("⊘", "expired", Tone.BAD),
    DeliveryState.QUEUED: Face("◌", "queued", Tone.WARN),
    DeliveryState.SURFACED: Face("◎", "surfaced", Tone.ACCENT),
    DeliveryState.READ: Face("○", "read"),
    DeliveryState.ACKED: Face("✓", "acked", Tone.GOOD),
}
"""In the order in which they matter: what went wrong first, what is dealt with last."""
URGENT = {"high": "! ", "critical": "!! "}
LOOKED = 10_000
"""Threads that a filter looks through."""
LONGEST = 400
"""Lines of one letter that are shown."""
STEPS = 72
"""Cells from which on the way of a delivery stands in one line."""

WAY = 8
"""Cells from which on a part of the way by which it came is worth showing; state and name come first."""


def face_of_receipt(receipt: Receipt) -> Face:
    """How far it got."""
    return HELD if receipt.is_held else STATES[receipt.state]


def face_of_letter(post: Post, mail: Mail) -> Face:
    """The worst of its deliveries."""
    faces = [face_of_receipt(receipt) for receipt in post.receipts(mail.id)]
    order = [HELD, *STATES.values()]
    return min(faces, key=order.index) if faces else SENT


def name_of(state: State, session_id: str | None, otherwise: str = "") -> str:
    """What people call a session; its id when it is no more."""
    session = state.table(Noun.SESSION).get(session_id or "")
    return plain(session.name) if isinstance(session, Session) else plain(otherwise or session_id or "")


def sender(state: State, mail: Mail) -> str:
    """Who wrote it: a session, a person or the daemon."""
    if mail.from_session_id:
        return name_of(state, mail.from_session_id)
    return "you" if mail.from_user == "user" else plain(mail.from_user or "somebody")


def receiver(state: State, post: Post, mail: Mail) -> str:
    """To whom it went."""
    if mail.to_session_id:
        return name_of(state, mail.to_session_id)
    receipts = post.receipts(mail.id)
    if len(receipts) == 1:
        return name_of(state, receipts[0].session_id, receipts[0].session_name)
    project = state.table(Noun.PROJECT).get(mail.project_id)
    where = f" of {plain(project.name)}" if isinstance(project, Project) else ""
    return f"all {len(receipts)}{where}"


def found_threads(
    state: State, post: Post, *, words: str = "", project_id: str = "", unread: bool = False
) -> list[str] | None:
    """The threads that fit, the newest first; nothing when all are wanted."""
    if not words and not project_id and not unread:
        return None
    asked = wanted(words)
    newest = islice(post.threads(), LOOKED)
    return [id_ for id_ in newest if _fits(state, post, id_, asked, project_id, unread=unread)]


def _fits(state: State, post: Post, id_: str, asked: Sequence[str], project_id: str, *, unread: bool) -> bool:
    mails = post.thread(id_)
    if project_id and mails[0].project_id != project_id:
        return False
    if unread and not post.unread(id_):
        return False
    return not asked or fits(" ".join(_words(state, post, mail) for mail in mails), [mail.id for mail in mails], asked)


def _words(state: State, post: Post, mail: Mail) -> str:
    who = f"{sender(state, mail)} {receiver(state, post, mail)}"
    return f"{who} {mail.subject} {mail.type} {text_of(mail)}"


class ThreadRows:
    """Threads of two lines each: who to whom and since when, what about and how far it got."""

    height = 2

    def __init__(self, state: State, post: Post, ids: Sequence[str] | None, clock: Clock) -> None:
        self._state = state
        self._post = post
        self._ids = ids
        self._clock = clock
        self._places = {id_: at for at, id_ in enumerate(ids)} if ids is not None else None

    def __len__(self) -> int:
        return len(self._post) if self._ids is None else len(self._ids)

    def key(self, at: int) -> str:
        """The thread's id."""
        return self._post.at(at) if self._ids is None else self._ids[at]

    def find(self, key: str) -> int | None:
        """Its place."""
        return self._post.find(key) if self._places is None else self._places.get(key)

    def lines(self, at: int, cells: int) -> tuple[Line, ...]:
        """Both lines; a thread that has gone since says so."""
        mails = self._post.thread(self.key(at))
        if not mails:
            return (Span("deleted", Tone.DIM),), ()
        return thread_lines(self._state, self._post, mails, self._clock(), cells)


def thread_lines(state: State, post: Post, mails: Sequence[Mail], moment: Moment, cells: int) -> tuple[Line, Line]:
    """Who wrote last to whom, when; and the subject, with how far it got as a word."""
    newest = mails[-1]
    face = face_of_letter(post, newest)
    unread = post.unread(newest.thread_id)
    tone = Tone.STRONG if unread else Tone.PLAIN
    head: Line = (
        Span(f"{face.glyph} ", face.tone),
        Span(sender(state, newest), tone),
        Span(" → ", Tone.DIM),
        Span(receiver(state, post, newest), tone),
    )
    mark = URGENT.get(newest.priority, "")
    about: Line = (Span("  "), Span(mark, Tone.WARN), Span(plain(mails[0].subject), Tone.PLAIN if unread else Tone.DIM))
    told: list[tuple[int, Line]] = [(1, (Span(f"{len(mails)} mails", Tone.DIM),))] if len(mails) > 1 else []
    told.append((0, (Span(face.word, face.tone),)))
    right = kept_whole(told, max(0, cells - min(cells_of(about), 24) - 1), " · ")
    when = (Span(age(moment.now - newest.created_at), Tone.DIM),)
    return cropped(spread(head, when, cells), cells), cropped(spread(about, right, cells), cells)


def thread_rows(state: State, post: Post, thread_id: str, moment: Moment, cells: int) -> FixedRows:
    """The letters of a thread in their order: head, text, and a line for each delivery."""
    rows: list[tuple[str, Line]] = []
    for mail in post.thread(thread_id):
        rows += [(mail.id, ())] if rows else []
        rows += [(mail.id, cropped(line, cells)) for line in letter_lines(state, post, mail, moment, cells)]
    return FixedRows(rows)


def letter_lines(state: State, post: Post, mail: Mail, moment: Moment, cells: int) -> list[Line]:
    """One letter, whole."""
    head: Line = (
        Span(sender(state, mail), Tone.ACCENT),
        Span(" → ", Tone.DIM),
        Span(receiver(state, post, mail), Tone.ACCENT),
    )
    more = [clock_words(mail.created_at, moment), mail.type.replace("_", " ")]
    more += [mail.priority] if mail.priority in URGENT else []
    lines: list[Line] = [head, (Span(" · ".join(more), Tone.DIM),), (Span(plain(mail.subject), Tone.STRONG),)]
    text = text_of(mail)
    if text.strip() != mail.subject.strip():
        told = folded(text, cells, most=LONGEST)
        lines += [(Span(line),) for line in told]
        lines += [(Span("… the rest: maestro mail read", Tone.DIM),)] if len(told) == LONGEST else []
    receipts = post.receipts(mail.id)
    lines += [()]
    for receipt in receipts:
        lines += receipt_lines(state, receipt, moment, cells)
    return lines if receipts else [*lines, (Span("it went to nobody", Tone.DIM),)]


def receipt_lines(state: State, receipt: Receipt, moment: Moment, cells: int) -> list[Line]:
    """How far it got with one receiver, by which way, and why no further."""
    face = face_of_receipt(receipt)
    name = name_of(state, receipt.session_id, receipt.session_name)
    head: Line = (Span(f"{face.glyph} ", face.tone), Span(f"{face.word} ", face.tone), Span(name))
    clock, way = clock_words(receipt.at, moment), _by(receipt.channel)
    room = cells - cells_of(head) - 1 - width(clock)
    when = (Span(clock + (cut(way, room) if room >= min(WAY, width(way)) else ""), Tone.DIM),)
    lines: list[Line] = [spread(head, when, cells)]
    if receipt.reason:
        lines += [(Span("  "), Span(line, face.tone)) for line in folded(receipt.reason, max(8, cells - 2), most=6)]
    if receipt.steps and cells >= STEPS:
        before = [_step(step, moment) for step in receipt.steps]
        lines.append(cropped((Span("  before: ", Tone.DIM), *joined(before, ", ")), cells))
    return lines


def _step(step: Step, moment: Moment) -> Line:
    return (Span(f"{step.state} {clock_words(step.at, moment)}{_by(step.channel)}", Tone.DIM),)


def _by(channel: str) -> str:
    return f" by {plain(channel)}" if channel else ""


def mail_line(state: State, *, project_id: str, words: str, unread: bool, found: int | None) -> Line:
    """Whose mail is shown, and what it is narrowed to."""
    project = state.table(Noun.PROJECT).get(project_id)
    name = plain(project.name) if isinstance(project, Project) else "all projects"
    parts: list[Line] = [(Span("▸ ", Tone.DIM), Span(name, Tone.STRONG))]
    parts += [(Span("unread only", Tone.ACCENT),)] if unread else []
    if words:
        number = "nothing" if not found else f"{found}"
        parts.append((Span(f"“{plain(words)}” ", Tone.ACCENT), Span(f"{number} found · Esc ends it", Tone.DIM)))
    return joined(parts, "   ")
