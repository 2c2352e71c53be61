"""A scripted agent that costs no tokens and behaves like Claude Code, Codex or Gemini where it matters.

    arguments  script        what is asked for: command lines and scripts (pure)
    moments                  what happens, in words that all providers share
    face  faces  claude  codex  gemini  plain
                             how each provider shows and tells it: titles, screens, hook payloads (pure)
    cells  terminal  composer
                             text for terminal cells, keys and painting, the line where prompts are written
    stage  pane  children    one select that serves keys, signals and child processes
    hooks  transcript  status  record
                             configured hooks, the providers' logs and state files, our own log
    turn  agent  program     the steps of a turn, the conversation, the command

Standard library only, and nothing else of this project: it must start fast and stand alone.
"""

from __future__ import annotations

from maestro_cli.fake.program import run


def main(argv: list[str]) -> int:
    """Run the fake agent with the words after ``maestro agent fake`` and return its exit code."""
    return run(argv)
