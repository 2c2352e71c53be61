"""PURE: what agents write of themselves: Claude's state file and transcript, Codex' rollout, Gemini's chat.

The shapes are those of Claude Code 2.1.329, Codex 0.169.0 and Gemini CLI 0.61.0. Lines of other kinds, and whatever is
no line at all, say nothing.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from maestrod.watch.evidence import MESSAGE, Doing, Evidence, Source, asked_by, error_kind

LINE = 1024 * 1024
"""Longer lines are not read."""
CLOCK_MS = 60_000
"""Times later than this after now are not believed."""

Document = Mapping[str, object]


def from_line(provider: str, raw: bytes, now: int) -> Evidence | None:
    """What a line of a provider's own log says of the turn."""
    document = _document(raw)
    if document is None:
        return None
    match provider:
        case "claude":
            found = _of_claude(document)
        case "codex":
            found = _of_codex(document)
        case "gemini":
            found = _of_gemini(document)
        case _:
            return None
    return None if found is None else msgspec.structs.replace(found, at=_time(document.get("timestamp"), now))


def from_state_file(raw: bytes, pid: int, now: int) -> Evidence | None:
    """What Claude's ``sessions/<pid>.json`` says; a file of another process says nothing."""
    document = _document(raw)
    if document is None or document.get("pid") != pid:
        return None
    told = document.get("updatedAt")
    at = min(told, now) if isinstance(told, int) and not isinstance(told, bool) and 0 < told < now + CLOCK_MS else now
    match document.get("status"):
        case "busy":
            return _said(Doing.WORKING, "claude state file busy", at=at)
        case "idle":
            return _said(Doing.IDLE, "claude state file idle", stop=True, at=at)
        case "waiting":
            waits = _text(document.get("waitingFor"))
            kind = "permission" if "permission" in waits else "question"
            return _said(Doing.NEEDS_INPUT, "claude state file waiting", kind=kind, text=waits, at=at)
        case _:
            return None


def _of_claude(line: Document) -> Evidence | None:
    if line.get("isSidechain") is True or line.get("isMeta") is True:
        return None
    message = line.get("message")
    content = message.get("content") if isinstance(message, dict) else None
    match line.get("type"), line.get("subtype"):
        case "user", _:
            return _of_claude_user(content)
        case "assistant", _:
            return _of_claude_assistant(line, message if isinstance(message, dict) else {}, content)
        case "system", "turn_duration":
            return _said(Doing.IDLE, "claude transcript turn_duration", stop=True)
        case "system", "stop_hook_summary" if line.get("preventedContinuation") is not True:
            return _said(Doing.IDLE, "claude transcript stop_hook_summary")
        case _:
            return None


def _of_claude_user(content: object) -> Evidence | None:
    texts = [content] if isinstance(content, str) else [_text(b.get("text")) for b in _blocks(content)]
    if any(text.startswith("[Request interrupted by user") for text in texts):
        return _said(Doing.IDLE, "claude transcript interrupted", stop=True)
    if texts and texts[0].startswith(("<command-", "<local-command-", "<bash-")):
        return None
    return _said(Doing.WORKING, "claude transcript prompt") if texts else None


def _of_claude_assistant(line: Document, message: Document, content: object) -> Evidence | None:
    blocks = _blocks(content)
    if line.get("isApiErrorMessage") is True:
        text = " ".join(_text(block.get("text")) for block in blocks).strip()
        return _said(Doing.ERROR, "claude transcript error", kind=error_kind(text), text=text)
    for block in blocks:
        if block.get("type") == "tool_use" and block.get("name") == "AskUserQuestion":
            text = asked_by({"tool_name": "AskUserQuestion", "tool_input": block.get("input")})
            return _said(Doing.NEEDS_INPUT, "claude transcript question", kind="question", text=text)
    if message.get("stop_reason") == "end_turn":
        return _said(Doing.IDLE, "claude transcript end_turn")
    return _said(Doing.WORKING, "claude transcript answer")


def _of_codex(line: Document) -> Evidence | None:
    payload = line.get("payload")
    if not isinstance(payload, dict):
        return None
    match line.get("type"), payload.get("type"):
        case "event_msg", "task_started":
            return _said(Doing.WORKING, "codex rollout task_started")
        case "event_msg", "task_complete":
            return _of_codex_end(payload.get("error"))
        case "event_msg", "turn_aborted":
            return _said(Doing.IDLE, "codex rollout turn_aborted", stop=True)
        case "response_item", "function_call" | "function_call_output":
            return _said(Doing.WORKING, "codex rollout tool")
        case _:
            return None


def _of_codex_end(error: object) -> Evidence:
    if not isinstance(error, dict):
        return _said(Doing.IDLE, "codex rollout task_complete", stop=True)
    text = _text(error.get("message"))
    kind = error_kind(f"{_text(error.get('codex_error_info')).replace('_', ' ')} {text}")
    return _said(Doing.ERROR, "codex rollout error", kind=kind, text=text)


def _of_gemini(line: Document) -> Evidence | None:
    content = _text(line.get("content"))
    match line.get("type"):
        case "user":
            return _said(Doing.WORKING, "gemini chat prompt")
        case "gemini" if line.get("toolCalls"):
            return _said(Doing.WORKING, "gemini chat tool")
        case "gemini":
            return _said(Doing.IDLE, "gemini chat answer")
        case "error":
            return _said(Doing.ERROR, "gemini chat error", kind=error_kind(content), text=content)
        case "info" if content.startswith("Request cancelled"):
            return _said(Doing.IDLE, "gemini chat cancelled", stop=True)
        case _:
            return None


def _said(doing: Doing, rule: str, *, kind: str = "", text: str = "", stop: bool = False, at: int = 0) -> Evidence:
    return Evidence(source=Source.TRANSCRIPT, doing=doing, rule=rule, at=at, kind=kind, text=text, stop=stop)


def _document(raw: bytes) -> Document | None:
    if not raw or len(raw) > LINE:
        return None
    try:
        document = msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None
    return document if isinstance(document, dict) else None


def _blocks(content: object) -> list[Document]:
    return [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []


def _text(value: object) -> str:
    return " ".join(value[: 4 * MESSAGE].split())[:MESSAGE] if isinstance(value, str) else ""


def _time(told: object, now: int) -> int:
    """The line's own time (ms); now when it has none that could be."""
    try:
        when = datetime.fromisoformat(told) if isinstance(told, str) and len(told) < 40 else None
    except ValueError:
        return now
    if when is None:
        return now
    at = round((when if when.tzinfo is not None else when.replace(tzinfo=UTC)).timestamp() * 1000)
    return at if 0 < at <= now else now
