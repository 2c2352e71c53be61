"""Asking the person at the terminal."""

import sys
from collections.abc import Mapping

from maestro_cli.failures import note


def can_ask(environ: Mapping[str, str]) -> bool:
    """Whether a person sits there and nobody reads on; an agent in its pane is none."""
    if environ.get("MAESTRO_SESSION_ID"):
        return False
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr))


def confirmed(question: str) -> bool:
    """Whether the answer is yes; only Enter means yes, the end of the input means no."""
    note(f"{question} [Y/n]")
    answer = sys.stdin.readline()
    return bool(answer) and answer.strip().casefold() in {"", "y", "yes"}
