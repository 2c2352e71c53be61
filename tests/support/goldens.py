"""Texts that are compared with a file; ``UPDATE_GOLDENS=1`` writes the file instead, for a person to read the diff."""

import os
from pathlib import Path


def compare(path: Path, text: str) -> None:
    """The text must be the file's."""
    if os.environ.get("UPDATE_GOLDENS") == "1":
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.exists(), f"no golden {path.name}: run with UPDATE_GOLDENS=1 and read it"
    assert text == path.read_text(encoding="utf-8"), f"{path.name} differs: is that meant? UPDATE_GOLDENS=1 writes it"
