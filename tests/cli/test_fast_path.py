"""Everyday calls of the installed command load next to nothing, whatever they are answered."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.program import Maestro
from tests.cli.raw_server import RawServer, ok
from tests.support.daemon import Daemon

FORBIDDEN = {
    "aiohttp",
    "asyncio",
    "click",
    "collections.abc",
    "dataclasses",
    "enum",
    "functools",
    "http",
    "inspect",
    "json",
    "logging",
    "msgspec",
    "pathlib",
    "platformdirs",
    "psutil",
    "pydantic",
    "re",
    "rich",
    "signal",
    "socket",
    "ssl",
    "subprocess",
    "tempfile",
    "textual",
    "typer",
    "typing",
    "urllib",
}
SCRIPT = Path(sys.executable).with_name("maestro")
SEEN = re.compile(r"^import time:\s+\d+ \|\s+\d+ \|\s+([\w.]+)$", re.MULTILINE)

EVERYDAY = [
    ("whoami",),
    ("status",),
    ("task", "list"),
    ("task", "list", "--json"),
    ("task", "get", "first"),
    ("task", "create", "Another", "--priority", "high", "--json"),
    ("task", "start", "first"),
    ("task", "complete", "first", "--note", "done"),
    ("task", "report", "progress", "first", "half way"),
    ("report", "progress", "half way", "--task", "first"),
    ("subtask", "create", "first", "step"),
    ("queue", "status"),
    ("queue", "start"),
    ("session", "list"),
    ("session", "info"),
]


def loaded(maestro: Maestro, words: tuple[str, ...], **env: str) -> set[str]:
    """The modules that the installed script loads."""
    environment = {name: value for name, value in maestro.env.items() if not name.startswith(("COV", "PYTHON"))} | env
    ran = subprocess.run(
        [sys.executable, "-X", "importtime", str(SCRIPT), *words],
        env=environment,
        cwd=maestro.cwd,
        input="{}",
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    return set(SEEN.findall(ran.stderr))


def before_us() -> set[str]:
    """What the interpreter loads before the first line of ours."""
    ran = subprocess.run([sys.executable, "-X", "importtime", "-c", "pass"], capture_output=True, text=True, check=True)
    return set(SEEN.findall(ran.stderr))


@pytest.fixture
def working(maestro: Maestro, served: Daemon) -> tuple[Maestro, str]:
    """A project with a task and a queue session."""
    task = maestro.id("task", "create", "First")
    spawned = maestro.ok("session", "spawn", "--task", task, "--strategy", "queue", "--no-launch")
    assert isinstance(spawned, dict)
    return maestro, str(spawned["session"]["id"])


@pytest.mark.skipif(not SCRIPT.exists(), reason="the command is not installed beside this interpreter")
@pytest.mark.parametrize("words", EVERYDAY, ids=" ".join)
def test_an_everyday_call_loads_next_to_nothing(working: tuple[Maestro, str], words: tuple[str, ...]) -> None:
    maestro, session = working
    found = loaded(maestro, words, MAESTRO_SESSION_ID=session) - before_us()
    assert {name for name in found if name in FORBIDDEN or name.partition(".")[0] in FORBIDDEN} == set()


@pytest.mark.skipif(not SCRIPT.exists(), reason="the command is not installed beside this interpreter")
def test_a_hook_loads_even_less(alone: Maestro) -> None:
    (alone.home / "run").mkdir()
    with RawServer(alone.home / "run" / "maestrod.sock", [ok(b"{}")]):
        found = loaded(alone, ("hook", "claude", "Stop"), MAESTRO_SESSION_ID="sess_1") - before_us()
    assert {name for name in found if name in FORBIDDEN or name.partition(".")[0] in FORBIDDEN} == set()
    assert "maestro_cli.verbs" not in found


@pytest.mark.skipif(not SCRIPT.exists(), reason="the command is not installed beside this interpreter")
def test_the_script_is_the_one_of_this_interpreter() -> None:
    head = SCRIPT.read_text(encoding="utf-8").splitlines()[0]
    assert os.path.realpath(head.removeprefix("#!")) == os.path.realpath(shutil.which(sys.executable) or "")
