"""What the programs print without a terminal: text, one JSON document, or JSON lines; pure."""

from __future__ import annotations

import json

from maestro_cli.fake.arguments import FaceName
from maestro_cli.fake.face import Usage
from maestro_cli.fake.moments import Talk


def answer(face: FaceName, form: str, talk: Talk, *, message: str, usage: Usage, error: str) -> str:
    """Return the whole standard output of a run without a terminal."""
    if form == "text" or face == "plain":
        return f"{error or message}\n"
    if face == "claude":
        lines = _claude(form, talk, message, usage, error)
    elif face == "codex":
        lines = _codex(talk, message, usage, error)
    else:
        lines = [{"session_id": talk.session_id, "response": message, "stats": _gemini(talk, usage)}]
        if error:
            lines = [{"session_id": talk.session_id, "error": {"type": "Error", "message": error, "code": 1}}]
    return "".join(f"{json.dumps(line)}\n" for line in lines)


def _claude(form: str, talk: Talk, message: str, usage: Usage, error: str) -> list[dict[str, object]]:
    tokens = {
        "input_tokens": usage.input,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": usage.cached,
        "output_tokens": usage.output,
    }
    result: dict[str, object] = {
        "type": "result",
        "subtype": "success",
        "is_error": bool(error),
        "num_turns": 1,
        "result": error or message,
        "session_id": talk.session_id,
        "total_cost_usd": round(usage.responses * 0.00378, 6),
        "usage": tokens,
    }
    if form == "json":
        return [result]
    ids = {"session_id": talk.session_id}
    first: dict[str, object] = {"type": "system", "subtype": "init", "cwd": talk.cwd, "model": talk.model, **ids}
    said = {"role": "assistant", "content": [{"type": "text", "text": message}]}
    return [first, {"type": "assistant", "message": said, **ids}, result]


def _codex(talk: Talk, message: str, usage: Usage, error: str) -> list[dict[str, object]]:
    started: list[dict[str, object]] = [
        {"type": "thread.started", "thread_id": talk.session_id},
        {"type": "turn.started"},
    ]
    if error:
        return [*started, {"type": "turn.failed", "error": {"message": error}}]
    tokens = {
        "input_tokens": usage.input,
        "cached_input_tokens": usage.cached,
        "output_tokens": usage.output,
    }
    item = {"id": "item_0", "type": "agent_message", "text": message}
    return [*started, {"type": "item.completed", "item": item}, {"type": "turn.completed", "usage": tokens}]


def _gemini(talk: Talk, usage: Usage) -> dict[str, object]:
    tokens = {
        "prompt": usage.input,
        "candidates": usage.output,
        "cached": usage.cached,
        "total": usage.input + usage.output,
    }
    return {"models": {talk.model: {"api": {"totalRequests": usage.responses}, "tokens": tokens}}}
