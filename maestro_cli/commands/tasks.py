"""What is shown of several tasks together."""

from maestro_cli import texts, views
from maestro_cli.call import Call
from maestro_cli.texts import line, short_ids
from maestrod.client.blocking import quoted

Document = dict[str, object]
Branches = dict[str, list[Document]]


def tree(call: Call) -> int:
    """A task with all beneath it, or all tasks of the project: each under its parent."""
    root = call.text("task")
    where = call.context.where()
    if root:
        path = f"/tasks/{quoted(root)}"
        top = call.client.call("GET", path, headers=where).body
        below = call.client.call("GET", f"{path}/children", query={"recursive": True}, headers=where).body
        tasks = [*([top] if isinstance(top, dict) else []), *views.rows_of(below)[0]]
    else:
        query, headers = call.where()
        tasks = views.rows_of(call.client.call("GET", "/tasks", query=query, headers=headers).body)[0]
    page = texts.Page(width=call.output.width, colour=call.output.colour)
    call.output.result(tasks, drawn(tasks, page))
    return 0


def drawn(tasks: list[Document], page: texts.Page) -> list[str]:
    """The tasks as a tree; one whose parent is not among them stands at the top."""
    page.ids = short_ids([str(task.get("id")) for task in tasks])
    known = {task.get("id") for task in tasks}
    branches: Branches = {}
    for task in tasks:
        parent = task.get("parentId")
        branches.setdefault(str(parent) if parent in known else "", []).append(task)
    return _branch("", "", branches, page, set())


def _branch(parent: str, indent: str, branches: Branches, page: texts.Page, seen: set[str]) -> list[str]:
    lines: list[str] = []
    children = branches.get(parent, [])
    for place, task in enumerate(children):
        id_ = str(task.get("id"))
        if id_ in seen:
            continue
        seen.add(id_)
        last = place == len(children) - 1
        mark = "" if not parent else "└─ " if last else "├─ "
        title = line(task.get("title"))
        lines.append(f"{indent}{mark}{page.short(id_)}  {page.status(task.get('status'))}  {title}")
        deeper = indent + ("" if not parent else "   " if last else "│  ")
        lines += _branch(id_, deeper, branches, page, seen)
    return lines
