"""The agent programs that could be started here, and why those cannot that cannot."""

import os
import shutil
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

import msgspec

from maestrod.providers import custom
from maestrod.providers.registry import BUILT_IN

MOST = 100


class Agent(msgspec.Struct, frozen=True):
    """A program by its name; ``lack`` says why it cannot be started, and is empty when it can."""

    name: str
    title: str
    lack: str = ""


def agents(environ: Mapping[str, str], config: Path) -> tuple[Agent, ...]:
    """Those that are built in, and those of the files in the home's config."""
    path = environ.get("PATH")
    built_in = (Agent(p.name, p.title, _lack(p.needs[0], p.install, path)) for p in BUILT_IN.values())
    return (*built_in, *_own(config / "providers", path))


def _own(folder: Path, path: str | None) -> Iterator[Agent]:
    for file in islice(sorted(folder.glob("*.toml")), MOST):
        if file.stem in BUILT_IN or not custom.NAME.fullmatch(file.stem):
            continue
        try:
            found = custom.parse(file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, custom.BadProvider) as error:
            yield Agent(file.stem, file.stem, f"its file cannot be used: {error}")
            continue
        program = found.program or found.start[0]
        yield Agent(file.stem, found.title or file.stem, _lack(program, found.install, path))


def _lack(program: str, install: str, path: str | None) -> str:
    there = os.access(program, os.X_OK) if program.startswith("/") else shutil.which(program, path=path)
    return "" if there else f"not installed{f': {install}' if install else ''}"
