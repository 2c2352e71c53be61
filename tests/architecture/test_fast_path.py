"""An everyday call loads next to nothing: the real command is run, and its imports are read."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("maestro_cli.__main__") is None, reason="the command line is still being built"
)

HEAVY = {
    "aiohttp",
    "asyncio",
    "click",
    "dataclasses",
    "http",
    "inspect",
    "logging",
    "msgspec",
    "pathlib",
    "platformdirs",
    "psutil",
    "pydantic",
    "pydantic_settings",
    "rich",
    "textual",
    "typer",
    "uvloop",
    "watchfiles",
}
HANDFUL = {
    "maestro_cli",
    "maestro_cli.__main__",
    "maestro_cli.call",
    "maestro_cli.context",
    "maestro_cli.environment",
    "maestro_cli.failures",
    "maestro_cli.fast",
    "maestro_cli.hooks",
    "maestro_cli.output",
    "maestro_cli.reading",
    "maestro_cli.request",
    "maestro_cli.verbs",
    "maestro_cli.views",
    "maestrod",
    "maestrod.client",
    "maestrod.client.blocking",
    "maestrod.client.errors",
    "maestrod.client.jsontext",
    "maestrod.client.wire",
}
OURS = {"maestrod", "maestro_cli", "maestro_tui"}
SEEN = re.compile(r"^import time:\s+\d+ \|\s+\d+ \|\s+([\w.]+)$", re.MULTILINE)
START = "import sys; from maestro_cli.__main__ import main; sys.exit(main())"
EVERYDAY = [
    ("whoami",),
    ("status",),
    ("task", "list"),
    ("task", "list", "--json"),
    ("task", "complete", "T7"),
    ("queue", "start"),
    ("report", "progress", "half way"),
    ("session", "list"),
    ("hook", "claude", "Stop"),
]


def imported(home: Path, *python: str, **variables: str) -> set[str]:
    """The modules that a fresh interpreter loads."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("COV", "PYTHON", "MAESTRO"))}
    environment = kept | {"MAESTRO_HOME": str(home), "MAESTRO_NO_AUTOSTART": "1", "MAESTRO_TIMEOUT": "0.1"}
    outcome = subprocess.run(
        [sys.executable, "-X", "importtime", *python],
        env=environment | variables,
        cwd=home,
        input="{}",
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert "Traceback" not in outcome.stderr, outcome.stderr
    return set(SEEN.findall(outcome.stderr))


@pytest.mark.parametrize("words", EVERYDAY, ids=" ".join)
def test_an_everyday_call_imports_nothing_heavy(tmp_path: Path, words: tuple[str, ...]) -> None:
    bare = imported(tmp_path, "-c", "pass")
    loaded = imported(tmp_path, "-c", START, *words, MAESTRO_SESSION_ID="sess_1") - bare
    assert {name.partition(".")[0] for name in loaded} & HEAVY == set()


@pytest.mark.parametrize("words", EVERYDAY, ids=" ".join)
def test_an_everyday_call_imports_a_handful_of_ours(tmp_path: Path, words: tuple[str, ...]) -> None:
    loaded = imported(tmp_path, "-c", START, *words)
    ours = {name for name in loaded if name.partition(".")[0] in OURS}
    assert ours - HANDFUL == set()
