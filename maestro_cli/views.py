"""Answers as lines for people. Pure but for the clock: documents in, text out.

Documents may lack fields or carry strange ones: the daemon may be older or newer than this program.
"""

from maestro_cli import library, texts
from maestro_cli.texts import Page as Page
from maestro_cli.texts import line, short_ids, table

TYPE_CHECKING = False  # typing costs the everyday call half of its time
if TYPE_CHECKING:
    from collections.abc import Callable

    from maestro_cli.call import Call

    Document = dict[str, object]
    Cells = Callable[[Document, "Page"], list[str]]
    Form = tuple[tuple[str, ...], Cells]
    Shown = tuple[list[tuple[str, str]], list[tuple[str, object]]]


# -- lists --------------------------------------------------------------------------------------------


def listing(noun: str, data: object, page: Page, form: "Form | None" = None) -> list[str]:
    """A table of things; a page of a longer list ends with how to go on."""
    titles, cells = form or LISTS[noun]
    rows, more = rows_of(data)
    page.ids = short_ids([str(row.get("id", "")) for row in rows])
    lines = table(titles, [cells(row, page) for row in rows], page.width, colour=page.colour)
    return [*lines, *([f"… more: --cursor {line(more)}"] if more else [])]


def rows_of(data: object) -> "tuple[list[Document], str]":
    """The documents of a list or a page, and the cursor of the next page."""
    more = ""
    if isinstance(data, dict):
        paging = data.get("pagination")
        more = str(paging.get("nextCursor") or "") if isinstance(paging, dict) else ""
        data = data.get("data")
    return [row for row in data if isinstance(row, dict)] if isinstance(data, list) else [], more


def _task_cells(task: "Document", page: Page) -> list[str]:
    marks = []
    waits = task.get("blockedBy")
    if isinstance(waits, list) and waits:
        marks.append(f"waits for {len(waits)}")
    done, total = _progress(task)
    if total:
        marks.append(f"{done}/{total}")
    title = line(task.get("title"))
    return [
        page.short(task.get("id")),
        page.status(task.get("status")),
        line(task.get("priority")),
        f"{title}  ({', '.join(marks)})" if marks else title,
    ]


def _progress(task: "Document") -> tuple[int, int]:
    progress = task.get("subtaskProgress")
    if not isinstance(progress, dict):
        return 0, 0
    done, total = progress.get("done"), progress.get("total")
    return (done, total) if isinstance(done, int) and isinstance(total, int) else (0, 0)


def _session_cells(session: "Document", page: Page) -> list[str]:
    tasks = session.get("taskIds")
    held = ", ".join(page.short(task) for task in tasks[:3]) if isinstance(tasks, list) else ""
    return [
        page.short(session.get("id")),
        page.status("needs input" if asks(session) else session.get("status")),
        line(session.get("provider")) or "-",
        line(session.get("role")),
        page.when(_since(session)),
        held or "-",
        line(session.get("name")),
    ]


def _since(session: "Document") -> object:
    """Since when it is as it is; what is live is newer than the journal only where it says something else."""
    needs, turn, live = (_inner(session, name) for name in ("needsInput", "turn", "live"))
    asked = needs.get("since") if asks(session) else None
    newer = live.get("state") != turn.get("state") or live.get("process") == "unreachable"
    ahead = live.get("since") if newer else None
    known = (asked, session.get("completedAt"), ahead, turn.get("since"), live.get("since"), session.get("startedAt"))
    return next(filter(None, known), session.get("createdAt"))


def asks(session: "Document") -> bool:
    """Whether a person is asked something."""
    needs = session.get("needsInput")
    return isinstance(needs, dict) and needs.get("active") is True


def _project_cells(project: "Document", page: Page) -> list[str]:
    name = line(project.get("name"))
    return [
        page.short(project.get("id")),
        f"{name} (archived)" if project.get("archivedAt") else name,
        line(project.get("workingDir")),
    ]


def _subtask_cells(subtask: "Document", page: Page) -> list[str]:
    return [
        page.short(subtask.get("id")),
        "[x]" if subtask.get("completed") is True else "[ ]",
        line(subtask.get("title")),
    ]


def _item_cells(item_: "Document", page: Page) -> list[str]:
    return [
        page.short(item_.get("id")),
        page.status(item_.get("status")),
        line(item_.get("priority")),
        line(item_.get("attempts")),
        page.short(item_.get("taskId")),
        line(item_.get("failReason")),
    ]


def _doc_cells(doc: "Document", page: Page) -> list[str]:
    return [
        page.short(doc.get("id")),
        line(doc.get("kind")),
        page.when(doc.get("createdAt")),
        line(doc.get("filePath")) or f"{line(doc.get('size') or 0)} characters",
        line(doc.get("title")),
    ]


def _entry_cells(entry: "Document", page: Page) -> list[str]:
    return [
        page.when(entry.get("createdAt")),
        line(entry.get("type")),
        page.short(entry.get("sessionId")) if entry.get("sessionId") else "-",
        line(entry.get("message")),
    ]


LISTS: "dict[str, Form]" = {
    "task": (("ID", "STATUS", "PRIORITY", "TITLE"), _task_cells),
    "session": (("ID", "STATUS", "AGENT", "ROLE", "SINCE", "TASKS", "NAME"), _session_cells),
    "project": (("ID", "NAME", "DIRECTORY"), _project_cells),
    "subtask": (("ID", "DONE", "TITLE"), _subtask_cells),
    "item": (("ITEM", "STATUS", "PRIORITY", "TRIES", "TASK", "REASON"), _item_cells),
    "doc": (("ID", "KIND", "SINCE", "WHERE", "TITLE"), _doc_cells),
    "skill": (("NAME", "SCOPE", "DESCRIPTION"), library.skill_cells),
    "template": (("ID", "ROLE", "DEFAULT", "CHANGED", "NAME"), library.template_cells),
    "key": (("ID", "SECRET", "SCOPES", "PROJECTS", "ENDS", "USED", "NAME"), library.key_cells),
    "placeholder": (("PLACEHOLDER", "STANDS FOR"), library.placeholder_cells),
    "timeline": (("WHEN", "TYPE", "SESSION", "MESSAGE"), _entry_cells),
}


# -- one thing ----------------------------------------------------------------------------------------


def one(noun: str, data: object, page: Page) -> list[str]:
    """A thing with all that is known of it; what is empty is left out."""
    if not isinstance(data, dict):
        return raw(data)
    pairs, blocks = ONES[noun](data, page)
    head = line(data.get("title") or data.get("name"))
    return [texts.bold(head, colour=page.colour), *texts.pairs(pairs), *texts.blocks(blocks)]


def _task(task: "Document", page: Page) -> "Shown":
    done, total = _progress(task)
    holders = task.get("taskSessionStatuses")
    sessions = (
        ", ".join(f"{line(id_)} {line(status)}" for id_, status in holders.items()) if isinstance(holders, dict) else ""
    )
    pairs = [
        ("id", line(task.get("id"))),
        ("status", page.status(task.get("status"))),
        ("priority", line(task.get("priority"))),
        ("blocked", line(task.get("blockedReason"))),
        ("review", line(task.get("reviewReason"))),
        ("waits for", _joined(task.get("blockedBy"))),
        ("depends on", _joined(task.get("dependencies"))),
        ("parent", line(task.get("parentId"))),
        ("children", _count(task.get("childCount"))),
        ("checklist", f"{done} of {total}" if total else ""),
        ("sessions", sessions),
        ("labels", _joined(task.get("labels"))),
        ("provider", line(task.get("provider"))),
        ("model", line(task.get("model"))),
        ("due", page.when(task.get("dueAt"))),
        ("created", page.when(task.get("createdAt"))),
        ("started", page.when(task.get("startedAt"))),
        ("completed", page.when(task.get("completedAt"))),
        ("version", _count(task.get("version"))),
    ]
    blocks = [
        ("description", task.get("description")),
        ("acceptance criteria", task.get("acceptanceCriteria")),
        ("checks", task.get("checks")),
        ("prompt", task.get("initialPrompt")),
    ]
    return pairs, blocks


def _session(session: "Document", page: Page) -> "Shown":
    needs = session.get("needsInput")
    question = line(needs.get("message")) if isinstance(needs, dict) and asks(session) else ""
    turn, pane, end, live, tree = (_inner(session, n) for n in ("turn", "pane", "exit", "live", "worktree"))
    pairs = [
        ("id", line(session.get("id"))),
        ("status", page.status(session.get("status"))),
        ("needs input", question or ("yes" if asks(session) else "")),
        ("turn", " ".join(filter(None, (line(turn.get("state")), _from(turn), page.when(turn.get("since")))))),
        ("agent", " ".join(filter(None, (line(session.get("provider")), line(session.get("model")))))),
        ("role", " ".join(filter(None, (line(session.get("role")), line(session.get("strategy")))))),
        ("permissions", line(session.get("permissionMode"))),
        ("effort", line(session.get("effort"))),
        ("MCP servers", line(session.get("mcpConfig"))),
        ("network", "none for its commands" if session.get("network") is False else ""),
        ("forked from", line(_inner(session, "forkOf").get("id"))),
        ("tasks", _joined(session.get("taskIds"))),
        ("queue", line(session.get("queueId"))),
        ("mail", f"{unread} unread" if (unread := _count(session.get("unreadMail"))) else ""),
        ("parent", line(session.get("parentSessionId"))),
        ("branch", line(tree.get("branch"))),
        ("worktree", line(tree.get("path"))),
        ("started", page.when(session.get("startedAt"))),
        ("active", page.when(live.get("activity"))),
        ("process", _process(live, pane)),
        ("window", " ".join(filter(None, (line(pane.get("socket")), line(pane.get("pane")))))),
        ("ended", page.when(session.get("completedAt"))),
        ("exit", _ending(end)),
        ("conversation", line(session.get("conversationId"))),
        ("version", _count(session.get("version"))),
    ]
    return pairs, [("prompt", session.get("prompt"))]


def _inner(document: "Document", name: str) -> "Document":
    value = document.get(name)
    return value if isinstance(value, dict) else {}


def _from(turn: "Document") -> str:
    return f"({line(turn['source'])})" if turn.get("source") else ""


def _process(live: "Document", pane: "Document") -> str:
    known = live.get("process")
    pid = f"pid {pane['pid']}" if isinstance(pane.get("pid"), int) else ""
    return " ".join(filter(None, (line(known) if isinstance(known, str) else "", pid)))


def _ending(end: "Document") -> str:
    if not end:
        return ""
    how = f"signal {end['signal']}" if end.get("signal") is not None else f"code {end.get('code')}"
    return ": ".join(
        filter(None, (how if end.get("code") is not None or "signal" in how else "", line(end.get("reason"))))
    )


_WORKTREES = {"True": "one for each session", "False": "none unasked"}


def _project(project: "Document", page: Page) -> "Shown":
    defaults = _inner(project, "defaults")
    pairs = [
        ("id", line(project.get("id"))),
        ("directory", line(project.get("workingDir"))),
        ("archived", page.when(project.get("archivedAt"))),
        ("provider", line(defaults.get("provider"))),
        ("model", line(defaults.get("model"))),
        ("permissions", line(defaults.get("permissionMode"))),
        ("effort", line(defaults.get("effort"))),
        ("MCP servers", line(defaults.get("mcpConfig"))),
        ("network", "none for their commands" if defaults.get("network") is False else ""),
        ("worktrees", _WORKTREES.get(str(defaults.get("worktree")), "")),
        ("sessions", _count(_inner(project, "limits").get("maxSessions"))),
        ("setup", line(project.get("setupCommand"))),
        ("created", page.when(project.get("createdAt"))),
        ("version", _count(project.get("version"))),
    ]
    return pairs, [("description", project.get("description"))]


def _doc(doc: "Document", page: Page) -> "Shown":
    pairs = [
        ("id", line(doc.get("id"))),
        ("kind", line(doc.get("kind"))),
        ("task", line(doc.get("taskId"))),
        ("session", line(doc.get("sessionName") or doc.get("sessionId"))),
        ("file", line(doc.get("filePath"))),
        ("size", _count(doc.get("size"))),
        ("added", page.when(doc.get("createdAt"))),
    ]
    return pairs, [("content", doc.get("content"))]


ONES: "dict[str, Callable[[Document, Page], Shown]]" = {
    "task": _task,
    "session": _session,
    "project": _project,
    "doc": _doc,
    "template": library.template,
    "skill": library.skill,
}


def _joined(value: object) -> str:
    return ", ".join(line(part) for part in value) if isinstance(value, list) else ""


def _count(value: object) -> str:
    return str(value) if isinstance(value, int) and value else ""


# -- what was done ------------------------------------------------------------------------------------


def did(what: str, data: object) -> list[str]:
    """One line: what was done, to what, and how it stands now."""
    if not isinstance(data, dict):
        return raw(data)
    past, _, _ = what.rpartition(" ") if " " in what else (what, "", "")
    subject = line(data.get("taskId") or data.get("sessionId")) if what == "reported" else line(data.get("id"))
    said = line(data.get("title") or data.get("name") or data.get("message"))
    status = line(data.get("status"))
    state = f"  ({status})" if status not in ("", past.partition(" ")[0]) else ""
    why = line(data.get("reviewReason")) if past == "completed" else ""
    past = "handed over" if why else _taken_back(past, data)
    return [f"{past} {subject}  {said}{state}".rstrip(), *([f"  {why}"] if why else [])]


def _taken_back(past: str, data: dict[str, object]) -> str:
    """The same deed, or its opposite by ``--undo``."""
    field, opposite = _OPPOSITES.get(past, ("", ""))
    return opposite if field in data and not data[field] else past


_OPPOSITES = {"archived": ("archivedAt", "took back"), "pinned": ("pinned", "unpinned")}


def gone(noun: str, data: object) -> list[str]:
    """What was deleted, and how much went with it."""
    if not isinstance(data, dict):
        return raw(data)
    counts = data.get("counts")
    others = texts.counted({n: c for n, c in counts.items() if (n, c) != (noun, 1)} if isinstance(counts, dict) else {})
    return [f"deleted {line(data.get('deleted'))}" + (f"  (with {', '.join(others)})" if others else "")]


# -- queues -------------------------------------------------------------------------------------------


def item(data: object, page: Page) -> list[str]:
    """The item at hand with its task, and what comes next."""
    if not isinstance(data, dict):
        return raw(data)
    item_, task, following = (_inner(data, name) for name in ("item", "task", "next"))
    lines = ["nothing to do: the queue is empty"] if not item_ else []
    if item_:
        lines.append(f"item {line(item_.get('id'))}  {page.status(item_.get('status'))}")
        lines += [f"  {text}" for text in one("task", task, page)] if task else []
    return [*lines, *([f"next: {line(following.get('taskId'))}"] if following else [])]


def queue(data: object, page: Page) -> list[str]:
    """A queue: whether it hands out, and its items."""
    if not isinstance(data, dict):
        return raw(data)
    items, _ = rows_of(data.get("items"))
    state = "paused" if data.get("paused") is True else "open"
    lines = listing("item", items, page) if items else ["no items"]
    return [f"queue {line(data.get('id'))}  {state}", *lines]


# -- here and now -------------------------------------------------------------------------------------


def status(data: object, page: Page) -> list[str]:
    """Who needs somebody, counts, what is stuck."""
    if not isinstance(data, dict):
        return raw(data)
    lines = ["the daemon takes no writes: `maestro daemon status` says why"] if data.get("readOnly") is True else []
    waiting = rows_of(data.get("needsInput"))[0]
    lines += _needs(waiting, page)
    lines.append(f"tasks     {_tasks(_inner(data, 'tasks'))}")
    lines.append(f"sessions  {_sessions(_inner(data, 'sessions'), waiting)}")
    for name, title in (
        ("stuck", "stuck:"),
        ("broken", "must not be:"),
        ("quarantined", "put aside:"),
        ("skills", "skills with a fault:"),
        ("screenRules", "screen rules with a fault:"),
    ):
        found = data.get(name)
        troubles = [_trouble(row) for row in found] if isinstance(found, list) else []
        lines += ["", title, *troubles] if troubles else []
    return lines


def _tasks(counts: "Document") -> str:
    """How many have which status; those that are ready are some of those to do."""
    ready = _count(counts.get("ready"))
    words = {"todo": f"todo ({ready} ready)"} if ready else {}
    return _sum([(number, words.get(word) or line(word)) for word, number in counts.items() if word != "ready"])


def _sessions(counts: "Document", waiting: "list[Document]") -> str:
    """How many do what, each counted once: who waits for a person is counted as that alone."""
    left = {word: number for word, number in counts.items() if isinstance(number, int)}
    for session in waiting:
        guesses = (str(session.get("status")), "working", "idle", "spawning")  # an older daemon does not say it
        word = next((word for word in guesses if left.get(word)), "")
        left |= {word: left[word] - 1} if word else {}
    needs = "needs you" if len(waiting) == 1 else "need you"
    working = (left.pop("working", 0), "working")
    return _sum([working, (len(waiting), needs), *((number, line(word)) for word, number in left.items())])


def _sum(found: "list[tuple[object, str]]") -> str:
    return ", ".join(f"{line(number)} {word.replace('_', ' ')}" for number, word in found if number) or "none"


def _needs(sessions: "list[Document]", page: Page) -> list[str]:
    """Who waits for a person, since when, what for, and how to answer."""
    if not sessions:
        return ["nobody needs you", ""]
    page.ids = short_ids([str(session.get("sessionId")) for session in sessions])
    lines = [texts.bold("needs you:", colour=page.colour)]
    for session in sessions:
        id_ = page.short(session.get("sessionId"))
        who = line(session.get("name")) or id_
        lines.append(f"  {who}  {page.when(session.get('since'))}  {line(session.get('message'))}".rstrip())
        lines.append(f"    maestro session attach {id_}")
    return [*lines, ""]


def _trouble(row: object) -> str:
    if not isinstance(row, dict):
        return f"  {line(row)}"
    what = line(row.get("name") or row.get("id") or row.get("path"))
    why = line(row.get("reason") or ": ".join(str(row[key]) for key in ("rule", "message") if key in row))
    return f"  {what}: {why}"


def whoami(call: "Call", data: object) -> "tuple[object, list[str]]":
    """Who the caller is to the daemon, and what the environment says of it."""
    hello = data if isinstance(data, dict) else {}
    context = call.context
    merged: Document = {
        "actor": hello.get("actor"),
        "sessionId": context.session or None,
        "projectId": context.project or None,
        "taskIds": context.tasks,
        "role": context.environ.get("MAESTRO_ROLE") or None,
        "server": context.server,
        "home": hello.get("home"),
        "daemon": {name: hello.get(name) for name in ("version", "pid", "seq", "startedAt", "readOnly")},
    }
    actor = _inner(merged, "actor")
    who = ":".join(filter(None, (line(actor.get("kind")), line(actor.get("id")))))
    role = line(actor.get("role") or merged["role"])
    pairs = [
        ("you are", f"{who} ({role})" if role else who),
        ("session", context.session),
        ("project", line(context.project or actor.get("projectId"))),
        ("tasks", ", ".join(map(line, context.tasks))),
        ("server", line(context.server)),
        ("home", line(hello.get("home"))),
        ("daemon", f"{line(hello.get('version'))}  pid {line(hello.get('pid'))}  seq {line(hello.get('seq'))}"),
    ]
    return merged, texts.pairs(pairs)


def screen(data: object, *, colours: bool) -> list[str]:
    """What an agent shows; colours only where they were asked for and fit."""
    text = data.get("text") if isinstance(data, dict) else None
    rows = str(text or "").split("\n")
    return [texts.coloured(row) if colours else line(row, keep=True) for row in rows]


def raw(data: object) -> list[str]:
    """Any document, indented."""
    import json

    return json.dumps(data, indent=2, ensure_ascii=True).split("\n")
