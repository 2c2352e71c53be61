"""History as rows: commits, the changes of one, and the state as it was after it."""

from collections.abc import Mapping, Sequence
from itertools import islice

from maestro_tui.cells import cut, folded, plain
from maestro_tui.faces import SESSIONS, Face, face_of_task
from maestro_tui.lines import FixedRows, Line, Span, Tone, cells_of, cropped, kept_whole, spread
from maestro_tui.moment import Clock, Moment, age, clock_words
from maestro_tui.past import Commit, Log, Touched
from maestro_tui.view.words import fits, wanted
from maestrod.domain.model import Noun, Session, Task
from maestrod.domain.state import State

LOOKED = 20_000
"""Commits that a filter looks through."""
NEW = Face("+", "new", Tone.GOOD)
GONE = Face("✗", "gone", Tone.BAD)
BACK = Face("↶", "taken back", Tone.WARN)
CHANGED = Face("~", "changed", Tone.DIM)
_FIRST = {
    **dict.fromkeys(("Create", "Spawn", "Send", "Add", "Import", "Push"), NEW),
    **dict.fromkeys(("Delete", "Remove", "Revoke"), GONE),
    "Undo": BACK,
}
NAMED = ("title", "name", "subject", "message", "note", "reason", "command")
"""Fields of a command that say what it was about."""
VALUE = 8
"""Lines of one field of a command that are shown."""
MAKES = frozenset({"create", "spawn", "send", "add", "import"})
"""Beginnings of the names of commands whose undoing takes away what they made."""
LISTED = {Noun.TASK.value: Noun.TASK, Noun.PROJECT.value: Noun.PROJECT}
"""What stands in the tree of tasks, by its name in a commit."""
LEAST = 12
"""Cells of what was reported that are worth showing beside who did."""
TOUCHED = 500
"""Changes of one commit that are shown."""


ROUTINE = frozenset({"RecordTurn", "LaunchSession", "RegisterSession", "SurfaceMail", "HoldMail", "UseKey"})
"""Commands that follow from others by themselves."""


CALLED = {
    "assignment": "the attempt at it",
    "subtask": "the item of the checklist",
    "item": "the item of the queue",
    "doc": "the document",
    "ordering": "the order",
    "check": "the run of the check",
    "delivery": "the delivery of the mail",
}
"""What people call things that have no name; the others are called as they are."""


class Narrowed:
    """What the history is narrowed to; ``routine`` says that what follows by itself is among it."""

    def __init__(self, words: str = "", actor: str = "", thing: str = "", *, routine: bool = False) -> None:
        self.words = words
        self.actor = actor
        self.thing = thing
        self.routine = routine

    @property
    def anything(self) -> bool:
        """Whether it is narrowed at all."""
        return bool(self.words or self.actor or self.thing)


def words_of(kind: str) -> str:
    """``CompleteTask`` as people say it."""
    spaced = "".join(f" {char.lower()}" if char.isupper() else char for char in plain(kind))
    return spaced.strip() or "something"


def face_of_commit(commit: Commit) -> Face:
    """What kind of change it was."""
    first = words_of(commit.kind).split()[0].capitalize()
    return _FIRST.get(first, CHANGED)


def actor_name(state: State, actor: str) -> str:
    """Who did it, as people call it."""
    kind, _, id_ = actor.partition(":")
    if kind == "session":
        session = state.table(Noun.SESSION).get(id_)
        return plain(session.name) if isinstance(session, Session) else plain(id_)
    return "you" if kind == "user" else plain(actor)


def thing_name(state: State, noun: str, id_: str) -> str:
    """What people call a thing; its id when it is no more."""
    known = {each.value: each for each in (Noun.PROJECT, Noun.TASK, Noun.SESSION, Noun.TEMPLATE)}
    entity = state.table(known[noun]).get(id_) if noun in known else None
    name = getattr(entity, "title", None) or getattr(entity, "name", None)
    return f"“{plain(name)}”" if isinstance(name, str) else plain(id_)


def about(state: State, commit: Commit) -> str:
    """What the commit was about: the task or session that it names, else its own words, as when that is no more."""
    task = next((change.id for change in commit.changes[:8] if change.noun == Noun.TASK), None)
    told = next((commit.command[name] for name in NAMED if isinstance(commit.command.get(name), str)), "")
    own = f"“{plain(str(told))}”" if told else ""
    for noun, id_ in (("task", commit.command.get("taskId", task)), ("session", commit.command.get("sessionId"))):
        if isinstance(id_, str):
            name = thing_name(state, noun, id_)
            return own if own and name == plain(id_) else name
    if own:
        return own
    return thing_name(state, commit.changes[0].noun, commit.changes[0].id) if commit.changes else ""


def is_routine(commit: Commit) -> bool:
    """Whether nobody did it, and nothing hinges on it; a question that is asked with a turn waits for somebody."""
    question = commit.command.get("needsInput")
    return commit.kind in ROUTINE and not (isinstance(question, Mapping) and question.get("active"))


def found_commits(state: State, log: Log, narrowed: Narrowed) -> list[str] | None:
    """The numbers of the commits that fit, the newest first; nothing when all are wanted.

    Words find what is routine too.
    """
    if not narrowed.anything:
        return None if narrowed.routine else [str(commit.seq) for commit in log.commits() if not is_routine(commit)]
    asked = wanted(narrowed.words)
    newest = islice(log.commits(), LOOKED)
    return [str(commit.seq) for commit in newest if _fits(state, commit, narrowed, asked)]


def _fits(state: State, commit: Commit, narrowed: Narrowed, asked: Sequence[str]) -> bool:
    if not narrowed.routine and not asked and is_routine(commit):
        return False
    if narrowed.actor and commit.actor != narrowed.actor:
        return False
    if narrowed.thing and all(change.id != narrowed.thing for change in commit.changes):
        return False
    if not asked:
        return True
    told = [str(commit.seq), words_of(commit.kind), about(state, commit), actor_name(state, commit.actor), commit.actor]
    return fits(" ".join(told), [change.id for change in commit.changes[:20]], asked)


class CommitRows:
    """Commits in two lines each: what was done to what, by whom and when."""

    height = 2

    def __init__(self, state: State, log: Log, keys: Sequence[str] | None, clock: Clock) -> None:
        self._state = state
        self._log = log
        self._keys = keys
        self._places = {key: at for at, key in enumerate(keys)} if keys is not None else None
        self._clock = clock

    def __len__(self) -> int:
        return len(self._log) if self._keys is None else len(self._keys)

    def key(self, at: int) -> str:
        """The commit's number."""
        return str(self._log.at(at).seq) if self._keys is None else self._keys[at]

    def find(self, key: str) -> int | None:
        """Its place."""
        return self._log.find(key) if self._places is None else self._places.get(key)

    def lines(self, at: int, cells: int) -> tuple[Line, ...]:
        """Both lines."""
        commit = self._log.commit(self.key(at))
        if commit is None:
            return (Span("not kept", Tone.DIM),), ()
        return commit_lines(self._state, commit, self._clock(), cells, back=commit.seq in self._log.taken_back)


def commit_lines(state: State, commit: Commit, moment: Moment, cells: int, *, back: bool = False) -> tuple[Line, Line]:
    """What was done, who did it, and whether it is taken back."""
    face = face_of_commit(commit)
    head: Line = (
        Span(f"{face.glyph} ", face.tone),
        Span(f"{words_of(commit.kind)} ", Tone.STRONG),
        Span(about(state, commit)),
    )
    room = max(0, cells - 2 - len(str(commit.seq)) - 1)
    parts = [(0, cropped((Span(actor_name(state, commit.actor), Tone.ACCENT),), room))]
    parts.append((3, (Span(_number(len(commit.changes)), Tone.DIM),)))
    parts += [(1, (Span(_undoing(commit, back=back), Tone.DIM),))] if commit.undoable else []
    who: Line = (Span("  "), *kept_whole(parts, room, " · "))
    told, left = commit.command.get("message"), room - cells_of(who) - 1
    if isinstance(told, str) and told and left >= LEAST:
        who = (*who, Span(" · ", Tone.DIM), Span(cut(plain(told), left)))
    when = (Span(age(moment.now - commit.at), Tone.DIM),)
    number = (Span(str(commit.seq), Tone.DIM),)
    return cropped(spread(head, when, cells), cells), cropped(spread(who, number, cells), cells)


def _undoing(commit: Commit, *, back: bool) -> str:
    return "taken back" if back else "u takes it back" if commit.undoable else "it cannot be taken back"


def _number(changes: int) -> str:
    return "1 change" if changes == 1 else f"{changes} changes"


def commit_rows(state: State, commit: Commit, moment: Moment, cells: int, *, back: bool = False) -> FixedRows:
    """All that is known of a commit; a change is keyed by the thing that it touched."""
    rows: list[tuple[str, Line]] = []
    head: Line = (Span(f"{words_of(commit.kind)} ", Tone.STRONG), Span(about(state, commit)))
    who, when = actor_name(state, commit.actor), clock_words(commit.at, moment)
    told = f"{who} · {when} · seq {commit.seq} · {_undoing(commit, back=back)}"
    rows += [("", head), *(("", (Span(line, Tone.DIM),)) for line in folded(told, cells)), ("", ())]
    for change in commit.changes[:TOUCHED]:
        rows.append((f"{change.noun} {change.id}", _touched(state, change)))
    rest = len(commit.changes) - TOUCHED
    rows += [("", (Span(f"… and {rest} more", Tone.DIM),))] if rest > 0 else []
    fields = [(name, value) for name, value in commit.command.items() if name != "kind" and value not in (None, "")]
    rows += [("", ()), ("", (Span("Asked for", Tone.STRONG),))] if fields else []
    for name, value in fields:
        lines = folded(value if isinstance(value, str) else _written(value), max(8, cells - 4), most=VALUE)
        rows.append(("", (Span(f"  {plain(name)}", Tone.ACCENT),)))
        rows += [("", (Span("    "), Span(line))) for line in lines]
    return FixedRows([(key or f"line {at}", cropped(line, cells)) for at, (key, line) in enumerate(rows)])


def _written(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(_written, value)) or "none"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_written(each)}" for key, each in value.items()) or "none"
    return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def _touched(state: State, change: Touched) -> Line:
    face = GONE if change.op == "delete" else CHANGED
    word = "deleted" if change.op == "delete" else "written"
    name = thing_name(state, change.noun, change.id)
    return (
        Span(f"{face.glyph} ", face.tone),
        Span(f"{word} ", Tone.DIM),
        Span(f"{plain(change.noun)} "),
        Span(name, Tone.PLAIN),
    )


_PAST = {"set": "set", "reset": "reset", "undo": "undid", "cancel": "cancelled"}


def what_was_undone(state: State, commit: Commit) -> str:
    """What somebody had done, and has no more."""
    first, *rest = words_of(commit.kind).split()
    did = _PAST.get(first, f"{first}d" if first.endswith("e") else f"{first}ed")
    return " ".join(["taken back:", did, *rest, about(state, commit)]).strip()


def what_is_back(commit: Commit) -> tuple[Noun, str] | None:
    """The task or project that is as it was before a commit that was taken back; of one that made it there is none."""
    if words_of(commit.kind).split()[0] in MAKES:
        return None
    touched = [change for change in commit.changes if change.noun in LISTED]
    gone = [change for change in touched if change.op == "delete"]  # what was asked for last, what hangs on it before
    chosen = gone[-1] if gone else touched[0] if touched else None
    return (LISTED[chosen.noun], chosen.id) if chosen is not None else None


def what_undoing_does(state: State, commit: Commit) -> list[str]:
    """In words, what becomes of what the commit changed."""
    back = words_of(commit.kind).split()[0] in MAKES
    done = []
    for change in commit.changes[:8]:
        what = "comes back" if change.op == "delete" else "goes again" if back else "becomes what it was"
        name = thing_name(state, change.noun, change.id)
        called = f"{change.noun} {name}" if name != plain(change.id) else CALLED.get(change.noun, f"the {change.noun}")
        done.append(f"{plain(called)} {what}")
    rest = len(commit.changes) - 8
    return [
        *dict.fromkeys(done),
        *([f"and {rest} more things"] if rest > 0 else []),
        "taking that back in turn does it again",
    ]


class ThenRows:
    """The tasks and sessions of another time; what the commit itself changed is marked."""

    height = 1

    def __init__(self, then: State, commit: Commit) -> None:
        self._then = then
        self._touched = {change.id for change in commit.changes}
        tasks, sessions = list(then.table(Noun.TASK)), list(then.table(Noun.SESSION))
        self._keys = [f"Tasks {len(tasks)}", *tasks, f"Sessions {len(sessions)}", *sessions]
        self._places = {key: at for at, key in enumerate(self._keys)}

    def __len__(self) -> int:
        return len(self._keys)

    def key(self, at: int) -> str:
        """The id; of a heading its words."""
        return self._keys[at]

    def find(self, key: str) -> int | None:
        """Its place."""
        return self._places.get(key)

    def lines(self, at: int, cells: int) -> tuple[Line, ...]:
        """A heading, a task or a session as it was."""
        key = self._keys[at]
        mark = (Span("◆ this commit ", Tone.ACCENT),) if key in self._touched else ()
        task = self._then.table(Noun.TASK).get(key)
        if isinstance(task, Task):
            return (_then(face_of_task(self._then, task), task.title, mark, cells),)
        session = self._then.table(Noun.SESSION).get(key)
        if isinstance(session, Session):
            return (_then(SESSIONS[session.status], session.name, mark, cells),)
        return (cropped((Span(key, Tone.STRONG),), cells),)


def _then(face: Face, name: str, mark: Line, cells: int) -> Line:
    head: Line = (Span(f"{face.glyph} ", face.tone), Span(plain(name)))
    return cropped(spread(head, (*mark, Span(face.word, face.tone)), cells), cells)


def history_line(state: State, log: Log, narrowed: Narrowed, found: int | None, cells: int) -> Line:
    """What the history is narrowed to, and how many commits that leaves; items are dropped whole."""
    parts: list[tuple[int, Line]] = [(3, (Span("▸ ", Tone.DIM), Span("every change", Tone.STRONG)))]
    if narrowed.actor:
        parts.append((0, (Span(f"by {actor_name(state, narrowed.actor)}", Tone.ACCENT),)))
    if narrowed.thing:
        noun = next((n for n in ("task", "session", "project") if narrowed.thing.startswith(n[:4])), "")
        parts.append((0, (Span(f"of {thing_name(state, noun, narrowed.thing)}", Tone.ACCENT),)))
    if narrowed.words:
        parts.append((2, (Span(f"“{plain(narrowed.words)}”", Tone.ACCENT),)))
    if found is not None and not narrowed.anything and (left_out := len(log) - found):
        parts.append((1, (Span(f"{left_out} of routine left out · c shows all", Tone.DIM),)))
    if found is not None and narrowed.anything:
        parts.append((1, (Span(f"{found or 'nothing'} found in {len(log)} · Esc ends it", Tone.DIM),)))
    return kept_whole(parts, cells, "   ")
