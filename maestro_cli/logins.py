"""Whether an agent program is logged in, by what lies on this machine: nothing is run, asked or unlocked.

``yes`` says that credentials are there, not that anybody takes them. ``unknown`` is the answer where they may lie in a
place that cannot be looked into, as the keychain of macOS.
"""

import json
import os
import stat
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

LIMIT = 64 << 20
"""Bytes; nobody's settings are so large."""

KEYS = {
    "claude": ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"),
    "codex": ("CODEX_API_KEY",),
    "gemini": ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
}
ELSEWHERE = {
    "claude": ("CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CODE_USE_VERTEX"),
    "codex": (),
    "gemini": ("GOOGLE_GENAI_USE_VERTEXAI",),
}
"""Some cloud's own login is used, whatever that is."""


def login(provider: str, environ: Mapping[str, str]) -> str:
    """``yes``, ``no`` or ``unknown``."""
    if provider not in KEYS:
        return "unknown"
    if any(environ.get(name) for name in KEYS[provider]) or any(map(_holds_something, _files(provider, environ))):
        return "yes"
    if any(environ.get(name) for name in ELSEWHERE[provider]) or (provider == "claude" and sys.platform == "darwin"):
        return "unknown"
    return "unknown" if provider == "codex" and _has_own_model(environ) else "no"


def _files(provider: str, environ: Mapping[str, str]) -> Iterable[Path]:
    """Where the program keeps its credentials."""
    home = Path(environ.get("HOME") or os.path.expanduser("~"))  # noqa: PTH111
    if provider == "claude":
        return (Path(environ.get("CLAUDE_CONFIG_DIR") or home / ".claude") / ".credentials.json",)
    if provider == "codex":
        return (_codex(environ) / "auth.json",)
    return (Path(environ.get("GEMINI_CLI_HOME") or home) / ".gemini" / "oauth_creds.json",)


def _codex(environ: Mapping[str, str]) -> Path:
    home = Path(environ.get("HOME") or os.path.expanduser("~"))  # noqa: PTH111
    return Path(environ.get("CODEX_HOME") or home / ".codex")


def _holds_something(place: Path) -> bool:
    """Whether it is a JSON object with anything in it."""
    raw = _raw(place)
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError):
        return False
    return isinstance(document, dict) and any(document.values())


def _has_own_model(environ: Mapping[str, str]) -> bool:
    """Whether Codex is set to another maker's model, which has a login of its own."""
    return b"model_provider" in _raw(_codex(environ) / "config.toml")


def _raw(place: Path) -> bytes:
    """A file's content; nothing for what is no file, or cannot be read."""
    try:
        found = place.stat()
        return place.read_bytes() if stat.S_ISREG(found.st_mode) and found.st_size <= LIMIT else b""
    except OSError:
        return b""
