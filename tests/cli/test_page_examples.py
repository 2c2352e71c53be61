"""The examples in the pages run, each page from top to bottom in a project of its own."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.architecture.test_pages import FENCE
from tests.cli.program import SCRIPT, Maestro

DOCS = Path(__file__).parents[2] / "docs"
RUNNING = (
    "agents",
    "configuration",
    "doctor",
    "documents",
    "history",
    "keys",
    "mail",
    "orderings",
    "projects",
    "queues",
    "sessions",
    "skills",
    "offline",
    "subtasks",
    "tasks",
    "templates",
    "timeline",
    "worktrees",
)

pytestmark = pytest.mark.skipif(not (DOCS.exists() and SCRIPT.exists()), reason="the pages are not beside the tests")


@pytest.mark.parametrize("name", RUNNING)
def test_the_examples_of_a_page_run(maestro: Maestro, name: str) -> None:
    blocks = FENCE.findall((DOCS / f"{name}.md").read_text(encoding="utf-8"))
    assert blocks
    if shutil.which("curl") is None and any("curl " in block for block in blocks):
        pytest.skip("there is no curl here")
    environ = maestro.env | {"PATH": f"{SCRIPT.parent}{os.pathsep}{maestro.env['PATH']}"}
    script = "set -eu\n" + "\n".join(blocks)
    ran = subprocess.run(
        ["sh", "-c", script], cwd=maestro.cwd, env=environ, capture_output=True, text=True, check=False, timeout=100
    )
    assert ran.returncode == 0, f"{ran.stdout}\n{ran.stderr}"
