"""A program for a pane: takes every byte raw, as an agent does, and keeps it in a file.

usage: pane_reader.py FILE [bracketed]
"""

import os
import sys
import tty
from pathlib import Path


def main() -> None:
    """Read until the terminal is gone."""
    kept = Path(sys.argv[1])
    tty.setraw(0)
    if "bracketed" in sys.argv[2:]:
        os.write(1, b"\x1b[?2004h")
    with kept.open("wb", buffering=0) as file:
        os.write(1, b"ready\r\n")
        while data := os.read(0, 65536):
            file.write(data)


main()
