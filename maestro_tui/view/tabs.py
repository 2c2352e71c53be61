"""The tabs of a task and of a session: all there is about one of them, as rows."""

from enum import StrEnum

from maestro_tui.cells import folded, plain, width
from maestro_tui.faces import face_of_attempt, face_of_task
from maestro_tui.lines import FixedRows, Hint, Line, Span, Tone, cropped, spread
from maestro_tui.mirror import Mirror
from maestro_tui.moment import Moment, age
from maestro_tui.readings import Checked, Explained, Letters
from maestro_tui.view.sessions import session_line
from maestrod.domain.model import Doc, Noun, Session, Task

DOC_LINES = 60
"""Lines of a document that are shown."""
OUTPUT = 30
"""Lines of a check's output that are shown."""

Keyed = list[tuple[str, Line]]


class Tab(StrEnum):
    """What is shown of a task or session; the value is the word that people see."""

    DETAILS = "Details"
    SUBTASKS = "Subtasks"
    SESSIONS = "Sessions"
    SCREEN = "Screen"
    TASKS = "Tasks"
    TIMELINE = "Timeline"
    QUEUE = "Queue"
    MAIL = "Mail"
    DOCS = "Docs"
    CHECKS = "Checks"
    EXPLAIN = "Explain"
    DIFF = "Diff"


OF_TASK = (Tab.DETAILS, Tab.SUBTASKS, Tab.SESSIONS, Tab.TIMELINE, Tab.DOCS, Tab.CHECKS)
OF_SESSION = (Tab.SCREEN, Tab.TIMELINE, Tab.TASKS, Tab.QUEUE, Tab.MAIL, Tab.EXPLAIN, Tab.DIFF)


def tabs_line(tabs: tuple[Tab, ...], current: Tab, cells: int) -> tuple[Line, tuple[Hint, ...]]:
    """All tabs; the current one with its neighbours' arrows when they do not fit."""
    if sum(width(tab) + 3 for tab in tabs) > cells:
        at = tabs.index(current)
        return (
            Span("◂ " if at else "  ", Tone.DIM),
            Span(current, Tone.ACCENT),
            Span(f" {at + 1}/{len(tabs)}", Tone.DIM),
            Span(" ▸" if at < len(tabs) - 1 else "", Tone.DIM),
        ), (Hint(0, cells, "tab(1)"),)
    parts: list[Span] = []
    hints: list[Hint] = []
    at = 0
    for tab in tabs:
        shown = f" {tab} "
        parts += [Span(shown, Tone.ACCENT if tab is current else Tone.DIM), Span("│" if tab is not tabs[-1] else "")]
        hints.append(Hint(at, at + width(shown), f"show_tab('{tab.name}')"))
        at += width(shown) + 1
    return tuple(parts), tuple(hints)


def subtask_rows(mirror: Mirror, task: Task, cells: int) -> FixedRows:
    """The checklist."""
    rows: Keyed = []
    for item in mirror.state.subtasks(task.id):
        mark = Span("[x] ", Tone.GOOD) if item.completed else Span("[ ] ", Tone.DIM)
        words = folded(item.title, max(8, cells - 4), most=4) or [""]
        tone = Tone.DIM if item.completed else Tone.PLAIN
        rows.append((item.id, (mark, Span(words[0], tone))))
        rows += [(item.id, (Span("    "), Span(line, tone))) for line in words[1:]]
    return FixedRows(rows)


def attempt_rows(mirror: Mirror, task: Task, moment: Moment, cells: int) -> FixedRows:
    """The sessions that tried it, the newest first, and what each said at the end."""
    rows: Keyed = []
    known = mirror.state.table(Noun.SESSION)
    for attempt in reversed(list(mirror.state.assignments_of_task(task.id))):
        session = known.get(attempt.session_id)
        if isinstance(session, Session):
            rows.append((session.id, session_line(mirror, session, moment.now, cells)))
        else:
            rows.append((attempt.session_id, (Span("a session that is no more", Tone.DIM),)))
        face = face_of_attempt(attempt)
        mark = (Span(f"{face.glyph} ", face.tone),) if face is not None else ()
        words = f"attempt {attempt.attempt} · {attempt.status}"
        rows.append((attempt.session_id, (Span("  "), *mark, Span(words, Tone.DIM))))
        for line in folded(attempt.result or "", max(8, cells - 2), most=8):
            rows.append((attempt.session_id, (Span("  "), Span(line))))
    return FixedRows(rows)


def task_rows(mirror: Mirror, session: Session, cells: int) -> FixedRows:
    """The tasks of a session with how its attempts stand."""
    rows: Keyed = []
    known = mirror.state.table(Noun.TASK)
    for attempt in mirror.state.assignments_of_session(session.id):
        task = known.get(attempt.task_id)
        if not isinstance(task, Task):
            continue
        face = face_of_task(mirror.state, task)
        left = (Span(f"{face.glyph} ", face.tone), Span(plain(task.title)))
        right = (Span(f"{face.word} · attempt {attempt.status}", Tone.DIM),)
        rows.append((task.id, spread(left, right if cells > 60 else (), cells)))
    return FixedRows(rows)


def doc_rows(mirror: Mirror, noun: Noun, about: str, moment: Moment, cells: int) -> FixedRows:
    """The documents, the newest first, with the text of each."""
    rows: Keyed = []
    for id_ in mirror.state.groups[f"{noun.value}-docs", about].after(None, descending=True):
        doc = mirror.state.table(Noun.DOC)[id_]
        assert isinstance(doc, Doc)
        when = (Span(f"{age(moment.now - doc.created_at)} ago", Tone.DIM),)
        rows.append((doc.id, spread((Span("+ ", Tone.ACCENT), Span(plain(doc.title), Tone.STRONG)), when, cells)))
        if doc.file_path:
            rows.append((doc.id, (Span(f"  {plain(doc.file_path)}", Tone.DIM),)))
        text = folded(doc.content, max(8, cells - 2), most=DOC_LINES + 1)
        rows += [(doc.id, (Span("  "), Span(line))) for line in text[:DOC_LINES]]
        rows += [(doc.id, (Span("  … the rest: maestro doc show", Tone.DIM),))] if len(text) > DOC_LINES else []
        rows.append((doc.id, ()))
    return FixedRows(rows)


def check_rows(checked: Checked, moment: Moment, cells: int) -> FixedRows:
    """Each check with how it went, and the end of what it printed when it did not pass."""
    rows: Keyed = []
    for run in checked.checks:
        mark = _check_mark(run.status, stands=run.stands)
        when = f"{age(moment.now - run.ended_at)} ago" if run.ended_at else ""
        right = (Span(" ".join(word for word in (mark[1], when) if word), mark[2]),)
        rows.append((run.command, spread((Span(f"{mark[0]} ", mark[2]), Span(plain(run.command))), right, cells)))
        if run.lack and run.status is not None:
            rows += [(run.command, (Span(f"  {line}", Tone.WARN),)) for line in folded(run.lack, max(8, cells - 2))]
        if run.status not in {None, "passed"}:
            text = folded(run.output, max(8, cells - 2), most=4_000)[-OUTPUT:]
            rows += [(run.command, (Span(f"  {line}", Tone.DIM),)) for line in text]
    return FixedRows(rows)


def _check_mark(status: str | None, *, stands: bool) -> tuple[str, str, Tone]:
    if status is None:
        return "·", "never ran", Tone.DIM
    if status == "passed":
        return ("✓", "passed", Tone.GOOD) if stands else ("◌", "passed, then the work changed", Tone.WARN)
    if status == "running":
        return "…", "running", Tone.BUSY
    return "✕", status.replace("_", " "), Tone.BAD


def explain_rows(told: Explained, moment: Moment, cells: int) -> FixedRows:
    """Why the session has its state: the verdict, and every word that it was made from."""
    verdict = told.verdict
    head = (
        f"{verdict.doing.replace('_', ' ')} since {age(moment.now - verdict.since)}" if verdict.since else verdict.doing
    )
    lines: list[Line] = [(Span(plain(head), Tone.STRONG),)]
    lines += [(Span(line, Tone.PLAIN),) for line in folded(verdict.text, cells, most=6)]
    sure = f"on the word of {verdict.source or 'nobody'} ({verdict.confidence:.0%} sure): {verdict.rule}"
    lines += [(Span(line, Tone.DIM),) for line in folded(sure, cells)]
    lines += [(Span(f"process: {plain(told.process)}", Tone.DIM),), ()]
    for sign in sorted(told.evidence, key=lambda each: -each.at):
        words = plain(f"{sign.source}: {sign.doing.replace('_', ' ')}")
        lines.append((Span(f"{age(moment.now - sign.at):>4}  ", Tone.DIM), Span(words)))
        for line in folded(" · ".join(word for word in (sign.rule, sign.text) if word), max(8, cells - 6), most=3):
            lines.append((Span(f"      {line}", Tone.DIM),))
    return FixedRows([(str(at), cropped(line, cells)) for at, line in enumerate(lines)])


def mail_rows(told: Letters, moment: Moment, cells: int) -> FixedRows:
    """What the session was sent, the newest first."""
    rows: Keyed = []
    for letter in sorted(told.data, key=lambda each: -each.created_at):
        who = "you" if letter.from_user == "user" else plain(letter.from_name)
        left = (Span(f"{who}: ", Tone.ACCENT), Span(plain(letter.subject) or plain(letter.type)))
        right = (Span(f"{plain(letter.delivery.state)} {age(moment.now - letter.created_at):>4}", Tone.DIM),)
        rows.append((letter.id, spread(left, right, cells)))
    return FixedRows(rows)
