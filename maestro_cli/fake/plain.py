"""A program with a prompt and nothing else: no hooks, no title, no transcript (for providers of one's own)."""

from __future__ import annotations

from typing import ClassVar

from maestro_cli.fake.cells import Row, block
from maestro_cli.fake.face import Call, Dialog, Face, Option, Usage, View, draft_rows, options_rows, span
from maestro_cli.fake.moments import (
    Answered,
    Closed,
    Instructed,
    Moment,
    Opened,
    Prompted,
    Ran,
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


class Plain(Face):
    """The smallest agent: ``ready>`` when it waits, ``working`` when it does not."""

    name: ClassVar[str] = "plain"
    model: ClassVar[str] = "none"

    def version(self, number: str | None) -> str:
        return f"plain {number or '1.0.0'}"

    def title(self, view: View) -> str | None:
        return None

    def banner(self, talk: Talk) -> list[Row]:
        return [Row(f"plain agent in {talk.cwd}")]

    def echo(self, prompt: str, width: int) -> list[Row]:
        return block(prompt, first="> ", rest="  ", width=width, style="bold")

    def activity(self, tool: Tool, *, asked: bool) -> tuple[Row, ...]:
        return (Row(f"$ {' '.join(tool.command.split())}"),) if isinstance(tool, Shell) and not asked else ()

    def rows(self, moment: Moment, talk: Talk, width: int) -> list[Row]:
        match moment:
            case Said(text):
                return block(text, first="", rest="", width=width)
            case ToolEnded(Shell(command), Ran(code, output)):
                shown = block(output.rstrip("\n"), first="", rest="", width=width) if output.strip() else []
                return [*block(command, first="$ ", rest="  ", width=width), *shown, Row(f"exit {code}", "dim")]
            case ToolEnded(_, Answered(answer)):
                return [Row(f"answer: {answer}")]
            case TurnEnded(seconds=seconds):
                return [Row(f"done in {span(seconds)}", "dim")]
            case TurnFailed(status, text):
                return block(f"error {status}: {text}", first="", rest="", width=width, style="bad")
            case TurnStopped():
                return [Row("stopped", "dim")]
            case Opened() | Instructed() | Prompted() | ToolBegan() | ToolAsked() | ToolEnded() | Waited() | Closed():
                return []

    def live(self, view: View, width: int) -> Live:
        rows = [*view.activity]
        if view.dialog:
            options = options_rows(view.dialog, view.chosen, mark="> ", gap="  ")
            return Live((*rows, *view.dialog.head, *options, *view.dialog.foot), len(rows), 0)
        if view.phase == "working":
            rows.append(Row(f"{view.word or 'working'} {span(view.elapsed_s)} (esc stops)", "accent"))
        if view.hint:
            rows.append(Row(view.hint, "dim"))
        first = "ready> " if view.phase == "idle" else "> "
        drawn, column = draft_rows(view.draft, first=first, rest=" " * len(first), width=width)
        return Live((*rows, *drawn), len(rows) + len(drawn) - 1, column, visible=True)

    def permission(self, tool: Shell, talk: Talk, width: int) -> Dialog:
        head = (Row("May this command run?", "bold"), *block(tool.command, first="  ", rest="  ", width=width))
        return Dialog("permission", head, (Option("yes", "yes", "y"), Option("no", "no", "n")), ())

    def trust(self, talk: Talk, width: int) -> Dialog:
        head = (Row(f"Trust {talk.cwd}?", "bold"),)
        return Dialog("trust", head, (Option("yes", "yes", "y"), Option("no", "leave", "n")), (), cancel="leave")

    def hooks(self, moment: Moment, talk: Talk) -> list[Call]:
        return []

    def farewell(self, talk: Talk, usage: Usage, width: int) -> list[Row]:
        return [Row("bye")]
