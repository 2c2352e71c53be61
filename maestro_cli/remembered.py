"""What a session's manifest answers while no daemon can be reached: what the session was told at its launch."""

import os

from maestro_cli import spool, views
from maestro_cli.environment import spool_folder
from maestro_cli.failures import note
from maestro_cli.texts import line, pairs
from maestrod.client import jsontext

TYPE_CHECKING = False  # typing costs the everyday call half of its time
if TYPE_CHECKING:
    from collections.abc import Callable

    from maestro_cli.call import Call
    from maestro_cli.context import Context

    Document = dict[str, object]
    Told = tuple[object, list[str]]

LIMIT = 16 << 20
BEYOND = ("ready", "cursor", "recursive")
"""What the manifest cannot tell."""


def answered(call: "Call") -> bool:
    """Answer a question of the session about itself; false when the manifest does not know."""
    answer = ANSWERS.get(call.words)
    manifest = read(call.context)
    if answer is None or manifest is None or any(call.flag(name) for name in BEYOND):
        return False
    if call.text("session") not in ("", call.context.session):
        return False
    found = answer(call, manifest)
    if found is None:
        return False
    data, lines = found
    waiting = len(spool.names(spool_folder(call.context.environ, call.context.session)))
    calls = f"; {waiting} of your calls wait (`maestro spool list`)" if waiting else ""
    note(f"offline: the daemon is away; this is as it was when the session was launched{calls}")
    call.output.result({**data, "offline": True} if isinstance(data, dict) else data, lines, offline=True)
    return True


def read(context: "Context") -> "Document | None":
    """The manifest at hand; None when there is none that can be read."""
    path = context.environ.get("MAESTRO_MANIFEST_PATH", "")
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (OSError, ValueError):
        return None
    try:
        size = os.fstat(descriptor).st_size
        raw = b"".join(iter(lambda: os.read(descriptor, 1 << 20), b"")) if size <= LIMIT else b""
        found = jsontext.read(raw)
    except (OSError, ValueError):
        return None
    finally:
        os.close(descriptor)
    return found if isinstance(found, dict) else None


def own_task(context: "Context", named: str) -> str:
    """The id of the one task of the session that is meant: by its id, an ending of it, or how its title begins."""
    tasks = _tasks(read(context) or {})
    ids = list(dict.fromkeys([*context.tasks, *(str(task["id"]) for task in tasks)]))
    if named in ids:
        return named
    wanted = _slug(named)
    for found in (
        [id_ for id_ in ids if id_.endswith(named)],
        [str(task["id"]) for task in tasks if wanted and _slug(str(task.get("title"))).startswith(wanted)],
    ):
        if found:
            return found[0] if len(found) == 1 else ""
    return ""


def _tasks(manifest: "Document") -> "list[Document]":
    rows, _ = views.rows_of(manifest.get("tasks"))
    return [row for row in rows if isinstance(row.get("id"), str)]


def _slug(title: str) -> str:
    return "-".join("".join(c if c.isalnum() else " " for c in title.lower()).split())


# -- the answers ------------------------------------------------------------------------------------------------------


def _whoami(call: "Call", manifest: "Document") -> "Told | None":
    context = call.context
    project = manifest.get("project")
    role = manifest.get("role")
    data: Document = {
        "actor": {"kind": "session", "id": context.session, "role": role},
        "sessionId": context.session,
        "projectId": context.project or (project.get("id") if isinstance(project, dict) else None),
        "taskIds": context.tasks or [task["id"] for task in _tasks(manifest)],
        "role": role,
        "server": context.server,
        "home": None,
        "daemon": None,
    }
    told = [
        ("you are", f"session:{line(context.session)} ({line(role)})"),
        ("project", line(data["projectId"])),
        ("tasks", ", ".join(line(task["id"]) for task in _tasks(manifest))),
        ("server", f"{line(context.server)}  (away)"),
    ]
    return data, pairs(told)


def _task_get(call: "Call", manifest: "Document") -> "Told | None":
    id_ = own_task(call.context, call.text("task"))
    task = next((task for task in _tasks(manifest) if task["id"] == id_), None)
    return (task, views.one("task", task, _page(call))) if task is not None else None


def _task_list(call: "Call", manifest: "Document") -> "Told | None":
    rows = [task for task in _tasks(manifest) if _fits(call, task)]
    return rows, views.listing("task", rows, _page(call)) or ["no tasks"]


def _fits(call: "Call", task: "Document") -> bool:
    labels, said = task.get("labels"), f"{task.get('title')} {task.get('description')}".lower()
    return (
        (not call.texts("status") or task.get("status") in call.texts("status"))
        and (not call.texts("priority") or task.get("priority") in call.texts("priority"))
        and (not call.text("label") or (isinstance(labels, list) and call.text("label") in labels))
        and (not call.text("parent") or str(task.get("parentId") or "").endswith(call.text("parent")))
        and call.text("search").lower() in said
    )


def _subtask_list(call: "Call", manifest: "Document") -> "Told | None":
    found = _task_get(call, manifest)
    task = found[0] if found else None
    rows = views.rows_of(task.get("subtasks"))[0] if isinstance(task, dict) else None
    return (rows, views.listing("subtask", rows, _page(call)) or ["no subtasks"]) if rows is not None else None


def _items(manifest: "Document") -> "list[Document]":
    return [
        {"taskId": task["id"], "title": task.get("title"), "priority": task.get("priority"), "position": place}
        for place, task in enumerate(_tasks(manifest))
    ]


def _queue_list(call: "Call", manifest: "Document") -> "Told | None":
    if not manifest.get("queueId"):
        return None
    return _items(manifest), views.listing("task", _tasks(manifest), _page(call)) or ["no items"]


def _queue_status(call: "Call", manifest: "Document") -> "Told | None":
    found = _queue_list(call, manifest)
    if found is None:
        return None
    data = {"id": manifest["queueId"], "sessionId": call.context.session, "items": found[0]}
    return data, [f"queue {line(manifest['queueId'])}", *found[1]]


def _queue_top(call: "Call", manifest: "Document") -> "Told | None":
    if not manifest.get("queueId"):
        return None
    items, tasks = [*_items(manifest), None, None], _tasks(manifest)
    data = {"item": items[0], "task": tasks[0] if tasks else None, "next": items[1], "empty": not tasks}
    return data, views.one("task", tasks[0], _page(call)) if tasks else ["nothing to do: the queue is empty"]


def _page(call: "Call") -> views.Page:
    return views.Page(width=call.output.width, colour=call.output.colour)


ANSWERS: "dict[str, Callable[[Call, Document], Told | None]]" = {
    "whoami": _whoami,
    "task get": _task_get,
    "task list": _task_list,
    "subtask list": _subtask_list,
    "queue top": _queue_top,
    "queue list": _queue_list,
    "queue status": _queue_status,
}
