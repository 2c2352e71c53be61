"""What a person is told without asking: what deserves it, by which ways, and what happened while they were away."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum

import msgspec

from maestro_tui.cells import cut, plain
from maestro_tui.lines import Tone
from maestro_tui.mirror import Mirror
from maestro_tui.moment import Moment, clock_words
from maestro_tui.outside import Terminal
from maestrod.domain.model import DeliveryState, Mail, Noun, Session, Task, TimelineEntry

LONGEST = 200
"""Cells of a text that leaves the screen."""
NAMED = 3
"""Names that a summary tells."""
TOUCHED_MS = 60_000
"""How long a person counts as being here after a key, where the terminal does not tell of its focus."""
DAY = 24 * 60


class Kind(StrEnum):
    """What deserves a notification; the value is its name in the settings. The first are the most urgent."""

    NEEDS_YOU = "needs_you"
    CRASHED = "crashed"
    FAILED = "failed"
    BLOCKED = "blocked"
    REVIEW = "review"
    MAIL = "mail"
    COMPLETED = "completed"
    TASK_COMPLETED = "task_completed"
    PROGRESS = "progress"


class About(msgspec.Struct, frozen=True, array_like=True):
    """A kind for people: its glyph, its words for one and for several, and how it looks."""

    glyph: str
    one: str
    many: str
    tone: Tone = Tone.PLAIN


KINDS: dict[Kind, About] = {
    Kind.NEEDS_YOU: About("◐", "needs you", "sessions need you", Tone.WARN),
    Kind.CRASHED: About("✕", "crashed", "sessions crashed", Tone.BAD),
    Kind.FAILED: About("✕", "failed", "sessions failed", Tone.BAD),
    Kind.BLOCKED: About("⊘", "is blocked", "tasks are blocked", Tone.BAD),
    Kind.REVIEW: About("◎", "is in review", "tasks are in review", Tone.ACCENT),
    Kind.MAIL: About("✉", "came back", "of your mails came back", Tone.WARN),
    Kind.COMPLETED: About("✓", "completed", "sessions completed", Tone.GOOD),
    Kind.TASK_COMPLETED: About("✓", "is done", "tasks are done", Tone.GOOD),
    Kind.PROGRESS: About("·", "reports", "reports", Tone.DIM),
}


class Way(StrEnum):
    """How it is told."""

    TOAST = "toast"
    BELL = "bell"
    TERMINAL = "terminal"
    COMMAND = "command"


class Quiet(msgspec.Struct, frozen=True):
    """A time of every day, in minutes since midnight; over midnight when it begins after its end."""

    begin: int
    end: int

    def holds(self, moment: Moment) -> bool:
        """Whether it is that time."""
        then = datetime.fromtimestamp(moment.now / 1000, moment.zone)
        at = then.hour * 60 + then.minute
        return self.begin <= at < self.end if self.begin < self.end else at >= self.begin or at < self.end


def quiet_hours(text: str) -> Quiet:
    """What ``22:00-07:30`` means.

    Raises:
        ValueError: it is no such time.
    """
    begin, dash, end = text.partition("-")
    if not dash:
        raise ValueError(f"'{text}' is no time of day; write 22:00-07:30")
    quiet = Quiet(_minutes(begin, text), _minutes(end, text))
    if quiet.begin == quiet.end:
        raise ValueError(f"'{text}' ends when it begins")
    return quiet


def _minutes(clock: str, text: str) -> int:
    hours, colon, minutes = clock.strip().partition(":")
    both = hours + minutes
    if not colon or not both.isascii() or not both.isdecimal() or len(minutes) != 2 or len(hours) > 2:
        raise ValueError(f"'{text}' is no time of day; write 22:00-07:30")
    found = int(hours) * 60 + int(minutes)
    if found > DAY or int(minutes) > 59:
        raise ValueError(f"'{text}' is no time of day; write 22:00-07:30")
    return found % DAY


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What one person wants to be told, and how."""

    kinds: frozenset[Kind] = frozenset(Kind) - {Kind.TASK_COMPLETED, Kind.PROGRESS}
    ways: frozenset[Way] = frozenset(Way)
    terminal: Terminal = Terminal.AUTO
    command: tuple[str, ...] = ()
    quiet: Quiet | None = None
    away_ms: int = 600_000
    """How long one is away before what happened meanwhile is told again."""


RULES = Rules()


# -- who is here --------------------------------------------------------------------------------------


class Presence(msgspec.Struct, frozen=True):
    """Whether a person looks: what the terminal says of its focus, and when a key was pressed last (ms)."""

    focus: bool | None = None
    """Nothing until the terminal has told."""
    touched: int = -TOUCHED_MS
    left: int | None = None
    """Since when the terminal has no focus."""

    def press(self, now: int) -> "Presence":
        """A key was pressed: whoever does that is here."""
        return Presence(focus=None if self.focus is None else True, touched=now)

    def gain(self, now: int) -> "Presence":
        """The terminal has the focus."""
        return Presence(focus=True, touched=now)

    def lose(self, now: int) -> "Presence":
        """The terminal has it no more."""
        return Presence(focus=False, touched=self.touched, left=now if self.left is None else self.left)

    def is_here(self, now: int, rules: Rules) -> bool:
        """Whether somebody looks: with the focus until nothing was touched for as long as away is."""
        if self.focus is None:
            return now - self.touched < TOUCHED_MS
        return self.focus and now - self.touched < rules.away_ms

    def away(self, now: int, rules: Rules) -> int:
        """How long the terminal was without the focus; 0 when that was not long enough to tell."""
        gone = now - self.left if self.left is not None else 0
        return gone if gone >= rules.away_ms else 0


class Looked(msgspec.Struct, frozen=True):
    """What is on the screen: the ids of what is shown large, and whether all who wait are listed there."""

    ids: frozenset[str] = frozenset()
    waiting: bool = False

    def sees(self, note: "Note") -> bool:
        """Whether the note would say what is seen already."""
        return note.id in self.ids or (self.waiting and note.kind is Kind.NEEDS_YOU)


# -- what happened ------------------------------------------------------------------------------------


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened, in plain words: what of which kind to whom, and when (ms)."""

    kind: Kind
    noun: Noun
    id: str
    name: str
    text: str = ""
    at: int = 0

    @property
    def title(self) -> str:
        """Who, and what is with them."""
        return f"{self.name} {KINDS[self.kind].one}"


def note_of(mirror: Mirror, event: str, id_: str, at: int) -> Note | None:
    """What an event is to a person; nothing when it is nothing, or over already."""
    match event:
        case "notify:needs_input":
            return _asked(mirror, id_, at)
        case "notify:session_failed":
            return _ended(mirror, id_, at)
        case "notify:session_completed":
            return _of_session(mirror, Kind.COMPLETED, id_, at)
        case "notify:task_blocked":
            return _of_task(mirror, Kind.BLOCKED, id_, at)
        case "notify:task_in_review":
            return _of_task(mirror, Kind.REVIEW, id_, at)
        case "notify:task_completed":
            return _of_task(mirror, Kind.TASK_COMPLETED, id_, at)
        case "notify:progress":
            return _reported(mirror, id_, at)
        case "mail:bounced" | "mail:expired":
            return _returned(mirror, id_, event.removeprefix("mail:"), at)
        case _:
            return None


def _session(mirror: Mirror, id_: str) -> Session | None:
    found = mirror.state.table(Noun.SESSION).get(id_)
    return found if isinstance(found, Session) else None


def _of_session(mirror: Mirror, kind: Kind, id_: str, at: int, text: str = "") -> Note | None:
    session = _session(mirror, id_)
    if session is None:
        return None
    return Note(kind=kind, noun=Noun.SESSION, id=id_, name=plain(session.name), text=plain(text), at=at)


def _asked(mirror: Mirror, id_: str, at: int) -> Note | None:
    session = _session(mirror, id_)
    if session is None or not session.needs_input.active:
        return None
    kind = f"{plain(session.turn.kind)}: " if session.turn.kind else ""
    asked = session.needs_input.message or session.turn.text or "waits for you"
    return _of_session(mirror, Kind.NEEDS_YOU, id_, at, f"{kind}{asked}")


def _ended(mirror: Mirror, id_: str, at: int) -> Note | None:
    session = _session(mirror, id_)
    gone = session.exit if session is not None else None
    kind = Kind.CRASHED if gone is not None and (gone.signal or gone.code) else Kind.FAILED
    return _of_session(mirror, kind, id_, at, gone.reason if gone is not None else "")


def _of_task(mirror: Mirror, kind: Kind, id_: str, at: int) -> Note | None:
    task = mirror.state.table(Noun.TASK).get(id_)
    if not isinstance(task, Task):
        return None
    text = plain(task.blocked_reason or "") if kind is Kind.BLOCKED else ""
    return Note(kind=kind, noun=Noun.TASK, id=id_, name=f"“{cut(plain(task.title), 60)}”", text=text, at=at)


def _reported(mirror: Mirror, id_: str, at: int) -> Note | None:
    entry = mirror.state.table(Noun.TIMELINE).get(id_)
    if not isinstance(entry, TimelineEntry) or entry.session_id is None:
        return None
    return _of_session(mirror, Kind.PROGRESS, entry.session_id, at, entry.message or "")


def _returned(mirror: Mirror, id_: str, how: str, at: int) -> Note | None:
    mail = mirror.post.letters.get(id_)
    if not isinstance(mail, Mail) or mail.from_user != "user":
        return None
    reasons = [r.reason for r in mirror.post.receipts(id_) if r.state in {DeliveryState.BOUNCED, DeliveryState.EXPIRED}]
    why = next((plain(reason) for reason in reasons if reason), "")
    text = f"{how}: {why}" if why else how
    return Note(kind=Kind.MAIL, noun=Noun.MAIL, id=id_, name=f"“{cut(plain(mail.subject), 60)}”", text=text, at=at)


# -- how it is told -----------------------------------------------------------------------------------


class Said(msgspec.Struct, frozen=True):
    """Notes of one kind in one sentence."""

    kind: Kind
    title: str
    text: str


def worth(notes: Iterable[Note], rules: Rules, looked: Looked, *, here: bool) -> list[Note]:
    """Those that are to be told, each once: of a kind that is wanted, and not what somebody looks at right now."""
    kept = {(n.kind, n.id): n for n in notes if n.kind in rules.kinds and not (here and looked.sees(n))}
    return list(kept.values())


def said(notes: Sequence[Note]) -> list[Said]:
    """A sentence for each kind, the most urgent first: a burst is told in one."""
    found: list[Said] = []
    for kind in Kind:
        own = [note for note in notes if note.kind is kind]
        if len(own) == 1:
            found.append(Said(kind, own[0].title, own[0].text))
        elif own:
            found.append(Said(kind, f"{len(own)} {KINDS[kind].many}", _names(own)))
    return found


def _names(notes: Sequence[Note]) -> str:
    names = list(dict.fromkeys(note.name for note in notes))
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")


def summed(told: Sequence[Said]) -> tuple[str, str]:
    """All of it as one title and one text, fit to leave the screen."""
    if len(told) == 1:
        title, text = told[0].title, told[0].text
    else:
        title, text = told[0].title, " · ".join(each.title for each in told[1:])
    return cut(plain(title), LONGEST), cut(plain(text), LONGEST)


def ways(rules: Rules, moment: Moment, *, here: bool) -> frozenset[Way]:
    """By which ways: in quiet hours silently; outside of the screen only when nobody looks at it."""
    allowed = rules.ways
    if rules.quiet is not None and rules.quiet.holds(moment):
        allowed &= {Way.TOAST}
    return allowed & {Way.TOAST, Way.BELL} if here else allowed


def digest(notes: Iterable[Note], mirror: Mirror, since: int) -> list[str]:
    """What happened since then, a line for each kind; questions that have their answer are left out."""
    kept = [note for note in notes if note.at >= since and not _over(mirror, note)]
    told = said(worth(kept, Rules(kinds=frozenset(Kind)), Looked(), here=False))
    return [f"{KINDS[each.kind].glyph} {each.title}{': ' if each.text else ''}{each.text}" for each in told]


def news(notes: Sequence[Note], moment: Moment) -> list[tuple[str, str]]:
    """What happened lately, the newest first: when, and what; reports of those who go on would drown the rest."""
    found: list[tuple[str, str]] = []
    for note in reversed([note for note in notes if note.kind is not Kind.PROGRESS]):
        text = f": {note.text}" if note.text else ""
        found.append((f"{clock_words(note.at, moment)} {KINDS[note.kind].glyph} ", f"{note.title}{text}"))
    return found


def _over(mirror: Mirror, note: Note) -> bool:
    session = _session(mirror, note.id)
    return note.kind is Kind.NEEDS_YOU and (session is None or not session.needs_input.active)
