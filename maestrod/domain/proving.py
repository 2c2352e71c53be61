"""Which tasks a command may complete, so that their work is looked at before it is decided."""

from collections.abc import Iterator

from maestrod.domain import checks
from maestrod.domain.batch import BatchTasks
from maestrod.domain.changes import Command
from maestrod.domain.model import Noun, Task, TaskStatus
from maestrod.domain.queues import CompleteItem, processing
from maestrod.domain.state import State
from maestrod.domain.tasks import EditTask
from maestrod.domain.work import CompleteTask


def to_prove(state: State, command: Command) -> list[tuple[Task, str | None]]:
    """The tasks whose checks have all passed and which the command may complete, each with the session named for it.

    The rest need no look.
    """
    named = dict(_completed(state, command))
    found = ((state.table(Noun.TASK).get(id_), session_id) for id_, session_id in named.items())
    tasks = ((task, session_id) for task, session_id in found if isinstance(task, Task))
    return [(task, by) for task, by in tasks if task.checks and checks.all_passed(state, task)]


def _completed(state: State, command: Command) -> Iterator[tuple[str, str | None]]:
    match command:
        case CompleteTask(task_id=task_id, session_id=session_id, override=False):
            yield task_id, session_id
        case EditTask(task_id=task_id, status=TaskStatus.COMPLETED, override=False):
            yield task_id, None
        case BatchTasks(items=items):
            for item in items:
                yield from _completed(state, item.deed)
        case CompleteItem(session_id=session_id):
            current = processing(state, session_id)
            yield from [(current.task_id, session_id)] if current is not None else []
        case _:
            return
