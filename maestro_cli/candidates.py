"""Asks the daemon for what a line may name: ids with titles, by the noun and by what the command is for."""

from maestro_cli.texts import short_ids
from maestro_cli.views import asks, rows_of
from maestrod.client.blocking import quoted

TYPE_CHECKING = False  # typing costs the everyday call half of its time
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from maestro_cli.context import Context

    Document = dict[str, object]
    Found = tuple[str, str]

LIMIT_S = 1.0
FEW = 60
"""What is offered while nothing is typed: more is asked for letter by letter."""
MANY = 500
INBOXES = 5
"""How many sessions' mail is looked through where no session is at hand."""
ENDED = "completed,cancelled"
OPEN = "todo,in_progress,in_review,blocked"
LIVE = {"active": True}
STATUSES: "Mapping[str, str]" = {
    "task start": "todo,blocked,in_review",
    "task complete": OPEN,
    "task review": "todo,in_progress,blocked",
    "task block": "todo,in_progress",
    "task unblock": "blocked",
    "task cancel": OPEN,
    "task reopen": f"{ENDED},archived",
    "task archive": ENDED,
    "session spawn": OPEN,
    "session fork": OPEN,
    "queue push": OPEN,
}
"""The states of tasks from which a command leads on; without a line here, any."""
SESSIONS: "Mapping[str, Mapping[str, object]]" = {
    "session attach": LIVE,
    "session send": LIVE,
    "session answer": LIVE,
    "session keys": LIVE,
    "session screen": LIVE,
    "session stop": LIVE,
    "session complete": LIVE,
    "session wait": LIVE,
    "session launch": {"status": "spawning"},
    "session resume": {"active": False},
    "session delete": {"active": False},
    "mail send": LIVE,
}
"""Which sessions a command can be about; without a line here, any."""


class Asking:
    """The line so far, what is typed of the next word, and the daemon."""

    __slots__ = ("_context", "given", "verb", "word")

    def __init__(
        self, context: "Context", command: "Sequence[str]", given: "Mapping[str, Sequence[str]]", word: str
    ) -> None:
        self._context = context
        self.verb = " ".join(command)
        self.given = given
        self.word = word
        context.client.retries = 0
        context.client.patience = 0.0

    def rows(self, path: str, query: "Mapping[str, object] | None" = None) -> "list[Document]":
        """The documents of a list."""
        answer = self._context.client.call(
            "GET", path, query=query, headers=self._where(), timeout=min(LIMIT_S, self._context.timeout)
        )
        return rows_of(answer.body)[0]

    def project(self) -> "dict[str, object]":
        """The parameter that narrows a list, when a project is named."""
        return {"projectId": self._context.project} if self._context.project and "all" not in self.given else {}

    def at_hand(self, noun: str) -> "list[str]":
        """The sessions or tasks that the line names, else those at hand."""
        named = self.given.get(noun)
        if named:
            return [named[-1]]
        here = [self._context.session] if noun == "session" else self._context.tasks
        return [one for one in here if one]

    def _where(self) -> "dict[str, str]":
        return {} if "all" in self.given else self._context.where()


def found(asking: Asking, noun: str) -> "Iterator[Found]":
    """The things of the noun that the word may mean: short ids first, names when some of one is typed."""
    rows, described = SOURCES[noun]
    listed = rows(asking)
    word = asking.word
    if noun in PLAIN:
        yield from ((str(row.get("name")), described(row)) for row in listed)
        return
    ids = {str(row.get("id")): row for row in listed}
    shorts = short_ids(list(ids))
    whole = "_" in word
    for id_, row in list(ids.items()) if word else list(ids.items())[:FEW]:
        yield id_ if whole else shorts[id_], described(row)
    if word:
        yield from _named(ids.values(), described)


def _named(rows: "Iterable[Document]", described: "Callable[[Document], str]") -> "Iterator[Found]":
    """By name those that no other has, too."""
    named = [(slug(str(row.get("title") or row.get("name") or "")), row) for row in rows]
    counts: dict[str, int] = {}
    for name, _ in named:
        counts[name] = counts.get(name, 0) + 1
    for name, row in named:
        if name and counts[name] == 1:
            yield name, described(row)


def slug(title: str) -> str:
    """A title as the daemon takes it for a name: lower-case words joined by hyphens, articles left out."""
    words = "".join(c if c.isalnum() else " " for c in title.lower()).split()
    return "-".join([word for word in words if word not in ("a", "an", "the")] or words)


# -- by noun ------------------------------------------------------------------------------------------


def _tasks(asking: Asking) -> "list[Document]":
    word = asking.word
    query: dict[str, object] = {
        "order": "desc",
        "fields": "summary",
        "limit": MANY if word else FEW,
        **asking.project(),
    }
    if asking.verb in STATUSES:
        query["status"] = STATUSES[asking.verb]
    newest = asking.rows("/tasks", query)
    titled = asking.rows("/tasks", query | {"q": word.partition("-")[0]}) if word else []
    return [*newest, *titled]


def _sessions(asking: Asking) -> "list[Document]":
    query: dict[str, object] = {"order": "desc", "fields": "summary", "limit": MANY if asking.word else FEW}
    return asking.rows("/sessions", query | asking.project() | dict(SESSIONS.get(asking.verb, {})))


def _projects(asking: Asking) -> "list[Document]":
    return asking.rows("/projects", {"archived": asking.verb == "project archive" and "undo" in asking.given})


def _mail(asking: Asking) -> "list[Document]":
    boxes = asking.at_hand("session") or [str(row.get("id")) for row in _sessions(asking)[:INBOXES]]
    query = {"order": "desc", "limit": FEW}
    return [row for box in boxes for row in asking.rows(f"/mail/inbox/{quoted(box)}", query)]


def _docs(asking: Asking) -> "list[Document]":
    holders = [f"/sessions/{quoted(one)}/docs" for one in asking.at_hand("session")]
    holders += [f"/tasks/{quoted(one)}/docs" for one in asking.at_hand("task")]
    return [row for holder in holders for row in asking.rows(holder, {"fields": "summary"})]


def _subtasks(asking: Asking) -> "list[Document]":
    steps = [row for task in asking.at_hand("task") for row in asking.rows(f"/tasks/{quoted(task)}/subtasks")]
    done = {"subtask complete": False, "subtask reopen": True}.get(asking.verb)
    return [row for row in steps if done is None or row.get("completed") is done]


def _items(asking: Asking) -> "list[Document]":
    items = [row for one in asking.at_hand("session") for row in asking.rows(f"/sessions/{quoted(one)}/queue/items")]
    return [row for row in items if row.get("status") == "queued"]


def _all(path: str) -> "Callable[[Asking], list[Document]]":
    return lambda asking: asking.rows(path)


def _told(*fields: str) -> "Callable[[Document], str]":
    return lambda row: "  ".join(str(row[field]) for field in fields if row.get(field))


def _standing(session: "Document") -> str:
    state = "needs input" if asks(session) else session.get("status")
    return f"{session.get('name')}  {state}, {session.get('provider') or 'no agent'}"


def _task(task: "Document") -> str:
    return f"{task.get('title')}  {task.get('status')}, {task.get('priority')}"


PLAIN = ("skill", "backup")
"""What has a name and no id."""
SOURCES: "dict[str, tuple[Callable[[Asking], list[Document]], Callable[[Document], str]]]" = {
    "task": (_tasks, _task),
    "session": (_sessions, _standing),
    "to": (_sessions, _standing),
    "project": (_projects, _told("name", "workingDir")),
    "mail": (_mail, _told("subject", "type")),
    "doc": (_docs, _told("title", "kind")),
    "subtask": (_subtasks, _told("title")),
    "item": (_items, _told("taskId", "priority")),
    "template": (_all("/templates?fields=summary"), _told("name", "role")),
    "key": (_all("/keys"), _told("name")),
    "skill": (_all("/skills"), _told("description")),
    "backup": (_all("/backups"), _told("reason", "seq")),
}
"""How the things of a noun are asked for, and what is said of each."""
