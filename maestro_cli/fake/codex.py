"""How Codex 0.169.0 looks and which hooks it calls (measured in a 120x40 pane)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import ClassVar

from maestro_cli.fake.cells import Row, Style, block, clean
from maestro_cli.fake.face import (
    Call,
    Dialog,
    Face,
    Option,
    Usage,
    View,
    clock,
    draft_rows,
    options_rows,
    span,
)
from maestro_cli.fake.moments import (
    Answered,
    Closed,
    Instructed,
    Moment,
    Opened,
    Prompted,
    Question,
    Ran,
    Result,
    Said,
    Shell,
    Talk,
    Tool,
    ToolAsked,
    ToolBegan,
    ToolEnded,
    TurnEnded,
    TurnFailed,
    TurnStopped,
    Waited,
)
from maestro_cli.fake.terminal import Live

SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
THREAD = "Scripted session"


class Codex(Face):
    """Codex: its title tells the state, its conversation begins with the first prompt."""

    name: ClassVar[str] = "codex"
    model: ClassVar[str] = "gpt-5.4"
    opens_at_prompt: ClassVar[bool] = True

    def version(self, number: str | None) -> str:
        return f"codex-cli {number or '0.169.0'}"

    def title(self, view: View) -> str | None:
        folder = clean(view.talk.cwd.rstrip("/").rpartition("/")[2] or "/").replace("\n", " ")
        plain = f"{THREAD} | {folder}" if view.turns else folder
        if view.phase == "working":
            return f"{SPINNER[view.frame % len(SPINNER)]} {plain}"
        if view.phase == "asking" and view.dialog and view.dialog.kind == "permission":
            return f"[ {'.!'[view.frame // 4 % 2]} ] Action Required | {plain}"
        return None if view.phase in ("starting", "asking") else plain

    def banner(self, talk: Talk) -> list[Row]:
        number = self.version(None).removeprefix("codex-cli ")
        return [Row(""), Row(f"  >_ OpenAI Codex (v{number}), scripted", "bold"), Row(f"     {talk.cwd}"), Row("")]

    def echo(self, prompt: str, width: int) -> list[Row]:
        return [Row(""), *block(prompt, first="› ", rest="  ", width=width, style="bold"), Row("")]

    def activity(self, tool: Tool, *, asked: bool) -> tuple[Row, ...]:
        del asked
        match tool:
            case Shell(command):
                return (Row(f"◦ Running {' '.join(command.split())}"), Row(""))
            case Question():
                return ()

    def rows(self, moment: Moment, talk: Talk, width: int) -> list[Row]:
        match moment:
            case Said(text):
                return [*block(text, first="• ", rest="  ", width=width), Row("")]
            case ToolEnded(Shell(command), Ran(code, output)):
                shown = output.rstrip("\n") or "(no output)"
                style: Style = "plain" if code == 0 else "bad"
                ran = block(command, first="• Ran ", rest="  │ ", width=width, style="bold")
                return [*ran, *block(shown, first="  └ ", rest="    ", width=width, style=style), Row("")]
            case TurnEnded(seconds=seconds):
                lasted = span(seconds) if seconds >= 1 else "<1s"
                return [Row(f"  Worked for {lasted} • {_clock(talk.at)}", "dim")]
            case TurnFailed(status, text):
                return [*block(api_error(status, text), first="■ ", rest="  ", width=width, style="bad")]
            case TurnStopped():
                return [Row("■ Conversation interrupted - use /feedback if something went wrong", "bad")]
            case Opened() | Instructed() | Prompted() | ToolBegan() | ToolAsked() | ToolEnded() | Waited() | Closed():
                return []

    def live(self, view: View, width: int) -> Live:
        rows = [Row(""), *view.activity] if view.phase == "working" else [*view.activity]
        if view.dialog:
            options = options_rows(view.dialog, view.chosen, mark="› ", gap="  ")
            return Live((*rows, Row(""), *view.dialog.head, *options, *view.dialog.foot), len(rows) + 1, 0)
        if view.phase == "working":
            dot = "•◦"[view.frame // 3 % 2]
            rows += [Row(f"{dot} {view.word or 'Working'} ({span(view.elapsed_s)} • esc to interrupt)"), Row("")]
        rows += [Row(f"  ↳ {clean(text).split(chr(10))[0]}", "dim") for text in view.queued]
        drawn, column = draft_rows(view.draft or "Ask Codex to do anything", first="› ", rest="  ", width=width)
        above = len(rows) + len(drawn)
        named = f" · {THREAD}" if view.turns else ""
        status = Row(f"  {view.talk.model} default · {view.talk.cwd}{named}", "dim")
        rows += [Row(""), *drawn, Row(""), status, Row(f"  {view.hint or '? for shortcuts'}", "dim")]
        return Live(tuple(rows), above, column if view.draft else 2, visible=True)

    def permission(self, tool: Shell, talk: Talk, width: int) -> Dialog:
        start = tool.command.split(maxsplit=2)
        head = (
            Row("  Would you like to run the following command?", "bold"),
            Row(""),
            Row("  Environment: local"),
            Row(""),
            Row("  Reason: The script asks for it"),
            Row(""),
            *block(tool.command, first="  $ ", rest="    ", width=width),
            Row(""),
        )
        options = (
            Option("Yes, proceed (y)", "yes", "y"),
            Option(f"Yes, and don't ask again for commands that start with `{' '.join(start[:2])}` (p)", "always", "p"),
            Option("No, and tell Codex what to do differently (esc)", "no", "n"),
        )
        foot = (Row(""), Row("  Press enter to confirm or esc to cancel", "dim"))
        return Dialog("permission", head, options, foot)

    def question(self, tool: Question, talk: Talk, width: int) -> Dialog | None:
        return None

    def trust(self, talk: Talk, width: int) -> Dialog:
        head = (
            Row("  Folder access", "bold"),
            Row(f"  {talk.cwd}"),
            Row(""),
            Row("  Trust this folder? Codex can read, edit, and run files here."),
            Row(""),
        )
        options = (Option("Trust and continue", "yes"), Option("Back to Agent Command Center", "leave"))
        return Dialog("trust", head, options, (Row(""), Row("  enter continue · esc back", "dim")), cancel="leave")

    def review(self, count: int) -> Dialog | None:
        head = (
            Row("  Hooks need review", "bold"),
            Row(f"  {count} hooks are new or changed."),
            Row("  Hooks can run outside the sandbox after you trust them."),
            Row(""),
        )
        options = (
            Option("Review hooks", "no"),
            Option("Trust all and continue", "yes"),
            Option("Continue without trusting (hooks won't run)", "no"),
        )
        return Dialog("review", head, options, (Row(""), Row("  enter confirm · esc skip", "dim")))

    def placeholder(self, text: str) -> str:
        return f"[Pasted Content {len(text)} chars]"

    def farewell(self, talk: Talk, usage: Usage, width: int) -> list[Row]:
        fresh = usage.input - usage.cached
        return [
            Row(
                f"Token usage: total={fresh + usage.output:,} input={fresh:,} "
                f"(+ {usage.cached:,} cached) output={usage.output:,}"
            ),
            Row("To continue this session, run:"),
            Row(f"  codex resume {talk.session_id}"),
            Row(f"Or run codex resume and select {THREAD}."),
        ]

    def hooks(self, moment: Moment, talk: Talk) -> list[Call]:
        match moment:
            case Opened(source):
                return [_call(talk, "SessionStart", source, {"source": source}, turn=False)]
            case Prompted(text):
                return [_call(talk, "UserPromptSubmit", "", {"prompt": text})]
            case ToolBegan(tool):
                return [_call(talk, "PreToolUse", tool_name(tool), {**_tool(tool), "tool_use_id": tool.use_id})]
            case ToolAsked(tool):
                asked = {**_tool(tool), "tool_input": {**tool_input(tool), "description": "The script asks for it"}}
                return [_call(talk, "PermissionRequest", tool_name(tool), asked)]
            case ToolEnded(tool, Ran() as ran):
                extra = {"tool_response": ran.output, "tool_use_id": tool.use_id}
                return [_call(talk, "PostToolUse", tool_name(tool), {**_tool(tool), **extra})]
            case TurnEnded(message, again=again):
                return [_call(talk, "Stop", "", {"stop_hook_active": again, "last_assistant_message": message})]
            case TurnStopped():
                return [_call(talk, "Interrupt", "", {})]
            case Closed("exit" | "end"):
                return [Call("SessionEnd", "other", _ending(talk))]
            case Closed() | Instructed() | Said() | ToolEnded() | TurnFailed() | Waited():
                return []


def tool_name(tool: Tool) -> str:
    """Return what Codex calls a tool in its hooks."""
    match tool:
        case Shell():
            return "Bash"
        case Question():
            return "request_user_input"


def tool_input(tool: Tool) -> dict[str, object]:
    """Return a tool's input as Codex's hooks spell it."""
    match tool:
        case Shell(command):
            return {"command": command}
        case Question(text, options):
            choices = [{"label": label, "description": label} for label in options]
            return {"questions": [{"id": "q1", "header": "Pick", "question": text, "options": choices}]}


def api_error(status: int, text: str) -> str:
    """Return the error body that is shown."""
    return json.dumps({"error": {"message": text, "type": "scripted", "code": None, "status": status}})


def answered(result: Result) -> str:
    """Return a tool's result as the model reads it."""
    match result:
        case Ran(code, output, duration_ms):
            return f"Wall time: {duration_ms / 1000:.4f} seconds\nProcess exited with code {code}\nOutput:\n{output}"
        case Answered(answer):
            return json.dumps({"answers": {"q1": {"answers": [answer]}}})


def _call(talk: Talk, event: str, subject: str, extra: Mapping[str, object], *, turn: bool = True) -> Call:
    payload: dict[str, object] = {"session_id": talk.session_id}
    if turn:
        payload["turn_id"] = talk.turn_id
    return Call(
        event,
        subject,
        {
            **payload,
            "transcript_path": talk.transcript_path,
            "cwd": talk.cwd,
            "hook_event_name": event,
            "model": talk.model,
            "permission_mode": talk.mode,
            **extra,
        },
    )


def _ending(talk: Talk) -> dict[str, object]:
    return {
        "session_id": talk.session_id,
        "transcript_path": talk.transcript_path,
        "cwd": talk.cwd,
        "hook_event_name": "SessionEnd",
        "reason": "other",
    }


def _tool(tool: Tool) -> dict[str, object]:
    return {"tool_name": tool_name(tool), "tool_input": tool_input(tool)}


def _clock(at: float) -> str:
    return clock(at, "%H:%M").rjust(5, "0")
