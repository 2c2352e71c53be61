"""What mypy refuses, on a package as small as can be and with the project's own configuration."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.house import CHECKOUT, tool

SOUND = '''
"""Sound."""

import enum


class Light(enum.Enum):
    """Two ways."""

    RED = "red"
    GREEN = "green"


def go(light: Light) -> bool:
    """Whether to go."""
    match light:
        case Light.RED:
            return False
        case Light.GREEN:
            return True


async def wait() -> int:
    """Wait."""
    return 1


class Base:
    """Has a name."""

    def name(self) -> str:
        """Its name."""
        return "base"
'''

FAULTS = {
    "exhaustive-match": (
        "def stop(light: Light) -> None:\n    match light:\n        case Light.RED:\n            print(light)"
    ),
    "arg-type": "go('red')",
    "return-value": "def three() -> str:\n    return 3",
    "no-untyped-def": "def bare(light):\n    return light",
    "unused-coroutine": "async def forget() -> None:\n    wait()",
    "unused-awaitable": "import asyncio\n\n\nasync def drop(f: 'asyncio.Future[int]') -> None:\n    f",
    "ignore-without-code": "go(1)  # type: ignore",
    "possibly-undefined": "def maybe(n: int) -> int:\n    if n:\n        found = n\n    return found",
    "truthy-bool": "def always(base: Base) -> int:\n    if base:\n        return 1\n    return 2",
    "redundant-expr": "def doubled(n: int) -> bool:\n    return isinstance(n, int) and n > 1",
    "type-arg": "def counts(numbers: dict) -> int:\n    return len(numbers)",
}


def check(folder: Path, *files: str) -> subprocess.CompletedProcess[str]:
    """Run mypy on the files with the project's configuration."""
    shutil.copy(CHECKOUT / "pyproject.toml", folder)
    command = [sys.executable, *tool("mypy"), "--cache-dir", str(folder / "cache"), *files]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=55, check=False)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """The codes found in each file; one run for all of them."""
    folder = tmp_path_factory.mktemp("types")
    (folder / "sound.py").write_text(SOUND, encoding="utf-8")
    for number, fault in enumerate(FAULTS.values()):
        head = "from sound import Base, Light, go, wait\n\n\n"
        (folder / f"fault_{number}.py").write_text(f"{head}{fault}\n", encoding="utf-8")
    names = [f"fault_{number}" for number in range(len(FAULTS))]
    outcome = check(folder, "sound.py", *(f"{name}.py" for name in names))
    assert outcome.returncode == 1, outcome.stdout + outcome.stderr
    codes: dict[str, set[str]] = {}
    for name, code in re.findall(r"^(\w+)\.py:\d+: error: .*\[([\w-]+)\]$", outcome.stdout, re.MULTILINE):
        codes.setdefault(name, set()).add(code)
    return codes


@pytest.mark.xdist_group("mypy")
def test_sound_code_passes(found: dict[str, set[str]]) -> None:
    assert "sound" not in found


@pytest.mark.xdist_group("mypy")
@pytest.mark.parametrize("code", FAULTS)
def test_a_hole_in_the_types_is_refused(found: dict[str, set[str]], code: str) -> None:
    assert code in found[f"fault_{list(FAULTS).index(code)}"]


@pytest.mark.xdist_group("mypy")
def test_mypy_is_content_with_sound_code_alone(tmp_path: Path) -> None:
    (tmp_path / "sound.py").write_text(SOUND, encoding="utf-8")
    outcome = check(tmp_path, "sound.py")
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
