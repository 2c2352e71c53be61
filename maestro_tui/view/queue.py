"""The queue of a session as rows."""

from maestro_tui.bindings import Panel
from maestro_tui.cells import plain, width
from maestro_tui.faces import face_of_item
from maestro_tui.lines import FixedRows, Line, Span, spread
from maestro_tui.view.tasks import TITLE
from maestrod.domain.model import Noun, QueueItem, Task
from maestrod.domain.state import State


def queue_title(state: State, session_id: str) -> str:
    """How far the queue is; empty when the session has none."""
    queue = state.queue_of(session_id)
    if queue is None:
        return ""
    items = state.items(session_id)
    over = sum(i.completed_at is not None for i in items)
    return f"{Panel.QUEUE} {over}/{len(items)}{' · paused' if queue.paused else ''}"


def queue_rows(state: State, session_id: str, cells: int) -> FixedRows:
    """The items of a queue in their order."""
    return FixedRows([(item.id, _item_line(state, item, cells)) for item in state.items(session_id)])


def _item_line(state: State, item: QueueItem, cells: int) -> Line:
    face = face_of_item(item)
    task = state.table(Noun.TASK).get(item.task_id)
    title = plain(task.title) if isinstance(task, Task) else item.task_id
    left = Span(f"{face.glyph} ", face.tone), Span(title)
    room = cells - 3 - width(face.word)
    return spread(left, (Span(face.word, face.tone),) if room >= min(TITLE, width(title)) else (), cells)
