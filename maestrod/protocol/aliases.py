"""Older and other words for fields and values, applied to the raw document before it is decoded."""

from collections.abc import Mapping

FIELDS: Mapping[str, Mapping[str, str]] = {
    "SpawnSession": {
        "agentTool": "provider",
        "mode": "role",
        "sessionName": "name",
        "skills": "skillIds",
        "context": "prompt",
        "taskId": "taskIds",
        "sessionId": "parentSessionId",
    },
    "CreateTask": {"dependsOn": "dependencies", "parent": "parentId", "agentTool": "provider"},
    "EditTask": {"dependsOn": "dependencies", "parent": "parentId", "agentTool": "provider"},
    "DependTask": {"on": "dependencies", "dependsOn": "dependencies"},
    "UndependTask": {"on": "dependencies", "dependsOn": "dependencies"},
    "AddDoc": {"kind": "docKind"},
    "CreateTemplate": {"mode": "role"},
    "Report": {"text": "message"},
}

VALUES: Mapping[str, Mapping[str, str]] = {
    "status": {"pending": "todo", "done": "completed", "in-progress": "in_progress", "in-review": "in_review"},
    "role": {"execute": "worker", "coordinate": "orchestrator"},
    "agentTool": {"claude-code": "claude", "gemini-cli": "gemini"},
}


ENDS: Mapping[str, str] = {"completed": "CompleteSession", "stopped": "StopSession"}
"""What it means to give a session one of these statuses."""

DEEDS: Mapping[str, str] = {
    "create": "CreateTask",
    "edit": "EditTask",
    "depend": "DependTask",
    "undepend": "UndependTask",
    "check": "AddCheck",
    "start": "StartTask",
    "complete": "CompleteTask",
    "review": "ReviewTask",
    "block": "BlockTask",
    "unblock": "UnblockTask",
    "cancel": "CancelTask",
    "reopen": "ReopenTask",
    "archive": "ArchiveTask",
}
"""The words for what an item of a batch does."""


_SPECIAL = frozenset(VALUES) | {"taskIds"}
"""Fields whose values have older words or shapes."""


def meant(kind: str, document: dict[str, object]) -> tuple[str, dict[str, object]]:
    """The command that a body asks for, in today's words.

    A task edited with ``updateSource: "session"`` means the session's own attempt; its other fields are dropped.
    A session edited in nothing but its end, or in what it needs, means what has a route of its own by now.
    """
    if kind == "EditSession" and len(document) == 1:
        return _of_session(document)
    if kind != "EditTask":
        return kind, apply(kind, document)
    source = document.get("updateSource", "user")
    if source == "session":
        return "MoveAttempt", {n: document[n] for n in ("taskId", "sessionId", "sessionStatus") if n in document}
    return kind, apply(kind, {n: v for n, v in document.items() if n != "updateSource" or v != "user"})


def _of_session(document: dict[str, object]) -> tuple[str, dict[str, object]]:
    status, needs = document.get("status"), document.get("needsInput")
    if isinstance(status, str) and status in ENDS:
        return ENDS[status], {}
    if isinstance(needs, dict):
        return "NeedInput", {"active": needs.get("active", False)} | {
            str(k): v for k, v in needs.items() if k != "since"
        }
    return "EditSession", document


def apply(kind: str, document: dict[str, object]) -> dict[str, object]:
    """The document in today's words; a field that is already there under its own name wins."""
    renamed = FIELDS.get(kind, {})
    if document.keys().isdisjoint(_SPECIAL) and document.keys().isdisjoint(renamed):
        return document
    result: dict[str, object] = {}
    for name, value in document.items():
        own = renamed.get(name, name)
        if own != name and own in document:
            continue
        if own == "taskIds" and isinstance(value, str):
            value = [value]
        result[own] = word(own, word(name, value)) if isinstance(value, str) else value
    return result


def word(field: str, value: str) -> str:
    """Today's word for a value of a field."""
    return VALUES.get(field, {}).get(value, value)
