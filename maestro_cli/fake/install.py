"""Stand-ins named like the real programs, for a folder that is put first on PATH."""

from __future__ import annotations

import os
import shlex
import sys

NAMES = ("claude", "codex", "gemini")

# -P: a folder named like one of our modules in the agent's directory must not be imported.
_CODE = "import sys; sys.path.append(sys.argv.pop(1)); from maestro_cli.fake import main; sys.exit(main(sys.argv[1:]))"


def shims(folder: str) -> list[str]:
    """Write the stand-ins and return their paths; what has their names is replaced.

    They run this very Python and this very copy of the package, installed or not.

    Raises:
        OSError: the folder cannot be written.
    """
    os.makedirs(folder, exist_ok=True)
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    return [_shim(os.path.join(os.path.abspath(folder), name), name, root) for name in NAMES]


def _shim(path: str, name: str, root: str) -> str:
    words = [sys.executable, "-P", "-c", _CODE, root, "--as", name, "--"]
    aside = f"{path}.new"
    with open(aside, "w", encoding="utf-8") as file:
        file.write(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
    os.chmod(aside, 0o755)  # noqa: S103 - a program that others may run
    os.replace(aside, path)
    return path
