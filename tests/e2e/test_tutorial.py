"""The tutorial runs as it is written, from the first command to the last."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.architecture.test_pages import FENCE
from tests.e2e.workshop import BESIDE, Workshop

PAGE = Path(__file__).parents[2] / "docs" / "tutorial.md"

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.tmux,
    pytest.mark.timeout(240),
    pytest.mark.skipif(not PAGE.exists(), reason="the pages are not beside the tests"),
]


def test_the_tutorial_leads_from_nothing_to_three_agents(bare: Workshop) -> None:
    commands = "\n".join(FENCE.findall(PAGE.read_text(encoding="utf-8")))
    clean = {"HOME": str(bare.folder), "LANG": "C.UTF-8", "PATH": f"{BESIDE}{os.pathsep}{os.environ['PATH']}"}

    ran = subprocess.run(
        ["sh", "-euc", commands],
        cwd=bare.folder,
        env=clean,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )

    told = f"{ran.stdout}\n{ran.stderr}"
    assert ran.returncode == 0, told
    for words in ("`test -s greeting.txt` has not been run", "How often shall I print it?", "Hello, you there"):
        assert words in ran.stdout, told
    last = ran.stdout.rpartition("NAME\n")[2]
    ends = {name: status for status, name in re.findall(r"^\w+ +(\w+) .* (\w+)$", last, re.MULTILINE)}
    wanted = dict.fromkeys(("writer", "printer", "translator"), "completed") | {"lead": "stopped"}
    assert ends == wanted, told
