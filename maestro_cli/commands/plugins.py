"""The plugin that brings Maestro's skills and hooks to agents that a person starts."""

import shlex
from pathlib import Path

import maestrod
from maestro_cli.call import Call
from maestro_cli.failures import Failure


def plugin(call: Call) -> int:
    """Its folder, and the commands that install it.

    Raises:
        Failure: this installation came without it.
    """
    folder = place()
    if not (folder / "gemini-extension.json").is_file():
        raise Failure(f"no plugin at {folder}", code="NOT_FOUND", hint="Install Maestro anew: it comes with it.")
    data = {"path": str(folder), "install": {agent: list(words) for agent, words in installs(folder).items()}}
    lines = [str(folder)]
    for agent, words in installs(folder).items():
        lines += ["", f"{agent}:", *(f"  {each}" for each in words)]
    call.output.result(data, lines)
    return 0


def place() -> Path:
    """Where it lies in this installation, or in the checkout."""
    root = Path(str(maestrod.__file__)).parents[1]
    packed = root / "maestro_cli" / "_contrib"
    return (packed if packed.exists() else root / "contrib") / "plugins" / "maestro"


def installs(folder: Path) -> dict[str, tuple[str, ...]]:
    """By agent, what installs it."""
    at = shlex.quote(str(folder))
    return {
        "claude": (f"claude plugin marketplace add {at}", "claude plugin install maestro@agent-maestro"),
        "codex": (f"codex plugin marketplace add {at}", "codex plugin add maestro@agent-maestro"),
        "gemini": (f"gemini extensions install {at}",),
    }
