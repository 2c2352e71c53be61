"""Who may import whom: each contract is seen broken by the fault that it is there for."""

import re
from pathlib import Path

import pytest

from tests.architecture.house import House

pytestmark = pytest.mark.xdist_group("architecture-imports")

PLANTS = [
    # programs
    ("maestro_cli/planted.py", "import maestro_tui.app", "1"),
    ("maestro_tui/planted.py", "import maestro_cli.verbs", "1"),
    ("maestrod/domain/planted.py", "import maestro_cli.verbs", "1"),
    # rooms
    ("maestrod/domain/planted.py", "import maestrod.engine", "2"),
    ("maestrod/store/planted.py", "import maestrod.engine", "2"),
    ("maestrod/engine/planted.py", "def late() -> None:\n    import maestrod.api", "2"),
    ("maestrod/providers/planted.py", "import maestrod.prompts", "2"),
    ("maestrod/attic.py", "", "2"),
    # purity
    ("maestrod/domain/planted.py", "import asyncio", "3 rules"),
    ("maestrod/domain/planted.py", "import os", "3 rules"),
    ("maestrod/domain/planted.py", "import time", "3 rules"),
    ("maestrod/domain/planted.py", "from pathlib import Path", "3 rules"),
    ("maestrod/domain/planted.py", "import random", "3 rules"),
    ("maestrod/domain/planted.py", "import logging", "3 rules"),
    ("maestrod/domain/planted.py", "import subprocess", "3 rules"),
    ("maestrod/domain/planted.py", "import pydantic", "3 rules"),
    ("maestrod/providers/planted.py", "import subprocess", "3 what"),
    ("maestrod/prompts/planted.py", "import time", "3 what"),
    ("maestro_tui/view/planted.py", "import asyncio", "3 what"),
    # doors
    ("maestro_cli/planted.py", "import maestrod.engine", "4"),
    ("maestro_tui/planted.py", "import maestrod.store", "4"),
    ("maestro_cli/planted.py", "import maestrod.tmux", "4"),
    # libraries
    ("maestrod/api/planted.py", "import textual", "5 Textual"),
    ("maestro_cli/planted.py", "import textual.app", "5 Textual"),
    ("maestro_tui/view/planted.py", "from textual.widget import Widget", "5 Textual"),
    ("maestrod/store/planted.py", "import aiohttp", "5 no HTTP"),
    ("maestrod/protocol/planted.py", "import aiohttp.web", "5 no HTTP"),
    ("maestrod/client/blocking.py", "import aiohttp", "5 no HTTP"),
    ("maestrod/api/planted.py", "import pydantic", "5 pydantic"),
    # the fast path
    ("maestro_cli/verbs.py", "import msgspec", "6 the fast"),
    ("maestro_cli/fast.py", "import typer", "6 the fast"),
    ("maestro_cli/hooks.py", "import asyncio", "6 the fast"),
    ("maestro_cli/__main__.py", "import dataclasses", "6 the fast"),
    ("maestrod/client/blocking.py", "import logging", "6 the fast"),
    ("maestrod/client/blocking.py", "def late() -> None:\n    import maestrod.protocol.codec", "6 the fast"),
    ("maestro_cli/fake/planted.py", "import msgspec", "6 what runs"),
    ("maestro_cli/supervisor.py", "import psutil", "6 what runs"),
]


def broken(house: House) -> list[str]:
    """The names of the contracts that do not hold."""
    outcome = house.walk("lint-imports")
    names = re.findall(r"^(.+) BROKEN\b", outcome.stdout, re.MULTILINE)
    assert bool(names) == bool(outcome.returncode), outcome.stdout + outcome.stderr
    return names


def test_every_contract_holds_in_the_house_as_it_is(tmp_path: Path) -> None:
    assert broken(House(tmp_path)) == []


def module(number: int) -> str:
    """The module with the plant of this number; a new one has the number in its name."""
    place, _, _ = PLANTS[number]
    return place.removesuffix(".py").replace("/", ".").replace("planted", f"planted_{number}")


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What is said of each broken contract when every fault is planted at once."""
    house = House(tmp_path_factory.mktemp("house"))
    for number, (_, fault, _) in enumerate(PLANTS):
        house.plant(f"{module(number).replace('.', '/')}.py", fault)
    told = house.walk("lint-imports").stdout
    _, *parts = re.split(r"^(\d .+)\n-+$", told.partition("Broken contracts")[2], flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True))


@pytest.mark.parametrize("number", range(len(PLANTS)), ids=lambda number: "-".join(PLANTS[number]))
def test_an_import_against_the_arrows_is_refused(reports: dict[str, str], number: int) -> None:
    _, fault, contract = PLANTS[number]
    [report] = [text for name, text in reports.items() if name.startswith(contract)]
    wanted = re.search(r"(?:import|from) (maestr[\w.]+|\w+)", fault)
    link = f"{module(number)} -> {wanted.group(1)}" if wanted is not None else f"- {module(number)}\n"
    assert link in report


def test_two_modules_in_a_circle_are_refused(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.plant("maestrod/store/hen.py", "import maestrod.store.egg")
    house.plant("maestrod/store/egg.py", "import maestrod.store.hen")
    assert broken(house) == ["7 no circles"]
