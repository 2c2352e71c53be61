"""What the page about HTTP shows is what a daemon answers."""

import fnmatch
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.daemon import daemon

PAGE = Path(__file__).parents[2] / "docs" / "api.md"
beside = pytest.mark.skipif(not PAGE.exists(), reason="the pages are not beside the tests")


def examples(text: str) -> Iterator[tuple[str, str]]:
    """Each command of the page with what it prints; … stands for anything."""
    for block in re.findall(r"^```console\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            lines = part.splitlines()
            more = sum(1 for line in lines if line.startswith("> "))
            command = "\n".join(line.removeprefix("> ") for line in lines[: more + 1])
            yield command, "\n".join(lines[more + 1 :])


def fits(said: str, shown: str) -> bool:
    """Whether what was said is what is shown."""
    pattern = "".join("*" if part == "…" else re.sub(r"([\[\]*?])", r"[\1]", part) for part in re.split("(…)", shown))
    return fnmatch.fnmatchcase(said, pattern)


@beside
@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
def test_what_the_page_shows_is_what_happens() -> None:
    found = list(examples(PAGE.read_text(encoding="utf-8")))
    assert len(found) > 8
    with daemon() as running:
        env = {"PATH": os.environ["PATH"], "MAESTRO_HOME": str(running.home)}
        for command, shown in found:
            called = ["bash", "-c", command]
            ran = subprocess.run(called, env=env, capture_output=True, text=True, timeout=60, check=False)
            assert ran.returncode == 0, (command, ran.stderr)
            assert fits(ran.stdout.rstrip("\n"), shown), (command, ran.stdout)


def test_what_is_not_shown_is_seen_to_differ() -> None:
    assert fits('[{"a":1,"b":2}]', '[{"a":…}]')
    assert not fits('[{"a":1}]', '[{"b":…}]')
    assert not fits("x", "?")
