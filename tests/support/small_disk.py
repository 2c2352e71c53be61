"""A disk of its own, small or read-only."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(place: Path) -> Iterator[None]:
    """A megabyte at a place; skips where mounting is not allowed."""
    place.mkdir()
    with _mounted(place, "-t", "tmpfs", "-o", "size=1m,mode=700", "maestro-test"):
        yield


@contextmanager
def read_only(place: Path) -> Iterator[None]:
    """A folder as it is, on a mount that takes no writes; skips where mounting is not allowed."""
    with _mounted(place, "--bind", str(place)):
        subprocess.run(["mount", "-o", "remount,bind,ro", str(place)], check=True)
        yield


@contextmanager
def _mounted(place: Path, *how: str) -> Iterator[None]:
    try:
        mounted = subprocess.run(["mount", *how, str(place)], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no `mount`")
    if mounted.returncode:
        pytest.skip(f"cannot mount: {mounted.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)
