"""How Gemini CLI 0.61.0 looks and which hooks it calls (measured in a 120x40 pane)."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import ClassVar

from maestro_cli.fake.cells import Row, block, clean, pad
from maestro_cli.fake.face import (
    Call,
    Dialog,
    Face,
    Option,
    Usage,
    View,
    draft_rows,
    options_rows,
    span,
    timestamp,
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
TITLE_WIDTH = 80
NO_TEXT = "[no response text]"


class Gemini(Face):
    """Gemini: deaf to SIGTERM and SIGHUP, swallows an Enter right after a paste, AfterAgent even on Escape."""

    name: ClassVar[str] = "gemini"
    model: ClassVar[str] = "gemini-2.5-flash"
    swallow_s: ClassVar[float] = 0.06
    ignored: ClassVar[tuple[str, ...]] = ("SIGTERM", "SIGHUP")
    clears_lines: ClassVar[bool] = False
    paste_lines: ClassVar[int] = 5

    def version(self, number: str | None) -> str:
        return number or "0.61.0"

    def title(self, view: View) -> str | None:
        folder = clean(view.talk.cwd.rstrip("/").rpartition("/")[2] or "/").replace("\n", " ")
        state = {"working": "✦  Working…", "asking": "✋  Action Required"}.get(view.phase, "◇  Ready")
        if view.dialog and view.dialog.kind == "trust":
            state = "◇  Ready"
        return f"{state} ({folder})"[:TITLE_WIDTH].ljust(TITLE_WIDTH)

    def banner(self, talk: Talk) -> list[Row]:
        return [Row(""), Row(f"  ◆  Gemini CLI v{self.version(None)}, scripted", "bold"), Row("")]

    def echo(self, prompt: str, width: int) -> list[Row]:
        told = block(prompt, first=" > ", rest="   ", width=width)
        return [Row("▄" * width, "dim"), *told, Row("▀" * width, "dim")]

    def activity(self, tool: Tool, *, asked: bool) -> tuple[Row, ...]:
        match tool:
            case Shell(command) if not asked:
                return (Row(f"⊷ Shell {' '.join(command.split())}"), Row(""))
            case Shell() | Question():
                return ()

    def rows(self, moment: Moment, talk: Talk, width: int) -> list[Row]:
        match moment:
            case Said(text):
                return block(text, first="✦ ", rest="  ", width=width)
            case ToolEnded(tool, result):
                return [Row(""), *_box(_tool_rows(tool, result, width - 8), width - 4), Row("")]
            case TurnFailed(status, text):
                error = block(
                    f"[API Error: {api_error(status, text)}]", first="✕ ", rest="  ", width=width, style="bad"
                )
                return [*error, Row(""), Row("ℹ This request failed. Press F12 for diagnostics.", "dim"), Row("")]
            case TurnStopped():
                return [Row(""), Row("ℹ Request cancelled.", "dim"), Row("")]
            case Opened() | Instructed() | Prompted() | ToolBegan() | ToolAsked() | TurnEnded() | Waited() | Closed():
                return []

    def live(self, view: View, width: int) -> Live:
        rows = [*view.activity]
        if view.dialog:
            options = options_rows(view.dialog, view.chosen, mark="● ", gap="  ")
            rows += _box([*view.dialog.head, Row(""), *options, *view.dialog.foot], width)
            return Live((*rows, Row("")), 0, 0)
        rows += [Row(f"  › {clean(text).split(chr(10))[0]}", "dim") for text in view.queued]
        rows += [Row(""), self._status(view, width), Row("─" * width, "dim")]
        rows += [Row(f" {view.hint or 'Shift+Tab to accept edits'}", "dim"), Row("▄" * width, "dim")]
        empty = "  Type your message or @path/to/file"
        drawn, column = draft_rows(view.draft or empty, first=" > ", rest="   ", width=width)
        above = len(rows) + len(drawn) - 1
        rows += [*drawn, Row("▀" * width, "dim"), *_footer(view.talk, width)]
        return Live(tuple(rows), above, column if view.draft else 3)

    def _status(self, view: View, width: int) -> Row:
        if view.phase != "working":
            return Row("? for shortcuts".rjust(width - 1), "dim")
        word = view.retry or view.word or "Working"
        return Row(f" {SPINNER[view.frame % len(SPINNER)]} {word}… (esc to cancel, {span(view.elapsed_s)})", "accent")

    def permission(self, tool: Shell, talk: Talk, width: int) -> Dialog:
        inner = _box(block(tool.command, first="", rest="", width=width - 8), width - 4)
        head = (*block(tool.command, first="? Shell  ", rest="         ", width=width - 4), *inner)
        options = (
            Option("Allow once", "yes"),
            Option("Allow for this session", "always"),
            Option("No, suggest changes (esc)", "no"),
        )
        return Dialog("permission", (*head, Row("Allow execution of [Shell]?")), options, (), boxed=True)

    def question(self, tool: Question, talk: Talk, width: int) -> Dialog | None:
        head = block(tool.text, first="? ", rest="  ", width=width - 4, style="bold")
        options = tuple(Option(label, label) for label in tool.options)
        foot = (Row(""), Row("Enter to select · ↑/↓ to navigate · Esc to cancel", "dim"))
        return Dialog("question", tuple(head), options, foot, cancel="", boxed=True)

    def trust(self, talk: Talk, width: int) -> Dialog:
        head = (
            Row("Do you trust the files in this folder?", "bold"),
            Row(""),
            Row("Trusting a folder allows Gemini CLI to load its local configurations."),
            Row(""),
        )
        parts = [part for part in talk.cwd.split("/") if part] or ["/"]
        options = (
            Option(f"Trust folder ({parts[-1]})", "yes"),
            Option(f"Trust parent folder ({parts[-2] if len(parts) > 1 else '/'})", "yes"),
            Option("Don't trust", "no"),
        )
        return Dialog("trust", head, options, (Row(""),), boxed=True)

    def handed(self, prompt: str, *, pasted: bool) -> str:
        return prompt.strip()

    def placeholder(self, text: str) -> str:
        return f"[Pasted Text: {text.count(chr(10)) + 1} lines]"

    def farewell(self, talk: Talk, usage: Usage, width: int) -> list[Row]:
        head = f"{'Model':<32}{'Reqs':>4}{'Input Tokens':>15}{'Cache Reads':>14}{'Output Tokens':>15}"
        fresh = usage.input - usage.cached
        spent = f"{talk.model:<32}{usage.responses:>4}{fresh:>15,}{usage.cached:>14,}{usage.output:>15,}"
        rows = [
            Row(""),
            Row(" Agent powering down. Goodbye!", "bold"),
            Row(""),
            Row(" Interaction Summary"),
            Row(f" Session ID:                 {talk.session_id}"),
            Row(""),
            Row(f" {head}"),
            Row(f" {spent}"),
            Row(f" To resume this session: gemini --resume {talk.session_id}"),
        ]
        return _box(rows, width)

    def environment(self, talk: Talk, *, hook: str | None) -> Mapping[str, str]:
        if hook is None:
            return {"GEMINI_CLI": "1"}
        return {
            "GEMINI_SESSION_ID": talk.session_id,
            "GEMINI_PROJECT_DIR": talk.cwd,
            "GEMINI_CWD": talk.cwd,
            "CLAUDE_PROJECT_DIR": talk.cwd,
        }

    def hooks(self, moment: Moment, talk: Talk) -> list[Call]:
        match moment:
            case Opened(source):
                return [_call(talk, "SessionStart", source, {"source": source})]
            case Prompted(text):
                return [_call(talk, "BeforeAgent", "", {"prompt": text}), _compress(talk)]
            case ToolBegan(tool):
                return [_call(talk, "BeforeTool", tool_name(tool), _tool(tool))]
            case ToolAsked(tool):
                return [_call(talk, "Notification", "ToolPermission", _permission(tool))]
            case ToolEnded(tool, result):
                extra = {**_tool(tool), "tool_response": tool_response(result, headless=talk.headless)}
                return [_call(talk, "AfterTool", tool_name(tool), extra), _compress(talk)]
            case TurnEnded(spoken=spoken, again=again):
                return [_after(talk, f"{spoken} ", again=again)]
            case TurnStopped() | TurnFailed():
                return [_after(talk, NO_TEXT)]
            case Closed(reason):
                times = 2 if reason == "exit" else 1
                return [_call(talk, "SessionEnd", "exit", {"reason": "exit"})] * times
            case Instructed() | Said() | Waited():
                return []


def tool_name(tool: Tool) -> str:
    """Return what Gemini calls a tool."""
    match tool:
        case Shell():
            return "run_shell_command"
        case Question():
            return "ask_user"


def tool_input(tool: Tool) -> dict[str, object]:
    """Return a tool's input as Gemini spells it."""
    match tool:
        case Shell(command):
            return {"command": command, "description": "Run the scripted command"}
        case Question(text, options):
            choices = [{"label": label, "description": label} for label in options]
            return {"questions": [{"question": text, "header": "Pick", "type": "choice", "options": choices}]}


def tool_response(result: Result, *, headless: bool) -> dict[str, object]:
    """Return a tool's result as hooks hold it: in a terminal the output comes as styled cells."""
    match result:
        case Ran(code, output, _, pgid):
            ended = f"Exit Code: {code}\n" if code else ""
            shown = output.rstrip("\n") or "(empty)"
            text = f"<untrusted_context>\nOutput: {shown}\n{ended}Process Group PGID: {pgid}\n</untrusted_context>"
            display: object = "" if headless else [[_cell(line)] for line in output.rstrip("\n").split("\n")[-50:]]
            return {"llmContent": text, "returnDisplay": display}
        case Answered(answer):
            return {"llmContent": json.dumps({"answers": {"0": answer}}), "returnDisplay": f"User answered: {answer}"}


def api_error(status: int, text: str) -> str:
    """Return the error body that is shown."""
    return json.dumps({"error": {"code": status, "message": text, "status": "UNAVAILABLE"}}, separators=(",", ":"))


def _cell(line: str) -> dict[str, object]:
    flags = {"bold": False, "italic": False, "underline": False, "dim": False, "inverse": False}
    return {"text": line, **flags, "isUninitialized": False, "fg": "", "bg": ""}


def _call(talk: Talk, event: str, subject: str, extra: Mapping[str, object]) -> Call:
    return Call(
        event,
        subject,
        {
            "session_id": talk.session_id,
            "transcript_path": talk.transcript_path,
            "cwd": talk.cwd,
            "hook_event_name": event,
            "timestamp": timestamp(talk.at),
            **extra,
        },
    )


def _compress(talk: Talk) -> Call:
    return _call(talk, "PreCompress", "auto", {"trigger": "auto"})


def _after(talk: Talk, response: str, *, again: bool = False) -> Call:
    extra = {"prompt": talk.prompt, "prompt_response": response, "stop_hook_active": again}
    return _call(talk, "AfterAgent", "", extra)


def _tool(tool: Tool) -> dict[str, object]:
    return {"tool_name": tool_name(tool), "tool_input": tool_input(tool)}


def _permission(tool: Tool) -> dict[str, object]:
    match tool:
        case Shell(command):
            message = "Tool Confirm Shell Command requires execution"
            asked = {"command": command, "rootCommand": root_command(command)}
            details: dict[str, object] = {"type": "exec", "title": "Confirm Shell Command", **asked}
            return {"notification_type": "ToolPermission", "message": message, "details": details}
        case Question():
            message = "Tool Ask User requires confirmation"
            details = {"type": "ask_user", "title": "Ask User", **tool_input(tool)}
            return {"notification_type": "ToolPermission", "message": message, "details": details}


def root_command(command: str) -> str:
    """Return the programs that a shell line names, as Gemini lists them."""
    lexer = shlex.shlex(command, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    try:
        words = list(lexer)
    except ValueError:
        words = command.split()
    roots: list[str] = []
    expected = True
    for word in words:
        if word and set(word) <= set("();<>|&"):
            expected = word not in ("<", ">", ">>")
        elif expected:
            roots.append(word)
            expected = False
    return ", ".join(roots)


def _tool_rows(tool: Tool, result: Result, width: int) -> list[Row]:
    match result:
        case Ran(code, output):
            command = tool.command if isinstance(tool, Shell) else ""
            mark = "✓" if code == 0 else "x"
            head = block(command, first=f"{mark}  Shell ", rest="   ", width=width, style="bold")
            tail = [Row(f"Command exited with code {code}", "bad")] if code else []
            return [*head, Row(""), *block(output.rstrip("\n"), first="", rest="", width=width), *tail, Row("")]
        case Answered(answer):
            return [*block(f"User answered: {answer}", first="✓  ", rest="   ", width=width)]


def _box(rows: list[Row], width: int) -> list[Row]:
    inner = width - 4
    body = [Row(f"│ {pad(row.text, inner)} │", row.style) for row in rows]
    return [Row(f"╭{'─' * (width - 2)}╮"), *body, Row(f"╰{'─' * (width - 2)}╯")]


def _footer(talk: Talk, width: int) -> list[Row]:
    left, right = max(width // 2 - 4, 12), 18
    middle = max(width - left - right - 1, 10)
    head = f" {pad('workspace (/directory)', left)}{pad('sandbox', middle)}{'/model'.rjust(right - 1)}"
    body = f" {pad(talk.cwd, left)}{pad('no sandbox', middle)}{talk.model.rjust(right - 1)}"
    return [Row(head, "dim"), Row(body, "dim")]
