"""Who waits for a person, and what is asked."""

from collections.abc import Sequence

from maestro_tui.asking import Asking, numbered
from maestro_tui.cells import cut, folded, plain, width
from maestro_tui.faces import since_of_session
from maestro_tui.lines import Line, Span, Tone, cells_of, cropped, joined, kept_whole, spread
from maestro_tui.mirror import UNKNOWN, Mirror, idle_since
from maestro_tui.moment import Moment, age, span_of_time
from maestro_tui.view.sessions import face_in
from maestrod.domain.model import Noun, Session
from maestrod.protocol.dialogs import Choice, Dialog

LOW = 3
"""Lines of one who waits where room is short."""
TOLD = 6
"""Lines of what is asked that are shown where there is room; where there is none, two."""
LEAST = 6
"""Cells of a choice's label that are worth showing."""


def unseen(mirror: Mirror) -> list[str]:
    """The sessions whose turn is over and that nobody has looked at since, the longest first."""
    found = [s for s in mirror.state.live_sessions() if mirror.is_unseen(s) and not s.needs_input.active]
    return [s.id for s in sorted(found, key=lambda s: (idle_since(s), s.id))]


class WaitingRows:
    """Who waits, what is asked, and what can be answered: in three lines, or with a line for every choice.

    That is where ``room``, the height and width of the list, has place for it: choices that begin alike are told apart
    only whole, and of a command that is to be permitted every word counts.
    """

    def __init__(
        self, mirror: Mirror, asking: Asking, ids: Sequence[str], moment: Moment, *, room: tuple[int, int] = (0, 0)
    ) -> None:
        self._mirror = mirror
        self._asking = asking
        self._ids = ids
        self._rows = {id_: at for at, id_ in enumerate(ids)}
        self._moment = moment
        self.height = self._fitting(*room) if ids and room[0] else LOW

    def _fitting(self, height: int, cells: int) -> int:
        """Lines of each: all that is asked and offered and a gap, as far as there is room for two lines and choices."""
        if height // len(self._ids) <= LOW:
            return LOW
        parts = [(len(self._told_of(id_, cells, TOLD)), len(self._offered(id_))) for id_ in self._ids]
        each = height // len(parts)
        least = max(1 + min(told, LOW - 1) + offered for told, offered in parts)
        whole = max(1 + told + offered for told, offered in parts)
        return max(LOW, min(each, whole + 1)) if each >= least else LOW

    def __len__(self) -> int:
        return len(self._ids)

    def key(self, at: int) -> str:
        """The session's id."""
        return self._ids[at]

    def find(self, key: str) -> int | None:
        """Its row."""
        return self._rows.get(key)

    def asks(self, key: str) -> bool:
        """Whether it waits for an answer."""
        session = self._mirror.state.table(Noun.SESSION).get(key)
        return isinstance(session, Session) and session.needs_input.active

    def lines(self, at: int, cells: int) -> tuple[Line, ...]:
        """As many lines as it is high; a session that has gone since says so."""
        session = self._mirror.state.table(Noun.SESSION).get(self._ids[at])
        lines: list[Line] = [(Span("deleted", Tone.DIM),)]
        if isinstance(session, Session):
            lines = [_head(self._mirror, self._asking, session, self._moment.now, cells)]
            lines += self._asked(session, cells)
        return *lines, *((),) * (self.height - len(lines))

    def _asked(self, session: Session, cells: int) -> Sequence[Line]:
        if self.height == LOW or session.id in self._asking.busy:
            return _asked(self._asking, session, cells)
        offered = self._offered(session.id)
        most = max(1, self.height - 1 - len(offered))
        told = self._told_of(session.id, cells, most + 1)
        if len(told) > most:
            told = [*told[: most - 1], cut(f"{told[most - 1]} …", cells - 2)]
        choices = [(Span(f"  {digit}", Tone.ACCENT), Span(f" {plain(c.label)}")) for digit, c in offered]
        return [*((Span(f"  {line}"),) for line in told), *(cropped(line, cells) for line in choices)]

    def _offered(self, id_: str) -> list[tuple[str, Choice]]:
        dialog = self._asking.dialogs.get(id_)
        return numbered(dialog) if dialog is not None else []

    def _told_of(self, id_: str, cells: int, most: int) -> list[str]:
        session = self._mirror.state.table(Noun.SESSION).get(id_)
        if not isinstance(session, Session):
            return []
        return folded(asked_words(session, self._asking.dialogs.get(id_)), max(8, cells - 2), most=most)


def _head(mirror: Mirror, asking: Asking, session: Session, now: int, cells: int) -> Line:
    face = face_in(mirror, session)
    since = since_of_session(session, mirror.live.get(session.id, UNKNOWN))
    who = (Span(f"{face.glyph} ", face.tone), Span(plain(session.name), Tone.STRONG))
    words = [(2, plain(session.provider)), (1, _kind(asking, session))]
    more: list[tuple[int, Line]] = [(rank, (Span(word, Tone.DIM),)) for rank, word in words if word]
    right = (Span(age(now - since), Tone.WARN if session.needs_input.active else Tone.DIM),)
    room = max(0, cells - cells_of(who) - cells_of(right) - 4)
    return spread((*who, Span("  "), *kept_whole(more, room, " · ")), right, cells)


def _kind(asking: Asking, session: Session) -> str:
    """What kind of question it is; of one who does not ask it is said below why the session is here."""
    dialog = asking.dialogs.get(session.id)
    if not session.needs_input.active:
        return ""
    return plain((dialog.kind if dialog is not None else session.turn.kind) or "question")


def _asked(asking: Asking, session: Session, cells: int) -> tuple[Line, Line]:
    dialog = asking.dialogs.get(session.id)
    words = asked_words(session, dialog)
    lines = folded(words, max(8, cells - 2), most=3)
    first: Line = (Span("  "), Span(lines[0] if lines else ""))
    if session.id in asking.busy:
        return _only(lines, cells), (Span("  … answering", Tone.ACCENT),)
    if dialog is not None and dialog.choices:
        return _only(lines, cells), (Span("  "), *choices_line(dialog, max(1, cells - 2)))
    if len(lines) > 2:
        lines[1] = cut(f"{lines[1]} …", cells - 2)
    return first, (Span("  "), Span(lines[1])) if len(lines) > 1 else ()


def _only(lines: Sequence[str], cells: int) -> Line:
    text = lines[0] if lines else ""
    return Span("  "), Span(cut(f"{text} …", cells - 2) if len(lines) > 1 else text)


def asked_words(session: Session, dialog: Dialog | None) -> str:
    """What is asked; in its place, why the session is here.

    A question stands in its dialog; of a permission the agent's own words tell more, unless they are only its title.
    """
    if not session.needs_input.active:
        return "its turn is over" if session.status.value == "idle" else "no sign of life"
    if dialog is not None and dialog.text and (dialog.kind == "question" or session.turn.source == "title"):
        return dialog.text
    return session.needs_input.message or (dialog.text if dialog is not None else "") or "waits for you"


def choices_line(dialog: Dialog, cells: int) -> Line:
    """All choices with their digits in one line, each cut to what there is room for."""
    offered = [(digit, plain(choice.label)) for digit, choice in numbered(dialog)]
    room = cells - 2 * (len(offered) - 1) - sum(width(digit) + 1 for digit, _ in offered)
    labels = [label for _, label in offered]
    longest = max(map(width, labels), default=0)
    while longest > LEAST and sum(min(width(label), longest) for label in labels) > room:
        longest -= 1
    parts: list[Line] = [(Span(digit, Tone.ACCENT), Span(f" {cut(label, longest)}")) for digit, label in offered]
    return cropped(joined(parts), cells)


def question_title(session: Session, mirror: Mirror, now: int) -> str:
    """Who asks, and since when."""
    since = since_of_session(session, mirror.live.get(session.id, UNKNOWN))
    face = face_in(mirror, session)
    return f"{plain(session.name)} · {face.word} {span_of_time(now - since)}"


def question_lines(mirror: Mirror, asking: Asking, session: Session, cells: int) -> list[Line]:
    """The whole question and all that can be answered."""
    dialog = asking.dialogs.get(session.id)
    known = (_kind(asking, session), session.provider, session.model or "", session.role, session.permission_mode)
    facts = " · ".join(plain(word) for word in known if word)
    lines: list[Line] = [(Span(line, Tone.DIM),) for line in folded(facts, cells)]
    lines += [(Span(f"on {plain(title)}", Tone.DIM),) for title in _tasks(mirror, session)]
    lines += [(), *((Span(line, Tone.STRONG),) for line in folded(asked_words(session, dialog), cells, most=12))]
    if session.id in asking.busy:
        lines += [(), (Span("… answering", Tone.ACCENT),)]
    elif dialog is not None and dialog.choices:
        lines += [(), *(line for digit, choice in numbered(dialog) for line in _choice(digit, choice.label, cells))]
    elif session.needs_input.active:
        lines += [(), (Span("i ", Tone.ACCENT), Span("answers in words of your own", Tone.DIM))]
    return [cropped(line, cells) for line in lines]


def _choice(digit: str, label: str, cells: int) -> list[Line]:
    told = folded(label, max(8, cells - 5), most=4) or [""]
    head: Line = (Span(f"  {digit}  ", Tone.ACCENT), Span(told[0]))
    return [head, *((Span("     "), Span(line)) for line in told[1:])]


def _tasks(mirror: Mirror, session: Session) -> list[str]:
    state = mirror.state
    known = state.table(Noun.TASK)
    return [state.task(a.task_id).title for a in state.assignments_of_session(session.id) if a.task_id in known][:2]
