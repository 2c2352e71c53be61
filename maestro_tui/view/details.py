"""All that is known of one task or project, as lines, pure."""

from collections.abc import Sequence
from itertools import islice

from maestro_tui.bindings import KEYS, Keymap
from maestro_tui.cells import folded, pad, plain
from maestro_tui.faces import face_of_attempt, face_of_session, face_of_task
from maestro_tui.lines import Line, Span, Tone, cropped
from maestro_tui.mirror import UNKNOWN, Mirror
from maestro_tui.moment import Moment, age
from maestro_tui.view.tasks import progress
from maestrod.domain.model import Noun, Project, Session, Task, TaskStatus
from maestrod.domain.state import State


def task_details(mirror: Mirror, task: Task, moment: Moment, cells: int) -> list[Line]:
    """All that is known of a task, folded to the width."""
    state = mirror.state
    face = face_of_task(state, task)
    facts = [face.word, task.priority.value, *(f"#{plain(label)}" for label in task.labels)]
    lines: list[Line] = [(Span(f"{face.glyph} ", face.tone), Span(" · ".join(facts)))]
    lines += _reasons(state, task)
    lines += [(), *_text(task.description, cells)] if task.description else []
    lines += _points("Accepted when", task.acceptance_criteria, cells)
    lines += _points("Proved by", task.checks, cells)
    subtasks = state.subtasks(task.id)
    if subtasks:
        done = sum(s.completed for s in subtasks)
        lines += [(), (Span(f"Checklist {done}/{len(subtasks)}", Tone.STRONG),)]
        marks = {True: Span("  ✓ ", Tone.GOOD), False: Span("  · ", Tone.DIM)}
        lines += [(marks[s.completed], Span(plain(s.title))) for s in subtasks]
    lines += _attempts(mirror, task)
    times = (("made", task.created_at), ("started", task.started_at), ("completed", task.completed_at))
    ago = [f"{word} {age(moment.now - when)} ago" for word, when in times if when]
    made = " · ".join([plain(task.id), *ago])
    return [cropped(line, cells) for line in [*lines, (), (Span(made, Tone.DIM),)]]


FIRST_KEYS = {
    "new-task": "a new task",
    "spawn-agent": "an agent that works on it",
    "next-needing-you": "to the next who waits for you",
    "palette": "every command, and search",
    "help": "all keys",
}
MAKES_A_PROJECT = next(key for key in KEYS if key.name == "new-project")


def welcome(keymap: Keymap, cells: int) -> list[Line]:
    """What to do where there is nothing yet."""
    lines: list[Line] = [
        (Span("There is no project yet.", Tone.STRONG),),
        (),
        *_text(f"{keymap.shown(MAKES_A_PROJECT)} makes one of a directory. Or run in it:", cells),
        (Span("  maestro init", Tone.ACCENT),),
        (),
        *_text("It appears here at once. Then:", cells),
    ]
    lines += [
        (Span(f"  {pad(keymap.shown(key), 8)}", Tone.ACCENT), Span(FIRST_KEYS[key.name]))
        for key in KEYS
        if key.name in FIRST_KEYS
    ]
    return [cropped(line, cells) for line in lines]


def _reasons(state: State, task: Task) -> list[Line]:
    lines: list[Line] = []
    if task.blocked_reason:
        lines.append((Span("blocked: ", Tone.BAD), Span(plain(task.blocked_reason))))
    for blocker in islice(state.blockers(task), 10):
        face = face_of_task(state, blocker)
        lines.append((Span("waits for ", Tone.DIM), Span(f"{face.glyph} ", face.tone), Span(plain(blocker.title))))
    return lines


def _text(text: str, cells: int) -> list[Line]:
    return [(Span(line),) for line in folded(text, cells)]


def _points(heading: str, points: Sequence[str], cells: int) -> list[Line]:
    if not points:
        return []
    lines: list[Line] = [(), (Span(heading, Tone.STRONG),)]
    for point in points:
        for number, line in enumerate(folded(point, cells - 4, most=20)):
            lines.append((Span("    " if number else "  · ", Tone.DIM), Span(line)))
    return lines


def _attempts(mirror: Mirror, task: Task) -> list[Line]:
    lines: list[Line] = []
    for assignment in islice(mirror.state.assignments_of_task(task.id), 50):
        session = mirror.state.table(Noun.SESSION).get(assignment.session_id)
        if isinstance(session, Session):
            now = face_of_session(session, mirror.live.get(session.id, UNKNOWN))
            face = face_of_attempt(assignment) or now
            told = (plain(session.name), plain(session.provider), f"attempt {assignment.status}")
            words = " · ".join(word for word in told if word)
            lines.append((Span(f"  {face.glyph} ", face.tone), Span(words)))
            lines += [(Span(f"    {plain(assignment.result)}", Tone.DIM),)] if assignment.result else []
    return [(), (Span("Sessions", Tone.STRONG),), *lines] if lines else []


def project_details(state: State, project: Project, cells: int) -> list[Line]:
    """All that is known of a project, folded to the width."""
    done, total = progress(state, project.id)
    lines: list[Line] = [(Span(plain(project.working_dir), Tone.DIM),), (Span(f"{done} of {total} tasks done"),)]
    by_status = [(s, len(state.groups["tasks", project.id, s])) for s in TaskStatus]
    lines += [
        (Span(f"  {number} "), Span(status.replace("_", " "), Tone.DIM)) for status, number in by_status if number
    ]
    lines += [(), *_text(project.description, cells)] if project.description else []
    return [cropped(line, cells) for line in lines]
