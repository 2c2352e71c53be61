"""PURE: what was seen of an agent, as values: hooks, titles, its own words.

Which hook says what was measured with Claude Code 2.1.329, Codex 0.169.0 and Gemini CLI 0.61.0.
"""

import re
from collections.abc import Mapping
from enum import IntEnum, StrEnum

import msgspec

from maestrod.domain.limits import NAME, PATH


class Source(IntEnum):
    """Where evidence comes from, strongest first."""

    DECLARED = 1
    HOOK = 2
    TRANSCRIPT = 3
    PROCESS = 4
    TITLE = 5
    SCREEN = 6


class Doing(StrEnum):
    """What an agent's turn is."""

    UNKNOWN = "unknown"
    WORKING = "working"
    NEEDS_INPUT = "needs_input"
    IDLE = "idle"
    ERROR = "error"


class Evidence(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One sign: what it says, who says it, which rule read it, when (ms).

    ``kind`` and ``text`` are those of a question or an error. ``stop`` says that the end of a turn was told as such.
    ``samples`` is how often the same was seen, ``seen`` when last (ms).
    """

    source: Source
    doing: Doing
    rule: str
    at: int
    kind: str = ""
    text: str = ""
    tool: str = ""
    background: int = 0
    stop: bool = False
    samples: int = 1
    seen: int = 0

    def agrees(self, other: "Evidence") -> bool:
        """Whether both say the same."""
        return (self.doing, self.kind, self.text) == (other.doing, other.kind, other.text)


class Signs(msgspec.Struct, frozen=True, kw_only=True):
    """What a hook says: the turn, when it says anything of it, and facts by the way."""

    evidence: Evidence | None = None
    conversation_id: str | None = None
    transcript_path: str | None = None


_WORKING = frozenset(
    {"UserPromptSubmit", "PreToolUse", "PostToolUse", "PostToolUseFailure", "PostToolBatch", "SubagentStart"}
    | {"BeforeAgent", "BeforeTool", "AfterTool"}
)
_QUESTIONS = frozenset({"AskUserQuestion", "ask_user", "request_user_input"})
"""Tools by which agents ask people something."""
_IDLE = frozenset({"SessionStart", "Stop", "Interrupt", "AfterAgent"})
MESSAGE = 2000


def from_hook(provider: str, event: str, payload: Mapping[str, object], at: int) -> Signs:
    """What a hook of a provider says; unknown events say nothing of the turn."""
    return Signs(
        evidence=_turn(provider, event, payload, at),
        conversation_id=_name(payload, "session_id", NAME),
        transcript_path=_name(payload, "transcript_path", PATH),
    )


def _turn(provider: str, event: str, payload: Mapping[str, object], at: int) -> Evidence | None:
    rule = f"{provider} hook {event}"
    if event in _WORKING:
        tool = _text(payload, "tool_name")
        return Evidence(source=Source.HOOK, doing=Doing.WORKING, rule=rule, at=at, tool=tool)
    if event == "SessionStart" and payload.get("source") == "compact":
        return None  # it comes in the middle of a turn as well as after one
    if event in _IDLE:
        waiting = payload.get("background_tasks")
        background = len(waiting) if isinstance(waiting, list) else 0
        return Evidence(source=Source.HOOK, doing=Doing.IDLE, rule=rule, at=at, background=background, stop=True)
    if event == "PermissionRequest":
        return _asks(payload, rule, at)
    if event == "StopFailure":
        error, said = _text(payload, "error"), _text(payload, "last_assistant_message")
        kind = error_kind(f"{error.replace('_', ' ')} {said}")
        return Evidence(source=Source.HOOK, doing=Doing.ERROR, rule=rule, at=at, kind=kind, text=said or error)
    return _notification(payload, at, rule) if event == "Notification" else None


def _notification(payload: Mapping[str, object], at: int, rule: str) -> Evidence | None:
    match payload.get("notification_type"):
        case "ToolPermission" | "permission_prompt":
            return _asks(payload, rule, at)
        case "idle_prompt":
            return Evidence(source=Source.HOOK, doing=Doing.IDLE, rule=rule, at=at, stop=True)
        case _:
            return None


def _asks(payload: Mapping[str, object], rule: str, at: int) -> Evidence:
    kind = "question" if _text(payload, "tool_name") in _QUESTIONS else "permission"
    text = asked_by(payload)
    return Evidence(source=Source.HOOK, doing=Doing.NEEDS_INPUT, rule=rule, at=at, kind=kind, text=text)


def asked_by(payload: Mapping[str, object]) -> str:
    """What the dialog asks, in one line."""
    asked = payload.get("tool_input")
    tool = _text(payload, "tool_name")
    details = payload.get("details")
    if isinstance(details, dict):
        return _text(details, "command") or _text(details, "title") or _text(payload, "message")
    if not isinstance(asked, dict):
        return _text(payload, "message") or tool
    questions = asked.get("questions")
    if isinstance(questions, list) and questions and isinstance(questions[0], dict):
        return _text(questions[0], "question")
    words = _text(asked, "command") or _text(asked, "file_path") or _text(asked, "url")
    reason = _text(asked, "description")
    named = f"{tool}: {words}" if words and tool else words or tool
    return f"{named} ({reason})" if reason and named else named or reason


_LIMIT = re.compile(
    r"(?i)\b429\b|rate.?limit|usage.?limit|limit reached|hit your [\w -]{0,30}limit|quota|too many requests"
)
_AUTH = re.compile(
    r"(?i)\b40[13]\b|authenticat|unauthori[sz]ed|api.?key|/login\b|\blog ?in\b|token (?:has )?expired|oauth"
)


def error_kind(text: str) -> str:
    """What an agent's words about an error mean: ``limit`` (come back later), ``auth`` (log in), or ``api``."""
    if _LIMIT.search(text):
        return "limit"
    return "auth" if _AUTH.search(text) else "api"


def _name(payload: Mapping[str, object], name: str, limit: int) -> str | None:
    """An id or a path, as it is; nothing when it could not be one."""
    value = payload.get(name)
    return value if isinstance(value, str) and 0 < len(value) <= limit and value.isprintable() else None


def _text(document: Mapping[str, object], name: str) -> str:
    value = document.get(name)
    return " ".join(value.split())[:MESSAGE] if isinstance(value, str) else ""


def from_title(provider: str, title: str, at: int) -> Evidence | None:
    """What a pane's title says; Claude's title says nothing of its turn."""
    doing = _of_title(provider, title)
    if doing is None:
        return None
    text = " ".join(title.split()) if doing is Doing.NEEDS_INPUT else ""
    return Evidence(source=Source.TITLE, doing=doing, rule=f"{provider} title", at=at, text=text)


def _of_title(provider: str, title: str) -> Doing | None:
    if provider == "gemini":
        marks = {"✦": Doing.WORKING, "✋": Doing.NEEDS_INPUT, "◇": Doing.IDLE, "⏲": Doing.WORKING}
        return marks.get(title[:1])
    if provider == "codex":
        if "Action Required" in title:
            return Doing.NEEDS_INPUT
        if title and "\u2800" <= title[0] <= "\u28ff":
            return Doing.WORKING
        return Doing.IDLE if title.strip() else None
    return None


def declared(deed: str, at: int) -> Evidence:
    """An agent that speaks to Maestro is at work."""
    return Evidence(source=Source.DECLARED, doing=Doing.WORKING, rule=deed, at=at)
