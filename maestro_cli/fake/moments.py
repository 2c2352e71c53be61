"""What happens to an agent, in words that all providers share; faces turn it into hooks and screens."""

from __future__ import annotations

from typing import Literal, NamedTuple

Source = Literal["startup", "resume"]
Reason = Literal["exit", "end", "signal"]


class Talk(NamedTuple):
    """The conversation as it stands: what every hook payload repeats."""

    session_id: str
    transcript_path: str
    cwd: str
    turn_id: str
    mode: str
    model: str
    name: str
    headless: bool
    prompt: str
    at: float
    """Seconds since the epoch."""


class Shell(NamedTuple):
    """A shell command that the agent wants to run."""

    command: str
    use_id: str


class Question(NamedTuple):
    """A question to the person, with the answers offered."""

    text: str
    options: tuple[str, ...]
    use_id: str


Tool = Shell | Question


class Ran(NamedTuple):
    """How a shell command ended."""

    code: int
    output: str
    duration_ms: int
    pgid: int


class Answered(NamedTuple):
    """What the person chose."""

    answer: str
    duration_ms: int


Result = Ran | Answered


class Opened(NamedTuple):
    """The conversation began or went on."""

    source: Source


class Instructed(NamedTuple):
    """A file with standing instructions was read."""

    path: str


class Prompted(NamedTuple):
    """A prompt was handed in; ``pasted`` when a long paste is part of it."""

    text: str
    pasted: bool = False


class Said(NamedTuple):
    """The agent said something."""

    text: str


class ToolBegan(NamedTuple):
    """A tool is about to be used."""

    tool: Tool


class ToolAsked(NamedTuple):
    """A dialog waits for the person's consent or answer."""

    tool: Tool


class ToolEnded(NamedTuple):
    """A tool came back."""

    tool: Tool
    result: Result


class TurnEnded(NamedTuple):
    """The agent is done with the prompt; ``again`` when a hook had made it go on."""

    message: str
    """What was said after the last tool."""
    spoken: str
    """All that was said in the turn."""
    background: tuple[str, ...]
    seconds: float
    again: bool = False


class TurnFailed(NamedTuple):
    """The model's API answered with an error that ended the turn."""

    status: int
    text: str
    seconds: float


class TurnStopped(NamedTuple):
    """The person interrupted the turn, or refused what it asked for (``refused``)."""

    seconds: float
    refused: bool = False


class Waited(NamedTuple):
    """Nobody reacted for a while."""

    where: Literal["permission", "idle"]


class Closed(NamedTuple):
    """The conversation is over."""

    reason: Reason


Moment = (
    Opened
    | Instructed
    | Prompted
    | Said
    | ToolBegan
    | ToolAsked
    | ToolEnded
    | TurnEnded
    | TurnFailed
    | TurnStopped
    | Waited
    | Closed
)
