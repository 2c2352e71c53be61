"""How Claude Code 2.1.329 looks and which hooks it calls (measured in a 120x40 pane)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from maestro_cli.fake.cells import Row, Style, block, measure
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

NBSP = "\N{NO-BREAK SPACE}"
HANG = f"  ⎿ {NBSP}"
SPINNER = "·✢✳✶✻✽"
PASTE_CHARS = 2_000

FOOTERS = {
    "default": "⏸ manual mode on",
    "auto": "⏵⏵ auto mode on (shift+tab to cycle)",
    "acceptEdits": "⏵⏵ accept edits on (shift+tab to cycle)",
    "bypassPermissions": "⏵⏵ bypass permissions on (shift+tab to cycle)",
    "plan": "⏸ plan mode on (shift+tab to cycle)",
}


class Claude(Face):
    """Claude Code: a title that never changes, hooks for nearly everything, none on Escape."""

    name: ClassVar[str] = "claude"
    model: ClassVar[str] = "claude-opus-5-5"
    goodbye: ClassVar[tuple[str, ...]] = ("SIGTERM", "SIGHUP")
    announces_queued: ClassVar[bool] = True
    restores_prompt: ClassVar[bool] = True

    def version(self, number: str | None) -> str:
        return f"{number or '2.1.329'} (Claude Code)"

    def title(self, view: View) -> str | None:
        return None if view.phase == "starting" else f"✳ {view.talk.name or 'Claude Code'}"

    def banner(self, talk: Talk) -> list[Row]:
        return [
            Row(f"   *     {self.version(None).removesuffix(' (Claude Code)')} Claude Code, scripted", "bold"),
            Row(f" * * *   {talk.model} · no tokens used", "dim"),
            Row(f"   *     {talk.cwd}", "dim"),
            Row(""),
        ]

    def echo(self, prompt: str, width: int) -> list[Row]:
        return [*block(prompt, first="❯ ", rest="  ", width=width, style="bold"), Row("")]

    def activity(self, tool: Tool, *, asked: bool) -> tuple[Row, ...]:
        match tool:
            case Shell(command):
                state = "Waiting…" if asked else "Running…"
                return (Row(f"● Bash({_one_line(command)})"), Row(HANG + state, "dim"), Row(""))
            case Question():
                return ()

    def rows(self, moment: Moment, talk: Talk, width: int) -> list[Row]:
        match moment:
            case Said(text):
                return [*block(text, first="● ", rest="  ", width=width), Row("")]
            case ToolEnded(tool, result):
                return [*_tool_rows(tool, result, width), Row("")]
            case TurnEnded(seconds=seconds):
                return [Row(f"✻ Baked for {span(seconds)} · done {clock(talk.at, '%I:%M %p')}", "dim"), Row("")]
            case TurnFailed(status, text):
                error = api_error(status, text)
                return [*block(error, first="● ", rest="  ", width=width, style="bad"), Row("")]
            case TurnStopped():
                return [Row(f"{HANG}Interrupted · What should Claude do instead?", "dim"), Row("")]
            case Opened() | Instructed() | Prompted() | ToolBegan() | ToolAsked() | Waited() | Closed():
                return []

    def live(self, view: View, width: int) -> Live:
        rows = [*_queued(view, width), *view.activity]
        rule = Row(_rule(view.talk.name, width), "dim")
        if view.dialog:
            return Live((*rows, *self._dialog(view.dialog, view.chosen, width), rule), len(rows), 0)
        if view.phase == "working":
            rows += [self._spinner(view), Row("")]
        empty = "Press up to edit queued messages" if view.queued else ""
        drawn, column = draft_rows(view.draft or empty, first=f"❯{NBSP}", rest="  ", width=width)
        above = len(rows) + len(drawn)
        column = column if view.draft else 2
        footer = Row(f"  {view.hint or self._footer(view)}", "dim")
        return Live(
            (*rows, Row(_rule(view.talk.name, width), "dim"), *drawn, rule._replace(text="─" * width), footer),
            above,
            column,
        )

    def _footer(self, view: View) -> str:
        mode = FOOTERS.get(view.talk.mode, FOOTERS["default"])
        return f"{mode} · {'esc to interrupt' if view.phase == 'working' else '? for shortcuts'}"

    def _spinner(self, view: View) -> Row:
        if view.retry:
            return Row(f"✻ {view.retry}", "accent")
        spent = f" ({span(view.elapsed_s)} · ↓ 42 tokens)" if view.elapsed_s >= 1 else ""
        return Row(f"{SPINNER[view.frame % len(SPINNER)]} {view.word or 'Scripting'}…{spent}", "accent")

    def _dialog(self, dialog: Dialog, chosen: int, width: int) -> list[Row]:
        indent = "" if dialog.kind == "question" else " "
        options = options_rows(dialog, chosen, mark=f"{indent}❯ ", gap=f"{indent}  ")
        if dialog.kind == "question":
            options.insert(len(options) - 1, Row("─" * width, "dim"))
        return [*dialog.head, *options, *dialog.foot]

    def permission(self, tool: Shell, talk: Talk, width: int) -> Dialog:
        dots = Row("╌" * width, "dim")
        return Dialog(
            "permission",
            (
                Row("─" * width, "accent"),
                Row(" Bash command", "bold"),
                Row(" Run the scripted command", "dim"),
                dots,
                *block(tool.command, first=" ", rest=" ", width=width),
                dots,
                Row(" Do you want to proceed?"),
            ),
            (
                Option("Yes", "yes"),
                Option(f"Yes, and always allow access to {talk.cwd} from this project", "always"),
                Option("No", "no"),
            ),
            (Row(""), Row(" Esc to cancel · Tab to amend", "dim")),
        )

    def question(self, tool: Question, talk: Talk, width: int) -> Dialog | None:
        labels = (*tool.options, "Type something.")
        return Dialog(
            "question",
            (
                Row("─" * width, "accent"),
                Row(" ☐ Pick"),
                Row(""),
                *block(tool.text, first="", rest="", width=width, style="bold"),
                Row(""),
            ),
            (*(Option(label, label) for label in labels), Option("Chat about this", "")),
            (Row(""), Row("Enter to select · ↑/↓ to navigate · Esc to cancel", "dim")),
            cancel="",
        )

    def trust(self, talk: Talk, width: int) -> Dialog:
        return Dialog(
            "trust",
            (
                Row("─" * width, "accent"),
                Row(" Accessing workspace:", "bold"),
                Row(""),
                Row(f" {talk.cwd}"),
                Row(""),
                Row(" Quick safety check: Is this a project you created or one you trust?"),
                Row(""),
            ),
            (Option("No, exit", "leave"), Option("Yes, I trust this folder", "yes")),
            (Row(""), Row(" Enter to confirm · Esc to cancel", "dim")),
            cancel="leave",
            numbered=False,
        )

    def retries(self, status: int, text: str) -> tuple[str, ...]:
        if status not in (401, 408, 429) and status < 500:
            return ()
        return tuple(f"{status} {text} · retrying in 1s · attempt {n}/10" for n in range(1, 4))

    def handed(self, prompt: str, *, pasted: bool) -> str:
        if not pasted or (prompt.count("\n") < self.paste_lines and len(prompt) < PASTE_CHARS):
            return prompt
        mark = f'pasted_content id="{len(prompt) & 0xFFFF:04x}"'
        return f"<{mark}>\n{prompt}\n</{mark}>"

    def placeholder(self, text: str) -> str:
        return f"[Pasted text #1 +{text.count(chr(10))} lines]"

    def farewell(self, talk: Talk, usage: Usage, width: int) -> list[Row]:
        return [Row("Resume this session with:"), Row(f"claude --resume {talk.session_id}")]

    def environment(self, talk: Talk, *, hook: str | None) -> Mapping[str, str]:
        common = {
            "CLAUDECODE": "1",
            "CLAUDE_CODE_SESSION_ID": talk.session_id,
            "CLAUDE_CODE_ENTRYPOINT": "sdk-cli" if talk.headless else "cli",
        }
        return common if hook is None else {**common, "CLAUDE_PROJECT_DIR": talk.cwd}

    def hooks(self, moment: Moment, talk: Talk) -> list[Call]:
        match moment:
            case Opened() | Instructed() | Waited() | Closed():
                return [_outside(moment, talk)]
            case Prompted(text):
                return [_call(talk, "UserPromptSubmit", "", {"prompt": text, **_named(talk)})]
            case ToolBegan(tool):
                return [_call(talk, "PreToolUse", tool_name(tool), {**_tool(tool), "tool_use_id": tool.use_id})]
            case ToolAsked(tool):
                return [_call(talk, "PermissionRequest", tool_name(tool), {**_tool(tool), **_suggestions(tool, talk)})]
            case ToolEnded(tool, result):
                return _ended(talk, tool, result)
            case TurnEnded(message, background=background, again=again):
                return [_call(talk, "Stop", "", _stopped(message, background, again=again))]
            case TurnFailed(status, text):
                extra = {"error": error_kind(status), "last_assistant_message": api_error(status, text)}
                return [_call(talk, "StopFailure", error_kind(status), extra, mode=False)]
            case Said() | TurnStopped():
                return []


def tool_name(tool: Tool) -> str:
    """Return what Claude calls a tool."""
    match tool:
        case Shell():
            return "Bash"
        case Question():
            return "AskUserQuestion"


def tool_input(tool: Tool) -> dict[str, object]:
    """Return a tool's input as Claude spells it."""
    match tool:
        case Shell(command):
            return {"command": command, "description": "Run the scripted command"}
        case Question(text, options):
            choices = [{"label": label, "description": label} for label in options]
            asked = {"question": text, "header": "Pick", "options": choices, "multiSelect": False}
            return {"questions": [asked]}


def tool_output(tool: Tool, result: Result) -> str:
    """Return a tool's result as the model reads it."""
    match result:
        case Ran(code, output):
            return output or "(Bash completed with no output)" if code == 0 else f"Exit code {code}\n{output}"
        case Answered(answer):
            asked = tool.text if isinstance(tool, Question) else ""
            return (
                f'Your questions have been answered: "{asked}"="{answer}". '
                "You can now continue with these answers in mind."
            )


def tool_response(tool: Tool, result: Result) -> dict[str, object]:
    """Return a tool's result as hooks and the transcript hold it."""
    match result:
        case Ran(_, output):
            flags = {"interrupted": False, "isImage": False, "noOutputExpected": False}
            return {"stdout": output.removesuffix("\n"), "stderr": "", **flags}
        case Answered(answer):
            asked = tool.text if isinstance(tool, Question) else ""
            return {**tool_input(tool), "answers": {asked: answer}, "annotations": {}}


def api_error(status: int, text: str) -> str:
    """Return the sentence that ends a failed turn."""
    if status == 529:
        return (
            "API Error: Repeated 529 Overloaded errors. The API is at capacity — this is usually temporary. "
            "Try again in a moment."
        )
    return f"API Error: {status} {text}"


def error_kind(status: int) -> str:
    """Return the class of an API error (``unknown`` and ``server_error`` were seen, the others are documented)."""
    known = {401: "authentication_failed", 403: "authentication_failed", 429: "rate_limit"}
    return known.get(status, "server_error" if status >= 500 else "unknown")


def _call(
    talk: Talk, event: str, subject: str, extra: Mapping[str, object], *, turn: bool = True, mode: bool = True
) -> Call:
    payload: dict[str, object] = {
        "session_id": talk.session_id,
        "transcript_path": talk.transcript_path,
        "cwd": talk.cwd,
    }
    if turn:
        payload["prompt_id"] = talk.turn_id
        if mode:
            payload["permission_mode"] = talk.mode
    return Call(event, subject, {**payload, "hook_event_name": event, **extra})


def _outside(moment: Opened | Instructed | Waited | Closed, talk: Talk) -> Call:
    """Return the hook of what happens outside of turns."""
    match moment:
        case Opened(source):
            return _call(talk, "SessionStart", source, _opened(moment, talk), turn=False)
        case Instructed(path):
            extra = {"file_path": path, "memory_type": "Project", "load_reason": "session_start"}
            return _call(talk, "InstructionsLoaded", "", extra, turn=False)
        case Waited(where):
            return _notice(talk, where)
        case Closed(reason):
            why = "prompt_input_exit" if reason == "exit" else "other"
            return _call(talk, "SessionEnd", why, {"reason": why}, mode=False)


def _named(talk: Talk) -> dict[str, object]:
    return {"session_title": talk.name} if talk.name else {}


def _opened(moment: Opened, talk: Talk) -> dict[str, object]:
    if moment.source == "resume":
        since = {"seconds_since_last_response": 1, "context_tokens": 1542}
        cache = {"prompt_cache_likely_expired": False, "estimated_cache_write_usd": 0.0058}
        return {"source": "resume", **_named(talk), **since, **cache}
    return {"source": "startup", **({} if talk.headless else {"model": talk.model}), **_named(talk)}


def _tool(tool: Tool) -> dict[str, object]:
    return {"tool_name": tool_name(tool), "tool_input": tool_input(tool)}


def _suggestions(tool: Tool, talk: Talk) -> dict[str, object]:
    if isinstance(tool, Question):
        return {}
    folders = {"type": "addDirectories", "directories": [talk.cwd], "destination": "session"}
    return {"permission_suggestions": [folders, {"type": "setMode", "mode": "acceptEdits", "destination": "session"}]}


def _ended(talk: Talk, tool: Tool, result: Result) -> list[Call]:
    name = tool_name(tool)
    failed = isinstance(result, Ran) and result.code != 0
    if failed:
        extra = {"tool_use_id": tool.use_id, "error": tool_output(tool, result), "is_interrupt": False}
        first = _call(talk, "PostToolUseFailure", name, {**_tool(tool), **extra})
    else:
        asked = _tool(tool)
        if isinstance(result, Answered):
            asked["tool_input"] = tool_response(tool, result)
        done = {"tool_response": tool_response(tool, result), "tool_use_id": tool.use_id}
        first = _call(talk, "PostToolUse", name, {**asked, **done, "duration_ms": result.duration_ms})
    batch = {**_tool(tool), "tool_use_id": tool.use_id, "tool_response": tool_output(tool, result)}
    return [first, _call(talk, "PostToolBatch", "", {"tool_calls": [batch]})]


def _stopped(message: str, background: tuple[str, ...], *, again: bool) -> dict[str, object]:
    tasks = [
        {"id": f"b{number}", "type": "shell", "status": "running", "description": name}
        for number, name in enumerate(background, 1)
    ]
    return {
        "stop_hook_active": again,
        "last_assistant_message": message,
        "background_tasks": tasks,
        "session_crons": [],
    }


def _notice(talk: Talk, where: str) -> Call:
    kind, message = {
        "permission": ("permission_prompt", "Claude needs your permission"),
        "idle": ("idle_prompt", "Claude is waiting for your input"),
    }[where]
    extra = {"message": message, "notification_type": kind}
    return _call(talk, "Notification", kind, extra, mode=False)


def _one_line(command: str) -> str:
    return " ".join(command.split("\n"))


def _tool_rows(tool: Tool, result: Result, width: int) -> list[Row]:
    match result:
        case Ran(code, output):
            command = tool.command if isinstance(tool, Shell) else ""
            text = output.rstrip("\n") or "(No output)"
            shown = text if code == 0 else f"Error: Exit code {code}\n{output.rstrip()}".rstrip()
            style: Style = "plain" if code == 0 else "bad"
            head = block(_one_line(command), first="● Bash(", rest="       ", width=width - 1)
            head[-1] = Row(f"{head[-1].text})")
            return [*head, *block(shown, first=HANG, rest="     ", width=width, style=style)]
        case Answered(answer):
            asked = tool.text if isinstance(tool, Question) else ""
            told = block(f"· {asked} → {answer}", first=HANG, rest="     ", width=width)
            return [Row("● Answered Claude's questions:"), *told]


def _queued(view: View, width: int) -> list[Row]:
    rows: list[Row] = []
    for text in view.queued[-2:]:
        told = block(text, first="❯ ", rest="  ", width=width)
        hidden = text.count("\n") + 1 - 11
        rows += told[:11]
        if hidden > 0:
            rows.append(Row(f"  … +{hidden} lines", "dim"))
        rows.append(Row("  ⎿  Queued · ctrl+x ctrl+s to send now", "dim"))
    return rows


def _rule(name: str, width: int) -> str:
    if not name or measure(name) > width // 2:
        return "─" * width
    return f"{'─' * (width - measure(name) - 3)} {name} ─"
