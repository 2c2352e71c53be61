"""Copies of the three packages, to plant faults in, and the gates to walk round them."""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import maestro_cli
import maestro_tui
import maestrod

CHECKOUT = Path(__file__).parents[2]
PACKAGES = tuple(Path(next(iter(package.__path__))).resolve() for package in (maestrod, maestro_cli, maestro_tui))
LEFT_OUT = shutil.ignore_patterns("__pycache__", "_skills", "_contrib")


class House:
    """The packages as they are imported here, copied into ``root`` beside the project's configuration."""

    def __init__(self, root: Path) -> None:
        self.root = root
        shutil.copy(CHECKOUT / "pyproject.toml", root)
        for package in PACKAGES:
            shutil.copytree(package, root / package.name, ignore=LEFT_OUT)

    def plant(self, path: str, text: str) -> Path:
        """Append ``text`` to the file, which may be new."""
        place = self.root / path
        with place.open("a", encoding="utf-8") as file:
            file.write(f"\n{text}\n")
        return place

    def walk(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """Run a Python tool over the copy: ``walk("ruff", "check")``."""
        command = [sys.executable, *tool(argv[0]), *argv[1:]]
        return subprocess.run(
            command,
            cwd=self.root,
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
            stdin=subprocess.DEVNULL,
        )


def tool(name: str) -> list[str]:
    """Python's arguments that start the tool; the test is skipped where it is not installed."""
    module = {"lint-imports": "importlinter"}.get(name, name)
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{name} is not installed: pip install --group test")
    if name == "lint-imports":
        return ["-c", "from importlinter.cli import lint_imports_command as main; main()", "--no-cache"]
    return ["-m", name]
