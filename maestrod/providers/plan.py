"""What a launch is made from, and what a provider makes of it."""

from enum import StrEnum

import msgspec

from maestrod.providers.mcp import Servers

ARGUMENT_LIMIT = 120_000
"""Bytes; Linux refuses a single argument of 128 KiB, whatever the limit for all of them."""


class LaunchContext(msgspec.Struct, frozen=True, kw_only=True):
    """What the launcher knows and the manifest does not."""

    executable: str
    """The agent's program, as an absolute path."""
    maestro: str
    """The absolute path of the ``maestro`` program, for hooks."""
    folder: str
    """Where the plan's files will lie; absolute, private to the session."""
    cwd: str
    """Where the agent works, without symbolic links: agents compare trusted folders by real path."""
    system: str
    """Who the agent is and how it works."""
    prompt: str
    """What it is to do first."""
    conversation_id: str
    """A fresh UUID, for providers that let the caller choose."""
    mcp: Servers | None = None
    """The servers that the session is given, beside those that the user's own settings name."""
    skills_folder: str = ""
    """A folder with the session's own copies of its skills in ``.claude/skills``; empty for none."""
    spool: str = ""
    """Where what cannot be sent is kept; an agent whose sandbox lets nothing connect must be able to write there."""
    launch_folders: tuple[str, ...] = ()
    """Where launching writes: an orchestrator in a sandbox must get at them, or it can start nobody."""
    git_folder: str = ""
    """Of an agent in a worktree of its own: the repository's own folder, in which its commits are written."""
    trusted: bool = True
    """Whether the agent need not ask if it may take up what the directory carries."""


class Unfit(Exception):
    """The agent program cannot do what the session is for; the message says what."""


class LaunchFile(msgspec.Struct, frozen=True):
    """A file that the agent reads; written to the context's folder before the agent starts."""

    name: str
    content: str
    mode: int = 0o600


class Trust(msgspec.Struct, frozen=True, kw_only=True):
    """A question that the agent would ask in a fresh folder, and where its answer ``true`` is kept.

    The file is the user's: only ``keys`` is set in it, and only when the file is there.
    """

    home_variable: str
    """Names the folder of ``name`` when it is set; else it is the user's home."""
    name: str
    keys: tuple[str, ...]


class Consent(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent insists on keeping among the user's own settings: a person is asked for it, once."""

    question: str
    """Answered by yes or no."""
    without: str
    """What follows from a no, as a clause."""


class Quit(StrEnum):
    """What is typed to end an agent politely."""

    NOTHING = ""
    EXIT = "/exit"
    QUIT = "/quit"


class LaunchPlan(msgspec.Struct, frozen=True, kw_only=True):
    """How to start one agent; ``argv`` and ``files`` hold no secret."""

    provider: str
    argv: tuple[str, ...]
    cwd: str
    env: dict[str, str]
    """Added to what the agent inherits."""
    unset: tuple[str, ...]
    """Names that the agent must not inherit; a last ``*`` stands for any ending."""
    keep: tuple[str, ...]
    """Names that ``unset`` covers and that are the user's own settings."""
    files: tuple[LaunchFile, ...]
    trust: Trust | None
    conversation_id: str | None
    """The conversation's id when it is known beforehand."""
    resume_argv: tuple[str, ...] | None
    """What goes on with the conversation by hand, without prompt; ``None`` until its id is known."""
    quit_words: Quit
    sign_within_s: float
    """How long until the agent's first sign of life; after that it waits for somebody."""
    notes: tuple[str, ...] = ()
    """What was asked for and cannot be had with this agent, for whoever starts it."""
