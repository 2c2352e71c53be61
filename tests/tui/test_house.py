"""What the screen may load and when, and the page that is made from its table of keys."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from maestro_tui.bindings import MODES
from tests.tui.screenshots import DOCS, POSES, SIZE, page

PURE = (
    "view.tasks",
    "view.sessions",
    "view.inbox",
    "view.queue",
    "view.timeline",
    "view.details",
    "view.board",
    "view.grid",
    "view.tabs",
    "view.mail",
    "view.shelf",
    "view.graph",
    "view.history",
    "view.live",
    "keyboard",
    "past",
    "view.queues",
    "view.notices",
    "view.seeking",
    "view.patch",
    "view.remarks",
    "view.diff",
    "outside",
    "post",
    "readings",
    "lanes",
    "asking",
    "mirror",
    "outline",
    "bindings",
    "ansi",
    "cells",
    "lines",
    "faces",
    "frame",
    "spotlight",
    "deeds",
)


def loaded(module: str) -> set[str]:
    """The packages that importing a module loads."""
    code = f"import sys, {module}; print(*{{name.split('.')[0] for name in sys.modules}})"
    unmeasured = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True, env=unmeasured
    )
    return set(ran.stdout.split())


@pytest.mark.parametrize("module", PURE)
def test_what_is_pure_loads_no_screen_and_no_loop(module: str) -> None:
    assert not loaded(f"maestro_tui.{module}") & {
        "textual",
        "asyncio",
        "aiohttp",
        "socket",
        "subprocess",
        "time_machine",
    }


def test_the_first_paint_waits_for_nothing_that_it_does_not_need() -> None:
    slow = {"aiohttp", "pydantic", "typer", "psutil", "watchfiles", "yarl", "multidict", "uvloop"}
    assert not loaded("maestro_tui.app") & slow


def test_the_page_of_the_keys_is_that_of_the_table() -> None:
    made = "run `python -m tests.tui.screenshots`"
    assert (DOCS / "screen.md").read_text(encoding="utf-8") == page(), made


@pytest.mark.parametrize("name", POSES)
def test_every_picture_is_there(name: str) -> None:
    svg = Path(DOCS / "screens" / f"{name}-{SIZE[0]}x{SIZE[1]}.svg").read_text(encoding="utf-8")
    assert "maestro" in svg
    assert any(word in svg for word in ("rate-limits", "flaky", "Rate", "fix-login", "tidy-up", "Orchestrator"))


def test_every_screen_sits_for_its_picture() -> None:
    assert set(POSES) == {mode.name for mode in MODES}


def test_the_table_of_screens_names_classes_that_are_there() -> None:
    for mode in MODES:
        module, _, name = mode.screen.partition(":")
        assert getattr(importlib.import_module(module), name).name_of_mode == mode.name
