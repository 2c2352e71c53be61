"""What ruff refuses: each ban is seen to hold."""

import json
from pathlib import Path

import pytest

from tests.architecture.house import House

HEAD = '"""Planted."""\n\n'
FAULTS = {
    "TID251 asyncio.create_task": (
        "import asyncio\n\n\nasync def planted() -> None:\n"
        '    """Start."""\n    await asyncio.create_task(asyncio.sleep(0))'
    ),
    "TID251 asyncio.ensure_future": (
        "import asyncio\n\n\nasync def planted() -> None:\n"
        '    """Start."""\n    await asyncio.ensure_future(asyncio.sleep(0))'
    ),
    "TID251 unittest.mock": "from unittest.mock import Mock\n\nplanted = Mock()",
    "TID252 relative import": "from . import planted",
    "T201 print": 'print("planted")',
    "BLE001 broad except": "try:\n    import planted\nexcept Exception:\n    planted = None",
    "S602 shell": 'import subprocess\n\nsubprocess.run("planted | sh", shell=True, check=True)',
    "D103 docstring": "def planted() -> None:\n    return None",
    "ERA001 code in a comment": "# planted = planted(1)",
    "DTZ005 naive time": "import datetime\n\nplanted = datetime.datetime.now()",
    "ASYNC251 blocking sleep": ('import time\n\n\nasync def planted() -> None:\n    """Block."""\n    time.sleep(1)'),
    "G004 eager logging": ('import logging\n\nlog = logging.getLogger(__name__)\nplanted = 1\nlog.info(f"{planted}")'),
    "FBT001 bare boolean": 'def planted(loud: bool) -> bool:\n    """Say."""\n    return loud',
    "C901 branches": "def planted(n: int) -> int:\n"
    + '    """Choose."""\n'
    + "".join(f"    if n == {n}:\n        n += {n}\n" for n in range(11))
    + "    return n",
    "E501 line": f'planted = "{"x" * 120}"',
    "F401 unused import": "import json",
}


def complaints(house: House, *paths: str) -> set[str]:
    """The codes of the rules that the files break."""
    outcome = house.walk("ruff", "check", "--no-cache", "--output-format=json", *paths)
    codes = {str(complaint["code"]) for complaint in json.loads(outcome.stdout)}
    assert bool(codes) == bool(outcome.returncode), outcome.stdout + outcome.stderr
    return codes


def test_the_house_as_it_is_passes(tmp_path: Path) -> None:
    assert complaints(House(tmp_path), ".") == set()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_banned_form_is_refused(tmp_path: Path, fault: str) -> None:
    house = House(tmp_path)
    house.plant("maestrod/planted.py", HEAD + FAULTS[fault])
    assert fault.split()[0] in complaints(house, "maestrod/planted.py")


def test_stdout_has_one_owner(tmp_path: Path) -> None:
    house = House(tmp_path)
    print_call = FAULTS["T201 print"]
    house.plant("maestro_cli/output.py", print_call)
    house.plant("maestro_cli/fast.py", print_call)
    assert "T201" not in complaints(house, "maestro_cli/output.py")
    assert "T201" in complaints(house, "maestro_cli/fast.py")


def test_code_out_of_shape_is_refused(tmp_path: Path) -> None:
    house = House(tmp_path)
    assert house.walk("ruff", "format", "--no-cache", "--check", ".").returncode == 0
    house.plant("maestrod/planted.py", "planted = {'a':1}")
    assert house.walk("ruff", "format", "--no-cache", "--check", ".").returncode == 1
