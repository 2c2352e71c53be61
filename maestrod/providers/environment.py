"""What an agent inherits: the caller's environment without the traces of other agents and terminals."""

from collections.abc import Mapping, Sequence

OUTER = (
    "CLAUDECODE",
    "CLAUDE_CODE_*",
    "CLAUDE_PID",
    "CLAUDE_PROJECT_DIR",
    "CLAUDE_ENV_FILE",
    "CLAUDE_EFFORT",
    "AI_AGENT",
    "CODEX_*",
    "GEMINI_CLI",
    "GEMINI_CLI_NO_RELAUNCH",
    "GEMINI_SESSION_ID",
    "GEMINI_PROJECT_DIR",
    "GEMINI_CWD",
    "MAESTRO_*",
)
"""What an agent sets for its children: a child that sees it takes itself for a part of that agent."""

INSIDE = ("CLAUDECODE", "CODEX_THREAD_ID", "GEMINI_CLI")
"""What tells that the caller is an agent's child."""

FOR_CHILDREN = (
    "NO_COLOR",
    "PAGER",
    "GIT_PAGER",
    "GH_PAGER",
    "GIT_EDITOR",
    "GIT_ASKPASS",
    "SSH_ASKPASS",
    "GIT_TERMINAL_PROMPT",
    "GIT_CONFIG_*",
    "GH_PROMPT_DISABLED",
    "GCM_INTERACTIVE",
    "COREPACK_ENABLE_AUTO_PIN",
    "NoDefaultCurrentDirectoryInExePath",
)
"""How agents keep the commands of a tool call from asking or waiting; a whole agent could not commit with these. They
may be a person's own in a terminal, so only an agent's are left out."""

TERMINAL = (
    "TMUX*",
    "STY",
    "TERM",
    "TERM_*",
    "TERMINFO*",
    "TERMCAP",
    "COLUMNS",
    "LINES",
    "WINDOWID",
    "ITERM_*",
    "KITTY_*",
    "WEZTERM_*",
    "ALACRITTY_*",
    "GHOSTTY_*",
    "KONSOLE_*",
    "VTE_*",
    "VSCODE_*",
    "WT_*",
    "ZELLIJ*",
    "LC_TERMINAL*",
    "INSIDE_EMACS",
)
"""What the caller's terminal is; the agent's is a pane."""

SHELL = ("_", "SHLVL", "PWD", "OLDPWD")
"""What a shell keeps for itself."""

OWN_SETTINGS = (
    "CLAUDE_CODE_OAUTH_TOKEN",
    "CLAUDE_CODE_API_KEY_HELPER_TTL_MS",
    "CLAUDE_CODE_CLIENT_CERT",
    "CLAUDE_CODE_CLIENT_KEY",
    "CLAUDE_CODE_CLIENT_KEY_PASSPHRASE",
    "CLAUDE_CODE_MAX_OUTPUT_TOKENS",
    "CLAUDE_CODE_USE_*",
    "CLAUDE_CODE_SKIP_*",
    "CODEX_HOME",
    "CODEX_API_KEY",
    "CODEX_CA_CERTIFICATE",
    "MAESTRO_FAKE_*",
    "MAESTRO_NO_AUTOSTART",
    "MAESTRO_TIMEOUT",
    "MAESTRO_RETRIES",
    "MAESTRO_LOG",
)
"""What the names above cover although the user set it: how to log in, where settings lie, ours for tests."""

UNSET = OUTER + TERMINAL + SHELL


def inherited(environ: Mapping[str, str], *, unset: Sequence[str], keep: Sequence[str]) -> dict[str, str]:
    """The variables of ``environ`` that an agent inherits, by name."""
    left = (*unset, *FOR_CHILDREN) if any(environ.get(mark) for mark in INSIDE) else unset
    return {name: value for name, value in sorted(environ.items()) if not covers(left, name) or covers(keep, name)}


def covers(patterns: Sequence[str], name: str) -> bool:
    """Whether one of the patterns names it; a last ``*`` stands for any ending."""
    return any(name.startswith(p[:-1]) if p.endswith("*") else name == p for p in patterns)
