"""What the parameters of routes take, by name: a schema, and one sentence. Names that are not here take any text."""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from maestrod.domain.model import MailType, Noun, Ordered, Priority, Role, SessionStatus, TaskStatus

Json = dict[str, object]
"""A piece of a JSON document."""


class Parameter(msgspec.Struct, frozen=True):
    """What a parameter takes, and what for."""

    schema: Json
    about: str


def _text(about: str) -> Parameter:
    return Parameter({"type": "string"}, about)


def _flag(about: str) -> Parameter:
    return Parameter({"type": "string", "enum": ["true", "false", "1", "0"]}, about)


def _whole(about: str, least: int = 0) -> Parameter:
    return Parameter({"type": "integer", "minimum": least}, about)


def _word(words: type[StrEnum] | tuple[str, ...], about: str) -> Parameter:
    return Parameter({"type": "string", "enum": [str(word) for word in words]}, about)


def _words(words: type[StrEnum], about: str) -> Parameter:
    """Several words, with commas between them."""
    one = "|".join(word.value for word in words)
    return Parameter({"type": "string", "pattern": f"^({one})(,({one}))*$"}, about)


PARAMETERS: Mapping[str, Parameter] = {
    "active": _flag("Only sessions that run, or only those that have ended."),
    "actor": _text("Only what this actor did: `user`, `session:ID`, or the beginning of one."),
    "after": _whole("The number of the last commit that is known."),
    "archived": _flag("Only projects that are put away, or only those that are not."),
    "at": _whole("The number of the commit after which the state is shown."),
    "batch": _flag("Frames may come in arrays when the client is behind."),
    "cascade": _flag("With all that is in it; for people alone."),
    "colours": _flag("With the escape sequences of colours."),
    "cursor": _text("Go on after this `nextCursor`."),
    "entity": _text("Only what changed this thing: the ending of its id."),
    "events": _text("Only these events; `task:*` is all that begin so."),
    "fields": _word(("summary",), "Leave long texts out."),
    "force": _flag("Also while somebody works on it; for people alone."),
    "fps": _whole("How many times a second the screen may be sent.", 1),
    "label": _text("Only tasks with this label."),
    "limit": _whole("At most so many; the answer is a page.", 1),
    "lines": _whole("Lines of history above the screen."),
    "noun": _word(Noun, "Only things of this kind."),
    "offset": _whole("Leave out so many."),
    "order": _word(("asc", "desc"), "Oldest first, or newest first."),
    "patch": _flag("With the patch, or the files alone."),
    "parentId": _text("Only tasks below this one; `null` for those at the top."),
    "parentSessionId": _text("Only sessions that this one started."),
    "priority": _words(Priority, "Only tasks of these priorities."),
    "projectId": _text("Only what belongs to this project."),
    "q": _text("Only what holds this text."),
    "ready": _flag("Only tasks that can be begun, or only those that cannot."),
    "queue": _text("The session whose queue it is about."),
    "recursive": _flag("Also what is below those below."),
    "session": _text("The session that it is about."),
    "sessionId": _text("The session that it is about."),
    "sessionIds": _text("Only what is about these sessions."),
    "since": _whole("Only what is newer, in milliseconds since 1970."),
    "task": _text("The task that it is about."),
    "taskId": _text("The task that it is about."),
    "taskIds": _text("Only what is about these tasks."),
    "timeout": Parameter({"type": "number", "minimum": 0}, "Wait so many seconds at most."),
    "unread": _flag("Only mail that was not read, or only what was."),
    "until": _text("The status to wait for, or several: `ended`, `needs_input`, `error`, `idle` and so on."),
    "wait": Parameter({"type": "number", "minimum": 0}, "Wait so many seconds for checks that run."),
    "workingDir": _text("Only the project of this directory."),
}

OWN: Mapping[tuple[str, str], Parameter] = {
    ("/sessions", "status"): _words(SessionStatus, "Only sessions with these statuses."),
    ("/sessions", "role"): _words(Role, "Only sessions with these roles."),
    ("/templates", "role"): _word(Role, "Only templates for this role."),
    ("/tasks", "status"): _words(TaskStatus, "Only tasks with these statuses."),
    ("/mail/inbox/{session}", "type"): _words(MailType, "Only mail of these types."),
    ("/mail/wait/{session}", "type"): _words(MailType, "Only mail of these types."),
    ("/sessions/{session}/worktree", "force"): _flag("Keep in the trash what is only there; for people alone."),
    ("/state", "fields"): _word(("all", "hash"), "Everything, or the hash alone."),
}
"""What a parameter takes on one route alone."""

PLACES: Mapping[str, Parameter] = {
    "type": _word(Ordered, "What is put in order."),
    "role": _word(Role, "What sessions are for."),
    "kept": _text("The name of what is in the trash."),
    "seq": Parameter({"type": "string", "pattern": "^([1-9][0-9]{0,14}|last)$"}, "The number of a commit, or `last`."),
}
"""What stands in a path and is no id."""


def in_query(path: str, name: str) -> Parameter:
    """A parameter of a route."""
    return OWN.get((path, name)) or PARAMETERS.get(name) or _text("")


def in_path(name: str) -> Parameter:
    """What a path is filled with."""
    return PLACES.get(name) or Parameter({"type": "string", "minLength": 1}, f"The {name}: its id, or an ending of it.")
