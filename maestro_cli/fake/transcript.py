"""The providers' own logs of a conversation, with usage, written where each of them writes."""

from __future__ import annotations

import glob
import json
import os
import re
import time
from collections.abc import Iterator, Mapping
from typing import Protocol

from maestro_cli.fake import claude, codex, gemini
from maestro_cli.fake.arguments import UUID, FaceName
from maestro_cli.fake.face import Usage, timestamp
from maestro_cli.fake.moments import (
    Closed,
    Instructed,
    Moment,
    Opened,
    Prompted,
    Ran,
    Said,
    Shell,
    Talk,
    ToolAsked,
    ToolBegan,
    ToolEnded,
    TurnEnded,
    TurnFailed,
    TurnStopped,
    Waited,
)

Line = dict[str, object]
RESPONSE = Usage(input=1000, cached=500, output=42, responses=1)
"""What one answer of the model costs; every answer costs the same, so that sums can be checked."""


def home(face: FaceName, env: Mapping[str, str]) -> str:
    """Return the folder in which a provider keeps its state."""
    user = env.get("HOME") or os.path.expanduser("~")
    match face:
        case "claude":
            return env.get("CLAUDE_CONFIG_DIR") or os.path.join(user, ".claude")
        case "codex":
            return env.get("CODEX_HOME") or os.path.join(user, ".codex")
        case "gemini":
            return os.path.join(env.get("GEMINI_CLI_HOME") or user, ".gemini")
        case "plain":
            return ""


def path(face: FaceName, folder: str, *, cwd: str, session_id: str, at: float) -> str:
    """Return where a new conversation is logged; empty for a face without transcripts."""
    match face:
        case "claude":
            return os.path.join(folder, "projects", re.sub(r"[^A-Za-z0-9]", "-", cwd), f"{session_id}.jsonl")
        case "codex":
            local = time.localtime(at)
            stamp = time.strftime("%Y-%m-%dT%H-%M-%S", local)
            day = time.strftime("%Y/%m/%d", local)
            return os.path.join(folder, "sessions", day, f"rollout-{stamp}-{session_id}.jsonl")
        case "gemini":
            stamp = time.strftime("%Y-%m-%dT%H-%M", time.gmtime(at))
            name = f"session-{stamp}-{session_id[:8]}.jsonl"
            return os.path.join(folder, "tmp", _slug(folder, cwd), "chats", name)
        case "plain":
            return ""


def find(face: FaceName, folder: str, *, cwd: str, session_id: str | None) -> tuple[str, str] | None:
    """Return id and transcript of an earlier conversation, the newest one without an id; None when there is none."""
    wanted = session_id if session_id and UUID.fullmatch(session_id) else "*"
    pattern = _pattern(face, glob.escape(folder), cwd, wanted)
    found = [(_id_of(face, name), name) for name in sorted(glob.glob(pattern), key=_age)]
    matching = [pair for pair in found if pair[0] and session_id in (None, pair[0])]
    return matching[0] if matching else None


def _pattern(face: FaceName, folder: str, cwd: str, wanted: str) -> str:
    match face:
        case "claude":
            return path(face, folder, cwd=cwd, session_id=wanted, at=0)
        case "codex":
            return os.path.join(folder, "sessions", "*", "*", "*", f"rollout-*-{wanted}.jsonl")
        case "gemini":
            return os.path.join(folder, "tmp", _slug(folder, cwd), "chats", f"session-*-{wanted[:8]}.jsonl")
        case "plain":
            return ""


def _age(name: str) -> float:
    try:
        return -os.stat(name).st_mtime_ns
    except OSError:
        return 0.0


def _id_of(face: FaceName, name: str) -> str:
    stem = os.path.basename(name).removesuffix(".jsonl")
    if face == "claude":
        return stem
    if face == "codex":
        return stem[-36:]
    try:
        with open(name, encoding="utf-8") as file:
            first = json.loads(file.readline())
    except (OSError, ValueError):
        return ""
    return str(first.get("sessionId", "")) if isinstance(first, dict) else ""


def _slug(folder: str, cwd: str) -> str:
    """Return the short name under which Gemini keeps a directory; its table of names is read, never written."""
    try:
        with open(os.path.join(folder, "projects.json"), encoding="utf-8") as file:
            known = json.load(file)["projects"][cwd]
    except (OSError, ValueError, LookupError, TypeError):
        known = None
    plain = re.sub(r"[^a-z0-9]+", "-", os.path.basename(cwd).lower()).strip("-")
    return known if isinstance(known, str) and known else plain or "project"


class Book(Protocol):
    """Turns moments into the lines of one provider's log."""

    usage: Usage

    def lines(self, moment: Moment, talk: Talk) -> Iterator[Line]:
        """Yield the lines of a moment, in order."""
        ...


class Transcript:
    """The log of one conversation; a log that cannot be written is given up, with the reason in ``trouble``."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self.trouble = ""

    @property
    def usage(self) -> Usage:
        """Tokens of this run."""
        return self._book.usage

    def add(self, moment: Moment, talk: Talk) -> None:
        """Append a moment's lines, one write each."""
        lines = [json.dumps(line, ensure_ascii=False) for line in self._book.lines(moment, talk)]
        if not lines or not talk.transcript_path or self.trouble:
            return
        try:
            os.makedirs(os.path.dirname(talk.transcript_path), mode=0o700, exist_ok=True)
            with open(talk.transcript_path, "ab", buffering=0) as file:
                file.writelines(line.encode("utf-8", "replace") + b"\n" for line in lines)
        except OSError as error:
            self.trouble = str(error)


def book(face: FaceName) -> Book:
    """Return the writer of a provider's lines."""
    match face:
        case "claude":
            return ClaudeBook()
        case "codex":
            return CodexBook()
        case "gemini":
            return GeminiBook()
        case "plain":
            return NoBook()


def unique(digits: int = 32) -> str:
    """Return random hexadecimal digits."""
    return os.urandom((digits + 1) // 2).hex()[:digits]


def uuid(at: float | None = None) -> str:
    """Return a random UUID; version 7 when a time is given, as Codex has them, else version 4."""
    text = unique()
    head = f"{int(at * 1000):012x}" if at is not None else text[:12]
    version = "4" if at is None else "7"
    return f"{head[:8]}-{head[8:]}-{version}{text[13:16]}-{'89ab'[int(text[16], 16) % 4]}{text[17:20]}-{text[20:]}"


def _plus(usage: Usage) -> Usage:
    return Usage(*(a + b for a, b in zip(usage, RESPONSE, strict=True)))


class NoBook:
    """Writes nothing."""

    def __init__(self) -> None:
        self.usage = Usage()

    def lines(self, moment: Moment, talk: Talk) -> Iterator[Line]:
        return iter(())


class ClaudeBook:
    """Claude's lines: a tree by parentUuid; lines of one answer share message.id and repeat its usage."""

    def __init__(self) -> None:
        self.usage = Usage()
        self._parent: str | None = None
        self._message = ""
        self._prompts = 0

    def lines(self, moment: Moment, talk: Talk) -> Iterator[Line]:
        match moment:
            case Prompted(text):
                self._prompts += 1
                self._message = ""
                yield self._user(talk, text)
            case Said(text):
                yield self._assistant(talk, {"type": "text", "text": text})
            case ToolBegan(tool):
                name = claude.tool_name(tool)
                use: Line = {"type": "tool_use", "id": tool.use_id, "name": name, "input": claude.tool_input(tool)}
                yield self._assistant(talk, use)
            case ToolEnded(tool, result):
                self._message = ""
                content = claude.tool_output(tool, result)
                failed = isinstance(result, Ran) and result.code != 0
                told = {"tool_use_id": tool.use_id, "type": "tool_result", "content": content, "is_error": failed}
                yield {**self._user(talk, [told]), "toolUseResult": claude.tool_response(tool, result)}
            case TurnEnded(seconds=seconds):
                yield self._node(talk, "system", subtype="turn_duration", durationMs=int(seconds * 1000))
            case TurnFailed(status, text):
                error: Line = {"type": "text", "text": claude.api_error(status, text)}
                yield {**self._assistant(talk, error, spend=False), "isApiErrorMessage": True}
            case TurnStopped():
                yield self._user(talk, [{"type": "text", "text": "[Request interrupted by user]"}])
            case Closed():
                yield self._cost(talk)
            case Opened() | Instructed() | ToolAsked() | Waited():
                return

    def _node(self, talk: Talk, kind: str, **extra: object) -> Line:
        parent, self._parent = self._parent, uuid()
        return {
            "parentUuid": parent,
            "isSidechain": False,
            "type": kind,
            **extra,
            "uuid": self._parent,
            "timestamp": timestamp(talk.at),
            "userType": "external",
            "entrypoint": "sdk-cli" if talk.headless else "cli",
            "cwd": talk.cwd,
            "sessionId": talk.session_id,
            "version": "2.1.329",
        }

    def _user(self, talk: Talk, content: object) -> Line:
        message = {"role": "user", "content": content}
        return self._node(talk, "user", promptId=talk.turn_id, message=message, permissionMode=talk.mode)

    def _assistant(self, talk: Talk, content: Line, *, spend: bool = True) -> Line:
        if not self._message:
            self._message = f"msg_{unique(20)}"
            self.usage = _plus(self.usage) if spend else self.usage
        cost = RESPONSE if spend else Usage()
        message = {
            "id": self._message,
            "type": "message",
            "role": "assistant",
            "model": talk.model if spend else "<synthetic>",
            "content": [content],
            "stop_reason": "tool_use" if content["type"] == "tool_use" else "end_turn",
            "stop_sequence": None,
            "usage": {
                "input_tokens": cost.input,
                "cache_creation_input_tokens": 0,
                "cache_read_input_tokens": cost.cached,
                "output_tokens": cost.output,
                "service_tier": "standard",
            },
        }
        return self._node(talk, "assistant", message=message)

    def _cost(self, talk: Talk) -> Line:
        spent = self.usage
        per_model = {
            "inputTokens": spent.input,
            "outputTokens": spent.output,
            "cacheReadInputTokens": spent.cached,
            "cacheCreationInputTokens": 0,
            "costUSD": round(spent.responses * 0.00378, 6),
        }
        return {
            "type": "cost-state",
            "sessionId": talk.session_id,
            "totalCostUSD": per_model["costUSD"],
            "modelUsage": {talk.model: per_model},
        }


class CodexBook:
    """Codex's rollout: an ordinal per line, running totals of tokens, the turn's beginning and end as events."""

    def __init__(self) -> None:
        self.usage = Usage()
        self._ordinal = 0
        self._begun = 0.0
        self._answering = False

    def lines(self, moment: Moment, talk: Talk) -> Iterator[Line]:
        for kind, payload in self._entries(moment, talk):
            yield {"timestamp": timestamp(talk.at), "ordinal": self._ordinal, "type": kind, "payload": payload}
            self._ordinal += 1

    def _entries(self, moment: Moment, talk: Talk) -> Iterator[tuple[str, Line]]:
        match moment:
            case Opened():
                yield "session_meta", self._meta(talk)
            case Prompted(text):
                self._begun = talk.at
                yield "event_msg", {"type": "task_started", **_turn(talk), "started_at": int(talk.at)}
                yield "turn_context", {**_turn(talk), "cwd": talk.cwd, "model": talk.model}
                yield "response_item", _message(talk, "user", {"type": "input_text", "text": text})
            case Said(text):
                self._answering = True
                yield "response_item", _message(talk, "assistant", {"type": "output_text", "text": text})
            case ToolBegan(tool):
                self._answering = True
                arguments = {"cmd": tool.command} if isinstance(tool, Shell) else codex.tool_input(tool)
                name = "exec_command" if isinstance(tool, Shell) else codex.tool_name(tool)
                call = {"type": "function_call", "name": name, "arguments": json.dumps(arguments)}
                yield "response_item", {**call, "call_id": tool.use_id}
            case ToolEnded(tool, result):
                output = codex.answered(result)
                yield "response_item", {"type": "function_call_output", "call_id": tool.use_id, "output": output}
                yield from self._spend(talk)
            case TurnEnded(message):
                yield from self._spend(talk)
                yield "event_msg", self._over(talk, "task_complete", last_agent_message=message)
            case TurnFailed(status, text):
                error = {"message": codex.api_error(status, text), "codex_error_info": "other"}
                yield "event_msg", self._over(talk, "task_complete", last_agent_message=None, error=error)
            case TurnStopped():
                yield "event_msg", self._over(talk, "turn_aborted", reason="interrupted")
            case Instructed() | ToolAsked() | Waited() | Closed():
                return

    def _meta(self, talk: Talk) -> Line:
        ids = {"session_id": talk.session_id, "id": talk.session_id, "timestamp": timestamp(talk.at)}
        program = {"originator": "codex-tui", "cli_version": "0.169.0", "source": "cli"}
        return {**ids, "cwd": talk.cwd, **program, "model_provider": "scripted"}

    def _spend(self, talk: Talk) -> Iterator[tuple[str, Line]]:
        if not self._answering:
            return
        self._answering = False
        self.usage = _plus(self.usage)
        total, last = _tokens(self.usage), _tokens(RESPONSE)
        ids = {"thread_id": talk.session_id, **_turn(talk)}
        yield "token_usage_record", {**ids, "session_id": talk.session_id, "usage": last}
        info = {"total_token_usage": total, "last_token_usage": last, "model_context_window": 258_400}
        yield "event_msg", {"type": "token_count", "info": info, "rate_limits": None}

    def _over(self, talk: Talk, kind: str, **extra: object) -> Line:
        self._answering = False
        times = {"started_at": int(self._begun), "completed_at": int(talk.at)}
        return {"type": kind, **_turn(talk), **extra, **times, "duration_ms": int((talk.at - self._begun) * 1000)}


def _turn(talk: Talk) -> Line:
    return {"root_turn_id": talk.turn_id, "turn_id": talk.turn_id}


def _message(talk: Talk, role: str, content: Line) -> Line:
    return {"type": "message", "id": f"msg_{uuid(talk.at)}", "role": role, "content": [content]}


def _tokens(usage: Usage) -> Line:
    return {
        "input_tokens": usage.input,
        "cached_input_tokens": usage.cached,
        "cache_write_input_tokens": 0,
        "output_tokens": usage.output,
        "reasoning_output_tokens": 0,
        "total_tokens": usage.input + usage.output,
    }


class GeminiBook:
    """Gemini's chat: a line about the session, then messages; an answer is one message with its tools and tokens."""

    def __init__(self) -> None:
        self.usage = Usage()
        self._said: list[str] = []
        self._calls: list[Line] = []

    def lines(self, moment: Moment, talk: Talk) -> Iterator[Line]:
        match moment:
            case Opened("startup"):
                yield self._session(talk)
            case Prompted(text):
                yield {**_stamped(talk, "user"), "content": [{"text": text}]}
                yield {"$set": {"lastUpdated": timestamp(talk.at)}}
            case Said(text):
                self._said.append(text)
            case ToolEnded(tool, result):
                output = result.output if isinstance(result, Ran) else result.answer
                call = {"id": tool.use_id, "name": gemini.tool_name(tool), "args": gemini.tool_input(tool)}
                self._calls.append({**call, "status": "success", "resultDisplay": output})
                yield self._answer(talk)
            case TurnEnded():
                if self._said:
                    yield self._answer(talk)
            case TurnFailed(status, text):
                self._said.clear()
                yield {**_stamped(talk, "error"), "content": f"[API Error: {gemini.api_error(status, text)}]"}
            case TurnStopped():
                self._said.clear()
                yield {**_stamped(talk, "info"), "content": "Request cancelled."}
            case Opened() | Instructed() | ToolBegan() | ToolAsked() | Waited() | Closed():
                return

    def _session(self, talk: Talk) -> Line:
        now = timestamp(talk.at)
        times = {"startTime": now, "lastUpdated": now}
        return {"sessionId": talk.session_id, "projectHash": "0" * 64, **times, "kind": "main"}

    def _answer(self, talk: Talk) -> Line:
        self.usage = _plus(self.usage)
        tokens = {
            "input": RESPONSE.input,
            "output": RESPONSE.output,
            "cached": RESPONSE.cached,
            "thoughts": 0,
            "tool": 0,
            "total": RESPONSE.input + RESPONSE.output,
        }
        content, calls = "\n".join(self._said), self._calls
        self._said, self._calls = [], []
        used: Line = {"toolCalls": calls} if calls else {}
        told: Line = {"content": content, "thoughts": [], "tokens": tokens, "model": talk.model}
        return {**_stamped(talk, "gemini"), **told, **used}


def _stamped(talk: Talk, kind: str) -> Line:
    return {"id": unique(), "timestamp": timestamp(talk.at), "type": kind}
