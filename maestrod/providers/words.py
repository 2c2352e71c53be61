"""What the providers' command lines share."""

import shlex

from maestrod.providers.plan import ARGUMENT_LIMIT, LaunchContext

SYSTEM_FILE = "system.md"
PROMPT_FILE = "prompt.md"


def hook_command(context: LaunchContext, provider: str, event: str) -> str:
    """The shell words that report a moment; the agent's shell finds them whatever its PATH is."""
    return shlex.join([context.maestro, "hook", provider, event])


def fits(prompt: str) -> bool:
    """Whether the prompt can be one argument of a process."""
    return len(prompt.encode("utf-8", "replace")) <= ARGUMENT_LIMIT


def prompt_file(context: LaunchContext) -> str:
    """Where the whole prompt lies."""
    return f"{context.folder}/{PROMPT_FILE}"


def opening(context: LaunchContext, prompt: str) -> str:
    """The first message as one argument; a prompt that is too long stays in its file and is pointed at."""
    if not fits(prompt):
        return (
            f"Your brief is too long for a message. It is in the file {prompt_file(context)}: "
            f"read all of it before you do anything, for example with `{shlex.join(('cat', prompt_file(context)))}`."
        )
    return f" {prompt}" if prompt.startswith("-") else prompt
