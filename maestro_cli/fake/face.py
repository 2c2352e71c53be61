"""What a provider looks like from outside: titles, screens, dialogs and hook payloads; pure."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar, Literal, NamedTuple

from maestro_cli.fake.cells import Row, block, measure
from maestro_cli.fake.moments import Moment, Question, Shell, Talk, Tool
from maestro_cli.fake.terminal import Live

Phase = Literal["starting", "idle", "working", "asking"]
Payload = Mapping[str, object]
COMPOSER_LINES = 8


class Call(NamedTuple):
    """One hook to be called: the provider's event, what its matcher is compared with, and the payload."""

    event: str
    subject: str
    payload: Payload


class Option(NamedTuple):
    """An answer of a dialog: what is shown and what it means."""

    label: str
    answer: str
    keys: str = ""
    detail: str = ""


class Dialog(NamedTuple):
    """A question on the screen that keys answer."""

    kind: Literal["permission", "question", "trust", "review"]
    head: tuple[Row, ...]
    options: tuple[Option, ...]
    foot: tuple[Row, ...]
    start: int = 0
    """The option that Enter takes when no key moved the mark."""
    cancel: str = "no"
    """What Escape answers."""
    numbered: bool = True
    boxed: bool = False


class Usage(NamedTuple):
    """Tokens spent so far."""

    input: int = 0
    cached: int = 0
    output: int = 0
    responses: int = 0


class View(NamedTuple):
    """Everything that decides what the live part of the screen shows."""

    phase: Phase
    talk: Talk
    draft: str = ""
    elapsed_s: float = 0.0
    frame: int = 0
    word: str = ""
    queued: tuple[str, ...] = ()
    activity: tuple[Row, ...] = ()
    retry: str = ""
    hint: str = ""
    dialog: Dialog | None = None
    chosen: int = 0
    turns: int = 0


class Face(ABC):
    """A provider's looks and manners; holds no state."""

    name: ClassVar[str]
    model: ClassVar[str]
    swallow_s: ClassVar[float] = 0.0
    """Enter within this time after a paste becomes part of the text."""
    ignored: ClassVar[tuple[str, ...]] = ()
    """Signals that the program does not react to."""
    goodbye: ClassVar[tuple[str, ...]] = ()
    """Signals on which the program still calls its SessionEnd hook, and exits with 128 + n."""
    opens_at_prompt: ClassVar[bool] = False
    """The conversation begins with the first prompt, not with the program."""
    announces_queued: ClassVar[bool] = False
    """A prompt typed during a turn calls the prompt hook at once, and not again when its turn comes."""
    restores_prompt: ClassVar[bool] = False
    """Escape before the first word of an answer puts the prompt back into the composer."""
    clears_lines: ClassVar[bool] = True
    """Ctrl-U on an empty line goes on to the line before."""
    paste_lines: ClassVar[int] = 10
    """Pastes longer than this are shown as a placeholder."""

    @abstractmethod
    def version(self, number: str | None) -> str:
        """Return the line that ``--version`` prints."""

    @abstractmethod
    def title(self, view: View) -> str | None:
        """Return the terminal title; None leaves it alone."""

    @abstractmethod
    def banner(self, talk: Talk) -> list[Row]:
        """Return what is shown at the start."""

    @abstractmethod
    def echo(self, prompt: str, width: int) -> list[Row]:
        """Return a prompt as it stands in the history."""

    @abstractmethod
    def rows(self, moment: Moment, talk: Talk, width: int) -> list[Row]:
        """Return what a moment adds to the history."""

    @abstractmethod
    def activity(self, tool: Tool, *, asked: bool) -> tuple[Row, ...]:
        """Return how a tool in use is shown."""

    @abstractmethod
    def live(self, view: View, width: int) -> Live:
        """Return the live part of the screen."""

    @abstractmethod
    def permission(self, tool: Shell, talk: Talk, width: int) -> Dialog:
        """Return the dialog that asks whether a command may run."""

    @abstractmethod
    def trust(self, talk: Talk, width: int) -> Dialog:
        """Return the dialog that asks whether the folder is trusted."""

    @abstractmethod
    def hooks(self, moment: Moment, talk: Talk) -> list[Call]:
        """Return the hooks that a moment calls, in order."""

    @abstractmethod
    def farewell(self, talk: Talk, usage: Usage, width: int) -> list[Row]:
        """Return what is printed after a polite exit."""

    def question(self, tool: Question, talk: Talk, width: int) -> Dialog | None:
        """Return the dialog of a question; None when the provider answers it by itself."""
        del talk
        head = (Row("─" * width, "dim"), Row(""), *block(tool.text, first="", rest="", width=width), Row(""))
        options = tuple(Option(label, label) for label in tool.options)
        return Dialog("question", head, options, (), cancel="")

    def review(self, count: int) -> Dialog | None:
        """Return the dialog that asks whether new hooks are trusted; None when the provider does not ask."""
        del count
        return None

    def retries(self, status: int, text: str) -> tuple[str, ...]:
        """Return the lines shown while a failed request is tried again."""
        del status, text
        return ()

    def handed(self, prompt: str, *, pasted: bool) -> str:
        """Return the prompt as the model and the hooks get it."""
        del pasted
        return prompt

    def placeholder(self, text: str) -> str:
        """Return what the composer shows for a long paste."""
        return f"[Pasted text +{text.count(chr(10))} lines]"

    def environment(self, talk: Talk, *, hook: str | None) -> Mapping[str, str]:
        """Return variables that commands (``hook`` None) and hooks get on top of the pane's own."""
        del talk, hook
        return {}


def options_rows(dialog: Dialog, chosen: int, *, mark: str, gap: str) -> list[Row]:
    """Return a dialog's options with the chosen one marked."""
    rows = []
    for index, option in enumerate(dialog.options):
        number = f"{index + 1}. " if dialog.numbered else ""
        style: Literal["accent", "plain"] = "accent" if index == chosen else "plain"
        rows.append(Row(f"{mark if index == chosen else gap}{number}{option.label}", style))
        if option.detail:
            rows.append(Row(f"{gap}{' ' * len(number)}{option.detail}", "dim"))
    return rows


def draft_rows(draft: str, *, first: str, rest: str, width: int) -> tuple[list[Row], int]:
    """Return the composer's lines, and the column behind the last character."""
    lines = draft.split("\n")
    shown = lines[-COMPOSER_LINES:]
    rows = block("\n".join(shown), first=first, rest=rest, width=width)[-COMPOSER_LINES:]
    return rows, min(measure(rows[-1].text), width - 1)


def span(seconds: float) -> str:
    """Return a duration as people read it: ``42s``, ``3m 5s``."""
    whole = int(seconds)
    return f"{whole}s" if whole < 60 else f"{whole // 60}m {whole % 60}s"


def clock(at: float, form: str) -> str:
    """Return the local time of day in a strftime form, without a leading zero."""
    return time.strftime(form, time.localtime(at)).lstrip("0")


def timestamp(at: float) -> str:
    """Return a moment as ISO 8601 in UTC with milliseconds."""
    whole = int(at)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)) + f".{int((at - whole) * 1000):03d}Z"
