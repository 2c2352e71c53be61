"""Where the ``maestro`` program is, for agents, their hooks and their panes."""

import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import maestro_cli
from maestrod.locations import Locations

START = "import sys; sys.path.insert(0, {root!r}); from maestro_cli.__main__ import main; sys.exit(main())"


def program(locations: Locations) -> Path:
    """The installed script beside this Python; from a checkout, a script of our own that does the same.

    Raises:
        OSError: that script cannot be written.
    """
    installed = Path(sys.executable).with_name("maestro")
    return installed if os.access(installed, os.X_OK) else stand_in(locations)


def stand_in(locations: Locations) -> Path:
    """A script named ``maestro``, alone in its folder: on PATH it brings nothing else of our installation along.

    Raises:
        OSError: it cannot be written.
    """
    installed = Path(sys.executable).with_name("maestro")
    if os.access(installed, os.X_OK):
        words = [str(installed)]
    else:
        root = str(Path(str(maestro_cli.__file__)).parents[1])
        words = [sys.executable, "-P", "-c", START.format(root=root)]
    text = f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n'
    place = locations.data / "bin" / "maestro"
    if not (place.exists() and place.read_text(encoding="utf-8") == text):
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write(place, text, mode=0o700)
    return place


def path_folder(locations: Locations, environ: Mapping[str, str]) -> str:
    """What must stand in front of PATH for ``maestro`` to be this one; empty when it is already.

    Raises:
        OSError: the script that stands in for it cannot be written.
    """
    found = shutil.which("maestro", path=environ.get("PATH") or os.defpath)
    if found is not None and Path(found).resolve() == program(locations).resolve():
        return ""
    return str(stand_in(locations).parent)


def write(place: Path, text: str, *, mode: int = 0o600) -> Path:
    """Put a file in its place at once, readable by nobody else while it is written.

    Raises:
        OSError: it cannot be written.
    """
    aside = place.with_name(f".{place.name}.{os.getpid()}")
    aside.unlink(missing_ok=True)
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode("utf-8", "replace"))
        aside.replace(place)
    finally:
        aside.unlink(missing_ok=True)
    return place
