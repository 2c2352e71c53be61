"""What a person can ask the daemon for from the screen, as requests; pure."""

from collections.abc import Mapping, Sequence

import msgspec

from maestro_tui.cells import plain
from maestro_tui.keyboard import Batch, Paste
from maestrod.domain.model import Priority, QueueItem, Subtask, Task, TaskStatus
from maestrod.domain.tables import TASK
from maestrod.protocol.dialogs import Choice, Dialog


class Deed(msgspec.Struct, frozen=True):
    """A request, and the words for its success. The path is below the API's prefix."""

    method: str
    path: str
    body: dict[str, object]
    said: str


class Done(msgspec.Struct, frozen=True):
    """It was done; ``words`` say what, ``session_id`` names the session that came of it, ``made`` what was written.

    ``undone`` is the number of the commit that it took back, if any; ``task_id`` the task that a person has made.
    """

    words: str
    session_id: str = ""
    made: str = ""
    undone: int = 0
    task_id: str = ""


class Refused(msgspec.Struct, frozen=True):
    """It was not done: why, and what to do next."""

    message: str
    hint: str = ""

    @property
    def words(self) -> str:
        """Both in one text."""
        return f"{self.message}\n{self.hint}" if self.hint else self.message


Outcome = Done | Refused

TASK_VERBS: dict[str, str] = {
    "start": "started",
    "review": "in review",
    "complete": "completed",
    "block": "blocked",
    "unblock": "unblocked",
    "reopen": "reopened",
    "cancel": "cancelled",
    "archive": "archived",
}
"""What can be asked of a task by one word, and what it is then."""


def move_task(task_id: str, verb: str, title: str) -> Deed:
    """One of ``TASK_VERBS``; blocking says who did it."""
    body: dict[str, object] = {"reason": "blocked by a person"} if verb == "block" else {}
    return Deed("POST", f"/tasks/{task_id}/{verb}", body, f"“{title}” {TASK_VERBS[verb]}")


_TO_DO = {TaskStatus.BLOCKED: "unblock", TaskStatus.CANCELLED: "reopen", TaskStatus.ARCHIVED: "reopen"}
_GO_ON = {TaskStatus.COMPLETED: "reopen", TaskStatus.BLOCKED: "unblock"}
_VERBS = {
    TaskStatus.IN_REVIEW: "review",
    TaskStatus.COMPLETED: "complete",
    TaskStatus.BLOCKED: "block",
    TaskStatus.CANCELLED: "cancel",
    TaskStatus.ARCHIVED: "archive",
}


def move_to(task: Task, status: TaskStatus) -> Deed | None:
    """What brings the task to this status; nothing when no command does."""
    if status not in TASK[task.status]:
        return None
    match status:
        case TaskStatus.TODO:
            verb = _TO_DO.get(task.status)
        case TaskStatus.IN_PROGRESS:
            verb = _GO_ON.get(task.status, "start")
        case _:
            verb = _VERBS[status]
    return move_task(task.id, verb, plain(task.title)) if verb is not None else None


def why_not(task: Task, status: TaskStatus) -> str:
    """Why no command brings the task there, and where it can go."""
    now, wanted = _said(task.status), _said(status)
    could = sorted(_said(each) for each in TaskStatus if move_to(task, each) is not None)
    return f"“{plain(task.title)}” is {now} and cannot become {wanted}; it can become {', '.join(could)}."


def _said(status: TaskStatus) -> str:
    return "to do" if status is TaskStatus.TODO else status.replace("_", " ")


UNDO = Deed("POST", "/undo/last", {}, "taken back")
"""The newest of the caller's own commits that can be taken back."""


def take_back(seq: int, said: str) -> Deed:
    """Undo one commit."""
    return Deed("POST", f"/undo/{seq}", {}, said)


def edit_template(template_id: str, name: str, content: str) -> Deed:
    """Another text for a template."""
    return Deed("PUT", f"/templates/{template_id}", {"content": content}, f"“{name}” saved; new sessions are told it")


def reset_template(template_id: str, name: str) -> Deed:
    """The text that is shipped."""
    return Deed("POST", f"/templates/{template_id}/reset", {}, f"“{name}” is as it is shipped")


def create_project(name: str, directory: str) -> Deed:
    """A new project."""
    return Deed("POST", "/projects", {"name": name, "workingDir": directory}, f"“{plain(name)}” is a project now")


def create_task(
    title: str, description: str, priority: Priority, project_id: str, dependencies: Sequence[str] = ()
) -> Deed:
    """A new task, and the tasks that it waits for."""
    body: dict[str, object] = {
        "title": title,
        "description": description,
        "priority": priority.value,
        "projectId": project_id,
    }
    waits: dict[str, object] = {"dependencies": list(dependencies)} if dependencies else {}
    return Deed("POST", "/tasks", body | waits, f"“{plain(title)}” created")


def edit_task(task_id: str, title: str, changes: Mapping[str, object]) -> Deed:
    """Other words for a task, or other tasks that it waits for."""
    return Deed("PATCH", f"/tasks/{task_id}", dict(changes), f"“{plain(title)}” changed")


def add_subtask(task_id: str, title: str) -> Deed:
    """Another item for a checklist."""
    return Deed("POST", f"/tasks/{task_id}/subtasks", {"title": title}, f"“{plain(title)}” added")


def tick_subtask(item: Subtask) -> Deed:
    """Tick an item of a checklist, or take the tick back."""
    path = f"/tasks/{item.task_id}/subtasks/{item.id}"
    return Deed(
        "PATCH",
        path,
        {"completed": not item.completed},
        f"“{plain(item.title)}” {'un' if item.completed else ''}ticked",
    )


def delete_task(task_id: str, title: str) -> Deed:
    """The task and all that hangs on it."""
    return Deed("DELETE", f"/tasks/{task_id}", {}, f"“{title}” deleted; u takes it back")


def move_item(item: QueueItem, to: int) -> Deed:
    """Another place in its queue, counted from 0 among those to come."""
    return Deed("POST", f"{_queue(item.session_id)}/items/{item.id}/move", {"to": to}, f"now number {to + 1}")


def skip_item(item: QueueItem) -> Deed:
    """Leave it out."""
    body: dict[str, object] = {"itemId": item.id, "reason": "skipped from the screen"}
    return Deed("POST", f"{_queue(item.session_id)}/skip", body, "skipped")


def push_item(session_id: str, task_id: str, *, first: bool) -> Deed:
    """Put a task into a queue."""
    return Deed("POST", f"{_queue(session_id)}/push", {"taskId": task_id, "first": first}, "pushed")


def pause_queue(session_id: str, name: str, *, paused: bool) -> Deed:
    """Hand out nothing more, or go on."""
    verb, said = ("pause", "paused") if paused else ("resume", "goes on")
    return Deed("POST", f"{_queue(session_id)}/{verb}", {}, f"the queue of {name} {said}")


def _queue(session_id: str) -> str:
    return f"/sessions/{session_id}/queue"


def write_mail(to: str, name: str, kind: str, subject: str, text: str, priority: str) -> Deed:
    """A letter to a session, or to all sessions of a project; ``to`` is the id of either."""
    whom = "projectId" if to.startswith("proj_") else "toSessionId"
    body: dict[str, object] = {whom: to, "type": kind, "message": text, "priority": priority}
    return Deed("POST", "/mail", body | ({"subject": subject} if subject else {}), f"sent to {name}")


def reply(mail_id: str, text: str, priority: str, to: str = "") -> Deed:
    """An answer to a letter, into its thread; ``to`` says to whom where it is not clear who is on the other side."""
    body: dict[str, object] = {"replyToMailId": mail_id, "message": text, "priority": priority}
    return Deed("POST", "/mail", body | ({"toSessionId": to} if to else {}), "answered")


def acknowledge(mail_id: str, session_id: str, name: str) -> Deed:
    """A receiver has dealt with a letter."""
    return Deed("POST", f"/mail/{mail_id}/ack", {"sessionId": session_id}, f"{name} has dealt with it")


def stop_session(session_id: str, name: str) -> Deed:
    """End a session on purpose."""
    return Deed("POST", f"/sessions/{session_id}/stop", {"reason": "stopped from the screen"}, f"{name} stopped")


def delete_session(session_id: str, name: str) -> Deed:
    """Forget an ended session."""
    return Deed("DELETE", f"/sessions/{session_id}", {}, f"{name} forgotten")


def send_text(session_id: str, name: str, text: str) -> Deed:
    """A prompt for the agent, when it is ready for one."""
    return Deed("POST", f"/sessions/{session_id}/input", {"text": text}, f"sent to {name}")


PIECE = 60
"""Characters of an answer that are pressed as one key; the daemon takes no longer ones."""


def answer_question(session_id: str, name: str, text: str) -> Deed:
    """Keys for the open question: one character is pressed as it is, more are typed and entered."""
    pieces = [text[at : at + PIECE] for at in range(0, len(text), PIECE)]
    keys = pieces if len(text) == 1 else [*pieces, "Enter"]
    return Deed("POST", f"/sessions/{session_id}/input", {"keys": keys}, f"{name} has its answer")


def give_choice(session_id: str, name: str, choice: Choice, dialog: Dialog) -> Deed:
    """A choice of the dialog that was seen; when another one is open by then, nothing is sent."""
    answer = choice.label if choice.number is None else str(choice.number)
    return Deed(
        "POST", f"/sessions/{session_id}/input", {"answer": answer, "expect": dialog.digest}, f"{name}: {choice.label}"
    )


def press(session_id: str, batch: Batch) -> Deed:
    """What a person typed, as it is."""
    body: dict[str, object] = {"paste": batch.text} if isinstance(batch, Paste) else {"keys": batch}
    return Deed("POST", f"/sessions/{session_id}/input", body, "")


class _Made(msgspec.Struct):
    id: str = ""
    undone: int = 0


def done(body: bytes, said: str) -> Done:
    """What a write came to."""
    try:
        made = msgspec.json.decode(body, type=_Made)
    except msgspec.MsgspecError:
        return Done(said)
    return Done(said, made=made.id, undone=made.undone)


class _Typed(msgspec.Struct):
    result: str = "submitted"
    reason: str = ""


def typed(body: bytes, said: str) -> Outcome:
    """What became of what was typed to an agent: it may wait for its turn, or not have arrived at all."""
    try:
        told = msgspec.json.decode(body, type=_Typed)
    except msgspec.MsgspecError:
        told = _Typed()
    if told.result == "not_delivered":
        return Refused(f"not delivered: {told.reason}")
    return Done(f"{said}: {told.reason}" if told.reason else said)
